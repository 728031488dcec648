"""Rules of sets: each is broken once, and good sets break none."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import mrcfile
import numpy as np
import pyarrow as pa
import pytest
import rule_projects
import tomoset
from set_files import GEOMETRY, REAL
from tomoset import OptimisationSet, ParticleSet, TomogramSet, TrajectorySet

pytestmark = pytest.mark.usefixtures("no_hang")

TILTS = rule_projects.TILTS

GLOBAL: dict[str, Any] = {
    "rlnTomoName": ["TS_01", "TS_02"],
    "rlnTomoTiltSeriesStarFile": ["tilt_series/TS_01.star", "tilt_series/TS_02.star"],
    "rlnOpticsGroupName": ["og", "og"],
    "rlnVoltage": [300.0, 300.0],
    "rlnSphericalAberration": [2.7, 2.7],
    "rlnAmplitudeContrast": [0.1, 0.1],
    "rlnMicrographOriginalPixelSize": [0.675, 0.675],
    "rlnTomoHand": [-1.0, -1.0],
    "rlnTomoTiltSeriesPixelSize": [1.35, 1.35],
    "rlnTomoSizeX": [400, 400],
    "rlnTomoSizeY": [380, 380],
    "rlnTomoSizeZ": [200, 200],
    "rlnTomoTomogramBinning": [4.0, 4.0],
    "rlnTomoReconstructedTomogram": ["a.mrc", "b.mrc"],
    "rlnTomoImportFractionalDose": [3.0, 3.0],
}


def series(name: str) -> dict[str, Any]:
    return {
        **rule_projects.series(name),
        "rlnMicrographMovieName": [f"{name}_{at}.eer" for at in range(TILTS)],
        "rlnMicrographName": [f"{name}_{at}.mrc" for at in range(TILTS)],
    }


@pytest.fixture
def tomos(tmp_path: Path) -> TomogramSet:
    """Make a set that breaks no rule."""
    (tmp_path / "tilt_series").mkdir()
    for name in GLOBAL["rlnTomoName"]:
        table = pa.table(series(name))
        tomoset.write_star({name: table}, tmp_path / f"tilt_series/{name}.star", durable=False)
    tomoset.write_star({"global": pa.table(GLOBAL)}, tmp_path / "tomograms.star", durable=False)
    (tmp_path / "default_pipeline.star").write_text("")
    return TomogramSet.read(tmp_path / "tomograms.star")


def tilt(at: int, value: Any, label: str) -> list[Any]:
    """Give a column of all images with another value in one place of the second tomogram."""
    values: list[Any] = [*series("TS_01")[label], *series("TS_02")[label]]
    values[TILTS + at] = value
    return values


def columns(tomos: TomogramSet, **values: Any) -> TomogramSet:
    """Set columns, a single value in the second tomogram only."""
    second = {
        label: value if isinstance(value, list) else [GLOBAL[label][0], value]
        for label, value in values.items()
    }
    return tomos.with_columns(second)


def without(tomos: TomogramSet, *labels: str) -> TomogramSet:
    """Leave columns of the set's table out."""
    path = Path(tomos.path or "")
    table = tomos.table.drop_columns(list(labels))
    tomoset.write_star({"global": table}, path, durable=False)
    return TomogramSet.read(path)


def without_tilt_columns(tomos: TomogramSet, *labels: str, name: str = "TS_02") -> TomogramSet:
    table = pa.table(series(name)).drop_columns(list(labels))
    root = Path(tomos.path or "").parent
    tomoset.write_star({name: table}, root / f"tilt_series/{name}.star", durable=False)
    return TomogramSet.read(tomos.path or "")


def with_matrices(tomos: TomogramSet) -> TomogramSet:
    matrices = tomos.projection_matrices(image_sizes=(400, 380))
    rows = {f"rlnTomoProj{axis}": [list(row) for row in matrices[:, at]] for at, axis in enumerate("XYZW")}
    return tomos.with_tilt_columns(rows)


