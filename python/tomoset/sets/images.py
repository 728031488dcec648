"""The images that sets name: where they are, how large, and which of a stack."""

from __future__ import annotations

import os
import re
import zlib
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import pyarrow as pa

from tomoset import _core
from tomoset.exceptions import printable
from tomoset.sets.edits import with_columns_of
from tomoset.sets.labels import FRAME_COUNT, IMAGE, STACK
from tomoset.sets.paths import leads_out

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy.typing as npt

    from tomoset.sets.contents import Contents
    from tomoset.sets.values import Integers

__all__ = [
    "ImageSizes",
    "header_of",
    "image_file",
    "image_sizes",
    "number_of",
    "stack_image",
    "voxel_of",
    "with_image_names",
]

#: Width and height in pixels: of all images, by tomogram, or a row for each tomogram.
ImageSizes: TypeAlias = "tuple[int, int] | Mapping[str, tuple[int, int]] | npt.NDArray[np.integer]"


def image_file(name: str) -> str:
    """Give the path in an image's name: ``TS.mrc`` of ``000003@TS.mrc:mrcs``."""
    return re.sub(r":[^:/]*$", "", re.sub(r"^\d+@", "", name))


def number_of(name: str) -> int | None:
    """Give the place of an image in its stack, from 1: 3 of ``000003@TS.mrc:mrcs``; None for one that is in none."""
    found = re.match(r"([0-9]{1,18})@", name)
    return int(found[1]) if found else None


def stack_image(stack: str, number: int) -> str:
    """Give the name of an image of a stack: ``000003@TS.mrc:mrcs``."""
    file = image_file(stack)
    return f"{number:06}@{file}{'' if file.endswith('.mrcs') else ':mrcs'}"


def image_sizes(
    contents: Contents, given: ImageSizes | None, tomograms: Sequence[int], *, allow_outside: bool
) -> Integers:
    """Give width and height of the images of tilt series, from the first of each, as RELION does.

    Parameters
    ----------
    given
        Sizes that need not be looked up.
    tomograms
        Those whose sizes are wanted.

    Returns
    -------
    (n, 2) int64 array
        For all tomograms of the set; 0 for those that are not wanted.
    """
    count = len(contents.offsets) - 1
    names = contents.names
    found = np.zeros((count, 2), dtype=np.int64)
    if given is not None and not isinstance(given, Mapping):
        found[:] = _checked(given, count)
        return found
    if given is not None:
        _refuse_misnamed(given, names, [names[at] for at in tomograms])
    for at in tomograms:
        size = None if given is None else given.get(names[at])
        found[at] = _size_of(contents, at, allow_outside=allow_outside) if size is None else _checked(size, 1)
    return found


def _refuse_misnamed(
    given: Mapping[str, tuple[int, int]], names: Sequence[str | None], wanted: Sequence[str | None]
) -> None:
    """Refuse sizes of what is no tomogram while those of others are lacking: a name may be mistyped."""
    if all(name in given for name in wanted):
        return
    for name in given:
        if name not in names:
            hint = _core.hint(name, "", [each for each in names if each is not None])
            raise ValueError(f"image_sizes has {name!r}, which is no tomogram of the set{hint}")


def _checked(sizes: object, count: int) -> Integers:
    """Give sizes that were given, if they are width and height."""
    found = np.asarray(sizes)
    if found.shape not in {(2,), (count, 2)} or found.dtype.kind not in "iu" or (found < 1).any():
        raise ValueError(
            f"image_sizes has {sizes!r}; it must be width and height in pixels, such as (3838, 3710)"
        )
    return found


def _size_of(contents: Contents, row: int, *, allow_outside: bool) -> tuple[int, int]:
    """Read the header of a tilt series' first image."""
    name = _first_image(contents, row)
    mend = "pass the image size"
    if name is None:
        raise contents.error("no-image", row, f"the image size is needed, and no image is named; {mend}")
    path = contents.project_root / image_file(name)
    shown = printable(os.fspath(path), 1000)
    if not allow_outside and leads_out(path, contents.project_root):
        found = f"the image size is needed, and {shown} leads out of the project; pass allow_outside=True"
        raise contents.error("outside", row, found)
    try:
        width, height, _ = header_of(path)
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else error
        found = f"the image size is needed, and {shown} cannot be read: {why}; {mend}"
        raise contents.error("no-image", row, found) from error
    return width, height


def header_of(path: Path) -> tuple[int, int, int]:
    """Read width, height and number of images in an MRC file.

    Raises
    ------
    OSError, ValueError
        There is none, or it is no image.
    """
    import mrcfile

    # A pipe would be waited for.
    if os.path.exists(path) and not os.path.isfile(path):  # noqa: PTH110, PTH113
        raise OSError(22, "It is no file", str(path))
    try:
        with mrcfile.open(path, header_only=True) as file:
            size = (int(file.header.nx), int(file.header.ny), int(file.header.nz))
    except (EOFError, zlib.error) as error:
        raise ValueError(f"it is cut short or damaged ({error})") from error
    if min(size) < 1:
        raise ValueError(f"it is {size[0]} x {size[1]} x {size[2]}")
    return size


def voxel_of(path: Path) -> float:
    """Read the pixel size in A along x from the header of an MRC file, 0 where it has none; it is known to be one."""
    import mrcfile

    with mrcfile.open(path, header_only=True) as file:
        return float(file.voxel_size.x)


def _first_image(contents: Contents, row: int) -> str | None:
    """Give the image whose size RELION takes: the stack, or else the first image."""
    if STACK in contents.table.column_names:
        stack: str | None = contents.table.column(STACK)[row].as_py()
        if stack:
            return stack
    start, stop = contents.offsets[row : row + 2]
    if start == stop or IMAGE not in contents.labels(row):
        return None
    name: str | None = contents.tilts.column(IMAGE)[int(start)].as_py()
    return name


def with_image_names(contents: Contents) -> Contents:
    """Name images one by one that were known by their place in a stack, so that images can be left out.

    RELION 4 takes the rows of a tilt series for the images of ``rlnTomoTiltSeriesName`` in their order. RELION 5 also
    knows ``rlnMicrographName``, such as ``000003@TS_01.mrc:mrcs``.
    """
    gone = [label for label in (STACK, FRAME_COUNT) if label in contents.table.column_names]
    found = replace(
        contents,
        table=contents.table.drop_columns(gone),
        findings=tuple(finding for finding in contents.findings if finding.code != "frame-count"),
    )
    if STACK not in gone:
        return found
    stacks: list[str | None] = contents.table.column(STACK).to_pylist()
    names = [
        stack_image(stack, int(at) + 1) if stack else None
        for at, stack in zip(contents.places(), (stacks[owner] for owner in contents.owners()), strict=True)
    ]
    if IMAGE in contents.tilts.column_names:
        known = contents.tilts.column(IMAGE).to_pylist()
        names = [old if made is None else made for made, old in zip(names, known, strict=True)]
    return replace(
        found,
        tilts=with_columns_of(contents.tilts, {IMAGE: pa.array(names, pa.large_string())}),
        headers=tuple(labels if IMAGE in labels else (*labels, IMAGE) for labels in contents.headers),
        edited=contents.edited | {IMAGE},
    )
