"""The speeds and sizes tomoset promises, each a line of the last table: met, missed or not measured."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

MB = 1_000_000

#: task -> contender -> what run.py found: `seconds`, `peak`, `num_bytes`, `file_bytes`; less when it failed.
Results = Mapping[str, Mapping[str, Mapping[str, Any]]]


class NotMeasuredError(Exception):
    """A contender was not run, failed, or read wrongly."""


@dataclass(frozen=True)
class Target:
    """A promise: `measure` gives a number, which must lie on the right side of `limit`."""

    text: str
    limit: float
    measure: Callable[[Results], float]
    at_least: bool
    unit: str

    def row(self, results: Results) -> list[str]:
        """The cells of this target's line."""
        side = "at least" if self.at_least else "at most"
        wanted = f"{side} {self.limit:g} {self.unit}"
        try:
            value = self.measure(results)
        except NotMeasuredError as missing:
            return [self.text, wanted, "-", f"not measured: {missing}"]
        met = value >= self.limit if self.at_least else value <= self.limit
        return [self.text, wanted, f"{value:.3g} {self.unit}", "met" if met else "MISSED"]


def faster(text: str, task: str, peer: str, limit: float, ours: str = "tomoset") -> Target:
    """tomoset needs at most ``1 / limit`` of the peer's seconds for the same rows."""

    def measure(results: Results) -> float:
        return _found(results, task, peer, "seconds") / _found(results, task, ours, "seconds")

    return Target(text, limit, measure, True, "x")


def slower(text: str, task: str, peer: str, limit: float, ours: str = "tomoset") -> Target:
    """tomoset needs at most `limit` times the peer's seconds."""

    def measure(results: Results) -> float:
        return _found(results, task, ours, "seconds") / _found(results, task, peer, "seconds")

    return Target(text, limit, measure, False, "x")


def _set_time(results: Results) -> float:
    return _found(results, "stack", "tomoset-set", "seconds") * 1000


def _trajectories_time(results: Results) -> float:
    return _found(results, "blocks", "tomoset-set", "seconds") * 1000


def _matrices_time(results: Results) -> float:
    return _found(results, "matrices", "tomoset", "seconds") * 1000


def _particles_excess(results: Results) -> float:
    peak, table, file = (
        _found(results, "particles", "tomoset", key) for key in ("peak", "num_bytes", "file_bytes")
    )
    return (peak - table - file) / MB


def _stream_peak(results: Results) -> float:
    return _found(results, "stream", "tomoset", "peak") / MB


def _write_peak(results: Results) -> float:
    return _found(results, "write", "tomoset", "peak") / MB


def _import_time(results: Results) -> float:
    return _found(results, "import", "tomoset", "seconds") * 1000


def _found(results: Results, task: str, contender: str, key: str) -> float:
    run = results.get(task, {}).get(contender, {})
    if key not in run:
        raise NotMeasuredError(f"{contender} in {task}")
    return float(run[key])


TARGETS = (
    faster("particles: faster than polars", "particles", "polars", 3),
    faster("particles: faster than pyarrow", "particles", "pyarrow", 6),
    faster("particles: faster than starfile-rs", "particles", "starfile-rs", 10),
    faster("particles: faster than starfile", "particles", "starfile", 40),
    faster("three columns: faster than all thirty", "columns", "tomoset-all-columns", 3),
    slower("outline: time over reading the bytes", "outline", "read-bytes", 1),
    faster("blocks, a table each: faster than starfile-rs", "blocks", "starfile-rs", 50, "tomoset-tables"),
    faster("blocks, values decoded: faster than gemmi", "blocks", "gemmi", 5),
    slower("particle set: time over read_star", "particles", "tomoset", 1.1, "tomoset-set"),
    Target("trajectory set: 20,000 blocks", 49, _trajectories_time, False, "ms"),
    faster("trajectory set: faster than starfile", "blocks", "starfile", 500, "tomoset-set"),
    faster("set-write: faster than starfile", "set-write", "starfile", 25),
    Target("matrices: 41,000 tilt images", 15, _matrices_time, False, "ms"),
    slower("ctf: time over the same by hand", "ctf", "numpy-by-hand", 2),
    slower("places: time over filling the arrays once", "places", "fill-arrays", 3),
    faster("stack: faster than starfile", "stack", "starfile", 100),
    faster("stack: faster than starfile-rs", "stack", "starfile-rs", 25),
    slower("stack: time over reading the bytes", "stack", "read-bytes", 2),
    faster("tomogram set: faster than starfile", "stack", "starfile", 100, "tomoset-set"),
    slower("tomogram set: time over reading the bytes", "stack", "read-bytes", 2.5, "tomoset-set"),
    Target("tomogram set: 1,000 tilt series", 40, _set_time, False, "ms"),
    faster("write: faster than polars", "write", "polars", 2),
    faster("write: faster than pandas", "write", "pandas", 10),
    faster("write: faster than starfile", "write", "starfile", 25),
    slower("write, six decimals: time over polars", "write-six", "polars", 1),
    slower("edit one column and write: time over reading", "edit", "tomoset-read", 1.5),
    faster("compat.read: faster than starfile", "compat-read", "starfile", 15),
    faster("compat.read: faster than starfile-rs", "compat-read", "starfile-rs", 6),
    faster("compat.write: faster than starfile", "compat-write", "starfile", 15),
    Target("write: peak memory beyond the table", 128, _write_peak, False, "MB"),
    Target("particles: peak memory beyond file and table", 64, _particles_excess, False, "MB"),
    Target("stream: peak memory", 256, _stream_peak, False, "MB"),
    Target("import tomoset, whole process", 150, _import_time, False, "ms"),
)
