"""Rules of the paths that sets hold: whether they lead elsewhere once the project is moved."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tomoset import _core
from tomoset.checking.rules import Fault, Rules
from tomoset.exceptions import printable
from tomoset.sets.labels import SERIES_FILE
from tomoset.tables import as_numpy

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

    from tomoset.checking.view import View

__all__ = ["ODD_PATHS", "RULES", "odd_paths", "says"]

RULES = Rules()

#: One of these is in each path that goes up, or is absolute behind the number of an image.
SIGNS = (b"..", b"@/")
#: So many bytes are looked at at once: what is made of all of them would be larger than the texts.
WINDOW = 1 << 18
#: Columns of paths; those of jobs and folders are what RELION itself makes of them.
LABELS = frozenset(
    label for label, kind in _core.path_labels() if kind not in {"option", "node", "folder", "stem"}
)


@RULES.rule(
    "N103",
    "odd-path",
    "warning",
    "a path that is absolute or goes up by .., or a tilt series' with : or #",
    relion="reads it, until the project is moved, and writes to odd places when it renames it",
    mend="write the set within its project, and name files by their paths from its folder",
)
def _odd_paths(view: View) -> Iterator[Fault]:
    for label, column, bad in odd_paths(view.contents.table):
        for row in np.flatnonzero(bad).tolist():
            yield Fault(says(label, column, row), row, label=label)
    for row, path in enumerate(view.texts(SERIES_FILE)):
        if path and (":" in path or "#" in path):
            found = f"{SERIES_FILE} is {printable(path, 1000)}, and RELION cannot open it"
            yield Fault(found, row, "fatal", SERIES_FILE)
    for label, column, bad in odd_paths(view.contents.tilts):
        yield from view.each(bad, partial(says, label, column), label)


#: The rule, which other sets have, too.
ODD_PATHS = _odd_paths


def odd_paths(table: pa.Table) -> Iterator[tuple[str, pa.ChunkedArray, npt.NDArray[np.bool_]]]:
    """Give the columns with paths that are absolute or go up, and which these are."""
    for label, column in zip(table.column_names, table.columns, strict=True):
        if label not in LABELS or not _is_text(column.type):
            continue
        if not _may_be_odd(column):
            continue
        plain = pc.replace_substring_regex(column, r"^\d+@", "")
        odd = pc.or_(pc.starts_with(plain, "/"), pc.match_substring_regex(plain, r"(^|/)\.\.(/|$)"))
        bad = as_numpy(pc.cast(pc.fill_null(odd, pa.scalar(False)), pa.int8())).astype(bool)
        if bad.any():
            yield label, column, bad


def says(label: str, names: pa.ChunkedArray, at: int) -> str:
    """Say what a column holds in a place."""
    return f"{label} is {printable(names[at].as_py(), 1000)}"


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_large_string(kind) or pa.types.is_string(kind))


def _may_be_odd(column: pa.ChunkedArray) -> bool:
    """Whether a column has what no path has that stays within the project: much sooner seen than where it is."""
    texts = [text for chunk in column.chunks if (text := chunk.buffers()[2]) is not None]
    return any(_has(text, sign) for text in texts for sign in SIGNS) or bool(
        pc.any(pc.starts_with(column, "/")).as_py()
    )


def _has(text: pa.Buffer, sign: bytes) -> bool:
    """Whether two bytes are anywhere; to search for what is nearly nowhere would take three times as long."""
    found = np.frombuffer(text, np.uint8)
    for start in range(0, len(found), WINDOW):
        # One byte of the next, so that nothing is missed between them.
        some = found[start : start + WINDOW + 1]
        if ((some[:-1] == sign[0]) & (some[1:] == sign[1])).any():
            return True
    return False
