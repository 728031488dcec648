"""STAR text as RELION's own programs and as the starfile package lay it out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TypeAlias

Vector: TypeAlias = tuple[float, ...]
Cell: TypeAlias = str | int | float | Vector


@dataclass(frozen=True, slots=True)
class RelionStyle:
    """What RELION's C++ programs write: padded columns, and a line with one blank at the end of a table."""

    version: int = 50001

    def cells(self, values: Iterable[Cell]) -> str:
        """Part of a row; every value is followed by one blank, so parts can be put together."""
        return "".join([_padded(value) for value in values])

    def loop(self, block: str, labels: Sequence[str], rows: Sequence[str]) -> str:
        """One table. RELION writes nothing at all for a table without rows."""
        if not rows:
            return ""
        return f"{self._header(block)}loop_ \n{_label_lines(tuple(labels), ' ')}" + "\n".join(rows) + "\n \n"

    def values(self, block: str, values: Mapping[str, Cell]) -> str:
        """One list block: a label and its value on each line."""
        width = max(10, *map(len, values)) + 12
        lines = [f"_{label:<{width}}{_unpadded(value)}\n" for label, value in values.items()]
        return self._header(block) + "".join(lines) + " \n"

    def _header(self, block: str) -> str:
        return f"\n# version {self.version}\n\ndata_{block}\n\n"


@dataclass(frozen=True, slots=True)
class StarfileStyle:
    """What RELION's Python jobs write through the starfile package: tabs, and a comment with the hour."""

    created: str

    def cells(self, values: Iterable[Cell]) -> str:
        """Part of a row; every value is followed by a tab, so parts can be put together."""
        return "".join([f"{_plain(value)}\t" for value in values])

    def loop(self, block: str, labels: Sequence[str], rows: Sequence[str]) -> str:
        """One table that is alone in its file; the tab at the end of each row is taken off."""
        comment = f"# Created by the starfile Python package (version 0.5.8) at {self.created}"
        body = "".join([f"{row[:-1]}\n" for row in rows])
        return f"{comment}\n\ndata_{block}\n\nloop_\n{_label_lines(tuple(labels), '')}{body}\n\n"


Style: TypeAlias = RelionStyle | StarfileStyle

RELION = RelionStyle()
RELION_4 = RelionStyle(version=30001)


@cache
def _label_lines(labels: tuple[str, ...], end: str) -> str:
    return "".join([f"_{label} #{number}{end}\n" for number, label in enumerate(labels, 1)])


def _padded(value: Cell) -> str:
    if isinstance(value, float):
        if 0.001 <= value < 99999.0:  # most numbers, and a third of the script's time
            return f"{value:12.6f} "
        return _double(value) + " "
    if isinstance(value, int):
        return f"{value:12d} "
    text = _unpadded(value)
    if text.isascii():
        return f"{text:>10} "
    return " " * (10 - len(text.encode())) + text + " "


def _unpadded(value: Cell) -> str:
    if isinstance(value, float):
        return _double(value)
    if isinstance(value, int):
        return f"{value:12d}"
    if isinstance(value, tuple):
        return "[" + ",".join([f"{number:.12g}" for number in value]) + "]"
    if not value or " " in value:
        return f'"{value}"'
    return value


def _double(value: float) -> str:
    """RELION's fixed field of 12 characters, which gives a negative number one digit less."""
    size = abs(value)
    if size > 100000.0 or 0.0 < size < 0.001:
        text = f"{value:12.6e}" if value >= 0.0 else f"{value:12.5e}"
    else:
        text = f"{value:12.6f}" if value >= 0.0 else f"{value:12.5f}"
    return text[:12]


def _plain(value: Cell) -> str:
    if isinstance(value, float):
        return f"{value:.6f}"
    if isinstance(value, int):
        return str(value)
    return _unpadded(value)
