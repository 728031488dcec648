"""Catalogues for the tests of the report: one like a facility's, and one whose every name is an attack."""

import shutil
from pathlib import Path
from typing import Any

import pyarrow as pa
from catalog_samples import (
    NOON,
    SCHEMAS,
    add,
    make_project,
    particle_set,
    pipeline,
    tilt_series,
    tomogram_set,
    write,
)
from tomoset import Catalog
from tomoset.catalog.store import Store

#: Ends scripts, elements, attributes and comments; turns text around; has quotes, line ends, and what looks like a
#: place to be filled.
HOSTILE = (
    "\"'><script>alert(1)</script><img src=x onerror=alert(2)>\n\u202e$data $chosen</title>--> & &lt; \u2028"
)
#: As many projects as need a second page of the table.
SMALL = 110


def make_archive(root: Path) -> None:
    """Write an archive: two projects with tilt series, one of RELION 4, many small ones, and loose broken files."""
    make_project(root / "krios1/2026/alpha", [f"TS_{number}" for number in range(1, 13)])
    make_project(root / "krios1/2026/beta")
    write(
        root / "glacios/old/PseudoSubtomo/job002/tomograms.star",
        "data_global\n\nloop_\n_rlnTomoName\n_rlnTomoHand\n_rlnTomoFrameCount\n00001 1 2\n\n"
        "data_00001\n\nloop_\n_rlnDefocusU\n_rlnDefocusV\n_rlnMicrographPreExposure\n30000 30100 0\n30200 30300 3\n",
    )
    jobs = {"ImportTomo/job001": "Succeeded", "PseudoSubtomo/job002": "Failed"}
    edge = ("ImportTomo/job001", "tomograms.star", "PseudoSubtomo/job002")
    write(root / "glacios/old/default_pipeline.star", pipeline(jobs, [edge]))
    for number in range(SMALL):
        write(
            root / f"small/p{number}/default_pipeline.star",
            "data_pipeline_general\n\n_rlnPipeLineJobCounter 1\n",
        )
    write(root / "loose/deep/broken.star", "data_\n\nloop_\n_rlnTomoName\n_rlnVoltage\nTS_01 300\nTS_02\n")


def make_catalog(folder: Path) -> Path:
    """Index an archive twice, with changes between; return the catalogue's folder."""
    root = folder / "archive"
    make_archive(root)
    with Catalog.create(folder / "catalog") as catalog:
        catalog.index(root, threads=1)
        shutil.rmtree(root / "krios1/2026/beta")
        write(root / "small/p7/MotionCorr/job003/tilt_series/X.star", tilt_series("X"))
        write(
            root / "small/p7/MotionCorr/job003/corrected_tilt_series.star",
            tomogram_set("MotionCorr/job003", ["X"]),
        )
        write(root / "small/p7/Extract/job004/particles.star", particle_set({"X": 3}))
        write(root / "loose/late.star", "data_\n\nloop_\n_rlnTomoName\n_rlnVoltage\nTS_01 300\nTS_02\n")
        catalog.index(root, threads=1)
    return folder / "catalog"


def make_hostile_catalog(folder: Path) -> Path:
    """Make a catalogue in which whatever is text is hostile."""
    store = Store.create(folder, SCHEMAS)
    with store.writing(SCHEMAS) as writer:
        add(writer, {name: _hostile_row(name, schema) for name, schema in SCHEMAS.items()})
        writer.commit()
    return folder


def make_large_catalog(folder: Path, projects: int) -> Path:
    """Make a catalogue of so many projects, each with a tilt series and a path as long as paths become."""
    store = Store.create(folder, SCHEMAS)
    names = [f"{'long name ' * 28}{number}" for number in range(projects)]
    columns: dict[str, dict[str, Any]] = {
        "projects": {"path": names, "tomograms": [1] * projects, "last_change": [NOON] * projects},
        "files": {"path": [f"{name}/a.star" for name in names], "size": [100] * projects},
        "tomograms": {"tomogram": names, "latest": [True] * projects},
        "tilts": {"tomogram": names, "latest": [True] * projects, "nominal_tilt_angle": [3.0] * projects},
    }
    tables = {}
    for name, values in columns.items():
        values |= {"root": ["/data"] * projects, "project": names}
        nothing = [None] * projects
        schema = SCHEMAS[name]
        arrays = [pa.array(values.get(field.name, nothing), field.type) for field in schema]
        tables[name] = pa.table(arrays, schema=schema)
    with store.writing(SCHEMAS) as writer:
        add(writer, tables)
        writer.commit()
    return folder


def _hostile_row(name: str, schema: pa.Schema) -> pa.Table:
    values = {field.name: [_hostile_value(name, field)] for field in schema}
    return pa.table([pa.array(values[field.name], field.type) for field in schema], schema=schema)


def _hostile_value(name: str, field: pa.Field) -> Any:
    if field.name in ("path", "root", "project"):
        # They have to agree, so that the rows find each other.
        own = field.name != "path" or name == "projects"
        return {"root": f"/{HOSTILE}"}.get(field.name, HOSTILE if own else f"{HOSTILE}/{HOSTILE}.star")
    if pa.types.is_list(field.type) or pa.types.is_large_list(field.type):
        return None if pa.types.is_integer(field.type.value_type) else [HOSTILE]
    if pa.types.is_timestamp(field.type):
        return NOON
    if pa.types.is_boolean(field.type):
        return True
    if pa.types.is_integer(field.type):
        return 1
    if pa.types.is_floating(field.type):
        return {"hand": float("nan"), "defocus_u": float("inf"), "nominal_tilt_angle": 1e300}.get(
            field.name, 1.5
        )
    if pa.types.is_binary(field.type) or pa.types.is_large_binary(field.type):
        return b"\xff<script>"
    return HOSTILE
