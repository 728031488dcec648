"""What is wrong with a set, or may be."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tomoset import _core
from tomoset.exceptions import TomosetError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tomoset.diagnostics import Severity

__all__ = ["Finding", "located"]


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong, or may be.

    Attributes
    ----------
    code : str
        Its name, such as ``missing-file``; `docs/rules.md` lists them.
    severity : {"fatal", "silent", "warning", "note"}
        What RELION makes of it, as of a `Diagnostic`: it stops, or the text cannot be read; it goes on with other
        values or fewer rows, without a word; likely a mistake; worth knowing.
    where : str
        File, tomogram and row.
    found : str
        What is there.
    relion : str
        What RELION does.
    mend : str
        What can be done.
    tomogram : str or None
        The tomogram's name.
    path : str or None
        The STAR file that it stands in; None for a set that is in no file.
    block : str or None
        The block of that file; None where it is about the file as a whole.
    row : int or None
        The row of the block's table, from 0.
    label : str or None
        The column.
    line, column : int or None
        Where in the file, from 1, columns in bytes: the value of the label in the row, the row, or the block's header.
    count : int
        How many such places there are in the file, as far as they are told together.
    """

    code: str
    severity: Severity
    where: str
    found: str
    relion: str
    mend: str
    tomogram: str | None = None
    path: str | None = None
    block: str | None = None
    row: int | None = None
    label: str | None = None
    line: int | None = None
    column: int | None = None
    count: int = 1

    @property
    def id(self) -> str:
        """The code as a letter and a number, such as ``N204``; the letter says what it is about."""
        from tomoset.checking.registry import by_name

        return by_name(self.code).id

    def __str__(self) -> str:
        what = f"{self.where}: {self.code} ({self.severity}): {self.found}"
        return f"{what}. RELION {self.relion}; {self.mend}."


def located(findings: Iterable[Finding]) -> list[Finding]:
    """Give findings with line and column, where their files are as they were read."""
    found = list(findings)
    wanted: dict[str, list[int]] = {}
    for at, finding in enumerate(found):
        if finding.path is not None and finding.block is not None and finding.line is None:
            wanted.setdefault(finding.path, []).append(at)
    for path, places in wanted.items():
        sought = [(found[at].block, found[at].row, found[at].label) for at in places]
        try:
            positions = _core.find_places(path, sought)
        except (OSError, TomosetError, UnicodeError):
            # It is gone, or no text any more.
            continue
        for at, position in zip(places, positions, strict=True):
            if position is not None:
                line, column = position
                found[at] = replace(found[at], line=line, column=column)
    return found
