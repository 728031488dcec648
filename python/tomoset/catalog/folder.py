"""The folder of a catalogue: made private, recognised by ``catalog.json``, locked while written."""

import errno
import fcntl
import json
import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tomoset.catalog.faults import CatalogFormatError
from tomoset.exceptions import CatalogBusy

FORMAT = 3
"""The layout that this version reads and writes."""
CARD = "catalog.json"
"""The file by which a catalogue is known."""

_LOCK = "catalog.lock"
_KIND = "tomoset catalogue"
_POLL_SECONDS = 0.2
_BEGINNINGS = re.compile(rf"{re.escape(_LOCK)}|\.{re.escape(CARD)}\.\d+\.tmp")
_NO_LOCKS_HERE = {errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP}


@contextmanager
def new_folder(folder: Path, wait: float = 0.0) -> Iterator[None]:
    """Make the folder, readable by its owner only, and mark it as a catalogue; it is locked meanwhile.

    Raises
    ------
    FileExistsError
        The folder holds something already.
    CatalogBusy
        Somebody else is making it.
    OSError
        It cannot be made or written.
    """
    _refuse_unsupported_name(folder)
    try:
        folder.mkdir(mode=0o700)
        force(folder.parent)
    except FileExistsError:
        _refuse_occupied(folder)
        folder.chmod(0o700)
    with locked(folder, wait):
        # Two may have come this far at once.
        _refuse_occupied(folder)
        card = {"kind": _KIND, "format": FORMAT}
        write_beside(folder / CARD, (json.dumps(card, indent=2) + "\n").encode())
        yield


def is_vacant(folder: Path) -> bool:
    """Tell whether a catalogue can be made here: nothing is there but what somebody left who was about to."""
    if not folder.is_dir():
        return not folder.exists()
    return all(_BEGINNINGS.fullmatch(path.name) for path in folder.iterdir())


def open_folder(folder: Path) -> None:
    """Make sure that the folder is a catalogue that this version can read.

    Raises
    ------
    FileNotFoundError, NotADirectoryError
        There is no such folder.
    CatalogFormatError
        It is something else, damaged, or written by a newer tomoset.
    """
    if not folder.exists():
        raise FileNotFoundError(errno.ENOENT, "no catalogue here; 'tomoset index' makes one", str(folder))
    if not folder.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(folder))
    _refuse_unsupported_name(folder)
    try:
        text = (folder / CARD).read_bytes()
    except FileNotFoundError:
        raise CatalogFormatError(f"{folder} is not a tomoset catalogue: it has no {CARD}") from None
    try:
        card = json.loads(text)
        kind, version = card["kind"], int(card["format"])
    except (ValueError, TypeError, KeyError) as fault:
        raise CatalogFormatError(f"{folder / CARD} is damaged: expected a kind and a format") from fault
    if kind != _KIND:
        raise CatalogFormatError(f"{folder} is not a tomoset catalogue: {CARD} says {kind!r}")
    if version != FORMAT:
        mend = "upgrade tomoset" if version > FORMAT else "index into a new folder"
        raise CatalogFormatError(
            f"{folder} has catalogue format {version}, this tomoset has format {FORMAT}: {mend}"
        )


@contextmanager
def locked(folder: Path, wait: float = 0.0) -> Iterator[bool]:
    """Keep other writers out; yields whether the file system could do so.

    Where it has no locks, the commits still refuse to overwrite each other.

    Parameters
    ----------
    folder
        The catalogue.
    wait
        Seconds for which to wait while somebody else is writing.

    Raises
    ------
    CatalogBusy
        Somebody else is writing.
    """
    descriptor = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    until = time.monotonic() + wait
    try:
        while True:
            try:
                alone = _lock(descriptor, folder)
                break
            except CatalogBusy:
                if not time.monotonic() < until:
                    raise
                time.sleep(_POLL_SECONDS)
        yield alone
    finally:
        os.close(descriptor)


def write_beside(path: Path, content: bytes) -> None:
    """Write a small file so that it is there as a whole or not at all."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with naming(path):
            with temporary.open("wb") as file:
                file.write(content)
            settle(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def settle(temporary: Path, path: Path) -> None:
    """Force a written file to the disk, then give it its name."""
    force(temporary)
    temporary.replace(path)
    force(path.parent)


def force(path: Path) -> None:
    """Force a file, or the names in a folder, to the disk."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        with naming(path):
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_subfolder(folder: Path) -> None:
    """Make a folder in one that is there, so that it is still there after a power cut."""
    try:
        folder.mkdir()
    except FileExistsError:
        return
    force(folder.parent)


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Name the file in faults of the system that do not say which it is, so that one knows which disk is full."""
    try:
        yield
    except OSError as fault:
        if fault.filename is not None:
            raise
        number = fault.errno or _number_in(str(fault))
        words = os.strerror(number) if number else str(fault).partition("\n")[0]
        raise OSError(number, words, str(path)) from fault


def _number_in(words: str) -> int:
    """Return the number of a fault of the system that compiled code tells in words."""
    found = re.search(r"\(os error (\d+)\)", words)
    return int(found[1]) if found else 0


def _lock(descriptor: int, folder: Path) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise CatalogBusy(f"another 'tomoset index' is writing to {folder}") from None
    except OSError as fault:
        if fault.errno in _NO_LOCKS_HERE:
            return False
        raise
    return True


def _refuse_occupied(folder: Path) -> None:
    if not folder.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(folder))
    if (folder / CARD).exists():
        raise FileExistsError(errno.EEXIST, "there is a catalogue already", str(folder))
    if not is_vacant(folder):
        message = "the folder is not empty and is no catalogue; choose another"
        raise FileExistsError(errno.EEXIST, message, str(folder))


def _refuse_unsupported_name(folder: Path) -> None:
    """Refuse the names that Delta's own path handling would lose."""
    name = str(folder)
    if not name.isprintable() or re.search(r"%[0-9A-Fa-f]{2}|\\", name):
        message = "the path of a catalogue must be UTF-8 without control characters, '\\' or '%' escapes"
        raise OSError(errno.EINVAL, message, name)
