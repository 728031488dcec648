"""What a contender has read, in few numbers, so that a wrong answer is reported and not timed as a win."""

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from columns import CHECKED, count_kinds

TEXT = "text"


@dataclass(frozen=True)
class Reading:
    """Shape, kinds and check sums of what was read; a field is None where the contender cannot know it.

    `kinds` is ``text`` for a reader that leaves every value as text. `sums` holds the sum of each column of
    :data:`columns.CHECKED` that is there. `num_bytes` is the size of the result in memory.
    """

    rows: int | None = None
    columns: int | None = None
    kinds: str | None = None
    sums: Mapping[str, float] | None = None
    num_bytes: int | None = None


def differences(found: Reading, expected: Mapping[str, Any]) -> list[str]:
    """Say where a reading differs from the manifest's dataset; empty when it is right."""
    out = [
        f"{name}: expected {expected[name]}, found {value}"
        for name in ("rows", "columns", "kinds")
        if (value := getattr(found, name)) not in (None, TEXT, expected[name])
    ]
    if found.sums is None:
        return out
    for label, total in expected["sums"].items():
        value = found.sums.get(label, math.nan)
        if not math.isclose(value, total, rel_tol=1e-8, abs_tol=1e-3):
            out.append(f"sum of {label}: expected {total:.6f}, found {value:.6f}")
    return out


def of_arrow(table: Any) -> Reading:
    """Read off a pyarrow Table."""
    import pyarrow.compute as pc

    kinds = {field.name: _arrow_kind(field.type) for field in table.schema}
    sums = {label: pc.sum(table[label]).as_py() for label in CHECKED if label in kinds}
    return Reading(table.num_rows, table.num_columns, count_kinds(kinds.values()), sums, table.nbytes)


def _arrow_kind(kind: Any) -> str:
    from pyarrow import types

    if types.is_floating(kind):
        return "float"
    if types.is_integer(kind):
        return "int"
    text = types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind)
    return "string" if text else str(kind)


def of_polars(frame: Any) -> Reading:
    """Read off a polars DataFrame."""
    kinds = {label: _polars_kind(kind) for label, kind in frame.schema.items()}
    sums = {label: float(frame[label].sum()) for label in CHECKED if kinds.get(label) == "float"}
    return Reading(frame.height, frame.width, count_kinds(kinds.values()), sums, frame.estimated_size())


def _polars_kind(kind: Any) -> str:
    import polars

    if kind.is_float():
        return "float"
    if kind.is_integer():
        return "int"
    return "string" if kind == polars.String else str(kind)


def of_pandas(frame: Any) -> Reading:
    """Read off a pandas DataFrame."""
    kinds = {label: _pandas_kind(kind) for label, kind in frame.dtypes.items()}
    sums = {label: float(frame[label].sum()) for label in CHECKED if kinds.get(label) == "float"}
    num_bytes = int(frame.memory_usage(index=False).sum())
    return Reading(frame.shape[0], frame.shape[1], count_kinds(kinds.values()), sums, num_bytes)


def _pandas_kind(kind: Any) -> str:
    from pandas.api import types

    if types.is_float_dtype(kind):
        return "float"
    if types.is_integer_dtype(kind):
        return "int"
    return "string" if types.is_string_dtype(kind) or types.is_object_dtype(kind) else str(kind)


def of_gemmi(document: Any, block: str | None = None) -> Reading:
    """Read off the loops of a gemmi Document, of one block or of all; it keeps text."""
    chosen = [each for each in document if block in (None, each.name)]
    loops = [item.loop for each in chosen for item in each if item.loop is not None]
    tags = [tag.removeprefix("_") for tag in loops[0].tags]
    sums = dict.fromkeys((label for label in CHECKED if label in tags), 0.0)
    for loop in loops:
        values = loop.values
        for label in sums:
            sums[label] += sum(map(float, values[tags.index(label) :: len(tags)]))
    return Reading(sum(loop.length() for loop in loops), len(tags), TEXT, sums)


def of_many(tables: Iterable[Any], look: Callable[[Any], Reading]) -> Reading:
    """Add up the readings of tables that have the same columns."""
    readings = [look(table) for table in tables]
    labels = readings[0].sums or {}
    sums = {label: math.fsum((each.sums or {})[label] for each in readings) for label in labels}
    kinds = {each.kinds for each in readings}
    return Reading(
        rows=sum(each.rows or 0 for each in readings),
        columns=max(each.columns or 0 for each in readings),
        kinds=" / ".join(sorted(str(kind) for kind in kinds)),
        sums=sums,
        num_bytes=sum(each.num_bytes or 0 for each in readings),
    )
