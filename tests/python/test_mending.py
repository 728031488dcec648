"""Each fix: what becomes of a text, that tomoset reads the same in it, and RELION what tomoset reads."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from mended_texts import check_text, codes_of, is_sound
from relion_twins import relion_sees, tomoset_sees
from tomoset import _core
from tomoset.mending import all_fixes, mend_file
from tomoset.mending.fixes import chosen
from tomoset.mending.sameness import why_not_same
from tomoset.mending.texts import fix_text, read_text

if TYPE_CHECKING:
    from collections.abc import Iterator


pytestmark = pytest.mark.usefixtures("no_hang")
DATA = Path(__file__).parents[1] / "data"
REAL = Path(__file__).parents[3] / "shared" / "real"
HEAD = b"data_x\n\nloop_\n_rlnTomoName #1\n_rlnVoltage #2\n_rlnEnabled #3\n"


class Case(NamedTuple):
    """A text with what a fix makes of it."""

    codes: str
    before: bytes
    after: bytes
    #: RELION has a way to read it wrongly that is no matter of this fix.
    odd: bool = False


SAFE = [
    Case(
        "L101",
        b"data_x\r\n_rlnVoltage 1\r\n\r\ndata_y\r\n_rlnVoltage 2\r\n",
        b"data_x\n_rlnVoltage 1\n\ndata_y\n_rlnVoltage 2\n",
    ),
    Case("L107", HEAD + b"a 1 0\r\n", HEAD + b"a 1 0\n"),
    Case("L103", b"\xef\xbb\xbf" + HEAD + b"a 1 0\n", HEAD + b"a 1 0\n"),
    Case("L108", HEAD + b"a\r1 0\n", HEAD + b"a 1 0\n"),
    Case("B101", b"data_x y # why\n_rlnVoltage 1\n", b"data_x y\n# why\n_rlnVoltage 1\n"),
    Case("B101", b"data_ # why\n_rlnVoltage 1\n", b"data_\n# why\n_rlnVoltage 1\n"),
    Case("B102", b"data_\tx\t\n_rlnVoltage 1\n", b"data_x\n_rlnVoltage 1\n"),
    Case("B103", b"DATA_x\nLoop_ \n_rlnVoltage\n1\n", b"data_x\nloop_ \n_rlnVoltage\n1\n"),
    Case("B104", b"# c\nloop_\n_rlnVoltage\n1\n", b"# c\ndata_\n\nloop_\n_rlnVoltage\n1\n"),
    Case("B110", b"data_x\n  _rlnVoltage 1\n\t_a b\n", b"data_x\n_rlnVoltage 1\n_a b\n"),
    Case("B112", HEAD + b"a 1 0\ndata_y\n_rlnVoltage 1\n", HEAD + b"a 1 0\n\ndata_y\n_rlnVoltage 1\n"),
    Case(
        "H101",
        b"data_x\nloop_\n_rlnVoltage kV #1\n_a\n1 2\n",
        b"data_x\nloop_\n_rlnVoltage # kV #1\n_a\n1 2\n",
    ),
    Case(
        "H102",
        b"data_x\nloop_\n_rlnVoltage#1\n_a#2 kV\n1 2\n",
        b"data_x\nloop_\n_rlnVoltage #1\n_a #2 kV\n1 2\n",
    ),
    Case("H102", b"data_x\n_rlnVoltage#1 300 # c\n", b"data_x\n_rlnVoltage 300 #1 # c\n"),
    Case("H104", b"data_x\nloop_ _rlnVoltage #1\n_a\n1 2\n", b"data_x\nloop_\n_rlnVoltage #1\n_a\n1 2\n"),
    Case("H110", b"data_x\nloop_\n_rlnVoltage", b"data_x\nloop_\n_rlnVoltage\n"),
    Case("H111", b"data_x\nloop_\n_rlnVoltage \t_a\n1 2\n", b"data_x\nloop_\n_rlnVoltage\n_a\n1 2\n"),
    Case("R101", HEAD + b"a 1 0\n\n \nb 2 0\n\n", HEAD + b"a 1 0\nb 2 0\n\n"),
    Case(
        "R101",
        HEAD + b"a 1 0\n\n# why\n\nb 2 0\n",
        HEAD.replace(b"loop_", b"# why\nloop_") + b"a 1 0\nb 2 0\n",
    ),
    Case(
        "R102",
        HEAD + b"a 1 0\n # one\n#two\nb 2 0 # three\n# four\nc 3 1\n",
        HEAD.replace(b"loop_", b" # one\n#two\n# four\nloop_") + b"a 1 0\nb 2 0 # three\nc 3 1\n",
    ),
    Case("R102", HEAD + b"a 1 0\n# end\n", HEAD + b"a 1 0\n\n# end\n"),
    Case("R104", HEAD + b"a\n 1\n  0\nb 2 0\n", HEAD + b"a  1   0\nb 2 0\n"),
    Case(
        "R104",
        HEAD + b"a # name\n# or\n1 0 # rest\n",
        HEAD.replace(b"loop_", b"# name\n# or\nloop_") + b"a 1 0 # rest\n",
    ),
    Case("R108", b"data_x\n_rlnVoltage\n  300 # c\n_a b\n", b"data_x\n_rlnVoltage 300 # c\n_a b\n"),
    Case("R109", HEAD + b";a 1 0\n ;b 2 0\nc 3 1\n", HEAD + b'";a" 1 0\n ";b" 2 0\nc 3 1\n'),
    Case("Q102", HEAD + b'"a\x07" b" 1 0\n', HEAD + b"'a\" b' 1 0\n"),
    Case("V104", HEAD + b"a 1 True\nb 2 'no'\nc 3 YES\n", HEAD + b"a 1 1\nb 2 '0'\nc 3 1\n"),
]
UNSAFE = [
    Case("H105", b"data_x\n_rlnvoltage 300\n", b"data_x\n_rlnVoltage 300\n"),
    Case("H106", b"data_x\nloop_\n_rlnVoltge #1\n300\n", b"data_x\nloop_\n_rlnVoltage #1\n300\n"),
    Case("V101", HEAD + b"a nan 0\nb -inf 1\n", HEAD + b"a 0 0\nb 0 1\n"),
    Case("V102", HEAD + b'a <NA> None\nb "" 1\n', HEAD + b"a 0 0\nb 0 1\n"),
    Case("V102", b"data_x\n_rlnTomoProjX <NA>\n", b"data_x\n_rlnTomoProjX []\n"),
    Case("V101", b"data_x\n_rlnTomoProjX [1,nan,2]\n", b"data_x\n_rlnTomoProjX [1,0,2]\n"),
    Case("V103", b"data_x\n_rlnTomoSizeX 4e3\n", b"data_x\n_rlnTomoSizeX 4000\n"),
]
#: What there is a fix for, and what stays as it is all the same.
KEPT = [
    ("L108", HEAD + b"'a\rb' 1 0\n"),
    ("B101", b"data_x # as data_y\n_a 1\n"),
    ("H101", b"data_x\nloop_\n_a loop_\n1\n"),
    ("R101", HEAD + b"a 1 0\n\n# data_y\nb 2 0\n"),
    ("R102", HEAD + b"a 1 0\n# loop_\nb 2 0\n"),
    ("R101", HEAD + b"a 1 0\n\nb 2\nc 3 0\n"),
    ("R104", HEAD + b"a\n;1\n;\n0\n"),
    ("V104", b"data_x\n_mine True\n"),
    ("H106", b"data_x\n_rlnDefocusW 1\n_rlnMagMat22 1\n_rlnVolts 1\n"),
    ("H105", b"data_x\n_rlnVoltage 1\n_rlnvoltage 2\n"),
]


def mended(text: bytes, *codes: str) -> bytes:
    return fix_text(text, set(codes)).after


@pytest.mark.parametrize("case", SAFE, ids=lambda case: case.codes)
def test_safe_fixes(case: Case) -> None:
    assert case.codes in codes_of(case.before)
    assert mended(case.before, case.codes) == case.after
    assert case.codes not in codes_of(case.after)
    assert mended(case.after, case.codes) == case.after
    # The differential: the same to tomoset, and to RELION now as well, to which it was something else.
    assert why_not_same(read_text(case.before), read_text(case.after), {case.codes}) is None
    assert tomoset_sees(case.before) == tomoset_sees(case.after)
    assert relion_sees(case.after) == tomoset_sees(case.after)
    if case.codes not in {"L103", "L107", "H110"}:
        assert relion_sees(case.before) != relion_sees(case.after)


@pytest.mark.parametrize("case", UNSAFE, ids=lambda case: case.codes)
def test_unsafe_fixes(case: Case) -> None:
    assert mended(case.before, *chosen()) == case.before
    assert mended(case.before, case.codes) == case.after
    assert case.codes not in codes_of(case.after)
    assert mended(case.after, case.codes) == case.after
    assert relion_sees(case.after) == tomoset_sees(case.after)


def test_there_is_a_case_for_each_fix() -> None:
    tried = {case.codes for case in SAFE} | {case.codes for case in UNSAFE}
    assert tried | {"L102", "N103", "T203"} == set(all_fixes())
    safe = {case.codes for case in SAFE}
    assert all(all_fixes()[code].safe == (code in safe) for code in tried)
    assert set(_core.mendable_codes()) == set(all_fixes()) - {"L102", "N103", "T203"}


@pytest.mark.parametrize(("code", "text"), KEPT)
def test_what_is_left(code: str, text: bytes) -> None:
    found = fix_text(text, {code})
    assert found.after == text
    assert not found.made
    assert [left.code for left in found.left if left.code == code] == [code] * (code != "H106")


def test_lines_that_end_in_cr() -> None:
    text = b"data_x\nloop_\n_a\n_rlnEnabled\n1 True\n"
    found = fix_text(text, {"L102"}, cr_only=True)
    assert (found.before, found.after) == (text.replace(b"\n", b"\r"), text)
    assert [(made.code, made.count) for made in found.made] == [("L102", 5)]
    found = fix_text(text, {"V104"}, cr_only=True)
    assert found.after == b"data_x\rloop_\r_a\r_rlnEnabled\r1 1\r"
    assert ("L102", "the fix is not selected") in [(left.code, left.why) for left in found.left]


def test_a_cr_in_a_text_field_is_part_of_its_value() -> None:
    found = fix_text(b"data_x\r\n_a\r\n;one\r\ntwo\r\n;\r\n\r\n_b 1\r\n", {"L101"})
    assert found.after == b"data_x\n_a\n;one\r\ntwo\n;\n\n_b 1\n"
    assert [(made.code, made.line, made.count) for made in found.made] == [("L101", 1, 6)]


def test_many_fixes_in_one_text() -> None:
    text = (
        b"\xef\xbb\xbfDATA_x # c\r\nloop_ _rlnTomoName#1 _rlnEnabled #2\r\n'a' True\r\n\r\nb\tno\r\n"
        b"# d\r\ndata_y\r\n _a\r\n1"
    )
    found = fix_text(text, chosen())
    assert found.after == (
        b"data_x\n# c\nloop_\n_rlnTomoName #1\n_rlnEnabled #2\n'a' 1\nb\t0\n\n# d\ndata_y\n_a 1"
    )
    assert relion_sees(found.after) == tomoset_sees(found.after) == tomoset_sees(text)
    assert not found.left
    made = {made.code: (made.line, made.count) for made in found.made}
    assert made["L101"] == (1, 8)
    assert made["V104"] == (3, 2)


def test_fixes_are_told() -> None:
    found = fix_text(HEAD + b"a nan yes\nb nan 1\n", chosen())
    assert [str(made) for made in found.made] == [
        "7: V104 bool-word: writes 1 for true and yes, 0 for false and no"
    ]
    assert [str(left) for left in found.left] == [
        "7: V101 not-finite (2 times): left: nan becomes 0 in rlnVoltage: the fix is unsafe"
    ]
    assert [left.is_unsafe for left in found.left] == [True]


def test_a_fix_after_which_something_else_is_read_is_not_made() -> None:
    # The label would be RELION's, and its value is no number.
    found = fix_text(b"data_x\n_rlnvoltage high\n_rlnEnabled yes\n", chosen(unsafe=True))
    assert found.after == b"data_x\n_rlnvoltage high\n_rlnEnabled 1\n"
    assert [(left.code, left.why) for left in found.left] == [("H105", "there would be V107 text-fallback")]


def test_what_is_no_star_file_is_left() -> None:
    text = b"<html>\n" + HEAD + b"a 1 yes\n"
    found = fix_text(text, chosen())
    assert (found.after, found.made) == (text, ())
    assert [str(left) for left in found.left] == ["8: V104 bool-word: left: line 1 is no part of a STAR file"]


@pytest.mark.parametrize(
    ("select", "ignore", "expected"),
    [
        (["R101"], [], {"R101"}),
        (["r101", "rows-after-blank"], [], {"R101"}),
        (["R"], ["R109"], {"R101", "R102", "R104", "R108"}),
        (["L10"], ["L103", "byte-order-mark"], {"L101", "L102", "L107", "L108"}),
        (["all"], ["L", "B", "H", "R", "Q", "N"], {"V104"}),
        (["R"], ["all"], set()),
        (["odd-path", "V104"], ["O101", "T"], {"N103", "V104"}),
        (["V"], [], {"V104"}),
        ([], [], set()),
        (None, ["L", "B", "H", "R", "Q", "N"], {"V104"}),
    ],
)
def test_selecting(select: list[str] | None, ignore: list[str], expected: set[str]) -> None:
    assert chosen(select, ignore) == expected
    assert chosen(select, ignore, unsafe=True) >= expected


def test_what_is_no_code() -> None:
    with pytest.raises(ValueError, match="there is no code 'R999'"):
        chosen(["R999"])
    with pytest.raises(ValueError, match='did you mean "rows-after-blank"'):
        chosen([], ["rows-after-blnk"])
    with pytest.raises(ValueError, match="there is no code ''"):
        chosen([""])
    # What names begin with would be other codes than those of a check.
    with pytest.raises(ValueError, match="there is no code 'crlf'"):
        chosen(["crlf"])
    for words in (["O101"], ["R103", "odd-hand"]):
        with pytest.raises(ValueError, match=f"there is no fix for {words[0]}"):
            chosen(words)
    with pytest.raises(TypeError, match="give a list of codes"):
        mend_file("a.star", select="R101")


def corpus() -> Iterator[Path]:
    for folder in (DATA / "oracle" / "parse", DATA / "hostile"):
        yield from sorted(folder.glob("*.star*"))


def test_there_are_odd_files() -> None:
    folders = Counter(path.parent.name for path in corpus())
    assert folders["parse"] > 100
    assert folders["hostile"] > 10


@pytest.mark.parametrize("path", [*corpus()], ids=lambda path: path.name)
def test_odd_files(path: Path) -> None:
    check_file(path)


@pytest.mark.skipif(not REAL.exists(), reason=f"there are no real files in {REAL}")
def test_real_files_need_nothing() -> None:
    for path in sorted(REAL.rglob("*.star")):
        found = fix_text(path.read_bytes(), chosen(unsafe=True))
        assert not found.made, path
        assert found.after is found.before or found.after == found.before


def check_file(path: Path) -> None:
    """Mend a file by safe fixes: the same is read, fixes are made once, and what is left is told."""
    try:
        text, _, cr_only, _ = _core.load_text(path)
    except OSError as error:
        # Packed, and damaged.
        with pytest.raises(OSError, match=re.escape(str(error.strerror))):
            mend_file(path)
        return
    check_text(text, cr_only=cr_only)


def test_many_mended_files_are_read_alike_by_relion() -> None:
    counted: list[Any] = []
    for path in corpus():
        try:
            text, *_ = _core.load_text(path)
        except OSError:
            continue
        found = fix_text(text, chosen(unsafe=True))
        after = read_text(found.after)
        if found.made and is_sound(after):
            counted.append(path.name)
            assert relion_sees(found.after) == tomoset_sees(found.after), path.name
    assert len(counted) > 60


def test_sources_are_bytes() -> None:
    with pytest.raises(TypeError):
        _core.mend_text("text", [])  # type: ignore[arg-type]
    with pytest.raises(ValueError, match='"R201" is no code that there is a fix for'):
        _core.mend_text(b"", ["R201"])
    assert _core.mend_text(b"", ["R101"]) == (b"", [])
