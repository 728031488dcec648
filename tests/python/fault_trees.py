"""A tree that changes while it is crawled."""

import os
import shutil
import threading
import time
from contextlib import suppress
from pathlib import Path
from random import Random

from catalog_samples import make_project, pipeline, tilt_series, tomogram_set
from fault_runs import litter, require_as_fresh, require_plain_delta, require_whole, small_archive
from tomoset import Catalog
from tomoset.catalog import indexing

#: A file that was changed so lately may change again within the same instant.
SETTLING_SECONDS = 2.1


class Unrest:
    """Changes a tree without regard to who is reading it."""

    def __init__(self, root: Path, seed: int) -> None:
        self._root = root
        self._random = Random(seed)
        self._stopped = threading.Event()
        self._count = 0
        self.changes = 0

    def __call__(self) -> None:
        """Go on until told to stop."""
        steps = (
            *(self.rewrite, self.grow, self.truncate, self.replace, self.delete) * 3,
            self.rename_folder,
            self.make_project,
            self.remove_project,
            self.end_project,
            self.begin_project,
            self.forbid,
            self.swap,
            self.touch,
        )
        while not self._stopped.is_set():
            # What it was about to change may have gone by another's hand.
            with suppress(OSError, shutil.Error, IndexError):
                self._random.choice(steps)()
                self.changes += 1
            time.sleep(self._random.choice((0, 0, 0.001, 0.02)))

    def stop(self) -> None:
        """Leave the tree as it is."""
        self._stopped.set()

    def _number(self) -> int:
        self._count += 1
        return self._count * 10 + self._random.randrange(10)

    def _file(self) -> Path:
        return self._random.choice([path for path in self._root.rglob("*.star") if path.is_file()])

    def _project(self) -> Path:
        return self._random.choice([path.parent for path in self._root.rglob("default_pipeline.star")])

    def _text(self) -> str:
        name = f"TS_0{self._random.randrange(1, 4)}"
        if self._random.random() < 0.3:
            return tomogram_set("MotionCorr/job002", [name, "TS_01"])
        return tilt_series(name, self._random.randrange(1, 400), self._random.randrange(10_000, 60_000))

    def rewrite(self) -> None:
        path = self._file()
        if path.name != "default_pipeline.star":
            path.write_text(self._text())

    def grow(self) -> None:
        with self._file().open("a") as file:
            file.write("1 2 3\n")

    def truncate(self) -> None:
        path = self._file()
        os.truncate(path, path.stat().st_size * self._random.randrange(10) // 10)

    def replace(self) -> None:
        path = self._file()
        beside = path.with_name(f"new{self._number()}")
        beside.write_text(self._text() if path.name != "default_pipeline.star" else pipeline({}))
        beside.replace(path)

    def delete(self) -> None:
        path = self._file()
        if path.name != "default_pipeline.star" and len(list(self._root.rglob("*.star"))) > 40:
            path.unlink()

    def rename_folder(self) -> None:
        folder = self._file().parent
        if folder != self._root:
            folder.rename(folder.with_name(f"{folder.name[:6]}{self._number()}"))

    def make_project(self) -> None:
        if len(list(self._root.rglob("default_pipeline.star"))) < 8:
            make_project(self._root / f"s{self._number() % 3}/q{self._number()}")

    def remove_project(self) -> None:
        if len(list(self._root.rglob("default_pipeline.star"))) > 4:
            shutil.rmtree(self._project())

    def end_project(self) -> None:
        (self._project() / "default_pipeline.star").unlink()

    def begin_project(self) -> None:
        (self._file().parent / "default_pipeline.star").write_text(pipeline({"Import/job001": "Running"}))

    def forbid(self) -> None:
        path = self._file()
        for place in (path, path.parent):
            place.chmod(self._random.choice((0o000, 0o600, 0o700, 0o755)))

    def swap(self) -> None:
        """Put a folder where a file was, and a file where a folder was."""
        path = self._file()
        text = path.read_text()
        path.unlink()
        path.mkdir()
        (path / "inner.star").write_text(text)
        time.sleep(0.01)
        shutil.rmtree(path)
        path.write_text(text)

    def touch(self) -> None:
        when = self._random.choice((0, -(10**9), 4 * 10**9, 1_700_000_000))
        os.utime(self._file(), (when, when))


def crawl_a_moving_tree(tmp: Path, seconds: float, seed: int) -> dict[str, int]:
    """Crawl and read while two change the tree; return what was done once it rested and all agreed."""
    root = tmp / "archive"
    small_archive(root, 4)
    unrest = [Unrest(root, seed), Unrest(root, seed + 1)]
    threads = [threading.Thread(target=each) for each in unrest]
    until = time.monotonic() + seconds
    crawls = unstable = 0
    usual = indexing.FILES_AT_ONCE, indexing.COMMIT_SECONDS
    indexing.FILES_AT_ONCE, indexing.COMMIT_SECONDS = 8, 0.0
    with Catalog.create(tmp / "catalog") as catalog:
        try:
            for thread in threads:
                thread.start()
            while time.monotonic() < until:
                catalog.index(root, threads=2, allow_shrink=True)
                crawls += 1
                require_whole(tmp / "catalog")
                found = catalog.sql("SELECT count(*) AS n FROM files WHERE status = 'unstable'")
                unstable += found["n"][0].as_py()
        finally:
            for each in unrest:
                each.stop()
            for thread in threads:
                thread.join()
            indexing.FILES_AT_ONCE, indexing.COMMIT_SECONDS = usual
        time.sleep(SETTLING_SECONDS)
        catalog.index(root, allow_shrink=True)
    require_as_fresh(tmp / "catalog", root, tmp / "fresh")
    require_whole(tmp / "catalog")
    require_plain_delta(tmp / "catalog")
    assert litter(tmp / "catalog") == []
    return {"crawls": crawls, "changes": sum(each.changes for each in unrest), "unstable": unstable}
