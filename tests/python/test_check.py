"""`tomoset.check`: files, sets, projects and trees; what no text shows; processes that share the work."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import tomoset
from cli_runs import environment
from cli_runs import run as run_command
from rule_projects import FILES, change, is_root, make_project
from tomoset.checking import run, workers
from tomoset.checking.examples import all_examples
from tomoset.checking.readings import Readings
from tomoset.checking.units import check_batch

if TYPE_CHECKING:
    from collections.abc import Sequence

pytestmark = pytest.mark.usefixtures("no_hang")

ROW = "data_a\nloop_\n_rlnVoltage\n{}\n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    root = tmp_path / "project"
    make_project(root)
    return root


def broken(root: Path, *codes: str) -> None:
    for code in codes:
        changes = all_examples()[code].bad
        assert isinstance(changes, list)
        change(root, changes)


def ids(*paths: str | Path, **options: object) -> list[str]:
    return [finding.id for finding in tomoset.check(*paths, **options)]  # type: ignore[arg-type]


# What is checked.


def test_a_file_a_set_a_project_and_a_tree(project: Path, tmp_path: Path) -> None:
    broken(project, "C101")
    assert ids(tmp_path) == ids(project) == ["C101"]
    # A set with the files that it names, and what names it in turn.
    assert ids(project / FILES["set"]) == ids(project / FILES["optimisation"]) == ["C101"]
    assert ids(project / "Tomograms") == ["C101"]
    # The tilt series alone is no set.
    assert ids(project / FILES["TS_02"]) == []
    assert ids(project / FILES["particles"]) == []


def test_paths_that_overlap(project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken(project, "C101", "N204")
    monkeypatch.chdir(tmp_path)
    alone = tomoset.check("project")
    assert len(alone) > 1
    for more in ("project", "project/Tomograms", f"project/{FILES['set']}", ".", tmp_path):
        assert tomoset.check("project", more) == alone
    # As the first of them has it.
    assert tomoset.check(project, "project") == tomoset.check(project) != alone


def test_faults_of_files_that_a_set_names(project: Path) -> None:
    path = project / FILES["TS_02"]
    path.write_text(path.read_text().rstrip() + "\n1 2 3\n")
    found = tomoset.check(project / FILES["set"])
    assert [(each.id, each.path) for each in found] == [
        ("R201", str(path)),
        ("F201", str(project / FILES["set"])),
    ]
    assert ids(project / FILES["optimisation"]) == ["P113", "R201", "F201"]


def test_loose_files_and_several_paths(tmp_path: Path) -> None:
    for name, value in (("a", "300"), ("b", "nan"), ("c", "None")):
        (tmp_path / f"{name}.star").write_text(ROW.format(value))
    (tmp_path / "no.txt").write_text("x")
    assert ids(tmp_path) == ["V101", "V102"]
    assert ids(tmp_path / "b.star", tmp_path / "a.star") == ["V101"]
    # Any file that is named is taken for a STAR file.
    assert ids(tmp_path / "no.txt") == ["L201"]


def test_findings_are_in_order_and_as_paths_were_given(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken(project, "C101", "O101")
    monkeypatch.chdir(tmp_path)
    for given, start in ((tmp_path, f"{tmp_path}/project/"), ("project", "project/"), (".", "project/")):
        found = tomoset.check(given)
        assert [each.path for each in found] == [start + FILES["TS_02"], start + FILES["set"]]
        assert all(each.where.startswith(start) for each in found)
    monkeypatch.chdir(project)
    assert [each.path for each in tomoset.check(".")] == [FILES["TS_02"], FILES["set"]]
    assert [each.path for each in tomoset.check(FILES["set"])] == [FILES["TS_02"], FILES["set"]]


def test_values_stay_as_they_are_however_paths_are_given(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken(project, "C101")
    own = str(project / FILES["TS_01"])
    values = [f"old{tmp_path}/project/fiducials.star", "map/project/x.star", own]
    for at, value in enumerate(values):
        old = FILES["TS_01"] if value == own else FILES["fiducials"]
        text = (project / FILES["set"]).read_text().replace(old, value)
        (project / f"Tomograms/job006/{at}.star").write_text(text)
    # What cannot be read is named as it was given.
    path = project / FILES["TS_02"]
    path.write_text(path.read_text().rstrip() + "\n1 2 3\n")
    monkeypatch.chdir(tmp_path)
    whole = [each for each in tomoset.check(project) if each.id in {"F104", "N103", "F201", "V101"}]
    found = [each.found for each in whole if each.id != "F201"]
    assert all(any(f" is {value}" in each for each in found) for value in values)
    for given, start in (("project", "project/"), (".", "project/"), (project, f"{project}/")):
        told = [each for each in tomoset.check(given) if each.id in {each.id for each in whole}]
        assert [each.found for each in told if each.id != "F201"] == found
        broken_ones = {each.found.partition(":29:1: ")[0] for each in told if each.id == "F201"}
        assert broken_ones == {start + FILES["TS_02"]}
        assert all(each.where.startswith(start) for each in told)


def test_what_is_told(project: Path) -> None:
    broken(project, "C101", "O101", "G102", "I102")
    assert sorted(ids(project)) == ["C101", "G102", "I102", "O101"]
    assert sorted(ids(project, severity="warning")) == ["C101", "O101"]
    assert ids(project, severity="silent") == ["O101"]
    assert ids(project, severity="fatal") == []
    assert ids(project, select=["C", "odd-hand"], ignore=["o1"]) == ["C101"]
    assert ids(project, select="odd-hand") == ["O101"]
    with pytest.raises(ValueError, match="no code 'odd-hands'; did you mean \"odd-hand\""):
        tomoset.check(project, select=["odd-hands"])
    with pytest.raises(ValueError, match="no severity 'bad'; there are fatal, silent, warning, note"):
        tomoset.check(project, severity="bad")  # type: ignore[arg-type]


def test_a_misspelt_label_is_worse_than_an_unknown_one(tmp_path: Path) -> None:
    text = "data_a\nloop_\n_{} #1\n1\n"
    found = {}
    for label in ("rlnVoltge", "rlnTomoSize", "rlnOriginXAngstrom", "rlnNothingLikeThat"):
        (tmp_path / "a.star").write_text(text.format(label))
        (finding,) = tomoset.check(tmp_path)
        found[label] = (finding.id, finding.severity, finding.found.partition(": ")[2])
    assert found == {
        "rlnVoltge": ("H106", "silent", "perhaps rlnVoltage is meant"),
        "rlnTomoSize": ("H106", "silent", "perhaps rlnTomoSizeX is meant"),
        "rlnOriginXAngstrom": ("H106", "silent", "perhaps rlnOriginXAngst is meant"),
        "rlnNothingLikeThat": ("H106", "note", ""),
    }


def test_a_path_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as raised:
        tomoset.check(tmp_path / "none")
    assert str(tmp_path / "none") in str(raised.value)
    with pytest.raises(TypeError, match="the path is bytes"):
        tomoset.check(os.fsencode(tmp_path))  # type: ignore[arg-type]
    (tmp_path / "empty").mkdir()
    assert ids(tmp_path / "empty") == ids() == []


def test_a_list_and_a_set_without_a_project(tmp_path: Path) -> None:
    (tmp_path / "optimisation_set.star").write_text(
        "data_\n_rlnTomoParticlesFile a.star\n_rlnTomoTomogramsFile b.star\n"
    )
    found = tomoset.check(tmp_path)
    assert [(each.id, each.line, each.column) for each in found] == [("N204", 2, 23), ("N204", 3, 23)]


# What no text shows.


def test_what_is_no_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.star")
    (tmp_path / "link.star").symlink_to("pipe.star")
    (finding, other) = tomoset.check(tmp_path)
    assert (other.id, other.severity, other.path) == ("F102", "warning", str(tmp_path / "pipe.star"))
    assert (finding.id, finding.line) == ("F101", None)
    assert ids(tmp_path / "pipe.star") == ["F102"]
    (tmp_path / "file.star").write_text(ROW.format("300"))
    assert ids(tmp_path / "file.star") == []


def test_a_file_that_changes(tmp_path: Path) -> None:
    path = tmp_path / "a.star"
    path.write_text(ROW.format("300\n" * 200_000))
    stop = threading.Event()

    def keep_changing() -> None:
        time = 0
        while not stop.is_set():
            time += 1
            os.utime(path, ns=(time, time))

    writer = threading.Thread(target=keep_changing)
    writer.start()
    try:
        found = [ids(path) for _ in range(50)]
    finally:
        stop.set()
        writer.join()
    assert ["F105"] in found
    assert ids(path) == []


@pytest.mark.skipif(is_root(), reason="root may read everything")
def test_what_cannot_be_read(tmp_path: Path) -> None:
    path = tmp_path / "a.star"
    path.write_text(ROW.format("300"))
    path.chmod(0)
    assert ids(tmp_path) == ["F201"]


def test_a_value_that_does_not_fit() -> None:
    with pytest.raises(tomoset.StarTypeError) as raised:
        tomoset.read_star(ROW.format("300kV").encode())
    assert raised.value.code == "V201"
    assert tomoset.read_star(ROW.format("300").encode()).diagnostics == ()


def test_an_interrupted_set(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tomoset.checking.readings.PATIENCE", 1)
    path = project / FILES["set"]
    journal = path.with_name(f".tomoset-{path.name}.journal")
    journal.write_text('{"files": [[".tomoset-x", "y"]]}')
    before = {file: file.read_bytes() for file in project.rglob("*") if file.is_file()}
    for where in (project, path):
        found = tomoset.check(where, select=["T"])
        assert [(each.id, each.path) for each in found] == [("T205", str(path))]
    # Nothing is mended.
    assert {file: file.read_bytes() for file in project.rglob("*") if file.is_file()} == before
    journal.unlink()
    assert ids(project) == []


# Processes.


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    codes = ["C101", "O101", "T203", "P108", "J101"]
    for at, code in enumerate(codes):
        make_project(tmp_path / f"tree/{at}/project")
        broken(tmp_path / f"tree/{at}/project", code)
    (tmp_path / "tree/loose.star").write_text(ROW.format("nan"))
    return tmp_path / "tree"


def test_processes_find_the_same(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    alone = tomoset.check(tree, threads=1)
    monkeypatch.setattr(run, "APART", 0)
    assert tomoset.check(tree, threads=3) == alone
    assert {each.id for each in alone} >= {"C101", "O101", "T203", "P108", "J101", "V101"}


def test_as_many_work_as_there_are_processors(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Which not every system tells in the way of Linux.
    if hasattr(os, "sched_getaffinity"):
        few = "import os; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))}); "
        code = f"{few}from tomoset import _core, catalog; print(_core.processors())"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment())
        assert (done.stdout, done.stderr) == ("1\n", "")
        monkeypatch.delattr(os, "sched_getaffinity")
    (tmp_path / "a.star").write_text(ROW.format("nan"))
    assert ids(tmp_path) == ["V101"]
    assert run_command(capfd, "check", tmp_path, "--brief").code == 1
    assert run_command(capfd, "index", tmp_path, "--catalog", tmp_path / "catalog").code == 0


def test_processes_do_not_run_the_callers_script(tree: Path, tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "import tomoset, tomoset.checking.run as run\nprint('once')\nrun.APART = 0\n"
        f"print(len(tomoset.check({str(tree)!r}, threads=2)))\n"
    )
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, env=environment())
    assert (done.stderr, done.stdout.split()) == ("", ["once", str(len(tomoset.check(tree)))])


def test_a_worker_that_is_lost(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "APART", 0)
    # Python that ends at once, whatever it is asked.
    monkeypatch.setattr(sys, "executable", shutil.which("false"))
    found = tomoset.check(tree, threads=2)
    assert {(each.id, each.severity) for each in found} == {("F202", "fatal")}
    assert [each.path for each in found] == sorted([str(tree), *(f"{tree}/{at}/project" for at in range(5))])
    assert "it ended with 1" in found[0].found


@pytest.mark.parametrize("apart", [0, 1500])
def test_a_rule_that_fails(tree: Path, monkeypatch: pytest.MonkeyPatch, apart: int) -> None:
    monkeypatch.setattr(run, "APART", apart)
    # Processes would not have the defect.
    monkeypatch.setattr(workers._Worker, "check", lambda _, *given: check_batch(*given))
    others = [each for each in tomoset.check(tree, threads=2) if f"{tree}/3/" not in str(each.path)]
    usual = Readings.read_tomograms

    def read(self: Readings, paths: Sequence[str]) -> None:
        if any(path.startswith(f"{tree}/3/") for path in paths):
            raise RuntimeError("a \x1b[31m defect")
        usual(self, paths)

    monkeypatch.setattr(Readings, "read_tomograms", read)
    found = tomoset.check(tree, threads=2)
    (failed,) = [each for each in found if each.id == "F204"]
    assert (failed.severity, failed.path) == ("fatal", f"{tree}/3/project")
    assert "(RuntimeError: a \\x1b[31m defect; test_check.py, line " in failed.found
    assert [each for each in found if each is not failed] == others


def test_a_fault_of_a_worker_is_raised(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "APART", 0)

    class Faulty:
        def check(self, *_: object) -> None:
            raise RuntimeError("a defect")

        def end(self) -> None: ...

    monkeypatch.setattr(workers, "_Worker", Faulty)
    before = threading.active_count()
    with pytest.raises(RuntimeError, match="a defect"):
        tomoset.check(tree, threads=2)
    # Those of other tests may end meanwhile.
    assert threading.active_count() <= before


# Hostile files.


def test_odd_names_and_texts(tmp_path: Path) -> None:
    name = os.fsdecode(b"a\xff\n\x1b[31m.star")
    (tmp_path / name).write_text(ROW.format("nan"))
    (finding,) = tomoset.check(tmp_path)
    assert (finding.id, finding.path) == ("V101", str(tmp_path / name))
    assert finding.line == 4
    folder = tmp_path / os.fsdecode(b"p\xe9\n")
    make_project(folder)
    broken(folder, "C101")
    (one, _) = sorted(tomoset.check(tmp_path), key=lambda each: each.id)
    assert (one.id, one.path) == ("C101", str(folder / FILES["TS_02"]))
    assert one.line is not None


def test_names_in_sets_that_steer_terminals(project: Path) -> None:
    path = project / FILES["set"]
    path.write_text(path.read_text().replace("TS_02", "T\x1b[2J", 1))
    for finding in tomoset.check(project):
        assert "\x1b" not in finding.found
        assert "\x1b" not in finding.where


def test_a_project_that_names_all_the_world(project: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret.star"
    secret.write_text("data_TS_02\nloop_\n_rlnMicrographPreExposure\nsecret\n")
    for there in (str(secret), "../secret.star"):
        shutil.copy(project / FILES["set"], project / "set.star")
        text = (project / "set.star").read_text()
        (project / "set.star").write_text(text.replace(FILES["TS_02"], there))
        found = tomoset.check(project)
        assert "N205" in {each.id for each in found}
        assert not any("secret" in each.found for each in found if each.id not in {"N205", "N103"})


def test_a_file_of_nothing_but_one_long_line(tmp_path: Path) -> None:
    (tmp_path / "a.star").write_text("data_a\n_rlnVoltage " + "9" * 1_000_000 + "\n")
    assert ids(tmp_path) == ["V105"]


def test_importing_stays_light() -> None:
    code = (
        "import sys, tomoset; tomoset.check; "
        "print(*sorted({'pandas', 'polars', 'duckdb', 'deltalake', 'matplotlib'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment())
    assert (done.stdout.strip(), done.stderr) == ("", "")
    code = "import sys, tomoset; print('tomoset.checking' in sys.modules, 'check' in dir(tomoset))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment())
    assert done.stdout.split() == ["False", "True"]
