"""The views over a catalogue, and the questions as the package and their page have them."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from catalog_rows import PROJECT, ROOT, Rows, add_changes
from cli_runs import environment
from tomoset.catalog.examples import examples, page, section

PAGE = Path(__file__).resolve().parents[2] / "docs" / "queries.md"


@pytest.fixture
def rows() -> Rows:
    return Rows()


def test_every_query_answers_an_empty_catalogue(rows: Rows) -> None:
    with rows.session() as session:
        for name, example in examples().items():
            assert session.sql(example.sql).to_arrow_table().num_rows == 0, name


def test_answers_have_an_order_without_ties_in_names() -> None:
    for name, example in examples().items():
        assert re.search(r"\nORDER BY [^\n]+\n\Z", example.sql), name
        assert example.sql.startswith(f"-- {example.title}\n-- "), name
        assert example.title.endswith("."), name


def test_changes(rows: Rows) -> None:
    add_changes(rows)
    found = [
        (row["change"], row["path"], row["crawl"])
        for row in rows.sql("FROM changes ORDER BY change, path, crawl")
    ]
    assert found == [
        ("changed", "both", 4),
        ("changed", "edited", 3),
        ("deleted", "gone", 2),
        ("deleted", "old", 3),
        ("deleted", "twice", 4),
        ("new", "added", 3),
        ("new", "back", 4),
        ("new", "both", 2),
        ("new", "edited", 1),
        ("new", "old", 1),
    ]


def test_portal(rows: Rows) -> None:
    rows.series(
        "a", [0, 3, -3], dose=2.0, size_x=401, size_y=4000, size_z=1001, binning=4.0, phase_shift=90.0
    )
    rows.rows["tomograms"][-1] |= {"reconstructed_tomogram": "a.mrc", "denoised_tomogram": "N/A"}
    rows.series("a", [0, 9], job="Import/job001", latest=False, voltage=200.0)
    (series,) = rows.sql("FROM portal.tiltseries")
    assert series == {
        "root": ROOT, "project": PROJECT, "run_name": "a", "acceleration_voltage": 300_000,
        "spherical_aberration_constant": 2.7, "tilt_min": -3.0, "tilt_max": 3.0, "tilt_range": 6.0, "tilt_step": 3.0,
        "tilt_axis": 85.0, "total_flux": 6.0, "pixel_spacing": 1.5, "binning_from_frames": 2.0, "is_aligned": True,
        "size_z": 3,
    }  # fmt: skip
    sections = rows.sql("FROM portal.per_section_parameters ORDER BY z_index")
    assert [row["raw_angle"] for row in sections] == [0.0, 3.0, -3.0]
    assert [sections[0][name] for name in ("z_index", "major_defocus", "minor_defocus", "astigmatic_angle")] == [
        0, 30_200.0, 30_000.0, 45.0,
    ]  # fmt: skip
    assert sections[0]["phase_shift"] == pytest.approx(1.5707963)
    frames = rows.sql("FROM portal.frames ORDER BY acquisition_order")
    doses = [(row["acquisition_order"], row["accumulated_dose"], row["exposure_dose"]) for row in frames]
    assert doses == [(0, 0.0, 2.0), (1, 2.0, 2.0), (2, 4.0, None)]
    (volume,) = rows.sql("FROM portal.tomograms")
    assert [volume[name] for name in ("processing", "mrc_file", "voxel_spacing", "size_x", "size_y", "size_z")] == [
        "raw", "a.mrc", 6.0, 100, 1000, 250,
    ]  # fmt: skip
    assert rows.sql("SELECT name FROM portal.runs") == [{"name": "a"}]


def test_latest(rows: Rows) -> None:
    rows.series("a", [0, 3])
    rows.series("a", [0, 3], job="Import/job001", latest=False)
    rows.series("a", [0], project=None, latest=None)
    assert rows.sql("SELECT count(*) AS n FROM latest.tomograms") == [{"n": 1}]
    assert rows.sql("SELECT count(*) AS n FROM latest.tilts") == [{"n": 2}]
    assert "latest" not in rows.sql("FROM latest.tilts LIMIT 1")[0]


def test_options() -> None:
    example = examples()["high_resolution_tilt_series"].with_options(max_dose="90", min_tilts="35")
    assert "        90 AS max_dose," in example.options
    assert "        35 AS min_tilts " in example.options
    assert "2.0 AS max_pixel_size" in example.sql
    with pytest.raises(KeyError, match="has no option 'dose'"):
        example.with_options(dose="1")


def test_text_needs_no_quotes_in_options() -> None:
    example = examples()["dependent_particle_sets"]
    assert [option.name for option in example.settings if option.is_text] == ["tomogram", "project_pattern"]
    for value, sql in (("TS_01", "'TS_01'"), ("'TS_01'", "'TS_01'"), ("a b/%", "'a b/%'"), ("NULL", "NULL")):
        assert f"        {sql} AS tomogram," in example.with_options(tomogram=value).options
    assert (
        "    SELECT (1 + 1) AS since  --" in examples()["changes_since"].with_options(since="(1 + 1)").options
    )
    with pytest.raises(
        ValueError, match=r"max_dose is no text: expected something such as 120\.0, found 'high'"
    ):
        examples()["high_resolution_tilt_series"].with_options(max_dose="high")


def test_all_options_are_known_one_by_one() -> None:
    for example in examples().values():
        assert len(example.settings) == example.options.removeprefix("WITH options AS").count(" AS ")


def test_page_shows_every_query_as_it_is() -> None:
    text = PAGE.read_text(encoding="utf-8")
    for name, example in examples().items():
        assert section(example) in text, name
        link = re.search(rf"\(([^)]*{name}\.sql)\)", text)
        assert link, name
        assert (PAGE.parent / link[1]).read_text(encoding="utf-8") == example.sql
    assert set(re.findall(r"^\[`(\w+)`\]", text, re.MULTILINE)) == set(examples())


def test_module_prints() -> None:
    command = [sys.executable, "-m", "tomoset.catalog.examples"]
    done = subprocess.run(command, capture_output=True, text=True, env=environment(), check=True)
    assert done.stdout == page()
