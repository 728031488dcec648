"""Formats as in C, held against Python's own `%`, which rounds correctly."""

from __future__ import annotations

import io
import itertools
import os
import random
import shutil
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import tomoset
from hypothesis import given, settings
from hypothesis import strategies as st

pytestmark = pytest.mark.usefixtures("no_hang")

KINDS = ["f", "F", "e", "E", "g", "G", "lf", "le", "lg"]
FLAGS = ["", "+", "0", "#", "+0", "#0", "+#", "+#0", "00"]
WIDTHS = ["", "1", "9", "12", "25", "60", "400"]
PRECISIONS = ["", ".", ".0", ".1", ".2", ".5", ".6", ".9", ".10", ".12", ".17", ".30", ".340", ".400"]
FORMATS = [f"%{''.join(parts)}" for parts in itertools.product(FLAGS, WIDTHS, PRECISIONS, KINDS)]


def bits(generator: random.Random) -> float:
    value = float("nan")
    while value - value != 0:
        value = float(struct.unpack("<d", generator.randbytes(8))[0])
    return value


def values() -> list[float]:
    """Give values that are hard to round, of all sizes, and any bits."""
    generator = random.Random(41)
    ties = [
        0.5,
        1.5,
        2.5,
        0.125,
        0.375,
        1e22,
        1e23,
        9.5,
        99.5,
        0.05,
        0.15,
        0.25,
        5e-324,
        2.0**53 + 1,
        4503599627370497.5,
    ]
    edges = [999999.5, 9999995.0, 0.0001, 0.00009999995, 0.99999949999999, 999.9999, 99999.9995, 123456789.0]
    limits = [
        0.0,
        sys.float_info.max,
        sys.float_info.min,
        2.2250738585072011e-308,
        1e-310,
        9e18,
        9.3e18,
        1.8e19,
    ]
    powers = [10.0**power for power in range(-308, 309, 7)]
    short = [generator.randrange(10**9) / 10 ** generator.randrange(9) for _ in range(100)]
    found = [*ties, *edges, *limits, *powers, *short, *(bits(generator) for _ in range(200))]
    return [value * sign for value in found for sign in (1, -1)]


def fields(column: Any, form: str, layout: Any = "starfile") -> list[str]:
    file = io.BytesIO()
    tomoset.write_star({"x": pa.table({"a": column})}, file, floats=form, layout=layout, na="keep")
    rows = file.getvalue().decode().partition("_a #1")[2].split("\n")[1:]
    return [row.removesuffix(" ") for row in rows[: len(column)]]


@pytest.mark.parametrize("kind", KINDS)
def test_formats(kind: str) -> None:
    """Each of some 8,000 formats with some of the values, and each value with some of the formats."""
    forms = [form for form in FORMATS if form.lstrip("%+0#.123456789") == kind]
    assert len(forms) == len(FLAGS) * len(WIDTHS) * len(PRECISIONS)
    generator = random.Random(7)
    everything = values()
    for form in forms:
        column = generator.sample(everything, 20)
        assert fields(column, form) == [form % value for value in column], form
    for precision in PRECISIONS:
        form = f"%{precision}{kind}"
        assert fields(everything, form) == [form % value for value in everything], form


@settings(max_examples=300)
@given(
    st.sampled_from(FLAGS),
    st.integers(0, 40),
    st.integers(0, 40),
    st.sampled_from(KINDS),
    st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=20),
)
def test_any_format(flags: str, width: int, precision: int, kind: str, column: list[float]) -> None:
    form = f"%{flags}{width or ''}.{precision}{kind}"
    assert fields(column, form) == [form % value for value in column]
    assert fields(column, form, "relion") == [(form % value).rjust(12) for value in column]


def test_single_precision() -> None:
    column = np.random.default_rng(3).integers(0, 2**32, 2000, dtype=np.uint32).view(np.float32)
    column = column[np.isfinite(column)]
    for form in ("%.6f", "%g", "%.9g", "%15.7e"):
        assert fields(column, form) == [form % float(value) for value in column]


