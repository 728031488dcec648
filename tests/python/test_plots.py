"""Plots: what is drawn, and the command that writes pictures."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tomoset
from cli_runs import run
from set_files import GEOMETRY, make_set

PLAIN = GEOMETRY / "relion5_plain/tomograms.star"


def lines(axes: Any) -> list[Any]:
    return [line.get_xydata() for line in axes.get_lines()]


def test_what_is_drawn() -> None:
    tomos = tomoset.TomogramSet.read(PLAIN)
    figure = tomos.plot()
    scheme, defocus, shifts, overview = figure.axes
    series = tomos["TS_02"].tilt_series
    order = np.argsort(series.pre_exposure, kind="stable")
    np.testing.assert_allclose(
        lines(scheme)[1], np.stack([series.pre_exposure, series.nominal_tilt_angles], axis=-1)[order]
    )
    by_angle = np.argsort(series.nominal_tilt_angles, kind="stable")
    mean = (series.defocus_u + series.defocus_v) / 2e4
    np.testing.assert_allclose(lines(defocus)[1][:, 1], mean[by_angle])
    assert series.y_shift is not None
    np.testing.assert_allclose(lines(shifts)[3][:, 1], series.y_shift[by_angle] / 10)
    assert [label.get_text() for label in overview.get_yticklabels()] == tomos.names
    assert [len(line) for line in lines(overview)] == np.diff(tomos.offsets).tolist()
    assert "relion5_plain/tomograms.star: 4 tomograms, 196 tilts" in figure.get_suptitle()
    assert scheme.get_legend() is not None


def test_what_is_not_there_is_said(tmp_path: Path) -> None:
    tomos = tomoset.TomogramSet.read(make_set(tmp_path))
    _, defocus, shifts, _ = tomos.plot().axes
    assert [text.get_text() for text in defocus.texts] == ["no defocus yet"]
    assert [text.get_text() for text in shifts.texts] == ["not aligned with angles and shifts"]


def test_many_tomograms() -> None:
    tomos = tomoset.TomogramSet.read(PLAIN)
    many = tomoset.TomogramSet.concat([tomos] * 10, clashes="number")
    scheme, _, _, overview = many.plot().axes
    assert len(lines(scheme)) == 40
    assert scheme.get_legend() is None
    assert len(lines(overview)) == 30
    assert "the first 30 of 40" in overview.get_title("left")
    assert not tomos[:0].plot().axes[0].get_lines()


@pytest.mark.parametrize(("name", "begin"), [("a.png", b"\x89PNG"), ("a.PDF", b"%PDF"), ("a.svg", b"<?xml")])
def test_pictures(name: str, begin: bytes, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(capfd, "plot", PLAIN, "-o", tmp_path / name, "--dpi", "40").code == 0
    assert (tmp_path / name).read_bytes().startswith(begin)
    again = run(capfd, "plot", PLAIN, "-o", tmp_path / name)
    assert again.code != 0
    assert "exists" in again.err
    assert run(capfd, "plot", PLAIN, "-o", tmp_path / name, "--force", "--tomogram", "TS_02").code == 0


def test_wrong_commands(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    odd = run(capfd, "plot", PLAIN, "-o", tmp_path / "a.jpg")
    assert odd.code == 2
    assert "a picture is .png, .pdf or .svg" in odd.err
    missing = run(capfd, "plot", PLAIN, "-o", tmp_path / "a.png", "--tomogram", "TS_22")
    assert missing.code == 3
    assert "did you mean" in missing.err
    none = run(capfd, "plot", tmp_path / "none.star", "-o", tmp_path / "a.png")
    assert none.code == 3
    assert list(tmp_path.iterdir()) == []


def test_without_matplotlib(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ImportError, match=r"pip install 'tomoset\[plot\]'"):
        tomoset.TomogramSet.read(PLAIN).plot()


def test_sets_of_relion_4_and_names_that_look_like_formulas(tmp_path: Path) -> None:
    tomos = tomoset.TomogramSet.read(GEOMETRY / "relion4_single_file/tomograms.star")
    odd = tomos.rename_tomograms({"TS_43": r"$\frac$", "TS_45": "a$b_{$"})
    figure = odd.plot()
    figure.savefig(tmp_path / "a.png", dpi=30)
    scheme, defocus, _, overview = figure.axes
    # Of the matrices, since there are no nominal angles.
    assert lines(scheme)[0][:, 1].min() < -50
    assert len(lines(defocus)) == 2
    assert [len(line) for line in lines(overview)] == [41, 41]


def test_shifts_of_failed_alignments_do_not_hide_the_others() -> None:
    tomos = tomoset.TomogramSet.read(PLAIN)
    shifts = tomos.tilts.column("rlnTomoXShiftAngst").to_numpy().copy()
    shifts[3] = 1e6
    axes = tomos.with_tilt_columns(rlnTomoXShiftAngst=shifts).plot().axes[2]
    assert axes.get_ylim()[1] < 1e4
    assert "(1 beyond)" in axes.get_title("left")


def test_a_tilt_series_that_is_not_aligned_is_refused() -> None:
    tomos = tomoset.TomogramSet.read(GEOMETRY / "relion5_not_aligned/tomograms.star")
    with pytest.raises(tomoset.SetError, match="no images that are aligned"):
        tomos["raw"].plot()
    with pytest.raises(IndexError, match="tilt is 99; the tilt series has 61 images"):
        tomoset.TomogramSet.read(PLAIN)["TS_02"].plot(tilt=99)


def test_a_tilt_series(tmp_path: Path) -> None:
    tomos = tomoset.TomogramSet.read(PLAIN)
    particles = tomoset.ParticleSet.read(
        GEOMETRY.parent / "particles/relion5_full/particles.star", tomograms=tomos
    )
    figure = tomos["TS_02"].plot(particles, tilt=30)
    figure.savefig(tmp_path / "a.png", dpi=40)
    views, wedge, curves, image = figure.axes[:4]
    # A line for each image, and one more: the axis, the edge, the envelopes.
    assert len(views.get_lines()) == 62
    assert len(wedge.get_lines()) == 62
    assert len(curves.get_lines()) == 4
    # The first image has lost nothing at the lowest frequency.
    assert lines(curves)[1][0, 1] == pytest.approx(tomos["TS_02"].tilt_series.scale_factor[30])
    (dots,) = image.collections
    own = particles.filter("rlnTomoName == 'TS_02'")
    places = tomos["TS_02"].tilt_series.project(own.positions_px)[30]
    np.testing.assert_allclose(np.asarray(dots.get_offsets()), places)
    # The outline has twelve edges, the image one frame.
    assert len(image.get_lines()) == 13


def test_a_tilt_series_by_command(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    picture = tmp_path / "a.png"
    drawn = run(capfd, "plot", PLAIN, "-o", picture, "--geometry", "--tomogram", "TS_02", "--dpi", "40")
    assert drawn.code == 0
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert "--tomogram NAME" in run(capfd, "plot", PLAIN, "-o", picture, "--geometry", "--force").err
    assert (
        "is for --geometry"
        in run(capfd, "plot", PLAIN, "-o", picture, "--particles", "p.star", "--force").err
    )
