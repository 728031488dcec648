"""Time the shipped queries on a catalogue as large as a facility's: ``python benches/catalogue.py``.

The tables are synthesised (catalogue_tables.py) once and kept: 5 million files, 16 million tilts, a million
rows of tomograms. They are stored as a catalogue stores them: Parquet, zstd, parts of at most 65,536 rows
(262,144 of tilts) in 64 shards by project.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
from catalogue_tables import FACTS, MACROS, ROWS
from tables import describe_machine
from tomoset.catalog.examples import examples
from tomoset.catalog.views import view_statements

PART_ROWS = {"tilts": 262_144}
DEFAULT_PART_ROWS = 65_536
BEST_OF = 3
GOAL_SECONDS = 1.0


@dataclass(frozen=True)
class Sizes:
    """How large the archive is."""

    projects: int = 5100
    crawls: int = 300
    shards: int = 64


def main(arguments: Sequence[str] | None = None) -> int:
    """Make the tables where they are missing and time the queries; 1 where one takes too long."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("bench-data/catalogue"))
    parser.add_argument("--projects", type=int, default=Sizes.projects)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--only", nargs="*", help="names of queries")
    chosen = parser.parse_args(arguments)
    make(chosen.data, Sizes(projects=chosen.projects))
    print(describe_machine().splitlines()[0])
    session = open_session(chosen.data, threads=chosen.threads)
    for name in ROWS:
        print(f"{name:<16}{count(session, name):>12,} rows")
    texts = {
        name: example.sql for name, example in examples().items() if not chosen.only or name in chosen.only
    }
    print(f"\n| query | best of {BEST_OF}, s | rows |\n|---|---:|---:|")
    slow = 0
    for name, sql in texts.items():
        seconds, rows = best_time(session, sql)
        slow += seconds >= GOAL_SECONDS
        print(f"| {name} | {seconds:.3f} | {rows:,} |", flush=True)
    return int(slow > 0)


def make(folder: Path, sizes: Sizes) -> None:
    """Synthesise the tables below a folder, unless they are there in this size."""
    stamp = folder / "sizes.json"
    wanted = json.dumps(vars(sizes))
    if stamp.exists() and stamp.read_text() == wanted:
        return
    from tomoset import _core

    schemas = _core.catalog_schemas()
    facts = duckdb.connect(config={"threads": os.cpu_count() or 1})
    numbers = {"$projects": sizes.projects, "$crawls": sizes.crawls, "$shards": sizes.shards}
    for statement in (*MACROS.strip().split(";\n"), "SET TimeZone = 'UTC'", *FACTS):
        facts.execute(_filled(statement, numbers))
    for shard in range(sizes.shards):
        for name, sql in ROWS.items():
            rows = facts.sql(_filled(sql, {**numbers, "$shard": shard})).to_arrow_table()
            _write(
                folder / name / f"shard={shard:02d}",
                _fitted(rows, schemas[name]),
                PART_ROWS.get(name, DEFAULT_PART_ROWS),
            )
        print(f"\rshard {shard + 1} of {sizes.shards}", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    stamp.write_text(wanted)


def open_session(folder: Path, threads: int) -> duckdb.DuckDBPyConnection:
    """Return a database whose content are the tables and the views over them."""
    from tomoset import _core

    session = duckdb.connect(config={"threads": threads})
    session.execute("SET TimeZone = 'UTC'")
    schemas = _core.catalog_schemas()
    for name in ROWS:
        paths = sorted(str(path) for path in (folder / name).rglob("*.parquet"))
        files = ", ".join(f"'{path}'" for path in paths)
        rows = f"FROM read_parquet([{files}], hive_partitioning = false)"
        if not paths:
            session.register(f"no_{name}", schemas[name].empty_table())
            rows = f"FROM no_{name}"
        session.execute(f"CREATE VIEW {name} AS {rows}")
    for statement in view_statements():
        session.execute(statement)
    return session


def best_time(session: duckdb.DuckDBPyConnection, sql: str) -> tuple[float, int]:
    """Return the least time that a query took, whole answer included, and how many rows that has."""
    times = []
    for _ in range(BEST_OF):
        start = time.perf_counter()
        answer = session.sql(sql).to_arrow_table()
        times.append(time.perf_counter() - start)
    return min(times), answer.num_rows


def count(session: duckdb.DuckDBPyConnection, name: str) -> int:
    """Return how many rows a table has."""
    (number,) = session.sql(f"SELECT count(*) FROM {name}").fetchall()[0]
    return int(number)


def _filled(statement: str, numbers: Mapping[str, int]) -> str:
    for name, number in numbers.items():
        statement = statement.replace(name, str(number))
    return statement


def _fitted(rows: pa.Table, schema: pa.Schema) -> pa.Table:
    """Return the rows with all columns of the schema, null where nothing was made."""
    names = set(rows.column_names)
    columns = [
        rows[field.name].cast(field.type) if field.name in names else pa.nulls(rows.num_rows, field.type)
        for field in schema
    ]
    return pa.table(columns, schema=schema)


def _write(folder: Path, rows: pa.Table, part_rows: int) -> None:
    texts = [field.name for field in rows.schema if pa.types.is_large_string(field.type)]
    folder.mkdir(parents=True, exist_ok=True)
    for number, start in enumerate(range(0, rows.num_rows, part_rows)):
        part = rows.slice(start, part_rows)
        path = folder / f"part-{number:05d}.parquet"
        pq.write_table(part, path, compression="zstd", use_dictionary=texts, row_group_size=DEFAULT_PART_ROWS)


if __name__ == "__main__":
    sys.exit(main())
