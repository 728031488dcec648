"""Tomogram sets as they are read: against RELION's numbers, an independent reading, and with bad input."""

from __future__ import annotations

import copy
import os
import pickle
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pytest
import tomoset
from set_files import GEOMETRY, GLOBAL, REAL, TILTS, make_set, relion
from tomoset.sets.values import properties

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.usefixtures("no_hang")

SETS = sorted(path.parent for path in GEOMETRY.glob("relion*/tomograms.star"))


@pytest.fixture(params=SETS, ids=lambda folder: str(folder.name))
def folder(request: pytest.FixtureRequest) -> Path:
    """Give a project for which RELION's numbers are known."""
    found: Path = request.param
    return found


def test_values_are_those_that_relion_has(folder: Path) -> None:
    tomos = tomoset.TomogramSet.read(folder / "tomograms.star")
    known = relion(folder)
    assert set(tomos.names) == set(known)
    assert tomos.names == sorted(known, key=lambda name: int(known[name]["index"]))
    for name, tomogram in tomos.items():
        facts, series = known[name], tomogram.tilt_series
        assert tuple(facts["tomogram_size"]) == (-999,) * 3 or tomogram.size == tuple(facts["tomogram_size"])
        assert (tomogram.size is None) == (facts["tomogram_size"][0] == -999)
        assert series.num_tilts == len(series) == facts["frame_count"]
        assert tomogram.hand == facts["handedness"]
        assert tomogram.fractional_dose == pytest.approx(facts["fractional_dose"])
        assert tomogram.pixel_size == facts["pixel_size"]
        assert tomogram.voltage == facts["voltage"]
        assert tomogram.spherical_aberration == facts["Cs"]
        assert tomogram.amplitude_contrast == facts["Q0"]
        assert tomogram.bfactor_per_electron_dose == facts["bfactor_per_electron_dose"]
        assert tomogram.defocus_slope == facts["defocus_slope"]
        assert (tomogram.optics_group_name or "opticsGroup1") == facts["optics_group_name"]
        assert series.pre_exposure.tolist() == facts["cumulative_dose"]
        assert series.dose_order().tolist() == facts["frame_dose_order"]
        if facts["frame_tilt_order"] is not None:
            assert series.tilt_order().tolist() == facts["frame_tilt_order"]


def test_columns_are_those_of_the_files(folder: Path) -> None:
    tomos = tomoset.TomogramSet.read(folder / "tomograms.star")
    star = tomoset.read_star(folder / "tomograms.star")
    assert tomos.table.equals(star["global"].to_arrow())
    for name, tomogram in tomos.items():
        file = (
            star
            if tomos.layout == "relion4"
            else tomoset.read_star(folder / tomogram["rlnTomoTiltSeriesStarFile"])
        )
        own = file[name].to_arrow()
        series = tomogram.tilt_series
        assert series.labels == own.column_names
        assert series.table.to_pydict() == own.to_pydict()
    assert tomos.tilts.column_names[0] == "rlnTomoName"
    assert tomos.tilts.column("rlnTomoName").to_pylist() == [
        name for name in tomos for _ in range(tomos[name].tilt_series.num_tilts)
    ]


def real_sets() -> Iterator[Path]:
    """Give the files of all real sets."""
    for path in sorted(REAL.glob("**/*.star")):
        outline = tomoset.scan_star(path, on_error="collect")
        if "global" in outline and "rlnTomoTiltSeriesStarFile" in outline["global"].labels:
            yield path


