"""Rules across the sets of a project: what their files say of one another."""

from __future__ import annotations

import os
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from tomoset.checking.rules import Fault, Place, Rules
from tomoset.exceptions import printable
from tomoset.sets.findings import Finding
from tomoset.sets.images import image_file
from tomoset.sets.labels import SERIES_FILE
from tomoset.sets.paths import NO_FILES, Within
from tomoset.sets.tilt_series import TiltSeries
from tomoset.sets.tomogram import Tomogram
from tomoset.tables import as_numpy

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import numpy.typing as npt

    from tomoset.checking.readings import Readings
    from tomoset.checking.view import View
    from tomoset.sets.optimisation_set import OptimisationSet
    from tomoset.sets.tomogram_set import TomogramSet
    from tomoset.sets.values import Integers

__all__ = ["GENERATIONS", "RULES", "across", "generations", "references"]

#: Rules of all sets of a project at once.
RULES = Rules()
#: Rules of optimisation sets beside those that their particles come from.
GENERATIONS = Rules()

#: Files beside the tables that sets name.
NAMED = (
    ("rlnEtomoDirectiveFile",),
    ("rlnTomoFiducialsStarFile",),
    (Tomogram.reconstructed_tomogram.label, f"{Tomogram.reconstructed_tomogram.label}Half1"),
)


def across(views: list[View]) -> list[Finding]:
    """Give what is wrong with sets of one project together, without line and column."""
    found: list[Finding] = []
    for view in views:
        found += RULES.findings(view, view.place)
    return found


@RULES.rule(
    "I108",
    "image-of-two-tomograms",
    "warning",
    "one image in tomograms of different names, in different sets of a project",
    relion="takes them for two tomograms, and particles of both for different ones",
    mend="see which name is right: movies may have been paired with the wrong tilt series at import",
)
def _images(view: View) -> Iterator[Fault]:
    if len(view.parts) < 2:
        return
    names = np.unique(np.array([name or "" for name in view.names]), return_inverse=True)[1]
    for label in (TiltSeries.movie_names.label, TiltSeries.micrograph_names.label):
        files, images = view.files(label)
        good = np.flatnonzero(images >= 0)
        owners = view.owners[good]
        # Those of two names and of two sets have an owner that differs from another in both.
        twice = _various(images[good], names[owners], len(files))
        if twice.any():
            twice &= _various(images[good], view.owner_sets[owners], len(files))
        if not twice.any():
            continue
        image = int(np.argmax(twice))
        places = good[images[good] == image]
        one, other = _unlike(places, names[view.owners[places]], view.owner_sets[view.owners[places]])
        known, row = int(view.owners[one]), int(view.owners[other])
        count = int(twice.sum())
        more = f", and {count - 1} more" if count > 1 else ""
        name = printable(files[image].as_py(), 1000)
        found = f"{label} {name} is also of {printable(view.names[known])} in {_path(view, known)}{more}"
        yield Fault(found, row, label=label, tilt=int(other - view.contents.offsets[row]))


def _various(keys: Integers, values: Integers, count: int) -> npt.NDArray[np.bool_]:
    """Tell which keys have more than one value."""
    first = np.full(count, -1, dtype=np.int64)
    first[keys[::-1]] = values[::-1]
    found = np.zeros(count, dtype=bool)
    found[keys[first[keys] != values]] = True
    return found


def _unlike(places: Integers, names: Integers, sets: Integers) -> tuple[int, int]:
    """Give two places of different names and sets, in their order; there are such."""
    # If there is none beside the first, then there is one beside the first of another name.
    for at in (0, int(np.argmax(names != names[0]))):
        others = places[(names != names[at]) & (sets != sets[at])]
        if len(others):
            break
    one, other = sorted((int(places[at]), int(others[0])))
    return one, other


@RULES.rule(
    "N106",
    "tilt-file-of-two-tomograms",
    "warning",
    "one tilt-series file for tomograms of different names, in different sets of a project",
    relion="reads it for both, if it has a block of each name, and writes one over the other",
    mend="give each a file of its own",
)
def _files(view: View) -> Iterator[Fault]:
    first: dict[str, int] = {}
    for row, (file, name) in enumerate(zip(view.texts(SERIES_FILE), view.names, strict=True)):
        if not file:
            continue
        known = first.setdefault(file, row)
        if view.names[known] != name and view.owner_sets[known] != view.owner_sets[row]:
            found = (
                f"{printable(file, 1000)} is also of {printable(view.names[known])} in {_path(view, known)}"
            )
            yield Fault(found, row, label=SERIES_FILE)


def _path(view: View, row: int) -> str:
    path = view.parts[view.owner_sets[row]].path or "<memory>"
    return printable(os.path.relpath(path, view.contents.project_root), 1000)


# References.


