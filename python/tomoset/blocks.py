"""One block of a STAR file: its list values and its loops as Arrow tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

from tomoset import _core
from tomoset.exceptions import MissingLabelError
from tomoset.frames import block_html, block_text, from_stream, to_pandas, to_polars, to_stream

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd
    import polars as pl
    import pyarrow as pa


__all__ = ["StarBlock"]


class _Part:
    """A list or loop of a block; its table is made when somebody asks."""

    def __init__(
        self,
        is_list: bool,
        num_rows: int,
        labels: list[str],
        table: pa.Table | None = None,
        origin: tuple[_core.StarTables, int, int] | None = None,
    ) -> None:
        self.is_list = is_list
        self.num_rows = num_rows
        self.labels = labels
        self._table = table
        self._origin = origin

    @property
    def table(self) -> pa.Table:
        if self._table is None and self._origin is not None:
            tables, block, index = self._origin
            self._table = tables.table(block, index)
        return self._table

    def __reduce__(self) -> tuple[Any, ...]:
        # As a stream of its own: a slice would take along the buffers that many blocks share.
        return _unpickle, (self.is_list, self.num_rows, self.labels, to_stream(self.table))


def _unpickle(is_list: bool, num_rows: int, labels: list[str], stream: bytes) -> _Part:
    return _Part(is_list, num_rows, labels, from_stream(stream))


class StarBlock:
    """A block: ``data_NAME`` with a list of values, a loop, or in odd files several of them.

    A block is a table: `to_arrow`, `to_pandas`, `to_polars`, `to_dict`, and any library that takes Arrow's
    PyCapsule interface (``pa.table(block)``, ``pl.DataFrame(block)``, DuckDB). A list counts as a table of one row.
    A block with several tables has to be asked for one of them, by `values` or `loops`.

    Attributes
    ----------
    name : str
        Without ``data_``; may be empty.
    version : int or None
        From RELION's comment ``# version N``, the last one above the block.
    """

    def __init__(self, name: str, version: int | None, parts: tuple[_Part, ...]) -> None:
        self.name = name
        self.version = version
        self._parts = parts

    @classmethod
    def _of(cls, tables: _core.StarTables, index: int, name: str) -> StarBlock:
        found = tables.tables(index)
        parts = tuple(_Part(*facts, origin=(tables, index, at)) for at, facts in enumerate(found))
        return cls(name, tables.version(index), parts)

    @property
    def values(self) -> dict[str, Any]:
        """The block's list as a dictionary of label to value, typed; empty when it has none."""
        values: dict[str, Any] = {}
        for part in self._parts:
            if part.is_list:
                values.update(part.table.to_pylist()[0])
        return values

    @property
    def loops(self) -> tuple[pa.Table, ...]:
        """The block's loops as `pyarrow.Table`, in file order; mostly one."""
        return tuple(part.table for part in self._parts if not part.is_list)

    @property
    def is_list(self) -> bool:
        """Whether the block is a list and nothing else."""
        return len(self._parts) == 1 and self._parts[0].is_list

    @property
    def num_rows(self) -> int:
        """Rows of the block's only table, or of all its loops together; a list counts as one row."""
        loops = [part.num_rows for part in self._parts if not part.is_list]
        return sum(loops) if loops else len(self._parts[:1])

    @property
    def labels(self) -> list[str]:
        """Names of all columns and list values, in file order."""
        return [label for part in self._parts for label in part.labels]

    @property
    def shape_text(self) -> str:
        """The shapes of the block's tables in words, such as ``41 rows x 28 columns``."""
        words = [
            f"list of {len(part.labels)}"
            if part.is_list
            else f"{part.num_rows} rows x {len(part.labels)} columns"
            for part in self._parts
        ]
        return ", ".join(words) or "empty"

    def to_arrow(self) -> pa.Table:
        """Give the block's table; numeric columns are the very buffers that were read into.

        Returns
        -------
        pyarrow.Table
            One row for a list.

        Raises
        ------
        ValueError
            The block has several tables, or none.
        """
        if len(self._parts) == 1:
            return self._parts[0].table
        if not self._parts:
            import pyarrow as pa

            return pa.table({})
        raise ValueError(f"block {self.name!r} holds {self.shape_text}; ask for .values or one of .loops")

    def to_pandas(self) -> pd.DataFrame:
        """Give the block's table as a `pandas.DataFrame`; vectors become object columns of arrays.

        Raises
        ------
        ValueError
            As in `to_arrow`.
        ImportError
            pandas is not installed (``pip install 'tomoset[pandas]'``).
        """
        return to_pandas(self.to_arrow())

    def to_polars(self) -> pl.DataFrame:
        """Give the block's table as a `polars.DataFrame`.

        Raises
        ------
        ValueError
            As in `to_arrow`.
        ImportError
            polars is not installed (``pip install 'tomoset[polars]'``).
        """
        return to_polars(self.to_arrow())

    def to_dict(self) -> dict[str, Any]:
        """Give a list as label to value, a loop as label to list of values.

        Raises
        ------
        ValueError
            As in `to_arrow`.
        """
        if self.is_list:
            return self.values
        found: dict[str, Any] = self.to_arrow().to_pydict()
        return found

    def __getitem__(self, label: str) -> pa.Array:
        """Give one column of the block's table.

        Returns
        -------
        pyarrow.Array
            Without nulls, ``numpy.asarray`` of a numeric one is a view of the same memory.

        Raises
        ------
        MissingLabelError
            No such column.
        """
        table = self.to_arrow()
        if label not in table.column_names:
            meant = _core.hint(label, "_", table.column_names) if isinstance(label, str) else ""
            raise MissingLabelError(f"block {self.name!r} has no column {label!r}{meant}", label)
        column = table.column(label)
        return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()

    def __contains__(self, label: object) -> bool:
        return any(label in part.labels for part in self._parts)

    def __iter__(self) -> Iterator[str]:
        return iter(self.labels)

    def __len__(self) -> int:
        return self.num_rows

    def __bool__(self) -> bool:
        return bool(self._parts)

    def __array__(self, *_: object, **__: object) -> NoReturn:
        """Refuse to be an array, lest NumPy and pandas make one of the labels."""
        raise TypeError(
            f"block {self.name!r} is a table, not an array: take block.to_pandas(), block.to_polars() or"
            " a column, as in block['rlnVoltage'].to_numpy()"
        )

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """Hand the block's table to another library."""
        return self.to_arrow().__arrow_c_stream__(requested_schema)

    def __arrow_c_schema__(self) -> object:
        """Hand the schema of the block's table to another library."""
        return self.to_arrow().schema.__arrow_c_schema__()

    def __repr__(self) -> str:
        return block_text(self.name, self.shape_text, [part.table for part in self._parts])

    def _repr_html_(self) -> str:
        return block_html(self.name, self.shape_text, [part.table for part in self._parts])

    def _add_to(self, draft: _core.Draft, name: str, *, keep_text: bool) -> None:
        """Add the block to a draft under a name."""
        draft.add_block(name)
        for part in self._parts:
            draft.add_table(part.table, is_list=part.is_list)

    def __reduce__(self) -> tuple[Any, ...]:
        return StarBlock, (self.name, self.version, self._parts)