def changed(tomos: TomogramSet, label: str, change: Any) -> TomogramSet:
    made = with_matrices(tomos)
    values = made.tilts.column(label).to_pylist()
    values[TILTS + 1] = change(values[TILTS + 1])
    return made.with_tilt_columns({label: values})


GRID = {"rlnTomoDeformationGridSizeX": [3, 3], "rlnTomoDeformationGridSizeY": [3, 3]}

#: Code, severity, tomogram, a word of what was found, and how the rule is broken.
BROKEN: list[tuple[str, str, str | None, str, Any]] = [
    ("odd-name", "silent", "a/b", "'a/b'", lambda t: t.rename_tomograms({"TS_02": "a/b"})),
    ("odd-name", "silent", "a b", "'a b'", lambda t: t.rename_tomograms({"TS_02": "a b"})),
    ("odd-name", "silent", "data_x", "'data_x'", lambda t: t.rename_tomograms({"TS_02": "data_x"})),
    ("odd-name", "silent", "None", "'None'", lambda t: t.rename_tomograms({"TS_02": "None"})),
    ("odd-name", "silent", "empty", "'empty'", lambda t: t.rename_tomograms({"TS_02": "empty"})),
    ("odd-name", "silent", "global", "'global'", lambda t: t.rename_tomograms({"TS_02": "global"})),
    ("collision", "silent", "TS_02", "A/job001/x.star become one", lambda t: columns(
        t, rlnTomoTiltSeriesStarFile=["A/job001/x.star", "B/job002/x.star"])),
    ("odd-path", "warning", "TS_02", "/abs/b.mrc", lambda t: columns(t, rlnTomoReconstructedTomogram="/abs/b.mrc")),
    ("not-loadable", "fatal", None, "no column rlnTomoHand", lambda t: without(t, "rlnTomoHand")),
    ("not-loadable", "fatal", "TS_02", "no rlnDefocusU", lambda t: without_tilt_columns(t, "rlnDefocusU")),
    ("not-loadable", "note", "TS_02", "no rlnDefocusU", lambda t: without_tilt_columns(
        t, "rlnDefocusU", "rlnTomoYTilt", "rlnTomoZRot", "rlnTomoXShiftAngst", "rlnTomoYShiftAngst")),
    ("incomplete-alignment", "fatal", "TS_02", "no rlnTomoZRot", lambda t: without_tilt_columns(t, "rlnTomoZRot")),
    ("matrices-alone", "silent", None, "TS_01 has no angles, as have 1 more",
     lambda t: t.to_relion4(image_sizes=(400, 380))),
    ("no-stack", "warning", None, "no column rlnTomoTiltSeriesName", lambda t: t.to_relion4(image_sizes=(400, 380))),
    ("no-stage-tilt", "silent", "TS_02", "no rlnTomoNominalStageTiltAngle",
     lambda t: without_tilt_columns(t, "rlnTomoNominalStageTiltAngle")),
    ("matrices-differ", "silent", "TS_02", "differ by", lambda t: changed(
        t, "rlnTomoProjX", lambda row: [row[0] + 0.001, *row[1:]])),
    ("unlike-columns", "fatal", "TS_02", "rlnDefocusU", lambda t: without_tilt_columns(t, "rlnDefocusU")),
    ("odd-hand", "silent", "TS_02", "rlnTomoHand is 0", lambda t: columns(t, rlnTomoHand=0.0)),
    ("mixed-hands", "warning", None, "'og' has tomograms of both", lambda t: columns(t, rlnTomoHand=1.0)),
    ("odd-voltage", "warning", "TS_02", "is 300000", lambda t: columns(t, rlnVoltage=300000.0)),
    ("odd-spherical-aberration", "warning", "TS_02", "is 2700", lambda t: columns(t, rlnSphericalAberration=2700.0)),
    ("odd-amplitude-contrast", "warning", "TS_02", "is 0.7", lambda t: columns(t, rlnAmplitudeContrast=0.7)),
    ("odd-amplitude-contrast", "fatal", "TS_02", "is 7", lambda t: columns(t, rlnAmplitudeContrast=7.0)),
    ("odd-pixel-size", "fatal", "TS_02", "is 0", lambda t: columns(t, rlnTomoTiltSeriesPixelSize=0.0)),
    ("odd-pixel-size", "fatal", None, "no column", lambda t: without(t, "rlnTomoTiltSeriesPixelSize")),
    ("odd-binning", "warning", "TS_02", "is 20 times", lambda t: columns(t, rlnTomoTiltSeriesPixelSize=13.5)),
    ("odd-size", "silent", "TS_02", "rlnTomoSizeY is 0", lambda t: columns(t, rlnTomoSizeY=0)),
    ("odd-size", "silent", None, "no rlnTomoSizeZ", lambda t: without(t, "rlnTomoSizeZ")),
    ("uneven-size", "note", "TS_02", "400 x 381 x 200", lambda t: columns(t, rlnTomoSizeY=381)),
    ("no-binning", "warning", None, "no column rlnTomoTomogramBinning", lambda t: without(t, "rlnTomoTomogramBinning")),
    ("no-binning", "warning", "TS_02", "is 0", lambda t: columns(t, rlnTomoTomogramBinning=0.0)),
    ("odd-deformation", "fatal", "TS_02", "is 'cubic'", lambda t: t.with_columns(
        GRID, rlnTomoDeformationType=["linear", "cubic"]).with_tilt_columns(
            rlnTomoDeformationCoefficients=[[1.0, 2.0, 3.0]] * 10)),
    ("odd-deformation", "fatal", "TS_02", "tilt 2 has 2 coefficients; linear needs 3", lambda t: t.with_columns(
        GRID, rlnTomoDeformationType="linear").with_tilt_columns(
            rlnTomoDeformationCoefficients=[[1.0, 2.0, 3.0]] * 7 + [[1.0, 2.0]] + [[1.0, 2.0, 3.0]] * 2)),
    ("odd-deformation", "fatal", "TS_01", "the tilt series has no", lambda t: t.with_columns(
        GRID, rlnTomoDeformationType="Fourier")),
    ("frame-count", "silent", "TS_02", "is 3, and there are 5", lambda t: t.with_columns(rlnTomoFrameCount=[5, 3])),
    ("frame-count", "fatal", "TS_02", "is 6, and there are 5", lambda t: t.with_columns(rlnTomoFrameCount=[5, 6])),
    ("matrices-differ", "silent", "TS_02", "the shifts differ by 0.741 px", lambda t: with_matrices(
        t).with_tilt_columns(rlnTomoXShiftAngst=tilt(1, 4.0, "rlnTomoXShiftAngst"))),
    ("axis-mismatch", "warning", "TS_02", "rlnTomoZRot is 85, and most are near -95", lambda t: t.with_tilt_columns(
        rlnTomoZRot=tilt(4, 85.0, "rlnTomoZRot"))),
    ("odd-matrix", "fatal", "TS_02", "what is no number", lambda t: changed(
        t, "rlnTomoProjY", lambda row: [row[0], float("nan"), *row[2:]])),
    ("odd-path", "fatal", "TS_02", "RELION cannot open it", lambda t: columns(
        t, rlnTomoTiltSeriesStarFile="tilt_series/a#b.star")),
    ("collision", "silent", "TS_02", "becomes the set's own file", lambda t: columns(
        t, rlnTomoTiltSeriesStarFile="A/job001/tomograms.star")),
    ("uneven-dose", "warning", "TS_01", "all doses are 3", lambda t: t.with_tilt_columns(rlnMicrographPreExposure=3.0)),
    ("not-a-number", "silent", "TS_02", "tilt 1: rlnTomoYTilt is nan", lambda t: t.with_tilt_columns(
        rlnTomoYTilt=tilt(1, float("nan"), "rlnTomoYTilt"))),
    ("odd-matrix", "fatal", "TS_02", "tilt 1: rlnTomoProjY has 3 numbers", lambda t: changed(
        t, "rlnTomoProjY", lambda row: row[:3])),
    ("not-rigid", "silent", "TS_02", "tilt 1: the rotation is off by 0.21", lambda t: changed(
        t, "rlnTomoProjY", lambda row: [value * 1.1 for value in row])),
    ("not-rigid", "silent", "TS_02", "tilt 1: the matrix mirrors", lambda t: changed(
        t, "rlnTomoProjY", lambda row: [-value for value in row])),
    ("large-x-tilt", "warning", "TS_02", "tilt 4: rlnTomoXTilt is 30", lambda t: t.with_tilt_columns(
        rlnTomoXTilt=tilt(4, 30.0, "rlnTomoXTilt"))),
    ("large-y-tilt", "warning", "TS_02", "tilt 4: rlnTomoYTilt is -95", lambda t: t.with_tilt_columns(
        rlnTomoYTilt=tilt(4, -95.0, "rlnTomoYTilt"))),
    ("tilt-mismatch", "warning", "TS_02", "rlnTomoYTilt is 30, and rlnTomoNominalStageTiltAngle 6",
     lambda t: t.with_tilt_columns(rlnTomoYTilt=tilt(4, 30.0, "rlnTomoYTilt"))),
    ("axis-mismatch", "warning", "TS_02", "rlnTomoZRot is -75", lambda t: t.with_tilt_columns(
        rlnTomoZRot=tilt(4, -75.0, "rlnTomoZRot"))),
    ("large-shift", "warning", "TS_02", "rlnTomoXShiftAngst is 300 A", lambda t: t.with_tilt_columns(
        rlnTomoXShiftAngst=tilt(0, 300.0, "rlnTomoXShiftAngst"))),
    ("single-tilt", "fatal", "TS_01", "there is 1 image", lambda t: without(
        t, "rlnTomoImportFractionalDose").drop_tilts(keep_least_dosed=1)),
    ("odd-dose", "silent", "TS_02", "is -3", lambda t: t.with_tilt_columns(
        rlnMicrographPreExposure=tilt(2, -3.0, "rlnMicrographPreExposure"))),
    ("odd-dose", "silent", "TS_01", "is 0 for all images", lambda t: t.with_tilt_columns(rlnMicrographPreExposure=0.0)),
    ("uneven-dose", "warning", "TS_02", "a step is 7.5, and others are near 3; 1 of 4 steps",
     lambda t: t.with_tilt_columns(
        rlnMicrographPreExposure=tilt(0, 16.5, "rlnMicrographPreExposure"))),
    ("uneven-dose", "warning", "TS_01", "the lowest dose is 3, as large as a step", lambda t: t.with_tilt_columns(
        rlnMicrographPreExposure=[15.0, 9.0, 3.0, 6.0, 12.0] * 2)),
    ("fractional-dose", "warning", "TS_02", "it is 2", lambda t: columns(t, rlnTomoImportFractionalDose=2.0)),
    ("not-in-dose-order", "silent", "TS_02", "lower dose", lambda t: without_tilt_columns(t, "rlnMicrographName")),
    ("repeated-image", "warning", "TS_02", "TS_02_0.mrc is there 2 times", lambda t: t.with_tilt_columns(
        rlnMicrographName=tilt(1, "TS_02_0.mrc", "rlnMicrographName"))),
    ("repeated-image", "silent", "TS_02", "also of TS_01", lambda t: t.with_tilt_columns(
        rlnMicrographName=series("TS_01")["rlnMicrographName"] * 2)),
    ("repeated-tilt", "note", "TS_02", "rlnTomoNominalStageTiltAngle 3 is there twice", lambda t: t.with_tilt_columns(
        rlnTomoNominalStageTiltAngle=tilt(4, 3.0, "rlnTomoNominalStageTiltAngle"))),
    ("odd-frame-count", "warning", "TS_02", "is 0", lambda t: t.with_tilt_columns(
        rlnTomoTiltMovieFrameCount=tilt(2, 0, "rlnTomoTiltMovieFrameCount"))),
    ("odd-defocus", "warning", "TS_02", "rlnDefocusU is 3 A", lambda t: t.with_tilt_columns(
        rlnDefocusU=tilt(2, 3.0, "rlnDefocusU"))),
    ("odd-defocus", "warning", "TS_02", "rlnDefocusU is 60000 A, and rlnDefocusV 29000 A",
     lambda t: t.with_tilt_columns(
        rlnDefocusU=tilt(2, 60000.0, "rlnDefocusU"))),
    ("odd-nominal-defocus", "warning", "TS_02", "is 3 um", lambda t: t.with_tilt_columns(
        rlnTomoNominalDefocus=tilt(2, 3.0, "rlnTomoNominalDefocus"))),
    ("phase-in-radians", "warning", "TS_02", "is 1.57", lambda t: t.with_tilt_columns(
        rlnPhaseShift=tilt(2, 1.57, "rlnPhaseShift"))),
    ("odd-scale", "warning", "TS_02", "is -0.5", lambda t: t.with_tilt_columns(
        rlnCtfScalefactor=tilt(2, -0.5, "rlnCtfScalefactor"))),
]  # fmt: skip


