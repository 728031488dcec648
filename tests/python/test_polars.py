"""`tomoset.polars.scan_star`: STAR files as lazy frames."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
import tomoset
import tomoset.polars
from tomoset.polars import scan_star

if TYPE_CHECKING:
    from pathlib import Path

ROWS = 1000


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "particles.star"
    rows = "".join(f"TS_{n % 4} {n}.5 {n % 3} [1,{n}] {n} word{n}\n" for n in range(ROWS))
    labels = ("rlnTomoName", "rlnCoordinateX", "rlnClassNumber", "rlnTomoVisibleFrames", "myCount", "myWord")
    head = "".join(f"_{label}\n" for label in labels)
    path.write_text(f"data_optics\n\nloop_\n_rlnVoltage\n300\n\ndata_particles\n\nloop_\n{head}{rows}")
    return path


class Asked:
    """What the reader of a scan was asked for, call by call."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.calls: list[tuple[list[str] | None, int, Any]] = []
        self.batches = 0

        def spy(path: Any, block: Any, columns: Any = None, **options: Any) -> Any:
            self.calls.append((columns, options["batch_rows"], options["dtypes"]))
            return tomoset.iter_star(path, block, columns, **options)

        monkeypatch.setattr(tomoset.polars, "iter_star", spy)


def test_a_scan_is_the_block(path: Path) -> None:
    known = tomoset.read_star(path)["particles"].to_polars()
    frame = scan_star(path, "particles")
    assert isinstance(frame, pl.LazyFrame)
    assert frame.collect_schema() == known.schema
    assert frame.collect().equals(known)
    assert scan_star(path, "particles", batch_rows=7).collect().equals(known)
    assert scan_star(os.fspath(path), "optics").collect().to_dict(as_series=False) == {"rlnVoltage": [300.0]}


def test_only_what_a_query_needs_is_read(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = Asked(monkeypatch)
    frame = scan_star(path, "particles")
    found = (
        frame.filter(pl.col("rlnClassNumber") == 2)
        .group_by("rlnTomoName")
        .agg(pl.col("rlnCoordinateX").max())
        .sort("rlnTomoName")
        .collect()
    )
    expected = [max(n + 0.5 for n in range(ROWS) if n % 3 == 2 and n % 4 == tomo) for tomo in range(4)]
    assert found["rlnCoordinateX"].to_list() == expected
    first, second = asked.calls
    assert first[0] is None
    assert sorted(second[0] or []) == ["rlnClassNumber", "rlnCoordinateX", "rlnTomoName"]


def test_reading_ends_where_head_has_its_rows(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[int] = []
    whole = pl.from_arrow

    def spy(data: Any, *more: Any, **options: Any) -> Any:
        read.append(data.num_rows)
        return whole(data, *more, **options)

    frame = scan_star(path, "particles", batch_rows=10)
    monkeypatch.setattr(pl, "from_arrow", spy)
    assert frame.head(15).collect()["myCount"].to_list() == list(range(15))
    assert read == [0, 10, 10]
    assert frame.filter(pl.col("myCount") > 990).head(3).collect()["myCount"].sort().to_list() == [
        991,
        992,
        993,
    ]


def test_rows_are_counted(path: Path) -> None:
    frame = scan_star(path, "particles")
    assert frame.select(pl.len()).collect().item() == ROWS
    assert frame.filter(pl.col("rlnTomoName") == "TS_1").select(pl.len()).collect().item() == ROWS // 4


def test_types_that_were_found_are_kept(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = Asked(monkeypatch)
    frame = scan_star(path, "particles")
    assert frame.select("myCount").collect().dtypes == [pl.Int64]
    assert {name: str(kind) for name, kind in asked.calls[1][2].items()} == {
        "rlnTomoName": "large_string",
        "rlnCoordinateX": "double",
        "rlnClassNumber": "int64",
        "rlnTomoVisibleFrames": "large_list<item: int64>",
        "myCount": "int64",
        "myWord": "large_string",
    }


@pytest.mark.parametrize(
    ("options", "kind"),
    [
        ({"dtypes": "string"}, pl.String),
        ({"dtypes": {"myCount": "float64"}}, pl.Float64),
        ({"dtypes": "infer"}, pl.Int64),
    ],
)
def test_types_are_as_asked(path: Path, options: dict[str, Any], kind: Any) -> None:
    found = scan_star(path, "particles", **options).collect()
    assert found.schema["myCount"] == kind
    assert found.equals(tomoset.read_star(path, **options)["particles"].to_polars())


def test_odd_bytes_as_bytes(tmp_path: Path) -> None:
    path = tmp_path / "x.star"
    path.write_bytes(b"data_a\n\nloop_\n_rlnTomoName\n_rlnVoltage\nT\xff 300\n")
    found = scan_star(path, invalid_utf8="bytes").collect()
    assert found.to_dict(as_series=False) == {"rlnTomoName": [b"T\xff"], "rlnVoltage": [300.0]}
    assert scan_star(path).collect()["rlnTomoName"].to_list() == ["T\ufffd"]


def test_a_loop_without_rows(tmp_path: Path) -> None:
    path = tmp_path / "x.star"
    path.write_text("data_a\n\nloop_\n_rlnTomoName\n_rlnVoltage\n")
    found = scan_star(path).filter(pl.col("rlnVoltage") > 3).collect()
    assert found.schema == {"rlnTomoName": pl.String, "rlnVoltage": pl.Float64}
    assert found.height == 0


def test_an_address_is_scanned() -> None:
    fsspec = pytest.importorskip("fsspec")
    fsspec.filesystem("memory").pipe_file("/x.star", b"data_a\n\nloop_\n_rlnVoltage\n300\n200\n")
    frame = scan_star("memory://x.star")
    assert frame.select(pl.col("rlnVoltage").sum()).collect().item() == 500.0


def test_faults_come_at_once_or_when_they_are_read(path: Path) -> None:
    with pytest.raises(tomoset.MissingBlockError, match="particels"):
        scan_star(path, "particels")
    with pytest.raises(FileNotFoundError):
        scan_star(path.with_name("none.star"))
    with pytest.raises(ValueError, match="threads must be at least 1"):
        scan_star(path, "particles", threads=0)
    with pytest.raises(ValueError, match="batch_rows is 0"):
        scan_star(path, "particles", batch_rows=0)
    with pytest.raises(pl.exceptions.ColumnNotFoundError):
        scan_star(path, "particles").select("rlnNone").collect()
    frame = scan_star(path, "particles")
    path.write_text(path.read_text().replace("TS_1 1.5 ", "TS_1 many "))
    # Older polars has its own kind of error, with the same words.
    with pytest.raises(
        (tomoset.StarTypeError, pl.exceptions.ComputeError),
        match=r"particles\.star:17:6: block data_particles: label rlnCoordinateX",
    ):
        frame.collect()
    assert frame.select("rlnTomoName").collect().height == ROWS


def test_one_file_twice_in_a_query(path: Path) -> None:
    frame = scan_star(path, "particles")
    largest = frame.group_by("rlnTomoName").agg(pl.col("myCount").max())
    assert frame.join(largest, on=["rlnTomoName", "myCount"]).collect()["myCount"].sort().to_list() == [
        996,
        997,
        998,
        999,
    ]
