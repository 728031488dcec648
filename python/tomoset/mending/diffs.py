"""What a fix changes, as a unified diff that ``patch`` takes; in time that grows with the text, not with its square."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["unified_diff"]

_CONTEXT = 3
#: How far is looked for lines that go on alike.
_AHEAD = 64


class Change(NamedTuple):
    """Lines of the old text, from `start` to `stop`, for which others stand in the new one."""

    start: int
    stop: int
    new_start: int
    new_stop: int


def unified_diff(before: bytes, after: bytes, old_name: bytes, new_name: bytes) -> Iterator[bytes]:
    """Give the lines of a unified diff, with their line ends; none if the texts are the same.

    Parameters
    ----------
    before, after : bytes
        The texts.
    old_name, new_name : bytes
        What stands behind ``---`` and ``+++``.
    """
    old, new = _lines(before), _lines(after)
    begun = False
    for hunk in _hunks(_changes(old, new)):
        if not begun:
            yield b"--- %s\n" % _quoted(old_name)
            yield b"+++ %s\n" % _quoted(new_name)
            begun = True
        yield from _hunk(hunk, old, new)


def _lines(text: bytes) -> list[bytes]:
    lines = text.split(b"\n")
    whole = [line + b"\n" for line in lines[:-1]]
    return [*whole, lines[-1]] if lines[-1] else whole


def _quoted(name: bytes) -> bytes:
    """Give a name as git has it: in quotes if a line or the terminal would be broken by it.

    One with blanks ends in a tab, or only what stands before the first of them would be taken for the name.
    """
    tab = b"\t" if b" " in name else b""
    if all(32 <= byte < 127 and byte not in b'"\\' for byte in name):
        return name + tab
    odd = {9: b"\\t", 10: b"\\n", 13: b"\\r", 34: b'\\"', 92: b"\\\\"}
    pieces = (odd.get(byte) or (bytes([byte]) if 32 <= byte < 127 else b"\\%03o" % byte) for byte in name)
    return b'"%s"%s' % (b"".join(pieces), tab)


def _changes(old: Sequence[bytes], new: Sequence[bytes]) -> Iterator[Change]:
    """Find where lines differ; from there on the nearest place is looked for where both go on alike."""
    i = j = 0
    while i < len(old) or j < len(new):
        if i < len(old) and j < len(new) and old[i] == new[j]:
            i, j = i + 1, j + 1
            continue
        start, new_start = i, j
        i, j = _next_alike(old, new, i, j)
        yield Change(start, i, new_start, j)


def _next_alike(old: Sequence[bytes], new: Sequence[bytes], i: int, j: int) -> tuple[int, int]:
    while i < len(old) and j < len(new) and old[i] != new[j]:
        found = _alike_ahead(old, new, i, j)
        if found is not None:
            return found
        # None of these has a twin near by.
        step = min(_AHEAD // 2, len(old) - i, len(new) - j)
        i, j = i + step, j + step
    return (i, j) if i < len(old) and j < len(new) else (len(old), len(new))


def _alike_ahead(old: Sequence[bytes], new: Sequence[bytes], i: int, j: int) -> tuple[int, int] | None:
    """Find the nearest two lines that are the same; single short ones may be so by chance."""
    places: dict[bytes, int] = {}
    for at in range(i, min(i + _AHEAD, len(old))):
        places.setdefault(old[at], at)
    best: tuple[int, int] | None = None
    for at in range(j, min(j + _AHEAD, len(new))):
        twin = places.get(new[at])
        if twin is None or not _goes_on(old, new, twin, at):
            continue
        if best is None or (twin - i) + (at - j) < (best[0] - i) + (best[1] - j):
            best = twin, at
    return best


def _goes_on(old: Sequence[bytes], new: Sequence[bytes], i: int, j: int) -> bool:
    return old[i : i + 2] == new[j : j + 2] or (bool(old[i].strip()) and len(old[i]) > 8)


def _hunks(changes: Iterator[Change]) -> Iterator[list[Change]]:
    """Put changes together whose context would overlap."""
    hunk: list[Change] = []
    for change in changes:
        if hunk and change.start - hunk[-1].stop > 2 * _CONTEXT:
            yield hunk
            hunk = []
        hunk.append(change)
    if hunk:
        yield hunk


def _hunk(hunk: list[Change], old: Sequence[bytes], new: Sequence[bytes]) -> Iterator[bytes]:
    start = max(hunk[0].start - _CONTEXT, 0)
    stop = min(hunk[-1].stop + _CONTEXT, len(old))
    new_start = hunk[0].new_start - (hunk[0].start - start)
    new_stop = hunk[-1].new_stop + (stop - hunk[-1].stop)
    yield b"@@ -%s +%s @@\n" % (_range(start, stop), _range(new_start, new_stop))
    at = start
    for change in hunk:
        yield from _marked(b" ", old[at : change.start])
        yield from _marked(b"-", old[change.start : change.stop])
        yield from _marked(b"+", new[change.new_start : change.new_stop])
        at = change.stop
    yield from _marked(b" ", old[at:stop])


def _marked(mark: bytes, lines: Sequence[bytes]) -> Iterator[bytes]:
    for line in lines:
        yield mark + line if line.endswith(b"\n") else mark + line + b"\n\\ No newline at end of file\n"


def _range(start: int, stop: int) -> bytes:
    length = stop - start
    if length == 1:
        return b"%d" % (start + 1)
    # An empty range is told by the line above it.
    return b"%d,%d" % (start + (length > 0), length)
