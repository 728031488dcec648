"""Lines of files that were checked, for those who show them."""

from __future__ import annotations

import gzip
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tomoset.sets.findings import Finding

__all__ = ["lines_of"]

#: Of larger files nothing is shown.
LARGEST = 1 << 30


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
            opened = gzip.open(path, "rb") if path.endswith(".gz") else open(path, "rb")  # noqa: SIM115, PTH123
            with opened as file:
                last = max(numbers)
                for number, line in enumerate(file, start=1):
                    if number in numbers:
                        found[path, number] = line.rstrip(b"\r\n")
                    if number >= last:
                        break
        except (OSError, EOFError):
            continue
    return found
