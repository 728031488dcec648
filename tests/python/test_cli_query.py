"""``tomoset query``."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from catalog_samples import SCHEMAS, fill
from cli_runs import environment, run, run_on_terminal, run_process
from tomoset.catalog.store import Store
from tomoset.cli.text import NULL, column_cells
from tomoset.cli.text_table import table_lines


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Path:
    store = Store.create(tmp_path_factory.mktemp("query") / "catalog", SCHEMAS)
    fill(store, 60, ("files", "tomograms", "tilts"))
    return store.folder


def test_table(capfd: pytest.CaptureFixture[str], catalog: Path) -> None:
    query = (
        "SELECT project, count(*) AS n, avg(nominal_tilt_angle) AS mean FROM tilts GROUP BY ALL ORDER BY n, 1"
    )
    done = run(capfd, "query", query + " LIMIT 3", "--catalog", catalog)
    assert (done.code, done.err) == (0, "")
    assert done.out.splitlines() == [
        "project      n   mean",
        "----------  --  -----",
        "session000  10  -46.5",
        "session001  10  -16.5",
        "session002  10   13.5",
    ]


def test_empty_answers(capfd: pytest.CaptureFixture[str], catalog: Path) -> None:
    for form in ("table", "csv", "json"):
        done = run(capfd, "query", "SELECT code, line FROM problems", "--catalog", catalog, "--format", form)
        assert (done.code, done.out.splitlines()[:1]) == (
            0,
            {"table": ["code  line"], "csv": ['"code","line"'], "json": []}[form],
        )


def test_time_stamps_read_well(capfd: pytest.CaptureFixture[str], catalog: Path) -> None:
    query = "SELECT mtime, date_trunc('day', mtime) AS day, mtime - day AS since FROM files LIMIT 1"
    done = run(capfd, "query", query, "--catalog", catalog)
    assert done.out.splitlines()[-1] == "2026-11-24 12:00:00.25Z  2026-11-24 00:00:00Z  12:00:00"
    done = run(capfd, "query", query, "--catalog", catalog, "--format", "json")
    assert json.loads(done.out)["mtime"] == "2026-11-24 12:00:00.250000Z"


def test_csv_json_and_parquet(capfd: pytest.CaptureFixture[str], catalog: Path, tmp_path: Path) -> None:
    query = "SELECT tomogram, shape, pixel_size FROM tilts JOIN tomograms USING (tomogram) ORDER BY 1 LIMIT 2"
    done = run(capfd, "query", query, "--catalog", catalog, "--format", "csv")
    assert done.out == '"tomogram","shape","pixel_size"\n"TS_000","[0,0]",1.35\n"TS_001","[1,2]",1.35\n'
    done = run(capfd, "query", query, "--catalog", catalog, "--format", "json")
    assert [json.loads(line)["shape"] for line in done.out.splitlines()] == [[0, 0], [1, 2]]
    assert run(capfd, "query", query, "--catalog", catalog, "-o", tmp_path / "out.parquet").code == 0
    assert pq.read_table(tmp_path / "out.parquet")["shape"].to_pylist() == [[0, 0], [1, 2]]


@pytest.mark.parametrize(
    ("name", "start"), [("a.csv", b'"n"\n'), ("a.json", b'{"n":60}'), ("a.txt", b"n\n"), ("a", b"n\n")]
)
def test_the_name_says_the_format(
    capfd: pytest.CaptureFixture[str], catalog: Path, tmp_path: Path, name: str, start: bytes
) -> None:
    done = run(capfd, "query", "SELECT count(*) AS n FROM files", "--catalog", catalog, "-o", tmp_path / name)
    assert (done.code, done.out) == (0, "")
    content = (tmp_path / name).read_bytes()
    assert content.startswith(start) or content.splitlines()[0].strip() == start.strip()
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_failed_query_keeps_the_old_file(
    capfd: pytest.CaptureFixture[str], catalog: Path, tmp_path: Path
) -> None:
    (tmp_path / "out.csv").write_text("precious")
    for query in ("SELECT nope", "SELECT path::int FROM files"):
        assert run(capfd, "query", query, "--catalog", catalog, "-o", tmp_path / "out.csv").code == 3
    assert (tmp_path / "out.csv").read_text() == "precious"
    assert len(list(tmp_path.iterdir())) == 1
    done = run(capfd, "query", "SELECT 1", "--catalog", catalog, "-o", tmp_path / "missing" / "out.csv")
    words = f"No such file or directory: there is no folder {tmp_path}/missing"
    assert (done.code, done.err) == (3, f"tomoset: {tmp_path}/missing/out.csv: {words}\n")


def test_columns_that_a_format_lacks(
    capfd: pytest.CaptureFixture[str], catalog: Path, tmp_path: Path
) -> None:
    done = run(
        capfd, "query", "SELECT INTERVAL 3 DAY AS age", "--catalog", catalog, "-o", tmp_path / "a.parquet"
    )
    assert (done.code, done.err.startswith("tomoset: parquet has no such column: ")) == (3, True)
    assert "interval; make it text by ::VARCHAR" in done.err
    assert not list(tmp_path.iterdir())


def test_links_stay_and_what_they_lead_to_is_replaced(
    capfd: pytest.CaptureFixture[str], catalog: Path, tmp_path: Path
) -> None:
    (tmp_path / "elsewhere").mkdir()
    link, target = tmp_path / "link.csv", tmp_path / "elsewhere/out.csv"
    link.symlink_to(target)
    for _ in range(2):
        assert run(capfd, "query", "SELECT 1 AS n", "--catalog", catalog, "-o", link).code == 0
        assert (link.readlink(), target.read_text()) == (target, '"n"\n1\n')
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["elsewhere", "link.csv", "out.csv"]


def test_pipes_and_devices_are_written_to(
    capfd: pytest.CaptureFixture[str], catalog: Path, tmp_path: Path
) -> None:
    pipe = tmp_path / "pipe.csv"
    os.mkfifo(pipe)
    read: list[str] = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_text()), daemon=True)
    reader.start()
    assert run(capfd, "query", "SELECT 1 AS n", "--catalog", catalog, "-o", pipe).code == 0
    reader.join(20)
    assert read == ['"n"\n1\n']
    assert pipe.is_fifo()
    # By a link: were the device replaced after all, it would only be this.
    full = tmp_path / "full"
    full.symlink_to("/proc/self/fd/0")
    with Path("/dev/full").open("rb") as device:
        command = ("query", "FROM files", "--catalog", catalog, "--format", "csv", "-o", full)
        done = run_process(*command, stdin=device)
    assert (done.returncode, done.stderr) == (3, f"tomoset: {full}: No space left on device\n")
    assert Path("/dev/full").is_char_device()


def test_streams_that_are_closed(catalog: Path) -> None:
    command = '"$0" -m tomoset query - --catalog "$1"'
    for redirected, code, words in (
        (">&-", 0, ""),
        ("<&-", 3, "expected one query, found 0"),
        (">&- 2>&-", 0, ""),
    ):
        line = f"echo 'SELECT 1' | {{ {command} {redirected}; }}"
        done = subprocess.run(
            ["sh", "-c", line, sys.executable, catalog], capture_output=True, text=True, env=environment()
        )
        assert (done.returncode, done.stdout) == (code, "")
        assert words in done.stderr
        assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("SELECT nope FROM files", 'column "nope" not found'),
        ("SELEC 1", "syntax error"),
        ("COPY files TO 'x.csv'", "a catalogue answers queries only"),
        ("SELECT path::int FROM files", "session000/TS_000.star"),
        ("", "expected one query"),
    ],
)
def test_wrong_sql_is_one_clear_message(
    capfd: pytest.CaptureFixture[str], catalog: Path, query: str, words: str
) -> None:
    done = run(capfd, "query", query, "--catalog", catalog)
    assert (done.code, done.out) == (3, "")
    assert done.err.startswith("tomoset: ")
    assert words in done.err


def test_sql_from_standard_input(catalog: Path) -> None:
    done = run_process("query", "-", "--catalog", catalog, input="SELECT count(*) AS n\nFROM files")
    assert (done.returncode, done.stdout, done.stderr) == (0, " n\n--\n60\n", "")


def test_bad_folders(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    done = run(capfd, "query", "SELECT 1", "--catalog", tmp_path / "none")
    assert (done.code, done.err) == (
        3,
        f"tomoset: {tmp_path}/none: no catalogue here; 'tomoset index' makes one\n",
    )
    done = run(capfd, "query", "SELECT 1", "--catalog", tmp_path)
    assert (done.code, done.err) == (
        3,
        f"tomoset: {tmp_path} is not a tomoset catalogue: it has no catalog.json\n",
    )


def test_a_terminal_gets_what_fits(catalog: Path) -> None:
    columns = "path, project, tomogram, nominal_tilt_angle / 7 AS angle, repeat('long ', 30) AS words"
    query = f"SELECT {columns} FROM tilts"
    code, screen = run_on_terminal(80, "query", query, "--catalog", catalog)
    lines = screen.splitlines()
    assert (code, len(lines), lines[-1]) == (0, 53, "(the first 50 rows; --rows 0 prints all)")
    assert max(map(len, lines)) <= 80
    assert "…" in screen
    assert " -8.5714 " in screen
    code, screen = run_on_terminal(80, "query", query, "--catalog", catalog, "--rows", "0")
    assert (len(screen.splitlines()), screen.splitlines()[-1]) == (63, "(60 rows)")


def test_texts_that_would_be_cut_to_pieces_become_records() -> None:
    names = ["project", "tomogram_set", "job", "state"]
    table = pa.table({name: [f"krios1/2024/session_12/{name}"] for name in names})
    assert list(table_lines(table, 80))[2].count("…") == 4
    lines = list(table_lines(table, 64))
    assert lines[1:3] == [f"{name:<12}  krios1/2024/session_12/{name}" for name in names[:2]]


def test_wide_answers_become_records(catalog: Path) -> None:
    query = "SELECT f.*, t.* FROM files f JOIN tilts t USING (path) LIMIT 2"
    code, screen = run_on_terminal(80, "query", query, "--catalog", catalog)
    lines = screen.splitlines()
    assert (code, lines[0], lines[-1]) == (0, "--- row 1 " + "-" * 70, "(2 rows)")
    assert ["nominal_tilt_angle", "-60"] in [line.split() for line in lines]
    assert max(map(len, lines)) <= 80


@pytest.mark.parametrize("columns", ["60", "100", "", "wide", "0"])
def test_columns_of_the_environment_are_filled(
    capfd: pytest.CaptureFixture[str], catalog: Path, monkeypatch: pytest.MonkeyPatch, columns: str
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    query = f"SELECT n, 1.23456789::DOUBLE AS x, '{'x' * 150}' AS text FROM range(60) t(n)"
    lines = run(capfd, "query", query, "--catalog", catalog).out.splitlines()
    widest = max(map(len, lines))
    if columns in ("60", "100"):
        assert widest == int(columns)
    else:
        assert widest == 2 + 2 + 10 + 2 + 150
    # All rows and digits are there all the same.
    assert (len(lines), lines[-1].split()[:2]) == (62, ["59", "1.23456789"])


def test_parquet_is_not_for_a_terminal(catalog: Path) -> None:
    code, screen = run_on_terminal(80, "query", "SELECT 1", "--catalog", catalog, "--format", "parquet")
    assert (code, "add -o FILE" in screen) == (2, True)


def test_nothing_is_shortened_for_a_pipe(capfd: pytest.CaptureFixture[str], catalog: Path) -> None:
    done = run(capfd, "query", "SELECT repeat('x', 200) AS x, 1/3 AS third FROM files", "--catalog", catalog)
    assert done.out.splitlines()[2] == "x" * 200 + "  0.3333333333333333"
    assert len(done.out.splitlines()) == 62
    done = run(capfd, "query", "FROM files", "--catalog", catalog, "--rows", "5")
    assert done.out.splitlines()[-1] == "(the first 5 rows; --rows 0 prints all)"


def shown(values: Sequence[object], dtype: pa.DataType | None = None) -> list[str]:
    return column_cells(pa.chunked_array([pa.array(values, dtype)]), exact=False)


def test_numbers_line_up() -> None:
    assert shown([0.0, -60.5, 1.25]) == ["0.00", "-60.50", "1.25"]
    assert shown([300.0, 200.0]) == ["300", "200"]
    assert shown([100.0 / 3, -2.0 / 3]) == ["33.3333", "-0.6667"]
    assert shown([1000.0, 0.001234]) == ["1000", "0.001234"]
    assert shown([-float("inf"), 0.0]) == ["-inf", "0"]
    assert shown([1e-9, 1.0]) == ["1e-09", "1"]
    assert shown([1234567.0, 12345678.9]) == ["1234567", "12345679"]
    assert shown([float("nan"), float("inf"), 1.5, None]) == ["nan", "inf", "1.5", NULL]
    assert shown([], pa.float64()) == []
    assert shown([None, True]) == [NULL, "true"]
    assert shown([b"caf\xe9"]) == ["caf\\xe9"]


def test_half_a_number_is_never_shown() -> None:
    table = pa.table({"n": [123456789], "text": ["x" * 100]})
    assert list(table_lines(table, 28))[-1] == f"123456789  {'x' * 16}…"
    records = list(table_lines(pa.table({f"n{n}": [123456789] for n in range(9)}), 40))
    assert records[1] == "n0  123456789"


def test_without_columns_or_rows() -> None:
    assert list(table_lines(pa.table({"a": pa.array([], pa.int64())}), 80)) == ["a", "-"]


def test_a_name_without_a_format(capfd: pytest.CaptureFixture[str], catalog: Path, tmp_path: Path) -> None:
    done = run(capfd, "query", "SELECT 1", "--catalog", catalog, "-o", tmp_path / "a.xlsx")
    assert (done.code, "known are .csv" in done.err) == (2, True)
    assert list(tmp_path.iterdir()) == []


def test_the_catalogue_of_the_environment(
    capfd: pytest.CaptureFixture[str], catalog: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOMOSET_CATALOG", str(catalog))
    assert run(capfd, "query", "SELECT 7 AS n", "--format", "csv").out.splitlines() == ['"n"', "7"]


def test_questions_of_the_package(capfd: pytest.CaptureFixture[str], catalog: Path) -> None:
    listed = run(capfd, "query", "--examples").out.splitlines()
    assert len(listed) > 20
    assert any(line.startswith("high_dose ") for line in listed)
    shown = run(capfd, "query", "--example", "high_dose", "--set", "min_dose=90", "--show-sql").out
    assert (shown.splitlines()[0].startswith("-- "), "90 AS min_dose" in shown) == (True, True)
    assert run(capfd, "query", "--example", "high_dose", "--catalog", catalog).code == 0
    for arguments, words in (
        (["--example", "high_doze", "--catalog", catalog], 'did you mean "high_dose"'),
        (
            ["--example", "high_dose", "--set", "mindose=9"],
            "has no option 'mindose'; did you mean \"min_dose\"? (it has min_dose)",
        ),
        (["--example", "mixed_handedness", "--set", "a=9"], "has no option 'a': it has none"),
        (
            ["--example", "high_dose", "--set", "min_dose=nine"],
            "min_dose is no text: expected something such",
        ),
        (["--example", "high_dose", "--set", "90"], "expected OPTION=VALUE"),
        (["--example", "high_dose"], "Missing option '--catalog': which catalogue, unless TOMOSET_CATALOG"),
        (["SELECT 1", "--example", "high_dose"], "one question"),
        ([], "one question"),
        (["SELECT 1", "--set", "a=1"], "are for --example"),
        (["mine.sql"], "mine.sql is a file, and no SQL: tomoset query --catalog DIR - < mine.sql"),
        ([__file__], "is a file, and no SQL"),
    ):
        done = run(capfd, "query", *arguments)
        assert (done.code, words in done.err) == (2, True), done.err
