"""``tomoset changes``: which files are new, changed or gone."""

from typing import TYPE_CHECKING

import click

from tomoset.cli.options import catalog_option
from tomoset.cli.output import echo_lines, terminal_width

if TYPE_CHECKING:
    from tomoset.catalog import Catalog


@click.command()
@catalog_option
@click.option(
    "--since",
    metavar="CRAWL",
    type=click.IntRange(min=0),
    help="Of later crawls than this; of the last one that ended when not given. The table crawls has the numbers.",
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

    if kind is not None and click.format_filename(kind) not in _kinds():
        known = ", ".join(_kinds())
        raise click.UsageError(f"there is no kind {click.format_filename(kind)!r}; there are {known}")
    with Catalog.open(folder) as catalog:
        after = _crawl_before_last(catalog) if since is None else since
        found = catalog.sql(
            "SELECT crawl, change, kind, size, root, path FROM changes "  # noqa: S608  of a number
            f"WHERE crawl > {after:d} ORDER BY crawl, root, path"
        )
    if kind is not None:
        found = found.filter(pc.equal(found.column("kind"), kind))
    if len(found.column("root").unique()) < 2:
        found = found.drop_columns("root")
    echo_lines(table_lines(found, terminal_width()))


def _kinds() -> list[str]:
    """Return the kinds of files, of which the words about their column are a list."""
    from tomoset.catalog.schema import catalog_schemas

    words: str = (catalog_schemas()["files"].field("kind").metadata or {})[b"description"].decode()
    return words.rpartition(": ")[2].split(", ")


def _crawl_before_last(catalog: "Catalog") -> int:
    """Return the crawl that ended before the last one: what an interrupted one found belongs to the next."""
    crawls = catalog.sql("SELECT crawl FROM crawls ORDER BY crawl DESC LIMIT 2")["crawl"].to_pylist()
    return crawls[1] if len(crawls) > 1 else 0
