"""Rules that sets must keep, each of which says what RELION does where it is broken; whole trees that are checked."""

from typing import TYPE_CHECKING, Any

from tomoset.checking import (
    alignments,
    doses,
    images,
    optics,
    optimisation,
    particles,
    paths,
    pipeline,
    projects,
    recorded,
    rewritten,
    tomograms,
    trajectories,
)
from tomoset.checking.optimisation import check_optimisation
from tomoset.checking.particles import check_particles
from tomoset.checking.rules import Rule
from tomoset.checking.tomograms import check_tomograms
from tomoset.checking.trajectories import check_trajectories

if TYPE_CHECKING:
    from tomoset.checking.run import check

__all__ = [
    "RULES",
    "Rule",
    "check",
    "check_optimisation",
    "check_particles",
    "check_tomograms",
    "check_trajectories",
]

#: All rules, each once.
RULES: tuple[Rule, ...] = tuple(
    {
        rule.id: rule
        for rules in (
            optimisation.RULES,
            particles.TOGETHER,
            particles.ALONE,
            particles.STACKS,
            tomograms.RULES,
            paths.RULES,
            optics.RULES,
            alignments.RULES,
            doses.RULES,
            recorded.RULES,
            rewritten.RULES,
            images.RULES,
            trajectories.RULES,
            projects.RULES,
            projects.GENERATIONS,
            pipeline.RULES,
        )
        for rule in rules
    }.values()
)


def __getattr__(name: str) -> Any:  # noqa: ANN401
    # What walks and starts processes is not needed where a set is looked at.
    if name == "check":
        from tomoset.checking.run import check

        return check
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
