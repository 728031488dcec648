"""What blocks share: memory with NumPy and other libraries, a process with threads and children."""

from __future__ import annotations

import ctypes
import subprocess
import sys
import textwrap
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import tomoset
from star_sample import TEXT

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("no_hang")


@pytest.fixture
def optics() -> tomoset.StarBlock:
    return tomoset.read_star(TEXT)["optics"]


# Memory and other libraries.


def fetched(relation: duckdb.DuckDBPyRelation | None) -> list[tuple[Any, ...]]:
    assert relation is not None
    return relation.fetchall()


def address(array: Any) -> int:
    return int(array.buffers()[1].address + array.offset * array.type.bit_width // 8)


def test_numpy_views_are_the_readers_memory() -> None:
    rows = b"".join(b"%d %d.5 x\n" % (n, n) for n in range(1000))
    text = b"data_a\n\nloop_\n_rlnOpticsGroup\n_rlnVoltage\n_foo\n" + rows
    star = tomoset.read_star(text)
    for label in ("rlnOpticsGroup", "rlnVoltage"):
        array = star["a"][label]
        view = np.asarray(array)
        assert view.ctypes.data == address(array) == address(star["a"].to_arrow()[label].chunk(0))
        assert view.ctypes.data == address(pa.table(star["a"])[label].chunk(0))
        assert pl.DataFrame(star["a"])[label].to_numpy(allow_copy=False).ctypes.data == view.ctypes.data
        assert not view.flags.writeable
        assert np.asarray(star["a"][label]).ctypes.data == view.ctypes.data
    view = np.asarray(star["a"]["rlnVoltage"])
    expected = np.arange(1000) + 0.5
    del star
    np.testing.assert_array_equal(view, expected)


def test_equal_tables_share_one_stack() -> None:
    block = "data_b{0}\n\nloop_\n_rlnVoltage\n{0}\n{0}\n\n"
    star = tomoset.read_star("".join(block.format(n) for n in range(50)).encode())
    places = [address(star[f"b{n}"]["rlnVoltage"]) for n in range(50)]
    assert [place - places[0] for place in places] == [16 * n for n in range(50)]
    assert [np.asarray(star[f"b{n}"]["rlnVoltage"]).tolist() for n in range(50)] == [
        [n, n] for n in range(50)
    ]


def test_views_point_into_the_text_itself() -> None:
    text = b"data_a\n\nloop_\n_rlnTomoName\n_x\n" + b"a_rather_long_name 1\n" * 100
    names = tomoset.read_star(text, strings="view")["a"]["rlnTomoName"]
    start = ctypes.cast(ctypes.c_char_p(text), ctypes.c_void_p).value
    assert [buffer.address for buffer in names.buffers()[2:]] == [start]
    assert names.to_pylist() == ["a_rather_long_name"] * 100
    del text
    assert names.to_pylist() == ["a_rather_long_name"] * 100


@pytest.mark.parametrize("odd", [b'"an \x07" escaped name"', b"not_utf_8_\xff_at_all"])
def test_a_block_is_no_copy_for_what_another_holds(odd: bytes) -> None:
    block = b"data_%s\n\nloop_\n_rlnTomoName\n_x\n%s 1\n\n"
    text = block % (b"a", b"a_rather_long_name") + block % (b"b", odd)
    star = tomoset.read_star(text, strings="view")
    start = ctypes.cast(ctypes.c_char_p(text), ctypes.c_void_p).value
    assert [buffer.address for buffer in star["a"]["rlnTomoName"].buffers()[2:]] == [start]
    assert star["a"]["rlnTomoName"].type == pa.string_view()
    assert star["b"]["rlnTomoName"].type == pa.large_string()


def test_other_libraries_take_blocks(optics: tomoset.StarBlock) -> None:
    table = optics.to_arrow()
    assert pa.table(optics).equals(table, check_metadata=True)
    assert pa.schema(optics).equals(table.schema, check_metadata=True)
    assert pa.RecordBatchReader.from_stream(optics).read_all().equals(table)
    assert pl.DataFrame(optics).equals(optics.to_polars())
    assert optics.to_polars().to_dict(as_series=False) == optics.to_dict()
    if hasattr(pd.DataFrame, "from_arrow"):  # pandas 3
        frame = pd.DataFrame.from_arrow(optics)  # type: ignore[attr-defined]  # newer than its stubs
        pd.testing.assert_frame_equal(frame, optics.to_pandas())
        assert frame["rlnOpticsGroupName"].to_list() == ["first", "the <second> group"]
    assert fetched(duckdb.sql("select rlnOpticsGroupName from optics where rlnVoltage < 250")) == [
        ("the <second> group",)
    ]
    assert fetched(
        duckdb.sql("select sum(len(rlnTomoVisibleFrames)) from optics a, (select 1 from optics)")
    ) == [(8,)]
    assert duckdb.from_arrow(optics).count("*").fetchall() == [(2,)]


@pytest.mark.parametrize("strings", ["view", "dictionary"])
def test_other_libraries_take_other_layouts(strings: Any) -> None:
    optics = tomoset.read_star(TEXT, strings=strings)["optics"]
    names = ["first", "the <second> group"]
    assert pa.table(optics)["rlnOpticsGroupName"].to_pylist() == names
    assert pl.DataFrame(optics)["rlnOpticsGroupName"].to_list() == names
    assert optics.to_pandas()["rlnOpticsGroupName"].to_list() == names
    assert fetched(duckdb.sql("select rlnOpticsGroupName from optics")) == [(name,) for name in names]


def test_missing_values_reach_other_libraries() -> None:
    block = tomoset.read_star(
        b"data_\nloop_\n_rlnVoltage\n_rlnOpticsGroup\n_rlnTomoVisibleFrames\n"
        b"300 <NA> [1]\nnan 2 None\n? 3 []\n"
    )[""]
    assert (
        block["rlnVoltage"].null_count
        == block["rlnOpticsGroup"].null_count
        == block["rlnTomoVisibleFrames"].null_count
        == 1
    )
    assert block["rlnOpticsGroup"].to_pylist() == [None, 2, 3]
    assert block.to_polars()["rlnVoltage"].is_null().to_list() == [False, False, True]
    assert block.to_polars()["rlnTomoVisibleFrames"].to_list() == [[1], None, []]
    assert fetched(duckdb.sql("select count(rlnVoltage), count(rlnTomoVisibleFrames) from block")) == [(2, 2)]
    assert block.to_pandas()["rlnVoltage"].isna().to_list() == [False, True, True]


# Threads and processes.


def large(rows: int) -> bytes:
    return b"data_a\n\nloop_\n_rlnTomoName\n_rlnVoltage\n_rlnOpticsGroup\n" + b"TS_1 300.25 7\n" * rows


def test_sixteen_threads_read_at_once(tmp_path: Path) -> None:
    path = tmp_path / "x.star"
    path.write_bytes(large(50_000))
    expected = tomoset.read_star(path)["a"].to_arrow()
    shared = tomoset.read_star(path)
    outline = tomoset.scan_star(path)
    start = threading.Barrier(16)

    def read(way: int) -> pa.Table:
        match way % 4:
            case 0:
                return tomoset.read_star(path, threads=1 + way % 3)["a"].to_arrow()
            case 1:
                return shared["a"].to_arrow()
            case 2:
                return outline.read("a").to_arrow()
        return tomoset.iter_star(path).read_all()

    def work(index: int) -> bool:
        start.wait()
        return all(read(index + turn).equals(expected) for turn in range(4))

    with ThreadPoolExecutor(16) as pool:
        assert list(pool.map(work, range(16))) == [True] * 16


@pytest.mark.parametrize("threads", [1, 2])
def test_python_goes_on_while_a_text_is_read(threads: int) -> None:
    text = large(1_500_000)
    ticks = 0
    done = threading.Event()

    def count() -> None:
        nonlocal ticks
        while not done.wait(0.001):
            ticks += 1

    # With this, a thread that holds the interpreter is asked to let go but once in a test.
    interval = sys.getswitchinterval()
    sys.setswitchinterval(60)
    counter = threading.Thread(target=count)
    counter.start()
    try:
        before = ticks
        rows = tomoset.read_star(text, threads=threads)["a"].num_rows
        during = ticks - before
    finally:
        done.set()
        sys.setswitchinterval(interval)
        counter.join()
    assert rows == 1_500_000
    assert during >= 3


def run_alone(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, timeout=15, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_children_read_after_a_fork() -> None:
    told = run_alone("""
        import os, tomoset
        text = b"data_a\\n\\nloop_\\n_rlnTomoName\\n_rlnVoltage\\n" + b"TS_1 300.25\\n" * 500_000
        before = tomoset.read_star(text, threads=4)
        outline = tomoset.scan_star(text)
        children = []
        for _ in range(3):
            child = os.fork()
            if child == 0:
                same = tomoset.read_star(text, threads=4)["a"].to_arrow().equals(before["a"].to_arrow())
                os._exit(0 if same and outline.read("a").num_rows == 500_000 else 1)
            children.append(child)
        codes = [os.waitpid(child, 0)[1] for child in children]
        print(codes, tomoset.read_star(text, threads=4)["a"].num_rows)
    """)
    assert told == "[0, 0, 0] 500000"


def test_importing_and_reading_load_no_extras() -> None:
    told = run_alone(f"""
        import sys, tomoset
        extras = ("pandas", "polars", "duckdb", "deltalake", "matplotlib", "dask", "tqdm", "click")
        print([name for name in extras if name in sys.modules])
        star = tomoset.read_star({TEXT!r})
        star["optics"].to_dict(), repr(star), star.diagnostics, tomoset.scan_star({TEXT!r})
        print([name for name in extras if name in sys.modules])
        star["optics"].to_polars()
        print([name for name in extras if name in sys.modules])
    """)
    assert told.splitlines() == ["[]", "[]", "['polars']"]
