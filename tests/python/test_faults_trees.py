"""Trees that are odd or change their nature, and roots by several names."""

import itertools
import os
import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from catalog_samples import content, make_project, pipeline, tilt_series, write
from fault_runs import require_as_fresh, require_whole
from tomoset import Catalog
from tomoset.catalog import indexing, walking
from tomoset.catalog.runners import ThreadRunner
from tomoset.catalog.schema import SHARDS

pytestmark = pytest.mark.usefixtures("no_hang")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "archive"
    make_project(root / "s/p1")
    make_project(root / "s/p2", ("TS_03",))
    write(root / "s/loose.star", tilt_series("TS_98"))
    write(root / "loose.star", tilt_series("TS_99"))
    return root


@pytest.fixture
def catalog(tmp_path: Path, root: Path) -> Iterator[Catalog]:
    with Catalog.create(tmp_path / "catalog") as catalog:
        catalog.index(root)
        yield catalog


def require(catalog: Catalog, root: Path) -> None:
    require_whole(Path(catalog.path))
    require_as_fresh(Path(catalog.path), root, Path(catalog.path).with_name("fresh"))


def paths(catalog: Catalog) -> list[str]:
    found: list[str] = catalog.sql("SELECT path FROM files ORDER BY path")["path"].to_pylist()
    return found


def test_sets_are_read_again_when_what_they_name_comes_or_goes(catalog: Catalog, root: Path) -> None:
    path = root / "s/p1/Import/job001/tilt_series/TS_01.star"
    text = path.read_text()
    path.unlink()
    summary = catalog.index(root)
    assert (summary.new_files, summary.changed_files, summary.deleted_files) == (0, 0, 1)
    missing = "SELECT path, tomogram FROM tomograms WHERE NOT tilt_series_found"
    assert catalog.sql(missing).to_pylist() == [
        {"path": "s/p1/Import/job001/tilt_series.star", "tomogram": "TS_01"}
    ]
    require(catalog, root)
    write(path, text)
    assert catalog.index(root).new_files == 1
    assert catalog.sql(missing).num_rows == 0
    require(catalog, root)
    assert not catalog.index(root).changed


@pytest.mark.parametrize("shards", [1, SHARDS])
def test_listed_paths_where_a_project_begins_or_ends(
    catalog: Catalog, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shards: int
) -> None:
    """A file goes from one unit to another, which may be read in the same task, or by another at the same time."""
    if shards == 1:
        monkeypatch.setattr(indexing, "shard_of", lambda *_: 3)
        catalog = Catalog.create(tmp_path / "narrow")
        catalog.index(root)
    mark = root / "s/p1/default_pipeline.star"
    listed = ["s/p1/default_pipeline.star"]
    mark.unlink()
    catalog.index(root, paths=listed)
    require(catalog, root)
    write(mark, pipeline({}))
    catalog.index(root, paths=listed)
    require(catalog, root)
    write(root / "s/p1/Import/default_pipeline.star", pipeline({}))
    catalog.index(root, paths=["s/p1/Import/default_pipeline.star"])
    require(catalog, root)
    write(root / "new/default_pipeline.star", pipeline({}))
    catalog.index(root, paths=["new/default_pipeline.star"])
    require(catalog, root)


@pytest.mark.parametrize("kind", ["link", "fifo", "folder", "dangling"])
def test_what_is_called_a_pipeline_and_is_none(catalog: Catalog, root: Path, kind: str) -> None:
    mark = root / "s/p1/default_pipeline.star"
    mark.unlink()
    if kind == "fifo":
        os.mkfifo(mark)
    elif kind == "folder":
        mark.mkdir()
        write(mark / "default_pipeline.star", pipeline({}))
    else:
        mark.symlink_to(root / "s/p2/default_pipeline.star" if kind == "link" else "nowhere")
    # So that it has settled, whenever it is looked at.
    os.utime(mark, (10**9, 10**9), follow_symlinks=False)
    for listed in (["s/p1/default_pipeline.star", "s/p1/Import/job001/tilt_series.star"], None):
        catalog.index(root, paths=listed)
        projects = catalog.sql("SELECT project FROM projects WHERE project IS NOT NULL ORDER BY 1")["project"]
        assert projects.to_pylist() == (
            ["s/p1/default_pipeline.star", "s/p2"] if kind == "folder" else ["s/p2"]
        )
        require(catalog, root)


