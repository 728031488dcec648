"""Files that Python writes: there as a whole or not at all."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from tomoset.replacing import replacing


def write(path: Path, text: bytes) -> None:
    with replacing(path) as file:
        file.write(text)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_new_file_has_the_mode_that_new_files_have(tmp_path: Path) -> None:
    write(tmp_path / "new", b"text")
    (tmp_path / "other").touch()
    assert (tmp_path / "new").read_bytes() == b"text"
    assert mode(tmp_path / "new") == mode(tmp_path / "other")


def test_the_mode_stays_and_links_do(tmp_path: Path) -> None:
    (tmp_path / "old").write_bytes(b"old")
    (tmp_path / "old").chmod(0o600)
    (tmp_path / "link").symlink_to("old")
    write(tmp_path / "link", b"new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "old").read_bytes() == b"new"
    assert mode(tmp_path / "old") == 0o600


def test_what_fails_leaves_the_old_file_and_nothing_beside_it(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"old")
    with pytest.raises(ZeroDivisionError), replacing(tmp_path / "file") as file:
        file.write(b"new")
        raise ZeroDivisionError
    assert (tmp_path / "file").read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_pipes_and_devices_are_written_to(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    code = "from pathlib import Path; import sys; print(Path(sys.argv[1]).read_text())"
    with subprocess.Popen([sys.executable, "-c", code, tmp_path / "pipe"], stdout=subprocess.PIPE) as reader:
        write(tmp_path / "pipe", b"text")
        assert reader.stdout is not None
        assert reader.stdout.read() == b"text\n"
    assert stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)
    with pytest.raises(OSError, match=r"No space left on device: '/dev/full'"):
        write(Path("/dev/full"), b"text")


@pytest.mark.parametrize(
    ("name", "error"), [("missing/file", FileNotFoundError), (".", IsADirectoryError), ("loop", OSError)]
)
def test_where_nothing_can_be_written(tmp_path: Path, name: str, error: type[OSError]) -> None:
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(error) as raised, replacing(tmp_path / name):
        raise AssertionError
    assert raised.value.filename == str(tmp_path / name)
