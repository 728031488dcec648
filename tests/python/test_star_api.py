"""The public surface of reading, as a user meets it."""

from __future__ import annotations

import io
import pickle
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pytest
import tomoset
from star_sample import TEXT
from tomoset import _core

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("no_hang")


@pytest.fixture
def star() -> tomoset.StarFile:
    return tomoset.read_star(TEXT)


@pytest.fixture
def optics(star: tomoset.StarFile) -> tomoset.StarBlock:
    return star["optics"]


# What a file is.


def test_a_file_is_a_mapping(star: tomoset.StarFile) -> None:
    assert isinstance(star, Mapping)
    assert list(star) == ["general", "optics", "mixed", "empty"]
    assert (len(star), len(star.blocks)) == (4, 5)
    assert ("optics" in star, "data_optics" in star, "" in star) == (True, False, False)
    assert [name for name, _ in star.items()] == list(star.keys())
    assert [block.name for block in star.values()] == list(star)
    assert (star.get("none"), star.get("none", 5)) == (None, 5)
    assert dict(star)["optics"] is star["optics"]
    assert star["optics"] is star.blocks[1]
    assert not tomoset.read_star(b"")
    assert tomoset.read_star(b"").blocks == ()


def test_the_first_of_equal_names_wins(star: tomoset.StarFile) -> None:
    assert star["optics"].num_rows == 2
    assert [block.num_rows for block in star.blocks if block.name == "optics"] == [2, 1]
    assert "B105" in {found.code for found in star.diagnostics}
    assert tomoset.read_star(TEXT, blocks=["optics"]).blocks[1].num_rows == 1


def test_versions_and_paths(star: tomoset.StarFile, tmp_path: Path) -> None:
    assert [block.version for block in star.blocks] == [50001] * 5
    assert star.path is None
    path = tmp_path / "x.star"
    path.write_bytes(TEXT)
    assert tomoset.read_star(path).path == tomoset.read_star(str(path)).path == str(path)
    with path.open("rb") as file:
        assert tomoset.read_star(file).path == str(path)
    with path.open() as words:
        assert len(tomoset.read_star(words)) == 4


# What a block is.


def test_a_loop(optics: tomoset.StarBlock) -> None:
    assert (optics.name, optics.num_rows, len(optics), optics.is_list, bool(optics)) == (
        "optics",
        2,
        2,
        False,
        True,
    )
    assert (
        optics.labels
        == list(optics)
        == ["rlnOpticsGroup", "rlnVoltage", "rlnOpticsGroupName", "rlnTomoVisibleFrames", "myScore"]
    )
    assert ("rlnVoltage" in optics, "_rlnVoltage" in optics) == (True, False)
    assert optics.values == {}
    assert optics.loops == (optics.to_arrow(),)
    assert optics.to_dict() == {
        "rlnOpticsGroup": [1, 2],
        "rlnVoltage": [300.0, 200.0],
        "rlnOpticsGroupName": ["first", "the <second> group"],
        "rlnTomoVisibleFrames": [[1, 0], [1, 1]],
        "myScore": [0.5, 1.5],
    }
    assert optics["rlnVoltage"].to_pylist() == [300.0, 200.0]


def test_a_list(star: tomoset.StarFile) -> None:
    general = star["general"]
    assert (general.num_rows, general.is_list, general.loops) == (1, True, ())
    assert general.values == general.to_dict() == {"rlnTomoSubTomosAre2DStacks": True, "rlnTomoName": "TS_1"}
    assert general.to_arrow().to_pylist() == [general.values]
    assert general["rlnTomoName"].to_pylist() == ["TS_1"]


def test_a_list_and_a_loop(star: tomoset.StarFile) -> None:
    mixed = star["mixed"]
    assert (mixed.values, mixed.num_rows, mixed.labels) == (
        {"rlnVoltage": 300.0},
        2,
        ["rlnVoltage", "rlnTomoName"],
    )
    assert [loop.to_pydict() for loop in mixed.loops] == [{"rlnTomoName": ["TS_1", "TS_2"]}]
    for ask in (
        mixed.to_arrow,
        mixed.to_pandas,
        mixed.to_polars,
        mixed.to_dict,
        mixed.__arrow_c_stream__,
        mixed.__arrow_c_schema__,
    ):
        with pytest.raises(
            ValueError,
            match=r"block 'mixed' holds list of 1, 2 rows x 1 columns?; ask for .values or one of .loops",
        ):
            ask()


