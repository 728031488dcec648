"""Whether two texts say the same, as whoever mends one of them asks."""

from __future__ import annotations

import pytest
from tomoset.mending.sameness import why_not_same
from tomoset.mending.texts import read_text


def why(label: str, old: str, new: str, *codes: str) -> str | None:
    """Tell what differs between columns with one value."""
    before, after = (read_text(f"data_x\nloop_\n_{label}\n_a\n{value} 1\n".encode()) for value in (old, new))
    return why_not_same(before, after, set(codes))


@pytest.mark.parametrize(
    ("label", "one", "other"),
    [
        ("rlnVoltage", "0.0", "-0.0"),
        ("rlnVoltage", "300", "300.00000000000006"),
        ("rlnVoltage", "nan", "0"),
        ("rlnTomoSizeX", "1", "2"),
        ("rlnCoordinateX", "inf", "-inf"),
        ("rlnTomoVisibleFrames", "[1,0]", "[1,1]"),
        ("rlnTomoVisibleFrames", "[1,0]", "[1]"),
        ("rlnTomoVisibleFrames", "[]", "<NA>"),
        ("rlnTomoProjX", "[0,1.5]", "[-0,1.5]"),
        ("rlnTomoProjX", "[0,nan]", "[nan,0]"),
        ("rlnTomoName", "a", "A"),
    ],
)
def test_other_values_are_not_the_same(label: str, one: str, other: str) -> None:
    assert why(label, one, one) is None
    # One way round, what is new may be told by its own code.
    told = {why(label, one, other), why(label, other, one)}
    assert None not in told
    assert f"another value of {label} would be read in data_x" in told


@pytest.mark.parametrize(
    ("label", "old", "new", "same"),
    [
        ("rlnVoltage", "nan", "0", True),
        ("rlnVoltage", "-inf", "0", True),
        ("rlnVoltage", "<NA>", "0", True),
        ("rlnVoltage", "<NA>", "nan", False),
        ("rlnVoltage", "nan", "5", False),
        ("rlnVoltage", "nan", "-0", False),
        ("rlnVoltage", "300", "0", False),
        ("rlnTomoSizeX", "<NA>", "0", True),
        ("rlnTomoSizeX", "<NA>", "3", False),
        ("rlnTomoSizeX", "3", "0", False),
        ("rlnEnabled", "<NA>", "0", True),
        ("rlnEnabled", "<NA>", "1", False),
        ("rlnTomoProjX", "[1,nan]", "[1,0]", True),
        ("rlnTomoProjX", "[1,nan]", "[1,9]", False),
        ("rlnTomoProjX", "[1,nan]", "[2,0]", False),
        ("rlnTomoProjX", "[1,2]", "[9]", False),
        ("rlnTomoProjX", "[1,2]", "[9,2]", False),
        ("rlnTomoProjX", "[0,nan]", "[-0,0]", False),
        ("rlnTomoProjX", "<NA>", "[]", True),
        ("rlnTomoProjX", "<NA>", "[0]", False),
        ("rlnTomoProjX", "[]", "<NA>", False),
        ("rlnTomoVisibleFrames", "<NA>", "[]", True),
        ("rlnTomoVisibleFrames", "[1,0]", "[1,1]", False),
        ("rlnTomoName", "<NA>", "0", False),
    ],
)
def test_where_no_number_was_there_is_zero_and_all_else_stays(
    label: str, old: str, new: str, same: bool
) -> None:
    assert why(label, old, old, "V101", "V102") is None
    assert (why(label, old, new, "V101", "V102") is None) is same


def test_values_of_other_rows_are_looked_at() -> None:
    text = "data_x\nloop_\n_rlnTomoProjX\n_a\n[1,2] 1\n<NA> 1\n[3,%s] 1\n[] 1\n"
    before, *after = (read_text((text % last).encode()) for last in ("nan", "0", "4"))
    assert [why_not_same(before, each, {"V101"}) for each in after] == [
        None,
        "another value of rlnTomoProjX would be read in data_x",
    ]
