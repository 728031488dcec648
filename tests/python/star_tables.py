"""Strategies for tables of all types that are written, with what must be read in their place."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import pyarrow as pa
from hypothesis import strategies as st

#: Labels for each kind of value, and RELION's own of that type.
LABELS = {
    "float": ["f", "float_x", "rlnVoltage", "rlnDefocusU"],
    "int": ["i", "int_x", "rlnTomoSizeX", "rlnOpticsGroup"],
    "bool": ["b", "rlnEnabled"],
    "text": ["t", "å", "rlnTomoName", "rlnMicrographName"],
    "floats": ["v", "rlnTomoProjX", "rlnTomoProjY"],
    "ints": ["w", "rlnTomoVisibleFrames"],
}
KINDS = {label: kind for kind, labels in LABELS.items() for label in labels}
#: As which type the values of a kind are read.
READ = {
    "float": "float64",
    "int": "int64",
    "bool": "bool",
    "text": "string",
    "floats": "list<float64>",
    "ints": "list<int64>",
}
_WHOLE = [pa.int8(), pa.int16(), pa.int32(), pa.int64(), pa.uint8(), pa.uint16(), pa.uint32(), pa.uint64()]
_REAL = [pa.float64(), pa.float64(), pa.float32(), pa.float16()]
TYPES = {
    "float": _REAL,
    "int": _WHOLE,
    "bool": [pa.bool_()],
    "text": [pa.string(), pa.large_string(), pa.string_view(), pa.dictionary(pa.int8(), pa.string())],
    "floats": [
        pa.list_(pa.float64()),
        pa.list_(pa.float32()),
        pa.large_list(pa.float64()),
        pa.list_(pa.float64(), 3),
    ],
    "ints": [pa.list_(pa.int64()), pa.list_(pa.uint8()), pa.large_list(pa.int32()), pa.list_(pa.int64(), 2)],
}
_PIECES = [
    *"abz01.,[]?$%&@/\\-+*å日\u00a0\u2028\u0085\U0001f600", "'", '"', "'", '"', " ", " ", "\t", "#", "_", ";",
    "\a", "\v", "\b", "\f", "\0", "\x7f", "data_", "loop_", "save_", "stop_", "global_", "nan", "<NA>", "None", "1e5",
]  # fmt: skip
TEXTS = st.one_of(
    st.lists(st.sampled_from(_PIECES), max_size=7).map("".join),
    st.lists(st.sampled_from([*_PIECES, "\n", "\r"]), max_size=5).map("".join),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
)
_DECIMALS = st.builds(
    lambda whole, digits: whole / 10.0**digits, st.integers(-(10**9), 10**9), st.integers(0, 6)
)
_FLOATS = {
    64: st.one_of(st.floats(), _DECIMALS),
    32: st.one_of(st.floats(width=32), _DECIMALS.map(lambda value: float(np.float32(value)))),
    16: st.floats(width=16),
}


@dataclass(frozen=True)
class Column:
    """A column of a table."""

    label: str
    kind: str
    array: pa.Array

    @property
    def plain(self) -> list[Any]:
        """The values in a form that compares bit for bit."""
        return [plain(value) for value in self.array.to_pylist()]


def plain(value: Any) -> Any:
    """Give a value in a form that compares bit for bit: floats in hexadecimal; all NaN are one."""
    if isinstance(value, float | np.floating):
        return float(value).hex()
    return [plain(item) for item in value] if isinstance(value, list) else value


def plain_as(value: Any, kind: pa.DataType) -> Any:
    """Give a value that was read as a column's own type has it."""
    item = getattr(kind, "value_type", kind)
    if value is not None and item in (pa.float32(), pa.float16()):
        narrow = np.float32 if item == pa.float32() else np.float16
        value = [narrow(item) for item in value] if isinstance(value, list) else narrow(value)
    return plain(value)


@cache
def columns(rows: int) -> st.SearchStrategy[Column]:
    """Make a column; one in three has nulls."""
    shapes = [(label, of) for label, kind in KINDS.items() for of in TYPES[kind]]
    nulls = st.sampled_from([True, False, False])
    return st.tuples(st.sampled_from(shapes), nulls).flatmap(lambda drawn: _column(*drawn[0], drawn[1], rows))