def test_a_good_set_breaks_no_rule(tomos: TomogramSet) -> None:
    assert tomos.validate() == []
    # Matrices that say the same.
    assert with_matrices(tomos).validate() == []


@pytest.mark.parametrize(
    ("code", "severity", "tomogram", "words", "broken"),
    BROKEN,
    ids=[f"{row[0]}-{at}" for at, row in enumerate(BROKEN)],
)
def test_rules_of_tomograms(
    code: str,
    severity: str,
    tomogram: str | None,
    words: str,
    broken: Any,
    tomos: TomogramSet,
) -> None:
    found = [finding for finding in broken(tomos).validate() if finding.code == code]
    assert len(found) >= 1
    assert found[0].severity == severity
    assert found[0].tomogram == tomogram
    assert words in found[0].found
    assert "tomograms.star" in found[0].where or found[0].where == "<memory>"


def test_what_reading_found_comes_first(tomos: TomogramSet) -> None:
    path = Path(tomos.path or "")
    path.write_text(path.read_text().replace("data_global", "data_"))
    assert tomoset.TomogramSet.read(path).validate()[0].code == "unnamed-block"


PARTICLE = """
data_general

_rlnTomoSubTomosAre2DStacks 1

data_optics

loop_
_rlnOpticsGroup
_rlnVoltage
_rlnTomoTiltSeriesPixelSize
1 300.0 1.35

data_particles

loop_
_rlnTomoName
_rlnTomoParticleName
_rlnCenteredCoordinateXAngst
_rlnCenteredCoordinateYAngst
_rlnCenteredCoordinateZAngst
_rlnOpticsGroup
_rlnTomoVisibleFrames
_rlnRandomSubset
TS_01 TS_01/1 10 20 30 1 [1,1,1,0,0] 1
TS_02 TS_02/1 -50 20 30 1 [1,1,1,1,1] 2
"""

