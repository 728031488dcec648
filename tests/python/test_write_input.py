"""What `write_star` takes, and what it refuses, word for word."""

from __future__ import annotations

import copy
import datetime
import decimal
import io
import pickle
import re
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import tomoset

if TYPE_CHECKING:
    from collections.abc import Callable

    pass

pytestmark = pytest.mark.usefixtures("no_hang")

TEXT = b"\n# version 50001\n\ndata_x\n\n_a                      1\n \n"


def written(data: object, **options: Any) -> bytes:
    file = io.BytesIO()
    tomoset.write_star(data, file, **options)
    return file.getvalue()


def rows(column: object, label: str = "a", **options: Any) -> list[str]:
    """Give the words of a loop of one column."""
    text = written(pa.table({label: column}), layout="starfile", **options).decode()
    return text.partition(f"_{label} #1\n")[2].removesuffix("\n\n\n").split("\n")


# Values that are refused.

NA = "a value (RELION has none for what is missing: choose one by `na`)"
FINITE = "a finite number (RELION reads anything else as 0: choose by `na`)"
INT, BOOL = "a whole number of at most 64 bits", "a boolean (0, 1, true or false)"
FLOATS, INTS = "a vector of numbers such as [1.5,2]", "a vector of whole numbers such as [1,0,1]"
QUOTES, LINE = "text that quotes can be put around", "text on one line"
TYPES = "numbers, booleans, text or vectors of numbers"
#: Label, value, options, what is expected, what is found.
REFUSED: list[tuple[str, Any, dict[str, Any], str, str]] = [
    ("foo", "a\nb", {}, LINE, "'a\\nb'"),
    ("foo", "a\rb", {}, LINE, "'a\\rb'"),
    ("rlnTomoName", "\n", {}, LINE, "'\\n'"),
    ("foo", "a\" b' c", {}, QUOTES, "'a\" b' c'"),
    ("foo", "\" '\a", {}, QUOTES, "'\" '\\u{7}'"),
    ("rlnTomoName", None, {}, NA, "a null"),
    ("rlnVoltage", None, {}, NA, "a null"),
    ("rlnTomoProjX", None, {}, NA, "a null"),
    ("rlnVoltage", float("nan"), {}, FINITE, "nan"),
    ("rlnVoltage", float("inf"), {}, FINITE, "inf"),
    ("rlnVoltage", np.float32("-inf"), {}, FINITE, "-inf"),
    ("rlnVoltage", "nan", {}, FINITE, "nan"),
    ("rlnVoltage", "None", {}, NA, "a null"),
    ("rlnVoltage", "", {}, NA, "a null"),
    ("rlnVoltage", "abc", {}, "a number", "'abc'"),
    ("rlnVoltage", "1,5", {}, "a number", "'1,5'"),
    ("rlnVoltage", "1d3", {}, "a number", "'1d3'"),
    ("rlnVoltage", "0x10", {}, "a number", "'0x10'"),
    ("rlnVoltage", [1.0], {}, "a number", "a vector"),
    ("rlnVoltage", None, {"na": "none"}, "a number", "'none'"),
    ("rlnVoltage", float("nan"), {"na": "unknown"}, "a number", "'unknown'"),
    ("rlnTomoSizeX", 1.5, {}, INT, "1.5"),
    (
        "rlnTomoSizeX",
        1e17,
        {},
        "at most 2^53 of whole numbers that became floating-point",
        "100000000000000000",
    ),
    ("rlnTomoSizeX", float("inf"), {"na": "keep"}, INT, "inf"),
    ("rlnTomoSizeX", float("nan"), {}, FINITE, "nan"),
    ("rlnTomoSizeX", np.uint64(2**63), {}, INT, "9223372036854775808"),
    ("rlnTomoSizeX", "1.5", {}, INT, "'1.5'"),
    ("rlnTomoSizeX", "9223372036854775808", {}, INT, "'9223372036854775808'"),
    ("rlnTomoSizeX", [1], {}, INT, "a vector"),
    ("rlnTomoSizeX", None, {"na": 1.5}, INT, "'1.5'"),
    ("rlnEnabled", 2, {}, BOOL, "2"),
    ("rlnEnabled", -1, {}, BOOL, "-1"),
    ("rlnEnabled", 0.5, {}, BOOL, "0.5"),
    ("rlnEnabled", "maybe", {}, BOOL, "'maybe'"),
    ("rlnEnabled", float("inf"), {"na": "keep"}, BOOL, "inf"),
    ("rlnEnabled", [1], {}, BOOL, "a vector"),
    ("rlnTomoName", [1.0], {}, "text", "a vector"),
    ("rlnTomoProjX", [1.0, None], {"na": "keep"}, "a number", "a null in a vector"),
    ("rlnTomoProjX", [1.0, float("nan")], {}, 'a finite number, or na="keep"', "NaN in a vector"),
    ("rlnTomoProjX", [float("-inf")], {"na": 0}, 'a finite number, or na="keep"', "-inf in a vector"),
    ("rlnTomoProjX", "[1,x]", {}, FLOATS, "'[1,x]'"),
    ("rlnTomoVisibleFrames", [1.5], {}, INTS, "1.5"),
    ("rlnTomoVisibleFrames", [float("nan")], {"na": "keep"}, INTS, "NaN"),
    ("rlnTomoVisibleFrames", [1, 2**31], {}, "whole numbers of at most 32 bits", "2147483648 in a vector"),
    (
        "rlnTomoVisibleFrames",
        [-(2.0**31) - 1],
        {},
        "whole numbers of at most 32 bits",
        "-2147483649 in a vector",
    ),
    ("rlnTomoVisibleFrames", "[1,2.5]", {}, INTS, "'[1,2.5]'"),
    ("rlnTomoVisibleFrames", "[3000000000]", {}, INTS, "'[3000000000]'"),
]


