"""Projects in which something is found, and runs of ``tomoset check`` on them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cli_runs import run
from rule_projects import FILES, change, make_project
from tomoset.checking.examples import all_examples

Capture = pytest.CaptureFixture[str]


def break_rules(root: Path, *codes: str) -> None:
    for code in codes:
        changes = all_examples()[code].bad
        assert isinstance(changes, list)
        change(root, changes)


def odd_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a project in which two things are found, in the working directory."""
    root = tmp_path / "project"
    make_project(root)
    break_rules(root, "C101", "O101", "G102")
    monkeypatch.chdir(tmp_path)
    return root


def file_of(project: Path, name: str) -> Path:
    return project / FILES[name]


def told(capfd: Capture, *arguments: str | Path) -> list[str]:
    """Give the codes that are told."""
    done = run(capfd, "check", *arguments, "--format", "json")
    assert done.code in (0, 1), done.err
    return [entry["id"] for entry in json.loads(done.out)]
