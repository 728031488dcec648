"""Which values of two columns differ."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

__all__ = ["Tolerance", "unequal_cells"]

Flags = npt.NDArray[np.bool_]


class Tolerance(NamedTuple):
    """How far floats may be apart: by ``absolute + relative * max(abs(old), abs(new))``."""

    relative: float = 0.0
    absolute: float = 0.0


def unequal_cells(old: pa.Array, new: pa.Array, tolerance: Tolerance) -> npt.NDArray[np.int64]:
    """Give the places where two columns of one length differ.

    NaN equals NaN, null equals null; numbers are compared as numbers, whatever their types are, and of other columns
    whose types differ the texts.
    """
    if _is_number(old.type) and _is_number(new.type):
        unequal = _unequal_numbers(old, new, tolerance)
    elif _is_list(old.type) and _is_list(new.type):
        unequal = _unequal_lists(old, new, tolerance)
    else:
        alike = old.type == new.type and not pa.types.is_null(old.type)
        one, other = (old, new) if alike else (_texts(old), _texts(new))
        unequal = _flags(pc.not_equal(one, other).fill_null(False))
    if old.null_count or new.null_count:
        valid, valid_too = _flags(old.is_valid()), _flags(new.is_valid())
        unequal = np.where(valid & valid_too, unequal, valid != valid_too)
    return np.flatnonzero(unequal)


def _unequal_numbers(old: pa.Array, new: pa.Array, tolerance: Tolerance) -> Flags:
    if not pa.types.is_floating(old.type) and not pa.types.is_floating(new.type):
        one, other = (
            array.cast(pa.int64()) if pa.types.is_boolean(array.type) else array for array in (old, new)
        )
        return _flags(pc.not_equal(one, other).fill_null(False))
    one, other = _floats(old), _floats(new)
    unequal: Flags = one != other
    at = np.flatnonzero(unequal)
    if not len(at):
        return unequal
    one, other = one[at], other[at]
    with np.errstate(invalid="ignore", over="ignore"):
        close = np.isnan(one) & np.isnan(other)
        if tolerance.relative or tolerance.absolute:
            room = tolerance.absolute + tolerance.relative * np.maximum(np.abs(one), np.abs(other))
            close |= np.isfinite(one) & np.isfinite(other) & (np.abs(one - other) <= room)
    unequal[at] = ~close
    return unequal


def _unequal_lists(old: pa.Array, new: pa.Array, tolerance: Tolerance) -> Flags:
    lengths, others = (
        pc.list_value_length(array).cast(pa.int64()).fill_null(0).to_numpy(zero_copy_only=False)
        for array in (old, new)
    )
    unequal: Flags = lengths != others
    if unequal.any():
        # Only lists of one length can be laid side by side.
        alike = pa.array(~unequal)
        unequal[~unequal] = _unequal_lists(old.filter(alike), new.filter(alike), tolerance)
        return unequal
    rows = np.repeat(np.arange(len(old)), lengths)
    unequal[rows[unequal_cells(old.flatten(), new.flatten(), tolerance)]] = True
    return unequal


def _texts(column: pa.Array) -> pa.Array:
    if _is_list(column.type):
        return pa.array(
            [None if value is None else str(value) for value in column.to_pylist()], pa.large_string()
        )
    return column.cast(pa.large_string())


def _floats(column: pa.Array) -> npt.NDArray[np.float64]:
    whole = (
        column.cast(pa.float64(), safe=False)
        if not pa.types.is_boolean(column.type)
        else column.cast(pa.int8())
    )
    values: npt.NDArray[np.float64] = whole.to_numpy(zero_copy_only=False).astype(np.float64, copy=False)
    return values


def _flags(column: pa.Array) -> Flags:
    flags: Flags = column.to_numpy(zero_copy_only=False)
    return flags


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind))


def _is_list(kind: pa.DataType) -> bool:
    return bool(pa.types.is_list(kind) or pa.types.is_large_list(kind))
