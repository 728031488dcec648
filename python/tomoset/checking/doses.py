"""Rules of doses of tilt images, and of their order."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from tomoset.checking.rules import Fault, Rules
from tomoset.checking.view import DOSE, U, View, medians_of
from tomoset.sets.alignment import NOMINAL
from tomoset.sets.labels import IMAGE, STACK
from tomoset.sets.tomogram import Tomogram

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

    from tomoset.sets.values import Floats, Integers

__all__ = ["RULES"]

RULES = Rules()

#: The dose of an image is often made to grow with the length of the way through the specimen, or with a root of it.
POWERS = (1, 1 / 2, 1 / 3, 1 / 4, 1 / 5)


@RULES.rule(
    "D101",
    "single-tilt",
    "fatal",
    "a tilt series of one image without rlnTomoImportFractionalDose, or of none",
    relion="reads the dose of a second image, which is not there",
    mend="leave the tomogram out",
)
def _single(view: View) -> Iterator[Fault]:
    given = view.of_tomograms(Tomogram.import_fractional_dose.label)
    for row in np.flatnonzero((view.counts < 1) | ((view.counts == 1) & np.isnan(given))):
        found = "there is 1 image" if view.counts[row] else "there are no images"
        yield Fault(found, int(row), tilt=0 if view.counts[row] else None)


@RULES.rule(
    "D102",
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
    for row in np.flatnonzero(there & ~view.any_of(doses != 0)):
        yield Fault(f"{DOSE} is 0 for all images", int(row), label=DOSE, tilt=0)


@RULES.rule(
    "D103",
    "uneven-dose",
    "warning",
    "doses that grow neither by a steady step, or a multiple of it, nor with the tilt, or that begin with a step",
    relion="weights images by them",
    mend="look whether the dose is that before each image, and none is missing",
)
def _uneven_dose(view: View) -> Iterator[Fault]:
    order, doses = view.in_order(DOSE)
    owners, sizes, expected, grows = _steps(view)
    first = np.full(len(view), np.nan)
    first[view.owners[order][::-1]] = doses[::-1]
    usual = medians_of(owners, np.where(sizes > 0, sizes, np.nan), len(view))
    # Doses that are all zero are told above.
    zero = ~view.any_of(doses != 0)
    with np.errstate(invalid="ignore"):
        late = (usual > 0) & (np.abs(first - usual) < 0.1 * usual)
    for row in np.flatnonzero(late):
        found = f"the lowest dose is {first[row]:g}, as large as a step"
        least = int(order[np.searchsorted(view.owners[order], row)] - view.contents.offsets[row])
        yield Fault(found, int(row), label=DOSE, tilt=least)
    bad = _odd(sizes, expected) & ~zero[owners]
    rows, at, counts = np.unique(owners[bad], return_index=True, return_counts=True)
    # The image after each step.
    later = order[1:][view.owners[order][1:] == view.owners[order][:-1]]
    for row, place, count in zip(rows, np.flatnonzero(bad)[at], counts, strict=True):
        usually = (
            f"{expected[place]:.4g} is expected at that tilt"
            if grows[row]
            else f"others are near {usual[row]:g}"
        )
        found = f"a step is {sizes[place]:g}, and {usually}; {count} of {view.counts[row] - 1} steps"
        yield Fault(
            found if usual[row] > 0 else f"all doses are {first[row]:g}",
            int(row),
            label=DOSE,
            tilt=int(later[place] - view.contents.offsets[row]),
        )


@RULES.rule(
    "D104",
    "fractional-dose",
    "warning",
    "a dose of one image that is not the step between doses",
    relion="weights by the one, and sorts by the other",
    mend="set rlnTomoImportFractionalDose to the dose of one image",
)
def _fractional(view: View) -> Iterator[Fault]:
    given = view.of_tomograms(Tomogram.import_fractional_dose.label)
    owners, sizes, expected, grows = _steps(view)
    usual = medians_of(owners, sizes, len(view))
    least, low, high = (np.full(len(view), start) for start in (np.inf, np.inf, 0.0))
    np.fmin.at(least, owners, np.where(sizes > 0, sizes, np.nan))
    np.fmin.at(low, owners, expected)
    np.fmax.at(high, owners, expected)
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = usual / given
        good = np.abs(ratio - 1) <= 0.1
        # Where images were left out most steps may be multiples, but not all of them.
        good |= (np.abs(ratio - np.round(ratio)) <= 0.1) & (np.abs(least / given - 1) <= 0.25)
        good |= grows & (given >= 0.9 * low) & (given <= 1.1 * high)
        bad = ~good & np.isfinite(given) & np.isfinite(usual)
    for row in np.flatnonzero(bad):
        found = f"it is {given[row]:g}, and most steps are near {usual[row]:g}"
        yield Fault(found, int(row), label=Tomogram.import_fractional_dose.label)


@RULES.rule(
    "D105",
    "not-in-dose-order",
    "silent",
    "images that are not in the order of their doses, while motion correction or CTF estimation is to come",
    relion="sorts its results by dose, and puts them beside the wrong images",
    mend="sort the set by dose: sorted_by('dose')",
)
def _dose_order(view: View) -> Iterator[Fault]:
    to_come = ~((view.have(IMAGE) | view.having(STACK)) & view.have(U)) & view.have(DOSE)
    doses = view.tilts(DOSE)
    lower = np.zeros(len(doses), dtype=bool)
    lower[1:] = (np.diff(doses) < 0) & (view.owners[1:] == view.owners[:-1])
    lower &= to_come[view.owners]
    for row, image in zip(*np.unique(view.owners[lower], return_index=True), strict=True):
        tilt = int(np.flatnonzero(lower)[image] - view.contents.offsets[row])
        yield Fault("an image has a lower dose than the one before it", int(row), label=DOSE, tilt=tilt)


# Steps.


class _Steps(NamedTuple):
    """The steps from dose to dose of all tomograms, each with what is expected of one image."""

    owners: Integers
    sizes: Floats
    expected: Floats
    #: Of each tomogram, whether images of larger tilt were given more.
    grows: npt.NDArray[np.bool_]


def _steps(view: View) -> _Steps:
    """Give the steps of doses; where they are uneven it is looked whether they grow with the tilt."""
    order, doses = view.in_order(DOSE)
    owners, sizes = view.steps(doses)
    steady = medians_of(owners, np.where(sizes > 0, sizes, np.nan), len(view))
    expected, grows = steady[owners], np.zeros(len(view), dtype=bool)
    odd = np.bincount(owners[_odd(sizes, expected)], minlength=len(view))
    if odd.any():
        # A step is the dose of the image before it.
        before = order[:-1][view.owners[order][1:] == view.owners[order][:-1]]
        cosines = np.cos(np.radians(view.tilts(NOMINAL)[before]))
        at = np.flatnonzero((odd > 0)[owners])
        rows, own = owners[at], sizes[at]
        with np.errstate(invalid="ignore"):
            cosines = np.where(cosines[at] > 0, cosines[at], 1)
        for power in POWERS:
            upright = medians_of(rows, np.where(own > 0, own * cosines**power, np.nan), len(view))
            tilted = upright[rows] / cosines**power
            count = np.bincount(rows[_odd(own, tilted)], minlength=len(view))
            better = count < odd
            odd = np.where(better, count, odd)
            grows |= better
            expected[at] = np.where(better[rows], tilted, expected[at])
    return _Steps(owners, sizes, expected, grows)


def _odd(sizes: Floats, expected: Floats) -> npt.NDArray[np.bool_]:
    """Tell which steps are not what is expected; where images were left out a step is as many times as large."""
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = sizes / expected
        odd: npt.NDArray[np.bool_] = ~(np.abs(ratio - np.fmax(np.round(ratio), 1)) <= 0.25) & np.isfinite(
            sizes
        )
    return odd
