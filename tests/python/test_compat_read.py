"""`tomoset.compat.starfile.read` beside the package starfile: the same values, types, names and errors."""

from __future__ import annotations

import gzip
import inspect
import math
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import starfile
from hypothesis import given
from hypothesis import strategies as st
from starfile_twins import CLOSE, attempt, difference, theirs
from tomoset.compat import starfile as ours
from tomoset.compat.starfile import StarfileWarning, careful, fast
from tomoset.compat.starfile.parser import StarParser

DATA = Path(__file__).parent.parent / "data"
REAL = Path(__file__).parents[3] / "shared" / "real"
#: The parser of pandas 2 ends the process on these.
FATAL = {"integer_exponent.star"} if pd.__version__ < "3" else set()
#: The package takes seconds for these.
SLOW = {"label_many_times.star", "many_labels.star"}
FILES = [path for path in sorted(DATA.rglob("*.star")) if path.name not in FATAL | SLOW]
REAL_FILES = sorted(REAL.rglob("*.star"))

#: Files of tests/data that are read otherwise, by their number in docs/starfile.md.
OTHERWISE = {
    1: "list_string_11 list_string_15 loop_unknown_labels"
    " quoted_other_kind quoted_apostrophe quote_closed_by_the_other quote_triple quote_in_words"
    " quote_rows_of_quotes quote_lone cut_in_single_quote",
    2: "hash_inside_token hash_everywhere row_of_hashes",
    3: "latin1_bytes cut_in_utf8_block_name cut_in_utf8_value cut_in_utf8_label text_latin1 text_latin1_block_name"
    " label_latin1 text_overlong_utf8 bytes_in_a_quote bytes_as_values bytes_scrambled_among_rows",
    5: "empty_block_last empty_block_then_block many_empty_blocks keyword_empty_blocks cut_after_data_ cut_in_loop"
    " cut_in_comment keyword_empty_block_then_list rows_without_loop",
    6: "zero_rows_then_block_1",
    7: "loop_and_list list_and_loop two_loops many_loops keyword_list_and_loops keyword_loop_after_rows"
    " keyword_loop_twice block_name_prefix keyword_data_within_word mark_before_second_block"
    " semicolon_comments_indented rows_none_twice",
    8: "label_blank_lines_between label_same_header_then_more label_same_header_cr_then_more",
    9: "list_multiline_semicolon rows_wrapped rows_wrapped_with_comments semicolon_field_with_keywords"
    " semicolon_field_of_one_label semicolon_field_crlf many_labels_wrapped semicolon_field_in_list"
    " semicolon_field_for_number semicolon_field_nested semicolon_field_second other_nmr_star",
    10: "keyword_value_rows keyword_data_row keyword_data_after_blank_in_one_label keyword_data_name_then_label",
    11: "keyword_list_indented_in_part",
    13: "cr_only line_ends_cr line_ends_cr_cr_lf line_ends_lf_cr line_ends_cr_in_quotes line_ends_cr_among_rows",
    14: "gz_ zst_",
    18: "mark_in_value",
}


def number_of(path: Path) -> int | None:
    for number, names in OTHERWISE.items():
        for name in names.split():
            if path.stem == name or (name.endswith("_") and path.name.startswith(name)):
                return number
    return None


@pytest.fixture(autouse=True)
def _quiet() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", StarfileWarning)
        yield


def read(path: Path, **options: Any) -> Any:
    return attempt(ours.read, path, always_dict=True, **options)


@pytest.mark.parametrize("exact", [True, False])
def test_files_of_all_kinds(exact: bool) -> None:
    wrong = {}
    for path in FILES:
        other = theirs(path)
        different = difference(read(path, exact=exact), other, close=0 if exact else CLOSE)
        if different and (exact or number_of(path) is None):
            wrong[path.name] = different
    assert len(FILES) > 500
    assert wrong == {}


def test_files_that_are_read_otherwise_are_not_corrupted() -> None:
    same = {
        path.name
        for path in FILES
        if number_of(path) not in {None, 14} and not difference(read(path), theirs(path), close=CLOSE)
    }
    assert same == set()


def test_the_core_and_the_lines_agree() -> None:
    """Whether a file is read by the core or line by line is not to be seen."""
    wrong, seen = {}, 0
    for path in FILES:
        quick = attempt(fast.read, path, None, frozenset())
        if quick is None or number_of(path) in {9, 14, 18}:
            continue
        seen += 1
        if different := difference(attempt(careful.read, path, None, frozenset()), quick):
            wrong[path.name] = different
    assert seen > 200
    assert wrong == {}


@pytest.mark.skipif(not REAL_FILES, reason=f"there are no real files in {REAL}")
def test_real_files_are_the_same() -> None:
    for path in REAL_FILES:
        other = theirs(path)
        assert difference(read(path), other, close=CLOSE) is None, path
        assert fast.read(path, None, frozenset()) is not None, path


