"""The examples in `docs/commands.md`, run as they stand, in order."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from cli_runs import environment
from tomoset import cli

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "commands.md").read_text(encoding="utf-8")
FILES = re.compile(r"^`(\S+)`\n\n```star\n((?:.*\n)*?)```$", re.MULTILINE)
SESSIONS = re.compile(r"^```console\n((?:.*\n)*?)```$", re.MULTILINE)
CODE = re.compile(r"^```python\n((?:.*\n)*?)```$", re.MULTILINE)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, text in FILES.findall(PAGE):
        (tmp_path / name).write_text(text)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_sessions(folder: Path) -> None:
    commands = 0
    start = f'set -o pipefail; tomoset() {{ "{sys.executable}" -m tomoset "$@"; }}; '
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
    assert commands >= 10


def test_code(folder: Path) -> None:
    (text,) = CODE.findall(PAGE)
    names: dict[str, object] = {}
    exec(compile(text, "commands.md", "exec"), names)
    shown = text.rstrip().splitlines()[-1]
    value, _, comment = shown.partition("  # ")
    assert repr(eval(value, names)) == comment


def test_all_commands_on_files_are_described() -> None:
    described = set(re.findall(r"^## (\w+)$", PAGE, re.MULTILINE))
    assert described == set(cli.commands.commands) - {
        # These have pages of their own.
        *("show", "plot", "check", "fix", "paths", "rebase"),
        *("index", "status", "changes", "query", "report", "vacuum"),
    }
