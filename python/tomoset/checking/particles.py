"""Rules of particle sets, alone and with their tomograms."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tomoset.checking.rules import Fault, Rules
from tomoset.exceptions import printable
from tomoset.sets.alignment import SIZE
from tomoset.sets.labels import NAME, PARTICLE
from tomoset.sets.particles import CENTRED, LEGACY, PIXEL_SIZE, VISIBLE, owners_of
from tomoset.sets.tomogram import Tomogram
from tomoset.tables import as_numpy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import numpy.typing as npt

    from tomoset.sets.findings import Finding
    from tomoset.sets.particle_set import ParticleSet

__all__ = ["RULES", "check_particles"]

RULES = Rules()

#: RELION's tolerance where it compares the optics of particles with those of tomograms.
TOLERANCE = 1e-3


def check_particles(particles: ParticleSet) -> list[Finding]:
    """Give all that is wrong with particles, or may be, by the rules in `docs/rules.md`.

    With tomograms, if the set has them. What was found as it was read comes first.
    """
    path = printable(particles.path or "<memory>", 1000)

    def where(row: int | None) -> str:
        return path if row is None else f"{path}: row {row} ({printable(particles.names[row])})"

    def tomogram(row: int | None) -> str | None:
        return None if row is None else particles.tomogram_names[row]

    return [*particles.findings, *RULES.findings(particles, where, tomogram)]


@RULES.rule(
    "repeated-particle",
    "silent",
    "two particles of one name",
    relion="finds trajectories and writes files by the name",
    mend="rename one of them",
)
def _repeated(particles: ParticleSet) -> Iterator[Fault]:
    if PARTICLE not in particles:
        return
    codes = particles[PARTICLE].dictionary_encode()
    if len(codes.dictionary) < len(codes):
        indices = as_numpy(codes.indices)
        counts = np.bincount(indices)
        twice = int(np.argmax(counts > 1))
        row = int(np.flatnonzero(indices == twice)[1])
        names = int((counts > 1).sum())
        more = f"; so are {names - 1} other names" if names > 1 else ""
        yield Fault(f"the name is there {counts[twice]} times{more}", row)


@RULES.rule(
    "foreign-particle-name",
    "silent",
    "a particle that is named after another tomogram than its own",
    relion="writes its files beside those of the other",
    mend="rename it, as rename_tomograms() does",
)
def _foreign(particles: ParticleSet) -> Iterator[Fault]:
    if PARTICLE not in particles:
        return
    names = pc.cast(particles[PARTICLE], pa.large_string())
    owners = pc.cast(particles[NAME], pa.large_string())
    heads = pc.replace_substring_regex(names, "/[^/]*$", "")
    foreign = pc.and_(pc.not_equal(heads, owners), pc.not_equal(heads, names))
    bad = np.flatnonzero(as_numpy(pc.cast(foreign, pa.int8())))
    if len(bad):
        more = f"; so are {len(bad) - 1} others" if len(bad) > 1 else ""
        yield Fault(f"it is of tomogram {printable(owners[int(bad[0])].as_py())!r}{more}", int(bad[0]))


@RULES.rule(
    "odd-half-set",
    "warning",
    "a half set that is neither 1 nor 2",
    relion="leaves such particles out of the halves",
    mend="set rlnRandomSubset to 1 or 2",
)
def _half_sets(particles: ParticleSet) -> Iterator[Fault]:
    halves = particles.half_sets
    if halves is not None:
        yield from _first(~np.isin(halves, (1, 2)), lambda row: f"rlnRandomSubset is {halves[row]}")


@RULES.rule(
    "tomogram-without-particles",
    "note",
    "a tomogram without particles",
    relion="goes on",
    mend="nothing need be done",
)
def _without(particles: ParticleSet) -> Iterator[Fault]:
    if particles.tomograms is None:
        return
    rows = owners_of(particles[NAME], particles.tomograms)
    bare = np.setdiff1d(np.arange(len(particles.tomograms)), rows)
    if len(bare):
        more = f", and {len(bare) - 1} more" if len(bare) > 1 else ""
        yield Fault(f"there are none of {printable(particles.tomograms.names[bare[0]])!r}{more}")


@RULES.rule(
    "optics-mismatch",
    "fatal",
    "optics of particles that are not those of their tomogram",
    relion="stops where it compares them",
    mend="see which are right, and set the others",
)
def _optics(particles: ParticleSet) -> Iterator[Fault]:
    tomos, optics = particles.tomograms, particles.optics
    if tomos is None or optics is None:
        return
    owners = owners_of(particles[NAME], tomos)
    known = owners >= 0
    labels = (
        Tomogram.voltage.label,
        Tomogram.spherical_aberration.label,
        Tomogram.amplitude_contrast.label,
        PIXEL_SIZE,
    )
    for label in labels:
        if label not in optics.column_names or label not in tomos.table.column_names:
            continue
        own = particles._by_group(as_numpy(optics.column(label)))
        theirs = np.full(len(owners), np.nan)
        theirs[known] = as_numpy(tomos.table.column(label))[owners[known]]
        for fault in _first(known & (np.abs(own - theirs) > TOLERANCE), lambda _: ""):
            row = fault.row or 0
            mine = f"{label} is {own[row]:g} in the particle's optics group"
            yield fault._replace(found=f"{mine}, and {theirs[row]:g} in its tomogram{fault.found}")


@RULES.rule(
    "no-pixel-size",
    "fatal",
    "optics of particles without the pixel size of the tilt series",
    relion="stops",
    mend="set rlnTomoTiltSeriesPixelSize in the block optics",
)
def _no_pixel_size(particles: ParticleSet) -> Iterator[Fault]:
    if particles.optics is not None and PIXEL_SIZE not in particles.optics.column_names:
        yield Fault(f"the block 'optics' has no {PIXEL_SIZE}")


@RULES.rule(
    "no-visible-frames",
    "fatal",
    "2D stacks of particles without visible frames",
    relion="stops in refinement",
    mend="extract the particles again",
)
def _no_visible(particles: ParticleSet) -> Iterator[Fault]:
    if particles.are_2d_stacks and VISIBLE not in particles:
        yield Fault(f"there is no {VISIBLE}")


@RULES.rule(
    "visible-frames",
    "fatal",
    "visible frames that are not one 0 or 1 for each image of the tilt series",
    relion="reads beyond them, or pairs slices of the stack with the wrong images",
    mend="extract the particles again",
)
def _visible(particles: ParticleSet) -> Iterator[Fault]:
    if VISIBLE not in particles:
        return
    column = particles[VISIBLE]
    if not isinstance(column.type, pa.ListType | pa.LargeListType):
        yield Fault(f"{VISIBLE} is no vector")
        return
    flags = as_numpy(column.flatten())
    odd = (flags != 0) & (flags != 1)
    if odd.any():
        ends = np.cumsum(as_numpy(column.value_lengths().fill_null(0)))
        at = int(np.argmax(odd))
        yield Fault(f"{VISIBLE} has {flags[at]}", int(np.searchsorted(ends, at, side="right")))
    if particles.tomograms is None:
        return
    owners = owners_of(particles[NAME], particles.tomograms)
    tilts = np.full(len(owners), -1)
    tilts[owners >= 0] = np.diff(particles.tomograms.offsets)[owners[owners >= 0]]
    lengths = as_numpy(column.value_lengths().fill_null(0))
    yield from _first(
        (owners >= 0) & (lengths != tilts),
        lambda row: f"{VISIBLE} has {lengths[row]} flags, and the tilt series {tilts[row]} images",
    )


@RULES.rule(
    "two-coordinates",
    "warning",
    "coordinates from the centre and from the corner that differ by more than a pixel",
    relion="takes those from the centre",
    mend="drop rlnCoordinateX, Y and Z",
)
def _two(particles: ParticleSet) -> Iterator[Fault]:
    both = all(label in particles for label in (*CENTRED, *LEGACY))
    if not both or not _has_sizes(particles):
        return
    apart = np.abs(particles.coordinates_px - particles._three(LEGACY)).max(axis=1)
    yield from _first(apart > 1, lambda row: f"they are {apart[row]:.1f} px apart")


@RULES.rule(
    "outside-tomogram",
    "warning",
    "a particle outside of its tomogram",
    relion="extracts what is there of it, or nothing",
    mend="look whether coordinates are in the unit of their column: A from the centre, pixels from the corner",
)
def _beyond(particles: ParticleSet) -> Iterator[Fault]:
    if not _has_sizes(particles):
        return
    sizes = particles._sizes()
    places = particles.coordinates_px
    with np.errstate(invalid="ignore"):
        out = np.any((places < 0) | (places > sizes), axis=1)

    def say(row: int) -> str:
        place = ", ".join(f"{value:.0f}" for value in places[row])
        return f"it is at {place} px, in a tomogram of {' x '.join(f'{value:.0f}' for value in sizes[row])}"

    yield from _first(out, say)


def _first(bad: npt.NDArray[np.bool_], say: Callable[[int], str]) -> Iterator[Fault]:
    """Give one fault for all rows that are bad, told by the first of them."""
    rows = np.flatnonzero(bad)
    if len(rows):
        more = f"; {len(rows):,} of {len(bad):,} particles" if len(rows) > 1 else ""
        yield Fault(f"{say(int(rows[0]))}{more}", int(rows[0]))


def _has_sizes(particles: ParticleSet) -> bool:
    """Whether the places of all particles can be told in pixels from the corner."""
    tomos = particles.tomograms
    if tomos is None or (owners_of(particles[NAME], tomos) < 0).any():
        return False
    sized = all(label in tomos.table.column_names for label in SIZE)
    optics = particles.optics
    if optics is None:
        return sized and PIXEL_SIZE in tomos.table.column_names
    return sized and PIXEL_SIZE in optics.column_names
