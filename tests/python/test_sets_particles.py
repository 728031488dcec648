"""Particle sets against RELION's numbers."""

from __future__ import annotations

import json
from itertools import chain, combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tomoset
from set_files import GEOMETRY
from tomoset.geometry import euler_matrices

pytestmark = pytest.mark.usefixtures("no_hang")

PARTICLES = GEOMETRY.parent / "particles"
SETS = sorted(path.parent for path in PARTICLES.glob("relion*/particles.star"))


def test_euler_matrices_by_hand() -> None:
    # RELION's own numbers for (10, 20, 30), and a vector turned by them.
    found = euler_matrices(10, 20, 30)
    expected = [
        [0.714610177143, 0.633718360862, -0.296198132726],
        [-0.613092022380, 0.771280576369, 0.171010071663],
        [0.336824088833, 0.059391174614, 0.939692620786],
    ]
    np.testing.assert_allclose(found, expected, atol=1e-12)
    np.testing.assert_allclose(found @ [1, 2, 3], [1.093452501, 1.442499345, 3.274684300], atol=1e-9)
    assert euler_matrices(np.zeros((2, 1)), np.zeros(3), 0).shape == (2, 3, 3, 3)


@pytest.mark.parametrize("folder", SETS, ids=lambda folder: folder.name)
def test_numbers_are_those_that_relion_has(folder: Path) -> None:
    facts: dict[str, Any] = json.loads((folder / "relion.json").read_text())
    tomos = tomoset.TomogramSet.read(folder / "tomograms.star")
    particles = tomoset.ParticleSet.read(folder / "particles.star", tomograms=tomos)
    assert len(particles) == facts["count"]
    assert particles.names == facts["name"]
    assert particles.are_2d_stacks == facts["is_stack2d"]
    assert [tomos.names.index(name) for name in particles.tomogram_names] == facts["tomogram_index"]
    np.testing.assert_allclose(particles.origins, facts["offset_angst"])
    if particles.half_sets is not None:
        assert (particles.half_sets - 1).tolist() == facts["half_set_zero_based"]
    if particles.visible_frames is not None:
        assert [frames.astype(int).tolist() for frames in particles.visible_frames] == facts["visible_frames"]
    for ours, theirs in (
        (particles.subtomogram_matrices, "subtomogram_matrix"),
        (particles.orientations, "matrix3x3"),
    ):
        np.testing.assert_allclose(ours, np.reshape(facts[theirs], (-1, 3, 3)), atol=1e-12)
    # RELION takes a group's number for its row, and one pixel size for particles of all tomograms without optics.
    same = particles.pixel_sizes == facts["tilt_series_pixel_size"]
    assert same.all() or folder.name in {"relion5_no_optics", "relion5_optics_shuffled"}
    assert same.any() or folder.name == "relion5_optics_shuffled"
    for found, key in (
        (particles.coordinates_px, "position_without_origin_shift"),
        (particles.positions_px, "position"),
    ):
        np.testing.assert_allclose(found[same], np.array(facts[key])[same], rtol=1e-9, atol=1e-7)
    if folder.name == "relion5_optics_shuffled":
        assert [finding.code for finding in particles.findings] == ["optics-out-of-order"]


LABELS = {
    "origins": tuple(f"rlnOrigin{axis}Angst" for axis in "XYZ"),
    "particle_matrices": ("rlnAngleRot", "rlnAngleTilt", "rlnAnglePsi"),
    "subtomogram_matrices": tuple(f"rlnTomoSubtomogram{name}" for name in ("Rot", "Tilt", "Psi")),
}
SUBSETS = list(chain.from_iterable(combinations(range(3), size) for size in range(4)))


@pytest.mark.parametrize("kept", SUBSETS, ids=lambda kept: "".join(map(str, kept)) or "none")
def test_columns_that_are_absent_are_zero(kept: tuple[int, ...]) -> None:
    # As RELION reads them, each by itself.
    values = np.array([[20.0, 50.0, -70.0], [-10.0, 110.0, 15.0]])
    left = np.where(np.isin(np.arange(3), kept), values, 0.0)
    place = ("rlnCoordinateX", "rlnCoordinateY", "rlnCoordinateZ")
    tomos = tomoset.TomogramSet.read(GEOMETRY / "relion5_plain/tomograms.star")
    for name, labels in LABELS.items():
        columns = ("rlnTomoName", *place, *(labels[at] for at in kept))
        rows = [" ".join(map(str, ("TS_01", 7, 8, 9, *own[list(kept)]))) for own in values]
        text = "\n".join(["data_p", "", "loop_", *(f"_{label}" for label in columns), *rows, ""])
        particles = tomoset.ParticleSet(tomoset.read_star(text.encode()), "p", tomos, ())
        expected = left if name == "origins" else euler_matrices(*left.T)
        np.testing.assert_allclose(getattr(particles, name), expected, atol=1e-12)
        # What is of other columns is not touched.
        for other in LABELS:
            if other != name:
                nothing = np.zeros((2, 3)) if other == "origins" else [np.eye(3)] * 2
                np.testing.assert_allclose(getattr(particles, other), nothing, atol=0)
        moved = left / tomos["TS_01"].pixel_size if name == "origins" else np.zeros((2, 3))
        np.testing.assert_allclose(particles.positions_px, [7, 8, 9] - moved, atol=1e-12)
