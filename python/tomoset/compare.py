"""What differs between two STAR files, by what they say and not by how it is written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from tomoset import _core
from tomoset.cells import Tolerance, unequal_cells
from tomoset.exceptions import MissingLabelError
from tomoset.pairing import Pairs, paired_by_key, paired_by_position

if TYPE_CHECKING:
    import numpy.typing as npt

    from tomoset.blocks import StarBlock
    from tomoset.star import StarFile

__all__ = ["ChangedCell", "StarDiff", "TableDiff", "TypeChange", "compare"]


@dataclass(frozen=True)
class ChangedCell:
    """A value that is another; rows are counted from 0, `key` holds the row's key where there is one."""

    row_old: int
    row_new: int
    key: tuple[Any, ...]
    label: str
    old: Any
    new: Any


@dataclass(frozen=True)
class TypeChange:
    """A column of another type, in Arrow's words."""

    label: str
    old: str
    new: str


@dataclass(frozen=True)
class TableDiff:
    """What differs between two lists or loops.

    Attributes
    ----------
    block : str
        The block's name, the old one.
    number : int
        Which of the tables of the block it is, from 0.
    kind_old, kind_new : str
        ``"list"`` or ``"loop"``.
    rows_old, rows_new : int
        How many rows there are.
    columns_removed, columns_added : tuple of str
        Labels that only one of them has.
    types : tuple of TypeChange
        Columns of another type.
    columns_reordered : bool
        Whether common columns come in another order, which is no difference.
    key : tuple of str
        The labels by which rows were matched; by position if there are none.
    rows_removed, rows_added : tuple of int
        Rows that only one of them has, counted from 0; at most so many as were asked for.
    num_removed, num_added, num_changed : int
        How many rows are gone, new, and other.
    cells_changed : dict of str to int
        How many values are others, for each label in which there are.
    cells : tuple of ChangedCell
        The first of them, in the order of the old rows; at most so many as were asked for.
    """

    block: str
    number: int
    kind_old: str
    kind_new: str
    rows_old: int
    rows_new: int
    columns_removed: tuple[str, ...] = ()
    columns_added: tuple[str, ...] = ()
    types: tuple[TypeChange, ...] = ()
    columns_reordered: bool = False
    key: tuple[str, ...] = ()
    rows_removed: tuple[int, ...] = ()
    rows_added: tuple[int, ...] = ()
    num_removed: int = 0
    num_added: int = 0
    num_changed: int = 0
    cells_changed: dict[str, int] = field(default_factory=dict)
    cells: tuple[ChangedCell, ...] = ()

    @property
    def same(self) -> bool:
        """Whether both say the same."""
        return not (
            self.kind_old != self.kind_new
            or self.columns_removed
            or self.columns_added
            or self.types
            or self.num_removed
            or self.num_added
            or self.num_changed
        )


@dataclass(frozen=True)
class StarDiff:
    """What differs between two STAR files.

    Attributes
    ----------
    blocks_removed, blocks_added : tuple of str
        Names of blocks that only one of them has.
    blocks_renamed : tuple of (str, str)
        Old and new names of blocks that say the same otherwise.
    blocks_reordered : bool
        Whether common blocks come in another order, which is no difference.
    tables : tuple of TableDiff
        For each table of blocks that both have.
    """

    blocks_removed: tuple[str, ...]
    blocks_added: tuple[str, ...]
    blocks_renamed: tuple[tuple[str, str], ...]
    blocks_reordered: bool
    tables: tuple[TableDiff, ...]

    @property
    def same(self) -> bool:
        """Whether both say the same."""
        blocks = self.blocks_removed or self.blocks_added or self.blocks_renamed
        return not blocks and all(table.same for table in self.tables)


@dataclass(frozen=True)
class _Choice:
    """What is compared, and how."""

    key: tuple[str, ...]
    columns: tuple[str, ...]
    ignore: tuple[str, ...]
    tolerance: Tolerance
    most: int

    def takes(self, label: str) -> bool:
        """Whether a column is compared."""
        wanted = not self.columns or any(fnmatchcase(label, glob) for glob in self.columns)
        return wanted and not any(fnmatchcase(label, glob) for glob in self.ignore)


