"""Measure one contender once, in this process: ``measure.py TASK CONTENDER MANIFEST WARMUP_MANIFEST``.

The work is done first on the small warm-up data, so that imports and thread pools are neither timed nor
counted as memory. Prints one line of JSON.
"""

import gc
import json
import resource
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import geometry
import peers
import sets
import writers
from readings import differences
from tasks import Contender, Task, find

#: ru_maxrss counts KiB on Linux, bytes on macOS.
MAXRSS_UNIT = 1 if sys.platform == "darwin" else 1024


def measure(task: Task, contender: Contender, manifest: Path, warmup: Path) -> dict[str, Any]:
    """Time the work once; return seconds, memory and what was wrong with the answer."""
    dataset = json.loads(manifest.read_bytes())[task.dataset]
    small = json.loads(warmup.read_bytes())[task.dataset]
    contender.look(contender.work(contender.ready(_argument(task, contender, small))))
    argument = contender.ready(_argument(task, contender, dataset))
    gc.collect()
    before = _peak()
    start = time.perf_counter()
    result = contender.work(argument)
    seconds = time.perf_counter() - start
    peak = _peak()
    reading = contender.look(result)
    return {
        "seconds": seconds,
        "baseline": before,
        "peak": peak - before,
        "reading": asdict(reading),
        "wrong": differences(reading, dataset),
    }


def _argument(task: Task, contender: Contender, dataset: Mapping[str, Any]) -> Any:
    files = dataset["files"][contender.format]
    return files if task.many else files[0]


def _peak() -> int:
    """The most memory this process has held so far, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * MAXRSS_UNIT


if __name__ == "__main__":
    every = peers.TASKS + writers.TASKS + sets.TASKS + geometry.TASKS
    print(json.dumps(measure(*find(every, *sys.argv[1:3]), *map(Path, sys.argv[3:5]))))
