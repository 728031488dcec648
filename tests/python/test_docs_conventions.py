"""The page about conventions: what its examples give, and what it says of others, are right."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose
from set_files import GEOMETRY
from tomoset import TomogramSet, geometry
from tomoset.sets.in_tilts import SCHEMA

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


@pytest.fixture(scope="module")
def page() -> dict[str, dict[str, Any]]:
    """Run the blocks of the page one after the other; give all names after each, by the heading above it."""
    found, names = {}, dict[str, Any]()
    for section in re.split(r"^#+ ", PAGE, flags=re.MULTILINE)[1:]:
        heading, _, text = section.partition("\n")
        blocks = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
        assert len(blocks) <= 1, heading
        for block in blocks:
            exec(compile(block, f"conventions.md: {heading}", "exec"), names)
            found[heading] = dict(names)
    return found


def test_all_blocks_are_asserted(page: dict[str, Any]) -> None:
    # Whose names are below, but for the first, of imports.
    own = Path(__file__).read_text()
    assert PAGE.count("```python") == len(page)
    for heading in list(page)[1:]:
        assert f'page["{heading}"]' in own


def test_the_first_example(page: dict[str, Any]) -> None:
    found = page["A first example"]
    assert_allclose(found["place"], [40 + 10 * np.cos(np.pi / 6), 30])
    assert_allclose(found["depth"], -5)
    assert_allclose(found["defocus"], 30010)


def test_the_odd_example(page: dict[str, Any]) -> None:
    found = page["Odd sizes, a rotation and shifts"]
    # RELION's own first row, and what it makes of the shifts.
    golden = [0.936116806663, -0.081196108086, 0.342187837766, -14.208032952]
    assert_allclose(found["odd"][0], golden, rtol=0, atol=1e-9)
    assert_allclose(found["relion"][3:], [4.197108536, 5.090881305], rtol=0, atol=1e-9)
    assert_allclose(found["back"], [1, 20, 5, 3, 4], rtol=0, atol=1e-9)
    assert found["point"].tolist() == [210.5, 140, 80]
    # The page's own numbers, of five digits.
    (rows,) = re.findall(r"\n(cx = .*?)\nc = ", PAGE, re.DOTALL)
    shown = np.array([re.findall(r"-?\d\.\d{5}", row)[-3:] for row in rows.split("\n")], dtype=float)
    assert_allclose(found["odd"][:3, :3], shown, rtol=0, atol=6e-6)
    by_hand = PAGE.partition("### Odd sizes")[2].partition("\n## ")[0]
    for name, value in (
        ("t_x", found["odd"][0, 3]),
        ("column", found["place"][0]),
        ("row", found["place"][1]),
        ("depth", found["depth"]),
        ("defocus", found["defocus"]),
    ):
        (line,) = re.findall(rf"^{name} +=.*= (-?[\d.]+)(?: .*)?$", by_hand, re.MULTILINE)
        assert_allclose(value, float(line), rtol=0, atol=0.6 * 10.0 ** -len(line.partition(".")[2]))
    # And by the formula: from the floored centre, and for the depth from half the size.
    rotation = turn("z", 5) @ turn("y", 20) @ turn("x", 1)
    column, row, _ = np.array([186.5, 193, 0]) + rotation @ [10.5, -10, 5]
    assert_allclose(found["place"], [column, row], atol=1e-9)
    assert_allclose(found["depth"], rotation[2] @ [10, -10.5, 4.5], atol=1e-9)


def test_angles_are_rotations_in_this_order() -> None:
    frame: dict[str, Any] = {"pixel_size": 1, "size": (0, 0, 0), "image_size": (0, 0)}
    matrix = geometry.projection_matrices(5, 20, 70, 0, 0, **frame)
    assert_allclose(matrix[:3, :3], turn("z", 70) @ turn("y", 20) @ turn("x", 5), atol=1e-12)
    expected = turn("z", -30) @ turn("y", -20) @ turn("z", -10)
    assert_allclose(geometry.euler_matrices(10, 20, 30), expected, atol=1e-12)


@pytest.mark.parametrize("begin", ["R = ", "A = "])
def test_the_matrices_that_are_drawn(begin: str) -> None:
    angles = {"x": 11.0, "y": 22.0, "z": 33.0, "r": 14.0, "t": 25.0, "p": 36.0}
    values = {f"c{name}": np.cos(np.radians(angle)) for name, angle in angles.items()}
    values |= {f"s{name}": np.sin(np.radians(angle)) for name, angle in angles.items()}
    (drawn,) = re.findall(rf"```\n[^`]*?(    \[[^`]*?\n{begin}\[[^`]*?\n    \[.*?\])", PAGE)
    rows = [re.findall(r"\[(.*?)\]", line)[0] for line in drawn.split("\n")]
    # Entries stand apart by two spaces or more; of an entry factors by one.
    entries = [[each for each in re.split(r" {2,}", row.strip()) if each] for row in rows]
    found = [[product_sum(entry, values) for entry in row] for row in entries]
    frame: dict[str, Any] = {"pixel_size": 1, "size": (0, 0, 0), "image_size": (0, 0)}
    expected = (
        geometry.projection_matrices(11, 22, 33, 0, 0, **frame)[:3, :3]
        if begin == "R = "
        else geometry.euler_matrices(14, 25, 36)
    )
    assert_allclose(found, expected, atol=1e-12)


def product_sum(words: str, values: dict[str, Any]) -> float:
    """Give what ``cz sy sx - sz cx`` is."""
    total, sign = 0.0, 1.0
    for term in re.split(r"(?<!\w)([+-])\s?", words.strip()):
        if term.strip() in {"+", "-"}:
            sign = -1.0 if term.strip() == "-" else 1.0
        elif term.strip():
            total += sign * float(np.prod([values[name] for name in term.split()]))
    return total


def test_the_columns_of_in_tilts() -> None:
    section = PAGE.partition("`ParticleSet.in_tilts` has")[2].partition("\n## ")[0]
    firsts = "".join(re.findall(r"^\| (`[^|]*) \|", section, re.MULTILINE))
    assert re.findall(r"`(\w+)`", firsts) == SCHEMA.names


def test_deformations(page: dict[str, Any]) -> None:
    found = page["Deformations"]
    assert_allclose(found["linear"], [-0.195, 0.9975], atol=1e-12)
    assert_allclose(found["spline"], [-0.011997511660, 0.328094855171], atol=1e-12)
    assert_allclose(found["fourier"], [-0.103653340623, -0.082478734915], atol=1e-12)


@pytest.mark.parametrize("grid", [(3, 3), (4, 5), (5, 2), (2, 6)])
def test_frequencies_are_in_the_order_of_the_page(grid: tuple[int, int]) -> None:
    (gx, gy), image = grid, (100, 80)
    places = [(x, 0) for x in range(1, gx // 2 + 1)]
    places += [(x, y) for y in range(1, gy // 2) for x in range(gx // 2 + 1)]
    places += [(x, y - gy) for y in range(max(gy // 2, 1), gy) for x in range(1, gx // 2 + 1)]
    assert geometry.num_coefficients("Fourier", grid) == 4 * len(places)
    for at, (x, y) in enumerate(places):
        for part, wave in ((0, np.cos), (1, np.sin)):
            values = np.zeros(4 * len(places))
            # Of the second dimension, at 2 (dim n + k).
            values[2 * (len(places) + at) + part] = 1
            found = geometry.deformation([30.5, 60.25], values, kind="Fourier", grid=grid, image_size=image)
            along = x * np.pi / 100 * 30.5 + y * np.pi / 80 * 60.25
            assert_allclose(found, [0, wave(along)], atol=1e-12)


def test_contrast_and_dose(page: dict[str, Any]) -> None:
    found = page["CTF and dose"]
    assert_allclose(found["contrast"], -0.803935153989, atol=1e-12)
    assert_allclose(found["weights"], [1, 0.772461481, 0.492974977], atol=1e-9)
    # The formulas of the page.
    x, y, u, v, a, volts = 0.05, -0.08, 35000, 30000, np.radians(40), 300_000
    length = 12.2643247 / np.sqrt(volts * (1 + 0.978466e-6 * volts))
    bent = u * (x * np.cos(a) + y * np.sin(a)) ** 2 + v * (-x * np.sin(a) + y * np.cos(a)) ** 2
    gamma = -np.pi * length * bent + np.pi / 2 * 2.7e7 * length**3 * (x * x + y * y) ** 2
    gamma -= np.arctan(0.1 / np.sqrt(1 - 0.1**2))
    assert_allclose(found["contrast"], -np.sin(gamma), atol=1e-9)


def test_orders(page: dict[str, Any]) -> None:
    found = page["Orders"]
    assert found["order"].tolist() == [1, 2, 4, 0, 3]
    assert found["ranks"].tolist() == [3, 0, 1, 4, 2]


# Others.


def test_python_pickers(page: dict[str, Any]) -> None:
    found = page["RELION's Python pickers"]
    # Half the size less one is taken off, and half the size put back.
    assert found["written"].tolist() == [2 * (100 - 199.5), 2 * (100 - 149), 2 * (100 - 74.5)]
    assert found["read"].tolist() == [101, 101, 101]
    assert found["mended"].tolist() == [100, 100, 100]


def test_relion_4(page: dict[str, Any]) -> None:
    found = page["RELION 4"]
    assert found["coordinate"].tolist() == [-201, -100, 49]
    assert_allclose(found["angles"], [0, 30, 85, 10, -20], atol=1e-8)
    # Sets are converted by the same function; the matrices of the other tomogram of this one stretch.
    tomos = TomogramSet.read(GEOMETRY / "relion4_single_file/tomograms.star").select(["TS_43"])
    converted = tomos.to_relion5()
    assert_allclose(converted.projection_matrices(), tomos.projection_matrices(), atol=1e-6)


def test_warp(page: dict[str, Any]) -> None:
    found = page["Warp and M"]
    # Its own formula, in A: about the centre of the volume, to that of the image.
    rotation = turn("z", 85) @ turn("y", -(30 - 2)) @ turn("x", 1.5)
    centred = np.array([500, 250, 230]) - np.array([800, 600, 400]) / 2
    place = (rotation @ centred)[:2] + [12, -7] + np.array([640, 480]) / 2
    assert_allclose(2.0 * found["seen"], place, atol=1e-9)
    assert (found["defocus_u"], found["defocus_v"]) == pytest.approx((25200, 24800))
    # Angles that are not inverted: less defocus behind.
    assert_allclose(found["deep_u"], 25200 - (rotation @ centred)[2], atol=1e-9)


def test_imod(page: dict[str, Any]) -> None:
    found = page["IMOD"]
    assert_allclose(found["z_rot"], 85, atol=1e-4)
    # A point of the tomogram is, in the aligned image, where a tilt about y alone has it.
    point = np.array([230.0, 140.0, 120.0])
    raw = geometry.project(found["imod"], point) - [190, 180]
    aligned = found["m"] @ raw + found["d"]
    assert_allclose(aligned, (turn("y", 28.8) @ (point - [200, 200, 100]))[:2], atol=1e-4)
    # The centre of the tomogram is d off in the aligned image, in pixels.
    centre = geometry.project(found["imod"], [200, 200, 100]) - [190, 180]
    assert_allclose(found["m"] @ centre, [-12.5, 4.0], atol=1e-9)


def test_aretomo(page: dict[str, Any]) -> None:
    matrix = page["AreTomo"]["aretomo"]
    point = np.array([230.0, 140.0, 120.0])
    column, row, _ = turn("z", 85) @ turn("y", 30) @ (point - [200, 200, 100])
    # In pixels, from the centre of the image.
    assert_allclose(geometry.project(matrix, point), [190 + 6.5 + column, 180 - 3.25 + row], atol=1e-9)


def test_dynamo(page: dict[str, Any]) -> None:
    found = page["Dynamo"]
    expected = turn("z", -25) @ turn("x", -40) @ turn("z", 110)
    assert_allclose(found["dynamo"], expected, atol=1e-12)
    assert found["dynamo_place"].tolist() == [100.5, 49.75, 26]
    assert found["dynamo_coordinate"].tolist() == [-200, -200.5, -99]


def test_cryocat(page: dict[str, Any]) -> None:
    found = page["cryoCAT"]
    # In its own angles, which are Dynamo's with the other sign.
    expected = turn("z", -25) @ turn("x", -40) @ turn("z", 110)
    assert_allclose(found["cryocat"], expected, atol=1e-12)
    assert_allclose(found["cryocat_angles"], [160, 40, 115], atol=1e-9)


def test_centres_of_others() -> None:
    # Those in the table: particles-from-star and cryoCAT have half the size, as coordinates have.
    size = (401, 300, 151)
    zero = geometry.centred_to_px([0, 0, 0], pixel_size=2, size=size)
    assert zero.tolist() == geometry.centres(size, "relion").tolist() == [200.5, 150, 75.5]
    assert geometry.centres((401,) * 3, "floored")[0] == 200
    assert geometry.centres((401,) * 3, "relion-python")[0] == 199.5
