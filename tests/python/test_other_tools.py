"""docs/other-tools.md and examples/typed_program.py, run as they stand."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import fsspec
import pytest

ROOT = Path(__file__).resolve().parents[2]


def test_the_examples_of_the_docs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    docs = ROOT / "docs" / "other-tools.md"
    examples = re.findall(r"```python\n(.*?)```", docs.read_text(), re.DOTALL)
    assert len(examples) >= 8
    names: dict[str, Any] = {}
    for example in examples:
        exec(compile(example, str(docs), "exec"), names)
    assert (tmp_path / "class2.star").read_text().split()[-8:] == [
        "TS_01",
        "2",
        "20.5",
        "1",
        "TS_02",
        "2",
        "30.5",
        "1",
    ]
    fsspec.filesystem("memory").store.clear()


def test_the_typed_program_runs(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "examples" / "typed_program.py", tmp_path],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    lines = done.stdout.splitlines()
    assert lines[-1] == "line 6: expected 2 values in a row"
    assert lines[-2].startswith("[{'rlnTomoName': 'TS_01', 'rlnVoltage': 300.0}, ")