def test_an_empty_block(star: tomoset.StarFile) -> None:
    empty = star["empty"]
    assert (len(empty), bool(empty), empty.labels, empty.values, empty.loops, empty.to_dict()) == (
        0,
        False,
        [],
        {},
        (),
        {},
    )
    assert empty.to_arrow().shape == (0, 0)


def test_types_and_units_are_in_the_schema(optics: tomoset.StarBlock) -> None:
    schema = optics.to_arrow().schema
    assert schema.types == [
        pa.int64(),
        pa.float64(),
        pa.large_string(),
        pa.large_list(pa.int64()),
        pa.float64(),
    ]
    assert [field.nullable for field in schema] == [True] * 5
    assert schema.field("rlnVoltage").metadata == {b"relion_type": b"double", b"unit": b"kV"}
    assert [(field.metadata or {}).get(b"relion_type") for field in schema] == [
        b"int",
        b"double",
        b"string",
        b"int_vector",
        None,
    ]


@pytest.mark.parametrize(
    ("given", "kind"),
    [
        ("float64", pa.float64()),
        (float, pa.float64()),
        (np.float64, pa.float64()),
        (np.dtype("float64"), pa.float64()),
        (pa.float64(), pa.float64()),
        ("int64", pa.int64()),
        (int, pa.int64()),
        (np.int64, pa.int64()),
        (pa.int64(), pa.int64()),
        ("bool", pa.bool_()),
        (bool, pa.bool_()),
        (np.bool_, pa.bool_()),
        (pa.bool_(), pa.bool_()),
        ("string", pa.large_string()),
        (str, pa.large_string()),
        (np.str_, pa.large_string()),
        (np.dtype("U5"), pa.large_string()),
        (np.dtype("O"), pa.large_string()),
        (pa.string(), pa.large_string()),
        (pa.large_string(), pa.large_string()),
        ("list<float64>", pa.large_list(pa.float64())),
        (pa.list_(pa.float64()), pa.large_list(pa.float64())),
        (pa.large_list(pa.float64()), pa.large_list(pa.float64())),
        ("list<int64>", pa.large_list(pa.int64())),
        (pa.list_(pa.int64()), pa.large_list(pa.int64())),
        (pa.large_list(pa.int64()), pa.large_list(pa.int64())),
    ],
    ids=repr,
)
def test_types_as_they_may_be_given(given: Any, kind: pa.DataType) -> None:
    text = b"data_\nloop_\n_rlnOpticsGroup\n1\n"
    assert tomoset.read_star(text, dtypes={"rlnOpticsGroup": given})[""].to_arrow().schema.types == [kind]


def test_dtypes() -> None:
    text = b"data_\nloop_\n_rlnTomoName\n_rlnVoltage\n_foo\n001 300 1\n"

    def types(dtypes: Any) -> list[str]:
        return [str(kind) for kind in tomoset.read_star(text, dtypes=dtypes)[""].to_arrow().schema.types]

    assert types("relion") == ["large_string", "double", "int64"]
    assert types("infer") == ["large_string", "int64", "int64"]
    assert types("string") == ["large_string"] * 3
    assert types({"foo": "float64"}) == ["large_string", "double", "double"]
    assert types({"rlnTomoName": int, "nowhere": int}) == ["int64", "double", "int64"]


def test_invalid_utf8() -> None:
    text = b"data_\nloop_\n_rlnTomoName\n_x\ncaf\xe9 1\nb 2\n"
    assert tomoset.read_star(text)[""]["rlnTomoName"].to_pylist() == ["caf\ufffd", "b"]
    assert tomoset.read_star(text, invalid_utf8="latin-1")[""]["rlnTomoName"].to_pylist() == ["caf\xe9", "b"]
    kept = tomoset.read_star(text, invalid_utf8="bytes")[""]["rlnTomoName"]
    assert (kept.type, kept.to_pylist()) == (pa.large_binary(), [b"caf\xe9", b"b"])
    assert [(found.code, found.label, found.line) for found in tomoset.read_star(text).diagnostics] == [
        ("L106", "rlnTomoName", 5)
    ]


