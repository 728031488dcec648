"""What the report knows of a catalogue: projects and their states, changes, measures, the graph of jobs."""

import json
import math
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from catalog_samples import SCHEMAS, fill, make_project, pipeline, write
from report_samples import SMALL, make_catalog
from tomoset import Catalog
from tomoset.catalog.store import Store
from tomoset.report import NoSuchProject, Report, ReportOptions
from tomoset.report.archive import archive
from tomoset.report.lanes import layout
from tomoset.report.measures import distributions, growth
from tomoset.report.projects import Projects
from tomoset.report.scales import compact, compact_size, decimals, histogram, steps, weighted_median


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    return Catalog.open(make_catalog(tmp_path_factory.mktemp("report")))


@pytest.fixture(scope="module")
def found(catalog: Catalog) -> dict[str, dict[str, Any]]:
    return {row["unit"]: row for row in known(catalog).found}


def known(catalog: Catalog) -> Projects:
    whole = archive(catalog.sql, catalog.status().roots, 1)
    return Projects(catalog.sql, whole.changes, whole.today)


def panel(made: Report, number: int) -> dict[str, Any]:
    text = made.html.decode()
    start = text.index(">", text.index(f'id="panel-{number}"')) + 1
    content: dict[str, Any] = json.loads(text[start : text.index("</script>", start)])
    return content


def test_projects(found: dict[str, dict[str, Any]]) -> None:
    assert len(found) == SMALL + 3
    alpha = found["krios1/2026/alpha"]
    assert (alpha["state"], alpha["relion"], alpha["hand"]) == ("failed", "5", "-1")
    assert (alpha["tomograms"], alpha["tilts"], alpha["jobs"], alpha["failed"]) == (12, 36, 4, 1)
    assert (alpha["pixel_size"], alpha["largest_pixel_size"]) == (1.35, 1.35)
    old = found["glacios/old"]
    assert (old["state"], old["relion"], old["hand"], old["tomograms"]) == ("failed", "4", "+1", 1)
    assert (found["small/p3"]["state"], found["small/p3"]["codes"]) == ("no jobs", [])
    loose = found["loose"]
    assert (loose["state"], loose["is_loose"], loose["errors"], loose["codes"]) == (
        "loose files",
        True,
        2,
        ["R201"],
    )
    assert "krios1/2026/beta" not in found


def test_what_matters_most_comes_first(found: dict[str, dict[str, Any]]) -> None:
    assert list(found)[:2] == ["loose", "small/p7"]
    news = [unit for unit, row in found.items() if row["news"]]
    assert news == ["loose", "small/p7"]
    assert (found["loose"]["news"], found["small/p7"]["news"]) == ({"new": 1}, {"new": 3})


@pytest.mark.parametrize(
    ("jobs", "state"),
    [
        ({"Import/job001": "Succeeded"}, "finished"),
        ({"Import/job001": "Running", "CtfFind/job002": "Failed"}, "running"),
        ({"Import/job001": "Succeeded", "CtfFind/job002": "Aborted"}, "aborted"),
        ({"Import/job001": "Scheduled"}, "scheduled"),
    ],
)
def test_states(tmp_path: Path, jobs: dict[str, str], state: str) -> None:
    for number, job in enumerate(jobs):
        write(tmp_path / "a" / job / "job.star", "data_job\n\n_rlnJobIsContinue 0\n", age=100 - number)
    write(tmp_path / "a/default_pipeline.star", pipeline(jobs))
    with Catalog.create(tmp_path / "catalog") as catalog:
        catalog.index(tmp_path, threads=1)
        (row,) = known(catalog).found
    assert row["state"] == state


@pytest.mark.parametrize(("hours", "state"), [(23, "running"), (25, "stalled")])
def test_a_job_without_a_sign_for_a_day_has_stalled(tmp_path: Path, hours: float, state: str) -> None:
    write(tmp_path / "a/Import/job001/job.star", "data_job\n\n_rlnJobIsContinue 0\n", age=hours * 3600)
    write(tmp_path / "a/default_pipeline.star", pipeline({"Import/job001": "Running"}))
    with Catalog.create(tmp_path / "catalog") as catalog:
        catalog.index(tmp_path, threads=1)
        (row,) = known(catalog).found
    assert row["state"] == state


