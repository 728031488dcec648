"""``tomoset convert``."""

import json
import re
from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
from cli_runs import PROJECT, run
from tomoset import read_star


@pytest.fixture
def star(tmp_path: Path) -> Path:
    (tmp_path / "run_data.star").write_text(PROJECT)
    return tmp_path / "run_data.star"


@pytest.mark.parametrize("suffix", ["parquet", "arrow", "feather"])
def test_columns_survive(capfd: pytest.CaptureFixture[str], star: Path, tmp_path: Path, suffix: str) -> None:
    out = tmp_path / f"out.{suffix}"
    done = run(capfd, "convert", star, out, "--block", "particles")
    assert (done.code, done.out, done.err) == (0, "", "")
    table = pq.read_table(out) if suffix == "parquet" else pa.ipc.open_file(out).read_all()
    wanted = read_star(star)["particles"].to_arrow()
    assert table.schema == wanted.schema
    assert (
        table.schema.field("rlnTomoVisibleFrames").metadata
        == wanted.schema.field("rlnTomoVisibleFrames").metadata
    )
    assert table.drop_columns(["rlnCenteredCoordinateXAngst"]) == wanted.drop_columns(
        ["rlnCenteredCoordinateXAngst"]
    )
    assert table["rlnTomoName"].to_pylist() == ["TS_01", "001", "TS_03"]


def test_csv(capfd: pytest.CaptureFixture[str], star: Path, tmp_path: Path) -> None:
    assert run(capfd, "convert", star, tmp_path / "out.csv", "--block", "particles").code == 0
    lines = (tmp_path / "out.csv").read_text().splitlines()
    assert lines[0] == '"rlnTomoName","rlnTomoVisibleFrames","rlnCenteredCoordinateXAngst","rlnImageName"'
    assert lines[2] == '"001","[0,0,1]",-3,"Extract/job020/Subtomograms/TS_01/13_stack2d.mrcs"'
    assert pyarrow.csv.read_csv(tmp_path / "out.csv").num_rows == 3


@pytest.mark.parametrize("suffix", ["json", "jsonl", "ndjson"])
def test_json_lines(capfd: pytest.CaptureFixture[str], star: Path, tmp_path: Path, suffix: str) -> None:
    assert run(capfd, "convert", star, tmp_path / f"out.{suffix}", "--block", "particles").code == 0
    records = [json.loads(line) for line in (tmp_path / f"out.{suffix}").read_text().splitlines()]
    assert [record["rlnTomoVisibleFrames"] for record in records] == [[1, 0, 1], [0, 0, 1], [1, 1, 1]]
    assert [record["rlnCenteredCoordinateXAngst"] for record in records] == [1774.4227, -3, None]


def test_standard_output(capfd: pytest.CaptureFixture[str], star: Path) -> None:
    done = run(capfd, "convert", star, "-", "--block", "optics", "--format", "csv")
    assert (
        done.out
        == '"rlnOpticsGroup","rlnVoltage","rlnOpticsGroupName"\n1,300,"optics1"\n2,200,"second group"\n'
    )
    done = run(capfd, "convert", star, "-", "--block", "general", "--format", "json")
    assert json.loads(done.out) == {"rlnTomoSubTomosAre2DStacks": True}
    assert run(capfd, "convert", star, "-", "--block", "optics").code == 2


def test_several_blocks_are_listed(capfd: pytest.CaptureFixture[str], star: Path, tmp_path: Path) -> None:
    done = run(capfd, "convert", star, tmp_path / "out.csv")
    assert (done.code, (tmp_path / "out.csv").exists()) == (2, False)
    assert (
        "  general: 1 row, 1 label\n  optics: 2 rows, 3 labels\n  particles: 3 rows, 4 labels\n" in done.err
    )
    done = run(capfd, "convert", star, tmp_path / "out.csv", "--block", "particle")
    assert (done.code, "no block 'particle'" in done.err, "  particles: 3 rows" in done.err) == (
        2,
        True,
        True,
    )


