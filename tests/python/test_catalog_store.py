"""The Delta tables of a catalogue: whole batches, crash safety, and folders that are none."""

import errno
import json
import os
import shutil
import stat
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
from catalog_samples import SCHEMAS, add, fill, parquet_files, rows
from deltalake import DeltaTable
from tomoset.catalog import CatalogFormatError
from tomoset.catalog import parts as parts_module
from tomoset.catalog.folder import FORMAT
from tomoset.catalog.journal import Pending
from tomoset.catalog.maintenance import status
from tomoset.catalog.parts import PartWriter
from tomoset.catalog.store import Store
from tomoset.exceptions import CatalogBusy


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.create(tmp_path / "catalog", SCHEMAS)


def read(store: Store, name: str) -> pa.Table:
    table = store.snapshot().tables[name]
    return (
        ds.dataset(list(table.paths), schema=table.schema).to_table()
        if table.paths
        else table.schema.empty_table()
    )


def counts(store: Store) -> set[int]:
    return {read(store, name).num_rows for name in ("files", "tomograms", "tilts", "problems")}


def test_new_catalogue_is_private_and_empty(store: Store) -> None:
    assert stat.S_IMODE(store.folder.stat().st_mode) == 0o700
    assert (store.head().crawl, store.head().batch) == (0, 0)
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
    assert schema.field("size").metadata == {b"description": b"bytes"}
    voltage = store.snapshot().tables["tomograms"].schema.field("voltage").metadata
    assert voltage == {b"label": b"rlnVoltage", b"unit": b"kV", b"description": b"acceleration voltage"}


def test_a_batch_is_one_commit_a_table(store: Store) -> None:
    fill(store, 3)
    for name in ("files", "tilts"):
        table = DeltaTable(str(store.folder / name))
        assert (table.version(), table.transaction_version("tomoset")) == (1, 1)
        assert table.metadata().partition_columns == ["shard"]
    assert read(store, "tilts") == rows("tilts", "/data", 3).cast(store.snapshot().tables["tilts"].schema)
    # The partition is a column for other tools.
    assert DeltaTable(str(store.folder / "files")).to_pyarrow_table()["shard"].to_pylist() == [7] * 3


def test_tables_that_do_not_change_have_no_commit(store: Store) -> None:
    fill(store, 3)
    fill(store, 4, ["files"])
    assert DeltaTable(str(store.folder / "tilts")).version() == 1
    assert store.snapshot(["files", "tilts"]).tables["files"].version == 2
    with store.writing(SCHEMAS) as writer:
        writer.commit()
    assert store.head().batch == 2


def test_old_versions_stay_readable(store: Store) -> None:
    fill(store, 3)
    fill(store, 5)
    assert counts(store) == {5}
    old = DeltaTable(str(store.folder / "files"), version=1).to_pyarrow_dataset().to_table()
    assert old.num_rows == 3


def test_parts_that_come_and_go_within_a_batch_leave_nothing(store: Store) -> None:
    with store.writing(SCHEMAS) as writer:
        add(writer, {"files": rows("files", "/data", 3)})
        add(writer, {"files": rows("files", "/data", 4)}, replace=True)
        assert [part.rows for part in writer.parts("files", 7)] == [4]
        writer.commit()
    assert read(store, "files").num_rows == 4
    assert len(parquet_files(store.folder)) == 1


def test_shards_are_apart(store: Store) -> None:
    with store.writing(SCHEMAS) as writer:
        add(writer, {"files": rows("files", "/data", 3)}, shard=3)
        add(writer, {"files": rows("files", "/data", 4)}, shard=4)
        add(writer, {"files": rows("files", "/data", 1)}, shard=3, replace=True)
        writer.commit()
        assert [part.rows for part in writer.parts("files", 3)] == [1]
        assert sum(part.rows for part in writer.all_parts("files")) == 5
    assert read(store, "files").num_rows == 5


def test_tables_compacted_by_other_delta_tools_go_on(store: Store) -> None:
    with store.writing(SCHEMAS) as writer:
        add(writer, {"files": rows("files", "/data", 3)})
        add(writer, {"files": rows("files", "/data", 4)})
        writer.commit()
    DeltaTable(str(store.folder / "files")).optimize.compact()
    assert read(store, "files").num_rows == 7
    fill(store, 2, ["files"])
    assert read(store, "files").num_rows == 2


class Stopped(BaseException):
    """In place of a kill."""


def stop_in(monkeypatch: pytest.MonkeyPatch, name: str, fault: BaseException) -> None:
    """Let the commit of one table fail."""
    real = Store._add

    def add_or_stop(store: Store, table: str, *rest: Any) -> None:
        if table == name:
            raise fault
        real(store, table, *rest)

    monkeypatch.setattr(Store, "_add", add_or_stop)


