"""Broken STAR files: each is a small healthy file with one thing wrong, as people and crashes leave them."""

from __future__ import annotations

import gzip
import os
from dataclasses import dataclass

from archive.star_text import RELION
from archive.tree import Tree

_LABELS = (
    "rlnMicrographName",
    "rlnTomoTiltMovieFrameCount",
    "rlnTomoNominalStageTiltAngle",
    "rlnMicrographPreExposure",
    "rlnDefocusU",
)
_ROWS = (
    ("MotionCorr/job002/frames/TS_07_002_-3_0.mrc", 8, -3.001, 6.0, 31042.5),
    ("MotionCorr/job002/frames/TS_07_000_0_0.mrc", 8, 0.001, 0.0, 30980.25),
    ("MotionCorr/job002/frames/TS_07_001_3_0.mrc", 8, 3.002, 3.0, 31011.75),
)
_HEALTHY = RELION.loop("TS_07", _LABELS, [RELION.cells(row) for row in _ROWS])
_LINES = _HEALTHY.splitlines(keepends=True)
_FIRST, _MIDDLE, _LAST = [line for line in _LINES if line.startswith("MotionCorr")]
_GENERAL = RELION.values("general", {"rlnTomoSubTomosAre2DStacks": 1, "rlnTomoName": "TS_07"})
_HTML = """<!DOCTYPE html>
<html><head><title>404 Not Found</title></head>
<body><h1>Not Found</h1><p>data_ on this server could not be found.</p></body></html>
"""


@dataclass(frozen=True, slots=True)
class BrokenFile:
    """A file of the folder ``broken/``."""

    name: str
    what: str
    content: bytes


def _changed(old: str, new: str, encoding: str = "utf-8") -> bytes:
    return _HEALTHY.replace(old, new, 1).encode(encoding)


BROKEN_FILES = (
    BrokenFile("truncated.star", "ends in the middle of a row", _HEALTHY.encode()[:-60]),
    BrokenFile("short_row.star", "a row has one value too few", _changed("    6.000000 ", "")),
    BrokenFile(
        "long_row.star", "a row has one value too many", _changed("    6.000000 ", "    6.000000  1 ")
    ),
    BrokenFile("open_quote.star", "a quote is never closed", _changed("MotionCorr", '"MotionCorr')),
    BrokenFile("windows.star", "lines end in CR LF", _HEALTHY.replace("\n", "\r\n").encode()),
    BrokenFile("blank_line.star", "a blank line, and more rows after it", _changed(_MIDDLE, f"\n{_MIDDLE}")),
    BrokenFile("comment.star", "a comment stands among the rows", _changed(_MIDDLE, f"# bad one\n{_MIDDLE}")),
    BrokenFile(
        "two_labels.star", "a label occurs twice", _changed("rlnDefocusU", "rlnMicrographPreExposure")
    ),
    BrokenFile(
        "no_rows.star",
        "a loop without rows, and another block after it",
        "".join([line for line in _LINES if not line.startswith("MotionCorr")]).encode() + _GENERAL.encode(),
    ),
    BrokenFile("nan.star", "nan stands in a column of numbers", _changed("31042.500000", "nan")),
    BrokenFile("na.star", "<NA> stands in a column of numbers", _changed("31042.500000", "<NA>")),
    BrokenFile("latin1.star", "bytes that are not UTF-8", _changed("TS_07_002", "Zürich", "latin-1")),
    BrokenFile("nul.star", "NUL bytes, as after a power cut", _HEALTHY.encode()[:-60] + bytes(60)),
    BrokenFile("web_page.star", "a web page saved under the name of a STAR file", _HTML.encode()),
    BrokenFile("binary.star", "binary data", bytes(byte * 167 % 256 for byte in range(4096))),
    BrokenFile("empty.star", "nothing at all", b""),
    BrokenFile("no_value.star", "a label of a list has no value", _GENERAL.replace("TS_07", "").encode()),
    BrokenFile("exponent.star", "a whole number is written as 1e5", _changed("           8 ", " 1e5 ")),
    BrokenFile(
        "glued_label.star", "a label is glued to its number", _changed("rlnDefocusU #5", "rlnDefocusU#5")
    ),
    BrokenFile("gzip.star", "gzip data that does not say so", gzip.compress(_HEALTHY.encode(), mtime=0)),
    BrokenFile(os.fsdecode(b"caf\xe9.star"), "a healthy file whose name is not UTF-8", _HEALTHY.encode()),
)


def write_broken_files(tree: Tree, folder: str) -> None:
    """Write them all, except names that the file system refuses."""
    for file in BROKEN_FILES:
        tree.break_file(f"{folder}/{file.name}", file.what, file.content)
