"""The walk in parts finds what the walk in one piece finds."""

import os
import pickle
import subprocess
import sys
import tempfile
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Any

import pytest
from catalog_samples import powerless
from tomoset.catalog import walking
from tomoset.catalog.walking import Ground, Walked, starts_of, units_of, walk_apart, walk_here

MARK = "default_pipeline.star"
TREES = {
    "nothing": [],
    "no STAR files": ["a/x.txt", "b/c/y.mrc"],
    "loose files at the root": ["x.star", "y.tomostar"],
    "loose files deep": ["a/x.star", "a/b/c/d/e/f/y.star", "a/b/z.star", "b/c/d/e/z.star.gz"],
    "the root a project": [MARK, "x.star", "Import/job001/y.star", "inner/" + MARK, "inner/z.star"],
    "projects": ["a/p/" + MARK, "a/p/J/job001/x.star", "a/q/" + MARK, "b/" + MARK, "c/loose.star"],
    "projects in projects": [
        "a/p/" + MARK,
        "a/p/q/" + MARK,
        "a/p/q/r/s/t/" + MARK,
        "a/p/q/r/x.star",
        "a/y.star",
    ],
    "projects far down": [f"a/b/c/d/e/p{n}/{MARK}" for n in range(3)] + ["a/b/c/d/e/x.star"],
    "like names": ["a/x.star", "a-b/x.star", "a.b/p/" + MARK, "a/p/" + MARK, "a0/x.star", "a/p-q/x.star"],
    "marks of jobs": [
        "a/J/job001/RELION_JOB_EXIT_SUCCESS",
        "b/c/J/job001/RELION_JOB_EXIT_FAILURE",
        "b/x.star",
    ],
    "many folders": [f"{a}/{b}/{c}/x{n}.star" for a in "abc" for b in "de" for c in "fgh" for n in range(2)],
}


class InPlaceRunner:
    """Runs tasks at once, with all that is sent and comes back pickled."""

    workers = 1

    def submit(self, function: Callable[..., Any], *arguments: object) -> "Done":
        return Done(pickle.dumps(function(*pickle.loads(pickle.dumps(arguments)))))

    def wait(self, handles: Collection[Any]) -> set[Any]:
        return set(list(handles)[:1])

    def close(self) -> None:
        pass


class Done:
    def __init__(self, answer: bytes) -> None:
        self._answer = answer

    def result(self) -> Any:
        return pickle.loads(self._answer)


def plant(root: Path, files: list[str]) -> None:
    for file in files:
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        (root / file).write_text(file)


def facts(walk: Callable[[Walked], Iterator[walking.Found]]) -> tuple[object, ...]:
    walked = Walked()
    found = sorted((*unit[:3], unit.entries.to_pydict()) for unit in walk(walked))
    return found, walked.files, walked.num_bytes, walked.seen, sorted(walked.closed), walked.is_done


def assert_same(ground: Ground) -> list[tuple[bytes, bool, bytes, object]]:
    here = facts(lambda walked: walk_here(ground, walked, 2))
    apart = facts(lambda walked: walk_apart(ground, walked, InPlaceRunner(), lambda: None))
    assert apart == here
    return here[0]  # type: ignore[return-value]


@pytest.mark.parametrize("starts", [1, 3, 64])
@pytest.mark.parametrize("tree", TREES)
def test_odd_trees(tree: str, starts: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(walking, "LEAST_STARTS", starts)
    monkeypatch.setattr(walking, "STARTS_PER_WORKER", 1)
    plant(tmp_path, TREES[tree])
    root = os.fsencode(tmp_path)
    units = assert_same(Ground(root))
    known = {folder: fingerprint for folder, _, fingerprint, _ in units}
    assert assert_same(Ground(root, known=known)) == []
    # Each second unit is known, and one of these has changed.
    some = dict(sorted(known.items())[::2])
    if units and units[0][0] in some:
        some[units[0][0]] = bytes(16)
    assert len(assert_same(Ground(root, known=some))) == len(units) - len(some) + bool(units)
    assert_same(Ground(root, exclude=(root + b"/a",)))
    assert_same(Ground(root, exclude=(root + b"/a/b", root + b"/a/p")))
    files = [str(tmp_path / file) for file in TREES[tree]]
    if files:
        assert_same(Ground(root, starts=starts_of(units_of(str(tmp_path), files[-1:]))))
        assert_same(Ground(root, starts=starts_of(units_of(str(tmp_path), files))))


def test_marks_of_jobs_alone_are_no_unit(tmp_path: Path) -> None:
    plant(tmp_path, TREES["marks of jobs"])
    assert [unit[0] for unit in assert_same(Ground(os.fsencode(tmp_path)))] == [b"b"]


def test_names_that_are_not_utf8(tmp_path: Path) -> None:
    root = os.fsencode(tmp_path)
    for folder in (b"caf\xe9", b"caf\xe9/p", b"\xff/\xfe"):
        Path(os.fsdecode(root + b"/" + folder)).mkdir(parents=True, exist_ok=True)
        Path(os.fsdecode(root + b"/" + folder + b"/x\xe9.star")).write_text("x")
    assert [unit[0] for unit in assert_same(Ground(root))] == [b"caf\xe9", b"\xff"]


def test_links_are_not_followed(tmp_path: Path) -> None:
    plant(tmp_path, ["a/x.star", "b/" + MARK])
    (tmp_path / "a" / "round").symlink_to(tmp_path)
    (tmp_path / "c").mkdir()
    (tmp_path / "c" / MARK).symlink_to(tmp_path / "b" / MARK)
    assert len(assert_same(Ground(os.fsencode(tmp_path)))) == 3


def test_folders_that_cannot_be_listed() -> None:
    with tempfile.TemporaryDirectory() as folder, powerless(Path(folder)):
        plant(Path(folder), ["a/x.star", "a/shut/y.star", "shut/z.star", "p/" + MARK, "p/shut/x.star"])
        shut = [Path(folder) / name for name in ("a/shut", "shut", "p/shut")]
        for path in shut:
            path.chmod(0)
        try:
            found = assert_same(Ground(os.fsencode(folder)))
        finally:
            for path in shut:
                path.chmod(0o700)
    assert [unit[0] for unit in found] == [b"a", b"p", b"shut"]


def test_the_example_archive(tmp_path: Path) -> None:
    example = Path(__file__).parents[2] / "examples" / "make_archive.py"
    command: list[str | Path] = [sys.executable, example, tmp_path / "archive", "--projects", "2"]
    subprocess.run(command, check=True, capture_output=True)
    assert len(assert_same(Ground(os.fsencode(tmp_path / "archive")))) > 3
