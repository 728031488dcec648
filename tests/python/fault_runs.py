"""Runs of ``tomoset index`` that are killed, fail or compete, and what a catalogue must be like afterwards."""

import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import polars as pl
import pyarrow as pa
from catalog_samples import content, make_project, particle_set, tilt_series, write
from cli_runs import environment
from deltalake import DeltaTable
from tomoset import Catalog
from tomoset.catalog.journal import Head
from tomoset.catalog.schema import REPEATED, SHARD, TABLES
from tomoset.catalog.tasks import text_of

HERE = Path(__file__).parent
ENDINGS = (".star", ".tomostar", ".star.gz", ".star.zst")


@dataclass(frozen=True)
class Indexer:
    """How a tree is indexed, in a process of its own.

    Attributes
    ----------
    root, catalog
        What, and where to.
    arguments
        More of the command line, such as ``--threads 1``: whatever runs the tasks must stand the same.
    within
        What runs the process, such as ``prlimit --as=1000000000``.
    """

    root: Path
    catalog: Path
    arguments: tuple[str, ...] = ()
    within: tuple[str, ...] = ()

    def start(self, **options: str | Path | int) -> "subprocess.Popen[str]":
        """Begin; options become variables of the environment, ``at=3`` being FAULT_AT."""
        variables = {f"FAULT_{name.upper()}": str(value) for name, value in options.items()}
        if "preload" in options:
            variables["LD_PRELOAD"] = variables.pop("FAULT_PRELOAD")
        tomoset = [*self.within, sys.executable, str(HERE / "fault_driver.py")]
        # What was not read for a while may have lost more than half meanwhile.
        command = ["index", str(self.root), "--catalog", str(self.catalog), "--quiet", "--allow-shrink"]
        return subprocess.Popen(
            [*tomoset, *command, *self.arguments],
            env={**environment(), "PYTHONDONTWRITEBYTECODE": "1", **variables},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def start_and_wait(self, go: Path) -> "subprocess.Popen[str]":
        """Begin, and wait until the imports are done, which is told by a file."""
        go.unlink(missing_ok=True)
        process = self.start(go=go)
        while not go.exists() and process.poll() is None:
            time.sleep(0.002)
        return process

    def run(self, **options: str | Path | int) -> tuple[int, str]:
        """Run to the end; return exit code and standard error."""
        process = self.start(**options)
        _, told = process.communicate(timeout=120)
        return process.returncode, told

    def run_killed(self, after: float, go: Path) -> float | None:
        """Kill so many seconds after the imports are done; return how long it took if it came to its end before."""
        process = self.start_and_wait(go)
        began = time.monotonic()
        try:
            process.wait(after)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
        _, told = process.communicate()
        assert process.returncode in (0, -signal.SIGKILL), told
        return None if process.returncode else time.monotonic() - began


def build_calls(folder: Path) -> Path | None:
    """Compile ``fault_calls.c``; None without a compiler."""
    if shutil.which("cc") is None:
        return None
    library = folder / "fault_calls.so"
    subprocess.run(
        ["cc", "-shared", "-fPIC", "-O1", "-o", library, HERE / "fault_calls.c", "-ldl"], check=True
    )
    return library


#: Path, size and time of each file of a unit.
State = frozenset[tuple[str, int, int]]


def states_on_disk(root: Path) -> dict[str, State]:
    """Return what each project, and each folder of loose files, has."""
    found: dict[str, set[tuple[str, int, int]]] = {}
    for path in root.rglob("*"):
        if path.name.lower().endswith(ENDINGS) and not path.is_dir():
            below = path.relative_to(root)
            facts = path.lstat()
            unit = text_of(os.fsencode(_unit_on_disk(root, below)))
            found.setdefault(unit, set()).add((text_of(os.fsencode(below)), facts.st_size, facts.st_mtime_ns))
    return {unit: frozenset(state) for unit, state in found.items()}


def _unit_on_disk(root: Path, below: Path) -> str:
    for folder in below.parents:
        mark = root / folder / "default_pipeline.star"
        if mark.is_file() and not mark.is_symlink():
            return "" if folder == Path() else str(folder)
    return below.parts[0] if len(below.parts) > 1 else ""


UNIT = "coalesce(project, CASE WHEN contains(path, '/') THEN split_part(path, '/', 1) ELSE '' END)"

#: Two ways to the same numbers, which in a whole catalogue agree.
TWICE = (
    (
        "SELECT root, path, files FROM projects",
        f"SELECT root, {UNIT}, count(*) FROM files GROUP BY ALL",
    ),
    (
        "SELECT root, path, tilts FROM projects WHERE tilts > 0",
        f"SELECT root, {UNIT}, count(*) FROM tilts WHERE latest GROUP BY ALL",
    ),
    (
        "SELECT root, path, jobs FROM projects WHERE jobs > 0",
        "SELECT root, project, count(*) FROM jobs GROUP BY ALL",
    ),
    (
        "SELECT root, path, problems FROM files WHERE problems > 0",
        "SELECT root, path, count(*) FROM problems GROUP BY ALL",
    ),
    (
        "SELECT root, path, rows FROM files WHERE kind = 'tilt_series' AND rows > 0",
        "SELECT root, path, count(*) FROM tilts GROUP BY ALL",
    ),
    (
        "SELECT DISTINCT root, path FROM tomograms",
        "SELECT DISTINCT root, path FROM tomograms JOIN files USING (root, path)",
    ),
    ("SELECT root, path FROM files", "SELECT DISTINCT root, path FROM files"),
)


def require_whole(folder: Path) -> None:
    """Read a catalogue as anybody would, and find only whole units in it."""
    with Catalog.open(folder) as catalog:
        for one, other in TWICE:
            more, less = (
                catalog.sql(f"({these}) EXCEPT ALL ({those})").to_pylist()
                for these, those in ((one, other), (other, one))
            )
            assert not more and not less, (one, more, other, less)


def states_in(folder: Path) -> dict[str, State]:
    """Return what the catalogue has of each unit."""
    query = f"SELECT {UNIT} AS unit, path, size, mtime_ns FROM files"
    found: dict[str, set[tuple[str, int, int]]] = {}
    with Catalog.open(folder) as catalog:
        for row in catalog.sql(query).to_pylist():
            found.setdefault(row["unit"], set()).add((row["path"], row["size"], row["mtime_ns"]))
    return {unit: frozenset(state) for unit, state in found.items()}


def litter(folder: Path) -> list[str]:
    """Return the files of a catalogue that nothing needs."""
    found = [path for pattern in (".*", "*#*", "*.tmp") for path in folder.rglob(pattern) if path.is_file()]
    for name in TABLES:
        logs = [*(folder / name / "_delta_log").glob("*.json"), *folder.glob("pending.json")]
        named = "".join(path.read_text() for path in logs)
        found += [
            path for path in (folder / name).glob(f"{SHARD}=*/*.parquet") if f'"{_inside(path)}"' not in named
        ]
    return [str(path.relative_to(folder)) for path in found]


def _inside(path: Path) -> str:
    return f"{path.parent.name}/{path.name}"


def require_plain_delta(folder: Path) -> None:
    """Find the same rows with other readers of Delta tables."""
    head = Head.read(folder)
    with Catalog.open(folder) as catalog:
        for name in TABLES:
            ours = _sorted(catalog.sql(f"FROM {name}"))
            table = DeltaTable(folder / name)
            assert table.version() == head.versions[name], name
            theirs = table.to_pyarrow_dataset().to_table()
            assert pl.read_delta(str(folder / name)).height == theirs.num_rows, name
            rows = _sorted(theirs.drop_columns([SHARD]))
            assert (sorted(set(rows), key=repr) if name in REPEATED else rows) == ours, name


def _sorted(table: pa.Table) -> list[Any]:
    return sorted((tuple(row.values()) for row in table.to_pylist()), key=repr)


def require_as_fresh(folder: Path, root: Path, beside: Path) -> None:
    """Find in a catalogue what a new one has of the tree."""
    shutil.rmtree(beside, ignore_errors=True)
    with Catalog.create(beside) as fresh, Catalog.open(folder) as catalog:
        fresh.index(root)
        ours, theirs = content(catalog), content(fresh)
    for name, rows in theirs.items():
        assert ours[name] == rows, (
            name,
            [row for row in (*ours[name], *rows) if ours[name].count(row) != rows.count(row)][:4],
        )
    shutil.rmtree(beside)


class Changes:
    """Changes to a tree, one by one, the same again for the same seed."""

    def __init__(self, root: Path, random: Random, *, projects: int = 5) -> None:
        self.root = root
        self.random = random
        self._projects = projects
        self._count = 0

    def make(self, number: int) -> None:
        """Make so many."""
        steps = (
            self.rewrite,
            self.rewrite,
            self.add,
            self.delete,
            self.end_job,
            self.copy,
            self.remove,
            self.rename,
        )
        for _ in range(number):
            self.random.choice(steps)()

    def projects(self) -> list[Path]:
        return sorted(path.parent for path in self.root.rglob("default_pipeline.star"))

    def _project(self) -> Path:
        if not self.projects():
            make_project(self.root / "s1/p0")
        return self.random.choice(self.projects())

    def _file(self) -> Path:
        return self.random.choice(sorted(path for path in self._project().rglob("*.star") if path.is_file()))

    def _number(self) -> int:
        self._count += 1
        return self._count

    def rewrite(self) -> None:
        folder = self._project() / "MotionCorr/job002/tilt_series"
        text = tilt_series("TS_01", self.random.randrange(1, 60), self.random.randrange(10_000, 60_000))
        write(folder / "TS_01.star", text, age=self.random.randrange(10, 9999))

    def add(self) -> None:
        number = self._number()
        place = self.random.choice([self._project() / "Extract/job007", self.root / "loose", self.root])
        write(place / f"more{number}.star", particle_set({"TS_01": number % 9 + 1}))

    def delete(self) -> None:
        path = self._file()
        if path.name != "default_pipeline.star":
            path.unlink()

    def end_job(self) -> None:
        write(self._project() / "Tomograms/job003/RELION_JOB_EXIT_FAILURE", "")

    def copy(self) -> None:
        if len(self.projects()) < self._projects:
            shutil.copytree(self._project(), self.root / f"s{self._number() % 3}" / f"q{self._number()}")

    def remove(self) -> None:
        if len(self.projects()) > 2:
            shutil.rmtree(self._project())

    def rename(self) -> None:
        self._project().rename(self.root / f"s1/q{self._number()}")


def small_archive(root: Path, projects: int = 3) -> None:
    """Make a few projects and loose files; ``s1`` is a folder of projects."""
    for at in range(projects):
        make_project(root / f"s1/p{at}", ("TS_01", f"TS_1{at}"))
    write(root / "loose.star", tilt_series("TS_99"))
    write(root / "loose/more.star.gz", tilt_series("TS_98"))


class Witness:
    """What a reader may see of a tree that changes between crawls: states that each unit had, never an older one."""

    def __init__(self, root: Path, folder: Path) -> None:
        self._root = root
        self._folder = folder
        self._history: list[dict[str, State]] = [{}]
        self._seen: dict[str, int] = {}

    def note(self) -> None:
        """Remember how the tree is now."""
        self._history.append(states_on_disk(self._root))

    def look(self) -> None:
        """Read the catalogue."""
        require_whole(self._folder)
        found = states_in(self._folder)
        for unit in {unit for states in self._history for unit in states} | found.keys():
            state = found.get(unit, frozenset())
            times = [at for at, states in enumerate(self._history) if states.get(unit, frozenset()) == state]
            assert times, f"{unit!r} never was as the catalogue has it"
            assert times[-1] >= self._seen.get(unit, 0), f"{unit!r} is as it was before it was seen otherwise"
            self._seen[unit] = min(time for time in times if time >= self._seen.get(unit, 0))
