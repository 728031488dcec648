"""``tomoset subset``."""

from pathlib import Path

import pytest
from cli_runs import PROJECT, run
from test_subsets import STAR
from tomoset import read_star


@pytest.fixture
def star(tmp_path: Path) -> Path:
    (tmp_path / "in.star").write_text(STAR)
    return tmp_path / "in.star"


def test_rows_and_columns(capfd: pytest.CaptureFixture[str], star: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.star"
    done = run(capfd, "subset", star, "-o", out, "--where", "rlnClassNumber == 1 or rlnTomoName == 'TS_03'")
    assert (done.code, done.out, done.err) == (0, "", "data_particles: 2 of 3 rows, 3 of 3 columns\n")
    assert out.read_text() == STAR.replace("TS_02 02 3\n", "")
    done = run(capfd, "subset", star, "-o", "-", "--rows", "1:", "--columns", "*Name,rlnC*")
    assert done.out.endswith("TS_02 02\nTS_03 3\n")
    done = run(capfd, "subset", star, "-o", "-", "--random", "2", "--seed", "3", "--drop", "rlnTomoName")
    assert done.err == "data_particles: 2 of 3 rows, 2 of 3 columns\n"
    again = run(capfd, "subset", star, "-o", "-", "--random", "2", "--seed", "3", "--drop", "rlnTomoName")
    assert again.out == done.out
    done = run(capfd, "subset", star, "-o", "-", "--block", "optics", "--rows", ":1")
    assert "3 200.00" not in done.out
    assert "data_optics: 1 of 3 rows" in done.err


def test_optics(capfd: pytest.CaptureFixture[str], star: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.star"
    kept = ("subset", star, "-o", out, "--force", "--where", "rlnOpticsGroup == 3")
    assert run(capfd, *kept).code == 0
    assert read_star(out)["optics"]["rlnOpticsGroup"].to_pylist() == [1, 3, 4]
    done = run(capfd, *kept, "--prune-optics", "--drop", "rlnOpticsGroup")
    assert (done.code, done.err.splitlines()) == (
        0,
        [
            "data_optics: without group 1, 4",
            "tomoset: warning: RELION expects optics groups 1, 2, 3 and so on",
            "data_particles: 2 of 3 rows, 2 of 3 columns",
        ],
    )
    assert read_star(out)["optics"]["rlnOpticsGroup"].to_pylist() == [3]


def test_nan_and_vectors_stay(capfd: pytest.CaptureFixture[str], star: Path, tmp_path: Path) -> None:
    star.write_text(PROJECT)
    done = run(capfd, "subset", star, "-o", "-", "--rows", "2:")
    assert done.out.endswith("\nTS_03 [1,1,1] nan None\n")


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ((), 2, "nothing is chosen"),
        (("--rows", "3"), 2, "is not START:STOP"),
        (("--rows", "::0"), 2, "STEP is 0"),
        (("--rows", "::-1"), 2, "is not START:STOP"),
        (("--seed", "3"), 2, "--seed is for --random"),
        (("--random", "9"), 3, "there are only 3 rows"),
        (("--where", "rlnTomoNam == 'a'"), 3, "\n  rlnTomoNam == 'a'\n  ^\n"),
        (("--columns", "x*"), 3, "has no column 'x*'"),
        (("--block", "particle", "--rows", ":1"), 3, "no block named 'particle'"),
    ],
)
def test_wrong_choices(
    capfd: pytest.CaptureFixture[str],
    star: Path,
    tmp_path: Path,
    arguments: tuple[str, ...],
    code: int,
    words: str,
) -> None:
    done = run(capfd, "subset", star, "-o", tmp_path / "out.star", *arguments)
    assert (done.code, words in done.err, (tmp_path / "out.star").exists()) == (code, True, False)


def test_targets(capfd: pytest.CaptureFixture[str], star: Path, tmp_path: Path) -> None:
    done = run(capfd, "subset", star, "-o", star, "--rows", ":1")
    assert (done.code, "exists already; --force replaces it" in done.err) == (3, True)
    assert star.read_text() == STAR
    assert run(capfd, "subset", star, "-o", star, "--rows", ":1", "--force").code == 0
    assert read_star(star)["particles"].num_rows == 1
    done = run(capfd, "subset", star, "-o", tmp_path / "out.parquet", "--rows", ":1")
    assert (done.code, "OUT must end in .star" in done.err) == (2, True)
    assert run(capfd, "subset", star, "-o", tmp_path / "no" / "out.star", "--rows", ":1").code == 3


def test_no_rows_left(capfd: pytest.CaptureFixture[str], star: Path, tmp_path: Path) -> None:
    done = run(capfd, "subset", star, "-o", tmp_path / "out.star", "--where", "rlnClassNumber > 9")
    assert (done.code, done.err) == (
        0,
        "data_particles: 0 of 3 rows, 3 of 3 columns\ntomoset: warning: no row is left\n",
    )
    assert read_star(tmp_path / "out.star")["particles"].num_rows == 0
