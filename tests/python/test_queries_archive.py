"""The shipped queries about jobs, files and crawls: what must be in their answers, and what must not."""

from datetime import timedelta
from typing import Any

import pytest
from catalog_rows import DAY, OTHER, PROJECT, ROOT, Rows, add_changes


@pytest.fixture
def rows() -> Rows:
    return Rows()


def whole(project: str, file: str) -> str:
    return f"{project}/{file}"


def test_unfinished_jobs(rows: Rows) -> None:
    def job(number: int, state: str, hours: float | None, **columns: Any) -> None:
        sign = None if hours is None else DAY - timedelta(hours=hours)
        rows.add("jobs", job=f"A/job{number:03d}", state=state, last_change=sign, **columns)

    job(1, "succeeded", 999)
    job(2, "failed", 0)
    job(3, "aborted", 1)
    job(4, "running", 23)
    job(5, "running", 25)
    job(6, "running", 25, started=DAY)
    job(7, "running", None)
    job(8, "scheduled", 999)
    job(9, "unknown", 999)
    job(2, "succeeded", 0, root=OTHER)
    found = rows.ask("unfinished_jobs", "root", "job", "state", today=f"TIMESTAMPTZ '{DAY.isoformat()}'")
    assert [(job, state) for root, job, state in found if root == ROOT] == [
        ("A/job002", "failed"),
        ("A/job003", "aborted"),
        ("A/job005", "stalled"),
        ("A/job007", "stalled"),
    ]
    assert len(found) == 4


def test_dependent_particle_sets(rows: Rows) -> None:
    extract, refine = (
        whole(PROJECT, f"{name}.star") for name in ("Extract/job009/particles", "Refine3D/job010/run_data")
    )
    rows.add("jobs", job="Extract/job009", state="succeeded")
    rows.add("jobs", job="Extract/job009", state="failed", root=OTHER)
    for path, tomogram, particles in (
        (extract, "a", 3),
        (extract, "a", 4),
        (extract, "b", 5),
        (refine, "b", 5),
    ):
        rows.add("particle_sets", path=path, tomogram=tomogram, particles=particles)
    rows.add("particle_sets", path=extract, tomogram="a", particles=9, root=OTHER)
    rows.add("particle_sets", path="loose.star", tomogram="a", particles=1, project=None)
    rows.add("particle_sets", path=refine, tomogram=None, particles=7)
    columns = ("root", "project", "particle_set", "job", "state", "particles", "all_particles")
    here = (ROOT, PROJECT, extract, "Extract/job009", "succeeded", 7, 12)
    assert rows.ask("dependent_particle_sets", *columns, tomogram="'a'") == [
        here,
        (ROOT, None, "loose.star", None, None, 1, 1),
        (OTHER, PROJECT, extract, "Extract/job009", "failed", 9, 9),
    ]
    assert rows.ask("dependent_particle_sets", "particles", tomogram="'a'", project_pattern="'2024%'") == []


def test_bytes_by_job(rows: Rows) -> None:
    today = f"TIMESTAMPTZ '{DAY.isoformat()}'"
    rows.add("projects", path=PROJECT, files=10, bytes=1000, last_change=DAY)
    rows.add("projects", path=PROJECT, root=OTHER, files=2, bytes=5, last_change=DAY)
    rows.add("projects", path="loose", project=None, files=1, bytes=7, last_change=DAY - timedelta(days=400))
    for number, (kind, files, size, days) in enumerate(
        [
            ("relion.a", 2, 100, 1),
            ("relion.a", 3, 200, 2),
            ("relion.a", 1, 50, 31),
            (None, 1, 9, 400),
            (None, 0, 0, 1),
        ]
    ):
        columns = {
            "job": f"Own/job{number}",
            "folder_type": "Own",
            "type": kind,
            "files": files,
            "bytes": size,
        }
        rows.add("jobs", last_change=DAY - timedelta(days=days), **columns)
    rows.add("jobs", root=OTHER, job="A/job001", type="relion.a", files=2, bytes=5, last_change=DAY)
    young, middle, old = "below 30 days", "below 365 days", "365 days and more"
    answer = rows.ask("bytes_by_job", "root", "project", "type", "age", "jobs", "files", "bytes", today=today)
    assert answer == [
        (ROOT, PROJECT, "(no job)", young, 0, 3, 641),
        (ROOT, PROJECT, "relion.a", young, 2, 5, 300),
        (ROOT, PROJECT, "relion.a", middle, 1, 1, 50),
        (ROOT, PROJECT, "Own", old, 1, 1, 9),
        (ROOT, None, "(no job)", old, 0, 1, 7),
        (OTHER, PROJECT, "relion.a", young, 1, 2, 5),
    ]
    assert sum(row[-1] for row in answer) == 1012


