"""From a tree to a catalogue: what is read again, what stays, what goes, and what an interruption costs."""

import os
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import tomoset
from catalog_changes import (
    add_files,
    change_content,
    delete_a_project,
    delete_files,
    end_a_project,
    finish_a_job,
    make_a_project_of_a_folder,
    move_a_project,
    replace_by_the_same_size,
)
from catalog_samples import (
    answer,
    batch_of,
    content,
    fresh,
    make_project,
    parquet_files,
    powerless,
    tilt_series,
    tomogram_set,
    write,
)
from tomoset import Catalog
from tomoset.catalog import IndexProgress, indexing, shard
from tomoset.catalog.schema import SHARDS

pytestmark = pytest.mark.usefixtures("no_hang")


def test_a_crawl_is_summed_up(catalog: Catalog, archive: Path) -> None:
    steps: list[IndexProgress] = []
    summary = catalog.index(archive, threads=2, progress=steps.append)
    stars = [path for path in archive.rglob("*.star*") if path.is_file()]
    assert (summary.root, summary.crawl, summary.changed) == (str(archive), 1, True)
    assert (summary.files, summary.new_files) == (len(stars), len(stars))
    assert summary.num_bytes == sum(path.stat().st_size for path in stars)
    assert (summary.changed_files, summary.deleted_files) == (0, 0)
    assert (summary.tomograms, summary.tilts) == (15, 51)
    # Nothing is wrong but that Etomo's files are not named.
    assert (summary.problems, summary.num_errors) == ({}, 0)
    assert summary.seconds > 0
    assert summary.files_per_second > 0
    assert steps[-1] == IndexProgress(len(stars), listed=True, read=len(stars), num_bytes=summary.num_bytes)
    assert answer(catalog, "SELECT crawl, files, new_files, changed_projects FROM crawls") == [
        (1, len(stars), len(stars), 5)
    ]


def test_an_unchanged_tree_costs_no_commit(catalog: Catalog, archive: Path) -> None:
    catalog.index(archive)
    before, parts = catalog._store.head(), parquet_files(Path(catalog.path))
    summary = catalog.index(archive)
    assert (summary.changed, summary.crawl, summary.new_files, summary.tilts) == (False, 1, 0, 0)
    assert (catalog._store.head(), parquet_files(Path(catalog.path))) == (before, parts)
    (checked,) = catalog.status().roots
    assert (checked.root, checked.crawl, checked.files) == (str(archive), 1, summary.files)


CHANGES = [
    change_content,
    add_files,
    delete_files,
    delete_a_project,
    finish_a_job,
    make_a_project_of_a_folder,
    end_a_project,
    move_a_project,
    replace_by_the_same_size,
]


@pytest.mark.parametrize("shards", [1, SHARDS])
@pytest.mark.parametrize("change", CHANGES)
def test_a_refresh_is_as_a_fresh_crawl(
    catalog: Catalog,
    archive: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    change: Callable[[Path], None],
    shards: int,
) -> None:
    if shards == 1:
        # All units are read in one task, as any two of them may be.
        monkeypatch.setattr(indexing, "shard_of", lambda *_: 3)
    catalog.index(archive)
    change(archive)
    summary = catalog.index(archive)
    assert summary.changed
    assert summary.crawl == 2
    assert content(catalog) == fresh(tmp_path, archive)
    again = catalog.index(archive)
    assert not again.changed


def test_all_changes_one_after_the_other(catalog: Catalog, archive: Path, tmp_path: Path) -> None:
    for change in CHANGES[:4] + CHANGES[5:6]:
        catalog.index(archive, threads=1)
        change(archive)
    catalog.index(archive)
    assert content(catalog) == fresh(tmp_path, archive)


