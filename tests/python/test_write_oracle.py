"""What RELION's own writer puts out, held against ours, and what RELION's reader makes of what is written here.

`tests/data/oracle/write` holds what RELION 5 wrote. Wherever we write something else, `DEVIATIONS`
says so, and why.
"""

from __future__ import annotations

import difflib
import io
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import relion_reader as relion
import tomoset
from tomoset import _core

pytestmark = pytest.mark.usefixtures("no_hang")

FOLDER = Path(__file__).resolve().parents[1] / "data" / "oracle"
WRITTEN = FOLDER / "write"
CANONICAL = {name: canonical for name, _, _, canonical in _core.labels()}
TYPES = {
    "double": pa.float64(),
    "int": pa.int64(),
    "bool": pa.bool_(),
    "string": pa.string(),
    "unknown": pa.string(),
    "double_vector": pa.list_(pa.float64()),
    "int_vector": pa.list_(pa.int64()),
}


def written(data: object, **options: Any) -> bytes:
    file = io.BytesIO()
    tomoset.write_star(data, file, **options)
    return file.getvalue()


def fields(label: str, values: pa.Array, **options: Any) -> list[bytes]:
    """Write a loop of one column, and give its fields without the blank that follows each."""
    text = written({"x": pa.table({label: values})}, **options)
    head, mark, rows = text.partition(f"_{label} #1 \n".encode())
    assert head == b"\n# version 50001\n\ndata_x\n\nloop_ \n"
    assert mark
    lines = rows.split(b" \n")
    assert lines[-2:] == [b"", b""]  # The line that closes the loop.
    return lines[:-2]


@cache
def pairs(name: str) -> list[tuple[str, str]]:
    """Give the lines of a table, from below its header."""
    lines = (WRITTEN / name).read_bytes().decode("latin-1").split("\n")[1:-1]
    return [(line.partition("\t")[0], line.partition("\t")[2]) for line in lines]


def differing(pairs: Any) -> list[Any]:
    return [pair for pair in pairs if pair[0] != pair[1]]


# Numbers.


def test_doubles() -> None:
    values, texts = zip(*pairs("double_format.tsv"), strict=True)
    column = pa.array([float(value) for value in values])
    ours = fields("rlnVoltage", column, floats="relion", na="keep")
    assert len(ours) == 2474
    assert differing(zip(ours, (text.encode() for text in texts), strict=True)) == []


def test_items_of_vectors() -> None:
    values, texts = zip(*pairs("vector_format.tsv"), strict=True)
    column = pa.array([[float(value)] for value in values])
    ours = fields("rlnTomoProjX", column, floats="relion", na="keep")
    assert len(ours) == 2474
    assert differing(zip(ours, (text.encode().rjust(10) for text in texts), strict=True)) == []


def test_ints_keep_the_digits_that_relion_cuts_off() -> None:
    values, texts = zip(*pairs("int_format.tsv"), strict=True)
    ours = fields("rlnTomoSizeX", pa.array([int(value) for value in values]), floats="relion")
    assert [text.decode() for text in ours] == [value.rjust(12) for value in values]
    assert differing(zip((text.decode()[:12] for text in ours), texts, strict=True)) == []
    assert sum(len(text) > 12 for text in ours) == 115


@pytest.mark.parametrize("layout", ["relion", "starfile"])
def test_relion_reads_the_shortest_digits_bit_for_bit(layout: Any) -> None:
    values = [float(value) for value, _ in pairs("double_format.tsv")]
    finite = [value for value in values if abs(value) < float("inf")]
    assert len(finite) == 2466
    for label, column in (("rlnVoltage", finite), ("rlnTomoProjX", [[value] for value in finite])):
        (table,) = relion.read(written({"x": pa.table({label: column})}, layout=layout), CANONICAL)
        items = [relion.vector(word) for (word,) in table.rows]
        assert [relion.double(item).hex() for (item,) in items] == [value.hex() for value in finite]
        assert table.labels == [label]


# Tables.


