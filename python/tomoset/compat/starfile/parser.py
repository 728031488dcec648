"""The parser object of `starfile`, and its helpers."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tomoset.compat.starfile import careful, faithful, fast
from tomoset.compat.starfile.words import numericise

if TYPE_CHECKING:
    from os import PathLike

__all__ = ["StarParser", "block_name_from_line", "count_lines", "heading_from_line", "numericise"]

_NO_LABELS: list[str] = []


class StarParser:
    """A STAR file that was read.

    Parameters
    ----------
    filename, n_blocks_to_read, parse_as_string, exact
        As `read` has them.

    Attributes
    ----------
    filename : pathlib.Path
        The file.
    n_blocks_to_read : int or None
        How many blocks were asked for.
    parse_as_string : list of str
        Labels whose values stay text.
    data_blocks : dict of str to dict or pandas.DataFrame
        The blocks by name, in file order; of two with one name the last.
    """

    def __init__(
        self,
        filename: str | PathLike[str],
        n_blocks_to_read: int | None = None,
        parse_as_string: list[str] = _NO_LABELS,
        *,
        exact: bool = False,
    ) -> None:
        self.filename = Path(filename)
        if not self.filename.exists():
            raise FileNotFoundError(self.filename)
        self.n_blocks_to_read = n_blocks_to_read
        self.parse_as_string = parse_as_string
        self.data_blocks: dict[str, Any] = self._read(exact)

    @cached_property
    def n_lines_in_file(self) -> int:
        """How many lines the file has."""
        return count_lines(self.filename)

    def _read(self, exact: bool) -> dict[str, Any]:
        if exact:
            return faithful.read(self.filename, self.n_blocks_to_read, self.parse_as_string)
        labels = self.parse_as_string
        text = frozenset([labels] if isinstance(labels, str) else labels or ())
        blocks = fast.read(self.filename, self.n_blocks_to_read, text)
        return careful.read(self.filename, self.n_blocks_to_read, text) if blocks is None else blocks


def count_lines(file: str | PathLike[str]) -> int:
    """Count the lines of a file."""
    with Path(file).open("rb") as lines:
        return sum(1 for _ in lines)


def block_name_from_line(line: str) -> str:
    """Give the block's name: ``'data_general'`` is ``'general'``."""
    return line[5:]


def heading_from_line(line: str) -> str:
    """Give the label: ``'_rlnSpectralIndex #1'`` is ``'rlnSpectralIndex'``."""
    return line.split(maxsplit=1)[0][1:]
