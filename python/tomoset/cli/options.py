"""Options that several commands share."""

import click

catalog_option = click.option(
    "--catalog",
    "folder",
    metavar="DIR",
    required=True,
    envvar="TOMOSET_CATALOG",
    type=click.Path(),
    help="Folder of the catalogue; else TOMOSET_CATALOG says.",
)
