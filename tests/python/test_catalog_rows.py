"""What the rows of a catalogue say of files, tomograms, jobs and labels, and of whatever else lies in a tree."""

import os
import shutil
from pathlib import Path

import pytest
from catalog_samples import (
    answer,
    content,
    fresh,
    make_project,
    pipeline,
    tilt_series,
    tomogram_set,
    write,
)
from tomoset import Catalog
from tomoset.catalog.tasks import text_of

pytestmark = pytest.mark.usefixtures("no_hang")


def test_units_are_projects_and_top_folders(catalog: Catalog, archive: Path) -> None:
    catalog.index(archive)
    rows = answer(
        catalog, "SELECT path, project, name, tomogram_sets, tomograms, tilts, jobs FROM projects ORDER BY 1"
    )
    assert rows == [
        ("", None, "", 0, 0, 0, 0),
        ("2026", None, "2026", 0, 0, 0, 0),
        ("2026/p1", "2026/p1", "p1", 3, 2, 6, 4),
        ("2026/p1/inner", "2026/p1/inner", "inner", 3, 1, 3, 4),
        ("2026/p2", "2026/p2", "p2", 3, 2, 6, 4),
    ]
    # The sets count each tilt series once for each job, the latest once.
    assert answer(catalog, "SELECT project, count(*) FROM tomograms WHERE latest GROUP BY 1 ORDER BY 1") == [
        ("2026/p1", 2),
        ("2026/p1/inner", 1),
        ("2026/p2", 2),
    ]


def test_names_that_are_not_utf8(catalog: Catalog, tmp_path: Path) -> None:
    root = tmp_path / os.fsdecode(b"caf\xe9")
    make_project(root / os.fsdecode(b"p\xff"))
    make_project(root / os.fsdecode(b"p\xfe"))
    write(root / os.fsdecode(b"TS_\xff.star"), tilt_series("TS_1"))
    for changed in (True, False):
        assert catalog.index(root).changed is changed
    assert answer(catalog, "SELECT path, path_bytes, root FROM files WHERE project IS NULL") == [
        ("TS_\\xff.star", b"TS_\xff.star", f"{tmp_path}/caf\\xe9")
    ]
    paths = answer(
        catalog, "SELECT path, path_bytes, tilts FROM projects WHERE project IS NOT NULL ORDER BY 1"
    )
    assert paths == [("p\\xfe", b"p\xfe", 6), ("p\\xff", b"p\xff", 6)]
    shutil.rmtree(root / os.fsdecode(b"p\xff"))
    catalog.index(root)
    assert answer(catalog, "SELECT DISTINCT project FROM tilts ORDER BY 1") == [("p\\xfe",), (None,)]
    assert text_of(b"caf\xe9\\") == "caf\\xe9\\\\"
    # A folder is written alike in all paths that lead through it.
    assert text_of(b"a\\b/\xe9") == "a\\b/\\xe9"


def test_names_that_look_like_others_are_not_confused(catalog: Catalog, tmp_path: Path) -> None:
    root = tmp_path / "root"
    for name in (b"bad\xff", rb"bad\xff", rb"bad\\xff", rb"fine\b"):
        write(root / os.fsdecode(name) / "x.star", tilt_series("TS_01"))
    catalog.index(root)
    rows = "SELECT path, path_bytes FROM files ORDER BY path"
    found = answer(catalog, rows)
    assert [path for path, _ in found] == [
        r"bad\\\\xff/x.star",
        r"bad\\xff/x.star",
        r"bad\xff/x.star",
        r"fine\b/x.star",
    ]
    assert [raw for _, raw in found] == [rb"bad\\xff/x.star", rb"bad\xff/x.star", b"bad\xff/x.star", None]
    shutil.rmtree(root / r"bad\xff")
    assert catalog.index(root).deleted_files == 1
    assert answer(catalog, rows) == [found[0], *found[2:]]
    assert not catalog.index(root).changed


