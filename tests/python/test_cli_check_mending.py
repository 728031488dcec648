"""What `tomoset check` mends: what it tells."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from check_runs import Capture, file_of, odd_project, told
from cli_runs import run
from rule_projects import FILES


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return odd_project(tmp_path, monkeypatch)


def test_fix_mends_what_is_told_and_tells_what_is_left(project: Path, capfd: Capture) -> None:
    path = project / FILES["TS_01"]
    good = path.read_bytes()
    first_row = good.rindex(b"\n", 0, len(good.rstrip())) + 1
    odd = good[:first_row] + b"# a note\n" + good[first_row:]
    path.write_bytes(odd)
    assert "R102" in told(capfd, "project")
    done = run(capfd, "check", "project", "--diff", "--select", "R")
    assert (done.code, done.err) == (1, "would mend 1 place in 1 file\n")
    assert "-# a note\n" in done.out
    assert "+# a note\n" in done.out
    assert run(capfd, "check", "project", "--diff", "--ignore", "R102").code == 0
    assert run(capfd, "check", "project", "--fix", "--ignore", "R102").code == 1
    assert path.read_bytes() == odd
    done = run(capfd, "check", "project", "--fix", "--select", "R,O")
    assert done.code == 1
    assert "mended 1 place in 1 file\n" in done.out
    assert "O101" in done.out
    assert "R102 comment-among-rows [" not in done.out
    assert path.read_bytes().replace(b"# a note\n", b"") == good
    assert "R102" not in told(capfd, "project")
    # What programs read is not mixed with other words.
    assert json.loads(run(capfd, "check", "project", "--fix", "--format", "json", "--select", "L").out) == []
    done = run(capfd, "check", "project", "--unsafe-fixes")
    assert (done.code, "without --fix or --diff" in done.err) == (2, True)


BLANK = "data_a\nloop_\n_rlnVoltage\n300\n\n300\n"


def test_fix_leaves_what_is_not_told(tmp_path: Path, capfd: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    # What is excluded.
    (tmp_path / ".tomoset.toml").write_text('[check]\nexclude = ["old/*"]\n')
    (tmp_path / "old").mkdir()
    old, new = tmp_path / "old/a.star", tmp_path / "new.star"
    for path in (old, new):
        path.write_text(BLANK)
    assert "old/a.star" not in run(capfd, "check", ".", "--diff").out
    done = run(capfd, "check", ".", "--fix")
    assert done.out.startswith("new.star\n")
    assert done.out.endswith("mended 1 place in 1 file\nnothing found in 2 files\n")
    assert (old.read_text(), new.read_text()) == (BLANK, BLANK.replace("\n\n", "\n"))
    # What is less severe than is asked for.
    new.write_bytes(BLANK.encode() + b"300\r\n")
    assert set(told(capfd, ".", "--severity", "note")) == {"L107", "R101"}
    assert run(capfd, "check", ".", "--fix").code == 0
    assert new.read_bytes() == b"data_a\nloop_\n_rlnVoltage\n300\n300\n300\r\n"
    assert run(capfd, "check", ".", "--fix", "--severity", "note").code == 0
    assert new.read_bytes() == b"data_a\nloop_\n_rlnVoltage\n300\n300\n300\n"
    # What is known.
    new.write_text(BLANK)
    assert run(capfd, "check", ".", "--write-baseline").code == 0
    assert run(capfd, "check", ".", "--diff").code == 0
    assert run(capfd, "check", ".", "--diff", "--no-baseline").code == 1
    # What was mended first is not known.
    done = run(capfd, "check", ".", "--fix", "--write-baseline")
    assert done.out.endswith("mended 1 place in 1 file\n0 findings known from now on: none was found\n")
    assert new.read_text() != BLANK


def test_fix_mends_the_tilt_series_of_a_set(project: Path, capfd: Capture) -> None:
    series = file_of(project, "TS_01")
    good = series.read_text()
    series.write_text(good.replace("data_TS_01", "data_ts01") + "\n\n")
    other = project / "Tomograms/job006/other.star"
    files: list[str | Path] = [file_of(project, "set"), "--select", "T203,R"]
    assert told(capfd, *files) == ["T203"]
    done = run(capfd, "check", *files, "--fix")
    assert (done.code, "nothing to mend\n" in done.out) == (1, True)
    done = run(capfd, "check", *files, "--fix", "--unsafe-fixes")
    assert (done.code, "data_ts01 becomes data_TS_01" in done.out) == (0, True)
    assert "data_TS_01" in series.read_text()
    # As another set calls it otherwise, it stays.
    other.write_text(file_of(project, "set").read_text().replace("TS_01 ", "odd   ", 1))
    before = series.read_bytes()
    assert "T203" in told(capfd, "project", "--select", "T")
    done = run(capfd, "check", "project", "--select", "T", "--fix", "--unsafe-fixes")
    assert (done.code, "nothing to mend\n" in done.out) == (1, True)
    assert series.read_bytes() == before


def test_fix_mends_the_files_that_a_set_names(project: Path, capfd: Capture) -> None:
    series = file_of(project, "TS_01")
    good = series.read_bytes()
    first_row = good.rindex(b"\n", 0, len(good.rstrip())) + 1
    series.write_bytes(good[:first_row] + b"\n" + good[first_row:])
    assert told(capfd, file_of(project, "set"), "--select", "R") == ["R101"]
    done = run(capfd, "check", file_of(project, "set"), "project", "--diff", "--select", "R")
    assert (done.out.count("\n+++ "), done.code) == (1, 1)
    assert run(capfd, "check", file_of(project, "set"), "--fix", "--select", "R").code == 0
    assert series.read_bytes() == good
