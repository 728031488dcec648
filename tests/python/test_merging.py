"""Several files as one."""

from typing import Any

import pyarrow as pa
import pytest
from tomoset import StarFile, read_star, write_star
from tomoset.merging import Merged, MergeError, merge
from tomoset.optics import JoinedOptics, OpticsError, renumbered

FIRST = """# by hand
data_general
_rlnTomoSubTomosAre2DStacks 1

data_optics
loop_
_rlnOpticsGroup
_rlnOpticsGroupName
_rlnVoltage
1 one 300.00
2 two 200

data_particles
loop_
_rlnTomoParticleName
_rlnOpticsGroup
_rlnDefocusU
a/1 1 100.50  # mine
a/2 2 200.50
"""
SECOND = """data_general
_rlnTomoSubTomosAre2DStacks 1

data_optics
loop_
_rlnOpticsGroupName
_rlnOpticsGroup
_rlnVoltage
one 2 300
two 1 100

data_particles
loop_
_rlnTomoParticleName
_rlnDefocusU
_rlnOpticsGroup
b/1 1.5 1
b/2 2.5 2
"""


def stars(*texts: str) -> list[StarFile]:
    found = [read_star(text.encode()) for text in texts]
    for name, star in zip("abcdef", found, strict=False):
        star.path = f"{name}.star"
    return found


def merged(*texts: str, **options: Any) -> Merged:
    return merge(stars(*texts), **options)


def written(found: Merged) -> str:
    import io

    file = io.BytesIO()
    write_star(found.blocks, file, na="keep")
    return file.getvalue().decode()


def test_optics_groups() -> None:
    found = merged(FIRST, SECOND)
    assert list(found.blocks) == ["general", "optics", "particles"]
    assert found.blocks["optics"].to_dict() == {
        "rlnOpticsGroup": [1, 2, 3],
        "rlnOpticsGroupName": ["one", "two", "two-2"],
        "rlnVoltage": [300, 200, 100],
    }
    assert found.blocks["particles"].to_dict() == {
        "rlnTomoParticleName": ["a/1", "a/2", "b/1", "b/2"],
        "rlnOpticsGroup": [1, 2, 3, 1],
        "rlnDefocusU": [100.5, 200.5, 1.5, 2.5],
    }
    assert found.warnings == ()
    assert found.notes == (
        "b.star: optics group 2 is now 1",
        "b.star: optics group 1, 'two', has other values than the one of that name before; it is now two-2",
        "b.star: optics group 1 is now 3",
    )


def test_the_first_file_keeps_its_text() -> None:
    text = written(merged(FIRST, SECOND))
    assert text.startswith(FIRST[: FIRST.index("2 two 200") + len("2 two 200\n")])
    assert "a/1 1 100.50  # mine\na/2 2 200.50\n" in text
    again = read_star(text.encode())
    assert again["particles"]["rlnOpticsGroup"].to_pylist() == [1, 2, 3, 1]


def test_three_files_and_one_twice() -> None:
    found = merged(FIRST, SECOND, SECOND.replace("b/", "c/"))
    assert found.blocks["particles"]["rlnOpticsGroup"].to_pylist() == [1, 2, 3, 1, 3, 1]
    assert found.blocks["optics"].num_rows == 3
    again = merge([*stars(FIRST), *stars(FIRST)], duplicates="drop")
    assert again.blocks["particles"].num_rows == 2
    assert again.notes == (
        "block 'particles': 2 rows whose rlnTomoParticleName stands above: a/1 (a.star (file 2)),"
        " a/2 (a.star (file 2)): left out",
    )


def test_groups_that_are_not_there() -> None:
    with pytest.raises(OpticsError, match=r"b.star: block 'particles': rows of optics group 7"):
        merged(FIRST, SECOND.replace("b/2 2.5 2", "b/2 2.5 7"))
    with pytest.raises(OpticsError, match=r"a.star: block 'particles': rows of optics group 7"):
        merged(FIRST.replace("a/2 2", "a/2 7"), SECOND)
    with pytest.raises(OpticsError, match=r"b.star: the block 'optics' has group 2 twice"):
        merged(FIRST, SECOND.replace("two 1 100", "two 2 100"))
    bare = SECOND[SECOND.index("data_particles") :]
    with pytest.raises(
        OpticsError, match=r"b.star: block 'particles' has rlnOpticsGroup, but there is no block"
    ):
        merged(FIRST, bare)
    assert merged(bare, bare.replace("b/", "c/")).blocks["particles"].num_rows == 4


def test_rows_without_a_group_keep_none() -> None:
    second = SECOND.replace("b/2 2.5 2", "b/2 2.5 <NA>")
    assert merged(FIRST, second).blocks["particles"]["rlnOpticsGroup"].to_pylist() == [1, 2, 3, None]
    block = read_star(SECOND.encode())["particles"]
    assert renumbered(block, {1: 1, 2: 2}) is block


