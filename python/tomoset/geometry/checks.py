"""What arguments must be, so that nothing is calculated from what cannot be meant."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["floats", "fraction", "not_negative", "positive", "shaped"]

Floats = npt.NDArray[np.float64]


def floats(values: npt.ArrayLike) -> Floats:
    """Give values as float64; masked ones are NaN, and None, which would be NaN unseen, is refused."""
    if isinstance(values, np.ma.MaskedArray):
        masked: Floats = np.ma.filled(values.astype(np.float64), np.nan)
        return masked
    found = np.asarray(values)
    if found.dtype == object and any(value is None for value in found.flat):
        raise TypeError("None is no number")
    return found.astype(np.float64, copy=False)


def shaped(name: str, values: npt.ArrayLike, *tail: int) -> Floats:
    """Give values as float64, if their last axes are as long as these."""
    found = floats(values)
    if found.shape[-len(tail) :] != tail:
        raise ValueError(f"{name}: the shape is {found.shape}; it must end in {' x '.join(map(str, tail))}")
    return found


def positive(name: str, values: npt.ArrayLike) -> Floats:
    """Give values as float64, if all are above 0; NaN stays."""
    return _checked(name, floats(values), lambda found: found <= 0, "above 0")


def not_negative(name: str, values: npt.ArrayLike) -> Floats:
    """Give values as float64, if none is below 0; NaN stays."""
    return _checked(name, floats(values), lambda found: found < 0, "0 or more")


def fraction(name: str, values: npt.ArrayLike) -> Floats:
    """Give values as float64, if all are within 0 to 1; NaN stays."""
    return _checked(name, floats(values), lambda found: (found < 0) | (found > 1), "within 0 to 1")


def _checked(name: str, found: Floats, bad: Any, words: str) -> Floats:  # noqa: ANN401
    where = bad(found)
    if np.any(where):
        value = found[where].flat[0] if found.ndim else found
        raise ValueError(f"{name} is {value:g}; it must be {words}")
    return found
