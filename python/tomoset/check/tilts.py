"""Rules of tilt images: angles, shifts, doses, defocus and the images themselves."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from tomoset.check.rules import Fault, Rules
from tomoset.exceptions import printable
from tomoset.geometry.projection import projection_matrices
from tomoset.sets.alignment import ANGLES, NEEDED, ROWS, SIZE
from tomoset.sets.labels import IMAGE, STACK
from tomoset.sets.paths import repeated
from tomoset.sets.tilt_series import TiltSeries
from tomoset.sets.tomogram import Tomogram
from tomoset.sets.values import Floats, vectors
from tomoset.tables import as_numpy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tomoset.check.view import View
    from tomoset.sets.values import Integers

__all__ = [
    "RULES",
    "Test",
    "rotations_of_angles",
    "rotations_of_matrices",
    "shifts_apart",
    "vector_lengths",
]

Test: TypeAlias = Callable[[Floats], npt.NDArray[np.bool_]]

RULES = Rules()

NOMINAL = TiltSeries.nominal_tilt_angles.label
AXIS = TiltSeries.nominal_tilt_axis_angles.label
DOSE = TiltSeries.pre_exposure.label
X_TILT, Y_TILT, Z_ROT = TiltSeries.x_tilt.label, TiltSeries.y_tilt.label, TiltSeries.z_rot.label
SHIFTS = (TiltSeries.x_shift.label, TiltSeries.y_shift.label)
U, V = TiltSeries.defocus_u.label, TiltSeries.defocus_v.label


# Alignments.


@RULES.rule(
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
    "odd-matrix",
    "fatal",
    "a row of a matrix that has not 4 numbers, or what is no number",
    relion="reads beyond it",
    mend="align again",
)
def _odd_matrix(view: View) -> Iterator[Fault]:
    for label in ROWS:
        there = np.repeat(view.have(label), view.counts)
        lengths = vector_lengths(view, label)
        yield from view.each(there & (lengths != 4), partial(_length, label, lengths))
    numbers = np.isfinite(rotations_of_matrices(view)).all(axis=(1, 2))
    whole = np.repeat(view.have(*ROWS), view.counts)
    for label in ROWS[:3]:
        whole &= vector_lengths(view, label) == 4
    yield from view.each(whole & ~numbers, lambda _: "the matrix has what is no number")


@RULES.rule(
    "not-rigid",
    "silent",
    "a matrix that is more than a rotation and a shift",
    relion="5 makes angles of it that say something else",
    mend="align again, or see what to_relion5() says of it",
)
def _not_rigid(view: View) -> Iterator[Fault]:
    turns = rotations_of_matrices(view)
    with np.errstate(invalid="ignore"):
        off = np.abs(turns @ np.swapaxes(turns, -1, -2) - np.eye(3)).max(axis=(1, 2))
        mirrored = np.linalg.det(np.nan_to_num(turns)) < 0
    yield from view.each(
        (off > 1e-3) | mirrored,
        lambda at: "the matrix mirrors" if mirrored[at] else f"the rotation is off by {off[at]:.2g}",
    )


@RULES.rule(
    "large-x-tilt",
    "warning",
    "an x-tilt of more than 20 degrees",
    relion="calculates with it",
    mend="look whether the columns are mixed up",
)
def _x_tilt(view: View) -> Iterator[Fault]:
    yield from _beyond(view, X_TILT, 20)


@RULES.rule(
    "large-y-tilt",
    "warning",
    "a y-tilt of more than 90 degrees",
    relion="calculates with it",
    mend="look whether the columns are mixed up",
)
def _y_tilt(view: View) -> Iterator[Fault]:
    yield from _beyond(view, Y_TILT, 90)


@RULES.rule(
    "no-stage-tilt",
    "silent",
    "an aligned tilt series without nominal tilt angles",
    relion="5 sorts images by what is not there",
    mend="set rlnTomoNominalStageTiltAngle, as to_relion5() does",
)
def _no_stage_tilt(view: View) -> Iterator[Fault]:
    for row in np.flatnonzero((view.have(*NEEDED) | view.have(*ROWS)) & ~view.have(NOMINAL)):
        yield Fault(f"there is no {NOMINAL}", int(row))


@RULES.rule(
    "tilt-mismatch",
    "warning",
    "y-tilts that differ from the stage's angles by more than 15 degrees, after a constant offset",
    relion="calculates with the y-tilts",
    mend="look whether rows are mixed up, or the sign is wrong",
)
def _tilt_mismatch(view: View) -> Iterator[Fault]:
    apart = view.tilts(Y_TILT) - view.tilts(NOMINAL)
    apart = apart - _medians(view, apart)[view.owners]
    with np.errstate(invalid="ignore"):
        bad = np.abs(apart) > 15
    values, nominal = view.tilts(Y_TILT), view.tilts(NOMINAL)
    yield from view.each(bad, lambda at: f"{Y_TILT} is {values[at]:g}, and {NOMINAL} {nominal[at]:g}")


@RULES.rule(
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
    yield from view.each(bad, lambda at: f"{Z_ROT} is {turns[at]:g}, and {AXIS} {nominal[at]:g}")
    middle = _medians(view, turns)[view.owners]
    spread = np.abs((turns - middle + 180) % 360 - 180)
    with np.errstate(invalid="ignore"):
        bad = spread > 5
    yield from view.each(bad, lambda at: f"{Z_ROT} is {turns[at]:g}, and most are near {middle[at]:.1f}")


@RULES.rule(
    "large-shift",
    "warning",
    "a shift of more than half of what the tomogram is wide, which is about the image's width",
    relion="calculates with it",
    mend="look whether shifts are in A, and whether the image is of use",
)
def _shift(view: View) -> Iterator[Fault]:
    width = np.fmax(view.of_tomograms(Tomogram.size_x.label), view.of_tomograms(Tomogram.size_y.label))
    limit = (width * view.of_tomograms(Tomogram.pixel_size.label) / 2)[view.owners]
    for label in SHIFTS:
        values = view.tilts(label)
        with np.errstate(invalid="ignore"):
            bad = np.abs(values) > limit
        yield from view.told(bad, label, " A")


# Doses.


@RULES.rule(
    "single-tilt",
    "fatal",
    "a tilt series of one image without rlnTomoImportFractionalDose, or of none",
    relion="reads the dose of a second image, which is not there",
    mend="leave the tomogram out",
)
def _single(view: View) -> Iterator[Fault]:
    given = view.of_tomograms(Tomogram.import_fractional_dose.label)
    for row in np.flatnonzero((view.counts < 1) | ((view.counts == 1) & np.isnan(given))):
        yield Fault("there is 1 image" if view.counts[row] else "there are no images", int(row))


@RULES.rule(
    "odd-dose",
    "silent",
    "doses that cannot be: negative, or all zero",
    relion="weights images by them",
    mend="set rlnMicrographPreExposure to the dose before each image in e/A^2",
)
def _odd_dose(view: View) -> Iterator[Fault]:
    doses = view.tilts(DOSE)
    with np.errstate(invalid="ignore"):
        yield from view.told(doses < 0, DOSE)
    there = view.have(DOSE) & (view.counts > 1)
    for row in np.flatnonzero(there & ~_any(view, doses != 0)):
        yield Fault(f"{DOSE} is 0 for all images", int(row))


@RULES.rule(
    "uneven-dose",
    "warning",
    "doses that do not grow by a steady step or a multiple of it, or begin with one",
    relion="weights images by them",
    mend="look whether the dose is that before each image, and none is missing",
)
def _uneven_dose(view: View) -> Iterator[Fault]:
    order, doses = view.in_order(view.tilts(DOSE))
    owners, steps = view.steps(doses)
    usual = _medians_of(owners, np.where(steps > 0, steps, np.nan), len(view))
    first = np.full(len(view), np.nan)
    first[view.owners[order][::-1]] = doses[::-1]
    # Doses that are all zero are told above.
    zero = ~_any(view, doses != 0)
    with np.errstate(invalid="ignore", divide="ignore"):
        late = (usual > 0) & (np.abs(first - usual) < 0.1 * usual)
        for row in np.flatnonzero(late):
            yield Fault(f"the lowest dose is {first[row]:g}, as large as a step", int(row))
        # Where images were left out a step is as many times as large.
        ratio = steps / usual[owners]
        bad = ~(np.abs(ratio - np.fmax(np.round(ratio), 1)) <= 0.25) & np.isfinite(steps)
    bad &= ~zero[owners]
    rows, at, counts = np.unique(owners[bad], return_index=True, return_counts=True)
    for row, place, count in zip(rows, np.flatnonzero(bad)[at], counts, strict=True):
        yield Fault(
            f"a step is {steps[place]:g}, and others are near {usual[row]:g}; {count} of {view.counts[row] - 1} steps"
            if usual[row] > 0
            else f"all doses are {first[row]:g}",
            int(row),
        )


@RULES.rule(
    "fractional-dose",
    "warning",
    "a dose of one image that is not the step between doses",
    relion="weights by the one, and sorts by the other",
    mend="set rlnTomoImportFractionalDose to the dose of one image",
)
def _fractional(view: View) -> Iterator[Fault]:
    given = view.of_tomograms(Tomogram.import_fractional_dose.label)
    _, doses = view.in_order(view.tilts(DOSE))
    owners, steps = view.steps(doses)
    usual = _medians_of(owners, steps, len(view))
    with np.errstate(invalid="ignore", divide="ignore"):
        # Where images were left out steps are as many times as large.
        ratio = usual / given
        bad = ~(np.abs(ratio - np.fmax(np.round(ratio), 1)) <= 0.1) & np.isfinite(given) & np.isfinite(usual)
    for row in np.flatnonzero(bad):
        yield Fault(f"it is {given[row]:g}, and most steps are near {usual[row]:g}", int(row))


@RULES.rule(
    "not-in-dose-order",
    "silent",
    "images that are not in the order of their doses, while motion correction or CTF estimation is to come",
    relion="sorts its results by dose, and puts them beside the wrong images",
    mend="sort the set by dose: sorted_by('dose')",
)
def _dose_order(view: View) -> Iterator[Fault]:
    to_come = ~((view.have(IMAGE) | view.has(STACK)) & view.have(U)) & view.have(DOSE)
    owners, steps = view.steps(view.tilts(DOSE))
    falls = np.unique(owners[steps < 0])
    for row in falls[to_come[falls]]:
        yield Fault("an image has a lower dose than the one before it", int(row))


# What was recorded.


@RULES.rule(
    "repeated-image",
    "warning",
    "an image or a movie that is there twice",
    relion="takes each for another",
    mend="leave one of them out",
)
def _repeated_images(view: View) -> Iterator[Fault]:
    for label in (TiltSeries.movie_names.label, IMAGE):
        if label not in view.contents.tilts.column_names:
            continue
        names = view.contents.tilts.column(label).to_pylist()
        known = [(name or "", at) for at, name in enumerate(names)]
        for name, places in repeated(name for name, _ in known).items():
            if name:
                one, other = (view.names[view.owners[at]] for at in places[:2])
                where = "" if one == other else f"also of {printable(one)}, "
                yield Fault(
                    f"{label} {printable(name, 1000)} is {where}there {len(places)} times",
                    int(view.owners[places[1]]),
                    severity=None if one == other else "silent",
                )


@RULES.rule(
    "repeated-tilt",
    "note",
    "two images of one angle",
    relion="takes both",
    mend="nothing need be done, if the image was taken twice",
)
def _repeated_tilts(view: View) -> Iterator[Fault]:
    order, angles = view.in_order(view.tilts(NOMINAL))
    same = np.zeros(len(order), dtype=bool)
    same[order[1:]] = (angles[1:] == angles[:-1]) & (view.owners[order][1:] == view.owners[order][:-1])
    values = view.tilts(NOMINAL)
    yield from view.each(same, lambda at: f"{NOMINAL} {values[at]:g} is there twice")


@RULES.rule(
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
    yield from view.each(usual & (apart > 0.3), lambda at: f"{U} is {u[at]:g} A, and {V} {v[at]:g} A")


@RULES.rule(
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
    for row in np.flatnonzero((largest > 0) & (largest <= 2 * np.pi)):
        yield Fault(f"the largest {label} is {largest[row]:g}", int(row))


@RULES.rule(
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


# Help for the above, and for others.


def _length(label: str, lengths: Integers, at: int) -> str:
    return f"{label} has {lengths[at]} numbers"


def _any(view: View, images: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Tell of which tomograms something holds for any image."""
    found = np.zeros(len(view), dtype=bool)
    found[view.owners[images]] = True
    return found


