"""The details of projects: jobs with their graph, tilt series with their tilts, particles, problems and changes."""

from __future__ import annotations

import math
import re
from itertools import groupby
from typing import TYPE_CHECKING, Any

from tomoset.report.lanes import layout
from tomoset.report.markup import shown
from tomoset.report.questions import rows, table

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import pyarrow as pa

    from tomoset.report.options import ReportOptions
    from tomoset.report.questions import Ask

#: Projects that are asked for at once: few enough for a bounded memory, many enough to read the tables seldom.
_AT_ONCE = 500

Place = tuple[str, str]
Rows = dict[Place, list[dict[str, Any]]]


def panels(
    ask: Ask, places: list[Place], options: ReportOptions, *, with_changes: bool
) -> Iterator[dict[str, Any]]:
    """Yield the details of projects, as the page takes them.

    Parameters
    ----------
    ask
        Answers queries.
    places
        Roots and folders of the projects.
    options
        How much of each.
    with_changes
        Whether what the last crawl found changed is told.
    """
    for start in range(0, len(places), _AT_ONCE):
        some = places[start : start + _AT_ONCE]
        jobs, tomograms, particles = (
            _by_place(rows(ask, f"panel_{name}", chosen=some, paths=options.paths), "project")
            for name in ("jobs", "tomograms", "particles")
        )
        tilts = _Tilts(table(ask, "panel_tilts", chosen=some))
        problems, changes = (
            _by_place(rows(ask, f"panel_{name}", chosen=some, paths=options.paths), "unit") if wanted else {}
            for name, wanted in (("problems", True), ("changes", with_changes))
        )
        for place in some:
            own = sorted(tomograms.get(place, []), key=lambda row: _as_people_count(row["tomogram"] or ""))
            yield {
                "jobs": _jobs(jobs.get(place, [])),
                "series": [_series(row, tilts.of(place, row["tomogram"])) for row in own[: options.series]],
                "allSeries": len(own),
                "particles": [
                    [
                        _within(place, row["path"]),
                        row["particles"],
                        row["tomograms"],
                        _number(row["pixel_size"], 3),
                    ]
                    for row in particles.get(place, [])
                ],
                "problems": [
                    [
                        row["rank"],
                        shown(row["code"]),
                        _within(place, row["path"]),
                        row["line"],
                        shown(row["message"]),
                    ]
                    for row in problems.get(place, [])
                ],
                "changes": [
                    [row["change"], _within(place, row["path"]), shown(row["kind"])]
                    for row in changes.get(place, [])
                ],
            }


def _by_place(found: Iterable[dict[str, Any]], folder: str) -> Rows:
    """Return rows by the project they are of; they come sorted by it."""
    return {place: list(own) for place, own in groupby(found, key=lambda row: (row["root"], row[folder]))}


def _jobs(found: list[dict[str, Any]]) -> list[list[Any]]:
    """Return the jobs with the places of their dots and lines."""
    laid = layout([row["job"] for row in found], {row["job"]: row["upstream"] or [] for row in found})
    return [
        [
            shown(row["job"]),
            shown(row["alias"] or ""),
            shown((row["type"] or "").removeprefix("relion.")),
            shown(row["state"] or "unknown"),
            row["started"],
            row["last_sign"],
            row["files"],
            row["bytes"],
            lane,
            lines,
        ]
        for row, lane, lines in zip(found, laid.lanes, laid.lines, strict=True)
    ]


class _Tilts:
    """The tilt images of some projects: as Python's numbers only where they are asked for."""

    def __init__(self, found: pa.Table) -> None:
        self._found = found.combine_chunks()
        names = (self._found[name].to_pylist() for name in ("root", "project", "tomogram"))
        self._places = {place: row for row, place in enumerate(zip(*names, strict=True))}

    def of(self, place: Place, tomogram: str | None) -> dict[str, Any]:
        """Return angles, doses and defocus of a tilt series, and how well its CTF fits."""
        row = self._places.get((*place, tomogram))
        if row is None:
            return {"angles": [], "doses": [], "defocus": [], "fit": None}
        return {name: self._found[name][row].as_py() for name in ("angles", "doses", "defocus", "fit")}


def _series(row: dict[str, Any], tilts: dict[str, Any]) -> dict[str, Any]:
    """Return a tilt series."""
    return {
        "name": shown(row["tomogram"] or "(without a name)"),
        "tilts": row["tilts"] or 0,
        "low": _number(row["lowest_tilt"], 1),
        "high": _number(row["highest_tilt"], 1),
        "dosePerTilt": _number(row["dose_per_tilt"], 2),
        "dose": _number(row["dose"], 1),
        "pixel": _number(row["pixel_size"], 3),
        "hand": _number(row["hand"], 0),
        "aligned": row["aligned"] or 0,
        "withCtf": row["with_ctf"] or 0,
        "axis": _number(row["tilt_axis"], 1),
        "fit": _number(tilts["fit"], 1),
        "angles": tilts["angles"],
        "doses": tilts["doses"],
        "defocus": tilts["defocus"],
    }


def _as_people_count(name: str) -> tuple[list[tuple[int, str]], str]:
    """Return a key by which ``TS_10`` comes after ``TS_2``."""
    return [
        (len(part.lstrip("0")) if part.isdigit() else 0, part.lstrip("0") if part.isdigit() else part)
        for part in re.split(r"(\d+)", name)
    ], name


def _number(value: float | None, digits: int) -> float | None:
    """Return a number that JSON can tell, short."""
    if value is None or not math.isfinite(value):
        return None
    short = round(value, digits) + 0.0
    return int(short) if short.is_integer() and abs(short) < 2**53 else short


def _within(place: Place, path: str) -> str:
    """Return a path relative to its project."""
    folder = f"{place[1]}/"
    return shown(path.removeprefix(folder) if place[1] else path)
