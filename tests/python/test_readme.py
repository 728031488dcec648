"""The examples in README and docstrings, run as they stand."""

import doctest
import importlib
import re
from pathlib import Path
from types import ModuleType

import pytest
import tomoset
import tomoset.blocks
import tomoset.star
import tomoset.writing

REPOSITORY = Path(__file__).resolve().parents[2]
TILTS = """data_TS_01

loop_
_rlnTomoNominalStageTiltAngle #1
_rlnDefocusU #2
0.0 41236.5
3.0 41100.25

3.1 41000.0
"""
MOTION = """data_general

_rlnParticleNumber 1

data_TS_01/17

loop_
_rlnOriginXAngst #1
0.5
"""
PARTICLES = """data_particles

loop_
_rlnTomoName #1
_rlnClassNumber #2
_rlnDefocusU #3
TS_01 1 41000.5
TS_02 2 39000.5
"""


SET = """data_global

loop_
_rlnTomoName #1
_rlnTomoTiltSeriesStarFile #2
TS_01 Import/job001/tilt_series/TS_01.star
"""
SERIES = """data_TS_01

loop_
_rlnMicrographPreExposure #1
_rlnDefocusU #2
0.0 41236.5
101.0 41100.25
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a project with the files that README speaks of, as the working directory."""
    files = {
        "Tomograms/job008/tilt_series/TS_01.star": TILTS,
        "Polish/job012/motion.star": MOTION,
        "particles.star": PARTICLES,
        "Tomograms/job006/tomograms.star": SET,
        "Import/job001/tilt_series/TS_01.star": SERIES,
    }
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_readme(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("pandas")
    blocks = re.findall(r"```python\n(.*?)```", (REPOSITORY / "README.md").read_text(), re.DOTALL)
    names: dict[str, object] = {"tomoset": tomoset}
    for block in blocks:
        exec(compile(block, "README.md", "exec"), names)
    assert len(blocks) == 4
    assert "R101 rows-after-blank" in capsys.readouterr().out


@pytest.mark.parametrize(
    "module",
    [
        tomoset.star,
        tomoset.blocks,
        tomoset.writing,
        *(
            importlib.import_module(f"tomoset.geometry.{name}")
            for name in ("ctf", "dose", "euler", "orientation", "projection")
        ),
    ],
    ids=lambda each: each.__name__,
)
def test_docstrings(module: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    tried = doctest.testmod(module, extraglobs={"tomoset": tomoset})
    assert tried.failed == 0
    assert tried.attempted > 0
