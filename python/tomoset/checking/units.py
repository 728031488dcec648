"""One project, or folder of loose files: its files read by the core, its sets looked at by rules."""

from __future__ import annotations

import os
import traceback
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from tomoset import _core
from tomoset.checking.particle_view import ParticleView, shape_of
from tomoset.checking.particles import rule_faults as particle_faults
from tomoset.checking.pipeline import PIPELINE, check_pipeline
from tomoset.checking.projects import across, generations, references
from tomoset.checking.readings import LARGE, Readings
from tomoset.checking.registry import by_id
from tomoset.checking.shown import as_shown
from tomoset.checking.tomograms import rule_faults, rule_findings
from tomoset.checking.view import View, joined
from tomoset.exceptions import printable
from tomoset.sets.findings import Finding, located

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence

    import pyarrow as pa

    from tomoset.sets.particle_set import ParticleSet

__all__ = ["MARKER", "Options", "Unit", "as_given", "check_batch", "check_unit", "identity"]

#: What a walk calls the empty files with which jobs say how they ended.
MARKER = 3
_MARK = "RELION_JOB_EXIT_"
#: The most bytes that the core expects in an inode.
_IN_INODE = 4096
#: What the reader says of values that rules of sets say, too.
_SAID = {"not-finite", "null-marker"}


@dataclass(frozen=True)
class Options:
    """How to check.

    Attributes
    ----------
    images
        Whether headers of images are read, too.
    recall
        Whether files are read that lie on tape.
    threads
        Threads that read files.
    """

    images: bool = False
    recall: bool = False
    threads: int = 1


@dataclass(frozen=True)
class Unit:
    """What is checked together.

    Attributes
    ----------
    root
        Folder to which the entries' paths are relative, absolute; empty for files that are named by absolute paths.
    folder
        Of the unit, relative to the root.
    is_project
        Whether it is a project; sets of loose files look for theirs.
    entries
        Its files, as a walk gives them.
    shown
        A beginning of absolute paths, and what is shown in its place: paths are told as they were given.
    """

    root: str
    folder: bytes
    is_project: bool
    entries: pa.RecordBatch
    shown: tuple[str, str] = ("/", "/")

    @property
    def place(self) -> Path:
        """Its folder."""
        return Path(self.root) / os.fsdecode(self.folder)

    @property
    def files(self) -> list[str]:
        """The paths of its files, but for exit markers; absolute."""
        return self._paths(_apart(self)[0])

    @property
    def offline(self) -> list[str]:
        """The paths of those that lie on tape: they have a size, and no blocks; small ones may be in their inodes."""
        import pyarrow.compute as pc

        files = _apart(self)[0]
        on_tape = pc.and_(pc.equal(files.column("blocks"), 0), pc.greater(files.column("size"), _IN_INODE))
        return self._paths(files.filter(on_tape))

    def _paths(self, entries: pa.RecordBatch) -> list[str]:
        paths = entries.column("path").to_pylist()
        return [os.path.join(self.root, os.fsdecode(path)) for path in paths]  # noqa: PTH118


def check_unit(unit: Unit, options: Options) -> list[Finding]:
    """Give all that is wrong with the files of a unit, alone and together, or may be; paths are absolute."""
    (found,) = check_batch([unit], options)
    return found


def check_batch(units: Sequence[Unit], options: Options) -> list[list[Finding]]:
    """Check some units: rules look at the tables of all of them at once, which is as much work as for one.

    That one of them cannot be checked is a finding like others: what is wrong with the rest of an archive is told all
    the same.
    """
    try:
        return _check_batch(units, options)
    except Exception as error:
        if len(units) == 1:
            return [[_not_checked(units[0], error)]]
    return [check_unit(unit, options) for unit in units]


def _not_checked(unit: Unit, error: Exception) -> Finding:
    code = by_id("F204")
    path = os.fspath(unit.place) if unit.root else unit.files[0]
    *_, (frame, line) = traceback.walk_tb(error.__traceback__)
    place = f"{Path(frame.f_code.co_filename).name}, line {line}"
    found = f"{code.about} ({type(error).__name__}: {printable(str(error), 1000)}; {place})"
    return Finding(code.name, code.severity, printable(path, 1000), found, code.relion, code.mend, path=path)


def _check_batch(units: Sequence[Unit], options: Options) -> list[list[Finding]]:
    looked = [_look(unit, options) for unit in units]
    of_tomograms = _of_tomograms([each.tomograms for each in looked], images=options.images)
    of_particles = _of_particles([each.particles for each in looked])
    return [
        _once(located([*each.findings, *more, *others]))
        for each, more, others in zip(looked, of_tomograms, of_particles, strict=True)
    ]


class _Looked(NamedTuple):
    """What is wrong with a unit, without line and column, and what rules have yet to look at."""

    findings: list[Finding]
    tomograms: View | None
    particles: list[tuple[ParticleSet, bool]]


def _look(unit: Unit, options: Options) -> _Looked:
    files, markers = _apart(unit)
    paths = unit.files
    examined = _core.examine_files(unit.root, files, recall=options.recall, threads=options.threads)
    found: list[Finding] = []
    kinds: dict[str, list[str]] = defaultdict(list)
    for path, (kind, problems) in zip(paths, examined, strict=True):
        kinds[kind].append(path)
        found += (_finding(path, problem) for problem in problems)
    readings = Readings(
        unit.place if unit.is_project else None, images=options.images, threads=options.threads
    )
    found += _sets(readings, kinds)
    if unit.is_project:
        path = os.path.join(unit.place, PIPELINE)  # noqa: PTH118
        if path in kinds["pipeline"]:
            found += check_pipeline(path, unit.place, markers)
    return _Looked(found, readings.stacked, readings.small)