def test_a_single_table_needs_no_name(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "one.star").write_text("data_\n\nloop_\n_a\n_b\n1 2\n")
    assert run(capfd, "convert", tmp_path / "one.star", tmp_path / "one.parquet").code == 0
    assert pq.read_table(tmp_path / "one.parquet").to_pylist() == [{"a": 1, "b": 2}]
    (tmp_path / "job.star").write_text("data_job\n\n_rlnJobIsTomo 1\n")
    assert run(capfd, "convert", tmp_path / "job.star", tmp_path / "job.json").code == 0


def test_one_file_a_block(capfd: pytest.CaptureFixture[str], star: Path, tmp_path: Path) -> None:
    assert run(capfd, "convert", star, tmp_path / "out_{block}.parquet").code == 0
    assert sorted(path.name for path in tmp_path.glob("out_*")) == [
        "out_general.parquet",
        "out_optics.parquet",
        "out_particles.parquet",
    ]
    (tmp_path / "odd.star").write_text(
        "data_\n\nloop_\n_a\n1\n\ndata_x/y\n\nloop_\n_a\n1\n\ndata_\n\nloop_\n_a\n2\n"
    )
    assert run(capfd, "convert", tmp_path / "odd.star", tmp_path / "odd_{block}.csv").code == 0
    assert sorted(path.name for path in tmp_path.glob("odd_*")) == [
        "odd_unnamed-2.csv",
        "odd_unnamed.csv",
        "odd_x_y.csv",
    ]


def test_nothing_is_overwritten_unasked(
    capfd: pytest.CaptureFixture[str], star: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out_particles.csv"
    out.write_text("precious")
    done = run(capfd, "convert", star, tmp_path / "out_{block}.csv")
    assert (done.code, out.read_text(), len(list(tmp_path.glob("out_*")))) == (3, "precious", 1)
    assert "exists already; --force replaces it" in done.err
    assert run(capfd, "convert", star, tmp_path / "out_{block}.csv", "--force").code == 0
    assert out.read_text().startswith('"rlnTomoName"')


def test_bad_targets(capfd: pytest.CaptureFixture[str], star: Path, tmp_path: Path) -> None:
    done = run(capfd, "convert", star, tmp_path / "missing" / "out.csv", "--block", "optics")
    words = f"No such file or directory: there is no folder {tmp_path}/missing"
    assert (done.code, done.err) == (3, f"tomoset: {tmp_path}/missing/out.csv: {words}\n")
    assert run(capfd, "convert", star, tmp_path / "out.docx").code == 2
    assert run(capfd, "convert", star, tmp_path / "out").code == 2
    assert run(capfd, "convert", star, tmp_path / "out.csv", "--format", "csv").code == 2
    (tmp_path / "folder.csv").mkdir()
    assert run(capfd, "convert", star, tmp_path / "folder.csv", "--block", "optics", "--force").code == 3


def test_broken_files_are_located(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "bad.star").write_text("data_x\n\nloop_\n_a\n_b\n1 2\n3 4 5\n")
    done = run(capfd, "convert", tmp_path / "bad.star", tmp_path / "bad.csv")
    assert (done.code, done.err.startswith(f"tomoset: {tmp_path}/bad.star:7:")) == (3, True)
    (tmp_path / "empty.star").write_text("")
    done = run(capfd, "convert", tmp_path / "empty.star", tmp_path / "empty.csv")
    assert done.code in {2, 3}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bad.star", "empty.star"]


@pytest.mark.parametrize("option", ["--columns", "--where", "--rows"])
def test_rows_and_columns_are_chosen_by_another_command(
    capfd: pytest.CaptureFixture[str], option: str
) -> None:
    done = run(capfd, "convert", "a.star", "a.csv", option, "x")
    words = f"No such option '{option}': tomoset subset chooses rows and columns."
    assert (done.code, words in done.err) == (2, True)
    # Which click has put in quotes, and has not.
    mistyped = run(capfd, "convert", "a.star", "a.csv", "--colums", "x")
    assert re.search(r"No such option:? '?--colums", mistyped.err)
