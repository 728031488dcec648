"""The fixes there are: each by the code of the diagnostic that it ends, and whether it is safe."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from tomoset import _core

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Choice", "Fix", "all_fixes", "chosen"]


@dataclass(frozen=True, slots=True)
class Fix:
    """Something that can be mended.

    Attributes
    ----------
    code, name : str
        Of the diagnostic, as in ``docs/format.md``; those in P are about paths and files that go together.
    safe : bool
        Whether the same values are read before and after, and RELION then reads them too.
    does : str
        What becomes of the text; of fixes that are not safe, what is changed by them.
    """

    code: str
    name: str
    safe: bool
    does: str


_SAFE = {
    "L101": "makes each CR LF a line feed",
    "L102": "makes each CR a line feed",
    "L103": "takes the byte order mark away",
    "L107": "makes each CR LF a line feed",
    "L108": "makes a blank of a CR that separates two words",
    "B101": "puts the comment below the header",
    "B102": "takes the blanks at the name away",
    "B103": "writes the keyword in lower case",
    "B104": "puts a header without a name above",
    "B110": "takes the indentation of labels away",
    "B112": "puts a blank line below the rows",
    "H101": "makes a comment of the text",
    "H102": "puts a blank before the number; in lists the number behind the value",
    "H104": "puts each label on a line of its own",
    "H110": "ends the line",
    "H111": "puts each label on a line of its own",
    "R101": "takes blank lines among rows away, and puts comments there above the loop",
    "R102": "puts the comment above the loop; below the last row, a blank line before it",
    "R104": "puts the row on one line, and comments in it above the loop",
    "R108": "puts the value beside its label",
    "R109": "puts the value with the semicolon in quotes",
    "Q102": "puts the other kind of quotes around the value",
    "V104": "writes 1 for true and yes, 0 for false and no",
}
_UNSAFE = {
    "H105": "gives the label RELION's letters; its values then have RELION's type",
    "H106": "gives a label that is one letter off RELION's name; its values then have RELION's type",
    "V101": "writes 0 for nan and inf, as RELION reads them; that there was no number is lost",
    "V102": "writes 0 or [] for a missing value, as RELION reads it; that it was missing is lost",
    "V103": "writes the integer in full; RELION has read another number until now",
}
#: What needs to know a project.
ABSOLUTE, RENAMED = "N103", "T203"
_OF_PROJECTS = (
    Fix(ABSOLUTE, "odd-path", True, "makes a path into the project one from its folder, to the same file"),
    Fix(
        RENAMED,
        "missing-block",
        False,
        "gives the only block of a tilt series' file the name that the tomogram has in its set",
    ),
)


@cache
def all_fixes() -> dict[str, Fix]:
    """Give all fixes by their codes, in the order of ``docs/format.md``.

    Examples
    --------
    >>> all_fixes()["R101"].safe
    True
    """
    fixes = {}
    for code, name, *_ in _core.diagnostic_codes():
        does = _SAFE.get(code) or _UNSAFE.get(code)
        if does is not None:
            fixes[code] = Fix(code, name, code in _SAFE, does)
    fixes.update((fix.code, fix) for fix in _OF_PROJECTS)
    return fixes


@dataclass(frozen=True, slots=True)
class Choice:
    """The fixes that somebody wants.

    Attributes
    ----------
    codes : set of str
        Those to make.
    asked : set of str
        Those and the unsafe ones that would be made if that was allowed.
    selected : set of str or None
        All codes that are selected, whether there is a fix or not; None where no selection was made.
    ignored : set of str
        All codes that are ignored.
    """

    codes: set[str]
    asked: set[str]
    selected: frozenset[str] | None = None
    ignored: frozenset[str] = frozenset()

    @classmethod
    def of(cls, select: Iterable[str] | None, ignore: Iterable[str], *, unsafe: bool) -> Choice:
        """Make the choice that options stand for; see `chosen`."""
        for words in (select, ignore):
            if isinstance(words, str):
                raise TypeError(f"{words!r} is text; give a list of codes, such as [{words!r}]")
        select, ignore = select if select is None else list(select), list(ignore)
        return cls(
            chosen(select, ignore, unsafe=unsafe),
            chosen(select, ignore, unsafe=True),
            None if select is None else _codes(select),
            _codes(ignore),
        )

    def is_told(self, code: str) -> bool:
        """Whether somebody wants to know of what has this code, though there may be no fix for it."""
        return (self.selected is None or code in self.selected) and code not in self.ignored


def chosen(
    select: Iterable[str] | None = None, ignore: Iterable[str] = (), *, unsafe: bool = False
) -> set[str]:
    """Give the codes of fixes that are asked for.

    Parameters
    ----------
    select, ignore : iterable of str
        As for a check: codes, what codes begin with, and names, such as ``"R101"``, ``"R"`` and ``"rows-after-blank"``,
        or ``"all"``. All that there are fixes for, if none are selected.
    unsafe : bool
        Whether fixes that change what is read are among them.

    Raises
    ------
    ValueError
        No code is called so, or there is no fix for any that is selected.
    """
    wanted = set(all_fixes())
    if select is not None:
        words = list(select)
        wanted &= _codes(words)
        if words and not wanted:
            raise ValueError(f"there is no fix for {', '.join(words)}")
    wanted -= _codes(ignore)
    return {code for code in wanted if unsafe or all_fixes()[code].safe}


def _codes(words: Iterable[str]) -> frozenset[str]:
    """Give the codes that words stand for, whether there is a fix or not."""
    words = list(words)
    if not words:
        return frozenset()
    # With it come all rules.
    from tomoset.checking.registry import chosen as codes_of

    return codes_of(words)