def test_what_is_latest_follows_the_jobs(catalog: Catalog, tmp_path: Path) -> None:
    root = tmp_path / "root"
    project = root / "p"
    for job, names in (
        ("Import/job001", ["A", "B", "C"]),
        ("Align/job005", ["A", "B"]),
        ("Tomograms/job006", ["A", "B"]),
        ("Align/job010", ["A"]),
    ):
        write(project / job / "tomograms.star", tomogram_set(job, names))
        for name in names:
            write(project / job / "tilt_series" / f"{name}.star", tilt_series(name))
    jobs = {
        "Import/job001": "Succeeded",
        "Align/job005": "Succeeded",
        "Tomograms/job006": "Failed",
        "Align/job010": "Running",
    }
    edges = [
        ("Import/job001", "tomograms.star", "Align/job005"),
        ("Align/job005", "tomograms.star", "Tomograms/job006"),
    ]
    edges.append(("Import/job001", "tomograms.star", "Align/job010"))
    write(project / "default_pipeline.star", pipeline(jobs, edges))
    catalog.index(root)
    latest = "SELECT tomogram, split_part(path, '/', 3) FROM tomograms WHERE latest ORDER BY 1"
    assert answer(catalog, latest) == [("A", "job010"), ("B", "job005"), ("C", "job001")]
    tilts = (
        "SELECT tomogram, split_part(path, '/', 3), count(*) FROM tilts WHERE latest GROUP BY ALL ORDER BY 1"
    )
    assert answer(catalog, tilts) == [("A", "job010", 3), ("B", "job005", 3), ("C", "job001", 3)]
    assert answer(catalog, "SELECT latest_set, tomograms, tilts FROM projects") == [
        ("p/Align/job010/tomograms.star", 3, 9)
    ]
    # The job that failed is mended: its set is the last one of B.
    write(project / "default_pipeline.star", pipeline({**jobs, "Tomograms/job006": "Succeeded"}, edges))
    catalog.index(root)
    assert answer(catalog, latest) == [("A", "job010"), ("B", "job006"), ("C", "job001")]
    assert answer(catalog, tilts)[1] == ("B", "job006", 3)


def test_tilts_of_relion_4_are_in_the_set_itself(catalog: Catalog, tmp_path: Path) -> None:
    def old_set(names: list[str]) -> str:
        rows = "".join(f"{name} {name}.mrc 3 -1\n" for name in names)
        header = "_rlnTomoName\n_rlnTomoTiltSeriesName\n_rlnTomoFrameCount\n_rlnTomoHand\n"
        return f"data_global\n\nloop_\n{header}{rows}\n" + "\n".join(tilt_series(name) for name in names)

    project = tmp_path / "root/p"
    write(project / "ImportTomo/job001/tomograms.star", old_set(["A", "B"]))
    write(project / "CtfRefine/job002/tomograms.star", old_set(["B"]))
    write(project / "default_pipeline.star", pipeline({}))
    catalog.index(tmp_path / "root")
    found = (
        "SELECT tomogram, split_part(path, '/', 3), count(*) FROM tilts WHERE latest GROUP BY ALL ORDER BY 1"
    )
    assert answer(catalog, found) == [("A", "job001", 3), ("B", "job002", 3)]


def test_tilt_series_by_absolute_paths_are_the_latest_too(catalog: Catalog, tmp_path: Path) -> None:
    root = tmp_path / "root"
    write(root / "p/default_pipeline.star", pipeline({}))
    job = str(root / "p/Import/job001")
    write(root / "p/Import/job001/tomograms.star", tomogram_set(job, ["A"]))
    write(root / "p/Import/job001/tilt_series/A.star", tilt_series("A"))
    catalog.index(root)
    assert answer(catalog, "SELECT tilt_series_found FROM latest.tomograms") == [(True,)]
    assert answer(catalog, "SELECT count(*) FROM latest.tilts") == [(3,)]


