"""tomoset without any extra: what works, works; what needs one says which."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from star_sample import TEXT
from tomoset.cli import commands

if TYPE_CHECKING:
    from pathlib import Path

EXTRAS = (
    "pandas",
    "polars",
    "deltalake",
    "duckdb",
    "dask",
    "distributed",
    "dask_jobqueue",
    "matplotlib",
    "fsspec",
    "scipy",
    "IPython",
)
#: Each command with arguments, and the extra that it asks for.
RUNS: dict[str, tuple[list[str], str | None]] = {
    "show": (["x.star"], None),
    "convert": (["y.star", "-", "--format", "csv"], None),
    "diff": (["x.star", "x.star"], None),
    "merge": (["y.star", "y.star", "-o", "z.star"], None),
    "subset": (["y.star", "-o", "z.star", "--drop", "rlnVoltage"], None),
    "plot": (["tomograms.star", "-o", "x.png"], "plot"),
    "index": (["."], "index"),
    "status": ([], "index"),
    "changes": ([], "index"),
    "query": (["select 1"], "index"),
    "vacuum": ([], "index"),
}
#: What Python code asks for.
USES = {
    "tomoset.read_star('y.star')['a'].to_pandas()": "pandas",
    "tomoset.read_star('y.star')['a'].to_polars()": "polars",
    "__import__('tomoset.polars').polars.scan_star('y.star')": "polars",
    "tomoset.Catalog.create('catalog')": "index",
    "tomoset.TomogramSet.read('tomograms.star').plot()": "plot",
    "tomoset.read_star('s3://bucket/x.star')": "fsspec",
    "__import__('tomoset.compat.starfile').compat.starfile.read('y.star')": "pandas",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "x.star").write_bytes(TEXT)
    (tmp_path / "y.star").write_text("data_a\n\nloop_\n_rlnVoltage\n_rlnTomoName\n300 TS_1\n")
    (tmp_path / "tilts.star").write_text(
        "data_TS_1\n\nloop_\n_rlnMicrographPreExposure\n_rlnTomoNominalStageTiltAngle\n0 0\n3 3\n"
    )
    (tmp_path / "tomograms.star").write_text(
        "data_global\n\nloop_\n_rlnTomoName\n_rlnTomoTiltSeriesStarFile\nTS_1 tilts.star\n"
    )
    return tmp_path


HIDE = f"""
import sys

class Hidden:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {EXTRAS!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Hidden())
"""


def run(folder: Path, code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run code as if no extra were installed."""
    command = [sys.executable, "-c", HIDE + code, *arguments]
    environment = {"TOMOSET_CATALOG": str(folder / "catalog"), "PYTHONPATH": ":".join(sys.path)}
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=60, check=False
    )


COMMAND = "from tomoset.cli import main\nmain(sys.argv[1:])"


@pytest.mark.parametrize("name", sorted(commands.commands))
def test_each_command_works_or_names_its_extra(folder: Path, name: str) -> None:
    helped = run(folder, COMMAND, name, "--help")
    assert (helped.returncode, helped.stderr) == (0, "")
    if name not in RUNS:
        return
    arguments, extra = RUNS[name]
    done = run(folder, COMMAND, name, *arguments)
    if extra is None:
        assert done.returncode == 0, done.stderr
        assert "pip install" not in done.stderr
        return
    assert done.returncode == 3
    assert done.stderr.startswith("tomoset: ")
    assert f"'tomoset[{extra}]'" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("use", USES)
def test_code_is_told_which_extra_it_needs(folder: Path, use: str) -> None:
    done = run(folder, f"import tomoset\n{use}")
    last = done.stderr.splitlines()[-1]
    assert last.startswith("ImportError: ")
    assert f"'tomoset[{USES[use]}]'" in last


def test_the_rest_needs_none(folder: Path) -> None:
    done = run(
        folder,
        "import tomoset\n"
        "star = tomoset.read_star('y.star')\n"
        "star['a'] = star['a'].with_columns(rlnVoltage=200.0)\n"
        "star.write('z.star')\n"
        "tomoset.append_star('z.star', {'rlnVoltage': [300.0], 'rlnTomoName': ['TS_2']})\n"
        "print(tomoset.iter_star('z.star').read_all().to_pydict())\n"
        "tomos = tomoset.TomogramSet.read('tomograms.star')\n"
        "print(tomos.names, tomos['TS_1'].tilt_series.pre_exposure, len(repr(tomos)) > 0, tomos.validate())\n",
    )
    assert done.stderr == ""
    first, second = done.stdout.splitlines()
    assert first == "{'rlnVoltage': [200.0, 300.0], 'rlnTomoName': ['TS_1', 'TS_2']}"
    assert second.startswith("['TS_1'] [0. 3.] True ")


def test_the_package_is_a_command(folder: Path) -> None:
    command = [sys.executable, "-m", "tomoset", "--version"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("tomoset ")
