"""The name `starfile`, and its version, given to `tomoset.compat.starfile` within this process."""

from __future__ import annotations

import importlib
import sys
from email.message import EmailMessage
from importlib.metadata import Distribution, DistributionFinder
from typing import TYPE_CHECKING, Any

from tomoset.compat.starfile.writer import __version__ as _VERSION  # noqa: N812

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType

__all__ = ["install", "uninstall"]

_PARTS = ("", ".functions", ".parser", ".typing", ".utils", ".writer")


def install() -> None:
    """Make ``import starfile``, and of its modules, give `tomoset.compat.starfile` in this process.

    ``importlib.metadata.version("starfile")`` is then the version that it stands in for. What was imported from
    `starfile` before stays what it is. Doing it twice changes nothing.
    """
    if any(isinstance(finder, _Finder) for finder in sys.meta_path):
        return
    finder = _Finder({name: sys.modules.pop(name) for name in _starfile_modules()})
    sys.meta_path.insert(0, finder)
    for part in _PARTS:
        sys.modules[f"starfile{part}"] = importlib.import_module(f"tomoset.compat.starfile{part}")
    importlib.invalidate_caches()


def uninstall() -> None:
    """Undo `install`: ``import starfile`` gives the package `starfile` again, if there is one."""
    for finder in [finder for finder in sys.meta_path if isinstance(finder, _Finder)]:
        sys.meta_path.remove(finder)
        for name in _starfile_modules():
            del sys.modules[name]
        sys.modules.update(finder.before)
    importlib.invalidate_caches()


def _starfile_modules() -> list[str]:
    return [name for name in sys.modules if name == "starfile" or name.startswith("starfile.")]


class _Finder(DistributionFinder):
    """Keeps other modules of a `starfile` that is installed away, and tells the version."""

    def __init__(self, before: dict[str, ModuleType]) -> None:
        self.before = before

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None = None,
        target: ModuleType | None = None,
    ) -> ModuleSpec | None:
        # All there are were put into `sys.modules`; the others are found below the package's own folder.
        if fullname == "starfile":
            return importlib.import_module("tomoset.compat.starfile").__spec__
        return None

    def find_distributions(
        self,
        context: DistributionFinder.Context = DistributionFinder.Context(),  # noqa: B008
    ) -> Iterator[Distribution]:
        if (context.name or "").lower() == "starfile":
            yield _Starfile()


class _Starfile(Distribution):
    """What `importlib.metadata` tells of `starfile`."""

    def read_text(self, filename: str) -> str | None:
        if filename != "METADATA":
            return None
        message = EmailMessage()
        message["Metadata-Version"] = "2.1"
        message["Name"] = "starfile"
        message["Version"] = _VERSION
        return message.as_string()

    def locate_file(self, path: Any) -> Any:  # noqa: ANN401
        raise FileNotFoundError(f"{path} belongs to no package that is installed")
