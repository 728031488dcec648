"""What tomoset asks of those who use it, as pyproject.toml says."""

from __future__ import annotations

import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
#: Extras for who works on tomoset.
FOR_DEVELOPERS = {"dev", "bench", "docs"}


def requirements() -> list[str]:
    """Give what is always needed, and what the extras for users add."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    found = list(project["dependencies"])
    for extra in extras.keys() - FOR_DEVELOPERS:
        found += extras[extra]
    return found