@pytest.mark.skipif(not REAL.is_dir(), reason="no real data here")
def test_real_sets_column_by_column() -> None:
    paths = list(real_sets())
    assert len(paths) > 5
    for path in paths:
        tomos = tomoset.TomogramSet.read(path)
        assert not tomos.findings
        assert tomos.project_root.parent == REAL
        for name, tomogram in tomos.items():
            # An independent reading: words, line by line.
            text = (tomos.project_root / tomogram["rlnTomoTiltSeriesStarFile"]).read_text()
            body = text[text.index(f"data_{name}") :].splitlines()
            labels = [line.split()[0][1:] for line in body if line.startswith("_")]
            rows = [
                line.split()
                for line in body
                if line.strip() and line[0] not in "_#" and len(line.split()) > 1
            ]
            series = tomogram.tilt_series
            assert series.labels == labels
            assert series.num_tilts == len(rows)
            for label, words in zip(labels, zip(*rows, strict=True), strict=True):
                for value, word in zip(series[label].to_pylist(), words, strict=True):
                    if isinstance(value, float):
                        assert value == float(word)
                    elif isinstance(value, list):
                        assert value == [float(item) for item in word.strip("[]").split(",")]
                    else:
                        assert str(value) == word


def test_nothing_is_copied(tmp_path: Path) -> None:
    tomos = tomoset.TomogramSet.read(make_set(tmp_path))
    whole = tomos.contents.tilts.column("rlnDefocusU").chunk(0).buffers()[1]
    for index, name in enumerate(tomos):
        values = tomos[name].tilt_series.defocus_u
        assert values.ctypes.data == whole.address + 8 * int(tomos.offsets[index])
        assert not values.flags.writeable
    assert tomos.select(["TS_02"])["TS_02"].tilt_series.defocus_u.ctypes.data == whole.address + 24
    assert tomos["TS_01"].tilt_series.defocus_u.tolist() == [15000, 15100, 15200]


def test_properties(tmp_path: Path) -> None:
    tomos = tomoset.TomogramSet.read(make_set(tmp_path))
    tomogram = tomos["TS_01"]
    assert (tomogram.name, tomogram.voltage, tomogram["rlnMine"], "rlnMine" in tomogram) == (
        "TS_01",
        300,
        "mine",
        True,
    )
    assert (tomogram.tomogram_binning, tomogram.defocus_slope, tomogram.bfactor_per_electron_dose) == (
        1,
        1,
        0,
    )
    assert (tomogram.fiducials_file, tomogram.etomo_directive_file, tomogram.size) == ("", None, None)
    with pytest.raises(
        tomoset.MissingLabelError, match=r"aligned_tilt_series.star: .*no column 'rlnTomoHand'"
    ):
        _ = tomogram.hand
    series = tomogram.tilt_series
    assert series.scale_factor.tolist() == [1, 1, 1]
    assert series.x_tilt.tolist() == series.bfactor.tolist() == series.phase_shift.tolist() == [0, 0, 0]
    assert (series.y_tilt, series.movie_names) == (None, None)
    with pytest.raises(
        tomoset.MissingLabelError, match=r"tilt series 'TS_01' has no column 'rlnDefocusV'.*DefocusU"
    ):
        _ = series.defocus_v
    with pytest.raises(AttributeError, match=r"Tomogram.voltage cannot be set: sets do not change"):
        tomogram.voltage = 200.0
    assert tomogram.fractional_dose == 3
    assert "kV" in (tomoset.Tomogram.voltage.__doc__ or "")
    known = {row[0]: row[1] for row in tomoset._core.labels()}
    for owner in (tomoset.Tomogram, tomoset.TiltSeries):
        for each in properties(owner):
            kinds = {"double": ("float", "float64"), "int": ("int", "int64"), "string": ("str", "text")}
            if each.label != "rlnTomoReconstructedTomogramDenoised":
                assert each.kind in kinds.get(known[each.label], ("list of float64 arrays",)), each.label


def test_series_with_other_columns(tmp_path: Path) -> None:
    path = make_set(tmp_path)
    other = path.parent / "tilt_series" / "TS_02.star"
    other.write_text(other.read_text().replace("_rlnDefocusU #3", "_rlnPhaseShift #3"))
    tomos = tomoset.TomogramSet.read(path)
    assert tomos.tilts.column("rlnPhaseShift").null_count == 3
    one, two = (tomos[name].tilt_series for name in tomos)
    assert "rlnPhaseShift" not in one.table.column_names
    assert one.phase_shift.tolist() == [0, 0, 0]
    assert two.phase_shift.tolist() == [15000, 15100, 15200]
    with pytest.raises(tomoset.MissingLabelError, match="tilt series 'TS_02' has no column"):
        _ = two.defocus_u


