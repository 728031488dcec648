"""Texts as values: what is written reads back equal, here and by RELION's rules.

RELION's rules are those of `relion_reader`, which is first held against what RELION itself made of 160 odd files,
some 3,000 numbers and 53 texts.
"""

from __future__ import annotations

import io
import json
import struct
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
CANONICAL = {name: canonical for name, _, _, canonical in _core.labels()}


def written(data: object, **options: Any) -> bytes:
    file = io.BytesIO()
    tomoset.write_star(data, file, **options)
    return file.getvalue()


# RELION's rules.


def is_relions(word: str, value: str, kind: str) -> bool:
    """Tell whether a word is a value of RELION's, stored as text."""
    match kind:
        case "double":
            return relion.double(word).hex() == float(value).hex()
        case "int":
            return relion.integer(word) == int(value)
        case "bool":
            return relion.boolean(word) == (value == "1")
        case "double_vector":
            return [relion.double(item) for item in relion.vector(word)] == items(value)
        case "int_vector":
            return [relion.short_integer(item) for item in relion.vector(word)] == items(value)
    return word == value


def items(text: str) -> list[float]:
    return [float(item) for item in text.strip("[]").split(",") if item]


def test_these_are_relions_rules_for_files() -> None:
    cases = sorted((FOLDER / "parse").glob("*.relion.json"))
    assert len(cases) == 160
    for path in cases:
        found = json.loads(path.read_text())["read_all"]
        text = path.with_name(path.name.replace(".relion.json", ".star")).read_bytes()
        try:
            tables = relion.read(text, CANONICAL)
        except relion.Aborted:
            assert found["status"] == "error", path.name
            continue
        assert found["status"] == "ok", path.name
        shapes = [(table.name, table.labels, len(table.rows)) for table in tables]
        assert shapes == [
            (table["name"], [label for label, _ in table["labels"]], len(table["rows"]))
            for table in found["tables"]
        ], path.name
        for ours, theirs in zip(tables, found["tables"], strict=True):
            kinds = [kind for _, kind in theirs["labels"]]
            for words, values in zip(ours.rows, theirs["rows"], strict=True):
                assert all(map(is_relions, words, values, kinds)), (path.name, words, values)


def test_these_are_relions_rules_for_numbers() -> None:
    doubles = (FOLDER / "write" / "double_parse.tsv").read_text("latin-1").split("\n")[1:-1]
    assert len(doubles) > 3000
    for line in doubles:
        text, _, bits = line.rsplit("\t", 2)
        assert struct.pack(">d", relion.double(text)).hex() == bits, text
    ints = (FOLDER / "write" / "int_parse.tsv").read_text("latin-1").split("\n")[1:-1]
    assert len(ints) > 30
    for line in ints:
        text, value, _, boolean = line.rsplit("\t", 3)
        assert relion.integer(text) == int(value), text
        assert relion.boolean(text) == (boolean == "1"), text


def words_or_error(line: str) -> Any:
    try:
        return relion.words(line)
    except relion.Aborted:
        return "error"


def test_these_are_relions_rules_for_words() -> None:
    assert len(texts()) == 53
    for case in texts():
        assert words_or_error(case["written"]) == case["tokens_list_line"]
        assert words_or_error(relion.squeeze(case["written"])) == case["tokens_loop_line"]


# Texts that RELION wrote.

#: Written otherwise than RELION does, which loses them or leaves them to be taken for something else.
OTHERWISE = {
    'a" b': "'a\" b'",
    'a "b" c': "'a \"b\" c'",
    '""': '""""',
    '" ': "'\" '",
    'q" q" q"': '\'q" q" q"\'',
    "#hash": '"#hash"',
    "_under": '"_under"',
    "data_x": '"data_x"',
    "loop_": '"loop_"',
    ";semi": '";semi"',
    "bell\ahere": '"bell\ahere"',
}
#: Read otherwise by RELION in the rows of loops, whatever quotes are there: it squeezes blanks and deletes the bell.
SQUEEZED = {
    "  two lead": " two lead",
    "tab\there": "tab here",
    "a  b": "a b",
    "tab\t": "tab ",
    "bell\ahere": "bellhere",
}
#: RELION's values end with their line, so these are refused, whether RELION would write them or not.
REFUSED = {"line1\nline2", "cr\rhere"}


