"""All codes in one place: the reader's, those of files and folders, what reading sets finds, and rules."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from tomoset import _core
from tomoset.exceptions import printable
from tomoset.sets.codes import READING, Code

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["TOPICS", "all_codes", "by_id", "by_name", "chosen", "texts"]

#: What the letters of codes stand for.
TOPICS = {
    "L": "Lines and bytes",
    "B": "Blocks",
    "H": "Headers and labels",
    "R": "Rows",
    "Q": "Quotes",
    "V": "Values",
    "W": "Written back",
    "F": "Files",
    "T": "Tomogram sets",
    "N": "Names and paths",
    "G": "Geometry: sizes, binning and deformations",
    "O": "Optics",
    "A": "Alignments",
    "D": "Doses",
    "I": "Images",
    "C": "CTF",
    "P": "Particles",
    "M": "Motion: trajectories",
    "S": "Sets that go together",
    "K": "Marks: manifolds and fiducials",
    "J": "Jobs of a project",
}


@cache
def all_codes() -> tuple[Code, ...]:
    """Give every code a finding can have, by topic and number."""
    from tomoset.checking import RULES

    reader = (Code(*row) for row in _core.diagnostic_codes())
    found: dict[str, Code] = {code.id: code for code in (*reader, *READING)}
    for rule in RULES:
        found[rule.id] = Code(rule.id, rule.code, rule.severity, rule.about, rule.relion, rule.mend)
    topics = list(TOPICS)
    return tuple(sorted(found.values(), key=lambda code: (topics.index(code.id[0]), code.id)))


@cache
def _ids() -> dict[str, Code]:
    return {code.id: code for code in all_codes()}


@cache
def _names() -> dict[str, Code]:
    return {code.name: code for code in all_codes()}


def by_id(code: str) -> Code:
    """Give the code of an id such as ``O101``."""
    return _ids()[code]


def by_name(name: str) -> Code:
    """Give the code of a name such as ``odd-hand``.

    Raises
    ------
    KeyError
        There is none: a `SetError` of what was asked for, which is no finding, may have such a code.
    """
    return _names()[name]


def texts() -> frozenset[str]:
    """Give the ids of what is in texts alone, whatever they are of: those of the reader."""
    return frozenset(code for code, *_ in _core.diagnostic_codes())


def chosen(words: Iterable[str]) -> frozenset[str]:
    """Give the ids that ids, beginnings of ids such as ``O1``, names, or ``all`` stand for.

    Raises
    ------
    ValueError
        A word that stands for nothing.
    TypeError
        What is no text.
    """
    found: set[str] = set()
    for word in words:
        if not isinstance(word, str):
            raise TypeError(f"codes and names are text, not {type(word).__name__}")
        if word.lower() == "all":
            return frozenset(_ids())
        if word in _names():
            found.add(_names()[word].id)
            continue
        beginning = word.upper()
        ids = [code for code in _ids() if beginning and code.startswith(beginning)]
        if not ids:
            # Of odd bytes there is no other way to ask.
            near = printable(word), printable(beginning)
            hint = _core.hint(near[0], "", list(_names())) or _core.hint(near[1], "", list(_ids()))
            raise ValueError(f"there is no code {word!r}{hint}")
        found.update(ids)
    return frozenset(found)