def test_only_what_changed_is_read(catalog: Catalog, archive: Path) -> None:
    catalog.index(archive)
    change_content(archive)
    add_files(archive)
    (archive / "2026/p1/Import/job001/tilt_series/TS_01.star").unlink()
    summary = catalog.index(archive)
    assert (summary.new_files, summary.changed_files, summary.deleted_files) == (2, 1, 1)
    assert summary.tilts == 5 + 3
    crawls = answer(
        catalog, "SELECT new_files, changed_files, deleted_files, changed_projects FROM crawls ORDER BY crawl"
    )
    assert crawls[1] == (2, 1, 1, 3)
    changed = "SELECT path FROM files WHERE changed_crawl = 2 ORDER BY first_crawl, path"
    assert [path.rsplit("/", 1)[-1] for (path,) in answer(catalog, changed)] == [
        "TS_02.star",
        "x.star",
        "aligned.star",
    ]
    assert answer(catalog, "SELECT path, kind, deleted_crawl FROM deletions") == [
        ("2026/p1/Import/job001/tilt_series/TS_01.star", "tilt_series", 2)
    ]
    # Of three projects one is as it was, and the folder's loose files.
    assert answer(catalog, "SELECT path, changed_crawl FROM projects WHERE changed_crawl = 1 ORDER BY 1") == [
        ("", 1),
        ("2026/p1/inner", 1),
    ]


def test_parts_without_changes_stay(catalog: Catalog, archive: Path) -> None:
    catalog.index(archive)
    tables = catalog._store.snapshot().tables
    finish_a_job(archive)
    catalog.index(archive)
    after = catalog._store.snapshot().tables
    assert after["tilts"].paths == tables["tilts"].paths
    assert after["particle_sets"].paths == tables["particle_sets"].paths
    assert after["jobs"].paths != tables["jobs"].paths
    assert answer(
        catalog, "SELECT state, marker, status FROM jobs WHERE project = '2026/p2' AND number = 2"
    ) == [("failed", "failure", "Succeeded")]


def test_a_touched_file_has_its_time_and_no_other_content(catalog: Catalog, archive: Path) -> None:
    catalog.index(archive)
    path = archive / "loose.star"
    os.utime(path, (1_000_000_000, 1_000_000_000))
    summary = catalog.index(archive)
    assert (summary.changed, summary.changed_files) == (True, 0)
    row = "SELECT mtime_ns, first_crawl, changed_crawl FROM files WHERE path = 'loose.star'"
    assert answer(catalog, row) == [(1_000_000_000_000_000_000, 1, 1)]


def test_a_change_that_leaves_size_and_time_is_found_when_verified(catalog: Catalog, archive: Path) -> None:
    catalog.index(archive)
    path = archive / "loose.star"
    facts = path.stat()
    path.write_text(path.read_text().replace("30000", "30009"))
    os.utime(path, ns=(facts.st_atime_ns, facts.st_mtime_ns))
    assert not catalog.index(archive).changed
    assert catalog.index(archive, verify=True).changed_files == 1
    assert answer(catalog, "SELECT min(defocus_u) FROM tilts WHERE path = 'loose.star'") == [(30001.0,)]
    assert not catalog.index(archive, verify=True).changed


def test_sets_that_name_what_is_not_there_are_not_changed_by_being_read_again(
    catalog: Catalog, archive: Path
) -> None:
    (archive / "2026/p1/Import/job001/tilt_series/TS_01.star").unlink()
    catalog.index(archive)
    dangling = "SELECT count(*) FROM files WHERE kind = 'tomogram_set' AND status = 'diagnosed'"
    assert answer(catalog, dangling) > [(0,)]
    verified = catalog.index(archive, verify=True)
    assert (verified.changed, verified.changed_files) == (False, 0)
    # What comes beside a set makes it be read again, too.
    write(archive / "2026/p1/more.star", tilt_series("MORE"))
    summary = catalog.index(archive)
    assert (summary.new_files, summary.changed_files) == (1, 0)
    assert answer(catalog, "SELECT new_files, changed_files FROM crawls ORDER BY crawl DESC LIMIT 1") == [
        (1, 0)
    ]


def test_files_that_changed_just_now_are_looked_at_again(catalog: Catalog, archive: Path) -> None:
    path = archive / "loose.star"
    write(path, tilt_series("TS_99"), age=0)
    catalog.index(archive)
    assert answer(catalog, "SELECT settled FROM files WHERE path = 'loose.star'") == [(False,)]
    # Within the same instant, to the file system.
    facts = path.stat()
    path.write_text(path.read_text().replace("30000", "30009"))
    os.utime(path, ns=(facts.st_atime_ns, facts.st_mtime_ns))
    assert catalog.index(archive).changed_files == 1


