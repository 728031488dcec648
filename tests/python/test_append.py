"""Rows added to a file that grows, while others read it."""

from __future__ import annotations

import multiprocessing
import threading
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
import tomoset

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("no_hang")

HEAD = "data_general\n\n_rlnTomoSubTomosAre2DStacks 1\n\n# version 50001\n\ndata_particles\n\nloop_ \n"
LABELS = "_rlnTomoName #1 \n_rlnCoordinateX #2 \n"
ROW = "     TS_01   12.500000 \n"
NEW = {"rlnCoordinateX": [1.5], "rlnTomoName": ["a b"]}


def grown(path: Path, text: str, rows: Any = NEW, **options: Any) -> str:
    path.write_bytes(text.encode())
    tomoset.append_star(path, rows, **options)
    return path.read_bytes().decode()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "x.star"


@pytest.mark.parametrize(
    ("end", "row"),
    [
        (ROW + " \n", '     "a b"          1.5 \n'),
        (ROW + "# done\n\n", '     "a b"          1.5 \n'),
        (ROW, '     "a b"          1.5 \n'),
        ("", '     "a b"          1.5 \n'),
        ("\n", '     "a b"          1.5 \n'),
        ("TS_1\t5\n\n\n", '"a b"\t1.5\n'),
    ],
)
def test_rows_go_below_the_last_row(path: Path, end: str, row: str) -> None:
    before = HEAD + LABELS + end
    below = end[len(ROW) :] if end.startswith(ROW) else "\n" if end == "\n" else end.partition("5\n")[2]
    assert grown(path, before) == before.removesuffix(below) + row + below
    assert tomoset.read_star(path)["particles"]["rlnTomoName"].to_pylist()[-1] == "a b"


def test_open_lines_are_ended(path: Path) -> None:
    assert grown(path, HEAD + LABELS + ROW.rstrip("\n")).endswith(ROW + '     "a b"          1.5 \n')
    crlf = (HEAD + LABELS + ROW).replace("\n", "\r\n")
    assert grown(path, crlf) == crlf + '     "a b"          1.5 \r\n'


def test_kinds_of_rows(path: Path) -> None:
    for rows in (
        pd.DataFrame(NEW, index=[5]),
        pl.DataFrame(NEW),
        tomoset.StarBlock.from_table("x", pl.DataFrame(NEW)),
    ):
        assert grown(path, HEAD + LABELS + ROW + " \n", rows).endswith('     "a b"          1.5 \n \n')
    text = grown(path, HEAD + LABELS + ROW + " \n", {"rlnCoordinateX": [], "rlnTomoName": []})
    assert text == HEAD + LABELS + ROW + " \n"
    text = grown(path, HEAD + LABELS + ROW + " \n", floats="%.3f")
    assert text.endswith('     "a b"        1.500 \n \n')


def test_keywords_in_any_case(path: Path) -> None:
    text = HEAD + LABELS + ROW + "\ndata_b\n\nLOOP_\n_y\n_x\n1 2\n"
    assert grown(path, text, {"x": [3], "y": [4]}) == text + "           4            3 \n"


def test_a_header_far_above(path: Path) -> None:
    text = HEAD + LABELS + "# loop_\n" + (" not_loop_\t1\n" + ROW) * 50_000 + " \n"
    assert grown(path, text) == text[:-2] + '     "a b"          1.5 \n \n'


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("data_a\n_x 1\n", "expected a file whose last table is a loop, found '_x 1'"),
        (HEAD + LABELS + ROW + "\ndata_b\n_x 1\n", "last table is a loop, found '_x 1'"),
        (HEAD + LABELS + ROW + "\ndata_b\n", "last table is a loop, found 'data_b'"),
        (HEAD + LABELS + ROW + "\ndata_b LOOP_\n_y\n1\n", "last table is a loop, found 'data_b LOOP_'"),
        (HEAD + LABELS + ROW + "_y\n1\n", "last table is a loop, found"),
        ("data_a\nloop_\n_x\n1\n\n_y\n;text\n;\n", "last table is a loop, found ';'"),
        (HEAD + LABELS + "1\n", "expected a last row of 2 values on one line, found '1'"),
        ("", "no loop"),
        (HEAD + LABELS + '"1 2\n', "expected a last row of 2 values"),
    ],
)
def test_files_that_end_otherwise(path: Path, text: str, words: str) -> None:
    with pytest.raises(tomoset.StarWriteError) as caught:
        grown(path, text)
    assert words in str(caught.value)
    assert str(caught.value).startswith(f"{path}: ")
    assert path.read_bytes().decode() == text


def test_rows_that_do_not_fit(path: Path) -> None:
    text = HEAD + LABELS + ROW
    with pytest.raises(tomoset.StarWriteError, match="label rlnCoordinateX: expected a value for each label"):
        grown(path, text, {"rlnTomoName": ["x"]})
    with pytest.raises(
        tomoset.MissingLabelError, match='no block has a label "rlnTomoNam"; did you mean "rlnTomoName"'
    ):
        grown(path, text, {**NEW, "rlnTomoNam": ["x"]})
    with pytest.raises(tomoset.StarWriteError, match="row 1: expected a number, found 'x'"):
        grown(path, text, {"rlnTomoName": ["x", "y"], "rlnCoordinateX": ["1", "x"]})
    with pytest.raises(ValueError, match="different lengths"):
        grown(path, text, {"rlnTomoName": ["x"], "rlnCoordinateX": [1, 2]})
    assert path.read_bytes().decode() == text
    with pytest.raises(FileNotFoundError):
        tomoset.append_star(path.with_name("none.star"), NEW)
    path.write_bytes(b"\x1f\x8b\x08\x00")
    with pytest.raises(tomoset.StarWriteError, match="expected a file that is not compressed"):
        tomoset.append_star(path, NEW)


def _add(path: str, count: int) -> None:
    for _ in range(count):
        tomoset.append_star(path, NEW, durable=False)


def test_writers_take_turns_and_readers_see_whole_files(path: Path) -> None:
    path.write_text(HEAD + LABELS + ROW + " \n")
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_add, args=(str(path), 50)) for _ in range(3)]
    seen: list[int] = []
    done = threading.Event()

    def read() -> None:
        while not done.is_set():
            seen.append(tomoset.read_star(path)["particles"].num_rows)

    reader = threading.Thread(target=read)
    reader.start()
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    done.set()
    reader.join()
    assert [writer.exitcode for writer in writers] == [0, 0, 0]
    assert tomoset.read_star(path)["particles"].num_rows == 151
    assert seen == sorted(seen)
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize(
    ("text", "rows", "expected"),
    [
        ("data_b\nloop_\n_x\n# end\n", [1], "data_b\nloop_\n_x\n           1 \n\n# end\n"),
        ("data_b\r\nloop_\r\n_x\r\n1", [2], "data_b\r\nloop_\r\n_x\r\n1\r\n           2 \r\n"),
        ("data_b\nloop_\n_x\n1", [], "data_b\nloop_\n_x\n1"),
    ],
)
def test_what_is_around_new_rows(path: Path, text: str, rows: list[int], expected: str) -> None:
    path.write_bytes(text.encode())
    tomoset.append_star(path, {"x": np.array(rows, dtype=np.int64)})
    assert path.read_bytes() == expected.encode()


def test_lone_returns_are_named(path: Path) -> None:
    path.write_bytes(b"data_b\rloop_\r_x\r1\r")
    with pytest.raises(tomoset.StarWriteError, match="expected lines that end in line feeds, found lone CRs"):
        tomoset.append_star(path, {"x": [1]})
