"""Many tomogram sets of one project, read into one pair of tables, so that each rule looks at all of them at once."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tomoset import _core
from tomoset.checking.view import Part, View
from tomoset.exceptions import TomosetError
from tomoset.sets.contents import Contents, Origin, offsets_of, stamp_of
from tomoset.sets.labels import FRAME_COUNT, GLOBAL, NAME, SERIES_FILE
from tomoset.sets.paths import repeated
from tomoset.sets.together import PREFIX
from tomoset.sets.tomogram_set import TomogramSet
from tomoset.sources import read_options

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Stacked", "read_stacked"]


@dataclass
class Stacked:
    """Sets below one another.

    Attributes
    ----------
    paths
        Those that were read, by the order of their parts in `view`.
    left
        Those that are to be read one by one, since something is odd about them.
    """

    view: View | None
    paths: list[str]
    left: list[str]
    stamps: dict[str, tuple[int, int]] = field(default_factory=dict)

    def set_of(self, path: str) -> TomogramSet:
        """Give one of the sets, slices of the tables of all."""
        assert self.view is not None
        part = self.view.parts[self.paths.index(path)]
        whole = self.view.contents
        start, stop = int(whole.offsets[part.start]), int(whole.offsets[part.stop])
        table = whole.table.slice(part.start, part.stop - part.start)
        return TomogramSet(
            Contents(
                table=table.select([label for label in table.column_names if label in part.labels]),
                tilts=whole.tilts.slice(start, stop - start),
                offsets=whole.offsets[part.start : part.stop + 1] - start,
                headers=whole.headers,
                header=whole.header[part.start : part.stop],
                layout=part.layout,
                path=part.path,
                project_root=whole.project_root,
                origins=whole.origins[part.start : part.stop],
                global_block=part.block,
            )
        )


def read_stacked(paths: Sequence[str], root: Path, threads: int) -> Stacked:
    """Read sets of RELION 5 that are as they should be; whatever is odd about others is left to be told one by one."""
    stamps = {path: stamp_of(path) for path in paths}
    options = read_options(None, None, "relion", "large_string", "collect", "replace", False, threads)
    good = list(paths)
    left: list[str] = []
    while good:
        read = _read(good, root, options)
        if isinstance(read, View):
            same = all(stamp_of(path) == stamps[path] and not _is_at_work(path) for path in good)
            # Somebody writes to one of them.
            return Stacked(read, good, left, stamps) if same else Stacked(None, [], [*left, *good])
        left += [path for path in good if path in read]
        good = [path for path in good if path not in read]
    return Stacked(None, [], left)


def _is_at_work(path: str) -> bool:
    """Whether somebody writes to a set; as `is_at_work`, but for those behind links, which are not walked to."""
    folder, _, name = path.rpartition("/")
    return os.path.exists(f"{folder}/{PREFIX}{name}.journal")  # noqa: PTH110 (many thousands)


def _read(paths: list[str], root: Path, options: _core.ReadOptions) -> View | set[str]:
    """Read sets, or give those that cannot be read so."""
    try:
        tables = _core.read_stack(paths, options, [GLOBAL] * len(paths))
    except (TomosetError, OSError, TypeError):
        return set(paths)
    odd = {paths[at] for at, _ in tables.faults}
    table = tables.table
    bounds = np.concatenate([[0], np.cumsum(tables.rows)])
    names: list[str] = []
    files: list[str] = []
    for at, path in enumerate(paths):
        header = tables.header[at]
        labels = set() if header is None else set(tables.headers[header])
        if not {NAME, SERIES_FILE} <= labels or FRAME_COUNT in labels or not tables.rows[at]:
            odd.add(path)
    if odd:
        return odd
    names, files = table.column(NAME).to_pylist(), table.column(SERIES_FILE).to_pylist()
    for at, path in enumerate(paths):
        own = slice(bounds[at], bounds[at + 1])
        if not all(names[own]) or not all(files[own]) or repeated(names[own]) or repeated(files[own]):
            odd.add(path)
    if odd:
        return odd
    owner = np.repeat(np.arange(len(paths)), tables.rows)
    try:
        series = _core.read_stack(files, options, names, root=root, stay=True)
    except (TomosetError, OSError, TypeError):
        return set(paths)
    bad = {*series.outside, *(at for at, _ in series.faults), *np.flatnonzero(np.array(series.rows) == 0)}
    if bad:
        return {paths[owner[at]] for at in bad}
    top = os.fspath(root)
    places = [os.path.join(top, file) for file in files]  # noqa: PTH118 (a thousand Path objects take milliseconds)
    facts = zip(places, names, series.stamps, series.rows, strict=True)
    contents = Contents(
        table=table,
        tilts=series.table.combine_chunks(),
        offsets=offsets_of(series.rows),
        headers=tuple(tuple(dict.fromkeys(labels)) for labels in series.headers),
        header=np.array(series.header, dtype=np.int64),
        layout="relion5",
        path=None,
        project_root=root,
        origins=tuple(Origin(place, name, stamp, rows, True) for place, name, stamp, rows in facts),
    )
    parts = [
        Part(path, "relion5", GLOBAL, int(bounds[at]), int(bounds[at + 1]), frozenset(tables.headers[header]))
        for at, path in enumerate(paths)
        if (header := tables.header[at]) is not None
    ]
    return View(contents, parts)
