"""Rules of optics: hands, voltages, aberrations and pixel sizes."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import numpy as np

from tomoset.checking.rules import Fault, Rules
from tomoset.checking.view import View
from tomoset.exceptions import printable
from tomoset.sets.alignment import NEEDED
from tomoset.sets.tomogram import Tomogram

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["RULES"]

RULES = Rules()

HAND = Tomogram.hand.label
GROUP = Tomogram.optics_group_name.label
PIXEL = Tomogram.pixel_size.label


@RULES.rule(
    "O101",
    "odd-hand",
    "silent",
    "a handedness that is neither 1 nor -1",
    relion="scales the change of defocus with depth by it, or loses it",
    mend="set rlnTomoHand to 1 or -1",
)
def _odd_hands(view: View) -> Iterator[Fault]:
    yield from view.outside(HAND, lambda values: np.abs(values) == 1)


@RULES.rule(
    "O102",
    "mixed-hands",
    "warning",
    "both hands in one optics group, or in a set that has none",
    relion="takes each as it is",
    mend="find out which is right: it is the same for one microscope and one processing",
)
def _mixed_hands(view: View) -> Iterator[Fault]:
    hands = defaultdict(set)
    for part, group, hand in zip(view.owner_sets, view.texts(GROUP), view.of_tomograms(HAND), strict=True):
        hands[int(part), group].add(hand)
    for (part, group), found in hands.items():
        if {1.0, -1.0} <= found:
            # Tomograms of a set without groups are of one.
            there = (
                f"optics group {printable(group)!r} has"
                if group is not None
                else f"there is no {GROUP}, and there are"
            )
            yield Fault(f"{there} tomograms of both hands", part=part, label=HAND)


@RULES.rule(
    "O103",
    "odd-voltage",
    "warning",
    "a voltage outside of 60 to 1000 kV",
    relion="calculates with it",
    mend="set rlnVoltage in kV",
)
def _odd_voltage(view: View) -> Iterator[Fault]:
    yield from view.outside(Tomogram.voltage.label, lambda values: (values >= 60) & (values <= 1000))


@RULES.rule(
    "O104",
    "odd-spherical-aberration",
    "warning",
    "a spherical aberration outside of 0 to 10 mm",
    relion="calculates with it",
    mend="set rlnSphericalAberration in mm",
)
def _odd_aberration(view: View) -> Iterator[Fault]:
    label = Tomogram.spherical_aberration.label
    yield from view.outside(label, lambda values: (values >= 0) & (values <= 10))


@RULES.rule(
    "O105",
    "odd-amplitude-contrast",
    "warning",
    "an amplitude contrast outside of 0.01 to 0.5; outside of 0 to 1 RELION stops",
    relion="calculates with it, and stops outside of 0 to 1",
    mend="set rlnAmplitudeContrast to a fraction such as 0.1",
)
def _odd_contrast(view: View) -> Iterator[Fault]:
    label = Tomogram.amplitude_contrast.label
    for fault in view.outside(label, lambda values: (values >= 0.01) & (values <= 0.5)):
        value = view.of_tomograms(label)[fault.row or 0]
        yield fault._replace(severity=None if 0 <= value <= 1 else "fatal")


@RULES.rule(
    "O106",
    "odd-pixel-size",
    "fatal",
    "a pixel size of the tilt series that is missing or not positive though there is an alignment",
    relion="stops when it makes the matrices",
    mend="set rlnTomoTiltSeriesPixelSize in A",
)
def _odd_pixel(view: View) -> Iterator[Fault]:
    aligned = view.have(*NEEDED)
    yield from view.outside(PIXEL, lambda values: ((values >= 0.001) & np.isfinite(values)) | ~aligned)
    for at in view.lacking(PIXEL):
        if aligned[view.parts[at].start : view.parts[at].stop].any():
            yield Fault(f"the set has no column {PIXEL}", part=at)


@RULES.rule(
    "O107",
    "odd-binning",
    "warning",
    "a pixel size of the tilt series that is no binning of the movies'",
    relion="calculates with it",
    mend="look which of the two is wrong",
)
def _odd_binning(view: View) -> Iterator[Fault]:
    original = Tomogram.original_pixel_size.label
    ratio = view.of_tomograms(PIXEL) / np.where(
        view.of_tomograms(original) > 0, view.of_tomograms(original), np.nan
    )
    for row in np.flatnonzero((ratio < 0.25) | (ratio > 16)):
        yield Fault(f"{PIXEL} is {ratio[row]:.3g} times {original}", int(row), label=PIXEL)
