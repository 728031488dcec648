"""What the report says of an archive as a whole, asked once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tomoset.report.questions import rows, table

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from numpy.typing import NDArray

    from tomoset.catalog.journal import Checked
    from tomoset.report.questions import Ask

Row = dict[str, Any]


@dataclass(frozen=True)
class Archive:
    """What the report says of an archive as a whole.

    Attributes
    ----------
    looked
        When each root was looked at last, whether or not anything had changed.
    totals
        Files, bytes, projects, tomograms, tilts, jobs and particle sets; files with errors that are new or changed.
    crawls
        The newest crawls, newest first; ``back`` is 1 for the last one of a root.
    statuses
        Files by how they fared.
    files_by_month, series_by_month
        What was changed, and which tilt series were seen first, by month.
    pixel_sizes, defocus, fits
        Values, and of how many tomograms or images.
    series
        Tilts, tilt range and dose of each tilt series.
    problems, problem_places
        Problems by code, and some places of each.
    changes, changed_paths
        Files that are new, changed or gone, by project and kind; some of their paths.
    """

    looked: Sequence[Checked]
    totals: Row
    crawls: list[Row]
    statuses: list[Row]
    files_by_month: list[Row]
    series_by_month: list[Row]
    pixel_sizes: Measured
    defocus: Measured
    fits: Measured
    series: dict[str, NDArray[np.float64]]
    problems: list[Row]
    problem_places: list[Row]
    changes: list[Row]
    changed_paths: list[Row]

    @property
    def today(self) -> datetime | None:
        """When the archive was looked at last; of it all, the report knows no later time."""
        times = [*(root.at for root in self.looked), *(row["finished"] for row in self.crawls)]
        return max((time for time in times if time is not None), default=None)

    @property
    def is_empty(self) -> bool:
        """Whether there is no file."""
        return not self.totals["files"]

    @property
    def is_first(self) -> bool:
        """Whether everything is new: no crawl of any root came before its last."""
        new = sum(row["files"] for row in self.changes if row["change"] == "new")
        return not self.is_empty and new == self.totals["files"]


@dataclass(frozen=True)
class Measured:
    """Values, and how often each was."""

    values: NDArray[np.float64]
    counts: NDArray[np.int64]


def archive(ask: Ask, looked: Sequence[Checked], paths: int) -> Archive:
    """Ask for all of it.

    Parameters
    ----------
    ask
        Answers queries.
    looked
        When each root was looked at last.
    paths
        How many paths of each kind, at most.
    """
    (totals,) = rows(ask, "totals")
    series = table(ask, "series_measures")
    return Archive(
        looked,
        totals,
        rows(ask, "crawls"),
        rows(ask, "statuses"),
        rows(ask, "files_by_month"),
        rows(ask, "series_by_month"),
        _measured(ask, "pixel_sizes"),
        _measured(ask, "defocus"),
        _measured(ask, "fits"),
        {name: _floats(series, name) for name in ("tilts", "tilt_range", "dose")},
        rows(ask, "problems"),
        rows(ask, "problem_places", paths=paths),
        rows(ask, "changes"),
        rows(ask, "changed_paths", paths=paths),
    )


def _measured(ask: Ask, name: str) -> Measured:
    """Ask for values in the first column and counts in the second."""
    values, counts = table(ask, name).columns
    return Measured(
        np.asarray(values.to_numpy(), np.float64),
        np.asarray(counts.to_numpy(), np.int64),
    )


def _floats(found: Any, name: str) -> NDArray[np.float64]:  # noqa: ANN401  pyarrow has no types
    """Return a column as numbers, NaN where there is none."""
    return np.asarray(found[name].cast("float64").to_numpy(), np.float64)
