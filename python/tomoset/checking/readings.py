"""Sets of a project, or beside none, each read once, and the findings that each gives alone and with others."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from tomoset.checking import optimisation
from tomoset.checking.images import Headers
from tomoset.checking.particles import check_particles
from tomoset.checking.stacked import Stacked, read_stacked
from tomoset.checking.tomograms import RULES as TOMOGRAM_RULES
from tomoset.checking.tomograms import rule_findings
from tomoset.checking.trajectories import check_trajectories
from tomoset.checking.view import View
from tomoset.exceptions import SetError, TomosetError, printable
from tomoset.sets.fiducials import read_fiducials
from tomoset.sets.findings import Finding
from tomoset.sets.kinds import kind_of
from tomoset.sets.labels import NAME
from tomoset.sets.manifold_set import ManifoldSet
from tomoset.sets.optimisation_set import OptimisationSet
from tomoset.sets.particle_set import ParticleSet
from tomoset.sets.particles import particles_block
from tomoset.sets.paths import Within, project_root
from tomoset.sets.together import is_at_work
from tomoset.sets.tomogram import Tomogram
from tomoset.sets.tomogram_set import TomogramSet
from tomoset.sets.trajectory_set import TrajectorySet
from tomoset.star import read_star

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

T = TypeVar("T")

FIDUCIALS = Tomogram.fiducials_file.label
#: From so many particles on a set is looked at by itself, and no more sets are looked at with others.
LARGE = 10_000
#: How often it is looked whether a writer has ended, five times a second.
PATIENCE = 10

__all__ = ["Readings", "of_error", "read_at_rest"]


class Readings:
    """The sets among some files.

    Parameters
    ----------
    root : Path or None
        The project's folder; None for files that are of none, of each of which the project is looked for.
    images : bool
        Whether headers of images are read, too.
    threads : int
        Threads that read.
    """

    def __init__(self, root: Path | None, *, images: bool, threads: int) -> None:
        self.root = root
        self.images = images
        self.threads = threads
        self.findings: list[Finding] = []
        self.views: list[View] = []
        self.optimisations: list[OptimisationSet] = []
        #: Sets of few particles, and whether to look at each by the rules of particles alone, too: it is little work to
        #: look at many of them at once.
        self.small: list[tuple[ParticleSet, bool]] = []
        self._stacked: Stacked | None = None
        self._tomograms: dict[str, TomogramSet | None] = {}
        self._particles: dict[str, ParticleSet | None] = {}
        self._headers: dict[str, Headers] = {}
        self._fiducials: set[str] = set()
        self._leads: dict[tuple[str, str], str | Exception] = {}
        self._inside: dict[Path, Within] = {}

    def try_to(self, read: Callable[[], T], path: str) -> T | None:
        """Read something; that it cannot be read is a finding, if the reader has not told it already."""
        try:
            return read()
        except (TomosetError, OSError) as error:
            self.findings += of_error(error, path)
            return None

    # Tomograms.

    @property
    def stacked(self) -> View | None:
        """The sets that were read together, which are to be looked at by rules yet."""
        return None if self._stacked is None else self._stacked.view

    def read_tomograms(self, paths: Sequence[str]) -> None:
        """Read sets of tomograms, and look by all rules at each that was read alone."""
        left = list(paths)
        if self.root is not None and len(paths) > 1:
            self._stacked = read_stacked(paths, self.root, self.threads)
            left = self._stacked.left
            if self._stacked.view is not None:
                self.views.append(self._stacked.view)
        for path in left:
            tomos = self.tomograms(path)
            if tomos is not None:
                view = View(tomos.contents)
                self.views.append(view)
                anew = {rule.code for rule in TOMOGRAM_RULES}
                self.findings += [finding for finding in tomos.findings if finding.code not in anew]
                self.findings += rule_findings(view, images=self.images)

    def read_fiducials(self) -> None:
        """Read the fiducials that sets of tomograms name, of each file once."""
        for view in self.views:
            root = view.contents.project_root
            for file in dict.fromkeys(view.texts(FIDUCIALS)):
                place = root / file if file else root
                if place.is_file() and not self._within(root).leads_out(file or ""):
                    path = os.fspath(place)
                    if path not in self._fiducials:
                        self._fiducials.add(path)
                        self.try_to(lambda path=path: read_fiducials(path), path)  # type: ignore[misc]

    def tomograms(self, path: str) -> TomogramSet | None:
        """Give a set of tomograms; None for one that cannot be read."""
        if path not in self._tomograms:
            if self._stacked is not None and path in self._stacked.paths:
                self._tomograms[path] = self._stacked.set_of(path)
            else:
                self._tomograms[path] = self.try_to(
                    lambda: read_at_rest(path, root=self.root, threads=self.threads), path
                )
        return self._tomograms[path]

    # Sets that go together.

    def read_optimisations(self, paths: Sequence[str]) -> None:
        """Read optimisation sets, and look whether what they name is there."""
        for path in paths:
            opt = self.try_to(
                lambda path=path: OptimisationSet.read(path, project_root=self.root, threads=self.threads),  # type: ignore[misc]
                path,
            )
            if opt is None:
                continue
            self.optimisations.append(opt)
            self.findings += optimisation.named_findings(opt)
            for name in ("particles", "tomograms", "trajectories", "manifolds"):
                if name in opt.files:
                    lead = self._lead(opt, name)
                    if isinstance(lead, Exception):
                        self.findings.append(optimisation.unreadable(opt, name, lead))

    def leads_to(self, opt: OptimisationSet, name: str) -> str | None:
        """Give the path of a file that an optimisation set names, if it may be read."""
        lead = self._lead(opt, name) if name in opt.files else None
        return lead if isinstance(lead, str) else None

    def _lead(self, opt: OptimisationSet, name: str) -> str | Exception:
        # The sets of a project name the same files again and again.
        key = (os.fspath(opt.project_root), opt.files[name])
        if key not in self._leads:
            try:
                self._leads[key] = opt._lead(name, self._within(opt.project_root)) or ""
            except (SetError, OSError) as error:
                # With its frames it would lead back here, and keep all that was read until garbage is collected.
                self._leads[key] = error.with_traceback(None)
        return self._leads[key]

    def _within(self, root: Path) -> Within:
        if root not in self._inside:
            self._inside[root] = Within(root)
        return self._inside[root]

    def particles(self, path: str) -> ParticleSet | None:
        """Give a set of particles without tomograms; None for what is none, or cannot be read."""
        if path not in self._particles:
            self._particles[path] = self.try_to(lambda: self._read_particles(path), path)
        return self._particles[path]

    def _read_particles(self, path: str) -> ParticleSet | None:
        star = read_star(path, threads=self.threads)
        if kind_of(star) not in (None, "ParticleSet"):
            return None
        block = "particles" if "particles" in star else next(iter(star), None)
        if block is not None and star[block].num_rows:
            labels = star[block].labels
            # Particles of images, or a model, which are of no tomogram.
            if NAME not in labels and not any(label.startswith("rlnTomo") for label in labels):
                return None
        return ParticleSet._of(star, particles_block(star, path), None)

    def check_particles(self, paths: Sequence[str], pairs: dict[str, list[str]]) -> None:
        """Look at particles, alone or with each of the sets of tomograms that they go with, or leave it for later."""
        for path in paths:
            alone = self.particles(path)
            if alone is None:
                continue
            sets = [tomos for other in pairs.get(path, ()) if (tomos := self.tomograms(other)) is not None]
            # What is wrong with the particles alone is told once.
            for at, particles in enumerate([alone._beside(tomos) for tomos in sets] or [alone]):
                if self.images or len(particles) >= LARGE:
                    headers = self._headers_of(alone) if self.images else None
                    self.findings += check_particles(particles, headers=headers, alone=not at)
                else:
                    self.findings += particles.findings
                    self.small.append((particles, not at))

    def _headers_of(self, particles: ParticleSet) -> Headers:
        root = self.root or project_root(Path(particles.path or ""))
        return self._headers.setdefault(os.fspath(root), Headers(root))

    def check_trajectories(
        self, paths: Sequence[str], pairs: dict[str, list[tuple[str, str | None]]]
    ) -> None:
        """Look at trajectories, alone or with the particles and tomograms that they go with."""
        for path in paths:
            moved = self.try_to(lambda path=path: TrajectorySet.read(path, threads=self.threads), path)  # type: ignore[misc]
            if moved is None:
                continue
            told = False
            for own, other in pairs.get(path, ()):
                alone = self.particles(own)
                if alone is None:
                    continue
                tomos = self.tomograms(other) if other is not None else None
                if tomos is not None:
                    alone = alone._beside(tomos)
                self.findings += check_trajectories(moved, alone)
                told = True
            if not told:
                self.findings += moved.findings

    def check_manifolds(self, pairs: dict[str, list[str]]) -> None:
        """Look at manifolds with the tomograms that they go with."""
        for path, others in pairs.items():
            manifolds = self.try_to(lambda path=path: ManifoldSet.read(path, threads=self.threads), path)  # type: ignore[misc]
            for other in others if manifolds is not None else ():
                tomos = self.tomograms(other)
                if tomos is not None and manifolds is not None:
                    self.findings += optimisation.check_manifolds(manifolds, tomos)


def read_at_rest(path: str, *, root: Path | None = None, threads: int | None = None) -> TomogramSet:
    """Read a set that nobody is writing to; one that was left half done is not finished, as reading it would.

    Raises
    ------
    SetError, StarSyntaxError, StarTypeError, OSError
        As in `TomogramSet.read`; a writer that does not come to an end.
    """
    for _ in range(PATIENCE):
        if not is_at_work(Path(path)):
            return TomogramSet.read(path, project_root=root, missing="skip", threads=threads)
        time.sleep(0.2)
    found = "somebody began to write this set, and has not ended; reading it with tomoset finishes that"
    raise SetError(f"{printable(path, 1000)}: {found}", code="interrupted", path=path)


def of_error(error: Exception, path: str) -> list[Finding]:
    """Say that a set cannot be read; nothing where the reader says so of the same file."""
    if isinstance(error, SetError):
        from tomoset.checking.registry import by_name

        code = by_name(error.code)
        found = str(error).removeprefix(f"{printable(path, 1000)}: ").removesuffix("; RELION stops here")
        where = printable(error.path or path, 1000)
        return [
            Finding(
                code.name,
                code.severity,
                where,
                found,
                code.relion,
                code.mend,
                error.tomogram,
                path=error.path or path,
                block=error.block,
                # Without a block it is that of a set, and the file may be that of a tilt series.
                row=error.row if error.block is not None else None,
                label=error.label,
            )
        ]
    return []
