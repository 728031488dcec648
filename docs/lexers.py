"""Colours of STAR text, and of sessions in a shell whose commands take several lines."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, ClassVar

from pygments.lexer import Lexer, RegexLexer
from pygments.lexers.shell import BashLexer
from pygments.token import Comment, Generic, Keyword, Name, Number, String, Text, _TokenType

if TYPE_CHECKING:
    from collections.abc import Iterator


class StarLexer(RegexLexer):
    """STAR text: keywords, labels, comments, quoted values and numbers."""

    name = "STAR"
    aliases = ("star",)
    flags = re.MULTILINE
    tokens: ClassVar = {
        "root": [
            (r"(?i)^data_\S*", Keyword),
            (r"(?i)^loop_", Keyword),
            (r"^_\S+", Name.Attribute),
            (r"(?:^|(?<=\s))#.*$", Comment),
            (r"\"[^\"\n]*\"(?=\s)|'[^'\n]*'(?=\s)", String),
            (r"(?<!\S)[-+]?\d+(\.\d*)?([eE][-+]?\d+)?(?=\s)", Number),
            (r"\S+", Text),
            (r"\s+", Text),
        ]
    }


class SessionLexer(Lexer):
    """Commands after ``$``, up to where their quotes close, and what they print."""

    name = "Session"
    aliases = ("console",)
    #: A line that goes on while a quote is open, or after a backslash.
    command = re.compile(r"""^\$ ((?:"(?:\\.|[^"\\])*"|'[^']*'|\\\n|[^"'\n])*\n)""", re.MULTILINE | re.DOTALL)

    def get_tokens_unprocessed(self, text: str) -> Iterator[tuple[int, _TokenType, str]]:
        """Give places, kinds and texts of all parts."""
        at = 0
        for found in self.command.finditer(text):
            if found.start() > at:
                yield at, Generic.Output, text[at : found.start()]
            yield found.start(), Generic.Prompt, "$ "
            for place, kind, part in BashLexer().get_tokens_unprocessed(found[1]):
                yield found.start(1) + place, kind, part
            at = found.end()
        if at < len(text):
            yield at, Generic.Output, text[at:]
