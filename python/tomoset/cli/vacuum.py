"""``tomoset vacuum``: give back the space of old versions."""

import click

from tomoset.cli.options import Amount, catalog_option, wait_option
from tomoset.cli.words import counted, size_text


@click.command()
@catalog_option
@click.option(
    "--keep-days",
    metavar="DAYS",
    type=Amount(),
    default=30.0,
    show_default=True,
    help="Versions that are younger stay readable.",
)
@click.option("--dry-run", is_flag=True, help="Delete nothing, only tell.")
@wait_option
def vacuum(folder: str, keep_days: float, dry_run: bool, wait: float) -> None:
    """Delete the files that only old versions of the tables need."""
    from tomoset.catalog import Catalog

    with Catalog.open(folder) as catalog:
        count, size = catalog.vacuum(keep_days=keep_days, dry_run=dry_run, wait=wait)
    click.echo(f"{counted(count, 'file')} ({size_text(size)}) {'would be' if dry_run else 'are'} deleted")
