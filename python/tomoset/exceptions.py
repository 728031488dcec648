"""What tomoset raises: its own errors, which are also the builtin ones that callers expect."""

from __future__ import annotations

import os
from typing import Any

__all__ = [
    "CatalogBusy",
    "MissingBlockError",
    "MissingLabelError",
    "MissingParticleError",
    "MissingTomogramError",
    "RebaseError",
    "SetError",
    "SeveralTablesError",
    "StarSyntaxError",
    "StarTypeError",
    "StarWriteError",
    "TomosetError",
]


def printable(text: str, longest: int = 60) -> str:
    """Give text that steers no terminal and floods no line: odd characters escaped, the middle left out."""
    if len(text) <= longest and text.isprintable():
        return text
    shown = "".join(
        c if c.isprintable() else c.encode("unicode_escape").decode() for c in text[: longest + 1]
    )
    return shown if len(text) <= longest else f"{shown[: longest - 3]}..."


class TomosetError(Exception):
    """Base of all errors that are tomoset's own; input and output errors stay `OSError`."""


def _rebuild(kind: type[TomosetError], facts: dict[str, Any]) -> TomosetError:
    return kind(**facts)


class _FaultError(TomosetError, ValueError):
    """A place in a STAR text where reading could not go on.

    Attributes
    ----------
    path : str or None
        The file, if there is one.
    line, column : int
        Where, counted from 1; columns count bytes.
    offset : int
        The same in bytes from the start of the (decompressed) text.
    block, label : str or None
        The block and label it belongs to.
    code : str
        A stable code such as ``"R201"``, listed in ``docs/format.md``.
    expected, found : str
        What the rule asks for and what stands there.
    """

    def __init__(
        self,
        *,
        path: str | os.PathLike[str] | None,
        line: int,
        column: int,
        offset: int,
        block: str | None,
        label: str | None,
        code: str,
        expected: str,
        found: str,
    ) -> None:
        self.path = None if path is None else os.fspath(path)
        self.line = line
        self.column = column
        self.offset = offset
        self.block = block
        self.label = label
        self.code = code
        self.expected = expected
        self.found = found
        super().__init__(str(self))

    def __str__(self) -> str:
        where = f"{printable(self.path or '<memory>', 1000)}:{self.line}:{self.column}: "
        if self.block is not None:
            where += f"block data_{printable(self.block)}: "
        if self.label is not None:
            where += f"label {printable(self.label)}: "
        return f"{where}expected {self.expected}, found {self.found} [{self.code}]"

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), dict(self.__dict__))


class StarSyntaxError(_FaultError):
    """The text breaks a rule of the STAR grammar."""


class StarTypeError(_FaultError):
    """A value does not fit its column's type."""


class StarWriteError(TomosetError, ValueError):
    """A value, label or name that a STAR file cannot hold, or that RELION would read as something else.

    Attributes
    ----------
    path : str or None
        The file that was to be written, which is as it was.
    block : str
        The block it belongs to; empty where it has no name, or where none was looked for.
    label : str or None
        The column, if it is about one.
    row : int or None
        The row of the table, counted from 0, if it is about one value of a loop.
    expected, found : str
        What can be written and what is there.
    """

    def __init__(
        self,
        *,
        path: str | os.PathLike[str] | None = None,
        block: str,
        label: str | None = None,
        row: int | None = None,
        expected: str,
        found: str,
    ) -> None:
        self.path = None if path is None else os.fspath(path)
        self.block = block
        self.label = label
        self.row = row
        self.expected = expected
        self.found = found
        super().__init__(str(self))

    def __str__(self) -> str:
        where = f"{printable(self.path or '<memory>', 1000)}: "
        if self.block:
            where += f"block data_{printable(self.block)}: "
        if self.label is not None:
            where += f"label {printable(self.label)}: "
        if self.row is not None:
            where += f"row {self.row}: "
        return f"{where}expected {self.expected}, found {self.found}"

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), dict(self.__dict__))


class _MissingError(TomosetError, KeyError):
    """A name that was asked for is not there."""

    def __init__(self, message: str, name: str, path: str | None = None) -> None:
        super().__init__(message, name, path)
        self.name = name
        self.path = path

    def __str__(self) -> str:
        return str(self.args[0])


class MissingBlockError(_MissingError):
    """No block has this name."""


class MissingLabelError(_MissingError):
    """No table that was read has this label."""


class MissingTomogramError(_MissingError):
    """No tomogram of the set has this name."""


class MissingParticleError(_MissingError):
    """No trajectory is of a particle of this name."""


class SeveralTablesError(TomosetError, ValueError):
    """A block of which one table is wanted holds several."""


class SetError(TomosetError, ValueError):
    """A tomogram or particle set whose files do not go together.

    Attributes
    ----------
    code : str
        Such as ``empty-tilt-series``; `docs/sets.md` lists them.
    path : str or None
        The file it is about.
    tomogram : str or None
        The tomogram it is about.
    row : int or None
        The row of the set's table, or of the block, counted from 0.
    block : str or None
        The block of the file, where it is about one.
    label : str or None
        The column.
    """

    def __init__(
        self,
        message: str,
        *,
        code: str,
        path: str | None = None,
        tomogram: str | None = None,
        row: int | None = None,
        block: str | None = None,
        label: str | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.path = path
        self.tomogram = tomogram
        self.row = row
        self.block = block
        self.label = label

    def __reduce__(self) -> tuple[Any, ...]:
        return _set_error, (str(self), dict(self.__dict__))


def _set_error(message: str, facts: dict[str, Any]) -> SetError:
    return SetError(message, **facts)


class RebaseError(TomosetError):
    """References were not moved, and no file was changed.

    Attributes
    ----------
    path : str
        The file or project it is about.
    """

    def __init__(self, message: str, path: str) -> None:
        super().__init__(message, path)
        self.path = path

    def __str__(self) -> str:
        return str(self.args[0])


class CatalogBusy(TomosetError):  # noqa: N818
    """Another process is writing to the catalogue."""