def references(views: list[View]) -> Iterator[Finding]:
    """Give the files that sets name beside their tables and that are not there, one for each set and column."""
    from tomoset.checking.registry import by_id

    state: dict[tuple[str, str], str | None] = {}
    within: dict[Path, Within] = {}
    for view in views:
        root = view.contents.project_root
        inside = within.setdefault(root, Within(root))
        for labels in NAMED:
            columns = [
                (label, view.texts(label)) for label in labels if label in view.contents.table.column_names
            ]
            told: dict[tuple[str, int, str], list[int]] = {}
            for row in range(len(view)) if columns else ():
                label, name = next(
                    (
                        (label, name)
                        for label, column in columns
                        if (name := column[row]) and name not in NO_FILES
                    ),
                    ("", ""),
                )
                if not name:
                    continue
                file = image_file(name)
                if (file, inside.root) not in state:
                    state[file, inside.root] = _state(inside, file)
                odd = state[file, inside.root]
                if odd is not None:
                    told.setdefault((odd, int(view.owner_sets[row]), label), []).append(row)
            for (number, _, label), rows in told.items():
                code = by_id(number)
                fault = Fault("", rows[0], label=label)
                more = f"; {len(rows)} such files" if len(rows) > 1 else ""
                yield Finding(
                    code=code.name,
                    severity=code.severity,
                    found=f"{label} is {printable(view.texts(label)[rows[0]] or '', 1000)}{more}",
                    relion=code.relion,
                    mend=code.mend,
                    count=len(rows),
                    **view.place(fault),
                )


def _state(inside: Within, file: str) -> str | None:
    """Give the code of a file that is missing, or lies outside, where it is not looked for."""
    if inside.leads_out(file):
        return "F103"
    return None if os.path.exists(os.path.join(inside.root, file)) else "F104"  # noqa: PTH110, PTH118 (many thousands)


# Generations of jobs.


class _Pair(NamedTuple):
    """An optimisation set, and the one that was written with its particles."""

    own: OptimisationSet
    made: OptimisationSet
    readings: Readings


def generations(readings: Readings) -> list[Finding]:
    """Give the optimisation sets that put particles together with files of another time, without line and column."""
    by_folder: dict[str, list[OptimisationSet]] = {}
    for opt in readings.optimisations:
        by_folder.setdefault(os.path.dirname(opt.path or ""), []).append(opt)  # noqa: PTH120
    found: list[Finding] = []
    for opt in readings.optimisations:
        particles = readings.leads_to(opt, "particles")
        if particles is None:
            continue
        made = [
            each
            for each in by_folder.get(os.path.dirname(particles), ())  # noqa: PTH120
            if each is not opt and readings.leads_to(each, "particles") == particles
        ]
        if len(made) == 1:
            where = printable(opt.path or "<memory>", 1000)

            def place(fault: Fault, opt: OptimisationSet = opt, where: str = where) -> Place:
                return {
                    "where": where,
                    "path": opt.path,
                    "block": opt._block_name,
                    "row": 0,
                    "label": fault.label,
                }

            found += GENERATIONS.findings(_Pair(opt, made[0], readings), place)
    return found


@GENERATIONS.rule(
    "S103",
    "other-generation",
    "warning",
    "particles together with tomograms or trajectories of an earlier job than those they were made with",
    relion="goes on with the older alignment, CTF or motion",
    mend="name the files that were written with the particles, or later ones",
)
def _older(pair: _Pair) -> Iterator[Fault]:
    for name in ("tomograms", "trajectories"):
        own, made = (_job(opt.files.get(name)) for opt in (pair.own, pair.made))
        if own is not None and made is not None and own < made:
            found = (
                f"the {name} are {printable(pair.own.files[name], 1000)}, and the particles were made with"
                f" {printable(pair.made.files[name], 1000)}"
            )
            yield Fault(found, label=pair.own.label_of(name))


@GENERATIONS.rule(
    "S104",
    "tilts-changed",
    "silent",
    "particles together with tilt series of other images, or in another order, than those they were made with",
    relion="takes visible frames, stacks and trajectories row by row, and so for other images",
    mend="extract the particles again, or name the tomograms that they were made with",
)
def _changed(pair: _Pair) -> Iterator[Fault]:
    paths = [pair.readings.leads_to(opt, "tomograms") for opt in (pair.own, pair.made)]
    if None in paths or paths[0] == paths[1]:
        return
    own, made = (pair.readings.tomograms(path) for path in paths if path is not None)
    if own is None or made is None:
        return
    changed = [name for name in own.names if name in made and not _same_tilts(own, made, name)]
    if changed:
        more = f", nor are those of {len(changed) - 1} more" if len(changed) > 1 else ""
        found = (
            f"the tilts of {printable(changed[0])} are not those of"
            f" {printable(pair.made.files['tomograms'], 1000)}{more}"
        )
        yield Fault(found, label=pair.own.label_of("tomograms"))


def _same_tilts(one: TomogramSet, other: TomogramSet, name: str) -> bool:
    """Whether two tilt series have the same images in the same order, by their doses."""
    label = TiltSeries.pre_exposure.label
    doses = []
    for tomos in (one, other):
        contents = tomos.contents
        row = contents.place(name)
        if label not in contents.labels(row):
            return True
        start, stop = contents.offsets[row : row + 2]
        doses.append(as_numpy(contents.tilts.column(label).slice(int(start), int(stop - start))))
    return len(doses[0]) == len(doses[1]) and np.allclose(doses[0], doses[1], atol=1e-3, equal_nan=True)


def _job(path: str | None) -> int | None:
    """Give the number of the job that a path leads into."""
    parts = (path or "").split("/")
    for _, part in pairwise(parts):
        if part.startswith("job") and part[3:].isdecimal() and len(part) >= 6:
            return int(part[3:])
    return None
