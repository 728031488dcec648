"""The work of one task: units of a shard are read, and the parts that hold their rows are written anew.

This runs in a thread, in another process, or on another machine; it changes nothing that readers see.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tomoset.catalog.derived import mark_latest, places_of, project_rows, unit_of
from tomoset.catalog.journal import Change
from tomoset.catalog.parts import PART_ROWS, Part, PartWriter, read_part
from tomoset.catalog.schema import catalog_schemas
from tomoset.catalog.tasks import FINGERPRINT, HINDRANCES, Counts, Result, text_of
from tomoset.catalog.walking import MARKER

if TYPE_CHECKING:
    from tomoset.catalog.tasks import Hindrance, Task, Unit

#: Tables with rows of files, which stay while the file does not change.
_OF_FILES = ("files", "tomograms", "tilts", "particle_sets", "particles", "problems")
_REFERENCE_MISSING = "F104"
#: Tables with rows of units, which are made anew with each change.
_OF_UNITS = ("jobs", "projects")
#: Codes of the findings about whole units.
_OF_WHOLE_UNITS = pa.array([hindrance.code for hindrance in HINDRANCES], pa.large_string())


def refresh_shard(task: Task) -> Result:
    """Read the units of a task and write the parts that follow.

    Parameters
    ----------
    task
        What to read, and where to write.

    Returns
    -------
    Result
        Parts that are on the disk, and those they replace.

    Raises
    ------
    OSError
        The parts cannot be written, or those there are not be read.
    """
    writer = PartWriter(Path(task.catalog), task.crawl, task.shard)
    try:
        return _refresh(task, writer)
    except BaseException:
        writer.abandon()
        raise


def _refresh(task: Task, writer: PartWriter) -> Result:
    schemas = catalog_schemas()
    held = {name: _Held(task, name, schemas[name]) for name in (*_OF_FILES, *_OF_UNITS)}
    there = [unit for unit in task.units if unit.entries is not None]
    files = held["files"].mine
    if task.hindrance is not None:
        new, gone, counts = _nothing(held)
    else:
        ended = files.filter(_is_of_another_kind(files, there))
        known = _without(files, ended.column("path"))
        doubtful = [
            *_sets_in_doubt(known, there),
            *_sets_that_lack_files(held["problems"].mine),
            *_read_otherwise(known, held["projects"].mine, task),
        ]
        new, gone, counts = _harvest(task, there, known, doubtful)
        gone |= set(ended.column("path").to_pylist()) - set(new["files"].column("path").to_pylist())
    counts.deleted = len(gone)
    rows: dict[str, pa.Table] = {}
    touched = pa.array([*sorted(gone), *new["files"].column("path").to_pylist()], pa.large_string())
    for name in _OF_FILES:
        rows[name] = pa.concat_tables([_without(held[name].mine, touched), new[name]])
    rows["jobs"] = new["jobs"]
    # Whether a unit can be read is found anew.
    rows["problems"] = rows["problems"].filter(pc.invert(_is_of_whole_units(rows["problems"])))
    if task.hindrance is not None:
        said = _said(task, task.hindrance, there, schemas["problems"])
        rows["problems"] = pa.concat_tables([rows["problems"], said])
        counts.problems[task.hindrance.severity] += len(there)
    rows |= mark_latest(rows)
    read = new["files"]
    changed = set(unit_of(read.filter(pc.equal(read.column("changed_crawl"), task.crawl))).to_pylist())
    changed |= _units_of(held["files"].mine, gone) | _units_that_differ(held["jobs"].mine, rows["jobs"])
    before, after = (
        table.filter(_is_of_whole_units(table)) for table in (held["problems"].mine, rows["problems"])
    )
    changed |= _units_that_differ(before, after)
    counts.units = len(changed)
    root = text_of(task.root)
    rows["projects"] = project_rows(
        there,
        rows,
        held["projects"].mine,
        root=root,
        crawl=task.crawl,
        changed=changed,
        schema=schemas["projects"],
    )
    if task.hindrance is not None:
        # Without a fingerprint the next crawl tries again.
        rows["projects"] = _with_nulls(rows["projects"], "fingerprint")
    changes = {}
    for name, table in rows.items():
        if not _is_same(held[name].mine, table, touched if name in _OF_FILES else None):
            changes[name] = held[name].replaced(writer, table)
    changes |= _added_to(task, writer, "labels", _unknown_labels(task, new["labels"]), schemas["labels"])
    deleted = _deletions(held["files"].mine, gone, task.crawl, schemas["deletions"])
    changes |= _added_to(task, writer, "deletions", deleted, schemas["deletions"])
    for name, parts in writer.settle().items():
        changes[name].added = parts
    errors = dict(
        zip(*(rows["projects"].column(name).to_pylist() for name in ("path", "errors")), strict=True)
    )
    return Result(task.shard, changes, counts, errors)


def _nothing(held: dict[str, _Held]) -> tuple[dict[str, pa.Table], set[str], Counts]:
    """Return what `_harvest` does where nothing is read: jobs stay, and whatever else there is."""
    new = {name: schema.empty_table() for name, schema in catalog_schemas().items()}
    return new | {"jobs": held["jobs"].mine}, set(), Counts(unchanged=held["files"].mine.num_rows)


def _said(task: Task, hindrance: Hindrance, units: list[Unit], schema: pa.Schema) -> pa.Table:
    """Return the findings that nothing of these units can be read."""
    rows = [
        {
            "path": unit.path,
            "root": text_of(task.root),
            # Of loose files, too: by this the row is known to be of their folder, and not of the root's.
            "project": unit.path,
            "code": hindrance.code,
            "name": hindrance.name,
            "severity": hindrance.severity,
            "message": hindrance.message,
            "count": 1,
        }
        for unit in units
    ]
    return pa.Table.from_pylist(rows, schema=schema)


def _is_of_whole_units(problems: pa.Table) -> pa.Array:
    return pc.is_in(problems.column("code"), value_set=_OF_WHOLE_UNITS).combine_chunks()


class _Held:
    """What a table holds of a shard: the rows of the task's units, and those beside them."""

    def __init__(self, task: Task, name: str, schema: pa.Schema) -> None:
        self._task = task
        self._name = name
        self._schema = schema
        #: Parts with rows of the units, their rows, and which of these are not of the units.
        self._parts: list[tuple[Part, pa.Table, pa.Array]] = []
        known = [unit.path for unit in task.units if unit.is_known]
        mine = [schema.empty_table()]
        root = text_of(task.root)
        for part in task.parts[name] if known else ():
            if not part.may_hold(known):
                continue
            table = _read(Path(task.catalog), name, part, schema)
            own = pc.and_(
                pc.equal(table.column("root"), root),
                pc.is_in(_unit_of(name, table), value_set=pa.array(known, pa.large_string())),
            )
            found = table.filter(own)
            if found.num_rows:
                mine.append(found)
                self._parts.append((part, table, pc.invert(own)))
        #: Rows of the task's units, as the catalogue has them.
        self.mine = pa.concat_tables(mine)

    def replaced(self, writer: PartWriter, rows: pa.Table) -> Change:
        """Write the rows of the units, and those that stood beside them, into new parts."""
        removed = [part for part, _, _ in self._parts]
        kept = [table.filter(others) for _, table, others in self._parts]
        parts = self._task.parts[self._name]
        catalog = Path(self._task.catalog)
        return join_small(catalog, writer, self._name, [*kept, rows], parts, removed, self._schema)


