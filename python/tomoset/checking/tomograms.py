"""Rules of tomogram sets: names, paths, optics, sizes and alignments as a whole."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from tomoset.checking import alignments, doses, optics, paths, recorded, rewritten
from tomoset.checking import images as _images
from tomoset.checking.rules import Fault, Place, Rules
from tomoset.checking.view import View
from tomoset.exceptions import printable
from tomoset.geometry.deformation import KINDS, num_coefficients
from tomoset.sets.alignment import NEEDED, ROWS, SIZE
from tomoset.sets.findings import located
from tomoset.sets.labels import FRAME_COUNT, IMAGE, NAME, SERIES_FILE, STACK
from tomoset.sets.paths import repeated
from tomoset.sets.tilt_series import TiltSeries
from tomoset.sets.tomogram import Tomogram
from tomoset.sets.writing import kept_path

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tomoset.diagnostics import Severity
    from tomoset.sets.findings import Finding
    from tomoset.sets.tomogram_set import TomogramSet

__all__ = ["RULES", "check_tomograms", "rule_faults", "rule_findings"]

RULES = Rules()


HAND = Tomogram.hand.label
NEEDED_OF_TOMOGRAMS = (
    HAND,
    Tomogram.voltage.label,
    Tomogram.spherical_aberration.label,
    Tomogram.amplitude_contrast.label,
)
DEFOCUS = (TiltSeries.defocus_u.label, TiltSeries.defocus_v.label, TiltSeries.defocus_angle.label)


def check_tomograms(tomos: TomogramSet, *, images: bool = False) -> list[Finding]:
    """Give all that is wrong with a set, or may be, by the rules in `docs/rules.md`; with `images` also of those.

    What was found as it was read comes first.
    """
    view = View(tomos.contents)
    found = rule_findings(view, images=images)
    # What is looked at anew may have been mended.
    anew = {rule.code for rule in RULES}
    return located([*(finding for finding in tomos.findings if finding.code not in anew), *found])


def rule_findings(view: View, *, images: bool = False) -> list[Finding]:
    """Give where rules are broken, without line and column."""
    found = [finding for _, finding in rule_faults(view)]
    if images:
        found += _images.RULES.findings(_images.Images(view), view.place)
    return found


def rule_faults(view: View) -> Iterator[tuple[int, Finding]]:
    """Give where rules are broken that look at tables alone, and in which set of the view."""
    part = 0

    def place(fault: Fault) -> Place:
        nonlocal part
        part = fault.part if fault.row is None else int(view.owner_sets[fault.row])
        return view.place(fault)

    for rules in (
        RULES,
        paths.RULES,
        optics.RULES,
        alignments.RULES,
        doses.RULES,
        recorded.RULES,
        rewritten.RULES,
    ):
        for finding in rules.findings(view, place):
            yield part, finding


# Names and paths.


@RULES.rule(
    "N101",
    "odd-name",
    "silent",
    "a tomogram whose name is that of something else, or cannot be part of a file's name",
    relion="makes file names of it, or takes it for a name of its own",
    mend="rename the tomogram",
)
def _odd_names(view: View) -> Iterator[Fault]:
    for row, name in enumerate(view.names):
        if name in {"global", "None", "empty"} or name.startswith("data_") or re.search(r"[/\s]", name):
            yield Fault(f"the name is {printable(name)!r}", row, label=NAME)


@RULES.rule(
    "N102",
    "collision",
    "silent",
    "two tilt-series files that are one after RELION's renaming",
    relion="writes one over the other as soon as a job writes the set",
    mend="rename one of the files",
)
def _collisions(view: View) -> Iterator[Fault]:
    files = view.texts(SERIES_FILE)
    for part in view.parts:
        paths = {row: path for row in range(part.start, part.stop) if (path := files[row])}
        kept = {row: kept_path(path) for row, path in paths.items()}
        rows_of = list(kept)
        for places in repeated(kept.values()).values():
            rows = [rows_of[at] for at in places]
            # The very same file is told by the reader.
            if len({paths[row] for row in rows}) > 1:
                other = printable(paths[rows[0]], 1000)
                for row in rows[1:]:
                    found = f"{printable(paths[row], 1000)} and {other} become one file"
                    yield Fault(found, row, label=SERIES_FILE)
        own = (part.path or "").rpartition("/")[2]
        for row, path in kept.items():
            if own and path == own:
                found = f"{printable(paths[row], 1000)} becomes the set's own file"
                yield Fault(found, row, label=SERIES_FILE)


@RULES.rule(
    "T101",
    "frame-count",
    "fatal",
    "rlnTomoFrameCount that is not the number of images; silent where it is less",
    relion="takes the first images alone, or stops where it looks for the others",
    mend="set rlnTomoFrameCount to the number of images",
)
def _frame_count(view: View) -> Iterator[Fault]:
    counts = view.of_tomograms(FRAME_COUNT)
    for row in np.flatnonzero(~np.isnan(counts) & (counts != view.counts)):
        severity: Severity = "silent" if counts[row] < view.counts[row] else "fatal"
        found = f"{FRAME_COUNT} is {counts[row]:g}, and there are {view.counts[row]} images"
        yield Fault(found, int(row), severity, FRAME_COUNT)


# Columns.


@RULES.rule(
    "T102",
    "not-loadable",
    "fatal",
    "a column that RELION needs to load a tomogram",
    relion="stops when it loads the tomogram",
    mend="run the job that adds it, or set it",
)
def _not_loadable(view: View) -> Iterator[Fault]:
    for label in NEEDED_OF_TOMOGRAMS:
        for part in view.lacking(label):
            if view.parts[part].stop > view.parts[part].start:
                yield Fault(f"the set has no column {label}", part=part)
    needed = (TiltSeries.pre_exposure.label, *DEFOCUS, IMAGE)
    aligned = view.have(*NEEDED) | view.have(*ROWS)
    lacks = {label: ~view.have(label) for label in needed}
    lacks[IMAGE] &= ~view.having(STACK)
    for row in np.flatnonzero(np.any(list(lacks.values()), axis=0)):
        labels = [label for label in needed if lacks[label][row]]
        # Before motion correction and CTF estimation it is as it should be.
        early = not aligned[row] and TiltSeries.pre_exposure.label not in labels
        found = f"the tilt series has no {', '.join(labels)}"
        yield Fault(found, int(row), severity="note" if early else None, tilt=0)


@RULES.rule(
    "A101",
    "incomplete-alignment",
    "fatal",
    "some of the columns of an alignment without the others",
    relion="takes the tilt series for not aligned, and stops in reconstruction",
    mend="align again, or set the columns that are missing",
)
def _incomplete(view: View) -> Iterator[Fault]:
    for labels, other in ((NEEDED, ROWS), (ROWS, NEEDED)):
        have = np.array([view.have(label) for label in labels])
        for row in np.flatnonzero(have.any(axis=0) & ~have.all(axis=0) & ~view.have(*other)):
            missing = [label for label, there in zip(labels, have[:, row], strict=True) if not there]
            yield Fault(f"there is no {', '.join(missing)}", int(row), tilt=0)


@RULES.rule(
    "A102",
    "matrices-alone",
    "silent",
    "alignments as matrices alone, of RELION 4 or Warp",
    relion="5 uses them, and writes sets without any alignment",
    mend="convert the set by to_relion5()",
)
def _matrices_alone(view: View) -> Iterator[Fault]:
    bare = view.have(*ROWS) & ~view.have(*NEEDED)
    for at, part in enumerate(view.parts):
        rows = part.start + np.flatnonzero(bare[part.start : part.stop])
        if len(rows):
            more = f", as have {len(rows) - 1} more" if len(rows) > 1 else ""
            yield Fault(f"tomogram {printable(view.names[rows[0]])} has no angles{more}", part=at)


@RULES.rule(
    "T104",
    "no-stack",
    "warning",
    "a set of RELION 4 that does not name the stack of each tilt series",
    relion="4 stops; RELION 5 reads the set",
    mend="set rlnTomoTiltSeriesName and rlnTomoFrameCount, or convert the set by to_relion5()",
)
def _no_stack(view: View) -> Iterator[Fault]:
    for at in view.lacking(STACK):
        if view.parts[at].layout == "relion4":
            yield Fault(f"the set has no column {STACK}", part=at)


@RULES.rule(
    "A103",
    "matrices-differ",
    "silent",
    "matrices and angles that say different things",
    relion="takes the matrices, and writes the angles",
    mend="convert the set by to_relion5(), or drop the ones that are wrong",
)
def _matrices_differ(view: View) -> Iterator[Fault]:
    both = view.have(*ROWS, *NEEDED)
    images = np.flatnonzero(np.repeat(both, view.counts))
    if not len(images):
        return
    by_matrix = view.rotations_of_matrices
    by_angles = view.rotations_of_angles
    off = np.degrees(np.abs(by_matrix - by_angles).max(axis=(1, 2)))
    yield from view.each(off > 0.01, lambda at: f"the rotations differ by {off[at]:.3g} degrees", ROWS[0])
    apart = view.shifts_apart()
    with np.errstate(invalid="ignore"):
        bad = (apart > 0.01) & ~(off > 0.01)
    yield from view.each(bad, lambda at: f"the shifts differ by {apart[at]:.3g} px", ROWS[0])


@RULES.rule(
    "T103",
    "unlike-columns",
    "fatal",
    "tilt series with other columns than the first, while jobs are to come that put them in one table",
    relion="stops in motion correction and CTF estimation, which append the tables",
    mend="give all tilt series the same columns",
)
def _unlike(view: View) -> Iterator[Fault]:
    done = (view.have(IMAGE) | view.having(STACK)) & view.have(*DEFOCUS)
    for part in view.parts:
        if done[part.start : part.stop].all():
            continue
        headers = view.contents.header[part.start : part.stop]
        for row in part.start + np.flatnonzero(headers != headers[0]):
            differ = set(view.contents.labels(int(row))) ^ set(view.contents.labels(part.start))
            if differ:
                yield Fault(f"columns that not both have: {', '.join(sorted(differ))}", int(row), tilt=0)
                break


# Sizes.


@RULES.rule(
    "G101",
    "odd-size",
    "silent",
    "a size of a tomogram that is missing or not positive",
    relion="takes -999 for all three where one is missing, and puts the centre elsewhere",
    mend="set rlnTomoSizeX, Y and Z in pixels of the tilt series",
)
def _odd_size(view: View) -> Iterator[Fault]:
    for at, part in enumerate(view.parts):
        missing = [label for label in SIZE if label not in part.labels]
        reconstructed = Tomogram.reconstructed_tomogram.label in part.labels
        if missing and (len(missing) < len(SIZE) or reconstructed):
            yield Fault(f"the set has no {', '.join(missing)}", part=at)
    for label in SIZE:
        yield from view.outside(label, lambda values: values > 0)


@RULES.rule(
    "G102",
    "uneven-size",
    "note",
    "a tomogram of odd width, height or depth",
    relion="has two centres half a pixel apart: one for matrices, one for coordinates",
    mend="nothing need be done; tomoset has each where RELION has it",
)
def _uneven(view: View) -> Iterator[Fault]:
    sizes = np.stack([view.of_tomograms(label) for label in SIZE], axis=-1)
    # Sizes such as -999 say that there are none.
    uneven = ((np.nan_to_num(sizes) % 2 == 1) & (sizes > 0)).any(axis=-1)
    for part in view.parts:
        rows = part.start + np.flatnonzero(uneven[part.start : part.stop])
        if len(rows):
            size = " x ".join(f"{value:g}" for value in sizes[rows[0]])
            more = f"; {len(rows)} of {part.stop - part.start} tomograms" if len(rows) > 1 else ""
            label = next(
                own for own, value in zip(SIZE, sizes[rows[0]], strict=True) if value > 0 and value % 2 == 1
            )
            yield Fault(f"the size is {size}{more}", int(rows[0]), label=label)


@RULES.rule(
    "G103",
    "no-binning",
    "warning",
    "a binning that is missing though there is a reconstructed tomogram, or not positive",
    relion="takes it to be 1; its Python programs stop",
    mend="set rlnTomoTomogramBinning",
)
def _no_binning(view: View) -> Iterator[Fault]:
    label = Tomogram.tomogram_binning.label
    yield from view.outside(label, lambda values: values > 0)
    for at in view.lacking(label):
        if Tomogram.reconstructed_tomogram.label in view.parts[at].labels:
            yield Fault(f"the set has tomograms and no column {label}", part=at)


@RULES.rule(
    "G104",
    "odd-deformation",
    "fatal",
    "image deformations that cannot be: a type that is none, a grid too small, coefficients that do not fit",
    relion="stops, or reads beyond the coefficients",
    mend="align again, or drop the grid's columns",
)
def _odd_deformation(view: View) -> Iterator[Fault]:
    grid = (Tomogram.deformation_grid_size_x.label, Tomogram.deformation_grid_size_y.label)
    rows = np.flatnonzero(view.having(*grid))
    if not len(rows):
        return
    kinds = view.texts(Tomogram.deformation_type.label)
    across, down = (view.of_tomograms(label) for label in grid)
    coefficients = TiltSeries.deformation_coefficients.label
    have = view.have(coefficients)
    lengths = view.vector_lengths(coefficients)
    for row, kind in ((int(row), kinds[row]) for row in rows):
        grid_size = (int(np.nan_to_num(across[row])), int(np.nan_to_num(down[row])))
        needed = num_coefficients(kind, grid_size) if kind in KINDS else None
        start, stop = view.contents.offsets[row : row + 2]
        if needed is None:
            label = Tomogram.deformation_type.label
            yield Fault(f"{label} is {kind!r}", row, label=label)
        elif kind == "spline" and min(grid_size) < 2:
            found = f"a spline has a grid of {across[row]:g} x {down[row]:g}; it needs 2 x 2"
            yield Fault(found, row, label=grid[0])
        elif not have[row]:
            yield Fault(f"the tilt series has no {coefficients}", row, tilt=0)
        elif (lengths[start:stop] != needed).any():
            tilt = int(np.argmax(lengths[start:stop] != needed))
            found = f"tilt {tilt} has {lengths[start + tilt]} coefficients; {kind} needs {needed}"
            yield Fault(found, row, label=coefficients, tilt=tilt)
