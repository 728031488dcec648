"""Edits of a file that was read: what was not edited keeps its very text."""

from __future__ import annotations

import datetime
import decimal
import io
import pickle
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pytest
import tomoset

pytestmark = pytest.mark.usefixtures("no_hang")

DATA = Path(__file__).parents[1] / "data"
REAL = Path(__file__).parents[3] / "shared" / "real"

HEAD = """# made by hand

# version 50001

data_general   # of all

_rlnTomoSubTomosAre2DStacks                       1
_rlnNote                  'as it "is"'  # kept

# version 30001

data_particles

loop_·
_rlnTomoName #1·
_rlnCoordinateX #2·
_rlnClassNumber #3·
"""
ROWS = """\
     TS_01   12.500000            1·
     TS_02     1.35e1             2  # mine
# above the third
     TS_03   14.5                 3·
"""
TAIL = """·

# version 50001

data_end

_x 1
"""
# Blanks at the ends of lines, which RELION writes.
HEAD, ROWS, TAIL = (text.replace("·", " ") for text in (HEAD, ROWS, TAIL))
TEXT = (HEAD + ROWS + TAIL).encode()


@pytest.fixture
def star() -> tomoset.StarFile:
    return tomoset.read_star(TEXT)


@pytest.fixture
def particles(star: tomoset.StarFile) -> tomoset.StarBlock:
    return star["particles"]


def written(particles: Any, name: str = "particles") -> str:
    """Write the sample with another block of a name."""
    star = tomoset.read_star(TEXT)
    star[name] = particles
    return star.to_bytes().decode()


def rows(particles: Any) -> str:
    """Give the rows of the sample with other particles, whose header must be as it was."""
    text = written(particles)
    assert text.startswith(HEAD)
    assert text.endswith(TAIL)
    return text.removeprefix(HEAD).removesuffix(TAIL)


# Untouched.


def is_packed(path: Path) -> bool:
    return path.name.startswith(("gz_", "zst_"))


def readable(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.rglob("*.star")) if path.is_file() and not is_packed(path)]


@pytest.mark.parametrize(
    "path", readable(DATA / "hostile") + readable(DATA / "oracle"), ids=lambda path: path.stem
)
def test_an_untouched_file_is_written_byte_for_byte(path: Path) -> None:
    star = tomoset.read_star(path, on_error="collect")
    if len(star):
        assert star.to_bytes() == path.read_bytes()


def test_real_files_are_written_byte_for_byte() -> None:
    if not REAL.is_dir():
        pytest.skip("no real files here")
    paths = readable(REAL)
    assert len(paths) > 100
    for path in paths:
        assert tomoset.read_star(path).to_bytes() == path.read_bytes(), path


def test_large_files_are_written_byte_for_byte(tmp_path: Path) -> None:
    # Larger than what is held in memory.
    path = tmp_path / "large.star"
    text = HEAD.encode() + ROWS.encode() * 600_000 + TAIL.encode()
    path.write_bytes(text)
    star = tomoset.read_star(path)
    star.write(path, durable=False)
    assert path.read_bytes() == text
    # The file at the path is another one now; what was read is still there.
    star["particles"] = star["particles"].filter(np.arange(1_800_000) % 3 == 0)
    star.write(path, durable=False)
    assert path.read_bytes().count(b"TS_01") == 600_000
    assert path.read_bytes().count(b"TS_02") == 0
    assert path.read_bytes().count(b"# above the third") == 600_000
    path.write_bytes(text)
    changed = tomoset.read_star(path)
    with path.open("ab") as file:
        file.write(b"_z 1\n")
    with pytest.raises(OSError, match="has been written to since"):
        changed.write(tmp_path / "other.star")
    assert not (tmp_path / "other.star").exists()


def test_a_packed_file_is_written_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "x.star.gz"
    tomoset.read_star(TEXT).write(path)
    assert path.read_bytes()[:2] == b"\x1f\x8b"
    assert tomoset.read_star(path).to_bytes() == TEXT