def join_small(
    catalog: Path,
    writer: PartWriter,
    name: str,
    tables: list[pa.Table],
    parts: list[Part],
    removed: list[Part],
    schema: pa.Schema,
) -> Change:
    """Write rows into new parts, with those of parts that are so small that they are better joined.

    Parameters
    ----------
    catalog
        Folder of the catalogue.
    writer
        Writes the parts.
    name
        Table.
    tables
        The rows.
    parts
        What the shard has of the table.
    removed
        Parts that these rows replace already.
    schema
        Columns of the table.
    """
    total = sum(table.num_rows for table in tables)
    gone = {part.name for part in removed}
    if total:
        for part in sorted(parts, key=lambda part: (part.rows, part.name)):
            if part.name in gone:
                continue
            if part.rows > PART_ROWS // 2 or total + part.rows > PART_ROWS:
                break
            tables.append(_read(catalog, name, part, schema))
            removed.append(part)
            total += part.rows
    writer.write(name, pa.concat_tables(tables) if tables else schema.empty_table())
    return Change(removed=removed)


def _added_to(
    task: Task, writer: PartWriter, name: str, rows: pa.Table, schema: pa.Schema
) -> dict[str, Change]:
    """Write rows beside those that a table has."""
    if not rows.num_rows:
        return {}
    return {name: join_small(Path(task.catalog), writer, name, [rows], task.parts[name], [], schema)}


