"""Files that mean harm: each is read by every way there is, and all ways tell the same."""

from __future__ import annotations

import gzip
import importlib.util
import io
from typing import TYPE_CHECKING, Any

import hostile_files as hostile
import pytest
import tomoset
import zstandard
from hostile_files import Expected
from tomoset import _core

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("no_hang")

EXPECTED = hostile.read_expected()
NAMED = {expected.file: expected for expected in EXPECTED}
THREADS = (1, 2, 7)
#: Diagnostics that only a look at the values can give.
OF_VALUES = {"L106", "V101", "V102", "V103", "V104", "V105", "V106", "V107", "V109"}

each_file = pytest.mark.parametrize(
    "expected", EXPECTED, ids=lambda expected: expected.file.removesuffix(".star")
)


def tables(star: tomoset.StarFile, skip: int = 0) -> list[Any]:
    """Give all there is in a file, in a form that compares, NaN with NaN too."""
    return [
        (block.name, block.version, [table(part) for part in hostile.tables_of(block)])
        for block in star.blocks[skip:]
    ]


def table(table: Any) -> tuple[list[str], list[str], int, str]:
    values = [column.to_pylist() for column in table.columns[:100]]
    return table.column_names, [str(field.type) for field in table.schema], table.num_rows, repr(values)


def outcome(read: Callable[[], tomoset.StarFile]) -> tuple[Any, ...]:
    """Give what a reading gave, or what it raised."""
    try:
        star = read()
    except (tomoset.StarSyntaxError, tomoset.StarTypeError) as error:
        return hostile.raised(error), error.offset, error.expected, error.found
    except OSError as error:
        return hostile.raised(error), error.errno, error.strerror
    return star.diagnostics, tables(star)


def test_every_file_is_declared_and_they_are_many() -> None:
    assert sorted(NAMED) == hostile.files()
    assert len(NAMED) == len(EXPECTED) >= 120
    assert sum(expected.path.stat().st_size for expected in EXPECTED) < 1 << 20


def test_binary_files_are_what_the_script_makes() -> None:
    spec = importlib.util.spec_from_file_location("make", hostile.FOLDER / "make.py")
    assert spec is not None and spec.loader is not None
    make = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(make)
    different = [
        name for name, content in make.FILES.items() if (hostile.FOLDER / name).read_bytes() != content
    ]
    assert different == []


def test_every_code_of_the_reader_occurs() -> None:
    told = " ".join(expected.raises + " " + expected.diagnostics for expected in EXPECTED)
    codes = {code for code, *_ in _core.diagnostic_codes()}
    assert {code for code in codes if code not in told and not code.startswith("F")} == set()


@each_file
def test_what_it_gives(expected: Expected) -> None:
    raised: BaseException | None = None
    star = None
    try:
        star = tomoset.read_star(expected.path)
    except (tomoset.TomosetError, OSError) as error:
        raised = error
    assert hostile.raised(raised) == expected.raises
    if isinstance(raised, OSError):
        with pytest.raises(type(raised)):
            tomoset.read_star(expected.path, on_error="collect")
        return
    collected = tomoset.read_star(expected.path, on_error="collect")
    assert hostile.blocks(collected) == expected.blocks
    assert hostile.diagnostics(collected) == expected.diagnostics
    if expected.values != "-":
        assert hostile.values(collected) == expected.values
    if star is not None:
        assert (star.diagnostics, tables(star)) == (collected.diagnostics, tables(collected))
    if "survivor" in collected and expected.file not in {
        "nul_tail.star",
        "other_tar.star",
        "gz_of_gz.star",
        "zst_of_gz.star",
    }:
        assert collected["survivor"].to_dict() in ({"rlnVoltage": [300.0, 200.0]}, {"rlnVoltage": [300.0]})


@each_file
def test_all_ways_agree(expected: Expected, tmp_path: Path) -> None:
    data = expected.path.read_bytes()
    (tmp_path / "copy.star.gz").write_bytes(gzip.compress(data, mtime=0))
    (tmp_path / "copy.star.zst").write_bytes(zstandard.compress(data))
    for on_error in ("raise", "collect"):
        ways: dict[str, Callable[[dict[str, Any]], tomoset.StarFile]] = {
            "path": lambda options: tomoset.read_star(expected.path, **options),
            "text path": lambda options: tomoset.read_star(str(expected.path), **options),
            "map": lambda options: tomoset.read_star(expected.path, memory_map=True, **options),
            "bytes": lambda options: tomoset.read_star(data, **options),
            "bytearray": lambda options: tomoset.read_star(bytearray(data), **options),
            "memoryview": lambda options: tomoset.read_star(memoryview(data), **options),
            "file": lambda options: read_file(expected.path, options),
            "BytesIO": lambda options: tomoset.read_star(io.BytesIO(data), **options),
        }
        if not expected.is_packed:
            ways["gz"] = lambda options: tomoset.read_star(tmp_path / "copy.star.gz", **options)
            ways["zst"] = lambda options: tomoset.read_star(tmp_path / "copy.star.zst", **options)
        first = None
        for way, read in ways.items():
            # Whatever is large is read by fewer.
            for threads in THREADS if len(data) < 20_000 or way in {"path", "bytes"} else THREADS[1:2]:
                options = {"threads": threads, "on_error": on_error}
                found = outcome(lambda read=read, options=options: read(options))  # type: ignore[misc]
                first = found if first is None else first
                assert found == first, (way, threads, on_error)


