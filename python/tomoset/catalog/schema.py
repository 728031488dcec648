"""The tables of a catalogue: their names, what they hold, and their columns."""

from collections.abc import Iterator
from functools import cache

import pyarrow as pa

TABLES: dict[str, str] = {
    "files": "Every STAR file of the archive: one row a file.",
    "projects": "Every project, and every folder below the root with files that belong to none: one row each.",
    "jobs": "Every job of every project, of its pipeline and of its folders: one row a job.",
    "tomograms": "Every tomogram of every tomogram set: one row a tomogram and file.",
    "tilts": "Every tilt image of every tilt series: one row an image and file.",
    "particle_sets": "How many particles sets have: one row a file, tomogram and optics group.",
    "particles": "Every particle of every particle set, where `tomoset index --particles` asked for it: one row each.",
    "labels": "Which labels files have: one row a header and label; files with equal labels share a header. "
    "Where the Delta table is opened without tomoset, rows may be there several times.",
    "problems": "What was odd in the files, and what RELION would make of it: one row a finding.",
    "deletions": "Files that were there and are no longer: one row a deletion.",
    "crawls": "Every crawl that changed something and came to its end: one row a crawl.",
}

REPEATED = frozenset({"labels"})
"""Tables of which each partition has the rows that it needs: equal ones are one to those who ask."""

SHARDS = 64
"""Into how many partitions the projects are dealt."""

SHARD = "shard"
"""The column by which the tables are partitioned; queries do not see it."""


def catalog_schemas() -> dict[str, pa.Schema]:
    """Return the columns that this version writes, by table; units and words are field metadata."""
    schemas = _core_schemas()
    return {name: schemas[name] for name in TABLES}


@cache
def _core_schemas() -> dict[str, pa.Schema]:
    """Return the schemas, made once: each task asks for them."""
    from tomoset import _core

    return _core.catalog_schemas()


def sql_type(dtype: pa.DataType) -> str:
    """Return the name by which DuckDB knows a type of the catalogue."""
    if pa.types.is_list(dtype) or pa.types.is_large_list(dtype):
        return f"{sql_type(dtype.value_type)}[]"
    return next(name for test, name in _SQL_TYPES if test(dtype))


_SQL_TYPES = (
    (pa.types.is_int64, "BIGINT"),
    (pa.types.is_integer, "INTEGER"),
    (pa.types.is_float64, "DOUBLE"),
    (pa.types.is_floating, "FLOAT"),
    (pa.types.is_boolean, "BOOLEAN"),
    (pa.types.is_timestamp, "TIMESTAMPTZ"),
    (pa.types.is_binary, "BLOB"),
    (pa.types.is_large_binary, "BLOB"),
    (lambda _: True, "VARCHAR"),
)


def columns_page(schemas: dict[str, pa.Schema]) -> str:
    """Return the tables and columns as Markdown, as ``docs/catalog.md`` holds them."""
    return "\n".join(line for name, schema in schemas.items() for line in _table_lines(name, schema))


def _table_lines(name: str, schema: pa.Schema) -> Iterator[str]:
    yield from (f"### `{name}`", "", TABLES[name], "")
    yield "| column | type | unit | RELION label | meaning |"
    yield "|---|---|---|---|---|"
    for field in schema:
        unit, label, words = (_metadata(field, key) for key in ("unit", "label", "description"))
        code = f"`{label}`" if label else ""
        yield f"| `{field.name}` | {sql_type(field.type)} | {unit} | {code} | {words} |"
    yield ""


def _metadata(field: pa.Field, key: str) -> str:
    """Return one entry of the field metadata, ready for a cell of a Markdown table."""
    value: bytes = (field.metadata or {}).get(key.encode(), b"")
    return value.decode().replace("|", "\\|")


if __name__ == "__main__":
    print(columns_page(catalog_schemas()))