def compare(
    old: StarFile,
    new: StarFile,
    *,
    key: Sequence[str] = (),
    columns: Sequence[str] = (),
    ignore: Sequence[str] = (),
    rtol: float = 0.0,
    atol: float = 0.0,
    most: int = 20,
) -> StarDiff:
    """Compare two STAR files.

    Blocks are matched by name, columns by label; their order, layout, comments and how a number is written make no
    difference. NaN equals NaN, a missing value another one.

    Parameters
    ----------
    old, new : StarFile
        What to compare.
    key : sequence of str
        Labels whose values tell which row is which, in tables that have them; where several rows of a table have one
        key, the n-th is matched with the n-th. Elsewhere, and if not given, rows are matched by position.
    columns, ignore : sequence of str
        Patterns (``*``, ``?``, ``[...]``) of labels to compare, all if not given, and of labels to leave out. With
        `columns`, tables in which neither file has such a column are left out.
    rtol, atol : float
        Floats are equal if they differ by at most ``atol + rtol * max(abs(old), abs(new))``.
    most : int
        How many changed cells, and how many rows that are new or gone, are listed for each table; all are counted.

    Returns
    -------
    StarDiff

    Raises
    ------
    MissingLabelError
        A label of `key` that no table of both files has; a pattern of `columns` that no column has.
    ValueError
        A negative tolerance.
    """
    if not (rtol >= 0 and atol >= 0):
        raise ValueError(f"tolerances are not negative; rtol is {rtol}, atol is {atol}")
    choice = _Choice(tuple(key), tuple(columns), tuple(ignore), Tolerance(rtol, atol), most)
    before, after = _numbered(old), _numbered(new)
    _check_key(choice.key, before, after)
    _check_globs(columns, [*before.values(), *after.values()])
    removed = [name for name in before if name not in after]
    added = [name for name in after if name not in before]
    renamed = _renamed(before, after, removed, added, choice)
    common = [name for name in before if name in after]
    tables = [table for name in common for table in _block(before[name], after[name], choice)]
    return StarDiff(
        blocks_removed=tuple(before[at].name for at in removed if at not in dict(renamed)),
        blocks_added=tuple(after[at].name for at in added if at not in dict(renamed).values()),
        blocks_renamed=tuple((before[one].name, after[other].name) for one, other in renamed),
        blocks_reordered=common != [name for name in after if name in before],
        tables=tuple(tables),
    )


_Name = tuple[str, int]


def _numbered(star: StarFile) -> dict[_Name, StarBlock]:
    """Give blocks by name, and by which of that name they are."""
    seen: Counter[str] = Counter()
    blocks = {}
    for block in star.blocks:
        blocks[block.name, seen[block.name]] = block
        seen[block.name] += 1
    return blocks


def _check_key(key: tuple[str, ...], before: dict[_Name, StarBlock], after: dict[_Name, StarBlock]) -> None:
    """Raise unless some table of both files has all of the key."""
    common = [(before[name], after[name]) for name in before if name in after]
    if not key or any(all(label in one and label in other for label in key) for one, other in common):
        return
    known = list(dict.fromkeys(label for one, other in common for label in one.labels if label in other))
    for label in key:
        if label not in known:
            meant = _core.hint(label, "_", known)
            raise MissingLabelError(f"no block of both files has the key's column {label!r}{meant}", label)
    raise MissingLabelError(f"no block of both files has all columns of the key {', '.join(key)}", key[0])


def _check_globs(globs: Sequence[str], blocks: Sequence[StarBlock]) -> None:
    """Raise if a pattern is of no column of either file: it is misspelt."""
    known = list(dict.fromkeys(label for block in blocks for label in block.labels))
    for glob in globs:
        if not any(fnmatchcase(label, glob) for label in known):
            meant = _core.hint(glob, "_", known)
            raise MissingLabelError(f"no block of either file has a column {glob!r}{meant}", glob)