def test_invalid_utf8_in_streams(tmp_path: Path) -> None:
    path = tmp_path / "x.star"
    path.write_bytes(b"data_\nloop_\n_rlnTomoName\n_x\nb 2\ncaf\xe9 1\n")
    for invalid, value in (("replace", "caf\ufffd"), ("latin-1", "caf\xe9"), ("bytes", b"caf\xe9")):
        found = tomoset.iter_star(path, invalid_utf8=invalid, batch_rows=1).read_all()  # type: ignore[arg-type]
        assert found["rlnTomoName"].to_pylist()[1] == value


def test_no_columns_keep_their_rows() -> None:
    star = tomoset.read_star(TEXT, columns=["rlnOpticsGroup"])
    assert star["optics"].to_arrow().shape == (2, 1)
    assert (star["general"].values, star["general"].num_rows) == ({}, 1)
    none = tomoset.read_star(TEXT, columns=[])["optics"]
    assert (none.num_rows, none.to_arrow().num_rows, none.labels) == (2, 2, [])


def test_old_spellings_are_found() -> None:
    text = b"data_\nloop_\n_rlnKullbackLeibnerDivergence\n1\n"
    for name in ("rlnKullbackLeibnerDivergence", "rlnKullbackLeiblerDivergence"):
        assert tomoset.read_star(text, columns=[name])[""].num_rows == 1


def test_outlines_name_what_files_hold(tmp_path: Path) -> None:
    path = tmp_path / "x.star"
    path.write_bytes(TEXT)
    outline = tomoset.scan_star(path)
    assert isinstance(outline, Mapping)
    assert (list(outline), len(outline), len(outline.blocks), outline.path) == (
        ["general", "optics", "mixed", "empty"],
        4,
        5,
        str(path),
    )
    optics = outline["optics"]
    assert (optics.name, optics.num_rows, optics.labels[:2], optics.version) == (
        "optics",
        2,
        ["rlnOpticsGroup", "rlnVoltage"],
        50001,
    )
    assert outline["general"].version == 50001
    assert TEXT[optics.start : optics.end].startswith(b"data_optics\n")
    assert TEXT[optics.end :].startswith(b"data_mixed\n")
    assert [table.is_list for table in outline["mixed"].tables] == [True, False]
    assert outline.read("optics", columns=["rlnVoltage"]).to_dict() == {"rlnVoltage": [300.0, 200.0]}
    assert outline.read(4).to_dict() == {"rlnVoltage": [100.0]}
    assert outline.get("none") is None


# How it looks.


def test_reprs(star: tomoset.StarFile) -> None:
    lines = repr(star).splitlines()
    assert lines[0] == "<STAR in memory: 5 blocks>"
    assert [line.split()[0] for line in lines[1:-1]] == [block.name for block in star.blocks]
    assert "2 rows x 5 columns" in lines[2]
    assert lines[-1].strip() == "diagnostics: 3 silent"
    shown = repr(star["optics"])
    assert shown.startswith("<STAR block data_optics: 2 rows x 5 columns>\n")
    assert "rlnVoltage            float64 [kV]         300.0, 200.0" in shown
    assert "'the <second> group'" in shown
    assert "list<int64>          [1, 0], [1, 1]" in shown
    assert repr(star["empty"]) == "<STAR block data_empty: empty>"
    assert repr(tomoset.scan_star(TEXT)).startswith("<STAR in memory: 5 blocks>\n")


def test_reprs_are_short() -> None:
    many = b"".join(b"data_b%d\n_rlnTomoName %s\n" % (n, b"v" * 10_000) for n in range(500))
    star = tomoset.read_star(many)
    assert len(repr(star).splitlines()) < 20
    assert "and 488 more" in repr(star)
    assert len(repr(star["b0"])) < 500
    assert len(star._repr_html_()) < 5_000
    rows = tomoset.read_star(b"data_a\nloop_\n_rlnVoltage\n" + b"300\n" * 100_000)["a"]
    assert len(repr(rows)) < 300
    assert len(rows._repr_html_()) < 2_000


def test_html_is_escaped() -> None:
    text = b"data_<script>x</script>\nloop_\n_<b>&amp; #1\n<i>'\"&</i>\n\ndata_<b>_\n_<u> <s>\n"
    star = tomoset.read_star(text)
    for html in (star._repr_html_(), *(block._repr_html_() for block in star.blocks)):
        tags = set(re.findall(r"</?([a-z]+)", html))
        assert tags <= {"strong", "table", "tr", "th", "td", "p", "br", "small", "div"}
    assert "&lt;script&gt;" in star._repr_html_()


