"""What a STAR file is as a set: of tomograms, particles, trajectories, or of sets that go together."""

import textwrap
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from tomoset.cli.words import counted, printable
from tomoset.diagnostics import SEVERITIES

if TYPE_CHECKING:
    import pyarrow as pa

    from tomoset.sets.findings import Finding
    from tomoset.star import StarFile

_MOST_FINDINGS, _MOST_COUNTS = 12, 8
_INDENT = "  "


def set_lines(path: str, star: "StarFile", width: int | None) -> Iterator[str]:
    """Yield what a file holds as a set, and what is wrong with it; nothing for a file that is none."""
    what = _lines_of(star)
    if what is None:
        return
    from tomoset.exceptions import TomosetError

    yield ""
    try:
        yield from what(path, width)
    except (TomosetError, OSError) as error:
        yield from _wrapped(f"the set cannot be read: {error}", width, "")


def _lines_of(star: "StarFile") -> Callable[[str, int | None], Iterator[str]] | None:
    from tomoset.sets.kinds import kind_of

    lines = {
        "TomogramSet": _tomograms,
        "ParticleSet": _particles,
        "TrajectorySet": _trajectories,
        "ManifoldSet": _manifolds,
        "OptimisationSet": _optimisation,
    }
    return lines.get(kind_of(star) or "")


def _tomograms(path: str, width: int | None) -> Iterator[str]:
    from tomoset.cli.text_table import table_lines
    from tomoset.sets import TomogramSet
    from tomoset.sets.looks import summary_of

    tomos = TomogramSet.read(path, missing="skip")
    tilts = counted(tomos.num_tilts, "tilt")
    yield f"tomogram set of {tomos.layout.replace('relion', 'RELION ')}: {counted(len(tomos), 'tomogram')}, {tilts}"
    if len(tomos):
        summary = summary_of(tomos)
        known = [name for name in summary.column_names if summary.column(name).null_count < len(tomos)]
        yield from (f"{_INDENT}{line}" for line in table_lines(summary.select(known), width and width - 2))
    yield from _findings(tomos.validate(), width)


def _particles(path: str, width: int | None) -> Iterator[str]:
    from tomoset.sets import ParticleSet

    particles = ParticleSet.read(path)
    kind = "2D stacks" if particles.are_2d_stacks else "volumes"
    tomograms = counted(len(particles["rlnTomoName"].unique()), "tomogram")
    yield f"particle set: {counted(len(particles), 'particle')} of {tomograms}, {kind}"
    for words, label in (
        ("tomogram", "rlnTomoName"),
        ("class", "rlnClassNumber"),
        ("half set", "rlnRandomSubset"),
    ):
        if label in particles:
            yield from _wrapped(f"by {words}: {_counts(particles[label])}", width, _INDENT)
    yield from _findings(particles.validate(), width)


def _counts(column: "pa.Array") -> str:
    """Return how often the most frequent values are there."""
    counts = sorted(column.value_counts().to_pylist(), key=lambda entry: -entry["counts"])
    words = [f"{printable(str(entry['values']))}: {entry['counts']:,}" for entry in counts[:_MOST_COUNTS]]
    return ", ".join(words) + (
        f", and {len(counts) - _MOST_COUNTS:,} more" if len(counts) > _MOST_COUNTS else ""
    )


def _trajectories(path: str, width: int | None) -> Iterator[str]:
    from tomoset.sets import TrajectorySet

    trajectories = TrajectorySet.read(path)
    yield f"trajectory set: {counted(len(trajectories), 'trajectory')}"
    yield from _findings(trajectories.findings, width)


def _manifolds(path: str, width: int | None) -> Iterator[str]:
    from tomoset.sets import ManifoldSet

    manifolds = ManifoldSet.read(path)
    counted_manifolds = counted(manifolds.table.num_rows, "manifold")
    yield f"manifold set: {counted_manifolds} of {counted(len(manifolds), 'tomogram')}"


def _optimisation(path: str, width: int | None) -> Iterator[str]:
    from tomoset.sets import OptimisationSet

    opt = OptimisationSet.read(path)
    yield f"optimisation set: {counted(len(opt.files), 'file')}"
    yield from _findings(opt.validate(), width)


def _findings(found: "Sequence[Finding]", width: int | None) -> Iterator[str]:
    if not found:
        return
    # The worst first.
    found = sorted(found, key=lambda finding: SEVERITIES.index(finding.severity))
    yield ""
    yield counted(len(found), "finding")
    for finding in found[:_MOST_FINDINGS]:
        yield f"{_INDENT}{finding.severity} {finding.code}"
        yield from _wrapped(f"{finding.where}: {finding.found}", width)
        yield from _wrapped(f"RELION {finding.relion}; {finding.mend}", width)
    if len(found) > _MOST_FINDINGS:
        yield f"{_INDENT}and {len(found) - _MOST_FINDINGS:,} more"


def _wrapped(text: str, width: int | None, indent: str = 2 * _INDENT) -> list[str]:
    return textwrap.wrap(
        printable(text),
        width or 80,
        initial_indent=indent,
        subsequent_indent=indent,
        break_on_hyphens=False,
    )
