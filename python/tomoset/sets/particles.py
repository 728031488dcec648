"""The blocks and labels of a file of particles, and what is odd in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow.compute as pc

from tomoset import _core
from tomoset.exceptions import SetError, printable
from tomoset.sets.findings import Finding
from tomoset.sets.kinds import reader_hint
from tomoset.sets.labels import GENERAL, NAME
from tomoset.tables import as_numpy

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa

    from tomoset.sets.particle_set import ParticleSet
    from tomoset.sets.tomogram_set import TomogramSet
    from tomoset.sets.values import Integers
    from tomoset.star import StarFile

__all__ = ["groups_of", "odd_in", "owners_of", "particles_block", "strangers_in", "unknown_group"]

PARTICLES, OPTICS = "particles", "optics"
GROUP = "rlnOpticsGroup"
PIXEL_SIZE = "rlnTomoTiltSeriesPixelSize"
STACKS = "rlnTomoSubTomosAre2DStacks"
VISIBLE = "rlnTomoVisibleFrames"
CENTRED = tuple(f"rlnCenteredCoordinate{axis}Angst" for axis in "XYZ")
LEGACY = tuple(f"rlnCoordinate{axis}" for axis in "XYZ")
SUBTOMOGRAM = tuple(f"rlnTomoSubtomogram{angle}" for angle in ("Rot", "Tilt", "Psi"))
ANGLES = tuple(f"rlnAngle{angle}" for angle in ("Rot", "Tilt", "Psi"))


def particles_block(star: StarFile, path: str) -> str:
    """Give the name of the block with the particles: RELION's, or the only one."""
    where = printable(path, 1000)
    block = PARTICLES if PARTICLES in star else next(iter(star)) if len(star) == 1 else None
    if block is None or not star[block].num_rows:
        found = "is empty" if block else f"is not there (there is {', '.join(map(repr, star)) or 'none'})"
        raise SetError(
            f"{where}: no particles: block 'particles' {found}{reader_hint(star, 'ParticleSet')}; RELION stops here",
            code="no-particles",
            path=path,
            block=block,
        )
    if NAME not in star[block]:
        meant = _core.hint(NAME, "_", star[block].labels)
        raise SetError(
            f"{where}: no particles: block {block!r} has no column {NAME}{meant}{reader_hint(star, 'ParticleSet')};"
            " RELION stops here",
            code="no-names",
            path=path,
            block=block,
        )
    # Where there are several tables it is said now, and not by whatever looks at them first.
    star[block].to_arrow()
    return block


def groups_of(optics: pa.Table) -> Integers:
    """Give the number of each optics group, 0 for a null, as RELION; its row where the file does not say."""
    if GROUP in optics.column_names:
        return as_numpy(optics.column(GROUP).fill_null(0)).astype(np.int64, copy=False)
    return np.arange(1, optics.num_rows + 1)


def unknown_group(particles: ParticleSet, group: int, groups: Integers) -> SetError:
    """Make the error of an optics group that is not there."""
    known = f"there are {', '.join(map(str, groups))}" if len(groups) else "there are none"
    found = f"particles are of optics group {group}, and {known}; RELION reads beyond them"
    row = int(np.argmax(particles.optics_groups == group))
    where = printable(particles.path or "<memory>", 1000)
    return SetError(
        f"{where}: {found}",
        code="unknown-optics-group",
        path=particles.path,
        row=row,
        block=particles._block_name,
        label=GROUP,
    )


def owners_of(names: pa.Array, tomograms: TomogramSet) -> Integers:
    """Give the number of each particle's tomogram in a set, -1 where it does not have it."""
    codes = names.dictionary_encode()
    places = {name: index for index, name in enumerate(tomograms.names)}
    rows = np.array([places.get(name, -1) for name in codes.dictionary.to_pylist()], dtype=np.int64)
    found: Integers = rows[as_numpy(codes.indices)] if len(names) else np.empty(0, dtype=np.int64)
    return found


def odd_in(particles: ParticleSet, star: StarFile, block: str) -> Iterator[Finding]:
    """Give what is odd in particles, and raise where nothing can be made of them."""
    where = printable(particles.path or "<memory>", 1000)
    if not any(all(label in star[block] for label in labels) for labels in (CENTRED, LEGACY)):
        found = f"particles have neither {CENTRED[0]}, Y and Z nor {LEGACY[0]}, Y and Z"
        hint = reader_hint(star, "ParticleSet")
        raise SetError(
            f"{where}: {found}{hint}; RELION stops here",
            code="no-coordinates",
            path=particles.path,
            block=block,
        )
    if particles.optics is not None:
        known, own = groups_of(particles.optics), particles.optics_groups
        in_order = np.array_equal(known, np.arange(1, len(known) + 1))
        # In nearly all sets, as is soon seen.
        are_known = in_order and own.min(initial=1) >= 1 and own.max(initial=1) <= len(known)
        unknown = own[:0] if are_known else np.setdiff1d(own, known)
        if len(unknown):
            raise unknown_group(particles, int(unknown[0]), known)
        if not in_order:
            yield Finding(
                "optics-out-of-order",
                "silent",
                where,
                f"optics groups are {', '.join(map(str, known))}, not 1 to {len(known)}",
                "takes the group's number for its row, and so the optics of another group",
                "sort the groups by number, and number them from 1",
                path=particles.path,
                block=OPTICS,
                label=GROUP,
            )
    if GENERAL in star and STACKS not in star[GENERAL]:
        yield Finding(
            "no-stack-flag",
            "fatal",
            where,
            f"block 'general' has no {STACKS}",
            "stops here",
            "add it: 1 for 2D stacks, 0 for volumes",
            path=particles.path,
            block=GENERAL,
        )
    if particles.tomograms is not None:
        yield from strangers_in(particles, particles.tomograms, where, block)


def strangers_in(particles: ParticleSet, tomograms: TomogramSet, where: str, block: str) -> Iterator[Finding]:
    """Give the particles of tomograms that the set does not have."""
    for entry in particles[NAME].value_counts().to_pylist():
        name, count = entry["values"], entry["counts"]
        if name not in tomograms:
            first: int = pc.index(particles[NAME], name).as_py()
            yield Finding(
                "unknown-tomogram",
                "silent",
                where,
                f"{count} particles are of tomogram {printable(name)!r}, which the set does not have",
                "leaves them out with a warning in some jobs, and reads what is not there in refinement",
                "leave them out, or add the tomogram",
                name,
                path=particles.path,
                block=block,
                row=first,
                label=NAME,
                count=count,
            )
