"""Rules of the images that sets name, of which headers are read."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tomoset.checking.rules import Fault, Rules
from tomoset.checking.view import View
from tomoset.exceptions import printable
from tomoset.sets.images import header_of, image_file, number_of
from tomoset.sets.labels import IMAGE, STACK
from tomoset.sets.paths import leads_out

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["RULES", "Images"]

RULES = Rules()


class Header(NamedTuple):
    """Width, height and depth of an image in pixels, or why it cannot be read."""

    size: tuple[int, int, int] | None
    why: str = ""


class Images:
    """The images of a set and their headers, each read once."""

    def __init__(self, view: View) -> None:
        self.view = view
        self._headers: dict[str, Header] = {}

    def names(self, row: int) -> list[str]:
        """Give the images of a tomogram: its stack, or one for each tilt."""
        stack = self.view.texts(STACK)[row]
        if stack:
            return [stack]
        if IMAGE not in self.view.contents.labels(row):
            return []
        return [name for name in self.view.contents.series(row).column(IMAGE).to_pylist() if name]

    def header(self, name: str) -> Header:
        """Read the header of an image's file."""
        file = image_file(name)
        if file not in self._headers:
            path = self.view.contents.project_root / file
            try:
                if leads_out(path, self.view.contents.project_root):
                    raise ValueError("it leads out of the project")
                size = header_of(path)
            except (OSError, ValueError) as error:
                self._headers[file] = Header(None, getattr(error, "strerror", None) or str(error))
            else:
                self._headers[file] = Header(size)
        return self._headers[file]


@RULES.rule(
    "missing-image",
    "fatal",
    "an image that is not there, or cannot be read",
    relion="stops when it loads the tomogram",
    mend="bring the image back, or leave it out",
)
def _missing(images: Images) -> Iterator[Fault]:
    for row in range(len(images.view)):
        names = images.names(row)
        bad = [name for name in names if images.header(name).size is None]
        if bad:
            more = f"; {len(bad)} of {len(names)} images" if len(names) > 1 else ""
            yield Fault(f"{printable(bad[0], 1000)}: {images.header(bad[0]).why}{more}", row)


@RULES.rule(
    "image-sizes",
    "fatal",
    "images of one tilt series that are not of one size",
    relion="stops when it loads the tomogram",
    mend="make all images of one size, or leave the others out",
)
def _sizes(images: Images) -> Iterator[Fault]:
    for row in range(len(images.view)):
        sizes = {size[:2] for name in images.names(row) if (size := images.header(name).size)}
        if len(sizes) > 1:
            (width, height), (other_width, other_height) = sorted(sizes)[:2]
            yield Fault(f"some are {width} x {height}, and some {other_width} x {other_height}", row)


@RULES.rule(
    "stack-depth",
    "fatal",
    "a stack that has not an image for each tilt",
    relion="reads beyond the stack, or takes other images for the tilts",
    mend="make the stack again, or name images one by one in rlnMicrographName",
)
def _depth(images: Images) -> Iterator[Fault]:
    stacks = images.view.texts(STACK)
    for row, stack in enumerate(stacks):
        # Warp names one stack for all, which is none.
        if stack and stacks.count(stack) == 1:
            size, tilts = images.header(stack).size, images.view.counts[row]
            if size is not None and size[2] != tilts:
                yield Fault(
                    f"{printable(stack, 1000)} has {size[2]} images, and the tilt series {tilts}", row
                )
            continue
        for name in images.names(row):
            number, size = number_of(name), images.header(name).size
            if number is not None and size is not None and not 1 <= number <= size[2]:
                yield Fault(f"{printable(name, 1000)} is of a stack of {size[2]} images", row)
                break
