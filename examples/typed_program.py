"""A program of a user who has type checkers look at it: much of tomoset, with the types that it promises.

python examples/typed_program.py FOLDER    makes a small project there, reads it, edits it, and asks about it
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, assert_type

import numpy as np
import numpy.typing as npt
import polars as pl
import tomoset
from tomoset import geometry
from tomoset.polars import scan_star

Floats = npt.NDArray[np.float64]


def make_project(folder: Path) -> Path:
    """Write a set of two tilt series and its particles."""
    angles = np.arange(-60.0, 61.0, 3.0)
    size = len(angles)
    series: dict[str, Any] = {
        "rlnMicrographName": [f"frames/{n:03}.mrc" for n in range(size)],
        "rlnTomoNominalStageTiltAngle": angles,
        "rlnMicrographPreExposure": 3.0 * np.argsort(np.argsort(np.abs(angles))),
        "rlnTomoXTilt": np.zeros(size),
        "rlnTomoYTilt": angles,
        "rlnTomoZRot": np.full(size, 85.0),
        "rlnTomoXShiftAngst": np.zeros(size),
        "rlnTomoYShiftAngst": np.zeros(size),
        "rlnDefocusU": np.full(size, 31000.0),
        "rlnDefocusV": np.full(size, 30000.0),
        "rlnDefocusAngle": np.zeros(size),
    }
    names = ["TS_01", "TS_02"]
    for name in names:
        tomoset.write_star({name: pl.DataFrame(series)}, folder / f"{name}.star")
    table = {
        "rlnTomoName": names,
        "rlnTomoTiltSeriesStarFile": [f"{name}.star" for name in names],
        "rlnVoltage": [300.0] * 2,
        "rlnSphericalAberration": [2.7] * 2,
        "rlnAmplitudeContrast": [0.07] * 2,
        "rlnTomoTiltSeriesPixelSize": [1.35] * 2,
        "rlnTomoHand": [-1] * 2,
        "rlnTomoSizeX": [4000] * 2,
        "rlnTomoSizeY": [4000] * 2,
        "rlnTomoSizeZ": [2000] * 2,
    }
    path = folder / "tomograms.star"
    tomoset.write_star({"global": pl.DataFrame(table)}, path)
    return path


def read_text(path: Path) -> dict[str, int]:
    """Read a file, its outline and a stream of it."""
    star = tomoset.read_star(path, columns=["rlnTomoName", "rlnVoltage"], dtypes={"rlnVoltage": float})
    assert_type(star, tomoset.StarFile)
    rows: dict[str, int] = {}
    for name, block in star.items():
        assert_type(block, tomoset.StarBlock)
        rows[name] = block.num_rows
    for note in star.diagnostics:
        assert_type(note, tomoset.Diagnostic)
        print(f"{path}:{note.line}:{note.column}: {note.code} {note.message}")
    outline = tomoset.scan_star(path)
    assert_type(outline["global"].num_rows, int)
    assert rows == {name: found.num_rows for name, found in outline.items()}
    assert sum(batch.num_rows for batch in tomoset.iter_star(path, "global", batch_rows=1)) == rows["global"]
    return rows


def edit_text(path: Path) -> bytes:
    """Edit a block; the rest keeps its text."""
    star = tomoset.read_star(path)
    block = star["global"].with_columns({"rlnTomoHand": 1}, rlnVoltage=[200.0, 300.0])
    star["global"] = block.take([1, 0]).drop("rlnAmplitudeContrast")
    star.write(path.with_name("edited.star"), floats={"rlnVoltage": "%.1f"}, durable=False)
    tomoset.append_star(
        path.with_name("TS_01.star"), tomoset.read_star(path.with_name("TS_02.star"))["TS_02"]
    )
    return star.to_bytes()


def measure(path: Path) -> tuple[Floats, Floats]:
    """Project a point into all images of a tilt series, and get its CTF there."""
    tomos = tomoset.TomogramSet.read(path)
    assert_type(tomos.names, list[str])
    tomo = tomos["TS_02"]
    assert_type(tomo, tomoset.Tomogram)
    assert_type(tomos[:1], tomoset.TomogramSet)
    series = tomo.tilt_series
    assert_type(series, tomoset.TiltSeries)
    kept = tomos.drop_tilts(dose_above=60).sorted_by("dose")
    assert kept.num_tilts < tomos.num_tilts
    kept.write(path.parent / "Select" / "job002" / "tomograms.star", durable=False)
    for finding in tomos.validate():
        assert_type(finding, tomoset.Finding)
    points = np.array([[0.0, 0.0, 0.0], [100.0, 0.0, 50.0]])
    image_size = (4000, 4000)
    seen = series.project(points, image_size=image_size)
    assert seen.shape == (series.num_tilts, 2, 2)
    matrices = geometry.euler_matrices(10.0, 20.0, 30.0)
    assert np.allclose(matrices @ matrices.T, np.eye(3))
    return seen, series.dose_weights(np.linspace(0, 0.3, 4))


def ask(path: Path) -> list[dict[str, Any]]:
    """Ask polars, which reads only what the question needs."""
    frame = scan_star(path, "global").select("rlnTomoName", "rlnVoltage").collect()
    return frame.to_dicts()


def fail(path: Path) -> str:
    """Tell where a broken file is broken."""
    path.write_text("data_a\n\nloop_\n_rlnVoltage #1\n_rlnOpticsGroup #2\n300\n")
    try:
        tomoset.read_star(path)
    except tomoset.StarSyntaxError as fault:
        assert_type(fault.line, int)
        assert_type(fault.block, str | None)
        return f"line {fault.line}: expected {fault.expected}"
    except (tomoset.TomosetError, OSError) as fault:
        return str(fault)
    raise AssertionError("a short row was taken")


def main(folder: Path) -> None:
    """Do all of it."""
    path = make_project(folder)
    print(read_text(path))
    print(len(edit_text(path)), "bytes")
    seen, weights = measure(path)
    print(seen[0, 0], weights.shape)
    print(ask(path))
    print(fail(folder / "broken.star"))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
