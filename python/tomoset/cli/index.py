"""``tomoset index``: read an archive into a catalogue."""

import os
import sys
from typing import TYPE_CHECKING, BinaryIO

import click

from tomoset.cli.clusters import Workers, workers_options
from tomoset.cli.faults import ExitCode
from tomoset.cli.options import catalog_option, wait_option
from tomoset.cli.words import counted, size_text

if TYPE_CHECKING:
    from tomoset.catalog import Catalog, IndexProgress, IndexSummary


@click.command()
@click.argument("roots", metavar="ROOT...", nargs=-1, required=True, type=click.Path())
@catalog_option
@workers_options
@click.option(
    "--paths-from",
    "listing",
    metavar="FILE",
    type=click.File("rb"),
    help="Look only at the projects of the files that are listed in FILE, a line each; '-' reads standard input.",
)
@click.option("--verify", is_flag=True, help="Read files, too, whose size, time and inode are as they were.")
@click.option("--recall", is_flag=True, help="Read files, too, that are on tape.")
@click.option(
    "--particles/--no-particles",
    default=None,
    help="Keep each particle, not only how many there are; as in the last crawl if not given.",
)
@click.option("--allow-shrink", is_flag=True, help="Go on where a ROOT has less than half of its files.")
@wait_option
@click.option("--strict", is_flag=True, help="Exit with 1 if a file has a problem of severity error.")
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
    tomoset index /data/a --catalog /data/catalog --slurm "queue=cpu cores=8"
    """  # noqa: D301  click reads the mark
    workers = Workers(threads, scheduler, local_cluster, slurm)
    if slurm_script:
        click.echo(workers.slurm_script(), nl=False)
        return ExitCode.FINE
    if listing is not None and len(roots) > 1:
        raise click.UsageError("--paths-from is for one ROOT")
    for root in roots:
        os.scandir(root).close()  # a mistyped ROOT must not leave an empty catalogue behind
    paths = None if listing is None else [os.fsdecode(line.rstrip(b"\n")) for line in listing if line.strip()]
    catalog = _open_or_create(folder, wait)
    from tomoset.catalog import ArchiveShrunk

    errors, refused = 0, list[ArchiveShrunk]()
    with workers.client() as client:
        for root in roots:
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
                        wait=wait,
                        progress=bar.update,
                    )
            except ArchiveShrunk as fault:
                # The other roots may be mounted.
                refused.append(fault)
                continue
            errors += summary.num_errors
            if not quiet:
                _echo_summary(summary)
    for shrunk in refused[:-1]:
        click.echo(f"tomoset: {shrunk}", err=True)
    if refused:
        raise refused[-1]
    return ExitCode.PROBLEMS if strict and errors else ExitCode.FINE


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
        "root": click.format_filename(summary.root),
        "files": f"{summary.files:,} ({size_text(summary.num_bytes)})",
        "changes": changes or "none",
        "tomograms": f"{summary.tomograms:,}",
        "tilts": f"{summary.tilts:,}",
        "problems": _problems_text(summary.problems),
        "time": f"{summary.seconds:.1f} s ({rate})",
    }
    for name, text in lines.items():
        click.echo(f"{name:<10} {text}")


def _problems_text(problems: dict[str, int]) -> str:
    found = [
        counted(problems[severity], severity)
        for severity in ("error", "warning", "note")
        if severity in problems
    ]
    return ", ".join(found) if found else "none"