def test_jobs(catalog: Catalog, archive: Path) -> None:
    job = "data_job\n\n_rlnJobTypeLabel relion.extract\n_rlnJobIsContinue 0\n_rlnJobIsTomo 1\n\n"
    options = (
        'data_joboptions_values\n\nloop_\n_rlnJobOptionVariable\n_rlnJobOptionValue\nbin "2 3"\n\'a"b\' c\n'
    )
    write(archive / "2026/p1/Extract/job004/job.star", job + options, age=100)
    catalog.index(archive)
    rows = answer(
        catalog,
        'SELECT job, number, folder_type, type, status, marker, state, "order", upstream, inputs, outputs, files '
        "FROM jobs WHERE project = '2026/p1' ORDER BY number",
    )
    made = ["MotionCorr/job002/corrected_tilt_series.star"]
    assert rows == [
        ("Import/job001", 1, "Import", "relion.import", "Succeeded", None, "succeeded", 0, [], [],
         ["Import/job001/tilt_series.star"], 3),
        ("MotionCorr/job002", 2, "MotionCorr", "relion.motioncorr", "Succeeded", None, "succeeded", 1,
         ["Import/job001"], ["Import/job001/tilt_series.star"], made, 3),
        ("Tomograms/job003", 3, "Tomograms", "relion.tomograms", "Running", "success", "succeeded", 2,
         ["MotionCorr/job002"], made, [], 3),
        ("Extract/job004", 4, "Extract", "relion.extract", None, "failure", "failed", 3, [], [], [], 2),
    ]  # fmt: skip
    extract = "FROM jobs WHERE project = '2026/p1' AND number = 4"
    more = (
        f"SELECT is_continue, is_tomo, options, options->>'bin', ended - started > INTERVAL 0 DAY {extract}"
    )
    assert answer(catalog, more) == [(False, True, '{"a\\"b":"c","bin":"2 3"}', "2 3", False)]


def test_odd_jobs(catalog: Catalog, archive: Path) -> None:
    huge = f"Import/job{'9' * 20}"
    write(archive / "2026/p1" / huge / "tomograms.star", tomogram_set(huge, ["TS_01"]))
    write(archive / "2026/p1/Import/job001/tmp/RELION_JOB_EXIT_FAILURE", "")
    catalog.index(archive)
    state = "SELECT state FROM jobs WHERE project = '2026/p1' AND number = 1"
    assert answer(catalog, state) == [("succeeded",)]
    latest = "SELECT path FROM latest.tomograms WHERE project = '2026/p1' AND tomogram = 'TS_01'"
    assert answer(catalog, latest) == [("2026/p1/Tomograms/job003/tomograms.star",)]


def test_labels(catalog: Catalog, tmp_path: Path) -> None:
    for at in range(3):
        write(tmp_path / f"root/{at}.star", tilt_series(f"TS_{at}"))
    write(tmp_path / "root/odd.star", "data_\n\nloop_\n_rlnTomoNme\n_rlnvoltage\n1 2\n")
    catalog.index(tmp_path / "root")
    rows = (
        "SELECT label, known, type, unit, meant, count(*) FROM labels JOIN files USING (header) "
        "GROUP BY ALL ORDER BY 1"
    )
    assert answer(catalog, rows) == [
        ("rlnDefocusU", True, "double", "A", None, 3),
        ("rlnMicrographPreExposure", True, "double", "e/A^2", None, 3),
        ("rlnTomoNme", False, None, None, "rlnTomoName", 1),
        ("rlnTomoNominalStageTiltAngle", True, "double", "deg", None, 3),
        ("rlnvoltage", False, None, None, "rlnVoltage", 1),
    ]


