"""The example of docs/writing.md, run as it stands."""

import re
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import tomoset

DOCS = Path(__file__).resolve().parents[2] / "docs" / "writing.md"


def test_the_examples(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    examples = re.findall(r"```python\n(.*?)```", DOCS.read_text(), re.DOTALL)
    names: dict[str, Any] = {}
    for example in examples:
        exec(compile(example, str(DOCS), "exec"), names)
    particles = tomoset.read_star("particles.star")["particles"]
    assert particles.to_dict() == {"rlnTomoName": ["TS_02"], "rlnClassNumber": [5]}
    assert names["star"]["particles"].to_dict() == {"rlnTomoName": ["TS_02"], "rlnClassNumber": [7]}


def test_the_table_of_floats(tmp_path: Path) -> None:
    rows = re.findall(r"^\| `\"(\w+|%\.6f)\"`[^|]*\|[^|]*\|(.*)\|$", DOCS.read_text(), re.MULTILINE)
    assert [name for name, _ in rows][:3] == ["shortest", "relion", "%.6f"]
    for name, cells in rows[:3]:
        texts = [cell.strip(" `") for cell in cells.split("|")]
        path = tmp_path / "x.star"
        tomoset.write_star({"a": pd.DataFrame({"x": [1774.846956, 1.23e-9, 1e-100]})}, path, floats=name)
        assert path.read_text().split()[-3:] == texts
