"""Install the wheel beside the oldest and the newest packages it claims to work with, and run tests there.

    python release/matrix.py dist/tomoset-*.whl                all combinations, on every Python there is
    python release/matrix.py dist/tomoset-*.whl oldest newest-3.13
    python release/matrix.py --list

Each combination gets an environment of its own, below `.build/matrix`, made anew. A Python that is not there is left
out, and said so.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

from requirements import ROOT, requirements

PLACE = ROOT / ".build" / "matrix"
#: What the tests themselves need.
TESTING = ("pytest>=8.3", "pytest-xdist>=3.6", "hypothesis>=6.100", "zstandard>=0.23")
#: Tests that meet other packages; those of the core's own answers would find the same everywhere.
MEETING = (
    "test_star_api.py",
    "test_star_sharing.py",
    "test_remote.py",
    "test_polars.py",
    "test_other_tools.py",
    "test_write_input.py",
    "test_editing.py",
    "test_sets_read.py",
    "test_sets_write.py",
    "test_sets_looks.py",
    "test_subsets.py",
    "test_compat_utils.py",
    "test_geometry.py",
    "test_plots.py",
    "test_cli.py",
    "test_completion.py",
    "test_cli_convert.py",
    "test_cli_convert_star.py",
    "test_cli_query.py",
    "test_catalog_store.py",
    "test_catalog_query.py",
    "test_queries.py",
)
BARE = ("test_bare.py",)
#: A starfile of the time, which the tests of its stand-in compare with.
COMPARED = ("starfile>=0.5.13", "scipy>=1.11")


class Combination(NamedTuple):
    """What is installed beside each other, and which tests run there."""

    python: str
    extras: str
    packages: tuple[str, ...] = ()
    at_floors: bool = False
    tests: tuple[str, ...] = MEETING


NEWEST = ("3.11", "3.12", "3.13", "3.14")
COMBINATIONS = {
    "oldest": Combination("3.11", "all", at_floors=True),
    "pandas2": Combination("3.12", "all", ("pandas<3", "numpy<2.3")),
    **{f"newest-{python}": Combination(python, "all") for python in NEWEST},
    **{f"bare-{python}": Combination(python, "", tests=BARE) for python in ("3.11", NEWEST[-1])},
}


def main() -> int:
    """Run the combinations asked for; fail if any does."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("wheel", type=Path, nargs="?")
    parser.add_argument("names", nargs="*", metavar="COMBINATION")
    parser.add_argument("--list", action="store_true", help="only list the combinations")
    parser.add_argument("-n", dest="workers", default="2", help="how many tests at once")
    asked = parser.parse_args()
    if asked.list or asked.wheel is None:
        for name, combination in COMBINATIONS.items():
            print(f"{name:<12} Python {combination.python}{' at the floors' * combination.at_floors}")
        return 0
    unknown = set(asked.names) - set(COMBINATIONS)
    if unknown:
        parser.error(f"no combination {', '.join(sorted(unknown))}; --list lists them")
    outcomes = {name: _run(name, asked.wheel, asked.workers) for name in asked.names or COMBINATIONS}
    print()
    for name, outcome in outcomes.items():
        print(f"{name:<12} {outcome}")
    return any(outcome.startswith("failed") for outcome in outcomes.values())


def _run(name: str, wheel: Path, workers: str) -> str:
    combination = COMBINATIONS[name]
    python = interpreter(combination.python)
    if python is None:
        return f"left out: no Python {combination.python} here"
    place = PLACE / name
    shutil.rmtree(place, ignore_errors=True)
    subprocess.run([python, "-m", "venv", place], check=True)
    start = time.monotonic()
    print(f"\n== {name}: {python}", flush=True)
    if not _install(place, wheel.resolve(), combination):
        return "failed: the packages cannot be installed together"
    tests = [str(ROOT / "tests" / "python" / test) for test in combination.tests]
    # Not the sources: what is tested is the wheel. And no `error` for warnings, which packages of other years give.
    command = [str(place / "bin" / "python"), "-m", "pytest", "-q", "-n", workers, "-W", "default", *tests]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    lines = done.stdout.strip().splitlines()
    (place / "pytest.txt").write_text(done.stdout + done.stderr)
    if done.returncode:
        print("\n".join(lines[-40:]) or done.stderr)
    verdict = "failed" if done.returncode else "passed"
    return f"{verdict} in {time.monotonic() - start:.0f} s: {lines[-1].strip('= ') if lines else done.stderr}"


def _install(place: Path, wheel: Path, combination: Combination) -> bool:
    extras = f"[{combination.extras}]" if combination.extras else ""
    wanted = [f"tomoset{extras} @ {wheel.as_uri()}", *TESTING[:3], *combination.packages]
    if combination.extras:
        wanted += [*TESTING[3:], *COMPARED]
    constraints = place / "constraints.txt"
    constraints.write_text("\n".join(floors()) if combination.at_floors else "")
    uv = shutil.which("uv")
    pip = [uv, "pip", "install", "--python"] if uv else []
    pip += [str(place / "bin" / "python")] if uv else [str(place / "bin" / "python"), "-m", "pip", "install"]
    done = subprocess.run([*pip, "--quiet", "--constraint", constraints, *wanted], check=False)
    return done.returncode == 0


def floors() -> list[str]:
    """Give ``name==version`` of every floor of what users install."""
    found = (re.match(r"([A-Za-z0-9-]+)(?:\[\w+\])?>=([\w.]+)", one) for one in requirements())
    return sorted({f"{match[1]}=={match[2]}" for match in found if match})


def interpreter(version: str) -> str | None:
    """Give a Python of this version: of the PATH, or of pyenv."""
    candidates = [shutil.which(f"python{version}")]
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    candidates += [str(path) for path in sorted(pyenv.glob(f"{version}.*/bin/python3"))]
    for path in filter(None, candidates):
        command = [path, "-c", "import sys, venv, ensurepip; print('%d.%d' % sys.version_info[:2])"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.stdout.strip() == version:
            return path
    return None


if __name__ == "__main__":
    sys.exit(main())
