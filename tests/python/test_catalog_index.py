"""From a tree to a catalogue: what is read again, what stays, what goes, and what an interruption costs."""

import os
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import tomoset
from catalog_samples import (
    content,
    make_project,
    parquet_files,
    pipeline,
    powerless,
    tilt_series,
    tomogram_set,
    write,
)
from tomoset import Catalog
from tomoset.catalog import ArchiveShrunk, IndexProgress, indexing, shard
from tomoset.catalog.journal import Head
from tomoset.catalog.tasks import text_of

pytestmark = pytest.mark.usefixtures("no_hang")


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """Two projects, one within the other's folder's folder, and loose files."""
    root = tmp_path / "archive"
    make_project(root / "2026/p1")
    make_project(root / "2026/p1/inner", ("TS_07",))
    make_project(root / "2026/p2", ("TS_01", "TS_03"))
    write(root / "loose.star", tilt_series("TS_99"))
    write(root / "2026/notes/more.star.gz", tilt_series("TS_98"))
    return root


@pytest.fixture
def catalog(tmp_path: Path) -> Iterator[Catalog]:
    with Catalog.create(tmp_path / "catalog") as catalog:
        yield catalog


def batch_of(catalog: Catalog) -> int:
    return Head.read(Path(catalog.path)).batch


def answer(catalog: Catalog, query: str) -> list[tuple[Any, ...]]:
    return [tuple(row.values()) for row in catalog.sql(query).to_pylist()]


def fresh(tmp_path: Path, root: Path) -> dict[str, list[tuple[Any, ...]]]:
    """Return what a new catalogue has of a tree."""
    folder = tmp_path / f"fresh{len(list(tmp_path.iterdir()))}"
    with Catalog.create(folder) as catalog:
        catalog.index(root, threads=1)
        return content(catalog)


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


def test_units_are_projects_and_top_folders(catalog: Catalog, archive: Path) -> None:
    catalog.index(archive)
    rows = answer(
        catalog, "SELECT path, project, name, tomogram_sets, tomograms, tilts, jobs FROM projects ORDER BY 1"
    )
    assert rows == [
        ("", None, "", 0, 0, 0, 0),
        ("2026", None, "2026", 0, 0, 0, 0),
        ("2026/p1", "2026/p1", "p1", 3, 2, 6, 4),
        ("2026/p1/inner", "2026/p1/inner", "inner", 3, 1, 3, 4),
        ("2026/p2", "2026/p2", "p2", 3, 2, 6, 4),
    ]
    # The sets count each tilt series once for each job, the latest once.
    assert answer(catalog, "SELECT project, count(*) FROM tomograms WHERE latest GROUP BY 1 ORDER BY 1") == [
        ("2026/p1", 2),
        ("2026/p1/inner", 1),
        ("2026/p2", 2),
    ]


def test_an_unchanged_tree_costs_no_commit(catalog: Catalog, archive: Path) -> None:
    catalog.index(archive)
    before, parts = catalog._store.head(), parquet_files(Path(catalog.path))
    summary = catalog.index(archive)
    assert (summary.changed, summary.crawl, summary.new_files, summary.tilts) == (False, 1, 0, 0)
    assert (catalog._store.head(), parquet_files(Path(catalog.path))) == (before, parts)
    (checked,) = catalog.status().roots
    assert (checked.root, checked.crawl, checked.files) == (str(archive), 1, summary.files)


def change_content(root: Path) -> None:
    write(root / "2026/p1/MotionCorr/job002/tilt_series/TS_02.star", tilt_series("TS_02", 5, 41000))


def add_files(root: Path) -> None:
    write(root / "2026/p2/Align/job005/aligned.star", tomogram_set("MotionCorr/job002", ["TS_03"]))
    write(root / "2026/other/x.star", tilt_series("TS_50"))


def delete_files(root: Path) -> None:
    (root / "2026/p1/Tomograms/job003/tomograms.star").unlink()
    (root / "loose.star").unlink()


def delete_a_project(root: Path) -> None:
    shutil.rmtree(root / "2026/p1/inner")


def finish_a_job(root: Path) -> None:
    write(root / "2026/p2/MotionCorr/job002/RELION_JOB_EXIT_FAILURE", "")


def make_a_project_of_a_folder(root: Path) -> None:
    write(root / "2026/default_pipeline.star", pipeline({}))


def end_a_project(root: Path) -> None:
    (root / "2026/p2/default_pipeline.star").unlink()


