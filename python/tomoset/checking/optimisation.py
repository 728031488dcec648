"""Rules of optimisation sets: the files they name, and those together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tomoset.checking.particles import check_particles
from tomoset.checking.paths import ODD_PATHS
from tomoset.checking.rules import Fault, Place, Rules
from tomoset.checking.tomograms import check_tomograms
from tomoset.checking.trajectories import check_trajectories
from tomoset.exceptions import TomosetError, printable
from tomoset.sets.findings import Finding, located

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import TypeVar

    from tomoset.sets.manifold_set import ManifoldSet
    from tomoset.sets.optimisation_set import OptimisationSet
    from tomoset.sets.tomogram_set import TomogramSet

    T = TypeVar("T")

__all__ = ["RULES", "check_manifolds", "check_optimisation", "named_findings", "unreadable"]

RULES = Rules()


def check_optimisation(opt: OptimisationSet) -> list[Finding]:
    """Give all that is wrong with what an optimisation set names, or may be, by the rules in `docs/rules.md`."""
    found = named_findings(opt)

    def read(name: str, what: Callable[[], T]) -> T | None:
        """Read a set; that it cannot be read is a finding."""
        try:
            return what()
        except (TomosetError, OSError) as error:
            found.append(unreadable(opt, name, error))
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
            found += check_manifolds(manifolds, tomos)
    return located(found)


def named_findings(opt: OptimisationSet) -> list[Finding]:
    """Give what is wrong with the names in an optimisation set, without line and column."""
    where = printable(opt.path or "<memory>", 1000)

    def place(fault: Fault) -> Place:
        return {"where": where, "path": opt.path, "block": opt._block_name, "row": 0, "label": fault.label}

    return list(RULES.findings(opt, place))


def unreadable(opt: OptimisationSet, name: str, error: Exception) -> Finding:
    """Say that a file cannot be read that an optimisation set names."""
    missing = not opt.is_there(name)
    why = "No such file" if missing else str(error).removesuffix("; RELION stops here")
    return Finding(
        "missing-file" if missing else "unreadable",
        "fatal",
        printable(opt.path or "<memory>", 1000),
        f"the {name}, {printable(opt.files[name], 1000)}: {why}",
        "stops here",
        "name another file, or mend it",
        path=opt.path,
        block=opt._block_name,
        row=0,
        label=opt.label_of(name),
    )


def check_manifolds(manifolds: ManifoldSet, tomos: TomogramSet) -> list[Finding]:
    """Give the manifolds of tomograms that a set does not have."""
    return [
        Finding(
            "unknown-tomogram",
            "silent",
            printable(manifolds.path or "<memory>", 1000),
            f"there are manifolds of {printable(name)!r}, which the set does not have",
            "leaves them out",
            "leave them out, or add the tomogram",
            name,
            path=manifolds.path,
            block=name,
        )
        for name in manifolds
        if name not in tomos
    ]


@RULES.rule(
    "S101",
    "no-particles-file",
    "fatal",
    "an optimisation set that names no particles or no tomograms",
    relion="stops in all jobs that need them",
    mend="name them: with_files()",
)
def _needed(opt: OptimisationSet) -> Iterator[Fault]:
    for name in ("particles", "tomograms"):
        if name not in opt.files:
            yield Fault(f"no file of {name} is named", label=opt.label_of(name))


@RULES.rule(
    "S102",
    "missing-reference",
    "warning",
    "a reference map, mask or curve that is not there",
    relion="stops in jobs that need it",
    mend="name another file: with_files()",
)
def _references(opt: OptimisationSet) -> Iterator[Fault]:
    for name, file in opt.files.items():
        if name.startswith("reference_") and not opt.is_there(name):
            yield Fault(f"there is no {printable(file, 1000)}", label=opt.label_of(name))


@RULES.also(ODD_PATHS)
def _odd_paths(opt: OptimisationSet) -> Iterator[Fault]:
    for name, file in opt.files.items():
        if file.startswith("/") or ".." in file.split("/"):
            yield Fault(f"the {name.replace('_', ' ')} is {printable(file, 1000)}", label=opt.label_of(name))
