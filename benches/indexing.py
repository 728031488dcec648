"""Index and refresh a whole archive, beside listing it, reading its bytes, and a loop of starfile.

``python benches/indexing.py [--projects 1000] [--rounds 3] [--folder DIR] [--starfile 2000]``
makes the archive with ``examples/make_archive.py`` if it is not there, and prints times, ratios and memory.
Everything runs from the page cache, each contender in a process of its own, in turns.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
CHANGED = 10


def star_files(root: str) -> list[str]:
    """Return the STAR files below a folder."""
    return [
        os.path.join(folder, name)
        for folder, _, names in os.walk(root)
        for name in names
        if name.endswith(".star")
    ]


def work(contender: str, root: str, catalog: str, sample: int) -> dict[str, float]:
    """Do one thing, and return its seconds and what it counted."""
    if contender == "find":
        started = time.perf_counter()
        done = subprocess.run(["find", root, "-printf", "%p %s %T@ %i\n"], capture_output=True, check=True)
        return {"seconds": time.perf_counter() - started, "count": done.stdout.count(b"\n")}
    if contender == "read-bytes":
        paths = star_files(root)
        started = time.perf_counter()
        processes = [
            subprocess.Popen([sys.executable, __file__, "--read"], stdin=subprocess.PIPE) for _ in range(2)
        ]
        with ThreadPoolExecutor(2) as pool:
            list(
                pool.map(lambda at: processes[at].communicate(os.fsencode("\n".join(paths[at::2]))), range(2))
            )
        return {"seconds": time.perf_counter() - started, "count": len(paths)}
    if contender == "starfile":
        import starfile

        paths = [path for path in star_files(root) if "/broken/" not in path]
        chosen = paths[:: max(1, len(paths) // sample)]
        started = time.perf_counter()
        for path in chosen:
            starfile.read(path)
        seconds = time.perf_counter() - started
        return {"seconds": seconds * len(paths) / len(chosen), "count": len(chosen)}
    from tomoset import Catalog

    started = time.perf_counter()
    with Catalog.create(catalog) if contender == "index" else Catalog.open(catalog) as held:
        summary = held.index(root)
    seconds = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
    return {"seconds": seconds, "count": summary.new_files + summary.changed_files, "peak": peak}


def read_all() -> None:
    """Read the files that standard input names."""
    for path in sys.stdin.buffer.read().splitlines():
        descriptor = os.open(path, os.O_RDONLY)
        while os.read(descriptor, 1 << 20):
            pass
        os.close(descriptor)


def run(contender: str, root: Path, catalog: Path, *more: str, script: str = __file__) -> dict[str, float]:
    """Do one thing in a process of its own."""
    command = [
        sys.executable,
        script,
        "--work",
        contender,
        "--folder",
        str(root),
        "--catalog",
        str(catalog),
    ]
    done = subprocess.run([*command, *more], capture_output=True, text=True, check=True)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def change(root: Path, count: int) -> None:
    """Give one file in each of some projects another last digit, so that it is read again."""
    pipelines = sorted(root.rglob("default_pipeline.star"))
    for pipeline in pipelines[:: max(1, len(pipelines) // count)][:count]:
        path = next(iter(sorted(pipeline.parent.glob("CtfFind/*/tilt_series/*.star"))), pipeline)
        text = path.read_bytes().rstrip()
        path.write_bytes(text[:-1] + (b"1" if text[-1:] != b"1" else b"2") + b"\n")


def main() -> None:
    """Make, measure, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--projects", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", type=Path, default=REPOSITORY / "bench-data" / "archive")
    parser.add_argument("--catalog", type=Path)
    parser.add_argument(
        "--starfile", type=int, default=2000, help="files that starfile reads, for all of them"
    )
    parser.add_argument("--work", help=argparse.SUPPRESS)
    parser.add_argument("--read", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.read:
        read_all()
        return
    if options.work:
        print(json.dumps(work(options.work, str(options.folder), str(options.catalog), options.starfile)))
        return
    root = options.folder
    if not root.is_dir():
        maker = [sys.executable, REPOSITORY / "examples" / "make_archive.py", root]
        subprocess.run(
            [
                *maker,
                "--projects",
                str(options.projects * 19 // 20),
                "--relion4",
                str(options.projects // 20),
            ],
            check=True,
        )
    found: dict[str, list[dict[str, float]]] = {}
    with tempfile.TemporaryDirectory() as folder:
        catalog = Path(folder) / "catalog"
        for _ in range(options.rounds):
            shutil.rmtree(catalog, ignore_errors=True)
            for contender in ("find", "read-bytes", "index", "refresh"):
                found.setdefault(contender, []).append(run(contender, root, catalog))
            change(root, CHANGED)
            found.setdefault(f"refresh {CHANGED}", []).append(run("refresh", root, catalog))
        found["starfile"] = [run("starfile", root, catalog, "--starfile", str(options.starfile))]
    seconds = {name: statistics.median(each["seconds"] for each in runs) for name, runs in found.items()}
    print(f"{'what':<12} {'median s':>9} {'min-max s':>15} {'count':>9} {'peak MB':>8}")
    for name, runs in found.items():
        times = sorted(each["seconds"] for each in runs)
        peak = max(each.get("peak", 0) for each in runs)
        spread = f"{times[0]:.2f}-{times[-1]:.2f}"
        print(f"{name:<12} {seconds[name]:>9.2f} {spread:>15} {runs[-1]['count']:>9.0f} {peak:>8.0f}")
    for text, ratio in (
        ("index: starfile / tomoset (20 wanted)", seconds["starfile"] / seconds["index"]),
        ("index: tomoset / reading the bytes (3 at most)", seconds["index"] / seconds["read-bytes"]),
        ("refresh, nothing changed: tomoset / find (1.5 at most)", seconds["refresh"] / seconds["find"]),
        (
            f"refresh, {CHANGED} projects changed: / index (0.05 at most)",
            seconds[f"refresh {CHANGED}"] / seconds["index"],
        ),
    ):
        print(f"{text:<60} {ratio:8.3g}")


if __name__ == "__main__":
    main()
