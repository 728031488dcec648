"""Rules of trajectories, with their particles."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tomoset.checking.rules import Fault, Place, Rules
from tomoset.exceptions import printable
from tomoset.sets.findings import located
from tomoset.sets.labels import GENERAL, NAME, ORIGIN
from tomoset.sets.particles import owners_of
from tomoset.sets.tilt_series import TiltSeries
from tomoset.sets.trajectories import NUMBER
from tomoset.tables import as_numpy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tomoset.sets.findings import Finding
    from tomoset.sets.particle_set import ParticleSet
    from tomoset.sets.trajectory_set import TrajectorySet
    from tomoset.sets.values import Integers

__all__ = ["RULES", "check_trajectories"]

RULES = Rules()


@dataclass(frozen=True)
class _Joined:
    """Trajectories, and the number of that of each particle, -1 where there is none."""

    trajectories: TrajectorySet
    particles: ParticleSet
    places: Integers


def check_trajectories(trajectories: TrajectorySet, particles: ParticleSet) -> list[Finding]:
    """Give all that is wrong with trajectories of particles, or may be, by the rules in `docs/rules.md`.

    What was found as they were read comes first.
    """
    path = printable(trajectories.path or "<memory>", 1000)
    names = particles.names
    if trajectories.by_index:
        places = np.arange(len(names))
        places[len(trajectories) :] = -1
    else:
        known = {name: at for at, name in reversed(list(enumerate(trajectories.names)))}
        places = np.array([known.get(name, -1) for name in names], dtype=np.int64)
    joined = _Joined(trajectories, particles, places)

    def place(fault: Fault) -> Place:
        if fault.row is None:
            place: Place = {"where": path, "block": GENERAL, "row": 0, "label": NUMBER}
        else:
            name = trajectories.names[places[fault.row]] if places[fault.row] >= 0 else None
            place = {"where": f"{path}: {printable(names[fault.row])}", "block": name, "label": fault.label}
            place["tomogram"] = particles.tomogram_names[fault.row]
            if fault.tilt is not None:
                place["row"] = fault.tilt
        place["path"] = trajectories.path
        return place

    return located([*trajectories.findings, *RULES.findings(joined, place)])


@RULES.rule(
    "M101",
    "no-trajectory",
    "fatal",
    "a particle without a trajectory",
    relion="stops",
    mend="leave the particle out, or run Bayesian polishing again",
)
def _none(joined: _Joined) -> Iterator[Fault]:
    rows = np.flatnonzero(joined.places < 0)
    if len(rows):
        more = f"; {len(rows):,} of {len(joined.places):,} particles" if len(rows) > 1 else ""
        yield Fault(f"there is no trajectory of it{more}", int(rows[0]))


@RULES.rule(
    "M102",
    "trajectory-length",
    "fatal",
    "a trajectory that has not a row for each image of its tilt series",
    relion="stops",
    mend="run Bayesian polishing again",
)
def _length(joined: _Joined) -> Iterator[Fault]:
    tomos = joined.particles.tomograms
    if tomos is None:
        return
    owners = owners_of(joined.particles[NAME], tomos)
    good = np.flatnonzero((joined.places >= 0) & (owners >= 0))
    tilts = np.diff(tomos.offsets)[owners[good]]
    lengths = np.diff(joined.trajectories.offsets)[joined.places[good]]
    (bad,) = np.nonzero(tilts != lengths)
    if len(bad):
        more = f"; {len(bad):,} of {len(owners):,} particles" if len(bad) > 1 else ""
        found = f"it has {lengths[bad[0]]} rows, and the tilt series {tilts[bad[0]]} images{more}"
        yield Fault(found, int(good[bad[0]]))


@RULES.rule(
    "M103",
    "too-few-trajectories",
    "fatal",
    "rlnParticleNumber that is less than the number of particles",
    relion="stops",
    mend="write the trajectories with tomoset, which sets it",
)
def _number(joined: _Joined) -> Iterator[Fault]:
    number = joined.trajectories.number
    if number < len(joined.places):
        yield Fault(f"it is {number}, and there are {len(joined.places)} particles")


@RULES.rule(
    "M104",
    "trajectory-not-zero",
    "warning",
    "a trajectory that is not zero at the image of the lowest dose",
    relion="adds it to the position all the same",
    mend="nothing need be done if it was made so; RELION's own begin there",
)
def _not_zero(joined: _Joined) -> Iterator[Fault]:
    tomos = joined.particles.tomograms
    if tomos is None or TiltSeries.pre_exposure.label not in tomos.tilts.column_names:
        return
    owners = owners_of(joined.particles[NAME], tomos)
    doses = as_numpy(tomos.tilts.column(TiltSeries.pre_exposure.label))
    order = np.lexsort((doses, tomos.contents.owners()))
    filled = np.flatnonzero(np.diff(tomos.offsets))
    least = np.zeros(len(tomos), dtype=np.int64)
    least[filled] = order[tomos.offsets[filled]] - tomos.offsets[filled]
    offsets, places = joined.trajectories.offsets, joined.places
    rows = np.flatnonzero((places >= 0) & (owners >= 0))
    at = offsets[places[rows]] + least[owners[rows]]
    rows, at = (each[at < offsets[places[rows] + 1]] for each in (rows, at))
    size = np.abs(joined.trajectories.shifts[at]).max(axis=1, initial=0.0)
    bad = rows[size > 1e-3]
    if len(bad):
        more = f"; {len(bad):,} of {len(places):,} particles" if len(bad) > 1 else ""
        found = f"it is {size[size > 1e-3][0]:.3g} A off{more}"
        yield Fault(found, int(bad[0]), label=ORIGIN[0], tilt=int(least[owners[bad[0]]]))