def test_lone_returns_stay(star: tomoset.StarFile) -> None:
    text = TEXT.replace(b"\n", b"\r")
    again = tomoset.read_star(text)
    assert again.to_bytes() == text
    again["new"] = {"x": 1}
    assert b"\n" not in again.to_bytes()
    assert tomoset.read_star(again.to_bytes())["new"].to_dict() == {"x": 1}
    assert tomoset.read_star(again.to_bytes())["general"].to_dict() == star["general"].to_dict()


# Columns.


def test_one_cell(particles: tomoset.StarBlock) -> None:
    changed = particles.with_columns(rlnClassNumber=[1, 20, 3])
    assert rows(changed) == ROWS.replace("           2 ", "          20 ")
    assert rows(particles.with_columns(rlnCoordinateX=[12.5, 13.5, 1e-9])) == ROWS.replace("14.5", "1e-9")
    names = ["TS_01", "a b", "TS_03"]
    assert rows(particles.with_columns(rlnTomoName=names)) == ROWS.replace("TS_02", '"a b"')
    # A value that is longer takes from the blanks before it, and leaves one.
    assert rows(particles.with_columns(rlnCoordinateX=[0.123456789012, 13.5, 14.5])) == ROWS.replace(
        "   12.500000", " 0.123456789012"
    )


def test_values_that_are_equal_keep_their_text(particles: tomoset.StarBlock) -> None:
    for values in (
        np.array([12.5, 13.5, 14.5]),
        np.array([12.5, 13.5, 14.5], dtype=np.float32),
        pa.array([12.5, 13.5, 14.5]),
        pa.chunked_array([[12.5], [13.5, 14.5]]),
        pl.Series([12.5, 13.5, 14.5]),
        pd.Series([12.5, 13.5, 14.5], index=[7, 8, 9]),
        [12.5, 13.5, 14.5],
        (12.5, 13.5, 14.5),
    ):
        assert rows(particles.with_columns({"rlnCoordinateX": values})) == ROWS
    assert rows(particles.with_columns(rlnClassNumber=np.array([1.0, 2.0, 3.0]))) == ROWS
    assert rows(particles.with_columns(rlnTomoName=pd.Categorical(["TS_01", "TS_02", "TS_03"]))) == ROWS


def test_one_value_for_all_rows(particles: tomoset.StarBlock) -> None:
    day, number = datetime.date(2026, 1, 2), decimal.Decimal("1.50")
    text = written(particles.with_columns(x=day, y=number, z=None))
    assert text.count(" 2026-01-02       1.50         <NA> ") == particles.num_rows


def test_values_of_pandas_go_to_their_rows(particles: tomoset.StarBlock) -> None:
    frame = particles.to_pandas()
    down = frame.sort_values("rlnCoordinateX", ascending=False)
    ranks = pd.Series([1, 2, 3], index=down.index)
    assert particles.with_columns(rank=ranks)["rank"].to_pylist() == [3, 2, 1]
    assert particles.filter(down["rlnTomoName"] == "TS_01")["rlnTomoName"].to_pylist() == ["TS_01"]
    some = frame[frame["rlnCoordinateX"] > 13]
    assert particles.take([1, 2]).with_columns(x=some["rlnCoordinateX"])["x"].to_pylist() == [13.5, 14.5]


def test_a_sorted_frame_keeps_text_and_comments(particles: tomoset.StarBlock) -> None:
    down = particles.to_pandas().sort_values("rlnCoordinateX", ascending=False)
    expected = written(particles.with_table(down))
    assert written(particles.with_table(down.reset_index(drop=True))) == expected
    assert written(particles.with_table(pl.from_pandas(down.reset_index(drop=True)))) == expected
    assert "     TS_02     1.35e1             2  # mine\n" in expected


def test_nan_is_a_value_but_in_pandas(particles: tomoset.StarBlock) -> None:
    values = [1.0, float("nan"), 3.0]
    for given in (values, np.array(values), pl.Series(values)):
        assert " nan " in written_with(particles.with_columns(x=given), na="keep")
    assert " <NA> " in written_with(particles.with_columns(x=pd.Series(values)), na="keep")
    with pytest.raises(tomoset.StarWriteError, match=r"row 1: expected a finite number.*found nan"):
        written(particles.with_columns(rlnCoordinateX=values))
    with pytest.raises(tomoset.StarWriteError, match=r"row 1: expected a finite number.*found inf"):
        written_with(particles.with_columns(rlnCoordinateX=[1.0, np.inf, np.nan]), na="0")


