"""Files mended: read, changed in memory, and replaced as a whole or not at all."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tomoset import _core
from tomoset.mending.fixes import ABSOLUTE, Choice, all_fixes
from tomoset.mending.projects import marked_root
from tomoset.mending.sameness import why_not_same
from tomoset.mending.series import renamed
from tomoset.mending.texts import Left, Made, Text, fix_text, read_text
from tomoset.remote import refuse_url
from tomoset.star import read_star

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tomoset.diagnostics import Diagnostic

__all__ = ["MendedFile", "mend_file", "mend_source", "project_of"]

#: Names of jobs and of what they made are compared by RELION as they stand in all files of the pipeline.
_NOT_MADE_RELATIVE = ["option", "node", "folder"]


#: What is said of addresses.
LOCAL = "files are mended on local disks alone"


@dataclass(frozen=True, slots=True)
class Source:
    """A file's text, how the file was packed, and what the file was when it was read."""

    text: bytes
    packing: str
    cr_only: bool
    stamp: tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class MendedFile:
    """A file with fixes, which are in the file only once it is written.

    Attributes
    ----------
    path : str
        The file; or a folder that cannot be listed, which ends in ``/``.
    made, left : tuple
        What was mended, and what there is a fix for and was left.
    faults : tuple of Diagnostic
        What is there after the fixes at which RELION stops, or which it reads otherwise, and that no fix mends; their
        lines are those of `after`. RELION reads a file with none of these, and with nothing left, as it stands.
    before, after : bytes
        The text, unpacked, as it was and as it is to be; empty if there is nothing to mend.
    error : str or None
        Why the file was not looked at.
    """

    path: str
    made: tuple[Made, ...] = ()
    left: tuple[Left, ...] = ()
    before: bytes = b""
    after: bytes = b""
    error: str | None = None
    faults: tuple[Diagnostic, ...] = ()
    _source: Source | None = None

    @property
    def is_changed(self) -> bool:
        """Whether there is something to write."""
        return self.before != self.after

    def write(self, *, durable: bool = True) -> None:
        """Put the text in the file's place, packed as the file was.

        The file is replaced as a whole or not at all. Its permissions are kept, and its owner if the system lets us.
        A link stays, and the file that it leads to is replaced; of a file with several names the others keep the old
        text.

        Parameters
        ----------
        durable : bool
            Whether to wait until it is on the disk.

        Raises
        ------
        OSError
            The file was written to since it was read, may not be written to, or the disk is full; it is then as it was.
        """
        if self._source is None or not self.is_changed:
            return
        # A file whose lines end in CRs was read with line feeds, and so it is to be written.
        _core.replace_text(self.path, self.after, self._source.packing, self._source.stamp, durable=durable)


def mend_file(
    path: str | os.PathLike[str],
    *,
    select: Iterable[str] | None = None,
    ignore: Iterable[str] = (),
    unsafe: bool = False,
    project_root: str | os.PathLike[str] | None = None,
) -> MendedFile:
    """Mend one file in memory; `MendedFile.write` puts the result in its place.

    Parameters
    ----------
    path : path
        A STAR file, which may be packed with gzip or zstd.
    select, ignore : iterable of str
        What is to be mended; as in `mend`.
    unsafe : bool
        Whether to make fixes that change what is read.
    project_root : path or None
        The project's folder, to which paths into it are made relative; else the nearest folder above the file with a
        pipeline. In a file of no project, paths are left.

    Returns
    -------
    MendedFile

    Raises
    ------
    OSError
        The file cannot be read, or its packed data is damaged.
    ValueError
        No code is called as `select` or `ignore` say, or there is no fix for what is selected; or an address is given.

    Examples
    --------
    >>> found = mend_file("particles.star", ignore=["L"])  # doctest: +SKIP
    >>> found.write()  # doctest: +SKIP
    """
    choice = Choice.of(select, ignore, unsafe=unsafe)
    refuse_url(path, LOCAL)
    where = os.fspath(path)
    return mend_source(where, choice, project_of(where) if project_root is None else os.fspath(project_root))


