"""Any table is written so that it reads back equal, here and by RELION's rules, or is refused for a declared reason."""

from __future__ import annotations

import io
import re
from typing import Any

import pytest
import relion_reader as relion
import tomoset
from hypothesis import event, given, settings
from hypothesis import strategies as st
from star_tables import KINDS, READ, Column, Table, is_finite, plain_as, tables
from tomoset import _core

pytestmark = pytest.mark.usefixtures("no_hang")

CANONICAL = {name: canonical for name, _, _, canonical in _core.labels()}
DTYPES = {label: READ[kind] for label, kind in KINDS.items()}
LAYOUTS = st.sampled_from(["relion", "starfile"])
EXPECTED = re.compile(
    r"expected (text on one line|text that quotes can be put around|a first line of a list without loop_.*"
    r"|whole numbers of at most 32 bits|at least one row, since RELION .*), found "
)


def written(data: object, **options: Any) -> bytes:
    file = io.BytesIO()
    tomoset.write_star(data, file, **options)
    return file.getvalue()


def holds(blocks: dict[str, Table], layout: str) -> None:
    """Write the tables and read them."""
    refused = any(table.is_refused for table in blocks.values())
    empty = any(table.num_rows == 0 for table in list(blocks.values())[:-1])
    data = {name: table.data for name, table in blocks.items()}
    try:
        text = written(data, layout=layout, na="keep")
    except tomoset.StarWriteError as error:
        assert refused or empty, str(error)
        assert EXPECTED.search(str(error)), str(error)
        event("refused")
        return
    assert not refused
    assert not empty
    star = tomoset.read_star(text, dtypes=DTYPES)
    assert [block.name for block in star.blocks] == list(blocks)
    for name, table in blocks.items():
        block = star[name]
        assert block.is_list == table.is_list
        assert block.labels == [column.label for column in table.columns]
        for column in table.columns:
            found = [plain_as(value, column.array.type) for value in block[column.label].to_pylist()]
            assert found == expected(column)
    relion_reads(text, blocks)


def expected(column: Column) -> list[Any]:
    """Give a column's values as they are to be read: text has no word for what is missing."""
    return (
        ["<NA>" if value is None else value for value in column.plain]
        if column.kind == "text"
        else column.plain
    )


def relion_reads(text: bytes, blocks: dict[str, Table]) -> None:
    """Hold what RELION will read against what was to be written."""
    found = relion.read(text, CANONICAL)
    assert [(table.name, table.is_list, len(table.rows)) for table in found] == [
        (name, table.is_list, table.num_rows) for name, table in blocks.items()
    ]
    for read, table in zip(found, blocks.values(), strict=True):
        for at, column in enumerate(table.columns):
            words = [row[at] for row in read.rows]
            for word, value in zip(words, column.array.to_pylist(), strict=True):
                relion_has(word, value, column, table.is_list)


def relion_has(word: str, value: Any, column: Column, in_list: bool) -> None:
    if isinstance(value, str):
        text = value.encode().decode("latin-1")
        assert word == (
            text if in_list else re.sub(" +", " ", relion.DELETED.sub("", text.replace("\t", " ")))
        )
    elif isinstance(value, bool):
        assert relion.boolean(word) == value
    elif isinstance(value, int):
        assert relion.integer(word) == value
    elif is_finite(value):
        assert plain_as(relion.double(word), column.array.type) == plain_as(value, column.array.type)
    elif isinstance(value, list) and column.kind == "ints":
        assert [relion.integer(item) for item in relion.vector(word)] == value
    elif isinstance(value, list) and all(map(is_finite, value)):
        doubles = [relion.double(item) for item in relion.vector(word)]
        assert plain_as(doubles, column.array.type) == plain_as(value, column.array.type)
    else:
        assert word.strip("[]") != ""


@settings(max_examples=5_000)
@given(tables(is_list=False), LAYOUTS)
def test_any_loop(table: Table, layout: str) -> None:
    holds({"x": table}, layout)


@settings(max_examples=4_000)
@given(tables(is_list=True), LAYOUTS)
def test_any_list(table: Table, layout: str) -> None:
    holds({"": table}, layout)


@settings(max_examples=1_000)
@given(
    st.lists(st.booleans().flatmap(lambda is_list: tables(is_list=is_list)), min_size=2, max_size=4), LAYOUTS
)
def test_any_file(several: list[Table], layout: str) -> None:
    holds({f"block_{index}": table for index, table in enumerate(several)}, layout)