ODD_WORDS = """
nan NaN <NA> NA None null "" True False TRUE inf -inf Infinity NAN 1e400 001 -0 +5 1_000 0x10 1,000 1d5 .5 5. "5"
18446744073709551615 9223372036854775808 -9223372036854775808 x# 1e5 1E-3 - + . e5 2024-01-01 [1,0] data_x _x
"""
WORDS = st.one_of(
    st.sampled_from(['" 5"', '"a b"', '" "', *ODD_WORDS.split()]),
    st.integers(-(10**20), 10**20).map(str),
    st.floats(-1e6, 1e6).map("{:.6f}".format),
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.text("abcXYZ0123456789.-_/@:", min_size=1, max_size=12),
)


@st.composite
def loops(draw: st.DrawFn) -> str:
    columns = draw(st.integers(1, 4))
    rows = draw(st.integers(1, 6))
    few = [draw(st.lists(WORDS, min_size=1, max_size=2)) for _ in range(columns)]
    lines = [f"_c{number} #{number + 1}" for number in range(columns)]
    for _ in range(rows):
        words = [draw(st.sampled_from(few[column])) for column in range(columns)]
        lines.append(draw(st.sampled_from(["  ", "\t", " "])).join(words) + draw(st.sampled_from(["", " "])))
    return "data_x\n\nloop_\n" + "\n".join(lines) + "\n"


@given(loops())
def test_columns_of_any_words_have_the_same_types(
    tmp_path_factory: pytest.TempPathFactory, text: str
) -> None:
    path = tmp_path_factory.getbasetemp() / "words.star"
    path.write_text(text)
    other = theirs(path)
    assert difference(read(path, exact=True), other) is None
    rows = text.split("\n")[3:]
    begin = ("#", "data_", "_", "x#")
    odd = any(word.startswith(begin) for row in rows for word in row.split() if not row.startswith("_c"))
    if not odd:
        assert difference(read(path), other, close=CLOSE) is None
        labels = ["c0", "c1"]
        assert (
            difference(read(path, parse_as_string=labels), theirs(path, parse_as_string=labels), close=CLOSE)
            is None
        )


@given(st.dictionaries(st.text("abcXYZ01", min_size=1), WORDS, min_size=1))
def test_lists_of_any_words_are_the_same(
    tmp_path_factory: pytest.TempPathFactory, values: dict[str, str]
) -> None:
    path = tmp_path_factory.getbasetemp() / "list.star"
    path.write_text("data_x\n\n" + "".join(f"_{label} {word}\n" for label, word in values.items()))
    assert difference(read(path), theirs(path)) is None


def test_signatures_are_those_of_the_package() -> None:
    for name in ("read", "write", "to_string"):
        theirs_, ours_ = (inspect.signature(getattr(m, name)).parameters for m in (starfile, ours))
        known = {key: value.default for key, value in ours_.items() if key != "exact"}
        assert known == {key: value.default for key, value in theirs_.items()}
        assert [key for key in ours_ if key != "exact"] == list(theirs_)


