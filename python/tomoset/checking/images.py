"""Rules of the images that sets name, of which headers are read."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from tomoset.checking.rules import Fault, Rules
from tomoset.exceptions import printable
from tomoset.sets.alignment import SIZE
from tomoset.sets.images import header_of, image_file, number_of, voxel_of
from tomoset.sets.labels import IMAGE, STACK
from tomoset.sets.paths import leads_out
from tomoset.sets.tilt_series import TiltSeries
from tomoset.sets.tomogram import Tomogram

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tomoset.checking.view import View
    from tomoset.sets.values import Floats

__all__ = ["RULES", "Headers", "Images"]

RULES = Rules()

#: How far the pixel size in a header may be from what it should be, as a part of it: headers are rounded.
TOLERANCE = 0.02
#: What of movies has a header that tells how many frames there are.
MOVIES = (".mrc", ".mrcs")


class Header(NamedTuple):
    """Width, height and depth of an image in pixels, or why it cannot be read."""

    size: tuple[int, int, int] | None
    why: str = ""


class Headers:
    """Headers of a project's images, each read once."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._headers: dict[str, Header] = {}

    def of(self, name: str) -> Header:
        """Read the header of an image's file."""
        file = image_file(name)
        if file not in self._headers:
            path = self.root / file
            try:
                if leads_out(path, self.root):
                    raise ValueError("it leads out of the project")
                size = header_of(path)
            except (OSError, ValueError) as error:
                self._headers[file] = Header(None, getattr(error, "strerror", None) or str(error))
            else:
                self._headers[file] = Header(size)
        return self._headers[file]

    def voxel(self, name: str) -> float | None:
        """Read the pixel size in A that a header has; None where there is none."""
        if self.of(name).size is None:
            return None
        return voxel_of(self.root / image_file(name))


class Images:
    """The images of a set and their headers."""

    def __init__(self, view: View) -> None:
        self.view = view
        self.headers = Headers(view.contents.project_root)

    def names(self, row: int) -> list[tuple[str, int | None]]:
        """Give the images of a tomogram and the tilts they are of: its stack, or one for each tilt."""
        stack = self.view.texts(STACK)[row]
        if stack:
            return [(stack, None)]
        if IMAGE not in self.view.contents.labels(row):
            return []
        names = self.view.contents.series(row).column(IMAGE).to_pylist()
        return [(name, tilt) for tilt, name in enumerate(names) if name]


@RULES.rule(
    "I104",
    "missing-image",
    "fatal",
    "an image that is not there, or cannot be read",
    relion="stops when it loads the tomogram",
    mend="bring the image back, or leave it out",
)
def _missing(images: Images) -> Iterator[Fault]:
    for row in range(len(images.view)):
        names = images.names(row)
        bad = [(name, tilt) for name, tilt in names if images.headers.of(name).size is None]
        if bad:
            name, tilt = bad[0]
            more = f"; {len(bad)} of {len(names)} images" if len(names) > 1 else ""
            found = f"{printable(name, 1000)}: {images.headers.of(name).why}{more}"
            yield Fault(found, row, label=STACK if tilt is None else IMAGE, tilt=tilt)


@RULES.rule(
    "I105",
    "image-sizes",
    "fatal",
    "images of one tilt series that are not of one size",
    relion="stops when it loads the tomogram",
    mend="make all images of one size, or leave the others out",
)
def _sizes(images: Images) -> Iterator[Fault]:
    for row in range(len(images.view)):
        sizes = {
            size[:2]: tilt for name, tilt in images.names(row)[::-1] if (size := images.headers.of(name).size)
        }
        if len(sizes) > 1:
            (width, height), (other_width, other_height) = sorted(sizes)[:2]
            found = f"some are {width} x {height}, and some {other_width} x {other_height}"
            # The first that is not as the first image is.
            tilts = sorted(tilt for tilt in sizes.values() if tilt is not None)
            yield Fault(found, row, label=IMAGE, tilt=tilts[1] if len(tilts) > 1 else None)


