"""The rows of a file of trajectories, and what is odd in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from tomoset import _core
from tomoset.exceptions import SetError, printable
from tomoset.sets.contents import offsets_of
from tomoset.sets.findings import Finding
from tomoset.sets.kinds import reader_hint
from tomoset.sets.labels import GENERAL, ORIGIN
from tomoset.sets.paths import repeated
from tomoset.star import read_star
from tomoset.tables import as_numpy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tomoset.sets.values import Integers
    from tomoset.star import StarFile

__all__ = ["NUMBER", "Trajectories", "findings_of", "read_trajectories", "trajectory_error"]

NUMBER = "rlnParticleNumber"


@dataclass(frozen=True)
class Trajectories:
    """All rows of a file, trajectory by trajectory."""

    names: list[str]
    table: pa.Table
    #: The rows of trajectory ``i`` are ``offsets[i]`` to ``offsets[i + 1]``.
    offsets: Integers
    path: str | None = None
    star: StarFile | None = None
    #: Which block of `star` each was, -1 for none; None when all are as they were read.
    blocks: Integers | None = None
    #: Whether shifts may differ from the file.
    edited: bool = False
    #: ``rlnParticleNumber``, which RELION believes.
    number: int | None = None
    findings: tuple[Finding, ...] = ()

    def origins(self) -> Integers:
        """Give the block of each, where all are as they were read."""
        if self.blocks is not None:
            return self.blocks
        assert self.star is not None
        return but_general(self.star)


def read_trajectories(path: str, threads: int | None) -> Trajectories:
    """Read a file, as `TrajectorySet.read` does."""
    star = read_star(path, threads=threads)
    number = star[GENERAL][NUMBER] if GENERAL in star and NUMBER in star[GENERAL] else []
    if not len(number) or number[0].as_py() is None:
        hint = reader_hint(star, "TrajectorySet")
        found = f"no trajectories: there is no block {GENERAL!r} with {NUMBER}{hint}; RELION stops here"
        raise trajectory_error(path, "no-trajectories", found)
    blocks = but_general(star)
    names = [name for name in star._names if name != GENERAL]
    table, rows = star._stacked(blocks)
    offsets = offsets_of(rows)
    for label in ORIGIN:
        column = table.column(label) if label in table.column_names else None
        if names and (column is None or column.null_count):
            at = 0 if column is None else int(np.argmax(as_numpy(column.is_null())))
            raise _no_shift(path, star, blocks, offsets, at, label)
    if not names:
        table = pa.table({label: pa.array([], pa.float64()) for label in ORIGIN})
    count = int(number[0].as_py())
    return Trajectories(
        names,
        table,
        offsets,
        path,
        star,
        number=count,
        findings=tuple(findings_of(path, names, rows, count)),
    )


def _no_shift(
    path: str, star: StarFile, blocks: Integers, offsets: Integers, row: int, label: str
) -> SetError:
    """Make the error of a row without a shift."""
    at = max(int(np.searchsorted(offsets, row, side="right")) - 1, 0)
    block = star.blocks[int(blocks[at])]
    lacks, place = f"no column {label!r}{_core.hint(label, '_', block.labels)}", None
    if label in block:
        place = row - int(offsets[at])
        lacks = f"no number for {label} in row {place}"
    where = printable(path, 1000)
    return SetError(
        f"{where}: the trajectory of {printable(block.name)!r} has {lacks}; RELION stops here",
        code="no-shifts",
        path=path,
        block=block.name,
        row=place,
        label=None if place is None else label,
    )


def but_general(star: StarFile) -> Integers:
    """Give the blocks that are of particles."""
    blocks = np.arange(len(star._names))
    general = [at for at, name in enumerate(star._names) if name == GENERAL]
    return np.delete(blocks, general)


def findings_of(path: str, names: list[str], rows: Integers, number: int) -> Iterator[Finding]:
    """Say what is odd in trajectories by their names and numbers of rows; `number` is what the file says."""
    where = printable(path, 1000)
    if number != len(names):
        few = number > len(names)
        yield Finding(
            "trajectory-count",
            "silent" if few else "warning",
            where,
            f"{NUMBER} is {number}, and there are {len(names)} trajectories",
            "reads none for the last particles"
            if few
            else "stops if there are more particles than the number",
            f"write it with tomoset, which sets {NUMBER}",
            path=path,
            block=GENERAL,
            row=0,
            label=NUMBER,
        )
    for name, places in repeated(names).items():
        yield Finding(
            "repeated-name",
            "silent",
            where,
            f"{len(places)} trajectories are of {printable(name)!r}",
            "takes the first",
            "leave the others out",
            path=path,
            block=name,
        )
    empty = np.flatnonzero(rows == 0)
    if len(empty):
        yield Finding(
            "empty-trajectory",
            "fatal",
            where,
            f"{len(empty)} trajectories have no rows, such as that of {printable(names[empty[0]])!r}",
            "stops where it compares lengths",
            "leave them and their particles out",
            path=path,
            block=names[empty[0]],
        )


def trajectory_error(path: str | None, code: str, found: str) -> SetError:
    """Make the error of a file of trajectories."""
    return SetError(f"{printable(path or '<memory>', 1000)}: {found}", code=code, path=path)
