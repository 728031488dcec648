"""How much of a catalogue a report holds."""

from __future__ import annotations

from dataclasses import dataclass

from tomoset.exceptions import TomosetError

_LEAST_BYTES = 1_000_000
#: DuckDB keeps no more of a group.
MOST_PATHS = 999_999


@dataclass(frozen=True, kw_only=True)
class ReportOptions:
    """How much of a catalogue a report holds.

    Attributes
    ----------
    projects
        Patterns, as of shells, for the folders of the projects whose details are wanted; where empty, those of the
        projects that matter most.
    panels
        Projects with details, at most.
    series
        Tilt series in each of these, at most.
    paths
        Paths that are listed for each problem and each kind of change, at most.
    max_bytes
        How large the report may become. Rows of the table of projects have three fifths of the room, and what details
        leave.

    Raises
    ------
    ValueError
        A number is too small, or `paths` is a million or more.
    """

    projects: tuple[str, ...] = ()
    panels: int = 300
    series: int = 100
    paths: int = 50
    max_bytes: int = 20_000_000

    def __post_init__(self) -> None:
        least = {"panels": 0, "series": 1, "paths": 1, "max_bytes": _LEAST_BYTES}
        for name, number in least.items():
            if getattr(self, name) < number:
                raise ValueError(f"{name} is {getattr(self, name):,}; it must be at least {number:,}")
        if self.paths > MOST_PATHS:
            raise ValueError(f"paths is {self.paths:,}; it must be at most {MOST_PATHS:,}")


class NoSuchProject(TomosetError, KeyError):  # noqa: N818
    """A pattern fits no project of the catalogue."""

    def __str__(self) -> str:
        return str(self.args[0])
