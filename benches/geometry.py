"""Geometry of whole sets, beside what only fills its results, or does the same by hand."""

from typing import Any

from readings import Reading
from tasks import Contender, Task

TILTS, FREQUENCIES, POINTS = 10_000, 128, 200_000


def _nothing(_: Any) -> Reading:
    return Reading()


# All matrices of 1,000 tilt series


def angles(_: list[str]) -> Any:
    """Angles, shifts and sizes of 41,000 tilt images."""
    import numpy as np

    rng, count = np.random.default_rng(0), 41_000
    turns = [rng.uniform(-60, 60, count) for _ in range(3)] + [rng.normal(0, 50, count) for _ in range(2)]
    frame = {"pixel_size": 1.35, "size": np.full((count, 3), 4000), "image_size": np.full((count, 2), 3838)}
    return turns, frame


def tomoset_matrices(prepared: Any) -> Any:
    """The projection matrices."""
    from tomoset import geometry

    turns, frame = prepared
    return geometry.projection_matrices(*turns, **frame)


def fill_matrices(prepared: Any) -> Any:
    """As many numbers, written once."""
    import numpy as np

    return np.full((len(prepared[0][0]), 4, 4), 1.0)


# CTFs


def defocus(_: list[str]) -> Any:
    """Defocus and scale of 10,000 images, and 128 frequencies."""
    import numpy as np

    rng = np.random.default_rng(0)
    u = rng.uniform(1e4, 4e4, (TILTS, 1))
    turn = rng.uniform(0, 180, (TILTS, 1))
    return np.linspace(0, 0.37, FREQUENCIES), u, u - 500, turn, rng.uniform(0.5, 1, (TILTS, 1))


def tomoset_ctf(prepared: Any) -> Any:
    """The CTF along x."""
    from tomoset import geometry

    frequency, u, v, turn, scale = prepared
    return geometry.ctf(
        frequency,
        0.0,
        defocus_u=u,
        defocus_v=v,
        defocus_angle=turn,
        voltage=300,
        spherical_aberration=2.7,
        amplitude_contrast=0.1,
        bfactor=10.0,
        scale=scale,
    )


def fused_ctf(prepared: Any) -> Any:
    """The same by hand, for x alone, with as few arrays as NumPy needs."""
    import numpy as np

    frequency, u, v, turn, scale = prepared
    along = np.cos(np.radians(turn)) ** 2
    length, sphere, squared = 0.019687615309, 2.7e7, frequency**2
    gamma = np.pi * length * squared * (0.5 * sphere * length**2 * squared - (u * along + v * (1 - along)))
    gamma -= np.arctan(0.1 / np.sqrt(1 - 0.01))
    np.sin(gamma, out=gamma)
    gamma *= -scale
    gamma *= np.exp(-10 * squared / 4)
    return gamma


# Particles in tilts


def batches(_: list[str]) -> Any:
    """200,000 points and 41 images, as the core takes them."""
    import numpy as np
    import pyarrow as pa

    rng, tilts = np.random.default_rng(0), 41
    images = {f"{axis}{at}": rng.normal(size=tilts) for axis in ("x", "y", "depth") for at in range(4)}
    images |= {name: rng.normal(size=tilts) for name in ("defocus_u", "defocus_v")}
    tomogram = {"start": np.array([0]), "stop": np.array([tilts])}
    tomogram |= {name: np.array([4000.0]) for name in ("defocus_per_pixel", "width", "height")}
    points: dict[str, Any] = {"owner": np.zeros(POINTS, dtype=np.int64)}
    points |= {axis: rng.uniform(0, 4000, POINTS) for axis in "xyz"}
    return [pa.RecordBatch.from_pydict(each) for each in (images, tomogram, points)]


def tomoset_places(prepared: Any) -> Any:
    """Places, depth, defocus and visibility of all points in all images."""
    from tomoset import _core

    images, tomogram, points = prepared
    return _core.places(images, tomogram, points, None, 100.0)


def fill_places(prepared: Any) -> Any:
    """As many numbers, written once."""
    import numpy as np

    rows = prepared[2].num_rows * prepared[0].num_rows
    return [np.full(rows, 1.5) for _ in range(5)] + [np.full(rows, True)]


TASKS = (
    Task(
        "matrices",
        "Projection matrices of 41,000 tilt images",
        "tilts",
        (
            Contender("tomoset", "tomoset", tomoset_matrices, _nothing, prepare=angles),
            Contender("fill-arrays", None, fill_matrices, _nothing, prepare=angles),
        ),
        many=True,
    ),
    Task(
        "ctf",
        "CTF of 10,000 tilt images at 128 frequencies",
        "tilts",
        (
            Contender("tomoset", "tomoset", tomoset_ctf, _nothing, prepare=defocus),
            Contender("numpy-by-hand", None, fused_ctf, _nothing, prepare=defocus),
        ),
        many=True,
    ),
    Task(
        "places",
        "200,000 points in 41 tilt images",
        "tilts",
        (
            Contender("tomoset", "tomoset", tomoset_places, _nothing, prepare=batches),
            Contender("fill-arrays", None, fill_places, _nothing, prepare=batches),
        ),
        many=True,
    ),
)
