"""Matrices, angles and the conversion between RELION 4 and 5, against what RELION computed."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tomoset
from numpy.testing import assert_allclose
from set_files import GEOMETRY, make_set
from tomoset.geometry import projection_angles, projection_matrices

CASES = sorted(
    path
    for path in GEOMETRY.glob("relion*/*.relion.json")
    if path.parent.name not in {"relion5_no_size", "relion5_not_aligned"}
)
ANGLES = ("x_tilt", "y_tilt", "z_rot", "x_shift", "y_shift")


def oracle(path: Path) -> tuple[dict[str, Any], Any, dict[str, Any]]:
    facts = json.loads(path.read_text())
    matrices = np.array(facts["projection_matrices"]).reshape(-1, 4, 4)
    frame = {
        "pixel_size": facts["pixel_size"],
        "size": facts["tomogram_size"],
        "image_size": facts["image_size"],
    }
    return facts, matrices, frame


def project(folder: Path, to: Path) -> Path:
    shutil.copytree(folder, to)
    return to / "tomograms.star"


def test_golden_matrices() -> None:
    odd = projection_matrices(1, 20, 5, 3, 4, pixel_size=2, size=(401, 301, 151), image_size=(371, 383))
    assert_allclose(
        odd[0], [0.936116806663, -0.081196108086, 0.342187837766, -14.208032952], rtol=0, atol=1e-9
    )
    frame: dict[str, Any] = {"pixel_size": 2, "size": (401, 301, 151), "image_size": (371, 383)}
    assert_allclose(projection_angles(odd, **frame), [1, 20, 5, 3, 4], rtol=0, atol=1e-9)
    relion = projection_angles(odd, centre="relion", **frame)
    assert_allclose(relion[3:], [4.197108536, 5.090881305], rtol=0, atol=1e-9)


@pytest.mark.parametrize("path", CASES, ids=lambda path: f"{path.parent.name}-{path.name.split('.')[0]}")
def test_matrices_and_angles_are_relions(path: Path) -> None:
    facts, matrices, frame = oracle(path)
    tomos = tomoset.TomogramSet.read(path.parent / "tomograms.star")
    found = tomos.select([facts["name"]]).projection_matrices()
    assert_allclose(found, matrices, rtol=0, atol=1e-9)
    relion = projection_angles(matrices, centre="relion", **frame)
    # RELION's arcsine has half the digits near the poles; matrices that are written out have 12 digits.
    loose = "special" in path.parent.name
    assert_allclose(np.transpose(relion), facts["angles_from_matrix"], rtol=0, atol=2e-7 if loose else 5e-9)


@pytest.mark.parametrize("path", CASES, ids=lambda path: f"{path.parent.name}-{path.name.split('.')[0]}")
def test_the_inverse_is_exact(path: Path) -> None:
    _, matrices, frame = oracle(path)
    made = projection_matrices(*projection_angles(matrices, **frame), **frame)
    rigid = not path.name.startswith("TS_45")
    assert (np.abs(made - matrices).max() < 1e-8) == rigid


def test_missing_sizes_as_relion_has_them() -> None:
    _, matrices, frame = oracle(GEOMETRY / "relion5_no_size/nosize.relion.json")
    made = projection_matrices(*projection_angles(matrices, **frame), **frame)
    assert_allclose(made, matrices, rtol=0, atol=1e-9)


def test_a_set_of_relion_4_becomes_one_of_relion_5(tmp_path: Path) -> None:
    path = project(GEOMETRY / "relion4_single_file", tmp_path / "project")
    four = tomoset.TomogramSet.read(path)
    five = four.to_relion5()
    assert five.layout == "relion5"
    (finding,) = five.findings
    assert (finding.code, finding.tomogram) == ("not-rigid", "TS_45")
    assert "px from where the matrices do" in finding.found
    assert "has a scale of 1.0031" in finding.found
    target = tmp_path / "project/Convert/job002/tomograms.star"
    target.parent.mkdir(parents=True)
    five.write(target)
    again = tomoset.TomogramSet.read(target)
    assert again["TS_43"].tilt_series_file == "Convert/job002/tilt_series/TS_43.star"
    apart = four.alignment_differences(again)
    assert apart[: again.offsets[1]].max() < 1e-8
    assert 1 < apart[again.offsets[1] :].max() < 20
    series = again["TS_43"].tilt_series
    assert series.labels == [
        "rlnDefocusU", "rlnDefocusV", "rlnDefocusAngle", "rlnCtfScalefactor", "rlnMicrographPreExposure",
        "rlnTomoXTilt", "rlnTomoYTilt", "rlnTomoZRot", "rlnTomoXShiftAngst", "rlnTomoYShiftAngst",
        "rlnTomoNominalStageTiltAngle", "rlnMicrographName",
    ]  # fmt: skip
    assert series.micrograph_names is not None
    assert series.micrograph_names[1] == "000002@tomograms/TS_43.mrc:mrcs"
    assert "rlnTomoFrameCount" not in again["TS_43"]
    # What was not converted has its text.
    text = path.read_text().split("data_TS_43")[1].split("\n")
    row = next(line.split() for line in text if line.lstrip().startswith("["))
    written = (target.parent / "tilt_series/TS_43.star").read_text()
    assert f"{row[4]} " in written
    assert f"{row[-1]} " in written


@pytest.mark.parametrize("name", ["relion5_plain", "relion5_stack_extras", "relion5_special_angles"])
def test_there_and_back(name: str, tmp_path: Path) -> None:
    path = project(GEOMETRY / name, tmp_path / "project")
    five = tomoset.TomogramSet.read(path)
    four = five.to_relion4()
    assert four.layout == "relion4"
    assert "rlnTomoTiltSeriesStarFile" not in four.table.column_names
    four.write(path.with_name("four.star"))
    read = tomoset.TomogramSet.read(path.with_name("four.star"))
    # RELION's numbers of 12 digits, as a vector, are those of doubles here.
    assert_allclose(read.projection_matrices(), five.projection_matrices(), rtol=0, atol=1e-9)
    back = read.to_relion5()
    assert five.alignment_differences(back).max() < 1e-8
    if "special" not in name:
        for series, other in zip(five.values(), back.values(), strict=True):
            for angle in ANGLES:
                found = getattr(other.tilt_series, angle)
                assert_allclose(found, getattr(series.tilt_series, angle), rtol=0, atol=1e-7)
    kept = [label for label in five.tilts.column_names if label not in {"rlnTomoName", "rlnMicrographName"}]
    for label in kept:
        if not label.startswith(
            ("rlnTomoXTilt", "rlnTomoYTilt", "rlnTomoZRot", "rlnTomoXShift", "rlnTomoYShift")
        ):
            assert back.tilts.column(label).to_pylist() == five.tilts.column(label).to_pylist()


def test_matrices_win_over_angles(tmp_path: Path) -> None:
    path = project(GEOMETRY / "relion5_with_matrices", tmp_path / "project")
    both = tomoset.TomogramSet.read(path)
    angles = both.to_relion5()
    assert "rlnTomoProjX" not in angles.tilts.column_names
    assert both.alignment_differences(angles).max() < 1e-8
    assert angles["both"].tilt_series_file == both["both"].tilt_series_file


def test_what_is_not_aligned_stays_so(tmp_path: Path) -> None:
    path = project(GEOMETRY / "relion5_not_aligned", tmp_path / "project")
    tomos = tomoset.TomogramSet.read(path)
    assert np.isnan(tomos.projection_matrices()).all()
    assert "rlnTomoProjX" not in tomos.to_relion4().tilts.column_names


def test_series_with_and_without_matrices(tmp_path: Path) -> None:
    path = project(GEOMETRY / "relion5_plain", tmp_path / "project")
    tomos = tomoset.TomogramSet.read(path)
    expected = tomos.projection_matrices()
    first, rest = tomos[:1].to_relion4(), tomos[1:]
    # One of RELION 4's ways among series of RELION 5.
    first.write(path.with_name("four.star"))
    text = path.with_name("four.star").read_text()
    (path.parent / "tilt_series/TS_01.star").write_text(text[text.index("data_TS_01") :])
    mixed = tomoset.TomogramSet.read(path)
    assert_allclose(mixed.projection_matrices(), expected, rtol=0, atol=1e-9)
    angles = mixed.to_relion5()
    assert mixed.alignment_differences(angles).max() < 1e-8
    shifts = angles["TS_02"].tilt_series.x_shift
    assert shifts is not None
    assert shifts.tolist() == rest["TS_02"].tilt_series.x_shift.tolist()  # type: ignore[union-attr]


def test_stacks_are_named_where_there_are(tmp_path: Path) -> None:
    tomos = tomoset.TomogramSet.read(make_set(tmp_path))
    tomos = with_geometry(tomos)
    four = tomos.to_relion4(image_sizes=(100, 80))
    assert "no-stack" in {finding.code for finding in four.validate()}
    # Nor is it in the way later.
    assert "no-stack" not in {finding.code for finding in four.to_relion5(image_sizes=(100, 80)).validate()}
    names = [
        f"{at + 1:06}@{name}.mrcs" for name in tomos.names for at in range(tomos[name].tilt_series.num_tilts)
    ]
    stacked = tomos.with_tilt_columns(rlnMicrographName=names).to_relion4(image_sizes=(100, 80))
    assert stacked[0].tilt_series_stack == f"{tomos.names[0]}.mrcs"
    assert "no-stack" not in {finding.code for finding in stacked.validate()}
    # Named by where they are in the set, not in a file that is no longer theirs.
    turned = stacked.to_relion5(image_sizes=(100, 80)).sorted_by("tilt").filter_tilts("rlnDefocusU > 0")
    angles, images = turned[0].tilt_series.nominal_tilt_angles, turned[0].tilt_series.micrograph_names
    before = dict(zip(tomos[0].tilt_series.nominal_tilt_angles, names, strict=False))
    assert images is not None
    assert [image.replace(":mrcs", "") for image in images if image] == [before[angle] for angle in angles]


def test_stacks_with_a_suffix(tmp_path: Path) -> None:
    tomos = with_geometry(tomoset.TomogramSet.read(make_set(tmp_path)))
    names = [f"{at + 1}@{name}.st:mrc" for name in tomos.names for at in range(3)]
    four = tomos.with_tilt_columns(rlnMicrographName=names).to_relion4(image_sizes=(100, 80))
    assert four[0].tilt_series_stack == "TS_01.st"
    assert four.with_columns(rlnTomoTiltSeriesName="x.st:mrc").drop_tilts(keep_least_dosed=1)[
        0
    ].tilt_series.micrograph_names == ["000001@x.st:mrcs"]


def test_tilts_of_a_stack_are_left_out_by_name(tmp_path: Path) -> None:
    path = project(GEOMETRY / "relion4_single_file", tmp_path / "project")
    tomos = tomoset.TomogramSet.read(path)
    fewer = tomos.drop_tilts(keep_least_dosed=2)
    least = int(np.argmin(tomos["TS_43"].tilt_series.pre_exposure))
    series = fewer["TS_43"].tilt_series
    assert series.micrograph_names is not None
    assert f"{least + 1:06}@tomograms/TS_43.mrc:mrcs" in series.micrograph_names
    assert "rlnTomoFrameCount" not in fewer["TS_43"]
    assert "rlnTomoTiltSeriesName" not in fewer["TS_43"]
    twice = fewer.drop_tilts(keep_least_dosed=1)["TS_43"].tilt_series
    assert twice.micrograph_names == [f"{least + 1:06}@tomograms/TS_43.mrc:mrcs"]


def with_geometry(tomos: tomoset.TomogramSet) -> tomoset.TomogramSet:
    return tomos.with_columns(
        rlnTomoSizeX=100, rlnTomoSizeY=90, rlnTomoSizeZ=50, rlnTomoTiltSeriesPixelSize=2.0
    ).with_tilt_columns(rlnTomoYTilt=10.0, rlnTomoZRot=80.0, rlnTomoXShiftAngst=1.0, rlnTomoYShiftAngst=2.0)


def test_image_sizes_are_given_in_three_ways(tmp_path: Path) -> None:
    tomos = with_geometry(tomoset.TomogramSet.read(make_set(tmp_path)))
    expected = tomos.projection_matrices(image_sizes=(100, 80))
    by_name = tomos.projection_matrices(image_sizes=dict.fromkeys(tomos.names, (100, 80)))
    by_row = tomos.projection_matrices(image_sizes=np.array([[100, 80]] * len(tomos)))
    assert np.array_equal(by_name, expected)
    assert np.array_equal(by_row, expected)


def test_images_that_are_not_there(tmp_path: Path) -> None:
    tomos = with_geometry(tomoset.TomogramSet.read(make_set(tmp_path)))
    with pytest.raises(tomoset.SetError, match=r"no image is named|No such file") as raised:
        tomos.projection_matrices()
    assert raised.value.code == "no-image"
    assert "pass the image size" in str(raised.value)
    named = tomos.with_tilt_columns(rlnMicrographName="../secret.mrc")
    with pytest.raises(tomoset.SetError, match="leads out of the project") as raised:
        named.projection_matrices()
    assert raised.value.code == "outside"
    (tmp_path / "text.mrc").write_text("no image")
    named = tomos.with_tilt_columns(rlnMicrographName="text.mrc")
    with pytest.raises(tomoset.SetError, match=r"text\.mrc cannot be read"):
        named.projection_matrices()
    with pytest.raises(tomoset.SetError, match=r"no image is named|No such file"):
        tomos.projection_matrices(image_sizes={tomos.names[0]: (100, 80)})


@pytest.mark.parametrize(
    ("columns", "tilt_columns", "words"),
    [
        ({"rlnTomoSizeX": 0}, {}, "rlnTomoSizeX is 0; it must be above 0"),
        ({"rlnTomoTiltSeriesPixelSize": -999.0}, {}, "rlnTomoTiltSeriesPixelSize is -999;"),
        ({"rlnTomoTiltSeriesPixelSize": float("nan")}, {}, "rlnTomoTiltSeriesPixelSize is nan;"),
        ({}, {"rlnTomoYTilt": float("nan")}, "tilt 0: rlnTomoYTilt is nan; the geometry needs a number"),
        ({}, {"rlnTomoXTilt": float("inf")}, "tilt 0: rlnTomoXTilt is inf;"),
    ],
)
def test_geometry_that_is_odd(
    columns: dict[str, Any], tilt_columns: dict[str, Any], words: str, tmp_path: Path
) -> None:
    tomos = with_geometry(tomoset.TomogramSet.read(make_set(tmp_path)))
    odd = tomos.with_columns(columns).with_tilt_columns(tilt_columns)
    with pytest.raises(tomoset.SetError, match=words) as raised:
        odd.to_relion4(image_sizes=(100, 80))
    assert raised.value.code == "no-geometry"


def test_sizes_that_are_missing(tmp_path: Path) -> None:
    path = project(GEOMETRY / "relion5_no_size", tmp_path / "project")
    with pytest.raises(tomoset.SetError, match="rlnTomoSizeX, which the set does not have"):
        tomoset.TomogramSet.read(path).projection_matrices()


@pytest.mark.parametrize("vector", [[1.0, 0.0, 0.0], [1.0, 0.0, 0.0, float("nan")]])
def test_matrices_that_are_odd(vector: list[float], tmp_path: Path) -> None:
    path = project(GEOMETRY / "relion4_single_file", tmp_path / "project")
    tomos = tomoset.TomogramSet.read(path)
    rows = tomos.tilts.column("rlnTomoProjY").to_pylist()
    rows[3] = vector
    with pytest.raises(tomoset.SetError, match=r"tilt 3: (rlnTomoProjY has 3 numbers|the matrix has)"):
        tomos.with_tilt_columns(rlnTomoProjY=rows).to_relion5()


def test_bad_arguments(tmp_path: Path) -> None:
    tomos = with_geometry(tomoset.TomogramSet.read(make_set(tmp_path)))
    with pytest.raises(ValueError, match="centre is 'middle'"):
        tomos.to_relion4(image_sizes=(100, 80)).to_relion5(image_sizes=(100, 80), centre="middle")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="have not the same tomograms"):
        tomos.alignment_differences(tomos[:1], image_sizes=(100, 80))
    for sizes in (5, (0, 80), (100.5, 80), "abc", [(100, 80)] * 3, {tomos.names[0]: (100,)}):
        with pytest.raises(ValueError, match="it must be width and height"):
            tomos.projection_matrices(image_sizes=sizes)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="must end in 4 x 4"):
        projection_angles(np.eye(3), pixel_size=1, size=(1, 1, 1), image_size=(1, 1))
