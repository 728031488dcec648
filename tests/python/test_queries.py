"""The shipped queries about tomograms and tilt series: what must be in their answers, and what must not."""

from datetime import timedelta
from typing import Any

import pytest
from catalog_rows import DAY, OTHER, PROJECT, ROOT, Rows

FULL = range(-60, 61, 3)  # 41 tilts


@pytest.fixture
def rows() -> Rows:
    return Rows()


def whole(project: str, file: str) -> str:
    return f"{project}/{file}"


def test_high_resolution_tilt_series(rows: Rows) -> None:
    rows.series("good", FULL, dose=2.9)  # 118.9 after the last image
    rows.series("limits", range(-58, 62, 3), dose=3.0)  # 40 tilts, 120 after the last image
    rows.series("good", FULL, dose=2.9, root=OTHER)
    rows.series("good", FULL, dose=2.9, job="Import/job001", latest=False)
    rows.series("lamella", range(-51, 70, 3), dose=1.0)
    rows.series("pixel", FULL, dose=1.0, pixel_size=2.0)
    rows.series("unknown pixel", FULL, dose=1.0, pixel_size=None)
    rows.series("dose", FULL, dose=3.0)  # 120 before the last image, 123 after
    rows.series("unknown dose", FULL, pre_exposure=None)
    rows.series("few", range(-60, 58, 3), dose=1.0)
    rows.series("flat", range(-40, 42, 2), dose=1.0)
    columns = ("root", "tomogram", "tilts", "lowest_tilt", "highest_tilt", "dose")
    assert rows.ask("high_resolution_tilt_series", *columns) == [
        (ROOT, "good", 41, -60.0, 60.0, 118.9),
        (ROOT, "lamella", 41, -51.0, 69.0, 41.0),
        (OTHER, "good", 41, -60.0, 60.0, 118.9),
    ]
    limits = rows.ask(
        "high_resolution_tilt_series", "tomogram", both_sides="true", min_tilts="40", max_dose="120"
    )
    assert limits == [("good",), ("limits",), ("good",)]
    both = rows.ask("high_resolution_tilt_series", "tomogram", both_sides="true", max_dose="200")
    assert both == [("dose",), ("good",), ("good",)]


def test_mixed_handedness(rows: Rows) -> None:
    for name, hand in (
        ("a", -1.0),
        ("b", -1.0),
        ("c", 1.0),
        ("d", None),
        ("e", 0.0),
        ("f", 0.0),
        ("g", -1.0),
    ):
        rows.tomogram(name, hand=hand)
    rows.tomogram("c", hand=1.0, root=OTHER)  # another project, of one hand
    rows.tomogram("a", hand=-1.0, project="2025/p2")
    rows.tomogram("a", hand=1.0, project="2025/p2", latest=False)
    rows.tomogram("a", hand=1.0, project=None)
    rows.tomogram("b", hand=-1.0, project=None)
    columns = ("root", "project", "tomograms", "positive", "negative", "other", "rarest", "example")
    assert rows.ask("mixed_handedness", *columns) == [(ROOT, PROJECT, 6, 1, 3, 2, 1.0, "c")]
    rows.tomogram("b2", hand=1.0)
    assert rows.ask("mixed_handedness", "rarest", "example") == [(0.0, "e")]


def test_dangling_references(rows: Rows) -> None:
    rows.tomogram("a", tilt_series_found=False, etomo_directive_file="a.edf", etomo_directive_found=True)
    rows.tomogram("b", tilt_series_found=False, reconstructed_tomogram="b.mrc", reconstructed_found=False)
    rows.tomogram("c", tilt_series_found=None, etomo_directive_found=None)
    rows.tomogram(
        "a", job="Align/job005", etomo_directive_file="a.edf", etomo_directive_found=False, latest=False
    )
    rows.tomogram("a", root=OTHER)
    columns = ("tomogram_set", "reference", "missing", "latest", "tomogram", "file")
    now = [
        (whole(PROJECT, "Tomograms/job006/tomograms.star"), "reconstruction", 1, True, "b", "b.mrc"),
        (
            whole(PROJECT, "Tomograms/job006/tomograms.star"), "tilt series", 2, True, "a",
            "Tomograms/job006/tilt_series/a.star",
        ),
    ]  # fmt: skip
    old = (whole(PROJECT, "Align/job005/tomograms.star"), "Etomo directive", 1, False, "a", "a.edf")
    assert rows.ask("dangling_references", *columns) == [old, *now]
    assert rows.ask("dangling_references", *columns, latest_only="true") == now


