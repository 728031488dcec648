"""Whether a text says the same after it was mended: every block, label, type and value, bit by bit."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from tomoset import _core
from tomoset.mending.fixes import ABSOLUTE

if TYPE_CHECKING:
    from collections.abc import Collection

    from tomoset.blocks import StarBlock
    from tomoset.parts import Part
    from tomoset.star import StarFile

__all__ = ["why_not_same"]

#: Labels get other names, and with them other types.
_RENAMING = frozenset({"H105", "H106"})
#: Values that are no numbers become numbers.
_FILLING = frozenset({"V101", "V102"})
#: Columns whose values become others on purpose when paths are moved.
_PATHS = frozenset(label for label, _ in _core.path_labels())


def why_not_same(before: StarFile, after: StarFile, codes: Collection[str]) -> str | None:
    """Tell what differs that fixes of these codes must not change; None if nothing does."""
    old, new = before.blocks, after.blocks
    if [(block.name, block.version) for block in old] != [(block.name, block.version) for block in new]:
        return "other blocks would be read"
    codes = set(codes)
    worse = _worse(before, after, codes)
    if worse is not None:
        return f"there would be {worse}"
    for one, other in zip(old, new, strict=True):
        where = _block_differs(one, other, codes)
        if where is not None:
            return f"another {where} would be read in data_{one.name}"
    return None


def _worse(before: StarFile, after: StarFile, codes: set[str]) -> str | None:
    """Give a fault or a diagnostic that was not there before."""
    known = {diagnostic.code for diagnostic in before.diagnostics}
    for diagnostic in after.diagnostics:
        # A label that RELION knows has values that are looked at more closely.
        is_due = _RENAMING & codes and diagnostic.code.startswith("V1") and diagnostic.code != "V107"
        if diagnostic.code not in known and diagnostic.severity != "note" and not is_due:
            return f"{diagnostic.code} {diagnostic.name}"
    if _faults(before) != _faults(after):
        return "other faults"
    return None


def _faults(star: StarFile) -> Counter[tuple[str, str | None, int]]:
    faults = [each for each in star.diagnostics if each.code[1] == "2" or each.code == "V107"]
    return Counter((each.code, each.block, each.count) for each in faults)


def _block_differs(old: StarBlock, new: StarBlock, codes: set[str]) -> str | None:
    one, other = old._parts, new._parts
    if [(part.is_list, part.num_rows) for part in one] != [(part.is_list, part.num_rows) for part in other]:
        return "number of rows"
    for part, twin in zip(one, other, strict=True):
        where = _part_differs(part, twin, codes)
        if where is not None:
            return where
    return None


def _part_differs(old: Part, new: Part, codes: set[str]) -> str | None:
    before, after = old.table, new.table
    if before.num_columns != after.num_columns:
        return "number of columns"
    for index, (name, label) in enumerate(zip(before.column_names, after.column_names, strict=True)):
        if name != label:
            if _RENAMING & codes:
                continue
            return f"label than {name}"
        column, twin = before.column(index), after.column(index)
        if ABSOLUTE in codes and name in _PATHS and column.type == twin.type:
            continue
        if not _same(column, twin) and not (_FILLING & codes and _filled(column, twin)):
            return f"value of {name}"
    return None


def _same(one: pa.ChunkedArray, other: pa.ChunkedArray) -> bool:
    """Whether columns have the same bits; NaN is NaN, and 0 is not -0."""
    if one.type != other.type:
        return False
    if pa.types.is_large_list(one.type):
        lengths = (pc.list_value_length(column) for column in (one, other))
        return _same(*lengths) and _same(pc.list_flatten(one), pc.list_flatten(other))
    return bool(_bits(one).equals(_bits(other)))


def _bits(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Give floats, which are equal to others than themselves, or not even to those, as integers of the same bits."""
    if not pa.types.is_float64(column.type):
        return column
    return pa.chunked_array([chunk.view(pa.int64()) for chunk in column.chunks], pa.int64())


def _filled(old: pa.ChunkedArray, new: pa.ChunkedArray) -> bool:
    """Whether columns differ only where there was no number, and have 0 there, or a vector of none."""
    if old.type != new.type or len(old) != len(new):
        return False
    if pa.types.is_large_list(old.type):
        lengths = (pc.fill_null(pc.list_value_length(column), 0) for column in (old, new))
        lost = pc.any(pc.and_(old.is_valid(), new.is_null())).as_py()
        return not lost and _same(*lengths) and _filled(pc.list_flatten(old), pc.list_flatten(new))
    made = pc.and_(pc.invert(_is_number(old)), _is_number(new))
    rest = pc.invert(made)
    zeros = pa.chunked_array([pa.repeat(0, pc.sum(made).as_py() or 0).cast(old.type)], old.type)
    return _same(new.filter(made), zeros) and _same(new.filter(rest), old.filter(rest))


def _is_number(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Tell where there is a value, and of floats which are finite; of text, all that is there."""
    if not pa.types.is_floating(column.type):
        return column.is_valid()
    return pc.fill_null(pc.is_finite(column), False)