def test_a_job_stalls_though_no_crawl_finds_anything_changed(tmp_path: Path) -> None:
    write(tmp_path / "a/Import/job001/job.star", "data_job\n\n_rlnJobIsContinue 0\n")
    write(tmp_path / "a/default_pipeline.star", pipeline({"Import/job001": "Running"}))
    with Catalog.create(tmp_path / "catalog") as catalog:
        catalog.index(tmp_path, threads=1)
        whole = archive(catalog.sql, catalog.status().roots, 1)
        assert whole.today is not None
        (row,) = Projects(catalog.sql, whole.changes, whole.today + timedelta(days=2)).found
    assert row["state"] == "stalled"


def test_before_the_end_of_the_first_crawl(tmp_path: Path) -> None:
    store = Store.create(tmp_path / "catalog", SCHEMAS)
    fill(store, 3, ("files", "projects", "tomograms", "tilts"))
    with Catalog.open(tmp_path / "catalog") as catalog:
        made = catalog.report()
    assert made.projects == 3
    assert "As of never, before the end of the first crawl" in made.html.decode()
    assert "No crawl has come to its end yet." in made.html.decode()


def test_changes_are_those_of_the_last_crawl(catalog: Catalog) -> None:
    whole = archive(catalog.sql, catalog.status().roots, 2)
    assert not whole.is_first
    assert {(row["change"], row["kind"]): row["files"] for row in whole.changes if row["unit"] == "small/p7"}[
        ("new", "tilt_series")
    ] == 1
    assert sum(row["files"] for row in whole.changes if row["change"] == "new") == 4
    ((place, files),) = known(catalog).gone
    assert (place[1], files) == ("krios1/2026/beta", 11)
    assert [row["path"] for row in whole.changed_paths if row["change"] == "new"] == [
        "loose/late.star",
        "small/p7/Extract/job004/particles.star",
    ]
    assert whole.totals["fresh_errors"] == 1
    (rows,) = [row for row in whole.problems if row["code"] == "R201"]
    assert (rows["files"], rows["fresh_files"], rows["units"]) == (2, 1, 1)
    assert [(row["path"], row["line"], row["is_old"]) for row in whole.problem_places] == [
        ("loose/late.star", 7, False),
        ("loose/deep/broken.star", 7, True),
    ]


def test_each_root_has_a_last_crawl_of_its_own(tmp_path: Path) -> None:
    for root in ("one", "two"):
        write(tmp_path / root / "p/default_pipeline.star", pipeline({}))
    with Catalog.create(tmp_path / "catalog") as catalog:
        for root in ("one", "two"):
            catalog.index(tmp_path / root, threads=1)
        write(tmp_path / "one/q/default_pipeline.star", pipeline({}))
        catalog.index(tmp_path / "one", threads=1)
        found = {(Path(row["root"]).name, row["unit"]): row["news"] for row in known(catalog).found}
        whole = archive(catalog.sql, catalog.status().roots, 9)
    # The second root has had one crawl only, in which all was new.
    assert found == {("one", "p"): {}, ("one", "q"): {"new": 1}, ("two", "p"): {"new": 1}}
    assert [row["root"].rpartition("/")[2] for row in whole.crawls if row["back"] == 1] == ["one", "two"]
    assert not whole.is_first


def test_measures(catalog: Catalog) -> None:
    whole = archive(catalog.sql, catalog.status().roots, 2)
    bars = {bars.title: bars for bars in [*growth(whole), *distributions(whole)]}
    assert (bars["Pixel size"].labels, bars["Pixel size"].counts) == (["1.35"], [13])
    assert bars["Tilts in a series"].labels == ["2", "3"]
    assert sum(bars["Defocus"].counts) == 2
    assert bars["Tilt range"].summary == "Median 6, the same for all; known of 13 tilt series."
    assert bars["Resolution of CTF fits"].summary == "None is known."
    assert sum(bars["STAR files"].counts) == whole.totals["files"]
    assert sum(bars["Tilt series"].counts) == 14


def test_panels(catalog: Catalog) -> None:
    made = catalog.report(projects=["krios1/2026/alpha"])
    assert (made.projects, made.listed, made.detailed) == (SMALL + 3, SMALL + 3, 1)
    content = panel(made, 0)
    assert [job[0] for job in content["jobs"]] == [
        "Import/job001",
        "MotionCorr/job002",
        "Tomograms/job003",
        "Extract/job004",
    ]
    assert [job[8:] for job in content["jobs"]][:3] == [[0, []], [0, [[0, 0]]], [0, [[1, 0]]]]
    assert [series["name"] for series in content["series"]][:3] == ["TS_1", "TS_2", "TS_3"]
    (first, *_) = content["series"]
    assert (first["angles"], first["doses"], first["defocus"]) == (
        [-30, 0, 30],
        [-0, 30, 60],
        [None, None, None],
    )
    assert (first["dose"], first["dosePerTilt"], first["low"], first["high"]) == (9, 3, -3, 3)
    assert content["particles"] == [["Extract/job004/particles.star", 48, 12, None]]


