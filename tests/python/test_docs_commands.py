"""The page about commands on files is about all of them; `test_docs` runs its examples."""

import re
from pathlib import Path

from tomoset import cli

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "commands.md").read_text(encoding="utf-8")


def test_all_commands_on_files_are_described() -> None:
    described = set(re.findall(r"^## (\w+)$", PAGE, re.MULTILINE))
    assert described == set(cli.commands.commands) - {
        "show",
        "check",
        "plot",
        "index",
        "status",
        "changes",
        "query",
        "vacuum",
        "forget",
        # Which have pages of their own.
        "report",
        "fix",
        "paths",
        "rebase",
    }