def written_with(particles: tomoset.StarBlock, **options: Any) -> str:
    """Write a block of the sample."""
    file = io.BytesIO()
    tomoset.write_star({"particles": particles}, file, **options)
    return file.getvalue().decode()


def test_new_columns(particles: tomoset.StarBlock) -> None:
    text = written(particles.with_columns(rlnGroupNumber=[7, 8, 9], rlnNote="x"))
    assert "_rlnClassNumber #3 \n_rlnGroupNumber #4 \n_rlnNote #5 \n     TS_01" in text
    assert "            1            7          x \n" in text
    assert "            2            8          x  # mine\n# above" in text
    assert tomoset.read_star(text.encode())["particles"]["rlnGroupNumber"].to_pylist() == [7, 8, 9]


def test_columns_left_out_renamed_and_in_another_order(particles: tomoset.StarBlock) -> None:
    text = written(particles.drop("rlnTomoName"))
    assert "loop_ \n_rlnCoordinateX #1 \n_rlnClassNumber #2 \n  12.500000            1 \n" in text
    text = written(particles.select(["rlnClassNumber", "rlnTomoName"]))
    assert "_rlnClassNumber #1 \n_rlnTomoName #2 \n" in text
    assert "            2      TS_02  # mine\n# above the third\n" in text
    text = written(particles.rename({"rlnCoordinateX": "rlnCoordinateZ"}))
    assert text == TEXT.decode().replace("rlnCoordinateX", "rlnCoordinateZ")
    swapped = particles.rename({"rlnCoordinateX": "a", "rlnClassNumber": "rlnCoordinateX"})
    assert "_a #2 \n_rlnCoordinateX #3 \n" in written(swapped)
    with pytest.raises(
        tomoset.StarWriteError, match="label rlnDefocusV: row 0: expected a number, found 'TS_01'"
    ):
        written(particles.rename({"rlnTomoName": "rlnDefocusV"}))


def test_rows(particles: tomoset.StarBlock) -> None:
    first, second, note, third = ROWS.splitlines(keepends=True)
    assert rows(particles.filter([True, False, True])) == first + note + third
    assert rows(particles.filter(pc.field("rlnClassNumber") > 1)) == second + note + third
    assert rows(particles.filter(pd.Series([True, False, False]))) == first + note
    assert rows(particles.filter(pl.Series([None, True, False]))) == second + note
    assert rows(particles.take([2, 0, 1])) == note + third + first + second
    assert rows(particles.take([-1, -1])) == note + third + third
    assert rows(particles.take([1])) == second + note
    new = {"rlnClassNumber": [9], "rlnTomoName": ["x y"], "rlnCoordinateX": [0.5]}
    assert rows(particles.append(new)) == ROWS + '     "x y"          0.5            9 \n'
    both = particles.append(pd.DataFrame(new)).take([3, 0])
    assert rows(both) == '     "x y"          0.5            9 \n' + first + note


def test_edits_on_edits(particles: tomoset.StarBlock) -> None:
    edited = (
        particles.filter([True, False, True])
        .with_columns(rlnClassNumber=[1, 33])
        .take([1, 0])
        .rename({"rlnClassNumber": "rlnGroupNumber"})
        .with_columns(rlnNew=[0.5, 1])
        .drop(["rlnCoordinateX"])
    )
    text = written(edited)
    assert "_rlnTomoName #1 \n_rlnGroupNumber #2 \n_rlnNew #3 \n# above the third\n" in text
    assert "     TS_03                33          0.5 \n" in text
    assert edited.to_dict() == tomoset.read_star(text.encode())["particles"].to_dict()


# Frames.