def test_duplicate_tomograms(rows: Rows) -> None:
    rows.tomogram("twice")
    rows.tomogram("twice")
    rows.tomogram("once")
    rows.tomogram("once", job="Align/job005", latest=False)
    rows.tomogram("shared")
    rows.tomogram("shared", root=OTHER)
    rows.tomogram("shared", root=OTHER, project="")
    rows.tomogram("once", project=None)
    for _ in range(2):
        rows.tomogram("old", job="Align/job005", latest=False)
    rows.tomogram("twice", root=OTHER, job="Align/job005", latest=False)
    set_of = f"{ROOT}/{PROJECT}/Tomograms/job006/tomograms.star"
    answer = rows.ask("duplicate_tomograms", "scope", "tomogram", "times", "places")
    shared = ("projects", "shared", 3, [f"{ROOT}/{PROJECT}", OTHER, f"{OTHER}/{PROJECT}"])
    assert answer == [("set", "twice", 2, [set_of]), shared]
    assert rows.ask("duplicate_tomograms", "tomogram", min_projects="4") == [("twice",)]
    assert rows.ask("duplicate_tomograms", "tomogram", min_projects="3") == [("twice",), ("shared",)]
    assert rows.ask("duplicate_tomograms", "tomogram", within_sets="false") == [("shared",)]


def test_relion4_sets(rows: Rows) -> None:
    old: dict[str, Any] = {
        "tilt_series_file": None,
        "tilt_series_stack": "a.mrc",
        "frame_count": 41,
        "job": "ImportTomo/job001",
    }
    rows.tomogram("a", **old)
    rows.tomogram("b", **old)
    rows.tomogram("a.tomostar", tilt_series_file=None, root=OTHER, latest=False)
    rows.tomogram("a")
    rows.tomogram("c", tilt_series_stack="c.mrc")  # converted, stack still named
    assert rows.ask("relion4_sets", "root", "tomograms", "tilts", "with_stack", "from_warp", "latest") == [
        (ROOT, 2, 82, 2, False, True),
        (OTHER, 1, None, 0, True, False),
    ]


def test_sets_without_halves(rows: Rows) -> None:
    rows.series("both", [0, 3])
    rows.series("none", [0, 3], micrograph_name_odd=None)
    rows.tomogram("some")
    rows.tilts("some", [0, 3])
    rows.tilts("some", [6], micrograph_name_even=None)
    rows.series("none", [0, 3], root=OTHER)
    rows.series("fresh", [0], project="2025/p2", pixel_size=None, micrograph_name_even=None)
    rows.tomogram("none", job="Align/job005", latest=False)
    rows.series("both", [0], job="MotionCorr/job002", latest=False, micrograph_name_even=None)
    columns = ("root", "project", "tomograms", "without_halves", "partly", "is_corrected")
    here = (ROOT, PROJECT, 3, 2, 1, True)
    assert rows.ask("sets_without_halves", *columns) == [here]
    everything = rows.ask("sets_without_halves", *columns, corrected_only="false")
    assert everything == [here, (ROOT, "2025/p2", 1, 1, 0, False)]


