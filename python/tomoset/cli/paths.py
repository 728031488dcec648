"""``tomoset paths``: where the references of a project lead to."""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
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
#: So many paths of a folder are listed one by one, and of a column so many folders.
_MOST_PATHS = 5
_MOST_FOLDERS = 20
_KINDS = ("image", "star", "file", "folder", "node", "stem", "option")
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
    "--kind",
    "kinds",
    metavar="KIND",
    multiple=True,
    type=click.Choice(_KINDS),
    help=f"Only paths of this kind, or of several: {', '.join(_KINDS)}.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "csv", "json"]),
    default="table",
    show_default=True,
    help="csv and json have a row for each path in a column of a block.",
)
@click.option(
    "--threads", type=click.IntRange(1, 1024), help="Threads that read files; all processors by default."
)
def paths(
    project: str, missing: bool, outside: bool, kinds: tuple[str, ...], form: str, threads: int | None
) -> int:
    """List the paths in the STAR files of PROJECT, and whether something is there.

    Paths are resolved as RELION does it, from the project's folder. What lies outside is not
    looked at, and nothing is opened. Links, '..' and absolute paths may lead outside. Where
    many paths of one folder are to be listed, the folder is, and --format csv lists them.

    \b
    tomoset paths .
    tomoset paths . --missing --kind star --kind file
    tomoset paths . --missing --outside --format csv
    """  # noqa: D301  click reads the mark
    from tomoset.mending import find_references

    found = find_references(project, threads=threads)
    lacks_images = _lacks_images(found)
    if kinds:
        found = replace(found, table=_of_kinds(found.table, kinds))
    table = _asked(found, missing=missing, outside=outside)
    if form == "table":
        echo_lines(_lines(table, lists=missing or outside))
    else:
        from tomoset.cli.formats import WRITERS

        sys.stdout.flush()
        WRITERS[form](table.schema, table.to_batches(), sys.stdout.buffer)
    _echo_to_error(_facts(found))
    if lacks_images and not kinds:
        command = f"tomoset paths {printable(project)} --missing --kind star --kind file --kind folder"
        click.echo("most images are missing; if they were not copied, look at the other paths:", err=True)
        click.echo(command, err=True)
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
            yield from _paths(table.slice(start, rows).to_pylist())
        start += rows


def _paths(rows: list[dict[str, Any]]) -> Iterator[str]:
    """Yield paths, or their folders where there are many."""
    folders: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        path = str(row["path"])
        state = "missing" if row["inside"] else f"outside, {_WAYS[str(row['way'])]}"
        folders.setdefault((path.rstrip("/").rpartition("/")[0], state), []).append(path)
    for (folder, state), found in list(folders.items())[:_MOST_FOLDERS]:
        if len(found) > _MOST_PATHS:
            yield f"      {printable(folder or '.')}/: {len(found):,} paths, such as {_name(found[0])} ({state})"
        else:
            yield from (f"      {printable(path)} ({state})" for path in found)
    if len(folders) > _MOST_FOLDERS:
        left = sum(len(found) for found in list(folders.values())[_MOST_FOLDERS:])
        more = counted(len(folders) - _MOST_FOLDERS, "more folder")
        yield f"      {counted(left, 'path')} in {more} (--format csv lists all)"


#: How a path leads out.
_WAYS = {"absolute": "absolute", "dots": "by '..'", "link": "by a link", "relative": ""}


def _name(path: str) -> str:
    return printable(path.rstrip("/").rpartition("/")[2])


def _of_kinds(table: "pa.Table", kinds: Sequence[str]) -> "pa.Table":
    import pyarrow as pa
    import pyarrow.compute as pc

    wanted = pa.array(kinds, table.schema.field("kind").type)
    return table.filter(pc.is_in(table["kind"], value_set=wanted))


def _lacks_images(found: "FoundReferences") -> bool:
    """Tell whether most of the images are missing, and there are so many that this is no accident."""
    import pyarrow.compute as pc

    images = found.table.filter(pc.equal(found.table["kind"], "image"))
    missing = pc.sum(pc.equal(images["present"], False)).as_py() or 0
    return int(missing) > max(len(images) // 2, _MOST_FOLDERS)


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