def _renamed(
    before: dict[_Name, StarBlock],
    after: dict[_Name, StarBlock],
    removed: list[_Name],
    added: list[_Name],
    choice: _Choice,
) -> list[tuple[_Name, _Name]]:
    """Find blocks that say the same under another name."""
    pairs: list[tuple[_Name, _Name]] = []
    for one in removed:
        for other in added:
            taken = any(other == name for _, name in pairs)
            alike = before[one].shape_text == after[other].shape_text
            if taken or not alike or set(before[one].labels) != set(after[other].labels):
                continue
            if all(table.same for table in _block(before[one], after[other], choice)):
                pairs.append((one, other))
                break
    return pairs


def _block(old: StarBlock, new: StarBlock, choice: _Choice) -> list[TableDiff]:
    """Compare the tables of two blocks, one by one."""
    olds, news = _tables(old), _tables(new)
    nothing = pa.table({})
    found = []
    for at in range(max(len(olds), len(news))):
        one, is_list = olds[at] if at < len(olds) else (nothing, news[at][1])
        other, is_list_too = news[at] if at < len(news) else (nothing, is_list)
        facts = TableDiff(old.name, at, _kind(is_list), _kind(is_list_too), one.num_rows, other.num_rows)
        table = _table(one, other, facts, choice)
        if table is not None:
            found.append(table)
    return found


def _kind(is_list: bool) -> str:
    return "list" if is_list else "loop"


def _tables(block: StarBlock) -> list[tuple[pa.Table, bool]]:
    """Give the tables of a block, and whether they are lists."""
    if block.is_list:
        return [(block.to_arrow(), True)]
    values = block.values
    lists = [(pa.table({label: [value] for label, value in values.items()}), True)] if values else []
    return lists + [(loop, False) for loop in block.loops]


def _table(old: pa.Table, new: pa.Table, facts: TableDiff, choice: _Choice) -> TableDiff | None:
    """Compare two tables; nothing where none of the columns is asked for."""
    olds = [label for label in old.column_names if choice.takes(label)]
    news = [label for label in new.column_names if choice.takes(label)]
    if not olds and not news and (old.num_columns or new.num_columns):
        return None
    common = [label for label in olds if label in news]
    key = (
        choice.key
        if all(label in old.column_names and label in new.column_names for label in choice.key)
        else ()
    )
    if key and old.num_rows and new.num_rows:
        pairs = paired_by_key([(old[label], new[label]) for label in key])
    else:
        pairs = paired_by_position(old.num_rows, new.num_rows)
    changed = {
        label: rows
        for label in common
        if len(rows := unequal_cells(pairs.of_old(old[label]), pairs.of_new(new[label]), choice.tolerance))
    }
    other_rows = np.zeros(len(pairs), dtype=bool)
    for rows in changed.values():
        other_rows[rows] = True
    return replace(
        facts,
        columns_removed=tuple(label for label in olds if label not in news),
        columns_added=tuple(label for label in news if label not in olds),
        types=tuple(
            TypeChange(label, str(old[label].type), str(new[label].type))
            for label in common
            if not old[label].type.equals(new[label].type)
        ),
        columns_reordered=common != [label for label in news if label in olds],
        key=key,
        rows_removed=tuple(pairs.only_old[: choice.most].tolist()),
        rows_added=tuple(pairs.only_new[: choice.most].tolist()),
        num_removed=len(pairs.only_old),
        num_added=len(pairs.only_new),
        num_changed=int(other_rows.sum()),
        cells_changed={label: len(rows) for label, rows in changed.items()},
        cells=tuple(_cells(old, new, key, pairs, changed, choice.most)),
    )


def _cells(
    old: pa.Table,
    new: pa.Table,
    key: tuple[str, ...],
    pairs: Pairs,
    changed: dict[str, npt.NDArray[np.int64]],
    most: int,
) -> list[ChangedCell]:
    """Give the first cells that changed, row by row."""
    first = sorted((int(pair), label) for label, rows in changed.items() for pair in rows[:most])
    order = {label: at for at, label in enumerate(changed)}
    first.sort(key=lambda cell: (cell[0], order[cell[1]]))
    cells = []
    for pair, label in first[:most]:
        row_old, row_new = pairs.rows(pair)
        values = (old[label][row_old].as_py(), new[label][row_new].as_py())
        keys = tuple(old[name][row_old].as_py() for name in key)
        cells.append(ChangedCell(row_old, row_new, keys, label, *values))
    return cells
