"""Catalogues in a state that no run of ours leaves: broken off, half copied, put back, or clobbered by hand."""

import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from catalog_samples import SCHEMAS, add, content, fill, make_project, parquet_files, rows, tilt_series, write
from deltalake import DeltaTable
from fault_runs import litter, require_as_fresh, require_plain_delta, require_whole
from tomoset import Catalog
from tomoset.catalog import CatalogFormatError, QueryError
from tomoset.catalog import folder as folder_module
from tomoset.catalog.journal import Checked, Head, Pending
from tomoset.catalog.store import Store
from tomoset.catalog.writer import Writer

pytestmark = pytest.mark.usefixtures("no_hang")


class Stopped(BaseException):
    """In place of a kill."""


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    root = tmp_path / "archive"
    make_project(root / "p1")
    make_project(root / "s/p2", ("TS_03",))
    write(root / "loose.star", tilt_series("TS_99"))
    return root


@pytest.fixture
def catalog(tmp_path: Path, archive: Path) -> Catalog:
    catalog = Catalog.create(tmp_path / "catalog")
    catalog.index(archive)
    return catalog


def change(archive: Path, number: int) -> None:
    """Change something in each unit."""
    for name in ("p1/MotionCorr/job002/tilt_series/TS_01.star", "s/p2/Import/job001/tilt_series/TS_03.star"):
        write(archive / name, tilt_series("TS_01", 3 + number))
    write(archive / "loose.star", tilt_series("TS_99", 4 + number))


def stop_at(monkeypatch: pytest.MonkeyPatch, owner: object, name: str, after: int, *, done: bool) -> None:
    """Stop a writer before or after its call number `after` of a function."""
    real: Callable[..., Any] = getattr(owner, name)
    calls = 0

    def stop(*arguments: Any, **options: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == after and not done:
            raise Stopped
        answer = real(*arguments, **options)
        if calls == after:
            raise Stopped
        return answer

    monkeypatch.setattr(owner, name, stop)


@pytest.mark.parametrize("after", [1, 3, 10])
@pytest.mark.parametrize("what", ["_create", "_force_log"])
def test_a_catalogue_whose_making_was_broken_off_is_made_to_its_end(
    tmp_path: Path, archive: Path, monkeypatch: pytest.MonkeyPatch, after: int, what: str
) -> None:
    stop_at(monkeypatch, Store, what, after, done=True)
    with pytest.raises(Stopped):
        Catalog.create(tmp_path / "catalog")
    monkeypatch.undo()
    catalog = Catalog.open(tmp_path / "catalog")
    with pytest.raises(
        CatalogFormatError, match=r"no head\.json; 'tomoset index' goes on where making it was"
    ):
        catalog.sql("FROM files")
    assert catalog.index(archive).new_files == 20
    require_whole(tmp_path / "catalog")


def test_a_folder_in_which_making_had_only_begun_counts_as_empty(tmp_path: Path) -> None:
    folder = tmp_path / "catalog"
    folder.mkdir()
    (folder / "catalog.lock").touch()
    (folder / ".catalog.json.123.tmp").write_text("{")
    assert folder_module.is_vacant(folder)
    Store.create(folder, SCHEMAS)
    assert not folder_module.is_vacant(folder)


@pytest.mark.parametrize(
    ("owner", "name", "done"),
    [
        (Pending, "write", False),
        (Pending, "write", True),
        (Store, "_add", False),
        (Store, "_add", True),
        (Head, "write", True),
        (Pending, "clear", False),
        (Pending, "clear", True),
        (Store, "_commit", True),
        (Writer, "_drop_superseded", False),
    ],
)
def test_an_interrupt_at_any_moment_of_a_commit_costs_no_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, owner: object, name: str, done: bool
) -> None:
    store = Store.create(tmp_path / "catalog", SCHEMAS)
    fill(store, 3)
    stop_at(monkeypatch, owner, name, 1, done=done)
    with pytest.raises(Stopped):
        fill(store, 5)
    monkeypatch.undo()
    with store.writing(SCHEMAS) as writer:
        # Nothing is named that is not there.
        writer.require_parts()
    assert {part.rows for part in store.parts("files", store.head())} <= {3, 5}
    assert litter(store.folder) == []
    fill(store, 7)
    assert sum(part.rows for part in store.parts("tilts", store.head())) == 7


