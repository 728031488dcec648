"""What the shell is told to complete, and what ``--version`` tells."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import tomoset
from tomoset.cli import commands

COMMAND = [sys.executable, "-m", "tomoset"]


def completed(shell: str, words: str, folder: Path) -> list[str]:
    """Give what click answers the completion of a shell with."""
    typed = words.split(" ")
    environment = {
        **os.environ,
        "_TOMOSET_COMPLETE": f"{shell}_complete",
        "COMP_WORDS": words,
        "COMP_CWORD": typed[-1] if shell == "fish" else str(len(typed) - 1),
    }
    done = subprocess.run(COMMAND, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    return done.stdout.splitlines()


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_every_shell_has_a_script(shell: str) -> None:
    environment = {**os.environ, "_TOMOSET_COMPLETE": f"{shell}_source"}
    if shell == "bash" and shutil.which("bash") is None:
        pytest.skip("click asks bash for its version")
    done = subprocess.run(COMMAND, env=environment, capture_output=True, text=True, check=True)
    assert f"_TOMOSET_COMPLETE={shell}_complete" in done.stdout


def test_commands_options_and_choices_are_completed(tmp_path: Path) -> None:
    assert completed("bash", "tomoset sta", tmp_path) == ["plain,status"]
    assert completed("bash", "tomoset convert --lay", tmp_path) == ["plain,--layout"]
    assert completed("bash", "tomoset convert --layout st", tmp_path) == ["plain,starfile"]
    assert completed("bash", "tomoset show par", tmp_path) == ["file,par"]
    assert set(completed("bash", "tomoset ", tmp_path)) == {f"plain,{name}" for name in commands.commands}
    assert completed("fish", "tomoset sta", tmp_path)[0].split("\t")[0].endswith("status")
    assert "status" in completed("zsh", "tomoset sta", tmp_path)


def test_bash_completes(tmp_path: Path) -> None:
    """As it is in docs/installing.md, in a bash that has it for itself."""
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("no bash")
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "tomoset").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m tomoset "$@"\n')
    (folder / "tomoset").chmod(0o755)
    docs = Path(__file__).parents[2] / "docs" / "installing.md"
    line = re.search(r"`(eval .*bash_source.*)` \|", docs.read_text())
    assert line is not None
    script = (
        f"{line[1]}\nCOMP_WORDS=(tomoset sta)\nCOMP_CWORD=1\n"
        '_tomoset_completion tomoset sta tomoset\necho "${COMPREPLY[@]}"\n'
    )
    environment = {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}"}
    done = subprocess.run(
        [bash, "--norc", "-c", script], env=environment, capture_output=True, text=True, check=False
    )
    assert (done.stdout.strip(), done.stderr) == ("status", "")


def test_the_version_and_what_it_was_built_from() -> None:
    done = subprocess.run([*COMMAND, "--version"], capture_output=True, text=True, check=True)
    first, *facts = done.stdout.splitlines()
    assert first == f"tomoset {tomoset.__version__}"
    named = dict(re.match(r"  (\S*) +(.*)", fact).groups() for fact in facts)  # type: ignore[union-attr,misc]
    assert re.match(r"(release|debug), \S+-\S+, rustc \d+\.\d+\.\d+", str(named["built"]))
    assert named["loops"] in ("AVX2", "portable")
    assert str(named["Python"]).startswith(f"{sys.version_info.major}.{sys.version_info.minor}.")
    assert {"pyarrow", "NumPy", "click"} <= named.keys()
    assert max(map(len, done.stdout.splitlines())) <= 100