def project_of(path: str) -> str | None:
    """Give the project that a file is of, if there is a pipeline in a folder above it."""
    return marked_root(os.path.dirname(os.path.abspath(path)))  # noqa: PTH100, PTH120


def mend_source(path: str, choice: Choice, root: str | None, name: str | None = None) -> MendedFile:
    """Mend a file.

    Parameters
    ----------
    path : str
        The file.
    choice : Choice
        The fixes to make.
    root : str or None
        The project's folder, if the file is of one.
    name : str or None
        What the only block is to be called, if it is of a tilt series.
    """
    # Most files need nothing: they are read without being held.
    star = read_star(path, on_error="collect")
    known = {diagnostic.code for diagnostic in star.diagnostics}
    may_be_absolute = root is not None and ABSOLUTE in choice.codes and _holds_paths(star.blocks)
    is_renamed = name is not None and [block.name for block in star.blocks] != [name]
    if not known & set(all_fixes()) and not may_be_absolute and not is_renamed:
        return MendedFile(path, faults=_faults(star.diagnostics, choice))
    text, packing, cr_only, stamp = _core.load_text(path)
    source = Source(text, packing, cr_only, stamp)
    found = fix_text(text, choice.codes, cr_only=cr_only, asked=choice.asked)
    if may_be_absolute and root is not None and not cr_only:
        found = _made_relative(found, root)
    if is_renamed and name is not None and not cr_only:
        found = renamed(found, name)
    faults = _faults(found.diagnostics, choice)
    return MendedFile(path, found.made, found.left, found.before, found.after, faults=faults, _source=source)


def _faults(diagnostics: Iterable[Diagnostic], choice: Choice) -> tuple[Diagnostic, ...]:
    """Give what there is no fix for and is no mere note, as far as somebody asks for it."""
    return tuple(
        each
        for each in diagnostics
        if each.severity != "note" and each.code not in all_fixes() and choice.is_told(each.code)
    )


def _holds_paths(blocks: Iterable[object]) -> bool:
    kinds = dict(_core.path_labels())
    labels = {label for block in blocks for label in getattr(block, "labels", ())}
    return any(kinds.get(label, "option") not in _NOT_MADE_RELATIVE for label in labels)


def _made_relative(found: Text, root: str) -> Text:
    """Write paths into the project as they are from its folder."""
    after, count, labels = found.after, 0, []
    # Somebody may have come there by a link.
    for spelling in dict.fromkeys((os.path.abspath(root), os.path.realpath(root))):  # noqa: PTH100
        moved = _core.rebase_text(after, os.fsencode(spelling), b"", _NOT_MADE_RELATIVE)
        if moved is not None:
            after = moved[0]
            count += sum(column[2] for column in moved[1])
            labels += [column[1] for column in moved[1] if column[2]]
    if not count:
        return found
    name = all_fixes()[ABSOLUTE].name
    line = found.after[: _first_difference(found.after, after)].count(b"\n") + 1
    why = why_not_same(read_text(found.after), read_text(after), {ABSOLUTE})
    if why is not None:
        return replace(found, left=(*found.left, Left(ABSOLUTE, name, line, count, why)))
    made = Made(ABSOLUTE, name, line, count, f"paths in {', '.join(dict.fromkeys(labels))} become relative")
    return replace(found, after=after, made=(*found.made, made))


def _first_difference(one: bytes, other: bytes) -> int:
    stride = 1 << 16
    for start in range(0, len(one), stride):
        part, twin = one[start : start + stride], other[start : start + stride]
        if part != twin:
            pairs = enumerate(zip(part, twin, strict=False))
            return start + next((at for at, (a, b) in pairs if a != b), min(len(part), len(twin)))
    return len(one)