def _beyond(view: View, label: str, limit: float) -> Iterator[Fault]:
    values = view.tilts(label)
    with np.errstate(invalid="ignore"):
        bad = np.abs(values) > limit
    yield from view.told(bad, label)


def _medians(view: View, values: Floats) -> Floats:
    """Give the median of each tomogram's images."""
    return _medians_of(view.owners, values, len(view))


def _medians_of(owners: Integers, values: Floats, count: int) -> Floats:
    """Give the lower median of the values of each owner that are numbers; NaN where there are none."""
    good = np.isfinite(values)
    owners, values = owners[good], values[good]
    values = values[np.lexsort((values, owners))]
    counts = np.bincount(owners, minlength=count)
    starts = np.cumsum(counts) - counts
    found = np.full(count, np.nan)
    there = counts > 0
    found[there] = values[(starts + (counts - 1) // 2)[there]]
    return found


def rotations_of_angles(view: View) -> Floats:
    """Give the rotation by the angles of each image: ``(num_tilts, 3, 3)``, NaN where there are none."""
    x_tilt = np.nan_to_num(view.tilts(X_TILT))
    found = projection_matrices(
        x_tilt, view.tilts(Y_TILT), view.tilts(Z_ROT), 0, 0, pixel_size=1, size=(0, 0, 0), image_size=(0, 0)
    )
    return found[:, :3, :3]


def rotations_of_matrices(view: View) -> Floats:
    """Give the rotation in the matrix of each image: ``(num_tilts, 3, 3)``, NaN where there is none."""
    found = np.full((len(view.owners), 3, 3), np.nan)
    there = np.repeat(view.have(*ROWS), view.counts)
    for label in ROWS[:3]:
        there &= vector_lengths(view, label) == 4
    if there.any():
        for axis, label in enumerate(ROWS[:3]):
            column = vectors(view.contents.tilts.column(label).filter(pa.array(there)))
            assert column is not None
            found[there, axis] = as_numpy(column.flatten()).reshape(-1, 4)[:, :3]
    return found


def shifts_apart(view: View) -> Floats:
    """Give how far the shifts in the matrix of each image are from those beside it, in pixels; NaN where not known.

    What a matrix moves by, less the shifts and what the rotation about the tomogram's centre does, is the middle of the
    image: the same for all images of a tilt series.
    """
    apart = np.full(len(view.owners), np.nan)
    there = np.repeat(view.have(*ROWS, *NEEDED), view.counts)
    for label in ROWS[:3]:
        there &= vector_lengths(view, label) == 4
    if not there.any():
        return apart
    size = np.stack([view.of_tomograms(label) for label in SIZE], axis=-1)[view.owners][there]
    pixel = view.of_tomograms(Tomogram.pixel_size.label)[view.owners][there]
    turned = np.einsum("nij,nj->ni", rotations_of_matrices(view)[there], np.floor(size / 2))
    middle = np.full((len(apart), 2), np.nan)
    for axis, (row, shift) in enumerate(zip(ROWS, SHIFTS, strict=False)):
        column = vectors(view.contents.tilts.column(row).filter(pa.array(there)))
        assert column is not None
        moved = as_numpy(column.flatten()).reshape(-1, 4)[:, 3]
        middle[there, axis] = moved + turned[:, axis] - view.tilts(shift)[there] / pixel
    usual = np.stack([_medians(view, middle[:, axis]) for axis in (0, 1)], axis=-1)[view.owners]
    found: Floats = np.abs(middle - usual).max(axis=1)
    return found


def vector_lengths(view: View, label: str) -> Integers:
    """Give how many numbers a vector of each image has; -1 where there is none."""
    count = len(view.owners)
    if label not in view.contents.tilts.column_names:
        return np.full(count, -1)
    column = vectors(view.contents.tilts.column(label))
    if column is None:
        return np.full(count, -1)
    found: Integers = as_numpy(column.value_lengths().fill_null(-1)).astype(np.int64)
    return found
