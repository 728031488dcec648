"""Runs of the command line inside the test process, for the tests of the commands."""

import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios
from dataclasses import dataclass
from pathlib import Path

import pytest
import tomoset
from tomoset.cli import main

PROJECT = """data_general

_rlnTomoSubTomosAre2DStacks                       1


data_optics

loop_
_rlnOpticsGroup #1
_rlnVoltage #2
_rlnOpticsGroupName #3
1 300.0 optics1
2 200.0 "second group"


data_particles

loop_
_rlnTomoName #1
_rlnTomoVisibleFrames #2
_rlnCenteredCoordinateXAngst #3
_rlnImageName #4
TS_01 [1,0,1] 1774.422700 Extract/job020/Subtomograms/TS_01/12_stack2d.mrcs
001 [0,0,1] -3 Extract/job020/Subtomograms/TS_01/13_stack2d.mrcs
TS_03 [1,1,1] nan None
"""


@dataclass(frozen=True)
class Run:
    """What a command did."""

    code: int
    out: str
    err: str


def run(capfd: pytest.CaptureFixture[str], *arguments: str | Path) -> Run:
    """Run a command and return its exit code and output."""
    capfd.readouterr()
    with pytest.raises(SystemExit) as exit_:
        main([os.fspath(argument) for argument in arguments])
    code = exit_.value.code
    out, err = capfd.readouterr()
    assert isinstance(code, int)
    assert "Traceback" not in err
    return Run(int(code), out, err)


def run_process(*arguments: str | Path | bytes, **options: object) -> "subprocess.CompletedProcess[str]":
    """Run a command in a process of its own."""
    command = [sys.executable, "-m", "tomoset", *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=environment(), **options)  # type: ignore[call-overload,no-any-return]


def run_on_terminal(columns: int, *arguments: str | Path) -> tuple[int, str]:
    """Run a command on a pseudo-terminal of a given width; return exit code and screen."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    command = [sys.executable, "-m", "tomoset", *arguments]
    process = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment())
    os.close(theirs)
    screen = b""
    while True:
        try:
            piece = os.read(ours, 65536)
        except OSError:  # the other end was closed
            break
        if not piece:
            break
        screen += piece
    os.close(ours)
    return process.wait(), screen.decode().replace("\r\n", "\n")


def environment() -> dict[str, str]:
    """Return an environment in which other processes find the same tomoset."""
    above = str(Path(tomoset.__file__).parent.parent)
    return {**os.environ, "PYTHONPATH": above, "PYTHONWARNINGS": "default", "PYTHONUTF8": "1"}
