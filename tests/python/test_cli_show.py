"""``tomoset show``."""

import os
from pathlib import Path

import pytest
from cli_runs import PROJECT, run, run_on_terminal, run_process


@pytest.fixture
def star(tmp_path: Path) -> Path:
    (tmp_path / "run_data.star").write_text(PROJECT)
    return tmp_path / "run_data.star"


def test_blocks_labels_types_units_and_rows(capfd: pytest.CaptureFixture[str], star: Path) -> None:
    shown = run(capfd, "show", star)
    assert (shown.code, shown.err) == (0, "")
    title, _, *lines = shown.out.splitlines()
    assert title == f"{star}: 3 blocks, {len(PROJECT)} bytes"
    # First what it is as a set, and here that it is none.
    first = lines.index("data_general: list, 1 label")
    assert " ".join(lines[:first]).startswith("the set cannot be read: ")
    assert lines[first : first + 3] == [
        "data_general: list, 1 label",
        "  label                       type  unit  value",
        "  rlnTomoSubTomosAre2DStacks  bool        true",
    ]
    assert "data_optics: 2 rows, 3 labels" in lines
    assert "  rlnVoltage          double  kV    300.0    200.0" in lines
    particles = lines[lines.index("data_particles: 3 rows, 4 labels") :]
    assert particles[2].split() == ["rlnTomoName", "string", "TS_01", "001", "TS_03"]
    assert particles[3].split() == ["rlnTomoVisibleFrames", "int_vector", "[1,0,1]", "[0,0,1]", "[1,1,1]"]
    assert particles[4].split() == ["rlnCenteredCoordinateXAngst", "double", "A", "1774.4227", "-3.0", "nan"]


def test_number_of_rows(capfd: pytest.CaptureFixture[str], star: Path) -> None:
    assert "001" not in run(capfd, "show", star, "--rows", "1").out
    none = run(capfd, "show", star, "--rows", "0")
    assert (none.code, "TS_01" in none.out, "rlnTomoName" in none.out) == (0, False, True)


@pytest.mark.parametrize("columns", [40, 80, 120])
def test_it_fits_the_terminal(star: Path, columns: int) -> None:
    code, screen = run_on_terminal(columns, "show", star, "--rows", "9")
    assert code == 0
    longest = max(map(len, screen.splitlines()))
    assert longest <= max(columns, 60)
    assert "rlnCenteredCoordinateXAngst" in screen
    if columns == 80:
        assert "…" in screen


def test_it_fits_columns_of_the_environment(
    capfd: pytest.CaptureFixture[str], star: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert max(map(len, run(capfd, "show", star).out.splitlines())) > 80
    monkeypatch.setenv("COLUMNS", "80")
    assert max(map(len, run(capfd, "show", star).out.splitlines())) <= 80


def test_what_is_no_star_file_is_refused(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("Dear all,\n")
    shown = run(capfd, "show", path)
    words = "no STAR file: expected a data_ line as the first content of a STAR file [L201]"
    assert (shown.code, shown.out, shown.err) == (3, "", f"tomoset: {path}:1: {words}\n")
    # There is something to show in these.
    path.write_text("Dear all,\ndata_a\n_rlnVoltage 300\n")
    assert run(capfd, "show", path).code == 0
    path.write_text("")
    assert run(capfd, "show", path).code == 0


def test_what_is_odd_is_told(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "two.star"
    path.write_text("data_a\n_rlnVoltage 300\n\nloop_\n_b\n1\n\n\ndata_c\n\n")
    shown = run(capfd, "show", path)
    assert shown.code == 0
    assert "data_a: list, 1 label" in shown.out
    assert "data_a: 1 row, 1 label" in shown.out
    assert "data_c: empty" in shown.out
    assert "  line 4: silent B109 several-tables\n" in shown.out
    assert "    RELION reads only the first\n" in shown.out


def test_many_oddities_are_cut(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "odd.star"
    path.write_text("".join(f"data_b{n}\n_rlnVoltage 300\n\nloop_\n_b\n1\n\n" for n in range(30)))
    assert "  and 10 more\n" in run(capfd, "show", path).out


def test_a_file_cannot_steer_the_terminal(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "evil.star"
    path.write_bytes(b"data_x\n\nloop_\n_rlnTomoName\n\x1b[2J\x07\n")
    shown = run(capfd, "show", path)
    assert "\x1b" not in shown.out
    assert "\\x1b[2J\\x07" in shown.out


def test_paths_that_are_not_utf8(tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode(b"caf\xe9.star")
    path.write_text(PROJECT)
    shown = run_process("show", path)
    assert (shown.returncode, shown.stderr) == (0, "")
    assert "caf" in shown.stdout.splitlines()[0]


def test_faults_are_one_line(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    missing = run(capfd, "show", tmp_path / "missing.star")
    assert (missing.code, missing.err) == (
        3,
        f"tomoset: {tmp_path}/missing.star: No such file or directory\n",
    )
    folder = run(capfd, "show", tmp_path)
    assert (folder.code, folder.err.count("\n")) == (3, 1)


def test_other_files_are_no_crash(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    for content, code in ((b"", 0), (b"\x00\xff" * 50, 3), (b"<html><body>404</body></html>\n", 3)):
        (tmp_path / "odd.star").write_bytes(content)
        assert run(capfd, "show", tmp_path / "odd.star").code == code


def test_some_blocks(capfd: pytest.CaptureFixture[str], star: Path) -> None:
    shown = run(capfd, "show", star, "--block", "optics", "--block", "data_optics")
    assert shown.code == 0
    assert [line for line in shown.out.splitlines() if line.startswith("data_")] == [
        "data_optics: 2 rows, 3 labels"
    ]
    shown = run(capfd, "show", star, "--block", "optic")
    assert (shown.code, 'did you mean "optics"' in shown.err) == (3, True)


def test_files_of_many_blocks(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "many.star"
    path.write_text("".join(f"data_{at}\n\n_rlnVoltage {at}\n\n" for at in range(30)))
    shown = run(capfd, "show", path).out
    assert "data_19: list" in shown
    assert "data_20" not in shown
    assert "and 10 blocks more (--all-blocks, --block NAME)" in shown
    assert "data_29: list" in run(capfd, "show", path, "--all-blocks").out
