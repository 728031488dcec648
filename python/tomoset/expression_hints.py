"""What is meant by conditions that are written as in SQL, in C or for pandas, and how it is written here."""

from __future__ import annotations

import ast
import re

__all__ = ["hint_of_node", "hint_of_text"]

#: Texts in quotes, in which nothing is looked for.
_QUOTED = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"")
#: What Python cannot parse, and what to write in its place; the group ``at`` is what is pointed at.
_TEXTS = tuple(
    (re.compile(pattern, re.IGNORECASE), words)
    for pattern, words in (
        (r"[\w)\]}'\"]\s*(?P<at>=)(?!=)", "write == to compare"),
        (r"(?P<at><>)", "write !="),
        (r"(?P<at>&&?)", "write and"),
        (r"(?P<at>\|\|?)", "write or"),
        (r"(?P<at>!)(?!=)", "write not"),
        (
            r"(?P<at>\b(not\s+)?i?like\b)",
            "there is no LIKE: for labels whose text contains 'TS', write 'TS' in LABEL",
        ),
        (r"(?P<at>\bbetween\b)", "there is no BETWEEN: write 1 <= LABEL <= 3"),
        (r"(?P<at>(?-i:\b(AND|OR|NOT|IN|IS)\b))", "write and, or, not, in and is in small letters"),
        (r"(?:==|!=|[(,])\s*(?P<at>0\d+)", "text needs quotes, such as '001'"),
    )
)
_OPERATORS: dict[type[ast.AST], str] = {
    ast.BitAnd: "write and in place of &",
    ast.BitOr: "write or in place of |",
    ast.BitXor: "** is the power",
    ast.Invert: "write not in place of ~",
}


def hint_of_text(text: str) -> tuple[str, int] | None:
    """Tell what to write in a condition that cannot be parsed, and in place of which character, from 1."""
    plain = _QUOTED.sub(lambda found: "'" + "_" * (len(found[0]) - 2) + "'", text)
    places = ((words, found.start("at")) for pattern, words in _TEXTS if (found := pattern.search(plain)))
    first = min(places, key=lambda place: place[1], default=None)
    return None if first is None else (first[0], first[1] + 1)


def hint_of_node(node: ast.expr) -> str:
    """Tell what to write in place of what is not allowed, after a semicolon; nothing where nobody knows."""
    match node:
        case ast.BinOp(op=op) | ast.UnaryOp(op=op) if type(op) in _OPERATORS:
            return f"; {_OPERATORS[type(op)]}"
        case ast.Call(func=ast.Attribute(attr="contains")):
            return "; write 'TS' in LABEL"
        case ast.Call(func=ast.Attribute(attr="isin")):
            return "; write LABEL in (1, 2)"
        case ast.Call(func=ast.Attribute(attr="isna" | "isnull" | "notna" | "notnull")):
            return "; write LABEL is null"
        case ast.Call():
            return "; there is abs() alone"
    return ""