@cache
def _column(label: str, of: pa.DataType, nulls: bool, rows: int) -> st.SearchStrategy[Column]:
    kind = KINDS[label]
    values = _values(kind, of, label)
    if of == pa.float16():
        values = values.map(np.float16)
    values = st.one_of(values, st.none()) if nulls else values
    found = st.lists(values, min_size=rows, max_size=rows)
    # A slice, since the memory of others seldom begins where it is looked at.
    return found.map(lambda values: Column(label, kind, pa.array([None, *values, None], of).slice(1, rows)))


def _values(kind: str, of: pa.DataType, label: str) -> st.SearchStrategy[Any]:
    match kind:
        case "float":
            return _FLOATS[of.bit_width]
        case "int":
            return _whole(of)
        case "bool":
            return st.booleans()
        case "text":
            return TEXTS
    item = of.value_type
    items = _FLOATS[item.bit_width] if kind == "floats" else _whole(item)
    if kind == "ints" and label != "w":
        items = st.one_of(st.integers(0, 1), items)
    fixed = getattr(of, "list_size", None)
    return st.lists(items, min_size=fixed or 0, max_size=fixed or 4)


def _whole(of: pa.DataType) -> st.SearchStrategy[int]:
    """Whole numbers of a type; what no column of int64 can hold is left out."""
    signed = pa.types.is_signed_integer(of)
    width = min(of.bit_width - signed, 63)
    return st.integers(-(2**width) if signed else 0, 2**width - 1)


@dataclass(frozen=True)
class Table:
    """A list or a loop."""

    is_list: bool
    columns: list[Column]

    @property
    def data(self) -> Any:
        """What is handed to the writer."""
        if self.is_list:
            # A scalar of pyarrow's own keeps the type; a null one of a list it cannot take back.
            firsts = {column.label: column.array[0] for column in self.columns}
            return {label: first if first.is_valid else None for label, first in firsts.items()}
        chunks = [_chunks(column.array, at) for at, column in enumerate(self.columns)]
        return pa.table(dict(zip([column.label for column in self.columns], chunks, strict=True)))

    @property
    def num_rows(self) -> int:
        return len(self.columns[0].array)

    @property
    def is_refused(self) -> bool:
        """Whether there is a declared reason not to write it."""
        refused = any(
            _is_refused(column, value, self.is_list)
            for column in self.columns
            for value in column.array.to_pylist()
        )
        first = self.columns[0]
        return refused or (self.is_list and (first.kind == "text" and "loop_" in str(first.array[0].as_py())))


def _is_refused(column: Column, value: Any, in_list: bool) -> bool:
    if isinstance(value, str):
        return not can_be_written(value, in_list)
    if isinstance(value, list):
        # RELION holds the items of vectors of whole numbers in 32 bits.
        large = column.label == "rlnTomoVisibleFrames" and any(not -(2**31) <= item < 2**31 for item in value)
        return large or any(item is None for item in value)
    return False


def _chunks(array: pa.Array, cut: int) -> pa.ChunkedArray:
    return pa.chunked_array([array.slice(0, cut), array.slice(cut)]) if cut <= len(array) else array


def can_be_written(text: str, in_list: bool) -> bool:
    """Whether a text has a form on one line that reads back equal."""
    if "\n" in text or "\r" in text:
        return False
    if not needs_quotes(text):
        return True
    kept = text if in_list else re.sub("[\a\b\v\f]", "", text)
    good = [
        quote
        for quote in "'\""
        if not re.search(f"{quote}[ \t]", text)
        and not re.search(f"{quote}[ \t]", kept)
        and f"\a{quote}" not in text + quote
    ]
    return bool(good) or (in_list and "\a" not in text)


def needs_quotes(text: str) -> bool:
    keyword = re.match(r"(?i)(data_|save_)|(loop_|stop_|global_)$", text)
    return (
        not text or text[0] in "'\"#;_" or keyword is not None or re.search("[\0-\x20\x7f]", text) is not None
    )


@cache
def tables(is_list: bool) -> st.SearchStrategy[Table]:
    """Make a table."""
    rows = st.just(1) if is_list else st.integers(0, 4)
    return rows.flatmap(_columns).map(lambda found: Table(is_list, found))


@cache
def _columns(rows: int) -> st.SearchStrategy[list[Column]]:
    return st.lists(columns(rows), min_size=1, max_size=3, unique_by=lambda column: column.label)


def is_finite(value: Any) -> bool:
    return isinstance(value, float | np.floating) and math.isfinite(value)
