"""`import starfile` given to tomoset, in processes of its own."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

CHECK = """
import importlib.metadata, importlib.util, sys
import starfile, starfile.parser, starfile.writer
from starfile.functions import read
from starfile.typing import DataBlock
from starfile.utils import TextBuffer, TextCrawler
from starfile.parser import StarParser, block_name_from_line, count_lines, heading_from_line, numericise
from starfile.writer import StarWriter, coerce_dataframe, coerce_dict, coerce_list, loop_block
from starfile.writer import package_info, quote, simple_block
modules = [starfile.read, read, StarParser, StarWriter, TextBuffer, TextCrawler]
assert {m.__module__.split(".")[0] for m in modules} == {OWNER}, modules
assert importlib.metadata.version("starfile") == starfile.writer.__version__ == "0.5.13"
assert importlib.metadata.version("numpy")
assert importlib.util.find_spec("starfile") is not None
assert [block_name_from_line("data_x"), heading_from_line("_a #1"), numericise("5")] == ["x", "a", 5]
"""
OURS, THEIRS = (CHECK.replace("OWNER", repr(owner)) for owner in ("tomoset", "starfile"))


def run(*arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *arguments], capture_output=True, text=True, cwd=cwd)


@pytest.mark.parametrize(
    "code",
    [
        f"import tomoset.compat\ntomoset.compat.install()\n{OURS}",
        f"import tomoset.compat\ntomoset.compat.install()\ntomoset.compat.install()\n{OURS}",
        f"import starfile.parser, tomoset.compat\ntomoset.compat.install()\n{OURS}",
        f"import tomoset.compat as c\nc.install(); c.install(); c.uninstall()\n{THEIRS}",
        f"import starfile as s, tomoset.compat as c\nc.install(); c.uninstall()\n{THEIRS}\nassert starfile is s",
        f"import tomoset.compat as c\nc.uninstall()\n{THEIRS}",
    ],
    ids=["once", "twice", "late", "undone", "late and undone", "only undone"],
)
def test_install(code: str) -> None:
    done = run("-c", code)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_script_runs_unchanged(tmp_path: Path) -> None:
    (tmp_path / "beside.py").write_text("WORD = 'beside'\n")
    script = tmp_path / "script.py"
    script.write_text(
        f"{OURS}\nimport beside\nprint(sys.argv, __name__, beside.WORD)\n"
        "starfile.write({'a': 1}, sys.argv[1])\nraise SystemExit(3)\n"
    )
    out = tmp_path / "x.star"
    done = run("-m", "tomoset.compat", str(script), str(out), "-v")
    assert done.stderr == ""
    assert done.stdout == f"{[str(script), str(out), '-v']} __main__ beside\n"
    assert done.returncode == 3
    assert "_a\t\t\t1\n" in out.read_text()


def test_a_module_runs_unchanged(tmp_path: Path) -> None:
    (tmp_path / "module.py").write_text(f"{OURS}\nprint(sys.argv[1:], __name__)\n")
    done = run("-m", "tomoset.compat", "-m", "module", "x", cwd=tmp_path)
    assert (done.stdout, done.stderr, done.returncode) == ("['x'] __main__\n", "", 0)


def test_the_package_itself_as_a_program() -> None:
    done = run("-m", "tomoset.compat", "-m", "starfile", "x.star")
    assert (done.stdout, done.stderr, done.returncode) == ("", "", 0)


@pytest.mark.parametrize("arguments", [[], ["-x"], ["-m"]])
def test_what_is_no_script(arguments: list[str]) -> None:
    done = run("-m", "tomoset.compat", *arguments)
    assert done.returncode == 2
    assert done.stderr.startswith("usage: python -m tomoset.compat SCRIPT")


@pytest.mark.parametrize("module", ["nope", "nope.below", "os.nope", "package.nope"])
def test_what_is_no_module(tmp_path: Path, module: str) -> None:
    (tmp_path / "package").mkdir()
    (tmp_path / "package/__init__.py").write_text("")
    done = run("-m", "tomoset.compat", "-m", module, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"python -m tomoset.compat: no module named {module!r}\n"


def test_a_module_of_a_package_that_imports_starfile(tmp_path: Path) -> None:
    (tmp_path / "package").mkdir()
    (tmp_path / "package/__init__.py").write_text("import starfile\nWHOSE = starfile.__name__\n")
    (tmp_path / "package/module.py").write_text("import package\nprint(package.WHOSE)\n")
    done = run("-m", "tomoset.compat", "-m", "package.module", cwd=tmp_path)
    assert (done.stdout, done.stderr, done.returncode) == ("tomoset.compat.starfile\n", "", 0)
    # A fault of the module's own is told as ever.
    (tmp_path / "package/module.py").write_text("import nope\n")
    done = run("-m", "tomoset.compat", "-m", "package.module", cwd=tmp_path)
    assert "No module named 'nope'" in done.stderr.splitlines()[-1]
    assert "Traceback" in done.stderr


def test_help() -> None:
    done = run("-m", "tomoset.compat", "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert "-m MODULE" in done.stdout