def test_malformed_by_writer(rows: Rows) -> None:
    def problem(
        path: str, code: str, severity: str = "fatal", kind: str = "tilt_series", **columns: Any
    ) -> None:
        rows.add("problems", path=path, code=code, name=code.lower(), severity=severity, **columns)
        rows.add("files", path=path, kind=kind, problems=1, **columns)

    rows.add("jobs", job="Align/job005", type="relion.aligntiltseries")
    rows.add("jobs", job="Align/job005", type="other.align", root=OTHER)
    problem(whole(PROJECT, "Align/job005/a.star"), "R201")
    rows.add(
        "problems", path=whole(PROJECT, "Align/job005/a.star"), code="R201", name="r201", severity="fatal"
    )
    problem(whole(PROJECT, "Align/job005/b.star"), "R201")
    problem(whole(PROJECT, "Align/job005/c.star"), "H106", "note")
    problem(whole(PROJECT, "Align/job005/a.star"), "R201", root=OTHER)
    problem(whole(PROJECT, "Unknown/job007/a.star"), "F104", "warning", "particles")
    problem(whole(PROJECT, "Unknown/job007/b.star"), "R101", "silent", "particles")
    problem("broken/a.star", "R201", project=None)
    rows.add("problems", path="listed/nowhere", code="U201", name="u201", severity="fatal", project=None)
    columns = ("severity", "code", "writer", "kind", "files", "projects", "example")
    assert rows.ask("malformed_by_writer", *columns) == [
        (
            "fatal",
            "R201",
            "relion.aligntiltseries",
            "tilt_series",
            2,
            1,
            f"{ROOT}/{PROJECT}/Align/job005/a.star",
        ),
        ("fatal", "R201", "(no job)", "tilt_series", 1, 0, f"{ROOT}/broken/a.star"),
        ("fatal", "U201", "(no job)", None, 1, 0, f"{ROOT}/listed/nowhere"),
        ("fatal", "R201", "other.align", "tilt_series", 1, 1, f"{OTHER}/{PROJECT}/Align/job005/a.star"),
        ("silent", "R101", "Unknown", "particles", 1, 1, f"{ROOT}/{PROJECT}/Unknown/job007/b.star"),
        ("warning", "F104", "Unknown", "particles", 1, 1, f"{ROOT}/{PROJECT}/Unknown/job007/a.star"),
    ]
    assert len(rows.ask("malformed_by_writer", "code", severities="['note']")) == 1
    found = rows.ask("malformed_by_writer", "severity", severities="['note', 'fatal', 'warning']")
    assert [severity for (severity,) in found] == ["fatal", "fatal", "fatal", "fatal", "warning", "note"]


def test_changes_since(rows: Rows) -> None:
    add_changes(rows)
    columns = ("change", "crawl", "root", "path", "size")
    assert rows.ask("changes_since", *columns, since="2") == [
        ("changed", 4, ROOT, "both", 1),
        ("changed", 3, ROOT, "edited", 1),
        ("deleted", 4, ROOT, "twice", 2),
        ("deleted", 3, OTHER, "old", 2),
        ("new", 3, ROOT, "added", 1),
        ("new", 4, ROOT, "back", 1),
    ]
    assert [row[3] for row in rows.ask("changes_since", *columns)] == ["both", "twice", "back"]