@pytest.mark.parametrize(
    ("label", "value", "options", "expected", "found"),
    REFUSED,
    ids=[f"{r[0]}-{r[1]!a}" for r in REFUSED],
)
def test_refused_values(label: str, value: Any, options: dict[str, Any], expected: str, found: str) -> None:
    kind = None if isinstance(value, np.generic) else pa.array([value]).type
    column = pa.array([value], pa.from_numpy_dtype(value.dtype)) if kind is None else pa.array([value], kind)
    # Text may be wrapped in a category; the words stay the same.
    columns = [column, pa.chunked_array([column])] + (
        [column.dictionary_encode()] if kind == pa.string() else []
    )
    for loop in columns:
        with pytest.raises(tomoset.StarWriteError) as caught:
            written({"x": pa.table({"n": [7], label: loop})}, **options)
        assert str(caught.value) == (
            f"<memory>: block data_x: label {label}: row 0: expected {expected}, found {found}"
        )
    if expected == QUOTES and "\a" not in value:
        return  # Lists have a way to write it.
    with pytest.raises(tomoset.StarWriteError) as caught:
        written({"x": {"n": 7, label: value}}, **options)
    assert str(caught.value) == f"<memory>: block data_x: label {label}: expected {expected}, found {found}"
    assert (caught.value.block, caught.value.label, caught.value.row) == ("x", label, None)
    assert (caught.value.expected, caught.value.found, caught.value.path) == (expected, found, None)


def test_refused_types() -> None:
    for column, kind in (
        (pa.array([{"a": 1}]), 'Struct("a": Int64)'),
        (pa.array([[["x"]]]), "List(List(Utf8))"),
        (pa.array([["x"]]), "List(Utf8)"),
    ):
        with pytest.raises(tomoset.StarWriteError) as caught:
            written({"x": pa.table({"foo": column})})
        assert str(caught.value) == (
            f"<memory>: block data_x: label foo: expected {TYPES}, found values of type {kind}"
        )


