"""The pages of the docs as programs: blocks of code in their order, and a folder in which they are run.

A fence's info string is a language, and perhaps one of these:

``no-run: WHY``
    The block is shown and not run; `test_docs` counts these.
``needs: NAME``
    It is run where there is a program or package of that name.
``checked-by: FILE``
    Another test, that names the page, looks after it.

A block below a line that is nothing but a file's name in backticks is that file. A block of ``text`` right below one of
Python is what that prints. In what is shown, ``…`` stands for anything.
"""

from __future__ import annotations

import ast
import contextlib
import importlib.util
import io
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from cli_runs import environment

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted(str(path.relative_to(ROOT)) for path in (ROOT / "README.md", *(ROOT / "docs").rglob("*.md")))
FENCE = re.compile(
    r"(?P<above>[^\n]*)\n(?P<gap>\n*)```(?P<info>[^\n`]*)\n(?P<text>(?:(?!```).*\n)*?)```$", re.MULTILINE
)
#: Fences that are formulas, layouts of folders, or directives of Sphinx.
PLAIN = re.compile(r"|\{[a-z-]+\}.*")
#: What a page calls its folder.
HOME = "/home/me"
#: Commands that pages use; those of a cluster are carried out here.
PROGRAMS = {
    "tomoset": f'exec "{sys.executable}" -m tomoset "$@"',
    "python": f'exec "{sys.executable}" "$@"',
    "sbatch": 'job=$(cat "$1"); setsid bash -c "$job" >/dev/null 2>&1 </dev/null & echo "Submitted batch job $!"',
    "scancel": 'kill -- "-$1"',
}


@dataclass(frozen=True)
class Block:
    """A block of code of a page."""

    page: str
    line: int
    language: str
    option: str
    value: str
    text: str
    #: The file that it is.
    file: str | None
    #: What is shown as its output.
    output: str | None

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


def blocks(page: str) -> list[Block]:
    """Give the blocks of a page, in order."""
    found: list[Block] = []
    source = "\n" + (ROOT / page).read_text(encoding="utf-8")
    matches = list(FENCE.finditer(source))
    assert source.count("\n```") == 2 * len(matches), f"{page}: fences that do not pair, or are indented"
    for at, match in enumerate(matches):
        language, _, rest = match["info"].partition(" ")
        option, _, value = rest.partition(":")
        below = matches[at + 1] if at + 1 < len(matches) else None
        between = source[match.end() : below.start("info")] if below is not None else ""
        shown = below is not None and below["info"] == "text" and between.strip() == "```"
        name = re.fullmatch(r"`([\w./-]+)`:?", match["above"])
        found.append(
            Block(
                page,
                source.count("\n", 0, match.start("info")),
                language,
                option,
                value.strip(),
                match["text"],
                name[1] if name else None,
                below["text"] if shown and below is not None and language == "python" else None,
            )
        )
    return found


def has(need: str) -> bool:
    """Tell whether there is a program or package of a name."""
    return bool(shutil.which(need) or importlib.util.find_spec(need))


class Runner:
    """A folder in which the blocks of a page are run, and the names that they made."""

    def __init__(self, folder: Path, programs: Path) -> None:
        self.folder = folder
        self.names: dict[str, Any] = {"__name__": "__main__"}
        self.environment = environment() | {
            "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
            "COLUMNS": "80",
            "TZ": "UTC",
        }

    def run(self, block: Block) -> None:
        """Run a block, or look at it."""
        if block.file is not None:
            path = self.folder / block.file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(self._here(block.text), encoding="utf-8")
        match block.language:
            case "python" if block.file is None:
                self._python(block)
            case "console":
                self._console(block)
            case "sql":
                self._sql(block)
            case "toml":
                tomllib.loads(block.text)

    def _here(self, text: str) -> str:
        """Pages speak of /data; here it is a folder of the page's own."""
        return re.sub(r"(?<![\w.])/data/", f"{self.folder}/data/", text)

    def _python(self, block: Block) -> None:
        text = self._here(block.text)
        lines, printed = text.splitlines(), io.StringIO()
        with contextlib.redirect_stdout(printed):
            for node in ast.parse(text).body:
                if isinstance(node, ast.Expr):
                    code = compile(ast.Expression(node.value), str(block), "eval")
                    value = eval(code, self.names)
                    comment = lines[(node.end_lineno or 0) - 1].partition("  # ")[2]
                    assert agrees(value, comment), f"{block}: {value!r} is not {comment}"
                else:
                    exec(compile(ast.Module([node], []), str(block), "exec"), self.names)
        if block.output is not None:
            self._compare(block, block.output, printed.getvalue())

    def _console(self, block: Block) -> None:
        steps = sessions(block.text)
        is_shown = any(shown for _, shown in steps)
        for command, shown in steps:
            done = subprocess.run(
                ["bash", "-o", "pipefail", "-c", self._here(command)],
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                text=True,
                env=self.environment,
                cwd=self.folder,
                timeout=300,
            )
            if "make_archive.py" in command:
                grow_old(self.folder)
            output = done.stdout.replace(f"{self.folder}/data/", "/data/").replace(str(self.folder), HOME)
            # What fails shows it; 1 is how tomoset says that it found something.
            fine = done.returncode in ({0, 1} if command.startswith("tomoset ") else {0})
            assert shown or fine, f"{block}: {command}: {output}"
            if is_shown:
                self._compare(block, shown, output)

    def _sql(self, block: Block) -> None:
        import tomoset

        tomoset.Catalog.open(self.folder / "data" / "catalog").sql(block.text)

    def _compare(self, block: Block, shown: str, found: str) -> None:
        wanted, given = (
            "\n".join(line.rstrip() for line in text.splitlines()).strip("\n") for text in (shown, found)
        )
        pattern = re.escape(wanted).replace("…", ".*?")
        assert re.fullmatch(pattern, given, re.DOTALL), f"{block}: found\n{given}\n\ninstead of\n{wanted}"


def grow_old(folder: Path) -> None:
    """Let files be an hour old, as those of an archive at rest: an index reads again what has just changed."""
    for path in folder.rglob("*"):
        if path.is_file() and not path.is_symlink():
            time = path.stat().st_mtime - 3600
            os.utime(path, (time, time))


def sessions(text: str) -> list[tuple[str, str]]:
    """Give the commands of a session, which begin with ``$``, each with its output."""
    found: list[tuple[str, str]] = []
    lines = text.splitlines(keepends=True)
    assert lines and lines[0].startswith("$ "), f"a session begins with a command: {text}"
    while lines:
        command = lines.pop(0).removeprefix("$ ")
        while is_unfinished(command):
            command += lines.pop(0)
        output = ""
        while lines and not lines[0].startswith("$ "):
            output += lines.pop(0)
        found.append((command, output))
    return found


def is_unfinished(command: str) -> bool:
    """Tell whether a shell would ask for another line."""
    if command.rstrip("\n").endswith("\\"):
        return True
    try:
        shlex.split(command, comments=True)
    except ValueError:
        return True
    return False


def agrees(value: Any, comment: str) -> bool:
    """Tell whether a value is the one in the comment beside it; words may say anything."""
    try:
        wanted = ast.literal_eval(comment.strip())
    except (SyntaxError, ValueError):
        return True
    try:
        return bool(np.allclose(np.asarray(value, dtype=float), np.asarray(wanted, dtype=float), rtol=1e-5))
    except (TypeError, ValueError):
        return bool(value == wanted)
