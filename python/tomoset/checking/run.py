"""Checking files, sets, projects and whole trees."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from tomoset import _core
from tomoset.checking import images as rules_of_images
from tomoset.checking import particles
from tomoset.checking.registry import by_id, chosen
from tomoset.checking.units import Options, Unit, as_given, check_unit, identity
from tomoset.checking.workers import WorkerLost, check_apart
from tomoset.diagnostics import SEVERITIES
from tomoset.exceptions import printable
from tomoset.remote import refuse_url
from tomoset.sets.findings import Finding
from tomoset.sets.labels import GLOBAL, SERIES_FILE
from tomoset.sets.paths import leads_out, project_root
from tomoset.sources import check_threads

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from tomoset.diagnostics import Severity

__all__ = ["check", "check_units", "findings_of", "kept", "named_by", "order", "units_of"]

TOMOGRAMS = "rlnTomoTomogramsFile"
#: What an optimisation set names.
SETS = ("rlnTomoParticlesFile", TOMOGRAMS, "rlnTomoTrajectoriesFile", "rlnTomoManifoldsFile")

#: What is found only where headers of images are read.
BY_HEADERS = frozenset(rule.id for rule in (*rules_of_images.RULES, *particles.STACKS))
#: From so many files on processes share the work; each takes a third of a second to begin.
APART = 1500
#: So many files are checked in one go: more would save little, and keep others waiting.
BATCH = 1000


def check(
    *paths: str | os.PathLike[str],
    select: Iterable[str] = ("all",),
    ignore: Iterable[str] = (),
    severity: Severity = "note",
    images: bool = False,
    recall: bool = False,
    threads: int | None = None,
) -> list[Finding]:
    """Give all that is wrong with STAR files, sets and projects, or may be.

    What the reader says of each file, what is found as sets are read, and rules of sets, of sets together, and of
    projects; `docs/rules.md` has them all. Nothing is written.

    Parameters
    ----------
    *paths : str or os.PathLike
        Files, of sets with the files that they name; folders of projects, or with any number of projects and loose
        files below them. Symbolic links below a folder are not followed. Where paths overlap, each thing is told once.
    select, ignore : iterable of str
        Codes (``O101``), their beginnings (``O``), or names (``odd-hand``): what is told, and what of that is not.
    severity : {"fatal", "silent", "warning", "note"}
        The least severity that is told.
    images : bool
        Whether to read the headers of the images, stacks and maps that sets name, too.
    recall : bool
        Whether to read files that lie on tape.
    threads : int, optional
        How many threads, or processes for large trees, share the work; all processors when not given.

    Returns
    -------
    list of Finding
        By path, line and column.

    Raises
    ------
    OSError
        A path that is not there, or cannot be listed.
    ValueError
        A code that is none, fewer threads than one, or an address in place of a path.

    Examples
    --------
    >>> for finding in tomoset.check("project", severity="silent"):  # doctest: +SKIP
    ...     print(finding.id, finding.path, finding.line, finding.found)
    """
    keep = kept(select, ignore, severity)
    check_threads(threads)
    options = Options(images=images, recall=recall, threads=threads or _core.processors())
    units = [unit for path in paths for unit in units_of(path, options)]
    found = (
        as_given(finding, unit) for unit, finding in findings_of(units, check_units(units, options), set())
    )
    return sorted(filter(keep, found), key=order)


def order(finding: Finding) -> tuple[object, ...]:
    """Give what findings are sorted by."""
    place = (finding.path or "", finding.line or 0, finding.column or 0)
    return (*place, finding.code, finding.found)


def kept(select: Iterable[str], ignore: Iterable[str], severity: str) -> Callable[[Finding], bool]:
    """Make what tells which findings are wanted.

    Raises
    ------
    ValueError
        A code or severity that is none.
    """
    if severity not in SEVERITIES:
        raise ValueError(f"there is no severity {severity!r}; there are {', '.join(SEVERITIES)}")
    wanted = chosen(_words(select)) - chosen(_words(ignore))
    worst = SEVERITIES[: SEVERITIES.index(severity) + 1]
    return lambda finding: finding.severity in worst and finding.id in wanted


def _words(words: Iterable[str]) -> Iterable[str]:
    return [words] if isinstance(words, str) else words


def findings_of(
    units: Sequence[Unit], checked: Iterable[tuple[Unit, list[Finding]]], seen: set[tuple[object, ...]]
) -> Iterator[tuple[Unit, Finding]]:
    """Give what `check_units` found in the order of units, and, though they overlap, each thing once.

    Parameters
    ----------
    units, checked
        The units, and what was found in them.
    seen
        What was given before; what is given now is added.
    """
    found = {id(unit): findings for unit, findings in checked}
    for unit in units:
        for finding in found[id(unit)]:
            if (key := identity(finding)) not in seen:
                seen.add(key)
                yield unit, finding


def check_units(units: Iterable[Unit], options: Options) -> Iterator[tuple[Unit, list[Finding]]]:
    """Check units, and give what is found in each as it comes; paths are absolute."""
    units = list(units)
    if sum(unit.entries.num_rows for unit in units) < APART or options.threads < 2 or len(units) < 2:
        for unit in units:
            yield unit, check_unit(unit, options)
        return
    count = min(options.threads, len(units))
    for unit, found in check_apart(_batches(units), replace(options, threads=1), count):
        if isinstance(found, WorkerLost):
            code = by_id("F202")
            path = os.fspath(unit.place)
            where = printable(path, 1000)
            lost = Finding(
                code.name, code.severity, where, f"{code.about} ({found})", code.relion, code.mend, path=path
            )
            yield unit, [lost]
        else:
            yield unit, found


def _batches(units: list[Unit]) -> Iterator[list[Unit]]:
    """Give units in batches of about as many files, the largest first, so that none is left when others are done."""
    batch: list[Unit] = []
    files = 0
    for unit in sorted(units, key=lambda unit: -unit.entries.num_rows):
        batch.append(unit)
        files += unit.entries.num_rows
        if files >= BATCH:
            yield batch
            batch, files = [], 0
    if batch:
        yield batch


def units_of(path: str | os.PathLike[str], options: Options) -> Iterator[Unit]:
    """Give the units of a tree, or of a file and those that it names.

    Raises
    ------
    OSError
        There is no such path, or it cannot be listed.
    """
    where = os.fspath(path)
    if not isinstance(where, str):
        raise TypeError(f"the path is {type(path).__name__}; it must be text or os.PathLike[str]")
    refuse_url(path, "files are checked on local disks alone")
    own = os.path.abspath(where)  # noqa: PTH100  links stay
    if os.path.isdir(where):  # noqa: PTH112
        given = "" if where in (".", "./") else where.rstrip("/") + "/"
        shown = (own.rstrip("/") + "/", given)
        for folder, is_project, _, entries, _ in _core.walk_tree(where, threads=options.threads):
            yield Unit(own, folder, is_project, entries, shown)
        return
    Path(where).lstat()
    shown = ("/", "/") if os.path.isabs(where) else (os.path.abspath("").rstrip("/") + "/", "")  # noqa: PTH117, PTH100
    names = list(dict.fromkeys([own, *named_by(own)]))
    yield Unit("", b"", False, _core.entries_of(names), shown)


def named_by(path: str, kinds: Sequence[str] = ("TomogramSet", "OptimisationSet")) -> list[str]:
    """Give the STAR files that a set of some kinds names, as far as it can be read and they lie within its project."""
    from tomoset.exceptions import TomosetError
    from tomoset.sets.kinds import kind_of
    from tomoset.star import read_star

    try:
        star = read_star(path, on_error="collect")
        kind = kind_of(star)
        if kind not in kinds:
            return []
        if kind == "TomogramSet":
            block = star[GLOBAL] if GLOBAL in star else next(iter(star.values()))
            files = block[SERIES_FILE].to_pylist() if SERIES_FILE in block else []
            return _within(path, files)
        if kind == "OptimisationSet":
            found = []
            for label in SETS:
                block = next(iter(star.values()))
                named = _within(path, block[label].to_pylist() if label in block else [])
                # In place of tomograms it may name itself, or one that names it, and so on for ever.
                series = named_by(named[0], ["TomogramSet"]) if named and label == TOMOGRAMS else []
                found += [*named, *series]
            return found
    except (TomosetError, OSError):
        # Which is told of the file itself.
        pass
    return []


def _within(path: str, files: list[str | None]) -> list[str]:
    """Give those of some files that are there, in the project of the one that names them."""
    named = [file for file in files if isinstance(file, str) and file]
    root = project_root(Path(path), named[0] if named else None)
    places = [root / file for file in named]
    return [os.fspath(place) for place in places if place.is_file() and not leads_out(place, root)]