def read_file(path: Path, options: dict[str, Any]) -> tomoset.StarFile:
    with path.open("rb") as file:
        return tomoset.read_star(file, **options)


@each_file
def test_outlines_and_streams_agree(expected: Expected) -> None:
    try:
        star = tomoset.read_star(expected.path, on_error="collect")
    except OSError as error:
        with pytest.raises(type(error)) as caught:
            tomoset.scan_star(expected.path, on_error="collect")
        assert caught.value.strerror == error.strerror
        return
    outlines = [
        tomoset.scan_star(source, on_error="collect")
        for source in (expected.path, expected.path.read_bytes())
    ]
    for outline in outlines:
        assert [(block.name, block.version) for block in outline.blocks] == [
            (b.name, b.version) for b in star.blocks
        ]
        assert [
            [(t.is_list, t.num_rows, len(t.labels)) for t in block.tables] for block in outline.blocks
        ] == [
            [(part.is_list, part.num_rows, len(part.labels)) for part in block._parts]
            for block in star.blocks
        ]
        structure = [d for d in outline.diagnostics if d.code not in OF_VALUES or d.label is None]
        assert structure == [d for d in star.diagnostics if d.code not in OF_VALUES or d.label is None]
    assert outlines[0].blocks == outlines[1].blocks
    for index in range(min(len(star.blocks), 20)):
        for outline in outlines:
            block = outline.read(index, on_error="collect")
            assert [table(part) for part in hostile.tables_of(block)] == [
                table(part) for part in hostile.tables_of(star.blocks[index])
            ]
    if expected.raises == "-":
        for name, block in list(star.items())[:20]:
            if len(block.loops) == 1:
                batches = tomoset.iter_star(expected.path, name, batch_rows=2)
                assert table(batches.read_all()) == table(block.loops[0])


@pytest.mark.parametrize("strings", ["view", "dictionary"])
@each_file
def test_all_layouts_of_text_agree(expected: Expected, strings: Any) -> None:
    def values(star: tomoset.StarFile) -> list[Any]:
        return [(names, rows, values) for _, _, parts in tables(star) for names, _, rows, values in parts]

    try:
        star = tomoset.read_star(expected.path, on_error="collect")
    except OSError:
        return
    other = tomoset.read_star(expected.path, on_error="collect", strings=strings)
    assert values(other) == values(star)
    assert other.diagnostics == star.diagnostics


@each_file
def test_places_are_where_they_say(expected: Expected) -> None:
    if expected.is_packed:
        return
    text = expected.path.read_bytes()
    if b"\n" not in text:
        text = text.replace(b"\r", b"\n")
    for found in tomoset.read_star(text, on_error="collect").diagnostics:
        assert 0 <= found.offset <= len(text)
        before = text[: found.offset]
        assert (found.line, found.column) == (before.count(b"\n") + 1, len(before) - before.rfind(b"\n"))


@each_file
def test_every_table_reaches_other_libraries(expected: Expected) -> None:
    try:
        star = tomoset.read_star(expected.path, on_error="collect")
    except OSError:
        return
    for block in star.blocks[:50]:
        for part in hostile.tables_of(block):
            part.validate(full=True)
            assert len(set(part.column_names)) == part.num_columns
        assert isinstance(repr(block), str)
        assert isinstance(block._repr_html_(), str)
    assert isinstance(repr(star), str)
    assert all(str(found).isprintable() for found in star.diagnostics if found.block == "survivor")


PAD = b"data_pad\n\nloop_\n_rlnTomoName #1\n_rlnImageName #2\n"


@pytest.fixture(scope="module")
def padding() -> Iterator[bytes]:
    """Rows of just so many bytes that a text of 200 bytes behind them crosses the border of a megabyte."""
    row = b"t " + b"t" * 1021 + b"\n"
    end = (4 << 20) - 100
    rows = row * ((end - len(PAD)) // len(row))
    rest = end - len(PAD) - len(rows) - 4
    yield PAD + rows + b"t " + b"t" * rest + b"\n\n"


@each_file
def test_deep_in_a_large_text_by_many_threads(expected: Expected, padding: bytes) -> None:
    if expected.is_packed:
        return
    data = expected.path.read_bytes()
    text = padding + data
    found = []
    for threads in (1, 7):
        try:
            star = tomoset.read_star(text, on_error="collect", threads=threads)
        except OSError as error:
            pytest.fail(f"{threads} threads: {error}")
        found.append((star.blocks[0].num_rows, star.diagnostics, tables(star, 1)))
    assert found[0] == found[1]
    if not data.startswith(b"data_a\n"):
        return
    alone = tomoset.read_star(data, on_error="collect")
    lines = padding.count(b"\n")
    assert found[0][2] == tables(alone)
    assert [(d.code, d.line - lines, d.column, d.offset - len(padding), d.count) for d in found[0][1]] == [
        (d.code, d.line, d.column, d.offset, d.count) for d in alone.diagnostics
    ]