def test_parts_of_tasks_beside_one_that_failed_are_deleted(tmp_path: Path) -> None:
    store = Store.create(tmp_path / "catalog", SCHEMAS)
    fill(store, 3)
    before = parquet_files(store.folder)

    def fail() -> None:
        with store.writing(SCHEMAS) as writer:
            from tomoset.catalog.parts import PartWriter

            parts = PartWriter(writer.folder, writer.crawl, 5)
            parts.write("files", rows("files", "/data", 9))
            parts.settle()
            raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        fail()
    assert parquet_files(store.folder) == before


def promise(catalog: Catalog, archive: Path, monkeypatch: pytest.MonkeyPatch, tables: int) -> Pending:
    """Leave a batch that is promised, and in so many tables already."""
    change(archive, 1)
    stop_at(monkeypatch, Store, "_add", tables + 1, done=False)
    with pytest.raises(Stopped):
        catalog.index(archive)
    monkeypatch.undo()
    pending = Pending.read(Path(catalog.path))
    assert pending is not None
    return pending


@pytest.mark.parametrize("tables", [0, 2])
def test_a_promise_of_parts_that_were_deleted(
    catalog: Catalog, archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tables: int
) -> None:
    before = content(catalog)
    pending = promise(catalog, archive, monkeypatch, tables)
    for name, changed in pending.changes.items():
        for part in changed.added:
            (Path(catalog.path) / name / part.name).unlink()
    for _ in range(2):
        with pytest.raises(
            CatalogFormatError, match=r"promises \d+ parts that are gone, such as .*: delete it, and"
        ):
            catalog.index(archive)
        assert content(catalog) == before
    # What the message says.
    (Path(catalog.path) / "pending.json").unlink()
    assert content(catalog) == before
    catalog.index(archive)
    require_as_fresh(Path(catalog.path), archive, tmp_path / "fresh")
    require_plain_delta(Path(catalog.path))


@pytest.mark.parametrize("text", ["", "{", "[]", '{"batch": 1}', '{"batch": 1, "crawl": 1, "changes": []}'])
def test_a_promise_that_cannot_be_read(
    catalog: Catalog, archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    promise(catalog, archive, monkeypatch, 3)
    (Path(catalog.path) / "pending.json").write_text(text)
    with pytest.raises(CatalogFormatError, match=r"pending\.json is damaged \(.*\): delete it"):
        catalog.index(archive)
    (Path(catalog.path) / "pending.json").unlink()
    catalog.index(archive)
    require_as_fresh(Path(catalog.path), archive, tmp_path / "fresh")


def test_a_promise_of_a_newer_tomoset(catalog: Catalog, archive: Path) -> None:
    place = Path(catalog.path) / "pending.json"
    place.write_text(json.dumps({"batch": 9, "crawl": 9, "changes": {"maps": {"added": [], "removed": []}}}))
    with pytest.raises(
        CatalogFormatError, match=r"a newer tomoset was writing table 'maps' .*: upgrade tomoset"
    ):
        catalog.index(archive)


def test_an_older_head_takes_the_tables_back(catalog: Catalog, archive: Path, tmp_path: Path) -> None:
    place = Path(catalog.path) / "head.json"
    old, before = place.read_bytes(), content(catalog)
    for number in (1, 2):
        change(archive, number)
        catalog.index(archive)
    place.write_bytes(old)
    assert content(catalog) == before
    # Batches are counted on from those that the tables have: else their like would seem to be done.
    catalog.index(archive)
    require_as_fresh(Path(catalog.path), archive, tmp_path / "fresh")
    require_whole(Path(catalog.path))
    change(archive, 5)
    catalog.index(archive)
    require_as_fresh(Path(catalog.path), archive, tmp_path / "fresh")
    require_plain_delta(Path(catalog.path))


def test_tables_that_are_older_than_the_head_are_not_mixed(catalog: Catalog, archive: Path) -> None:
    change(archive, 1)
    catalog.index(archive)
    log = Path(catalog.path) / "tilts" / "_delta_log"
    max(log.glob("*.json")).unlink()
    head = Head.read(Path(catalog.path))
    with pytest.raises(CatalogFormatError, match=r"table 'tilts' of .* was copied while somebody wrote"):
        catalog.sql("FROM tilts")
    with pytest.raises(
        CatalogFormatError, match=r"ends with version 1, and head\.json names 2.*Copy it again"
    ):
        catalog.index(archive)
    assert Head.read(Path(catalog.path)) == head


def test_a_part_that_was_deleted_is_told_before_anything_is_changed(catalog: Catalog, archive: Path) -> None:
    path = catalog._store.snapshot(["tilts"]).tables["tilts"].paths[0]
    Path(path).unlink()
    with pytest.raises(
        QueryError, match=rf"a part of the catalogue is damaged or was deleted, or .*{path}: no such file"
    ):
        catalog.sql("FROM tilts")
    change(archive, 1)
    head = Head.read(Path(catalog.path))
    with pytest.raises(
        CatalogFormatError, match=r"table 'tilts' of .* lacks 1 of its parts, such as shard=.*new folder"
    ):
        catalog.index(archive)
    assert Head.read(Path(catalog.path)) == head


def test_a_part_that_is_damaged(catalog: Catalog, archive: Path) -> None:
    for path in catalog._store.snapshot(["tilts"]).tables["tilts"].paths:
        Path(path).write_bytes(b"PAR1" + bytes(100))
    change(archive, 1)
    with pytest.raises(CatalogFormatError, match=r"part-.*\.parquet is damaged: .*; index into a new folder"):
        catalog.index(archive)


@pytest.mark.parametrize("text", [b"", b"\0" * 40, b'{"commitInfo":{"time'])
def test_a_log_entry_that_a_power_cut_left_half_written(
    catalog: Catalog, archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: bytes
) -> None:
    before = content(catalog)
    promise(catalog, archive, monkeypatch, 2)
    entries = sorted(Path(catalog.path).glob(f"*/_delta_log/{2:020d}.json"))
    assert len(entries) == 2
    for entry in entries:
        entry.write_bytes(text)
    log = entry.parent
    (log / f"{2:020d}.checkpoint.parquet").write_bytes(text)
    assert content(catalog) == before
    catalog.index(archive)
    require_as_fresh(Path(catalog.path), archive, tmp_path / "fresh")
    require_plain_delta(Path(catalog.path))


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        '{"/x": 1}',
        '{"/x": {"at": 5}}',
        "\0",
        "[" * 100_000,
        '{"batch": 1, "crawl": 1, "versions": 1}',
    ],
)
def test_small_files_that_were_clobbered(catalog: Catalog, archive: Path, text: str) -> None:
    folder = Path(catalog.path)
    (folder / "checked.json").write_text(text)
    assert catalog.status().roots == ()
    catalog.index(archive)
    assert [checked.root for checked in Checked.read(folder)] == [str(archive)]
    (folder / "head.json").write_text(text)
    for read in (catalog.status, lambda: catalog.index(archive), lambda: catalog.sql("FROM files")):
        with pytest.raises(CatalogFormatError, match=r"head\.json is damaged"):
            read()