NAMES = {
    "a\nb": "a name on one line",
    "a\rb": "a name on one line",
    " a": "a name without blanks at its ends",
    "a\t": "a name without blanks at its ends",
    "#a": "a name without a word that begins with #, which would be a comment",
    "a #b": "a name without a word that begins with #, which would be a comment",
}
LABELS = {
    "": "a label",
    "a b": "a label without blanks",
    "a\n": "a label without blanks",
    "a\a": "a label without blanks",
    "a#b": "a label without #, which RELION takes for a comment",
}


@pytest.mark.parametrize("name", NAMES)
def test_refused_names(name: str) -> None:
    shown = name.encode("unicode_escape").decode()
    with pytest.raises(tomoset.StarWriteError) as caught:
        written({name: {"a": 1}})
    assert str(caught.value) == f"<memory>: block data_{shown}: expected {NAMES[name]}, found '{shown}'"
    with pytest.raises(tomoset.StarWriteError):
        written(pa.table({"a": [1]}), name=name)


@pytest.mark.parametrize("name", ["", "a b", "a#b", "å", "data_", "a\0b", "x" * 1000, "'", "loop_"])
def test_names_read_back(name: str) -> None:
    for data in ({"a": 1}, pa.table({"a": [1]})):
        star = tomoset.read_star(written({name: data, "last": {"b": 2}}))
        assert [block.name for block in star.blocks] == [name, "last"]
        assert star[name]["a"].to_pylist() == [1]


@pytest.mark.parametrize("label", LABELS)
def test_refused_labels(label: str) -> None:
    shown = label.encode("unicode_escape").decode()
    found = f"'{shown}'".replace("\\x07", "\\u{7}") if label else "nothing"
    for data in ({label: 1}, pa.table({label: [1]})):
        with pytest.raises(tomoset.StarWriteError) as caught:
            written({"x": data})
        assert str(caught.value) == (
            f"<memory>: block data_x: label {shown}: expected {LABELS[label]}, found {found}"
        )


def test_labels_stand_once() -> None:
    expected = "expected each label once, or RELION cannot read the table, found it twice"
    twice = pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=["a", "a"])
    frame = pd.DataFrame([[1, 2]], columns=["a", "a"])
    for data in (twice, frame):
        with pytest.raises(tomoset.StarWriteError) as caught:
            written({"x": data})
        assert str(caught.value) == f"<memory>: block data_x: label a: {expected}"
    old, new = "rlnKullbackLeibnerDivergence", "rlnKullbackLeiblerDivergence"
    with pytest.raises(tomoset.StarWriteError) as caught:
        written({"x": {old: 1.0, new: 2.0}})
    assert str(caught.value) == f"<memory>: block data_x: label {new}: {expected}"
    assert list(tomoset.read_star(written({"x": {old: 1.0}}))["x"].values) == [old]


@pytest.mark.parametrize("option", ["floats", "na"])
def test_choices_for_labels_that_are_nowhere(option: str, tmp_path: Path) -> None:
    path = tmp_path / "a.star"
    table = pa.table({"rlnVoltage": [300.0, 1.0], "mine": [1.5, 2.0]})
    values = {"floats": "%.1f", "na": "keep"}
    chosen: dict[str, Any] = {
        option: {"rlnVoltage": values[option], "mine": values[option], "*": values[option]}
    }
    tomoset.write_star({"a": table}, path, **chosen)
    # Other files of a kind have it.
    elsewhere: dict[str, Any] = {option: {"rlnCtfMaxResolution": values[option]}}
    tomoset.write_star({"a": table}, path, **elsewhere)
    misspelt: dict[str, Any] = {option: {"rlnVoltag": values[option]}}
    words = f'{option} is given for "rlnVoltag", and no column is named so; did you mean "rlnVoltage"?'
    before = path.read_bytes()
    writers: list[Callable[..., None]] = [
        partial(tomoset.write_star, {"a": table}, path),
        partial(tomoset.read_star(path).write, path),
        partial(tomoset.append_star, path, table),
    ]
    for write in writers:
        with pytest.raises(ValueError, match=re.escape(words)):
            write(**misspelt)
        assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("label", "values", "na"),
    [
        ("rlnTomoSizeX", [1, None], "inf"),
        ("rlnEnabled", [True, None], "nan"),
        ("rlnTomoVisibleFrames", [[1], None], "nan"),
        ("rlnVoltage", [1.0, None], "1e400"),
        ("mine", [1, None], "-inf"),
    ],
)
def test_missing_values_that_would_not_read_back(label: str, values: list[Any], na: str) -> None:
    with pytest.raises(tomoset.StarWriteError, match=f"label {label}: row 1: .*found '{na}'"):
        tomoset.write_star({"a": pa.table({label: values})}, io.BytesIO(), na=na)


