"""``tomoset forget``: take a root out of a catalogue."""

import click

from tomoset.cli.options import catalog_option, wait_option
from tomoset.cli.words import counted, printable


@click.command()
@click.argument("root", metavar="ROOT", type=click.Path(readable=False))
@catalog_option
@click.option("--dry-run", is_flag=True, help="Change nothing, only tell.")
@wait_option
def forget(root: str, folder: str, dry_run: bool, wait: float) -> None:
    """Take a ROOT out of a catalogue, with all that is known of it.

    Nothing in the archive is touched, and ROOT need not be there any more; tomoset
    status lists the roots. Its files become rows of deletions. Indexed again, it is
    read anew.
    """
    from tomoset.catalog import Catalog

    with Catalog.open(folder) as catalog:
        files = catalog.forget(root, dry_run=dry_run, wait=wait)
    done = "would be forgotten" if dry_run else "is forgotten"
    click.echo(f"{printable(root)} {done}, with {counted(files, 'file')}")
