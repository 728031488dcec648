"""``tomoset merge``."""

from pathlib import Path

import pytest
from cli_runs import run
from test_merging import FIRST, SECOND
from tomoset import read_star


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path]:
    (tmp_path / "a.star").write_text(FIRST)
    (tmp_path / "b.star").write_text(SECOND)
    return tmp_path / "a.star", tmp_path / "b.star"


def test_merge(capfd: pytest.CaptureFixture[str], pair: tuple[Path, Path], tmp_path: Path) -> None:
    done = run(capfd, "merge", *pair, "-o", tmp_path / "c.star")
    assert (done.code, done.out) == (0, "data_optics: 3 rows\ndata_particles: 4 rows\n")
    assert f"tomoset: {pair[1]}: optics group 1 is now 3\n" in done.err
    assert read_star(tmp_path / "c.star")["particles"]["rlnOpticsGroup"].to_pylist() == [1, 2, 3, 1]
    assert (tmp_path / "c.star").read_text().startswith("# by hand\ndata_general\n")
    done = run(capfd, "merge", *pair, "-o", "-", "--floats", "%.1f")
    assert (done.code, "b/1" in done.out, "data_optics: 3 rows" in done.out) == (0, True, False)
    assert run(capfd, "merge", *pair, "-o", tmp_path / "c.star.gz").code == 0
    assert read_star(tmp_path / "c.star.gz")["particles"].num_rows == 4


def test_columns(capfd: pytest.CaptureFixture[str], pair: tuple[Path, Path], tmp_path: Path) -> None:
    pair[1].write_text(SECOND.replace("_rlnDefocusU", "_rlnDefocusV"))
    out = tmp_path / "c.star"
    done = run(capfd, "merge", *pair, "-o", out)
    assert (done.code, out.exists()) == (3, False)
    assert f"the columns differ: {pair[0]} has no rlnDefocusV; {pair[1]} has no rlnDefocusU" in done.err
    assert run(capfd, "merge", *pair, "-o", out, "--columns", "common").code == 0
    assert read_star(out)["particles"].labels == ["rlnTomoParticleName", "rlnOpticsGroup"]
    assert run(capfd, "merge", *pair, "-o", out, "--force", "--columns", "all", "--na", "0").code == 0
    assert read_star(out)["particles"]["rlnDefocusV"].to_pylist() == [0, 0, 1.5, 2.5]
    assert run(capfd, "merge", *pair, "-o", out, "--force", "--columns", "all").code == 2
    assert run(capfd, "merge", *pair, "-o", out, "--force", "--na", "0").code == 2
    done = run(capfd, "merge", *pair, "-o", out, "--force", "--columns", "all", "--na", "none")
    assert (done.code, "is double, which 'none' is not" in done.err) == (3, True)


def test_duplicates(capfd: pytest.CaptureFixture[str], pair: tuple[Path, Path], tmp_path: Path) -> None:
    pair[1].write_text(SECOND.replace("b/2", "a/1"))
    done = run(capfd, "merge", *pair, "-o", tmp_path / "c.star")
    assert (done.code, "tomoset: warning: block 'particles': 1 row" in done.err) == (0, True)
    assert run(capfd, "merge", *pair, "-o", tmp_path / "d.star", "--duplicates", "raise").code == 3
    done = run(capfd, "merge", *pair, "-o", tmp_path / "d.star", "--duplicates", "drop")
    assert done.out == "data_optics: 3 rows\ndata_particles: 3 rows\n"


def test_unknown_labels_become_text_together(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "a.star").write_text("data_\nloop_\n_x\n_y\n1.50 1\n2 2\n")
    (tmp_path / "b.star").write_text("data_\nloop_\n_x\n_y\nlow 2.5\n3.0 3\n")
    done = run(capfd, "merge", tmp_path / "a.star", tmp_path / "b.star", "-o", tmp_path / "c.star")
    assert (done.code, done.out) == (0, "data_: 4 rows\n")
    merged = read_star(tmp_path / "c.star")[""]
    assert merged.to_dict() == {"x": ["1.50", "2", "low", "3.0"], "y": [1, 2, 2.5, 3]}


def test_targets(capfd: pytest.CaptureFixture[str], pair: tuple[Path, Path], tmp_path: Path) -> None:
    done = run(capfd, "merge", *pair, "-o", pair[0])
    assert (done.code, "exists already; --force replaces it" in done.err) == (3, True)
    assert pair[0].read_text() == FIRST
    assert run(capfd, "merge", *pair, "-o", pair[0], "--force").code == 0
    assert read_star(pair[0])["particles"].num_rows == 4
    assert run(capfd, "merge", *pair, "-o", tmp_path / "c.csv").code == 2
    assert run(capfd, "merge", pair[0], "-o", tmp_path / "c.star").code == 2
    assert run(capfd, "merge", *pair).code == 2
    done = run(capfd, "merge", pair[0], tmp_path / "no.star", "-o", tmp_path / "c.star")
    assert (done.code, done.err) == (3, f"tomoset: {tmp_path}/no.star: No such file or directory\n")
