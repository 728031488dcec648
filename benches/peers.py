"""The tasks that read, and for each task one small function per contender.

Packages are imported inside the functions: this module loads where none of them is installed, and a process
that measures one contender loads that one only. The import is never timed (see measure.py).
"""

from collections.abc import Callable, Iterator
from typing import Any

from columns import PARTICLES, PICKED, Kind
from readings import Reading, of_arrow, of_gemmi, of_many, of_pandas, of_polars
from sets import (
    look_at_set,
    of_particle_set,
    of_trajectories,
    set_file,
    tomoset_particle_set,
    tomoset_set,
    tomoset_trajectories,
)
from tasks import Contender, Task

PICKED_LABELS = list(PICKED)
MIB = 1 << 20


# One particle table, every column


def tomoset_particles(path: str) -> Any:
    """STAR to a pyarrow Table."""
    import tomoset

    return tomoset.read_star(path)["particles"].to_arrow()


def starfile_particles(path: str) -> Any:
    """STAR to a pandas DataFrame."""
    import starfile

    return starfile.read(path, always_dict=True)["particles"]


def starfile_rs_particles(path: str) -> Any:
    """STAR to a polars DataFrame."""
    import starfile_rs

    return starfile_rs.read_star_block(path, "particles").trust_loop().to_polars()


def gemmi_document(path: str) -> Any:
    """STAR to a gemmi Document, whose values stay text."""
    from gemmi import cif

    return cif.read(path)


def pandas_csv(path: str, columns: list[str] | None = None) -> Any:
    """CSV by the engine that uses every core."""
    import pandas

    return pandas.read_csv(path, engine="pyarrow", usecols=columns)


def pandas_c_csv(path: str) -> Any:
    """CSV by the default engine; types are inferred, which is faster here than naming them."""
    import pandas

    return pandas.read_csv(path, engine="c")


def polars_csv(path: str, columns: list[str] | None = None) -> Any:
    """CSV on every core, types given, no search for quotes (the file has none)."""
    import polars

    kinds = {"float": polars.Float64, "int": polars.Int64, "string": polars.String}
    schema = {label: kinds[kind] for label, kind in PARTICLES.items()}
    return polars.read_csv(path, schema=schema, columns=columns, quote_char=None)


def pyarrow_csv(path: str, columns: list[str] | None = None) -> Any:
    """CSV on every core, types given, no search for quotes (the file has none)."""
    from pyarrow import csv

    return csv.read_csv(path, **_pyarrow_options(columns))


def pyarrow_batches(path: str) -> Any:
    """CSV batch by batch, each dropped when counted."""
    from pyarrow import csv

    return _count_batches(csv.open_csv(path, **_pyarrow_options(None)))


def _pyarrow_options(columns: list[str] | None) -> dict[str, Any]:
    import pyarrow
    from pyarrow import csv

    kinds: dict[Kind, Any] = {"float": pyarrow.float64(), "int": pyarrow.int64(), "string": pyarrow.string()}
    types = {label: kinds[kind] for label, kind in PARTICLES.items()}
    return {
        "read_options": csv.ReadOptions(use_threads=True, block_size=4 * MIB),
        "parse_options": csv.ParseOptions(quote_char=False),
        "convert_options": csv.ConvertOptions(column_types=types, include_columns=columns),
    }


# Some columns, batches, outline


def tomoset_picked(path: str) -> Any:
    """Three columns of the particles."""
    import tomoset

    return tomoset.read_star(path, columns=PICKED_LABELS)["particles"].to_arrow()


def tomoset_batches(path: str) -> Any:
    """STAR batch by batch, each dropped when counted."""
    import tomoset

    return _count_batches(tomoset.iter_star(path, block="particles"))


def _count_batches(batches: Iterator[Any]) -> Reading:
    rows = columns = 0
    for batch in batches:
        rows += batch.num_rows
        columns = batch.num_columns
    return Reading(rows=rows, columns=columns)


def tomoset_outline(path: str) -> Any:
    """Blocks, labels, row counts; no values."""
    import tomoset

    return tomoset.scan_star(path)


def look_at_outline(outline: Any) -> Reading:
    """Read off the particles' block of an outline."""
    block = next(block for block in outline.blocks if block.name == "particles")
    return Reading(rows=block.num_rows, columns=len(block.labels))


def read_bytes(path: str) -> bytes:
    """The floor: the file's bytes, not looked at."""
    with open(path, "rb") as file:
        return file.read()


# Many blocks


def tomoset_blocks(path: str) -> list[Any]:
    """Every loop of every block as a pyarrow Table."""
    import tomoset

    return _loops(tomoset.read_star(path))


def tomoset_file(path: str) -> Any:
    """The StarFile: all values decoded, no Python object for a block yet."""
    import tomoset

    return tomoset.read_star(path)


def _loops(star: Any) -> list[Any]:
    return [table for block in star.blocks for table in block.loops]


def starfile_blocks(path: str) -> list[Any]:
    """Every loop as a pandas DataFrame."""
    import starfile

    return [block for name, block in starfile.read(path, always_dict=True).items() if name != "general"]


def starfile_rs_blocks(path: str) -> list[Any]:
    """Every loop as a polars DataFrame."""
    import starfile_rs

    blocks = starfile_rs.read_star(path).items()
    return [block.trust_loop().to_polars() for name, block in blocks if name != "general"]


# Many files


