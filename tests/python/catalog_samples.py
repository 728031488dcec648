"""Hand-made rows and small trees, for the tests of the catalogue."""

import gzip
import importlib
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
from tomoset import Catalog
from tomoset.catalog.journal import Change, Head
from tomoset.catalog.parts import PartWriter
from tomoset.catalog.schema import TABLES, catalog_schemas
from tomoset.catalog.store import Store
from tomoset.catalog.writer import Writer

SCHEMAS = catalog_schemas()
#: With a list, which tilts do not have.
SCHEMAS["tilts"] = SCHEMAS["tilts"].append(pa.field("shape", pa.list_(pa.int64())))
NOON = datetime(2026, 11, 24, 12, 0, 0, 250_000, tzinfo=UTC)


def rows(name: str, root: str, number: int, first: int = 0) -> pa.Table:
    """Return some rows of a table of the catalogue; columns that do not matter are null."""
    values = {
        "path": [f"session{n // 10:03d}/TS_{n:03d}.star" for n in range(first, first + number)],
        "root": [root] * number,
        "project": [f"session{n // 10:03d}" for n in range(first, first + number)],
        "size": [100 + n for n in range(number)],
        "mtime": [NOON] * number,
        "status": ["ok"] * number,
        "tomogram": [f"TS_{n:03d}" for n in range(first, first + number)],
        "pixel_size": [1.35] * number,
        "nominal_tilt_angle": [3.0 * n - 60 for n in range(number)],
        "shape": [[n, 2 * n] for n in range(number)],
        "code": ["R201"] * number,
        "severity": ["fatal" if n % 2 else "note" for n in range(number)],
        "line": list(range(number)),
    }
    schema = SCHEMAS[name]
    columns = [pa.array(values.get(field.name, [None] * number), field.type) for field in schema]
    return pa.Table.from_arrays(columns, schema=schema)


def add(writer: Writer, tables: dict[str, pa.Table], *, shard: int = 7, replace: bool = False) -> None:
    """Stage rows as new parts of a shard, in place of those that are there if wished."""
    parts = PartWriter(writer.folder, writer.crawl, shard)
    for name, table in tables.items():
        parts.write(name, table)
    added = parts.settle()
    writer.stage(
        {name: Change(added.get(name, []), writer.parts(name, shard) if replace else []) for name in tables}
    )


def fill(store: Store, number: int, names: Iterable[str] = SCHEMAS, *, root: str = "/data") -> None:
    """Bring so many rows of tables into a catalogue in one batch, in place of those there are."""
    with store.writing(SCHEMAS) as writer:
        add(
            writer,
            {name: rows(name, root, number) for name in names if "path" in SCHEMAS[name].names},
            replace=True,
        )
        writer.commit()


def parquet_files(folder: Path) -> set[Path]:
    """Return every Parquet file of a catalogue, finished or not."""
    return {path for path in folder.rglob("*") if ".parquet" in path.name}


def tilt_series(name: str, tilts: int = 3, defocus: float = 30000) -> str:
    """Return the text of a tilt series."""
    lines = "".join(f"{3 * at - 3} {3 * at} {defocus + at}\n" for at in range(tilts))
    header = "_rlnTomoNominalStageTiltAngle\n_rlnMicrographPreExposure\n_rlnDefocusU\n"
    return f"data_{name}\n\nloop_\n{header}{lines}"


def tomogram_set(job: str, names: Iterable[str]) -> str:
    """Return the text of a set of tomograms whose tilt series are in a job's folder."""
    header = "_rlnTomoName\n_rlnTomoTiltSeriesStarFile\n_rlnTomoHand\n_rlnTomoTiltSeriesPixelSize\n"
    lines = "".join(f"{name} {job}/tilt_series/{name}.star -1 1.35\n" for name in names)
    return f"data_global\n\nloop_\n{header}{lines}"


def particle_set(counts: dict[str, int]) -> str:
    """Return the text of a set with so many particles of each tomogram, all of one optics group."""
    optics = "data_optics\n\nloop_\n_rlnOpticsGroup\n_rlnOpticsGroupName\n_rlnVoltage\n1 opticsGroup1 300\n\n"
    header = "_rlnTomoName\n_rlnCenteredCoordinateXAngst\n_rlnOpticsGroup\n"
    lines = "".join(f"{name} {at}.5 1\n" for name, count in counts.items() for at in range(count))
    return f"{optics}data_particles\n\nloop_\n{header}{lines}"


