"""What `tomoset check` knows, and does not tell again: baselines."""

from __future__ import annotations

import gzip
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from check_runs import Capture, break_rules, file_of, odd_project, told
from cli_runs import environment, run, run_process
from rule_projects import FILES, make_images, make_project


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return odd_project(tmp_path, monkeypatch)


def test_what_is_known_is_not_told(project: Path, capfd: Capture) -> None:
    done = run(capfd, "check", "project", "--write-baseline")
    assert (done.code, done.out) == (0, "2 findings known from now on: project/.tomoset-baseline.json\n")
    done = run(capfd, "check", "project")
    assert (done.code, done.out) == (0, "nothing found in 10 files of 1 project; 2 known\n")
    assert told(capfd, "project", "--no-baseline") == ["C101", "O101"]
    # From wherever it is called, whatever part of it is checked.
    assert told(capfd, project) == told(capfd, project / FILES["set"]) == []
    # Rows and lines above.
    for name in ("set", "TS_02"):
        path = project / FILES[name]
        path.write_text("# one more line\n" + path.read_text())
    assert told(capfd, "project") == []
    # Moved elsewhere.
    shutil.move(project, project.with_name("moved"))
    assert told(capfd, "moved") == []
    # What is new is told.
    break_rules(project.with_name("moved"), "C104")
    assert told(capfd, "moved") == ["C104"]


def test_known_where_paths_overlap(project: Path, capfd: Capture) -> None:
    twice: list[str | Path] = ["project", f"project/{FILES['set']}", project, "project/Tomograms"]
    done = run(capfd, "check", *twice, "--brief")
    assert done.out.splitlines()[-1] == "2 findings in 10 files of 1 project: 1 silent, 1 warning"
    done = run(capfd, "check", *twice, "--write-baseline")
    assert done.out == "2 findings known from now on: project/.tomoset-baseline.json\n"
    assert '"count"' not in (project / ".tomoset-baseline.json").read_text()
    for paths in (twice, ["project", "project"], ["project", f"project/{FILES['set']}"]):
        done = run(capfd, "check", *paths)
        assert (done.code, done.out) == (0, "nothing found in 10 files of 1 project; 2 known\n")


def test_a_part_leaves_what_is_known_of_the_rest(project: Path, capfd: Capture) -> None:
    break_rules(project, "P108")
    baseline = project / ".tomoset-baseline.json"
    run(capfd, "check", "project", "--severity", "note", "--write-baseline")
    whole = baseline.read_text()
    count = len(told(capfd, "project", "--severity", "note", "--no-baseline"))
    assert count == whole.count('"code"') == 4
    done = run(capfd, "check", file_of(project, "set"), "--write-baseline")
    assert done.out == "2 findings known from now on, and 2 as before: project/.tomoset-baseline.json\n"
    assert baseline.read_text() == whole
    parts: list[list[str | Path]] = [
        ["project/Tomograms"],
        [file_of(project, "particles")],
        ["project", "--select", "O"],
        ["project", "--ignore", "O"],
        ["project", "--severity", "fatal"],
        ["project"],
    ]
    for options in parts:
        # Nothing is gone where a part is looked at.
        assert "no longer there" not in run(capfd, "check", *options).out
        assert run(capfd, "check", *options, "--write-baseline").code == 0
        assert baseline.read_text() == whole
    assert [path.parent for path in project.rglob(".tomoset-baseline.json")] == [project]
    # What is mended is forgotten only where all is looked at.
    make_project(project)
    done = run(capfd, "check", project / FILES["set"], "--write-baseline")
    assert done.out == "0 findings known from now on, and 4 as before: project/.tomoset-baseline.json\n"
    assert baseline.read_text() == whole
    assert run(capfd, "check", "project", "--select", "C101", "--write-baseline").code == 0
    assert '"code"' not in baseline.read_text()


def test_what_is_known_of_other_projects_and_of_images(project: Path, tmp_path: Path, capfd: Capture) -> None:
    make_project(tmp_path / "other")
    break_rules(tmp_path / "other", "J101")
    central = ["--baseline", "known.json"]
    for path in ("project", "other"):
        assert run(capfd, "check", path, *central, "--write-baseline").code == 0
    assert told(capfd, "project", "other", *central) == []
    # Of images nothing is found where they are not looked at.
    make_images(project)
    (project / "MotionCorr/TS_01_0.mrc").unlink()
    assert told(capfd, "project", *central, "--images") == ["I104"]
    run(capfd, "check", "project", *central, "--images", "--write-baseline")
    before = (tmp_path / "known.json").read_text()
    done = run(capfd, "check", "project", *central)
    assert done.out == "nothing found in 10 files of 1 project; 2 known\n"
    done = run(capfd, "check", "project", *central, "--write-baseline")
    assert done.out == "2 findings known from now on, and 2 as before: known.json\n"
    assert (tmp_path / "known.json").read_text() == before
    make_images(project)
    done = run(capfd, "check", "project", *central, "--images")
    assert "; 2 known, 1 known no longer there" in done.out