def tomoset_stack(paths: list[str]) -> Any:
    """All files' rows in one pyarrow Table."""
    from tomoset import _core
    from tomoset.sources import read_options

    options = read_options(None, None, "relion", "large_string", "raise", "replace", False, None)
    return _core.read_stack(paths, options).table


def look_at_stack(table: Any) -> Reading:
    """Read off a stack."""
    return of_arrow(table)


def starfile_stack(paths: list[str]) -> Any:
    """One pandas DataFrame a file, then one for all."""
    import pandas
    import starfile

    return pandas.concat([starfile.read(path) for path in paths], ignore_index=True)


def starfile_rs_stack(paths: list[str]) -> Any:
    """One polars DataFrame a file, then one for all."""
    import polars
    import starfile_rs

    frames = (starfile_rs.read_star(path).first().trust_loop().to_polars() for path in paths)
    return polars.concat(frames)


def gemmi_stack(paths: list[str]) -> Any:
    """One gemmi Document a file; not stacked, values stay text."""
    from gemmi import cif

    return [cif.read(path) for path in paths]


def read_bytes_of_each(paths: list[str]) -> int:
    """The floor: each file's bytes, not looked at."""
    return sum(len(read_bytes(path)) for path in paths)


def _nothing(_: Any) -> Reading:
    return Reading()


def _as_is(reading: Reading) -> Reading:
    return reading


def _gemmi_particles(document: Any) -> Reading:
    return of_gemmi(document, "particles")


def _look_at_arrow(tables: list[Any]) -> Reading:
    return of_many(tables, of_arrow)


def _look_at_file(star: Any) -> Reading:
    return _look_at_arrow(_loops(star))


def _look_at_polars(frames: list[Any]) -> Reading:
    return of_many(frames, of_polars)


def _look_at_pandas(frames: list[Any]) -> Reading:
    return of_many(frames, of_pandas)


def _look_at_gemmi(documents: list[Any]) -> Reading:
    return of_many(documents, of_gemmi)


def _particle_contenders() -> tuple[Contender, ...]:
    return (
        Contender("tomoset", "tomoset", tomoset_particles, of_arrow),
        Contender("tomoset-set", "tomoset", tomoset_particle_set, of_particle_set),
        Contender("polars", "polars", polars_csv, of_polars, format="csv"),
        Contender("pyarrow", "pyarrow", pyarrow_csv, of_arrow, format="csv"),
        Contender("pandas", "pandas", pandas_csv, of_pandas, format="csv"),
        Contender("pandas-c", "pandas", pandas_c_csv, of_pandas, format="csv"),
        Contender("starfile-rs", "starfile_rs", starfile_rs_particles, of_polars),
        Contender("gemmi", "gemmi", gemmi_document, _gemmi_particles, rounds=3),
        Contender("starfile", "starfile", starfile_particles, of_pandas, rounds=3),
    )


def _only_picked(read: Callable[[str, list[str]], Any]) -> Callable[[str], Any]:
    return lambda path: read(path, PICKED_LABELS)


def _picked_contenders() -> tuple[Contender, ...]:
    return (
        Contender("tomoset", "tomoset", tomoset_picked, of_arrow),
        Contender("tomoset-all-columns", "tomoset", tomoset_particles, _nothing),
        Contender("polars", "polars", _only_picked(polars_csv), of_polars, format="csv"),
        Contender("pyarrow", "pyarrow", _only_picked(pyarrow_csv), of_arrow, format="csv"),
        Contender("pandas", "pandas", _only_picked(pandas_csv), of_pandas, format="csv"),
    )


TASKS = (
    Task("particles", "One particle table to typed columns", "particles", _particle_contenders()),
    Task("columns", "Three columns of the same table", "picked", _picked_contenders()),
    Task(
        "stream",
        "The same table in batches",
        "particles",
        (
            Contender("tomoset", "tomoset", tomoset_batches, _as_is),
            Contender("pyarrow", "pyarrow", pyarrow_batches, _as_is, format="csv"),
        ),
    ),
    Task(
        "outline",
        "Outline of the same file",
        "particles",
        (
            Contender("tomoset", "tomoset", tomoset_outline, look_at_outline),
            Contender("read-bytes", None, read_bytes, _nothing),
        ),
    ),
    Task(
        "blocks",
        "Every block of a trajectory file",
        "motion",
        (
            Contender("tomoset", "tomoset", tomoset_file, _look_at_file),
            Contender("tomoset-tables", "tomoset", tomoset_blocks, _look_at_arrow),
            Contender("tomoset-set", "tomoset", tomoset_trajectories, of_trajectories),
            Contender("gemmi", "gemmi", gemmi_document, of_gemmi),
            Contender("starfile-rs", "starfile_rs", starfile_rs_blocks, _look_at_polars, rounds=3),
            Contender("starfile", "starfile", starfile_blocks, _look_at_pandas, rounds=1),
        ),
    ),
    Task(
        "stack",
        "Many tilt-series files to one table",
        "tilts",
        (
            Contender("tomoset", "tomoset", tomoset_stack, look_at_stack),
            Contender("tomoset-set", "tomoset", tomoset_set, look_at_set, prepare=set_file),
            Contender("read-bytes", None, read_bytes_of_each, _nothing),
            Contender("gemmi", "gemmi", gemmi_stack, _look_at_gemmi),
            Contender("starfile-rs", "starfile_rs", starfile_rs_stack, of_polars),
            Contender("starfile", "starfile", starfile_stack, of_pandas, rounds=3),
        ),
        many=True,
    ),
)
