"""Columns and rows that follow from others: which sets are the latest, and what a project has."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from tomoset.diagnostics import ERRORS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tomoset.catalog.tasks import Unit

Integers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

#: A job of RELION in a path below its project.
_JOB = re.compile(r"([^/]+/job\d{3,})/")
#: Sets of jobs that failed come before all others, and those outside of jobs before these.
_FAILED, _NO_JOB = -1_000_000, -2_000_000


_ERRORS = pa.array(ERRORS, pa.large_string())
#: What of the tables the rows of projects are made of.
_LOOKED_AT = {
    "files": ["path", "project", "size", "mtime", "kind", "status", "settled"],
    "tomograms": ["path", "project", "tomogram", "latest"],
    "tilts": ["path", "project", "latest"],
    "jobs": ["path", "project", "job", "order", "state"],
    "problems": ["path", "project", "severity"],
}


def mark_latest(tables: Mapping[str, pa.Table]) -> dict[str, pa.Table]:
    """Fill the column ``latest`` of tomograms and tilts, of whole units.

    Of the sets of a project that have a tomogram the last one counts: sets of failed jobs come before all others, else
    the order of the jobs decides. Sets outside of projects are each the latest.
    """
    tomograms, tilts = tables["tomograms"], tables["tilts"]
    latest = pa.array(_latest(tomograms, _ranks(tomograms, tables["jobs"])).tolist(), pa.bool_())
    shown = tomograms.filter(latest)
    return {
        "tomograms": _with(tomograms, "latest", latest),
        "tilts": _with(tilts, "latest", _of_tilts(tilts, shown)),
    }


def _ranks(tomograms: pa.Table, jobs: pa.Table) -> Integers:
    """Return the place of each tomogram's set in its project."""
    known = {
        (project, job): (order if order is not None else 0, state)
        for project, job, order, state in zip(
            *(jobs.column(name).to_pylist() for name in ("project", "job", "order", "state")), strict=True
        )
    }
    sets = tomograms.group_by(["project", "path"], use_threads=False).aggregate([])
    pairs = list(zip(sets.column("project").to_pylist(), sets.column("path").to_pylist(), strict=True))
    found = {}
    # Of two sets of one job the one whose name comes last.
    for place, (project, path) in enumerate(sorted(pairs, key=lambda pair: pair[1])):
        rank = _NO_JOB
        if project is not None:
            match = _JOB.match(path[len(project) + 1 if project else 0 :])
            if match and (project, match[1]) in known:
                order, state = known[project, match[1]]
                rank = order + (_FAILED if state in ("failed", "aborted") else 0)
        found[path] = rank * len(pairs) + place
    codes = pc.dictionary_encode(tomograms.column("path").combine_chunks())
    values = np.array([found[path] for path in codes.dictionary.to_pylist()], dtype=np.int64)
    places: Integers = values[codes.indices.to_numpy(zero_copy_only=False)]
    return places


def _latest(tomograms: pa.Table, ranks: Integers) -> Flags:
    """Return which tomograms have the highest rank of those of their name in their project."""
    if not len(ranks):
        return np.zeros(0, dtype=bool)
    loose = pc.is_null(tomograms.column("project")).combine_chunks().to_numpy(zero_copy_only=False)
    keys = [tomograms.column(name).combine_chunks() for name in ("project", "tomogram")]
    codes = [
        pc.dictionary_encode(key, null_encoding="encode")
        .indices.to_numpy(zero_copy_only=False)
        .astype(np.int64)
        for key in keys
    ]
    groups = codes[0] * (int(codes[1].max()) + 1) + codes[1]
    order = np.lexsort((ranks, groups))
    last = np.ones(len(order), dtype=bool)
    # The last of a group in its order; equal ranks, of two rows with one name in a set, all count.
    ends = np.flatnonzero(np.append(np.diff(groups[order]) != 0, True))
    highest = np.repeat(ranks[order][ends], np.diff(np.concatenate([[-1], ends])))
    last[order] = ranks[order] == highest
    found: Flags = last | loose
    return found


def _of_tilts(tilts: pa.Table, shown: pa.Table) -> pa.Array:
    """Return which tilts are of a tomogram that is shown."""
    own_file = pc.is_null(shown.column("tilt_series_file"))
    named = shown.filter(pc.invert(own_file))
    files = [
        _joined(root, project, name)
        for root, project, name in zip(
            *(named.column(each).to_pylist() for each in ("root", "project", "tilt_series_file")), strict=True
        )
    ]
    found = pc.is_in(tilts.column("path"), value_set=pa.array(files, pa.large_string())).combine_chunks()
    within = shown.filter(own_file)
    if within.num_rows:
        # Sets of RELION 4 have the tilts in the same file, in blocks of the tomograms' names.
        between = pa.scalar("\n", pa.large_string())
        keys = pc.binary_join_element_wise(within.column("path"), within.column("tomogram"), between)
        own = pc.binary_join_element_wise(tilts.column("path"), tilts.column("tomogram"), between)
        found = pc.or_(found, pc.is_in(own, value_set=keys.combine_chunks()).combine_chunks())
    return found