@dataclass(frozen=True)
class Deviation:
    """Where a file is not as RELION has it: the lines it has and we have not, and the other way round."""

    why: str
    theirs: tuple[str, ...] = ()
    ours: tuple[str, ...] = ()


VERSION = "the version is always that of RELION 5, and always there"
COMMENT = "tables have no comments of their own here, and rlnComment is a column like others"
INTS = (
    "1000000000000 500000000000 ",
    "-999999999999 -499999999999 ",
    "123456789012345 61728394506172 ",
    "9223372036854775807 4611686018427387903 ",
    "-9223372036854775808 -4611686018427387904 ",
)
DEVIATIONS = {
    "loop_ints.star": Deviation(
        "integers keep the digits beyond twelve characters",
        (*(" ".join(word[:12] for word in line.split(" ")) for line in INTS),),
        INTS,
    ),
    "loop_strings.star": Deviation(
        "quoted where a word would be a comment or a keyword to readers that know those; single quotes where double"
        " ones would end early, as loops lose RELION's escape; refused with a line break (left out here)",
        (
            '   "a\a" b"            7    "a\a" b" ',
            '"a "b\a" c"            7 "a "b\a" c" ',
            '     "\a" "            7      "\a" " ',
            "     #hash            7      #hash ",
            "    _under            7     _under ",
            "    data_x            7     data_x ",
            "     loop_            7      loop_ ",
            "     ;semi            7      ;semi ",
            "line1",
            "line2            7 line1",
            "line2 ",
            "   cr\rhere            7    cr\rhere ",
            " bell\ahere            7  bell\ahere ",
            '"q\a" q\a" q""            7 "q\a" q\a" q"" ',
        ),
        (
            "    'a\" b'            7     'a\" b' ",
            " 'a \"b\" c'            7  'a \"b\" c' ",
            "      '\" '            7       '\" ' ",
            '   "#hash"            7    "#hash" ',
            '  "_under"            7   "_under" ',
            '  "data_x"            7   "data_x" ',
            '   "loop_"            7    "loop_" ',
            '   ";semi"            7    ";semi" ',
            '"bell\ahere"            7 "bell\ahere" ',
            '\'q" q" q"\'            7 \'q" q" q"\' ',
        ),
    ),
    "list_string_23.star": Deviation(
        "a word that begins with # is quoted, or it would be a comment and RELION would abort",
        ("_rlnTomoName                      #hash",),
        ('_rlnTomoName                      "#hash"',),
    ),
    "list_unknown_labels.star": Deviation(
        "values of unknown labels are quoted in lists too, or RELION would abort",
        (
            "_rlnAVeryLongUnknownLabelNameForWidth            a b",
            "_q                                               ",
        ),
        (
            '_rlnAVeryLongUnknownLabelNameForWidth            "a b"',
            '_q                                               ""',
        ),
    ),
    "loop_comments.star": Deviation(
        COMMENT,
        (
            "# a table comment",
            "_rlnVoltage #2 ",
            "     TS_00   300.000000 # row comment",
            "     TS_01   300.000000 ",
            "     TS_02   300.000000 # row comment",
        ),
        (
            "_rlnComment #2 ",
            "_rlnVoltage #3 ",
            '     TS_00 "row comment"   300.000000 ',
            '     TS_01         ""   300.000000 ',
            '     TS_02 "row comment"   300.000000 ',
        ),
    ),
    "list_comments.star": Deviation(
        COMMENT,
        ("# a table comment", "# row comment"),
        ('_rlnComment             "row comment"',),
    ),
    "loop_sorted_index.star": Deviation(
        "rlnSortedIndex is a column like others",
        ("_rlnVoltage #2 ", "        TS   300.000000 ", "        TS   300.000000 "),
        (
            "_rlnSortedIndex #2 ",
            "_rlnVoltage #3 ",
            "        TS            0   300.000000 ",
            "        TS            1   300.000000 ",
        ),
    ),
    "version_29999.star": Deviation(VERSION, (), ("", "# version 50001")),
    "no_rows.star": Deviation(
        "a loop without rows is written, so that its labels read back",
        (),
        ("", "# version 50001", "", "data_empty", "", "loop_ ", "_rlnVoltage #1 ", " "),
    ),
}
#: RELION writes two empty rows below no labels; nothing can read that, and Arrow has no rows without columns.
NO_LABELS = "no_labels.star"


