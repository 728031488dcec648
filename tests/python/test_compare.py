"""What differs between two files."""

import math

import numpy as np
import pyarrow as pa
import pytest
from tomoset import MissingLabelError, StarFile, read_star
from tomoset.cells import Tolerance, unequal_cells
from tomoset.compare import ChangedCell, StarDiff, TypeChange, compare
from tomoset.pairing import codes, occurrences, paired_by_key, paired_by_position

OPTICS = "data_optics\nloop_\n_rlnOpticsGroup\n_rlnVoltage\n1 300\n"
PARTICLES = """data_particles
loop_
_rlnTomoParticleName
_rlnClassNumber
_rlnDefocusU
a/1 1 100.5
a/2 2 200.5
b/1 1 nan
"""


def star(text: str) -> StarFile:
    return read_star(text.encode())


def diff(old: str, new: str, **options: object) -> StarDiff:
    return compare(star(old), star(new), **options)  # type: ignore[arg-type]


def test_layout_order_and_spelling_are_no_difference() -> None:
    again = """# version 50001
data_particles   # of all

loop_
_rlnDefocusU #1
_rlnTomoParticleName #2
_rlnClassNumber #3
1.005e2 "a/1" 1
200.50 a/2 2
NaN b/1 01

data_optics

loop_
_rlnOpticsGroup #1
_rlnVoltage #2
1 300.000
"""
    found = diff(OPTICS + PARTICLES, again)
    assert found.same
    assert found.blocks_reordered
    assert [table.columns_reordered for table in found.tables] == [False, True]


def test_cells() -> None:
    (table,) = diff(PARTICLES, PARTICLES.replace("a/2 2 200.5", "a/2 3 201.5")).tables
    assert (table.num_changed, table.num_added, table.num_removed) == (1, 0, 0)
    assert table.cells_changed == {"rlnClassNumber": 1, "rlnDefocusU": 1}
    assert table.cells == (
        ChangedCell(1, 1, (), "rlnClassNumber", 2, 3),
        ChangedCell(1, 1, (), "rlnDefocusU", 200.5, 201.5),
    )


def test_most_is_for_what_is_listed_only() -> None:
    rows = "".join(f"{row}\n" for row in range(100))
    others = "".join(f"{-row}\n" for row in range(150))
    (table,) = diff(f"data_a\nloop_\n_x\n{rows}", f"data_a\nloop_\n_x\n{others}", most=3).tables
    assert [cell.row_old for cell in table.cells] == [1, 2, 3]
    assert (table.num_changed, table.num_added, table.rows_added) == (99, 50, (100, 101, 102))


def test_rows_by_key() -> None:
    new = PARTICLES.replace("a/1 1 100.5\n", "c/9 1 1.5\n").replace("a/2 2 200.5\n", "") + "a/2 7 200.5\n"
    (table,) = diff(PARTICLES, new, key=["rlnTomoParticleName"]).tables
    assert (table.key, table.rows_removed, table.rows_added) == (("rlnTomoParticleName",), (0,), (0,))
    assert table.cells == (ChangedCell(1, 2, ("a/2",), "rlnClassNumber", 2, 7),)
    (table,) = diff(PARTICLES, new).tables
    assert (table.num_changed, table.num_added) == (3, 0)


def test_a_key_of_two_columns_and_repeated_keys() -> None:
    old = "data_a\nloop_\n_k\n_l\n_v\n1 x 1\n1 y 2\n1 x 3\n"
    new = "data_a\nloop_\n_k\n_l\n_v\n1 y 2\n1 x 1\n1 x 4\n1 x 5\n"
    (table,) = diff(old, new, key=["k", "l"]).tables
    assert table.cells == (ChangedCell(2, 2, (1, "x"), "v", 3, 4),)
    assert (table.rows_added, table.num_removed) == ((3,), 0)


def test_blocks_without_the_key_go_by_position() -> None:
    found = diff(OPTICS + PARTICLES, OPTICS.replace("300", "200") + PARTICLES, key=["rlnTomoParticleName"])
    assert [(table.key, table.num_changed) for table in found.tables] == [
        ((), 1),
        (("rlnTomoParticleName",), 0),
    ]
    with pytest.raises(MissingLabelError, match=r"no column|did you mean .*rlnTomoParticleName"):
        diff(PARTICLES, PARTICLES, key=["rlnTomoParticleNam"])
    with pytest.raises(MissingLabelError, match="all columns of the key"):
        diff(OPTICS + PARTICLES, OPTICS + PARTICLES, key=["rlnTomoParticleName", "rlnVoltage"])


def test_blocks() -> None:
    assert diff(OPTICS, PARTICLES).blocks_removed == ("optics",)
    found = diff(OPTICS, OPTICS + PARTICLES)
    assert (found.blocks_added, found.same) == (("particles",), False)
    found = diff(OPTICS + PARTICLES, OPTICS + PARTICLES.replace("data_particles", "data_"))
    assert (found.blocks_renamed, found.blocks_added, found.same) == ((("particles", ""),), (), False)
    found = diff(PARTICLES, PARTICLES.replace("data_particles", "data_").replace("a/2", "a/3"))
    assert (found.blocks_renamed, found.blocks_removed, found.blocks_added) == ((), ("particles",), ("",))
    twice = OPTICS + OPTICS.replace("300", "200")
    assert diff(twice, twice).same
    assert diff(twice, OPTICS).blocks_removed == ("optics",)


