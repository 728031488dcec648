"""Words and widths: how text, counts and sizes look to people."""

import unicodedata

ELLIPSIS = "…"


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


def counted(number: int, noun: str) -> str:
    """Return for instance ``1 file`` or ``1,204 files``."""
    plural = noun[:-1] + "ies" if noun.endswith("y") and noun[-2] not in "aeiou" else noun + "s"
    return f"{number:,} {noun if number == 1 else plural}"


def size_text(num_bytes: int) -> str:
    """Return a size with three significant digits, in powers of 1000."""
    size, units = float(num_bytes), ["bytes", "kB", "MB", "GB", "TB"]
    while size >= 999.5 and len(units) > 1:
        size /= 1000
        units.pop(0)
    return f"{num_bytes:,} bytes" if units[0] == "bytes" else f"{size:.3g} {units[0]}"


def _cut(text: str, width: int) -> str:
    """Return as much of the beginning as fits."""
    used = 0
    for place, letter in enumerate(text):
        used += display_width(letter)
        if used > width:
            return text[:place]
    return text
