"""What is a table, handed to other libraries."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tomoset.frames import to_pandas, to_polars

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl
    import pyarrow as pa

__all__ = ["Tabular"]


class Tabular:
    """Something with a `table`."""

    @property
    def table(self) -> pa.Table:
        """The table."""
        raise NotImplementedError

    def to_arrow(self) -> pa.Table:
        """Give `table`."""
        return self.table

    def to_pandas(self) -> pd.DataFrame:
        """Give `table` as a `pandas.DataFrame`."""
        return to_pandas(self.table)

    def to_polars(self) -> pl.DataFrame:
        """Give `table` as a `polars.DataFrame`."""
        return to_polars(self.table)

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """Hand `table` to another library."""
        return self.table.__arrow_c_stream__(requested_schema)
