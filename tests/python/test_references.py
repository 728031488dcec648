"""The paths in a project's STAR files, and where they lead to."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import tomoset
from cli_runs import run

pytestmark = pytest.mark.usefixtures("no_hang")

PIPELINE = """data_pipeline_nodes

loop_
_rlnPipeLineNodeName #1
_rlnPipeLineNodeTypeLabel #2
Import/job001/a.star Star
Import/job001/none.star Star

data_pipeline_processes

loop_
_rlnPipeLineProcessName #1
_rlnPipeLineProcessAlias #2
Import/job001/ None
Import/job002/ Import/again/
"""
OPTIONS = """data_joboptions_values

loop_
_rlnJobOptionVariable #1
_rlnJobOptionValue #2
movie_files frames/*.mrc
fn_in a.star
other_args "--i frames/1.mrc"
qsub sbatch
qsubscript /opt/submit.sh
kV 300
"""
IMAGES = """data_x y

loop_
_rlnMicrographName #1
_rlnCtfImage #2
_rlnTomoName #3
000001@frames/s.mrcs:mrcs frames/1.ctf:mrc frames/1.mrc
000002@frames/s.mrcs:mrcs None frames/2.mrc
000001@frames/t.mrcs "frames/with blank.mrc" ""
../out.mrc up/out.mrc N/A
frames/../frames/1.mrc broken.mrc x

data_list
_rlnOutputRootName Import/job001/run
_rlnTomoTomogramsFile ""
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    root = tmp_path / "p"
    for folder in ("Import/job001", "frames", "inner"):
        (root / folder).mkdir(parents=True)
    (root / "default_pipeline.star").write_text(PIPELINE)
    (root / "inner" / "default_pipeline.star").write_text(PIPELINE)
    (root / "Import" / "job001" / "job.star").write_text(OPTIONS)
    (root / "Import" / "job001" / "a.star").write_text(IMAGES)
    for name in ("s.mrcs", "1.mrc", "with blank.mrc"):
        (root / "frames" / name).write_text("")
    (tmp_path / "out.mrc").write_text("")
    (root / "up").symlink_to("..")
    (root / "broken.mrc").symlink_to("nothing.mrc")
    return root


def rows(found: tomoset.mending.FoundReferences, *columns: str) -> list[tuple[Any, ...]]:
    return [tuple(row[column] for column in columns) for row in found.table.to_pylist()]


def test_every_path_is_found(project: Path) -> None:
    found = tomoset.find_references(project)
    assert found.files == ("default_pipeline.star", "Import/job001/a.star", "Import/job001/job.star")
    assert found.inner == ("inner",)
    assert found.faults == ()
    inside = (True, "relative")
    columns = ("label", "kind", "path", "count", "inside", "way", "present")
    assert rows(found, *columns)[:5] == [
        ("rlnPipeLineNodeName", "node", "Import/job001/a.star", 1, *inside, True),
        ("rlnPipeLineNodeName", "node", "Import/job001/none.star", 1, *inside, False),
        ("rlnPipeLineProcessName", "folder", "Import/job001/", 1, *inside, True),
        ("rlnPipeLineProcessName", "folder", "Import/job002/", 1, *inside, False),
        ("rlnPipeLineProcessAlias", "folder", "Import/again/", 1, *inside, False),
    ]
    assert rows(found, *columns)[5:-3] == [
        ("rlnMicrographName", "image", "frames/s.mrcs", 2, *inside, True),
        ("rlnMicrographName", "image", "frames/t.mrcs", 1, *inside, False),
        ("rlnMicrographName", "image", "../out.mrc", 1, False, "dots", None),
        ("rlnMicrographName", "image", "frames/../frames/1.mrc", 1, True, "dots", True),
        ("rlnCtfImage", "image", "frames/1.ctf", 1, *inside, False),
        ("rlnCtfImage", "image", "frames/with blank.mrc", 1, *inside, True),
        ("rlnCtfImage", "image", "up/out.mrc", 1, False, "link", None),
        ("rlnCtfImage", "image", "broken.mrc", 1, False, "link", None),
        ("rlnOutputRootName", "stem", "Import/job001/run", 1, *inside, True),
    ]
    assert rows(found, *columns)[-3:] == [
        ("rlnJobOptionValue", "option", "frames/*.mrc", 1, *inside, True),
        ("rlnJobOptionValue", "option", "a.star", 1, *inside, False),
        ("rlnJobOptionValue", "option", "/opt/submit.sh", 1, False, "absolute", None),
    ]
    assert set(found.table["block"].to_pylist()) == {
        *("pipeline_nodes", "pipeline_processes", "x y", "list", "joboptions_values")
    }
    assert found.outside["path"].to_pylist() == ["../out.mrc", "up/out.mrc", "broken.mrc", "/opt/submit.sh"]
    assert found.missing.num_rows == 6
    assert found.num_paths == (17, 6, 4)


def test_threads_and_the_working_folder_change_nothing(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = tomoset.find_references(project, threads=1)
    monkeypatch.chdir(project)
    for threads in (2, 7, None):
        found = tomoset.find_references(".", threads=threads)
        assert found.table.equals(expected.table)
        assert found.files == expected.files


def test_some_files(project: Path) -> None:
    found = tomoset.find_references(project, files=[project / "Import" / "job001" / "job.star"])
    assert found.files == ("Import/job001/job.star",)
    assert found.table.num_rows == 3


def test_faulty_files_are_told_and_read_as_far_as_they_are_sound(project: Path) -> None:
    (project / "bad.star").write_text(
        "data_x\nloop_\n_rlnMicrographName\n_rlnTomoName\nframes/1.mrc a\nframes/2.mrc\n"
    )
    (project / "cut.star.gz").write_bytes(b"\x1f\x8b\x08\x00")
    (project / "web.star").write_text("<html>\n")
    found = tomoset.find_references(project)
    assert [file for file, _ in found.faults] == ["bad.star", "cut.star.gz", "web.star"]
    assert (
        found.faults[0][1] == "6:1: block data_x: expected 2 values in a row, found 1: 'frames/2.mrc' [R201]"
    )
    assert "frames/1.mrc" in [path for file, path in rows(found, "file", "path") if file == "bad.star"]


def test_hostile_paths(project: Path) -> None:
    odd = [
        b"a\xe9.mrc",
        b"x\0y",
        b"/",
        b"//etc/passwd",
        b".",
        b"..",
        b"frames/" + b"n" * 5000,
        b"3@",
        b":mrc",
        b"@x",
    ]
    (project / "Import" / "job001" / "a.star").write_bytes(
        b"data_x\nloop_\n_rlnImageName\n" + b"\n".join(odd) + b"\n"
    )
    (project / os.fsdecode(b"a\xe9.mrc")).write_text("")
    (project / os.fsdecode(b"s\xe9\n.star")).write_bytes(b"data_x\n_rlnImageName frames/1.mrc\n")
    found = tomoset.find_references(project)
    table = {path: (inside, present) for path, inside, present in rows(found, "path", "inside", "present")}
    assert table["a\ufffd.mrc"] == (True, True)
    assert table["/"] == (False, None)
    assert table["//etc/passwd"] == (False, None)
    assert table["."] == (True, True)
    assert table[".."] == (False, None)
    assert table["frames/" + "n" * 5000] == (True, False)
    assert table["@x"] == (True, False)
    assert "s\\xe9\n.star" in found.files


def test_nothing_outside_is_looked_at(project: Path) -> None:
    # Neither would ever give an answer.
    out = project.parent / "far"
    out.mkdir(mode=0o000)
    (project / "far").symlink_to(out)
    os.mkfifo(project / "pipe.mrc")
    (project / "Import" / "job001" / "a.star").write_text(
        "data_x\nloop_\n_rlnImageName\nfar/a.mrc\npipe.mrc\n"
    )
    found = tomoset.find_references(project)
    state = {path: (inside, present) for path, inside, present in rows(found, "path", "inside", "present")}
    assert state["pipe.mrc"] == (True, True)
    assert state["far/a.mrc"] == (False, None)


def test_what_is_no_project(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        tomoset.find_references(tmp_path / "none")
    (tmp_path / "file").write_text("")
    with pytest.raises(NotADirectoryError):
        tomoset.find_references(tmp_path / "file")
    with pytest.raises(ValueError, match="threads must be at least 1"):
        tomoset.find_references(tmp_path, threads=0)
    assert tomoset.find_references(tmp_path).table.num_rows == 0


# The command.


def test_table(capfd: pytest.CaptureFixture[str], project: Path) -> None:
    done = run(capfd, "paths", project)
    assert done.code == 1
    assert done.out.splitlines()[:9] == [
        "label                                  kind     values   paths  missing  outside",
        "-" * 80,
        "default_pipeline.star",
        "  data_pipeline_nodes",
        "    rlnPipeLineNodeName                node          2       2        1",
        "  data_pipeline_processes",
        "    rlnPipeLineProcessName             folder        2       2        1",
        "    rlnPipeLineProcessAlias            folder        1       1        1",
        "Import/job001/a.star",
    ]
    assert max(map(len, done.out.splitlines())) <= 80
    assert done.err.splitlines() == [
        "inner is a project of its own, and was left out",
        "3 files, 18 references to 17 paths; 6 missing; 4 outside",
    ]


def test_lists(capfd: pytest.CaptureFixture[str], project: Path) -> None:
    done = run(capfd, "paths", project, "--outside")
    assert done.code == 1
    assert [line for line in done.out.splitlines() if "outside," in line] == [
        "      ../out.mrc (outside, by '..')",
        "      up/out.mrc (outside, by a link)",
        "      broken.mrc (outside, by a link)",
        "      /opt/submit.sh (outside, absolute)",
    ]
    done = run(capfd, "paths", project, "--missing", "--format", "csv")
    assert done.out.splitlines()[:2] == [
        '"file","block","label","kind","path","count","inside","way","present"',
        '"default_pipeline.star","pipeline_nodes","rlnPipeLineNodeName","node","Import/job001/none.star",1,true,"relative",false',
    ]
    done = run(capfd, "paths", project, "--missing", "--outside", "--format", "json")
    assert len(done.out.splitlines()) == 10


def test_many_paths_of_a_folder_are_one_line(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    images = [f"frames/TS_{at:02}/{image}.mrc" for at in range(25) for image in range(6)]
    images += [f"top{at}.mrc" for at in range(6)] + ["few/0.mrc", "few/1.mrc"]
    (tmp_path / "a.star").write_text(
        "data_a\nloop_\n_rlnMicrographName\n"
        + "\n".join(images)
        + "\n\ndata_b\n_rlnTomoTomogramsFile x/y.star\n"
    )
    done = run(capfd, "paths", tmp_path, "--missing")
    lines = done.out.splitlines()
    assert lines[5] == "      frames/TS_00/: 6 paths, such as 0.mrc (missing)"
    assert lines[25] == "      38 paths in 7 more folders (--format csv lists all)"
    assert "few/0.mrc" not in done.out
    assert max(map(len, lines)) <= 80
    assert done.err.splitlines()[-2:] == [
        "most images are missing; if they were not copied, look at the other paths:",
        f"tomoset paths {tmp_path} --missing --kind star --kind file --kind folder",
    ]
    done = run(capfd, "paths", tmp_path, "--missing", "--kind", "star", "--kind", "file")
    assert [line.strip() for line in done.out.splitlines()[-1:]] == ["x/y.star (missing)"]
    assert done.err == "1 file, 1 reference to 1 path; 1 missing; 0 outside\n"
    assert run(capfd, "paths", tmp_path, "--missing", "--kind", "folder").code == 0
    lines = run(capfd, "paths", tmp_path, "--missing", "--format", "csv").out.splitlines()
    assert len(lines) == 1 + len(images) + 1
    # Of the project's own folder, and of few.
    (tmp_path / "a.star").write_text("data_a\nloop_\n_rlnMicrographName\n" + "\n".join(images[-8:]) + "\n")
    done = run(capfd, "paths", tmp_path, "--missing")
    assert done.out.splitlines()[5:] == [
        "      ./: 6 paths, such as top0.mrc (missing)",
        "      few/0.mrc (missing)",
        "      few/1.mrc (missing)",
    ]
    assert "most images" not in done.err


def test_exit_codes(capfd: pytest.CaptureFixture[str], project: Path) -> None:
    (project / "default_pipeline.star").unlink()
    (project / "Import" / "job001" / "job.star").unlink()
    star = project / "Import" / "job001" / "a.star"
    star.write_text("data_x\n_rlnImageName frames/1.mrc\n_rlnCtfImage ../x\n")
    assert run(capfd, "paths", project).code == 1
    assert run(capfd, "paths", project, "--missing").code == 0
    assert run(capfd, "paths", project, "--outside").code == 1
    star.write_text("data_x\n_rlnImageName frames/1.mrc\n")
    assert run(capfd, "paths", project).code == 0
    star.write_text("data_x\n_rlnImageName 'frames\n")
    done = run(capfd, "paths", project)
    assert done.code == 3
    assert "Import/job001/a.star: 2:15: " in done.err
    assert run(capfd, "paths", project / "none").code == 2
