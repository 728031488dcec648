"""A text mended: fixes are made until none is left, and the text is read again to see that it says the same."""

from __future__ import annotations

import io
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tomoset import _core
from tomoset.mending.fixes import all_fixes
from tomoset.mending.sameness import why_not_same
from tomoset.star import read_star

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from tomoset.diagnostics import Diagnostic
    from tomoset.star import StarFile

__all__ = ["Left", "Made", "Text", "fix_text", "read_text"]

#: Fixes make place for others: a row is on one line before its words are looked at.
_MOST_PASSES = 12


@dataclass(frozen=True, slots=True)
class Made:
    """Fixes of one kind that were made in a text.

    Attributes
    ----------
    code, name : str
        Of the diagnostic that is mended.
    line : int
        The first place, from 1, in the text as it was when this fix was made.
    count : int
        How many places.
    detail : str or None
        What became of what, where the code does not say it, such as ``nan becomes 0 in rlnDefocusU``.
    """

    code: str
    name: str
    line: int
    count: int
    detail: str | None = None

    def __str__(self) -> str:
        times = f" ({self.count} times)" if self.count > 1 else ""
        detail = self.detail or all_fixes()[self.code].does
        return f"{self.line}: {self.code} {self.name}: {detail}{times}"


@dataclass(frozen=True, slots=True)
class Left:
    """Something that there is a fix for, and that was left as it is.

    Attributes
    ----------
    code, name : str
        Of the diagnostic.
    line : int
        The first place, from 1.
    count : int
        How many places.
    why : str
        Why it was left.
    is_unsafe : bool
        Whether it is left only since the fix changes what is read.
    """

    code: str
    name: str
    line: int
    count: int
    why: str
    is_unsafe: bool = False

    def __str__(self) -> str:
        times = f" ({self.count} times)" if self.count > 1 else ""
        return f"{self.line}: {self.code} {self.name}{times}: left: {self.why}"


@dataclass(frozen=True, slots=True)
class Text:
    """A text with fixes, and all that is odd after them; `before` and `after` are the same when nothing was mended."""

    before: bytes
    after: bytes
    made: tuple[Made, ...]
    left: tuple[Left, ...]
    diagnostics: tuple[Diagnostic, ...] = ()


def fix_text(
    text: bytes, codes: Collection[str], *, cr_only: bool = False, asked: Collection[str] | None = None
) -> Text:
    """Mend a text.

    Whatever is made is read again: fixes after which something else would be read than their codes say are left out.

    Parameters
    ----------
    text : bytes
        Unpacked.
    codes : collection of str
        Those of the fixes to make, as `chosen` gives them.
    cr_only : bool
        Whether the lines of the text ended in a CR where there is a line feed now.
    asked : collection of str or None
        Codes of what is told if it is left; all when not given.
    """
    asked = all_fixes() if asked is None else asked
    in_text = set(codes) & set(_core.mendable_codes())
    before = read_text(text)
    no_star = next((each for each in before.diagnostics if each.code == "L201"), None)
    if no_star is not None:
        why = f"line {no_star.line} is no part of a STAR file"
        whole = text.replace(b"\n", b"\r") if cr_only else text
        ends_left = [Left("L102", all_fixes()["L102"].name, 1, 1, why)] if cr_only else []
        told = tuple(each for each in (*ends_left, *_told(before, why)) if each.code in asked)
        return Text(whole, whole, (), told, before.diagnostics)
    after, made, refused = _mended(text, before, in_text)
    ends = []
    if cr_only and "L102" in codes:
        fix = all_fixes()["L102"]
        ends = [Made("L102", fix.name, 1, text.count(b"\n"))]
    found = read_text(after) if made else before
    left = list(_left(after, found.diagnostics, codes, refused))
    if cr_only:
        text = text.replace(b"\n", b"\r")
        if not ends:
            after = after.replace(b"\n", b"\r")
            left.insert(0, Left("L102", all_fixes()["L102"].name, 1, 1, "the fix is not selected"))
    told = tuple(each for each in left if each.code in asked)
    return Text(text, after, (*ends, *made), told, found.diagnostics)


def read_text(text: bytes) -> StarFile:
    """Read all that is good in a text."""
    return read_star(io.BytesIO(text), on_error="collect", invalid_utf8="latin-1")


