"""The codes of what is found while sets are read; rules have theirs beside them, the reader in its core."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from tomoset.diagnostics import Severity

__all__ = ["READING", "Code"]


class Code(NamedTuple):
    """A code of a finding.

    Attributes
    ----------
    id, name : str
        Such as ``O101`` and ``odd-hand``: the letter says what it is about.
    severity : {"fatal", "silent", "warning", "note"}
        As in `Finding`; a finding may be worse, or less bad.
    about : str
        What is wrong.
    relion : str
        What RELION does, after the word "RELION".
    mend : str
        What can be done.
    """

    id: str
    name: str
    severity: Severity
    about: str
    relion: str
    mend: str


def _codes(*rows: tuple[str, str, Severity, str, str, str]) -> tuple[Code, ...]:
    return tuple(Code(*row) for row in rows)


#: In 200 are those without which nothing can be made of the set, or of the tomogram.
READING = _codes(
    (
        "T106",
        "unnamed-block",
        "fatal",
        "the block with the tomograms has no name",
        "looks for a block named 'global', and takes the file for no set",
        "name the block global",
    ),
    (
        "T107",
        "blocks-out-of-order",
        "fatal",
        "blocks of a RELION 4 file that are in another order than its rows",
        "takes such a file for corrupted",
        "put the blocks in the order of the rows",
    ),
    (
        "T201",
        "no-tomograms",
        "fatal",
        "no block global, or no rows in it",
        "takes such a file for none",
        "name the block global, and give it a row for each tomogram",
    ),
    (
        "T202",
        "no-names",
        "fatal",
        "tomograms or particles without the column rlnTomoName",
        "stops here",
        "add the column",
    ),
    (
        "T203",
        "missing-block",
        "fatal",
        "a tilt series that has no block of its tomogram's name",
        "stops here, as it wants that very name",
        "rename the block, or the tomogram",
    ),
    (
        "T204",
        "empty-tilt-series",
        "fatal",
        "a tilt series without rows",
        "stops here",
        "remove the tomogram's row, or import the tilt series again",
    ),
    (
        "T205",
        "interrupted",
        "fatal",
        "writing the set was interrupted, and cannot be finished here",
        "reads a set of old and new files",
        "see what the message says, and write the set again",
    ),
    (
        "N105",
        "shared-file",
        "silent",
        "two tilt series in one file",
        "reads it, and writes one over the other",
        "give each a file of its own",
    ),
    (
        "N201",
        "empty-name",
        "fatal",
        "a tomogram without a name",
        "looks for a block without a name",
        "give it a name",
    ),
    (
        "N202",
        "repeated-name",
        "fatal",
        "two tomograms, or two trajectories, of one name",
        "takes the first of them in some places and the last in others",
        "rename one of them",
    ),
    (
        "N203",
        "no-path",
        "fatal",
        "an empty rlnTomoTiltSeriesStarFile",
        "stops here",
        "give it a path",
    ),
    (
        "N204",
        "missing-file",
        "fatal",
        "a file of a set that is not there",
        "stops here",
        "bring the file back, name another, or remove the row",
    ),
    (
        "N205",
        "outside",
        "fatal",
        "the path of a set's file that leads out of the project",
        "would read it",
        "bring the file into the project",
    ),
    (
        "P201",
        "no-particles",
        "fatal",
        "no block particles, or no rows in it",
        "stops here",
        "name the block particles, and give it a row for each particle",
    ),
    (
        "P202",
        "no-coordinates",
        "fatal",
        "particles with neither centred coordinates nor those from the corner",
        "stops here",
        "add rlnCenteredCoordinateXAngst, Y and Z",
    ),
    (
        "P203",
        "unknown-optics-group",
        "fatal",
        "a particle of an optics group that is not there",
        "reads beyond the groups",
        "add the group, or set rlnOpticsGroup",
    ),
    (
        "P111",
        "optics-out-of-order",
        "silent",
        "optics groups that are not 1 to n in their order",
        "takes the group's number for its row, and so the optics of another group",
        "sort the groups by number, and number them from 1",
    ),
    (
        "P112",
        "no-stack-flag",
        "fatal",
        "a block general without rlnTomoSubTomosAre2DStacks",
        "stops here",
        "add it: 1 for 2D stacks, 0 for volumes",
    ),
    (
        "P113",
        "unknown-tomogram",
        "silent",
        "particles or manifolds of a tomogram that the set does not have",
        "leaves them out with a warning in some jobs, and reads what is not there in refinement",
        "leave them out, or add the tomogram",
    ),
    (
        "M105",
        "trajectory-count",
        "warning",
        "rlnParticleNumber that is not the number of trajectories",
        "stops if there are more particles than the number, and reads none for the last ones where it is too large",
        "set rlnParticleNumber to the number of blocks",
    ),
    (
        "M106",
        "empty-trajectory",
        "fatal",
        "a trajectory without rows",
        "stops where it compares lengths",
        "leave it and its particle out",
    ),
    (
        "M201",
        "no-trajectories",
        "fatal",
        "no block general with rlnParticleNumber",
        "stops here",
        "add it",
    ),
    (
        "M202",
        "no-shifts",
        "fatal",
        "a trajectory without rlnOriginXAngst, Y or Z, or without a number there",
        "stops here",
        "add them, or run Bayesian polishing again",
    ),
    (
        "S201",
        "no-files",
        "fatal",
        "an optimisation set that names nothing",
        "finds nothing in it",
        "name the files in the first block",
    ),
    (
        "S202",
        "several-sets",
        "silent",
        "an optimisation set of several rows",
        "reads the first alone",
        "leave the others out",
    ),
    (
        "K201",
        "no-manifolds",
        "fatal",
        "manifolds without index, type or parameters",
        "stops here",
        "add the column, or pick again",
    ),
    (
        "K202",
        "short-manifold",
        "fatal",
        "a sphere or spheroid of fewer than 4 parameters",
        "reads beyond them",
        "give x, y, z and the radius",
    ),
    (
        "K203",
        "no-fiducials",
        "fatal",
        "fiducials without rlnOriginXAngst, Y or Z",
        "stops here",
        "add the columns, or find fiducials again",
    ),
)