def test_a_label_with_nul() -> None:
    with pytest.raises(tomoset.StarWriteError, match="expected a label without NUL"):
        tomoset.write_star({"a": {"x\0y": 1}}, io.BytesIO())


def test_errors_are_copied_and_pickled() -> None:
    with pytest.raises(tomoset.StarWriteError) as caught:
        written({"x": pa.table({"a": ["\n"]})})
    for other in (pickle.loads(pickle.dumps(caught.value)), copy.copy(caught.value)):
        assert (str(other), other.__dict__) == (str(caught.value), caught.value.__dict__)
    assert isinstance(caught.value, ValueError)


# Data that is refused.

NO_DATA: list[tuple[Any, str]] = [
    (1, "block '' is int; it must be a table (pyarrow, pandas, polars or with __arrow_c_stream__), a StarBlock or a"
        " dictionary of label to value"),
    ([{"a": 1}], "block '' is list; it must be a table"),
    (None, "block '' is NoneType; it must be a table"),
    (np.zeros((2, 2)), "block '' is ndarray; it must be a table"),
    ({"x": [1]}, "block 'x' is list; it must be a table"),
    ({"x": 1}, "block 'x' is int; data maps block names to tables or dictionaries: for one list write {'name': {label:"
        " value}}"),
    ({"x": None}, "block 'x' is NoneType; data maps block names to tables or dictionaries"),
    ({"x": b"a"}, "block 'x' is bytes; data maps block names to tables or dictionaries"),
    ({1: {"a": 1}}, "blocks are named by text, not 1"),
    ({"x": {1: 2}}, "block 'x': labels are text, not 1"),
    ({"x": {"a": object()}}, "block 'x', label 'a': the values have no common type: "),
    ({"x": {"a": [1, "b"]}}, "block 'x', label 'a': the values have no common type: "),
    ({"x": {"a": 2**64}}, "block 'x', label 'a': the values have no common type: "),
    ({"x": pd.DataFrame({"a": [1, "b"]}, dtype=object)}, "block 'x', label 'a': the values have no common type: "),
    ({"x": pd.DataFrame({1: [2]})}, "block 'x': the columns of the frame must be named by text, not 1"),
]  # fmt: skip


@pytest.mark.parametrize(("data", "words"), NO_DATA, ids=[ascii(data)[:30] for data, _ in NO_DATA])
def test_data_of_other_kinds(data: Any, words: str, tmp_path: Path) -> None:
    with pytest.raises(TypeError, match=rf"\A{re.escape(words)}"):
        tomoset.write_star(data, tmp_path / "a.star")
    assert list(tmp_path.iterdir()) == []


# Values that are taken.


