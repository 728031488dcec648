"""What is installed, what the source distribution holds, and what is said of both."""

from __future__ import annotations

import importlib.metadata
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path, PurePosixPath
from typing import Any

import contents
import matrix
import pytest
import requirements
import third_party

ROOT = Path(__file__).resolve().parents[2]

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def installed() -> dict[str, PurePosixPath]:
    """Give the files of the wheel that is installed; a package that is used in place has none."""
    files = importlib.metadata.files("tomoset") or []
    found = {str(file): PurePosixPath(file) for file in files}
    if "tomoset/__init__.py" not in found:
        pytest.skip("tomoset is not installed from a wheel here")
    return found


def test_the_wheel_holds_the_package_and_its_licences() -> None:
    files = installed()
    here = {path for path in files if path.startswith("tomoset/") and "__pycache__" not in path}
    folder = ROOT / "python" / "tomoset"
    there = {
        f"tomoset/{path.relative_to(folder).as_posix()}"
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and path.suffix != ".so"
    }
    assert here == there | {"tomoset/_core.abi3.so"}
    assert {"tomoset/py.typed", "tomoset/_core.pyi", "tomoset/catalog/queries/lost_tilts.sql"} <= here
    licences = {file.name for path, file in files.items() if "/licenses/" in path}
    assert licences == {"LICENSE", "THIRD-PARTY.md"}


def test_metadata_says_what_pyproject_says() -> None:
    metadata = importlib.metadata.metadata("tomoset")
    assert metadata["License-Expression"] == "MIT"
    assert metadata["Requires-Python"] == PROJECT["requires-python"]
    cargo = tomllib.loads((ROOT / "Cargo.toml").read_text())["package"]
    assert metadata["Version"] == cargo["version"]
    assert cargo["license"] == PROJECT["license"] == "MIT"


def test_the_source_distribution(tmp_path: Path) -> None:
    maturin = shutil.which("maturin", path=str(Path(sys.executable).parent)) or shutil.which("maturin")
    if maturin is None or shutil.which("cargo") is None:
        pytest.skip("needs maturin and cargo")
    subprocess.run([maturin, "sdist", "--out", tmp_path], cwd=ROOT, capture_output=True, check=True)
    (made,) = tmp_path.iterdir()
    assert contents.source_problems(made) == []
    assert made.stat().st_size < 2_000_000


def test_problems_of_a_wheel_are_told(tmp_path: Path) -> None:
    path = tmp_path / "tomoset-0.1.0-cp311-abi3-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("tomoset/__init__.py", "")
        archive.writestr("tests/test_x.py", "")
    problems = contents.wheel_problems(path)
    assert "tomoset/py.typed is missing" in problems
    assert "tomoset-0.1.0.dist-info/licenses/THIRD-PARTY.md is missing" in problems
    assert "tests/test_x.py does not belong here" in problems
    assert "tomoset/__init__.py is missing" not in problems


def test_third_party_is_what_is_locked() -> None:
    """Names and versions; `make check` compares the licences' texts, too."""
    locked = {
        (package["name"], package["version"])
        for package in tomllib.loads((ROOT / "Cargo.lock").read_text())["package"]
    }
    rows = re.findall(r"^\| ([\w-]+) \| (\d\S*) \| ", third_party.TARGET.read_text(), re.MULTILINE)
    assert len(rows) > 50
    assert set(rows) <= locked
    assert {"arrow-array", "pyo3", "memchr", "zstd-sys", "flate2", "zmij"} <= {name for name, _ in rows}
    for _, _, licence in re.findall(
        r"^\| ([\w-]+) \| (\d\S*) \| (.*?) \|", third_party.TARGET.read_text(), re.M
    ):
        taken = licence.partition(" (of")[0].split(" and ")
        assert set(taken) <= set(third_party.ALLOWED), licence


@pytest.mark.parametrize(
    ("licence", "taken"),
    [
        ("MIT OR Apache-2.0", ("MIT",)),
        ("Apache-2.0 AND MIT", ("Apache-2.0", "MIT")),
        ("(MIT OR Apache-2.0) AND Unicode-3.0", ("MIT", "Unicode-3.0")),
        ("Apache-2.0 WITH LLVM-exception OR Apache-2.0 OR MIT", ("MIT",)),
    ],
)
def test_which_licence_is_taken(licence: str, taken: tuple[str, ...]) -> None:
    assert third_party.taken_of(licence, "x 1") == taken


@pytest.mark.parametrize("licence", ["GPL-3.0-only", "MIT AND GPL-3.0-only", ""])
def test_other_licences_are_refused(licence: str) -> None:
    with pytest.raises(SystemExit, match="is not one that is allowed"):
        third_party.taken_of(licence, "x 1")


def test_both_lists_of_licences_are_one() -> None:
    deny = tomllib.loads((ROOT / "deny.toml").read_text())
    assert set(deny["licenses"]["allow"]) == set(third_party.ALLOWED)
    assert set(deny["graph"]["targets"]) == set(third_party.PLATFORMS)


def test_every_floor_is_tried() -> None:
    floors = dict(floor.split("==") for floor in matrix.floors())
    named: list[Any] = list(PROJECT["dependencies"])
    for extra, packages in PROJECT["optional-dependencies"].items():
        if extra not in requirements.FOR_DEVELOPERS:
            named += [package for package in packages if not package.startswith("tomoset[")]
    assert len(named) == len(floors)
    assert all(re.fullmatch(r"[\w-]+(\[\w+\])?>=[\w.]+", package) for package in named), named
    assert {combination.python for combination in matrix.COMBINATIONS.values()} >= {"3.11", "3.13"}
    assert all((ROOT / "tests/python" / test).exists() for test in (*matrix.MEETING, *matrix.BARE))


def test_actions_are_pinned() -> None:
    workflows = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
    assert len(workflows) >= 2
    for workflow in workflows:
        uses = re.findall(r"uses: (.*)", workflow.read_text())
        assert uses
        # Those of this repository are of the same commit.
        for action in (each for each in uses if not each.startswith("$/")):
            assert re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", action), action