def _of_tomograms(views: Sequence[View | None], *, images: bool) -> list[list[Finding]]:
    """Give where tomograms break rules, for each of some views."""
    found: list[list[Finding]] = [[] for _ in views]
    there = [(at, view) for at, view in enumerate(views) if view is not None]
    if not there:
        return found
    try:
        whole = joined([view for _, view in there])
    except TypeError:
        # A column is of different types, which is odd, but no more than that.
        whole = None
    if whole is None or images:
        # Headers are of images in one project.
        for at, view in there:
            found[at] += rule_findings(view, images=images)
        return found
    owners = np.repeat([at for at, _ in there], [len(view.parts) for _, view in there])
    for part, finding in rule_faults(whole):
        found[int(owners[part])].append(finding)
    return found


def _of_particles(sets: Sequence[list[tuple[ParticleSet, bool]]]) -> list[list[Finding]]:
    """Give where particles of some units break rules."""
    found: list[list[Finding]] = [[] for _ in sets]
    alike: dict[tuple[Hashable, bool], list[tuple[int, ParticleSet]]] = defaultdict(list)
    for at, of_unit in enumerate(sets):
        for particles, alone in of_unit:
            alike[shape_of(particles), alone].append((at, particles))
    for (_, alone), members in alike.items():
        for some in _portions(members):
            view = ParticleView([particles for _, particles in some])
            for part, finding in particle_faults(view, alone=alone):
                owner, _ = some[part]
                found[owner].append(finding)
    return found


def _portions(members: Sequence[tuple[int, ParticleSet]]) -> Iterator[list[tuple[int, ParticleSet]]]:
    """Give sets in portions: to lay more below one another takes as much memory again, and saves nothing."""
    portion: list[tuple[int, ParticleSet]] = []
    rows = 0
    for owner, particles in members:
        portion.append((owner, particles))
        rows += len(particles)
        if rows >= LARGE:
            yield portion
            portion, rows = [], 0
    if portion:
        yield portion


def _apart(unit: Unit) -> tuple[pa.RecordBatch, Mapping[str, str]]:
    """Give the files among the entries, and the exit markers in the folders of jobs."""
    import pyarrow.compute as pc

    entries = unit.entries
    is_marker = pc.equal(entries.column("sort"), MARKER)
    markers = {}
    start = len(unit.folder) + 1 if unit.folder else 0
    for path in entries.column("path").filter(is_marker).to_pylist():
        parts = os.fsdecode(path[start:]).split("/")
        if len(parts) == 3 and parts[2].startswith(_MARK):
            markers["/".join(parts[:2])] = parts[2].removeprefix(_MARK)
    return entries.filter(pc.invert(is_marker)), markers


def _finding(path: str, problem: _core._ProblemRow) -> Finding:
    """Make a finding of what the reader says."""
    number, severity, line, column, count, block, label, message = problem
    code = by_id(number)
    where = printable(path, 1000)
    return Finding(
        code.name,
        severity,
        f"{where}:{line}:{column}" if line else where,
        message,
        code.relion,
        code.mend,
        path=path,
        block=block,
        label=label,
        line=line or None,
        column=column or None,
        count=count,
    )


def _sets(readings: Readings, kinds: Mapping[str, Sequence[str]]) -> list[Finding]:
    """Give what is wrong with the sets among files, each alone and all together, without line and column."""

    def those(kind: str) -> Sequence[str]:
        return kinds.get(kind, ())

    readings.read_tomograms(those("tomogram_set"))
    readings.read_fiducials()
    readings.read_optimisations(those("optimisation_set"))
    particles: dict[str, list[str]] = defaultdict(list)
    trajectories: dict[str, list[tuple[str, str | None]]] = defaultdict(list)
    manifolds: dict[str, list[str]] = defaultdict(list)
    for opt in readings.optimisations:
        own, tomos, moved, marked = (
            readings.leads_to(opt, name) for name in ("particles", "tomograms", "trajectories", "manifolds")
        )
        if own is not None and tomos is not None and tomos not in particles[own]:
            particles[own].append(tomos)
        if moved is not None and own is not None and (own, tomos) not in trajectories[moved]:
            trajectories[moved].append((own, tomos))
        if marked is not None and tomos is not None and tomos not in manifolds[marked]:
            manifolds[marked].append(tomos)
    readings.check_particles(_all(those("particles"), particles), particles)
    readings.check_trajectories(_all(those("trajectories"), trajectories), trajectories)
    readings.check_manifolds(manifolds)
    found = [*readings.findings, *references(readings.views)]
    if readings.root is not None:
        found += across(readings.views)
        found += generations(readings)
    return found


def _all(paths: Iterable[str], pairs: Mapping[str, object]) -> list[str]:
    """Give files that are of a kind, and those that are named as such."""
    return list(dict.fromkeys([*paths, *pairs]))


def _once(findings: list[Finding]) -> list[Finding]:
    """Leave out what is told twice: by two sets of particles, or by the reader and a rule."""
    said = {(each.path, each.label) for each in findings if each.code in _SAID}
    seen: set[tuple[object, ...]] = set()
    kept = []
    for each in findings:
        if each.code == "not-a-number" and (each.path, each.label) in said:
            continue
        if (key := identity(each)) not in seen:
            seen.add(key)
            kept.append(each)
    return kept


def identity(finding: Finding) -> tuple[object, ...]:
    """Give by what it is seen that two findings with absolute paths are one."""
    place = (finding.path, finding.line, finding.column, finding.block, finding.label)
    return (finding.code, *place, finding.found)


def as_given(finding: Finding, unit: Unit) -> Finding:
    """Tell paths as they were given."""
    return as_shown(finding, *unit.shown)