PARTICLES_BROKEN = [
    ("TS_02/1", "TS_01/1", "repeated-particle", "silent", "there 2 times"),
    ("TS_02/1", "TS_03/1", "foreign-particle-name", "silent", "is of tomogram 'TS_02'"),
    ("[1,1,1,1,1] 2", "[1,1,1,1,1] 3", "odd-half-set", "warning", "rlnRandomSubset is 3"),
    ("TS_02 TS_02/1", "TS_01 TS_01/2", "tomogram-without-particles", "note", "none of 'TS_02'"),
    (
        "300.0",
        "200.0",
        "optics-mismatch",
        "fatal",
        "rlnVoltage is 200 in the particle's optics group, and 300",
    ),
    ("[1,1,1,0,0]", "[1,1,1,0]", "visible-frames", "fatal", "has 4 flags, and the tilt series 5 images"),
    ("[1,1,1,1,1]", "[1,1,2,1,1]", "visible-frames", "fatal", "has 2"),
    (
        "-50 20 30",
        "-5000 20 30",
        "outside-tomogram",
        "warning",
        "it is at -3504, 205, 122 px, in a tomogram of 400",
    ),
    (
        "_rlnTomoTiltSeriesPixelSize",
        "_rlnMicrographPixelSize",
        "no-pixel-size",
        "fatal",
        "has no rlnTomoTiltSeriesPix",
    ),
    ("_rlnTomoVisibleFrames", "_rlnMine", "no-visible-frames", "fatal", "there is no rlnTomoVisibleFrames"),
    ("TS_02 TS_02/1", "TS_09 TS_09/1", "unknown-tomogram", "silent", "'TS_09'"),
]


