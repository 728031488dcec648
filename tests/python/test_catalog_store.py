"""The Delta tables of a catalogue: whole crawls, crash safety, and folders that are none."""

import errno
import json
import os
import stat
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
from catalog_samples import SCHEMAS, parquet_files, rows
from deltalake import DeltaTable
from tomoset.catalog import CatalogFormatError
from tomoset.catalog import parts as parts_module
from tomoset.catalog.folder import FORMAT
from tomoset.catalog.parts import Part, PartWriter
from tomoset.catalog.store import Store
from tomoset.exceptions import CatalogBusy


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.create(tmp_path / "catalog", SCHEMAS)


def crawl(store: Store, root: str, number: int) -> None:
    with store.writing(root, SCHEMAS) as writing:
        for name in SCHEMAS:
            writing.write(name, rows(name, root, number))
        writing.commit()


def read(store: Store, name: str) -> pa.Table:
    table = store.snapshot().tables[name]
    return (
        ds.dataset(list(table.paths), schema=table.schema).to_table()
        if table.paths
        else table.schema.empty_table()
    )


def test_new_catalogue_is_private_and_empty(store: Store) -> None:
    assert stat.S_IMODE(store.folder.stat().st_mode) == 0o700
    assert store.snapshot().crawl == 0
    assert all(read(store, name).num_rows == 0 for name in SCHEMAS)