def test_a_set_is_a_mapping(tmp_path: Path) -> None:
    tomos = tomoset.TomogramSet.read(make_set(tmp_path))
    assert list(tomos) == tomos.names == ["TS_01", "TS_02"]
    assert (len(tomos), tomos.num_tilts, "TS_02" in tomos, "x" in tomos) == (2, 6, True, False)
    assert (tomos[1].name, tomos[-1].name, tomos[:1].names) == ("TS_02", "TS_02", ["TS_01"])
    with pytest.raises(
        tomoset.MissingTomogramError, match=r"no tomogram 'TS_1' among 2; did you mean .TS_01"
    ):
        tomos["TS_1"]
    with pytest.raises(IndexError):
        tomos[2]
    for again in (pickle.loads(pickle.dumps(tomos)), copy.deepcopy(tomos)):
        assert again.names == tomos.names
        assert again.tilts.equals(tomos.tilts)
        assert again["TS_01"].tilt_series.defocus_u.tolist() == [15000, 15100, 15200]
    assert pa.table(tomos).equals(tomos.table)
    assert tomos.to_pandas().shape == tomos.to_polars().shape == (2, 4)
    assert (
        tomos["TS_01"].tilt_series.to_pandas().shape == tomos["TS_01"].tilt_series.to_polars().shape == (3, 3)
    )


def test_how_it_looks(tmp_path: Path) -> None:
    path = make_set(tmp_path)
    tomos = tomoset.TomogramSet.read(path)
    assert repr(tomos) == (
        f"<TomogramSet {path}: 2 tomograms, 6 tilts, RELION 5>\n"
        "  TS_01  3 tilts, -3.0 to 3.0 deg, 0.0 to 6.0 e/A^2\n"
        "  TS_02  3 tilts, -3.0 to 3.0 deg, 0.0 to 6.0 e/A^2"
    )
    assert (
        repr(tomos["TS_01"])
        == "<Tomogram TS_01: of unknown size, 3 tilts, -3.0 to 3.0 deg, 0.0 to 6.0 e/A^2>"
    )
    assert (
        repr(tomos["TS_01"].tilt_series) == "<TiltSeries TS_01: 3 tilts, -3.0 to 3.0 deg, 0.0 to 6.0 e/A^2>"
    )
    assert "<td>TS_02</td>" in tomos._repr_html_()
    assert "<th>rlnDefocusU" in tomos["TS_01"].tilt_series._repr_html_()


# Where the project is.


def test_the_project_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = make_set(tmp_path / "project")
    assert tomoset.TomogramSet.read(path).project_root == tmp_path / "project"
    monkeypatch.chdir(path.parent)
    assert tomoset.TomogramSet.read(path.name).project_root == tmp_path / "project"
    (tmp_path / "project" / "default_pipeline.star").unlink()
    assert tomoset.TomogramSet.read(path).project_root == tmp_path / "project"
    moved = tmp_path / "project" / "elsewhere" / "deep" / "set.star"
    moved.parent.mkdir(parents=True)
    moved.write_bytes(path.read_bytes())
    assert tomoset.TomogramSet.read(moved).project_root == tmp_path / "project"
    away = tmp_path / "set.star"
    away.write_bytes(path.read_bytes())
    with pytest.raises(
        FileNotFoundError, match=r"No such file .*the tilt series of .*set.star: row 0 \(TS_01\)"
    ):
        tomoset.TomogramSet.read(away)
    monkeypatch.chdir(tmp_path / "project")
    assert tomoset.TomogramSet.read(away).project_root == tmp_path / "project"
    assert len(tomoset.TomogramSet.read(away, project_root=tmp_path / "project")) == 2


