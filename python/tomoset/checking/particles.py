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
    from collections.abc import Iterator

    from tomoset.checking.images import Headers
    from tomoset.sets.findings import Finding
    from tomoset.sets.particle_set import ParticleSet

__all__ = ["ALONE", "STACKS", "TOGETHER", "check_particles", "rule_faults"]

#: Rules of particles alone, of the stacks that they name, and of particles with their tomograms.
ALONE, STACKS, TOGETHER = Rules(), Rules(), Rules()

#: RELION's tolerance where it compares the optics of particles with those of tomograms.
TOLERANCE = 1e-3
#: The image, or stack of images, of a particle.
IMAGE = "rlnImageName"
HALF = "rlnRandomSubset"
#: Of fewer particles nothing is concluded from where they all are; nor where a pixel is about an A.
ENOUGH, PLAIN = 50, 1.2


def check_particles(
    particles: ParticleSet, *, headers: Headers | None = None, alone: bool = True
) -> list[Finding]:
    """Give all that is wrong with particles, or may be, by the rules in `docs/rules.md`.

    With tomograms, if the set has them, and with `headers` of the stacks that they name; without `alone` only what is
    wrong with both together. What was found as it was read comes first.
    """
    faults = rule_faults(ParticleView([particles], headers), alone=alone)
    return located([*particles.findings, *(finding for _, finding in faults)])


def rule_faults(view: ParticleView, *, alone: bool = True) -> Iterator[tuple[int, Finding]]:
    """Give where rules are broken, and in which set of the view; without line and column."""
    part = 0

    def place(fault: Fault) -> Place:
        nonlocal part
        part = view.part_of(fault)
        return view.place(fault)

    kinds = [ALONE] if alone else []
    if alone and view.headers is not None:
        kinds.append(STACKS)
    if view.have_tomograms:
        kinds.append(TOGETHER)
    for rules in kinds:
        for finding in rules.findings(view, place):
            yield part, finding


@ALONE.rule(
    "P101",
    "repeated-particle",
    "silent",
    "two particles of one name",
    relion="finds trajectories and writes files by the name",
    mend="rename one of them",
)
def _repeated(view: ParticleView) -> Iterator[Fault]:
    if not view.has(PARTICLE):
        return
    # A column that is a dictionary already may name one thing twice, or what is nowhere.
    codes = pc.cast(view[PARTICLE], pa.large_string()).dictionary_encode()
    if len(codes.dictionary) == len(codes) - codes.null_count:
        return
    # Names are of particles of one set; what has none is like nothing else.
    names = as_numpy(codes.indices.fill_null(-1)).astype(np.int64)
    keys = np.where(names < 0, -1 - np.arange(len(names)), view.owner_sets * len(codes.dictionary) + names)
    _, first, inverse, counts = np.unique(keys, return_index=True, return_inverse=True, return_counts=True)
    for _, rows in view.by_set(np.flatnonzero(first[inverse] != np.arange(len(keys)))):
        of = inverse[rows]
        others = len(np.unique(of)) - 1
        more = f"; so are {others} other names" if others else ""
        yield Fault(f"the name is there {counts[of[0]]} times{more}", int(rows[0]), label=PARTICLE)


@ALONE.rule(
    "P102",
    "foreign-particle-name",
    "silent",
    "a particle that is named after another tomogram than its own",
    relion="writes its files beside those of the other",
    mend="rename it, as rename_tomograms() does",
)
def _foreign(view: ParticleView) -> Iterator[Fault]:
    if not view.has(PARTICLE):
        return
    names = pc.cast(view[PARTICLE], pa.large_string())
    # Warp names particles by the tilt series without the ending of its file.
    owners = pc.replace_substring_regex(pc.cast(view[NAME], pa.large_string()), r"\.tomostar$", "")
    heads = pc.replace_substring_regex(names, "/[^/]*$", "")
    foreign = pc.and_(pc.not_equal(heads, owners), pc.not_equal(heads, names))
    for _, bad in view.by_set(np.flatnonzero(as_numpy(pc.cast(foreign, pa.int8())))):
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
    if view.has(HALF):
        bad = ~np.isin(as_numpy(view[HALF]), (1, 2))
        yield from view.first(bad, partial(_says, HALF, view[HALF]), HALF)


@TOGETHER.rule(
    "P104",
    "tomogram-without-particles",
    "note",
    "a tomogram without particles",
    relion="goes on",
    mend="nothing need be done",
)
def _without(view: ParticleView) -> Iterator[Fault]:
    bare = np.ones(len(view.tomogram_names), dtype=bool)
    bare[view.owners[view.owners >= 0]] = False
    sets, first, counts = np.unique(view.tomogram_sets[bare], return_index=True, return_counts=True)
    for part, at, count in zip(sets, np.flatnonzero(bare)[first], counts, strict=True):
        more = f", and {count - 1} more" if count > 1 else ""
        yield Fault(f"there are none of {printable(view.tomogram_names[at])!r}{more}", part=int(part))


@TOGETHER.rule(
    "P105",
    "optics-mismatch",
    "fatal",
    "optics of particles that are not those of their tomogram",
    relion="stops where it compares them",
    mend="see which are right, and set the others",
)
def _optics(view: ParticleView) -> Iterator[Fault]:
    labels = (
        Tomogram.voltage.label,
        Tomogram.spherical_aberration.label,
        Tomogram.amplitude_contrast.label,
        PIXEL_SIZE,
    )
    for label in labels:
        if view.optics is None or label not in view.optics.column_names:
            continue
        own, theirs = view.of_groups(label), view.of_tomograms(label)
        for fault in view.first(np.abs(own - theirs) > TOLERANCE, lambda _: "", NAME):
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
    if view.optics is not None and PIXEL_SIZE not in view.optics.column_names:
        for part in range(len(view.sets)):
            yield Fault(f"the block 'optics' has no {PIXEL_SIZE}", block=OPTICS, part=part)


