"""Options that several commands share."""

import math
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import click

_Command = TypeVar("_Command", bound=Callable[..., Any])


MISSING_CATALOG = "Missing option '--catalog': which catalogue, unless TOMOSET_CATALOG says it."


def _require_catalog(context: click.Context, _: click.Parameter, folder: str | None) -> str | None:
    if folder is None and not context.resilient_parsing:
        raise click.UsageError(MISSING_CATALOG, context)
    return folder


def _catalog_option(*, required: bool) -> Callable[[_Command], _Command]:
    return click.option(
        "--catalog",
        "folder",
        metavar="DIR",
        # click's own message does not tell of the variable.
        callback=_require_catalog if required else None,
        envvar="TOMOSET_CATALOG",
        # Whether it can be read is no matter of usage, which is all that click knows.
        type=click.Path(readable=False),
        help="Folder of the catalogue; else TOMOSET_CATALOG says.",
    )


catalog_option = _catalog_option(required=True)
optional_catalog_option = _catalog_option(required=False)


class Amount(click.FloatRange):
    """A number from zero on, and no ``nan``, which is neither less nor more than anything."""

    def __init__(self) -> None:
        super().__init__(min=0)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:  # noqa: ANN401  click's own signature
        """Return the number, or fail."""
        number: float = super().convert(value, param, ctx)
        if math.isnan(number):
            self.fail(f"{value!r} is no number.", param, ctx)
        return number


wait_option = click.option(
    "--wait",
    metavar="SECONDS",
    type=Amount(),
    default=0.0,
    help="Wait so long while another command writes to the catalogue.",
)
force_option = click.option("--force", is_flag=True, help="Replace OUT if it exists.")
output_option = click.option(
    "-o",
    "--output",
    "target",
    metavar="OUT",
    required=True,
    type=click.Path(),
    help="The STAR file to write, .gz or .zst to compress it; '-' for standard output.",
)
floats_option = click.option(
    "--floats",
    metavar="FORMAT",
    multiple=True,
    help="How numbers are written: shortest, relion, or as in C, such as %.6f; LABEL=FORMAT for one label.",
)
layout_option = click.option(
    "--layout",
    type=click.Choice(["relion", "starfile"]),
    help="The skeleton around the values.",
)


def na_option(what: str) -> Callable[[_Command], _Command]:
    """Give the option ``--na``, with a help of its own."""
    return click.option("--na", metavar="VALUE", multiple=True, help=f"{what}; LABEL=VALUE for one label.")


def by_label(option: str, words: Sequence[str]) -> dict[str, str]:
    """Give ``VALUE`` and ``LABEL=VALUE`` as label to value, ``*`` for all other labels.

    Raises
    ------
    click.UsageError
        A label twice, or nothing before the equals sign.
    """
    found: dict[str, str] = {}
    for word in words:
        label, equals, value = word.partition("=")
        label, value = (label.removeprefix("_"), value) if equals else ("*", word)
        if not label:
            raise click.UsageError(f"{option} {word}: no label before '='")
        if label in found:
            raise click.UsageError(f"{option} is given twice for {'all labels' if label == '*' else label}")
        found[label] = value
    return found


def globs(words: Sequence[str]) -> list[str]:
    """Give patterns that may also be separated by commas."""
    return [glob for word in words for glob in word.split(",") if glob]