@pytest.mark.parametrize("how", ["absolute", "dots", "link", "folder"])
def test_paths_that_leave_the_project(how: str, tmp_path: Path) -> None:
    path = make_set(tmp_path / "project")
    inside = path.parent / "tilt_series" / "TS_02.star"
    outside = tmp_path / "TS_02.star"
    outside.write_bytes(inside.read_bytes())
    text = path.read_text()
    if how == "absolute":
        path.write_text(text.replace("Align/job005/tilt_series/TS_02.star", str(outside)))
    elif how == "dots":
        path.write_text(text.replace("Align/job005/tilt_series/TS_02.star", "../TS_02.star"))
    elif how == "link":
        inside.unlink()
        inside.symlink_to(outside)
    else:
        (tmp_path / "project" / "far").symlink_to(tmp_path)
        path.write_text(text.replace("Align/job005/tilt_series/TS_02.star", "far/TS_02.star"))
    with pytest.raises(
        tomoset.SetError, match=r"row 1 \(TS_02\): the path .* leads out of the project"
    ) as raised:
        tomoset.TomogramSet.read(path)
    assert (raised.value.code, raised.value.row, raised.value.tomogram) == ("outside", 1, "TS_02")
    assert pickle.loads(pickle.dumps(raised.value)).code == "outside"
    assert len(tomoset.TomogramSet.read(path, allow_outside=True)) == 2
    skipped = tomoset.TomogramSet.read(path, missing="skip")
    assert skipped.names == ["TS_01"]
    assert [finding.code for finding in skipped.findings] == ["outside"]


# Bad input.


def broken(path: Path, what: str) -> None:
    """Break a set in some way."""
    series = path.parent / "tilt_series" / "TS_02.star"
    text, own = path.read_text(), series.read_text()
    if what == "missing-file":
        series.unlink()
    elif what == "missing-block":
        series.write_text(own.replace("data_TS_02", "data_TS_2"))
    elif what == "empty-tilt-series":
        series.write_text(own.replace("\n".join(TILTS), ""))
    elif what == "unreadable":
        series.write_text(own.replace("15100", "x"))
    elif what == "no-path":
        path.write_text(text.replace("Align/job005/tilt_series/TS_02.star", '""'))
    elif what == "empty-name":
        path.write_text(text.replace("TS_02 Align", '"" Align'))
    elif what == "repeated-name":
        path.write_text(text + "TS_01 Align/job005/tilt_series/TS_01.star 300.0 mine\n")


@pytest.mark.parametrize(
    ("what", "error", "words"),
    [
        (
            "missing-file",
            FileNotFoundError,
            r"No such file or directory \(the tilt series of .*row 1 \(TS_02\)",
        ),
        (
            "missing-block",
            tomoset.MissingBlockError,
            r"no block named .*row 1 \(TS_02\), and RELION wants a block",
        ),
        (
            "empty-tilt-series",
            tomoset.SetError,
            r"row 1 \(TS_02\): block data_TS_02 of .*TS_02.star has no rows",
        ),
        ("unreadable", tomoset.StarTypeError, r"TS_02.star:11:10: .*rlnDefocusU.*expected a number"),
        ("no-path", tomoset.SetError, r"row 1 \(TS_02\): rlnTomoTiltSeriesStarFile is empty"),
        ("empty-name", tomoset.SetError, r"row 1 \(\): the name is empty; give it a name"),
        ("repeated-name", tomoset.SetError, r"row 2 \(TS_01\): 'TS_01' is also in row 0"),
    ],
)
def test_tilt_series_that_cannot_be_read(
    what: str, error: type[Exception], words: str, tmp_path: Path
) -> None:
    path = make_set(tmp_path)
    broken(path, what)
    with pytest.raises(error, match=words):
        tomoset.TomogramSet.read(path)
    tomos = tomoset.TomogramSet.read(path, missing="skip")
    left = ["TS_01", "TS_02"] if what == "repeated-name" else ["TS_01"]
    assert tomos.names == left
    assert tomos.num_tilts == 3 * len(left)
    assert tomos.tilts.column("rlnDefocusU").to_pylist() == [15000, 15100, 15200] * len(left)
    (finding,) = tomos.findings
    assert (finding.code, finding.severity) == (what, "fatal")
    assert "RELION" in str(finding)
    assert "findings: 1" in repr(tomos)


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        ("data_x\nloop_\n_rlnTomoName #1\nTS\n", "no-tomograms", "the block 'global' is not there"),
        ("data_global\nloop_\n_rlnTomoName #1\n", "no-tomograms", "the block 'global' is empty"),
        ("data_global\nloop_\n_rlnTomoNam #1\nTS\n", "no-names", "no column rlnTomoName; did you mean"),
        ("", "no-tomograms", "is not there"),
    ],
)
def test_files_that_are_no_sets(text: str, code: str, words: str, tmp_path: Path) -> None:
    path = tmp_path / "a.star"
    path.write_text(text)
    with pytest.raises(tomoset.SetError, match=words) as raised:
        tomoset.TomogramSet.read(path)
    assert raised.value.code == code


