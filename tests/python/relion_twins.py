"""Whether RELION, as `relion_reader` has it, reads in a text what tomoset reads in it."""

from __future__ import annotations

from typing import Any

import relion_reader as relion
import tomoset
from tomoset import _core

CANONICAL = {name: canonical for name, _, _, canonical in _core.labels()}
KINDS = {name: kind for name, kind, *_ in _core.labels()}
#: How RELION holds a word, by the type of its label; it leaves all unknown labels text.
WORDS: dict[str, Any] = {
    "double": relion.double,
    "int": relion.integer,
    "bool": relion.boolean,
    "double_vector": lambda word: [relion.double(item) for item in relion.vector(word)],
    "int_vector": lambda word: [relion.short_integer(item) for item in relion.vector(word)],
}


def relion_sees(text: bytes) -> Any:
    """Give RELION's tables as values, or why it stops."""
    try:
        tables = relion.read(text, CANONICAL)
    except relion.Aborted as error:
        return f"aborted: {error}"
    found = []
    for table in tables:
        # Of blocks without content RELION knows some, and some not.
        if not table.labels:
            continue
        held = [WORDS.get(KINDS.get(label, ""), str) for label in table.labels]
        rows = [[hold(word) for hold, word in zip(held, row, strict=True)] for row in table.rows]
        found.append((table.name, table.labels, rows))
    return found


def tomoset_sees(text: bytes) -> Any:
    """Give tomoset's tables in the same way; unknown labels as text."""
    star = tomoset.read_star(
        text,
        invalid_utf8="latin-1",
        dtypes={label: "string" for label in _labels(text) if label not in KINDS},
    )
    found = []
    for block in star.blocks:
        if not block.labels:
            continue
        (table,) = [*block.loops, *([block.to_arrow()] if block.is_list else [])]
        labels = [CANONICAL.get(label, label) for label in table.column_names]
        rows = [list(row.values()) for row in table.to_pylist()]
        found.append(
            (_latin(block.name), [_latin(label) for label in labels], [[*map(_latin, row)] for row in rows])
        )
    return found


def _labels(text: bytes) -> list[str]:
    return [label for block in tomoset.read_star(text, on_error="collect").blocks for label in block.labels]


def _latin(value: Any) -> Any:
    """Give text as RELION's bytes are given: each as the character of its number."""
    if not isinstance(value, str):
        return value
    return value.encode("utf-8").decode("latin-1")
