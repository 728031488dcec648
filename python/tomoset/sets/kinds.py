"""Which kind of set a STAR file is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tomoset.sets.labels import GENERAL, GLOBAL, NAME

if TYPE_CHECKING:
    from tomoset.star import StarFile

__all__ = ["kind_of", "reader_hint"]


def kind_of(star: StarFile) -> str | None:
    """Give the name of the class that reads a file, such as ``ParticleSet``; None for a file that is no set."""
    first = next(iter(star), None)
    if first is None:
        return None
    if "particles" in star and NAME in star["particles"]:
        return "ParticleSet"
    if GENERAL in star and "rlnParticleNumber" in star[GENERAL]:
        return "TrajectorySet"
    if {"rlnTomoParticlesFile", "rlnTomoTomogramsFile"} & set(star[first].labels):
        return "OptimisationSet"
    if "rlnTomoManifoldType" in star[first]:
        return "ManifoldSet"
    for name in (GLOBAL, ""):
        if name in star and NAME in star[name]:
            # A set without a name for its block, or particles as picking leaves them.
            is_set = name == GLOBAL or "rlnCoordinateX" not in star[name]
            return (
                "TomogramSet" if is_set and "rlnCenteredCoordinateXAngst" not in star[name] else "ParticleSet"
            )
    return "ParticleSet" if NAME in star[first] and len(star) == 1 else None


def reader_hint(star: StarFile, wanted: str) -> str:
    """Say which class reads a file, if that is another than the one that was tried."""
    kind = kind_of(star)
    return f"; it is read by {kind}.read" if kind not in {None, wanted} else ""
