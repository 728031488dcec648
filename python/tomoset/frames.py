"""Tables as data frames of other libraries, and as text and HTML for people."""

from __future__ import annotations

import html
from collections import Counter
from itertools import islice
from typing import TYPE_CHECKING, Any

from tomoset.exceptions import printable
from tomoset.words import counted, severities_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import pandas as pd
    import polars as pl
    import pyarrow as pa

    from tomoset.diagnostics import Diagnostic

__all__ = [
    "block_html",
    "block_text",
    "blocks_html",
    "blocks_text",
    "from_stream",
    "needed",
    "to_pandas",
    "to_polars",
    "to_stream",
]

_BLOCKS = 12
_ROWS = 5


def to_pandas(table: pa.Table) -> pd.DataFrame:
    """Give an Arrow table as a `pandas.DataFrame`."""
    needed("pandas")
    frame: pd.DataFrame = table.to_pandas()
    return frame


def to_polars(table: pa.Table) -> pl.DataFrame:
    """Give an Arrow table as a `polars.DataFrame`."""
    polars = needed("polars")
    frame: pl.DataFrame = polars.from_arrow(table)
    return frame


def to_stream(table: pa.Table) -> bytes:
    """Give a table as the bytes of an Arrow stream, no larger than its own rows."""
    import pyarrow as pa

    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    data: bytes = sink.getvalue().to_pybytes()
    return data


def from_stream(data: bytes) -> pa.Table:
    """Give the table of an Arrow stream."""
    import pyarrow as pa

    return pa.ipc.open_stream(data).read_all()


def needed(package: str) -> Any:  # noqa: ANN401
    """Give a package whose extra has its name.

    Raises
    ------
    ImportError
        It is not installed; the message says how to get it.
    """
    import importlib

    try:
        return importlib.import_module(package)
    except ImportError as error:
        raise ImportError(f"{package} is needed here: pip install 'tomoset[{package}]'") from error


def blocks_text(
    path: str | None, blocks: Iterable[tuple[str, str]], diagnostics: Sequence[Diagnostic]
) -> str:
    """List the blocks of a file, a line each."""
    blocks = [(printable(name), shape) for name, shape in blocks]
    width = max((len(name) for name, _ in blocks[:_BLOCKS]), default=0)
    lines = [f"<STAR {printable(path or 'in memory', 1000)}: {counted(len(blocks), 'block')}>"]
    lines += [f"  {name or '(no name)':<{width}}  {shape}" for name, shape in islice(blocks, _BLOCKS)]
    if len(blocks) > _BLOCKS:
        lines.append(f"  ... and {len(blocks) - _BLOCKS} more")
    if diagnostics:
        lines.append(f"  diagnostics: {_severities(diagnostics)}")
    return "\n".join(lines)


def blocks_html(
    path: str | None, blocks: Iterable[tuple[str, str]], diagnostics: Sequence[Diagnostic]
) -> str:
    """List the blocks of a file as an HTML table."""
    blocks = list(blocks)
    rows = "".join(
        f"<tr><td style='text-align:left'>{html.escape(name or '(no name)')}</td><td>{html.escape(shape)}</td></tr>"
        for name, shape in islice(blocks, _BLOCKS)
    )
    more = f"<p>... and {len(blocks) - _BLOCKS} more</p>" if len(blocks) > _BLOCKS else ""
    odd = f"<p>diagnostics: {html.escape(_severities(diagnostics))}</p>" if diagnostics else ""
    title = f"<strong>STAR {html.escape(printable(path or 'in memory', 1000))}</strong>"
    return f"{title}<table><tr><th>block</th><th>holds</th></tr>{rows}</table>{more}{odd}"


def block_text(name: str, shape: str, tables: Sequence[pa.Table]) -> str:
    """Show a block's columns with their types, units and first values."""
    lines = [f"<STAR block data_{printable(name)}: {shape}>"]
    for table in tables:
        width = max((len(printable(label)) for label in table.column_names), default=0)
        for field, column in zip(table.schema, table.columns, strict=True):
            values = ", ".join(_short(value.as_py()) for value in islice(column, 3))
            dots = ", ..." if table.num_rows > 3 else ""
            lines.append(f"  {printable(field.name):<{width}}  {_kind(field):<20} {values}{dots}"[:100])
    return "\n".join(lines)


def block_html(name: str, shape: str, tables: Sequence[pa.Table]) -> str:
    """Show a block's first rows as HTML tables."""
    parts = [f"<strong>data_{html.escape(name)}</strong> {html.escape(shape)}"]
    for table in tables:
        heads = "".join(
            f"<th>{html.escape(field.name)}<br><small>{html.escape(_kind(field))}</small></th>"
            for field in table.schema
        )
        rows = (table.slice(row, 1).to_pylist()[0].values() for row in range(min(_ROWS, table.num_rows)))
        cells = "".join(
            "<tr>" + "".join(f"<td>{html.escape(_short(value))}</td>" for value in row) + "</tr>"
            for row in rows
        )
        parts.append(f"<div style='overflow-x:auto'><table><tr>{heads}</tr>{cells}</table></div>")
    return "".join(parts)


def _kind(field: pa.Field) -> str:
    names = {"double": "float64", "large_string": "string"}
    kind = names.get(str(field.type), str(field.type)).replace("large_list<item: ", "list<")
    unit = (field.metadata or {}).get(b"unit", b"").decode()
    return f"{kind} [{unit}]" if unit else kind


def _short(value: object) -> str:
    text = repr(value) if isinstance(value, str | bytes) else str(value)
    return text if len(text) <= 32 else f"{text[:29]}..."


def _severities(diagnostics: Sequence[Diagnostic]) -> str:
    return severities_text(Counter(diagnostic.severity for diagnostic in diagnostics))
