"""The graph of a project's jobs, laid out as one row a job with lines beside the rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@dataclass(frozen=True)
class Layout:
    """Where jobs and the lines between them are drawn.

    Attributes
    ----------
    lanes
        For each job, in which column its dot is.
    lines
        For each job, those that come to it: the row of the job that they come from, and the column in which they
        run down.
    """

    lanes: list[int]
    lines: list[list[tuple[int, int]]]


def layout(names: Sequence[str], upstream: Mapping[str, Sequence[str]]) -> Layout:
    r"""Lay out jobs.

    Parameters
    ----------
    names
        The jobs from top to bottom, each below those whose output it takes.
    upstream
        The jobs whose output each takes; such as are not above it are left out.

    Returns
    -------
    Layout
        A job stands below the last of its makers if nothing stands between them, else in the first column that is
        free. ::

            o           Import
            | \
            o  |        MotionCorr
            |  o        Import of coordinates
            o /         Extract takes the output of both
    """
    rows = {name: row for row, name in enumerate(names)}
    columns = _Columns()
    lanes: list[int] = []
    lines: list[list[tuple[int, int]]] = []
    for row, name in enumerate(names):
        # The nearest first: its line is the shortest, and goes straight if one can.
        makers = sorted(
            {rows[maker] for maker in upstream.get(name, ()) if rows.get(maker, row) < row}, reverse=True
        )
        below = (lanes[maker] for maker in makers if columns.is_free(lanes[maker], maker + 1, row))
        lane = next(below, None)
        if lane is None:
            lane = columns.first_free(makers[0] + 1 if makers else row, row)
        columns.take(lane, row, row)
        lanes.append(lane)
        lines.append([])
        for maker in makers:
            straight = (
                column for column in (lane, lanes[maker]) if columns.is_free(column, maker + 1, row - 1)
            )
            column = next(straight, None)
            if column is None:
                column = columns.first_free(maker + 1, row - 1)
            columns.take(column, maker + 1, row - 1)
            lines[row].append((maker, column))
    return Layout(lanes, lines)


class _Columns:
    """Which rows of the columns have a dot or a line."""

    def __init__(self) -> None:
        self._taken: list[set[int]] = []

    def is_free(self, column: int, top: int, bottom: int) -> bool:
        """Tell whether nothing is in some rows, both ends included."""
        return column >= len(self._taken) or self._taken[column].isdisjoint(range(top, bottom + 1))

    def first_free(self, top: int, bottom: int) -> int:
        """Return the first column in which nothing is in these rows."""
        return next(at for at in range(len(self._taken) + 1) if self.is_free(at, top, bottom))

    def take(self, column: int, top: int, bottom: int) -> None:
        """Put something into rows of a column."""
        while column >= len(self._taken):
            self._taken.append(set())
        self._taken[column].update(range(top, bottom + 1))
