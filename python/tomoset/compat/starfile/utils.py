"""Lines of text, gathered and looked up: helpers of `starfile` that others import."""

from __future__ import annotations

from collections import deque
from linecache import checkcache, getline
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from os import PathLike

__all__ = ["TextBuffer", "TextCrawler"]

#: From so many lines on a buffer counts as filled, whatever its lines are.
_MANY = 100


class TextBuffer:
    """Lines that are gathered, then written.

    Attributes
    ----------
    buffer : collections.deque of str
        The lines, without line ends.
    """

    def __init__(self) -> None:
        self.buffer: deque[str] = deque()

    @property
    def is_empty(self) -> bool:
        """Whether there is no line, or only a few blank ones."""
        return len(self.buffer) <= _MANY and not any(line.strip() for line in self.buffer)

    def clear(self) -> None:
        """Drop all lines."""
        self.buffer = deque()

    def add_line(self, line: object) -> None:
        """Add a line."""
        self.buffer.append(str(line))

    def add_comment(self, line: object) -> None:
        """Add a comment."""
        self.add_line(f"# {line}")

    def add_blank_line(self) -> None:
        """Add an empty line."""
        self.add_line("")

    def add_blank_lines(self, n: int) -> None:
        """Add `n` empty lines."""
        self.buffer.extend([""] * n)

    def as_str(self) -> str:
        """Give all lines as one text that ends in a line end."""
        return "\n".join(self.buffer) + "\n"

    def write_to_disk(self, filename: str | PathLike[str], mode: str) -> None:
        """Write the text to a file opened in `mode`."""
        with Path(filename).open(mode) as file:
            file.write(self.as_str())

    def write_as_new_file(self, filename: str | PathLike[str]) -> None:
        """Write the text to a new file, or over an old one."""
        self.write_to_disk(filename, "w+")

    def write_as_new_file_and_clear(self, filename: str | PathLike[str]) -> None:
        """Write a new file, and drop the lines."""
        self.write_as_new_file(filename)
        self.clear()

    def append_to_file(self, filename: str | PathLike[str]) -> None:
        """Write the text below what a file holds."""
        self.write_to_disk(filename, "a")

    def append_to_file_and_clear(self, filename: str | PathLike[str]) -> None:
        """Write below what a file holds, and drop the lines."""
        self.append_to_file(filename)
        self.clear()


class TextCrawler:
    """A file of which one line after the other is looked at.

    Attributes
    ----------
    filename : path
        The file.
    current_line_number : int
        Counted from 1; 0 is above the first line.
    """

    def __init__(self, filename: str | PathLike[str]) -> None:
        self.filename = filename
        self.current_line_number = 0
        checkcache(str(filename))

    def count_lines(self) -> int:
        """Count the file's lines."""
        with Path(self.filename).open("rb") as file:
            return sum(1 for _ in file)

    @property
    def current_line(self) -> str:
        """The line that is looked at, without blanks at its ends."""
        return self.get_line(self.current_line_number)

    def get_line(self, line_number: int) -> str:
        """Give any line, without blanks at its ends; an empty one where there is none."""
        return getline(str(self.filename), line_number).strip()

    def increment_line_number(self) -> None:
        """Go on to the next line."""
        self.current_line_number += 1
