"""Time the report of a catalogue as large as a facility's: ``python benches/report.py``.

The tables are those of catalogue.py: 5 million files, 16 million tilts. Each run is a process of its own, which prints
seconds, the peak of its memory, and how large the page is.
"""

import argparse
import json
import resource
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from catalogue import Sizes, make, open_session
from tables import describe_machine
from tomoset.report import ReportOptions, make_report

GOAL_SECONDS, GOAL_BYTES = 30.0, 20_000_000
ROUNDS = 3


def main(arguments: Sequence[str] | None = None) -> int:
    """Make the tables where they are missing and the reports; 1 where one takes too long or is too large."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("bench-data/catalogue"))
    parser.add_argument("--projects", type=int, default=Sizes.projects)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--panels", type=int, nargs="+", default=[ReportOptions.panels, 5000])
    parser.add_argument("--once", type=int, metavar="PANELS", help=argparse.SUPPRESS)
    chosen = parser.parse_args(arguments)
    if chosen.once is not None:
        print(json.dumps(measured(chosen.data, chosen.threads, chosen.once)))
        return 0
    make(chosen.data, Sizes(projects=chosen.projects))
    print(describe_machine().splitlines()[0])
    print("| panels asked for | projects with details | MB | seconds | of processors | peak MB |")
    print("|---:|---:|---:|---:|---:|---:|")
    failed = 0
    for panels in chosen.panels:
        runs = [_run(chosen.data, chosen.threads, panels) for _ in range(ROUNDS)]
        seconds = sorted(run["seconds"] for run in runs)
        last = runs[-1]
        failed += seconds[-1] > GOAL_SECONDS or last["bytes"] > GOAL_BYTES
        spread = f"{seconds[0]:.1f}-{seconds[-1]:.1f} | {min(run['busy'] for run in runs):.1f}"
        peak = max(run["peak"] for run in runs) / 1e6
        print(
            f"| {panels:,} | {last['detailed']:,.0f} | {last['bytes'] / 1e6:.1f} | {spread} | {peak:,.0f} |",
            flush=True,
        )
    return int(failed > 0)


def measured(data: Path, threads: int, panels: int) -> dict[str, float]:
    """Make one report; return what it took."""
    session = open_session(data, threads=threads)
    start, busy = time.perf_counter(), time.process_time()
    made = make_report(lambda sql: session.sql(sql).to_arrow_table(), (), ReportOptions(panels=panels))
    seconds, busy = time.perf_counter() - start, time.process_time() - busy
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return {
        "seconds": seconds,
        "busy": busy,
        "bytes": len(made.html),
        "detailed": made.detailed,
        "peak": peak,
    }


def _run(data: Path, threads: int, panels: int) -> dict[str, float]:
    command = [
        sys.executable,
        __file__,
        "--data",
        str(data),
        "--threads",
        str(threads),
        "--once",
        str(panels),
    ]
    found: dict[str, float] = json.loads(
        subprocess.run(command, check=True, capture_output=True, text=True).stdout
    )
    return found


if __name__ == "__main__":
    sys.exit(main())