def _joined(root: str, project: str | None, name: str) -> str:
    """Return the path of a file that a project names, relative to the root."""
    if name.startswith("/"):
        inside = name.removeprefix(f"{root}/")
        # A file that lies elsewhere is none of the root's, whatever its name is.
        if inside == name:
            return name
        name, project = inside, None
    parts = project.split("/") if project else []
    for part in name.split("/"):
        if part == ".." and parts:
            parts.pop()
        elif part not in ("", "."):
            parts.append(part)
    return "/".join(parts)


def project_rows(
    units: list[Unit],
    tables: Mapping[str, pa.Table],
    known: pa.Table,
    *,
    root: str,
    crawl: int,
    changed: set[str],
    schema: pa.Schema,
) -> pa.Table:
    """Return the rows of the table ``projects`` for units that are there.

    Parameters
    ----------
    units
        The units.
    tables
        All their rows.
    known
        Their rows so far.
    root
        Folder that is indexed, as the tables have it.
    crawl
        Number of the crawl.
    changed
        Paths of the units in which something is other than before.
    schema
        Columns of the table.
    """
    before = {row["path"]: row for row in known.to_pylist()}
    facts = {name: _by_unit(tables[name].select(columns), units) for name, columns in _LOOKED_AT.items()}
    rows = []
    for at, unit in enumerate(units):
        path = unit.path
        files, tomograms = facts["files"][at], facts["tomograms"][at]
        problems, old = facts["problems"][at], before.get(path)
        shown = tomograms.filter(tomograms.column("latest"))
        times = pc.min_max(files.column("mtime")).as_py()
        settled = pc.all(files.column("settled")).as_py() is not False
        doubtful = pc.any(
            pc.is_in(
                files.column("status"), value_set=pa.array(["unstable", "unreadable"], pa.large_string())
            )
        )
        kinds = files.column("kind").to_pylist()
        rows.append(
            {
                "path": path,
                "path_bytes": None if path.encode() == unit.folder else unit.folder,
                "root": root,
                "project": path if unit.is_project else None,
                "name": path.rsplit("/", 1)[-1],
                "files": files.num_rows,
                "bytes": pc.sum(files.column("size")).as_py() or 0,
                "tomogram_sets": kinds.count("tomogram_set"),
                "tomograms": pc.count_distinct(shown.column("tomogram")).as_py(),
                "tilts": pc.sum(facts["tilts"][at].column("latest")).as_py() or 0,
                "particle_sets": kinds.count("particles"),
                "jobs": facts["jobs"][at].num_rows,
                "problems": problems.num_rows,
                "errors": pc.sum(pc.is_in(problems.column("severity"), value_set=_ERRORS)).as_py() or 0,
                "first_change": times["min"],
                "last_change": times["max"],
                "latest_set": _latest_set(tomograms, facts["jobs"][at]),
                "fingerprint": unit.fingerprint if settled and not doubtful.as_py() else None,
                "first_crawl": old["first_crawl"] if old else crawl,
                "changed_crawl": crawl if old is None or path in changed else old["changed_crawl"],
            }
        )
    return pa.Table.from_pylist(rows, schema=schema)


def _latest_set(tomograms: pa.Table, jobs: pa.Table) -> str | None:
    if not tomograms.num_rows:
        return None
    ranks = _ranks(tomograms, jobs)
    path: str = tomograms.column("path")[int(np.argmax(ranks))].as_py()
    return path


def _by_unit(table: pa.Table, units: list[Unit]) -> list[pa.Table]:
    """Return the rows of each unit."""
    owners = unit_of(table)
    places = pc.index_in(owners, value_set=pa.array([unit.path for unit in units], pa.large_string()))
    numbers = pc.fill_null(places, -1).to_numpy(zero_copy_only=False)
    order = np.argsort(numbers, kind="stable")
    ordered = table.take(places_of(order))
    bounds = np.searchsorted(numbers[order], np.arange(len(units) + 1))
    return [ordered.slice(bounds[at], bounds[at + 1] - bounds[at]) for at in range(len(units))]


def places_of(order: npt.NDArray[np.intp]) -> pa.Array:
    """Return places of rows as an Arrow array; `pyarrow.array` would load pandas wherever it is installed."""
    values = np.ascontiguousarray(order, dtype=np.int64)
    return pa.Array.from_buffers(pa.int64(), len(values), [None, pa.py_buffer(values)])


def unit_of(table: pa.Table) -> pa.Array:
    """Return the unit of each row: its project, or else the first folder of its path."""
    project = table.column("project")
    if not project.null_count:
        return project.combine_chunks()
    path = table.column("path")
    folder = pc.replace_substring_regex(path, "(?s)/.*$", "")
    top = pc.if_else(pc.match_substring(path, "/"), folder, "")
    return pc.coalesce(project, top).combine_chunks()


def _with(table: pa.Table, name: str, values: pa.Array) -> pa.Table:
    at = table.schema.get_field_index(name)
    return table.set_column(at, table.schema.field(at), values)
