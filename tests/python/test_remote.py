"""Files at addresses, brought and taken by fsspec; its memory stands for a store."""

from __future__ import annotations

import errno
import os
import pickle
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import fsspec
import pytest
import tomoset
from cli_runs import run as run_command
from fsspec.implementations.memory import MemoryFileSystem
from star_sample import TEXT
from tomoset.remote import is_url

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

URL = "memory://bucket/sample.star"


@pytest.fixture(autouse=True)
def store() -> Iterator[MemoryFileSystem]:
    files = fsspec.filesystem("memory")
    files.pipe_file("/bucket/sample.star", TEXT)
    yield files
    files.store.clear()


def test_every_reader_takes_an_address() -> None:
    known = tomoset.read_star(TEXT)
    star = tomoset.read_star(URL)
    assert star["optics"].to_arrow() == known["optics"].to_arrow()
    assert star.path == URL
    assert star.to_bytes() == TEXT
    outline = tomoset.scan_star(URL)
    assert outline["optics"].num_rows == 2
    assert outline.read("optics").to_arrow() == known["optics"].to_arrow()
    batches = tomoset.iter_star(URL, "optics", ["rlnVoltage"], batch_rows=1)
    assert [batch.num_rows for batch in batches] == [1, 1]


def test_a_chain_of_file_systems() -> None:
    url = "simplecache::memory://bucket/sample.star"
    assert tomoset.read_star(url).to_bytes() == TEXT
    assert tomoset.iter_star(url, "optics").read_all().num_rows == 2


def test_a_stream_stays_readable_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    batches = tomoset.iter_star(URL, "optics", batch_rows=1)
    assert list(tmp_path.iterdir()) == []
    assert batches.read_all().num_rows == 2


@pytest.mark.parametrize("suffix", ["", ".gz", ".zst"])
def test_what_is_written_reads_back(store: MemoryFileSystem, suffix: str) -> None:
    star = tomoset.read_star(URL)
    star["optics"] = star["optics"].with_columns(rlnVoltage=200.0)
    target = f"memory://bucket/new.star{suffix}"
    star.write(target)
    written = store.cat_file(f"/bucket/new.star{suffix}")
    assert written[:2] == {"": TEXT[:2], ".gz": b"\x1f\x8b", ".zst": b"\x28\xb5"}[suffix]
    assert tomoset.read_star(target)["optics"]["rlnVoltage"].to_pylist() == [200.0, 200.0]
    star.write(URL)
    assert store.cat_file("/bucket/sample.star") == tomoset.read_star(target).to_bytes()


def test_a_fault_while_writing_sends_nothing(store: MemoryFileSystem) -> None:
    with pytest.raises(
        tomoset.StarWriteError, match=r"^memory://bucket/sample\.star: block data_a: "
    ) as caught:
        tomoset.write_star({"a": {"rlnTomoName": None}}, URL)
    assert caught.value.path == URL
    assert store.cat_file("/bucket/sample.star") == TEXT


def test_a_part_is_not_written_over_the_whole(store: MemoryFileSystem) -> None:
    star = tomoset.read_star(URL, blocks=["optics"])
    with pytest.raises(ValueError, match=r"was read with blocks=, and the rest of it would be lost"):
        star.write(URL)
    star.write("memory://bucket/part.star")
    assert store.exists("/bucket/part.star")
    assert store.cat_file("/bucket/sample.star") == TEXT


def test_file_addresses_are_local_files(tmp_path: Path) -> None:
    url = (tmp_path / "x.star").as_uri()
    tomoset.write_star({"a": {"rlnVoltage": 300.0}}, url)
    star = tomoset.read_star(url)
    assert star.path == str(tmp_path / "x.star")
    assert [block.name for block in star.blocks] == ["a"]
    with pytest.raises(ValueError, match=r"the rest of it would be lost"):
        tomoset.read_star(url, blocks=["a"]).write(url)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["x.star"]


def test_an_os_path_is_always_local(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "memory:" / "bucket").mkdir(parents=True)

    class Odd:
        def __fspath__(self) -> str:
            return URL

    tomoset.write_star({"here": {"rlnVoltage": 300.0}}, Odd())
    assert list(tomoset.read_star(Odd())) == ["here"]
    assert list(tomoset.read_star(URL)) != ["here"]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("s3://bucket/x.star", True),
        ("simplecache::s3://bucket/x.star", True),
        ("https://example.org/x.star", True),
        ("/data/x.star", False),
        ("x.star", False),
        ("a b://x", False),
        ("/data/s3://x", False),
        ("x::y", False),
        (b"s3://bucket/x.star", False),
    ],
)
def test_what_an_address_is(path: Any, expected: bool) -> None:
    assert is_url(path) is expected


