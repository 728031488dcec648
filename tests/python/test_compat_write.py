"""`tomoset.compat.starfile.write` beside the package starfile: the same bytes, but what would not read back."""

from __future__ import annotations

import csv
import os
import stat
import warnings
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import starfile
import tomoset
from hypothesis import given
from hypothesis import strategies as st
from starfile_twins import attempt, timeless
from tomoset.compat import starfile as ours
from tomoset.compat.starfile import StarfileWarning
from tomoset.compat.starfile.writer import StarWriter

D = pd.DataFrame


def named() -> D:
    frame = D({"a": [1, 2], "b": [1.5, np.nan], "c": ["x", "y z"], "d": ["", "it's"], "e": [True, False]})
    object.__setattr__(frame, "name", "particles")
    return frame


def powers() -> D:
    exponents = np.arange(-12, 13)
    return D({"a": 10.0**exponents, "b": 1 / 3 * 10.0**exponents, "c": -exponents})


#: What is written the same.
DATA: dict[str, Any] = {
    "table": named(),
    "list of blocks": [named(), {"k": 1}],
    "list": {"a": 1, "b": "x y", "c": 1.23e-9, "d": None, "e": float("nan"), "f": "", "g": True},
    "blocks": {"optics": named(), "general": {"k": "v w"}, "": {}},
    "objects": D({"a": [1, "x", None, 2.5, np.nan, pd.NA]}),
    "floats as objects": D({"a": pd.Series([1.5, 2.25], dtype=object)}),
    "nullable": D({"a": pd.array([1, None], dtype="Int64"), "b": pd.array([1.5, None], dtype="Float64")}),
    "small types": D({"a": np.array([0.1, 0.2], dtype="f4"), "b": np.array([1, 2], dtype="u1")}),
    "categories": D({"a": pd.Categorical(["x y", "z", "x y"])}),
    "dates": D({"a": pd.to_datetime(["2024-01-01", "2024-01-02"])}),
    "strings": D({"a": pd.array(["x", "y z", None], dtype="string")}),
    "no rows": D({"a": [], "b": []}),
    "no columns": D(index=[0, 1]),
    "column twice": D([[1, "x y"], [2, "z"]], columns=["a", "a"]),
    "numbered columns": D([[1, 2]], index=[7]),
    "not finite": D({"a": [np.inf, -np.inf, 1e300, 1e-9]}),
    "powers": powers(),
    "tab": D({"a": ["x\ty"]}),
    "line end": D({"a": ["x\ny"]}),
    "quote within": D({"a": ['x"y', "z'z"]}),
    "nothing": {},
    "no blocks": [],
    "number": 5,
    "text": "x",
}
OPTIONS: list[dict[str, Any]] = [
    {},
    {"float_format": None},
    {"float_format": "%.3e"},
    {"float_format": lambda value: f"<{value:.1f}>"},
    {"sep": " "},
    {"na_rep": "nan"},
    {"na_rep": ""},
    {"quote_character": "'"},
    {"overwrite": True, "force_loop": False},
]


@pytest.mark.parametrize("what", DATA)
@pytest.mark.parametrize("exact", [True, False])
def test_texts_are_the_same(what: str, exact: bool) -> None:
    for options in OPTIONS:
        if what == "tab" and options.get("sep") == " ":
            continue
        text = timeless(attempt(ours.to_string, DATA[what], exact=exact, **options))
        assert text == timeless(attempt(starfile.to_string, DATA[what], **options)), options


def test_all_texts_may_be_quoted() -> None:
    text = timeless(ours.to_string(named(), quote_all_strings=True))
    assert text == timeless(starfile.to_string(named(), quote_all_strings=True))


def test_files_are_the_same(tmp_path: Path) -> None:
    starfile.write(named(), tmp_path / "theirs.star")
    for exact in (True, False):
        ours.write(named(), tmp_path / "ours.star", exact=exact)
        written = [(tmp_path / name).read_text() for name in ("ours.star", "theirs.star")]
        assert timeless(written[0]) == timeless(written[1])


def test_head_of_a_file() -> None:
    head, *rest = ours.to_string({"a": 1}).split("\n")
    clock = head.removeprefix("# Created by the starfile Python package (version 0.5.13) at ")
    assert datetime.strptime(clock, "%H:%M:%S on %d/%m/%Y")
    assert rest == ["", "", "data_", "", "_a\t\t\t1", "", "", ""]


#: What the package writes so that it cannot be read back, and how it is written here.
BROKEN = {
    "list": ([1, 0], '"[1, 0]"'),
    "path": (Path("/a b/c"), '"/a b/c"'),
    "time": (pd.Timestamp("2024-01-01 10:30"), '"2024-01-01 10:30:00"'),
    "comment": ("#1", '"#1"'),
    "quote first": ("'x", '"\'x"'),
    "double quote first": ('"x', "'\"x'"),
    "quotes and blanks": ('say "hi" now', "'say \"hi\" now'"),
    "label": ("_x", '"_x"'),
    "header": ("data_x", '"data_x"'),
    "form feed": ("x\x0cy", '"x\x0cy"'),
    "line separator": ("x\u2028y", "x\u2028y"),
}


