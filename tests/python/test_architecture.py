"""The rooms of docs/architecture.md: nothing looks up."""

import re
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src"
#: What each room of the core may use besides itself; `error`, `memory`, `near` and `parallel` stand below them all.
BELOW = {
    "star": set(),
    "relion": {"star"},
    "table": {"star", "relion", "source", "sink"},
    "archive": {"star", "relion", "source", "sink", "table"},
    "mend": {"star", "relion", "source", "table"},
}
FLOOR = {"error", "memory", "near", "parallel"}


@pytest.mark.parametrize("room", BELOW)
def test_no_room_looks_up(room: str) -> None:
    files = sorted((SOURCE / room).rglob("*.rs"))
    used = {
        (file.name, name)
        for file in files
        for name in re.findall(r"\bcrate::(\w+)", file.read_text())
        if name not in BELOW[room] | FLOOR | {room}
    }
    assert files
    assert not used


def test_only_the_bindings_know_python() -> None:
    files = [file for file in SOURCE.rglob("*.rs") if "python" not in file.relative_to(SOURCE).parts]
    assert [file.name for file in files if "pyo3" in file.read_text()] == []
