"""Whole trees mended, file by file."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from tomoset.exceptions import TomosetError
from tomoset.mending.files import LOCAL, MendedFile, mend_source, project_of
from tomoset.mending.fixes import RENAMED, Choice
from tomoset.mending.projects import Listed, star_files
from tomoset.mending.series import names_in_sets
from tomoset.remote import refuse_url

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

__all__ = ["mend"]


def mend(
    paths: str | os.PathLike[str] | Iterable[str | os.PathLike[str]],
    *,
    select: Iterable[str] | None = None,
    ignore: Iterable[str] = (),
    unsafe: bool = False,
    project_root: str | os.PathLike[str] | None = None,
) -> Iterator[MendedFile]:
    r"""Mend files, and all STAR files below folders, in memory; each is written by its `MendedFile.write`.

    A fix is *safe* if tomoset reads the same values before and after it, and RELION after it reads these values too.
    Whatever is mended is read again, and a fix after which anything else would be read is not made.

    Parameters
    ----------
    paths : path or iterable of paths
        Files, and folders whose files ending in ``.star``, ``.tomostar``, ``.star.gz`` and ``.star.zst`` are mended.
        Links below them are not followed. What several paths lead to is mended once.
    select : iterable of str or None
        What to mend, as in a check: codes, what codes begin with, and names, such as ``"R101"``, ``"R"`` and
        ``"rows-after-blank"``, or ``"all"``. All that there are fixes for, if it is None.
    ignore : iterable of str
        What not to mend, in the same way.
    unsafe : bool
        Whether to make fixes that change what is read, too.
    project_root : path or None
        The project that all files are of. Else each file is of the project whose pipeline is in the nearest folder
        above it; paths in files of none are left.

    Yields
    ------
    MendedFile
        In the order of the files' paths; those without anything to mend too, and with `MendedFile.error` those that
        cannot be read, and folders that cannot be listed.

    Raises
    ------
    OSError
        There is nothing at one of the paths.
    ValueError
        No code is called as `select` or `ignore` say, or there is no fix for what is selected; or an address is
        given.
    TypeError
        What is no path, such as bytes.

    Examples
    --------
    >>> for file in tomoset.mend("Import"):  # doctest: +SKIP
    ...     print(file.path, *file.made, sep="\n  ")
    ...     file.write()
    """
    choice = Choice.of(select, ignore, unsafe=unsafe)
    wanted = [paths] if isinstance(paths, str | bytes | os.PathLike) else list(paths)
    for path in wanted:
        refuse_url(path, LOCAL)
    given = [os.fspath(path) for path in wanted]
    for path in given:
        if not isinstance(path, str):
            raise TypeError(f"the path is {type(path).__name__}; it must be text or os.PathLike[str]")
    root = None if project_root is None else os.fspath(project_root)
    for path in given:
        # Told at once, and not when half is done.
        os.stat(path)  # noqa: PTH116
    return _mended(given, choice, root)


def _mended(paths: list[str], choice: Choice, root: str | None) -> Iterator[MendedFile]:
    listed = list(_each_once(paths))
    names: Mapping[str, str] = {}
    if RENAMED in choice.codes:
        names = names_in_sets((file for file, error in listed if error is None), root)
    for file, error in listed:
        yield _one(file, choice, root, names) if error is None else MendedFile(file, error=error)


def _each_once(paths: list[str]) -> Iterator[Listed]:
    """Give the files that paths stand for; of those that several paths lead to, the first."""
    known: set[str] = set()
    for path in paths:
        for each in star_files(path):
            # A tree alone has no file twice.
            real = os.path.realpath(each.path) if len(paths) > 1 else each.path
            if real not in known:
                known.add(real)
                yield each


def _one(file: str, choice: Choice, root: str | None, names: Mapping[str, str]) -> MendedFile:
    top = root if root is not None else project_of(file)
    name = names.get(os.path.realpath(file)) if names else None
    try:
        return mend_source(file, choice, top, name)
    except OSError as error:
        return MendedFile(file, error=error.strerror or str(error))
    except TomosetError as error:
        return MendedFile(file, error=str(error))
