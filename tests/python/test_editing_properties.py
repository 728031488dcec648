"""Any edit of any text: the values are those that were asked for, and what was not edited keeps its text."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import tomoset
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from star_texts import ANY_BYTES, KINDS, LOOP_BYTES, NAMES, Text, texts

pytestmark = pytest.mark.usefixtures("no_hang")

NEW = {
    "f": st.floats(allow_nan=False, allow_infinity=False),
    "i": st.integers(-(2**63), 2**63 - 1),
    "b": st.booleans(),
    "t": st.text("ab #'_;é", max_size=5).filter(lambda text: "' " not in text),
    "v": st.lists(st.floats(-1e3, 1e3), max_size=3),
    "w": st.lists(st.integers(-5, 5), max_size=3),
}


@dataclass
class Cell:
    """A value, and the text it must have; nothing where that is free."""

    value: Any
    text: str | None


Rows = list[dict[str, Cell]]


def cells(sample: Text, name: str) -> Rows:
    """Give the rows of a block with their text as it was read."""
    typed = tomoset.read_star(sample.text, dtypes=sample.dtypes)[name].to_arrow().to_pylist()
    text = tomoset.read_star(sample.text, dtypes="string")[name].to_arrow().to_pylist()
    return [
        {label: Cell(row[label], words[label]) for label in row}
        for row, words in zip(typed, text, strict=True)
    ]


def label_like(draw: st.DrawFn, labels: list[str]) -> str:
    """Make a label that is new."""
    kind = draw(st.sampled_from(sorted(NEW)))
    label = f"{kind}new{draw(st.integers(0, 99))}"
    assume(label not in labels)
    return label


@st.composite
def edited(draw: st.DrawFn, block: tomoset.StarBlock, rows: Rows) -> tuple[tomoset.StarBlock, Rows]:
    """Edit a block at random, and a model of it likewise."""
    labels = block.labels
    what = draw(st.sampled_from(["set", "add", "drop", "select", "rename", "filter", "take", "append"]))
    if block.is_list and what in ("filter", "take", "append"):
        return block, rows
    match what:
        case "set" | "add":
            label = draw(st.sampled_from(labels)) if what == "set" else label_like(draw, labels)
            kind = NEW[label[0]]
            values = [
                row[label].value if label in row and draw(st.booleans()) else draw(kind) for row in rows
            ]
            given_values = values[0] if block.is_list else values
            block = block.with_columns({label: given_values if rows or block.is_list else np.zeros(0)})
            new = [
                {**row, label: row[label] if same(row.get(label), value) else Cell(value, None)}
                for row, value in zip(rows, values, strict=True)
            ]
            return block, new
        case "drop" if len(labels) > 1:
            label = draw(st.sampled_from(labels))
            return block.drop(label), [{k: v for k, v in row.items() if k != label} for row in rows]
        case "select" if not block.is_list:
            chosen = draw(st.lists(st.sampled_from(labels), unique=True, min_size=1))
            return block.select(chosen), [{label: row[label] for label in chosen} for row in rows]
        case "rename":
            old = draw(st.sampled_from(labels))
            # Of the same type, which the first letter tells.
            new_label = old[0] + "new" + str(draw(st.integers(100, 199)))
            assume(new_label not in labels)
            names = {old: new_label}
            return block.rename(names), [{names.get(k, k): v for k, v in row.items()} for row in rows]
        case "filter" if rows:
            mask = draw(st.lists(st.booleans(), min_size=len(rows), max_size=len(rows)))
            return block.filter(np.array(mask)), [row for row, kept in zip(rows, mask, strict=True) if kept]
        case "take" if rows:
            at = draw(st.lists(st.integers(0, len(rows) - 1), max_size=8))
            return block.take(np.array(at, dtype=np.int64)), [rows[index] for index in at]
        case "append" if rows:
            more = [{label: draw(NEW[label[0]]) for label in labels} for _ in range(draw(st.integers(1, 3)))]
            columns = {label: [row[label] for row in more] for label in labels}
            return block.append(columns), rows + [
                {label: Cell(value, None) for label, value in row.items()} for row in more
            ]
    return block, rows


def same(cell: Cell | None, value: Any) -> bool:
    """Whether a value is the one that was read, to the sign of a zero."""
    return cell is not None and repr(cell.value) == repr(value)


def comments(text: bytes) -> list[bytes]:
    return sorted(line.strip() for line in re.split(rb"\r?\n", text) if line.strip().startswith(b"#"))


@settings(max_examples=250)
@given(st.data(), texts())
def test_any_edit(data: st.DataObject, sample: Text) -> None:
    star = tomoset.read_star(sample.text, dtypes=sample.dtypes)
    names = [block.name for block in sample.blocks if len(block.tables) == 1]
    assume(names)
    name = data.draw(st.sampled_from(names))
    block, rows = star[name], cells(sample, name)
    for _ in range(data.draw(st.integers(1, 4))):
        block, rows = data.draw(edited(block, rows))
    star[name] = block
    text = star.to_bytes(empty_loops="keep")
    dtypes = sample.dtypes | {label: KINDS[label[0]] for label in block.labels}
    again = tomoset.read_star(text, dtypes=dtypes)
    assert again[name].labels == block.labels or block.is_list
    table = again[name].to_arrow().to_pylist()
    assert repr([{k: row[k] for k in sorted(row)} for row in table]) == repr(
        [{k: row[k].value for k in sorted(row)} for row in rows]
    )
    words = tomoset.read_star(text, dtypes="string")[name].to_arrow().to_pylist()
    for row, texts_now in zip(rows, words, strict=True):
        for label, cell in row.items():
            assert cell.text is None or texts_now[label] == cell.text
    for other in sample.blocks:
        if other.name != name:
            assert [t.to_pylist() for t in again[other.name].loops] == [
                t.to_pylist() for t in star[other.name].loops
            ]
    assert set(comments(text)) >= set(comments(sample.text))


@settings(max_examples=100)
@given(texts(), NAMES, st.booleans())
def test_blocks_come_and_go(sample: Text, name: str, first: bool) -> None:
    star = tomoset.read_star(sample.text, dtypes=sample.dtypes)
    gone = sample.blocks[0 if first else -1].name
    assume(name not in star)
    star[name] = {"x": 1}
    del star[gone]
    again = tomoset.read_star(star.to_bytes(empty_loops="keep"), dtypes=sample.dtypes)
    assert list(again) == [block.name for block in sample.blocks if block.name != gone] + [name]
    for kept in again:
        assert [t.to_pylist() for t in again[kept].loops] == [t.to_pylist() for t in star[kept].loops]
        assert repr(again[kept].values) == repr(star[kept].values)


@settings(max_examples=800)
@given(ANY_BYTES)
def test_any_bytes_untouched(text: bytes) -> None:
    try:
        star = tomoset.read_star(text, on_error="collect", invalid_utf8="bytes")
    except OSError:
        # It looks like gzip or zstd.
        return
    if len(star):
        assert star.to_bytes() == text


@settings(max_examples=800)
@given(LOOP_BYTES, st.sampled_from(["filter", "take", "set", "add", "drop"]))
def test_any_bytes_edited(text: bytes, what: str) -> None:
    star = tomoset.read_star(text, on_error="collect")
    name = next(iter(star))
    block = star[name]
    # Labels that repeat have other names once one is left out.
    repeats = any("#" in label for label in block.labels)
    if not block.num_rows or len(block.loops) != 1 or block.values or repeats:
        return
    every = np.arange(block.num_rows)
    label = block.labels[0]
    match what:
        case "filter":
            star[name] = block.filter(every % 2 == 0)
        case "take":
            star[name] = block.take(every[::-1])
        case "set":
            star[name] = block.with_columns({label: every * 1000})
        case "add":
            star[name] = block.with_columns(rlnGroupNumber=every)
        case "drop" if len(block.labels) > 1:
            star[name] = block.drop(label)
    try:
        written = star.to_bytes(empty_loops="keep")
    except tomoset.StarWriteError as error:
        assert "could not be read" in str(error) or "each label once" in str(error)
        return
    again = tomoset.read_star(written, on_error="collect", dtypes="string")
    was = tomoset.read_star(text, on_error="collect", dtypes="string")[name]
    now = again[name].loops[0]
    assert now.num_rows == star[name].num_rows
    rows = {"filter": every[::2], "take": every[::-1]}.get(what, every)
    for column in now.column_names:
        if column in was.labels and (column, what) != (label, "set"):
            assert now[column].to_pylist() == was[column].take(rows).to_pylist()
