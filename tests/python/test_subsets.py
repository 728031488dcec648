"""Conditions, and some rows and columns of a block."""

from typing import Any

import pyarrow as pa
import pytest
from tomoset import MissingBlockError, MissingLabelError, StarFile, read_star
from tomoset.expressions import ExpressionError, condition
from tomoset.optics import OpticsError
from tomoset.subsets import Choice, SubsetError, block_of, chosen, prune_optics

TABLE = pa.table(
    {
        "n": [0, 1, 2, 3, None],
        "x": [0.5, -1.0, float("nan"), 2.0, None],
        "name": pa.array(["a", "TS_01", "é", "", None], pa.large_string()),
        "yes": [True, False, True, None, True],
        "v": [[1], [], None, [1, 2], [3]],
        "a.b": [1, 1, 2, 2, 2],
    }
)
STAR = """data_optics
loop_
_rlnOpticsGroup
_rlnVoltage
1 300
3 200.00
4 100

data_particles   # all
loop_
_rlnTomoName
_rlnClassNumber
_rlnOpticsGroup
TS_01 1.0 1  # first
TS_02 02 3
TS_03 3 3
"""


@pytest.fixture
def star() -> StarFile:
    return read_star(STAR.encode())


def found(text: str) -> list[int]:
    """Give the rows for which a condition is true."""
    rows: list[int] = (
        TABLE.append_column("row", pa.array(range(5)))
        .filter(condition(text, TABLE.schema))["row"]
        .to_pylist()
    )
    return rows


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("n == 2", [2]),
        ("n != 2", [0, 1, 3]),
        ("2 <= n", [2, 3]),
        ("0 < n < 3", [1, 2]),
        ("n > 0.5 and x < 1", [1]),
        ("n == 0 or name == 'TS_01'", [0, 1]),
        ("not n == 2", [0, 1, 3]),
        ("not (n == 2 or n == 3)", [0, 1]),
        ("_n == 1", [1]),
        ("n in (1, 2.0, 7)", [1, 2]),
        ("n not in [1, 2]", [0, 3]),
        ("n in ()", []),
        ("name in ('a', \"é\")", [0, 2]),
        ("name not in ('a', 'é')", [1, 3]),
        ("not name in {'a'}", [1, 2, 3]),
        ("'S_' in name", [1]),
        ("name == 'é'", [2]),
        ("name < 'b' and name != ''", [0, 1]),
        ("name is null", [4]),
        ("name is not null and n is not None", [0, 1, 2, 3]),
        ("v is null", [2]),
        ("yes", [0, 2, 4]),
        ("not yes", [1]),
        ("yes == True", [0, 2, 4]),
        ("yes == 1 and n >= 0", [0, 2]),
        ("x + n * 2 > 3", [3]),
        ("n / 2 == 0.5", [1]),
        ("n ** 2 - 1 >= 3", [2, 3]),
        ("abs(x) == 1", [1]),
        ("-n == -1", [1]),
        ("+n == 1", [1]),
        ("-x == x + 2", [1]),
        ("a.b == 2", [2, 3, 4]),
        ("x != x", [2]),
        ("x == 1e400", []),
        ("True", [0, 1, 2, 3, 4]),
        ("yes == true and n is not NULL", [0, 2]),
        ("1 == 2", []),
        (" n ==\n 1 ", [1]),
    ],
)
def test_conditions(text: str, rows: list[int]) -> None:
    assert found(text) == rows


