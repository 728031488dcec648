"""Writing that goes wrong: a full disk, a process that is ended, others that write and read at the same time.

Whatever happens, there is the old file whole or the new file whole, and nothing beside it.
"""

from __future__ import annotations

import os
import random
import re
import signal
import subprocess
import sys
import textwrap
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest
import tomoset

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.usefixtures("no_hang")

OLD = b"data_old\n\n_rlnVoltage 200\n\n"
#: Some 3 MB as text.
LARGE = pa.table({"n": list(range(100_000)), "name": ["a_name_that_takes_room"] * 100_000})
UNTIL_FULL = textwrap.dedent(
    """
    import errno, sys
    import pyarrow as pa, tomoset
    table = pa.table({"n": list(range(100_000)), "name": ["a_name_that_takes_room"] * 100_000})
    for path in sys.argv[1:]:
        try:
            tomoset.write_star({"x": table}, path, compression="none")
        except OSError as error:
            print(errno.errorcode[error.errno], error.filename == path)
        else:
            print("written")
    """
)


def run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode()


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


# A full disk.


@contextmanager
def small_disk(folder: Path) -> Iterator[list[str]]:
    """Give a command before which commands see a disk of 1 MB at a folder; skips where there can be none."""
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]
    if os.geteuid() == 0 and subprocess.run(mount, capture_output=True, check=False).returncode == 0:
        try:
            yield []
        finally:
            subprocess.run(["umount", str(folder)], check=True)
        return
    inside = ["unshare", "-rm", "sh", "-c", f'mount -t tmpfs -o size=1m tmpfs "{folder}" && exec "$@"', "sh"]
    try:
        able = subprocess.run([*inside, "true"], capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        able = False
    if not able:
        pytest.skip("neither mount nor unshare -rm can make a small disk here")
    yield inside


def test_a_full_disk(tmp_path: Path) -> None:
    look = (
        f"import os, pathlib\nOLD = {OLD!r}\nfolder = pathlib.Path({str(tmp_path)!r})\n"
        "(folder / 'old.star').write_bytes(OLD)\nbefore = os.statvfs(folder).f_bfree\n"
        f"{UNTIL_FULL}\n"
        "print((folder / 'old.star').read_bytes() == OLD, sorted(os.listdir(folder)))\n"
        "print(os.statvfs(folder).f_bfree == before)\n"
    )
    with small_disk(tmp_path) as inside:
        paths = [str(tmp_path / "old.star"), str(tmp_path / "new.star")]
        found = run(*inside, sys.executable, "-c", look, *paths)
    assert found.splitlines() == ["ENOSPC True", "ENOSPC True", "True ['old.star']", "True"]


def test_a_limit_on_the_size_of_files(tmp_path: Path) -> None:
    (tmp_path / "old.star").write_bytes(OLD)
    limit = (
        "import resource, signal\nsignal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))\n"
    )
    paths = [str(tmp_path / "old.star"), str(tmp_path / "new.star")]
    assert run(sys.executable, "-c", limit + UNTIL_FULL, *paths).splitlines() == ["EFBIG True", "EFBIG True"]
    assert (tmp_path / "old.star").read_bytes() == OLD
    assert names(tmp_path) == {"old.star"}


def test_a_refused_value_far_down(tmp_path: Path) -> None:
    path = tmp_path / "a.star"
    path.write_bytes(OLD)
    rows = 400_000
    table = pa.table({"n": list(range(rows)), "t": ["x"] * (rows - 1) + ["a\nb"]})
    for threads in (1, 2, 7):
        with pytest.raises(tomoset.StarWriteError) as caught:
            tomoset.write_star({"x": table}, path, threads=threads)
        assert (caught.value.row, caught.value.label, caught.value.path) == (rows - 1, "t", str(path))
        assert str(caught.value) == (
            f"{path}: block data_x: label t: row {rows - 1}: expected text on one line, found 'a\\nb'"
        )
        assert path.read_bytes() == OLD
        assert names(tmp_path) == {"a.star"}


def test_the_first_refused_value_is_named_by_any_number_of_threads(tmp_path: Path) -> None:
    rows = 300_000
    text = ["x"] * rows
    for row in (77_777, 77_778, 200_000, rows - 1):
        text[row] = "a\nb"
    for threads in (1, 2, 7, None):
        with pytest.raises(tomoset.StarWriteError) as caught:
            tomoset.write_star({"x": pa.table({"t": text})}, tmp_path / "a.star", threads=threads)
        assert caught.value.row == 77_777
    assert names(tmp_path) == set()


# A process that is ended.

FOREVER = textwrap.dedent(
    """
    import signal, sys
    import pyarrow as pa, tomoset
    # Whoever runs the tests in the background may have it ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    rows = 30_000
    table = pa.table({"n": list(range(rows)), "name": ["a_name_that_takes_room"] * rows})
    print("ready", flush=True)
    count = 0
    while True:
        count += 1
        tomoset.write_star({"x": table, "end": {"count": count}}, sys.argv[1], durable=False)
    """
)


#: Forked, so that a hundred processes need not start Python a hundred times.
ENDED = textwrap.dedent(
    """
    import io, itertools, os, random, sys, time
    import pyarrow as pa, tomoset
    path, number, times, fresh = sys.argv[1], *map(int, sys.argv[2:])
    tomoset.write_star({"x": {"a": 1}}, io.BytesIO(), threads=1)
    rows = 20_000
    table = pa.table({"n": list(range(rows)), "name": ["a_name_that_takes_room"] * rows})
    generator = random.Random(5)
    for child in range(times):
        process = os.fork()
        if process == 0:
            for count in itertools.count():
                place = f"{path}.{child}.{count}" if fresh else path
                tomoset.write_star({"x": table, "end": {"n": child}}, place, durable=False, threads=1)
        time.sleep(generator.uniform(0.0005, 0.03))
        os.kill(process, number)
        assert os.WTERMSIG(os.waitpid(process, 0)[1]) == number
        if not fresh:
            tomoset.read_star(path, threads=1)["end"]
    """
)


def is_whole(path: Path) -> bool:
    """Whether a file is one of those written, from its first line to its last."""
    star = tomoset.read_star(path)
    return star["x"]["n"].to_pylist() == list(range(20_000)) and star["end"].values["n"] in range(100)


@pytest.mark.parametrize(("number", "times"), [(signal.SIGKILL, 100), (signal.SIGTERM, 10)])
def test_a_process_that_is_ended(tmp_path: Path, number: signal.Signals, times: int) -> None:
    path = tmp_path / "a.star"
    tomoset.write_star({"end": {"n": -1}}, path)
    run(sys.executable, "-c", ENDED, str(path), str(int(number)), str(times), "0")
    assert is_whole(path)
    assert tomoset.read_star(path)["end"].values["n"] >= 0
    # A nameless file has a name of its own for an instant before it takes another's, and is whole by then.
    left = names(tmp_path) - {"a.star"}
    assert len(left) < times // 5
    assert all(re.fullmatch(r"\.tomoset-\w+\.tmp", name) for name in left)
    assert all(is_whole(tmp_path / name) for name in left)


def test_a_process_that_is_ended_leaves_nothing_beside_new_files(tmp_path: Path) -> None:
    try:
        os.close(os.open(tmp_path, os.O_TMPFILE | os.O_WRONLY))
    except OSError as error:
        pytest.skip(f"files without a name cannot be made here: {error}")
    run(sys.executable, "-c", ENDED, str(tmp_path / "a.star"), str(int(signal.SIGKILL)), "40", "1")
    assert len(names(tmp_path)) > 0
    assert all(re.fullmatch(r"a\.star\.\d+\.\d+", name) for name in names(tmp_path))
    assert all(is_whole(path) for path in tmp_path.iterdir())


def test_an_interrupt_waits_for_the_file(tmp_path: Path) -> None:
    path = tmp_path / "a.star"
    with subprocess.Popen(
        [sys.executable, "-c", FOREVER, str(path)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
        while not path.exists():
            time.sleep(0.01)
        child.send_signal(signal.SIGINT)
        _, errors = child.communicate()
    assert "KeyboardInterrupt" in errors
    assert tomoset.read_star(path)["x"].num_rows == 30_000
    assert names(tmp_path) == {"a.star"}


# Others at the same time.


def test_two_writers_and_a_reader(tmp_path: Path) -> None:
    """Each file that is read is of one of the writers, from its first line to its last."""
    path = tmp_path / "a.star"
    rows = 3000
    stop = threading.Event()
    tables = {name: pa.table({"name": [name] * rows, "n": list(range(rows))}) for name in ("one", "two")}
    faults: list[BaseException] = []
    tomoset.write_star({"x": tables["one"], "end": {"name": "one"}}, path)

    def keep_writing(name: str) -> None:
        try:
            while not stop.is_set():
                tomoset.write_star({"x": tables[name], "end": {"name": name}}, path, durable=False)
        except BaseException as error:
            faults.append(error)

    writers = [threading.Thread(target=keep_writing, args=(name,)) for name in tables]
    for writer in writers:
        writer.start()
    seen: set[str] = set()
    try:
        end = time.monotonic() + 20
        reads = 0
        while (reads < 200 or len(seen) < 2) and time.monotonic() < end and not faults:
            star = tomoset.read_star(path)
            name = star["end"].values["name"]
            assert set(star["x"]["name"].to_pylist()) == {name}
            assert star["x"].num_rows == rows
            seen.add(name)
            reads += 1
    finally:
        stop.set()
        for writer in writers:
            writer.join()
    assert faults == []
    assert seen == {"one", "two"}
    assert names(tmp_path) == {"a.star"}


def test_many_writers_make_one_new_file(tmp_path: Path) -> None:
    """The path is free when all begin, and taken when most end."""
    faults: list[BaseException] = []
    for attempt in range(20):
        path = tmp_path / f"{attempt}.star"
        barrier = threading.Barrier(6)

        def write(number: int, path: Path = path, barrier: threading.Barrier = barrier) -> None:
            barrier.wait()
            try:
                tomoset.write_star({"x": {"n": number}}, path, durable=False)
            except OSError as error:
                faults.append(error)

        threads = [threading.Thread(target=write, args=(number,)) for number in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert faults == []
        assert tomoset.read_star(path)["x"].values["n"] in range(6)
    assert names(tmp_path) == {f"{attempt}.star" for attempt in range(20)}


@pytest.mark.parametrize("threads", [1, 2])
def test_python_goes_on_while_a_file_is_written(tmp_path: Path, threads: int) -> None:
    table = pa.table({f"c{n}": [random.Random(n).random()] * 200_000 for n in range(10)})
    ticks: list[float] = []
    stop, started = threading.Event(), threading.Event()

    def tick() -> None:
        while not stop.is_set():
            ticks.append(time.perf_counter())
            started.set()
            time.sleep(0.001)

    ticker = threading.Thread(target=tick)
    ticker.start()
    started.wait()
    interval = sys.getswitchinterval()
    # Nobody takes the interpreter away from the writer; it has to give it up by itself.
    sys.setswitchinterval(60)
    try:
        start = time.perf_counter()
        tomoset.write_star({"x": table}, tmp_path / "a.star", durable=False, threads=threads)
        end = time.perf_counter()
    finally:
        sys.setswitchinterval(interval)
        stop.set()
        ticker.join()
    assert sum(start < at < end for at in ticks) > 3