def test_names_cannot_steer_the_terminal() -> None:
    star = tomoset.read_star(b"data_a\x1b[2J\n_x\x1b[2J 1\n\ndata_b\n_y \x1b[2J\n")
    for shown in (repr(star), *(repr(block) for block in star.blocks)):
        assert "\x1b" not in shown
    with pytest.raises(tomoset.StarSyntaxError) as caught:
        tomoset.read_star(b"data_a\x1b[2J\n_x\x1b[2J\n")
    assert "\x1b" not in str(caught.value)


def test_diagnostics_speak(star: tomoset.StarFile) -> None:
    several = next(found for found in star.diagnostics if found.code == "B109")
    assert (several.name, several.severity, several.block, several.line, several.column) == (
        "several-tables",
        "silent",
        "mixed",
        23,
        1,
    )
    assert str(several) == (
        "23:1: silent B109 several-tables [data_mixed]: the block holds more than one list or loop; "
        "all are kept; RELION reads only the first"
    )
    assert len({several, several}) == 1
    with pytest.raises(AttributeError):
        several.line = 5  # type: ignore[misc]


def test_everything_has_a_docstring() -> None:
    for thing in [
        tomoset,
        *(getattr(tomoset, name) for name in tomoset.__all__ if name not in {"__version__", "Catalog"}),
    ]:
        assert len(thing.__doc__ or "") > 20
        for name, member in vars(thing).items() if isinstance(thing, type) else ():
            assert name.startswith("_") or not callable(member) or member.__doc__, f"{thing.__name__}.{name}"
    for name in dir(_core):
        member = getattr(_core, name)
        assert name.startswith("_") or member.__doc__, name


# What goes wrong.


def wrong(**options: Any) -> Callable[[], Any]:
    return lambda: tomoset.read_star(TEXT, **options)