@pytest.mark.parametrize(
    ("text", "column", "words"),
    [
        ("", 1, "there is no condition"),
        ("n == = 1", 6, "invalid syntax"),
        ("(n == 1", 1, "never closed"),
        ("m == 1", 1, "there is no column 'm'"),
        ("n == 1 and nam == 'a'", 12, 'did you mean "name"'),
        ("n", 1, "expected a condition, found a number"),
        ("n == 'a'", 6, "a number cannot be compared with a text"),
        ("name == 1", 9, "a text cannot be compared with a number"),
        ("v == 1", 6, "a vector cannot be compared"),
        ("'é' == name and n + name > 1", 21, "expected a number, found a text"),
        ("n == null", 6, "nothing equals null"),
        ("n is 1", 6, "expected null after 'is'"),
        ("n in (1, 'a')", 10, "expected a number as a plain value"),
        ("n in (x,)", 7, "expected a number as a plain value"),
        ("n in x", 6, "expected a list"),
        ("name in name", 9, "expected a list"),
        ("v in (1,)", 7, "expected a vector as a plain value"),
        ("yes and __import__('os').system('x')", 9, "a call is not allowed here"),
        ("n % 2 == 1", 1, "this operator is not allowed here"),
        ("n[0] == 1", 1, "[...] is not allowed here"),
        ("(lambda: 1) == 1", 2, "lambda is not allowed here"),
        ("f'{n}' == 'a'", 1, "JoinedStr is not allowed here"),
        ("b'a' == name", 1, "Constant is not allowed here"),
        ("abs(n, n) == 1", 1, "a call is not allowed here"),
        ("n == 99999999999999999999", 6, "more than 64 bits"),
        ("(m := n) == 1", 2, "NamedExpr is not allowed here"),
        ("n == 1; n", 7, "invalid syntax"),
        ("n == 1\0", 1, "null"),
        # As in SQL.
        ("name = 'a'", 6, "write == to compare"),
        ("n <= 1 and name='='", 16, "write == to compare"),
        ("name like 'TS%'", 6, "write 'TS' in LABEL"),
        ("name NOT LIKE 'a = b'", 6, "write 'TS' in LABEL"),
        ("n BETWEEN 1 AND 3", 3, "write 1 <= LABEL <= 3"),
        ("n <> 1", 3, "write !="),
        ("n == 1 AND yes", 8, "small letters"),
        ("n IS NOT NULL", 3, "small letters"),
        ("name == TS_01", 9, "there is no column 'TS_01'; text needs quotes: 'TS_01'"),
        ("name == 001", 9, "text needs quotes, such as '001'"),
        # As for pandas and in C.
        ("(n == 1) & yes", 1, "this operator is not allowed here; write and in place of &"),
        ("n == 1 | yes", 6, "write or in place of |"),
        ("~yes", 1, "this operator is not allowed here; write not in place of ~"),
        ("n == 1 && yes", 8, "write and"),
        ("!yes", 1, "write not"),
        ("name.str.contains('TS')", 1, "a call is not allowed here; write 'TS' in LABEL"),
        ("n.isin([1, 2])", 1, "write LABEL in (1, 2)"),
    ],
)
def test_what_is_no_condition(text: str, column: int, words: str) -> None:
    with pytest.raises(ExpressionError) as fault:
        condition(text, TABLE.schema)
    assert words in fault.value.message
    assert fault.value.column == column


def test_the_place_is_shown() -> None:
    with pytest.raises(ExpressionError) as fault:
        condition("é == 1 and n == 'a'", pa.schema({"é": pa.int64(), "n": pa.int64()}))
    assert str(fault.value).splitlines()[1:] == ["  é == 1 and n == 'a'", "                  ^"]


def test_long_and_deep_conditions() -> None:
    assert found(" or ".join(["n == 1"] * 900)) == [1]
    assert found(f"n in ({', '.join(map(str, range(2, 20_000)))})") == [2, 3]
    assert found(f"x in ({', '.join(map(str, range(2, 20_000)))})") == [3]
    with pytest.raises(ExpressionError, match="more than 2,000 labels and comparisons"):
        condition(" or ".join(["n == 1"] * 20_000), TABLE.schema)
    for deep in (
        "(" * 5_000 + "n == 1" + ")" * 5_000,
        "not " * 5_000 + "yes",
        "n" + "+ 1" * 20_000 + " == 1",
    ):
        with pytest.raises(ExpressionError):
            condition(deep, TABLE.schema)


def test_overflow_is_told(star: StarFile) -> None:
    with pytest.raises(SubsetError, match="cannot be computed: overflow"):
        chosen(star["particles"], Choice(where="rlnClassNumber * 9223372036854775807 > 1"))


