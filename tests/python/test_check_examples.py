"""Every code has an example that has it, and one that has not; all are run."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import tomoset
from rule_projects import change, make_images, make_project, make_relion4
from tomoset.checking.examples import Example, all_examples
from tomoset.checking.registry import all_codes, by_id
from tomoset.sets import TomogramSet

ROOT = Path(__file__).parents[2]
EXAMPLES = all_examples()
#: Codes that no example shows, since no text has them, with the test that does.
ELSEWHERE = {
    "F102": "test_what_is_no_file",
    "F105": "test_a_file_that_changes",
    "F202": "test_a_worker_that_is_lost",
    "F203": "test_catalog_index",
    "F204": "test_a_rule_that_fails",
    "V201": "test_a_value_that_does_not_fit",
    "T205": "test_an_interrupted_set",
}


def test_each_code_has_an_example() -> None:
    assert {code.id for code in all_codes()} == EXAMPLES.keys() | ELSEWHERE.keys()
    assert not EXAMPLES.keys() & ELSEWHERE.keys()
    names = [code.name for code in all_codes()]
    assert len(set(names)) == len(names)


def test_the_page_is_as_the_rules_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "examples"))
    import write_rules

    assert write_rules.PAGE.read_text(encoding="utf-8") == write_rules.page(), (
        "python examples/write_rules.py"
    )
    assert write_rules.UNSHOWN.keys() == ELSEWHERE.keys()


def texts(examples: dict[str, Example]) -> list[Example]:
    return [example for example in examples.values() if isinstance(example.bad, bytes)]


@pytest.mark.parametrize("example", texts(EXAMPLES), ids=lambda example: example.code)
def test_examples_of_texts(example: Example, tmp_path: Path) -> None:
    found = {}
    for name, text in (("bad", example.bad), ("good", example.good)):
        assert isinstance(text, bytes)
        path = tmp_path / f"{name}.star"
        path.write_bytes(text)
        found[name] = {each.id for each in tomoset.check(path)}
    assert found == {"bad": {example.code, *example.also}, "good": set()}


def projects(examples: dict[str, Example]) -> list[Example]:
    return [example for example in examples.values() if not isinstance(example.bad, bytes)]


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("template")
    make_project(root)
    make_images(root)
    return root


def project(template: Path, root: Path, facts: dict[str, Any]) -> Path:
    os.system(f"cp -a '{template}' '{root}'")
    if facts.get("relion4"):
        make_relion4(root)
    if facts.get("matrices"):
        path = root / "Tomograms/job006/tomograms.star"
        tomos = TomogramSet.read(path)
        matrices = tomos.projection_matrices(image_sizes=(400, 380))
        rows = {
            f"rlnTomoProj{axis}": [list(row) for row in matrices[:, at]] for at, axis in enumerate("XYZW")
        }
        tomos.with_tilt_columns(rows).write(path, durable=False)
    if facts.get("many"):
        path = root / "Extract/job010/particles.star"
        star = tomoset.read_star(path)
        rows = [0] * 40 + [1] * 40  # type: ignore[assignment]
        block = star["particles"].take(rows)
        names = [f"{name}/{at}" for at, name in enumerate(block["rlnTomoName"].to_pylist(), start=1)]
        star["particles"] = block.with_columns(rlnTomoParticleName=names)
        star.write(path, durable=False)
        (root / "Polish/job012/motion.star").unlink()
        (root / "Polish/job012/optimisation_set.star").unlink()
    return root


def test_the_project_breaks_no_rule(template: Path) -> None:
    assert tomoset.check(template, images=True) == []


@pytest.mark.parametrize("example", projects(EXAMPLES), ids=lambda example: example.code)
def test_examples_of_sets(example: Example, template: Path, tmp_path: Path) -> None:
    images = bool(example.facts.get("images"))
    found = {}
    for name, changes in (("bad", example.bad), ("good", example.good)):
        root = project(template, tmp_path / name, example.facts)
        assert isinstance(changes, list)
        change(root, changes)
        told = tomoset.check(root, images=images)
        found[name] = {each.id for each in told}
        for each in told:
            assert each.path is not None and each.path.startswith(str(root))
    assert found["bad"] == {example.instead or example.code, *example.also}
    if example.good:
        assert example.code not in found["good"]
        assert found["good"] <= set(example.also)
    assert by_id(example.code).mend


def test_what_reading_finds_of_sets_in_memory(template: Path, tmp_path: Path) -> None:
    """Of files the reader tells it under its own code."""
    root = project(template, tmp_path / "bad", {})
    bad = EXAMPLES["A104"].bad
    assert isinstance(bad, list)
    change(root, bad)
    codes = {each.id for each in TomogramSet.read(root / "Tomograms/job006/tomograms.star").validate()}
    assert codes == {"A104"}
