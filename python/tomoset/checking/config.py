"""How a facility, or a project, wants to be checked: ``.tomoset.toml``, or a table of ``pyproject.toml``."""

from __future__ import annotations

import fnmatch
import os
import re
import tomllib
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tomoset import _core
from tomoset.checking.registry import chosen
from tomoset.diagnostics import SEVERITIES, Severity
from tomoset.exceptions import TomosetError, printable

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Config", "ConfigError", "find_config", "read_config"]

OWN, SHARED = ".tomoset.toml", "pyproject.toml"


class ConfigError(TomosetError, ValueError):
    """A file of options that says what no option is, or what it cannot be."""


@dataclass(frozen=True)
class Config:
    """What a file of options says.

    Attributes
    ----------
    path
        The file; None if there is none.
    select, ignore
        Codes, beginnings of codes, or names.
    severity
        The least severity that is told; None where the file does not say.
    images, recall
        As in `tomoset.check`.
    baseline
        The file of what is known, absolute; None for one in each project.
    exclude
        Patterns of paths, relative to the file's folder, that are not told of.
    """

    path: Path | None = None
    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    severity: Severity | None = None
    images: bool = False
    recall: bool = False
    baseline: Path | None = None
    exclude: tuple[str, ...] = ()

    def excludes(self, path: str) -> bool:
        """Tell whether nothing is told of a file: it, or a folder above it, is as a pattern says."""
        if not self.exclude or self.path is None:
            return False
        # Names are the same in every locale, as the file is.
        relative = os.fsencode(os.path.relpath(path, self.path.parent)).decode("utf-8", "surrogateescape")
        parts = relative.split("/")
        ways = ["/".join(parts[: at + 1]) for at in range(len(parts))]
        fits = _any_of(self.exclude).match
        return any(fits(way) for way in ways)


@lru_cache(maxsize=64)
def _any_of(patterns: tuple[str, ...]) -> re.Pattern[str]:
    """Give what fits where one of some patterns does; to ask them one by one takes ten times as long."""
    return re.compile("|".join(fnmatch.translate(pattern.rstrip("/")) for pattern in patterns))


def find_config(path: str | os.PathLike[str]) -> Config:
    """Read the options for a path: of the nearest folder above it, or itself, that has some.

    Raises
    ------
    ConfigError
        They cannot be read; it names the file, and what is allowed.
    """
    start = Path(os.path.abspath(path))  # noqa: PTH100  links stay
    for folder in (start, *start.parents):
        for name in (OWN, SHARED):
            file = folder / name
            if file.is_file():
                found = read_config(file)
                if found is not None:
                    return found
    return Config()


def read_config(path: Path) -> Config | None:
    """Read a file of options; None for a ``pyproject.toml`` that has none.

    Raises
    ------
    ConfigError
        As in `find_config`.
    """
    where = printable(os.fspath(path), 1000)
    try:
        whole = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        # A number of thousands of digits is a ValueError of its own.
        deep = "it is nested too deeply" if isinstance(error, RecursionError) else None
        why = deep or getattr(error, "strerror", None) or str(error)
        raise ConfigError(f"{where}: it cannot be read: {why}") from error
    prefix = ""
    if path.name == SHARED:
        prefix = "tool.tomoset."
        whole = whole.get("tool", {})
        whole = whole.get("tomoset", {}) if isinstance(whole, dict) else {}
        if not isinstance(whole, dict):
            raise ConfigError(f"{where}: [tool.tomoset] is no table")
        if not whole:
            return None
    _refuse_others(where, f"table [{prefix}", "]", whole, ["check"])
    table = whole.get("check", {})
    if not isinstance(table, dict):
        raise ConfigError(f"{where}: [{prefix}check] is no table")
    return _of_table(path, where, f"[{prefix}check]", table)


def _of_table(path: Path, where: str, title: str, table: Mapping[str, Any]) -> Config:
    allowed = ["select", "ignore", "severity", "images", "recall", "baseline", "exclude"]
    _refuse_others(where, f"option {title} ", "", table, allowed)
    found = Config(path)
    for name, value in table.items():
        what = f"{where}: {title} {name} is {value!r}"
        if name in ("select", "ignore", "exclude"):
            if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
                raise ConfigError(f"{what}; it must be a list of texts")
            if name != "exclude":
                try:
                    chosen(value)
                except ValueError as error:
                    raise ConfigError(f"{what}: {error}") from None
            found = replace(found, **{name: tuple(value)})  # type: ignore[arg-type]
        elif name == "severity":
            if value not in SEVERITIES:
                raise ConfigError(f"{what}; it must be one of {', '.join(SEVERITIES)}")
            found = replace(found, severity=value)
        elif name == "baseline":
            if not isinstance(value, str) or not value:
                raise ConfigError(f"{what}; it must be a path")
            found = replace(found, baseline=path.parent / os.fsdecode(value.encode()))
        elif not isinstance(value, bool):
            raise ConfigError(f"{what}; it must be true or false")
        else:
            found = replace(found, **{name: value})  # type: ignore[arg-type]
    return found


def _refuse_others(where: str, before: str, after: str, table: Mapping[str, Any], allowed: list[str]) -> None:
    for name in table:
        if name not in allowed:
            hint = _core.hint(name, "", allowed)
            known = ", ".join(allowed)
            shown = printable(name)
            raise ConfigError(f"{where}: there is no {before}{shown}{after}{hint}; allowed: {known}")
