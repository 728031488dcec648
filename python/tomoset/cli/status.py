"""``tomoset status``: what a catalogue holds."""

import click

from tomoset.cli.options import catalog_option
from tomoset.cli.output import echo_lines, terminal_width
from tomoset.cli.words import counted, printable, size_text


@click.command()
@catalog_option
def status(folder: str) -> None:
    """Tell what a catalogue holds, and when each ROOT was looked at last."""
    import pyarrow as pa

    from tomoset.catalog import Catalog
    from tomoset.cli.text_table import table_lines

    with Catalog.open(folder) as catalog:
        found = catalog.status()
    click.echo(f"catalogue  {printable(folder)}, crawl {found.crawl}")
    if not found.is_whole:
        click.echo("a commit was interrupted: the next 'tomoset index' finishes it")
    for root in found.roots:
        when = f"{root.at:%Y-%m-%d %H:%M:%S}Z"
        click.echo(f"root       {printable(root.root)}: {counted(root.files, 'file')}, looked at {when}")
    click.echo("")
    rows = {
        "table": [table.name for table in found.tables],
        "rows": [table.rows for table in found.tables],
        "size": [size_text(table.size) for table in found.tables],
        "parts": [table.parts for table in found.tables],
        "version": [table.version for table in found.tables],
    }
    echo_lines(table_lines(pa.table(rows), terminal_width()))