@ALONE.rule(
    "P107",
    "no-visible-frames",
    "fatal",
    "2D stacks of particles without visible frames",
    relion="stops in refinement",
    mend="extract the particles again",
)
def _no_visible(view: ParticleView) -> Iterator[Fault]:
    if view.are_2d_stacks and not view.has(VISIBLE):
        for part in range(len(view.sets)):
            yield Fault(f"there is no {VISIBLE}", part=part)


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
    column = view[VISIBLE]
    if not isinstance(column.type, pa.ListType | pa.LargeListType):
        for part in range(len(view.sets)):
            yield Fault(f"{VISIBLE} is no vector", label=VISIBLE, part=part)
        return
    flags = as_numpy(column.flatten())
    odd = np.flatnonzero((flags != 0) & (flags != 1))
    if len(odd):
        ends = np.cumsum(as_numpy(column.value_lengths().fill_null(0)))
        owners = np.searchsorted(ends, odd, side="right")
        for _, rows in view.by_set(owners):
            at = odd[np.searchsorted(owners, rows[0])]
            yield Fault(f"{VISIBLE} has {flags[at]}", int(rows[0]), label=VISIBLE)


@TOGETHER.also(_visible)
def _lengths(view: ParticleView) -> Iterator[Fault]:
    if not view.has(VISIBLE):
        return
    column = view[VISIBLE]
    if not isinstance(column.type, pa.ListType | pa.LargeListType):
        return
    tilts = view.num_tilts
    lengths = as_numpy(column.value_lengths().fill_null(0))
    yield from view.first(
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
    apart = np.abs(view.places - view.three(LEGACY)).max(axis=1)
    yield from view.first(apart > 1, lambda row: f"they are {apart[row]:.1f} px apart", LEGACY[0])


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

    yield from view.first(out, say, LEGACY[0] if view.centred is None else CENTRED[0])


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
    if values is None:
        return
    for start, stop in zip(view.offsets[:-1].tolist(), view.offsets[1:].tolist(), strict=True):
        own = values[start:stop]
        if len(own) < ENOUGH or not np.isfinite(own).all():
            continue
        if (own > 0).all():
            found = f"all coordinates of all {len(own):,} particles are positive"
            yield Fault(found, start, label=CENTRED[0])
            continue
        # What should fill some of a tomogram in A fills as much of its half in pixels, and no more.
        half, pixels = view.sizes[start:stop, :2] / 2, view.pixel_sizes[start:stop]
        reach = np.abs(own[:, :2]) / half
        if (pixels >= PLAIN).all() and (reach <= 1.02).all() and (reach.max(axis=0) >= 0.9).all():
            most = ", ".join(f"{value:.0f}" for value in np.abs(own[:, :2]).max(axis=0))
            size = " x ".join(f"{value:.0f}" for value in 2 * half[0])
            found = f"they reach to {most}, as pixels do in a tomogram of {size}"
            yield Fault(found, start + int(np.argmax(reach[:, 0])), label=CENTRED[0])


@ALONE.also(ODD_PATHS)
def _odd_paths(view: ParticleView) -> Iterator[Fault]:
    for label, column, bad in odd_paths(view.table):
        yield from view.first(bad, partial(says, label, column), label)
    offsets = view.optics_offsets
    for label, column, bad in () if view.optics is None else odd_paths(view.optics):
        rows = np.flatnonzero(bad)
        sets, first = np.unique(np.searchsorted(offsets, rows, side="right") - 1, return_index=True)
        for part, row in zip(sets.tolist(), rows[first].tolist(), strict=True):
            own = row - int(offsets[part])
            yield Fault(says(label, column, row), own, label=label, block=OPTICS, part=part)


@ALONE.also(rewritten.DIGITS)
def _digits(view: ParticleView) -> Iterator[Fault]:
    table = view.table
    for name, column in zip(table.column_names, table.columns, strict=True):
        bad = rewritten.digits_lost(column)
        if bad is not None:
            yield from view.first(bad, partial(_says, name, column), name)


def _says(name: str, column: pa.ChunkedArray | pa.Array, row: int) -> str:
    value = column[row].as_py()
    return f"{name} is {'null' if value is None else value}"


@STACKS.rule(
    "P115",
    "stack-slices",
    "fatal",
    "a 2D stack of another number of images than the particle's visible frames",
    relion="pairs images with the wrong tilts, or reads beyond the stack",
    mend="extract the particles again",
)
def _slices(view: ParticleView) -> Iterator[Fault]:
    headers = view.headers
    if headers is None or not view.has(IMAGE, VISIBLE) or not view.are_2d_stacks:
        return
    frames = [flags for each in view.sets for flags in each.visible_frames or ()]
    names = view[IMAGE].to_pylist()
    depths = [headers.of(name).size if name else None for name in names]
    slices = np.array([-1 if size is None else size[2] for size in depths])
    seen = np.array([int(each.sum()) for each in frames])

    def say(row: int) -> str:
        return f"{printable(names[row], 1000)} has {slices[row]} images, and {seen[row]} frames are visible"

    yield from view.first((slices >= 0) & (slices != seen), say, IMAGE)
