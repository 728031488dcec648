"""What must hold for every text: nothing crashes, all ways agree, and what was written is read."""

from __future__ import annotations

import copy
import io
import math
import pickle
import re
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import starfile
import tomoset
from hypothesis import example, given, settings
from hypothesis import strategies as st
from star_texts import ANY_BYTES, FLOATS, INTS, Text, texts
from tomoset import exceptions

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SETS = Path(__file__).parents[1] / "data" / "oracle" / "geometry"

pytestmark = pytest.mark.usefixtures("no_hang")

STRINGS: tuple[Literal["large_string", "view", "dictionary"], ...] = ("large_string", "view", "dictionary")


def tables(block: tomoset.StarBlock) -> list[pa.Table]:
    return [part.table for part in block._parts]


def contents(block: tomoset.StarBlock) -> list[tuple[list[str], int, str]]:
    """Give a block's tables in a form that compares, NaN with NaN too."""
    return [
        (t.column_names, t.num_rows, repr([column.to_pylist() for column in t.columns]))
        for t in tables(block)
    ]


def everything(star: tomoset.StarFile) -> tuple[Any, ...]:
    blocks = [(block.name, block.version, contents(block)) for block in star.blocks]
    types = [[str(table.schema.types) for table in tables(block)] for block in star.blocks]
    return blocks, types, star.diagnostics


def outcome(read: Callable[[], tomoset.StarFile]) -> Any:
    try:
        return everything(read())
    except (tomoset.StarSyntaxError, tomoset.StarTypeError) as error:
        return type(error), str(error), error.offset


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("texts") / "text.star"


# Any bytes.


def is_packed(data: bytes) -> bool:
    return data.startswith((b"\x1f\x8b", b"\x28\xb5\x2f\xfd"))


@settings(max_examples=250)
@given(ANY_BYTES.filter(lambda data: not is_packed(data)))
def test_any_bytes_are_read_or_refused_alike(scratch: Path, data: bytes) -> None:
    scratch.write_bytes(data)
    strict = outcome(lambda: tomoset.read_star(data))
    assert outcome(lambda: tomoset.read_star(scratch)) == (
        strict
        if isinstance(strict[0], list)
        else (strict[0], strict[1].replace("<memory>", str(scratch)), strict[2])
    )
    star = tomoset.read_star(data, on_error="collect")
    if isinstance(strict[0], list):
        assert everything(star) == strict
    else:
        codes = {found.code for found in star.diagnostics}
        assert any(code[1] == "2" for code in codes) or "V107" in codes


@settings(max_examples=250)
@given(ANY_BYTES.filter(lambda data: not is_packed(data)))
def test_outline_and_values_agree(scratch: Path, data: bytes) -> None:
    scratch.write_bytes(data)
    star = tomoset.read_star(data, on_error="collect")
    for source in (data, scratch):
        outline = tomoset.scan_star(source, on_error="collect")
        assert [block.name for block in outline.blocks] == [block.name for block in star.blocks]
        for index, (block, read) in enumerate(zip(outline.blocks, star.blocks, strict=True)):
            assert [(t.is_list, t.num_rows, len(t.labels)) for t in block.tables] == [
                (part.is_list, part.num_rows, len(part.labels)) for part in read._parts
            ]
            assert contents(outline.read(index, on_error="collect")) == contents(read)


@settings(max_examples=120)
@given(
    st.one_of(
        st.binary(max_size=60).map(b"\x1f\x8b".__add__),
        st.binary(max_size=60).map(b"\x28\xb5\x2f\xfd".__add__),
    )
)
def test_what_looks_packed_is_refused(data: bytes) -> None:
    try:
        tomoset.read_star(data, on_error="collect")
    except OSError as error:
        assert re.search("cut short or damaged", str(error))


