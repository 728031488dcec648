"""The command as a whole: help, version, exit codes, quick start."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from cli_runs import PROJECT, environment, run, run_on_terminal, run_process
from tomoset.cli.words import counted, display_width, pad, printable, shorten, size_text


def test_help_and_version(capfd: pytest.CaptureFixture[str]) -> None:
    shown = run(capfd, "--help")
    assert shown.code == 0
    assert all(word in shown.out for word in ("index", "query", "show", "convert", "diff", "merge", "130"))
    assert max(map(len, shown.out.splitlines())) <= 80
    version = run(capfd, "--version")
    assert (version.code, version.out.split()[0]) == (0, "tomoset")


@pytest.mark.parametrize(
    "command",
    [
        "index",
        "status",
        "changes",
        "query",
        "vacuum",
        "forget",
        "show",
        "plot",
        "convert",
        "diff",
        "merge",
        "subset",
    ],
)
def test_every_command_has_help(capfd: pytest.CaptureFixture[str], command: str) -> None:
    shown = run(capfd, command, "--help")
    assert (shown.code, shown.err) == (0, "")
    assert max(map(len, shown.out.splitlines())) <= 80


@pytest.mark.parametrize(
    "arguments", [[], ["frobnicate"], ["show"], ["show", "--rows", "x", "f"], ["index", "root"]]
)
def test_wrong_usage_is_2(capfd: pytest.CaptureFixture[str], arguments: list[str]) -> None:
    shown = run(capfd, *arguments)
    assert (shown.code, shown.out) == (2, "")
    assert "Usage: tomoset" in shown.err


def test_a_missing_catalogue_is_asked_for_with_its_variable(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TOMOSET_CATALOG", raising=False)
    for arguments in (["status"], ["index", "."], ["vacuum"], ["forget", "x"], ["changes"]):
        done = run(capfd, *arguments)
        assert (done.code, "unless TOMOSET_CATALOG says it." in done.err) == (2, True), done.err


def test_folders_that_are_not_there_are_named(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    star, none = tmp_path / "run_data.star", tmp_path / "none"
    star.write_text(PROJECT)
    commands: list[tuple[list[str | Path], Path]] = [
        (["convert", star, none / "x.csv", "--block", "optics"], none / "x.csv"),
        (["subset", star, "-o", none / "x.star", "--rows", ":1"], none / "x.star"),
        (["index", tmp_path, "--catalog", none / "catalog"], none / "catalog"),
        (["show", none / "x.star"], none / "x.star"),
    ]
    for arguments, place in commands:
        done = run(capfd, *arguments)
        words = f"tomoset: {place}: No such file or directory: there is no folder {none}\n"
        assert (done.code, done.err) == (3, words)


@pytest.mark.parametrize(
    "command", [["show"], ["check", "--baseline"], ["status", "--catalog"], ["\x1b[31mx"]]
)
def test_messages_steer_no_terminal(tmp_path: Path, command: list[str]) -> None:
    name = "\x1b[31m\x07\u202e.star"
    (tmp_path / name).mkdir()
    (tmp_path / "a.star").write_text("data_a\n")
    for path in (tmp_path / name / "none", tmp_path / "none" / name):
        code, screen = run_on_terminal(300, *command, path, *([tmp_path] if "--baseline" in command else []))
        assert code in (2, 3)
        assert all(letter.isprintable() or letter == "\n" for letter in screen)


@pytest.mark.parametrize(
    "command",
    [["check", "--threads"], ["paths", "--threads"], ["index", "--threads"], ["index", "--local-cluster"]],
)
def test_more_threads_than_there_can_be(
    capfd: pytest.CaptureFixture[str], command: list[str], tmp_path: Path
) -> None:
    done = run(capfd, *command, "99999999999999999999", tmp_path)
    assert (done.code, "is not in the range 1<=x<=1024" in done.err) == (2, True)


def test_as_a_module() -> None:
    assert run_process("--version").stdout.startswith("tomoset ")


def test_showing_and_converting_load_nothing_heavy(tmp_path: Path) -> None:
    star = tmp_path / "run_data.star"
    star.write_text(PROJECT)
    probe = """