def test_defocus_by_tilt(rows: Rows) -> None:
    rows.add("projects", path=PROJECT, first_change=DAY)
    rows.add("projects", path=PROJECT, root=OTHER, first_change=DAY + timedelta(days=40))
    for defocus, angle in ((30_000.0, 1), (32_000.0, 9), (90_000.0, 5), (40_000.0, -1)):
        rows.tilts("a", [angle], defocus_u=defocus + 100, defocus_v=defocus - 100)
    rows.tilts("a", [2], defocus_u=None)
    rows.tilts("a", [2], defocus_u=10.0, latest=False)
    rows.tilts("b", [0], defocus_u=50_000.0, defocus_v=51_000.0)
    rows.tilts("a", [0], root=OTHER)
    rows.tomogram("a")
    rows.tomogram("a")  # twice in its set: its images still count once
    rows.tomogram("b", optics_group_name=None)
    rows.tomogram("a", root=OTHER)
    rows.tomogram("a", job="Import/job001", latest=False, optics_group_name="old")
    columns = ("optics_group", "month", "from_tilt", "images", "defocus", "astigmatism")
    assert rows.ask("defocus_by_tilt", *columns) == [
        ("", "2025-03", 0, 1, 50_500.0, 1000.0),
        ("grid1", "2025-03", -10, 1, 40_000.0, 200.0),
        ("grid1", "2025-03", 0, 3, 32_000.0, 200.0),
        ("grid1", "2025-04", 0, 1, 30_100.0, 200.0),
    ]
    assert rows.ask("defocus_by_tilt", "month", project_pattern="'2024/%'") == []


def test_lost_tilts(rows: Rows) -> None:
    def imported(name: str, tilts: int, job: str = "Import/job001", **columns: Any) -> None:
        rows.tomogram(name, job=job, latest=False, **columns)
        path = whole(columns.get("project", PROJECT), f"{job}/tilt_series/{name}.star")
        rows.add("files", path=path, kind="tilt_series", rows=tilts, **columns)

    for name in ("whole", "three", "unaligned", "partly"):
        imported(name, 41)
    imported("three", 35, job="Import/job002")
    imported("three", 50, job="MotionCorr/job003")
    imported("three", 38, root=OTHER)
    imported("root", 5, project="")
    rows.rows["files"][-1]["path"] = "Import/job001/tilt_series/root.star"
    rows.series("whole", FULL)
    rows.series("three", FULL[:38])
    rows.series("three", FULL[:38], root=OTHER)
    rows.series("root", FULL[:4], project="")
    rows.series("unaligned", FULL[:30], z_rotation=None)
    rows.tomogram("partly")
    rows.tilts("partly", FULL[:40])
    rows.tilts("partly", FULL[40:], x_shift=None)
    columns = ("root", "tomogram", "imported", "tilts", "aligned", "lost")
    assert rows.ask("lost_tilts", *columns) == [
        (ROOT, "three", 41, 38, 38, 3),
        (ROOT, "root", 5, 4, 4, 1),
        (ROOT, "partly", 41, 41, 40, 1),
    ]
    assert rows.ask("lost_tilts", "tomogram", min_lost="2") == [("three",)]


def test_tilt_axis_outliers(rows: Rows) -> None:
    for name, axis in (
        ("a", 85.2),
        ("b", 84.9),
        ("c", 85.0),
        ("off", 91.0),
        ("turned", -95.0),
        ("near", 89.0),
    ):
        rows.series(name, [0], z_rotation=axis)
    # Beside half a turn, and without a nominal axis: 89.5 and 90.5 are one degree apart, -89.5 is a turn.
    for name, axis in (("a", 89.5), ("b", 90.5), ("c", 89.8), ("d", -89.5), ("e", 90.2)):
        rows.series(name, [0], z_rotation=axis, nominal_tilt_axis_angle=None, root=OTHER)
    for name, axis in (("a", 0.0), ("b", 45.0)):
        rows.series(name, [0], z_rotation=axis, project="2025/few")
    # A quarter turn from the nominal axis, where it is open which way round they are.
    for name, axis in (("a", 89.7), ("b", 89.9), ("c", 90.2), ("d", 90.4)):
        rows.series(name, [0], z_rotation=axis, nominal_tilt_axis_angle=0.0, project="2025/quarter")
    rows.series("unaligned", [0], z_rotation=None)
    rows.series("a", [0], z_rotation=10.0, job="Align/job005", latest=False)
    columns = ("root", "tomogram", "tilt_axis", "deviation", "is_turned")
    assert rows.ask("tilt_axis_outliers", *columns) == [
        (ROOT, "off", 91.0, 5.9, False),
        (ROOT, "turned", -95.0, -0.1, True),
        (OTHER, "d", -89.5, 0.3, True),
    ]
    assert rows.ask("tilt_axis_outliers", "tomogram", max_deviation="7") == [("turned",), ("d",)]
    assert rows.ask("tilt_axis_outliers", "tomogram", min_series="6") == [("off",), ("turned",)]
    few = rows.ask(
        "tilt_axis_outliers", "project", "tomogram", "deviation", min_series="2", max_deviation="20"
    )
    assert few[:2] == [("2025/few", "a", -22.5), ("2025/few", "b", 22.5)]


