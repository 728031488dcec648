"""``tomoset changes``: which files are new, changed or gone."""

import click

from tomoset.cli.options import catalog_option
from tomoset.cli.output import echo_lines, terminal_width


@click.command()
@catalog_option
@click.option(
    "--since",
    metavar="CRAWL",
    type=click.IntRange(min=0),
    help="Of later crawls than this; of the last one when not given. 'tomoset status' has the numbers.",
)
@click.option("--kind", metavar="KIND", help="Only files of this kind, such as tilt_series.")
def changes(folder: str, since: int | None, kind: str | None) -> None:
    """List the files that crawls met first, found changed, or no longer found.

    \b
    tomoset changes --catalog DIR
    tomoset changes --catalog DIR --since 41 --kind tomogram_set
    """  # noqa: D301  click reads the mark
    import pyarrow.compute as pc

    from tomoset.catalog import Catalog
    from tomoset.cli.text_table import table_lines

    with Catalog.open(folder) as catalog:
        after = catalog.status().crawl - 1 if since is None else since
        found = catalog.sql(
            "SELECT crawl, change, kind, size, root, path FROM changes "  # noqa: S608  of a number
            f"WHERE crawl > {after:d} ORDER BY crawl, root, path"
        )
    if kind is not None:
        found = found.filter(pc.equal(found.column("kind"), kind))
    if len(found.column("root").unique()) < 2:
        found = found.drop_columns("root")
    echo_lines(table_lines(found, terminal_width()))
