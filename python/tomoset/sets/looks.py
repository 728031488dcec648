"""How a set shows itself, as text and in notebooks."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

from tomoset.exceptions import printable
from tomoset.sets.tomogram import Tomogram

if TYPE_CHECKING:
    from tomoset.sets.tomogram_set import TomogramSet

__all__ = ["html_of", "text_of"]

#: How many tomograms are shown.
SHOWN = 12


def text_of(tomos: TomogramSet) -> str:
    """Give a line for each tomogram, below one for the set."""
    shown = tomos.names[:SHOWN]
    lines = [f"<{_title(tomos)}>"]
    width = max((len(printable(name)) for name in shown), default=0)
    lines += [f"  {printable(name):<{width}}  {tomos[name].tilt_series.summary}" for name in shown]
    if len(tomos) > SHOWN:
        lines.append(f"  ... and {len(tomos) - SHOWN} more")
    if tomos.findings:
        lines.append(f"  findings: {len(tomos.findings)}, see .findings")
    return "\n".join(lines)


def html_of(tomos: TomogramSet) -> str:
    """Give a table with a row for each tomogram."""
    heads = "".join(f"<th>{word}</th>" for word in ("tomogram", "size [px]", "pixel size [A]", "tilts"))
    rows = []
    for name in tomos.names[:SHOWN]:
        tomogram = tomos[name]
        size = " x ".join(map(str, tomogram.size)) if tomogram.size else ""
        pixel = f"{tomogram.pixel_size:g}" if Tomogram.pixel_size.label in tomogram else ""
        cells = (name, size, pixel, tomogram.tilt_series.summary)
        rows.append("<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in cells) + "</tr>")
    more = f"<p>... and {len(tomos) - SHOWN} more</p>" if len(tomos) > SHOWN else ""
    odd = f"<p>findings: {len(tomos.findings)}</p>" if tomos.findings else ""
    title = f"<strong>{html.escape(_title(tomos))}</strong>"
    return f"{title}<table><tr>{heads}</tr>{''.join(rows)}</table>{more}{odd}"


def _title(tomos: TomogramSet) -> str:
    where = printable(tomos.path, 1000) if tomos.path else "in memory"
    count = f"{len(tomos)} tomogram{'' if len(tomos) == 1 else 's'}"
    version = tomos.layout.replace("relion", "RELION ")
    return f"TomogramSet {where}: {count}, {tomos.num_tilts} tilts, {version}"
