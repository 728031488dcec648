"""Several files that are put in their places together.

Each is first written beside its place under another name. Then a journal is written that tells which file goes where,
and only then are they renamed, the set's own file last: if the process ends meanwhile, whoever reads or writes the set
next finishes it. There is one journal at a time, so that of two writers one waits for the other.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import secrets
import stat
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from tomoset.exceptions import SetError, printable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

__all__ = ["Together", "finish", "is_at_work"]

PREFIX, SUFFIX = ".tomoset-", ".tmp"
#: Files that are waited for at once.
_AT_ONCE = 32


class Together:
    """Files in the making; as a context that leaves nothing behind when it fails."""

    def __init__(self, main: Path, *, durable: bool, kind: str | None = None) -> None:
        self._main = main
        self.durable = durable
        #: The file made, the one it becomes, and what that was called, through whatever links.
        self._made: list[tuple[str, str, str]] = []
        self._folders: dict[str, str] = {}
        self._targets: set[str] = set()
        # What files of a kind are left can be told from others if the process ends.
        self._prefix = PREFIX if kind is None else f"{PREFIX}{kind}-"
        self._token = secrets.token_hex(8)

    def __enter__(self) -> Together:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for made, _, _ in self._made:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(made)  # noqa: PTH108 (a thousand Path objects take milliseconds)

    def reserve(self, name: str) -> tuple[str, str]:
        """Give the file to be made, and the one it becomes, for a place below the folder of the set's own file."""
        folder, _, base = name.rpartition("/")
        if folder not in self._folders:
            # Links stay, and lead to the new content.
            self._folders[folder] = os.path.realpath(folder)
            Path(self._folders[folder]).mkdir(parents=True, exist_ok=True)
        target = f"{self._folders[folder]}/{base}"
        if os.path.islink(target):  # noqa: PTH114
            target = os.path.realpath(target)
            Path(target).parent.mkdir(parents=True, exist_ok=True)
        if os.path.isdir(target):  # noqa: PTH112
            raise IsADirectoryError(21, "Is a directory", target)
        if target in self._targets:
            found = f"two files of the set would be one, {printable(target, 1000)}"
            raise SetError(
                f"{printable(str(self._main), 1000)}: {found}", code="collision", path=str(self._main)
            )
        self._targets.add(target)
        if not os.access(target, os.W_OK) and os.path.exists(target):  # noqa: PTH110
            raise PermissionError(13, "Permission denied", target)
        beside = os.path.dirname(target)  # noqa: PTH120
        if _is_kept(target, beside):
            raise PermissionError(1, "Operation not permitted", target)
        made = f"{beside}/{self._prefix}{self._token}-{len(self._made)}{SUFFIX}"
        self._made.append((made, target, name))
        return made, target

    def add(self, name: str, data: bytes, *, sync: bool = True) -> None:
        """Write a file beside its place, which is below the folder of the set's own file.

        With `sync` false it need not be on the disk yet; see `sync`.
        """
        made, target = self.reserve(name)
        with _named(target):
            self._write(made, target, data, sync=sync)

    def _write(self, made: str, target: str, data: bytes, *, sync: bool) -> None:
        handle = os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
        with open(handle, "wb") as file:  # noqa: PTH123 (a descriptor)
            file.write(data)
            file.flush()
            with contextlib.suppress(FileNotFoundError):
                facts = Path(target).stat()
                # Not everybody may give files away; this takes bits of the mode away, so it comes first.
                with contextlib.suppress(PermissionError):
                    os.fchown(handle, facts.st_uid, facts.st_gid)
                os.fchmod(handle, facts.st_mode & 0o7777)
            if self.durable and sync:
                os.fsync(handle)

    def sync(self) -> None:
        """Wait until all files that were made are on the disk: of many at once the disk makes less work."""
        if self.durable:
            with ThreadPoolExecutor(_AT_ONCE) as pool:
                for _ in pool.map(_sync, [(made, target) for made, target, _ in self._made]):
                    pass

    def commit(self) -> None:
        """Put all files in their places; the one that was added last comes last.

        Once the journal is there the files are its own: what stops here, whoever comes next finishes.
        """
        files = [(os.path.basename(made), name) for made, _, name in self._made]  # noqa: PTH119
        pairs = [(made, target) for made, target, _ in self._made]
        with _journal(self._main, files, self._prefix, durable=self.durable):
            self._made.clear()
            try:
                _rename(pairs, durable=self.durable)
            except BaseException:
                # Not to leave some of each, as far as that can be helped.
                try:
                    _rename(pairs, durable=self.durable, again=True)
                except OSError as error:
                    words = (
                        f"{error.strerror}; some files are new by now, and the next call finishes the others"
                    )
                    raise OSError(error.errno, words, error.filename2 or error.filename) from error
                _journal_path(self._main).unlink()
                raise


