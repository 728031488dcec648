"""The package `starfile` as tomoset has it: the same names, the same answers, without the silent corruptions.

``docs/starfile.md`` lists what is otherwise; ``exact=True`` gives what `starfile` itself gives.
"""

from __future__ import annotations

from tomoset.compat.starfile.functions import read, to_string, write
from tomoset.compat.starfile.oddities import StarfileWarning

__all__ = ["StarfileWarning", "read", "to_string", "write"]
