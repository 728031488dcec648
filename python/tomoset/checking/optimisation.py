"""Rules of optimisation sets: the files they name, and those together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tomoset.checking.particles import check_particles
from tomoset.checking.rules import Fault, Rules
from tomoset.checking.tomograms import check_tomograms
from tomoset.checking.trajectories import check_trajectories
from tomoset.exceptions import TomosetError, printable
from tomoset.sets.findings import Finding
from tomoset.sets.manifold_set import ManifoldSet

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import TypeVar

    from tomoset.sets.optimisation_set import OptimisationSet

    T = TypeVar("T")

__all__ = ["RULES", "check_optimisation"]

RULES = Rules()


def check_optimisation(opt: OptimisationSet) -> list[Finding]:
    """Give all that is wrong with what an optimisation set names, or may be, by the rules in `docs/rules.md`."""
    path = printable(opt.path or "<memory>", 1000)
    found = list(RULES.findings(opt, lambda _: path, lambda _: None))

    def read(name: str, what: Callable[[], T]) -> T | None:
        """Read a set; that it cannot be read is a finding."""
        try:
            return what()
        except (TomosetError, OSError) as error:
            missing = not opt.is_there(name)
            why = "No such file" if missing else str(error).removesuffix("; RELION stops here")
            found.append(
                Finding(
                    "missing-file" if missing else "unreadable",
                    "fatal",
                    path,
                    f"the {name}, {printable(opt.files[name], 1000)}: {why}",
                    "stops here",
                    "name another file, or mend it",
                )
            )
            return None

    tomos = read("tomograms", lambda: opt.tomograms)
    if tomos is not None:
        found += check_tomograms(tomos)
    # Particles are looked at also where the tomograms cannot be.
    particles = read("particles", lambda: opt.read_particles(tomos))
    if particles is not None:
        found += check_particles(particles)
    trajectories = read("trajectories", opt.read_trajectories)
    if trajectories is not None:
        found += trajectories.findings if particles is None else check_trajectories(trajectories, particles)
    if "manifolds" in opt.files:
        manifolds: ManifoldSet | None = read("manifolds", lambda: opt.manifolds)
        if manifolds is not None and tomos is not None:
            for name in manifolds:
                if name not in tomos:
                    found.append(
                        Finding(
                            "unknown-tomogram",
                            "silent",
                            printable(manifolds.path or "<memory>", 1000),
                            f"there are manifolds of {printable(name)!r}, which the set does not have",
                            "leaves them out",
                            "leave them out, or add the tomogram",
                            name,
                        )
                    )
    return found


@RULES.rule(
    "no-particles-file",
    "fatal",
    "an optimisation set that names no particles or no tomograms",
    relion="stops in all jobs that need them",
    mend="name them: with_files()",
)
def _needed(opt: OptimisationSet) -> Iterator[Fault]:
    for name in ("particles", "tomograms"):
        if name not in opt.files:
            yield Fault(f"no file of {name} is named")


@RULES.rule(
    "missing-reference",
    "warning",
    "a reference map, mask or curve that is not there",
    relion="stops in jobs that need it",
    mend="name another file: with_files()",
)
def _references(opt: OptimisationSet) -> Iterator[Fault]:
    for name, file in opt.files.items():
        if name.startswith("reference_") and not opt.is_there(name):
            yield Fault(f"there is no {printable(file, 1000)}")
