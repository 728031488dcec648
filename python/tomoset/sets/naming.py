"""Names of tomograms, and of the particles that are named after them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

__all__ = ["Renaming", "renamed_particles", "renaming"]

#: New names by old ones, or what makes them.
Renaming: TypeAlias = Mapping[str, str] | Callable[[str], str]


def renaming(names: Renaming) -> Callable[[str], str]:
    """Give what makes new names of old ones; those that are not mentioned stay."""
    return names if callable(names) else lambda name: names.get(name, name)


def renamed_particles(particles: list[str], names: Renaming) -> list[str]:
    """Rename particles with their tomograms: ``new/3`` for ``old/3``."""
    change = renaming(names)
    known: dict[str, str] = {}
    renamed = []
    for particle in particles:
        tomogram, slash, number = particle.rpartition("/")
        if slash and tomogram not in known:
            known[tomogram] = change(tomogram)
        renamed.append(f"{known[tomogram]}/{number}" if slash else particle)
    return renamed
