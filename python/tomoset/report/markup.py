"""Markup as a tree: what an archive calls its files can then be nothing but text."""

from __future__ import annotations

import json
from typing import Any
from xml.etree import ElementTree

from tomoset.exceptions import printable

#: Longer than any path or drawing: nothing is cut here.
_LONGEST = 10_000_000

Node = ElementTree.Element


def element(tag: str, *children: Node | str | None, **attributes: str | float | bool | None) -> Node:
    """Make an element.

    Parameters
    ----------
    tag
        Its name.
    *children
        Elements and text in their order; None is left out.
    **attributes
        Underscores stand for hyphens, and one at the end keeps a word from being Python's (``class_``). True is an
        attribute without a value, None and False are none.
    """
    made = ElementTree.Element(tag)
    for name, value in attributes.items():
        if value is not None and value is not False:
            made.set(name.rstrip("_").replace("_", "-"), "" if value is True else shown(str(value)))
    for child in children:
        append(made, child)
    return made


def append(parent: Node, child: Node | str | None) -> None:
    """Put an element or text at an element's end."""
    if child is None:
        return
    if not isinstance(child, str):
        parent.append(child)
    elif len(parent):
        parent[-1].tail = (parent[-1].tail or "") + shown(child)
    else:
        parent.text = (parent.text or "") + shown(child)


def shown(text: str) -> str:
    """Return the text with line ends, control characters and marks of direction spelled out."""
    return printable(text, _LONGEST)


def name(text: str) -> Node:
    """Return somebody else's word, whose direction of writing does not reach beyond it."""
    return element("bdi", text)


def rendered(*nodes: Node) -> str:
    """Return the text of elements, which is HTML and XML; none of them is one that HTML knows without an end."""
    return "".join(ElementTree.tostring(node, "unicode", short_empty_elements=False) for node in nodes)


def embedded(value: Any) -> str:  # noqa: ANN401  whatever JSON can tell
    """Return JSON that a script element can hold: no text in it ends the element or turns it around."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.translate(_ESCAPES)


_ESCAPES = {
    ord(letter): f"\\u{ord(letter):04x}"
    for letter in "<>&\u2028\u2029\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
}
