"""Check a whole archive, beside indexing it and reading its bytes.

``python benches/checking.py [--projects 1000] [--rounds 3] [--folder DIR]``
makes the archive with ``examples/make_archive.py`` if it is not there, and prints times, ratios and memory. Everything
runs from the page cache, each contender in a process of its own, in turns.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import indexing

#: Checking takes no more than so many times as long as indexing.
MOST = 2.0


def work(contender: str, root: str, catalog: str) -> dict[str, float]:
    """Do one thing, and return its seconds, what it counted, and the most memory that a process held."""
    if contender != "check":
        return indexing.work(contender, root, catalog, 0)
    import tomoset

    started = time.perf_counter()
    found = tomoset.check(root)
    seconds = time.perf_counter() - started
    own, others = (
        resource.getrusage(who).ru_maxrss / 1000 for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    return {"seconds": seconds, "count": len(found), "peak": max(own, others)}


def main() -> None:
    """Make, measure, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--projects", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", type=Path, default=indexing.REPOSITORY / "bench-data" / "archive")
    parser.add_argument("--catalog", type=Path)
    parser.add_argument("--work", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.work:
        print(json.dumps(work(options.work, str(options.folder), str(options.catalog))))
        return
    if not options.folder.is_dir():
        counts = ["--projects", str(options.projects * 19 // 20), "--relion4", str(options.projects // 20)]
        maker = [
            sys.executable,
            indexing.REPOSITORY / "examples" / "make_archive.py",
            options.folder,
            *counts,
        ]
        subprocess.run(maker, check=True)
    found: dict[str, list[dict[str, float]]] = {}
    for _ in range(options.rounds):
        with tempfile.TemporaryDirectory() as folder:
            for contender in ("read-bytes", "index", "check"):
                found.setdefault(contender, []).append(
                    indexing.run(contender, options.folder, Path(folder) / "catalog", script=__file__)
                )
    seconds = {name: statistics.median(each["seconds"] for each in runs) for name, runs in found.items()}
    print(f"{'what':<12} {'median s':>9} {'min-max s':>15} {'count':>9} {'peak MB':>8}")
    for name, runs in found.items():
        times = sorted(each["seconds"] for each in runs)
        peak = max(each.get("peak", 0) for each in runs)
        spread = f"{times[0]:.2f}-{times[-1]:.2f}"
        print(f"{name:<12} {seconds[name]:>9.2f} {spread:>15} {runs[-1]['count']:>9.0f} {peak:>8.0f}")
    # Of each round for itself: the machine may be busy with something else in one of them.
    ratios = [
        check["seconds"] / index["seconds"]
        for check, index in zip(found["check"], found["index"], strict=True)
    ]
    print(f"{f'check: / index ({MOST:g} at most)':<60} {statistics.median(ratios):8.3g}")


if __name__ == "__main__":
    main()