def test_a_project_that_ends_while_its_folder_is_begun_in(
    catalog: Catalog, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (root / "s/p1/default_pipeline.star").unlink()
    before = content(catalog)
    # The list of paths was looked at a moment before.
    monkeypatch.setattr(walking, "_unit_of", lambda *_: "s/p1")
    catalog.index(root, paths=["s/p1/x.star"])
    assert content(catalog) == before
    monkeypatch.undo()
    catalog.index(root)
    require(catalog, root)


def test_folders_and_files_in_each_others_place(catalog: Catalog, root: Path) -> None:
    (root / "loose.star").unlink()
    write(root / "loose.star/inner.star", tilt_series("TS_50"))
    shutil.rmtree(root / "s/p1/MotionCorr")
    write(root / "s/p1/MotionCorr", "no folder")
    shutil.rmtree(root / "s/p2")
    write(root / "s/p2", tilt_series("TS_51"))
    catalog.index(root, allow_shrink=True)
    require(catalog, root)


def test_names_that_are_trying(catalog: Catalog, root: Path) -> None:
    names = [
        "new\nline",
        "it's",
        'say "x"',
        "tab\there",
        "back\\slash",
        "%2F",
        "#1?",
        "*[a]",
        " ",
        "\x7f\x1b[1m",
        "-rf",
    ]
    names += [os.fsdecode(b"not\xffutf8"), "x" * 250]
    for name in names:
        write(root / name[:249] / f"{name[:250]}.star", tilt_series("TS_01"))
        make_project(root / f"p{name[:248]}", ("TS_02",))
    catalog.index(root)
    assert len(paths(catalog)) == len([path for path in root.rglob("*.star") if path.is_file()])
    require(catalog, root)
    assert not catalog.index(root).changed
    for name in names:
        shutil.rmtree(root / f"p{name[:248]}")
    catalog.index(root, allow_shrink=True)
    require(catalog, root)


def test_paths_of_4096_bytes(catalog: Catalog, root: Path) -> None:
    # As long as the system takes them: 4,095 bytes and the end.
    long = root
    while len(os.fsencode(long)) + 101 < 4096 - 20:
        long /= "d" * 100
    long /= "d" * max(1, 4095 - 7 - len(os.fsencode(long)) - 1)
    write(long / "x.star", tilt_series("TS_01"))
    assert len(os.fsencode(long / "x.star")) == 4095
    catalog.index(root)
    assert catalog.sql("SELECT max(length(path)) AS n FROM files")["n"].to_pylist()[0] > 3900
    # Deeper still, by steps; such a path is too long for any call.
    above = os.open(long.parent, os.O_RDONLY)
    os.mkdir("e" * 200, dir_fd=above)
    inner = os.open("e" * 200, os.O_RDONLY, dir_fd=above)
    for _ in range(3):
        os.mkdir("f" * 200, dir_fd=inner)
        deeper = os.open("f" * 200, os.O_RDONLY, dir_fd=inner)
        os.close(inner)
        inner = deeper
    os.close(os.open("y.star", os.O_WRONLY | os.O_CREAT, dir_fd=inner))
    os.close(inner)
    os.close(above)
    catalog.index(root)
    assert any(
        "too long" in text for text in catalog.sql("SELECT message FROM problems")["message"].to_pylist()
    )
    require(catalog, root)
    shutil.rmtree(root / ("d" * 100))
    catalog.index(root)
    require(catalog, root)


def test_a_circle_of_ten_thousand_links_takes_no_second(tmp_path: Path) -> None:
    root = tmp_path / "links"
    root.mkdir()
    for at in range(10_000):
        (root / f"{at}.star").symlink_to(f"{(at + 1) % 10_000}.star")
    (root / "again").symlink_to(root)
    with Catalog.create(tmp_path / "catalog") as catalog:
        began = time.process_time()
        assert catalog.index(root, threads=2).files == 10_000
        # Of computing, so that others on the machine do not count.
        assert time.process_time() - began < 1


@pytest.mark.parametrize("seconds", [-(10**9), -1, 0, 4_000_000_000, 9_000_000_000, 2**63 // 10**9 + 10])
def test_times_before_1970_and_to_come(catalog: Catalog, root: Path, seconds: int) -> None:
    try:
        os.utime(root / "loose.star", (seconds, seconds))
    except OverflowError:
        pytest.skip("the file system has no such times")
    for _ in range(2):
        catalog.index(root)
        require(catalog, root)
    catalog.status()


def test_a_clock_that_goes_back_and_forth(catalog: Catalog, root: Path) -> None:
    now = time.time_ns()
    day = 86_400 * 10**9
    for number, days in enumerate((0, -2, 2, -700, 0)):
        path = root / "s/p1/Import/job001/tilt_series/TS_01.star"
        write(path, tilt_series("TS_01", number + 3), age=86_400.0 * number)
        request = indexing.Request(root)
        clock = now + days * day
        indexing.index_tree(catalog._store, request, ThreadRunner(1), clock=lambda clock=clock: clock)  # type: ignore[misc]
        found = catalog.sql(f"SELECT count(*) AS n FROM tilts WHERE path = '{path.relative_to(root)}'")
        assert found["n"].to_pylist() == [number + 3]
        require_whole(Path(catalog.path))
    catalog.index(root)
    require(catalog, root)


def test_one_root_by_several_names(
    catalog: Catalog, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(root)
    for name in (f"{root}/", f"{root}/s/..", f"/{root}", f"{root}//.", ".", "../archive"):
        summary = catalog.index(name)
        assert (summary.root, summary.changed) == (str(root), False), name


def test_dots_after_a_link_lead_to_where_the_system_goes(
    catalog: Catalog, root: Path, tmp_path: Path
) -> None:
    (tmp_path / "far").symlink_to(root / "s")
    # Not what lies beside the link.
    summary = catalog.index(f"{tmp_path}/far/..")
    assert (summary.root, summary.changed) == (str(root), False)


def test_what_is_gone_is_told_of_the_root_that_was_looked_at(
    catalog: Catalog, root: Path, tmp_path: Path
) -> None:
    twin = tmp_path / "twin"
    shutil.copytree(root, twin, symlinks=True)
    assert catalog.index(twin).new_files == len(paths(catalog)) // 2
    require_whole(Path(catalog.path))
    for tree in (root, twin):
        shutil.rmtree(tree / "s/p2")
    catalog.index(root)
    roots = "SELECT root, count(*) AS n FROM files GROUP BY 1 ORDER BY n"
    assert catalog.sql(roots)["root"].to_pylist() == [str(root), str(twin)]
    catalog.index(twin)
    assert len(set(catalog.sql(roots)["n"].to_pylist())) == 1
    require_whole(Path(catalog.path))


def test_a_file_that_changes_while_it_is_read_is_unstable_and_looked_at_again(
    catalog: Catalog, root: Path
) -> None:
    path = root / "s/p1/Import/job001/tilt_series/TS_01.star"
    write(path, tilt_series("TS_01", 100_000), age=0)
    rest = threading.Event()

    def disturb() -> None:
        while not rest.is_set():
            # The clock of a file system ticks too slowly.
            os.utime(path, ns=(next(times), next(times)))

    times = itertools.count(time.time_ns())
    thread = threading.Thread(target=disturb)
    thread.start()
    status = f"SELECT status FROM files WHERE path = '{path.relative_to(root)}'"
    try:
        for _ in range(60):
            catalog.index(root, threads=1)
            if catalog.sql(status)["status"].to_pylist() == ["unstable"]:
                break
    finally:
        rest.set()
        thread.join()
    assert catalog.sql(status)["status"].to_pylist() == ["unstable"]
    # Nothing else has changed; that it was unstable is why it is looked at.
    assert catalog.index(root).changed
    assert catalog.sql(status)["status"].to_pylist() == ["ok"]
    then = time.time() - 100
    os.utime(path, (then, then))
    catalog.index(root)
    require(catalog, root)