import sys
from tomoset.cli import main
try:
    main(sys.argv[1:])
except SystemExit as exit_:
    assert exit_.code == 0, exit_.code
print(*sorted({"deltalake", "duckdb", "pandas", "polars", "dask"} & set(sys.modules)), file=sys.stderr)
"""
    for arguments in (
        ["--help"],
        ["show", star],
        ["convert", star, tmp_path / "x.csv", "--block", "particles"],
    ):
        process = subprocess.run(
            [sys.executable, "-c", probe, *map(str, arguments)],
            capture_output=True,
            text=True,
            env=environment(),
            check=True,
        )
        assert process.stderr.strip() == ""


def test_a_missing_extra_is_named(tmp_path: Path) -> None:
    probe = """
import sys
sys.modules["deltalake"] = None
sys.modules["duckdb"] = None
from tomoset.cli import main
main(sys.argv[1:])
"""
    (tmp_path / "a.star").write_text("")
    for arguments in (
        ["query", "SELECT 1", "--catalog", tmp_path],
        ["index", tmp_path, "--catalog", tmp_path / "c"],
    ):
        process = subprocess.run(
            [sys.executable, "-c", probe, *map(str, arguments)],
            capture_output=True,
            text=True,
            env=environment(),
            check=False,
        )
        assert (process.returncode, "pip install --upgrade 'tomoset[index]'" in process.stderr) == (3, True)
        assert "Traceback" not in process.stderr


def test_a_closed_pipe_is_quiet(tmp_path: Path) -> None:
    star = tmp_path / "long.star"
    star.write_text("data_\n\nloop_\n_rlnTomoName\n" + "TS_01\n" * 200_000)
    command = f"{sys.executable} -m tomoset convert {star} - --format csv | head -1; echo ${{PIPESTATUS[0]}}"
    process = subprocess.run(
        ["bash", "-c", command], capture_output=True, text=True, env=environment(), check=True
    )
    assert (process.stdout, process.stderr) == ('"rlnTomoName"\n0\n', "")


def test_control_c_is_130(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.sql"
    os.mkfifo(pipe)
    command: list[str | Path] = [sys.executable, "-m", "tomoset", "query", "-", "--catalog", tmp_path]
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
        # Whoever runs the tests in the background may have it ignored.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # noqa: PLW1509 (no threads)
    ) as waiting:
        for _ in range(200):
            state = Path(f"/proc/{waiting.pid}/wchan").read_text() if waiting.poll() is None else ""
            if "pipe" in state:
                break
            signal.sigtimedwait([], 0.05)
        waiting.send_signal(signal.SIGINT)
        _, err = waiting.communicate(timeout=20)
    assert (waiting.returncode, err.strip()) == (130, "tomoset: interrupted")


def test_words() -> None:
    assert [counted(1, "file"), counted(1204, "file"), counted(2, "entry"), counted(3, "day")] == [
        "1 file",
        "1,204 files",
        "2 entries",
        "3 days",
    ]
    assert [size_text(n) for n in (0, 999, 1000, 52_375_846, 10**12)] == [
        "0 bytes",
        "999 bytes",
        "1 kB",
        "52.4 MB",
        "1 TB",
    ]
    assert printable("a\x1b[31mb\n\u202e") == "a\\x1b[31mb\\n\\u202e"
    assert (display_width("Å"), display_width("断层"), display_width("e\u0301")) == (1, 4, 1)
    assert pad("断层", 6) == "断层  "
    assert pad("7", 3, right=True) == "  7"
    assert shorten("abcdef", 6) == "abcdef"
    assert shorten("abcdef", 4) == "abc…"
    assert shorten("a/b/TS_01.star", 9) == "…01.star"[:1] + "_01.star"
    assert shorten("断层断层", 4) == "断…"
    assert shorten("abc", 0) == ""
