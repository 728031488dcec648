"""Some rows and columns of a block, and the optics groups they need."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from tomoset import _core
from tomoset.exceptions import MissingBlockError, MissingLabelError, TomosetError
from tomoset.expressions import condition
from tomoset.optics import GROUP, OPTICS, OpticsError, has_groups, is_optics, used

if TYPE_CHECKING:
    from tomoset.blocks import StarBlock
    from tomoset.star import StarFile

__all__ = ["Choice", "SubsetError", "block_of", "chosen", "prune_optics"]

#: The block that is meant where several could be.
_MEANT = "particles"


class SubsetError(TomosetError, ValueError):
    """Rows or columns that cannot be chosen."""


@dataclass(frozen=True, kw_only=True)
class Choice:
    """Which rows and columns to keep; each is asked of what the ones before it left.

    Attributes
    ----------
    where : str, optional
        A condition as in `tomoset.expressions.condition`.
    rows : slice, optional
        Rows by number, counted from 0.
    random : int, optional
        So many rows by chance, in their order.
    seed : int
        For `random`; equal seeds choose equal rows.
    columns, drop : sequence of str
        Patterns (``*``, ``?``, ``[...]``) of labels to keep, all if not given, and to leave out.
    """

    where: str | None = None
    rows: slice | None = None
    random: int | None = None
    seed: int = 0
    columns: Sequence[str] = ()
    drop: Sequence[str] = ()

    @property
    def is_of_rows(self) -> bool:
        """Whether rows are chosen."""
        return any(option is not None for option in (self.where, self.rows, self.random))


def block_of(star: StarFile, name: str | None = None) -> StarBlock:
    """Give the block that is meant: of this name, or ``particles``, or the only loop besides ``optics``.

    Raises
    ------
    MissingBlockError
        No block of this name.
    SubsetError
        Several could be meant, or none.
    """
    if name is not None:
        return star[name]
    if _MEANT in star:
        return star[_MEANT]
    loops = [block for block in star.blocks if block.loops and block.name != OPTICS]
    loops = loops or [block for block in star.blocks if block.loops]
    if len(loops) == 1:
        return loops[0]
    known = ", ".join(repr(block.name) for block in loops) or "none at all"
    raise SubsetError(f"{star.path or '<memory>'}: which block is meant? Loops are in: {known}")


def chosen(block: StarBlock, choice: Choice) -> StarBlock:
    """Keep some rows and columns of a block.

    Returns
    -------
    StarBlock
        In which all that is left keeps its text.

    Raises
    ------
    ExpressionError
        A condition that is none.
    SubsetError
        More rows by chance than there are, a pattern without a column, or no column left; a value that cannot be
        computed; a list, which has no rows.
    ValueError
        The block has several tables.
    """
    if choice.is_of_rows:
        block = _some_rows(block, choice)
    if choice.columns or choice.drop:
        kept = _labels(block, choice.columns) if choice.columns else block.labels
        gone = set(_labels(block, choice.drop))
        kept = [label for label in kept if label not in gone]
        if not kept:
            raise SubsetError(f"block {block.name!r}: no column is left")
        block = block.select(kept)
    return block


def _some_rows(block: StarBlock, choice: Choice) -> StarBlock:
    if block.is_list:
        raise SubsetError(f"block {block.name!r} is a list, which has no rows to choose from")
    if choice.where is not None:
        table = block.to_arrow()
        try:
            block = block.filter(condition(choice.where, table.schema))
        except pa.ArrowInvalid as fault:
            raise SubsetError(f"block {block.name!r}: the condition cannot be computed: {fault}") from fault
    if choice.rows is not None:
        block = block.take(np.arange(block.num_rows)[choice.rows])
    if choice.random is not None:
        if choice.random > block.num_rows:
            raise SubsetError(
                f"block {block.name!r}: there are only {block.num_rows} rows to choose {choice.random} from"
            )
        rows = np.random.default_rng(choice.seed).choice(block.num_rows, choice.random, replace=False)
        block = block.take(np.sort(rows))
    return block


def _labels(block: StarBlock, globs: Sequence[str]) -> list[str]:
    """Give the labels that patterns are about, in the order of the block."""
    globs = [glob.removeprefix("_") if glob not in block else glob for glob in globs]
    for glob in globs:
        if not any(fnmatchcase(label, glob) for label in block.labels):
            meant = _core.hint(glob, "_", block.labels)
            raise MissingLabelError(f"block {block.name!r} has no column {glob!r}{meant}", glob)
    return [label for label in block.labels if any(fnmatchcase(label, glob) for glob in globs)]


def prune_optics(star: StarFile) -> tuple[StarBlock, list[int]]:
    """Leave out the optics groups that no row of the file belongs to; the others keep their numbers.

    Returns
    -------
    optics : StarBlock
        The block ``optics`` with the groups that are left.
    gone : list of int
        The groups that are not.

    Raises
    ------
    MissingBlockError
        There is no block ``optics``.
    OpticsError
        It has no groups, no rows belong to any, or some belong to one that is not there.
    """
    if OPTICS not in star:
        raise MissingBlockError(f"{star.path or '<memory>'}: no block 'optics'", OPTICS, star.path)
    optics = star[OPTICS]
    if not is_optics(optics):
        raise OpticsError(f"block 'optics' is no table with {GROUP}")
    blocks = [block for block in star.blocks if has_groups(block)]
    if not blocks:
        raise OpticsError(f"no block besides 'optics' has {GROUP}")
    needed = set().union(*map(used, blocks))
    groups = optics[GROUP].to_pylist()
    strangers = sorted(needed - set(groups))
    if strangers:
        raise OpticsError(
            f"there are rows of optics group {strangers[0]}, which the block 'optics' does not have"
        )
    kept = [group in needed for group in groups]
    gone = [group for group in groups if group not in needed]
    return (optics.filter(np.array(kept, dtype=bool)) if gone else optics), gone
