"""``tomoset fix``."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from cli_runs import environment, run, run_on_terminal, run_process

pytestmark = pytest.mark.usefixtures("no_hang")

BAD = b"data_x\n\nloop_\n_rlnTomoName #1\n_rlnVoltage #2\n_rlnEnabled #3\na nan True\n\n# why\nb 300 no\n"
GOOD = b"data_x\n\n# why\nloop_\n_rlnTomoName #1\n_rlnVoltage #2\n_rlnEnabled #3\na nan 1\nb 300 0\n"
DIFF = (
    "--- {0}\n"
    "+++ {0}\n"
    "@@ -1,10 +1,9 @@\n"
    " data_x\n"
    " \n"
    "+# why\n"
    " loop_\n"
    " _rlnTomoName #1\n"
    " _rlnVoltage #2\n"
    " _rlnEnabled #3\n"
    "-a nan True\n"
    "-\n"
    "-# why\n"
    "-b 300 no\n"
    "+a nan 1\n"
    "+b 300 0\n"
)


@pytest.fixture
def bad(tmp_path: Path) -> Path:
    path = tmp_path / "a.star"
    path.write_bytes(BAD)
    return path


def test_files_are_mended(capfd: pytest.CaptureFixture[str], bad: Path) -> None:
    done = run(capfd, "fix", bad)
    assert (done.code, done.err) == (0, "")
    assert done.out.splitlines() == [
        str(bad),
        "  7: V104 bool-word: writes 1 for true and yes, 0 for false and no (2 times)",
        "  8: R101 rows-after-blank: takes blank lines among rows away, and puts comments",
        "    there above the loop",
        "mended 3 places in 1 file; 1 more with --unsafe-fixes (see tomoset fix -v)",
    ]
    assert bad.read_bytes() == GOOD
    done = run(capfd, "fix", bad, "-v")
    assert done.out.splitlines() == [
        str(bad),
        "  8: V101 not-finite: left: nan becomes 0 in rlnVoltage: the fix is unsafe",
        "nothing was mended; 1 more with --unsafe-fixes (see tomoset fix -v)",
    ]
    done = run(capfd, "fix", bad, "--unsafe-fixes")
    assert "  8: V101 not-finite: nan becomes 0 in rlnVoltage" in done.out.splitlines()
    assert bad.read_bytes() == GOOD.replace(b"nan", b"0")
    assert run(capfd, "fix", bad).out == "nothing to mend\n"


@pytest.mark.parametrize("option", ["--diff", "--dry-run"])
def test_a_diff_writes_nothing(capfd: pytest.CaptureFixture[str], bad: Path, option: str) -> None:
    done = run(capfd, "fix", bad.parent, option)
    assert done.code == 1
    assert done.out == DIFF.format(bad)
    assert done.err == "would mend 3 places in 1 file; 1 more with --unsafe-fixes (see tomoset fix -v)\n"
    assert bad.read_bytes() == BAD
    bad.write_bytes(GOOD)
    done = run(capfd, "fix", bad.parent, option, "-q")
    assert (done.code, done.out, done.err) == (0, "", "")


@pytest.mark.skipif(shutil.which("patch") is None, reason="there is no patch")
def test_patch_takes_the_diff(tmp_path: Path) -> None:
    texts = [BAD, BAD.replace(b"\n", b"\r\n"), b"\xef\xbb\xbfdata_x\nloop_\n_a", BAD + b"\n" * 9 + BAD]
    names = ["0.star", "with blank 1.star", os.fsdecode(b"caf\xe9.star"), 'a "caf\u00e9".star']
    for name, text in zip(names, texts, strict=True):
        (tmp_path / name).write_bytes(text)
    command = [sys.executable, "-m", "tomoset", "fix", "."]
    diff = subprocess.run(
        [*command, "--diff"], cwd=tmp_path, env=environment(), capture_output=True, check=False
    )
    assert diff.returncode == 1
    patched = tmp_path / "patched"
    patched.mkdir()
    for name, text in zip(names, texts, strict=True):
        (patched / name).write_bytes(text)
    subprocess.run(
        ["patch", "-p0", "--binary"], input=diff.stdout, cwd=patched, check=True, capture_output=True
    )
    subprocess.run(command, cwd=tmp_path, env=environment(), capture_output=True, check=True)
    for name, text in zip(names, texts, strict=True):
        assert (patched / name).read_bytes() != text
        assert (patched / name).read_bytes() == (tmp_path / name).read_bytes()


@pytest.mark.parametrize("again", ["a.star", ".", "./a.star", "link.star", "up/a.star"])
def test_files_that_are_named_twice_are_mended_once(
    capfd: pytest.CaptureFixture[str], bad: Path, monkeypatch: pytest.MonkeyPatch, again: str
) -> None:
    monkeypatch.chdir(bad.parent)
    for name, target in (("link.star", "a.star"), ("up", ".")):
        Path(name).symlink_to(target)
    done = run(capfd, "fix", "a.star", again, "--diff")
    assert done.out == DIFF.format("a.star")
    assert done.err.startswith("would mend 3 places in 1 file; ")
    assert run(capfd, "fix", "a.star", again, "-q").code == 0
    assert bad.read_bytes() == GOOD


def test_other_names_of_a_file_are_mended_too(capfd: pytest.CaptureFixture[str], bad: Path) -> None:
    os.link(bad, bad.parent / "b.star")
    assert "in 2 files" in run(capfd, "fix", bad, bad.parent / "b.star").out
    assert bad.read_bytes() == (bad.parent / "b.star").read_bytes() == GOOD


def test_selecting(capfd: pytest.CaptureFixture[str], bad: Path) -> None:
    run(capfd, "fix", bad, "--select", "bool-word L,Q")
    assert bad.read_bytes() == BAD.replace(b"True", b"1").replace(b"no\n", b"0\n")
    run(capfd, "fix", bad, "--ignore", "R")
    assert b"# why\nb" in bad.read_bytes()
    done = run(capfd, "fix", bad, "--select", "R999")
    assert done.code == 2
    assert "there is no code 'R999'" in done.err
    done = run(capfd, "fix", bad, "--select", "O101")
    assert done.code == 2
    assert "there is no fix for O101" in done.err
    assert run(capfd, "fix", bad, "--select", "").out == "nothing to mend\n"
    assert run(capfd, "fix", bad.parent / "none").code == 2


ROW_SHORT = b"data_x\n\nloop_\n_rlnTomoName #1\n_rlnVoltage #2\na 300\nb\n"


def test_faults_without_a_fix_are_named(capfd: pytest.CaptureFixture[str], bad: Path) -> None:
    (bad.parent / "b.star").write_bytes(ROW_SHORT)
    (bad.parent / "c.star").write_bytes(b"<html>\n<p>\n")
    (bad.parent / "d.star").write_bytes(ROW_SHORT.replace(b"\n", b"\r\n") + b"c\r\n")
    named = [
        "3 files have faults that no fix mends (tomoset check tells more):",
        f"  {bad.parent}/b.star:7: R201 row-length",
        f"  {bad.parent}/c.star: no STAR file, left as it is (L201)",
        f"  {bad.parent}/d.star:7: R201 row-length, and 1 more",
    ]
    done = run(capfd, "fix", bad.parent)
    assert done.code == 0
    assert done.out.splitlines()[-4:] == named
    done = run(capfd, "fix", bad.parent / "b.star")
    assert done.out.splitlines()[:2] == [
        "nothing was mended",
        "1 file has faults that no fix mends (tomoset check tells more):",
    ]
    assert run(capfd, "fix", bad.parent / "b.star", "-q").out == ""
    done = run(capfd, "fix", bad.parent / "b.star", "--diff")
    assert (done.code, done.out) == (0, "")
    assert "R201 row-length" in done.err
    assert run(capfd, "fix", bad.parent / "b.star", "--ignore", "R201").out == "nothing to mend\n"
    assert run(capfd, "fix", bad.parent / "b.star", "--select", "L").out == "nothing to mend\n"


def test_of_many_faulty_files_few_are_named(tmp_path: Path) -> None:
    for number in range(12):
        (tmp_path / f"{number:02}.star").write_bytes(ROW_SHORT)
    lines = run_process("fix", ".", cwd=tmp_path).stdout.splitlines()
    assert lines[-2:] == ["  ./09.star:7: R201 row-length", "  and 2 more files (-v names all)"]
    assert run_process("fix", ".", "-v", cwd=tmp_path).stdout.splitlines()[-1].startswith("  ./11.star:7:")


def test_files_that_fail_do_not_keep_others(capfd: pytest.CaptureFixture[str], bad: Path) -> None:
    (bad.parent / "0.star.gz").write_bytes(b"\x1f\x8b\x08")
    done = run(capfd, "fix", bad.parent, "-q")
    assert done.code == 3
    assert "0.star.gz: gzip data is cut short or damaged" in done.err
    assert "1 file could not be mended" in done.err
    assert bad.read_bytes() == GOOD


def test_on_a_terminal_odd_characters_are_spelled_out(tmp_path: Path) -> None:
    path = tmp_path / "a.star"
    path.write_bytes(BAD.replace(b"# why", b"# \x1b[2J"))
    code, screen = run_on_terminal(80, "fix", path, "--diff")
    assert code == 1
    assert "\x1b[31m-a nan True" in screen
    assert "\x1b[32m+# \\x1b[2J" in screen
    assert "\x1b[2J" not in screen


def test_odd_names_are_quoted(tmp_path: Path) -> None:
    (tmp_path / os.fsdecode(b"caf\xe9\n.star")).write_bytes(BAD)
    done = run_process("fix", ".", "--diff", cwd=tmp_path)
    assert done.stdout.splitlines()[0] == '--- "./caf\\351\\n.star"'
    done = run_process("fix", ".", cwd=tmp_path)
    assert done.stdout.splitlines()[0] == "./caf\\udce9\\n.star"


def test_the_list_of_fixes(capfd: pytest.CaptureFixture[str]) -> None:
    done = run(capfd, "fix", "--list")
    assert done.code == 0
    assert "R101 rows-after-blank (safe)" in done.out.splitlines()
    assert "V101 not-finite (unsafe)" in done.out.splitlines()
    assert max(map(len, done.out.splitlines())) <= 80