def finish(path: Path) -> None:
    """Finish a set whose writing was interrupted, once no other process is at it.

    Raises
    ------
    SetError
        It cannot be finished here.
    """
    journal = _journal_path(path)
    # Another writer may begin as soon as one is done.
    while journal.exists():
        try:
            # Whoever may not write can at least wait for a writer.
            mine = os.access(journal, os.W_OK)
            with journal.open("r+" if mine else "r", errors="replace") as file:
                fcntl.flock(file, fcntl.LOCK_EX if mine else fcntl.LOCK_SH)
                # Another process may have finished it while this one waited.
                if journal.exists() and os.path.samestat(os.fstat(file.fileno()), journal.stat()):
                    _rename(_pairs(journal, file.read()), durable=True, again=True)
                    journal.unlink()
        except FileNotFoundError:
            continue
        except OSError as error:
            raise _unfinished(path, f"cannot be finished here ({error})") from error


def is_at_work(path: Path) -> bool:
    """Whether somebody is writing a set at this moment."""
    return _journal_path(path).exists()


@contextlib.contextmanager
def _named(file: str) -> Iterator[None]:
    """Let faults name a file that people know; of a descriptor the system does not even say which disk is full."""
    try:
        yield
    except OSError as fault:
        raise OSError(fault.errno, fault.strerror, file) from fault


def _is_kept(target: str, folder: str) -> bool:
    """Whether a file cannot be replaced though it can be written to: another's, in a folder such as ``/tmp``."""
    facts, user = os.stat(folder), os.geteuid()  # noqa: PTH116
    if not facts.st_mode & stat.S_ISVTX or user in (0, facts.st_uid):
        return False
    try:
        return os.stat(target).st_uid != user  # noqa: PTH116
    except FileNotFoundError:
        return False


def _unfinished(path: Path, why: str) -> SetError:
    where = printable(str(path), 1000)
    name = _journal_path(path).name
    message = f"{where}: somebody began to write this set and was interrupted, and it {why}; see {name}"
    return SetError(message, code="interrupted", path=str(path))


def _journal_path(path: Path) -> Path:
    # One that is a link to a neighbour is known by that one's name.
    real = Path(os.path.realpath(path))
    name = real.name if str(real.parent) == os.path.realpath(path.parent) else path.name
    return path.parent / f"{PREFIX}{name}.journal"


@contextlib.contextmanager
def _journal(main: Path, files: list[tuple[str, str]], prefix: str, *, durable: bool) -> Iterator[None]:
    """Have a journal while files are renamed, locked so that others wait.

    It has the names of files that were made, and what each becomes, from the folder of the set's own file.
    """
    folder = main.parent
    pairs = [[made, os.path.relpath(name, folder)] for made, name in files]
    with _named(str(folder)):
        handle, name = tempfile.mkstemp(SUFFIX, prefix, folder)
    journal = _journal_path(main)
    with open(handle, "w") as file:  # noqa: PTH123 (a descriptor)
        fcntl.flock(file, fcntl.LOCK_EX)
        with _named(str(folder)):
            json.dump({"files": pairs}, file)
            file.flush()
            if durable:
                os.fsync(handle)
        try:
            _put(Path(name), journal, main)
        finally:
            Path(name).unlink()
        if durable:
            _sync_folder(folder)
        yield
        journal.unlink()


def _put(made: Path, journal: Path, main: Path) -> None:
    """Give the journal its name, once no other writer has one there."""
    while True:
        try:
            journal.hardlink_to(made)
        except FileExistsError:
            # Another one's, who may be at it, so that this waits.
            finish(main)
        else:
            return


def _pairs(journal: Path, text: str) -> list[tuple[str, str]]:
    """Give what goes where; a journal that is not ours moves nothing."""
    try:
        found = [(str(made), str(name)) for made, name in json.loads(text)["files"]]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise _unfinished(_main(journal), "has a journal that cannot be read") from None
    pairs = []
    for made, name in found:
        odd = os.path.isabs(name) or ".." in Path(name).parts  # noqa: PTH117
        if odd or not made.startswith(PREFIX) or Path(made).name != made:
            raise _unfinished(_main(journal), "has a journal that is not of tomoset")
        # As when they were made: beside the file that links lead to.
        target = os.path.realpath(os.path.join(journal.parent, name.replace("\0", "")))  # noqa: PTH118
        pairs.append((os.path.join(os.path.dirname(target), made), target))  # noqa: PTH118, PTH120
    return pairs


def _main(journal: Path) -> Path:
    return journal.with_name(journal.name.removeprefix(PREFIX).removesuffix(".journal"))


def _rename(made: list[tuple[str, str]], *, durable: bool, again: bool = False) -> None:
    """Give files their names; `again` if some may have them since before an interruption."""
    for path, target in made:
        try:
            os.replace(path, target)  # noqa: PTH105 (a thousand Path objects take milliseconds)
        except FileNotFoundError:
            if not again:
                raise
    if durable:
        for folder in {os.path.dirname(target) for _, target in made}:  # noqa: PTH120
            _sync_folder(Path(folder))


def _sync(pair: tuple[str, str]) -> None:
    """Bring a file that was made to the disk; the second is the one it becomes."""
    made, target = pair
    with _named(target):
        handle = os.open(made, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _sync_folder(folder: Path) -> None:
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
