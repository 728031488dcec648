"""Words and widths: how text, counts and sizes look to people."""

import unicodedata
from collections.abc import Iterable

from tomoset.words import counted, severities_text, size_text

__all__ = [
    "ELLIPSIS",
    "counted",
    "counted_places",
    "display_width",
    "pad",
    "printable",
    "severities_text",
    "shorten",
    "size_text",
]

ELLIPSIS = "…"


def counted_places(paths: Iterable[str]) -> str:
    """Return how many files there are, and how many folders, whose paths end in ``/``."""
    is_folder = [path.endswith("/") for path in paths]
    counts = ((is_folder.count(False), "file"), (sum(is_folder), "folder"))
    return " and ".join(counted(count, word) for count, word in counts if count)


def printable(text: str) -> str:
    """Return the text with control characters spelled out: a file must not steer the terminal."""
    if text.isprintable():
        return text
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in text
    )


def display_width(text: str) -> int:
    """Return how many columns of a terminal the text takes."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(letter) else 2 if unicodedata.east_asian_width(letter) in "WF" else 1
        for letter in text
    )


def shorten(text: str, width: int) -> str:
    """Return the text cut to a width; of a path the end is kept, of anything else the beginning."""
    if display_width(text) <= width:
        return text
    if width < 1:
        return ""
    if "/" in text and " " not in text:
        return ELLIPSIS + _cut(text[::-1], width - 1)[::-1]
    return _cut(text, width - 1) + ELLIPSIS


def pad(text: str, width: int, *, right: bool = False) -> str:
    """Return the text filled up with blanks."""
    blanks = " " * max(0, width - display_width(text))
    return blanks + text if right else text + blanks


def _cut(text: str, width: int) -> str:
    """Return as much of the beginning as fits."""
    used = 0
    for place, letter in enumerate(text):
        used += display_width(letter)
        if used > width:
            return text[:place]
    return text