def test_references(catalog: Catalog, tmp_path: Path) -> None:
    project = tmp_path / "root/p"
    secret = tmp_path / "secret.star"
    write(secret, tilt_series("SECRET"))
    (tmp_path / "root/up").mkdir(parents=True)
    (tmp_path / "root/up/link").symlink_to(tmp_path)
    paths = [
        "there.star",
        "missing.star",
        "../../secret.star",
        str(secret),
        "../up/link/secret.star",
        "../p/there.star",
    ]
    write(project / "there.star", tilt_series("A"))
    write(project / "default_pipeline.star", pipeline({}))
    rows = "".join(f"T{at} {path} none/{at}.edf 1\n" for at, path in enumerate(paths))
    header = "_rlnTomoName\n_rlnTomoTiltSeriesStarFile\n_rlnEtomoDirectiveFile\n_rlnTomoHand\n"
    write(project / "tomograms.star", f"data_global\n\nloop_\n{header}{rows}")
    catalog.index(tmp_path / "root")
    found = answer(catalog, "SELECT tilt_series_found, etomo_directive_found FROM tomograms ORDER BY row")
    assert found == [
        (True, False),
        (False, False),
        (None, False),
        (None, False),
        (None, False),
        (True, False),
    ]
    problems = (
        "SELECT name, label, count FROM problems WHERE name LIKE 'reference%' ORDER BY label DESC, name"
    )
    assert answer(catalog, problems) == [
        ("reference-missing", "rlnTomoTiltSeriesStarFile", 1),
        ("reference-outside", "rlnTomoTiltSeriesStarFile", 3),
        ("reference-missing", "rlnEtomoDirectiveFile", 6),
    ]
    assert answer(catalog, "SELECT count(*) FROM tilts WHERE tomogram = 'SECRET'") == [(0,)]
    # A file that comes later is noticed when the set is read again.
    write(project / "missing.star", tilt_series("B"))
    catalog.index(tmp_path / "root", verify=True)
    assert answer(catalog, "SELECT tilt_series_found FROM tomograms WHERE tomogram = 'T1'") == [(True,)]


def test_what_was_missing_is_looked_for_when_its_project_changes(catalog: Catalog, tmp_path: Path) -> None:
    root, project = tmp_path / "root", tmp_path / "root/p"
    write(project / "a.star", tilt_series("A"))
    write(project / "default_pipeline.star", pipeline({}))
    header = "_rlnTomoName\n_rlnTomoTiltSeriesStarFile\n_rlnEtomoDirectiveFile\n_rlnTomoHand\n"
    write(project / "tomograms.star", f"data_global\n\nloop_\n{header}A a.star a.edf 1\n")
    catalog.index(root)
    asked = "SELECT code, label FROM problems WHERE code = 'F104'"
    assert answer(catalog, asked) == [("F104", "rlnEtomoDirectiveFile")]
    # No STAR file has come or gone, as when a project that was moved away and back was read meanwhile.
    write(project / "a.edf", "")
    write(project / "a.star", tilt_series("A").replace("A", "B", 1))
    catalog.index(root)
    assert answer(catalog, asked) == []
    assert content(catalog) == fresh(tmp_path, root)


def test_odd_files_are_rows(catalog: Catalog, tmp_path: Path) -> None:
    root = tmp_path / "root"
    write(root / "good.star", tilt_series("A"))
    os.mkfifo(root / "pipe.star")
    (root / "loop.star").symlink_to("loop.star")
    (root / "dir.star").mkdir()
    with (root / "tape.star").open("wb") as file:
        file.truncate(1 << 20)
    catalog.index(root)
    rows = "SELECT path, kind, status FROM files ORDER BY 1"
    expected = [
        ("good.star", "tilt_series", "ok"),
        ("loop.star", "link", "ok"),
        ("pipe.star", "special", "diagnosed"),
        ("tape.star", "unknown", "offline"),
    ]
    assert answer(catalog, rows) == expected
    assert not catalog.index(root).changed
    assert catalog.index(root, recall=True).changed
    assert answer(catalog, "SELECT kind, status FROM files WHERE path = 'tape.star'") == [
        ("unknown", "faulty")
    ]


def test_ten_thousand_links_in_a_circle(catalog: Catalog, tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    for at in range(10_000):
        (root / f"{at}.star").symlink_to(f"{(at + 1) % 10_000}.star")
    (root / "again").symlink_to(root)
    assert catalog.index(root).files == 10_000
    problems = "SELECT code, count(*) FROM problems GROUP BY ALL"
    assert answer(catalog, problems) == [("F101", 10_000)]
