"""Tilt series whose block is not named as the tomogram is in its set, so that RELION does not find it."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from tomoset import _core
from tomoset.exceptions import StarWriteError, TomosetError, printable
from tomoset.mending.fixes import RENAMED, all_fixes
from tomoset.mending.texts import Left, Made, Text, read_text
from tomoset.sets.labels import GLOBAL, NAME, SERIES_FILE
from tomoset.sets.paths import leads_out, project_root
from tomoset.star import read_star

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["names_in_sets", "renamed"]


def names_in_sets(files: Iterable[str], root: str | None) -> dict[str, str]:
    """Give what the blocks of tilt series are to be called: by the real paths of their files.

    Parameters
    ----------
    files : iterable of str
        Those that may hold tomogram sets.
    root : str or None
        The project's folder; else it is looked for.
    """
    names: dict[str, str] = {}
    unsure: set[str] = set()
    for file in files:
        for path, name in _series_of(file, root):
            if names.setdefault(path, name) != name:
                unsure.add(path)
    return {path: name for path, name in names.items() if path not in unsure}


def _series_of(file: str, root: str | None) -> Iterator[tuple[str, str]]:
    """Give the tilt series of a set, each by its file and its name; of what is no set, none."""
    try:
        block = read_star(file, blocks=[GLOBAL], columns=[NAME, SERIES_FILE], on_error="collect")[GLOBAL]
    except (OSError, TomosetError):
        return
    pairs = [
        (name, path)
        for name, path in zip(block[NAME].to_pylist(), block[SERIES_FILE].to_pylist(), strict=True)
        if name and path
    ]
    if not pairs:
        return
    top = Path(root) if root is not None else project_root(Path(file), pairs[0][1])
    for name, path in pairs:
        where = top / path
        if not leads_out(where, top):
            yield os.path.realpath(where), name


def renamed(found: Text, name: str) -> Text:
    """Give the only block of a text the name that a set has for it."""
    fix = all_fixes()[RENAMED]
    star = read_text(found.after)
    if len(star.blocks) != 1:
        why = f"the set calls it {printable(name)}, and the file has {len(star.blocks)} blocks"
        return replace(found, left=(*found.left, Left(RENAMED, fix.name, 1, 1, why)))
    old = star.blocks[0].name
    line = found.after[: _header(found.after)].count(b"\n") + 1
    try:
        star.rename({old: name})
        after = star.to_bytes()
    except (StarWriteError, ValueError) as error:
        return replace(found, left=(*found.left, Left(RENAMED, fix.name, line, 1, str(error))))
    made = Made(RENAMED, fix.name, line, 1, f"data_{printable(old)} becomes data_{printable(name)}")
    return replace(found, after=after, made=(*found.made, made))


def _header(text: bytes) -> int:
    """Give where the first block begins."""
    _, _, start, _ = _core.scan_bytes(text, on_error="collect", threads=1).blocks()[0]
    return start
