"""The rows of the report's table of projects, and which of them get details."""

from __future__ import annotations

from collections import Counter
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from tomoset import _core
from tomoset.report.markup import embedded, shown
from tomoset.report.options import NoSuchProject
from tomoset.report.questions import rows

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from datetime import datetime

    from tomoset.report.questions import Ask

#: What a row of the table holds, in this order; the page knows the values by these names.
FIELDS = (
    "key",
    "root",
    "project",
    "state",
    "relion",
    "hand",
    "series",
    "tilts",
    "pixel",
    "largestPixel",
    "jobs",
    "failed",
    "errors",
    "warnings",
    "problems",
    "codes",
    "files",
    "bytes",
    "changed",
    "newFiles",
    "changedFiles",
    "deletedFiles",
)
#: What the root itself is called, whose folder has no name.
ROOT = "(the root itself)"


class Projects:
    """The projects of an archive, and folders of loose files, what matters most first.

    Parameters
    ----------
    ask
        Answers queries.
    changes
        What the last crawls found, by project: rows of the question ``changes``.
    today
        When the archive was looked at last: jobs without a sign for a day before it have stalled.

    Attributes
    ----------
    found
        The projects: first those that the last crawl of their root found changed, then those with errors, then those
        that were changed most recently.
    gone
        Roots and folders of projects of which nothing is left, and how many files they had.
    roots
        The folders that were indexed.
    """

    def __init__(self, ask: Ask, changes: Iterable[dict[str, Any]], today: datetime | None) -> None:
        news: dict[tuple[str, str], Counter[str]] = {}
        for row in changes:
            news.setdefault((row["root"], row["unit"]), Counter())[row["change"]] += row["files"]
        self.found = rows(ask, "projects", today=today)
        for row in self.found:
            row["news"] = news.pop((row["root"], row["unit"]), Counter())
        # Sorted by root and folder before, and that remains so among equals.
        self.found.sort(key=lambda row: -(row["last_change"] or 0))
        self.found.sort(key=lambda row: (not row["news"], not row["errors"]))
        self.gone = [(place, found["deleted"]) for place, found in sorted(news.items()) if found["deleted"]]
        self.roots = sorted({row["root"] for row in self.found})

    def __len__(self) -> int:
        return len(self.found)

    def chosen(self, patterns: Sequence[str], number: int) -> list[tuple[str, str]]:
        """Return roots and folders of the projects whose details are wanted.

        Parameters
        ----------
        patterns
            Of folders, as of shells; where there are none, any.
        number
            How many at most.

        Raises
        ------
        NoSuchProject
            A pattern fits none.
        """
        places = [(row["root"], row["unit"]) for row in self.found]
        if not patterns:
            return places[:number]
        fitting = {pattern: [place for place in places if _fits(place, pattern)] for pattern in patterns}
        for pattern, found in fitting.items():
            if not found:
                hint = _core.hint(pattern, "", [unit for _, unit in places])
                raise NoSuchProject(f"no project of the catalogue is {shown(pattern)!r}{hint}")
        wanted = {place for found in fitting.values() for place in found}
        return [place for place in places if place in wanted][:number]

    def key(self, root: str, unit: str) -> str:
        """Return by what the page knows a project, from one day to the next."""
        return unit if len(self.roots) == 1 else f"{root.rstrip('/')}/{unit}"

    def texts(self, first: Collection[tuple[str, str]]) -> list[str]:
        """Return the rows as JSON, each by itself; some of them come first."""
        numbers = {root: number for number, root in enumerate(self.roots)}
        found = sorted(self.found, key=lambda row: (row["root"], row["unit"]) not in first)
        return [embedded(self._values(row, numbers[row["root"]])) for row in found]

    def _values(self, row: dict[str, Any], root: int) -> list[Any]:
        """Return the values of `FIELDS`."""
        return [
            self.key(row["root"], row["unit"]),
            root,
            shown(row["unit"]) or ROOT,
            shown(row["state"]),
            row["relion"],
            row["hand"],
            row["tomograms"],
            row["tilts"],
            row["pixel_size"],
            row["largest_pixel_size"],
            row["jobs"],
            row["failed"],
            row["errors"],
            row["warnings"],
            row["problems"],
            [shown(code) for code in row["codes"]],
            row["files"],
            row["bytes"],
            row["last_change"],
            *(row["news"][change] for change in ("new", "changed", "deleted")),
        ]


def _fits(place: tuple[str, str], pattern: str) -> bool:
    """Tell whether a pattern means a project: by its folder, by its whole path, or by what the page calls it."""
    root, unit = place
    whole = f"{root}/{unit}".rstrip("/")
    return pattern in (unit, whole, shown(unit)) or fnmatchcase(unit, pattern) or fnmatchcase(whole, pattern)
