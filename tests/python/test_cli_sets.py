"""``tomoset show`` of sets: what they hold and what is wrong with them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from cli_runs import run
from set_files import GEOMETRY, make_set

PARTICLES = GEOMETRY.parent / "particles"


def shown(capfd: pytest.CaptureFixture[str], path: Path) -> str:
    result = run(capfd, "show", path, "--rows", "1")
    assert result.code == 0
    return " ".join(result.out.split())


def test_tomograms(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    text = shown(capfd, make_set(tmp_path))
    assert "tomogram set of RELION 5: 2 tomograms, 6 tilts " in text
    assert " TS_01 3 -3.0 to 3.0 6.0 1.50 to 1.52 " in text
    # The worst comes first.
    assert text.index("fatal not-loadable") > text.index("findings ")
    assert "RELION stops when it loads the tomogram; run the job that adds it" in text


def test_sets_that_cannot_be_read(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = make_set(tmp_path)
    shutil.rmtree(path.parent / "tilt_series")
    text = shown(capfd, path)
    assert "tomogram set of RELION 5: 0 tomograms, 0 tilts " in text
    assert text.count("fatal missing-file") == 2


def test_other_sets(capfd: pytest.CaptureFixture[str]) -> None:
    folder = PARTICLES / "relion5_full"
    assert "particle set: 30 particles of 4 tomograms, 2D stacks" in shown(capfd, folder / "particles.star")
    assert "optimisation set: 3 files " in shown(capfd, folder / "optimisation_set.star")
    assert "warning trajectory-not-zero" in shown(capfd, folder / "optimisation_set.star")


def test_trajectories(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "motion.star"
    path.write_text("data_general\n\n_rlnParticleNumber 3\n\ndata_TS_01/1\n\nloop_\n_rlnOriginXAngst\n1\n")
    text = shown(capfd, path)
    assert "the set cannot be read: " in text
    assert "the trajectory of" in text
