"""Rules at their edges: what they must leave alone, and what they must not miss."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import tomoset
from rule_projects import FILES, TOMOGRAMS, change, make_project
from rule_projects import series as five_tilts

pytestmark = pytest.mark.usefixtures("no_hang")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    root = tmp_path / "project"
    make_project(root)
    return root


def told(path: Path, *, images: bool = False) -> list[tuple[str, str]]:
    """Give codes, and what was found."""
    return [(each.id, each.found) for each in tomoset.check(path, images=images)]


def with_series(root: Path, **columns: Any) -> Path:
    """Write both tilt series anew with other columns, as many rows as these have."""
    for name in TOMOGRAMS:
        table = five_tilts(name)
        count = len(next(iter(columns.values())))
        made = {label: [values[0]] * count for label, values in table.items()}
        for label in ("rlnMicrographMovieName", "rlnMicrographName"):
            made[label] = [f"{name}/{label}_{at}.mrc" for at in range(count)]
        tomoset.write_star({name: pa.table(made | columns)}, root / FILES[name], durable=False)
    # Those have flags and shifts for five images.
    for name in ("polished", "optimisation", "motion", "particles"):
        (root / FILES[name]).unlink()
    change(root, [{"remove": "pipeline"}, {"file": "default_pipeline.star", "text": ""}])
    return root


# Optics.


@pytest.mark.parametrize("drop", [True, False])
def test_hands_of_a_set_without_groups(drop: bool, project: Path) -> None:
    change(project, [{"file": "set", "label": "rlnTomoHand", "row": 1, "value": "1"}])
    if drop:
        change(project, [{"file": "set", "drop": ["rlnOpticsGroupName"]}])
    name = "there is no rlnOpticsGroupName, and there are" if drop else "optics group 'og' has"
    assert told(project) == [("O102", f"{name} tomograms of both hands")]
    # Beside a set that has groups they are looked at together.
    shutil.copy(project / FILES["set"], project / "other.star")
    change(project, [{"file": "other.star", "add": {"rlnOpticsGroupName": ["a", "b"]}}])
    assert told(project) == [("O102", f"{name} tomograms of both hands")]


# Alignments.


def test_shifts_beside_sizes_that_cannot_be(project: Path) -> None:
    sizes = ("rlnTomoSizeX", "rlnTomoSizeY", "rlnTomoSizeZ")
    change(project, [{"file": "set", "label": label, "value": "-999"} for label in sizes])
    assert {number for number, _ in told(project)} == {"G101"}
    change(project, [{"file": "set", "label": "rlnTomoSizeX", "value": "400"}])
    change(project, [{"file": "TS_02", "label": "rlnTomoXShiftAngst", "row": 0, "value": "300"}])
    assert ("A112", "tilt 0: rlnTomoXShiftAngst is 300 A") in told(project)
