"""Values of lists: what a word is."""

from __future__ import annotations

import re
import shlex

__all__ = ["list_item", "numericise"]

#: A label and its value, bare or in quotes that end where a blank follows, and perhaps a comment.
_ITEM = re.compile(
    r"""_(?P<label>\S*)[ \t]+
    (?: "(?P<double>(?:[^"]|"(?=[^\s]))*)" | '(?P<single>(?:[^']|'(?=[^\s]))*)' | (?P<bare>[^\s"'#]\S*) )
    (?: [ \t]+\#.* )?""",
    re.VERBOSE,
)


def numericise(value: str) -> str | int | float:
    """Give an int if the text is one, else a float if it is one, else the text."""
    for kind in (int, float):
        try:
            return kind(value)
        except ValueError:
            continue
    return value


def list_item(line: str) -> tuple[str, str]:
    """Give label and value of a list's line.

    Raises
    ------
    ValueError
        There is not exactly one value.
    """
    if found := _ITEM.fullmatch(line):
        values = (found["double"], found["single"], found["bare"])
        return found["label"], next(value for value in values if value is not None)
    # Quotes within a word and blanks behind a backslash are what a shell makes of them.
    words = shlex.split(line)
    if len(words) != 2:
        raise ValueError(f"expected a label and one value, found {len(words)} words")
    return words[0][1:], words[1]
