"""Files of real projects: all are read whole, with the rows that the starfile package finds.

They are other people's data and lie beside the repository; where they do not, these tests are skipped.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import tomoset

if TYPE_CHECKING:
    from collections.abc import Iterator

REAL = Path(__file__).parents[3] / "shared" / "real"
FILES = sorted(REAL.rglob("*.star"))

pytestmark = [
    pytest.mark.usefixtures("no_hang"),
    pytest.mark.skipif(not FILES, reason=f"there are no real files in {REAL}"),
]

#: What the set holds: files, blocks, rows, values, bytes.
TOTALS = (226, 465, 814_471, 3_345_183, 52_375_846)
#: Diagnostics that are right: file name, code, line, label.
ERRORS: list[tuple[str, str, int, str | None]] = []
#: Labels that RELION 5 writes itself though it does not know them.
UNKNOWN = {"rlnSphereRadius", "rlnTomoReconstructedTomogramDenoised"}


@pytest.fixture(scope="module")
def stars() -> dict[Path, tomoset.StarFile]:
    return {path: tomoset.read_star(path) for path in FILES}


def test_totals(stars: dict[Path, tomoset.StarFile]) -> None:
    blocks = [block for star in stars.values() for block in star.blocks]
    rows = sum(block.num_rows for block in blocks)
    values = sum(block.num_rows * len(block.labels) for block in blocks)
    size = sum(path.stat().st_size for path in stars)
    assert (len(stars), len(blocks), rows, values, size) == TOTALS


def test_diagnostics_are_true(stars: dict[Path, tomoset.StarFile]) -> None:
    found = [(path.name, d) for path, star in stars.items() for d in star.diagnostics]
    assert [(name, d.code, d.line, d.label) for name, d in found if d.severity != "note"] == ERRORS
    assert {d.code for _, d in found} <= {"H106"}


def test_labels_are_relions(stars: dict[Path, tomoset.StarFile]) -> None:
    from tomoset import _core

    known = {name for name, *_ in _core.labels()}
    labels = {label for star in stars.values() for block in star.blocks for label in block.labels}
    assert {label for label in labels if label.startswith("rln")} - known == UNKNOWN


def test_rows_are_those_of_starfile(stars: dict[Path, tomoset.StarFile]) -> None:
    import starfile

    seen = 0
    for path, star in stars.items():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            other = starfile.read(path, always_dict=True)
        assert list(other) == list(star)
        for name, table in other.items():
            rows, labels = (1, list(table)) if isinstance(table, dict) else (len(table), list(table.columns))
            assert (star[name].num_rows, star[name].labels) == (rows, labels), (path, name)
            seen += 1
    assert seen == sum(len(star) for star in stars.values())


def test_all_ways_agree(stars: dict[Path, tomoset.StarFile]) -> None:
    for path, star in stars.items():
        for other in ways(path):
            assert list(other) == list(star)
            assert other.diagnostics == star.diagnostics
            for block, same in zip(star.blocks, other.blocks, strict=True):
                assert [part.table for part in same._parts] == [part.table for part in block._parts]


def ways(path: Path) -> Iterator[tomoset.StarFile]:
    yield tomoset.read_star(path, threads=1)
    yield tomoset.read_star(path.read_bytes(), threads=7)
    yield tomoset.read_star(path, on_error="collect", memory_map=True)


def test_outlines_and_streams_agree(stars: dict[Path, tomoset.StarFile]) -> None:
    for path, star in stars.items():
        outline = tomoset.scan_star(path)
        assert [(block.name, block.num_rows, block.labels) for block in outline.blocks] == [
            (block.name, block.num_rows, block.labels) for block in star.blocks
        ]
        loops = [(block.name, loop) for block in star.blocks for loop in block.loops]
        for name, loop in loops[:3]:
            assert tomoset.iter_star(path, name, batch_rows=1000).read_all() == loop
            assert outline.read(name).loops[0] == loop