def test_a_pandas_frame(particles: tomoset.StarBlock) -> None:
    first, second, note, third = ROWS.splitlines(keepends=True)
    frame = particles.to_pandas()
    assert rows(frame) == ROWS
    assert rows(frame[frame.rlnClassNumber != 2]) == first + note + third
    assert rows(frame.sort_values("rlnClassNumber", ascending=False)) == note + third + second + first
    assert rows(frame.sort_values("rlnClassNumber", ascending=False, ignore_index=True).iloc[:2]).endswith(
        "# mine\n"
    )
    frame.loc[1, "rlnClassNumber"] = 5
    assert rows(frame) == ROWS.replace("    2  #", "    5  #")
    assert rows(frame[1:].reset_index(drop=True)) == rows(frame[1:])
    more = pd.concat([frame, frame.iloc[:1].assign(rlnTomoName="TS_09")], ignore_index=True)
    assert rows(more).endswith(third + "     TS_09         12.5            1 \n")


def test_a_polars_frame(particles: tomoset.StarBlock) -> None:
    first, second, note, third = ROWS.splitlines(keepends=True)
    frame = particles.to_polars()
    assert rows(frame) == ROWS
    assert rows(frame.filter(pl.col("rlnClassNumber") > 1)) == second + note + third
    assert rows(frame.sort("rlnClassNumber", descending=True)).splitlines()[-1] == second.strip("\n").replace(
        second.strip("\n"), rows(frame.sort("rlnClassNumber", descending=True)).splitlines()[-1]
    )
    changed = frame.with_columns(rlnClassNumber=pl.col("rlnClassNumber") * 10).head(2)
    assert rows(changed) == first.replace(" 1 \n", "10 \n") + second.replace(" 2  #", "20  #") + note


# Lists and blocks.


def test_values_of_a_list(star: tomoset.StarFile) -> None:
    general = star["general"]
    text = written(general.with_columns(rlnTomoSubTomosAre2DStacks=False), "general")
    assert text == TEXT.decode().replace("     1\n_rlnNote", "     0\n_rlnNote")
    text = written(general.with_columns(rlnNote="other"), "general")
    assert text == TEXT.decode().replace("""'as it "is"'""", "other")
    assert written(general.drop("rlnNote"), "general") == TEXT.decode().replace(
        """_rlnNote                  'as it "is"'  # kept\n""", ""
    )
    assert written(general.rename({"rlnNote": "rlnOther"}), "general") == TEXT.decode().replace(
        "_rlnNote", "_rlnOther"
    )
    assert "# kept\n_rlnX                     1.5\n\n" in written(general.with_columns(rlnX=1.5), "general")
    values = {**general.to_dict(), "rlnNote": "new"}
    assert written(values, "general") == TEXT.decode().replace("""'as it "is"'""", "new")


def test_blocks(star: tomoset.StarFile) -> None:
    del star["general"]
    assert star.to_bytes() == b"# made by hand\n" + TEXT[TEXT.index(b"# version 30001") :]
    star.rename({"end": "finis"})
    assert star.to_bytes().endswith(TAIL.replace("data_end", "data_finis").encode())
    star["new"] = pa.table({"rlnTomoName": ["TS_1"]})
    assert star.to_bytes().endswith(
        b"_x 1\n\n\n# version 50001\n\ndata_new\n\nloop_ \n_rlnTomoName #1 \n      TS_1 \n \n"
    )
    assert list(star) == ["particles", "finis", "new"]
    del star["particles"]
    assert list(tomoset.read_star(star.to_bytes())) == ["finis", "new"]


def test_blocks_of_other_files(star: tomoset.StarFile) -> None:
    other = tomoset.read_star(b"data_a\nloop_\n_rlnVoltage\n_rlnNote\n  300.00   odd\n  200  x")
    other["b"] = star["particles"]
    other["c"] = star["general"].with_name("anything")
    text = other.to_bytes()
    assert text.startswith(
        b"data_a\nloop_\n_rlnVoltage\n_rlnNote\n  300.00   odd\n  200  x\n\n# version 30001"
    )
    assert ROWS.encode() in text
    assert tomoset.read_star(text)["b"].to_dict() == star["particles"].to_dict()
    assert tomoset.read_star(text)["c"].to_dict() == star["general"].to_dict()
    file = io.BytesIO()
    tomoset.write_star({"p": star["particles"]}, file)
    assert file.getvalue().startswith(b"# made by hand\n# version 30001\n\ndata_p\n")


