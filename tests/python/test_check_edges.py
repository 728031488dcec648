"""Rules at their edges: what they must leave alone, and what they must not miss."""

from __future__ import annotations

import gc
import pickle
import shutil
import weakref
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import tomoset
from rule_projects import FILES, TOMOGRAMS, change, make_images, make_project
from rule_projects import series as five_tilts
from tomoset import TomogramSet, _core
from tomoset.checking.paths import WINDOW, odd_paths
from tomoset.checking.readings import Readings
from tomoset.checking.run import named_by
from tomoset.sets.paths import Within, leads_out

pytestmark = pytest.mark.usefixtures("no_hang")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    root = tmp_path / "project"
    make_project(root)
    return root


def told(path: Path, *, images: bool = False) -> list[tuple[str, str]]:
    """Give codes, and what was found."""
    return [(each.id, each.found) for each in tomoset.check(path, images=images)]


def with_series(root: Path, **columns: Any) -> Path:
    """Write both tilt series anew with other columns, as many rows as these have."""
    for name in TOMOGRAMS:
        table = five_tilts(name)
        count = len(next(iter(columns.values())))
        made = {label: [values[0]] * count for label, values in table.items()}
        for label in ("rlnMicrographMovieName", "rlnMicrographName"):
            made[label] = [f"{name}/{label}_{at}.mrc" for at in range(count)]
        tomoset.write_star({name: pa.table(made | columns)}, root / FILES[name], durable=False)
    # Those have flags and shifts for five images.
    for name in ("polished", "optimisation", "motion", "particles"):
        (root / FILES[name]).unlink()
    change(root, [{"remove": "pipeline"}, {"file": "default_pipeline.star", "text": ""}])
    return root


def test_optimisation_sets_that_name_one_another(tmp_path: Path) -> None:
    for name, other in ("ab", "ba", "cc"):
        text = f"data_\n\n_rlnTomoTomogramsFile {other}.star\n_rlnTomoParticlesFile {name}.star\n"
        (tmp_path / f"{name}.star").write_text(text)
    for name, other in ("ab", "ba", "cc"):
        file = tmp_path / f"{name}.star"
        assert named_by(str(file)) == [str(file), str(tmp_path / f"{other}.star")]
        tomoset.check(file)


def test_odd_arguments(tmp_path: Path) -> None:
    for threads in (0, -1):
        with pytest.raises(ValueError, match="threads must be at least 1"):
            tomoset.check(tmp_path, threads=threads)
    for word in (1, b"O", None):
        with pytest.raises(TypeError, match="codes and names are text, not"):
            tomoset.check(tmp_path, select=[word])  # type: ignore[list-item]
    with pytest.raises(ValueError, match=r"there is no code '\\udcff'"):
        tomoset.check(tmp_path, ignore="\udcff")


# Optics.


@pytest.mark.parametrize("drop", [True, False])
def test_hands_of_a_set_without_groups(drop: bool, project: Path) -> None:
    change(project, [{"file": "set", "label": "rlnTomoHand", "row": 1, "value": "1"}])
    if drop:
        change(project, [{"file": "set", "drop": ["rlnOpticsGroupName"]}])
    name = "there is no rlnOpticsGroupName, and there are" if drop else "optics group 'og' has"
    assert told(project) == [("O102", f"{name} tomograms of both hands")]
    # Beside a set that has groups they are looked at together.
    shutil.copy(project / FILES["set"], project / "other.star")
    change(project, [{"file": "other.star", "add": {"rlnOpticsGroupName": ["a", "b"]}}])
    assert told(project) == [("O102", f"{name} tomograms of both hands")]


# Alignments.


def test_shifts_beside_sizes_that_cannot_be(project: Path) -> None:
    sizes = ("rlnTomoSizeX", "rlnTomoSizeY", "rlnTomoSizeZ")
    change(project, [{"file": "set", "label": label, "value": "-999"} for label in sizes])
    assert {number for number, _ in told(project)} == {"G101"}
    change(project, [{"file": "set", "label": "rlnTomoSizeX", "value": "400"}])
    change(project, [{"file": "TS_02", "label": "rlnTomoXShiftAngst", "row": 0, "value": "300"}])
    assert ("A112", "tilt 0: rlnTomoXShiftAngst is 300 A") in told(project)


# Doses.

TILTED = np.arange(-60, 61, 3.0)


def symmetric(angles: np.ndarray[Any, Any], dose: float, power: float) -> list[float]:
    """Give the dose before each image of a series that begins at 0, and goes to both sides in turn."""
    order = np.argsort(np.abs(angles), kind="stable")
    doses = np.zeros(len(angles))
    doses[order] = np.cumsum(dose / np.cos(np.radians(angles[order])) ** power) - dose
    return [float(f"{value:.4g}") for value in doses]