def test_options_that_mean_nothing(tmp_path: Path) -> None:
    path = make_set(tmp_path)
    with pytest.raises(ValueError, match="missing is 'no'; it must be 'raise' or 'skip'"):
        tomoset.TomogramSet.read(path, missing="no")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="the path is bytes"):
        tomoset.TomogramSet.read(os.fsencode(path))  # type: ignore[arg-type]
    with pytest.raises(FileNotFoundError):
        tomoset.TomogramSet.read(tmp_path / "no.star")


def test_sets_in_one_file(tmp_path: Path) -> None:
    series = "data_{}.tomostar\nloop_\n_rlnMicrographPreExposure #1\n_rlnTomoProjX #2\n{}\n"
    rows = "\n".join(f"{dose} [1,0,0,{dose}]" for dose in range(3))
    head = "data_{}\nloop_\n_rlnTomoName #1\n_rlnTomoFrameCount #2\nTS_1.tomostar 3\nTS_2.tomostar 4\n\n"
    path = tmp_path / "warp.star"
    path.write_text(head.format("global") + series.format("TS_2", rows) + "\n" + series.format("TS_1", rows))
    tomos = tomoset.TomogramSet.read(path)
    assert (tomos.layout, tomos.names, tomos.num_tilts) == ("relion4", ["TS_1.tomostar", "TS_2.tomostar"], 6)
    codes = [(finding.code, finding.tomogram) for finding in tomos.findings]
    assert codes == [("blocks-out-of-order", "TS_1.tomostar"), ("frame-count", "TS_2.tomostar")]
    vectors = tomos["TS_2.tomostar"].tilt_series.proj_x
    assert vectors is not None
    assert [vector.tolist() for vector in vectors] == [[1, 0, 0, 0], [1, 0, 0, 1], [1, 0, 0, 2]]
    path.write_text(head.format("") + series.format("TS_1", rows) + "\n" + series.format("TS_2", rows))
    assert [finding.code for finding in tomoset.TomogramSet.read(path).findings] == [
        "unnamed-block",
        "frame-count",
    ]
    path.write_text(head.format("global") + series.format("TS_1", rows))
    with pytest.raises(tomoset.SetError, match=r"row 1 .*block data_TS_2.tomostar is not there"):
        tomoset.TomogramSet.read(path)
    assert tomoset.TomogramSet.read(path, missing="skip").names == ["TS_1.tomostar"]


def test_one_file_for_two_series(tmp_path: Path) -> None:
    path = make_set(tmp_path)
    first, second = (path.parent / "tilt_series" / f"TS_0{number}.star" for number in (1, 2))
    first.write_text(first.read_text() + "\n" + second.read_text())
    path.write_text(path.read_text().replace("tilt_series/TS_02", "tilt_series/TS_01"))
    tomos = tomoset.TomogramSet.read(path)
    assert [(finding.code, finding.severity) for finding in tomos.findings] == [("shared-file", "silent")]
    assert tomos.num_tilts == 6


def test_errors_of_relion(tmp_path: Path) -> None:
    codes = {
        "tilt_series_file_missing": FileNotFoundError,
        "tilt_series_wrong_name": tomoset.MissingBlockError,
    }
    for path in sorted(GEOMETRY.glob("errors/*/tomograms.star")):
        case = path.parent.name
        if case in {
            "global_wrong_name",
            "global_without_rlnTomoName",
            "global_without_rlnTomoTiltSeriesStarFile",
        }:
            with pytest.raises(tomoset.SetError):
                tomoset.TomogramSet.read(path)
        elif case in codes:
            with pytest.raises(codes[case]):
                tomoset.TomogramSet.read(path)
        else:
            tomos = tomoset.TomogramSet.read(path)
            assert len(tomos.findings) == case.startswith("frame_count_too")


