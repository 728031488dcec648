"""Columns of numbers and strings -> the bytes RELION would print, a whole column at a time.

Every function returns a ``(rows, width)`` array of bytes. NUL is filler that :func:`join` drops, so that
fields of different length can share one rectangular array.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from columns import Kind
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]

WIDTH = 12
BLANK = ord(" ")
ZERO = ord("0")


def star_loop(name: str, kinds: Mapping[str, Kind]) -> bytes:
    """Everything of a loop block up to its first row, as RELION writes it."""
    labels = "".join(f"_{label} #{number} \n" for number, label in enumerate(kinds, start=1))
    return f"\n# version 50001\n\ndata_{name}\n\nloop_ \n{labels}".encode()


def star_rows(fields: Sequence[Bytes]) -> bytes:
    """Rows of right-aligned fields, one blank after each."""
    return join(fields, b" ", b" \n")


def csv_rows(fields: Sequence[Bytes]) -> bytes:
    """The same rows without padding, separated by commas."""
    return join([np.where(field == BLANK, np.uint8(0), field) for field in fields], b",", b"\n")


def join(fields: Sequence[Bytes], separator: bytes, end: bytes) -> bytes:
    """Put fields side by side and drop the filler."""
    rows = len(fields[0])
    parts: list[Bytes] = []
    for field in fields:
        parts += [field, _repeat(separator, rows)]
    parts[-1] = _repeat(end, rows)
    table = np.concatenate(parts, axis=1)
    text: bytes = table[table != 0].tobytes()
    return text


def fields_of(columns: Mapping[str, NDArray[np.generic]], kinds: Mapping[str, Kind]) -> list[Bytes]:
    """Print each column by its kind, in the order of `kinds`."""
    write = {"float": doubles, "int": integers, "string": strings}
    return [write[kind](columns[label]) for label, kind in kinds.items()]


def doubles(values: NDArray[np.generic]) -> Bytes:
    """RELION's twelve characters for a double: ``%12.6f``, or ``%12.6e`` when small or large.

    A negative value has one decimal less, which makes room for its sign. Values must be finite, and the
    exponent must have two digits.
    """
    numbers = np.asarray(values, dtype=np.float64)
    size = np.abs(numbers)
    scientific = ((size > 0) & (size < 0.001)) | (size > 100_000)
    negative = numbers < 0
    out = np.empty((len(numbers), WIDTH), dtype=np.uint8)
    for rows, decimals in ((~negative, 6), (negative, 5)):
        plain, powers = rows & ~scientific, rows & scientific
        out[plain] = _fixed(np.rint(size[plain] * 10.0**decimals).astype(np.int64), decimals, WIDTH)
        out[powers] = _scientific(size[powers], decimals)
    return _sign(out, negative)


def integers(values: NDArray[np.generic]) -> Bytes:
    """``%12ld``."""
    numbers = np.asarray(values, dtype=np.int64)
    return _sign(_fixed(np.abs(numbers), 0, WIDTH), numbers < 0)


def strings(values: NDArray[np.generic]) -> Bytes:
    """ASCII text without blanks, right-aligned to ten characters; longer text as it is."""
    padded = np.strings.rjust(np.asarray(values, dtype=np.bytes_), 10)
    return padded.view(np.uint8).reshape(len(padded), -1)


def _fixed(digits: NDArray[np.int64], decimals: int, width: int) -> Bytes:
    """Right-aligned decimal digits, with a point before the last `decimals` of them."""
    out = np.full((len(digits), width), BLANK, dtype=np.uint8)
    rest, place = digits, width - 1
    for _ in range(decimals):
        rest, out[:, place] = _last_digit(rest)
        place -= 1
    if decimals:
        out[:, place] = ord(".")
        place -= 1
    rest, out[:, place] = _last_digit(rest)
    while rest.any():
        place -= 1
        left = rest > 0
        rest, digit = _last_digit(rest)
        out[left, place] = digit[left]
    return out


def _last_digit(digits: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
    rest = digits // 10
    return rest, (digits - rest * 10 + ZERO).astype(np.uint8)


def _scientific(size: NDArray[np.float64], decimals: int) -> Bytes:
    """``d.dddddde+dd`` of positive numbers, right-aligned."""
    power = np.floor(np.log10(size)).astype(np.int64)
    digits = np.rint(size / 10.0**power * 10.0**decimals).astype(np.int64)
    carried = digits == 10 ** (decimals + 1)
    digits[carried] //= 10
    power += carried
    out = np.full((len(size), WIDTH), BLANK, dtype=np.uint8)
    out[:, : WIDTH - 4] = _fixed(digits, decimals, WIDTH - 4)
    out[:, -4] = ord("e")
    out[:, -3] = np.where(power < 0, ord("-"), ord("+"))
    out[:, -2:] = np.abs(power)[:, None] // (10, 1) % 10 + ZERO
    return out


def _sign(out: Bytes, negative: NDArray[np.bool_]) -> Bytes:
    """Put a minus before the first digit of the negative rows."""
    rows = np.flatnonzero(negative)
    first = np.argmax(out[rows] != BLANK, axis=1)
    out[rows, first - 1] = ord("-")
    return out


def _repeat(text: bytes, rows: int) -> Bytes:
    return np.tile(np.frombuffer(text, dtype=np.uint8), (rows, 1))
