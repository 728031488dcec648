"""What is known to be wrong, and is not told again: a file of findings without their lines."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from tomoset.checking.shown import named_as
from tomoset.exceptions import TomosetError, printable
from tomoset.replacing import replacing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from tomoset.sets.findings import Finding

__all__ = ["NAME", "Baseline", "BaselineError", "fingerprint", "read_baseline", "write_baseline"]

NAME = ".tomoset-baseline.json"
VERSION = 1

#: Code, block, column, tomogram, and what was found.
Key: TypeAlias = tuple[str, str | None, str | None, str | None, str]


class BaselineError(TomosetError, ValueError):
    """A file that is no baseline."""


class Baseline:
    """Findings that are known.

    Each is known by code, file, block, column, tomogram and what was found, not by its line: rows may be put in above.
    Of those that are alike, and of places that are told as one, so many are known as there were.
    """

    def __init__(self, folder: Path, known: dict[str, Counter[Key]]) -> None:
        self.folder = folder
        self.known = known
        self._left = {path: Counter(keys) for path, keys in known.items()}

    def takes(self, finding: Finding) -> bool:
        """Tell whether a finding is known, and count it."""
        left = self._left.get(_relative(finding.path, self.folder))
        key = _key(finding, self.folder)
        if left is None or left[key] < finding.count:
            return False
        left[key] -= finding.count
        return True

    def gone(self, is_looked_at: Callable[[str, str], bool]) -> int:
        """Give how many findings are no longer there, once all were asked for.

        Parameters
        ----------
        is_looked_at
            What tells by a file's absolute path and a code whether it would have been found.
        """
        return sum(
            count == self.known[path][key] and is_looked_at(self._absolute(path), key[0])
            for path, left in self._left.items()
            for key, count in left.items()
        )

    def passed_over(self, is_looked_at: Callable[[str, str], bool]) -> dict[str, Counter[Key]]:
        """Give, by file, what stays known since nobody looked whether it is there; `is_looked_at` is as in `gone`."""
        stay = {}
        for path, keys in self.known.items():
            place = self._absolute(path)
            left = Counter({key: count for key, count in keys.items() if not is_looked_at(place, key[0])})
            if left:
                stay[path] = left
        return stay

    def _absolute(self, path: str) -> str:
        return os.path.normpath(os.path.join(self.folder, os.fsdecode(_bytes(path))))  # noqa: PTH118


def fingerprint(finding: Finding, folder: Path) -> str:
    """Give what a finding is known by, as one word; it stays while rows are put in above."""
    words = [_relative(finding.path, folder), *(word or "" for word in _key(finding, folder))]
    return hashlib.blake2b(_bytes("\0".join(words)), digest_size=16).hexdigest()


def read_baseline(path: Path) -> Baseline:
    """Read a baseline.

    Raises
    ------
    BaselineError
        It is none.
    OSError
        It cannot be read.
    """
    where = printable(os.fspath(path), 1000)
    try:
        data = json.loads(path.read_text(encoding="utf-8", errors="surrogateescape"))
        if data["tomoset-baseline"] != VERSION:
            raise BaselineError(f"{where}: a baseline of version {data['tomoset-baseline']!r}, not {VERSION}")
        known: dict[str, Counter[Key]] = {}
        for file, rows in data["files"].items():
            keys = known.setdefault(_text(file), Counter())
            for row in rows:
                block, label, tomogram = (
                    None if row.get(name) is None else _text(row[name])
                    for name in ("block", "label", "tomogram")
                )
                key = (_text(row["code"]), block, label, tomogram, _text(row["found"]))
                keys[key] += int(row.get("count", 1))
    except BaselineError:
        raise
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise BaselineError(f"{where}: it is no baseline ({type(error).__name__}: {error})") from error
    return Baseline(_folder(path), known)


def _text(value: object) -> str:
    """Give what is text, and can be written as such again.

    Raises
    ------
    TypeError, ValueError
        It is not.
    """
    if not isinstance(value, str):
        raise TypeError(f"{printable(repr(value))} is no text")
    _bytes(value)
    return value


def write_baseline(
    path: Path, findings: Iterable[Finding], beside: Mapping[str, Counter[Key]] | None = None
) -> int:
    """Write what is known from now on; the file is replaced as a whole.

    Parameters
    ----------
    path
        The file.
    findings
        What is known, with absolute paths.
    beside
        What else is, as `Baseline.passed_over` gives it.

    Returns
    -------
    int
        How many rows are there of that alone.

    Raises
    ------
    OSError
        It cannot be written.
    """
    folder = _folder(path)
    files: dict[str, Counter[Key]] = {}
    for finding in findings:
        files.setdefault(_relative(finding.path, folder), Counter())[_key(finding, folder)] += finding.count
    alone = 0
    for name, keys in (beside or {}).items():
        own = files.setdefault(name, Counter())
        alone += len(keys.keys() - own.keys())
        # The greater number of each.
        files[name] = own | keys
    data = {"tomoset-baseline": VERSION, "files": {file: _rows(files[file]) for file in sorted(files)}}
    text = _bytes(json.dumps(data, indent=1, ensure_ascii=False) + "\n")
    with replacing(path) as file:
        file.write(text)
    return alone


def _rows(keys: Counter[Key]) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    for key in sorted(keys, key=lambda key: tuple(word or "" for word in key)):
        code, block, label, tomogram, found = key
        row = {"code": code, "block": block, "label": label, "tomogram": tomogram, "found": found}
        rows.append({name: value for name, value in row.items() if value is not None})
        if keys[key] > 1:
            rows[-1]["count"] = keys[key]
    return rows


def _key(finding: Finding, folder: Path) -> Key:
    # Lines of others that what was found names, and where the project lies now.
    found = named_as(re.sub(r":\d+:\d+:", ":", finding.found), f"{folder}/".replace("//", "/"), "")
    return (finding.id, finding.block, finding.label, finding.tomogram, found)


def _relative(path: str | None, folder: Path) -> str:
    if path is None:
        return ""
    # The same name in every locale.
    return os.fsencode(os.path.relpath(os.path.abspath(path), folder)).decode("utf-8", "surrogateescape")  # noqa: PTH100


def _bytes(text: str) -> bytes:
    """Give text as it is stored: bytes of names that are not UTF-8 stay as they are."""
    return text.encode("utf-8", "surrogateescape")


def _folder(path: Path) -> Path:
    return Path(os.path.abspath(path)).parent  # noqa: PTH100