@pytest.mark.parametrize(
    ("call", "kind", "words"),
    [
        (
            wrong(blocks="optics"),
            TypeError,
            r"blocks must be a list of names; did you mean blocks=\['optics'\]\?",
        ),
        (
            wrong(columns="rlnVoltage"),
            TypeError,
            r"columns must be a list of names; did you mean columns=\['rlnVoltage'\]\?",
        ),
        (wrong(columns=[1]), TypeError, "columns must hold names, not 1"),
        (wrong(blocks=["none"]), tomoset.MissingBlockError, r"<memory>: no block named .none."),
        (wrong(columns=["none"]), tomoset.MissingLabelError, r"<memory>: no block has a label .none."),
        (
            wrong(dtypes="bogus"),
            ValueError,
            r'dtypes is "bogus"; it must be one of "relion", "infer", "string"',
        ),
        (
            wrong(dtypes={"rlnVoltage": "bogus"}),
            ValueError,
            r'dtypes\["rlnVoltage"\] is "bogus"; it must be one of float64, int64',
        ),
        (wrong(dtypes={"rlnVoltage": "float32"}), ValueError, r"float64, int64"),
        (
            wrong(strings="str"),
            ValueError,
            r'strings is "str"; it must be one of "large_string", "view", "dictionary"',
        ),
        (wrong(on_error="ignore"), ValueError, r'on_error is "ignore"; it must be one of "raise", "collect"'),
        (
            wrong(invalid_utf8="utf-8"),
            ValueError,
            r'invalid_utf8 is "utf-8"; it must be one of "replace", "latin-1", "bytes"',
        ),
        (wrong(threads=0), ValueError, "threads must be at least 1, or None for all"),
        (wrong(threads=10**20), ValueError, "threads must be at most 1,024"),
        (wrong(bogus=1), TypeError, "bogus"),
        (
            lambda: tomoset.read_star(TEXT)["none"],
            tomoset.MissingBlockError,
            "no block named 'none'; there is 'general', 'optics'",
        ),
        (
            lambda: tomoset.read_star(TEXT)["optics"]["none"],
            tomoset.MissingLabelError,
            "block 'optics' has no column 'none'",
        ),
        (lambda: tomoset.scan_star(TEXT)["none"], tomoset.MissingBlockError, "no block 'none'"),
        (lambda: tomoset.scan_star(TEXT).read("none"), tomoset.MissingBlockError, "no block 'none'"),
        (lambda: tomoset.scan_star(TEXT).read(5), tomoset.MissingBlockError, "no block 5"),
        (
            lambda: tomoset.scan_star(TEXT).read("optics", columns=["none"]),
            tomoset.MissingLabelError,
            "block data_optics has no label",
        ),
        (lambda: tomoset.scan_star(TEXT, on_error="x"), ValueError, 'on_error is "x"'),  # type: ignore[arg-type]
        (
            lambda: tomoset.iter_star("x.star", batch_rows=0),
            ValueError,
            "batch_rows is 0; it must be at least 1",
        ),
        (
            lambda: tomoset.read_star(TEXT)["data_optics"],
            tomoset.MissingBlockError,
            'names are given without "data_": "optics"',
        ),
        (
            lambda: tomoset.read_star(TEXT)["optics"]["_rlnVoltage"],
            tomoset.MissingLabelError,
            'names are given without "_": "rlnVoltage"',
        ),
        (lambda: tomoset.scan_star(TEXT)["Optic"], tomoset.MissingBlockError, 'did you mean "optics"'),
        (wrong(blocks=["data_optics"]), tomoset.MissingBlockError, 'without "data_": "optics"'),
        (wrong(columns=["rlnvoltage"]), tomoset.MissingLabelError, 'did you mean "rlnVoltage"'),
        (lambda: tomoset.read_star("x\0.star"), ValueError, "embedded null byte"),
        (lambda: tomoset.scan_star("x\0.star"), ValueError, "embedded null byte"),
        (lambda: tomoset.iter_star("x\0.star"), ValueError, "embedded null byte"),
        (lambda: pickle.dumps(tomoset.scan_star(TEXT)), TypeError, "call scan_star where it is needed"),
        (lambda: tomoset.read_star(5), TypeError, "source must be a path, bytes or a file object, not int"),  # type: ignore[arg-type]
        (
            lambda: tomoset.read_star("none.star"),
            FileNotFoundError,
            r"No such file or directory: 'none.star'",
        ),
    ],
)
def test_errors_are_clear(call: Callable[[], Any], kind: type[Exception], words: str) -> None:
    with pytest.raises(kind, match=words) as caught:
        call()
    assert str(caught.value) == str(caught.value).strip()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("options", "kinds"),
    [
        ({"threads": -1}, ValueError),
        ({"threads": 1.5}, TypeError),
        ({"dtypes": None}, (TypeError, ValueError)),
        ({"dtypes": {1: "int64"}}, (TypeError, ValueError)),
        ({"strings": None}, (TypeError, ValueError)),
        ({"memory_map": "yes"}, TypeError),
        ({"blocks": 5}, TypeError),
    ],
    ids=str,
)
def test_wrong_options_are_named(options: dict[str, Any], kinds: Any) -> None:
    with pytest.raises(kinds) as caught:
        tomoset.read_star(TEXT, **options)
    assert next(iter(options)) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_no_thread_is_refused_everywhere(tmp_path: Path) -> None:
    (tmp_path / "x.star").write_bytes(b"data_\nloop_\n_x\n1\n")
    for read in (tomoset.read_star, tomoset.scan_star, tomoset.iter_star):
        with pytest.raises(ValueError, match="threads must be at least 1"):
            read(tmp_path / "x.star", threads=0)


def test_streams_ask_which_loop_is_meant(tmp_path: Path) -> None:
    path = tmp_path / "x.star"
    path.write_bytes(TEXT)
    with pytest.raises(ValueError, match=r"there are 3 loops .*optics.*: name the block to stream"):
        tomoset.iter_star(path)
    with pytest.raises(ValueError, match="no loop"):
        tomoset.iter_star(path, "general")
    with pytest.raises(tomoset.MissingBlockError, match=r"no block named .none.") as caught:
        tomoset.iter_star(path, "none")
    assert (caught.value.name, caught.value.path) == ("none", str(path))
    assert tomoset.iter_star(path, "optics").read_all().num_rows == 2
    assert tomoset.iter_star(path, "mixed").read_all().num_rows == 2


