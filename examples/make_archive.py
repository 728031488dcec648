"""Write a small but lifelike archive of cryo-electron tomography projects, for trying things out.

    python examples/make_archive.py OUT

makes a folder as a facility keeps it: RELION 5 projects from import to polishing, a RELION 4 project with an
export from Warp, and a folder of broken files. Only metadata is written; images are named but not there. All
numbers are invented: plausible for a microscope, and the same again for the same seed. ``--projects 1000``
makes an archive of well over 100,000 files.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

from archive.acquisition import RELION_4_SESSION, SESSIONS, Session, TiltSeries, record
from archive.broken import write_broken_files
from archive.project import Mishap
from archive.relion4 import write_relion4_project
from archive.relion5 import write_relion5_project
from archive.tree import Summary, Tree
from archive.warp import write_warp_export


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How much to write.

    Attributes
    ----------
    projects, relion4 : int
        RELION 5 projects, and RELION 4 projects with a Warp export each.
    tilt_series, tilts, particles : int
        Tilt series in each project (at least 1), tilt images in each series (at least 2), and particles in
        each tomogram (at least 1).
    seed : int
        Same seed, same bytes.
    force : bool
        Write even if the folder has something in it; files of the same name are overwritten, others stay.
    """

    projects: int = 3
    relion4: int = 1
    tilt_series: int = 5
    tilts: int = 41
    particles: int = 30
    seed: int = 1
    force: bool = False

    def __post_init__(self) -> None:
        for name, least in _LEAST.items():
            if getattr(self, name) < least:
                raise ValueError(f"{name} must be at least {least}, not {getattr(self, name)}")


_LEAST = {"projects": 0, "relion4": 0, "tilt_series": 1, "tilts": 2, "particles": 1}


def make_archive(out: Path, options: Options | None = None) -> Summary:
    """Write an archive.

    Parameters
    ----------
    out : Path
        The folder; made when it is absent.
    options : Options, optional
        How much to write.

    Returns
    -------
    Summary
        What was written, counted exactly, with all that is odd or broken on purpose.

    Raises
    ------
    FileExistsError
        The folder has something in it and ``options.force`` is not set.
    NotADirectoryError
        ``out`` is a file.
    """
    options = options or Options()
    if out.exists() and any(out.iterdir()) and not options.force:
        raise FileExistsError(f"{out} is not empty; --force writes into it all the same")
    tree = Tree(out)
    tree.other(
        "README.txt", "Made by make_archive.py of tomoset. Every project and number in here is invented.\n"
    )
    for index in range(options.projects):
        _write_relion5(tree, index, options)
    for index in range(options.relion4):
        _write_relion4(tree, index, options)
    write_broken_files(tree, "broken")
    return tree.summary()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    values = vars(_parser().parse_args(arguments))
    out = values.pop("out")
    try:
        summary = make_archive(out, Options(**values))
    except (OSError, ValueError) as error:
        print(f"make_archive: {error}", file=sys.stderr)
        return 1
    print(f"{out}: {summary}")
    return 0


def _write_relion5(tree: Tree, index: int, options: Options) -> None:
    """One project; in each hundred, one has mixed handedness and one has lost a tilt table."""
    session = SESSIONS[index % len(SESSIONS)]
    random = Random(f"{options.seed} relion5 {index}")
    mishap = Mishap(
        mixed_hand=index % 100 == 1,
        lost_tilt_table=index % 100 == 2,
        failed=index % 3 == 0,
        aborted=index % 3 == 1,
    )
    series = _record_series(session, options, random)
    folder = f"{_visit(session, 'nt', 31204 + 7 * index)}/relion5"
    write_relion5_project(tree, folder, session, series, options.particles, mishap, random)


def _write_relion4(tree: Tree, index: int, options: Options) -> None:
    session = RELION_4_SESSION
    random = Random(f"{options.seed} relion4 {index}")
    series = _record_series(session, options, random)
    visit = _visit(session, "bi", 20415 + 3 * index)
    particles = write_relion4_project(tree, f"{visit}/relion4", session, series, options.particles, random)
    write_warp_export(tree, f"{visit}/warp/relion", session, series, particles)


def _record_series(session: Session, options: Options, random: Random) -> list[TiltSeries]:
    numbers = range(1, options.tilt_series + 1)
    return [record(session, number, options.tilts, random) for number in numbers]


def _visit(session: Session, prefix: str, number: int) -> str:
    return f"{session.microscope}/{session.year}/{prefix}{number}-{1 + number % 4}_{session.sample}"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="make_archive.py",
        description="Write a small but lifelike archive of cryo-electron tomography projects: RELION 5 and "
        "RELION 4 projects, a Warp export, and a folder of broken files. Only metadata is written.",
    )
    parser.add_argument("out", metavar="OUT", type=Path, help="folder to write; made when it is absent")
    numbers = (
        ("--projects", "N", "RELION 5 projects"),
        ("--relion4", "N", "RELION 4 projects, each with a Warp export"),
        ("--tilt-series", "M", "tilt series in each project"),
        ("--tilts", "K", "tilt images in each tilt series, at least 2"),
        ("--particles", "P", "particles in each tomogram"),
        ("--seed", "S", "same seed, same bytes"),
    )
    defaults = Options()
    for flag, metavar, text in numbers:
        default = getattr(defaults, flag.removeprefix("--").replace("-", "_"))
        parser.add_argument(
            flag, metavar=metavar, type=int, default=default, help=f"{text} (default: {default})"
        )
    parser.add_argument("--force", action="store_true", help="write into OUT even if it is not empty")
    return parser


if __name__ == "__main__":
    sys.exit(main())
