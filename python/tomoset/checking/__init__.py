"""Rules that sets must keep; each says what RELION does where they are broken."""

from tomoset.checking import (
    alignments,
    doses,
    images,
    optics,
    optimisation,
    particles,
    recorded,
    tomograms,
    trajectories,
)
from tomoset.checking.optimisation import check_optimisation
from tomoset.checking.particles import check_particles
from tomoset.checking.rules import Rule
from tomoset.checking.tomograms import check_tomograms
from tomoset.checking.trajectories import check_trajectories

__all__ = [
    "RULES",
    "Rule",
    "check_optimisation",
    "check_particles",
    "check_tomograms",
    "check_trajectories",
]

#: All rules.
RULES: tuple[Rule, ...] = (
    *tomograms.RULES,
    *optics.RULES,
    *alignments.RULES,
    *doses.RULES,
    *recorded.RULES,
    *images.RULES,
    *particles.RULES,
    *trajectories.RULES,
    *optimisation.RULES,
)
