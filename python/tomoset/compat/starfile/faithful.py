"""What `starfile` 0.5.13 itself reads, with all it changes or loses: the way of ``exact=True``."""

from __future__ import annotations

import io
import linecache
import shlex
from typing import TYPE_CHECKING, Any

from tomoset.compat.starfile.columns import NOT_A_NUMBER
from tomoset.compat.starfile.words import numericise

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

__all__ = ["read"]


def read(path: Path, limit: int | None, text: list[str]) -> dict[str, Any]:
    """Read a file's blocks by name; arguments as in `StarParser`."""
    blocks = _Lines(path, text).blocks(limit)
    # Only where nothing went wrong: the lines of a file that failed are the ones that are read next time.
    linecache.clearcache()
    return blocks


class _Lines:
    """The lines of a file as the module `linecache` remembers them, numbered from 1; line 0 is empty."""

    def __init__(self, path: Path, text: list[str]) -> None:
        self.path = str(path)
        self.text = text
        with path.open("rb") as lines:
            self.last = sum(1 for _ in lines)
        self.number = 0

    @property
    def line(self) -> str:
        return linecache.getline(self.path, self.number).strip()

    def blocks(self, limit: int | None) -> dict[str, Any]:
        import pandas as pd

        blocks: dict[str, Any] = {}
        while self.number <= self.last and len(blocks) != limit:
            if not self.line.startswith("data_"):
                self.number += 1
                continue
            name = self.line[5:]
            block = self.block()
            if isinstance(block, pd.DataFrame):
                # A column that is called so gets the name in every row.
                setattr(block, "name", name)  # noqa: B010
            blocks[name] = block
        return blocks

    def block(self) -> dict[str, Any] | pd.DataFrame:
        """Read whatever comes next, be it below other headers."""
        while self.number <= self.last:
            self.number += 1
            if self.line.startswith("loop_"):
                return self.loop()
            if self.line.startswith("_"):
                return self.values()
        raise TypeError("cannot unpack non-iterable NoneType object")

    def values(self) -> dict[str, Any]:
        values: dict[str, Any] = {}
        while self.number <= self.last and not (line := self.line).startswith("data"):
            if line.startswith("_"):
                label, value = shlex.split(line)
                label = label[1:]
                is_text = self.text is not None and label in list(self.text)
                values[label] = value if is_text else numericise(value)
            self.number += 1
        return values

    def loop(self) -> pd.DataFrame:
        labels: list[str] = []
        self.number += 1
        while (line := self.line).startswith("_"):
            labels.append(line.split()[0][1:])
            self.number += 1
        while not self.line and self.number <= self.last:
            self.number += 1
        rows: list[str] = []
        while self.number <= self.last and not (line := self.line).startswith("data_"):
            rows.append(line)
            self.number += 1
        return self.frame(labels, "\n".join(rows) + "\n")

    def frame(self, labels: list[str], rows: str) -> pd.DataFrame:
        import numpy as np
        import pandas as pd

        if rows.startswith("\n"):
            frame = pd.DataFrame(np.zeros((0, len(labels))))
            frame.columns = pd.Index(labels)
            return frame
        # A label that is there twice has the place of the last.
        places = {label: place for place, label in enumerate(labels)}
        frame = pd.read_csv(
            io.StringIO(rows.replace("'", '"')),
            sep=r"\s+",
            header=None,
            comment="#",
            dtype={places[label]: str for label in self.text if label in places},
            keep_default_na=False,
            na_values=list(NOT_A_NUMBER),
            engine="c",
        )
        frame.columns = pd.Index(labels)
        numbers = frame.apply(_numbers)
        nothing = numbers.columns[numbers.isna().all()]
        numbers[nothing] = frame[nothing]
        for label in frame.columns:
            if label not in self.text:
                frame[label] = numbers[label]
        return frame


def _numbers(column: pd.Series[Any]) -> pd.Series[Any]:
    import pandas as pd

    try:
        return pd.to_numeric(column)
    except ValueError:
        return column