def test_a_file_settles(catalog: Catalog, archive: Path) -> None:
    path = archive / "loose.star"
    write(path, tilt_series("TS_99"), age=0)
    now = path.stat().st_mtime_ns
    run_at(catalog, archive, now + 1_000_000_000)
    assert not run_at(catalog, archive, now + 1_900_000_000).changed
    # Its row says from now on that it is settled; then there is nothing to be said.
    assert run_at(catalog, archive, now + 3_000_000_000).changed
    assert not run_at(catalog, archive, now + 4_000_000_000).changed
    assert answer(catalog, "SELECT settled, changed_crawl FROM files WHERE path = 'loose.star'") == [
        (True, 1)
    ]


def run_at(catalog: Catalog, root: Path, now_ns: int) -> tomoset.catalog.IndexSummary:
    """Index at another time."""
    from tomoset.catalog.runners import ThreadRunner

    request = indexing.Request(root)
    return indexing.index_tree(catalog._store, request, ThreadRunner(1), clock=lambda: now_ns)


def test_a_clock_that_was_set_back(catalog: Catalog, archive: Path, tmp_path: Path) -> None:
    now = time.time_ns()
    run_at(catalog, archive, now)
    change_content(archive)
    two_days = 2 * 86_400 * 10**9
    run_at(catalog, archive, now - two_days)
    # All files are of the future; they are read again, and found the same.
    assert not run_at(catalog, archive, now - two_days + 10**9).changed_files
    run_at(catalog, archive, now + 10**9)
    assert content(catalog) == fresh(tmp_path, archive)


def test_folders_that_cannot_be_listed_keep_what_they_had() -> None:
    # Not below the folder of the tests, which others than root may not enter.
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "archive"
        for name in ("p", "q", "r/s"):
            make_project(root / name)
        write(root / "loose/x.star", tilt_series("TS_1"))
        write(root / "r/s/more/x.star", tilt_series("TS_1"))
        with powerless(Path(folder)), Catalog.create(Path(folder) / "catalog") as catalog:
            catalog.index(root)
            before = content(catalog)
            # A project, a folder of loose files, a folder above a project, and one within it.
            for shut, whole, problems in (
                ("p", ["p"], [("p", "p", "folder-closed")]),
                ("loose", ["loose"], [("loose", "loose", "folder-closed")]),
                ("r", ["r"], [("r", "r", "folder-closed")]),
                ("r/s/more", [], [("r/s/more/", "r/s", "unreadable")]),
            ):
                (root / shut).chmod(0)
                write(root / "q/Import/job001/tilt_series.star", tomogram_set("x", [shut.replace("/", "_")]))
                for _ in range(2):
                    summary = catalog.index(root)
                    found = "SELECT path, project, name FROM problems WHERE code IN ('F201', 'F203')"
                    assert answer(catalog, found) == problems
                assert (summary.changed, summary.num_errors) == (False, 1)
                lost = "SELECT path FROM projects WHERE fingerprint IS NULL AND path <> 'r/s'"
                assert [path for (path,) in answer(catalog, lost)] == whole
                count = answer(catalog, "SELECT count(*) FROM tilts")
                assert count == [(len(before["tilts"]),)]
                (root / shut).chmod(0o755)
                write(
                    root / "q/Import/job001/tilt_series.star",
                    tomogram_set("Import/job001", ["TS_01", "TS_02"]),
                )
                catalog.index(root)
                now = content(catalog)
                for name in ("tilts", "tomograms", "particle_sets", "problems"):
                    assert now[name] == before[name], name
                assert len(now["jobs"]) == len(before["jobs"])


