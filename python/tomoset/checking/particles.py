"""Rules of particle sets, alone and with their tomograms."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tomoset.checking import rewritten
from tomoset.checking.particle_view import ParticleView
from tomoset.checking.paths import ODD_PATHS, odd_paths, says
from tomoset.checking.rules import Fault, Place, Rules
from tomoset.exceptions import printable
from tomoset.sets.findings import located
from tomoset.sets.labels import NAME, PARTICLE
from tomoset.sets.particles import CENTRED, LEGACY, OPTICS, PIXEL_SIZE, VISIBLE
from tomoset.sets.tomogram import Tomogram
from tomoset.tables import as_numpy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import numpy.typing as npt

    from tomoset.checking.images import Headers
    from tomoset.sets.findings import Finding
    from tomoset.sets.particle_set import ParticleSet

__all__ = ["ALONE", "STACKS", "TOGETHER", "check_particles"]

#: Rules of particles alone, of the stacks that they name, and of particles with their tomograms.
ALONE, STACKS, TOGETHER = Rules(), Rules(), Rules()

#: RELION's tolerance where it compares the optics of particles with those of tomograms.
TOLERANCE = 1e-3
#: The image, or stack of images, of a particle.
IMAGE = "rlnImageName"
#: Of fewer particles nothing is concluded from where they all are; nor where a pixel is about an A.
ENOUGH, PLAIN = 50, 1.2


def check_particles(
    particles: ParticleSet, *, headers: Headers | None = None, alone: bool = True
) -> list[Finding]:
    """Give all that is wrong with particles, or may be, by the rules in `docs/rules.md`.

    With tomograms, if the set has them, and with `headers` of the stacks that they name; without `alone` only what is
    wrong with both together. What was found as it was read comes first.
    """
    path = printable(particles.path or "<memory>", 1000)

    def place(fault: Fault) -> Place:
        found: Place = {"where": path, "path": particles.path, "block": fault.block or particles._block_name}
        found["label"] = fault.label
        if fault.row is not None:
            found["row"] = fault.row
            if fault.block is None:
                found["where"] = f"{path}: row {fault.row} ({printable(particles.names[fault.row])})"
                found["tomogram"] = particles[NAME][fault.row].as_py()
        return found

    view = ParticleView(particles, headers)
    found = list(particles.findings)
    if alone:
        found += ALONE.findings(view, place)
        if headers is not None:
            found += STACKS.findings(view, place)
    if particles.tomograms is not None:
        found += TOGETHER.findings(view, place)
    return located(found)


@ALONE.rule(
    "P101",
    "repeated-particle",
    "silent",
    "two particles of one name",
    relion="finds trajectories and writes files by the name",
    mend="rename one of them",
)
def _repeated(view: ParticleView) -> Iterator[Fault]:
    particles = view.particles
    if PARTICLE not in particles:
        return
    codes = particles[PARTICLE].dictionary_encode()
    if len(codes.dictionary) < len(codes) - codes.null_count:
        indices = as_numpy(codes.indices.drop_null())
        counts = np.bincount(indices)
        twice = int(np.argmax(counts > 1))
        row = int(np.flatnonzero(indices == twice)[1])
        names = int((counts > 1).sum())
        more = f"; so are {names - 1} other names" if names > 1 else ""
        yield Fault(f"the name is there {counts[twice]} times{more}", row, label=PARTICLE)


@ALONE.rule(
    "P102",
    "foreign-particle-name",
    "silent",
    "a particle that is named after another tomogram than its own",
    relion="writes its files beside those of the other",
    mend="rename it, as rename_tomograms() does",
)
def _foreign(view: ParticleView) -> Iterator[Fault]:
    particles = view.particles
    if PARTICLE not in particles:
        return
    names = pc.cast(particles[PARTICLE], pa.large_string())
    # Warp names particles by the tilt series without the ending of its file.
    owners = pc.replace_substring_regex(pc.cast(particles[NAME], pa.large_string()), r"\.tomostar$", "")
    heads = pc.replace_substring_regex(names, "/[^/]*$", "")
    foreign = pc.and_(pc.not_equal(heads, owners), pc.not_equal(heads, names))
    bad = np.flatnonzero(as_numpy(pc.cast(foreign, pa.int8())))
    if len(bad):
        more = f"; so are {len(bad) - 1} others" if len(bad) > 1 else ""
        found = f"it is of tomogram {printable(owners[int(bad[0])].as_py())!r}{more}"
        yield Fault(found, int(bad[0]), label=PARTICLE)


@ALONE.rule(
    "P103",
    "odd-half-set",
    "warning",
    "a half set that is neither 1 nor 2",
    relion="leaves such particles out of the halves",
    mend="set rlnRandomSubset to 1 or 2",
)
def _half_sets(view: ParticleView) -> Iterator[Fault]:
    halves = view.particles.half_sets
    if halves is not None:
        say = lambda row: f"rlnRandomSubset is {halves[row]}"  # noqa: E731
        yield from _first(~np.isin(halves, (1, 2)), say, "rlnRandomSubset")


@TOGETHER.rule(
    "P104",
    "tomogram-without-particles",
    "note",
    "a tomogram without particles",
    relion="goes on",
    mend="nothing need be done",
)
def _without(view: ParticleView) -> Iterator[Fault]:
    tomos = view.particles.tomograms
    if tomos is None:
        return
    seen = np.zeros(len(tomos), dtype=bool)
    seen[view.owners[view.owners >= 0]] = True
    bare = np.flatnonzero(~seen)
    if len(bare):
        more = f", and {len(bare) - 1} more" if len(bare) > 1 else ""
        yield Fault(f"there are none of {printable(tomos.names[bare[0]])!r}{more}")


@TOGETHER.rule(
    "P105",
    "optics-mismatch",
    "fatal",
    "optics of particles that are not those of their tomogram",
    relion="stops where it compares them",
    mend="see which are right, and set the others",
)
def _optics(view: ParticleView) -> Iterator[Fault]:
    tomos, optics = view.particles.tomograms, view.particles.optics
    if tomos is None or optics is None:
        return
    known = view.owners >= 0
    labels = (
        Tomogram.voltage.label,
        Tomogram.spherical_aberration.label,
        Tomogram.amplitude_contrast.label,
        PIXEL_SIZE,
    )
    for label in labels:
        if label not in optics.column_names or label not in tomos.table.column_names:
            continue
        values = [as_numpy(table.column(label)) for table in (optics, tomos.table)]
        if (np.abs(values[0][:, None] - values[1]) <= TOLERANCE).all():
            # Of all groups and all tomograms, which is little to look at.
            continue
        own = view.of_groups(label)
        theirs = view.of_tomograms(label)
        for fault in _first(known & (np.abs(own - theirs) > TOLERANCE), lambda _: "", NAME):
            row = fault.row or 0
            mine = f"{label} is {own[row]:g} in the particle's optics group"
            yield fault._replace(found=f"{mine}, and {theirs[row]:g} in its tomogram{fault.found}")


@ALONE.rule(
    "P106",
    "no-pixel-size",
    "fatal",
    "optics of particles without the pixel size of the tilt series",
    relion="stops",
    mend="set rlnTomoTiltSeriesPixelSize in the block optics",
)
def _no_pixel_size(view: ParticleView) -> Iterator[Fault]:
    optics = view.particles.optics
    if optics is not None and PIXEL_SIZE not in optics.column_names:
        yield Fault(f"the block 'optics' has no {PIXEL_SIZE}", block=OPTICS)


@ALONE.rule(
    "P107",
    "no-visible-frames",
    "fatal",
    "2D stacks of particles without visible frames",
    relion="stops in refinement",
    mend="extract the particles again",
)
def _no_visible(view: ParticleView) -> Iterator[Fault]:
    if view.particles.are_2d_stacks and not view.has(VISIBLE):
        yield Fault(f"there is no {VISIBLE}")


@ALONE.rule(
    "P108",
    "visible-frames",
    "fatal",
    "visible frames that are not one 0 or 1 for each image of the tilt series",
    relion="reads beyond them, or pairs slices of the stack with the wrong images",
    mend="extract the particles again",
)
def _visible(view: ParticleView) -> Iterator[Fault]:
    if not view.has(VISIBLE):
        return
    column = view.particles[VISIBLE]
    if not isinstance(column.type, pa.ListType | pa.LargeListType):
        yield Fault(f"{VISIBLE} is no vector", label=VISIBLE)
        return
    flags = as_numpy(column.flatten())
    odd = (flags != 0) & (flags != 1)
    if odd.any():
        ends = np.cumsum(as_numpy(column.value_lengths().fill_null(0)))
        at = int(np.argmax(odd))
        row = int(np.searchsorted(ends, at, side="right"))
        yield Fault(f"{VISIBLE} has {flags[at]}", row, label=VISIBLE)


@TOGETHER.also(_visible)
def _lengths(view: ParticleView) -> Iterator[Fault]:
    if not view.has(VISIBLE):
        return
    column = view.particles[VISIBLE]
    if not isinstance(column.type, pa.ListType | pa.LargeListType):
        return
    tilts = view.num_tilts
    lengths = as_numpy(column.value_lengths().fill_null(0))
    yield from _first(
        (tilts >= 0) & (lengths != tilts),
        lambda row: f"{VISIBLE} has {lengths[row]} flags, and the tilt series {tilts[row]} images",
        VISIBLE,
    )


@TOGETHER.rule(
    "P109",
    "two-coordinates",
    "warning",
    "coordinates from the centre and from the corner that differ by more than a pixel",
    relion="takes those from the centre",
    mend="drop rlnCoordinateX, Y and Z",
)
def _two(view: ParticleView) -> Iterator[Fault]:
    if not view.has(*CENTRED, *LEGACY):
        return
    apart = np.abs(view.places - view.particles._three(LEGACY)).max(axis=1)
    yield from _first(apart > 1, lambda row: f"they are {apart[row]:.1f} px apart", LEGACY[0])


@TOGETHER.rule(
    "P110",
    "outside-tomogram",
    "warning",
    "a particle outside of its tomogram",
    relion="extracts what is there of it, or nothing",
    mend="look whether coordinates are in the unit of their column: A from the centre, pixels from the corner",
)
def _beyond(view: ParticleView) -> Iterator[Fault]:
    sizes, places = view.sizes, view.places
    with np.errstate(invalid="ignore"):
        out = np.any((places < 0) | (places > sizes), axis=1)

    def say(row: int) -> str:
        place = ", ".join(f"{value:.0f}" for value in places[row])
        return f"it is at {place} px, in a tomogram of {' x '.join(f'{value:.0f}' for value in sizes[row])}"

    yield from _first(out, say, LEGACY[0] if view.centred is None else CENTRED[0])


@TOGETHER.rule(
    "P114",
    "not-centred",
    "warning",
    "centred coordinates that look like pixels, or like places from the corner",
    relion="takes them for A from the centre of the tomogram",
    mend="calculate them anew: (pixels - size / 2) times the pixel size",
)
def _not_centred(view: ParticleView) -> Iterator[Fault]:
    values = view.centred
    if values is None or len(values) < ENOUGH or not np.isfinite(values).all():
        return
    if (values > 0).all():
        yield Fault(f"all coordinates of all {len(values):,} particles are positive", 0, label=CENTRED[0])
        return
    # What should fill some of a tomogram in A fills as much of its half in pixels, and no more.
    half, pixels = view.sizes / 2, view.pixel_sizes
    reach = np.abs(values[:, :2]) / half[:, :2]
    if (pixels >= PLAIN).all() and (reach <= 1.02).all() and (reach.max(axis=0) >= 0.9).all():
        most = ", ".join(f"{value:.0f}" for value in np.abs(values[:, :2]).max(axis=0))
        size = " x ".join(f"{value:.0f}" for value in 2 * half[0, :2])
        found = f"they reach to {most}, as pixels do in a tomogram of {size}"
        yield Fault(found, int(np.argmax(reach[:, 0])), label=CENTRED[0])


@ALONE.also(ODD_PATHS)
def _odd_paths(view: ParticleView) -> Iterator[Fault]:
    for label, column, bad in odd_paths(view.table):
        yield from _first(bad, partial(says, label, column), label)
    optics = view.particles.optics
    for label, column, bad in () if optics is None else odd_paths(optics):
        row = int(np.argmax(bad))
        yield Fault(says(label, column, row), row, label=label, block=OPTICS)


@ALONE.also(rewritten.DIGITS)
def _digits(view: ParticleView) -> Iterator[Fault]:
    table = view.table
    for name, column in zip(table.column_names, table.columns, strict=True):
        bad = rewritten.digits_lost(column)
        if bad is not None:
            yield from _first(bad, partial(_says, name, column), name)


def _says(name: str, column: pa.ChunkedArray, row: int) -> str:
    return f"{name} is {column[row].as_py()}"


@STACKS.rule(
    "P115",
    "stack-slices",
    "fatal",
    "a 2D stack of another number of images than the particle's visible frames",
    relion="pairs images with the wrong tilts, or reads beyond the stack",
    mend="extract the particles again",
)
def _slices(view: ParticleView) -> Iterator[Fault]:
    particles, headers = view.particles, view.headers
    frames = particles.visible_frames
    if headers is None or frames is None or not view.has(IMAGE) or not particles.are_2d_stacks:
        return
    names = particles[IMAGE].to_pylist()
    depths = [headers.of(name).size if name else None for name in names]
    slices = np.array([-1 if size is None else size[2] for size in depths])
    seen = np.array([int(each.sum()) for each in frames])

    def say(row: int) -> str:
        return f"{printable(names[row], 1000)} has {slices[row]} images, and {seen[row]} frames are visible"

    yield from _first((slices >= 0) & (slices != seen), say, IMAGE)


def _first(bad: npt.NDArray[np.bool_], say: Callable[[int], str], label: str) -> Iterator[Fault]:
    """Give one fault for all rows that are bad, told by the first of them."""
    rows = np.flatnonzero(bad)
    if len(rows):
        more = f"; {len(rows):,} of {len(bad):,} particles" if len(rows) > 1 else ""
        yield Fault(f"{say(int(rows[0]))}{more}", int(rows[0]), label=label)
