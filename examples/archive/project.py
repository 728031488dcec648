"""The state of a RELION 5 project between two jobs, and the files that most jobs write."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from archive.acquisition import Session, TiltSeries
from archive.particles import optimisation_set
from archive.pipeline import Node, Pipeline
from archive.star_text import RELION, Cell, StarfileStyle, Style
from archive.tilt_tables import Columns, Origin, TiltTables
from archive.tree import Tree


@dataclass(frozen=True, slots=True)
class Mishap:
    """What went wrong while a project was worked on.

    Attributes
    ----------
    mixed_hand : bool
        Every third tilt series has the other handedness.
    lost_tilt_table : bool
        The tomogram set of the reconstruction names a tilt table that is no longer there.
    failed, aborted : bool
        A reconstruction ran out of memory; a CTF job was cancelled by the user.
    """

    mixed_hand: bool = False
    lost_tilt_table: bool = False
    failed: bool = False
    aborted: bool = False


class Project:
    """What the jobs of a project pass on to each other.

    Parameters
    ----------
    tree, folder : Tree, str
        Where to, and the project's folder below the root of the tree.
    session : Session
        Where the tilt series were recorded.
    series : list of TiltSeries
        The tilt series, at least one.
    mishap : Mishap
        What went wrong.
    random : Random
        Source of all scatter.

    Attributes
    ----------
    rows : list of dict
        The rows of the tomogram set, one for each series; jobs add columns to them.
    parts : tuple of Columns
        The columns of the tilt tables; jobs add to them as well.
    kept : bool
        Whether images have been excluded, and the rest put in the order of tilt.
    """

    def __init__(
        self,
        tree: Tree,
        folder: str,
        session: Session,
        series: list[TiltSeries],
        mishap: Mishap,
        random: Random,
    ) -> None:
        self.session = session
        self.series = series
        self.mishap = mishap
        self.random = random
        self.pipeline = Pipeline(tree, folder, RELION)
        self.python_style = _python_style(session, random)
        self.origin = Origin(session, "", "")
        self.rows: list[dict[str, Cell]] = [{} for _ in series]
        self.parts: tuple[Columns, ...] = ()
        self.kept = False
        self._tree = tree
        self._folder = folder
        self._tilt_tables = TiltTables()

    def write_set(self, job: str, name: str, style: Style, *, lost: str = "") -> str:
        """Write a tomogram set and its tilt tables, all but the lost one; return the path of the set."""
        labels = tuple(label for part in self.parts for label in part.labels)
        for row, one in zip(self.rows, self.series, strict=True):
            path = f"{job}/tilt_series/{one.name}.star"
            row["rlnTomoTiltSeriesStarFile"] = path
            if one.name == lost:
                continue
            tilts = self._tilt_tables.rows(one, self.parts, style, self.origin, kept=self.kept)
            self.star(path, "tilt_series", style.loop(one.name, labels, tilts))
            self._tree.tilt_rows += len(tilts)
        tomograms = [style.cells(row.values()) for row in self.rows]
        self.star(f"{job}/{name}", "tomogram_set", style.loop("global", tuple(self.rows[0]), tomograms))
        self._tree.tomogram_rows += len(tomograms)
        return f"{job}/{name}"

    def write_optimisation_set(
        self, path: str, style: Style, particles: str, tomograms: str, trajectories: str = ""
    ) -> str:
        """Write an optimisation set and return its path."""
        self.star(path, "optimisation_set", optimisation_set(style, particles, tomograms, trajectories))
        return path

    def star(self, path: str, kind: str, *tables: str) -> None:
        """Write a STAR file at a path within the project."""
        self._tree.star(f"{self._folder}/{path}", kind, *tables)

    def odd(self, path: str, what: str) -> None:
        """Note that something in the project is unusual on purpose."""
        self._tree.odd(f"{self._folder}/{path}", what)


def tomogram_set(name: str, job: str) -> Node:
    """A tomogram set as an output of a job."""
    return f"{name}.star", f"TomogramGroupMetadata.star.relion.tomo.{job}"


def _python_style(session: Session, random: Random) -> Style:
    if session.python_jobs == "relion":
        return RELION
    return StarfileStyle(
        f"{random.randrange(8, 20):02d}:{random.randrange(60):02d}:07 on 18/03/{session.year}"
    )