@pytest.mark.parametrize("fault", [Stopped(), OSError(errno.ENOSPC, "disk full")])
@pytest.mark.parametrize("name", ["files", "tilts", "problems"])
def test_a_batch_that_was_promised_is_finished_by_the_next(
    store: Store, monkeypatch: pytest.MonkeyPatch, name: str, fault: BaseException
) -> None:
    fill(store, 3)
    stop_in(monkeypatch, name, fault)
    with pytest.raises(type(fault)):
        fill(store, 5)
    # Readers see all tables as before.
    assert counts(store) == {3}
    assert Pending.read(store.folder) is not None
    monkeypatch.undo()
    with store.writing(SCHEMAS):
        assert counts(store) == {5}
    assert Pending.read(store.folder) is None
    for table in ("files", "tilts"):
        assert DeltaTable(str(store.folder / table)).version() == 2
    fill(store, 4)
    assert counts(store) == {4}


def test_a_writer_that_stops_before_the_promise_changes_nothing(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(store, 3)
    before = parquet_files(store.folder)

    def stop(*_: object) -> None:
        raise OSError(errno.ENOSPC, "disk full")

    monkeypatch.setattr(Pending, "write", stop)
    with pytest.raises(OSError, match="disk full"):
        fill(store, 5)
    monkeypatch.undo()
    assert counts(store) == {3}
    assert parquet_files(store.folder) == before


def test_what_is_staged_and_not_committed_leaves_nothing(store: Store) -> None:
    fill(store, 3)
    before = parquet_files(store.folder)

    def fail() -> None:
        with store.writing(SCHEMAS) as writer:
            add(writer, {"files": rows("files", "/data", 9)})
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert parquet_files(store.folder) == before
    assert read(store, "files").num_rows == 3


def test_leftovers_of_a_killed_writer_are_swept(store: Store) -> None:
    with store.writing(SCHEMAS) as writer:
        add(writer, {"files": rows("files", "/data", 3)})
        writer.commit()
        # An older version of this very crawl needs it.
        add(writer, {"files": rows("files", "/data", 2)}, replace=True)
        writer.commit()
    before = parquet_files(store.folder)
    assert len(before) == 2
    folder = store.folder / "files" / "shard=07"
    lost = [folder / f"part-0000000{crawl}-0123.parquet" for crawl in (1, 2)]
    for path in (*lost, folder / ".part-00000002-0123.parquet.tmp", store.folder / ".head.json.1.tmp"):
        path.write_bytes(b"half")
    foreign = folder / "part-00000-of-another-tool.parquet"
    foreign.write_bytes(b"?")
    with store.writing(SCHEMAS):
        assert parquet_files(store.folder) == before | {foreign}
    assert not list(store.folder.glob(".*.tmp"))


def test_only_one_writer_at_a_time(store: Store) -> None:
    with (
        store.writing(SCHEMAS),
        pytest.raises(CatalogBusy, match="another"),
        store.writing(SCHEMAS, wait=0.3),
    ):
        pass


def test_columns_of_a_newer_tomoset_are_added(store: Store) -> None:
    fill(store, 2, ["files"])
    newer = {
        **SCHEMAS,
        "files": SCHEMAS["files"].append(pa.field("colour", pa.large_string(), metadata={"unit": "u"})),
    }
    wider = rows("files", "/data/b", 1).append_column(
        newer["files"].field("colour"), pa.array(["red"], pa.large_string())
    )
    with store.writing(newer) as writer:
        assert store.head().versions["files"] == 2
        add(writer, {"files": wider})
        writer.commit()
    table = store.snapshot().tables["files"]
    assert table.schema.field("colour").metadata == {b"unit": b"u"}
    assert not table.complete
    assert sorted(read(store, "files")["colour"].to_pylist(), key=str) == [None, None, "red"]


@pytest.mark.parametrize("is_made", [False, True], ids=["missing", "made and not yet shown"])
def test_a_table_of_a_newer_tomoset_is_empty_until_the_next_crawl(store: Store, is_made: bool) -> None:
    fill(store, 2, ["files"])
    head = store.folder / "head.json"
    content = json.loads(head.read_text())
    del content["versions"]["particles"]
    head.write_text(json.dumps(content))
    if not is_made:
        shutil.rmtree(store.folder / "particles")
    assert read(store, "particles").schema.names == SCHEMAS["particles"].names
    assert {table.name: table.rows for table in status(store).tables}["particles"] == 0
    with store.writing(SCHEMAS):
        pass
    assert store.head().versions["particles"] == 0
    # One that has rows is not to come.
    del content["versions"]["files"]
    head.write_text(json.dumps(content))
    with pytest.raises(CatalogFormatError, match=r"head\.json knows no table 'files', which is there"):
        store.snapshot()


def test_columns_of_another_type_are_refused(store: Store) -> None:
    at = SCHEMAS["files"].get_field_index("size")
    other = {**SCHEMAS, "files": SCHEMAS["files"].set(at, pa.field("size", pa.float64()))}
    with (
        pytest.raises(CatalogFormatError, match=r"another type for size: index into a new folder"),
        store.writing(other),
    ):
        pass


@pytest.mark.parametrize("name", ["a b#c?d", "tü", "[1]*'q\"", "50%"])
def test_folders_with_odd_names(tmp_path: Path, name: str) -> None:
    store = Store.create(tmp_path / name, SCHEMAS)
    fill(store, 3)
    assert read(Store.open(tmp_path / name), "files").num_rows == 3


@pytest.mark.parametrize("name", ["a%20b", os.fsdecode(b"caf\xe9"), "a\nb", "a\\b"])
def test_folder_names_that_delta_would_lose_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(OSError, match="must be UTF-8"):
        Store.create(tmp_path / name, SCHEMAS)
    assert not list(tmp_path.iterdir())


def test_a_relative_folder_stays_where_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    store = Store.create("here", SCHEMAS)
    monkeypatch.chdir("/")
    fill(store, 1)
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
    for other, mend in ((FORMAT + 1, "upgrade tomoset"), (FORMAT - 1, "index into a new folder")):
        card.write_text(json.dumps({"kind": "tomoset catalogue", "format": other}))
        with pytest.raises(
            CatalogFormatError, match=f"format {other}, this tomoset has format {FORMAT}: {mend}"
        ):
            Store.open(store.folder)
    card.write_text(json.dumps({"kind": "shopping list", "format": 1}))
    with pytest.raises(CatalogFormatError, match="shopping list"):
        Store.open(store.folder)
    for text in ("{", "[]", '{"kind": 1}', "\x00"):
        card.write_text(text)
        with pytest.raises(CatalogFormatError, match=r"catalog\.json is damaged"):
            Store.open(store.folder)


def test_damage_is_named(store: Store) -> None:
    fill(store, 1)
    head = store.folder / "head.json"
    content = head.read_bytes()
    below_zero = content.replace(b'"tilts": 1', b'"tilts": -1')
    assert below_zero != content
    for text in (b"{", b'{"batch": 1}', b"[]", b'"batch"', below_zero, b"\xff\xfe{"):
        head.write_bytes(text)
        with pytest.raises(CatalogFormatError, match=r"head\.json is damaged"):
            store.snapshot()
    head.unlink()
    with pytest.raises(CatalogFormatError, match=r"no whole catalogue: it has no head\.json"):
        store.snapshot()
    # There are rows: it was not making the catalogue that was broken off.
    with (
        pytest.raises(CatalogFormatError, match=r"lost its head\.json.*take it from a backup"),
        store.writing(SCHEMAS),
    ):
        pass
    assert not head.exists()
    head.write_bytes(content)
    (store.folder / "pending.json").write_text("{")
    with pytest.raises(CatalogFormatError, match=r"pending\.json is damaged"), store.writing(SCHEMAS):
        pass
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


def test_large_tables_are_spread_over_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts_module, "PART_ROWS", 50)
    writer = PartWriter(tmp_path, 3, 7)
    writer.write("files", rows("files", "/data", 140))
    parts = writer.settle()["files"]
    assert [part.rows for part in parts] == [47, 47, 46]
    paths = [tmp_path / "files" / part.name for part in parts]
    assert [path.parent.name for path in paths] == ["shard=07"] * 3
    read = pa.concat_tables([pq.read_table(path, partitioning=None) for path in paths])
    assert read["path"].to_pylist() == rows("files", "/data", 140)["path"].to_pylist()
    assert [part.size for part in parts] == [path.stat().st_size for path in paths]
    assert pq.read_metadata(paths[0]).row_group(0).column(0).compression == "ZSTD"


