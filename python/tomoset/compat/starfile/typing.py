"""What a block is, to those who write annotations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias, Union

if TYPE_CHECKING:
    import pandas as pd

    # Of what else than `str`, `int` and `float` a dictionary may hold, checkers would refuse the half.
    DataBlock: TypeAlias = pd.DataFrame | dict[str, Any]

__all__ = ["DataBlock"]


def __getattr__(name: str) -> object:
    # pandas is loaded when somebody asks, since reading lists does not need it.
    if name == "DataBlock":
        import pandas as pd

        return Union[pd.DataFrame, dict[str, str | int | float]]  # noqa: UP007
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
