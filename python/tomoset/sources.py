"""What a reader may be given, and the options it takes."""

from __future__ import annotations

import io
import os
from collections.abc import Iterable, Mapping
from typing import Literal, Protocol, TypeAlias

from tomoset import _core
from tomoset.dtypes import DtypeLike, dtype_names
from tomoset.remote import fetch, is_url, local_path

__all__ = [
    "Dtypes",
    "InvalidUtf8",
    "OnError",
    "StarSource",
    "Strings",
    "check_threads",
    "locate",
    "name_of",
    "read_options",
]


class Readable(Protocol):
    """Anything with a `read` method that gives bytes or text."""

    def read(self) -> bytes | str:
        """Give everything there is left."""
        ...


StarSource: TypeAlias = str | os.PathLike[str] | bytes | bytearray | memoryview | Readable
Dtypes: TypeAlias = Literal["relion", "infer", "string"] | Mapping[str, DtypeLike]
Strings: TypeAlias = Literal["large_string", "view", "dictionary"]
OnError: TypeAlias = Literal["raise", "collect"]
InvalidUtf8: TypeAlias = Literal["replace", "latin-1", "bytes"]

#: More share no work any better, and a system may not let them begin.
MOST_THREADS = 1024


def read_options(
    blocks: Iterable[str] | None,
    columns: Iterable[str] | None,
    dtypes: Dtypes,
    strings: Strings,
    on_error: OnError,
    invalid_utf8: InvalidUtf8,
    memory_map: bool,
    threads: int | None,
) -> _core.ReadOptions:
    """Check the options of a reader."""
    for option, word in (("strings", strings), ("on_error", on_error), ("invalid_utf8", invalid_utf8)):
        if not isinstance(word, str):
            raise TypeError(f"{option} must be a word, not {word!r}")
    if not isinstance(memory_map, bool):
        raise TypeError(f"memory_map must be True or False, not {memory_map!r}")
    check_threads(threads)
    return _core.ReadOptions(
        blocks=_names("blocks", blocks),
        columns=_names("columns", columns),
        dtypes=dtypes if isinstance(dtypes, str) else dtype_names(dtypes),
        strings=strings,
        on_error=on_error,
        invalid_utf8=invalid_utf8,
        memory_map=memory_map,
        threads=threads,
    )


def check_threads(threads: int | None) -> None:
    """Raise unless so many threads can share work."""
    if threads is None:
        return
    if not isinstance(threads, int) or isinstance(threads, bool):
        raise TypeError(f"threads must be a whole number, not {threads!r}")
    if threads < 1:
        raise ValueError(f"threads must be at least 1, or None for all; it is {threads}")
    if threads > MOST_THREADS:
        raise ValueError(f"threads must be at most {MOST_THREADS:,}; it is {threads}")


def _names(option: str, names: Iterable[str] | None) -> list[str] | None:
    if isinstance(names, str | bytes):
        raise TypeError(f"{option} must be a list of names; did you mean {option}=[{names!r}]?")
    if names is None:
        return None
    if not isinstance(names, Iterable):
        raise TypeError(f"{option} must be a list of names, not {names!r}")
    found = list(names)
    for name in found:
        if not isinstance(name, str):
            raise TypeError(f"{option} must hold names, not {name!r}")
    return found


def name_of(source: StarSource) -> str | None:
    """Give the path of an open file, if it has one, or the address of what was fetched."""
    if isinstance(source, str):
        return source
    name = getattr(source, "name", None)
    return name if isinstance(name, str) else None


def locate(source: StarSource) -> str | bytes:
    """Give a path, or the text itself."""
    match source:
        case str():
            return source if not is_url(source) else local_path(source) or fetch(source)
        case os.PathLike():
            return os.fsdecode(source)
        case bytes():
            return source
        case bytearray() | memoryview():
            return bytes(source)
        case io.TextIOBase() | io.IOBase():
            pass
        case _ if not hasattr(source, "read"):
            try:
                return bytes(memoryview(source))  # type: ignore[arg-type]
            except TypeError:
                kind = type(source).__name__
                raise TypeError(f"source must be a path, bytes or a file object, not {kind}") from None
    text = source.read()
    if isinstance(text, str):
        return text.encode()
    if isinstance(text, bytes):
        return text
    try:
        return bytes(memoryview(text))
    except TypeError:
        raise TypeError(f"read() gave {type(text).__name__} instead of bytes or text") from None