def test_label_census(rows: Rows) -> None:
    known = {"known": True, "type": "double", "unit": "A"}
    for header, kind, label in (
        (1, "tilt_series", "rlnX"),
        (1, "tilt_series", "rlnX"),
        (2, "particles", "rlnX"),
    ):
        rows.add("labels", header=header, kind=kind, label=label, **known)
    rows.add("labels", header=2, kind="particles", label="rlnx", known=False, meant="rlnX")
    rows.add("labels", header=3, kind="particles", label="rlnGone", **known)
    for path, number in (("a", 1), ("b", 1), ("c", 2), ("f", None)):
        rows.add("files", path=path, header=number)
    rows.add("files", path="d", header=2, root=OTHER)
    rows.add("files", path="e", header=1, project=None)
    columns = ("label", "known", "type", "unit", "meant", "kinds", "files", "projects")
    wrong = ("rlnx", False, None, None, "rlnX", ["particles"], 2, 2)
    right = ("rlnX", True, "double", "A", None, ["particles", "tilt_series"], 5, 2)
    assert rows.ask("label_census", *columns) == [wrong, right]
    assert rows.ask("label_census", *columns, unknown_only="true") == [wrong]


def test_tilt_series_per_day(rows: Rows) -> None:
    for root, job, days in (
        (ROOT, "Import/job001", 0),
        (ROOT, "Align/job005", 3),
        (OTHER, "Import/job001", 0),
    ):
        columns = {"kind": "tomogram_set", "mtime": DAY + timedelta(days=days), "root": root}
        rows.add("files", path=whole(PROJECT, f"{job}/tomograms.star"), **columns)
    for name, job in (
        ("a", "Align/job005"),
        ("a", "Import/job001"),
        ("b", "Import/job001"),
        ("c", "Align/job005"),
    ):
        rows.tomogram(name, job=job, latest=job.startswith("Align"))
    rows.tomogram("a", job="Import/job001", root=OTHER)
    rows.tomogram("loose", project=None)
    rows.add("files", path="Tomograms/job006/tomograms.star", kind="tomogram_set", mtime=DAY, project=None)
    assert rows.ask("tilt_series_per_day", "root", "day", "tilt_series", "projects") == [
        (ROOT, DAY.date(), 2, 1),
        (OTHER, DAY.date(), 1, 1),
        (ROOT, DAY.date() + timedelta(days=3), 1, 1),
    ]
    assert rows.ask("tilt_series_per_day", "root", root_pattern="'%b'") == [(OTHER,)]


def test_offline_files(rows: Rows) -> None:
    for size, status in ((5, "offline"), (7, "offline"), (9, "ok")):
        rows.add("files", path=f"{size}.star", size=size, status=status, mtime=DAY)
    rows.rows["files"][1]["mtime"] = DAY + timedelta(days=1)
    rows.add("files", path="a.star", size=20, status="offline", mtime=DAY, root=OTHER)
    rows.add("files", path="b.star", size=1, status="offline", mtime=DAY, project=None)
    assert rows.ask("offline_files", "root", "project", "files", "bytes", "oldest", "newest") == [
        (OTHER, PROJECT, 1, 20, DAY, DAY),
        (ROOT, PROJECT, 2, 12, DAY, DAY + timedelta(days=1)),
        (ROOT, None, 1, 1, DAY, DAY),
    ]


def test_crawl_history(rows: Rows) -> None:
    for crawl, days in ((1, 0), (2, 40), (3, 41)):
        start = DAY + timedelta(days=days)
        rows.add(
            "crawls", crawl=crawl, started=start, finished=start + timedelta(seconds=90.25), new_files=crawl
        )
    assert rows.ask("crawl_history", "crawl", "seconds", "new_files") == [(3, 90.3, 3), (2, 90.3, 2)]
    assert len(rows.ask("crawl_history", "crawl", days="100")) == 3