def particles(tomos: TomogramSet, old: str = "", new: str = "") -> ParticleSet:
    path = Path(tomos.path or "").with_name("particles.star")
    path.write_text(PARTICLE.replace(old, new) if old else PARTICLE)
    return ParticleSet.read(path, tomograms=tomos)


@pytest.mark.parametrize(("old", "new", "code", "severity", "words"), PARTICLES_BROKEN)
def test_rules_of_particles(
    old: str, new: str, code: str, severity: str, words: str, tomos: TomogramSet
) -> None:
    found = [finding for finding in particles(tomos, old, new).validate() if finding.code == code]
    assert [finding.severity for finding in found] == [severity]
    assert words in found[0].found


def test_two_coordinates(tomos: TomogramSet) -> None:
    own = particles(tomos)
    px = own.coordinates_px
    both = own.with_columns(
        {f"rlnCoordinate{axis}": px[:, at] + (axis == "Z") * 3 for at, axis in enumerate("XYZ")}
    )
    (finding,) = both.validate()
    assert finding.code == "two-coordinates"
    assert finding.found == "they are 3.0 px apart; 2 of 2 particles"


def test_good_particles_break_no_rule(tomos: TomogramSet) -> None:
    assert particles(tomos).validate() == []
    alone = ParticleSet.read(Path(tomos.path or "").with_name("particles.star"))
    assert alone.validate() == []