@pytest.mark.parametrize("power", [0, 1, 1 / 2, 1 / 3])
@pytest.mark.parametrize("given", [2.0, 2.3])
def test_doses_that_grow_with_the_tilt(power: float, given: float, project: Path) -> None:
    given = given if power else 2.0
    doses = symmetric(TILTED, 2.0, power)
    with_series(
        project,
        rlnTomoNominalStageTiltAngle=TILTED.tolist(),
        rlnTomoYTilt=(TILTED + 1).tolist(),
        rlnMicrographPreExposure=doses,
    )
    change(project, [{"file": "set", "label": "rlnTomoImportFractionalDose", "value": str(given)}])
    assert told(project) == []
    # Nor where images were left out.
    path = project / FILES["set"]
    keep = [at not in (1, 19, 38) for at in range(len(TILTED))] * 2
    TomogramSet.read(path).filter_tilts(keep).write(path, durable=False)
    assert told(project) == []


def test_an_odd_dose_among_those_that_grow_with_the_tilt(project: Path) -> None:
    doses = np.array(symmetric(TILTED, 2.0, 1))
    doses[(doses > 30)] += 3
    with_series(
        project,
        rlnTomoNominalStageTiltAngle=TILTED.tolist(),
        rlnTomoYTilt=TILTED.tolist(),
        rlnMicrographPreExposure=doses.tolist(),
    )
    change(project, [{"file": "set", "label": "rlnTomoImportFractionalDose", "value": "2"}])
    (one, other) = told(project)
    assert one == other
    assert one[0] == "D103"
    assert one[1] == "a step is 5.19, and 2.148 is expected at that tilt; 1 of 40 steps"


@pytest.mark.parametrize("given", ["1.5", "1.0", "2", "6"])
def test_a_dose_of_which_the_step_is_a_multiple(given: str, project: Path) -> None:
    change(project, [{"file": "set", "label": "rlnTomoImportFractionalDose", "row": 0, "value": given}])
    assert told(project) == [("D104", f"it is {float(given):g}, and most steps are near 3")]


# Images.


def copied(root: Path, names: dict[str, str], movies: dict[str, list[str]]) -> None:
    """Add a set like that of the project, whose tilt series have other names, and some movies."""
    path = root / "Import/job001/tomograms.star"
    TomogramSet.read(root / FILES["set"]).rename_tomograms(names).write(path, durable=False)
    for name, files in movies.items():
        (file,) = (root / "Import/job001").rglob(f"{name}.star")
        change(root, [{"file": str(file.relative_to(root)), "add": {"rlnMicrographMovieName": files}}])


def test_an_image_of_two_sets_beside_one_that_is_told_of_one(project: Path) -> None:
    # The first of those that are there twice is so in one set alone.
    own = five_tilts("TS_02")["rlnMicrographMovieName"]
    copied(project, {"TS_01": "x", "TS_02": "y"}, {"x": ["a", "b", "c", "d", "e"], "y": ["a", *own[1:]]})
    found = [each for each in told(project) if "Movie" in each[1]]
    assert found == [
        ("I101", "rlnMicrographMovieName a is also of x, there 2 times"),
        ("I108", f"rlnMicrographMovieName {own[1]} is also of y in Import/job001/tomograms.star, and 3 more"),
    ]


def test_an_image_of_two_in_one_set_and_of_one_in_another(project: Path) -> None:
    # The first two are of one set, and the first and the last of one name; but not the last two.
    movies = [f"{name}.mrc" for name in "abcde"]
    change(project, [{"file": "TS_01", "add": {"rlnMicrographMovieName": movies}}])
    copied(project, {"TS_02": "x"}, {"TS_01": movies, "x": movies})
    found = [text for number, text in told(project) if number == "I108" and "Movie" in text]
    assert found == ["rlnMicrographMovieName a.mrc is also of x in Import/job001/tomograms.star, and 4 more"]


# Counting.


def test_stacks_are_counted_in_each_set(project: Path) -> None:
    """One stack for all is none; each for one tilt series is as deep as that has images."""
    path = project / FILES["relion4"]
    four = TomogramSet.read(project / FILES["set"]).to_relion4(image_sizes=(400, 380))
    make_images(project)
    for names in (["a.mrcs", "b.mrcs"], ["a.mrcs", "a.mrcs"]):
        four.with_columns(rlnTomoTiltSeriesName=names).write(path, durable=False)
        change(project, [{"image": name, "size": [400, 380, 4]} for name in names])
        found = [each for each in told(path, images=True) if each[0] == "I106"]
        assert len(found) == (2 if len(set(names)) == 2 else 0)


# Where it stands.


