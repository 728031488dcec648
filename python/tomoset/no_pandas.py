"""Keeping pandas out of processes that are ours alone.

pyarrow loads pandas, wherever it is installed, as soon as it makes an array, to know pandas' objects when it sees them.
That takes a fifth of a second, and the command line and the processes that check have no such objects.
"""

from __future__ import annotations

import sys
from importlib.abc import MetaPathFinder
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import ModuleType

__all__ = ["hide_pandas"]


class _Hidden(MetaPathFinder):
    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> None:
        if name == "pandas":
            raise ModuleNotFoundError("pandas is not used by this process", name=name)


def hide_pandas() -> None:
    """Let imports of pandas fail from now on, with `ModuleNotFoundError`; of no effect where it was loaded."""
    sys.meta_path.insert(0, _Hidden())
