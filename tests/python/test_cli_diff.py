"""``tomoset diff``."""

import json
from pathlib import Path

import pytest
from cli_runs import PROJECT, run


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path]:
    (tmp_path / "a.star").write_text(PROJECT)
    (tmp_path / "b.star").write_text(PROJECT)
    return tmp_path / "a.star", tmp_path / "b.star"


def test_the_same(capfd: pytest.CaptureFixture[str], pair: tuple[Path, Path]) -> None:
    done = run(capfd, "diff", *pair)
    assert (done.code, done.out, done.err) == (0, "", "")
    pair[1].write_text("# another\n" + PROJECT.replace("300.0 ", "3e2   "))
    assert run(capfd, "diff", *pair).code == 0


def test_order_is_told_but_no_difference(capfd: pytest.CaptureFixture[str], pair: tuple[Path, Path]) -> None:
    general, optics, particles = PROJECT.split("data_")[1:]
    swapped = optics.replace("_rlnOpticsGroup #1\n_rlnVoltage #2", "_rlnVoltage #1\n_rlnOpticsGroup #2")
    swapped = swapped.replace("1 300.0", "300.0 1").replace("2 200.0", "200.0 2")
    pair[1].write_text(f"data_{particles}\ndata_{swapped}data_{general}")
    done = run(capfd, "diff", *pair)
    assert (done.code, done.out.splitlines()) == (
        0,
        [
            "blocks come in another order, which is no difference",
            "data_optics:",
            "  columns come in another order, which is no difference",
        ],
    )


def test_what_differs(capfd: pytest.CaptureFixture[str], pair: tuple[Path, Path]) -> None:
    new = PROJECT.replace("[0,0,1] -3 ", "[0,1,1] -3.5 ").replace("data_general", "data_job")
    new = new.replace("200.0", "250").replace("_rlnImageName", "_rlnCtfImage") + "TS_04 [1] 1 x\n"
    pair[1].write_text(new)
    done = run(capfd, "diff", *pair)
    assert (done.code, done.err) == (1, "")
    assert done.out.splitlines() == [
        f"A: {pair[0]}",
        f"B: {pair[1]}",
        "block data_general of A is data_job in B, and says the same",
        "data_optics: 1 row changed",
        "  row 1, rlnVoltage: 200.0 -> 250.0",
        "data_particles: 1 row changed, 1 row only in B",
        "  columns only in A: rlnImageName",
        "  columns only in B: rlnCtfImage",
        "  rows only in B: 3",
        "  row 1, rlnTomoVisibleFrames: [0,0,1] -> [0,1,1]",
        "  row 1, rlnCenteredCoordinateXAngst: -3.0 -> -3.5",
    ]
    assert run(capfd, "diff", *pair, "-q").out == ""
    assert run(capfd, "diff", *pair, "-q").code == 1


def test_80_columns(capfd: pytest.CaptureFixture[str], pair: tuple[Path, Path]) -> None:
    new = PROJECT.replace("Extract/job020", "Extract/job021/" + "very/" * 20).replace(
        "data_general", "data_x\n_y 1\ndata_z"
    )
    pair[1].write_text(new)
    done = run(capfd, "diff", *pair, "--max", "1")
    assert done.code == 1
    assert max(map(len, done.out.splitlines()[2:])) <= 80
    assert "  1 more changed cells (--max)\n  changed cells in all: rlnImageName 2\n" in done.out


def test_keys_columns_and_tolerances(capfd: pytest.CaptureFixture[str], pair: tuple[Path, Path]) -> None:
    lines = PROJECT.splitlines(keepends=True)
    pair[1].write_text("".join([*lines[:-3], lines[-1], lines[-3], lines[-2].replace("-3", "-3.001")]))
    assert run(capfd, "diff", *pair, "--max", "0").out.splitlines()[2] == "data_particles: 3 rows changed"
    done = run(capfd, "diff", *pair, "--key", "rlnTomoName")
    assert done.out.splitlines()[2:] == [
        "data_particles: 1 row changed, matched by rlnTomoName",
        "  001, rlnCenteredCoordinateXAngst: -3.0 -> -3.001",
    ]
    key = ("--key", "_rlnTomoName")
    assert run(capfd, "diff", *pair, *key, "--atol", "0.01").code == 0
    assert run(capfd, "diff", *pair, *key, "--rtol", "0.001").code == 0
    assert run(capfd, "diff", *pair, *key, "--ignore", "*XAngst,x").code == 0
    assert run(capfd, "diff", *pair, *key, "--columns", "rlnImageName").code == 0
    assert run(capfd, "diff", *pair, "--columns", "rlnImageName").code == 1


def test_json(capfd: pytest.CaptureFixture[str], pair: tuple[Path, Path]) -> None:
    pair[1].write_text(PROJECT.replace("nan", "inf"))
    done = run(capfd, "diff", *pair, "--format", "json")
    found = json.loads(done.out)
    assert (done.code, found["same"], found["old"]) == (1, False, str(pair[0]))
    (table,) = found["tables"]
    assert (table["block"], table["num_changed"]) == ("particles", 1)
    assert table["cells"] == [
        {
            "row_old": 2,
            "row_new": 2,
            "key": [],
            "label": "rlnCenteredCoordinateXAngst",
            "old": "nan",
            "new": "inf",
        }
    ]
    same = json.loads(run(capfd, "diff", pair[0], pair[0], "--format", "json").out)
    assert (same["same"], same["tables"]) == (True, [])


def test_trouble_is_2(capfd: pytest.CaptureFixture[str], pair: tuple[Path, Path], tmp_path: Path) -> None:
    done = run(capfd, "diff", pair[0], tmp_path / "no.star")
    assert (done.code, done.err) == (2, f"tomoset: {tmp_path}/no.star: No such file or directory\n")
    pair[1].write_text("data_a\nloop_\n_x\n_y\n1\n")
    done = run(capfd, "diff", *pair, "-q")
    assert (done.code, "b.star:5:1" in done.err) == (2, True)
    done = run(capfd, "diff", pair[0], pair[0], "--key", "rlnTomoNam")
    assert (done.code, 'did you mean "rlnTomoName"?' in done.err) == (2, True)
    assert run(capfd, "diff", pair[0]).code == 2
    assert run(capfd, "diff", *pair, "--rtol", "-1").code == 2
