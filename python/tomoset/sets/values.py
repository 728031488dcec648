"""Values of sets as properties: each names its label, its unit, and what is meant where the label is absent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, NoReturn, Protocol, TypeVar, overload

import numpy as np
import numpy.typing as npt

from tomoset.exceptions import MissingLabelError
from tomoset.tables import as_numpy

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = [
    "Floats",
    "Integers",
    "Property",
    "Texts",
    "Vectors",
    "array",
    "default",
    "optional",
    "properties",
    "required",
    "vectors",
]

T = TypeVar("T")
Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Texts = list[str | None]
Vectors = list[Floats]


class Row(Protocol):
    """What has one value for a label."""

    def _value(self, label: str, *, needed: bool) -> Any: ...  # noqa: ANN401


class Rows(Protocol):
    """What has a column for a label."""

    def _column(self, label: str, *, needed: bool) -> pa.ChunkedArray | None: ...

    def __len__(self) -> int: ...


class Property(Generic[T]):
    """A value or column of a set, by its label."""

    def __init__(self, label: str, kind: str, unit: str, absent: str, meaning: str) -> None:
        self.label = label
        #: Type of the value, or the dtype of the array.
        self.kind = kind
        self.unit = unit
        #: What there is where the label is absent.
        self.absent = absent
        self.meaning = meaning
        self.name = ""
        in_unit = f" in {unit}" if unit else ""
        self.__doc__ = f"``{label}``: {meaning}; {kind}{in_unit}; absent: {absent}."

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    @overload
    def __get__(self, instance: None, owner: type) -> Property[T]: ...
    @overload
    def __get__(self, instance: object, owner: type) -> T: ...
    def __get__(self, instance: object | None, owner: type) -> T | Property[T]:
        return self if instance is None else self._of(instance)

    def __set__(self, instance: Any, value: object) -> NoReturn:  # noqa: ANN401
        raise AttributeError(
            f"{type(instance).__name__}.{self.name} cannot be set: sets do not change, edits give new ones"
        )

    def _of(self, instance: Any) -> T:  # noqa: ANN401
        raise NotImplementedError


class _Single(Property[T]):
    def __init__(
        self, label: str, kind: type, unit: str, meaning: str, *, absent: str, fallback: object = None
    ) -> None:
        super().__init__(label, kind.__name__, unit, absent, meaning)
        self._kind = kind
        self._fallback = fallback

    def _of(self, instance: Row) -> T:
        needed = self.absent == "error"
        value = instance._value(self.label, needed=needed)
        if value is None and needed:
            raise MissingLabelError(f"{instance!r} has no value for {self.label}", self.label)
        found: Any = self._fallback if value is None else self._kind(value)
        return found  # type: ignore[no-any-return]


def required(label: str, kind: type[T], unit: str, meaning: str) -> Property[T]:
    """Make a property that RELION needs."""
    return _Single(label, kind, unit, meaning, absent="error")


def optional(label: str, kind: type[T], unit: str, meaning: str) -> Property[T | None]:
    """Make a property that may be None."""
    return _Single(label, kind, unit, meaning, absent="None")


def default(label: str, fallback: T, unit: str, meaning: str) -> Property[T]:
    """Make a property that has RELION's value where there is none."""
    return _Single(label, type(fallback), unit, meaning, absent=repr(fallback), fallback=fallback)


class _Array(Property[T]):
    def __init__(self, label: str, kind: Any, unit: str, meaning: str, absent: object) -> None:  # noqa: ANN401
        words = {Floats: "float64", Integers: "int64", Texts: "text", Vectors: "list of float64 arrays"}
        super().__init__(
            label, words[kind], unit, absent if isinstance(absent, str) else repr(absent), meaning
        )
        self._kind = kind
        self._fallback = absent

    def _of(self, instance: Rows) -> T:
        column = instance._column(self.label, needed=self._fallback == "error")
        found: Any = None
        if column is not None:
            found = _values(column, self._kind)
        elif self._fallback is not None:
            found = np.full(len(instance), self._fallback)
            found.flags.writeable = False
        return found  # type: ignore[no-any-return]


@overload
def array(label: str, kind: type[T], unit: str, meaning: str) -> Property[T | None]: ...
@overload
def array(label: str, kind: type[T], unit: str, meaning: str, *, absent: float | str) -> Property[T]: ...
def array(label: str, kind: Any, unit: str, meaning: str, *, absent: object = None) -> Any:
    """Make a property with a value for each row; `absent` is a value for all rows, or ``"error"``."""
    return _Array(label, kind, unit, meaning, absent)


def _values(column: pa.ChunkedArray, kind: Any) -> Any:  # noqa: ANN401
    """Give a column's values: views of its memory where that can be."""
    if kind is Texts:
        return column.to_pylist()
    if kind is Vectors:
        return [np.asarray(vector.values, dtype=np.float64) for vector in column]
    dtype = np.dtype(np.float64 if kind is Floats else np.int64)
    found = as_numpy(column)
    if found.dtype != dtype:
        found = found.astype(dtype)
    found.flags.writeable = False
    return found


def vectors(column: pa.ChunkedArray) -> pa.LargeListArray | None:
    """Give a column of vectors in one piece; None for one of something else."""
    import pyarrow as pa

    if not isinstance(column.type, pa.ListType | pa.LargeListType | pa.FixedSizeListType):
        return None
    return column.cast(pa.large_list(pa.float64())).combine_chunks()


def properties(owner: type) -> list[Property[Any]]:
    """Give all properties of a class, in their order."""
    return [value for value in vars(owner).values() if isinstance(value, Property)]
