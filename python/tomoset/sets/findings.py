"""What is wrong with a set, or may be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

__all__ = ["Finding", "Severity"]

#: ``fatal``: RELION stops; ``silent``: RELION goes on with other values; ``warning``: likely a mistake; ``note``.
Severity: TypeAlias = Literal["fatal", "silent", "warning", "note"]


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong, or may be.

    Attributes
    ----------
    code : str
        Such as ``missing-file``; `docs/sets.md` lists them.
    severity : {"fatal", "silent", "warning", "note"}
        What RELION makes of it: it stops; it goes on with other values; it does what was likely not meant; nothing.
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
    """

    code: str
    severity: Severity
    where: str
    found: str
    relion: str
    mend: str
    tomogram: str | None = None

    def __str__(self) -> str:
        what = f"{self.where}: {self.code} ({self.severity}): {self.found}"
        return f"{what}. RELION {self.relion}; {self.mend}."
