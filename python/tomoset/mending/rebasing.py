"""References that are moved from one folder to another, in all STAR files of a project at once."""

from __future__ import annotations

import contextlib
import fcntl
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tomoset import _core
from tomoset.exceptions import RebaseError, printable
from tomoset.mending.fixes import ABSOLUTE
from tomoset.mending.leftovers import clean_up
from tomoset.mending.projects import project_files
from tomoset.mending.sameness import why_not_same
from tomoset.mending.texts import read_text
from tomoset.remote import refuse_url
from tomoset.sets.together import Together

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Moved", "Rebased", "rebase"]

#: What the journal is called, and what the files that are made begin with.
_KIND = "rebase"
#: RELION has this folder while it writes to its pipeline.
_LOCK = ".relion_lock"


@dataclass(frozen=True, slots=True)
class Moved:
    """What is moved in one column of one file.

    Attributes
    ----------
    file : str
        From the project's folder.
    block, label : str
        The column.
    count : int
        How many values.
    examples : tuple of (str, str)
        Up to three values as they were, and as they are.
    """

    file: str
    block: str
    label: str
    count: int
    examples: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Rebased:
    """What was moved in a project, or would be.

    Attributes
    ----------
    moved : tuple of Moved
        By file and column.
    missing, outside : tuple of str
        New paths that lead to nothing, and out of the project.
    num_files : int
        Files that are changed.
    num_values : int
        Values that are changed.
    written : bool
        Whether the files are changed.
    """

    moved: tuple[Moved, ...]
    missing: tuple[str, ...]
    outside: tuple[str, ...]
    num_files: int
    num_values: int
    written: bool


def rebase(
    old: str | os.PathLike[str],
    new: str | os.PathLike[str],
    project: str | os.PathLike[str],
    *,
    dry_run: bool = False,
    durable: bool = True,
) -> Rebased:
    """Move references below one folder to another, in all STAR files of a project, or in none.

    Only references change: all other bytes of the files stay. They are compared folder by folder, so that ``Movies/a``
    is not in ``Movies/ab``; places in stacks (``000003@``) and formats (``:mrcs``) are kept. The files are put in their
    places with a journal: if the process ends meanwhile, all files are as they were, or the next call finishes it.

    Parameters
    ----------
    old : path
        The folder or file as references have it: from the project's folder, or absolute.
    new : path
        What stands for it from then on; ``"."`` is the project's folder itself.
    project : path
        The project's folder. Projects within it are left as they are.
    dry_run : bool
        Whether to change nothing.
    durable : bool
        Whether to wait until all is on the disk.

    Returns
    -------
    Rebased

    Raises
    ------
    RebaseError
        Nothing is below `old`; a value could not be written; a file changed meanwhile; a folder cannot be listed;
        RELION or somebody else is at work in the project. No file is changed then.
    ValueError
        `old` or `new` can be no path in a STAR file, or the project is an address.
    OSError
        A file cannot be read or written, for instance since the disk is full. No file is changed then. Where files
        that are made cannot be put in their places, it says so, and the next call goes on with them.

    Examples
    --------
    >>> tomoset.rebase("/old/disk/movies", "Movies", "my_project", dry_run=True)  # doctest: +SKIP
    """
    refuse_url(project, "references are moved on local disks alone")
    root = Path(os.path.abspath(project))  # noqa: PTH100 (links must stay)
    _check(os.fspath(old), "old")
    _check(os.fspath(new), "new")
    with _alone(root):
        if not dry_run:
            clean_up(root, _KIND)
        return _rebased(os.fspath(old), os.fspath(new), root, dry_run=dry_run, durable=durable)


