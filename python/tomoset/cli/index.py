"""``tomoset index``: read an archive into a catalogue."""

import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, BinaryIO, NoReturn

import click

from tomoset.cli.clusters import Workers, workers_options
from tomoset.cli.faults import ExitCode, words_of
from tomoset.cli.options import catalog_option, wait_option
from tomoset.cli.words import counted, printable, severities_text, size_text

if TYPE_CHECKING:
    from tomoset.catalog import Catalog, IndexProgress, IndexSummary


@click.command()
@click.argument("roots", metavar="ROOT...", nargs=-1, required=True, type=click.Path(readable=False))
@catalog_option
@workers_options
@click.option(
    "--paths-from",
    "listing",
    metavar="FILE",
    type=click.File("rb"),
    help="Look only at the projects of the files that are listed in FILE, a line each, absolute or relative to ROOT; "
    "'-' reads standard input.",
)
@click.option("--verify", is_flag=True, help="Read files, too, whose size, time and inode are as they were.")
@click.option("--recall", is_flag=True, help="Read files, too, that are on tape.")
@click.option(
    "--particles/--no-particles",
    default=None,
    help="Keep each particle, not only how many there are; as in the last crawl if not given.",
)
@click.option("--allow-shrink", is_flag=True, help="Go on where a ROOT has less than half of its files.")
@click.option("--allow-empty", is_flag=True, help="Take in a new ROOT that has no STAR file yet.")
@wait_option
@click.option(
    "--strict", is_flag=True, help="Exit with 1 if a file has a problem of severity fatal or silent."
)
@click.option("--quiet", is_flag=True, help="Print nothing unless it fails.")
def index(
    roots: tuple[str, ...],
    folder: str,
    threads: int | None,
    scheduler: str | None,
    local_cluster: int | None,
    slurm: str | None,
    slurm_script: bool,
    listing: BinaryIO | None,
    verify: bool,
    recall: bool,
    particles: bool | None,
    allow_shrink: bool,
    allow_empty: bool,
    wait: float,
    strict: bool,
    quiet: bool,
) -> int:
    """Bring a catalogue up to date with the STAR files below each ROOT.

    The catalogue is made if there is none. Only files that are new, or whose
    size, time or inode changed, are read; readers see whole projects, every
    few seconds. Symbolic links are not followed.

    \b
    tomoset index /data/projects --catalog /data/catalog
    tomoset index /data/a /data/b --catalog /data/catalog --quiet
    tomoset index /data/a --catalog /data/catalog --paths-from changed.txt
    tomoset index /data/a --catalog /data/catalog \\
        --slurm "queue=cpu cores=8 memory=16GB"
    """  # noqa: D301  click reads the mark
    workers = Workers(threads, scheduler, local_cluster, slurm)
    if slurm_script:
        click.echo(workers.slurm_script(), nl=False)
        return ExitCode.FINE
    if listing is not None and len(roots) > 1:
        raise click.UsageError("--paths-from is for one ROOT")
    there, refused = _those_there(roots)
    is_to_be_made = _is_to_be_made(folder)
    if is_to_be_made and listing is None and not allow_empty:
        refused += _those_empty(there)
    if refused and (not there or is_to_be_made):
        # A mistyped ROOT must not leave an empty catalogue behind.
        _raise_all(refused)
    paths = None if listing is None else [os.fsdecode(line.rstrip(b"\n")) for line in listing if line.strip()]
    catalog = _open_or_create(folder, wait)
    from tomoset.catalog import ArchiveEmpty, ArchiveShrunk

    errors = 0
    with workers.client() as client:
        for root in there:
            try:
                with _ProgressBar(shown=not quiet and sys.stderr.isatty()) as bar:
                    summary = catalog.index(
                        root,
                        threads=threads,
                        runner=client,
                        paths=paths,
                        verify=verify,
                        recall=recall,
                        particles=particles,
                        allow_shrink=allow_shrink,
                        allow_empty=allow_empty,
                        wait=wait,
                        progress=bar.update,
                    )
            except (ArchiveEmpty, ArchiveShrunk) as fault:
                # The other roots may be mounted.
                refused.append(fault)
                continue
            errors += summary.num_errors
            if quiet:
                continue
            _echo_summary(summary)
            if paths and not (summary.files or summary.changed):
                words = "none of them is of a project below ROOT; they must be absolute, or relative to ROOT"
                click.echo(f"tomoset: --paths-from: {counted(len(paths), 'path')}, and {words}", err=True)
    if refused:
        _raise_all(refused)
    return ExitCode.PROBLEMS if strict and errors else ExitCode.FINE