def text_file(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


TWO = "data_x\n\n_a 1\n\ndata_y\n\nloop_\n_b #1\n1\n2\n\ndata_x\n\n_a 2\n"


@pytest.mark.parametrize("limit", [None, 0, 1, 2, 3, -1])
@pytest.mark.parametrize("always_dict", [True, False, 1])
def test_blocks_that_are_asked_for(tmp_path: Path, limit: int | None, always_dict: bool) -> None:
    path = text_file(tmp_path / "x.star", TWO)
    for exact in (True, False):
        found = ours.read(path, limit, always_dict, exact=exact)
        assert difference(found, starfile.read(path, limit, always_dict)) is None


def test_blocks_below_those_asked_for_may_be_broken(tmp_path: Path) -> None:
    path = text_file(tmp_path / "x.star", "data_x\n\n_a 1\n\ndata_y\n\nloop_\n_b #1\n1\n2 3\n")
    assert ours.read(path, 1) == {"a": 1} == starfile.read(path, 1)


@pytest.mark.parametrize("what", [b"x.star", 5, None, "missing.star", "."])
def test_what_is_no_file(what: Any) -> None:
    with pytest.raises(Exception) as other:
        starfile.read(what)
    with pytest.raises(type(other.value)) as own:
        ours.read(what)
    assert str(own.value) == str(other.value)


def test_results_are_plain_and_writable(tmp_path: Path) -> None:
    path = text_file(tmp_path / "x.star", "data_x\n\nloop_\n_i\n_f\n_t\n1 1.5 a\n2 2.5 nan\n")
    frame: Any = ours.read(path)
    assert (type(frame), frame.name) == (pd.DataFrame, "x")
    for index, value in enumerate([7, 7.5, "b"]):
        frame.iloc[0, index] = value
    frame.loc[1, "f"] *= 2
    assert frame.iloc[0].tolist() == [7, 7.5, "b"]
    assert frame.loc[1, "f"] == 5
    assert isinstance(frame.loc[1, "t"], float)
    assert type(ours.read(path, always_dict=True)) is dict
    again = ours.read(path)
    assert again.iloc[0].tolist() == [1, 1.5, "a"]


def test_large_tables_are_writable_and_in_order(tmp_path: Path) -> None:
    path = text_file(tmp_path / "x.star", "data_x\nloop_\n_a\n_b\n_c\n_d\n" + "1 x 2.5 3\n" * 400_000)
    frame: Any = ours.read(path)
    assert difference(frame, starfile.read(path)) is None
    frame.loc[0, "a"] = 5
    frame.loc[0, "c"] = 0.5
    assert frame.iloc[:2].values.tolist() == [[5, "x", 0.5, 3], [1, "x", 2.5, 3]]


def test_one_type_for_long_columns_whatever_comes_last(tmp_path: Path) -> None:
    """Long loops are begun with the types that their first rows have."""
    blanks = " " * 1000
    for last, kinds in {"1 1.5": "if", "1.0 1": "ff", "nan nan": "ff", "x y": "OO", "'' inf": "ff"}.items():
        rows = [f"1 1.5{blanks}"] * 6_000
        path = text_file(tmp_path / "x.star", "\n".join(["data_x\nloop_\n_a\n_b", *rows, last, ""]))
        frame = ours.read(path)
        assert ["O" if is_text(kind) else kind.kind for kind in frame.dtypes] == list(kinds)
        assert frame.iloc[:2, 0].tolist() == (["1", "1"] if kinds[0] == "O" else [1, 1])


def is_text(kind: Any) -> bool:
    return kind == "object" or str(kind) == "str"


def test_a_file_is_read_as_it_is_now(tmp_path: Path) -> None:
    path = text_file(tmp_path / "x.star", "data_x\n\nloop_\n_a\n1\n2 3\n")
    with pytest.raises(pd.errors.ParserError, match="Expected 1 fields in line 2, saw 2") as raised:
        ours.read(path)
    assert raised.value.__notes__ == [f"{path}: in the loop of block 'x', below line 3"]
    text_file(path, "data_x\n\nloop_\n_a\n1\n2\n")
    assert ours.read(path)["a"].tolist() == [1, 2]


def test_what_is_passed_over_is_told(tmp_path: Path) -> None:
    path = text_file(tmp_path / "x.star", "data_x\n\nloop_\n_a\n_b\n1 2\n3\n\nloop_\n_c\n4\n")
    with pytest.warns(StarfileWarning) as told:
        frame = ours.read(path)
    assert math.isnan(frame.loc[1, "b"])
    assert [str(warning.message) for warning in told] == [
        f"{path}:7: the row has 1 of 2 values, the others are made up",
        f"{path}: block 'x' holds several tables, of which the first is read",
    ]
    assert {warning.filename for warning in told} == {__file__}


def test_errors_of_lists_say_where(tmp_path: Path) -> None:
    path = text_file(tmp_path / "x.star", "data_x\n\n_a 1\n_b\n")
    with pytest.raises(ValueError, match=r"x\.star:4: expected a label and one value, found 1 words: '_b'"):
        ours.read(path)


def test_compressed_files(tmp_path: Path) -> None:
    for text in (TWO, "data_x\n\nloop_\n_a\n_a\n1 2\n"):
        path = text_file(tmp_path / "x.star", text)
        packed = tmp_path / "x.star.gz"
        packed.write_bytes(gzip.compress(text.encode()))
        assert difference(read(packed), read(path)) is None


def test_parser_object(tmp_path: Path) -> None:
    path = text_file(tmp_path / "x.star", TWO)
    parser = StarParser(path, n_blocks_to_read=2, parse_as_string=["a"])
    other = starfile.parser.StarParser(path, n_blocks_to_read=2, parse_as_string=["a"])
    assert difference(parser.data_blocks, other.data_blocks) is None
    assert (parser.n_lines_in_file, parser.filename) == (other.n_lines_in_file, other.filename)


@pytest.mark.parametrize("labels", [["a"], "a", ("a",)])
def test_labels_that_stay_text(tmp_path: Path, labels: Any) -> None:
    path = text_file(tmp_path / "x.star", "data_x\n\nloop_\n_a\n_b\n001 1\nnan 2\n")
    frame = ours.read(path, parse_as_string=labels)
    assert difference(frame, starfile.read(path, parse_as_string=["a"])) is None
    assert ours.read(path, parse_as_string=None)["a"].iloc[0] == 1  # type: ignore[arg-type]


def test_pandas_is_loaded_for_tables_only(tmp_path: Path) -> None:
    path = text_file(tmp_path / "x.star", "data_x\n\n_a 1\n")
    code = f"""
import sys
import tomoset.compat.starfile as starfile
import tomoset.compat.starfile.typing, tomoset.compat.starfile.utils
tomoset.compat.install()
assert starfile.read({str(path)!r}) == {{"a": 1}}
starfile.write({{"a": 2}}, {str(path)!r})
assert "pandas" not in sys.modules
from starfile.typing import DataBlock
assert "pandas" in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True)
    assert ours.read(path) == {"a": 2}