def test_an_empty_folder_that_exists_becomes_private(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir(mode=0o755)
    assert stat.S_IMODE(Store.create(tmp_path / "there", SCHEMAS).folder.stat().st_mode) == 0o700


def test_tables_are_plain_delta_with_units_labels_and_words(store: Store) -> None:
    for name in SCHEMAS:
        table = DeltaTable(str(store.folder / name))
        protocol = table.protocol()
        assert (protocol.min_reader_version, protocol.min_writer_version) == (1, 2)
    schema = store.snapshot().tables["files"].schema
    assert schema.field("size").metadata == {b"unit": b"byte"}
    assert schema.field("path").metadata == {b"description": b"Path below the root"}
    assert store.snapshot().tables["tomograms"].schema.field("tomogram").metadata == {
        b"label": b"rlnTomoName"
    }


def test_a_crawl_is_one_commit_a_table(store: Store) -> None:
    crawl(store, "/data", 3)
    for name in SCHEMAS:
        table = DeltaTable(str(store.folder / name))
        assert (table.version(), table.transaction_version("tomoset")) == (1, 1)
    assert read(store, "tilts") == rows("tilts", "/data", 3).cast(store.snapshot().tables["tilts"].schema)


def test_a_rerun_replaces_and_old_versions_stay_readable(store: Store) -> None:
    crawl(store, "/data", 3)
    crawl(store, "/data", 5)
    assert read(store, "files").num_rows == 5
    old = DeltaTable(str(store.folder / "files"), version=1).to_pyarrow_dataset().to_table()
    assert old.num_rows == 3


def test_a_rerun_that_finds_nothing_empties_the_tables(store: Store) -> None:
    crawl(store, "/data", 3)
    crawl(store, "/data", 0)
    assert read(store, "files").num_rows == 0


def test_roots_are_replaced_one_by_one(store: Store) -> None:
    crawl(store, "/data/a", 3)
    crawl(store, "/data/b", 4)
    crawl(store, "/data/a", 1)
    roots = read(store, "files")["root"].to_pylist()
    assert sorted(roots) == ["/data/a"] + ["/data/b"] * 4


def test_files_rewritten_by_other_delta_tools_are_replaced_too(store: Store) -> None:
    crawl(store, "/data/a", 3)
    other = DeltaTable(str(store.folder / "files"))
    other.optimize.compact()
    other.update(updates={"status": "'seen'"})
    crawl(store, "/data/a", 2)
    assert read(store, "files").num_rows == 2


def test_files_that_mix_roots_are_not_guessed_at(store: Store) -> None:
    crawl(store, "/data/a", 3)
    crawl(store, "/data/b", 3)
    DeltaTable(str(store.folder / "files")).optimize.compact()
    with pytest.raises(CatalogFormatError, match="mixes several roots"):
        crawl(store, "/data/a", 2)


def test_readers_see_whole_crawls_across_tables(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    crawl(store, "/data", 3)
    add = store.add

    def add_until_the_disk_is_full(name: str, root: str, number: int, parts: Sequence[Part]) -> None:
        if name == "tilts":
            raise OSError(errno.ENOSPC, "disk full")
        add(name, root, number, parts)

    monkeypatch.setattr(store, "add", add_until_the_disk_is_full)
    with pytest.raises(OSError, match="disk full"):
        crawl(store, "/data", 5)
    assert DeltaTable(str(store.folder / "files")).version() == 2
    assert store.snapshot().crawl == 1
    assert {read(store, name).num_rows for name in SCHEMAS} == {3}
    monkeypatch.undo()
    crawl(store, "/data", 4)
    assert store.snapshot().crawl == 3
    assert {read(store, name).num_rows for name in SCHEMAS} == {4}
    assert len(list((store.folder / "tilts").glob("*.parquet"))) == 2


def test_a_failed_crawl_leaves_nothing(store: Store) -> None:
    crawl(store, "/data", 3)
    before = parquet_files(store.folder)

    def fail() -> None:
        with store.writing("/data", SCHEMAS) as writing:
            writing.write("files", rows("files", "/data", 9))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert parquet_files(store.folder) == before
    assert read(store, "files").num_rows == 3


def test_leftovers_of_a_killed_crawl_are_swept(store: Store) -> None:
    crawl(store, "/data", 3)
    before = parquet_files(store.folder)
    for name in (
        "part-00000002-0123456789abcdef-00000.parquet",
        ".part-00000002-0123456789abcdef-00001.parquet.tmp",
    ):
        (store.folder / "files" / name).write_bytes(b"half")
    with store.writing("/data", SCHEMAS):
        assert parquet_files(store.folder) == before


def test_only_one_writer_at_a_time(store: Store) -> None:
    with (
        store.writing("/data", SCHEMAS),
        pytest.raises(CatalogBusy, match="another"),
        store.writing("/x", SCHEMAS),
    ):
        pass


def test_columns_of_a_newer_tomoset_are_added(store: Store) -> None:
    crawl(store, "/data/a", 2)
    newer = {
        **SCHEMAS,
        "files": SCHEMAS["files"].append(pa.field("kind", pa.large_string(), metadata={"unit": "u"})),
    }
    wider = rows("files", "/data/b", 1).append_column(
        newer["files"].field("kind"), pa.array(["job"], pa.large_string())
    )
    with store.writing("/data/b", newer) as writing:
        writing.write("files", wider)
        writing.commit()
    table = store.snapshot().tables["files"]
    assert table.schema.field("kind").metadata == {b"unit": b"u"}
    assert not table.complete
    assert read(store, "files")["kind"].to_pylist() == [None, None, "job"]


def test_columns_of_another_type_are_refused(store: Store) -> None:
    other = {**SCHEMAS, "files": SCHEMAS["files"].set(4, pa.field("size", pa.float64()))}
    with pytest.raises(CatalogFormatError, match=r"another type for size: index into a new folder"):
        store.prepare(other)


@pytest.mark.parametrize("name", ["a b#c?d", "tü", "[1]*'q\"", "50%"])
def test_folders_with_odd_names(tmp_path: Path, name: str) -> None:
    store = Store.create(tmp_path / name, SCHEMAS)
    crawl(store, "/data", 3)
    assert read(Store.open(tmp_path / name), "files").num_rows == 3


@pytest.mark.parametrize("name", ["a%20b", os.fsdecode(b"caf\xe9"), "a\nb"])
def test_folder_names_that_delta_would_lose_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(OSError, match="must be UTF-8"):
        Store.create(tmp_path / name, SCHEMAS)
    assert not list(tmp_path.iterdir())


def test_a_relative_folder_stays_where_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    store = Store.create("here", SCHEMAS)
    monkeypatch.chdir("/")
    crawl(store, "/data", 1)
    assert store.folder == tmp_path / "here"


def test_other_folders_are_refused(tmp_path: Path, store: Store) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.tex").write_text("x")
    with pytest.raises(FileExistsError, match="not empty and is no catalogue"):
        Store.create(tmp_path / "full", SCHEMAS)
    with pytest.raises(CatalogFormatError, match=r"is not a tomoset catalogue: it has no catalog\.json"):
        Store.open(tmp_path / "full")
    with pytest.raises(FileExistsError, match="there is a catalogue already"):
        Store.create(store.folder, SCHEMAS)
    with pytest.raises(NotADirectoryError):
        Store.create(tmp_path / "full" / "thesis.tex", SCHEMAS)
    with pytest.raises(NotADirectoryError):
        Store.open(tmp_path / "full" / "thesis.tex")
    with pytest.raises(FileNotFoundError, match="no catalogue here"):
        Store.open(tmp_path / "missing")
    with pytest.raises(FileNotFoundError):
        Store.create(tmp_path / "missing" / "catalog", SCHEMAS)


def test_newer_and_damaged_catalogues_are_refused(store: Store) -> None:
    card = store.folder / "catalog.json"
    card.write_text(json.dumps({"kind": "tomoset catalogue", "format": FORMAT + 1}))
    with pytest.raises(
        CatalogFormatError, match=f"format {FORMAT + 1}, this tomoset reads up to {FORMAT}: upgrade"
    ):
        Store.open(store.folder)
    card.write_text(json.dumps({"kind": "shopping list", "format": 1}))
    with pytest.raises(CatalogFormatError, match="shopping list"):
        Store.open(store.folder)
    for text in ("{", "[]", '{"kind": 1}', "\x00"):
        card.write_text(text)
        with pytest.raises(CatalogFormatError, match=r"catalog\.json is damaged"):
            Store.open(store.folder)


def test_a_damaged_table_is_named(store: Store) -> None:
    crawl(store, "/data", 1)
    log = store.folder / "tilts" / "_delta_log"
    for path in log.iterdir():
        path.write_bytes(b"\xff{")
    with pytest.raises(CatalogFormatError, match=r"table 'tilts' of .* is damaged or missing"):
        store.snapshot()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_read_only_folders_are_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(PermissionError):
        Store.create(tmp_path / "catalog", SCHEMAS)


def test_small_tables_share_a_part(tmp_path: Path) -> None:
    writer = PartWriter(tmp_path, SCHEMAS["files"], "part")
    for number in range(20):
        writer.write(rows("files", "/data", 10, first=10 * number))
    parts = writer.close()
    assert [part.rows for part in parts] == [200]
    metadata = pq.read_metadata(tmp_path / parts[0].name)
    assert (metadata.num_row_groups, metadata.row_group(0).column(0).compression) == (1, "ZSTD")


def test_large_tables_are_spread_over_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts_module, "ROW_GROUP_ROWS", 20)
    monkeypatch.setattr(parts_module, "PART_ROWS", 50)
    writer = PartWriter(tmp_path, SCHEMAS["files"], "part")
    for number in range(20):
        writer.write(rows("files", "/data", 7, first=7 * number))
    parts = writer.close()
    assert [part.rows for part in parts] == [63, 63, 14]
    paths = [str(tmp_path / part.name) for part in parts]
    assert ds.dataset(paths).to_table()["path"].to_pylist() == rows("files", "/data", 140)["path"].to_pylist()
    assert [part.size for part in parts] == [Path(path).stat().st_size for path in paths]


def test_statistics_hold_for_every_row(tmp_path: Path) -> None:
    long = "x" * 40
    table = pa.table(
        {
            "text": [long, "y" * 33, None],
            "whole": [3, None, -1],
            "real": [float("nan"), 1.0, None],
            "list": [[1], [], None],
        }
    )
    writer = PartWriter(tmp_path, table.schema, "part")
    writer.write(table)
    stats = json.loads(writer.close()[0].stats)
    assert stats == {
        "numRecords": 3,
        "minValues": {"text": "x" * 32, "whole": -1},
        "maxValues": {"text": "y" * 32 + "\U0010ffff", "whole": 3},
        "nullCount": {"text": 1, "whole": 1, "real": 1},
    }
