"""The examples of docs/starfile.md: what starfile reads, with and without its corruptions."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

import pytest
from starfile_twins import attempt, plain, theirs
from tomoset.compat import starfile as ours

DOCS = Path(__file__).parents[2] / "docs" / "starfile.md"
EXAMPLE = re.compile(
    r"### (\d+)\. [^\n]*\n(?:(?!###).)*?```star( escapes)?\n(.*?)```\n- starfile: (.*?)\n- here: (.*?)\n",
    re.DOTALL,
)
EXAMPLES = EXAMPLE.findall(DOCS.read_text(encoding="utf-8"))


def expected(words: str) -> Any:
    if words.startswith("raises "):
        return words
    return eval(words.strip("`"), {"nan": math.nan})


def write_example(path: Path, text: str, escapes: str) -> Path:
    data = text.encode()
    if escapes:
        data = text.strip("\n").encode().decode("unicode_escape").encode("latin-1")
    path.write_bytes(data)
    return path


def test_sections_are_numbered_in_order() -> None:
    numbers = [int(number) for number in re.findall(r"^### (\d+)\.", DOCS.read_text("utf-8"), re.MULTILINE)]
    assert numbers == list(range(1, len(numbers) + 1))
    assert len(EXAMPLES) == 13


@pytest.mark.parametrize(
    ("number", "escapes", "text", "starfile", "here"), EXAMPLES, ids=[example[0] for example in EXAMPLES]
)
def test_example(number: str, escapes: str, text: str, starfile: str, here: str, tmp_path: Path) -> None:
    path = write_example(tmp_path / "x.star", text, escapes)
    package = plain(theirs(path))
    assert repr(package) == repr(expected(starfile)), number
    assert repr(plain(attempt(ours.read, path, always_dict=True, exact=True))) == repr(package)
    assert repr(plain(attempt(ours.read, path, always_dict=True))) == repr(expected(here)), number
