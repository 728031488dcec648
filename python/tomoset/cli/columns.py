"""Arrow columns as text columns, for the formats that are text.

Values are put into Arrow through buffers: ``pa.array`` and ``pa.scalar`` would load pandas
wherever it is installed, which takes longer than most conversions.
"""

import json
import math
from collections.abc import Callable, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tomoset.cli.text import cell

TEXT = pa.large_string()
_NO_TEXT = pa.nulls(1, TEXT)[0]


def constant(value: str) -> pa.Scalar:
    """Return a text as Arrow's kernels take it."""
    return _texts([value])[0]


def csv_type(dtype: pa.DataType) -> pa.DataType:
    """Return the type in which a column goes to the CSV writer: numbers as they are, all else as text."""
    return dtype if _is_plain(dtype) else TEXT


def csv_column(column: pa.Array) -> pa.Array:
    """Return a column for the CSV writer; lists as ``[a,b,c]``, null stays null."""
    if _is_plain(column.type):
        return column
    if _casts_to_text(column.type):
        return column.cast(TEXT)
    if _is_list(column.type) and (
        _is_plain(column.type.value_type) or _casts_to_text(column.type.value_type)
    ):
        return _lists(column, lambda values: values.cast(TEXT).fill_null(constant("null")))
    texts = _texts([cell(value) for value in column.to_pylist()])
    return pc.if_else(column.is_valid(), texts, _NO_TEXT)


def json_column(column: pa.Array) -> pa.Array:
    """Return a column of JSON text; null, NaN and infinity as ``null``."""
    dtype = column.type
    if pa.types.is_floating(dtype):
        written = pc.if_else(pc.is_finite(column), column.cast(TEXT), _NO_TEXT)
    elif _is_plain(dtype):
        written = column.cast(TEXT)
    elif _casts_to_text(dtype):
        encoded = column.cast(TEXT).dictionary_encode()
        written = _texts([json_text(value) for value in encoded.dictionary.to_pylist()]).take(encoded.indices)
    elif _is_list(dtype):
        written = _lists(column, json_column)
    else:
        written = _texts([json_text(_jsonable(value)) for value in column.to_pylist()])
    return written.fill_null(constant("null"))


def json_text(value: object) -> str:
    """Return a value as compact JSON."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def joined(texts: pa.Array) -> pa.Buffer:
    """Return all texts of a column, one after the other, as bytes."""
    whole = pa.LargeListArray.from_arrays(_integers(np.array([0, len(texts)])), texts)
    return pc.binary_join(whole, constant(""))[0].as_buffer()


def _lists(column: pa.Array, write: Callable[[pa.Array], pa.Array]) -> pa.Array:
    """Return ``[a,b,c]`` for every list."""
    lengths = pc.list_value_length(column).cast(pa.int64()).fill_null(_integers(np.zeros(1, np.int64))[0])
    # Array.to_numpy would load pandas.
    lengths = np.frombuffer(lengths.buffers()[1], np.int64, len(lengths), lengths.offset * 8)
    offsets = np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)])
    items = pa.LargeListArray.from_arrays(_integers(offsets), write(column.flatten()))
    inner = pc.binary_join(items, constant(","))
    texts = pc.binary_join_element_wise(constant("["), inner, constant("]"), constant(""))
    return pc.if_else(column.is_valid(), texts, _NO_TEXT)


def _texts(values: Sequence[str]) -> pa.Array:
    encoded = [value.encode() for value in values]
    offsets = np.concatenate([[0], np.cumsum([len(value) for value in encoded], dtype=np.int64)])
    return pa.LargeStringArray.from_buffers(len(encoded), _buffer(offsets), pa.py_buffer(b"".join(encoded)))


def _integers(values: np.ndarray) -> pa.Array:
    return pa.Array.from_buffers(pa.int64(), len(values), [None, _buffer(values)])


def _buffer(values: np.ndarray) -> pa.Buffer:
    return pa.py_buffer(values.astype(np.int64))


def _is_plain(dtype: pa.DataType) -> bool:
    return bool(pa.types.is_boolean(dtype) or pa.types.is_integer(dtype) or pa.types.is_floating(dtype))


def _is_list(dtype: pa.DataType) -> bool:
    return bool(pa.types.is_list(dtype) or pa.types.is_large_list(dtype))


def _casts_to_text(dtype: pa.DataType) -> bool:
    tests = (pa.types.is_string, pa.types.is_large_string, pa.types.is_temporal, pa.types.is_decimal)
    return any(test(dtype) for test in tests) and not pa.types.is_interval(dtype)


def _jsonable(value: object) -> object:
    """Return a value made of what JSON knows."""
    if isinstance(value, dict):
        return {str(key): _jsonable(item) for key, item in value.items()}
    if isinstance(value, pa.MonthDayNano):
        return cell(value)
    if isinstance(value, list | tuple):
        return [_jsonable(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if value is None or isinstance(value, bool | int | float | str):
        return value
    return cell(value)
