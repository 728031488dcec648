"""The page about conventions: its worked example, and what it says of others, are right."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.testing import assert_allclose
from tomoset import geometry

PAGE = (Path(__file__).parents[2] / "docs" / "conventions.md").read_text()


def test_the_picture_can_be_drawn(tmp_path: Path) -> None:
    script = Path(__file__).parents[2] / "examples" / "draw_conventions.py"
    subprocess.run([sys.executable, script, tmp_path / "a.png"], check=True, timeout=120)
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
    assert (script.parents[1] / "docs" / "conventions.png").exists()
    assert "(conventions.png)" in PAGE


def turn(axis: str, angle: float) -> Any:
    """Give a rotation about an axis, right-handed."""
    c, s = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    return {
        "x": np.array([[1, 0, 0], [0, c, -s], [0, s, c]]),
        "y": np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]]),
        "z": np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]]),
    }[axis]


def test_the_worked_example() -> None:
    names: dict[str, Any] = {}
    (example,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    exec(compile(example, "conventions.md", "exec"), names)
    assert_allclose(names["place"], [40 + 10 * np.cos(np.pi / 6), 30])
    assert_allclose(names["depth"], -5)
    assert_allclose(names["defocus"], 30010)


def test_angles_are_rotations_in_this_order() -> None:
    frame: dict[str, Any] = {"pixel_size": 1, "size": (0, 0, 0), "image_size": (0, 0)}
    matrix = geometry.projection_matrices(5, 20, 70, 0, 0, **frame)
    assert_allclose(matrix[:3, :3], turn("z", 70) @ turn("y", 20) @ turn("x", 5), atol=1e-12)
    expected = turn("z", -30) @ turn("y", -20) @ turn("z", -10)
    assert_allclose(geometry.euler_matrices(10, 20, 30), expected, atol=1e-12)


def test_angles_of_dynamo() -> None:
    tdrot, tilt, narot = 25.0, 40.0, -110.0
    dynamo = turn("z", -tdrot) @ turn("x", -tilt) @ turn("z", -narot)
    assert_allclose(geometry.euler_matrices(narot - 90, tilt, tdrot + 90), dynamo, atol=1e-12)


def test_rotations_of_imod() -> None:
    matrix = turn("z", 85)[:2, :2].T
    shift = np.array([3.0, -4.0])
    # A point of the raw image, from its centre, lies at M (x + shift back) in the aligned one.
    raw = -np.linalg.inv(matrix) @ shift
    assert_allclose(matrix @ raw + shift, 0, atol=1e-12)
    assert_allclose(np.degrees(np.arctan2(matrix[1, 0], matrix[0, 0])), -85)
