"""The tasks that write: what is written is made ready beforehand, untimed, and read back afterwards.

Files go to memory where the system has a file system in memory, so that the disk's moods are not measured; the
contender called durable shows what waiting for the disk adds, in the temporary folder.
"""

import os
import tempfile
from pathlib import Path
from typing import Any

from columns import PARTICLES
from readings import Reading, of_arrow, of_pandas, of_polars
from tasks import Contender, Task

MEMORY = Path("/dev/shm")
FORMAT = "%.6f"


def _target(suffix: str, *, on_disk: bool = False) -> str:
    """Name a file of this process that is not there yet."""
    folder = Path(tempfile.gettempdir()) if on_disk or not MEMORY.is_dir() else MEMORY
    return str(folder / f"tomoset-bench-{os.getpid()}{suffix}")


def arrow_table(path: str) -> Any:
    """The particles as a pyarrow Table."""
    import tomoset

    return tomoset.read_star(path)["particles"].to_arrow()


def polars_frame(path: str) -> Any:
    """The particles as a polars DataFrame."""
    import polars

    return polars.from_arrow(arrow_table(path))


def pandas_frame(path: str) -> Any:
    """The particles as a pandas DataFrame."""
    return arrow_table(path).to_pandas()


def tomoset_write(table: Any) -> str:
    """Arrow to STAR, shortest floats."""
    return _tomoset(table, _target(".star"), durable=False)


def tomoset_write_durable(table: Any) -> str:
    """The same, and wait for the disk."""
    return _tomoset(table, _target(".star", on_disk=True), durable=True)


def tomoset_write_six(table: Any) -> str:
    """Arrow to STAR, six decimals."""
    return _tomoset(table, _target(".star"), durable=False, floats=FORMAT)


def _tomoset(table: Any, path: str, **options: Any) -> str:
    import tomoset

    tomoset.write_star({"particles": table}, path, **options)
    return path


def polars_write(frame: Any, precision: int | None = None) -> str:
    """CSV on every core."""
    path = _target(".csv")
    frame.write_csv(path, float_precision=precision)
    return path


def polars_write_six(frame: Any) -> str:
    """The same, six decimals."""
    return polars_write(frame, 6)


def pyarrow_write(table: Any) -> str:
    """CSV by one thread."""
    from pyarrow import csv

    path = _target(".csv")
    csv.write_csv(table, path)
    return path


def pandas_write(frame: Any) -> str:
    """CSV by pandas."""
    path = _target(".csv")
    frame.to_csv(path, index=False)
    return path


def starfile_write(frame: Any) -> str:
    """STAR by starfile, whose floats have six decimals."""
    import starfile

    path = _target(".star")
    starfile.write({"particles": frame}, path)
    return path


def compat_write(frame: Any) -> str:
    """STAR by the stand-in for starfile."""
    from tomoset.compat import starfile

    path = _target(".star")
    starfile.write({"particles": frame}, path)
    return path


def look_at_star(path: str) -> Reading:
    """Read the file back, and delete it."""
    import tomoset

    try:
        return of_arrow(tomoset.read_star(path)["particles"].to_arrow())
    finally:
        Path(path).unlink()


def look_at_csv(path: str) -> Reading:
    """Read the file back, and delete it."""
    import polars

    kinds = {"float": polars.Float64, "int": polars.Int64, "string": polars.String}
    schema = {label: kinds[kind] for label, kind in PARTICLES.items()}
    try:
        return of_polars(polars.read_csv(path, schema=schema))
    finally:
        Path(path).unlink()


# Edits


def opened(path: str) -> Any:
    """A file that was read, and new values for one of its columns."""
    import numpy as np
    import tomoset

    star = tomoset.read_star(path)
    return star, np.asarray(star["particles"]["rlnClassNumber"]) % 7 + 1


def tomoset_edit(prepared: Any) -> str:
    """Set one column and write the file, all other text as it is."""
    star, values = prepared
    path = _target(".star")
    star["particles"] = star["particles"].with_columns(rlnClassNumber=values)
    star.write(path, durable=False)
    return path


def look_at_edited(path: str) -> Reading:
    """Read off the edited file: the column that was set is none whose sum is checked."""
    return look_at_star(path)


# The stand-in for starfile


def compat_read(path: str) -> Any:
    """STAR to pandas by the stand-in for starfile."""
    from tomoset.compat import starfile

    return starfile.read(path, always_dict=True)["particles"]


def starfile_read(path: str) -> Any:
    """STAR to pandas by starfile."""
    import starfile

    return starfile.read(path, always_dict=True)["particles"]


def starfile_rs_read(path: str) -> Any:
    """STAR to pandas by starfile-rs's stand-in."""
    from starfile_rs import compat

    return compat.read(path, always_dict=True)["particles"]


def tomoset_read(path: str) -> Any:
    """The whole file to Arrow, for comparison."""
    return arrow_table(path)


TASKS = (
    Task(
        "write",
        "A particle table written, shortest floats",
        "particles",
        (
            Contender("tomoset", "tomoset", tomoset_write, look_at_star, prepare=arrow_table),
            Contender("tomoset-durable", "tomoset", tomoset_write_durable, look_at_star, prepare=arrow_table),
            Contender("polars", "polars", polars_write, look_at_csv, prepare=polars_frame),
            Contender("pyarrow", "pyarrow", pyarrow_write, look_at_csv, prepare=arrow_table, rounds=3),
            Contender("pandas", "pandas", pandas_write, look_at_csv, prepare=pandas_frame, rounds=3),
            Contender("starfile", "starfile", starfile_write, look_at_star, prepare=pandas_frame, rounds=3),
        ),
    ),
    Task(
        "write-six",
        "The same with six decimals",
        "particles",
        (
            Contender("tomoset", "tomoset", tomoset_write_six, look_at_star, prepare=arrow_table),
            Contender("polars", "polars", polars_write_six, look_at_csv, prepare=polars_frame),
        ),
    ),
    Task(
        "edit",
        "One column set in a file that was read, the rest kept as it is",
        "particles",
        (
            Contender("tomoset", "tomoset", tomoset_edit, look_at_edited, prepare=opened),
            Contender("tomoset-read", "tomoset", tomoset_read, of_arrow),
        ),
    ),
    Task(
        "compat-read",
        "starfile.read of the particle table",
        "particles",
        (
            Contender("tomoset", "tomoset", compat_read, of_pandas),
            Contender("starfile-rs", "starfile_rs", starfile_rs_read, of_pandas, rounds=3),
            Contender("starfile", "starfile", starfile_read, of_pandas, rounds=3),
        ),
    ),
    Task(
        "compat-write",
        "starfile.write of the particle table (starfile-rs changes values)",
        "particles",
        (
            Contender("tomoset", "tomoset", compat_write, look_at_star, prepare=pandas_frame),
            Contender("starfile", "starfile", starfile_write, look_at_star, prepare=pandas_frame, rounds=3),
        ),
    ),
)
