"""Make the benchmark's files, the same bytes every time, and a manifest of what each holds.

``python benches/data.py [--folder DIR] [--rows N] [--files N] [--blocks N] [--no-optics]``
prints the manifest's path. Files that exist already are kept.
"""

import argparse
import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from columns import CHECKED, MOTION, OPTICS, PARTICLES, PICKED, TILTS, Kind, count_kinds
from numpy.random import Generator, default_rng
from numpy.typing import NDArray
from relion_text import csv_rows, fields_of, star_loop, star_rows

FOLDER = Path(__file__).resolve().parent.parent / "bench-data"
SEED = 20_251
CHUNK_ROWS = 50_000
PER_TOMOGRAM = 1_000
NUM_TILTS = 41

Columns = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class Sizes:
    """How much to make: particle rows, tilt-series files, trajectory blocks."""

    rows: int = 1_000_000
    files: int = 1_000
    blocks: int = 20_000
    optics: bool = True


@dataclass(frozen=True)
class Dataset:
    """One input of the benchmark, with what a correct reader finds in it.

    `sums` holds, per checked column, the sum of the values as printed.
    """

    files: dict[str, list[str]]
    num_bytes: dict[str, int]
    rows: int
    columns: int
    kinds: str
    sums: dict[str, float]


Build = Callable[[Path, Sizes], Dataset]


def make(folder: Path, sizes: Sizes) -> Path:
    """Make what is missing in `folder`; return the path of the manifest (JSON: name -> Dataset)."""
    folder.mkdir(parents=True, exist_ok=True)
    optics = "" if sizes.optics else "-no-optics"
    particles = _cached(folder, f"particles-{sizes.rows}{optics}", _particles, sizes)
    datasets = {
        "particles": particles,
        "picked": _picked(particles),
        "tilts": _cached(folder, f"tilts-{sizes.files}", _tilts, sizes),
        "motion": _cached(folder, f"motion-{sizes.blocks}", _motion, sizes),
    }
    path = folder / f"manifest-{sizes.rows}-{sizes.files}-{sizes.blocks}{optics}.json"
    _write(path, json.dumps(datasets, indent=1).encode())
    return path


def _picked(particles: dict[str, Any]) -> dict[str, Any]:
    """What is found when only some columns of the particles are asked for."""
    sums = {label: total for label, total in particles["sums"].items() if label in PICKED}
    return particles | {"columns": len(PICKED), "kinds": count_kinds(PICKED.values()), "sums": sums}


def _cached(folder: Path, name: str, build: Build, sizes: Sizes) -> dict[str, Any]:
    """Build a folder of files beside, then rename it; its manifest is the last file written."""
    home = folder / name
    if not home.exists():
        beside = folder / (name + ".part")
        shutil.rmtree(beside, ignore_errors=True)
        beside.mkdir()
        _write(beside / "manifest.json", json.dumps(asdict(build(beside, sizes))).encode())
        beside.rename(home)
    found: dict[str, Any] = json.loads((home / "manifest.json").read_bytes())
    found["files"] = {kind: [str(home / name) for name in names] for kind, names in found["files"].items()}
    return found


def _write(path: Path, content: bytes) -> None:
    beside = path.with_name(path.name + ".part")
    beside.write_bytes(content)
    beside.rename(path)


def _describe(
    home: Path, files: dict[str, list[str]], rows: int, kinds: dict[str, Kind], sums: dict[str, float]
) -> Dataset:
    num_bytes = {kind: sum((home / name).stat().st_size for name in names) for kind, names in files.items()}
    return Dataset(files, num_bytes, rows, len(kinds), count_kinds(kinds.values()), sums)


# Particles: one table as STAR and as CSV


def _particles(home: Path, sizes: Sizes) -> Dataset:
    totals = dict.fromkeys((label for label in CHECKED if label in PARTICLES), 0.0)
    with open(home / "particles.star", "wb") as star, open(home / "particles.csv", "wb") as csv:
        if sizes.optics:
            star.write(star_loop("optics", OPTICS) + star_rows(fields_of(_optics(), OPTICS)) + b" \n")
        star.write(star_loop("particles", PARTICLES))
        csv.write(",".join(PARTICLES).encode() + b"\n")
        for columns in _particle_chunks(sizes.rows):
            fields = fields_of(columns, PARTICLES)
            star.write(star_rows(fields))
            csv.write(csv_rows(fields))
            for label in totals:
                totals[label] += _printed_sum(columns[label])
        star.write(b" \n")
    files = {"star": ["particles.star"], "csv": ["particles.csv"]}
    return _describe(home, files, sizes.rows, PARTICLES, totals)


def _printed_sum(values: NDArray[Any]) -> float:
    """Add up the values as RELION prints them (near zero to six decimals, where it prints more)."""
    return float(np.where(values < 0, np.round(values, 5), np.round(values, 6)).sum())


