"""Commands run by a user to whom files may be forbidden, which root is not."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cli_runs import Run, environment

# What is imported on the way comes first, since packages may be out of reach for others.
_SCRIPT = """
import contextlib, io, os, sys, tempfile
from tomoset.cli import main
with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
    os.chdir(folder)
    os.mkdir("a")
    with open("a/x.star", "w") as file:
        file.write("data_a\\nloop_\\n_rlnVoltage\\nnan\\n")
    with contextlib.suppress(SystemExit):
        main(sys.argv[2:])
if os.geteuid() == 0:
    os.setgroups([]); os.setgid(65534); os.setuid(65534)
os.chdir(sys.argv[1])
main(sys.argv[2:])
"""


@contextmanager
def open_folder() -> Iterator[Path]:
    """Give a folder that everybody may write to; pytest's own are closed to others."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o777)
        try:
            yield folder
        finally:
            for path in folder.rglob("*"):
                if path.is_dir():
                    path.chmod(0o777)


def run_as_nobody(folder: Path, *arguments: str) -> Run:
    """Run a command of tomoset in a folder, as nobody if we are root."""
    command = [sys.executable, "-c", _SCRIPT, str(folder), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, env=environment())
    assert "Traceback" not in done.stderr
    return Run(done.returncode, done.stdout, done.stderr)
