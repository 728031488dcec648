"""How sets show themselves in notebooks; hostile names stay text."""

from __future__ import annotations

from pathlib import Path

import tomoset
from set_files import GEOMETRY, make_set

FOLDER = GEOMETRY.parent / "particles" / "relion5_full"


def test_particles() -> None:
    text = tomoset.ParticleSet.read(FOLDER / "particles.star")._repr_html_()
    assert "30 particles of 4 tomograms, 2D stacks, 4 optics groups" in text
    assert "<tr><td>TS_01</td><td>" in text


def test_trajectories() -> None:
    trajectories = tomoset.TrajectorySet.read(FOLDER / "motion.star")
    text = trajectories._repr_html_()
    assert f"{len(trajectories)} trajectories of 3 to 61 tilts" in text
    assert f"... and {len(trajectories) - 12} more" in text


def test_optimisation_sets() -> None:
    text = tomoset.OptimisationSet.read(FOLDER / "optimisation_set.star")._repr_html_()
    assert "<tr><td>particles</td><td>particles.star</td><td>yes</td></tr>" in text


def test_tomograms(tmp_path: Path) -> None:
    text = tomoset.TomogramSet.read(make_set(tmp_path))._repr_html_()
    assert "<th>tomogram</th>" in text
    assert "<td>1.50 to 1.52</td>" in text


def test_names_are_escaped(tmp_path: Path) -> None:
    path = tmp_path / "particles.star"
    path.write_text(
        "data_particles\n\nloop_\n_rlnTomoName\n_rlnCoordinateX\n_rlnCoordinateY\n_rlnCoordinateZ\n<b>x</b> 1 2 3\n"
    )
    text = tomoset.ParticleSet.read(path)._repr_html_()
    assert "<b>x" not in text
    assert "&lt;b&gt;x" in text