def choose(star: StarFile, **options: Any) -> dict[str, Any]:
    return chosen(star["particles"], Choice(**options)).to_dict()


def test_rows(star: StarFile) -> None:
    def classes(**options: Any) -> object:
        return choose(star, **options)["rlnClassNumber"]

    assert classes() == [1, 2, 3]
    assert classes(where="rlnTomoName == 'TS_02'") == [2]
    assert classes(rows=slice(None, None, 2)) == [1, 3]
    assert classes(rows=slice(-1, None)) == [3]
    assert classes(where="rlnClassNumber > 1", rows=slice(0, 1)) == [2]
    assert classes(random=3) == [1, 2, 3]
    assert classes(random=0) == []
    picks = [classes(random=2, seed=seed) for seed in range(20)]
    assert picks == [classes(random=2, seed=seed) for seed in range(20)]
    assert sorted(set(map(str, picks))) == ["[1, 2]", "[1, 3]", "[2, 3]"]
    with pytest.raises(SubsetError, match="only 3 rows to choose 4 from"):
        classes(random=4)


def test_columns(star: StarFile) -> None:
    assert list(choose(star, columns=["rln*N*"])) == ["rlnTomoName", "rlnClassNumber"]
    assert list(choose(star, columns=["*Group", "_rlnTomoName"])) == ["rlnTomoName", "rlnOpticsGroup"]
    assert list(choose(star, columns=["rln*"], drop=["*Class*"])) == ["rlnTomoName", "rlnOpticsGroup"]
    with pytest.raises(MissingLabelError, match=r"no column 'rlnTomoNam'; did you mean"):
        choose(star, columns=["rlnTomoNam"])
    with pytest.raises(SubsetError, match="no column is left"):
        choose(star, drop=["*"])


def test_text_stays(star: StarFile) -> None:
    star["particles"] = chosen(star["particles"], Choice(where="rlnClassNumber < 3"))
    assert star.to_bytes().decode() == STAR.replace("TS_03 3 3\n", "")


def test_which_block(star: StarFile) -> None:
    assert block_of(star).name == "particles"
    assert block_of(star, "optics").name == "optics"
    del star["particles"]
    assert block_of(star).name == "optics"
    star["a"] = {"x": 1}
    assert block_of(star).name == "optics"
    assert block_of(read_star(b"data_optics\nloop_\n_x\n1\n\ndata_a\nloop_\n_x\n1\n")).name == "a"
    with pytest.raises(SubsetError, match=r"which block is meant\? Loops are in: 'a', 'b'"):
        block_of(read_star(b"data_a\nloop_\n_x\n1\n\ndata_b\nloop_\n_x\n1\n"))
    with pytest.raises(SubsetError, match="none at all"):
        block_of(read_star(b""))
    with pytest.raises(MissingBlockError):
        block_of(star, "c")
    with pytest.raises(SubsetError, match="'a' is a list"):
        chosen(star["a"], Choice(rows=slice(1)))


def test_optics(star: StarFile) -> None:
    optics, gone = prune_optics(star)
    assert (optics.to_dict(), gone) == ({"rlnOpticsGroup": [1, 3], "rlnVoltage": [300, 200]}, [4])
    star["optics"] = optics
    assert prune_optics(star) == (optics, [])
    star["particles"] = star["particles"].filter([False, True, True])
    assert prune_optics(star)[1] == [1]
    star["particles"] = star["particles"].with_columns(rlnOpticsGroup=7)
    with pytest.raises(OpticsError, match="rows of optics group 7"):
        prune_optics(star)
    star["particles"] = star["particles"].drop("rlnOpticsGroup")
    with pytest.raises(OpticsError, match="no block besides 'optics'"):
        prune_optics(star)
    star["optics"] = star["optics"].drop("rlnOpticsGroup")
    with pytest.raises(OpticsError, match="no table with rlnOpticsGroup"):
        prune_optics(star)
    del star["optics"]
    with pytest.raises(MissingBlockError):
        prune_optics(star)