def _harvest(
    task: Task, units: list[Unit], known: pa.Table, doubtful: list[str]
) -> tuple[dict[str, pa.Table], set[str], Counts]:
    """Read what is new in units, and files in doubt; return rows by table, the paths that are gone, and counts."""
    from tomoset import _core

    if not units:
        # The root itself may be gone.
        return {name: schema.empty_table() for name, schema in catalog_schemas().items()}, set(), Counts()
    harvest = _core.harvest(
        os.fsdecode(task.root),
        [(unit.folder, unit.is_project, unit.entries) for unit in units if unit.entries is not None],
        known.combine_chunks().to_batches()[0] if known.num_rows else None,
        crawl=task.crawl,
        now_ns=task.now_ns,
        verify=task.options.verify,
        doubtful=set(doubtful),
        recall=task.options.recall,
        particles=task.options.particles,
        threads=task.options.threads,
    )
    found: dict[str, list[pa.Table]] = {
        name: [schema.empty_table()] for name, schema in catalog_schemas().items()
    }
    counts = Counts()
    for harvested in harvest:
        counts.num_bytes += harvested.num_bytes
        for name, table in harvested.tables.items():
            found[name].append(table)
    found["jobs"].append(harvest.jobs())
    new = {name: pa.concat_tables(tables) for name, tables in found.items()}
    counts.unchanged, counts.new, counts.changed = harvest.counts
    counts.tomograms, counts.tilts = new["tomograms"].num_rows, new["tilts"].num_rows
    for entry in new["problems"].column("severity").value_counts().to_pylist():
        counts.problems[entry["values"]] += entry["counts"]
    return new, set(harvest.gone), counts


def _unit_of(name: str, table: pa.Table) -> pa.Array:
    return table.column("path").combine_chunks() if name == "projects" else unit_of(table)


def _is_of_another_kind(files: pa.Table, units: list[Unit]) -> pa.Array:
    """Tell which files are of no unit any more, or of one that has become a project, or is one no longer."""
    owners, loose = unit_of(files), pc.is_null(files.column("project")).combine_chunks()
    projects = pa.array([unit.path for unit in units if unit.is_project], pa.large_string())
    folders = pa.array([unit.path for unit in units if not unit.is_project], pa.large_string())
    same = pc.if_else(loose, pc.is_in(owners, value_set=folders), pc.is_in(owners, value_set=projects))
    return pc.invert(same)


def _without(table: pa.Table, paths: pa.Array | pa.ChunkedArray) -> pa.Table:
    """Return the rows of other files than these."""
    return (
        table.filter(pc.invert(pc.is_in(table.column("path"), value_set=_whole(paths))))
        if len(paths)
        else table
    )


def _whole(values: pa.Array | pa.ChunkedArray) -> pa.Array:
    return values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values


def _sets_in_doubt(files: pa.Table, units: list[Unit]) -> list[str]:
    """Return the tomogram sets of units where files have come or gone: they may name these, and are read again."""
    sets = files.filter(pc.equal(files.column("kind"), "tomogram_set"))
    set_owners, owners = unit_of(sets), unit_of(files)
    of_sets = set(set_owners.to_pylist())
    moved = []
    for unit in units:
        if unit.entries is not None and unit.path in of_sets:
            met = unit.entries.filter(pc.not_equal(unit.entries.column("sort"), MARKER)).column("path")
            known = files.column("path").filter(pc.equal(owners, unit.path))
            if set(map(text_of, met.to_pylist())) != set(known.to_pylist()):
                moved.append(unit.path)
    own = pc.is_in(set_owners, value_set=pa.array(moved, pa.large_string()))
    found: list[str] = sets.column("path").filter(own).to_pylist()
    return found


def _sets_that_lack_files(problems: pa.Table) -> list[str]:
    """Return the tomogram sets that named files that were not there: they may be there now, or were on their way."""
    lacking = problems.filter(pc.equal(problems.column("code"), _REFERENCE_MISSING))
    found: list[str] = lacking.column("path").unique().to_pylist()
    return found


