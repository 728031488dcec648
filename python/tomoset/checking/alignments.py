"""Rules of alignments: matrices, angles and shifts of tilt images."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from tomoset.checking.rules import Fault, Rules
from tomoset.checking.view import AXIS, DOSE, SHIFTS, Y_TILT, Z_ROT, U, V, View
from tomoset.sets.alignment import ANGLES, NEEDED, NOMINAL, ROWS, X_TILT
from tomoset.sets.tilt_series import TiltSeries
from tomoset.sets.tomogram import Tomogram

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tomoset.sets.values import Integers

__all__ = ["RULES"]

RULES = Rules()


@RULES.rule(
    "A104",
    "not-a-number",
    "silent",
    "a value of the alignment, the dose or the defocus that is no number",
    relion="reads 0, or what it can of it",
    mend="set it, or leave the image out",
)
def _not_a_number(view: View) -> Iterator[Fault]:
    for label in (*ANGLES, DOSE, NOMINAL, U, V, TiltSeries.defocus_angle.label):
        if label in view.contents.tilts.column_names:
            there = np.repeat(view.have(label), view.counts)
            values = view.tilts(label)
            yield from view.told(there & ~np.isfinite(values), label)


@RULES.rule(
    "A105",
    "odd-matrix",
    "fatal",
    "a row of a matrix that has not 4 numbers, or what is no number",
    relion="reads beyond it",
    mend="align again",
)
def _odd_matrix(view: View) -> Iterator[Fault]:
    for label in ROWS:
        there = np.repeat(view.have(label), view.counts)
        lengths = view.vector_lengths(label)
        yield from view.each(there & (lengths != 4), partial(_length, label, lengths), label)
    if not view.have(*ROWS).any():
        return
    numbers = np.isfinite(view.rotations_of_matrices).all(axis=(1, 2))
    whole = np.repeat(view.have(*ROWS), view.counts)
    for label in ROWS:
        whole &= view.vector_lengths(label) == 4
    yield from view.each(whole & ~numbers, lambda _: "the matrix has what is no number", ROWS[0])


@RULES.rule(
    "A106",
    "not-rigid",
    "silent",
    "a matrix that is more than a rotation and a shift",
    relion="5 makes angles of it that say something else",
    mend="align again, or see what to_relion5() says of it",
)
def _not_rigid(view: View) -> Iterator[Fault]:
    if not view.have(*ROWS).any():
        return
    turns = view.rotations_of_matrices
    with np.errstate(invalid="ignore"):
        off = np.abs(turns @ np.swapaxes(turns, -1, -2) - np.eye(3)).max(axis=(1, 2))
        mirrored = np.linalg.det(np.nan_to_num(turns)) < 0
    yield from view.each(
        (off > 1e-3) | mirrored,
        lambda at: "the matrix mirrors" if mirrored[at] else f"the rotation is off by {off[at]:.2g}",
        ROWS[0],
    )
    last = view.fours(ROWS[3])
    with np.errstate(invalid="ignore"):
        bad = (last != (0, 0, 0, 1)).any(axis=1) & np.isfinite(last).all(axis=1)
    yield from view.each(bad, lambda at: f"its last row is {last[at].tolist()}", ROWS[3])


@RULES.rule(
    "A107",
    "large-x-tilt",
    "warning",
    "an x-tilt of more than 20 degrees",
    relion="calculates with it",
    mend="look whether the columns are mixed up",
)
def _x_tilt(view: View) -> Iterator[Fault]:
    yield from _beyond(view, X_TILT, 20)


@RULES.rule(
    "A108",
    "large-y-tilt",
    "warning",
    "a y-tilt of more than 90 degrees",
    relion="calculates with it",
    mend="look whether the columns are mixed up",
)
def _y_tilt(view: View) -> Iterator[Fault]:
    yield from _beyond(view, Y_TILT, 90)


@RULES.rule(
    "A109",
    "no-stage-tilt",
    "silent",
    "an aligned tilt series without nominal tilt angles",
    relion="5 sorts images by what is not there",
    mend="set rlnTomoNominalStageTiltAngle, as to_relion5() does",
)
def _no_stage_tilt(view: View) -> Iterator[Fault]:
    for row in np.flatnonzero((view.have(*NEEDED) | view.have(*ROWS)) & ~view.have(NOMINAL)):
        yield Fault(f"there is no {NOMINAL}", int(row), tilt=0)


@RULES.rule(
    "A110",
    "tilt-mismatch",
    "warning",
    "y-tilts that differ from the stage's angles by more than 15 degrees, after a constant offset",
    relion="calculates with the y-tilts",
    mend="look whether rows are mixed up, or the sign is wrong",
)
def _tilt_mismatch(view: View) -> Iterator[Fault]:
    apart = view.tilts(Y_TILT) - view.tilts(NOMINAL)
    apart = apart - view.medians(apart)[view.owners]
    with np.errstate(invalid="ignore"):
        bad = np.abs(apart) > 15
    values, nominal = view.tilts(Y_TILT), view.tilts(NOMINAL)
    yield from view.each(bad, lambda at: f"{Y_TILT} is {values[at]:g}, and {NOMINAL} {nominal[at]:g}", Y_TILT)


@RULES.rule(
    "A111",
    "axis-mismatch",
    "warning",
    "a rotation that is more than 15 degrees from the nominal tilt axis, or varies by more than 5 degrees",
    relion="calculates with it",
    mend="look whether the alignment failed",
)
def _axis(view: View) -> Iterator[Fault]:
    turns = view.tilts(Z_ROT)
    # An axis has no direction.
    apart = (turns - view.tilts(AXIS) + 90) % 180 - 90
    with np.errstate(invalid="ignore"):
        bad = np.abs(apart) > 15
    nominal = view.tilts(AXIS)
    yield from view.each(bad, lambda at: f"{Z_ROT} is {turns[at]:g}, and {AXIS} {nominal[at]:g}", Z_ROT)
    middle = view.medians(turns)[view.owners]
    spread = np.abs((turns - middle + 180) % 360 - 180)
    with np.errstate(invalid="ignore"):
        bad = spread > 5
    yield from view.each(
        bad, lambda at: f"{Z_ROT} is {turns[at]:g}, and most are near {middle[at]:.1f}", Z_ROT
    )


@RULES.rule(
    "A112",
    "large-shift",
    "warning",
    "a shift of more than half of what the tomogram is wide, which is about the image's width",
    relion="calculates with it",
    mend="look whether shifts are in A, and whether the image is of use",
)
def _shift(view: View) -> Iterator[Fault]:
    # Sizes such as -999 say that there are none.
    size_x, size_y, pixel = (
        np.where(values > 0, values, np.nan)
        for values in (
            view.of_tomograms(each.label) for each in (Tomogram.size_x, Tomogram.size_y, Tomogram.pixel_size)
        )
    )
    limit = (np.fmax(size_x, size_y) * pixel / 2)[view.owners]
    for label in SHIFTS:
        values = view.tilts(label)
        with np.errstate(invalid="ignore"):
            bad = np.abs(values) > limit
        yield from view.told(bad, label, " A")


def _length(label: str, lengths: Integers, at: int) -> str:
    return f"{label} has {lengths[at]} numbers"


def _beyond(view: View, label: str, limit: float) -> Iterator[Fault]:
    values = view.tilts(label)
    with np.errstate(invalid="ignore"):
        bad = np.abs(values) > limit
    yield from view.told(bad, label)
