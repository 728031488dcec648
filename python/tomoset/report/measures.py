"""The report's pictures of an archive: growth by month, and how what was measured is distributed."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from tomoset.report.figures import Bars
from tomoset.report.scales import compact, compact_size, decimals, histogram, steps, weighted_median
from tomoset.words import size_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from numpy.typing import NDArray

    from tomoset.report.archive import Archive

#: Months that are drawn: older ones are counted in words.
_MONTHS = 60
#: So many different values are shown one by one.
_FEW = 12


def growth(archive: Archive) -> list[Bars]:
    """Return tilt series and files by month."""
    series = {row["month"]: row["tilt_series"] for row in archive.series_by_month}
    files = {row["month"]: row["files"] for row in archive.files_by_month}
    size = {row["month"]: row["bytes"] for row in archive.files_by_month}
    # Without an end of any crawl, the files' own times are all there is.
    today = f"{archive.today:%Y-%m}" if archive.today else max([*series, *files], default="1970-01")
    return [
        _by_month("Tilt series", "by the oldest set that has them", "tilt series", series, today),
        _by_month("STAR files", "by their last change", "files", files, today),
        _by_month("Size of STAR files", "by their last change", "", size, today, compact_size),
    ]


def distributions(archive: Archive) -> list[Bars]:
    """Return how tilt series are, each counted once."""
    series = archive.series
    once = np.ones(len(series["tilts"]), np.int64)
    return [
        _distribution("Pixel size", "Å", "tomograms", archive.pixel_sizes.values, archive.pixel_sizes.counts),
        _distribution("Dose of a tilt series", "e/Å²", "tilt series", series["dose"], once),
        _distribution("Tilt range", "degrees", "tilt series", series["tilt_range"], once),
        _distribution("Tilts in a series", "images", "tilt series", series["tilts"], once, whole=True),
        _distribution("Defocus", "µm", "tilt images", archive.defocus.values, archive.defocus.counts),
        _distribution("Resolution of CTF fits", "Å", "tilt images", archive.fits.values, archive.fits.counts),
    ]


def _by_month(
    title: str,
    how: str,
    what: str,
    found: dict[str, int],
    today: str,
    number: Callable[[int], str] = compact,
) -> Bars:
    """Return the months up to the last crawl's, as many as there is room for."""
    past = {month: count for month, count in found.items() if month <= today}
    months = _months(max(min(past, default=today), _month_before(today, _MONTHS - 1)), today)
    early = sum(count for month, count in past.items() if month < months[0])
    late = sum(found.values()) - sum(past.values())
    exactly: Callable[[int], str] = size_text if number is compact_size else "{:,}".format
    words = [f"{exactly(past.get(months[-1], 0))} in {months[-1]}"]
    if early:
        words.append(f"{exactly(early)} before {months[0]}")
    if late:
        words.append(f"{exactly(late)} dated in the future")
    return Bars(
        title,
        how,
        what,
        months,
        [past.get(month, 0) for month in months],
        list(_january_marks(months)),
        ", ".join(words) + ".",
        number,
    )


def _months(first: str, last: str) -> list[str]:
    """Return all months from one to another."""
    begin, end = _month_number(first), _month_number(last)
    return [f"{at // 12:04d}-{at % 12 + 1:02d}" for at in range(begin, end + 1)]


def _month_before(month: str, back: int) -> str:
    at = max(_month_number(month) - back, 0)
    return f"{at // 12:04d}-{at % 12 + 1:02d}"


def _month_number(month: str) -> int:
    year, _, of_year = month.partition("-")
    return 12 * int(year) + int(of_year) - 1


def _january_marks(months: list[str]) -> Iterable[tuple[float, str]]:
    """Yield the places where years begin; the first and last month where none does."""
    years = [(float(at) + 0.5, month[:4]) for at, month in enumerate(months) if month.endswith("-01")]
    if years:
        return years
    ends = [(0.5, months[0]), (len(months) - 0.5, months[-1])]
    return ends if len(months) > 1 else ends[:1]


def _distribution(
    title: str,
    unit: str,
    what: str,
    values: NDArray[np.float64],
    weights: NDArray[np.int64],
    *,
    whole: bool = False,
) -> Bars:
    """Return bars for single values where they are few, else for bins."""
    kept = np.isfinite(values)
    values, weights = values[kept], weights[kept]
    if not len(values):
        return Bars(title, unit, what, [], [], [], "None is known.")
    middle = weighted_median(values, weights)
    distinct = np.unique(values)
    ends = f"from {distinct[0]:.4g} to {distinct[-1]:.4g}" if len(distinct) > 1 else "the same for all"
    summary = f"Median {middle:.4g}, {ends}; known of {_counted(int(weights.sum()), what)}."
    if len(distinct) <= _FEW:
        counts = [int(weights[values == value].sum()) for value in distinct]
        labels = [f"{value:.6g}" for value in distinct]
        marks = [(at + 0.5, label) for at, label in enumerate(labels)]
        return Bars(title, unit, what, labels, counts, marks, summary)
    bins = histogram(values, weights, least_width=1.0 if whole else 0.0)
    assert bins is not None
    digits = decimals(bins.width)
    edges = [bins.edge(at) for at in range(len(bins.counts) + 1)]
    labels = [f"{low:.{digits}f} to {high:.{digits}f}" for low, high in pairwise(edges)]
    marks = [
        ((level - bins.low) / bins.width, f"{level:.6g}")
        for level in steps(edges[0], edges[-1], 4)
        if edges[0] <= level + 1e-9 and level <= edges[-1] + 1e-9
    ]
    beyond = " and ".join(
        f"{count:,} {side} of the bars"
        for count, side in ((bins.below, "left"), (bins.above, "right"))
        if count
    )
    return Bars(title, unit, what, labels, bins.counts, marks, f"{summary} {beyond}." if beyond else summary)


def _counted(number: int, what: str) -> str:
    """Return a number of things whose plural is given."""
    return f"{number:,} {what if number != 1 or what.endswith('series') else what[:-1]}"
