"""One block of a STAR file: its list values and its loops as Arrow tables, and edits of them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, NoReturn

from tomoset import _core
from tomoset.exceptions import MissingLabelError, SeveralTablesError
from tomoset.frames import block_html, block_text, to_pandas, to_polars
from tomoset.matching import matched_rows
from tomoset.parts import Part
from tomoset.tables import (
    aligned,
    check_bare,
    check_labels,
    is_expression,
    is_scalar,
    list_table,
    mask_indices,
    row_indices,
    rows_table,
    to_column,
    to_table,
    writable,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import numpy as np
    import numpy.typing as npt
    import pandas as pd
    import polars as pl
    import pyarrow as pa

__all__ = ["StarBlock"]


class StarBlock:
    """A block: ``data_NAME`` with a list of values, a loop, or in odd files several of them.

    A block is a table: `to_arrow`, `to_pandas`, `to_polars`, `to_dict`, and any library that takes Arrow's
    PyCapsule interface (``pa.table(block)``, ``pl.DataFrame(block)``, DuckDB). A list counts as a table of one row.
    A block with several tables has to be asked for one of them, by `values` or `loops`.

    Blocks do not change: `with_columns`, `filter` and the like give a new one, which shares memory with the old, and
    the text of whatever they left as it was is kept when the block is written.

    Attributes
    ----------
    version : int or None
        From RELION's comment ``# version N``, the last one above the block.
    """

    def __init__(
        self,
        name: str,
        version: int | None,
        parts: tuple[Part, ...],
        origin: tuple[_core.StarTables, int] | None = None,
    ) -> None:
        self._name = name
        self.version = version
        self._parts = parts
        # The text it was read from, and which of its blocks it is.
        self._origin = origin

    @property
    def name(self) -> str:
        """The block's name without ``data_``, which may be empty; `with_name` gives the block under another."""
        return self._name

    @classmethod
    def _of(cls, tables: _core.StarTables, index: int, name: str) -> StarBlock:
        found = tables.tables(index)
        parts = tuple(
            Part(*facts, partial(tables.table, index, at), place=at) for at, facts in enumerate(found)
        )
        return cls(name, tables.version(index), parts, (tables, index) if tables.keeps_text() else None)

    @classmethod
    def from_table(cls, name: str, data: Any) -> StarBlock:  # noqa: ANN401
        """Make a block of a table, or a list of a dictionary of label to value.

        Parameters
        ----------
        name : str
            Without ``data_``.
        data : table or dict
            As in `write_star`.

        Raises
        ------
        TypeError
            As in `write_star`.
        ValueError
            A label is there twice.
        """
        is_list = isinstance(data, Mapping)
        table = list_table(data, name) if is_list else check_labels(to_table(data, name), name)
        return cls(name, None, (Part(is_list, table.num_rows, table.column_names, table),))

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
        SeveralTablesError
            The block has several tables.
        """
        if len(self._parts) == 1:
            return self._parts[0].table
        if not self._parts:
            import pyarrow as pa

            return pa.table({})
        found = f"block {self.name!r} holds {self.shape_text}; ask for .values or one of .loops"
        raise SeveralTablesError(found)

    def to_pandas(self) -> pd.DataFrame:
        """Give the block's table as a `pandas.DataFrame`; vectors become object columns of arrays.

        Raises
        ------
        SeveralTablesError
            As in `to_arrow`.
        ImportError
            pandas is not installed (``pip install 'tomoset[pandas]'``).
        """
        return to_pandas(self.to_arrow())

    def to_polars(self) -> pl.DataFrame:
        """Give the block's table as a `polars.DataFrame`.

        Raises
        ------
        SeveralTablesError
            As in `to_arrow`.
        ImportError
            polars is not installed (``pip install 'tomoset[polars]'``).
        """
        return to_polars(self.to_arrow())

    def to_dict(self) -> dict[str, Any]:
        """Give a list as label to value, a loop as label to list of values.

        Raises
        ------
        SeveralTablesError
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

    # Edits.

    def with_columns(self, columns: Mapping[str, Any] | None = None, /, **more: Any) -> StarBlock:  # noqa: ANN401
        r"""Set columns of the block's only table, or values of its list.

        Parameters
        ----------
        columns : mapping of label to values, optional
            For labels that are no Python names.
        **more : values
            For each label an array of as many values as there are rows (NumPy, pyarrow, pandas, polars or a
            sequence), or one value for all rows. The index of a pandas Series counts the rows, as in pandas itself. In
            a list a sequence of numbers is a vector. Labels that are new come last.

        Returns
        -------
        StarBlock
            In which each value that is as it was keeps its text.

        Raises
        ------
        ValueError
            The block has several tables; an array has another length, a Series an index in no order; a label is given
            with its underscore.
        TypeError
            Values without a common type.

        Examples
        --------
        >>> text = b"data_a\nloop_\n_rlnVoltage #1\n_rlnClassNumber #2\n300.00 1\n200.00 2\n"
        >>> star = tomoset.read_star(text)
        >>> star["a"] = star["a"].with_columns(rlnClassNumber=[1, 5])
        >>> print(star.to_bytes().decode())
        data_a
        loop_
        _rlnVoltage #1
        _rlnClassNumber #2
        300.00 1
        200.00 5
        <BLANKLINE>
        """
        part = self._only()
        given = {**(columns or {}), **more}
        for label in given:
            check_bare(label, part.labels)
        return self._with(
            part.with_columns({label: self._column(part, label, given[label]) for label in given})
        )

    def with_name(self, name: str) -> StarBlock:
        """Give the same block under another name."""
        return self if name == self.name else StarBlock(name, self.version, self._parts, self._origin)

    def drop(self, labels: str | Iterable[str]) -> StarBlock:
        """Leave columns, or values of a list, out.

        Raises
        ------
        MissingLabelError
            A label that is not there.
        ValueError
            The block has several tables.
        """
        part = self._only()
        gone = [labels] if isinstance(labels, str) else list(labels)
        part.check(gone, self.name, _core.hint)
        return self._with(part.select([label for label in part.labels if label not in gone]))

    def select(self, labels: str | Iterable[str]) -> StarBlock:
        """Keep these columns alone, in this order; in the text of a list they stay in theirs.

        Raises
        ------
        MissingLabelError, ValueError
            As in `drop`.
        """
        part = self._only()
        kept = [labels] if isinstance(labels, str) else list(labels)
        part.check(kept, self.name, _core.hint)
        return self._with(part.select(kept))

    def rename(self, names: Mapping[str, str]) -> StarBlock:
        """Give columns, or values of a list, other labels.

        Raises
        ------
        MissingLabelError
            As in `drop`.
        ValueError
            As in `drop`; a label would be there twice.
        """
        part = self._only()
        part.check(list(names), self.name, _core.hint)
        return self._with(part.rename(names))

    def filter(self, mask: Any) -> StarBlock:  # noqa: ANN401
        """Keep the rows for which `mask` is true.

        Parameters
        ----------
        mask : array of bool, or pyarrow.compute.Expression
            One for each row (NumPy, pyarrow, pandas, polars or a sequence), where a null is not true; the index of a
            pandas Series counts the rows. Or an expression such as ``pc.field("rlnTomoCtfFigureOfMerit") > 0.1``.

        Raises
        ------
        ValueError
            The block has several tables or is a list, or the mask another length.
        TypeError
            A mask that is not of booleans.
        """
        part = self._loop()
        return self._with(part.take(mask_indices(mask, part.table if is_expression(mask) else part.num_rows)))

    def take(self, indices: Any) -> StarBlock:  # noqa: ANN401
        """Keep these rows, in this order; negative ones count from the end.

        Raises
        ------
        IndexError
            There is no such row.
        ValueError
            The block has several tables or is a list.
        """
        part = self._loop()
        return self._with(part.take(row_indices(indices, part.num_rows)))

    def append(self, rows: Any) -> StarBlock:  # noqa: ANN401
        """Add rows below the others.

        Parameters
        ----------
        rows : table or mapping of label to values
            As in `write_star`, or lists of values by label; with the block's columns, in any order.

        Raises
        ------
        MissingLabelError
            A column of the block is missing, or one is new.
        ValueError, TypeError
            As in `with_columns`.
        """
        part = self._loop()
        more = rows_table(rows, self.name)
        missing = [label for label in part.labels if label not in more.column_names]
        for label in missing + [label for label in more.column_names if label not in part.labels]:
            lacking = "the rows have" if label in missing else "the block has"
            raise MissingLabelError(f"block {self.name!r}: {lacking} no column {label!r}", label)
        return self._with(part.append(more))

    def with_table(self, data: Any) -> StarBlock:  # noqa: ANN401
        """Put another table, or for a list a dictionary, in the place of the block's only one.

        Columns are known again by their labels; rows by a pandas frame's index, by their number, or else by their
        values. Each value that is as it was keeps its text.

        Parameters
        ----------
        data : table or mapping
            As in `write_star`.

        Raises
        ------
        ValueError
            The block has several tables, or a label is there twice.
        TypeError
            As in `write_star`.
        """
        part = self._only()
        if part.is_list:
            table = list_table(data, self.name) if isinstance(data, Mapping) else to_table(data, self.name)
            if table.num_rows != 1 or not isinstance(data, Mapping):
                return StarBlock.from_table(self.name, data)
            return self._with(part.replaced(table, None))
        if isinstance(data, Mapping):
            return StarBlock.from_table(self.name, data)
        table = check_labels(to_table(data, self.name), self.name)
        return self._with(part.replaced(table, matched_rows(part.table, table, data)))

    def replaced(self, table: pa.Table, rows: npt.NDArray[np.int64] | None) -> StarBlock:
        """Put another table in the place of the block's only one, of whose rows it is known which they were.

        Parameters
        ----------
        table : pyarrow.Table
        rows : (table.num_rows,) int64 array or None
            Which row of the block each row was, -1 for one that is new; None when they are the same. Each value that
            is as it was keeps its text. A block of another kind, or a list that is to have other rows, is made anew.
        """
        if len(self._parts) != 1 or (self.is_list and table.num_rows != 1):
            return StarBlock.from_table(self.name, table)
        return self._with(self._parts[0].replaced(table, None if self.is_list else rows))

    def _only(self) -> Part:
        if len(self._parts) == 1:
            return self._parts[0]
        raise ValueError(
            f"block {self.name!r} holds {self.shape_text}; only a block with one table is edited"
        )

    def _loop(self) -> Part:
        part = self._only()
        if part.is_list:
            raise ValueError(f"block {self.name!r} is a list, which has no rows to choose from")
        return part

    def _with(self, part: Part) -> StarBlock:
        return StarBlock(self.name, self.version, (part,), self._origin)

    def _column(self, part: Part, label: str, values: Any) -> pa.ChunkedArray:  # noqa: ANN401
        if part.is_list:
            return list_table({label: values}, self.name, alone=False).column(0)
        if is_scalar(values):
            return to_column([values], label, self.name).take([0] * part.num_rows)
        return to_column(aligned(values, repr(label), part.num_rows), label, self.name)

    def _add_to(self, draft: _core.Draft, name: str, *, keep_text: bool) -> None:
        """Add the block to a draft under a name."""
        if keep_text and self._origin is not None:
            tables, index = self._origin
            draft.keep_block(tables, index, name)
            for part in self._parts:
                part.add_to(draft)
            return
        draft.add_block(name)
        for part in self._parts:
            draft.add_table(writable(part.table), is_list=part.is_list)

    def __reduce__(self) -> tuple[Any, ...]:
        return StarBlock, (self.name, self.version, self._parts)