def value(text: str, kind: str) -> Any:
    """Give a value of `tables.json`."""
    match kind:
        case "double":
            return float(text)
        case "int":
            return int(text)
        case "bool":
            return text == "1"
        case "double_vector" | "int_vector":
            item = int if kind == "int_vector" else float
            return [item(word) for word in text.strip("[]").split(",") if word]
    return text.encode("latin-1").decode()


def block(facts: dict[str, Any]) -> pa.Table | dict[str, Any]:
    """Build a table of `tables.json`; rows with line breaks, which are refused, are left out."""
    rows = [row for row in facts["rows"] if not any("\n" in text or "\r" in text for text in row)]
    columns = {
        label: pa.array([value(row[at], kind) for row in rows], TYPES[kind])
        for at, (label, kind) in enumerate(facts["labels"])
    }
    if facts["is_list"]:
        return {
            label: column[0] if isinstance(column[0], pa.ListScalar) else column[0].as_py()
            for label, column in columns.items()
        }
    return pa.table(columns)


@cache
def tables() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((WRITTEN / "tables.json").read_text())
    return found


def build(case: dict[str, Any]) -> dict[str, Any]:
    return {facts["name"]: block(facts) for facts in case["tables"]}


def test_every_file_is_there_and_every_deviation_is_of_one() -> None:
    files = {case["file"] for case in tables()}
    assert len(files) == 28
    # The others are two of RELION's optimisation sets, of which the values are in the files alone.
    others = {path.name for path in WRITTEN.glob("*.star")} - files
    assert others == {"optimisation_set_2.star", "optimisation_set_3.star"}
    assert {*DEVIATIONS, NO_LABELS} <= files
    assert all(deviation.why for deviation in DEVIATIONS.values())


@pytest.mark.parametrize("case", tables(), ids=lambda case: case["file"].removesuffix(".star"))
def test_tables(case: dict[str, Any]) -> None:
    blocks = build(case)
    if case["file"] == NO_LABELS:
        with pytest.raises(tomoset.StarWriteError, match="expected at least one column"):
            written(blocks)
        return
    theirs = (WRITTEN / case["file"]).read_bytes()
    ours = written(blocks, floats="relion", na="keep")
    if (deviation := DEVIATIONS.get(case["file"])) is None:
        assert ours == theirs
        return
    # By line feeds alone, since a CR is part of a value; an empty file has no lines.
    old, new = (text.decode().removesuffix("\n").split("\n") if text else [] for text in (theirs, ours))
    found = list(difflib.ndiff(old, new))
    assert sorted(line[2:] for line in found if line[0] == "-") == sorted(deviation.theirs)
    assert sorted(line[2:] for line in found if line[0] == "+") == sorted(deviation.ours)


@pytest.mark.parametrize("case", tables(), ids=lambda case: case["file"].removesuffix(".star"))
def test_tables_read_back_equal(case: dict[str, Any]) -> None:
    blocks = build(case)
    if case["file"] == NO_LABELS:
        assert list(blocks.values()) == [pa.table({})]
        return
    dtypes = {label: TYPES[kind] for facts in case["tables"] for label, kind in facts["labels"]}
    star = tomoset.read_star(written(blocks, na="keep"), dtypes=dtypes)
    for name, data in blocks.items():
        expected = pa.Table.from_pylist([data]) if isinstance(data, dict) else data
        assert repr(star[name].to_arrow().to_pydict()) == repr(expected.to_pydict())


@pytest.mark.parametrize("count", [2, 3])
def test_optimisation_sets(count: int) -> None:
    path = WRITTEN / f"optimisation_set_{count}.star"
    values = tomoset.read_star(path)[""].values
    assert len(values) == count
    assert written({"": values}) == path.read_bytes()
