"""Odd files, line by line as `starfile` goes, save where it would change or lose what they say."""

from __future__ import annotations

import gzip
import io
import re
import tokenize
from typing import TYPE_CHECKING, Any

from tomoset.compat.starfile.columns import named, typed
from tomoset.compat.starfile.frames import empty_frame
from tomoset.compat.starfile.oddities import warn
from tomoset.compat.starfile.words import list_item, numericise

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

__all__ = ["read"]

#: Blanks; those of Unicode are letters.
_BLANKS = "\t\n\v\f\r\x1c\x1d\x1e\x1f "
_GZIP, _ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
#: In rows, what pandas must not see as it stands: a comment, and text between single quotes. Double quotes come
#: first, since either may stand between them.
_TO_REWRITE = re.compile(
    r"""(?<![^ \t\n]) (?: "[^"]*" | '(?P<text>(?:[^'\n]|'(?=[^ \t\n]))*)'(?=[ \t\n]|\Z) | (?P<comment>\#[^\n]*) )""",
    re.VERBOSE,
)
_WORD = re.compile(r'"[^"]*"\S*|\S+')


def read(path: Path, limit: int | None, text: frozenset[str]) -> dict[str, Any]:
    """Read a file's blocks by name; arguments as in `fast.read`."""
    return _Reader(path, text).read(limit)


class _Reader:
    """The lines of a file, and which of them comes next."""

    def __init__(self, path: Path, text: frozenset[str]) -> None:
        self.path = path
        self.text = text
        self.lines = [line.strip(_BLANKS) for line in io.StringIO(_decoded(path), newline=None)]
        self.next = 0

    def read(self, limit: int | None) -> dict[str, Any]:
        blocks: dict[str, Any] = {}
        while self.next < len(self.lines) and len(blocks) != limit:
            line = self._take()
            if line.startswith("data_"):
                name = line[5:]
                blocks[name] = self._block(name)
        return blocks

    def _take(self) -> str:
        self.next += 1
        return self.lines[self.next - 1]

    def _block(self, name: str) -> dict[str, Any] | pd.DataFrame:
        block: dict[str, Any] | pd.DataFrame = {}
        while self.next < len(self.lines) and not self.lines[self.next].startswith("data_"):
            if self.lines[self.next].startswith("loop_"):
                self.next += 1
                block = self._named_loop(name)
                break
            if self.lines[self.next].startswith("_"):
                block = self._list()
                break
            self.next += 1
        self._pass_by_others(name)
        return block

    def _pass_by_others(self, name: str) -> None:
        """Pass by what else the block holds, to where `starfile` goes on."""
        others = False
        while self.next < len(self.lines) and not self.lines[self.next].startswith("data_"):
            others |= self.lines[self.next].startswith(("_", "loop_"))
            self.next += 1
        if others:
            warn(f"{self.path}: block {name!r} holds several tables, of which the first is read")

    def _list(self) -> dict[str, Any]:
        values: dict[str, Any] = {}
        while self.next < len(self.lines) and not self.lines[self.next].startswith(("data", "loop_")):
            line = self._take()
            if line.startswith("_"):
                try:
                    label, value = list_item(line)
                except ValueError as error:
                    raise ValueError(f"{self.path}:{self.next}: {error}: {line[:60]!r}") from None
                values[label] = value if label in self.text else numericise(value)
        return values

    def _named_loop(self, name: str) -> pd.DataFrame:
        first = self.next
        try:
            return named(self._loop(), name)
        except ValueError as error:
            # Those of pandas, whose words others may look for.
            error.add_note(f"{self.path}: in the loop of block {name!r}, below line {first}")
            raise

    def _loop(self) -> pd.DataFrame:
        labels: list[str] = []
        while self.next < len(self.lines):
            line = self.lines[self.next]
            if line.startswith("_"):
                labels.append(line.split()[0][1:])
            elif line and not line.startswith("#"):
                break
            self.next += 1
        first = self.next
        while self.next < len(self.lines) and not self._ends(self.next, len(labels)):
            self.next += 1
        rows = self.lines[first : self.next]
        if not any(line and not line.startswith("#") for line in rows):
            return empty_frame(labels)
        return self._frame(labels, rows, first)

    def _ends(self, at: int, words: int) -> bool:
        """Whether the rows of a loop end above a line."""
        line = self.lines[at]
        if line.startswith("data_"):
            # A row may begin so: it has a row's words, and no header's content follows.
            return not (words > 1 and len(_WORD.findall(line)) == words and not self._heads(at))
        if line.startswith("loop_"):
            return len(line.split()) == 1 and self._heads(at)
        return line.startswith("_") and self.lines[at - 1] == ""

    def _heads(self, at: int) -> bool:
        """Whether labels or a loop follow a line."""
        below = (line for line in self.lines[at + 1 :] if line)
        return next(below, "").startswith(("_", "loop_"))

    def _frame(self, labels: list[str], rows: list[str], first: int) -> pd.DataFrame:
        import pandas as pd

        words = pd.read_csv(
            io.StringIO(_TO_REWRITE.sub(_rewritten, "\n".join(rows)) + "\n"),
            sep=r"\s+",
            header=None,
            dtype=str,
            na_filter=False,
            engine="c",
        )
        self._tell_of_short_rows(words, labels, rows, first)
        columns = {
            index: typed(words[index].tolist(), as_text=label in self.text)
            for index, label in enumerate(labels[: words.shape[1]])
        }
        frame = pd.DataFrame(columns if len(labels) == words.shape[1] else words)
        # With another number of words than labels, pandas says what is wrong.
        frame.columns = pd.Index(labels)
        return frame

    def _tell_of_short_rows(
        self, words: pd.DataFrame, labels: list[str], rows: list[str], first: int
    ) -> None:
        if not words.shape[1] or not (words[words.shape[1] - 1] == "").any():
            return
        for number, line in enumerate(rows, first + 1):
            count = len(_WORD.findall(line.partition(" #")[0]))
            if 0 < count < len(labels) and not line.startswith("#"):
                warn(
                    f"{self.path}:{number}: the row has {count} of {len(labels)} values, the others are made up"
                )


def _rewritten(found: re.Match[str]) -> str:
    if found["comment"] is not None:
        return ""
    if found["text"] is not None:
        return '"' + found["text"].replace('"', '""') + '"'
    return found[0]


def _decoded(path: Path) -> str:
    """Give a file's text: UTF-8, or what its coding cookie says, or bytes as characters of that number."""
    data = path.read_bytes()
    if data.startswith(_ZSTD):
        raise ValueError(f"{path}: compressed with zstd, and not plain enough to be read so: unpack it first")
    if data.startswith(_GZIP):
        data = gzip.decompress(data)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        pass
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
        return data.decode(encoding)
    except (SyntaxError, UnicodeDecodeError):
        text = data.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "surrogateescape")
        return re.sub("[\udc80-\udcff]", lambda found: chr(ord(found[0]) - 0xDC00), text)