def test_sets_of_one_tilt_and_of_none_left(tmp_path: Path) -> None:
    path = make_set(tmp_path)
    series = path.parent / "tilt_series" / "TS_01.star"
    series.write_text(series.read_text().replace("\n".join(TILTS), TILTS[0]))
    tomos = tomoset.TomogramSet.read(path)
    assert tomos["TS_01"].tilt_series.num_tilts == 1
    assert tomos["TS_01"].fractional_dose is None
    assert "1 tilt, 0.0 to 0.0 deg" in repr(tomos)
    nothing = tomos.filter([False, False])
    assert (len(nothing), nothing.num_tilts, nothing.tilts.num_rows) == (0, 0, 0)
    path.write_text(GLOBAL + "TS_01 no.star 300 x\n")
    assert len(tomoset.TomogramSet.read(path, missing="skip")) == 0


def selected(tomos: tomoset.TomogramSet, label: str = "rlnDefocusU") -> dict[str, Any]:
    """Give the values of a column by tomogram."""
    return {name: tomos[name].tilt_series[label].to_pylist() for name in tomos}


def test_selecting(tmp_path: Path) -> None:
    tomos = tomoset.TomogramSet.read(make_set(tmp_path))
    assert selected(tomos.select(["TS_02", "TS_01"])) == {
        "TS_02": [15000, 15100, 15200],
        "TS_01": [15000, 15100, 15200],
    }
    assert tomos.filter("rlnTomoName == 'TS_02'").names == ["TS_02"]
    assert tomos.filter(np.array([True, False])).names == ["TS_01"]
    assert selected(tomos.filter_tilts("rlnTomoName == 'TS_02' or rlnMicrographPreExposure < 1")) == {
        "TS_01": [15000],
        "TS_02": [15000, 15100, 15200],
    }
    assert selected(tomos.drop_tilts(dose_above=3)) == {"TS_01": [15000, 15100], "TS_02": [15000, 15100]}
    assert selected(tomos.drop_tilts(angle_above=1)) == {"TS_01": [15000], "TS_02": [15000]}
    assert selected(tomos.drop_tilts(keep_least_dosed=2)) == {
        "TS_01": [15000, 15100],
        "TS_02": [15000, 15100],
    }
    assert selected(tomos.drop_tilts([True, False, False, False, False, True])) == {
        "TS_01": [15100, 15200],
        "TS_02": [15000, 15100],
    }
    by_tilt = tomos.sorted_by("tilt")
    assert selected(by_tilt) == {"TS_01": [15200, 15000, 15100], "TS_02": [15200, 15000, 15100]}
    assert selected(by_tilt.sorted_by("dose")) == selected(tomos)
    assert selected(by_tilt.select(["TS_02"]).drop_tilts(dose_above=3)) == {"TS_02": [15000, 15100]}
    # The old set is as it was.
    assert selected(tomos) == {"TS_01": [15000, 15100, 15200], "TS_02": [15000, 15100, 15200]}
    with pytest.raises(ValueError, match="which tilts"):
        tomos.drop_tilts()
    with pytest.raises(ValueError, match="at least 1"):
        tomos.drop_tilts(keep_least_dosed=0)
    with pytest.raises(ValueError, match="not by 'time'"):
        tomos.sorted_by("time")
    with pytest.raises(ValueError, match="named twice"):
        tomos.select(["TS_01", "TS_01"])
    with pytest.raises(TypeError, match=r"did you mean \['TS_01'\]"):
        tomos.select("TS_01")
    with pytest.raises(tomoset.MissingTomogramError, match="TS_03"):
        tomos.select(["TS_03"])
    with pytest.raises(ValueError, match="the mask has 2 values; the table has 6 rows"):
        tomos.drop_tilts([True, False])