def write_optimisation(
    tomos: TomogramSet, trajectories: TrajectorySet | None = None, **files: str
) -> OptimisationSet:
    root = Path(tomos.path or "").parent
    particles(tomos)
    text = "data_\n\n_rlnTomoParticlesFile particles.star\n_rlnTomoTomogramsFile tomograms.star\n"
    if trajectories is not None:
        trajectories.write(root / "motion.star", durable=False)
        text += "_rlnTomoTrajectoriesFile motion.star\n"
    (root / "optimisation_set.star").write_text(text)
    return OptimisationSet.read(root / "optimisation_set.star").with_files(**files)


def shifts(*counts: int, start: float = 0.0) -> TrajectorySet:
    names = ["TS_01/1", "TS_02/1"][: len(counts)]
    # The third image has the lowest dose.
    values = [np.full((count, 3), 2.0) for count in counts]
    for value in values:
        value[2] = start
    return TrajectorySet.from_shifts(names, values)


@pytest.mark.parametrize(
    ("trajectories", "code", "severity", "words"),
    [
        (shifts(5), "no-trajectory", "fatal", "no trajectory of it"),
        (shifts(5, 4), "trajectory-length", "fatal", "it has 4 rows, and the tilt series 5 images"),
        (shifts(5, 5, start=0.5), "trajectory-not-zero", "warning", "it is 0.5 A off; 2 of 2 particles"),
    ],
)
def test_rules_of_trajectories(
    trajectories: TrajectorySet, code: str, severity: str, words: str, tomos: TomogramSet
) -> None:
    found = {finding.code: finding for finding in write_optimisation(tomos, trajectories).validate()}
    assert found.keys() - {"too-few-trajectories"} == {code}
    finding = found[code]
    assert finding.severity == severity
    assert words in finding.found
    assert "motion.star" in finding.where