def _mended(text: bytes, before: StarFile, codes: set[str]) -> tuple[bytes, tuple[Made, ...], dict[str, str]]:
    """Make all fixes; where the text then says something else, code by code, to leave those out that do it."""
    after, made = _all_passes(text, before, codes)
    why = why_not_same(before, read_text(after), {fix.code for fix in made}) if made else None
    if why is None:
        return after, made, {}
    done: list[Made] = []
    refused: dict[str, str] = {}
    for _ in range(_MOST_PASSES):
        progress = False
        # What is mended may make place for more, under other codes.
        for code in sorted((codes & _codes(before)) - set(refused)):
            after, made = _all_passes(text, before, {code})
            if not made:
                continue
            star = read_text(after)
            why = why_not_same(before, star, {code})
            if why is not None:
                refused[code] = why
                continue
            text, before, progress = after, star, True
            done += made
        if not progress:
            break
    return text, tuple(done), refused


def _all_passes(text: bytes, star: StarFile, codes: set[str]) -> tuple[bytes, tuple[Made, ...]]:
    """Make fixes until there are none to make."""
    found: dict[tuple[str, str | None], Made] = {}
    for _ in range(_MOST_PASSES):
        wanted = codes & _codes(star)
        if not wanted:
            break
        text, made = _core.mend_text(text, sorted(wanted))
        if not made:
            break
        for code, line, count, detail in made:
            new = Made(code, all_fixes()[code].name, line, count, detail)
            known = found.get((code, detail))
            found[code, detail] = new if known is None else replace(known, count=known.count + count)
        star = read_text(text)
    return text, tuple(found.values())


def _codes(star: StarFile) -> set[str]:
    return {diagnostic.code for diagnostic in star.diagnostics}


def _told(star: StarFile, why: str) -> Iterator[Left]:
    """Tell all that there is a fix for, and one reason for leaving it."""
    for code, (line, count) in _places(star.diagnostics).items():
        yield Left(code, all_fixes()[code].name, line, count, why)


def _places(diagnostics: Iterable[Diagnostic]) -> dict[str, tuple[int, int]]:
    """Give the first line of what there are fixes for, and how often it is there."""
    places: dict[str, tuple[int, int]] = {}
    for diagnostic in diagnostics:
        if diagnostic.code in all_fixes():
            line, count = places.get(diagnostic.code, (diagnostic.line, 0))
            places[diagnostic.code] = (min(line, diagnostic.line), count + diagnostic.count)
    return places


#: Why what there is a fix for is left sometimes, though the fix was asked for.
_WHY = {
    "L101": "the CR is part of a text field's value",
    "L107": "the CR is part of a text field's value",
    "L108": "the CR is part of a value",
    "B101": "the comment holds data_ or loop_",
    "H101": "the text holds data_, loop_ or version",
    "H102": "no name would be left, or a label follows on the line",
    "R101": "a line that is no row is there too, or a comment that holds data_ or loop_",
    "R102": "a line that is no row is there too, or a comment that holds data_ or loop_",
    "R104": "the row has a text field, or a comment that holds data_ or loop_",
    "R109": "the value cannot be put in quotes",
    "Q102": "no quotes can be put around the value",
    **dict.fromkeys(
        ("V101", "V102", "V103", "V104"), "RELION does not know the label, or the column is text"
    ),
}


def _left(
    text: bytes, diagnostics: Iterable[Diagnostic], codes: Collection[str], refused: Mapping[str, str]
) -> Iterator[Left]:
    """Tell what is there all the same of what there are fixes for."""
    known = {code: place for code, place in _places(diagnostics).items() if code in _core.mendable_codes()}
    others = sorted(set(known) - set(codes))
    for code, line, count, detail in _core.mend_text(text, others)[1] if others else ():
        fix = all_fixes()[code]
        why = "the fix is not selected" if fix.safe else "the fix is unsafe"
        why = f"{detail}: {why}" if detail else why
        yield Left(code, fix.name, line, count, why, is_unsafe=not fix.safe)
    for code, (line, count) in known.items():
        # Most labels that RELION does not know are meant to be as they are.
        if code in codes and code != "H106":
            why = refused.get(code) or _WHY.get(code, "it cannot be mended without losing something")
            yield Left(code, all_fixes()[code].name, line, count, why)
