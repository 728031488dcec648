"""Rules of numbers that RELION does not write back as they are."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from tomoset.checking.rules import Fault, Rules
from tomoset.tables import as_numpy

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

    from tomoset.checking.view import View

__all__ = ["DIGITS", "RULES", "digits_lost"]

RULES = Rules()

#: RELION writes numbers into twelve characters: the last digit of a longer exponent or integer is cut off.
LEAST, MOST, LONGEST = 1e-99, 1e100, 10**12


def digits_lost(column: pa.ChunkedArray | pa.Array) -> npt.NDArray[np.bool_] | None:
    """Tell which numbers of a column RELION would write back as others; None where there are none."""
    kind = column.type
    if not (pa.types.is_floating(kind) or pa.types.is_integer(kind)) or not len(column):
        return None
    is_whole = pa.types.is_integer(kind)
    # Integers with nulls would come as floats, of which others are too long.
    values: npt.NDArray[Any] = as_numpy(column.fill_null(0) if is_whole and column.null_count else column)
    if is_whole:
        if values.max() < LONGEST and values.min() > -LONGEST // 10:
            return None
        bad = (values >= LONGEST) | (values <= -LONGEST // 10)
    else:
        sizes = np.abs(values)
        # Nearly all columns: nothing is large, and nothing is small, or else it is zero.
        if sizes.max() < MOST and not sizes[sizes < LEAST].any():
            return None
        with np.errstate(invalid="ignore"):
            bad = ((sizes > 0) & (sizes < LEAST)) | (sizes >= MOST) & np.isfinite(sizes)
    return bad if bad.any() else None


@RULES.rule(
    "W101",
    "digits-lost",
    "silent",
    "a number of more than 12 digits, or with an exponent of three",
    relion="reads it, and writes it back without its last digits or the last of its exponent",
    mend="write 0 for what is as small, and no such numbers",
)
def _digits(view: View) -> Iterator[Fault]:
    for name, column in zip(view.contents.table.column_names, view.contents.table.columns, strict=True):
        bad = digits_lost(column)
        if bad is not None:
            for row in np.flatnonzero(bad):
                yield Fault(f"{name} is {column[int(row)].as_py()}", int(row), label=name)
    for name, column in zip(view.contents.tilts.column_names, view.contents.tilts.columns, strict=True):
        bad = digits_lost(column)
        if bad is not None:
            yield from view.each(bad, partial(_says, name, as_numpy(column)), name)


#: The rule, which particles have, too.
DIGITS = _digits


def _says(name: str, values: npt.NDArray[Any], at: int) -> str:
    return f"{name} is {values[at]}"