def _optics() -> Columns:
    row = (300.0, 2.7, 0.1, 1.35, 1, "optics1", 1, 2, 1.0, 1.35, 192)
    return {label: np.array([value]) for label, value in zip(OPTICS, row, strict=True)}


def _particle_chunks(rows: int) -> Iterator[Columns]:
    for number, first in enumerate(range(0, rows, CHUNK_ROWS)):
        index = np.arange(first, min(first + CHUNK_ROWS, rows))
        yield _particle_columns(index, default_rng([SEED, 1, number]))


def _particle_columns(index: NDArray[np.int64], rng: Generator) -> Columns:
    rows = len(index)
    tomogram = _tomogram_names(index // PER_TOMOGRAM)
    number = _decimal(index % PER_TOMOGRAM + 1)
    defocus = rng.uniform(25_000, 45_000, rows)
    return {
        "rlnTomoName": tomogram,
        "rlnTomoParticleName": _text(tomogram, b"/", number),
        "rlnTomoParticleId": index + 1,
        **_angles(rng, rows, "rlnTomoSubtomogram"),
        **_angles(rng, rows, "rlnAngle"),
        **{f"rlnCoordinate{axis}": rng.uniform(50, 3_800, rows) for axis in "XYZ"},
        **{f"rlnOrigin{axis}Angst": rng.normal(0, 3, rows) for axis in "XYZ"},
        "rlnAngleTiltPrior": np.full(rows, 90.0),
        "rlnAnglePsiPrior": np.zeros(rows),
        "rlnDefocusU": defocus,
        "rlnDefocusV": defocus - rng.uniform(10, 500, rows),
        "rlnDefocusAngle": rng.uniform(-90, 90, rows),
        "rlnImageName": _text(b"Extract/job031/Subtomograms/", tomogram, b"/", number, b"_stack2d.mrcs"),
        "rlnMicrographName": _text(b"MotionCorr/job002/frames/", tomogram, b"_020_-3_0.mrc"),
        "rlnOpticsGroup": np.ones(rows, dtype=np.int64),
        "rlnGroupNumber": index // PER_TOMOGRAM + 1,
        "rlnClassNumber": rng.integers(1, 5, rows),
        "rlnNormCorrection": rng.normal(1, 0.05, rows),
        "rlnRandomSubset": index % 2 + 1,
        # Six-digit mantissa and exponent in every row: what RELION's refinements leave behind.
        "rlnLogLikeliContribution": rng.normal(1.904e6, 2e3, rows),
        # About 3 in 100 are below 0.001.
        "rlnMaxValueProbDistribution": rng.exponential(0.03, rows),
        "rlnNrOfSignificantSamples": rng.integers(1, 500, rows),
    }


def _angles(rng: Generator, rows: int, prefix: str) -> Columns:
    rot, psi = rng.uniform(-180, 180, (2, rows))
    return {f"{prefix}Rot": rot, f"{prefix}Tilt": rng.uniform(0, 180, rows), f"{prefix}Psi": psi}


def _tomogram_names(number: NDArray[np.int64]) -> NDArray[np.bytes_]:
    return _text(b"TS_", _decimal(number + 1, 4))


def _text(*parts: bytes | NDArray[np.bytes_]) -> NDArray[np.bytes_]:
    """Concatenate texts row by row."""
    out = np.asarray(parts[0], dtype=np.bytes_)
    for part in parts[1:]:
        out = np.asarray(np.strings.add(out, np.asarray(part, dtype=np.bytes_)))
    return out


def _decimal(numbers: NDArray[np.int64], digits: int = 1) -> NDArray[np.bytes_]:
    """Whole numbers as text, with zeros before them up to `digits`."""
    return np.asarray(np.strings.zfill(numbers.astype(np.bytes_), digits), dtype=np.bytes_)


# Tilt series: many small files


def _tilts(home: Path, sizes: Sizes) -> Dataset:
    columns = _tilt_columns(sizes.files, default_rng([SEED, 2]))
    lines = star_rows(fields_of(columns, TILTS)).splitlines(keepends=True)
    names = [name.decode() for name in _tomogram_names(np.arange(sizes.files)).tolist()]
    for number, name in enumerate(names):
        rows = lines[number * NUM_TILTS : (number + 1) * NUM_TILTS]
        (home / f"{name}.star").write_bytes(star_loop(name, TILTS) + b"".join(rows) + b" \n")
    files = {"star": [f"{name}.star" for name in names]}
    sums = {"rlnDefocusU": _printed_sum(columns["rlnDefocusU"])}
    return _describe(home, files, len(lines), TILTS, sums)


def _tilt_columns(files: int, rng: Generator) -> Columns:
    rows = files * NUM_TILTS
    tilt = np.tile(np.arange(NUM_TILTS) * 3.0 - 60, files)
    exposure = np.tile(np.argsort(np.argsort(np.abs(tilt[:NUM_TILTS]), kind="stable")) * 3.0, files)
    defocus = rng.uniform(25_000, 45_000, rows)
    astigmatism = rng.uniform(10, 500, rows)
    total, early = rng.uniform(4, 12, (2, rows))
    return {
        **_tilt_names(files, tilt, exposure),
        "rlnTomoTiltMovieFrameCount": np.full(rows, 8),
        "rlnTomoNominalStageTiltAngle": tilt + rng.normal(0, 0.01, rows),
        "rlnTomoNominalTiltAxisAngle": np.full(rows, 85.0),
        "rlnMicrographPreExposure": exposure,
        "rlnTomoNominalDefocus": np.full(rows, -4.0),
        "rlnAccumMotionTotal": total + early,
        "rlnAccumMotionEarly": early,
        "rlnAccumMotionLate": total,
        "rlnDefocusU": defocus,
        "rlnDefocusV": defocus - astigmatism,
        "rlnCtfAstigmatism": astigmatism,
        "rlnDefocusAngle": rng.uniform(-90, 90, rows),
        "rlnCtfFigureOfMerit": rng.uniform(0.01, 0.2, rows),
        "rlnCtfMaxResolution": rng.uniform(6, 25, rows),
        "rlnCtfIceRingDensity": rng.uniform(0.1, 1, rows),
        "rlnTomoXTilt": np.zeros(rows),
        "rlnTomoYTilt": tilt,
        "rlnTomoZRot": rng.normal(85.1, 0.03, rows),
        "rlnTomoXShiftAngst": rng.normal(0, 30, rows),
        "rlnTomoYShiftAngst": rng.normal(0, 60, rows),
        "rlnCtfScalefactor": np.cos(np.radians(tilt)),
    }


def _tilt_names(files: int, tilt: NDArray[np.float64], exposure: NDArray[np.float64]) -> Columns:
    tomogram = _tomogram_names(np.repeat(np.arange(files), NUM_TILTS))
    order = _decimal((exposure / 3 + 1).astype(np.int64), 3)
    stem = _text(tomogram, b"_", order, b"_", _decimal(tilt.astype(np.int64)))
    moved = _text(b"MotionCorr/job002/frames/", stem, b"_0")
    return {
        "rlnMicrographMovieName": _text(b"frames/", stem, b".0.mrc"),
        "rlnCtfPowerSpectrum": _text(moved, b"_PS.mrc"),
        "rlnMicrographNameEven": _text(moved, b"_EVN.mrc"),
        "rlnMicrographNameOdd": _text(moved, b"_ODD.mrc"),
        "rlnMicrographName": _text(moved, b".mrc"),
        "rlnMicrographMetadata": _text(moved, b".star"),
        "rlnCtfImage": _text(b"CtfFind/job003/frames/", stem, b"_0_PS.ctf:mrc"),
    }


# Trajectories: many small blocks


def _motion(home: Path, sizes: Sizes) -> Dataset:
    columns = _motion_columns(sizes.blocks, default_rng([SEED, 3]))
    lines = star_rows(fields_of(columns, MOTION)).splitlines(keepends=True)
    with open(home / "motion.star", "wb") as file:
        general = f"_rlnParticleNumber {sizes.blocks:>24}"
        file.write(f"\n# version 50001\n\ndata_general\n\n{general}\n \n".encode())
        for block in range(sizes.blocks):
            name = f"TS_{block // PER_TOMOGRAM + 1:04}/{block % PER_TOMOGRAM + 1}"
            file.write(star_loop(name, MOTION))
            file.writelines(lines[block * NUM_TILTS : (block + 1) * NUM_TILTS])
            file.write(b" \n")
    sums = {"rlnOriginXAngst": _printed_sum(columns["rlnOriginXAngst"])}
    return _describe(home, {"star": ["motion.star"]}, len(lines), MOTION, sums)


def _motion_columns(blocks: int, rng: Generator) -> Columns:
    """A random walk away from the first exposed tilt, which stands still."""
    steps = rng.normal(0, 0.5, (blocks, NUM_TILTS, 3))
    walk = steps.cumsum(axis=1)
    walk -= walk[:, NUM_TILTS // 2, None]
    return {label: walk[:, :, axis].ravel() for axis, label in enumerate(MOTION)}


def parse(arguments: list[str] | None = None) -> tuple[Path, Sizes]:
    """Read the command line."""
    whole = Sizes()
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--folder", type=Path, default=FOLDER)
    parser.add_argument("--rows", type=int, default=whole.rows)
    parser.add_argument("--files", type=int, default=whole.files)
    parser.add_argument("--blocks", type=int, default=whole.blocks)
    parser.add_argument("--no-optics", dest="optics", action="store_false")
    chosen = parser.parse_args(arguments)
    return chosen.folder, Sizes(chosen.rows, chosen.files, chosen.blocks, chosen.optics)


if __name__ == "__main__":
    print(make(*parse()))