def move_a_project(root: Path) -> None:
    (root / "2026/p2").rename(root / "2026/p3")


def replace_by_the_same_size(root: Path) -> None:
    path = root / "2026/p1/Import/job001/tilt_series/TS_01.star"
    text = path.read_text()
    path.unlink()
    write(path, text.replace("30000", "30009"), age=1800)


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


@pytest.mark.parametrize("change", CHANGES)
def test_a_refresh_is_as_a_fresh_crawl(
    catalog: Catalog, archive: Path, tmp_path: Path, change: Callable[[Path], None]
) -> None:
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


def test_several_roots(catalog: Catalog, archive: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    shutil.copytree(archive, other)
    catalog.index(archive)
    catalog.index(other)
    count = "SELECT root, count(*) FROM {} GROUP BY 1 ORDER BY 1"
    both = answer(catalog, count.format("files"))
    assert [root for root, _ in both] == [str(archive), str(other)]
    assert both[0][1] == both[1][1]
    delete_a_project(other)
    catalog.index(other)
    after = dict(answer(catalog, count.format("files")))
    assert after[str(archive)] == both[0][1] > after[str(other)]
    assert dict(answer(catalog, count.format("jobs"))) == {str(archive): 12, str(other): 8}


def test_one_root_by_two_names(catalog: Catalog, archive: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    catalog.index(archive)
    monkeypatch.chdir(archive.parent)
    summary = catalog.index("./archive/")
    assert (summary.root, summary.changed) == (str(archive), False)


def test_roots_that_share_files_are_refused(catalog: Catalog, archive: Path, tmp_path: Path) -> None:
    catalog.index(archive / "2026")
    (tmp_path / "link").symlink_to(archive / "2026")
    for other, words in (
        (archive, "it contains"),
        (archive / "2026/p1", "it lies in"),
        (tmp_path / "link", "it is"),
        (tmp_path / "link/p2", "it lies in"),
    ):
        with pytest.raises(OSError, match=rf"{words} .*/2026, which is in this catalogue.*: '{other}'"):
            catalog.index(other)
    assert not catalog.index(archive / "2026").changed
    (archive / "2027").mkdir()
    assert catalog.index(archive / "2027").files == 0


def test_an_empty_archive(catalog: Catalog, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    summary = catalog.index(tmp_path / "empty")
    assert (summary.files, summary.crawl, summary.changed) == (0, 0, False)


def test_bad_roots(catalog: Catalog, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(FileNotFoundError):
        catalog.index(tmp_path / "missing")
    with pytest.raises(NotADirectoryError):
        catalog.index(tmp_path / "file")
    with pytest.raises(OSError, match="the catalogue itself"):
        catalog.index(catalog.path)
    assert catalog._store.head().batch == 0


def test_a_root_that_is_not_mounted_is_refused(catalog: Catalog, archive: Path, tmp_path: Path) -> None:
    catalog.index(archive)
    before = content(catalog)
    archive.rename(tmp_path / "unmounted")
    archive.mkdir()
    with pytest.raises(ArchiveShrunk, match=r"has 0 files, and the catalogue 32: is it mounted\?"):
        catalog.index(archive)
    assert content(catalog) == before
    summary = catalog.index(archive, allow_shrink=True)
    assert (summary.deleted_files, answer(catalog, "SELECT count(*) FROM files")) == (32, [(0,)])
    assert answer(catalog, "SELECT count(*), min(deleted_crawl) FROM deletions") == [(32, 2)]
    assert answer(catalog, "SELECT count(*) FROM projects") == [(0,)]
    archive.rmdir()
    (tmp_path / "unmounted").rename(archive)
    assert catalog.index(archive).new_files == 32
    assert content(catalog) == before


def test_a_list_of_paths(catalog: Catalog, archive: Path, tmp_path: Path) -> None:
    catalog.index(archive)
    change_content(archive)
    add_files(archive)
    delete_files(archive)
    shutil.rmtree(archive / "2026/p1/inner")
    # Of one project alone, by several of its files.
    summary = catalog.index(
        archive,
        paths=[
            "2026/p1/MotionCorr/job002/tilt_series/TS_02.star",
            str(archive / "2026/p1/x"),
            "../elsewhere",
            "",
        ],
    )
    assert (summary.new_files, summary.changed_files, summary.deleted_files) == (0, 1, 1)
    assert catalog.index(archive, paths=[]).changed is False
    # Projects within it are met as well, and what is gone is only told by a crawl of all.
    assert answer(catalog, "SELECT count(*) FROM projects WHERE path = '2026/p1/inner'") == [(1,)]
    assert catalog.index(archive, paths=["2026/p1/inner/default_pipeline.star"]).new_files == 0
    catalog.index(archive)
    assert content(catalog) == fresh(tmp_path, archive)


def test_the_catalogue_inside_the_archive_is_left_out(archive: Path, tmp_path: Path) -> None:
    (tmp_path / "alias").symlink_to(archive)
    for root in (archive, tmp_path / "alias"):
        with Catalog.create(archive / "index") as catalog:
            write(archive / "index/files/stray.star", tilt_series("TS_1"))
            assert catalog.index(root).files == 32
        shutil.rmtree(archive / "index")


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


def test_names_that_are_not_utf8(catalog: Catalog, tmp_path: Path) -> None:
    root = tmp_path / os.fsdecode(b"caf\xe9")
    make_project(root / os.fsdecode(b"p\xff"))
    make_project(root / os.fsdecode(b"p\xfe"))
    write(root / os.fsdecode(b"TS_\xff.star"), tilt_series("TS_1"))
    for changed in (True, False):
        assert catalog.index(root).changed is changed
    assert answer(catalog, "SELECT path, path_bytes, root FROM files WHERE project IS NULL") == [
        ("TS_\\xff.star", b"TS_\xff.star", f"{tmp_path}/caf\\xe9")
    ]
    paths = answer(
        catalog, "SELECT path, path_bytes, tilts FROM projects WHERE project IS NOT NULL ORDER BY 1"
    )
    assert paths == [("p\\xfe", b"p\xfe", 6), ("p\\xff", b"p\xff", 6)]
    shutil.rmtree(root / os.fsdecode(b"p\xff"))
    catalog.index(root)
    assert answer(catalog, "SELECT DISTINCT project FROM tilts ORDER BY 1") == [("p\\xfe",), (None,)]
    assert text_of(b"caf\xe9\\") == "caf\\xe9\\\\"
    # A folder is written alike in all paths that lead through it.
    assert text_of(b"a\\b/\xe9") == "a\\b/\\xe9"


def test_names_that_look_like_others_are_not_confused(catalog: Catalog, tmp_path: Path) -> None:
    root = tmp_path / "root"
    for name in (b"bad\xff", rb"bad\xff", rb"bad\\xff", rb"fine\b"):
        write(root / os.fsdecode(name) / "x.star", tilt_series("TS_01"))
    catalog.index(root)
    rows = "SELECT path, path_bytes FROM files ORDER BY path"
    found = answer(catalog, rows)
    assert [path for path, _ in found] == [
        r"bad\\\\xff/x.star",
        r"bad\\xff/x.star",
        r"bad\xff/x.star",
        r"fine\b/x.star",
    ]
    assert [raw for _, raw in found] == [rb"bad\\xff/x.star", rb"bad\xff/x.star", b"bad\xff/x.star", None]
    shutil.rmtree(root / r"bad\xff")
    assert catalog.index(root).deleted_files == 1
    assert answer(catalog, rows) == [found[0], *found[2:]]
    assert not catalog.index(root).changed


def test_what_is_latest_follows_the_jobs(catalog: Catalog, tmp_path: Path) -> None:
    root = tmp_path / "root"
    project = root / "p"
    for job, names in (
        ("Import/job001", ["A", "B", "C"]),
        ("Align/job005", ["A", "B"]),
        ("Tomograms/job006", ["A", "B"]),
        ("Align/job010", ["A"]),
    ):
        write(project / job / "tomograms.star", tomogram_set(job, names))
        for name in names:
            write(project / job / "tilt_series" / f"{name}.star", tilt_series(name))
    jobs = {
        "Import/job001": "Succeeded",
        "Align/job005": "Succeeded",
        "Tomograms/job006": "Failed",
        "Align/job010": "Running",
    }
    edges = [
        ("Import/job001", "tomograms.star", "Align/job005"),
        ("Align/job005", "tomograms.star", "Tomograms/job006"),
    ]
    edges.append(("Import/job001", "tomograms.star", "Align/job010"))
    write(project / "default_pipeline.star", pipeline(jobs, edges))
    catalog.index(root)
    latest = "SELECT tomogram, split_part(path, '/', 3) FROM tomograms WHERE latest ORDER BY 1"
    assert answer(catalog, latest) == [("A", "job010"), ("B", "job005"), ("C", "job001")]
    tilts = (
        "SELECT tomogram, split_part(path, '/', 3), count(*) FROM tilts WHERE latest GROUP BY ALL ORDER BY 1"
    )
    assert answer(catalog, tilts) == [("A", "job010", 3), ("B", "job005", 3), ("C", "job001", 3)]
    assert answer(catalog, "SELECT latest_set, tomograms, tilts FROM projects") == [
        ("p/Align/job010/tomograms.star", 3, 9)
    ]
    # The job that failed is mended: its set is the last one of B.
    write(project / "default_pipeline.star", pipeline({**jobs, "Tomograms/job006": "Succeeded"}, edges))
    catalog.index(root)
    assert answer(catalog, latest) == [("A", "job010"), ("B", "job006"), ("C", "job001")]
    assert answer(catalog, tilts)[1] == ("B", "job006", 3)


def test_tilts_of_relion_4_are_in_the_set_itself(catalog: Catalog, tmp_path: Path) -> None:
    def old_set(names: list[str]) -> str:
        rows = "".join(f"{name} {name}.mrc 3 -1\n" for name in names)
        header = "_rlnTomoName\n_rlnTomoTiltSeriesName\n_rlnTomoFrameCount\n_rlnTomoHand\n"
        return f"data_global\n\nloop_\n{header}{rows}\n" + "\n".join(tilt_series(name) for name in names)

    project = tmp_path / "root/p"
    write(project / "ImportTomo/job001/tomograms.star", old_set(["A", "B"]))
    write(project / "CtfRefine/job002/tomograms.star", old_set(["B"]))
    write(project / "default_pipeline.star", pipeline({}))
    catalog.index(tmp_path / "root")
    found = (
        "SELECT tomogram, split_part(path, '/', 3), count(*) FROM tilts WHERE latest GROUP BY ALL ORDER BY 1"
    )
    assert answer(catalog, found) == [("A", "job001", 3), ("B", "job002", 3)]


def test_jobs(catalog: Catalog, archive: Path) -> None:
    job = "data_job\n\n_rlnJobTypeLabel relion.extract\n_rlnJobIsContinue 0\n_rlnJobIsTomo 1\n\n"
    options = (
        'data_joboptions_values\n\nloop_\n_rlnJobOptionVariable\n_rlnJobOptionValue\nbin "2 3"\n\'a"b\' c\n'
    )
    write(archive / "2026/p1/Extract/job004/job.star", job + options, age=100)
    catalog.index(archive)
    rows = answer(
        catalog,
        'SELECT job, number, folder_type, type, status, marker, state, "order", upstream, inputs, outputs, files '
        "FROM jobs WHERE project = '2026/p1' ORDER BY number",
    )
    made = ["MotionCorr/job002/corrected_tilt_series.star"]
    assert rows == [
        ("Import/job001", 1, "Import", "relion.import", "Succeeded", None, "succeeded", 0, [], [],
         ["Import/job001/tilt_series.star"], 3),
        ("MotionCorr/job002", 2, "MotionCorr", "relion.motioncorr", "Succeeded", None, "succeeded", 1,
         ["Import/job001"], ["Import/job001/tilt_series.star"], made, 3),
        ("Tomograms/job003", 3, "Tomograms", "relion.tomograms", "Running", "success", "succeeded", 2,
         ["MotionCorr/job002"], made, [], 3),
        ("Extract/job004", 4, "Extract", "relion.extract", None, "failure", "failed", 3, [], [], [], 2),
    ]  # fmt: skip
    extract = "FROM jobs WHERE project = '2026/p1' AND number = 4"
    more = (
        f"SELECT is_continue, is_tomo, options, options->>'bin', ended - started > INTERVAL 0 DAY {extract}"
    )
    assert answer(catalog, more) == [(False, True, '{"a\\"b":"c","bin":"2 3"}', "2 3", False)]


def test_labels(catalog: Catalog, tmp_path: Path) -> None:
    for at in range(3):
        write(tmp_path / f"root/{at}.star", tilt_series(f"TS_{at}"))
    write(tmp_path / "root/odd.star", "data_\n\nloop_\n_rlnTomoNme\n_rlnvoltage\n1 2\n")
    catalog.index(tmp_path / "root")
    rows = (
        "SELECT label, known, type, unit, meant, count(*) FROM labels JOIN files USING (header) "
        "GROUP BY ALL ORDER BY 1"
    )
    assert answer(catalog, rows) == [
        ("rlnDefocusU", True, "double", "A", None, 3),
        ("rlnMicrographPreExposure", True, "double", "e/A^2", None, 3),
        ("rlnTomoNme", False, None, None, "rlnTomoName", 1),
        ("rlnTomoNominalStageTiltAngle", True, "double", "deg", None, 3),
        ("rlnvoltage", False, None, None, "rlnVoltage", 1),
    ]


def test_references(catalog: Catalog, tmp_path: Path) -> None:
    project = tmp_path / "root/p"
    secret = tmp_path / "secret.star"
    write(secret, tilt_series("SECRET"))
    (tmp_path / "root/up").mkdir(parents=True)
    (tmp_path / "root/up/link").symlink_to(tmp_path)
    paths = [
        "there.star",
        "missing.star",
        "../../secret.star",
        str(secret),
        "../up/link/secret.star",
        "../p/there.star",
    ]
    write(project / "there.star", tilt_series("A"))
    write(project / "default_pipeline.star", pipeline({}))
    rows = "".join(f"T{at} {path} none/{at}.edf 1\n" for at, path in enumerate(paths))
    header = "_rlnTomoName\n_rlnTomoTiltSeriesStarFile\n_rlnEtomoDirectiveFile\n_rlnTomoHand\n"
    write(project / "tomograms.star", f"data_global\n\nloop_\n{header}{rows}")
    catalog.index(tmp_path / "root")
    found = answer(catalog, "SELECT tilt_series_found, etomo_directive_found FROM tomograms ORDER BY row")
    assert found == [
        (True, False),
        (False, False),
        (None, False),
        (None, False),
        (None, False),
        (True, False),
    ]
    problems = (
        "SELECT name, label, count FROM problems WHERE name LIKE 'reference%' ORDER BY label DESC, name"
    )
    assert answer(catalog, problems) == [
        ("reference-missing", "rlnTomoTiltSeriesStarFile", 1),
        ("reference-outside", "rlnTomoTiltSeriesStarFile", 3),
        ("reference-missing", "rlnEtomoDirectiveFile", 6),
    ]
    assert answer(catalog, "SELECT count(*) FROM tilts WHERE tomogram = 'SECRET'") == [(0,)]
    # A file that comes later is noticed when the set is read again.
    write(project / "missing.star", tilt_series("B"))
    catalog.index(tmp_path / "root", verify=True)
    assert answer(catalog, "SELECT tilt_series_found FROM tomograms WHERE tomogram = 'T1'") == [(True,)]


def test_odd_files_are_rows(catalog: Catalog, tmp_path: Path) -> None:
    root = tmp_path / "root"
    write(root / "good.star", tilt_series("A"))
    os.mkfifo(root / "pipe.star")
    (root / "loop.star").symlink_to("loop.star")
    (root / "dir.star").mkdir()
    with (root / "tape.star").open("wb") as file:
        file.truncate(1 << 20)
    catalog.index(root)
    rows = "SELECT path, kind, status FROM files ORDER BY 1"
    expected = [
        ("good.star", "tilt_series", "ok"),
        ("loop.star", "link", "ok"),
        ("pipe.star", "special", "diagnosed"),
        ("tape.star", "unknown", "offline"),
    ]
    assert answer(catalog, rows) == expected
    assert not catalog.index(root).changed
    assert catalog.index(root, recall=True).changed
    assert answer(catalog, "SELECT kind, status FROM files WHERE path = 'tape.star'") == [
        ("unknown", "faulty")
    ]


def test_ten_thousand_links_in_a_circle(catalog: Catalog, tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    for at in range(10_000):
        (root / f"{at}.star").symlink_to(f"{(at + 1) % 10_000}.star")
    (root / "again").symlink_to(root)
    assert catalog.index(root).files == 10_000
    problems = "SELECT code, count(*) FROM problems GROUP BY ALL"
    assert answer(catalog, problems) == [("F101", 10_000)]


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


def send_to_tape(path: Path) -> None:
    """Take a file's blocks away, and leave its size, time and inode."""
    facts = path.stat()
    hole = [
        "fallocate",
        "--punch-hole",
        "--offset",
        "0",
        "--length",
        str(-(-facts.st_size // 4096) * 4096),
        str(path),
    ]
    if subprocess.run(hole, capture_output=True, check=False).returncode:
        pytest.skip("no holes in files here")
    os.utime(path, ns=(facts.st_atime_ns, facts.st_mtime_ns))
    if path.stat().st_blocks:
        pytest.skip("holes have blocks here")


def test_what_goes_to_tape_keeps_what_is_known(catalog: Catalog, tmp_path: Path) -> None:
    root = tmp_path / "root"
    make_project(root / "p")
    tilts, tomograms = root / "p/long.star", root / "p/Import/job001/tilt_series.star"
    write(tilts, tilt_series("LONG", 500))
    write(tomograms, tomogram_set("Import/job001", [f"TS_{at}" for at in range(200)]))
    catalog.index(root)
    before = content(catalog)
    for path in (tilts, tomograms):
        send_to_tape(path)
    assert not catalog.index(root, verify=True).changed_files
    for name in ("tilts", "tomograms", "files"):
        assert content(catalog)[name] == before[name]
    # A set is looked at again where files have come, but not from tape.
    write(root / "p/more.star", tilt_series("MORE"))
    catalog.index(root)
    assert len(content(catalog)["tomograms"]) == len(before["tomograms"])
    # What was brought back is read without being asked for.
    new = root / "p/new.star"
    write(new, tilt_series("NEW", 500))
    text = new.read_bytes()
    send_to_tape(new)
    catalog.index(root)
    status = "SELECT status, kind FROM files WHERE path = 'p/new.star'"
    assert answer(catalog, status) == [("offline", "unknown")]
    facts = new.stat()
    new.write_bytes(text)
    os.utime(new, ns=(facts.st_atime_ns, facts.st_mtime_ns))
    catalog.index(root)
    assert answer(catalog, status) == [("ok", "tilt_series")]


def test_small_files_without_blocks_are_not_on_tape(catalog: Catalog, tmp_path: Path) -> None:
    (tmp_path / "root").mkdir()
    with (tmp_path / "root/small.star").open("wb") as file:
        file.truncate(4000)
    catalog.index(tmp_path / "root")
    assert answer(catalog, "SELECT status FROM files") == [("faulty",)]


def test_odd_jobs(catalog: Catalog, archive: Path) -> None:
    huge = f"Import/job{'9' * 20}"
    write(archive / "2026/p1" / huge / "tomograms.star", tomogram_set(huge, ["TS_01"]))
    write(archive / "2026/p1/Import/job001/tmp/RELION_JOB_EXIT_FAILURE", "")
    catalog.index(archive)
    state = "SELECT state FROM jobs WHERE project = '2026/p1' AND number = 1"
    assert answer(catalog, state) == [("succeeded",)]
    latest = "SELECT path FROM latest.tomograms WHERE project = '2026/p1' AND tomogram = 'TS_01'"
    assert answer(catalog, latest) == [("2026/p1/Tomograms/job003/tomograms.star",)]


def test_tilt_series_by_absolute_paths_are_the_latest_too(catalog: Catalog, tmp_path: Path) -> None:
    root = tmp_path / "root"
    write(root / "p/default_pipeline.star", pipeline({}))
    job = str(root / "p/Import/job001")
    write(root / "p/Import/job001/tomograms.star", tomogram_set(job, ["A"]))
    write(root / "p/Import/job001/tilt_series/A.star", tilt_series("A"))
    catalog.index(root)
    assert answer(catalog, "SELECT tilt_series_found FROM latest.tomograms") == [(True,)]
    assert answer(catalog, "SELECT count(*) FROM latest.tilts") == [(3,)]


def test_a_list_names_a_project_that_is_gone(catalog: Catalog, archive: Path, tmp_path: Path) -> None:
    catalog.index(archive)
    shutil.rmtree(archive / "2026/p2")
    summary = catalog.index(archive, paths=["2026/p2/Import/job001/tilt_series.star"])
    assert summary.deleted_files == 11
    assert content(catalog) == fresh(tmp_path, archive)


def test_what_is_no_number_is_the_same_as_before(catalog: Catalog, tmp_path: Path) -> None:
    project = tmp_path / "root/p"
    make_project(project)
    write(project / "nan.star", tilt_series("N").replace("30000", "nan"))
    catalog.index(tmp_path / "root")
    for _ in range(2):
        assert not catalog.index(tmp_path / "root", verify=True).changed
