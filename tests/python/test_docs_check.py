"""The examples in `docs/check.md`, run as they stand, in order."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from cli_runs import environment
from tomoset.checking.config import read_config
from tomoset.checking.registry import by_id

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "check.md").read_text(encoding="utf-8")
FILES = re.compile(r"^`(\S+)`\n\n```(?:star|toml)\n((?:.*\n)*?)```$", re.MULTILINE)
SESSIONS = re.compile(r"^```console\n((?:.*\n)*?)```$", re.MULTILINE)
CODE = re.compile(r"^```python\n((?:.*\n)*?)```$", re.MULTILINE)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, text in FILES.findall(PAGE):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_sessions(folder: Path) -> None:
    commands = 0
    start = f'tomoset() {{ "{sys.executable}" -m tomoset "$@"; }}; '
    for session in SESSIONS.findall(PAGE):
        for step in re.split(r"^\$ ", session, flags=re.MULTILINE)[1:]:
            command, _, wanted = step.partition("\n")
            done = subprocess.run(
                ["bash", "-c", start + command],
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                env=environment(),
                cwd=folder,
            )
            assert done.stdout == wanted, command
            commands += 1
    assert commands == 17


def test_code(folder: Path) -> None:
    (text,) = CODE.findall(PAGE)
    *lines, shown, comment = text.rstrip().splitlines()
    names: dict[str, object] = {}
    exec(compile("\n".join(lines), "check.md", "exec"), names)
    assert repr(eval(shown, names)) == comment.removeprefix("# ")


def test_options(folder: Path) -> None:
    config = read_config(folder / ".tomoset.toml")
    assert config is not None
    assert (config.severity, config.baseline) == ("warning", folder / "known.json")


def test_codes_are_those_of_the_rules() -> None:
    pairs = re.findall(r"`([a-z-]+)` \(([A-Z]\d{3})\)", PAGE)
    assert len(pairs) == 10
    assert all(by_id(code).name == name for name, code in pairs)
