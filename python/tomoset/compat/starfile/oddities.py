"""The warning for what `starfile` passes over in silence."""

from __future__ import annotations

import sys
import warnings

__all__ = ["StarfileWarning", "warn"]


class StarfileWarning(UserWarning):
    """Something was left out or filled up, as `starfile` does without a word."""


def warn(message: str) -> None:
    """Warn whoever called into this package."""
    level, frame = 1, sys._getframe()
    while frame.f_back is not None and str(frame.f_globals.get("__name__")).startswith(__package__):
        level, frame = level + 1, frame.f_back
    warnings.warn(message, StarfileWarning, stacklevel=level)
