"""Rules of what was recorded: images, frames, defocus, phase and scale."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tomoset.checking.rules import Fault, Rules
from tomoset.checking.view import U, V, View
from tomoset.exceptions import printable
from tomoset.sets.alignment import NOMINAL
from tomoset.sets.labels import IMAGE
from tomoset.sets.tilt_series import TiltSeries

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tomoset.sets.values import Integers

__all__ = ["RULES"]

RULES = Rules()


@RULES.rule(
    "I101",
    "repeated-image",
    "warning",
    "an image or a movie that is there twice",
    relion="takes each for another",
    mend="leave one of them out",
)
def _repeated_images(view: View) -> Iterator[Fault]:
    for label in (TiltSeries.movie_names.label, IMAGE):
        for places in _repeated_in(view, label):
            one, other = (int(view.owners[at]) for at in places[:2])
            name = view.contents.tilts.column(label)[int(places[0])].as_py()
            where = "" if one == other else f"also of {printable(view.names[one])}, "
            yield Fault(
                f"{label} {printable(name, 1000)} is {where}there {len(places)} times",
                other,
                severity=None if one == other else "silent",
                label=label,
                tilt=int(places[1] - view.contents.offsets[other]),
            )


def _repeated_in(view: View, label: str) -> Iterator[Integers]:
    """Give the places of each name that is there twice in one set, in their order."""
    files, names = view.files(label)
    good = np.flatnonzero(names >= 0)
    keys = names[good] + view.owner_sets[view.owners[good]] * (len(files) + 1)
    order = np.argsort(keys, kind="stable")
    bounds = np.flatnonzero(np.diff(keys[order])) + 1
    if len(bounds) + 1 >= len(good):
        return
    for places in np.split(good[order], bounds):
        if len(places) > 1:
            yield places


@RULES.rule(
    "I102",
    "repeated-tilt",
    "note",
    "two images of one angle",
    relion="takes both",
    mend="nothing need be done, if the image was taken twice",
)
def _repeated_tilts(view: View) -> Iterator[Fault]:
    order, angles = view.in_order(NOMINAL)
    same = np.zeros(len(order), dtype=bool)
    same[order[1:]] = (angles[1:] == angles[:-1]) & (view.owners[order][1:] == view.owners[order][:-1])
    values = view.tilts(NOMINAL)
    yield from view.each(same, lambda at: f"{NOMINAL} {values[at]:g} is there twice", NOMINAL)


@RULES.rule(
    "I103",
    "odd-frame-count",
    "warning",
    "a number of movie frames that is not positive",
    relion="divides the dose by it",
    mend="set rlnTomoTiltMovieFrameCount",
)
def _odd_frames(view: View) -> Iterator[Fault]:
    label = TiltSeries.movie_frame_counts.label
    values = view.tilts(label)
    with np.errstate(invalid="ignore"):
        yield from view.told(values <= 0, label)


@RULES.rule(
    "C101",
    "odd-defocus",
    "warning",
    "a defocus outside of 100 A to 20 um, or an astigmatism of more than 30 %",
    relion="calculates with it",
    mend="set defocus in A, positive for underfocus; or leave the image out",
)
def _odd_defocus(view: View) -> Iterator[Fault]:
    u, v = view.tilts(U), view.tilts(V)
    with np.errstate(invalid="ignore", divide="ignore"):
        for label, values in ((U, u), (V, v)):
            yield from view.told((values < 100) | (values > 2e5), label, " A")
        apart = np.abs(u - v) / np.fmax(np.abs(u), np.abs(v))
        usual = (u >= 100) & (v >= 100)
    yield from view.each(usual & (apart > 0.3), lambda at: f"{U} is {u[at]:g} A, and {V} {v[at]:g} A", U)


@RULES.rule(
    "C102",
    "odd-nominal-defocus",
    "warning",
    "a nominal defocus that is positive, or beyond 100 um",
    relion="looks for the defocus around it",
    mend="set rlnTomoNominalDefocus in um, negative for underfocus",
)
def _odd_nominal(view: View) -> Iterator[Fault]:
    label = TiltSeries.nominal_defocus.label
    values = view.tilts(label)
    with np.errstate(invalid="ignore"):
        yield from view.told((values > 0) | (values < -100), label, " um")


@RULES.rule(
    "C103",
    "phase-in-radians",
    "warning",
    "phase shifts that are all within 2 pi and not zero, as radians are",
    relion="takes them for degrees",
    mend="set rlnPhaseShift in degrees",
)
def _phases(view: View) -> Iterator[Fault]:
    label = TiltSeries.phase_shift.label
    values = np.abs(view.tilts(label))
    largest = np.zeros(len(view))
    np.fmax.at(largest, view.owners, np.nan_to_num(values))
    offsets = view.contents.offsets
    for row in np.flatnonzero((largest > 0) & (largest <= 2 * np.pi)):
        tilt = int(np.nanargmax(values[offsets[row] : offsets[row + 1]]))
        yield Fault(f"the largest {label} is {largest[row]:g}", int(row), label=label, tilt=tilt)


@RULES.rule(
    "C104",
    "odd-scale",
    "warning",
    "an intensity scale factor that is not positive, or above 1.5",
    relion="scales the CTF by it, and turns the contrast around where it is negative",
    mend="set rlnCtfScalefactor, or leave the image out",
)
def _odd_scale(view: View) -> Iterator[Fault]:
    label = TiltSeries.scale_factor.label
    values = view.tilts(label)
    with np.errstate(invalid="ignore"):
        yield from view.told((values <= 0) | (values > 1.5), label)
