"""SQL over a catalogue: what it answers, and what it must not be able to do."""

import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa
import pytest
from catalog_samples import NOON, SCHEMAS, add, fill, rows
from tomoset.catalog import QueryError
from tomoset.catalog.query import QuerySession
from tomoset.catalog.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = Store.create(tmp_path / "cata'log", SCHEMAS)
    fill(store, 25, ("files", "tomograms", "tilts"))
    return store


@pytest.fixture
def session(store: Store) -> Iterator[QuerySession]:
    session = QuerySession(store.snapshot())
    yield session
    session.close()


def test_tables_answer(session: QuerySession) -> None:
    answer = session.table(
        "SELECT project, count(*) AS n, max(nominal_tilt_angle) AS highest FROM tilts GROUP BY ALL ORDER BY 1"
    )
    assert answer.to_pylist() == [
        {"project": "session000", "n": 10, "highest": -33.0},
        {"project": "session001", "n": 10, "highest": -3.0},
        {"project": "session002", "n": 5, "highest": 12.0},
    ]


def test_empty_tables_have_their_columns(session: QuerySession, tmp_path: Path) -> None:
    answer = session.table("SELECT * FROM problems")
    assert (answer.num_rows, answer.schema.names) == (0, SCHEMAS["problems"].names)
    assert answer.schema.field("line").type == pa.int64()
    nothing = QuerySession(Store.create(tmp_path / "empty", SCHEMAS).snapshot())
    for name, schema in SCHEMAS.items():
        assert nothing.table(f"FROM {name}").schema.names == schema.names
    nothing.close()


def test_only_the_tables_are_listed(session: QuerySession) -> None:
    assert session.table("SHOW TABLES")["name"].to_pylist() == sorted([*SCHEMAS, "census", "changes"])


def test_time_stamps_are_utc(session: QuerySession) -> None:
    answer = session.table("SELECT max(mtime) AS latest FROM files")
    assert answer.schema.field("latest").type == pa.timestamp("us", "UTC")
    assert answer["latest"].to_pylist() == [NOON]
    text = session.table("SELECT mtime::text AS t FROM files LIMIT 1")["t"].to_pylist()
    assert text == ["2026-11-24 12:00:00.25+00"]


def test_lists_survive(session: QuerySession) -> None:
    assert session.table("SELECT shape FROM tilts LIMIT 2 OFFSET 1")["shape"].to_pylist() == [[1, 2], [2, 4]]


def test_rows_of_an_older_tomoset_have_nulls_in_new_columns(store: Store) -> None:
    newer = {**SCHEMAS, "files": SCHEMAS["files"].append(pa.field("colour", pa.large_string()))}
    with store.writing(newer):
        pass
    session = QuerySession(store.snapshot())
    assert session.table("SELECT count(*) AS n, count(colour) AS known FROM files").to_pylist() == [
        {"n": 25, "known": 0}
    ]
    session.close()


def test_answers_stream_in_batches(session: QuerySession) -> None:
    reader = session.stream("SELECT a.path FROM files a, files b, files c, files d")
    assert isinstance(reader, pa.RecordBatchReader)
    sizes = [batch.num_rows for batch in reader]
    assert (sum(sizes), max(sizes) < 200_000) == (25**4, True)


def test_an_answer_that_is_not_read_keeps_no_query_waiting(session: QuerySession) -> None:
    reader = session.stream("SELECT a.path FROM files a, files b, files c, files d")
    next(reader)
    other = session.stream("SELECT count(*) AS n FROM files")
    assert session.table("SELECT count(*) AS n FROM tilts")["n"].to_pylist() == [25]
    assert other.read_all()["n"].to_pylist() == [25]
    assert sum(batch.num_rows for batch in reader) > 100_000


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("SELECT * FROM nope", "nope does not exist"),
        ("SELEC 1", "syntax error"),
        ("", "expected one query, found 0"),
        ("-- a remark", "expected one query, found 0"),
        ("SELECT 1; SELECT 2", "expected one query, found 2"),
        ("SELECT path::int FROM files", "session000"),
    ],
)
def test_wrong_sql_is_told(session: QuerySession, query: str, words: str) -> None:
    with pytest.raises(QueryError, match=words):
        session.table(query)
    with pytest.raises(QueryError, match=words):
        session.stream(query).read_all()