def test_vectors_and_nan_in_optics() -> None:
    table = pa.table({"rlnOpticsGroup": [1], "rlnEvenZernike": [[1.0, float("nan")]], "x": [None]})
    joined = JoinedOptics.of(table, "a")
    numbers, more = joined.add(table.set_column(0, "rlnOpticsGroup", pa.array([5])), "b")
    assert (numbers, more.num_rows, joined.notes) == ({5: 1}, 0, ["b: optics group 5 is now 1"])
    other = pa.table({"rlnOpticsGroup": [1], "rlnEvenZernike": [[1.0]], "x": [None]})
    numbers, more = joined.add(other, "c")
    assert (numbers, more["rlnOpticsGroup"].to_pylist()) == ({1: 2}, [2])


def test_lists() -> None:
    found = merged(FIRST, SECOND.replace("Stacks 1", "Stacks 0\n_rlnNote x"))
    assert found.blocks["general"].values == {"rlnTomoSubTomosAre2DStacks": True}
    assert found.warnings == (
        "block 'general': rlnTomoSubTomosAre2DStacks is True in a.star, which is kept, and False in b.star",
        "block 'general': rlnNote is nothing in a.star, which is kept, and 'x' in b.star",
    )


def test_columns() -> None:
    one, other = "data_a\nloop_\n_x\n_y\n1 2.50\n", "data_a\nloop_\n_z\n_x\nt 3\n"
    with pytest.raises(MergeError, match=r"block 'a': the columns differ: a.star has no z; b.star has no y"):
        merged(one, other)
    assert merged(one, other, columns="common").blocks["a"].to_dict() == {"x": [1, 3]}
    found = merged(one, other, columns="all", na={"*": "7"})
    assert found.blocks["a"].to_dict() == {"x": [1, 3], "y": [2.5, 7.0], "z": ["7", "t"]}
    assert "\n1 2.50 " in written(found)
    found = merged(one, other, columns="all", na={"*": "keep", "z": "-"})
    assert found.blocks["a"].to_dict() == {"x": [1, 3], "y": [2.5, None], "z": ["-", "t"]}
    with pytest.raises(MergeError, match=r"y is double, which 'many' is not"):
        merged(one, other, columns="all", na={"*": "many"})
    with pytest.raises(MergeError, match="`na` does not say"):
        merged(one, other, columns="all", na={"z": "1"})
    with pytest.raises(MergeError, match="no column is in all files"):
        merged("data_a\nloop_\n_x\n1\n", "data_a\nloop_\n_y\n1\n", columns="common")


def test_types() -> None:
    one, two, three = "data_a\nloop_\n_x\n1\n", "data_a\nloop_\n_x\n2.5\n", "data_a\nloop_\n_x\nb\n"
    assert merged(one, two).blocks["a"]["x"].to_pylist() == [1, 2.5]
    with pytest.raises(MergeError, match="types that do not go together"):
        merged(one, three)
    assert merged(one, "data_a\n", one).blocks["a"].num_rows == 2


def test_duplicates() -> None:
    second = SECOND.replace("b/2", "a/1")
    found = merged(FIRST, second)
    assert found.warnings == (
        "block 'particles': 1 rows whose rlnTomoParticleName stands above: a/1 (b.star)",
    )
    assert found.blocks["particles"].num_rows == 4
    with pytest.raises(MergeError, match="stands above"):
        merged(FIRST, second, duplicates="raise")
    found = merged(FIRST, second, duplicates="drop")
    assert found.blocks["particles"]["rlnTomoParticleName"].to_pylist() == ["a/1", "a/2", "b/1"]
    images = "data_particles\nloop_\n_rlnImageName\n_x\n{} 1\nNone 2\n"
    found = merged(images.format("a"), images.format("a"), duplicates="drop")
    assert found.blocks["particles"]["x"].to_pylist() == [1, 2, 2]


def test_blocks() -> None:
    found = merged(
        "data_a\nloop_\n_x\n1\n", "data_b\n_y 1\n\ndata_a\nloop_\n_x\n2\n", "data_c\nloop_\n_z\n1\n"
    )
    assert {name: block.num_rows for name, block in found.blocks.items()} == {"a": 2, "b": 1, "c": 1}
    with pytest.raises(MergeError, match=r"block 'a' is a list in b.star, and a loop in a.star"):
        merged("data_a\nloop_\n_x\n1\n", "data_a\n_x 1\n")
    with pytest.raises(MergeError, match="block 'a' is there 2 times"):
        merged("data_a\n_x 1\n", "data_a\n_x 1\n\ndata_a\n_x 1\n")
    with pytest.raises(MergeError, match="list of 1, 1 rows x 1 columns; one table is merged"):
        merged("data_a\n_x 1\nloop_\n_y\n1\n", "data_a\n_x 1\n")
    with pytest.raises(MergeError, match="nothing to merge"):
        merge([])
