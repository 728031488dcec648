"""What is odd in a STAR file, and what RELION would do about it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

from tomoset import _core

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["ERRORS", "SEVERITIES", "Diagnostic", "Severity"]

#: ``fatal``: RELION stops, or the text cannot be read; ``silent``: RELION goes on with other values or fewer rows,
#: without a word; ``warning``: likely a mistake; ``note``.
Severity: TypeAlias = Literal["fatal", "silent", "warning", "note"]
#: All of them, the worst first.
SEVERITIES: tuple[Severity, ...] = get_args(Severity)
#: Those that are counted as errors.
ERRORS: tuple[Severity, ...] = ("fatal", "silent")


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One thing worth knowing about a file, at its first place.

    Equal ones within a block and label are counted, not repeated.

    Attributes
    ----------
    code, name : str
        For instance ``"R101"`` and ``"rows-after-blank"``; ``docs/format.md`` lists them.
    severity : {"fatal", "silent", "warning", "note"}
        RELION stops, or the text cannot be read; RELION goes on with other values or fewer rows, without a word;
        likely a mistake; worth knowing.
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
def _codes() -> dict[str, tuple[str, str, str]]:
    return {code: (name, message, does) for code, name, _, message, does, _ in _core.diagnostic_codes()}


def located(rows: Iterable[_core._DiagnosticRow]) -> tuple[Diagnostic, ...]:
    """Make diagnostics of the reader's rows."""
    found = []
    for code, severity, offset, line, column, count, block, label, detail in rows:
        name, message, relion = _codes()[code]
        words = f"{message}: {detail}" if detail else message
        found.append(
            Diagnostic(code, name, severity, words, relion, line, column, offset, block, label, count)
        )
    return tuple(found)
