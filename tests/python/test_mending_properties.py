"""Any text that is mended says the same, to RELION as well, and needs no mending any more."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mended_texts import check_text
from star_texts import Text, texts
from tomoset import _core
from tomoset.mending.diffs import unified_diff
from tomoset.mending.fixes import chosen
from tomoset.mending.texts import fix_text

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.usefixtures("no_hang")

MOST = settings().max_examples * 3
LINES = st.sampled_from(
    [
        *(
            "data_x",
            "DATA_x",
            " data_y # c",
            "data_\tz\t",
            "data_",
            "loop_",
            "Loop_ _rlnVoltage _a",
            "loop_ b",
        ),
        *(
            "_rlnTomoName #1",
            "_rlnVoltage#2",
            "_rlnEnabled kV #3",
            "_a _b",
            "  _a",
            "_",
            "_#1",
            "_rlnvoltage",
        ),
        *("a 300 True", "b\t200\tno", "'c d' 1 0", '"e\a" f" 1 1', ";g 1 0", ";", "1", "a", "True", "a\r1 0"),
        *(
            "# c",
            "#d 1 0",
            "# data_y",
            "# version 3",
            "",
            " ",
            "\t",
            "_rlnVoltage 300",
            "_rlnEnabled yes",
            "_a#4 5",
        ),
        *("1 2 3", "nan", "<NA>", "4e3", "'open", "stop_", "junk line", "_rlnTomoSizeX 4e3", "_rlnVoltge 1"),
    ]
)
ENDS = st.sampled_from(["\n", "\n", "\n", "\n", "\r\n", "\r\r\n"])


@st.composite
def odd_texts(draw: st.DrawFn) -> bytes:
    lines = draw(st.lists(st.tuples(LINES, ENDS), max_size=25))
    text = "".join(line + end for line, end in lines)
    mark = draw(st.sampled_from(["", "", "", "\ufeff"]))
    return (mark + text).encode()


@given(odd_texts())
@settings(max_examples=MOST)
def test_odd_lines(text: bytes) -> None:
    if text and b"\n" in text:
        check_text(text)


@st.composite
def loops(draw: st.DrawFn) -> bytes:
    """A loop whose rows are sound, with odd lines between them."""
    between = st.lists(
        st.sampled_from(["", " ", "# c", " # d e", "#f 1 0", "# data_x", "# version 3"]), max_size=3
    )
    rows = st.sampled_from(["a 300 True", "b\t200\t0 # c", "'c d' 1 no", ";g 1 0", "h\n 1\n0", "i # k\n 1 1"])
    lines = ["data_x", "loop_", "_rlnTomoName #1", "_rlnVoltage #2", "_rlnEnabled #3"]
    for _ in range(draw(st.integers(1, 5))):
        lines += [draw(rows), *draw(between)]
    lines += draw(st.sampled_from([[], ["data_y", "_rlnVoltage 1"], ["_a 1"], ["loop_", "_a", "1"]]))
    return draw(st.sampled_from(["\n", "\r\n"])).join(lines).encode() + b"\n"


@given(loops())
@settings(max_examples=MOST)
def test_loops(text: bytes) -> None:
    check_text(text)


@given(texts())
def test_sound_texts(text: Text) -> None:
    check_text(text.text)


def damaged() -> list[tuple[str, Callable[[bytes], bytes]]]:
    return [
        ("line ends", lambda text: text.replace(b"\n", b"\r\n")),
        ("keywords", lambda text: text.replace(b"loop_", b"Loop_").replace(b"data_", b"Data_")),
        ("mark", lambda text: b"\xef\xbb\xbf" + text),
        ("glued", lambda text: text.replace(b" #", b"#")),
        ("blank lines", lambda text: text.replace(b"\n", b"\n\n")),
    ]


@given(texts(), st.sampled_from(damaged()))
def test_damaged_texts(text: Text, damage: tuple[str, Callable[[bytes], bytes]]) -> None:
    check_text(damage[1](text.text))


@given(odd_texts())
@settings(max_examples=MOST)
def test_unsafe_fixes_end(text: bytes) -> None:
    found = fix_text(text, chosen(unsafe=True))
    again = fix_text(found.after, chosen(unsafe=True))
    assert (again.after, again.made) == (found.after, ())


@given(st.lists(st.sampled_from([b"a\n", b"b\n", b"longer line\n", b"\n", b"c"]), max_size=40), st.data())
def test_diffs_lead_from_one_text_to_the_other(lines: list[bytes], data: st.DataObject) -> None:
    new = list(lines)
    for _ in range(data.draw(st.integers(0, 5))):
        at = data.draw(st.integers(0, len(new)))
        new[at : at + data.draw(st.integers(0, 2))] = data.draw(st.lists(st.just(b"x\n"), max_size=2))
    before, after = b"".join(lines), b"".join(new)
    assert patched(before, list(unified_diff(before, after, b"a", b"b"))) == after


def patched(before: bytes, diff: list[bytes]) -> bytes:
    """Give what a unified diff makes of a text."""
    if not diff:
        return before
    assert diff[:2] == [b"--- a\n", b"+++ b\n"]
    old = before.splitlines(keepends=True)
    new: list[bytes] = []
    at = 0
    for line in (
        b"".join(diff[2:]).replace(b"\n\\ No newline at end of file", b"\0").splitlines(keepends=True)
    ):
        mark, text = line[:1], line[1:].replace(b"\0\n", b"")
        if mark == b"@":
            start, _, length = line.split()[1][1:].partition(b",")
            first = int(start) - (length != b"0")
            new += old[at:first]
            at = first
        elif mark == b"+":
            new.append(text)
        else:
            assert old[at] == text
            at += 1
            if mark == b" ":
                new.append(text)
    return b"".join(new + old[at:])


@given(st.binary(max_size=200))
def test_any_bytes(text: bytes) -> None:
    made, _ = _core.mend_text(text, _core.mendable_codes())
    assert isinstance(made, bytes)