def pipeline(jobs: dict[str, str], edges: Iterable[tuple[str, str, str]] = ()) -> str:
    """Return the text of a pipeline: jobs with what they are said to have done; edges are maker, file, taker."""
    processes = "".join(
        f"{job}/ None relion.{job.split('/')[0].lower()} {status}\n" for job, status in jobs.items()
    )
    made = "".join(f"{maker}/ {maker}/{file}\n" for maker, file, _ in edges)
    taken = "".join(f"{maker}/{file} {taker}/\n" for maker, file, taker in edges)
    names = "_rlnPipeLineProcessName\n_rlnPipeLineProcessAlias\n_rlnPipeLineProcessTypeLabel\n"
    return (
        f"data_pipeline_general\n\n_rlnPipeLineJobCounter 9\n\ndata_pipeline_processes\n\nloop_\n{names}"
        f"_rlnPipeLineProcessStatusLabel\n{processes}\ndata_pipeline_input_edges\n\nloop_\n"
        f"_rlnPipeLineEdgeFromNode\n_rlnPipeLineEdgeProcess\n{taken}\ndata_pipeline_output_edges\n\nloop_\n"
        f"_rlnPipeLineEdgeProcess\n_rlnPipeLineEdgeToNode\n{made}"
    )


def write(path: Path, text: str | bytes, *, age: float = 3600) -> None:
    """Write a file that was changed some seconds ago, so that it counts as settled."""
    path.parent.mkdir(parents=True, exist_ok=True)
    content = text.encode() if isinstance(text, str) else text
    path.write_bytes(gzip.compress(content, mtime=0) if path.suffix == ".gz" else content)
    then = path.stat().st_mtime_ns - int(age * 1e9)
    os.utime(path, ns=(then, then))


def make_project(folder: Path, names: Iterable[str] = ("TS_01", "TS_02")) -> None:
    """Write a project: Import, MotionCorr, a reconstruction, and an extraction of particles."""
    jobs = {"Import/job001": "Succeeded", "MotionCorr/job002": "Succeeded", "Tomograms/job003": "Running"}
    edges = [("Import/job001", "tilt_series.star", "MotionCorr/job002")]
    edges.append(("MotionCorr/job002", "corrected_tilt_series.star", "Tomograms/job003"))
    for job, file in (
        ("Import/job001", "tilt_series.star"),
        ("MotionCorr/job002", "corrected_tilt_series.star"),
        ("Tomograms/job003", "tomograms.star"),
    ):
        write(folder / job / file, tomogram_set(job, names))
        for name in names:
            write(folder / job / "tilt_series" / f"{name}.star", tilt_series(name))
    write(folder / "Tomograms/job003/RELION_JOB_EXIT_SUCCESS", "")
    write(folder / "Extract/job004/particles.star", particle_set(dict.fromkeys(names, 4)))
    write(folder / "Extract/job004/RELION_JOB_EXIT_FAILURE", "")
    write(folder / "default_pipeline.star", pipeline(jobs, edges))


@contextmanager
def powerless(folder: Path) -> Iterator[None]:
    """Be somebody who may not read everything, as root may."""
    if os.geteuid():
        yield
        return
    # Modules that are imported meanwhile may lie where others than root may not look.
    for name in ("tomoset.catalog.query", "tomoset.catalog.indexing", "tqdm"):
        importlib.import_module(name)
    for path in (folder, *folder.rglob("*")):
        os.chown(path, 65534, 65534, follow_symlinks=False)
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


#: Columns that tell of crawls and of times at which they were.
OF_CRAWLS = ("first_crawl", "changed_crawl", "deleted_crawl")


def content(catalog: Catalog) -> dict[str, list[tuple[Any, ...]]]:
    """Return all rows of all tables but those that tell of crawls, in an order of their own."""
    found = {}
    for name in TABLES:
        if name in ("crawls", "deletions"):
            continue
        # Labels of headers that no file has any more stay.
        only = " WHERE header IN (SELECT header FROM files)" if name == "labels" else ""
        table = catalog.sql(f"FROM {name}{only}")
        table = table.drop_columns([column for column in OF_CRAWLS if column in table.column_names])
        found[name] = sorted((tuple(row.values()) for row in table.to_pylist()), key=repr)
    return found


def batch_of(catalog: Catalog) -> int:
    return Head.read(Path(catalog.path)).batch


def answer(catalog: Catalog, query: str) -> list[tuple[Any, ...]]:
    return [tuple(row.values()) for row in catalog.sql(query).to_pylist()]


def fresh(tmp_path: Path, root: Path) -> dict[str, list[tuple[Any, ...]]]:
    """Return what a new catalogue has of a tree."""
    folder = tmp_path / f"fresh{len(list(tmp_path.iterdir()))}"
    with Catalog.create(folder) as catalog:
        catalog.index(root, threads=1)
        return content(catalog)
