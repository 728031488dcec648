"""What is asked of one Delta table: its files, its last batch, its log, and what deltalake says when it fails."""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from deltalake.exceptions import CommitFailedError, DeltaError

from tomoset.catalog.faults import CatalogFormatError
from tomoset.catalog.folder import naming
from tomoset.catalog.parts import Part
from tomoset.catalog.schema import SHARD
from tomoset.exceptions import CatalogBusy

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from deltalake import DeltaTable

APPLICATION = "tomoset"
"""By this name the number of the last batch stands in a table's log."""


def last_batch(table: DeltaTable) -> int:
    """Return the number of the last batch that a table has."""
    return table.transaction_version(APPLICATION) or 0


def version_of(path: Path) -> int:
    """Return the version that a file of a log is about; -1 for others."""
    number = path.name.partition(".")[0]
    return int(number) if number.isdigit() else -1


def is_whole(path: Path) -> bool:
    """Tell whether a log entry is there from begin to end."""
    text = path.read_bytes()
    try:
        return text.strip() != b"" and all(isinstance(json.loads(line), dict) for line in text.splitlines())
    except ValueError:
        return False


def active_files(table: DeltaTable) -> list[dict[str, Any]]:
    """Return path, size and null counts of every file of the table."""
    # pa.table would load pandas wherever it is installed.
    actions = pa.RecordBatchReader.from_stream(table.get_add_actions(flatten=True)).read_all()
    columns = actions.column_names
    wanted = [name for name in columns if name.startswith("null_count.")]
    wanted += [
        name for name in ("num_records", "min.path", "max.path", f"partition.{SHARD}") if name in columns
    ]
    files: list[dict[str, Any]] = actions.select(["path", "size_bytes", *wanted]).to_pylist()
    return files


def parts_of(table: DeltaTable) -> dict[str, Part]:
    """Return the files of a table as parts, by name."""
    found = {}
    for file in active_files(table):
        bounds = {key: file.get(f"{key}.path") for key in ("min", "max")}
        known = {f"{key}Values": {"path": bound} for key, bound in bounds.items() if bound is not None}
        found[file["path"]] = Part(
            name=file["path"],
            shard=int(file.get(f"partition.{SHARD}") or 0),
            size=file["size_bytes"],
            rows=file.get("num_records") or 0,
            stats=json.dumps(known),
        )
    return found


@contextmanager
def delta_faults(folder: Path, name: str) -> Iterator[None]:
    """Tell what deltalake could not do in the words of a catalogue."""
    try:
        with naming(folder / name):
            yield
    except CommitFailedError as fault:
        raise CatalogBusy(
            f"somebody else wrote to table {name!r} of {folder}: {_first_line(fault)}"
        ) from fault
    except DeltaError as fault:
        message = f"table {name!r} of {folder} is damaged or missing, or was copied while somebody wrote"
        message = f"{message}: {_first_line(fault)}"
        raise CatalogFormatError(message) from fault


def _first_line(fault: Exception) -> str:
    """Return the first line of a fault, without what the kernel of Delta prints of its own insides."""
    return str(fault).partition("\n")[0].partition(": ParsedLogPath {")[0]
