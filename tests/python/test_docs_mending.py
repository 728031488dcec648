"""The page about mending: its table is that of the fixes, and its commands are there."""

import re
from pathlib import Path

import click
import pytest
import tomoset
from tomoset.cli import commands
from tomoset.mending import all_fixes

PAGE = (Path(__file__).parents[2] / "docs" / "mending.md").read_text()


def test_the_table_has_all_fixes() -> None:
    rows = re.findall(r"^\| ([A-Z]\d{3}) \| (\S+) \| (safe|unsafe) \| (.+) \|$", PAGE, re.MULTILINE)
    fixes = [(fix.code, fix.name, "safe" if fix.safe else "unsafe", fix.does) for fix in all_fixes().values()]
    assert sorted(rows) == sorted(fixes)


@pytest.mark.parametrize("line", re.findall(r"^\$ (tomoset .+)$", PAGE, re.MULTILINE))
def test_options_are_there(line: str) -> None:
    name, *words = line.partition("#")[0].split()[1:]
    command = commands.commands[name]
    options = {word for option in command.params if isinstance(option, click.Option) for word in option.opts}
    assert {word for word in words if word.startswith("-")} <= options


def test_names_are_there() -> None:
    names = set(re.findall(r"tomoset\.(\w+)\(", PAGE))
    assert names == {"find_references", "mend", "mend_file", "rebase"}
    assert all(callable(getattr(tomoset, name)) for name in names)