def test_fewer_trajectories_than_particles(tomos: TomogramSet) -> None:
    found = write_optimisation(tomos, shifts(5)).validate()
    (few,) = [finding for finding in found if finding.code == "too-few-trajectories"]
    assert (few.severity, few.found) == ("fatal", "it is 1, and there are 2 particles")


def test_sets_without_rows(tomos: TomogramSet) -> None:
    opt = write_optimisation(tomos, TrajectorySet.from_shifts([], []))
    assert {finding.code for finding in opt.validate()} == {"no-trajectory", "too-few-trajectories"}
    codes = {
        finding.code
        for finding in ParticleSet.read(opt.project_root / "particles.star", tomograms=tomos[:0]).validate()
    }
    assert codes == {"unknown-tomogram"}
    assert tomos[:0].validate() == []


def test_what_was_left_out_is_nothing_odd(tomos: TomogramSet) -> None:
    # Steps that are multiples, and the dose of one image beside them.
    assert tomos.filter_tilts([True, False, True, False, True] * 2).validate() == []


def test_rules_of_optimisation_sets(tomos: TomogramSet) -> None:
    good = write_optimisation(tomos, shifts(5, 5))
    assert good.validate() == []
    found = good.with_files(reference_mask="mask.mrc", trajectories="none.star").validate()
    assert [(finding.code, finding.severity) for finding in found] == [
        ("missing-reference", "warning"),
        ("missing-file", "fatal"),
    ]
    assert found[1].found == "the trajectories, none.star: No such file"
    (finding,) = good.with_files(particles=None, trajectories=None).validate()
    assert (finding.code, finding.found) == ("no-particles-file", "no file of particles is named")
    root = good.project_root
    (root / "bad.star").write_text("data_particles\n\nloop_\n_rlnTomoName\nTS_01 2 3\n")
    assert [finding.code for finding in good.with_files(particles="bad.star").validate()] == ["unreadable"]
    (root / "manifolds.star").write_text(
        "data_TS_09\n\nloop_\n_rlnTomoManifoldIndex\n_rlnTomoManifoldType\n_rlnTomoManifoldParams\n0 sphere [1,2,3,4]\n"
    )
    (finding,) = good.with_files(manifolds="manifolds.star").validate()
    assert (finding.code, finding.tomogram) == ("unknown-tomogram", "TS_09")


def images(tomos: TomogramSet, root: Path, *, depth: int = 1) -> None:
    """Make the images of a set, of headers alone."""
    names = dict.fromkeys(name for name in tomos.tilts.column("rlnMicrographName").to_pylist())
    for name in names:
        file = root / name.partition("@")[2] if "@" in name else root / name
        with mrcfile.new(file, overwrite=True) as made:
            made.set_data(np.zeros((depth, 4, 6), dtype=np.int8))


def test_rules_of_images(tomos: TomogramSet) -> None:
    root = tomos.project_root
    images(tomos, root)
    assert tomos.validate(images=True) == []
    (root / "TS_02_1.mrc").unlink()
    with mrcfile.new(root / "TS_01_3.mrc", overwrite=True) as made:
        made.set_data(np.zeros((1, 4, 7), dtype=np.int8))
    found = {finding.code: finding for finding in tomos.validate(images=True)}
    assert found.keys() == {"missing-image", "image-sizes"}
    assert found["missing-image"].found == "TS_02_1.mrc: No such file or directory; 1 of 5 images"
    assert found["image-sizes"].found == "some are 6 x 4, and some 7 x 4"
    assert tomos.validate() == []


def test_rules_of_stacks(tomos: TomogramSet) -> None:
    names = [f"{at + 1:06}@{name}.mrcs" for name in tomos.names for at in range(TILTS)]
    stacked = tomos.with_tilt_columns(rlnMicrographName=names)
    images(stacked, tomos.project_root, depth=TILTS)
    assert stacked.validate(images=True) == []
    images(stacked, tomos.project_root, depth=4)
    found = stacked.validate(images=True)
    assert [finding.found for finding in found] == [
        f"000005@{name}.mrcs is of a stack of 4 images" for name in tomos.names
    ]
    four = stacked.to_relion4()
    (depth, _) = [finding for finding in four.validate(images=True) if finding.code == "stack-depth"]
    assert depth.found == "TS_01.mrcs has 4 images, and the tilt series 5"


