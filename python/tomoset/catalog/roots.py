"""Folders that are indexed: under which name, and whether they can be."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from tomoset.catalog.journal import Checked
from tomoset.catalog.tasks import text_of

__all__ = ["inside", "readable_folder", "refuse_overlap"]


def readable_folder(root: str | os.PathLike[str], catalog: Path) -> str:
    """Return the absolute path of the root, or say why it cannot be indexed."""
    os.scandir(root).close()
    absolute = os.path.abspath(root)  # noqa: PTH100  resolve() would follow symbolic links
    if absolute.startswith("//"):
        # POSIX lets two slashes be something else; Linux does not, and one root must have one name.
        absolute = absolute[1:]
    if not (os.path.exists(absolute) and os.path.samefile(root, absolute)):  # noqa: PTH110, PTH121
        # "link/.." is the folder above what the link leads to.
        absolute = os.path.realpath(root)
    if catalog.samefile(absolute):
        raise OSError(errno.EINVAL, "this is the catalogue itself, not an archive", absolute)
    return absolute


def refuse_overlap(root: str, catalog: Path) -> None:
    """Refuse a root that is new to the catalogue and shares files with one that is not: these would count twice."""
    known = [checked.root for checked in Checked.read(catalog)]
    if text_of(os.fsencode(root)) in known:
        return
    place = Path(root).resolve()
    for other in known:
        there = Path(other).resolve()
        if place == there or there in place.parents or place in there.parents:
            how = "is" if place == there else "lies in" if there in place.parents else "contains"
            words = (
                f"it {how} {other}, which is in this catalogue: files would count twice; index into a new one"
            )
            raise OSError(errno.EINVAL, words, root)


def inside(catalog: Path, root: str) -> tuple[bytes, ...]:
    """Return the path by which the walk would meet the catalogue, if it lies inside the root."""
    below = Path(os.path.relpath(catalog.resolve(), Path(root).resolve()))
    return () if below.parts[0] == os.pardir else (os.fsencode(Path(root) / below),)
