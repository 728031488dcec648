"""Lines of files that were checked, for those who show them."""

from __future__ import annotations

import os
from io import BytesIO
from typing import TYPE_CHECKING

from tomoset import _core
from tomoset.exceptions import TomosetError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tomoset.sets.findings import Finding

__all__ = ["lines_of"]

#: Of larger files nothing is shown.
LARGEST = 1 << 29


def lines_of(findings: Iterable[Finding]) -> dict[tuple[str, int], bytes]:
    """Give the lines that findings stand in, without line ends, by path and number; those that can be read."""
    wanted: dict[str, set[int]] = {}
    for finding in findings:
        if finding.path is not None and finding.line is not None:
            wanted.setdefault(finding.path, set()).add(finding.line)
    found: dict[tuple[str, int], bytes] = {}
    for path, numbers in wanted.items():
        try:
            if os.stat(path).st_size > LARGEST or not os.path.isfile(path):  # noqa: PTH116, PTH113
                continue
            # Unpacked, whatever the file is called, and with lines as they were counted.
            text, *_ = _core.load_text(path)
        except (OSError, TomosetError, MemoryError):
            continue
        last = max(numbers)
        for number, line in enumerate(BytesIO(text), start=1):
            if number in numbers:
                found[path, number] = line.rstrip(b"\r\n")
            if number >= last:
                break
    return found