@pytest.mark.parametrize("query", ["SELECT '\udcff'", "FROM \ud800"])
def test_sql_that_is_no_text(session: QuerySession, query: str) -> None:
    for ask in (session.table, session.stream):
        with pytest.raises(QueryError, match=r"the SQL is not UTF-8, from character \d+ on"):
            ask(query)


def _half(content: bytes) -> bytes:
    return content[: len(content) // 2]


def _zeros(content: bytes) -> bytes:
    return bytes(len(content))


def _wrong_footer(content: bytes) -> bytes:
    return content[:-300] + bytes(byte ^ 0x33 for byte in content[-300:-8]) + content[-8:]


def _wrong_pages(content: bytes) -> bytes:
    return content[:4] + bytes(len(content) // 2) + content[4 + len(content) // 2 :]


@pytest.mark.parametrize("damage", [None, _half, _zeros, _wrong_footer, _wrong_pages])
@pytest.mark.parametrize("at", [0, -1])
def test_damage_is_told_from_wrong_sql(
    tmp_path: Path, damage: Callable[[bytes], bytes] | None, at: int
) -> None:
    store = Store.create(tmp_path / "catalog", SCHEMAS)
    for shard in (1, 2):
        with store.writing(SCHEMAS) as writer:
            add(writer, {"tilts": rows("tilts", f"/data{shard}", 200)}, shard=shard)
            writer.commit()
    path = Path(store.snapshot(["tilts"]).tables["tilts"].paths[at])
    if damage is None:
        path.unlink()
    else:
        path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(
        QueryError, match="a part of the catalogue is damaged or was deleted, or the folder was copied"
    ):
        QuerySession(store.snapshot()).table("FROM tilts ORDER BY path, nominal_tilt_angle")


@pytest.mark.parametrize(
    "query",
    [
        "COPY files TO '{part}'",
        "COPY files TO '/tmp/stolen.csv'",
        "EXPLAIN ANALYZE COPY files TO '{part}'",
        "PREPARE s AS COPY files TO '{part}'",
        "EXPORT DATABASE '/tmp/stolen'",
        "CREATE TABLE t (a int)",
        "CREATE VIEW v AS SELECT 1",
        "DROP VIEW files",
        "ATTACH '/tmp/other.db'",
        "INSTALL delta",
        "LOAD delta",
        "SET enable_external_access = true",
        "SET threads = 1",
        "PRAGMA enable_profiling",
        "CALL pragma_version()",
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM read_text('{card}')",
        "SELECT * FROM '/etc/passwd'",
        "SELECT * FROM glob('/etc/*')",
        "SELECT * FROM query('COPY files TO ''{part}''')",
        "SELECT * FROM secret",
        "SELECT getenv('HOME')",
    ],
)
def test_nothing_else_can_be_read_or_written(store: Store, session: QuerySession, query: str) -> None:
    secret = pa.table({"a": [1]})
    part = Path(store.snapshot().tables["files"].paths[0])
    before = part.read_bytes()
    text = query.format(
        part=str(part).replace("'", "''"), card=str(store.folder / "catalog.json").replace("'", "''")
    )
    with pytest.raises(QueryError):
        session.table(text)
    assert (part.read_bytes(), secret.num_rows) == (before, 1)
    assert session.table("SELECT count(*) AS n FROM files")["n"].to_pylist() == [25]


def test_large_answers_spill_and_clean_up(session: QuerySession) -> None:
    spill = Path(session._spill)
    assert spill.is_dir()
    session.close()
    assert not spill.exists()


def test_control_c_stops_a_query(session: QuerySession) -> None:
    query = "SELECT sum(hash(a.range + b.range)) FROM range(10000000) a, range(1000000) b"
    # Whoever runs the tests in the background may have SIGINT ignored.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    threading.Timer(0.3, signal.raise_signal, [signal.SIGINT]).start()
    started = time.perf_counter()
    try:
        with pytest.raises(KeyboardInterrupt):
            session.table(query)
    finally:
        signal.signal(signal.SIGINT, before)
    assert time.perf_counter() - started < 10
    assert session.table("SELECT 1 AS one")["one"].to_pylist() == [1]
