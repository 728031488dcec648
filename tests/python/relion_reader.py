"""RELION's way of reading STAR, as its own reader was seen to do it: words, rows and numbers.

It shares nothing with the reader of the package, and is held against what RELION itself made of 160 odd files
(`test_write_oracle.py`), so that it can say what RELION will read in a file that was written here. Texts are bytes
as Latin-1, as in `tests/data/oracle`.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

#: What RELION takes out of the lines of loops.
DELETED = re.compile("[\v\b\r\f\a\n]")
FLOAT = re.compile(r"[ \t\n\v\f\r]*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d*)?)")
INTEGER = re.compile(r"[ \t\n\v\f\r]*([+-]?\d+)")
LONG = 2**63
INT = 2**31


class Aborted(Exception):  # noqa: N818
    """RELION stops here."""


@dataclass
class Table:
    """A table as RELION reads it: values are words still."""

    name: str
    is_list: bool
    labels: list[str]
    rows: list[list[str]]


def squeeze(line: str) -> str:
    """Give a line of a loop as RELION looks at it: without control characters, single blanks only."""
    return re.sub(" +", " ", DELETED.sub("", line.replace("\t", " "))).strip(" ")


def words(line: str) -> list[str]:
    """Cut a line into words; a word that begins with ``#`` ends it."""
    found: list[str] = []
    at = 0
    while True:
        while line[at : at + 1] and line[at] in " \t\n":
            at += 1
        if line[at : at + 1] in ("", "#"):
            return found
        word, at = _quoted(line, at) if line[at] in "'\"" else _bare(line, at)
        found.append(word)


def _bare(line: str, at: int) -> tuple[str, int]:
    end = at
    while line[end : end + 1] and line[end] not in " \t\n":
        end += 1
    return line[at:end], end


def _quoted(line: str, at: int) -> tuple[str, int]:
    quote, word = line[at], ""
    at += 1
    while at < len(line):
        if line[at] == "\a" and line[at + 1 : at + 2] == quote:
            at += 1
        elif line[at] == quote and line[at + 1 : at + 2] in ("", " ", "\t", "\n"):
            return word, at + 1
        word += line[at]
        at += 1
    raise Aborted("a quote is not closed")


def read(text: bytes, known: Mapping[str, str]) -> list[Table]:
    """Read all blocks of a text; `known` gives RELION's labels the names it keeps them by, once in a table.

    Raises
    ------
    Aborted
        RELION cannot read it.
    """
    lines = text.decode("latin-1").split("\n")
    is_ended = lines[-1] == ""
    lines = lines[:-1] if is_ended else lines
    tables, at = [], 0
    while at < len(lines):
        _, header, name = lines[at].partition("data_")
        at += 1
        if not header:
            continue
        table = Table(name.strip(" "), False, [], [])
        tables.append(table)
        while at < len(lines) and "loop_" not in lines[at] and not lines[at].startswith("_"):
            at += 1
        if at == len(lines):
            break
        table.is_list = "loop_" not in lines[at]
        if table.is_list:
            at = _read_list(lines, at, table, known)
        else:
            at = _read_labels(lines, at + 1, table, known)
            # A label that ends with the file is a label and a row.
            at = _read_rows(lines, at - (at == len(lines) and not is_ended), table)
        if "" in table.labels:
            raise Aborted("a label without a name")
    return tables


def _read_labels(lines: list[str], at: int, table: Table, known: Mapping[str, str]) -> int:
    for line in map(squeeze, lines[at:]):
        if line and line[0] not in "#;":
            if line[0] != "_":
                break
            label = line[1 : line.index("#") - 1] if "#" in line else line[1:]
            if known.get(label) not in table.labels:
                table.labels.append(known.get(label, label))
        at += 1
    return at


def _read_rows(lines: list[str], at: int, table: Table) -> int:
    for line in map(squeeze, lines[at:]):
        at += 1
        if not line or line[0] == "\0":
            break
        row = words(line)
        few, count = len(row) < len(table.labels), len(table.labels)
        if len(row) > count or (few and count > 2):
            raise Aborted(f"{len(row)} values for {count} labels")
        table.rows.append(row + [""] * (count - len(row)))
    return at


def _read_list(lines: list[str], at: int, table: Table, known: Mapping[str, str]) -> int:
    values: dict[str, str] = {}
    for line in lines[at:]:
        row = words(line)
        if row and row[0].startswith("data_"):
            break
        at += 1
        if row and row[0].startswith("loop_"):
            break
        if not row or row[0].startswith(";"):
            continue
        if row[0].startswith("_"):
            if len(row) < 2:
                raise Aborted(f"no value for {row[0]}")
            values[known.get(row[0][1:], row[0][1:])] = row[1]
    table.labels, table.rows = list(values), [list(values.values())]
    return at


def double(word: str) -> float:
    """Give what RELION holds for a word under a label for numbers: a number at its beginning, or 0."""
    found = FLOAT.match(word)
    value = float(found[1]) if found and found[1][-1] not in "eE+-" else 0.0
    return max(-sys.float_info.max, min(value, sys.float_info.max))


def integer(word: str) -> int:
    """Give what RELION holds for a word under a label for whole numbers."""
    found = INTEGER.match(word)
    return max(-LONG, min(int(found[1]), LONG - 1)) if found else 0


def boolean(word: str) -> bool:
    """Give what RELION holds for a word under a label for yes or no."""
    return integer(word) != 0


def vector(word: str) -> list[str]:
    """Cut a word under a label for vectors into the words of its items."""
    return [item for item in re.split(r"[\[\],]", word.partition("\0")[0]) if item]


def short_integer(word: str) -> int:
    """Give what RELION holds for an item of a vector of whole numbers, which have 32 bits."""
    return max(-INT, min(integer(word), INT - 1))
