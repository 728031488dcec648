"""Particle sets in a catalogue: how many particles they have, and each of them on request."""

from pathlib import Path
from typing import Any

import pytest
from catalog_samples import answer, batch_of, content, make_project, particle_set, write
from tomoset import Catalog
from tomoset.catalog import indexing

pytestmark = pytest.mark.usefixtures("no_hang")

#: What makes a file so large that it is not read as a whole.
PADDING = ("# " + "-" * (1 << 20) + "\n") * 9


def fresh(tmp_path: Path, *, particles: bool) -> dict[str, list[tuple[Any, ...]]]:
    """Return what a new catalogue has of a tree."""
    folder = tmp_path / f"fresh{len(list(tmp_path.iterdir()))}"
    with Catalog.create(folder) as catalog:
        catalog.index(tmp_path / "root", particles=particles)
        return content(catalog)


def test_particles_are_counted(catalog: Catalog, tmp_path: Path) -> None:
    write(tmp_path / "root/particles.star", particle_set({"A": 3, "B": 2}))
    write(tmp_path / "root/spa.star", "data_particles\n\nloop_\n_rlnImageName\n1@a.mrcs\n2@a.mrcs\n")
    write(tmp_path / "root/large.star", particle_set({"A": 300_000, "B": 200_000}) + PADDING)
    catalog.index(tmp_path / "root")
    rows = "SELECT path, tomogram, optics_group, particles, optics_group_name, voltage FROM particle_sets ORDER BY 1, 2"
    assert answer(catalog, rows) == [
        ("large.star", "A", 1, 300_000, "opticsGroup1", 300.0),
        ("large.star", "B", 1, 200_000, "opticsGroup1", 300.0),
        ("particles.star", "A", 1, 3, "opticsGroup1", 300.0),
        ("particles.star", "B", 1, 2, "opticsGroup1", 300.0),
        ("spa.star", None, None, 2, None, None),
    ]
    assert answer(catalog, "SELECT count(*) FROM particles") == [(0,)]


def test_optics_below_many_particles_are_left_out(catalog: Catalog, tmp_path: Path) -> None:
    optics, particles = particle_set({"A": 500_000}).split("data_particles")
    write(tmp_path / "root/large.star", f"data_particles{particles}{PADDING}\n{optics}")
    catalog.index(tmp_path / "root")
    rows = "SELECT tomogram, optics_group, particles, voltage FROM particle_sets"
    assert answer(catalog, rows) == [("A", 1, 500_000, None)]


@pytest.mark.parametrize("padding", ["", PADDING], ids=["small", "large"])
def test_a_value_that_is_no_number_is_told_and_the_rest_counted(
    catalog: Catalog, tmp_path: Path, padding: str
) -> None:
    text = particle_set({"A": 300}) + "A 1.5 one\nA 1.5 1\nA 2.5 two\n"
    write(tmp_path / "root/set.star", text + padding)
    catalog.index(tmp_path / "root")
    rows = "SELECT optics_group, particles FROM particle_sets ORDER BY ALL"
    assert answer(catalog, rows) == [(1, 301), (None, 2)]
    problem = "SELECT name, label, line, \"column\", count FROM problems WHERE name = 'bad-value'"
    line = text[: text.index("one")].count("\n") + 1
    assert answer(catalog, problem) == [("bad-value", "rlnOpticsGroup", line, 7, 2)]


@pytest.mark.parametrize("padding", ["", PADDING], ids=["small", "large"])
def test_each_particle(catalog: Catalog, tmp_path: Path, padding: str) -> None:
    write(tmp_path / "root/p/default_pipeline.star", "data_pipeline_general\n\n_rlnPipeLineJobCounter 2\n")
    write(tmp_path / "root/p/set.star", particle_set({"A": 70_000, "B": 2}) + padding)
    catalog.index(tmp_path / "root", particles=True)
    rows = "SELECT project, path, row, tomogram, optics_group, centered_x, angle_rot FROM particles"
    assert answer(catalog, f"{rows} ORDER BY row DESC LIMIT 3") == [
        ("p", "p/set.star", 70_001, "B", 1, 1.5, None),
        ("p", "p/set.star", 70_000, "B", 1, 0.5, None),
        ("p", "p/set.star", 69_999, "A", 1, 69_999.5, None),
    ]
    counts = "SELECT tomogram, count(*) FROM particles GROUP BY ALL ORDER BY 1"
    assert answer(catalog, counts) == answer(
        catalog, "SELECT tomogram, particles FROM particle_sets ORDER BY 1"
    )


def test_a_crawl_keeps_what_the_last_one_kept(catalog: Catalog, tmp_path: Path) -> None:
    root = tmp_path / "root"
    make_project(root / "p")
    make_project(root / "q")
    count = "SELECT count(*) FROM particles"
    wanted = {False: 0, None: 0, True: 16}
    for particles in (None, True, False, True):
        catalog.index(root, particles=particles)
        assert answer(catalog, count) == [(wanted[particles],)]
        assert content(catalog) == fresh(tmp_path, particles=bool(particles))
        assert not catalog.index(root).changed
    write(root / "q/more.star", particle_set({"TS_01": 5}))
    summary = catalog.index(root)
    assert (summary.new_files, summary.changed_files) == (1, 0)
    assert answer(catalog, count) == [(21,)]
    assert content(catalog) == fresh(tmp_path, particles=True)


def test_a_crawl_that_began_to_keep_particles_is_undone_or_finished(
    catalog: Catalog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It ended after one of its commits; what comes next is told anew what is wanted."""
    root = tmp_path / "root"
    for at in range(4):
        make_project(root / f"p{at}")
    catalog.index(root)
    batch = batch_of(catalog)
    monkeypatch.setattr(indexing, "COMMIT_SECONDS", 0.0)

    def fail(_: object) -> None:
        if batch_of(catalog) > batch:
            raise KeyboardInterrupt

    for particles in (None, True):
        batch = batch_of(catalog)
        with pytest.raises(KeyboardInterrupt):
            catalog.index(root, threads=1, particles=True, progress=fail)
        assert answer(catalog, "SELECT count(*) > 0 FROM particles") == [(True,)]
        catalog.index(root, particles=particles)
        assert content(catalog) == fresh(tmp_path, particles=bool(particles))