def test_what_is_known_is_so_from_everywhere(
    project: Path, capfd: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    # In which the project's name, and where it lies, are parts of values.
    text = (project / FILES["set"]).read_text()
    values = [f"old{project}/f.star", "map/project/f.star"]
    for at, value in enumerate(values):
        (project / f"{at}.star").write_text(text.replace(FILES["fiducials"], value))
    path = project / FILES["TS_02"]
    path.write_text(path.read_text().rstrip() + "\n1 2 3\n")
    run(capfd, "check", project, "--write-baseline")
    known = (project / ".tomoset-baseline.json").read_text()
    assert all(f"is {value}" in known for value in values)
    assert f'"{FILES["TS_02"]}: ' in known
    for folder, given in (
        (project.parent, "project"),
        (project, "."),
        (Path("/"), project),
        (Path("/"), str(project)[1:]),
    ):
        monkeypatch.chdir(folder)
        assert told(capfd, given) == []
        run(capfd, "check", given, "--write-baseline")
        assert (project / ".tomoset-baseline.json").read_text() == known
    monkeypatch.chdir("/")
    assert (
        str(project)[1:] in run(capfd, "check", str(project / "0.star")[1:], "--no-baseline", "--brief").out
    )


def test_what_is_known_of_files_that_are_not_read(
    tmp_path: Path, capfd: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    files = {name: tmp_path / name for name in ("broken.star.gz", "on_tape.star", "gone.star")}
    text = b"data_a\nloop_\n_rlnVoltage\nnan\n"
    for name, path in files.items():
        path.write_bytes(gzip.compress(text) if name.endswith(".gz") else text)
    assert run(capfd, "check", ".", "--write-baseline").code == 0
    files["broken.star.gz"].write_bytes(gzip.compress(text)[:-10])
    files["on_tape.star"].write_bytes(b"")
    os.truncate(files["on_tape.star"], 8192)
    files["gone.star"].unlink()
    done = run(capfd, "check", ".", "--brief")
    assert [line.split()[2] for line in done.out.splitlines()[:-1]] == ["F201"]
    assert done.out.endswith("1 fatal, 1 known no longer there (--write-baseline forgets them)\n")
    done = run(capfd, "check", ".", "--write-baseline")
    assert done.out == "1 finding known from now on, and 2 as before: .tomoset-baseline.json\n"
    for name in ("broken.star.gz", "on_tape.star"):
        files[name].write_bytes(gzip.compress(text) if name.endswith(".gz") else text)
    assert told(capfd, ".") == []


def test_more_of_what_is_known_is_told(
    tmp_path: Path, capfd: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    text = "data_a\nloop_\n_rlnVoltage\nnan\n"
    (tmp_path / "a.star").write_text(text)
    assert run(capfd, "check", ".", "--write-baseline").code == 0
    assert told(capfd, ".") == []
    (tmp_path / "a.star").write_text(text + "nan\n")
    assert told(capfd, ".") == ["V101"]
    (tmp_path / "a.star").write_text(text)
    (tmp_path / "b.star").write_text(text)
    assert told(capfd, ".") == ["V101"]
    (tmp_path / "b.star").unlink()
    (tmp_path / "a.star").write_text(text.replace("nan", "300"))
    done = run(capfd, "check", ".")
    assert done.out == "nothing found in 1 file, 1 known no longer there (--write-baseline forgets them)\n"
    assert run(capfd, "check", ".", "--write-baseline").code == 0
    assert "known" not in run(capfd, "check", ".").out


def test_one_file_for_all(project: Path, tmp_path: Path, capfd: Capture) -> None:
    make_project(tmp_path / "other")
    break_rules(tmp_path / "other", "J101")
    central = tmp_path / "known/archive.json"
    central.parent.mkdir()
    done = run(capfd, "check", "project", "other", "--baseline", central, "--write-baseline")
    assert done.out == "3 findings known from now on: known/archive.json\n"
    assert not list(tmp_path.rglob(".tomoset-baseline.json"))
    assert told(capfd, "project", "other", "--baseline", central) == []
    assert told(capfd, tmp_path, "--baseline", central) == []
    (tmp_path / ".tomoset.toml").write_text('[check]\nbaseline = "known/archive.json"\n')
    assert told(capfd, "other") == []
    assert told(capfd, "other", "--no-baseline") == ["J101"]


def test_the_mode_of_a_baseline_and_a_link_to_it_stay(project: Path, capfd: Capture) -> None:
    known = project / "known.json"
    known.write_text('{"tomoset-baseline": 1, "files": {}}')
    known.chmod(0o640)
    (project / ".tomoset-baseline.json").symlink_to("known.json")
    assert run(capfd, "check", "project", "--write-baseline").code == 0
    assert (project / ".tomoset-baseline.json").readlink() == Path("known.json")
    assert '"O101"' in known.read_text()
    assert known.stat().st_mode & 0o777 == 0o640


def test_each_project_has_its_own(project: Path, tmp_path: Path, capfd: Capture) -> None:
    make_project(tmp_path / "other")
    done = run(capfd, "check", ".", "--write-baseline")
    assert done.out == "2 findings known from now on: project/.tomoset-baseline.json\n"
    # Of a project in which nothing is found nothing need be known.
    assert [path.parent.name for path in tmp_path.rglob(".tomoset-baseline.json")] == ["project"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"tomoset-baseline": 2, "files": {}}',
        '{"tomoset-baseline": 1, "files": {"a": [1]}}',
        '{"tomoset-baseline": 1, "files": {"a": [{"code": "O101", "found": "", "count": Infinity}]}}',
        '{"tomoset-baseline": 1, "files": {"a": [{"code": 101, "found": ""}]}}',
        '{"tomoset-baseline": 1, "files": {"a": [{"code": "O101", "found": "\\ud800"}]}}',
        "[" * 100_000,
    ],
    ids=lambda text: text[:60],
)
def test_what_is_no_baseline(text: str, project: Path, capfd: Capture) -> None:
    (project / ".tomoset-baseline.json").write_text(text)
    done = run(capfd, "check", "project")
    assert (done.code, done.out) == (2, "")
    assert str(project / ".tomoset-baseline.json") in done.err
    assert run(capfd, "check", "project", "--no-baseline").code == 1
    # Nor is anything put in its place: it may be something else.
    assert run(capfd, "check", "project", "--write-baseline").code == 2
    assert (project / ".tomoset-baseline.json").read_text() == text


@pytest.mark.parametrize("name", ["\xe9", os.fsdecode(b"\xe9")])
def test_names_are_the_same_in_every_locale(name: str, tmp_path: Path) -> None:
    for each in (name, "\xfc"):
        (tmp_path / f"{each}.star").write_text("data_a\n\n_rlnVoltage nan\n")
    options = '[check]\nexclude = ["\xfc*"]\nbaseline = "\xe4.json"\n'
    (tmp_path / ".tomoset.toml").write_text(options, encoding="utf-8")
    plain = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    for first, then in (({}, plain), (plain, {})):
        command = [sys.executable, "-m", "tomoset", "check", str(tmp_path)]
        subprocess.run([*command, "--write-baseline"], env=environment() | first, check=True)
        told = subprocess.run(command, env=environment() | then, check=False, stdout=subprocess.PIPE)
        assert (told.returncode, told.stdout) == (0, b"nothing found in 2 files; 1 known\n")


def test_a_baseline_that_never_ends(project: Path, capfd: Capture) -> None:
    path = project / ".tomoset-baseline.json"
    for make in (os.mkfifo, lambda name: Path(name).symlink_to("/dev/zero")):
        make(path)
        for option in ("--brief", "--write-baseline"):
            done = run(capfd, "check", "project", option)
            assert (done.code, done.out) == (3, "")
            assert f"{path}: it is no regular file" in done.err
        path.unlink()
    # Whoever names one may name a pipe.
    empty = '{"tomoset-baseline": 1, "files": {}}'
    told = run_process("check", "project", "--baseline", "/dev/stdin", input=empty)
    assert (told.returncode, told.stderr) == (1, "")


def test_a_baseline_that_is_not_there(project: Path, capfd: Capture) -> None:
    done = run(capfd, "check", "project", "--baseline", "none.json")
    assert (done.code, done.out) == (3, "")
    assert "none.json: No such file" in done.err
    (project / ".tomoset-baseline.json").mkdir()
    done = run(capfd, "check", "project", "--write-baseline")
    assert done.code == 3
    assert [path.name for path in project.glob(".tomoset*")] == [".tomoset-baseline.json"]
