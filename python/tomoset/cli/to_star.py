"""What ``tomoset convert`` writes where, when OUT is STAR."""

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tomoset import _core
from tomoset.cli.output import FORMAT_BY_SUFFIX, STDOUT

if TYPE_CHECKING:
    from tomoset.blocks import StarBlock
    from tomoset.star import StarFile

PLACEHOLDER = "{block}"


def table_format(path: str) -> str | None:
    """Return the format of a table that is not STAR, by its name; None for STAR, as which all else is read."""
    return FORMAT_BY_SUFFIX.get(Path(path).suffix.lower())


def star_outputs(
    source: str, target: str, wanted: str | None, *, keep_text: bool
) -> "dict[str, StarFile | dict[str, object] | StarBlock]":
    """Return what to write to which file.

    Raises
    ------
    click.UsageError
        No such block, several of one name, or a place for block names and a table that has none.
    """
    from tomoset import read_star

    form = table_format(source)
    if form is not None:
        from tomoset.foreign import read_table

        if PLACEHOLDER in target:
            raise click.UsageError(
                "{block} in OUT is for STAR files, which have blocks; --block NAME names one"
            )
        name = "" if wanted is None else wanted.removeprefix("data_")
        return {target: {name: read_table(source, form)}}
    # Text that stays is not looked at, so what does not fit its type may stay, too.
    star = read_star(source, dtypes="string" if keep_text else "relion")
    if wanted is None and (PLACEHOLDER not in target or target == STDOUT):
        return {target: star}
    blocks = star.blocks
    if wanted is not None:
        blocks = tuple(block for block in blocks if block.name == wanted)
        if not blocks:
            known = ", ".join(star) or "none at all"
            raise click.UsageError(
                f"no block {wanted!r}{_core.hint(wanted, 'data_', list(star))}; there is {known}"
            )
    if PLACEHOLDER not in target:
        if len(blocks) > 1:
            raise click.UsageError(f"{len(blocks)} blocks are named {wanted!r}; put {{block}} into OUT")
        return {target: blocks[0]}
    numbers: Counter[str] = Counter()
    outputs: dict[str, StarFile | dict[str, object] | StarBlock] = {}
    for block in blocks:
        numbers[block.name] += 1
        outputs[target.replace(PLACEHOLDER, file_name(block.name, numbers[block.name]))] = block
    return outputs


def file_name(block: str, number: int) -> str:
    """Return the name of a block as a part of a file name, the `number`-th of that name in its file."""
    name = block.replace("/", "_") or "unnamed"
    return name if number == 1 else f"{name}-{number}"
