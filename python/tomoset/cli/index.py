"""``tomoset index``: read an archive into a catalogue."""

import os
import sys
from typing import TYPE_CHECKING

import click

from tomoset.cli.faults import ExitCode
from tomoset.cli.options import catalog_option
from tomoset.cli.words import counted, size_text

if TYPE_CHECKING:
    from tomoset.catalog import Catalog, IndexProgress, IndexSummary


@click.command()
@click.argument("root", metavar="ROOT", type=click.Path())
@catalog_option
@click.option(
    "--threads", metavar="N", type=click.IntRange(min=1), help="Reading threads; all cores by default."
)
@click.option("--strict", is_flag=True, help="Exit with 1 if a file has a problem of severity error.")
@click.option("--quiet", is_flag=True, help="Print nothing unless it fails.")
def index(root: str, folder: str, threads: int | None, strict: bool, quiet: bool) -> int:
    """Read every STAR file below ROOT into a catalogue.

    The catalogue is made if there is none; otherwise what it holds of ROOT is replaced, and
    readers see the former content until the new one is complete. Symbolic links are not followed.
    """
    os.scandir(root).close()  # a mistyped ROOT must not leave an empty catalogue behind
    catalog = _open_or_create(folder)
    with _ProgressBar(shown=not quiet and sys.stderr.isatty()) as bar:
        summary = catalog.index(root, threads=threads, progress=bar.update)
    if not quiet:
        _echo_summary(summary)
    return ExitCode.PROBLEMS if strict and summary.num_errors else ExitCode.FINE


def _open_or_create(folder: str) -> "Catalog":
    from pathlib import Path

    from tomoset.catalog import Catalog

    path = Path(folder)
    if path.is_dir() and any(path.iterdir()):
        return Catalog.open(folder)
    return Catalog.create(folder)


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
    lines = {
        "root": click.format_filename(summary.root),
        "files": f"{summary.files:,} ({size_text(summary.num_bytes)})",
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
