"""The benchmark's data is what it says, and every peer that is installed reads it rightly."""

import importlib
import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

BENCHES = Path(__file__).resolve().parents[2] / "benches"


def load(name: str) -> ModuleType:
    """Import one of the benchmark's modules, which are scripts and no package."""
    if str(BENCHES) not in sys.path:
        sys.path.append(str(BENCHES))
    return importlib.import_module(name)


data, geometry, peers, readings, relion_text, sets, targets, tasks, writers = map(
    load, ("data", "geometry", "peers", "readings", "relion_text", "sets", "targets", "tasks", "writers")
)
TASKS = peers.TASKS + writers.TASKS + sets.TASKS + geometry.TASKS
PAIRS = [(task, contender) for task in TASKS for contender in task.contenders]


@pytest.fixture(scope="module")
def datasets(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Tiny data and its manifest."""
    sizes = data.Sizes(rows=200, files=3, blocks=5)
    return json.loads(data.make(tmp_path_factory.mktemp("bench-data"), sizes).read_bytes())


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("task", "contender"), PAIRS, ids=lambda each: each.name)
def test_contender_reads_rightly(task: Any, contender: Any, datasets: Any) -> None:
    """Rows, columns, kinds and sums are those of the manifest."""
    if contender.package:
        pytest.importorskip(contender.package)
    dataset = datasets[task.dataset]
    files = dataset["files"][contender.format]
    found = contender.look(contender.work(contender.ready(files if task.many else files[0])))
    assert readings.differences(found, dataset) == []


@pytest.mark.parametrize(
    ("dataset", "rows", "columns"),
    [("particles", 200, 30), ("picked", 200, 3), ("tilts", 3 * 41, 28), ("motion", 5 * 41, 3)],
)
def test_manifest(datasets: Any, dataset: str, rows: int, columns: int) -> None:
    """The manifest says what was asked for."""
    assert (datasets[dataset]["rows"], datasets[dataset]["columns"]) == (rows, columns)


def test_rows_are_what_the_file_holds(datasets: Any) -> None:
    """Lines split at blanks agree with the manifest, and with the CSV, without any reader's help."""
    files = datasets["particles"]["files"]
    text = Path(files["star"][0]).read_text().partition("data_particles\n")[2]
    star = [
        line.split() for line in text.splitlines() if line.strip() and not line.startswith(("loop_", "_"))
    ]
    csv = [line.split(",") for line in Path(files["csv"][0]).read_text().splitlines()]
    assert star == csv[1:]
    assert csv[0] == list(load("columns").PARTICLES)
    assert {len(row) for row in star} == {30}


def test_same_bytes_every_time(tmp_path: Path, datasets: Any) -> None:
    """Seeds are fixed."""
    again = json.loads(data.make(tmp_path, data.Sizes(rows=200, files=3, blocks=5)).read_bytes())
    for name, dataset in datasets.items():
        for kind, files in dataset["files"].items():
            for old, new in zip(files, again[name]["files"][kind], strict=True):
                assert Path(old).read_bytes() == Path(new).read_bytes()


def test_optics_block_can_be_left_out(tmp_path: Path) -> None:
    """Then the particles are the only block."""
    manifest = json.loads(data.make(tmp_path, data.Sizes(2, 1, 1, optics=False)).read_bytes())
    text = Path(manifest["particles"]["files"]["star"][0]).read_text()
    assert [line for line in text.splitlines() if line.startswith("data_")] == ["data_particles"]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "    0.000000"),
        (1.5, "    1.500000"),
        (-1.5, "    -1.50000"),
        (99999.9999994, "99999.999999"),
        (-12345.678914, "-12345.67891"),
        (0.001, "    0.001000"),
        (0.000999, "9.990000e-04"),
        (-0.000123456, "-1.23456e-04"),
        (1904831.4, "1.904831e+06"),
        (-2.5e12, "-2.50000e+12"),
        (9.9999999e-4, "1.000000e-03"),
    ],
)
def test_doubles_as_relion_prints_them(value: float, text: str) -> None:
    """Twelve characters, one decimal less after a minus."""
    assert relion_text.doubles(np.array([value])).tobytes().decode() == text


def test_doubles_agree_with_c_formatting() -> None:
    """The column-wise printer and printf give the same digits."""
    rng = np.random.default_rng(7)
    values = rng.normal(size=2000) * 10.0 ** rng.integers(-8, 9, size=2000)
    printed = [bytes(row).decode() for row in relion_text.doubles(values)]
    assert printed == [_printf(value) for value in values.tolist()]


def _printf(value: float) -> str:
    decimals = 5 if value < 0 else 6
    form = "e" if 0 < abs(value) < 0.001 or abs(value) > 100_000 else "f"
    return f"{value:12.{decimals}{form}}"


def test_wrong_answers_are_named() -> None:
    """Missing rows and shifted columns are told apart."""
    expected = {"rows": 3, "columns": 1, "kinds": "1 float", "sums": {"rlnDefocusU": 6.0}}
    short = readings.Reading(2, 1, "1 string", {"rlnDefocusU": 3.0})
    assert readings.differences(short, expected) == [
        "rows: expected 3, found 2",
        "kinds: expected 1 float, found 1 string",
        "sum of rlnDefocusU: expected 6.000000, found 3.000000",
    ]


def test_target_verdicts() -> None:
    """Met, missed and not measured are told apart."""
    target = targets.faster("faster than gemmi", "blocks", "gemmi", 5)
    runs = {"blocks": {"tomoset": {"seconds": 1.0}, "gemmi": {"seconds": 6.0}}}
    assert target.row(runs)[-1] == "met"
    runs["blocks"]["gemmi"]["seconds"] = 4.0
    assert target.row(runs)[-1] == "MISSED"
    assert target.row({})[-1] == "not measured: gemmi in blocks"
