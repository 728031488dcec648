"""Rules that sets must keep; each says what RELION does where they are broken."""

from tomoset.check import (
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
from tomoset.check.optimisation import check_optimisation
from tomoset.check.particles import check_particles
from tomoset.check.rules import Rule
from tomoset.check.tomograms import check_tomograms
from tomoset.check.trajectories import check_trajectories

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
