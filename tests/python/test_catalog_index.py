"""From a tree to a catalogue: what a crawl writes, counts, leaves out and survives."""

import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from catalog_samples import SCHEMAS, SampleHarvest, SampleUnit, parquet_files
from tomoset.catalog import IndexProgress
from tomoset.catalog.indexing import index_tree
from tomoset.catalog.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    (tmp_path / "archive").mkdir()
    return tmp_path / "archive"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.create(tmp_path / "catalog", SCHEMAS)


def test_a_crawl_is_summed_up(store: Store, archive: Path) -> None:
    steps: list[IndexProgress] = []
    harvest = SampleHarvest(counts=(3, 2), problems=5)
    summary = index_tree(store, archive, SCHEMAS, threads=2, progress=steps.append, harvest=harvest)
    assert (summary.root, summary.crawl) == (str(archive), 1)
    assert (summary.files, summary.num_bytes, summary.tomograms, summary.tilts) == (5, 5000, 5, 5)
    assert (summary.problems, summary.num_errors) == ({"note": 6, "error": 4}, 4)
    assert summary.seconds > 0
    assert summary.files_per_second > 0
    assert (5, 3, 3000, True) in [(step.found, step.read, step.num_bytes, step.listed) for step in steps]
    assert steps[-1] == IndexProgress(found=5, listed=True, read=5, num_bytes=5000)
    assert harvest.asked == {"root": str(archive), "threads": 2, "unit_files": 2048, "exclude": []}


def test_units_share_a_part(store: Store, archive: Path) -> None:
    index_tree(store, archive, SCHEMAS, harvest=SampleHarvest(counts=(5,) * 50))
    assert len(parquet_files(store.folder)) == 3


def test_the_catalogue_inside_the_archive_is_left_out(archive: Path, tmp_path: Path) -> None:
    store = Store.create(archive / "index", SCHEMAS)
    (tmp_path / "alias").symlink_to(archive)
    for root in (archive, tmp_path / "alias"):
        harvest = SampleHarvest()
        index_tree(store, root, SCHEMAS, harvest=harvest)
        assert harvest.asked["exclude"] == [str(root / "index")]


def test_one_root_by_two_names(store: Store, archive: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    index_tree(store, archive, SCHEMAS, harvest=SampleHarvest())
    monkeypatch.chdir(archive.parent)
    summary = index_tree(store, "./archive/", SCHEMAS, harvest=SampleHarvest())
    assert (summary.root, len(store.snapshot().tables["files"].paths)) == (str(archive), 1)


def test_an_empty_archive(store: Store, archive: Path) -> None:
    summary = index_tree(store, archive, SCHEMAS, harvest=SampleHarvest(counts=()))
    assert (summary.files, summary.problems, store.snapshot().crawl) == (0, {}, 1)


def test_bad_roots(store: Store, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(FileNotFoundError):
        index_tree(store, tmp_path / "missing", SCHEMAS, harvest=SampleHarvest())
    with pytest.raises(NotADirectoryError):
        index_tree(store, tmp_path / "file", SCHEMAS, harvest=SampleHarvest())
    with pytest.raises(OSError, match="the catalogue itself"):
        index_tree(store, store.folder, SCHEMAS, harvest=SampleHarvest())
    assert store.snapshot().crawl == 0


@pytest.mark.parametrize("fault", [KeyboardInterrupt(), OSError("disk full")])
def test_an_interrupted_crawl_changes_nothing(store: Store, archive: Path, fault: BaseException) -> None:
    index_tree(store, archive, SCHEMAS, harvest=SampleHarvest())
    before = parquet_files(store.folder)
    with pytest.raises(type(fault)):
        index_tree(store, archive, SCHEMAS, harvest=SampleHarvest(fault=fault))
    assert (parquet_files(store.folder), store.snapshot().crawl) == (before, 1)
    assert index_tree(store, archive, SCHEMAS, harvest=SampleHarvest()).crawl == 2


def test_what_is_read_ahead_is_let_go(store: Store, archive: Path) -> None:
    before = threading.active_count()

    def fail(_: "IndexProgress") -> None:
        raise RuntimeError("no more")

    with pytest.raises(RuntimeError):
        index_tree(store, archive, SCHEMAS, progress=fail, harvest=SampleHarvest(counts=(1,) * 1000))
    for _ in range(50):
        if threading.active_count() <= before:
            break
        time.sleep(0.1)
    assert threading.active_count() <= before


def test_waiting_is_told(store: Store, archive: Path) -> None:
    class SlowHarvest(SampleHarvest):
        def __iter__(self) -> "Iterator[SampleUnit]":
            time.sleep(0.5)
            yield from super().__iter__()

    steps: list[IndexProgress] = []
    index_tree(store, archive, SCHEMAS, progress=steps.append, harvest=SlowHarvest())
    assert [(step.found, step.read) for step in steps[:2]] == [(5, 0), (5, 0)]
    assert steps[-1].read == 5
