"""Which rows of two tables belong together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa

__all__ = ["Pairs", "codes", "occurrences", "paired_by_key", "paired_by_position"]

Rows: TypeAlias = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Pairs:
    """Rows of an old table and a new one.

    Attributes
    ----------
    old, new : (n,) int64 array, or int
        The rows that belong together, in the order of the old ones; a number stands for that many first rows.
    only_old, only_new : int64 arrays
        Rows without another.
    """

    old: Rows | int
    new: Rows | int
    only_old: Rows
    only_new: Rows

    def __len__(self) -> int:
        return self.old if isinstance(self.old, int) else len(self.old)

    def of_old(self, column: pa.ChunkedArray) -> pa.Array:
        """Give the values of an old column, pair by pair."""
        return _taken(column, self.old)

    def of_new(self, column: pa.ChunkedArray) -> pa.Array:
        """Give the values of a new column, pair by pair."""
        return _taken(column, self.new)

    def rows(self, pair: int) -> tuple[int, int]:
        """Give the old and the new row of a pair."""
        old, new = (pair if isinstance(rows, int) else int(rows[pair]) for rows in (self.old, self.new))
        return old, new


def _taken(column: pa.ChunkedArray, rows: Rows | int) -> pa.Array:
    whole = column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()
    return whole.slice(0, rows) if isinstance(rows, int) else whole.take(pa.array(rows))


def paired_by_position(old: int, new: int) -> Pairs:
    """Pair the first rows, the second ones and so on."""
    both = min(old, new)
    return Pairs(both, both, np.arange(both, old), np.arange(both, new))


def paired_by_key(keys: Sequence[tuple[pa.ChunkedArray, pa.ChunkedArray]]) -> Pairs:
    """Pair rows of equal keys; of those that several rows have, the n-th with the n-th.

    Parameters
    ----------
    keys : sequence of (old column, new column)
        One or more.
    """
    num_old = len(keys[0][0])
    joint = codes([_joined(old, new) for old, new in keys])
    old, new = joint[:num_old], joint[num_old:]
    # With its rank among its equals each key occurs once at most.
    ranks = max(len(old), len(new), 1)
    old, new = old * ranks + occurrences(old), new * ranks + occurrences(new)
    _, old_rows, new_rows = np.intersect1d(old, new, assume_unique=True, return_indices=True)
    order = np.argsort(old_rows, kind="stable")
    old_rows, new_rows = old_rows[order], new_rows[order]
    return Pairs(
        old_rows,
        new_rows,
        np.setdiff1d(np.arange(len(old)), old_rows, assume_unique=True),
        np.setdiff1d(np.arange(len(new)), new_rows, assume_unique=True),
    )


def codes(columns: Sequence[pa.ChunkedArray]) -> Rows:
    """Give rows with equal values in all columns equal numbers, from 0 and without gaps."""
    joint: Rows | None = None
    for column in columns:
        encoded = _plain(column).dictionary_encode(null_encoding="encode").indices
        one = encoded.to_numpy(zero_copy_only=False).astype(np.int64)
        if joint is not None:
            one = joint * (one.max(initial=0) + 1) + one
        joint = np.unique(one, return_inverse=True)[1]
    assert joint is not None
    return joint


def occurrences(values: Rows) -> Rows:
    """Tell for each value how often it stands above."""
    order = np.argsort(values, kind="stable")
    ordered = values[order]
    ranks = np.empty(len(values), dtype=np.int64)
    ranks[order] = np.arange(len(values)) - np.searchsorted(ordered, ordered, side="left")
    return ranks


def _joined(old: pa.ChunkedArray, new: pa.ChunkedArray) -> pa.ChunkedArray:
    """Put one column below the other; as text where their types differ."""
    kind = old.type
    if new.type != kind:
        numbers = all(pa.types.is_integer(one) or pa.types.is_floating(one) for one in (kind, new.type))
        kind = pa.float64() if numbers else pa.large_string()
    return pa.chunked_array([*old.cast(kind).chunks, *new.cast(kind).chunks], type=kind)


def _plain(column: pa.ChunkedArray) -> pa.Array:
    """Give a column in one piece and of a type that has numbers for equal values."""
    whole = column.combine_chunks() if column.num_chunks != 1 else column.chunk(0)
    if pa.types.is_list(whole.type) or pa.types.is_large_list(whole.type):
        return pa.array(
            [None if value is None else repr(value) for value in whole.to_pylist()], pa.large_string()
        )
    return whole