def test_abandoned_parts_are_deleted(tmp_path: Path) -> None:
    writer = PartWriter(tmp_path, 3, 7)
    writer.write("files", rows("files", "/data", 3))
    writer.settle()
    writer.write("tilts", rows("tilts", "/data", 3))
    writer.abandon()
    assert not parquet_files(tmp_path)


def test_statistics_hold_for_every_row(tmp_path: Path) -> None:
    long = "x" * 40
    table = pa.table(
        {
            "text": [long, "y" * 33, None],
            "whole": [3, None, -1],
            "real": [float("nan"), 1.0, None],
            "list": [[1], [], None],
        }
    ).cast(
        pa.schema(
            [
                ("text", pa.large_string()),
                ("whole", pa.int64()),
                ("real", pa.float64()),
                ("list", pa.list_(pa.int64())),
            ]
        )
    )
    writer = PartWriter(tmp_path, 1, 0)
    writer.write("files", table)
    (part,) = writer.settle()["files"]
    assert json.loads(part.stats) == {
        "numRecords": 3,
        "minValues": {"text": "x" * 32, "whole": -1},
        "maxValues": {"text": "y" * 32 + "\U0010ffff", "whole": 3},
        "nullCount": {"text": 1, "whole": 1, "real": 1},
    }


def test_parts_tell_which_folders_they_may_hold(tmp_path: Path) -> None:
    writer = PartWriter(tmp_path, 1, 0)
    writer.write("files", rows("files", "/data", 20, first=10))
    (part,) = writer.settle()["files"]
    assert part.may_hold(["session001"])
    assert part.may_hold(["session000", "session002"])
    assert part.may_hold([""])
    assert not part.may_hold(["session000", "session003"])
