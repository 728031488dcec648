"""The example archive: the same for the same seed, counted exactly, and like RELION where it is healthy."""

from __future__ import annotations

import dataclasses
import importlib.util
import re
import sys
from collections import Counter
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"

Archive = tuple[Path, Any]  # the folder, and the summary of what went into it


@pytest.fixture(scope="module")
def script() -> Iterator[ModuleType]:
    """``examples/make_archive.py`` as a module."""
    spec = importlib.util.spec_from_file_location("make_archive", EXAMPLES / "make_archive.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(EXAMPLES))
        patch.setitem(sys.modules, "make_archive", module)
        spec.loader.exec_module(module)
        yield module


@pytest.fixture(scope="module")
def archive(script: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Archive:
    """The archive that the command writes by default."""
    out = tmp_path_factory.mktemp("archive")
    return out, script.make_archive(out)


def small(script: ModuleType, **changes: int | bool) -> Any:
    """Options for an archive of one small RELION 5 and one small RELION 4 project, with changes."""
    options = {"projects": 1, "relion4": 1, "tilt_series": 2, "tilts": 7, "particles": 3, **changes}
    return script.Options(**options)


def contents(folder: Path) -> dict[str, bytes]:
    """Every file below a folder."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def tables(path: Path) -> list[tuple[str, list[str], list[list[str]]]]:
    """Name, labels and rows of the blocks of a healthy file; enough of a reader for these tests."""
    found = []
    for text in re.split(r"^data_", path.read_text(), flags=re.MULTILINE)[1:]:
        name, *lines = text.split("\n")
        labels = [line.split()[0].lstrip("_") for line in lines if line.startswith("_")]
        rows = [
            line.split() for line in lines if line.strip() and line[0] not in "_#" and line.strip() != "loop_"
        ]
        found.append((name, labels, rows))
    return found


def column(path: Path, label: str, block: int = 0) -> list[str]:
    """One column of a table."""
    _, labels, rows = tables(path)[block]
    return [row[labels.index(label)] for row in rows]


def relion5_projects(folder: Path) -> list[Path]:
    """The folders of the RELION 5 projects."""
    return sorted(path.parent for path in folder.glob("*/*/*/relion5/default_pipeline.star"))


def test_same_seed_gives_the_same_bytes(script: ModuleType, tmp_path: Path) -> None:
    for name in ("first", "second"):
        script.make_archive(tmp_path / name, small(script))
    assert contents(tmp_path / "first") == contents(tmp_path / "second")


def test_another_seed_gives_other_numbers(script: ModuleType, tmp_path: Path) -> None:
    for seed in (1, 2):
        script.make_archive(tmp_path / str(seed), small(script, seed=seed))
    first, second = contents(tmp_path / "1"), contents(tmp_path / "2")
    assert first.keys() == second.keys()
    imported = [name for name in first if "Import/job001/tilt_series/" in name]
    assert imported
    assert all(first[name] != second[name] for name in imported)


def test_projects_do_not_depend_on_how_many_there_are(script: ModuleType, tmp_path: Path) -> None:
    for projects in (1, 2):
        script.make_archive(tmp_path / str(projects), small(script, projects=projects))
    assert contents(tmp_path / "1").items() <= contents(tmp_path / "2").items()


def test_summary_counts_what_is_on_disk(archive: Archive) -> None:
    folder, summary = archive
    files = contents(folder)
    pipelines = [name for name in files if name.endswith("/default_pipeline.star")]
    healthy = [name for name in files if name.endswith(".star") and not name.startswith("broken/")]
    assert summary.files == len(files)
    assert summary.bytes == sum(map(len, files.values()))
    assert summary.projects == len(pipelines) == 4
    assert summary.tomograms == 20
    assert summary.tilts == 20 * 41
    assert sum(summary.kinds.values()) == len(healthy)


def test_summary_counts_every_row(archive: Archive) -> None:
    folder, summary = archive
    tomograms = tilts = 0
    kinds: Counter[str] = Counter()
    for path in folder.rglob("*.star"):
        blocks = tables(path) if "broken" not in path.parts else []
        if blocks and blocks[0][0] == "global":
            kinds["tomogram_set"] += 1
            tomograms += len(blocks[0][2])
            tilts += sum(len(rows) for _, _, rows in blocks[1:])
        if path.parent.name == "tilt_series":
            kinds["tilt_series"] += 1
            tilts += sum(len(rows) for _, _, rows in blocks)
    assert (summary.tomogram_rows, summary.tilt_rows) == (tomograms, tilts)
    assert all(summary.kinds[kind] == count for kind, count in kinds.items())


def test_number_of_projects_is_an_option(script: ModuleType, tmp_path: Path) -> None:
    sizes = {}
    for projects in (3, 6, 9):
        out = tmp_path / str(projects)
        summary = script.make_archive(out, small(script, projects=projects, relion4=2, tilt_series=1))
        assert summary.projects == projects + 2
        assert summary.tomograms == projects + 2
        assert summary.tilts == 7 * (projects + 2)
        assert len(relion5_projects(out)) == projects
        sizes[projects] = summary.files
    assert 0 < sizes[6] - sizes[3] == sizes[9] - sizes[6]


def test_refuses_a_folder_that_is_not_empty(
    script: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "thesis.tex").write_text("mine")
    with pytest.raises(FileExistsError, match="not empty"):
        script.make_archive(tmp_path, small(script))
    assert script.main([str(tmp_path)]) == 1
    assert "--force" in capsys.readouterr().err
    assert contents(tmp_path) == {"thesis.tex": b"mine"}

    summary = script.make_archive(tmp_path, small(script, force=True))
    assert len(contents(tmp_path)) == summary.files + 1


@pytest.mark.parametrize("change", [{"tilts": 1}, {"tilt_series": 0}, {"particles": 0}, {"projects": -1}])
def test_refuses_impossible_numbers(script: ModuleType, change: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="must be at least"):
        small(script, **change)


def test_command_prints_one_line(
    script: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = [
        "--projects",
        "1",
        "--relion4",
        "0",
        "--tilt-series",
        "1",
        "--tilts",
        "5",
        "--particles",
        "2",
    ]
    assert script.main([str(tmp_path / "out"), *arguments]) == 0
    assert re.fullmatch(
        r".*out: \d+ files \(.* MB\), 1 projects, 1 tomograms, 5 .*\n", capsys.readouterr().out
    )


def test_help_names_every_option(script: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        script.main(["--help"])
    assert stop.value.code == 0
    text = capsys.readouterr().out
    for field in dataclasses.fields(script.Options):
        assert f"--{field.name.replace('_', '-')}" in text


@pytest.mark.usefixtures("script")
def test_tables_look_as_relion_writes_them() -> None:
    relion = import_module("archive.star_text").RELION
    text = relion.loop("t", ("rlnTomoName", "rlnTomoHand", "rlnTomoSizeX"), [relion.cells(["", -1.0, 40])])
    assert text == (
        "\n# version 50001\n\ndata_t\n\nloop_ \n_rlnTomoName #1 \n_rlnTomoHand #2 \n_rlnTomoSizeX #3 \n"
        '        ""     -1.00000           40 \n \n'
    )
    assert relion.values("", {"rlnTomoName": "TS_1", "rlnVoltage": 0.0001}) == (
        "\n# version 50001\n\ndata_\n\n"
        "_rlnTomoName            TS_1\n"
        "_rlnVoltage             1.000000e-04\n \n"
    )


@pytest.mark.usefixtures("script")
def test_projection_is_the_one_relion_computes() -> None:
    session = dataclasses.replace(
        import_module("archive.acquisition").RELION_4_SESSION,
        pixel_size=1.35,
        image_size_px=(3710, 3838),
        volume_size_px=(4000, 4000, 2000),
    )
    x, y, z, w = import_module("archive.projection").projection(session, (0.0, 30.0, 85.0), (10.0, -20.0))
    assert x == pytest.approx((0.075479087305, -0.996194698092, 0.043577871374, 3660.260757607))
    assert y == pytest.approx((0.862729915663, 0.087155742748, 0.498097349046, -493.683480682))
    assert z == pytest.approx((-0.5, 0.0, 0.866025403784, 133.974596216))
    assert w == (0.0, 0.0, 0.0, 1.0)


def test_rows_are_in_the_order_of_dose_and_later_of_tilt(archive: Archive) -> None:
    folder, _ = archive
    for project in relion5_projects(folder):
        early = [
            path
            for job in ("Import", "MotionCorr", "CtfFind")
            for path in project.glob(f"{job}/*/tilt_series/*")
        ]
        late = [path for path in project.glob("*/*/tilt_series/*") if path not in early]
        assert early
        assert late
        for path in early:
            doses = [float(dose) for dose in column(path, "rlnMicrographPreExposure")]
            assert len(doses) == 41
            assert doses[0] == 0.0
            assert doses == sorted(doses)
        for path in late:
            angles = [float(angle) for angle in column(path, "rlnTomoNominalStageTiltAngle")]
            assert angles == sorted(angles)


def test_particles_match_the_tilt_tables(archive: Archive) -> None:
    folder, _ = archive
    for project in relion5_projects(folder):
        (job,) = project.glob("Polish/job*")
        num_tilts = {
            path.stem: len(column(path, "rlnMicrographName")) for path in (job / "tilt_series").iterdir()
        }
        names = column(job / "particles.star", "rlnTomoParticleName", block=2)
        flags = column(job / "particles.star", "rlnTomoVisibleFrames", block=2)
        general, *motions = tables(job / "motion.star")
        assert [name for name, _, _ in motions] == names
        assert general[1] == ["rlnParticleNumber"]
        for name, flag, (_, _, rows) in zip(names, flags, motions, strict=True):
            assert flag.count(",") + 1 == len(rows) == num_tilts[name.partition("/")[0]]
            assert rows.count(["0.000000"] * 3) == 1


def test_paths_lead_to_files_except_where_the_summary_says_so(archive: Archive) -> None:
    folder, summary = archive
    missing = set()
    for project in relion5_projects(folder):
        for path in project.glob("*/*/*tilt_series*.star"):
            assert all((project / file).is_file() for file in column(path, "rlnTomoTiltSeriesStarFile"))
        for path in project.glob("*/*/tomograms.star"):
            if not all((project / file).is_file() for file in column(path, "rlnTomoTiltSeriesStarFile")):
                missing.add(path.relative_to(folder).as_posix())
    assert missing == {flaw.path for flaw in summary.oddities if "does not exist" in flaw.what}
    assert len(missing) == 1


def test_archive_has_the_variety_of_real_ones(archive: Archive) -> None:
    folder, summary = archive
    names = contents(folder).keys()
    for marker in ("SUCCESS", "FAILURE", "ABORTED"):
        assert any(name.endswith(f"/RELION_JOB_EXIT_{marker}") for name in names)
    assert any(not name.isascii() for name in names if not name.startswith("broken/"))
    (mixed,) = [flaw.path for flaw in summary.oddities if "handedness" in flaw.what]
    assert {float(hand) for hand in column(folder / mixed, "rlnTomoHand")} == {-1.0, 1.0}
    for project in relion5_projects(folder):
        (denoised,) = project.glob("Denoise/*/tomograms.star")
        assert "N/A" in column(denoised, "rlnTomoReconstructedTomogramDenoised")


def test_broken_files_are_those_in_the_table(archive: Archive) -> None:
    table = import_module("archive.broken").BROKEN_FILES
    folder, summary = archive
    listed = {flaw.path.removeprefix("broken/"): flaw.what for flaw in summary.broken}
    on_disk = {path.name: path.read_bytes() for path in (folder / "broken").iterdir()}
    healthy = on_disk["windows.star"].replace(b"\r\n", b"\n")
    assert listed.keys() == on_disk.keys()
    assert len(table) - 1 <= len(on_disk)
    assert all(on_disk[file.name] == file.content for file in table if file.name in on_disk)
    assert len(set(listed.values())) == len(listed)
    assert [name for name, content in on_disk.items() if content == healthy and name.isascii()] == []


def test_starfile_reads_the_healthy_sets(archive: Archive) -> None:
    starfile = pytest.importorskip("starfile")
    folder, _ = archive
    paths = [path for path in folder.rglob("*.star") if path.parent.name not in ("broken", "frames")]
    for path in [path for path in paths if not path.name.startswith("job")]:
        read = starfile.read(path, always_dict=True)
        expected = tables(path)
        assert list(read) == [name for name, _, _ in expected]
        for block, (_, labels, rows) in zip(read.values(), expected, strict=True):
            assert list(block) == labels
            assert isinstance(block, dict) or len(block) == len(rows)
