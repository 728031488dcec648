"""Which folders are indexed: several roots, odd ones, lists of paths, and what a root must not be."""

import shutil
from pathlib import Path

import pytest
from catalog_changes import add_files, change_content, delete_a_project, delete_files
from catalog_samples import (
    answer,
    content,
    fresh,
    tilt_series,
    write,
)
from tomoset import Catalog
from tomoset.catalog import ArchiveShrunk

pytestmark = pytest.mark.usefixtures("no_hang")


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
    assert catalog.index(archive / "2027", allow_empty=True).files == 0


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


def test_a_list_names_a_project_that_is_gone(catalog: Catalog, archive: Path, tmp_path: Path) -> None:
    catalog.index(archive)
    shutil.rmtree(archive / "2026/p2")
    summary = catalog.index(archive, paths=["2026/p2/Import/job001/tilt_series.star"])
    assert summary.deleted_files == 11
    assert content(catalog) == fresh(tmp_path, archive)


def test_the_catalogue_inside_the_archive_is_left_out(archive: Path, tmp_path: Path) -> None:
    (tmp_path / "alias").symlink_to(archive)
    for root in (archive, tmp_path / "alias"):
        with Catalog.create(archive / "index") as catalog:
            write(archive / "index/files/stray.star", tilt_series("TS_1"))
            assert catalog.index(root).files == 32
        shutil.rmtree(archive / "index")
