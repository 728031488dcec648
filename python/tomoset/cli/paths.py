"""``tomoset paths``: where the references of a project lead to."""

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from tomoset.cli.faults import ExitCode, Failure
from tomoset.cli.output import echo_lines
from tomoset.cli.words import counted, counted_places, pad, printable, shorten

if TYPE_CHECKING:
    import pyarrow as pa

    from tomoset.mending import FoundReferences

_WIDTH = 80
_LABEL = 37
_EPILOG = """\b
Exit codes:
  0  all is there, and in the project
  1  something is missing or outside (of those that are asked for)
  2  wrong usage
  3  the project, or a file or folder in it, cannot be read
"""


@click.command(epilog=_EPILOG)
@click.argument("project", metavar="PROJECT", type=click.Path(exists=True, file_okay=False))
@click.option("--missing", is_flag=True, help="Only paths that lead to nothing.")
@click.option("--outside", is_flag=True, help="Only paths that lead out of the project.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "csv", "json"]),
    default="table",
    show_default=True,
    help="csv and json have a row for each path in a column of a block.",
)
@click.option(
    "--threads", type=click.IntRange(min=1), help="Threads that read files; all processors by default."
)
def paths(project: str, missing: bool, outside: bool, form: str, threads: int | None) -> int:
    """List the paths in the STAR files of PROJECT, and whether something is there.

    Paths are resolved as RELION does it, from the project's folder. What lies outside is not
    looked at, and nothing is opened. Links, '..' and absolute paths may lead outside.

    \b
    tomoset paths .
    tomoset paths . --missing --outside --format csv
    """  # noqa: D301  click reads the mark
    from tomoset.mending import find_references

    found = find_references(project, threads=threads)
    table = _asked(found, missing=missing, outside=outside)
    if form == "table":
        echo_lines(_lines(table, lists=missing or outside))
    else:
        from tomoset.cli.formats import WRITERS

        sys.stdout.flush()
        WRITERS[form](table.schema, table.to_batches(), sys.stdout.buffer)
    _echo_to_error(_facts(found))
    if found.faults:
        where = counted_places(path for path, _ in found.faults)
        raise Failure(f"{where} could not be read, or not all of it")
    bad = [len(found.missing)] * (missing or not outside) + [len(found.outside)] * (outside or not missing)
    return ExitCode.PROBLEMS if sum(bad) else ExitCode.FINE


def _echo_to_error(lines: Iterator[str]) -> None:
    """Write lines to standard error, so that what others read on has none of them."""
    for line in lines:
        click.echo(line, err=True)


def _asked(found: "FoundReferences", *, missing: bool, outside: bool) -> "pa.Table":
    import pyarrow.compute as pc

    if not missing and not outside:
        return found.table
    gone = pc.fill_null(pc.equal(found.table["present"], False), False)
    out = pc.invert(found.table["inside"])
    return found.table.filter(pc.or_(gone, out) if missing and outside else gone if missing else out)


def _facts(found: "FoundReferences") -> Iterator[str]:
    """Yield what was found in all, and what could not be looked at."""
    import pyarrow.compute as pc

    for file, why in found.faults:
        yield f"tomoset: {printable(file)}: {printable(why)}"
    for folder in found.inner:
        yield f"{printable(folder)} is a project of its own, and was left out"
    paths, missing, outside = found.num_paths
    values = pc.sum(found.table["count"]).as_py() or 0
    words = f"{counted(len(found.files), 'file')}, {counted(values, 'reference')} to {counted(paths, 'path')}"
    yield f"{words}; {missing:,} missing; {outside:,} outside"


def _lines(table: "pa.Table", *, lists: bool) -> Iterator[str]:
    """Yield a line for each column of each file; if asked, with its paths below."""
    if not len(table):
        return
    head = f"{pad('label', _LABEL)}  {'kind':6}{'values':>9}{'paths':>8}{'missing':>9}{'outside':>9}"
    yield head
    yield "-" * _WIDTH
    last: tuple[str, str] | None = None
    start = 0
    for group in _columns(table):
        file, block, label = group["file"], group["block"], group["label"]
        if last is None or last[0] != file:
            yield shorten(printable(file), _WIDTH)
        if last != (file, block):
            yield shorten(f"  data_{printable(block)}", _WIDTH)
        last = file, block
        rows, gone, out = group["path_count"], group["gone_sum"], group["out_sum"]
        name = pad(f"    {shorten(label, _LABEL - 4)}", _LABEL)
        counts = f"{group['count_sum']:>9,}{rows:>8,}{gone or '':>9}{out or '':>9}"
        yield f"{name}  {group['kind']:6}{counts}".rstrip()
        if lists:
            for row in table.slice(start, rows).to_pylist():
                yield from _path(row)
        start += rows


def _path(row: dict[str, Any]) -> Iterator[str]:
    ways = {"absolute": "absolute", "dots": "by '..'", "link": "by a link", "relative": ""}
    state = "missing" if row["inside"] else f"outside, {ways[str(row['way'])]}"
    yield f"      {printable(str(row['path']))} ({state})"


def _columns(table: "pa.Table") -> Iterator[dict[str, Any]]:
    """Yield the sums of each column, whose rows follow one another."""
    import pyarrow as pa
    import pyarrow.compute as pc

    gone = pc.fill_null(pc.equal(table["present"], False), False).cast(pa.int64())
    out = pc.invert(table["inside"]).cast(pa.int64())
    keys = ["file", "block", "label", "kind"]
    whole = table.select([*keys, "path", "count"]).append_column("gone", gone).append_column("out", out)
    sums = [("path", "count"), ("count", "sum"), ("gone", "sum"), ("out", "sum")]
    # In the order of the table, which threads would not keep.
    for batch in whole.group_by(keys, use_threads=False).aggregate(sums).to_batches():
        yield from batch.to_pylist()