def test_what_was_not_read_is_not_written() -> None:
    star = tomoset.read_star(TEXT, blocks=["particles"], columns=["rlnClassNumber", "rlnTomoName"])
    text = star.to_bytes().decode()
    assert "_rlnClassNumber #1 \n_rlnTomoName #2 \n           1      TS_01 \n" in text
    assert "data_general" not in text
    assert "# made by hand" in text


def test_what_was_read_in_part_is_not_written_over_the_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.star"
    path.write_bytes(TEXT)
    (tmp_path / "link.star").symlink_to(path)
    for options in ({"blocks": ["particles"]}, {"columns": ["rlnClassNumber"]}):
        star = tomoset.read_star(path, **options)  # type: ignore[arg-type]
        for target in (path, str(path), tmp_path / "link.star", path.parent / "." / "a.star"):
            for data in (star, pickle.loads(pickle.dumps(star))):
                with pytest.raises(
                    ValueError, match=rf"a.star was read with {next(iter(options))}=, and the rest"
                ):
                    tomoset.write_star(data, target, keep_text=False)
        assert path.read_bytes() == TEXT
        star.write(tmp_path / "part.star")
    tomoset.read_star(path).write(path)
    assert path.read_bytes() == TEXT


def test_rows_below_categories() -> None:
    star = tomoset.read_star(TEXT, strings="dictionary")
    more = {"rlnTomoName": ["TS_09"], "rlnCoordinateX": [1.5], "rlnClassNumber": [3]}
    star["particles"] = star["particles"].append(more)
    kept, added = star.to_bytes().split(b"TS_09")
    assert added.split()[:2] == [b"1.5", b"3"]
    assert kept.startswith(TEXT[: TEXT.index(b"data_particles")])


def test_all_anew(star: tomoset.StarFile) -> None:
    text = star.to_bytes(keep_text=False, floats="%.2f").decode()
    assert '_rlnNote                               "as it "is""\n' in text
    assert "     TS_02        13.50            2 \n" in text
    assert "#" not in text.replace(" #", "").replace("# version 50001", "")
    again = tomoset.read_star(text.encode())
    assert [again[name].to_dict() for name in again] == [star[name].to_dict() for name in star]


# Bad input.


