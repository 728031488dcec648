"""Names of tomograms, and of what is named after them: particles and tilt series' files."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import TypeAlias

from tomoset import _core
from tomoset.exceptions import MissingTomogramError, printable
from tomoset.sets.paths import repeated

__all__ = ["Renaming", "renamed_file", "renamed_particle", "renaming", "tomogram_of"]

#: New names by old ones, or what makes them.
Renaming: TypeAlias = Mapping[str, str] | Callable[[str], str]


def renaming(names: Renaming, known: Collection[str], path: str | None = None) -> dict[str, str]:
    """Give the new name of each tomogram; those that are not mentioned keep theirs.

    Parameters
    ----------
    names
        New names by old ones, or what makes them.
    known : collection of str
        Names of all tomograms.
    path : str, optional
        The file they are of.

    Raises
    ------
    MissingTomogramError
        A name that is not known.
    ValueError
        A name that is none, or two tomograms of one name.
    """
    if callable(names):
        renamed = {name: names(name) for name in known}
    else:
        for name in names:
            if name not in known:
                meant = _core.hint(name, "data_", list(known)) if isinstance(name, str) else ""
                where = f"{printable(path, 1000)}: " if path else ""
                raise MissingTomogramError(
                    f"{where}no tomogram {name!r} among {len(known)}{meant}", name, path
                )
        renamed = {name: names.get(name, name) for name in known}
    for name in renamed.values():
        if not isinstance(name, str) or not name:
            raise ValueError(f"a tomogram cannot be named {name!r}")
    for name in repeated(renamed.values()):
        raise ValueError(f"there would be two tomograms named {name!r}")
    return renamed


def tomogram_of(particle: str) -> str | None:
    """Give the tomogram after which a particle is named: ``TS_01`` of ``TS_01/3``."""
    tomogram, slash, _ = particle.rpartition("/")
    return tomogram if slash else None


def renamed_particle(particle: str, renamed: Mapping[str, str]) -> str:
    """Rename a particle with its tomogram: ``new/3`` for ``old/3``."""
    tomogram, slash, number = particle.rpartition("/")
    return f"{renamed.get(tomogram, tomogram)}/{number}" if slash else particle


def renamed_file(file: str | None, old: str, new: str) -> str | None:
    """Rename the file of a tilt series with its tomogram, if it is named after it."""
    folder, slash, name = (file or "").rpartition("/")
    return f"{folder}{slash}{new}.star" if name == f"{old}.star" and "/" not in new else file