def _read_otherwise(files: pa.Table, projects: pa.Table, task: Task) -> list[str]:
    """Return the particle sets of units that were read with particles and now are not, or the other way round."""
    units = [
        path
        for path, fingerprint in zip(
            *(projects.column(name).to_pylist() for name in ("path", "fingerprint")), strict=True
        )
        if fingerprint is None or fingerprint[FINGERPRINT:] != task.options.mark
    ]
    sets = files.filter(pc.equal(files.column("kind"), "particles"))
    own = pc.is_in(unit_of(sets), value_set=pa.array(units, pa.large_string()))
    found: list[str] = sets.column("path").filter(own).to_pylist()
    return found


def _units_of(files: pa.Table, paths: set[str]) -> set[str]:
    """Return the units that have any of these files."""
    if not paths:
        return set()
    own = pc.is_in(files.column("path"), value_set=pa.array(sorted(paths), pa.large_string()))
    return set(unit_of(files.filter(own)).to_pylist())


def _units_that_differ(old: pa.Table, new: pa.Table) -> set[str]:
    """Return the projects whose rows are other than before."""
    if _is_same(old, new):
        return set()
    # Rows have lists, so that they cannot be members themselves.
    before, after = ({(row["project"], repr(row)) for row in table.to_pylist()} for table in (old, new))
    return {project for project, _ in before ^ after}


def _is_same(old: pa.Table, new: pa.Table, touched: pa.Array | None = None) -> bool:
    """Tell whether two tables have the same rows in the same order; those of files that were touched in any place."""
    if old.num_rows != new.num_rows:
        return False
    if touched is not None and len(touched):
        old, new = _touched_last(old, touched), _touched_last(new, touched)
    same: bool = _bits(old).equals(_bits(new))
    return same


def _bits(table: pa.Table) -> pa.Table:
    """Return a table with its numbers as their bits: what is no number is the same as itself then."""
    table = table.combine_chunks()
    for at, field in enumerate(table.schema):
        if pa.types.is_float64(field.type):
            table = table.set_column(at, field.name, table.column(at).combine_chunks().view(pa.int64()))
    return table


def _touched_last(table: pa.Table, touched: pa.Array) -> pa.Table:
    """Put the rows of these files below the others, file by file, the rows of each in their order."""
    places = pc.fill_null(pc.index_in(table.column("path"), value_set=touched), -1)
    order = np.argsort(places.to_numpy(), kind="stable")
    return table.take(places_of(order))


def _with_nulls(table: pa.Table, name: str) -> pa.Table:
    at = table.schema.get_field_index(name)
    field = table.schema.field(at)
    return table.set_column(at, field, pa.nulls(table.num_rows, field.type))


def _unknown_labels(task: Task, labels: pa.Table) -> pa.Table:
    """Return the rows of headers that the shard does not know yet, each once."""
    labels = labels.group_by(labels.column_names, use_threads=False).aggregate([])
    if not labels.num_rows:
        return labels
    known = [
        read_part(Path(task.catalog), "labels", part, columns=["header"]) for part in task.parts["labels"]
    ]
    headers = pa.concat_tables(known).column("header").combine_chunks() if known else pa.array([], pa.int64())
    return labels.filter(pc.invert(pc.is_in(labels.column("header"), value_set=headers)))


def _deletions(files: pa.Table, gone: set[str], crawl: int, schema: pa.Schema) -> pa.Table:
    own = files.filter(pc.is_in(files.column("path"), value_set=pa.array(sorted(gone), pa.large_string())))
    crawls = pa.array([crawl] * own.num_rows, pa.int64())
    columns = [crawls if name == "deleted_crawl" else own.column(name) for name in schema.names]
    return pa.table(columns, schema=schema)


def _read(catalog: Path, name: str, part: Part, schema: pa.Schema) -> pa.Table:
    """Read a part; columns that an older tomoset did not have are null."""
    table = read_part(catalog, name, part)
    columns = [
        table.column(field.name) if field.name in table.column_names else pa.nulls(table.num_rows, field.type)
        for field in schema
    ]
    return pa.Table.from_arrays(columns, schema=schema)
