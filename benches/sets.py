"""Sets of tomograms, particles and trajectories: read as such, and written."""

import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

from readings import Reading, of_arrow, of_many
from tasks import Contender, Task

# Reading


def set_file(paths: list[str]) -> str:
    """Write the file of a tomogram set with these tilt series, into their folder."""
    import pyarrow
    import tomoset

    folder = Path(paths[0]).parent
    names = [Path(path).stem for path in paths]
    table = {"rlnTomoName": names, "rlnTomoTiltSeriesStarFile": [Path(path).name for path in paths]}
    path = folder / f"tomograms-{os.getpid()}.star"
    tomoset.write_star({"global": pyarrow.table(table)}, path)
    return str(path)


def tomoset_set(path: str) -> Any:
    """A tomogram set with all of its tilt series."""
    from tomoset import TomogramSet

    return TomogramSet.read(path)


def look_at_set(tomograms: Any) -> Reading:
    """Read off the tilt images of a set."""
    Path(tomograms.path).unlink()
    return of_arrow(tomograms.tilts.drop_columns(["rlnTomoName"]))


def tomoset_particle_set(path: str) -> Any:
    """A ParticleSet, its optics checked."""
    from tomoset import ParticleSet

    return ParticleSet.read(path)


def of_particle_set(particles: Any) -> Reading:
    """Read off a particle set."""
    return of_arrow(particles.table)


def tomoset_trajectories(path: str) -> Any:
    """A TrajectorySet: all blocks in one table."""
    from tomoset import TrajectorySet

    return TrajectorySet.read(path)


def of_trajectories(trajectories: Any) -> Reading:
    """Read off a trajectory set."""
    return of_arrow(trajectories.table.drop_columns(["rlnTomoParticleName"]))


# Writing


def untouched_set(paths: list[str]) -> Any:
    """A tomogram set as it was read."""
    path = set_file(paths)
    tomograms = tomoset_set(path)
    Path(path).unlink()
    return tomograms


def edited_set(paths: list[str]) -> Any:
    """A tomogram set of whose columns one was set, so that each file is an edited copy of the one that was read."""
    tomograms = untouched_set(paths)
    scale = "rlnCtfScalefactor"
    return tomograms.with_tilt_columns({scale: tomograms.tilts.column(scale)})


def tomoset_set_write(tomograms: Any) -> str:
    """The set's file and one for each tilt series."""
    folder = _folder()
    tomograms.write(folder / "tomograms.star", durable=False)
    return str(folder)


def pandas_frames(paths: list[str]) -> Any:
    """A pandas DataFrame for each file, by the file's name."""
    import tomoset

    return {Path(path).stem: tomoset.read_star(path).blocks[0].to_pandas() for path in paths}


def starfile_set_write(frames: Any) -> str:
    """A file for each frame."""
    import starfile

    folder = _folder()
    for name, frame in frames.items():
        starfile.write({name: frame}, folder / f"{name}.star")
    return str(folder)


def look_at_folder(folder: str) -> Reading:
    """Read the tilt series that were written."""
    import tomoset

    try:
        files = sorted(path for path in Path(folder).glob("*.star") if path.stem != "tomograms")
        return of_many([tomoset.read_star(path).blocks[0].to_arrow() for path in files], of_arrow)
    finally:
        shutil.rmtree(folder)


def _folder() -> Path:
    """Make a folder in memory, if there is one: disks have moods."""
    memory = Path("/dev/shm")
    return Path(tempfile.mkdtemp(prefix="tomoset-bench-", dir=memory if memory.is_dir() else None))


TASKS = (
    Task(
        "set-write",
        "A tomogram set written, of whose tilt images one column was set",
        "tilts",
        (
            Contender("tomoset", "tomoset", tomoset_set_write, look_at_folder, prepare=edited_set),
            Contender(
                "tomoset-untouched", "tomoset", tomoset_set_write, look_at_folder, prepare=untouched_set
            ),
            Contender(
                "starfile", "starfile", starfile_set_write, look_at_folder, prepare=pandas_frames, rounds=3
            ),
        ),
        many=True,
    ),
)