@pytest.mark.parametrize(
    ("label", "value", "options", "word"),
    [
        ("rlnVoltage", 300, {}, "300"),
        ("rlnVoltage", " 300 ", {}, "300"),
        ("rlnVoltage", True, {}, "1"),
        ("rlnVoltage", float("nan"), {"na": "keep"}, "nan"),
        ("rlnVoltage", float("-inf"), {"na": "keep"}, "-inf"),
        ("rlnVoltage", float("nan"), {"na": 0}, "0"),
        ("rlnVoltage", None, {"na": {"rlnVoltage": -1}}, "-1"),
        ("rlnVoltage", None, {"na": {"*": "keep"}}, "<NA>"),
        ("rlnVoltage", None, {"na": "None"}, "None"),
        ("foo", None, {}, "<NA>"),
        ("foo", float("nan"), {}, "nan"),
        ("foo", None, {"na": "a b"}, '"a b"'),
        ("rlnTomoName", None, {"na": "empty"}, "empty"),
        ("rlnTomoName", 1.5, {}, "1.5"),
        ("rlnTomoSizeX", 512.0, {}, "512"),
        ("rlnTomoSizeX", "1e3", {}, "1000"),
        ("rlnTomoSizeX", -(2.0**53), {}, "-9007199254740992"),
        ("rlnTomoSizeX", float("nan"), {"na": "keep"}, "nan"),
        ("rlnEnabled", True, {}, "1"),
        ("rlnEnabled", 1.0, {}, "1"),
        ("rlnEnabled", "no", {}, "0"),
        ("rlnEnabled", float("nan"), {"na": "keep"}, "<NA>"),
        ("rlnTomoProjX", [1, 2], {}, "[1,2]"),
        ("rlnTomoProjX", (1.0, 2.5), {}, "[1,2.5]"),
        ("rlnTomoProjX", [1.0, float("nan")], {"na": "keep"}, "[1,nan]"),
        ("rlnTomoProjX", "[1, 2]", {}, "[1,2]"),
        ("rlnTomoProjX", [], {}, "[]"),
        ("rlnTomoVisibleFrames", [True, False], {}, "[1,0]"),
        ("rlnTomoVisibleFrames", [-(2.0**31), 2**31 - 1], {}, "[-2147483648,2147483647]"),
        ("day", datetime.date(2020, 2, 29), {}, "2020-02-29"),
        ("cost", decimal.Decimal("1.50"), {}, "1.50"),
        ("bytes", b"a\xff", {}, "a\\xff"),
    ],
)
def test_taken_values(label: str, value: Any, options: dict[str, Any], word: str) -> None:
    found = written({"x": {label: value}}, layout="starfile", **options).split(b"\t\t\t")[1]
    assert found.decode("utf-8", "backslashreplace") == f"{word}\n\n\n"
    assert rows(pa.array([value]), label, **options) == [word] if b"\xff" not in found else True
    tomoset.read_star(written({"x": {label: value}}, **options))


def test_whatever_has_columns_is_a_table() -> None:
    table = pa.table({"rlnTomoName": ["a b", "c"], "rlnVoltage": [1.5, 300.0], "n": [1, 2]})
    expected = written({"x": table})
    frame = table.to_pandas()

    class Frame(pd.DataFrame):
        """A frame of another name."""

    star = tomoset.read_star(expected)
    others: list[Any] = [
        table.to_batches()[0],
        frame,
        Frame(frame),
        frame.set_index(np.array([7, 8])),
        frame.convert_dtypes(),
        frame.astype({"rlnTomoName": "category"}),
        pl.DataFrame(table),
        star["x"],
        pa.concat_tables([table.slice(0, 1), table.slice(1)]),
    ]
    for other in others:
        assert written({"x": other}) == expected
        if not isinstance(other, tomoset.StarBlock):
            assert written(other, name="x") == expected
    assert written(star) == expected


def test_gaps_in_frames() -> None:
    frame = pd.DataFrame({"rlnTomoSizeX": [1, None], "rlnTomoName": ["a", None]})
    with pytest.raises(
        tomoset.StarWriteError, match=r"label rlnTomoSizeX: row 1: expected a value .*, found a null"
    ):
        written(frame)
    text = written(frame, na={"rlnTomoSizeX": 0, "rlnTomoName": "empty"}, layout="starfile")
    assert text.endswith(b"1\ta\n0\tempty\n\n\n")