def test_limits(catalog: Catalog) -> None:
    made = catalog.report(projects=["krios1/*"], series=5, paths=1)
    content = panel(made, 0)
    assert (len(content["series"]), content["allSeries"]) == (5, 12)
    assert catalog.report(panels=2).detailed == 2
    assert catalog.report(panels=0).detailed == 0
    assert b"The first 1 of 4 files" not in catalog.report(paths=4).html


@pytest.mark.parametrize(("name", "number"), [("panels", -1), ("series", 0), ("paths", 0), ("max_bytes", 10)])
def test_numbers_that_are_too_small(name: str, number: int) -> None:
    with pytest.raises(ValueError, match=rf"{name} is {number}; it must be at least"):
        ReportOptions(**{name: number})  # type: ignore[arg-type]


def test_patterns(catalog: Catalog) -> None:
    root = catalog.status().roots[0].root
    for pattern, number in (("small/*", SMALL), ("small/p1", 1), (f"{root}/small/p1", 1), ("*/old", 1)):
        assert catalog.report(projects=[pattern]).detailed == number
    assert catalog.report(projects=["small/p1", "small/p?"]).detailed == 10
    with pytest.raises(
        NoSuchProject, match=r"no project of the catalogue is 'krios1/2026/alfa'.*krios1/2026/alpha"
    ):
        catalog.report(projects=["krios1/2026/alfa"])


def test_two_jobs_of_one_maker_stand_beside_each_other() -> None:
    laid = layout(["a", "b", "c", "d"], {"b": ["a"], "c": ["a"], "d": ["b", "c"]})
    assert laid.lanes == [0, 0, 1, 1]
    # The line from b keeps out of the way of c.
    assert laid.lines == [[], [(0, 0)], [(0, 1)], [(2, 1), (1, 0)]]


def test_no_line_runs_through_a_job() -> None:
    names = [f"j{number}" for number in range(40)]
    makers = {f"j{n}": [f"j{(n * 7) % n}", f"j{n // 2}"] for n in range(1, 40)}
    laid = layout(names, makers)
    dots = set(zip(laid.lanes, range(40), strict=True))
    for row, lines in enumerate(laid.lines):
        for maker, column in lines:
            assert not dots & {(column, between) for between in range(maker + 1, row)}


def test_jobs_that_know_nothing_above_them() -> None:
    laid = layout(["a", "b"], {"a": ["b", "a", "gone"], "b": []})
    assert (laid.lanes, laid.lines) == ([0, 0], [[], []])
    assert layout([], {}).lanes == []


def test_scales() -> None:
    assert [compact(number) for number in (0, 940, 12_500, 3e6, 7.1482e9)] == [
        "0",
        "940",
        "12.5k",
        "3M",
        "7.15G",
    ]
    assert compact_size(1_500_000) == "1.5 MB"
    assert steps(0, 118, 3) == [0, 50, 100, 150]
    assert steps(0, 0, 3) == [0, 1]
    assert (decimals(0.05), decimals(5)) == (2, 0)


def test_bars_hold_all_values_but_outliers() -> None:
    values = np.array([*np.linspace(0, 10, 1000), 1e9, math.nan, math.inf])
    ones = np.ones(len(values), np.int64)
    found = histogram(values, ones)
    assert found is not None
    assert (sum(found.counts) + found.below + found.above, found.above) == (1001, 2)
    assert (found.low, found.width) == (0, 0.5)
    assert weighted_median(np.array([1.0, 2.0, math.nan]), np.array([1, 9, 50])) == 2
    assert histogram(np.array([math.nan]), np.ones(1, np.int64)) is None
    single = histogram(np.array([-4.0]), np.array([7]))
    assert single is not None
    assert single.counts == [7]


def test_a_project_that_is_the_root(tmp_path: Path) -> None:
    make_project(tmp_path / "root")
    with Catalog.create(tmp_path / "catalog") as catalog:
        catalog.index(tmp_path / "root", threads=1)
        made = catalog.report(projects=[str(tmp_path / "root")])
    assert made.detailed == 1
    assert "(the root itself)" in made.html.decode()
    assert panel(made, 0)["particles"][0][0] == "Extract/job004/particles.star"
