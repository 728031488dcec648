"""The catalogue that the queries are timed on is as large as it says, and like one."""

import importlib
import sys
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from tomoset import _core
from tomoset.catalog.examples import examples

BENCHES = Path(__file__).resolve().parents[2] / "benches"


@pytest.fixture(scope="module")
def bench() -> Any:
    if str(BENCHES) not in sys.path:
        sys.path.append(str(BENCHES))
    return importlib.import_module("catalogue")


@pytest.fixture(scope="module")
def data(bench: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("catalogue")
    bench.make(folder, bench.Sizes(projects=12, crawls=30, shards=2))
    return folder


def test_tables_are_as_a_catalogue_has_them(data: Path) -> None:
    schemas = _core.catalog_schemas()
    assert {folder.name for folder in data.iterdir() if folder.is_dir()} == set(schemas)
    for name, schema in schemas.items():
        for path in (data / name).glob("shard=*/part-*.parquet"):
            assert pq.read_schema(path).equals(schema), path


def test_same_numbers_make_the_same_rows(bench: Any, data: Path, tmp_path: Path) -> None:
    bench.make(tmp_path, bench.Sizes(projects=12, crawls=30, shards=2))
    for path in sorted(data.rglob("*.parquet")):
        assert pq.read_table(path).equals(pq.read_table(tmp_path / path.relative_to(data))), path


def test_each_tomogram_is_the_latest_once(bench: Any, data: Path) -> None:
    session = bench.open_session(data, threads=1)
    (twice,) = session.sql(
        "SELECT count(*) FROM (SELECT path FROM latest.tilts GROUP BY path, row HAVING count(*) > 1)"
    ).fetchall()
    assert twice == (0,)
    assert bench.count(session, "tomograms") > 4 * bench.count(session, "latest.tomograms")


def test_every_query_runs(bench: Any, data: Path) -> None:
    session = bench.open_session(data, threads=1)
    answered = [
        name for name, example in examples().items() if session.sql(example.sql).to_arrow_table().num_rows
    ]
    assert len(answered) >= 15


def test_the_report_is_measured(bench: Any, data: Path) -> None:
    found = importlib.import_module("report").measured(data, threads=1, panels=5)
    assert found["detailed"] == 5
    assert found["bytes"] < 20_000_000
    assert min(found["seconds"], found["busy"], found["peak"]) > 0