def test_what_is_no_number() -> None:
    column = [float("nan"), float("inf"), float("-inf")]
    assert fields(column, "%.2f") == ["nan", "inf", "-inf"]
    assert fields(column, "%.2f", "relion") == ["nan".rjust(12), "inf".rjust(12), "-inf".rjust(12)]


def test_a_format_for_each_label() -> None:
    file = io.StringIO()
    table = pa.table({"a": [1.25], "b": [1.25], "c": [1.25], "n": [7], "v": [[1.25, 2.0]]})
    forms = {"a": "%.3f", "b": "relion", "v": "%.2e", "*": "%+g"}
    tomoset.write_star(table, file, floats=forms, layout="starfile")
    assert file.getvalue().splitlines()[-3:] == [
        "1.250\t    1.250000\t+1.25\t7\t[1.25e+00,2.00e+00]",
        "",
        "",
    ]


WRONG = {
    "": 'floats is ""; it must be "shortest", "relion" or a format such as "%.6f"',
    "shorter": 'floats is "shorter"; it must be "shortest", "relion" or a format such as "%.6f"',
    "6f": 'floats is "6f"; it must be "shortest", "relion" or a format such as "%.6f"',
    "%": '"%" is no format for one number, such as %.6f, %12.5e or %g',
    "%d": '"%d" is no format for one number, such as %.6f, %12.5e or %g',
    "%s": '"%s" is no format for one number, such as %.6f, %12.5e or %g',
    "%%": '"%%" is no format for one number, such as %.6f, %12.5e or %g',
    "%.6f ": '"%.6f " is no format for one number, such as %.6f, %12.5e or %g',
    "%.6f%.6f": '"%.6f%.6f" is no format for one number, such as %.6f, %12.5e or %g',
    "%.-1f": '"%.-1f" is no format for one number, such as %.6f, %12.5e or %g',
    "%*f": '"%*f" is no format for one number, such as %.6f, %12.5e or %g',
    "%.6å": '"%.6å" is no format for one number, such as %.6f, %12.5e or %g',
    "%-12f": "\"%-12f\": the flag '-' would put blanks where STAR ends a value",
    "% f": "\"% f\": the flag ' ' would put blanks where STAR ends a value",
    "%.401f": '"%.401f" asks for more than 400 characters',
    "%401f": '"%401f" asks for more than 400 characters',
    "%99999999999999999999f": '"%99999999999999999999f" asks for more than 400 characters',
}


@pytest.mark.parametrize("form", WRONG)
def test_what_is_no_format(form: str) -> None:
    for floats in (form, {"a": form}):
        with pytest.raises(ValueError, match=r"\A") as caught:
            tomoset.write_star({"x": {"a": 1.0}}, io.BytesIO(), floats=floats)
        assert str(caught.value) == WRONG[form]


LOCALE = """
import locale, sys
locale.setlocale(locale.LC_ALL, "de_DE.UTF-8")
assert locale.localeconv()["decimal_point"] == ","
import tomoset
for floats in ("shortest", "relion", "%.3f", "%g", "%e"):
    values = {"a": 1.5, "b": -1234567.891, "c": 1e-9, "d": 1e300}
    tomoset.write_star({"x": values}, sys.stdout, floats=floats)
"""


def test_no_locale_has_a_say(tmp_path: Path) -> None:
    if not shutil.which("localedef") or not Path("/usr/share/i18n/locales/de_DE").exists():
        pytest.skip("a locale with a decimal comma cannot be made here")
    made = subprocess.run(
        ["localedef", "-i", "de_DE", "-f", "UTF-8", tmp_path / "de_DE.UTF-8"],
        capture_output=True,
        check=False,
    )
    if made.returncode:
        pytest.skip(f"a locale with a decimal comma cannot be made here: {made.stderr!r}")
    german = {**os.environ, "LOCPATH": str(tmp_path)}
    plain = LOCALE.replace("de_DE.UTF-8", "C").replace('"] == ","', '"] == "."')
    run = [
        subprocess.run([sys.executable, "-c", code], env=german, capture_output=True, check=True).stdout
        for code in (LOCALE, plain)
    ]
    assert run[0] == run[1]
    assert run[0].count(b"data_x") == 5
