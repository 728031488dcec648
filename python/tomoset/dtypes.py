"""Names of column types, as callers may write them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

__all__ = ["DtypeLike"]

#: A name such as ``"float64"``, or the Python, NumPy or pyarrow type it stands for.
DtypeLike: TypeAlias = Any

_PYTHON = {float: "float64", int: "int64", bool: "bool", str: "string"}
_SAME = {"str": "string", "utf8": "string", "double": "float64", "object": "string", "bool_": "bool"}


def dtype_names(dtypes: Mapping[str, DtypeLike]) -> dict[str, str]:
    """Give the reader's name of each type; what is no type passes on, to be refused with its label."""
    if not isinstance(dtypes, Mapping):
        raise TypeError(f"dtypes must be a word or a mapping of label to type, not {dtypes!r}")
    for label in dtypes:
        if not isinstance(label, str):
            raise TypeError(f"dtypes must map labels to types; {label!r} is no label")
    return {label: _name(dtype) for label, dtype in dtypes.items()}


def _name(dtype: DtypeLike) -> str:
    if isinstance(dtype, str):
        return dtype
    if isinstance(dtype, type) and dtype in _PYTHON:
        return _PYTHON[dtype]
    if getattr(dtype, "kind", None) == "U" or (isinstance(dtype, type) and issubclass(dtype, str)):
        return "string"
    # numpy.dtype and numpy scalar types have a name; pyarrow types print theirs.
    text = getattr(dtype, "name", None) or getattr(dtype, "__name__", None) or str(dtype)
    for spelled in ("list<item: ", "list<element: "):
        text = str(text).replace(spelled, "list<")
    return _SAME.get(text, text)
