"""The hostile files, what is expected of them, and what a reading gave, in the same words.

`expected.tsv` has a line for each file: what ``on_error="raise"`` raises (``-``: nothing), and what
``on_error="collect"`` gives: blocks with the rows of their tables (``L2`` is a list of two values, ``@7`` a
version), diagnostics with line and column, and the values of all blocks but ``data_survivor`` (``-``: not
looked at).
"""

from __future__ import annotations

import csv
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tomoset

if TYPE_CHECKING:
    from collections.abc import Iterable

FOLDER = Path(__file__).parents[1] / "data" / "hostile"
MANY = 12
LONG = 400
PACKED = (b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"P*M\x18")


@dataclass(frozen=True)
class Expected:
    """A line of `expected.tsv`."""

    file: str
    raises: str
    blocks: str
    diagnostics: str
    values: str

    @property
    def path(self) -> Path:
        return FOLDER / self.file

    @property
    def is_packed(self) -> bool:
        return self.path.read_bytes().startswith(PACKED)


def read_expected() -> list[Expected]:
    with (FOLDER / "expected.tsv").open(encoding="utf-8", newline="") as file:
        return [Expected(**row) for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)]


def files() -> list[str]:
    """Names of all files that must be declared."""
    return sorted(path.name for path in FOLDER.iterdir() if path.suffix == ".star")


def raised(error: BaseException | None) -> str:
    """Say what was raised."""
    match error:
        case None:
            return "-"
        case tomoset.StarSyntaxError() | tomoset.StarTypeError():
            place = "" if error.block is None else f" data_{_name(error.block)}"
            label = "" if error.label is None else f" _{_name(error.label)}"
            return f"{type(error).__name__} {error.code} {error.line}:{error.column}{place}{label}"
        case OSError():
            return f"{type(error).__name__}: {str(error.strerror).split(': ')[0]}"
        case _:
            return repr(error)


def blocks(star: tomoset.StarFile) -> str:
    """Say which blocks there are, with the rows of their tables."""
    rows = sum(block.num_rows for block in star.blocks)
    return _listed([_block(block) for block in star.blocks], f"{len(star.blocks)} blocks, {rows} rows")


def diagnostics(star: tomoset.StarFile) -> str:
    """Say which diagnostics there are, each with its first place."""
    found = star.diagnostics
    words = [f"{d.code} {d.line}:{d.column}{f' x{d.count}' if d.count > 1 else ''}" for d in found]
    kinds = ", ".join(
        f"{code}: {sum(d.code == code for d in found)}" for code in sorted({d.code for d in found})
    )
    return _listed(words, kinds, "; ")


def values(star: tomoset.StarFile) -> str:
    """Give the values of all tables as JSON; cut off where they are many."""
    tables = [table for block in star.blocks if block.name != "survivor" for table in tables_of(block)]
    if sum(table.num_rows * table.num_columns for table in tables) > 100:
        return "-"
    text = json.dumps([table.to_pydict() for table in tables])
    return text if len(text) <= LONG else "-"


def tables_of(block: tomoset.StarBlock) -> list[Any]:
    """All tables of a block, the list part as a table too."""
    return [part.table for part in block._parts]


def _block(block: tomoset.StarBlock) -> str:
    tables = [f"L{len(part.labels)}" if part.is_list else str(part.num_rows) for part in block._parts]
    version = "" if block.version is None else f"@{block.version}"
    shown = [*tables[:MANY], "..."] if len(tables) > MANY else tables
    return f"{_name(block.name)}{version}={','.join(shown) or '-'}"


def _name(name: str) -> str:
    short = name if len(name) <= 40 else f"{name[:20]}~{len(name)}"
    return short if re.fullmatch(r"[\w.#~]+", short, re.ASCII) else json.dumps(short)


def _listed(words: Iterable[str], summary: str, separator: str = " ") -> str:
    words = list(words)
    if len(words) > MANY:
        words = [*words[: MANY // 2], f"... ({summary})"]
    return separator.join(words) or "-"