def test_what_cannot_be_edited(star: tomoset.StarFile, particles: tomoset.StarBlock) -> None:
    with pytest.raises(ValueError, match="2 values; the table has 3 rows"):
        particles.with_columns(x=[1, 2])
    with pytest.raises(tomoset.MissingLabelError, match=r"has no column 'rlnTomoNam'.*rlnTomoName"):
        particles.drop("rlnTomoNam")
    with pytest.raises(tomoset.MissingLabelError, match="the rows have no column 'rlnCoordinateX'"):
        particles.append({"rlnTomoName": ["x"], "rlnClassNumber": [1]})
    with pytest.raises(tomoset.MissingLabelError, match="the block has no column 'y'"):
        particles.append(particles.to_pandas().assign(y=1))
    with pytest.raises(ValueError, match="the mask has 2 values; the table has 3 rows"):
        particles.filter([True, False])
    with pytest.raises(TypeError, match="of booleans, not int64"):
        particles.filter([1, 0, 1])
    twice = pa.table([[1], [2]], names=["x", "x"])
    for edit in (particles.with_table, particles.append, partial(tomoset.StarBlock.from_table, "a")):
        with pytest.raises(ValueError, match="label 'x' is there twice"):
            edit(twice)
    with pytest.raises(IndexError, match="there is no row 3; there are 3"):
        particles.take([0, 3])
    with pytest.raises(TypeError, match="whole numbers, not float64"):
        particles.take([0.5])
    with pytest.raises(ValueError, match="'general' is a list"):
        star["general"].filter([True])
    with pytest.raises(TypeError, match="blocks are named by text"):
        star[1] = particles  # type: ignore[index]
    with pytest.raises(TypeError, match="label 'x': the values have no common type"):
        particles.with_columns(x=[1, "a", None])
    with pytest.raises(
        tomoset.StarWriteError, match="label rlnCoordinateX: row 1: expected a number, found 'x'"
    ):
        written(particles.with_columns(rlnCoordinateX=["1", "x", "3"]))
    with pytest.raises(ValueError, match="label 'rlnTomoName' would be there twice"):
        particles.rename({"rlnClassNumber": "rlnTomoName"})
    with pytest.raises(ValueError, match="without the underscore: 'rlnClassNumber'"):
        particles.with_columns({"_rlnClassNumber": 1})
    with pytest.raises(ValueError, match="blocks are named without data_: 'particles'"):
        star["data_particles"] = particles
    with pytest.raises(ValueError, match="the frame's index is named 'rlnTomoName', and would be lost"):
        star["particles"] = particles.to_pandas().set_index("rlnTomoName")
    with pytest.raises(ValueError, match="it is not clear which value is of which row"):
        particles.with_columns(x=pd.Series([1, 2, 3], index=[9, 7, 8]))
    with pytest.raises(TypeError, match="a mask has a truth value for each row, and is not False of bool"):
        particles.filter(particles["rlnTomoName"] == "TS_01")
    with pytest.raises(tomoset.MissingLabelError, match=r"no column 'rlnClasNumber'; did you mean"):
        particles.filter(pc.field("rlnClasNumber") > 1)
    with pytest.raises(TypeError, match="the values have no common type"):
        particles.with_columns(x=np.array([1j, 2, 3]))
    with pytest.raises(TypeError, match="a duration has no unit"):
        written(particles.with_columns(x=datetime.timedelta(seconds=1)))
    with pytest.raises(TypeError, match="a Series of values without labels"):
        star["x"] = pd.Series([1, 2])
    with pytest.raises(AttributeError):
        particles.name = "x"  # type: ignore[misc]
    with pytest.raises(tomoset.StarWriteError, match="expected a label without blanks, found 'a b'"):
        written(particles.with_columns({"a b": 1}))
    with pytest.raises(tomoset.StarWriteError, match="expected at least one row"):
        written(particles.filter([False] * 3))
    with pytest.raises(ValueError, match="holds list of 1, 1 rows x 1 columns; only a block with one table"):
        tomoset.read_star(b"data_a\n_x 1\nloop_\n_y\n1\n")["a"].drop("x")


def test_what_would_not_be_a_table() -> None:
    star = tomoset.read_star(TEXT)
    for name in ("particles", "general"):
        changed = tomoset.read_star(TEXT)
        changed[name] = changed[name].drop(changed[name].labels)
        with pytest.raises(tomoset.StarWriteError, match="expected at least one label"):
            changed.to_bytes()
    with pytest.raises(ValueError, match="twice"):
        star["particles"].select(["rlnTomoName", "rlnTomoName"])
    star["particles"] = star["particles"].with_columns(
        rlnKullbackLeibnerDivergence=1, rlnKullbackLeiblerDivergence=2
    )
    with pytest.raises(tomoset.StarWriteError, match="each label once"):
        star.to_bytes()
    with pytest.raises(ValueError, match="two blocks named 'end'"):
        star.rename({"general": "end"})
    star.rename({"general": "end", "end": "general"})
    assert list(star) == ["end", "particles", "general"]
    empty = tomoset.read_star(b"data_a\nloop_\n_x\n_y\n_z\n")
    assert empty.to_bytes().endswith(b"_z\n")
    empty["b"] = {"x": 1}
    with pytest.raises(tomoset.StarWriteError, match="expected at least one row"):
        empty.to_bytes()
    with pytest.raises(ValueError, match="name is 'x', but data is a mapping"):
        tomoset.write_star(star, io.BytesIO(), name="x")