def test_inconsistent_optics(rows: Rows) -> None:
    rows.tomogram("a")
    rows.tomogram("b", amplitude_contrast=0.07)
    rows.tomogram("c", optics_group_name="grid2", voltage=200.0, spherical_aberration=2.7005)
    rows.tomogram("d", optics_group_name="grid2", voltage=200.0, spherical_aberration=None)
    rows.tomogram("e", voltage=120.0, latest=False)
    rows.tomogram("f", optics_group_name=None, voltage=120.0)
    rows.tomogram("g", optics_group_name=None)
    rows.tomogram("a", voltage=200.0, root=OTHER)
    rows.tomogram("a", voltage=200.0, project=None)
    rows.tomogram("b", voltage=300.0, project=None)
    rows.tomogram("c", job="Import/job001", optics_group_name=None, pixel_size=1.6, latest=False)
    same: dict[str, Any] = {
        "spherical_aberration": 2.7,
        "amplitude_contrast": 0.1,
        "voltage": 300.0,
        "pixel_size": 1.5,
    }

    def particles(
        path: str, tomogram: str, group: str = "g1", root: str = ROOT, **other: float | None
    ) -> None:
        columns = {"path": path, "tomogram": tomogram, "optics_group_name": group, "root": root}
        rows.add("particle_sets", **(columns | same | other))

    particles("pixels", "g", pixel_size=1.6)
    particles("pixels", "g", "g2", pixel_size=1.6)
    particles("pixels", "a", pixel_size=1.4)
    particles("pixels", "a", pixel_size=1.45)
    particles("voltage", "a", voltage=299.0)
    particles("aberration", "a", spherical_aberration=2.6)
    particles("contrast", "a", amplitude_contrast=0.09, voltage=None)
    particles("close", "a", voltage=300.0005)
    particles("equal", "c", voltage=200.0, spherical_aberration=2.7)
    particles("equal", "a", root=OTHER, voltage=200.0)
    columns = ("within", "root", "optics_group", "quantity", "lowest", "highest", "tomograms", "example")
    assert rows.ask("inconsistent_optics", *columns) == [
        ("optics group", ROOT, "grid1", "amplitude_contrast", 0.07, 0.1, 2, "b"),
        ("particle set", ROOT, "g1", "spherical_aberration", 2.6, 2.7, 1, "a"),
        ("particle set", ROOT, "g1", "amplitude_contrast", 0.09, 0.1, 1, "a"),
        ("particle set", ROOT, "g1", "pixel_size", 1.4, 1.6, 2, "a"),
        ("particle set", ROOT, "g2", "pixel_size", 1.5, 1.6, 1, "g"),
        ("particle set", ROOT, "g1", "voltage", 299.0, 300.0, 1, "a"),
    ]


