"""The page about sets: its examples run, and its tables are what the code says."""

from __future__ import annotations

import ast
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import tomoset
from set_files import GEOMETRY
from tomoset import sets
from tomoset.sets.values import properties

PAGE = (Path(__file__).parents[2] / "docs" / "sets.md").read_text()


def test_examples_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(GEOMETRY / "relion5_plain", tmp_path / "project")
    monkeypatch.chdir(tmp_path / "project")
    for name in ("particles.star", "motion.star", "optimisation_set.star"):
        shutil.copy(GEOMETRY.parent / "particles" / "relion5_full" / name, name)
    Path("manifolds.star").write_text(
        "data_TS_01\n\nloop_\n_rlnTomoManifoldIndex\n_rlnTomoManifoldType\n_rlnTomoManifoldParams\n0 sphere [1,2,3,4]\n"
    )
    tomoset.write_fiducials([[1, 2, 3]], "fiducials_TS_01.star")
    names: dict[str, Any] = {}
    examples = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    for example in examples:
        exec(compile(example, "sets.md", "exec"), names)
    assert len(examples) == 11
    assert (names["tomo"].pixel_size, names["tomo"].size, names["tomo"].voltage) == (
        1.35,
        (4000, 5600, 2000),
        300,
    )
    assert names["thick"].names == ["TS_01"]
    assert names["least"].num_tilts == 80
    assert 0 < names["clear"].num_tilts < names["tomos"].num_tilts
    assert "visible-frames" in {finding.code for finding in names["found"]}
    written = tomoset.TomogramSet.read("Select/job010/tomograms.star")
    assert written.num_tilts == names["good"].num_tilts


@pytest.mark.parametrize("owner", [tomoset.Tomogram, tomoset.TiltSeries])
def test_all_properties_are_listed(owner: type) -> None:
    for each in properties(owner):
        row = (
            f"| `{each.name}` | `{each.label}` | {each.kind} | {each.unit} | {each.absent} | {each.meaning} |"
        )
        assert row in PAGE


def test_all_codes_are_listed() -> None:
    listed = set(re.findall(r"^\| `([a-z-]+)` \| (?:fatal|silent|warning|note) \|", PAGE, re.MULTILINE))
    used: set[str] = set()
    for path in Path(str(sets.__file__)).parent.glob("*.py"):
        for call in ast.walk(ast.parse(path.read_text())):
            if isinstance(call, ast.Call):
                given = [*call.args, *(word.value for word in call.keywords if word.arg == "code")]
                texts = [
                    text.value
                    for text in given
                    if isinstance(text, ast.Constant) and isinstance(text.value, str)
                ]
                name = ast.unparse(call.func).rpartition(".")[2].strip("_")
                if name in {
                    "fail",
                    "note",
                    "Finding",
                    "error",
                    "SetError",
                    "trajectory_error",
                    "unknown_group",
                }:
                    used.update(text for text in texts if re.fullmatch(r"[a-z]+(-[a-z]+)+", text))
    assert len(used) > 20
    assert (
        used | {"interrupted", "collision", "unreadable", "outside"} | {"missing-file", "missing-block"}
        == listed
    )
