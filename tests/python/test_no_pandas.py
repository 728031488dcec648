"""Processes of ours do without pandas, which pyarrow would load."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("pandas")

STAR = "data_particles\nloop_\n_rlnTomoName\n_rlnCoordinateX\n_rlnCoordinateY\n_rlnCoordinateZ\na 1 2 3\n"


def has_pandas(words: str, *arguments: str) -> bool:
    """Tell whether a process of Python has loaded pandas once it has run some code."""
    code = f"import sys\n{words}\nprint('pandas' in sys.modules, file=sys.stderr)"
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True
    )
    return {"True\n": True, "False\n": False}[done.stderr]


def test_the_command_line_loads_none(tmp_path: Path) -> None:
    (tmp_path / "a.star").write_text(STAR)
    command = "from tomoset.cli import main\ntry:\n    main({})\nexcept SystemExit:\n    pass"
    assert not has_pandas(command.format(""), "check", str(tmp_path))
    # Whoever calls it from Python may have use of it.
    assert has_pandas(command.format("sys.argv[1:]"), "check", str(tmp_path))


def test_processes_that_check_load_none() -> None:
    words = (
        "import os\nsys.stdin = open(os.devnull)\n"
        "from tomoset.checking.workers import main\nmain()\nimport pyarrow as pa\npa.array([1])"
    )
    assert not has_pandas(words)


def test_it_is_as_if_it_were_not_installed() -> None:
    words = (
        "from tomoset.no_pandas import hide_pandas\nhide_pandas()\n"
        "try:\n    import pandas.api\nexcept ModuleNotFoundError as error:\n    assert error.name == 'pandas'\n"
        "else:\n    raise AssertionError"
    )
    assert not has_pandas(words)
