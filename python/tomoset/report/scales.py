"""Round numbers: where axes are marked, how bars divide what was measured, and how short a number can be."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_UNITS = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))


def compact(number: float) -> str:
    """Return a count in few characters: ``940``, ``12.5k``, ``3M``."""
    for unit, letter in _UNITS:
        if abs(number) >= unit:
            return f"{number / unit:.3g}{letter}"
    return f"{number:.3g}"


def compact_size(number: float) -> str:
    """Return a size in bytes in few characters: ``940 B``, ``12.5 kB``, ``3 GB``."""
    for unit, letter in _UNITS:
        if abs(number) >= unit:
            return f"{number / unit:.3g} {letter}B"
    return f"{number:.3g} B"


def steps(low: float, high: float, wanted: int, *, least: float = 0.0) -> list[float]:
    """Return about so many round numbers from the last below `low` to the first above `high`, `least` apart."""
    size = max(step_size((high - low) / max(wanted, 1)), least)
    first, last = math.floor(low / size + 1e-9), math.ceil(high / size - 1e-9)
    return [at * size for at in range(first, max(last, first + 1) + 1)]


def step_size(least: float) -> float:
    """Return the next 1, 2 or 5 times a power of ten."""
    if not least > 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(least))
    factor = next(factor for factor in (1, 2, 5, 10) if least <= factor * power * (1 + 1e-9))
    return factor * power


@dataclass(frozen=True)
class Histogram:
    """How often measured values are within bins of equal width.

    Attributes
    ----------
    low, width
        Where the first bin begins, and how wide they are.
    counts
        Values in each, those at its lower end included.
    below, above
        Values that are beyond the bins.
    """

    low: float
    width: float
    counts: list[int]
    below: int
    above: int

    def edge(self, place: int) -> float:
        """Return where a bin begins."""
        return self.low + place * self.width


def histogram(
    values: NDArray[np.float64], weights: NDArray[np.int64], *, least_width: float = 0.0
) -> Histogram | None:
    """Put finite values into about twenty bins, which hold all but the outermost halves of a percent.

    Parameters
    ----------
    values
        What was measured; others than finite values are left out.
    weights
        How often each was.
    least_width
        How wide bins are at least.

    Returns
    -------
    Histogram or None
        None where there is no finite value.
    """
    kept = np.isfinite(values)
    values, weights = values[kept], weights[kept]
    if not weights.sum():
        return None
    order = np.argsort(values, kind="stable")
    ranks = np.cumsum(weights[order])
    low, high = (float(values[order][np.searchsorted(ranks, part * ranks[-1])]) for part in (0.005, 0.995))
    width = step_size((high - low) / 20) if high > low else step_size(max(abs(high), 1e-6) / 20)
    width = max(width, least_width)
    first = math.floor(low / width + 1e-9)
    number = math.floor(high / width + 1e-9) - first + 1
    bins = np.floor(values / width + 1e-9) - first
    inside = (bins >= 0) & (bins < number)
    counts = np.bincount(bins[inside].astype(np.int64), weights[inside], number)
    return Histogram(
        first * width,
        width,
        [int(count) for count in counts],
        int(weights[bins < 0].sum()),
        int(weights[bins >= number].sum()),
    )


def weighted_median(values: NDArray[np.float64], weights: NDArray[np.int64]) -> float:
    """Return the lower median of finite values that were so often."""
    kept = np.isfinite(values)
    order = np.argsort(values[kept], kind="stable")
    ranks = np.cumsum(weights[kept][order])
    return float(values[kept][order][np.searchsorted(ranks, ranks[-1] / 2)])


def decimals(width: float) -> int:
    """Return how many decimals tell apart numbers that are so far from each other."""
    return max(0, -math.floor(math.log10(width) + 1e-9))
