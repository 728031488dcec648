"""Optics groups of particle files: kept consistent when files are merged and rows are left out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from tomoset.exceptions import TomosetError, printable

if TYPE_CHECKING:
    from tomoset.blocks import StarBlock

__all__ = [
    "GROUP",
    "NAME",
    "OPTICS",
    "JoinedOptics",
    "OpticsError",
    "has_groups",
    "is_optics",
    "renumbered",
    "used",
]

OPTICS = "optics"
GROUP = "rlnOpticsGroup"
NAME = "rlnOpticsGroupName"


class OpticsError(TomosetError, ValueError):
    """Optics groups that do not tell which particle is of which."""


def is_optics(block: StarBlock) -> bool:
    """Whether a block describes optics groups."""
    return block.name == OPTICS and GROUP in block and len(block.loops) == 1


def has_groups(block: StarBlock) -> bool:
    """Whether the rows of a block belong to optics groups."""
    return (
        block.name != OPTICS
        and len(block.loops) == 1
        and not block.values
        and GROUP in block.loops[0].column_names
    )


def used(block: StarBlock) -> set[int]:
    """Give the optics groups that rows of a block belong to."""
    return {group for group in block[GROUP].unique().to_pylist() if group is not None}


def renumbered(block: StarBlock, numbers: Mapping[int, int]) -> StarBlock:
    """Give a block's rows other optics groups; rows without one keep none.

    Raises
    ------
    OpticsError
        A group that is not among `numbers`.
    """
    strangers = used(block) - numbers.keys()
    if strangers:
        raise OpticsError(
            f"block {block.name!r}: rows of optics group {min(strangers)}, which the block 'optics' does not have"
        )
    if all(group == numbers[group] for group in used(block)):
        return block
    groups = block[GROUP]
    known = np.array(sorted(numbers), dtype=np.int64)
    news = np.array([numbers[group] for group in known.tolist()], dtype=np.int64)
    values = groups.fill_null(int(known[0])).to_numpy(zero_copy_only=False)
    mask = groups.is_null().to_numpy(zero_copy_only=False)
    return block.with_columns({GROUP: pa.array(news[np.searchsorted(known, values)], mask=mask)})


@dataclass
class JoinedOptics:
    """Optics groups of several files as those of one.

    Attributes
    ----------
    rows : dict of int to dict
        The groups by number: label to value, without the number.
    notes : list of str
        What had to be changed, in words.
    """

    rows: dict[int, dict[str, Any]]
    notes: list[str]
    #: What groups said before they were given other names.
    _said: dict[int, dict[str, Any]] = field(default_factory=dict)

    @classmethod
    def of(cls, table: pa.Table, file: str) -> JoinedOptics:
        """Begin with the groups of a first file, which keep their numbers.

        Raises
        ------
        OpticsError
            A number that is missing or there twice.
        """
        return cls(_rows(table, file), [])

    def add(self, table: pa.Table, file: str) -> tuple[dict[int, int], pa.Table]:
        """Add the groups of another file.

        Groups with equal values are one. Others get the next free number, and where their name is taken, another
        name, for names stand for groups too.

        Returns
        -------
        numbers : dict of int to int
            Which of the joined groups each of the file's groups is.
        more : pyarrow.Table
            The rows that are new, numbered and named.

        Raises
        ------
        OpticsError
            As in `of`.
        """
        groups = _rows(table, file)
        numbers: dict[int, int] = {}
        kept = []
        names: list[str | None] = []
        for at, (group, values) in enumerate(groups.items()):
            known = self._known(values)
            if known is None:
                known = max(self.rows, default=0) + 1
                row = values | self._named(values, file, group)
                self.rows[known], self._said[known] = row, values
                kept.append(at)
                names.append(row.get(NAME))
            if known != group:
                self.notes.append(f"{file}: optics group {group} is now {known}")
            numbers[group] = known
        more = table.take(pa.array(kept, pa.int64()))
        news = [numbers[group] for at, group in enumerate(groups) if at in set(kept)]
        more = _replaced(more, GROUP, pa.array(news, pa.int64()))
        if NAME in table.column_names:
            more = _replaced(more, NAME, pa.array(names, table[NAME].type))
        return numbers, more

    def _known(self, values: Mapping[str, Any]) -> int | None:
        """Give the number of a group of these values."""
        return next(
            (
                number
                for number, row in self.rows.items()
                if _same(row, values) or _same(self._said.get(number, row), values)
            ),
            None,
        )

    def _named(self, row: Mapping[str, Any], file: str, group: int) -> dict[str, str]:
        """Give a group a name that no other has."""
        name = row.get(NAME)
        taken = {other.get(NAME) for other in self.rows.values()}
        if name is None or name not in taken:
            return {}
        number = 2
        while f"{name}-{number}" in taken:
            number += 1
        self.notes.append(
            f"{file}: optics group {group}, {printable(name)!r}, has other values than the one of that name"
            f" before; it is now {printable(name)}-{number}"
        )
        return {NAME: f"{name}-{number}"}


def _rows(table: pa.Table, file: str) -> dict[int, dict[str, Any]]:
    rows: dict[int, dict[str, Any]] = {}
    for row in table.to_pylist():
        group = row.pop(GROUP)
        if group is None or group in rows:
            wrong = "a group without a number" if group is None else f"group {group} twice"
            raise OpticsError(f"{file}: the block 'optics' has {wrong}")
        rows[group] = row
    return rows


def _same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two groups have the same values; NaN is NaN."""
    return one.keys() == other.keys() and all(_equal(value, other[label]) for label, value in one.items())


def _equal(one: Any, other: Any) -> bool:  # noqa: ANN401
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_equal, one, other))
    return bool(one == other or (one != one and other != other))  # noqa: PLR0124  NaN


def _replaced(table: pa.Table, label: str, values: pa.Array) -> pa.Table:
    return table.set_column(table.column_names.index(label), label, values)