@RULES.rule(
    "I106",
    "stack-depth",
    "fatal",
    "a stack that has not an image for each tilt",
    relion="reads beyond the stack, or takes other images for the tilts",
    mend="make the stack again, or name images one by one in rlnMicrographName",
)
def _depth(images: Images) -> Iterator[Fault]:
    view = images.view
    stacks = view.texts(STACK)
    counts = [Counter(stacks[part.start : part.stop]) for part in view.parts]
    for row, stack in enumerate(stacks):
        # Warp names one stack for all, which is none.
        if stack and counts[view.owner_sets[row]][stack] == 1:
            size, tilts = images.headers.of(stack).size, view.counts[row]
            if size is not None and size[2] != tilts:
                found = f"{printable(stack, 1000)} has {size[2]} images, and the tilt series {tilts}"
                yield Fault(found, row, label=STACK)
            continue
        for name, tilt in images.names(row):
            number, size = number_of(name), images.headers.of(name).size
            if number is not None and size is not None and not 1 <= number <= size[2]:
                found = f"{printable(name, 1000)} is of a stack of {size[2]} images"
                yield Fault(found, row, label=IMAGE, tilt=tilt)
                break


@RULES.rule(
    "I107",
    "movie-frames",
    "warning",
    "a movie of another number of frames than rlnTomoTiltMovieFrameCount",
    relion="divides the dose by the number in the table",
    mend="set rlnTomoTiltMovieFrameCount, or look whether the movie is whole",
)
def _frames(images: Images) -> Iterator[Fault]:
    movie, count = TiltSeries.movie_names.label, TiltSeries.movie_frame_counts.label
    view = images.view
    for row in np.flatnonzero(view.have(movie, count)):
        start = int(view.contents.offsets[row])
        for tilt, name in enumerate(view.contents.series(int(row)).column(movie).to_pylist()):
            if not name or not image_file(name).lower().endswith(MOVIES):
                continue
            size, frames = images.headers.of(name).size, view.tilts(count)[start + tilt]
            if size is not None and frames > 0 and size[2] != frames:
                found = f"{printable(name, 1000)} has {size[2]} frames, and {count} is {frames:g}"
                yield Fault(found, int(row), label=count, tilt=tilt)
                break


@RULES.rule(
    "G105",
    "map-size",
    "warning",
    "a reconstructed tomogram that is not of rlnTomoSizeX, Y and Z over the binning",
    relion="takes the table's sizes for places, and the map's for pictures",
    mend="reconstruct again, or set the binning and sizes that the map was made with",
)
def _map_size(images: Images) -> Iterator[Fault]:
    view = images.view
    wanted_sizes = np.stack([view.of_tomograms(label) for label in SIZE], axis=-1) / _binnings(view)[:, None]
    for row, name, size in _maps(images):
        wanted = wanted_sizes[row]
        if not np.isfinite(wanted).all():
            continue
        # RELION rounds width and height, and cuts the depth; even sizes are common, too.
        if (np.abs(wanted - np.array(size)) >= 2).any():
            words = " x ".join(f"{value:.0f}" for value in wanted)
            found = f"{printable(name, 1000)} is of {' x '.join(map(str, size))} pixels, not {words}"
            yield Fault(found, row, label=Tomogram.reconstructed_tomogram.label)


@RULES.rule(
    "G106",
    "map-pixel-size",
    "warning",
    "a reconstructed tomogram with another pixel size in its header than binning and pixel size say",
    relion="believes the table; other programs believe the header",
    mend="set rlnTomoTomogramBinning, or the pixel size in the header",
)
def _map_pixel(images: Images) -> Iterator[Fault]:
    pixels = images.view.of_tomograms(Tomogram.pixel_size.label) * _binnings(images.view)
    for row, name, _ in _maps(images):
        wanted = pixels[row]
        voxel = images.headers.voxel(name)
        # 0 and 1 are what programs write that do not know it.
        if voxel and voxel != 1 and wanted > 0 and abs(voxel / wanted - 1) > TOLERANCE:
            found = f"{printable(name, 1000)} has pixels of {voxel:.4g} A, and {wanted:.4g} A are expected"
            yield Fault(found, row, label=Tomogram.reconstructed_tomogram.label)


def _maps(images: Images) -> Iterator[tuple[int, str, tuple[int, int, int]]]:
    """Give the reconstructed tomograms that can be read, and their sizes."""
    for row, name in enumerate(images.view.texts(Tomogram.reconstructed_tomogram.label)):
        size = images.headers.of(name).size if name else None
        if name and size is not None:
            yield row, name, size


def _binnings(view: View) -> Floats:
    """Give the binning of each tomogram, 1 where it is absent, and NaN where it cannot be."""
    values = view.of_tomograms(Tomogram.tomogram_binning.label)
    values = np.where(np.isnan(values), 1, values)
    return np.where(values > 0, values, np.nan)
