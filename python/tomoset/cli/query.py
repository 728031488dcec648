"""``tomoset query``: ask a catalogue a question in SQL."""

import os
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import click

from tomoset import _core
from tomoset.cli.faults import Failure
from tomoset.cli.options import MISSING_CATALOG, optional_catalog_option
from tomoset.cli.output import FORMAT_BY_SUFFIX, STDOUT, binary_output, echo_lines, terminal_width
from tomoset.cli.words import printable

if TYPE_CHECKING:
    import pyarrow as pa

    from tomoset.cli.formats import Writer

_FORMATS = ("table", "csv", "json", "parquet", "arrow")
_ROWS_ON_TERMINAL = 50


@click.command()
@click.argument("sql", metavar="SQL", required=False)
@optional_catalog_option
@click.option("--examples", "listed", is_flag=True, help="List the questions that come with the package.")
@click.option("--example", "name", metavar="NAME", help="Ask one of these.")
@click.option(
    "--set",
    "options",
    metavar="OPTION=VALUE",
    multiple=True,
    help="Another value for an option of the --example: max_dose=90, tomogram=TS_01.",
)
@click.option("--show-sql", is_flag=True, help="Print the SQL of the --example, and ask nothing.")
@click.option(
    "--format", "form", type=click.Choice(_FORMATS), help="By default from the name of FILE, else table."
)
@click.option(
    "-o",
    "--output",
    "target",
    metavar="FILE",
    default=STDOUT,
    type=click.Path(),
    help="Write to FILE, in place of what it was.",
)
@click.option(
    "--rows",
    "limit",
    metavar="N",
    type=click.IntRange(min=0),
    help=f"Rows of a table to print, 0 for all; {_ROWS_ON_TERMINAL} by default on a terminal, else all.",
)
def query(
    sql: str | None,
    folder: str | None,
    listed: bool,
    name: str | None,
    options: tuple[str, ...],
    show_sql: bool,
    form: str | None,
    target: str,
    limit: int | None,
) -> None:
    """Ask a catalogue one question in SQL.

    The tables are files, projects, jobs, tomograms, tilts, particle_sets,
    labels, problems, deletions and crawls. latest.tomograms and latest.tilts
    have each tilt series once. SQL is DuckDB's; "-" reads it from standard
    input. json means one object a line.

    \b
    tomoset query --catalog DIR "SHOW TABLES"
    tomoset query --catalog DIR "DESCRIBE tilts"
    tomoset query --catalog DIR "SELECT kind, count(*) FROM files GROUP BY kind"
    tomoset query --examples
    tomoset query --catalog DIR --example high_dose --set min_dose=90
    """  # noqa: D301  click reads the mark
    if listed:
        echo_lines(_titles())
        return
    if (sql is None) == (name is None):
        raise click.UsageError("one question: SQL, or --example NAME")
    if name is None and (options or show_sql):
        raise click.UsageError("--set and --show-sql are for --example")
    if name is not None:
        sql = _example(name, options)
        if show_sql:
            click.echo(sql, nl=False)
            return
    elif sql is not None:
        _refuse_file(sql)
    if folder is None:
        raise click.UsageError(MISSING_CATALOG)
    from tomoset.catalog import Catalog

    assert sql is not None
    form = form or _form_of(target)
    if form in ("parquet", "arrow") and target == STDOUT and sys.stdout.isatty():
        raise click.UsageError(f"{form} is not for a terminal: add -o FILE")
    # Whatever the locale is, SQL is UTF-8.
    sql = os.fsencode(sys.stdin.read() if sql == "-" else sql).decode("utf-8", "surrogateescape")
    with Catalog.open(folder) as catalog:
        answer = catalog.stream(sql)
        if form == "table":
            _write_table(answer, target, limit)
            return
        from tomoset.cli.formats import WRITERS

        with binary_output(target, replace=True) as file:
            _write(WRITERS[form], answer, file, form)


def _titles() -> Iterator[str]:
    from tomoset.catalog.examples import examples

    known = examples()
    width = max(map(len, known))
    yield from (f"{name:<{width}}  {example.title.rstrip('.')}" for name, example in known.items())


def _example(name: str, options: tuple[str, ...]) -> str:
    """Return the SQL of a question with these options."""
    from tomoset.catalog.examples import examples

    known = examples()
    if name not in known:
        hint = _core.hint(name, "", list(known))
        raise click.UsageError(
            f"--example {printable(name)}: there is no such question{hint} (--examples lists them)"
        )
    values = {}
    for option in options:
        key, equals, value = option.partition("=")
        if not equals:
            raise click.UsageError(f"--set {printable(option)}: expected OPTION=VALUE")
        values[key] = value
    try:
        return known[name].with_options(**values).sql
    except (KeyError, ValueError) as fault:
        raise click.UsageError(f"--set: {fault.args[0]}") from fault


def _refuse_file(sql: str) -> None:
    """Say how a file is asked where one is given in the place of SQL."""
    is_named_so = " " not in sql.strip() and sql.lower().endswith(".sql")
    if sql != "-" and (is_named_so or os.path.isfile(sql)):  # noqa: PTH113  any text may be asked of
        command = f"tomoset query --catalog DIR - < {shlex.quote(sql)}"
        raise click.UsageError(f"{printable(sql)} is a file, and no SQL: {printable(command)}")


def _form_of(target: str) -> str:
    """Return the format that the name of a file asks for; a table for standard output and for text files."""
    suffix = Path(target).suffix.lower() if target != STDOUT else ""
    if suffix in ("", ".txt"):
        return "table"
    if suffix not in FORMAT_BY_SUFFIX:
        known = ", ".join([*FORMAT_BY_SUFFIX, ".txt"])
        raise click.UsageError(f"{suffix} says no format; known are {known}, or add --format")
    return FORMAT_BY_SUFFIX[suffix]


def _write(writer: "Writer", answer: "pa.RecordBatchReader", file: BinaryIO, form: str) -> None:
    import pyarrow as pa

    try:
        writer(answer.schema, answer, file)
    except pa.ArrowNotImplementedError as fault:
        raise Failure(f"{form} has no such column: {fault}; make it text by ::VARCHAR") from fault


def _write_table(answer: "pa.RecordBatchReader", target: str, limit: int | None) -> None:
    if target == STDOUT:
        width = terminal_width()
        if limit is None and sys.stdout.isatty():
            limit = _ROWS_ON_TERMINAL
        echo_lines(_lines(answer, width, limit))
        return
    with binary_output(target, replace=True) as file:
        for line in _lines(answer, None, limit):
            file.write(line.encode() + b"\n")


def _lines(answer: "pa.RecordBatchReader", width: int | None, limit: int | None) -> Iterator[str]:
    from tomoset.cli.text_table import table_lines

    table, more = _first_rows(answer, limit)
    is_read = sys.stdout.isatty()
    yield from table_lines(table, width, exact=not is_read)
    if more:
        yield f"(the first {table.num_rows:,} rows; --rows 0 prints all)"
    elif width is not None and is_read:
        yield f"({table.num_rows:,} row{'' if table.num_rows == 1 else 's'})"


def _first_rows(answer: "pa.RecordBatchReader", limit: int | None) -> tuple["pa.Table", bool]:
    """Return as many rows as wanted, and whether there are more."""
    import pyarrow as pa

    if not limit:
        return answer.read_all(), False
    batches: list[pa.RecordBatch] = []
    rows = 0
    for batch in answer:
        batches.append(batch)
        rows += batch.num_rows
        if rows > limit:
            break
    return pa.Table.from_batches(batches, answer.schema).slice(0, limit), rows > limit
