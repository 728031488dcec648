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
from tomoset import geometry
from tomoset.plots.style import colours

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
    bare = run(capfd, "plot", PLAIN)
    assert (bare.code, "Missing option '-o': the picture to write, .png, .pdf or .svg." in bare.err) == (
        2,
        True,
    )
    # What is wrong with the set comes before what is in the way.
    (tmp_path / "a.png").write_bytes(b"")
    for arguments, words in (
        ([PLAIN, "--tomogram", "TS_22"], "did you mean"),
        ([tmp_path], "Is a directory"),
        ([PLAIN], "a.png: exists already; --force replaces it"),
    ):
        done = run(capfd, "plot", *arguments, "-o", tmp_path / "a.png")
        assert (done.code, words in done.err) == (3, True), done.err


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


def drawn(**options: Any) -> tuple[Any, list[Any]]:
    """Draw a tilt series; give it and the axes of its views, wedge, curves and image."""
    tomogram = tomoset.TomogramSet.read(PLAIN)["TS_02"]
    return tomogram, tomogram.plot(**options).axes


def test_views_are_those_of_the_matrices() -> None:
    tomogram, (views, *_) = drawn()
    series = tomogram.tilt_series
    matrices = series.projection_matrices()
    rays = [np.stack(line.get_data_3d(), axis=-1) for line in views.get_lines()]
    assert len(rays) == len(series) + 1
    ends = matrices[:, 2, :3]
    np.testing.assert_allclose(rays[:-1], np.stack([np.zeros_like(ends), ends], axis=1), atol=1e-12)
    axis = geometry.tilt_axis(matrices)
    np.testing.assert_allclose(rays[-1], [-axis, axis], atol=1e-12)
    # Dark first, by dose.
    shades = [line.get_color() for line in views.get_lines()]
    expected = colours(len(series))
    assert [shades[at] for at in np.argsort(series.pre_exposure, kind="stable")] == expected


def test_the_wedge_is_what_images_sample() -> None:
    tomogram, (_, wedge, *_) = drawn()
    series, nyquist = tomogram.tilt_series, 1 / (2 * tomogram.pixel_size)
    matrices = series.projection_matrices()
    *planes, edge = lines(wedge)
    assert len(planes) == len(series)
    # The tilts' own space: across, along the mean view, along the axis, which is what one looks along.
    turned = geometry.view_directions(matrices) @ geometry.tilt_space(matrices).T
    np.testing.assert_allclose(np.hypot(*edge.T), nyquist)
    # More of the view is along the mean view than across: a plane is mostly across.
    ends = np.array(planes)
    np.testing.assert_allclose(ends[:, 0], -ends[:, 1], atol=1e-15)
    np.testing.assert_allclose(np.sum(ends[:, 1] * turned[:, :2], axis=1), 0, atol=1e-12)
    flat = np.abs(ends[:, 1, 0]) > np.abs(ends[:, 1, 1])
    assert flat.tolist() == (np.abs(turned[:, 1]) > np.abs(turned[:, 0])).tolist()
    # As far as a tenth is left: there it is, and a step further it is not, but for the edge.
    reach, step = np.hypot(*ends[:, 1].T), nyquist / 127
    own = np.arange(len(series))
    assert (series.dose_weights(reach)[own, own] >= 0.1).all()
    beyond = series.dose_weights(reach + step)[own, own] <= 0.1
    assert (beyond | np.isclose(reach, nyquist)).all()
    # The series has both.
    assert 0 < beyond.sum() < len(series)


def test_curves_are_those_of_the_ctf() -> None:
    tomogram, (_, _, curves, _) = drawn()
    series = tomogram.tilt_series
    found = lines(curves)
    assert len(found) == 4
    ends = np.argsort(series.pre_exposure, kind="stable")[[0, -1]]
    # Left out, these would be missed.
    assert series.phase_shift[ends].all()
    assert (series.scale_factor[ends] != 1).any()
    for at, (curve, envelope) in zip(ends, (found[:2], found[2:]), strict=True):
        frequency = curve[:, 0]
        np.testing.assert_allclose(frequency, np.linspace(0, 1 / (2 * tomogram.pixel_size), len(frequency)))
        expected = geometry.ctf_1d(
            frequency,
            defocus=(series.defocus_u[at] + series.defocus_v[at]) / 2,
            voltage=tomogram.voltage,
            spherical_aberration=tomogram.spherical_aberration,
            amplitude_contrast=tomogram.amplitude_contrast,
            phase_shift=series.phase_shift[at],
            scale=series.scale_factor[at],
            dose=series.pre_exposure[at],
        )
        np.testing.assert_allclose(curve[:, 1], expected, rtol=0, atol=2e-8)
        np.testing.assert_allclose(envelope[:, 0], frequency)
        left = geometry.dose_weight(frequency, series.pre_exposure[at]) * series.scale_factor[at]
        np.testing.assert_allclose(envelope[:, 1], left, rtol=0, atol=1e-12)
    # The first image has lost nothing at the lowest frequency.
    assert found[1][0, 1] == pytest.approx(series.scale_factor[30])


@pytest.mark.parametrize(("tilt", "at"), [(None, 35), (3, 3), (-1, 60)])
def test_the_outline_is_where_the_tomogram_is(tilt: int | None, at: int) -> None:
    tomogram, (_, _, _, image) = drawn(tilt=tilt)
    series = tomogram.tilt_series
    *edges, frame = lines(image)
    size = np.array(tomogram.size)
    corners = np.indices((2, 2, 2)).reshape(3, 8).T * size
    places = series.project(corners)[at]
    # Corners that differ along one axis alone: twelve pairs.
    pairs = [
        (one, other)
        for one in range(8)
        for other in range(one + 1, 8)
        if np.count_nonzero(corners[one] != corners[other]) == 1
    ]
    assert len(edges) == len(pairs) == 12
    np.testing.assert_allclose(by_place(edges), by_place([places[list(pair)] for pair in pairs]), atol=1e-9)
    width, height = series.image_size()
    assert sorted(map(tuple, frame.tolist())) == sorted(
        [(0, 0), (0, 0), (width, 0), (width, height), (0, height)]
    )
    assert image.yaxis_inverted()
    assert f"Image {at} at {round(float(series.y_tilt[at]))} deg" in image.get_title("left")


def by_place(found: list[Any]) -> list[Any]:
    """Sort lines, and the ends of each."""
    return sorted(sorted(np.asarray(line).round(6).tolist()) for line in found)


def test_particles_are_where_they_are_seen(tmp_path: Path) -> None:
    tomos = tomoset.TomogramSet.read(PLAIN)
    particles = tomoset.ParticleSet.read(
        GEOMETRY.parent / "particles/relion5_full/particles.star", tomograms=tomos
    )
    figure = tomos["TS_02"].plot(particles, tilt=30)
    figure.savefig(tmp_path / "a.png", dpi=40)
    image = figure.axes[3]
    (dots,) = image.collections
    own = particles.filter("rlnTomoName == 'TS_02'")
    series = tomos["TS_02"].tilt_series
    np.testing.assert_allclose(np.asarray(dots.get_offsets()), series.project(own.positions_px)[30])
    nanometres = series.depth_offset(own.positions_px)[30] * tomos["TS_02"].pixel_size / 10
    np.testing.assert_allclose(np.asarray(dots.get_array()), nanometres)
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