@pytest.mark.parametrize(
    ("rows", "order", "labels", "expected"),
    [
        ("w 1\n_y 1\n", [1, 0], ["a", "b"], '"_y" 1\nw 1\n'),
        ("'_z' 1\n_y 1\n", [1], ["a", "b"], '"_y" 1\n'),
        ('"loop_" 4\n_y 1\ndata_q 3\n', [0, 2, 1], ["a", "b"], '"loop_" 4\n"data_q" 3\n"_y" 1\n'),
        ("loop_ 4\nw 1\n", [0, 1], ["a"], '"loop_"\nw\n'),
        ("save_ 5\nw 1\n", [1, 0], ["a"], 'w\n"save_"\n'),
    ],
)
def test_words_that_would_mean_something_else_are_quoted(
    rows: str, order: list[int], labels: list[str], expected: str
) -> None:
    head = "data_p\nloop_\n_a\n_b\n"
    star = tomoset.read_star((head + rows).encode())
    edited = star["p"].take(order).select(labels)
    star["p"] = edited
    text = star.to_bytes().decode()
    assert text.endswith(expected)
    assert tomoset.read_star(text.encode())["p"].to_dict() == edited.to_dict()


@pytest.mark.parametrize(
    ("row", "labels", "expected"),
    [
        ("4 # x\n5\n6\n", ["a", "b"], "4 5 # x\n"),
        ("4 5 # x\n6\n", ["b", "c"], "5 6 # x\n"),
        ("4 # x\n5\n6 # y\n", ["b"], "5 # x # y\n"),
        ("4 # x\n5 # z\n6\n", ["a", "c"], "4 6 # z # x\n"),
    ],
)
def test_comments_within_rows_go_behind_few_values(row: str, labels: list[str], expected: str) -> None:
    star = tomoset.read_star(f"data_p\nloop_\n_a\n_b\n_c\n{row}".encode())
    star["p"] = edited = star["p"].select(labels)
    assert star.to_bytes().decode().endswith(expected)
    assert tomoset.read_star(star.to_bytes())["p"].to_dict() == edited.to_dict()


def test_first_rows_of_a_loop_above_another_block() -> None:
    star = tomoset.read_star(b"data_a\nloop_\n_x #1\n# c\ndata_b\n_y 1\n", dtypes={"x": "int64"})
    star["a"] = star["a"].append({"x": [5]})
    assert star.to_bytes() == b"data_a\nloop_\n_x #1\n           5 \n\n# c\ndata_b\n_y 1\n"
    star = tomoset.read_star(b"data_a\nloop_\n_x\n\ndata_b\n_y 1\n", dtypes={"x": "int64"})
    star["a"] = star["a"].append({"x": [5]})
    assert star.to_bytes() == b"data_a\nloop_\n_x\n           5 \n\ndata_b\n_y 1\n"


def test_rows_over_several_lines_stay_until_they_change() -> None:
    text = b"data_a\nloop_\n_x\n_y\n_z\n1 2 3\n4\n5 6\n"
    star = tomoset.read_star(text)
    star["a"] = star["a"].with_columns(z=[3, 6])
    assert star.to_bytes() == text
    star["a"] = star["a"].with_columns(z=[3, 7])
    assert star.to_bytes() == text.replace(b"4\n5 6", b"4 5 7")
    field = tomoset.read_star(b"data_a\r\nloop_\r\n_x\r\n_y\r\n1\r\n;" + b"t" * 100 + b"\r\n;\r\n2 b\r\n")
    field["a"] = field["a"].with_columns(y=["q", "b"])
    assert b"\r\n1 q\r\n2 b\r\n" in field.to_bytes()


def test_text_in_parts(tmp_path: Path) -> None:
    rows = "é" * 7 + " 1\n"
    star = tomoset.read_star(("data_a\nloop_\n_x\n_y\n" + rows * 100_000).encode())
    file = io.StringIO()
    star.write(file)
    assert file.getvalue().encode() == star.to_bytes()
    with (tmp_path / "x.star").open("w", encoding="utf-8") as text:
        star.write(text)
    assert (tmp_path / "x.star").read_bytes() == star.to_bytes()
    with pytest.raises(ValueError, match="opened for text"):
        star.write(io.StringIO(), compression="gzip")


def test_rows_that_could_not_be_read_are_not_lost() -> None:
    text = b"data_a\nloop_\n_x\n_y\n_z\n1 2 3\n4 5\n6 7 8\n"
    star = tomoset.read_star(text, on_error="collect")
    assert star.to_bytes() == text
    star["a"] = star["a"].with_columns(x=[1, 9])
    with pytest.raises(tomoset.StarWriteError, match="rows that could not be read"):
        star.to_bytes()