def test_columns_and_types() -> None:
    (table,) = diff("data_a\nloop_\n_x\n_y\n1 2\n", "data_a\nloop_\n_x\n_z\n1.0 2\n").tables
    assert (table.columns_removed, table.columns_added) == (("y",), ("z",))
    assert table.types == (TypeChange("x", "int64", "double"),)
    assert (table.num_changed, table.same) == (0, False)
    (table,) = diff("data_a\nloop_\n_x\n1\n2\n", "data_a\nloop_\n_x\n1\nb\n").tables
    assert [(cell.old, cell.new) for cell in table.cells] == [(2, "b")]


def test_lists_and_loops() -> None:
    (table,) = diff("data_a\n_x 1\n", "data_a\nloop_\n_x\n1\n").tables
    assert (table.kind_old, table.kind_new, table.num_changed, table.same) == ("list", "loop", 0, False)
    (table,) = diff("data_a\n_x 1\n", "data_a\n_x 2\n").tables
    assert table.cells == (ChangedCell(0, 0, (), "x", 1, 2),)
    found = diff("data_a\n_x 1\nloop_\n_y\n1\n2\n", "data_a\n_x 1\nloop_\n_y\n1\n3\n")
    assert [table.num_changed for table in found.tables] == [0, 1]
    assert not diff("data_a\n", "data_a\n_x 1\n").same
    assert diff("data_a\n", "data_a\n").same
    assert diff("", "").same


def test_some_columns_only() -> None:
    new = OPTICS.replace("300", "200") + PARTICLES.replace("a/2 2 200.5", "a/2 3 201.5")
    assert diff(OPTICS + PARTICLES, new, ignore=["rlnDefocus?", "rlnC*", "rlnVoltage"]).same
    found = diff(OPTICS + PARTICLES, new, columns=["rlnDef*"])
    assert [list(table.cells_changed) for table in found.tables] == [["rlnDefocusU"]]


def test_tolerances() -> None:
    new = PARTICLES.replace("100.5", "100.6").replace("200.5", "200.6")
    assert not diff(PARTICLES, new).same
    assert diff(PARTICLES, new, atol=0.11).same
    assert diff(PARTICLES, new, rtol=1e-3).same
    assert diff(PARTICLES, new, rtol=6e-4).tables[0].num_changed == 1
    for wrong in (-1, math.nan):
        with pytest.raises(ValueError, match="not negative"):
            diff(PARTICLES, new, atol=wrong)


@pytest.mark.parametrize(
    ("old", "new", "places"),
    [
        ([1.0, None, math.nan, math.inf], [1.0, None, math.nan, math.inf], []),
        ([1.0, None, math.nan, math.inf], [None, 2.0, None, -math.inf], [0, 1, 2, 3]),
        ([1, 2, None], [1.0, 2.5, None], [1]),
        ([True, False], [1, 1], [1]),
        (["a", "", None], ["a", None, None], [1]),
        (["1", "b"], [1, 2], [1]),
        ([[1, 2], [], None, [3]], [[1, 2], None, None, [3, 4]], [1, 3]),
        ([[1.0, math.nan], [1.0]], [[1.0, math.nan], [2.0]], [1]),
        ([[1, 2], [3]], [[1.0, 2.0], [4.0]], [1]),
        ([[1, 2], [3]], ["[1, 2]", "x"], [1]),
        ([], [], []),
    ],
)
def test_unequal_cells(old: list[object], new: list[object], places: list[int]) -> None:
    assert unequal_cells(pa.array(old), pa.array(new), Tolerance()).tolist() == places
    assert unequal_cells(pa.array(new), pa.array(old), Tolerance()).tolist() == places


def test_infinity_is_never_near() -> None:
    old, new = pa.array([math.inf, math.inf, 1.0]), pa.array([1.0, math.inf, math.nan])
    assert unequal_cells(old, new, Tolerance(1.0, 1e9)).tolist() == [0, 2]


def test_pairing() -> None:
    assert occurrences(np.array([3, 1, 3, 3, 1])).tolist() == [0, 0, 1, 2, 1]
    column = pa.chunked_array([["a"], ["b", None, "a", None]])
    assert codes([column]).tolist() in ([0, 1, 2, 0, 2], [1, 2, 0, 1, 0])
    pairs = paired_by_position(2, 3)
    assert (len(pairs), pairs.rows(1), pairs.only_old.tolist(), pairs.only_new.tolist()) == (
        2,
        (1, 1),
        [],
        [2],
    )
    pairs = paired_by_key([(pa.chunked_array([[1, 2]]), pa.chunked_array([["2", "3"]]))])
    assert (len(pairs), pairs.rows(0)) == (1, (1, 0))
    lists = pa.chunked_array([[[1, 2], [3], [1, 2]]])
    assert codes([lists]).tolist() == [0, 1, 0]
