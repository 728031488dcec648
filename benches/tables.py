"""The benchmark's results as Markdown tables."""

import importlib.metadata
import os
import platform
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from targets import MB, TARGETS
from tasks import Task

PACKAGES = ("tomoset", "numpy", "pyarrow", "polars", "pandas", "starfile", "starfile-rs", "gemmi")
TASK_HEADER = (
    *("contender", "input MB", "runs", "median s", "min-max s"),
    *("MB/s", "x tomoset", "peak MB", "result MB", "answer"),
)
IMPORT_HEADER = ("whole process", "runs", "median ms", "min-max ms", "fault")

Run = Mapping[str, Any]


def describe_machine() -> str:
    """Name the machine, the versions, how busy it is now, and the command."""
    load = os.getloadavg()[0]
    return (
        f"{_processor()}, {os.cpu_count()} cores, {platform.system()} {platform.release()}, "
        f"Python {platform.python_version()}; {', '.join(map(_version, PACKAGES))}; "
        f"load average at the start {load:.1f}.\n"
        f"Command: `python benches/run.py {' '.join(sys.argv[1:])}`"
    )


def task_table(task: Task, results: Mapping[str, Run]) -> str:
    """Compare a task's contenders."""
    own = results["tomoset"].get("seconds")
    rows = [[name, *_cells(run, own)] for name, run in results.items()]
    return f"## {task.name}: {task.title}\n\n{_table(TASK_HEADER, rows)}"


def import_table(code: Mapping[str, str], results: Mapping[str, Run]) -> str:
    """Compare processes that only import."""
    rows = [[code[name], *_import_cells(run)] for name, run in results.items()]
    return f"## import: Fresh processes that only import\n\n{_table(IMPORT_HEADER, rows)}"


def target_table(results: Mapping[str, Mapping[str, Run]]) -> str:
    """Say which targets are met."""
    rows = [target.row(results) for target in TARGETS]
    return f"## Targets\n\n{_table(('target', 'wanted', 'found', 'verdict'), rows)}"


def _cells(run: Run, own: float | None) -> list[str]:
    size = f"{run['file_bytes'] / MB:.1f}"
    if run["faults"]:
        return [size, *[""] * 7, "; ".join(run["faults"])]
    seconds, every = run["seconds"], run["all_seconds"]
    return [
        size,
        str(len(every)),
        f"{seconds:.4f}",
        f"{min(every):.4f}-{max(every):.4f}",
        f"{run['file_bytes'] / MB / seconds:.0f}",
        f"{seconds / own:.2f}" if own else "-",
        f"{run['peak'] / MB:.0f}",
        f"{run['num_bytes'] / MB:.0f}" if run["num_bytes"] else "-",
        "right" if run["checked"] else "-",
    ]


def _import_cells(run: Run) -> list[str]:
    if run["faults"]:
        return ["", "", "", "; ".join(run["faults"])]
    every = [seconds * 1000 for seconds in run["all_seconds"]]
    spread = f"{min(every):.0f}-{max(every):.0f}"
    return [str(len(every)), f"{run['seconds'] * 1000:.0f}", spread, ""]


def _table(header: Sequence[str], rows: list[list[str]]) -> str:
    """Lay out Markdown that reads well as text: the first column to the left, the others to the right."""
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    return "\n".join(_line(cells, widths) for cells in (header, rule, *rows))


def _line(cells: Sequence[str], widths: list[int]) -> str:
    first, *others = zip(cells, widths, strict=True)
    padded = [first[0].ljust(first[1]), *(cell.rjust(width) for cell, width in others)]
    return "| " + " | ".join(padded) + " |"


def _version(package: str) -> str:
    try:
        return f"{package} {importlib.metadata.version(package)}"
    except importlib.metadata.PackageNotFoundError:
        return f"{package} not installed"


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