def test_faults_say_where(tmp_path: Path) -> None:
    path = tmp_path / "x.star"
    path.write_bytes(b"data_a\n\nloop_\n_rlnTomoName #1\n_rlnVoltage #2\nTS_1 300\nTS_2 3oo\n")
    with pytest.raises(tomoset.StarTypeError) as caught:
        tomoset.read_star(path)
    error = caught.value
    assert isinstance(error, ValueError) and isinstance(error, tomoset.TomosetError)
    assert (error.path, error.line, error.column, error.offset, error.block, error.label) == (
        str(path),
        7,
        6,
        59,
        "a",
        "rlnVoltage",
    )
    assert (error.code, error.expected, error.found) == ("V201", "a number", "'3oo'")
    assert str(error) == f"{path}:7:6: block data_a: label rlnVoltage: expected a number, found '3oo' [V201]"
    path.write_bytes(b"data_a\n\nloop_\n_rlnTomoName #1\n_rlnVoltage #2\nTS_1 300\nTS_2\n")
    with pytest.raises(
        tomoset.StarSyntaxError,
        match=re.escape(f"{path}:7:1: block data_a: expected 2 values in a row, found 1: 'TS_2' [R201]"),
    ):
        tomoset.read_star(path)
    with path.open("rb") as file, pytest.raises(tomoset.StarSyntaxError, match=re.escape(f"{path}:7:1: ")):
        tomoset.scan_star(file)


def test_messages_stay_short_and_whole() -> None:
    with pytest.raises(tomoset.StarTypeError) as caught:
        tomoset.read_star(b"data_a\n_rlnVoltage " + "xé".encode() * 1000 + b"\n")
    assert len(str(caught.value)) < 200
    assert "\ufffd" not in str(caught.value)
    for text in (b"data_" + b"n" * 10_000 + b"\n_x\n", b"data_a\n_" + b"n" * 10_000 + b"\n"):
        with pytest.raises(tomoset.StarSyntaxError) as long:
            tomoset.read_star(text)
        assert len(str(long.value)) < 1_000


def test_missing_names_are_key_errors() -> None:
    star = tomoset.read_star(TEXT)
    with pytest.raises(KeyError) as caught:
        star["none"]
    assert str(caught.value).startswith("<memory>: no block named 'none'")  # A KeyError would quote it.
    with pytest.raises(KeyError):
        star["optics"]["none"]


def test_a_block_is_no_array() -> None:
    """NumPy and pandas would make one of its labels."""
    block = tomoset.read_star(b"data_a\nloop_\n_rlnVoltage\n300\n")["a"]
    pandas = pytest.importorskip("pandas")
    for take in (np.asarray, np.array, pandas.DataFrame):
        with pytest.raises(TypeError, match=r"a table, not an array: take block\.to_pandas"):
            take(block)


def test_unknown_labels_are_named_and_meant() -> None:
    found = tomoset.read_star(b"data_a\nloop_\n_rlnVoltge\n_rlnFoo\n_rlnvoltage\n1 2 3\n").diagnostics
    assert [(each.code, each.severity, each.label, each.message.partition(": ")[2]) for each in found] == [
        ("H106", "silent", "rlnVoltge", "perhaps rlnVoltage is meant"),
        ("H106", "note", "rlnFoo", ""),
        ("H105", "silent", "rlnvoltage", "perhaps rlnVoltage is meant"),
    ]


@pytest.mark.parametrize("source", [b"data_a", io.BytesIO(b"data_a")])
def test_only_files_are_streamed(source: Any) -> None:
    with pytest.raises(TypeError, match=r"iter_star streams a file by its path, not '(bytes|BytesIO)'"):
        tomoset.iter_star(source)


def test_other_blocks_do_not_make_a_column_binary() -> None:
    block = b"data_\nloop_\n_rlnTomoName\n%s\n\n"
    text = b"".join(block % name for name in (b"TS_1", b"TS_\xff", b"TS_3"))
    star = tomoset.read_star(text, invalid_utf8="bytes")
    kinds = [block["rlnTomoName"].type for block in star.blocks]
    assert kinds == [pa.large_string(), pa.large_binary(), pa.large_string()]
    assert [block["rlnTomoName"].to_pylist() for block in star.blocks] == [["TS_1"], [b"TS_\xff"], ["TS_3"]]