@pytest.mark.parametrize("folder", sorted(GEOMETRY.glob("relion*")), ids=lambda folder: folder.name)
def test_sets_that_relion_reads_have_nothing_fatal(folder: Path) -> None:
    found = TomogramSet.read(folder / "tomograms.star").validate()
    assert [finding for finding in found if finding.severity == "fatal"] == []


@pytest.mark.parametrize(
    "path", sorted(GEOMETRY.glob("errors/*/tomograms.star")), ids=lambda path: path.parent.name
)
def test_sets_that_relion_refuses_have_something_fatal(path: Path) -> None:
    facts = json.loads(path.with_name("relion.json").read_text())
    stops = facts["read"].get("value") is not True or facts["loadTomogram"]["status"] == "error"
    try:
        codes = [finding.code for finding in TomogramSet.read(path).validate() if finding.severity == "fatal"]
    except (tomoset.TomosetError, OSError):
        assert stops
        return
    if path.parent.name == "image_file_missing":
        # Other files are not looked at.
        assert codes == []
    elif "incomplete-alignment" in codes:
        # RELION loads such a tomogram, and stops in reconstruction.
        assert not facts["loadTomogram"]["value"]["has_matrices"]
    else:
        assert bool(codes) == stops


@pytest.mark.skipif(not REAL.exists(), reason="no real files here")
def test_real_sets() -> None:
    path = REAL / "empiar-10164-relion5/CtfRefine/job027/tomograms.star"
    codes = {finding.code for finding in TomogramSet.read(path).validate()}
    assert "odd-scale" in codes


def test_findings_say_where_they_stand(tomos: TomogramSet) -> None:
    root = tomos.project_root
    path = root / "tomograms.star"
    text = path.read_text().replace("-1.0", "0", 1)
    path.write_text(text)
    (finding,) = TomogramSet.read(path).validate()
    lines = text.split("\n")
    assert (finding.id, finding.code, finding.path, finding.block) == (
        "O101",
        "odd-hand",
        str(path),
        "global",
    )
    assert (finding.row, finding.label) == (0, "rlnTomoHand")
    assert finding.line is not None and finding.column is not None
    assert lines[finding.line - 1][finding.column - 1 :].startswith("0 ")
    assert lines[finding.line - 1].split()[0] == "TS_01"


def test_findings_of_tilts_stand_in_their_file(tomos: TomogramSet) -> None:
    path = tomos.project_root / "tilt_series/TS_02.star"
    path.write_text(path.read_text().replace("29000.0", "2.0", 3))
    (finding,) = TomogramSet.read(tomos.path or "").validate()
    assert (finding.id, finding.path, finding.block, finding.tomogram) == (
        "C101",
        str(path),
        "TS_02",
        "TS_02",
    )
    assert finding.line is not None and finding.column is not None
    line = path.read_text().split("\n")[finding.line - 1]
    assert line[finding.column - 1 :].split()[0] == "2.0"
    # A tilt that has another place in the set stands where it stood.
    fewer = TomogramSet.read(tomos.path or "").filter_tilts([False, True, True, True, True] * 2)
    found = [each for each in fewer.validate() if each.code == "odd-defocus"]
    assert [(each.line, each.column) for each in found] == [(finding.line + 1, finding.column)]


def test_what_was_edited_has_no_line_where_it_is_new(tomos: TomogramSet) -> None:
    found = columns(tomos, rlnTomoHand=0.0).validate()
    assert [(each.path, each.row) for each in found] == [(tomos.path, 1)]
    (tomos.project_root / "tomograms.star").unlink()
    assert [(each.line, each.column) for each in columns(tomos, rlnTomoHand=0.0).validate()] == [(None, None)]
