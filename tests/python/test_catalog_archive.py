"""The catalogue of a lifelike archive, read by the compiled harvest, from end to end."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import tomoset
from cli_runs import environment, run, run_on_terminal
from deltalake import DeltaTable
from tomoset.catalog.schema import REPEATED, TABLES, catalog_schemas, columns_page
from tomoset.catalog.tasks import text_of

REPOSITORY = Path(__file__).parents[2]
REAL = REPOSITORY.parent / "shared" / "real"
PAGE = (REPOSITORY / "docs" / "catalog.md").read_text()


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("archive") / "projects"
    command: list[str | Path] = [
        sys.executable,
        REPOSITORY / "examples" / "make_archive.py",
        folder,
        "--projects",
        "2",
    ]
    subprocess.run(command, check=True, capture_output=True)
    # Files that have just been written are looked at again.
    for path in folder.rglob("*"):
        os.utime(path, ns=(0, path.stat().st_mtime_ns - 3600 * 10**9), follow_symlinks=False)
    return folder


@pytest.fixture(scope="module")
def catalog(archive: Path, tmp_path_factory: pytest.TempPathFactory) -> tomoset.Catalog:
    catalog = tomoset.Catalog.create(tmp_path_factory.mktemp("catalog") / "catalog")
    catalog.index(archive)
    return catalog


def sorted_rows(catalog: tomoset.Catalog, name: str) -> list[str]:
    return sorted(map(repr, catalog.sql(f"FROM {name}").to_pylist()))


def one(catalog: tomoset.Catalog, query: str) -> object:
    (value,) = catalog.sql(query).to_pylist()[0].values()
    return value


def test_every_file_is_there(catalog: tomoset.Catalog, archive: Path) -> None:
    found = catalog.sql("SELECT path, size, name FROM files ORDER BY path").to_pylist()
    stars = [path for path in archive.rglob("*.star") if path.is_file()]
    wanted = {text_of(os.fsencode(path.relative_to(archive))): path.stat().st_size for path in stars}
    assert {row["path"]: row["size"] for row in found} == wanted
    assert len(found) == len(stars)


def test_rows_are_those_of_the_files(catalog: tomoset.Catalog, archive: Path) -> None:
    path = one(catalog, "SELECT min(path) FROM tilts WHERE path LIKE '%/CtfFind/%'")
    star = tomoset.read_star(archive / str(path))
    table = star.blocks[0].to_arrow()
    rows = catalog.sql(f"SELECT * FROM tilts WHERE path = '{path}' ORDER BY row").to_pylist()
    assert [row["tomogram"] for row in rows] == [star.blocks[0].name] * table.num_rows
    for column, label in (
        ("nominal_tilt_angle", "rlnTomoNominalStageTiltAngle"),
        ("defocus_u", "rlnDefocusU"),
    ):
        assert [row[column] for row in rows] == table[label].to_pylist()
    assert catalog.schema("tilts").field("defocus_u").metadata[b"label"] == b"rlnDefocusU"


def test_counts_agree(catalog: tomoset.Catalog) -> None:
    assert one(catalog, "SELECT count(*) FROM problems") == one(catalog, "SELECT sum(problems) FROM files")
    faulty = "SELECT count(*) FROM files WHERE status IN ('faulty', 'unreadable')"
    assert one(catalog, faulty) >= 1  # type: ignore[operator]


def test_a_rerun_is_the_same_whatever_the_threads(
    catalog: tomoset.Catalog, archive: Path, tmp_path: Path
) -> None:
    again = tomoset.Catalog.create(tmp_path / "again")
    again.index(archive, threads=1)
    for name in set(TABLES) - {"crawls"}:
        ours, theirs = (sorted_rows(held, name) for held in (again, catalog))
        assert ours == theirs


def test_questions_of_the_manual(catalog: tomoset.Catalog) -> None:
    questions = re.findall(r"```sql\n(.*?)```", PAGE, re.DOTALL)
    assert len(questions) == 5
    for question in questions:
        assert catalog.sql(question).num_rows > 0, question


def test_columns_of_the_manual() -> None:
    assert columns_page(catalog_schemas()).strip() in PAGE, "write it anew: python -m tomoset.catalog.schema"


def test_other_tools_read_the_tables(catalog: tomoset.Catalog) -> None:
    for name in TABLES:
        place = f"{catalog.path}/{name}"
        delta = DeltaTable(place)
        frame = delta.to_pandas()
        assert isinstance(frame, pd.DataFrame)
        rows = len(frame)
        if name in REPEATED:
            frame = frame.drop(columns="shard").drop_duplicates()
        assert len(frame) == one(catalog, f"SELECT count(*) FROM {name}")
        assert pl.read_delta(place).height == rows
        assert delta.to_pyarrow_dataset().count_rows() == rows
    many = DeltaTable(f"{catalog.path}/tilts").to_pyarrow_dataset(
        file_pruning_predicate="nominal_tilt_angle > 1"
    )
    assert many.count_rows() > 0


def test_show_and_query_on_a_terminal(catalog: tomoset.Catalog, archive: Path) -> None:
    for star in sorted(archive.rglob("*.star"))[::40]:
        code, screen = run_on_terminal(80, "show", star)
        assert code in {0, 3}, screen
        # Messages hold paths, and are not cut.
        assert code == 3 or max(map(len, screen.splitlines())) <= 80, screen
    for name in TABLES:
        code, screen = run_on_terminal(80, "query", f"FROM {name} LIMIT 5", "--catalog", catalog.path)
        assert code == 0
        assert max(map(len, screen.splitlines())) <= 80


def test_a_catalogue_inside_the_archive(
    capfd: pytest.CaptureFixture[str], archive: Path, tmp_path: Path
) -> None:
    inside = tmp_path / "copy"
    shutil.copytree(archive / "broken", inside, symlinks=True)
    first = run(capfd, "index", inside, "--catalog", inside / "catalog")
    (inside / "catalog" / "files" / "stray.star").write_text("data_\n")
    second = run(capfd, "index", inside, "--catalog", inside / "catalog", "--strict")
    assert (first.code, second.code) == (0, 1)
    assert first.out.splitlines()[1] == second.out.splitlines()[1]


def test_killed_at_any_moment(archive: Path, tmp_path: Path) -> None:
    catalog = tomoset.Catalog.create(tmp_path / "catalog")
    files = catalog.index(archive).files
    command: list[str | Path] = [
        sys.executable,
        "-m",
        "tomoset",
        "index",
        archive,
        "--catalog",
        tmp_path / "catalog",
        "--quiet",
    ]
    for step in range(8):
        process = subprocess.Popen(command, env=environment())
        time.sleep(0.25 + 0.05 * step)
        process.send_signal(signal.SIGKILL if step % 2 else signal.SIGINT)
        process.wait()
        assert one(tomoset.Catalog.open(tmp_path / "catalog"), "SELECT count(*) FROM files") == files
    catalog.index(archive)
    leftovers = {path.name for path in (tmp_path / "catalog").rglob(".*.tmp")}
    assert (one(catalog, "SELECT count(*) FROM files"), leftovers) == (files, set())


@pytest.mark.skipif(not REAL.is_dir(), reason="the real project is not here")
def test_a_real_project(tmp_path: Path) -> None:
    with tomoset.Catalog.create(tmp_path / "catalog") as catalog:
        summary = catalog.index(REAL)
        assert (summary.files, summary.num_errors) == (sum(1 for _ in REAL.rglob("*.star")), 0)
        sets = catalog.sql(
            "SELECT DISTINCT pixel_size FROM tomograms WHERE project = 'empiar-10164-relion5' ORDER BY 1"
        )
        assert pa.types.is_float64(sets.schema.field(0).type)
        assert 1.35 in sets[0].to_pylist()
        tilts = "SELECT count(*) FROM tilts WHERE path LIKE '%/CtfFind/job003/tilt_series/TS_01.star'"
        assert one(catalog, tilts) == 41


def test_names_in_letters_of_either_case(tmp_path: Path) -> None:
    for name in ("a.star", "B.STAR", "c.Star.GZ", "d.tomostar", "star", "e.star.bak", ".star"):
        (tmp_path / "archive").mkdir(exist_ok=True)
        (tmp_path / "archive" / name).write_bytes(b"data_\n")
    with tomoset.Catalog.create(tmp_path / "catalog") as catalog:
        catalog.index(tmp_path / "archive")
        paths = catalog.sql("SELECT path FROM files ORDER BY path")["path"].to_pylist()
    assert paths == [".star", "B.STAR", "a.star", "c.Star.GZ", "d.tomostar"]