@pytest.mark.parametrize("after", [0, 1, 2])
@pytest.mark.parametrize("fault", [KeyboardInterrupt(), OSError("disk full"), RuntimeError("no more")])
def test_an_interrupted_crawl_is_finished_by_the_next(
    catalog: Catalog,
    archive: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    fault: BaseException,
    after: int,
) -> None:
    """It is interrupted before anything was read, or after so many commits."""
    catalog.index(archive)
    change_content(archive)
    add_files(archive)
    before = parquet_files(Path(catalog.path))
    first = batch_of(catalog)
    monkeypatch.setattr(indexing, "COMMIT_SECONDS", 0.0)

    def fail(_: IndexProgress) -> None:
        if batch_of(catalog) >= first + after:
            raise fault

    threads = threading.active_count()
    with pytest.raises(type(fault)):
        catalog.index(archive, threads=1, progress=fail)
    assert batch_of(catalog) == first + after
    if not after:
        assert parquet_files(Path(catalog.path)) == before
    catalog.index(archive)
    assert content(catalog) == fresh(tmp_path, archive)
    for _ in range(50):
        if threading.active_count() <= threads:
            break
        time.sleep(0.1)
    assert threading.active_count() <= threads


def test_a_task_that_fails_leaves_nothing(
    catalog: Catalog, archive: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    catalog.index(archive)
    before = parquet_files(Path(catalog.path))
    change_content(archive)

    def fail(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(shard, "project_rows", fail)
    with pytest.raises(OSError, match="No space left"):
        catalog.index(archive)
    assert parquet_files(Path(catalog.path)) == before


def test_small_parts_are_joined(catalog: Catalog, tmp_path: Path) -> None:
    root = tmp_path / "root"
    for at in range(5):
        write(root / f"{at}.star", tilt_series(f"TS_{at}"))
        catalog.index(root)
    status = {table.name: table for table in catalog.status().tables}
    # All of them are one unit, and so of one shard.
    assert (status["files"].parts, status["files"].rows) == (1, 5)
    assert (status["crawls"].parts, status["crawls"].rows) == (1, 5)


def test_old_versions_are_given_back(catalog: Catalog, archive: Path) -> None:
    catalog.index(archive)
    before = parquet_files(Path(catalog.path))
    change_content(archive)
    catalog.index(archive)
    assert catalog.vacuum() == (0, 0)
    count, size = catalog.vacuum(keep_days=0, dry_run=True)
    gone = before - {
        Path(path) for table in catalog._store.snapshot().tables.values() for path in table.paths
    }
    assert (count, size) == (len(gone), sum(path.stat().st_size for path in gone))
    catalog.vacuum(keep_days=0)
    for days in (-1, float("nan")):
        with pytest.raises(ValueError, match="keep_days must be a number from 0 on, not"):
            catalog.vacuum(keep_days=days)
    assert not any(path.exists() for path in gone)
    assert answer(catalog, "SELECT count(*) FROM files") == [(32,)]


def test_what_is_no_number_is_the_same_as_before(catalog: Catalog, tmp_path: Path) -> None:
    project = tmp_path / "root/p"
    make_project(project)
    write(project / "nan.star", tilt_series("N").replace("30000", "nan"))
    catalog.index(tmp_path / "root")
    for _ in range(2):
        assert not catalog.index(tmp_path / "root", verify=True).changed


def test_marks_of_jobs_alone_are_nothing_to_tell(catalog: Catalog, archive: Path) -> None:
    # As while a project is being removed.
    mark = archive / "s9/q1/Import/job001/RELION_JOB_EXIT_SUCCESS"
    mark.parent.mkdir(parents=True)
    mark.write_text("")
    catalog.index(archive)
    assert catalog.sql("SELECT path FROM projects WHERE path LIKE 's9%'").num_rows == 0
    (mark.parent / "x.star").write_text("data_\n_rlnVoltage 300\n")
    catalog.index(archive)
    assert catalog.sql("SELECT path, files FROM projects WHERE path LIKE 's9%'").to_pylist() == [
        {"path": "s9", "files": 1}
    ]
    (mark.parent / "x.star").unlink()
    assert catalog.index(archive).deleted_files == 1
    assert catalog.sql("SELECT path FROM projects WHERE path LIKE 's9%'").num_rows == 0
