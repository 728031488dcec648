"""How a set shows itself, as text, as a table and in notebooks."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from tomoset.exceptions import printable
from tomoset.sets.tilt_series import TiltSeries
from tomoset.sets.tomogram import Tomogram
from tomoset.tables import as_numpy

if TYPE_CHECKING:
    from tomoset.sets.tomogram_set import TomogramSet

__all__ = ["html_of", "html_table", "summary_of", "text_of", "title_of"]

#: How many tomograms are shown.
SHOWN = 12


def title_of(tomos: TomogramSet) -> str:
    """Say in a line what a set is."""
    where = printable(tomos.path, 1000) if tomos.path else "in memory"
    count = f"{len(tomos)} tomogram{'' if len(tomos) == 1 else 's'}"
    version = tomos.layout.replace("relion", "RELION ")
    return f"TomogramSet {where}: {count}, {tomos.num_tilts} tilts, {version}"


def text_of(tomos: TomogramSet) -> str:
    """Give a line for each tomogram, below one for the set."""
    shown = tomos.names[:SHOWN]
    lines = [f"<{title_of(tomos)}>"]
    width = max((len(printable(name)) for name in shown), default=0)
    for name in shown:
        tomogram = tomos[name]
        size = tomogram._value(Tomogram.pixel_size.label, needed=False)
        pixel = "" if size is None else f"{size:g} A/px, "
        lines.append(f"  {printable(name):<{width}}  {pixel}{tomogram.tilt_series.summary}")
    if len(tomos) > SHOWN:
        lines.append(f"  ... and {len(tomos) - SHOWN} more")
    if tomos.findings:
        lines.append(f"  findings: {len(tomos.findings)}, see .findings")
    return "\n".join(lines)


def html_of(tomos: TomogramSet) -> str:
    """Give a table with a row for each tomogram."""
    return html_table(title_of(tomos), summary_of(tomos[:SHOWN]), len(tomos), len(tomos.findings))


def html_table(title: str, table: pa.Table, count: int, findings: int) -> str:
    """Give the first rows of a table of `count`, below a title, as HTML."""
    heads = "".join(f"<th>{html.escape(name)}</th>" for name in table.column_names)
    rows = [
        "<tr>" + "".join(f"<td>{html.escape(_cell(value))}</td>" for value in row.values()) + "</tr>"
        for row in table.slice(0, SHOWN).to_pylist()
    ]
    more = f"<p>... and {count - SHOWN:,} more</p>" if count > SHOWN else ""
    odd = f"<p>findings: {findings}</p>" if findings else ""
    return f"<strong>{html.escape(title)}</strong><table><tr>{heads}</tr>{''.join(rows)}</table>{more}{odd}"


def summary_of(tomos: TomogramSet) -> pa.Table:
    """Give a row for each tomogram: size, tilts, angles, dose of the last image, defocus; null where not known."""
    sizes = [tomogram.size for tomogram in tomos.values()]
    pixel = Tomogram.pixel_size.label
    known = pixel in tomos.table.column_names
    columns = {
        "tomogram": pa.array([printable(name) for name in tomos.names], pa.large_string()),
        "size [px]": pa.array(["x".join(map(str, size)) if size else None for size in sizes], pa.string()),
        "A/px": tomos.table.column(pixel) if known else pa.nulls(len(tomos), pa.float64()),
        "tilts": np.diff(tomos.offsets),
        "angles [deg]": _ranges(tomos, TiltSeries.nominal_tilt_angles.label, "{:.1f} to {:.1f}"),
        "e/A^2": _ranges(tomos, TiltSeries.pre_exposure.label, "{1:.1f}"),
        "defocus [um]": _ranges(tomos, TiltSeries.defocus_u.label, "{:.2f} to {:.2f}", 1e-4),
    }
    # Unlike pa.table() without loading pandas.
    return pa.Table.from_pydict(columns)


def _ranges(tomos: TomogramSet, label: str, form: str, scale: float = 1.0) -> pa.Array:
    """Give the least and the largest value of each tomogram's tilts, as text."""
    if label not in tomos.contents.tilts.column_names:
        return pa.nulls(len(tomos), pa.string())
    values = as_numpy(tomos.contents.tilts.column(label)).astype(np.float64) * scale
    owners = tomos.contents.owners()
    least, most = np.full(len(tomos), np.nan), np.full(len(tomos), np.nan)
    np.fmin.at(least, owners, values)
    np.fmax.at(most, owners, values)
    texts = [None if np.isnan(low) else form.format(low, high) for low, high in zip(least, most, strict=True)]
    return pa.array(texts, pa.string())


def _cell(value: object) -> str:
    if value is None:
        return ""
    return f"{value:g}" if isinstance(value, float) else str(value)