@pytest.mark.parametrize("what", BROKEN)
def test_what_would_not_read_back_is_quoted(what: str, tmp_path: Path) -> None:
    value, written = BROKEN[what]
    table = D({"a": pd.Series([value, value]), "b": [1, 2]})
    text = ours.to_string(table)
    assert f"\n{written}\t1\n{written}\t2\n" in text
    path = tmp_path / "x.star"
    ours.write(table, path)
    read = tomoset.read_star(path, dtypes="string")[""].to_dict()
    assert read == {"a": [str(value)] * 2, "b": ["1", "2"]}
    exact = ours.to_string(table, exact=True)
    assert timeless(exact) == timeless(starfile.to_string(table))
    assert exact != text


PRINTABLE = st.text(st.characters(codec="ascii", min_codepoint=32, max_codepoint=126), max_size=8)


@given(st.lists(st.tuples(PRINTABLE, PRINTABLE), min_size=1, max_size=4))
def test_texts_read_back(rows: list[tuple[str, str]]) -> None:
    table = D(rows, columns=["a", "b"])
    text = attempt(ours.to_string, table)
    if isinstance(text, ValueError):
        assert any('"' in value and "'" in value for row in rows for value in row)
        return
    star = tomoset.read_star(text.encode(), dtypes="string")
    assert star[""].to_dict() == table.to_dict("list")


def test_a_text_that_no_quote_fits() -> None:
    for block in (D({"a": ["' \" "]}), {"a": "' \" "}):
        with pytest.raises(ValueError, match="both kinds of quote"):
            ours.to_string(block)
    with pytest.raises(ValueError, match="block '': the value of 'a' holds a line end"):
        ours.to_string({"a": "x\ny"})


def test_a_separator_within_a_text() -> None:
    with pytest.raises(csv.Error):
        ours.to_string(D({"a": ["x y"]}), sep=" ")


def test_blocks_that_cannot_be_written_are_told_of() -> None:
    blocks: Any = {"a": {"x": 1}, "b": None}
    with pytest.warns(StarfileWarning, match="block 'b' is NoneType") as told:
        text = ours.to_string(blocks)
    assert told[0].filename == __file__
    assert timeless(text) == timeless(starfile.to_string(blocks))


def test_what_is_derived_from_a_table_is_written() -> None:
    class Frame(D):
        pass

    text = ours.to_string({"x": Frame({"a": [1]})})
    assert timeless(text) == timeless(starfile.to_string({"x": D({"a": [1]})}))


def test_a_column_called_name(tmp_path: Path) -> None:
    path = tmp_path / "x.star"
    path.write_text("data_x\n\nloop_\n_name\n_b\nu 1\n")
    frame = ours.read(path)
    assert (frame.name, frame["name"].tolist()) == ("x", ["u"])
    ours.write(frame, path)
    assert ours.read(path)["name"].tolist() == ["u"]
    assert "data_x\n" in path.read_text()
    assert "data_\n" in ours.to_string(frame.copy())


def test_files_are_whole_or_not_there(tmp_path: Path) -> None:
    path = tmp_path / "x.star"
    path.write_text("before")
    path.chmod(0o640)
    link = tmp_path / "link.star"
    link.symlink_to(path)
    with pytest.raises(csv.Error):
        ours.write(D({"a": ["x\ny"]}), link)
    assert path.read_text() == "before"
    ours.write({"a": "Å"}, link)
    assert "Å" in path.read_text("utf-8")
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert link.is_symlink()
    assert sorted(os.listdir(tmp_path)) == ["link.star", "x.star"]  # noqa: PTH208


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    path = tmp_path / "missing" / "x.star"
    with pytest.raises(FileNotFoundError) as own:
        ours.write({"a": 1}, path)
    with pytest.raises(FileNotFoundError) as other:
        starfile.write({"a": 1}, path)
    assert str(own.value) == str(other.value)


def test_writer_object(tmp_path: Path) -> None:
    writer = StarWriter({"a": 1})
    other = starfile.writer.StarWriter({"a": 1})
    assert list(writer.lines())[1:] == list(other.lines())[1:]
    assert writer.data_blocks == other.data_blocks
    with pytest.raises(ValueError, match="nameless"):
        writer.write()
    StarWriter({"a": 1}, tmp_path / "x.star", separator=" ").write()
    assert ours.read(tmp_path / "x.star") == {"a": 1}


def test_what_was_read_is_written_the_same(tmp_path: Path) -> None:
    path = tmp_path / "x.star"
    path.write_text("data_x\n\nloop_\n_a\n_b\n_c\n1 1.5 'u v'\n2 nan w\n\ndata_y\n\n_d 1\n")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        text = ours.to_string(ours.read(path))
    assert timeless(text) == timeless(starfile.to_string(starfile.read(path)))