@pytest.mark.parametrize("read", [tomoset.read_star, tomoset.scan_star, tomoset.iter_star])
def test_faults_name_the_address(read: Any, store: MemoryFileSystem) -> None:
    with pytest.raises(FileNotFoundError) as missing:
        read("memory://bucket/none.star")
    assert (missing.value.errno, missing.value.filename) == (errno.ENOENT, "memory://bucket/none.star")
    assert str(pickle.loads(pickle.dumps(missing.value))) == str(missing.value)
    store.pipe_file("/bucket/bad.star", b"data_a\n\nloop_\n_rlnVoltage\n_rlnOpticsGroup\n300\n")
    with pytest.raises(tomoset.StarSyntaxError, match=r"^memory://bucket/bad\.star:6:"):
        read("memory://bucket/bad.star")
    with pytest.raises(ValueError, match=r"^nonsense://x\.star: no address that fsspec knows: "):
        read("nonsense://x.star")


def test_whatever_a_file_system_raises_is_an_os_error(monkeypatch: pytest.MonkeyPatch) -> None:
    class BackendError(Exception):
        pass

    def fails(*_: object) -> bytes:
        raise BackendError("the store is shut")

    monkeypatch.setattr(MemoryFileSystem, "cat_file", fails)
    with pytest.raises(OSError, match=r"BackendError: the store is shut") as caught:
        tomoset.read_star(URL)
    assert (caught.value.errno, caught.value.filename) == (errno.EIO, URL)


def test_an_error_of_a_kind_of_its_own_becomes_a_plain_one(monkeypatch: pytest.MonkeyPatch) -> None:
    class ConnectorError(OSError):
        def __init__(self, key: str, error: OSError) -> None:
            super().__init__(error.errno, error.strerror)

    def fails(*_: object) -> bytes:
        raise ConnectorError("key", ConnectionRefusedError(errno.ECONNREFUSED, "nobody listens"))

    monkeypatch.setattr(MemoryFileSystem, "cat_file", fails)
    with pytest.raises(ConnectionRefusedError, match="nobody listens") as caught:
        tomoset.read_star(URL)
    assert caught.value.filename == URL


def test_commands_read_addresses_and_write_files(
    capfd: pytest.CaptureFixture[str], tmp_path: Path, store: MemoryFileSystem
) -> None:
    shown = run_command(capfd, "show", URL)
    assert (shown.code, shown.out.splitlines()[0]) == (0, f"{URL}: 5 blocks")
    store.pipe_file("/one.star", b"data_a\n\nloop_\n_rlnTomoName\nTS_1\n")
    local = tmp_path / "one.star"
    local.write_bytes(store.cat_file("/one.star"))
    assert run_command(capfd, "diff", "memory://one.star", local).code == 0
    assert run_command(capfd, "convert", "memory://one.star", tmp_path / "one.csv").code == 0
    assert (tmp_path / "one.csv").read_text() == '"rlnTomoName"\n"TS_1"\n'
    assert run_command(capfd, "show", local.as_uri()).out.startswith(f"{local}: 1 block, 32 bytes")
    for arguments, message in (
        (["convert", str(local), "memory://x.csv"], "memory://x.csv: commands write to local files and"),
        (["convert", str(local), "memory://x.star"], "memory://x.star: commands write to local files and"),
        (
            ["convert", "memory://x.parquet", str(tmp_path / "x.star")],
            "tables in other formats are read from",
        ),
        (["show", "memory://none.star"], "memory://none.star: No such file or directory"),
        (["show", "nonsense://x.star"], "no address that fsspec knows"),
    ):
        failed = run_command(capfd, *arguments)
        assert (failed.code, failed.out) == (3, "")
        assert message in failed.err


@pytest.mark.parametrize(
    "use",
    [
        lambda: tomoset.append_star(URL, {"rlnVoltage": [300.0]}),
        lambda: tomoset.TomogramSet.read(URL),
        lambda: tomoset.ParticleSet.read(URL),
        lambda: tomoset.OptimisationSet.read(URL),
        lambda: tomoset.check(URL),
        lambda: tomoset.mend([URL]),
        lambda: tomoset.mend_file(URL),
        lambda: tomoset.rebase("a", "b", URL),
        lambda: tomoset.find_references(URL),
    ],
)
def test_some_things_are_local_alone(use: Any) -> None:
    with pytest.raises(ValueError, match=r"^memory://bucket/sample\.star: .* local (files|disks) alone$"):
        use()


def test_nothing_is_written_by_http() -> None:
    pytest.importorskip("aiohttp")
    with pytest.raises(OSError, match="files are read by HTTP, but not written") as caught:
        tomoset.write_star({"a": {"rlnVoltage": 300.0}}, "https://example.invalid/x.star")
    assert caught.value.errno == errno.EROFS


def run(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env={**os.environ}, check=True
    )
    return done.stdout


def test_fsspec_is_loaded_for_addresses_alone() -> None:
    code = f"""
import sys, tomoset
tomoset.read_star({TEXT!r})
print("fsspec" in sys.modules)
sys.modules["fsspec"] = None
for use in (tomoset.read_star, tomoset.iter_star, lambda url: tomoset.write_star({{"a": {{"x": 1}}}}, url)):
    try:
        use({URL!r})
    except ImportError as error:
        print(error)
"""
    first, *rest = run(code).splitlines()
    assert first == "False"
    assert (
        rest
        == [
            f"{URL}: fsspec is needed for memory: pip install 'tomoset[fsspec]'"
            " (for a local file of that name give a pathlib.Path)"
        ]
        * 3
    )
