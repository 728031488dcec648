"""Small hand-made tables in place of a harvest, for the tests of the catalogue."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa

TEXT, WHOLE, REAL = pa.large_string(), pa.int64(), pa.float64()
_PLACE = [
    pa.field("path", TEXT, metadata={"description": "Path below the root"}),
    pa.field("root", TEXT),
    pa.field("project", TEXT),
]
SCHEMAS = {
    "files": pa.schema(
        [
            *_PLACE,
            pa.field("path_bytes", pa.large_binary()),
            pa.field("size", WHOLE, metadata={"unit": "byte"}),
            pa.field("mtime", pa.timestamp("us", "UTC")),
            pa.field("status", TEXT),
        ]
    ),
    "tomograms": pa.schema(
        [*_PLACE, pa.field("tomogram", TEXT, metadata={"label": "rlnTomoName"}), pa.field("pixel_size", REAL)]
    ),
    "tilts": pa.schema(
        [
            *_PLACE,
            pa.field("tomogram", TEXT),
            pa.field("nominal_tilt_angle", REAL),
            pa.field("shape", pa.list_(WHOLE)),
        ]
    ),
    "problems": pa.schema(
        [*_PLACE, pa.field("code", TEXT), pa.field("severity", TEXT), pa.field("line", WHOLE)]
    ),
}
NOON = datetime(2026, 11, 24, 12, 0, 0, 250_000, tzinfo=UTC)


def rows(name: str, root: str, number: int, first: int = 0) -> pa.Table:
    """Return some rows of a table of the catalogue."""
    values = {
        "path": [f"session{n // 10:03d}/TS_{n:03d}.star" for n in range(first, first + number)],
        "root": [root] * number,
        "project": [f"session{n // 10:03d}" for n in range(first, first + number)],
        "path_bytes": [None] * number,
        "size": [100 + n for n in range(number)],
        "mtime": [NOON] * number,
        "status": ["ok"] * number,
        "tomogram": [f"TS_{n:03d}" for n in range(first, first + number)],
        "pixel_size": [1.35] * number,
        "nominal_tilt_angle": [3.0 * n - 60 for n in range(number)],
        "shape": [[n, 2 * n] for n in range(number)],
        "code": ["R201"] * number,
        "severity": ["error" if n % 2 else "note" for n in range(number)],
        "line": list(range(number)),
    }
    schema = SCHEMAS[name]
    return pa.table(
        [pa.array(values[column], schema.field(column).type) for column in schema.names], schema=schema
    )


@dataclass
class SampleUnit:
    """Rows of a few files."""

    files: pa.Table
    tomograms: pa.Table
    tilts: pa.Table
    problems: pa.Table
    num_files: int
    num_bytes: int


@dataclass
class SampleHarvest:
    """Gives out prepared units, then perhaps a fault; remembers how it was asked."""

    counts: Sequence[int] = (3, 2)
    problems: int = 0
    fault: BaseException | None = None
    num_found: int = 0
    walk_done: bool = True
    asked: dict[str, object] = field(default_factory=dict)

    def __call__(self, root: str, **options: object) -> "SampleHarvest":
        """Remember the options, as the compiled harvest takes them."""
        self.asked = {"root": root, **options}
        self.num_found = sum(self.counts)
        return self

    def __iter__(self) -> Iterator[SampleUnit]:
        root = os.fsencode(str(self.asked["root"])).decode("utf-8", "replace")
        first = 0
        for count in self.counts:
            files, tomograms, tilts = (
                rows(name, root, count, first) for name in ("files", "tomograms", "tilts")
            )
            yield SampleUnit(
                files, tomograms, tilts, rows("problems", root, self.problems), count, 1000 * count
            )
            first += count
        if self.fault is not None:
            raise self.fault


def parquet_files(folder: Path) -> set[Path]:
    """Return every Parquet file of a catalogue, finished or not."""
    return {path for path in folder.rglob("*") if ".parquet" in path.name}
