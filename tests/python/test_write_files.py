"""Where a file is written to: links, owners, permissions, odd names, what is no file, and files packed."""

from __future__ import annotations

import errno
import gzip
import io
import os
import stat
import subprocess
import sys
import textwrap
import threading
from pathlib import Path
from typing import Any

import pytest
import tomoset
import zstandard

pytestmark = pytest.mark.usefixtures("no_hang")

NOBODY = 65534
DATA = {"x": {"rlnVoltage": 300.0}}
TEXT = b"\n# version 50001\n\ndata_x\n\n_rlnVoltage                   300.0\n \n"
OLD = b"data_old\n\n_rlnVoltage 200\n\n"

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can do this")


def write(path: Any, **options: Any) -> None:
    tomoset.write_star(DATA, path, **options)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def litter(folder: Path, *known: str) -> set[str]:
    """Names in a folder that should not be there."""
    return {path.name for path in folder.iterdir()} - set(known)


def as_nobody(code: str, *arguments: object) -> str:
    """Run code as a user who may do little, or as ourselves if we are none who may do much; give what it prints."""
    drop = (
        f"import os\nif os.geteuid() == 0:\n    os.setgroups([]); os.setgid({NOBODY}); os.setuid({NOBODY})\n"
    )
    # All is imported first: the files of packages may be out of reach for others.
    warm = "import errno, io, sys, tomoset\ntomoset.write_star({'x': {'a': 1}}, io.BytesIO())\n"
    script = f"{warm}{drop}{textwrap.dedent(code)}"
    run = subprocess.run(
        [sys.executable, "-c", script, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        cwd="/",
    )
    assert run.returncode == 0, run.stderr
    return run.stdout


@pytest.fixture
def shared(tmp_path: Path) -> Path:
    """Give a folder that others can reach."""
    folder = tmp_path
    while folder != folder.parent and folder.stat().st_uid == os.geteuid():
        if folder.stat().st_mode & 0o7777 == 0o700:
            folder.chmod(0o755)
        folder = folder.parent
    return tmp_path


TRY = """
try:
    tomoset.write_star({"x": {"rlnVoltage": 300.0}}, sys.argv[1])
except OSError as error:
    print(type(error).__name__, errno.errorcode[error.errno], error.filename == sys.argv[1])
else:
    print("written")
"""


# New and old files.


@pytest.mark.parametrize("durable", [True, False])
def test_new_and_old(tmp_path: Path, durable: bool) -> None:
    path = tmp_path / "a.star"
    write(path, durable=durable)
    assert path.read_bytes() == TEXT
    path.write_bytes(OLD * 1000)
    write(str(path), durable=durable)
    assert path.read_bytes() == TEXT
    assert litter(tmp_path, "a.star") == set()


def test_whoever_reads_the_old_file_goes_on_reading_it(tmp_path: Path) -> None:
    path = tmp_path / "a.star"
    path.write_bytes(OLD)
    with path.open("rb") as file:
        write(path)
        assert file.read() == OLD
    assert path.read_bytes() == TEXT


def test_a_file_is_written_over_while_it_is_read_from(tmp_path: Path) -> None:
    path = tmp_path / "a.star"
    path.write_bytes(b"data_x\n\nloop_\n_rlnTomoName\n_n\n" + b"a_rather_long_name 1\n" * 100_000)
    for strings in ("view", "large_string"):
        star = tomoset.read_star(path, memory_map=True, strings=strings)
        tomoset.write_star(star, path)
        assert tomoset.read_star(path)["x"].num_rows == 100_000


@pytest.mark.parametrize("umask", [0o022, 0o077, 0o002, 0o000])
def test_new_files_have_the_permissions_of_new_files(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        write(tmp_path / "a.star")
    finally:
        os.umask(before)
    assert mode(tmp_path / "a.star") == 0o666 & ~umask


@pytest.mark.parametrize("bits", [0o600, 0o640, 0o664, 0o777, 0o4755])
def test_old_permissions_stay(tmp_path: Path, bits: int) -> None:
    path = tmp_path / "a.star"
    path.write_bytes(OLD)
    path.chmod(bits)
    write(path)
    assert mode(path) == bits
    assert path.read_bytes() == TEXT


@as_root
def test_the_owner_stays(tmp_path: Path) -> None:
    path = tmp_path / "a.star"
    path.write_bytes(OLD)
    path.chmod(0o640)
    os.chown(path, 1234, 4321)
    write(path)
    assert (path.stat().st_uid, path.stat().st_gid, mode(path)) == (1234, 4321, 0o640)
    assert path.read_bytes() == TEXT


@as_root
def test_others_who_may_write_become_the_owner(shared: Path) -> None:
    shared.chmod(0o777)
    path = shared / "a.star"
    path.write_bytes(OLD)
    path.chmod(0o666)
    assert as_nobody(TRY, path) == "written\n"
    assert (path.stat().st_uid, mode(path), path.read_bytes()) == (NOBODY, 0o666, TEXT)


def test_hard_links_keep_the_old_text(tmp_path: Path) -> None:
    path = tmp_path / "a.star"
    path.write_bytes(OLD)
    os.link(path, tmp_path / "b.star")
    write(path)
    assert (path.read_bytes(), (tmp_path / "b.star").read_bytes()) == (TEXT, OLD)


# What is forbidden.


def test_a_file_that_is_read_only_stays(shared: Path) -> None:
    shared.chmod(0o777)
    path = shared / "a.star"
    path.write_bytes(OLD)
    path.chmod(0o444)
    assert as_nobody(TRY, path) == "PermissionError EACCES True\n"
    assert (path.read_bytes(), mode(path)) == (OLD, 0o444)
    assert litter(shared, "a.star") == set()


@pytest.mark.parametrize("name", ["old.star", "new.star"])
def test_a_folder_that_is_read_only(shared: Path, name: str) -> None:
    (shared / "old.star").write_bytes(OLD)
    (shared / "old.star").chmod(0o666)
    shared.chmod(0o555)
    try:
        assert as_nobody(TRY, shared / name) == "PermissionError EACCES True\n"
        assert (shared / "old.star").read_bytes() == OLD
        assert litter(shared, "old.star") == set()
    finally:
        shared.chmod(0o755)


def test_what_is_no_place_for_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(OLD)
    for path, kind in (
        (tmp_path, IsADirectoryError),
        (f"{tmp_path}/", IsADirectoryError),
        (f"{tmp_path}/none/a.star", FileNotFoundError),
        (f"{tmp_path}/file/a.star", NotADirectoryError),
        ("", FileNotFoundError),
        (f"{tmp_path}/{'x' * 300}", OSError),
    ):
        with pytest.raises(kind) as caught:
            write(path)
        assert isinstance(caught.value, OSError)
        assert caught.value.filename == str(path)
        assert litter(tmp_path, "file") == set()
    with pytest.raises(ValueError, match="embedded null byte in the path"):
        write(f"{tmp_path}/a\0.star")


def test_paths_of_bytes_are_refused(tmp_path: Path) -> None:
    class Bytes:
        def __fspath__(self) -> bytes:
            return os.fsencode(tmp_path / "a.star")

    with pytest.raises(TypeError, match=r"the path is bytes; it must be text or os.PathLike\[str\]"):
        write(Bytes())
    with pytest.raises(TypeError, match="path_or_file must be a path or have a write method, not bytes"):
        write(b"a.star")
    assert litter(tmp_path) == set()


# Names and links.


def test_names_that_are_hard_to_write(tmp_path: Path) -> None:
    names = [
        os.fsdecode(b"\xff\xfe\x80.star"),
        "a b 'c' \"d\".star",
        "å日.star",
        "-n",
        "a\nb",
        "*",
        "x" * 255,
    ]
    for name in names:
        write(tmp_path / name)
        write(tmp_path / name)
        assert (tmp_path / name).read_bytes() == TEXT
    assert litter(tmp_path, *names) == set()


def test_an_error_names_a_path_that_is_no_text(tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode(b"\xff") / "a.star"
    with pytest.raises(FileNotFoundError) as caught:
        write(path)
    assert caught.value.filename == str(path)
    with pytest.raises(tomoset.StarWriteError) as refused:
        tomoset.write_star({"x": {"rlnVoltage": None}}, path.parent.with_suffix(".star"))
    assert refused.value.path == str(path.parent.with_suffix(".star"))


def test_relative_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sub").mkdir()
    for path in ("a.star", "./b.star", "sub/../c.star", Path("sub/d.star")):
        write(path)
        assert Path(path).read_bytes() == TEXT
    assert litter(tmp_path, "a.star", "b.star", "c.star", "sub") == set()


def test_links_are_written_through(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "links").mkdir()
    target = tmp_path / "real" / "a.star"
    target.write_bytes(OLD)
    target.chmod(0o640)
    links = [tmp_path / "links" / name for name in ("relative", "absolute", "chain")]
    links[0].symlink_to("../real/a.star")
    links[1].symlink_to(target)
    links[2].symlink_to("relative")
    (tmp_path / "folder").symlink_to("real")
    monkeypatch.chdir(tmp_path / "links")
    for path in [*links, Path("relative"), tmp_path / "folder" / "a.star"]:
        target.write_bytes(OLD)
        write(path)
        assert (target.read_bytes(), mode(target)) == (TEXT, 0o640)
        assert path.name == "a.star" or path.is_symlink()
    assert (
        litter(tmp_path / "real", "a.star") == litter(tmp_path / "links", *(p.name for p in links)) == set()
    )


def test_links_that_lead_nowhere(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("b")
    write(tmp_path / "a")
    assert (tmp_path / "a").is_symlink()
    assert (tmp_path / "b").read_bytes() == TEXT
    (tmp_path / "c").symlink_to("none/d")
    with pytest.raises(FileNotFoundError) as caught:
        write(tmp_path / "c")
    assert caught.value.filename == str(tmp_path / "c")


def test_links_that_lead_in_circles(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    (tmp_path / "self").symlink_to("self")
    for name in ("a", "self"):
        with pytest.raises(OSError, match="symbolic links") as caught:
            write(tmp_path / name)
        assert (caught.value.errno, caught.value.filename) == (errno.ELOOP, str(tmp_path / name))
    assert litter(tmp_path, "a", "b", "self") == set()


# What is no file.


def test_fifo(tmp_path: Path) -> None:
    path = tmp_path / "fifo"
    os.mkfifo(path)
    found: list[bytes] = []
    reader = threading.Thread(target=lambda: found.append(path.read_bytes()))
    reader.start()
    write(path)
    reader.join()
    assert found == [TEXT]
    assert stat.S_ISFIFO(path.stat().st_mode)
    assert litter(tmp_path, "fifo") == set()


def test_a_pipe_that_nobody_reads(tmp_path: Path) -> None:
    read, end = os.pipe()
    os.close(read)
    with os.fdopen(end, "wb"), pytest.raises(BrokenPipeError) as caught:
        write(f"/proc/self/fd/{end}")
    assert caught.value.filename == f"/proc/self/fd/{end}"


def test_devices() -> None:
    write("/dev/null")
    assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)
    with pytest.raises(OSError, match="No space left on device") as caught:
        write("/dev/full")
    assert (caught.value.errno, caught.value.filename) == (errno.ENOSPC, "/dev/full")


def test_standard_output() -> None:
    code = f"import tomoset; tomoset.write_star({DATA!r}, '/dev/stdout')"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert run.stdout == TEXT


# Packed files.


@pytest.mark.parametrize("name", ["a.star.gz", "a.star.GZ", "a.star.zst", "a.gz"])
def test_packed_by_the_ending(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    write(path)
    is_gzip = name.lower().endswith("gz")
    assert path.read_bytes()[:2] == (b"\x1f\x8b" if is_gzip else b"\x28\xb5")
    unpacked = gzip.decompress(path.read_bytes()) if is_gzip else unpack(path.read_bytes())
    assert unpacked == TEXT
    assert tomoset.read_star(path)["x"].values == DATA["x"]


def unpack(data: bytes) -> bytes:
    return zstandard.ZstdDecompressor().stream_reader(io.BytesIO(data)).read()


@pytest.mark.parametrize("compression", ["none", "gzip", "zstd"])
def test_packed_as_told(tmp_path: Path, compression: Any) -> None:
    for target in (tmp_path / "a.star", tmp_path / "a.star.gz", tmp_path / "a.star.zst"):
        write(target, compression=compression)
        assert tomoset.read_star(target)["x"].values == DATA["x"]
    file = io.BytesIO()
    write(file, compression=compression)
    assert file.getvalue() == (tmp_path / "a.star").read_bytes()
    is_plain = file.getvalue() == TEXT
    assert is_plain == (compression == "none")


def test_packed_files_are_the_same_each_time(tmp_path: Path) -> None:
    for name in ("a.star.gz", "a.star.zst"):
        write(tmp_path / name)
        first = (tmp_path / name).read_bytes()
        write(tmp_path / name, threads=3)
        assert (tmp_path / name).read_bytes() == first
