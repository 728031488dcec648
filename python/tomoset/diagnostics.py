"""What is odd in a STAR file, and what RELION would do about it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Literal, cast

from tomoset import _core

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Diagnostic", "Severity"]

Severity = Literal["error", "warning", "note"]


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One thing worth knowing about a file, at its first place.

    Equal ones within a block and label are counted, not repeated.

    Attributes
    ----------
    code, name : str
        For instance ``"R101"`` and ``"rows-after-blank"``; ``docs/format.md`` lists them.
    severity : {"error", "warning", "note"}
        RELION aborts, or the text cannot be read; RELION reads something else without a word; worth knowing.
    message, relion : str
        What is there and how it was read; what RELION does with it.
    line, column, offset : int
        Where: line and column from 1, columns and offsets in bytes.
    block, label : str or None
        The block and label it belongs to.
    count : int
        How many such places there are.
    """

    code: str
    name: str
    severity: Severity
    message: str
    relion: str
    line: int
    column: int
    offset: int
    block: str | None
    label: str | None
    count: int

    def __str__(self) -> str:
        where = f"{self.line}:{self.column}: {self.severity} {self.code} {self.name}"
        of = f" [data_{self.block}{f' {self.label}' if self.label else ''}]" if self.block is not None else ""
        times = f" ({self.count} times)" if self.count > 1 else ""
        return f"{where}{of}: {self.message}{times}; RELION {self.relion}"


@cache
def _codes() -> dict[str, tuple[str, Severity, str, str]]:
    rows = _core.diagnostic_codes()
    return {
        code: (name, cast("Severity", severity), message, does)
        for code, name, severity, message, does in rows
    }


def located(rows: Iterable[_core._DiagnosticRow]) -> tuple[Diagnostic, ...]:
    """Make diagnostics of the reader's rows."""
    found = []
    for code, offset, line, column, count, block, label, detail in rows:
        name, severity, message, relion = _codes()[code]
        words = f"{message}: {detail}" if detail else message
        found.append(
            Diagnostic(code, name, severity, words, relion, line, column, offset, block, label, count)
        )
    return tuple(found)