def test_what_deltalake_leaves_when_it_is_killed_is_swept(catalog: Catalog, archive: Path) -> None:
    log = Path(catalog.path) / "files" / "_delta_log"
    (log / f"{9:020d}.json#1").write_text("{")
    (log / "_commit_0123.json.tmp").write_text("{")
    catalog.index(archive)
    assert litter(Path(catalog.path)) == []


def test_a_catalogue_that_was_moved(catalog: Catalog, archive: Path, tmp_path: Path) -> None:
    before = content(catalog)
    catalog.close()
    (tmp_path / "catalog").rename(tmp_path / "elsewhere")
    with Catalog.open(tmp_path / "elsewhere") as moved:
        assert content(moved) == before
        assert not moved.index(archive).changed
        change(archive, 1)
        assert moved.index(archive).changed
    require_as_fresh(tmp_path / "elsewhere", archive, tmp_path / "fresh")


def test_a_file_system_without_locks_is_written_nevertheless(
    tmp_path: Path, archive: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folder_module, "_lock", lambda *_: False)
    with Catalog.create(tmp_path / "catalog") as catalog:
        catalog.index(archive)
        with suppress(Stopped):
            promise(catalog, archive, monkeypatch, 2)
    require_whole(tmp_path / "catalog")


def test_versions_of_tables_agree_with_other_tools_after_being_taken_back(tmp_path: Path) -> None:
    store = Store.create(tmp_path / "catalog", SCHEMAS)
    for number in (3, 4, 5):
        fill(store, number)
    head = json.loads((store.folder / "head.json").read_text())
    head["batch"] = 1
    head["versions"] = {name: min(version, 1) for name, version in head["versions"].items()}
    (store.folder / "head.json").write_text(json.dumps(head))
    with store.writing(SCHEMAS) as writer:
        add(writer, {"files": rows("files", "/data", 2, first=50)})
        writer.commit()
    assert DeltaTable(store.folder / "files").to_pyarrow_table().num_rows == 5
    assert DeltaTable(store.folder / "tilts").to_pyarrow_table().num_rows == 3
    assert store.snapshot().tables["tilts"].complete
    assert store.head().batch == 4
