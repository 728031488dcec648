"""Measure tomoset beside its peers: ``python benches/run.py [--quick] [--only TASK]``.

Each measurement is a fresh process (measure.py). Contenders take turns, round by round, so that a noisy
moment of the machine hits all of them. This process stays small on purpose: on Linux a child's peak memory
starts from its parent's.
"""

import argparse
import importlib.util
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import geometry
import peers
import sets
import writers
from tables import describe_machine, import_table, target_table, task_table
from tasks import Contender, Task

TASKS = peers.TASKS + writers.TASKS + sets.TASKS + geometry.TASKS
HERE = Path(__file__).resolve().parent
SIZES = {
    "whole": ["--rows=1000000", "--files=1000", "--blocks=20000"],
    "quick": ["--rows=50000", "--files=100", "--blocks=1000"],
    "warmup": ["--rows=200", "--files=3", "--blocks=5"],
}
TIMEOUT_SECONDS = 900
IMPORTS = {
    "tomoset": "import tomoset",
    "python": "pass",
    "pyarrow": "import pyarrow",
    "polars": "import polars",
    "pandas": "import pandas",
    "starfile": "import starfile",
    "starfile-rs": "import starfile_rs",
    "gemmi": "import gemmi",
}
IMPORT_ROUNDS = 11

Run = dict[str, Any]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the chosen tasks, print their tables; 1 when a contender failed, or read wrongly."""
    chosen = _parse(arguments)
    manifest = _make_data(chosen.data, "quick" if chosen.quick else "whole")
    warmup = _make_data(chosen.data, "warmup")
    datasets = json.loads(manifest.read_bytes())
    results: dict[str, dict[str, Run]] = {}
    machine = describe_machine()
    sections = [machine]
    for task in TASKS:
        if task.name in chosen.only:
            _warm_page_cache(datasets[task.dataset]["files"].values())
            runs = _run_task(task, manifest, warmup, chosen.repeat)
            results[task.name] = _summaries(task, runs, datasets[task.dataset]["num_bytes"])
            sections.append(task_table(task, results[task.name]))
    if "import" in chosen.only:
        results["import"] = _run_imports()
        sections.append(import_table(IMPORTS, results["import"]))
    sections.append(target_table(results))
    report = "\n\n".join(sections) + "\n"
    print(report)
    if chosen.markdown:
        chosen.markdown.write_text(report)
    if chosen.json:
        chosen.json.write_text(json.dumps({"machine": machine, "results": results}, indent=1))
    return int(any(run["faults"] for task in results.values() for run in task.values()))


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    names = [task.name for task in TASKS] + ["import"]
    parser = argparse.ArgumentParser(description="Measure tomoset beside its peers.")
    add = parser.add_argument
    add("--quick", action="store_true", help="a twentieth of the data, three rounds")
    add("--only", action="append", choices=names, metavar="TASK", help=f"one of {', '.join(names)}")
    add("--repeat", type=int, help="rounds (default 7, 3 with --quick)")
    add("--data", type=Path, default=HERE.parent / "bench-data", help="where the files are kept")
    add("--markdown", type=Path, help="also write the tables here")
    add("--json", type=Path, help="also write every run here")
    chosen = parser.parse_args(arguments)
    chosen.only = chosen.only or names
    chosen.repeat = chosen.repeat or (3 if chosen.quick else 7)
    return chosen


def _make_data(folder: Path, size: str) -> Path:
    command = [sys.executable, str(HERE / "data.py"), f"--folder={folder}", *SIZES[size]]
    return Path(subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip())


# Measuring


def _run_task(task: Task, manifest: Path, warmup: Path, repeat: int) -> dict[str, list[Run]]:
    """Let the contenders take turns, each round starting with another; one that fails drops out."""
    runs: dict[str, list[Run]] = {contender.name: [] for contender in task.contenders}
    for turn in range(repeat):
        first = turn % len(task.contenders)
        for contender in task.contenders[first:] + task.contenders[:first]:
            done = runs[contender.name]
            failed = any("failed" in run for run in done)
            if not failed and len(done) < (contender.rounds or repeat):
                done.append(_measure(task, contender, manifest, warmup))
                _progress(task, contender, turn, repeat, done[-1])
    return runs


def _measure(task: Task, contender: Contender, manifest: Path, warmup: Path) -> Run:
    if contender.package and importlib.util.find_spec(contender.package) is None:
        return {"failed": "not installed"}
    script = str(HERE / "measure.py")
    command = [sys.executable, script, task.name, contender.name, str(manifest), str(warmup)]
    try:
        done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=TIMEOUT_SECONDS)
    except subprocess.TimeoutExpired:
        return {"failed": f"stopped after {TIMEOUT_SECONDS} s"}
    if done.returncode != 0:
        return {"failed": _last_line(done)}
    run: Run = json.loads(done.stdout.splitlines()[-1])
    return run


def _last_line(done: subprocess.CompletedProcess[str]) -> str:
    return (done.stderr.strip().splitlines() or [f"exit status {done.returncode}"])[-1]


def _warm_page_cache(files: Iterable[list[str]]) -> None:
    for path in (path for paths in files for path in paths):
        with open(path, "rb", buffering=0) as file:
            while file.read(1 << 20):
                pass


def _progress(task: Task, contender: Contender, turn: int, repeat: int, run: Run) -> None:
    outcome = run.get("failed") or f"{run['seconds']:.3f} s"
    print(f"{task.name} {turn + 1}/{repeat} {contender.name}: {outcome}", file=sys.stderr)


def _run_imports() -> dict[str, Run]:
    """Time whole processes that only import; the first of each may compile bytecode and does not count."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    times: dict[str, list[float]] = {name: [] for name in IMPORTS}
    faults: dict[str, list[str]] = {name: [] for name in IMPORTS}
    for _ in range(1 + IMPORT_ROUNDS):
        for name, code in IMPORTS.items():
            command = [sys.executable, "-c", code]
            start = time.perf_counter()
            done = subprocess.run(command, check=False, env=environment, capture_output=True, text=True)
            times[name].append(time.perf_counter() - start)
            if done.returncode != 0:
                faults[name] = [_last_line(done)]
    return {
        name: {"faults": faults[name]} | ({} if faults[name] else _spread(times[name][1:]))
        for name in IMPORTS
    }


# Summing up


def _summaries(task: Task, runs: Mapping[str, list[Run]], num_bytes: Mapping[str, int]) -> dict[str, Run]:
    return {
        contender.name: _summary(runs[contender.name], num_bytes[contender.format])
        for contender in task.contenders
    }


def _summary(runs: list[Run], file_bytes: int) -> Run:
    """Median and spread of a contender's runs; only its faults when any run failed or read wrongly."""
    faults = [text for run in runs for text in (run["wrong"] if "seconds" in run else [run["failed"]])]
    out: Run = {"faults": list(dict.fromkeys(faults)), "file_bytes": file_bytes}
    if faults:
        return out
    reading = runs[0]["reading"]
    out["peak"] = max(run["peak"] for run in runs)
    out["baseline"] = max(run["baseline"] for run in runs)
    out["num_bytes"] = reading["num_bytes"]
    out["checked"] = reading["rows"] is not None
    return out | _spread([run["seconds"] for run in runs])


def _spread(seconds: list[float]) -> Run:
    return {"seconds": statistics.median(seconds), "all_seconds": seconds}


if __name__ == "__main__":
    sys.exit(main())