@pytest.mark.parametrize(
    ("number", "file", "edit", "block", "line"),
    [
        ("P202", "particles", {"block": "particles", "drop": ["rlnCenteredCoordinateXAngst"]}, "particles", None),
        ("P203", "particles", {"block": "particles", "label": "rlnOpticsGroup", "row": 1, "value": "9"},
         "particles", " 9 "),
        ("T202", "particles", {"old": "_rlnTomoName ", "new": "_rlnTomoNome "}, "particles", None),
        ("T202", "set", {"old": "_rlnTomoName ", "new": "_rlnTomoNome "}, "global", None),
        ("M202", "motion", {"block": "TS_02/1", "label": "rlnOriginYAngst", "row": 3, "value": "<NA>"},
         "TS_02/1", "<NA>"),
        ("K202", "manifolds", {"old": "[1,2,3,4]", "new": "[1,2,3]"}, "TS_01", "[1,2,3]"),
        ("K201", "manifolds", {"block": "TS_01", "drop": ["rlnTomoManifoldType"]}, "TS_01", None),
        ("K203", "fiducials", {"drop": ["rlnOriginZAngst"]}, "", None),
        ("S202", "optimisation", {"text": "data_\nloop_\n_rlnTomoParticlesFile\na.star\nb.star\n"}, "", "b.star"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_says_where(
    number: str, file: str, edit: dict[str, Any], block: str, line: str | None, project: Path
) -> None:
    change(project, [{"file": file, **edit}])
    path = project / FILES[file]
    (found,) = [each for each in tomoset.check(project) if each.id == number]
    assert (found.path, found.block) == (str(path), block)
    assert found.line is not None
    text = path.read_text().split("\n")[found.line - 1]
    assert line in text if line is not None else text == f"data_{block}"
    assert found.where.startswith(str(path))


def test_errors_of_sets_are_the_same_elsewhere() -> None:
    error = tomoset.SetError("a", code="b", path="c", tomogram="d", row=1, block="e", label="f")
    other = pickle.loads(pickle.dumps(error))
    assert (type(other), str(other), vars(other)) == (tomoset.SetError, "a", vars(error))


# Paths.

FILLERS = _core.no_paths()


def test_what_stands_for_no_path_is_known() -> None:
    # RELION's own are "" and "empty"; starfile and the programs around RELION write the others.
    assert {"", "empty", "None", "N/A", "<NA>"} <= set(FILLERS)


@pytest.mark.parametrize("filler", FILLERS)
def test_fillers_are_no_files(filler: str, project: Path) -> None:
    change(
        project,
        [
            {"file": "set", "add": {label: filler}}
            for label in ("rlnEtomoDirectiveFile", "rlnTomoFiducialsStarFile", "rlnTomoReconstructedTomogram")
        ],
    )
    # Two sets whose tomograms have other names.
    columns = {"rlnMicrographMovieName": filler, "rlnMicrographName": filler}
    copied(project, {"TS_01": "x"}, {})
    change(project, [{"file": name, "add": columns} for name in TOMOGRAMS])
    for path in (project / "Import/job001/tilt_series").iterdir():
        change(project, [{"file": str(path.relative_to(project)), "add": columns}])
    assert told(project) == []


def test_a_half_map_beside_a_filler_is_looked_for(project: Path) -> None:
    change(project, [{"file": "set", "add": {
        "rlnTomoReconstructedTomogram": ["empty", "default_pipeline.star"],
        "rlnTomoReconstructedTomogramHalf1": ["half.mrc", "half.mrc"]}}])  # fmt: skip
    assert told(project) == [("F104", "rlnTomoReconstructedTomogramHalf1 is half.mrc")]


@pytest.mark.parametrize(
    ("file", "block", "label", "value", "found"),
    [
        ("set", "global", "rlnEtomoDirectiveFile", "/data/a.edf", None),
        ("set", "global", "rlnTomoReconstructedTomogramHalf1", "../a.mrc", None),
        ("TS_01", "TS_01", "rlnMicrographNameEven", "/data/even.mrc", "tilt 0: {}; 5 of 5 tilts"),
        ("TS_01", "TS_01", "rlnCtfImage", "3@/data/ctf.mrcs", "tilt 0: {}; 5 of 5 tilts"),
        ("TS_01", "TS_01", "rlnMicrographMetadata", "a/../../b.star", "tilt 0: {}; 5 of 5 tilts"),
        ("particles", "particles", "rlnImageName", "/data/a.mrcs", "{}; 2 of 2 particles"),
        ("particles", "particles", "rlnCtfImage", "../a.mrc", "{}; 2 of 2 particles"),
        ("particles", "optics", "rlnMtfFileName", "/data/mtf.star", "{}"),
        ("particles", "particles", "rlnImageName", "a..b/c@d/..e.mrcs", ""),
        ("TS_01", "TS_01", "rlnMicrographNameEven", "12@..mrcs", ""),
        ("set", "global", "rlnTomoImportImodDir", "/data/imod", ""),
    ],
)
def test_all_columns_of_paths(
    file: str, block: str, label: str, value: str, found: str | None, project: Path
) -> None:
    change(project, [{"file": file, "block": block, "add": {label: value}}])
    odd = [text for number, text in told(project) if number == "N103"]
    expected = f"{label} is {value}"
    assert odd == ([expected] * 2 if found is None else [found.format(expected)] if found else [])
    for each in tomoset.check(project, select="N103"):
        assert (each.path, each.label) == (str(project / FILES[file]), label)
        assert each.line is not None


def test_paths_are_found_within_as_one_by_one(tmp_path: Path) -> None:
    real, elsewhere = tmp_path / "real", tmp_path / "elsewhere"
    for folder in (real / "a/b", elsewhere / "c"):
        folder.mkdir(parents=True)
    (tmp_path / "root").symlink_to(real)
    (real / "out").symlink_to(elsewhere)
    (real / "in").symlink_to("a")
    (real / "a/up").symlink_to("../..")
    (real / "a/round").symlink_to("round")
    (real / "a/file").symlink_to(elsewhere / "c/file")
    parts = ["a", "b", "in", "out", "up", "round", "file", "none", "..", ".", "", "c", "root"]
    paths = [
        *("/".join(names) for count in (1, 2, 3) for names in product(parts, repeat=count)),
        *map(str, (real, real / "a/b", elsewhere, tmp_path / "root/a", f"{real}er/a")),
        "none/" * 2000 + "x",
        "../" * 100 + "x",
    ]
    for root in (real, tmp_path / "root", Path("/")):
        within = Within(root)
        assert [path for path in paths if within.leads_out(path) != leads_out(root / path, root)] == []
    # Wherever one begins.
    for path in paths[::7]:
        assert Within(real).leads_out(path) == leads_out(real / path, real)


@pytest.mark.parametrize("place", [0, 1, WINDOW - 2, WINDOW - 1, WINDOW, WINDOW + 1, 2 * WINDOW - 1])
def test_paths_that_go_up_are_seen_wherever_they_are(place: int) -> None:
    plain, odd = "a" * place, "../b"
    table = pa.table({"rlnImageName": pa.array([plain, odd, "c"], pa.large_string())})
    ((label, _, bad),) = odd_paths(table)
    assert (label, bad.tolist()) == ("rlnImageName", [False, True, False])
    assert not list(odd_paths(table.take([0, 2])))


@pytest.mark.parametrize("kind", ["particles", "optics", "global"])
def test_blocks_of_several_tables_keep_nobody_else_from_being_checked(tmp_path: Path, kind: str) -> None:
    more = "\nloop_\n_rlnMagnification\n1\n\n"
    particles = (
        "_rlnTomoName\n_rlnCoordinateX\n_rlnCoordinateY\n_rlnCoordinateZ\n_rlnRandomSubset\nTS_1 1 2 3 7\n"
    )
    bad = {
        "particles": f"data_particles\nloop_\n{particles}{more}",
        "optics": f"data_optics\nloop_\n_rlnOpticsGroup\n1\n{more}data_particles\nloop_\n{particles}",
        "global": f"data_global\nloop_\n_rlnTomoName\n_rlnTomoTiltSeriesStarFile\nTS_1 TS_1.star\n{more}",
    }
    (tmp_path / "bad.star").write_text(bad[kind])
    (tmp_path / "other.star").write_text(f"data_particles\nloop_\n{particles}")
    found = {(Path(each.path or "").name, each.code) for each in tomoset.check(tmp_path)}
    assert {("bad.star", "several-tables"), ("other.star", "odd-half-set")} <= found
    with pytest.raises(tomoset.SeveralTablesError, match=f"block '{kind}' holds 1 rows x"):
        (TomogramSet if kind == "global" else tomoset.ParticleSet).read(tmp_path / "bad.star")


def test_what_was_read_is_not_kept_by_what_leads_nowhere(tmp_path: Path) -> None:
    (tmp_path / "opt.star").write_text(
        "data_\n_rlnTomoParticlesFile none.star\n_rlnTomoTomogramsFile ../none/tomograms.star\n"
    )
    readings = Readings(tmp_path, images=False, threads=1)
    readings.read_optimisations([str(tmp_path / "opt.star")])
    assert readings.findings
    left = weakref.ref(readings)
    gc.disable()
    try:
        del readings
        assert left() is None
    finally:
        gc.enable()