@cache
def texts() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((FOLDER / "write" / "string_escape.json").read_text())
    return found


def test_declared_texts_are_there() -> None:
    values = {case["value"] for case in texts()}
    assert (OTHERWISE.keys() | SQUEEZED.keys() | REFUSED) <= values


@pytest.mark.parametrize("label", ["rlnTomoName", "unknownLabel"])
@pytest.mark.parametrize("is_list", [True, False], ids=["list", "loop"])
@pytest.mark.parametrize("case", texts(), ids=lambda case: ascii(case["value"]))
def test_text(case: dict[str, Any], is_list: bool, label: str) -> None:
    value = case["value"].encode("latin-1").decode()
    block = {"x": 1, label: value, "y": 2} if is_list else pa.table({"x": [1], label: [value], "y": [2]})
    if value in REFUSED:
        with pytest.raises(tomoset.StarWriteError, match="expected text on one line, found"):
            written({"x": block})
        return
    text = written({"x": block})
    word = OTHERWISE.get(value, case["written"].encode("latin-1").decode())
    assert (f" {word}\n_y" if is_list else f" {word}            2 \n").encode() in text
    star = tomoset.read_star(text, dtypes={label: "string"})
    assert star["x"][label].to_pylist() == [value]
    assert {found.code for found in star.diagnostics if found.severity != "note"} <= {"Q101", "L104"}
    (table,) = relion.read(text, CANONICAL)
    assert table.labels == ["x", label, "y"]
    expected = value if is_list else SQUEEZED.get(value, value)
    assert table.rows == [["1", expected.encode().decode("latin-1"), "2"]]


@pytest.mark.parametrize("layout", ["relion", "starfile"])
def test_text_with_both_quotes_before_blanks(layout: Any) -> None:
    value = "a\" b' c"
    text = written({"x": {"foo": value}}, layout=layout)
    assert b'"a\a" b\' c"\n' in text
    assert tomoset.read_star(text)["x"].values == {"foo": value}
    assert relion.read(text, CANONICAL)[0].rows == [[value]]
    with pytest.raises(tomoset.StarWriteError) as caught:
        written({"x": pa.table({"foo": ["a", value]})}, layout=layout)
    assert str(caught.value) == (
        "<memory>: block data_x: label foo: row 1: expected text that quotes can be put around,"
        " found 'a\" b' c'"
    )


# Keywords where RELION looks for them.


def test_a_list_does_not_begin_with_what_is_a_loop_to_relion() -> None:
    with pytest.raises(tomoset.StarWriteError) as caught:
        written({"x": {"rlnTomoName": "my_loop_1", "rlnVoltage": 300.0}})
    assert str(caught.value) == (
        "<memory>: block data_x: label rlnTomoName: expected a first line of a list without loop_, which RELION takes"
        " for a loop's (put another first), found '_rlnTomoName            my_loop_1'"
    )
    text = written({"x": {"rlnVoltage": 300.0, "rlnTomoName": "my_loop_1"}})
    assert relion.read(text, CANONICAL)[0].rows == [["300.0", "my_loop_1"]]


def test_blocks_without_content_stand_last() -> None:
    blocks: list[Any] = [{}, pa.table({"a": pa.array([], pa.int64())})]
    for block in blocks:
        with pytest.raises(
            tomoset.StarWriteError, match=r"data_a: expected at least one (value|row), since RELION"
        ):
            written({"a": block, "b": {"x": 1}})
        text = written({"b": {"x": 1}, "a": block})
        assert [table.name for table in relion.read(text, CANONICAL)] == ["b", "a"]
        star = tomoset.read_star(written({"a": block, "b": {"x": 1}}, empty_loops="keep"))
        assert [(found.name, found.num_rows) for found in star.blocks] == [("a", 0), ("b", 1)]