def _those_there(roots: Sequence[str]) -> tuple[list[str], list[Exception]]:
    """Return the roots that can be listed, and why the others cannot: these may not be mounted."""
    there, faults = list[str](), list[Exception]()
    for root in roots:
        try:
            os.scandir(root).close()
        except OSError as fault:
            faults.append(fault)
        else:
            there.append(root)
    return there, faults


def _those_empty(roots: Sequence[str]) -> list[Exception]:
    """Return why roots without STAR files are not taken into a catalogue that is yet to be made."""
    from tomoset.catalog import ArchiveEmpty
    from tomoset.catalog.walking import is_empty

    return [ArchiveEmpty(os.path.abspath(root)) for root in roots if is_empty(root)]  # noqa: PTH100


def _raise_all(faults: Sequence[Exception]) -> NoReturn:
    """Tell all faults but the last, and raise that."""
    for fault in faults[:-1]:
        click.echo(f"tomoset: {words_of(fault)}", err=True)
    raise faults[-1]


def _is_to_be_made(folder: str) -> bool:
    from pathlib import Path

    from tomoset.catalog.folder import is_vacant

    return is_vacant(Path(folder))


def _open_or_create(folder: str, wait: float) -> "Catalog":
    from pathlib import Path

    from tomoset.catalog import Catalog
    from tomoset.catalog.folder import is_vacant

    path = Path(folder)
    if is_vacant(path):
        try:
            return Catalog.create(folder, wait=wait)
        except FileExistsError:
            if is_vacant(path):
                raise
            # Somebody else has just made it.
    return Catalog.open(folder)


class _ProgressBar:
    """Files found and read, megabytes and rate, on standard error."""

    def __init__(self, *, shown: bool) -> None:
        from tqdm import tqdm

        self._bar = tqdm(unit=" files", disable=not shown, dynamic_ncols=True, leave=False)

    def update(self, progress: "IndexProgress") -> None:
        self._bar.total = progress.found
        self._bar.set_description("reading" if progress.listed else "listing", refresh=False)
        self._bar.set_postfix_str(size_text(progress.num_bytes), refresh=False)
        self._bar.update(progress.read - self._bar.n)

    def __enter__(self) -> "_ProgressBar":
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.close()


def _echo_summary(summary: "IndexSummary") -> None:
    rate = f"{summary.files_per_second:,.0f} files/s"
    changes = ", ".join(
        f"{count:,} {word}"
        for word, count in (
            ("new", summary.new_files),
            ("changed", summary.changed_files),
            ("deleted", summary.deleted_files),
        )
        if count
    )
    lines = {
        "root": printable(summary.root),
        "files": f"{summary.files:,} ({size_text(summary.num_bytes)})",
        "changes": changes or "none",
    }
    if summary.new_files or summary.changed_files:
        # Of what was read: where nothing was, there may be many all the same.
        lines |= {
            "tomograms": f"{summary.tomograms:,}",
            "tilts": f"{summary.tilts:,}",
            "problems": severities_text(summary.problems) or "none",
        }
    lines["time"] = f"{summary.seconds:.1f} s ({rate})"
    is_all_read = summary.new_files == summary.files
    for name, text in lines.items():
        if name == "tomograms" and not is_all_read:
            # Else it looks as if all others were lost.
            click.echo("in what was read now:")
        click.echo(f"{name:<10} {text}")