ROW = b"x" * 500 + b" 300 "
PLAIN = (ROW + b"1\n") * (2_100_000 // (len(ROW) + 2))


@settings(max_examples=30)
@given(ANY_BYTES, ANY_BYTES, st.integers(0, 40))
@example(b"\n", b"1 2\n", 0)
@example(b"'x y' 2 3\n", b"; 2 3\n", 3)
def test_threads_change_nothing(first: bytes, second: bytes, shift: int) -> None:
    """Oddities right at the borders between the pieces that threads share."""
    head = b"data_a\n\nloop_\n_rlnTomoName #1\n_rlnVoltage #2\n_rlnOpticsGroup #3\n"
    end = (2 << 20) - shift - len(head)
    fit = PLAIN[: end - end % (len(ROW) + 2)]
    pad = b"y" * (end - len(fit) - 5) + b" 1 1\n"
    text = head + fit + pad + first + b"\n" + PLAIN + second + b"\n" + PLAIN

    def read(threads: int, on_error: Literal["raise", "collect"]) -> Any:
        return outcome(lambda: tomoset.read_star(text, on_error=on_error, threads=threads))

    assert read(1, "collect") == read(2, "collect") == read(7, "collect")
    assert read(1, "raise") == read(7, "raise")


def test_counts_do_not_depend_on_threads() -> None:
    """A column that is given up for one value, in pieces that one thread and many do not cut alike."""
    rows = b"TS_1 nan\n" * 250_000
    text = b"data_a\n\nloop_\n_rlnTomoName #1\n_rlnVoltage #2\n" + rows + b"TS_1 x\n" + rows
    found = [
        tomoset.read_star(text, on_error="collect", threads=threads).diagnostics for threads in (1, 2, 7)
    ]
    assert found[0] == found[1] == found[2]


# Well-formed texts.


@settings(max_examples=150)
@given(texts())
def test_what_was_written_is_read(text: Text) -> None:
    star = tomoset.read_star(text.text, dtypes=text.dtypes)
    assert list(star) == [block.name for block in text.blocks]
    for block, read in zip(text.blocks, star.blocks, strict=True):
        assert [part.is_list for part in read._parts] == [table.is_list for table in block.tables]
        for table, found in zip(block.tables, tables(read), strict=True):
            assert (found.column_names, found.num_rows) == (
                [column.label for column in table.columns],
                table.num_rows,
            )
            assert repr(found.to_pydict()) == repr(table.to_pydict())
        for table in block.tables:
            if table.is_list:
                assert repr(read.values) == repr(
                    {label: values[0] for label, values in table.to_pydict().items()}
                )
    assert not [found for found in star.diagnostics if found.code[1] == "2"]


@settings(max_examples=60)
@given(texts(), st.data())
def test_columns_are_those_of_the_whole(text: Text, data: st.DataObject) -> None:
    whole = tomoset.read_star(text.text, dtypes=text.dtypes)
    labels = [label for block in whole.blocks for label in block.labels]
    wanted = data.draw(st.lists(st.sampled_from(labels), unique=True, max_size=4))
    part = tomoset.read_star(text.text, dtypes=text.dtypes, columns=wanted)
    assert list(part) == list(whole)
    for block, full in zip(part.blocks, whole.blocks, strict=True):
        assert block.num_rows == full.num_rows
        for some, all_ in zip(tables(block), tables(full), strict=True):
            assert some.equals(
                all_.select([label for label in wanted if label in all_.column_names]), check_metadata=True
            )


@settings(max_examples=60)
@given(texts(), st.data())
def test_blocks_are_those_of_the_whole(text: Text, data: st.DataObject) -> None:
    whole = tomoset.read_star(text.text, dtypes=text.dtypes)
    wanted = data.draw(st.lists(st.sampled_from(list(whole)), unique=True))
    part = tomoset.read_star(text.text, dtypes=text.dtypes, blocks=wanted)
    assert list(part) == [name for name in whole if name in wanted]
    assert [contents(part[name]) for name in part] == [contents(whole[name]) for name in part]


@settings(max_examples=60)
@given(texts())
def test_layouts_of_text_hold_the_same(text: Text) -> None:
    found = [tomoset.read_star(text.text, dtypes=text.dtypes, strings=strings) for strings in STRINGS]
    assert [[contents(block) for block in star.blocks] for star in found[1:]] == [
        [contents(block) for block in found[0].blocks]
    ] * 2
    types = {
        pa.large_string(): [pa.large_string(), pa.string_view(), pa.dictionary(pa.int32(), pa.large_string())]
    }
    for block, *others in zip(*(star.blocks for star in found), strict=True):
        for index, table in enumerate(tables(block)):
            for place, other in enumerate(others, 1):
                assert tables(other)[index].schema.types == [
                    types.get(kind, [kind] * 3)[place] for kind in table.schema.types
                ]


@settings(max_examples=60)
@given(texts(), st.sampled_from([1, 2, 3, 1000]))
def test_streams_hold_the_same(scratch: Path, text: Text, batch_rows: int) -> None:
    scratch.write_bytes(text.text)
    star = tomoset.read_star(scratch, dtypes=text.dtypes)
    for name, table in text.loops:
        batches = tomoset.iter_star(scratch, name, batch_rows=batch_rows, dtypes=text.dtypes)
        assert batches.schema.equals(star[name].loops[0].schema, check_metadata=True)
        found = list(batches)
        assert all(0 < batch.num_rows <= batch_rows for batch in found)
        assert sum(batch.num_rows for batch in found) == table.num_rows
        assert pa.Table.from_batches(found, batches.schema).equals(star[name].loops[0])
        label = table.columns[-1].label
        assert (
            tomoset.iter_star(scratch, name, [label], dtypes=text.dtypes)
            .read_all()
            .equals(star[name].loops[0].select([label]))
        )


@settings(max_examples=60)
@given(texts())
def test_outlines_say_the_same(scratch: Path, text: Text) -> None:
    scratch.write_bytes(text.text)
    star = tomoset.read_star(scratch, dtypes=text.dtypes)
    for source in (scratch, text.text):
        outline = tomoset.scan_star(source)
        assert list(outline) == list(star)
        for name, block in outline.items():
            assert (block.labels, block.num_rows) == (star[name].labels, star[name].num_rows)
            assert text.text[block.start :].lstrip(b" \t").startswith(b"data_")
            assert (
                block.start
                <= min(t.start for t in block.tables)
                <= max(t.end for t in block.tables)
                <= block.end
            )
            assert contents(outline.read(name, dtypes=text.dtypes)) == contents(star[name])
        ends = [(block.start, block.end) for block in outline.blocks]
        assert all(end == start for (_, end), (start, _) in pairwise(ends))


@settings(max_examples=60)
@given(
    texts(),
    st.sampled_from(
        [copy.copy, copy.deepcopy, *(f"pickle {n}" for n in range(2, pickle.HIGHEST_PROTOCOL + 1))]
    ),
)
def test_copies_hold_the_same(text: Text, way: Any) -> None:
    def copied(thing: Any) -> Any:
        return pickle.loads(pickle.dumps(thing, int(way[-1]))) if isinstance(way, str) else way(thing)

    star = tomoset.read_star(text.text, dtypes=text.dtypes)
    again = copied(star)
    assert isinstance(again, tomoset.StarFile)
    assert (everything(again), again.path, list(again), len(again)) == (
        everything(star),
        star.path,
        list(star),
        len(star),
    )
    assert repr(again) == repr(star)
    for block in star.blocks:
        other = copied(block)
        assert (other.name, other.version, other.num_rows, other.labels) == (
            block.name,
            block.version,
            block.num_rows,
            block.labels,
        )
        assert contents(other) == contents(block)
        for one, two in zip(tables(other), tables(block), strict=True):
            assert one.schema.equals(two.schema, check_metadata=True)
    assert copied(star.diagnostics) == star.diagnostics


def test_a_block_alone_is_pickled_alone() -> None:
    big = b"data_a\n\nloop_\n_x\n" + b"12345678\n" * 20_000 + b"\ndata_b\n\nloop_\n_y\n1\n"
    star = tomoset.read_star(big)
    assert len(pickle.dumps(star["b"])) < 5_000
    # Blocks with one header share their memory, which must not travel with each.
    block = "data_b{}\n\nloop_\n_rlnVoltage\n_rlnTomoName\n" + "300 x\n" * 50 + "\n"
    star = tomoset.read_star("".join(block.format(n) for n in range(500)).encode())
    assert len(pickle.dumps(star["b499"])) < 5_000
    assert len(pickle.dumps(star)) < 500 * 5_000


def test_exceptions_round_trip() -> None:
    errors: list[BaseException] = [
        tomoset.CatalogBusy("busy"),
        tomoset.RebaseError("locked", "project"),
        tomoset.TomosetError("bad"),
    ]
    missing: list[Callable[[], Any]] = [
        lambda: tomoset.read_star(b"data_a\n_x\n"),
        lambda: tomoset.read_star(b"data_a\n_rlnVoltage x\n"),
        lambda: tomoset.read_star(b"data_a\n_x 1\n", blocks=["b"]),
        lambda: tomoset.read_star(b"data_a\n_x 1\n", columns=["b"]),
        lambda: tomoset.read_star(b"data_a\n_x 1\n")["b"],
        lambda: tomoset.read_star(b"data_a\n_x 1\n")["a"]["b"],
        tomoset.read_star(b"loop_\n_x\n1\n\nloop_\n_y\n1\n\n")[""].to_arrow,
        lambda: tomoset.read_star("/nonexistent/x.star"),
        lambda: tomoset.TomogramSet.read(SETS / "errors" / "global_wrong_name" / "tomograms.star"),
        lambda: tomoset.TomogramSet.read(SETS / "relion5_plain" / "tomograms.star")["x"],
        lambda: tomoset.TrajectorySet.from_shifts([], [])["x"],
        lambda: tomoset.read_star(b"\x1f\x8b"),
        lambda: tomoset.write_star({"a": {"rlnTomoName": "x\ny"}}, io.BytesIO()),
        lambda: tomoset.write_star({"a": pd.DataFrame({"rlnVoltage": [None]})}, "/nonexistent/x.star"),
    ]
    for read in missing:
        with pytest.raises((tomoset.TomosetError, OSError)) as caught:
            read()
        errors.append(caught.value)
    assert {type(error).__name__ for error in errors} >= set(exceptions.__all__)
    # The system's own are pickled by whatever other packages have put in the place of Python's way.
    for error in (each for each in errors if isinstance(each, tomoset.TomosetError)):
        for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
            for again in (
                pickle.loads(pickle.dumps(error, protocol)),
                copy.copy(error),
                copy.deepcopy(error),
            ):
                assert type(again) is type(error)
                assert (str(again), again.args) == (str(error), error.args)
                assert again.__dict__ == error.__dict__


def test_large_streams_hold_the_same(tmp_path: Path) -> None:
    path = tmp_path / "large.star"
    rows = "".join(
        f"TS_{n % 97:03d} {n * 0.37:.5f} {n} [{n % 2},{n % 3}] w{'x' * (n % 50)}\n" for n in range(60_000)
    )
    path.write_text(
        f"data_a\n\nloop_\n_rlnTomoName\n_rlnDefocusU\n_rlnOpticsGroup\n_rlnTomoVisibleFrames\n_foo\n{rows}\n"
    )
    whole = tomoset.read_star(path)["a"].to_arrow()
    for batch_rows in (999, 20_000, 65_536, 1_000_000):
        for threads in (1, 2, 7):
            found = list(tomoset.iter_star(path, batch_rows=batch_rows, threads=threads))
            assert max(batch.num_rows for batch in found) <= batch_rows
            assert pa.Table.from_batches(found).equals(whole)
    words = tomoset.iter_star(path, strings="dictionary", columns=["rlnTomoName"]).read_all()
    assert words["rlnTomoName"].cast(pa.large_string()).equals(whole["rlnTomoName"])


# Against others.

FORMATS = st.sampled_from(["{!r}", "{:.6f}", "{:e}", "{:.3e}", "{:g}", "{:.17g}", "{:+.9f}", "{:.25f}"])
DECIMALS = st.from_regex(
    r"[+-]?(?:[0-9]{1,25}\.?[0-9]{0,25}|\.[0-9]{1,25})(?:[eE][+-]?[0-9]{1,3})?", fullmatch=True
)


@settings(max_examples=120)
@given(st.lists(st.one_of(DECIMALS, st.builds(str.format, FORMATS, FLOATS)), min_size=1, max_size=30))
@example(
    [
        "1e400",
        "-1e400",
        "1e-400",
        "4.9e-324",
        "2.4703282292062327e-324",
        "9007199254740993",
        "1" * 400,
        "." + "0" * 400 + "1",
    ]
)
def test_numbers_are_pythons(words: list[str]) -> None:
    text = "data_\nloop_\n_rlnVoltage\n_x\n" + "".join(f"{word} {word}\n" for word in words)
    found = tomoset.read_star(text.encode(), dtypes={"x": "string"})[""]
    numbers = found["rlnVoltage"].to_pylist()
    assert [math.copysign(1, number) for number in numbers] == [
        math.copysign(1, float(word)) for word in words
    ]
    assert numbers == [float(word) for word in words]
    assert found["x"].to_pylist() == words


@settings(max_examples=120)
@given(st.lists(st.one_of(INTS, st.integers(-9_999, 9_999)), min_size=1, max_size=30))
def test_integers_are_pythons(values: list[int]) -> None:
    text = "data_\nloop_\n_rlnOpticsGroup\n_x\n" + "".join(f"{value} {value:+020d}\n" for value in values)
    found = tomoset.read_star(text.encode(), dtypes={"x": "int64"})[""]
    assert found["rlnOpticsGroup"].to_pylist() == found["x"].to_pylist() == values


@given(
    st.one_of(
        st.integers(2**63, 2**80), st.integers(-(2**80), -(2**63) - 1), st.integers().map(lambda n: f"{n}.5")
    )
)
def test_integers_that_do_not_fit_are_refused(value: Any) -> None:
    with pytest.raises(tomoset.StarTypeError) as caught:
        tomoset.read_star(f"data_\nloop_\n_rlnOpticsGroup\n1\n{value}\n".encode())
    assert (caught.value.line, caught.value.label) == (5, "rlnOpticsGroup")


SIMPLE = st.text("abcdefghijkXYZ_/.@", min_size=1, max_size=8).filter(
    lambda word: (
        not word.startswith("_")
        and word.lower() not in {"nan", "inf", ".", "na", "null", "none", "true", "false", "a.", "infinity"}
    )
)


@settings(max_examples=40)
@given(
    st.integers(2, 20).flatmap(
        lambda rows: st.tuples(
            st.lists(st.integers(-(10**15), 10**15), min_size=rows, max_size=rows),
            st.lists(st.floats(-1e6, 1e6).map(lambda number: f"{number:.6f}"), min_size=rows, max_size=rows),
            st.lists(SIMPLE.map("t".__add__), min_size=rows, max_size=rows),
        )
    )
)
def test_inferred_tables_are_those_of_pandas_and_starfile(
    scratch: Path, columns: tuple[list[int], list[str], list[str]]
) -> None:
    ints, floats, words = columns
    rows = "".join(f"{a}\t{b} {c}\n" for a, b, c in zip(ints, floats, words, strict=True))
    scratch.write_text(f"data_a\n\nloop_\n_i #1\n_f #2\n_w #3\n{rows}\n")
    found = tomoset.read_star(scratch, dtypes="infer")["a"].to_pandas()
    pandas = pd.read_csv(io.StringIO(rows), sep=r"\s+", names=["i", "f", "w"], keep_default_na=False)
    others: list[pd.DataFrame] = [pandas, starfile.read(scratch)]
    for other in others:
        assert list(other.columns) == list(found.columns)
        assert [kind.kind for kind in other.dtypes[:2]] == ["i", "f"]
        np.testing.assert_array_equal(found["i"].to_numpy(), other["i"].to_numpy())
        np.testing.assert_allclose(found["f"].to_numpy(), other["f"].to_numpy(), rtol=1e-15, atol=0)
        assert list(found["w"]) == list(other["w"])
    assert found["f"].to_list() == [float(word) for word in floats]


def test_a_bad_value_spoils_only_its_own_column() -> None:
    """Tables with one header are read as one stack; what is wrong in one must not reach the others."""
    block = "data_b{0}\n\nloop_\n_rlnTomoName\n_rlnVoltage\n_rlnOpticsGroup\nTS_{0} {1} {0}\nTS_x 200 7\n\n"
    bad = {3: "3oo", 7: "x"}
    text = "".join(block.format(n, bad.get(n, "300")) for n in range(10)).encode()
    star = tomoset.read_star(text, on_error="collect")
    for index, found in enumerate(star.blocks):
        voltages = ["3oo", "200"] if index == 3 else ["x", "200"] if index == 7 else [300.0, 200.0]
        assert found.to_dict() == {
            "rlnTomoName": [f"TS_{index}", "TS_x"],
            "rlnVoltage": voltages,
            "rlnOpticsGroup": [index, 7],
        }
    assert [(d.code, d.block, d.line, d.column) for d in star.diagnostics] == [
        ("V107", "b3", 34, 6),
        ("V107", "b7", 70, 6),
    ]
    with pytest.raises(tomoset.StarTypeError) as caught:
        tomoset.read_star(text)
    assert (caught.value.block, caught.value.line) == ("b3", 34)
    # A column that nobody asked for is not looked at.
    assert tomoset.read_star(text, columns=["rlnTomoName"])["b3"].num_rows == 2