def _rebased(old: str, new: str, root: Path, *, dry_run: bool, durable: bool) -> Rebased:
    target = "" if os.path.normpath(new) == "." else new
    moved: list[Moved] = []
    paths: dict[bytes, None] = {}
    stamps: dict[str, tuple[int, int, int, int]] = {}
    files, _, closed = project_files(root)
    for folder, why in closed:
        words = f"{printable(folder.rstrip('/'), 1000)}: {why}; nothing was moved"
        raise RebaseError(words, path=folder)
    with Together(root / _KIND, durable=durable, kind=_KIND) as together:
        for file in files:
            text, packing, cr_only, stamp = _core.load_text(file)
            found = _core.rebase_text(text, os.fsencode(old), os.fsencode(target), [])
            if found is None:
                continue
            after, columns = found
            name = os.path.relpath(file, root)
            for block, label, count, new_paths, examples, refused in columns:
                if refused:
                    words = f"{refused} of the new values of {label} can stand in no quotes"
                    raise RebaseError(f"{printable(file, 1000)}: {words}", path=file)
                paths.update(dict.fromkeys(new_paths))
                shown = tuple((_text(one), _text(other)) for one, other in examples)
                moved.append(Moved(name, block, label, count, shown))
            why = why_not_same(read_text(text), read_text(after), {ABSOLUTE})
            if why is not None:
                raise RebaseError(f"{printable(file, 1000)}: {why}", path=file)
            stamps[file] = stamp
            if not dry_run:
                made = after.replace(b"\n", b"\r") if cr_only else after
                together.add(file, _core.pack_text(made, packing), sync=False)
        if not moved:
            raise RebaseError(_nothing(old, root, len(files)), path=str(root))
        if not dry_run:
            together.sync()
            for file, stamp in stamps.items():
                if _stamp(file) != stamp:
                    words = "the file changed since it was read; nothing was moved"
                    raise RebaseError(f"{printable(file, 1000)}: {words}", path=file)
            together.commit()
    places = _core.look_up(root, list(paths)) if paths else []
    pairs = list(zip(paths, places, strict=True))
    return Rebased(
        tuple(moved),
        tuple(_text(path) for path, (_, _, present) in pairs if present is False),
        tuple(_text(path) for path, (inside, _, _) in pairs if not inside),
        len(stamps),
        sum(each.count for each in moved),
        not dry_run,
    )


def _check(path: str, name: str) -> None:
    """Refuse what can be no path in a STAR file."""
    if not path:
        raise ValueError(f"{name} is empty; the project's folder itself is '.'")
    if any(ord(letter) < 32 for letter in path):
        raise ValueError(
            f"{name} is {path!r}; a path in a STAR file is on one line, without control characters"
        )
    if name == "old" and os.path.normpath(path) == ".":
        raise ValueError("old is the project's folder itself; every relative path is below it")
    if name == "new" and "#" in path:
        raise ValueError(f"{name} is {path!r}; RELION opens no file whose path has a '#'")
    if name == "new" and "  " in path:
        raise ValueError(f"{name} is {path!r}; RELION makes one blank of several")


def _nothing(old: str, root: Path, count: int) -> str:
    where = f"{printable(str(root), 1000)}: no reference in {count:,} STAR file{'s' * (count != 1)}"
    return f"{where} is below {printable(old, 1000)}; nothing was moved"


@contextlib.contextmanager
def _alone(root: Path) -> Iterator[None]:
    """Keep others from moving references of the same project meanwhile."""
    if (root / _LOCK).exists():
        words = f"RELION is writing to the pipeline, or was stopped at it ({_LOCK} is there)"
        raise RebaseError(f"{printable(str(root), 1000)}: {words}", path=str(root))
    handle = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            words = "somebody else is moving references in it"
            raise RebaseError(f"{printable(str(root), 1000)}: {words}", path=str(root)) from None
        yield
    finally:
        os.close(handle)


def _stamp(file: str) -> tuple[int, int, int, int]:
    facts = os.stat(file)  # noqa: PTH116
    return facts.st_size, facts.st_ino, *divmod(facts.st_mtime_ns, 1_000_000_000)


def _text(path: bytes) -> str:
    return path.decode("utf-8", "backslashreplace")
