"""Paths of files that findings name: absolute while findings are made, and told as they were given."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING

from tomoset.exceptions import printable

if TYPE_CHECKING:
    from tomoset.sets.findings import Finding

__all__ = ["as_shown", "named_as"]


def as_shown(finding: Finding, start: str, shown: str) -> Finding:
    """Give a finding whose paths below a folder begin in another way.

    Parameters
    ----------
    start
        How absolute paths below the folder begin, with a slash at the end.
    shown
        How they begin then.
    """
    if start == shown:
        return finding
    path, where = finding.path, finding.where
    if path is not None and path.startswith(start):
        path = shown + path.removeprefix(start)
    begin = printable(start, 1000)
    if where.startswith(begin):
        where = printable(shown, 1000) + where.removeprefix(begin)
    return replace(finding, path=path, where=where, found=named_as(finding.found, start, shown))


def named_as(found: str, start: str, shown: str) -> str:
    """Give what was found with other beginnings of the files that could not be read: what sets hold stays as it is."""
    begin = printable(start, 1000)
    # Most name none.
    return _read_below(begin).sub(lambda _: printable(shown, 1000), found) if begin in found else found


@lru_cache
def _read_below(begin: str) -> re.Pattern[str]:
    """Give what finds the beginnings of paths that faults of reading begin with, as ``a/b.star:3:1: expected``."""
    return re.compile(rf"(?:^|(?<=: )){re.escape(begin)}(?=[^:]*\.(?i:(?:tomo)?star(?:\.gz|\.zst)?):)")