def test_ready_for_deposition(rows: Rows) -> None:
    done: dict[str, Any] = {"reconstructed_half1": "a.mrc", "reconstructed_found": None, "size_z": 1000}
    rows.series("a", FULL, **done)
    rows.series("a", FULL, job="Import/job001", latest=False, voltage=None)
    rows.series("b", FULL, **done)
    rows.series("a", FULL, root=OTHER, **(done | {"voltage": None}))
    rows.series("b", FULL, root=OTHER, hand=1.0, pre_exposure=None, y_tilt=None, defocus_u=None)
    rows.tomogram(
        "c", root=OTHER, **(done | {"reconstructed_found": False, "reconstructed_tomogram": "c.mrc"})
    )
    rows.series("a", FULL, project="broken", **done)
    rows.series("a", FULL, project="unsized", **(done | {"size_z": None}))
    rows.series("a", FULL, project="unoptical", amplitude_contrast=None, **done)
    rows.series("a", FULL, project=None, **done)
    rows.series("r4", FULL, project="r4", z_rotation=None, tilt_series_file=None, **done)
    for root, project, errors in (
        (ROOT, PROJECT, 0),
        (OTHER, PROJECT, 0),
        (ROOT, "broken", 2),
        (ROOT, "r4", 0),
        (ROOT, "unsized", 0),
        (ROOT, "unoptical", 0),
    ):
        rows.add("projects", path=project, root=root, project=project, errors=errors)
    rows.add("projects", path="empty", project="empty", errors=0)
    lacks = (
        "optics of 1, tilts of 1, dose of 1, alignment of 1, CTF of 1, reconstruction of 1, files named by 1, "
        "one handedness"
    )
    assert rows.ask("ready_for_deposition", "root", "project", "tomograms", "is_ready", "lacks") == [
        (ROOT, PROJECT, 2, True, ""),
        (ROOT, "r4", 1, True, ""),
        (ROOT, "broken", 1, False, "sound files: 2 errors"),
        (ROOT, "unoptical", 1, False, "optics of 1"),
        (ROOT, "unsized", 1, False, "reconstruction of 1"),
        (OTHER, PROJECT, 3, False, lacks),
    ]


def test_training_sets(rows: Rows) -> None:
    good: dict[str, Any] = {"binning": 6.0, "reconstructed_tomogram": "a.mrc", "reconstructed_found": True}
    halves: dict[str, Any] = {
        "reconstructed_half1": "1.mrc",
        "reconstructed_half2": "2.mrc",
        "denoised_tomogram": "d.mrc",
    }
    rows.series("a", **good, **halves)
    rows.series("b", **good, denoised_tomogram="N/A", reconstructed_half1="1.mrc")
    rows.series("a", root=OTHER, binning=6.0, **halves)
    rows.series("small", **(good | {"binning": 5.0}))
    rows.series("large", **(good | {"binning": 8.1}))
    rows.series("unbinned", **(good | {"binning": None}))
    rows.series("lost", **(good | {"reconstructed_found": False}))
    rows.series("unaligned", y_shift=None, **good)
    rows.series("no ctf", defocus_v=None, **good)
    rows.series("unreconstructed", binning=6.0)
    rows.series("old", latest=False, **good)
    rows.tomogram("a", job="Tomograms/job007", latest=False, **good)
    rows.series("r4", project="r4", tilt_series_file=None, y_tilt=None, **good)
    columns = ("root", "project", "voxel_size", "tomograms", "with_halves", "denoised")
    assert rows.ask("training_sets", *columns) == [
        (ROOT, PROJECT, 9.0, 2, 1, 1),
        (ROOT, "r4", 9.0, 1, 0, 0),
        (OTHER, PROJECT, 9.0, 1, 1, 1),
    ]
    assert rows.ask("training_sets", *columns, min_tomograms="2") == [(ROOT, PROJECT, 9.0, 2, 1, 1)]


def test_high_dose(rows: Rows) -> None:
    rows.series("limit", range(11), dose=10.0)
    rows.series("above", range(11), dose=10.5)
    rows.series("above", range(11), dose=20.0, root=OTHER)
    rows.series("old", range(11), dose=20.0, latest=False)
    rows.series("unknown", range(50), pre_exposure=None)
    rows.tilts("turned", [0], pre_exposure=112.0)
    rows.tilts("turned", [3], pre_exposure=0.0)
    rows.tilts("turned", [6], pre_exposure=4.0)
    rows.tilts("single", [0], pre_exposure=111.0)
    assert rows.ask("high_dose", "root", "tomogram", "tilts", "dose_per_tilt", "dose") == [
        (OTHER, "above", 11, 20.0, 220.0),
        (ROOT, "turned", 3, 4.0, 116.0),
        (ROOT, "above", 11, 10.5, 115.5),
        (ROOT, "single", 1, None, 111.0),
    ]
