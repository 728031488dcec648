"""The tables of a block, and how they differ from the text they were read from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tomoset.exceptions import MissingLabelError
from tomoset.frames import from_stream, to_stream
from tomoset.tables import plain_column, plain_text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import numpy as np
    import numpy.typing as npt
    import pyarrow as pa

    from tomoset import _core

    Indices = npt.NDArray[np.int64]

__all__ = ["Part"]


class Part:
    """A list or loop of a block; its table is made when somebody asks.

    Parts do not change. One that comes of another by an edit knows which column of the text each of its columns is,
    which row each of its rows, and which columns' values may be others: all that is needed to keep the text of the
    rest.
    """

    def __init__(
        self,
        is_list: bool,
        num_rows: int,
        labels: list[str],
        table: pa.Table | Callable[[], pa.Table],
        *,
        place: int | None = None,
        columns: Sequence[int | None] | None = None,
        fresh: frozenset[str] = frozenset(),
        rows: Indices | None = None,
    ) -> None:
        self.is_list = is_list
        self.num_rows = num_rows
        self.labels = labels
        self._table = table
        #: Which of the tables of its block's text it is.
        self.place = place
        #: Which column of the text each column is; nothing where it is new.
        self._columns: Sequence[int | None] = range(len(labels)) if columns is None else columns
        self._fresh = fresh
        #: Which row of the text each row is, -1 where it is new.
        self._rows = rows

    @property
    def table(self) -> pa.Table:
        """The part as a table."""
        if callable(self._table):
            self._table = self._table()
        return self._table

    @property
    def is_edited(self) -> bool:
        """Whether anything may differ from the text."""
        return bool(self._fresh) or self._rows is not None or self._columns != range(len(self.labels))

    def __reduce__(self) -> tuple[Any, ...]:
        # As a stream of its own: a slice would take along the buffers that many blocks share.
        return _unpickle, (self.is_list, self.num_rows, self.labels, to_stream(self.table))

    def add_to(self, draft: _core.Draft) -> None:
        """Tell a draft, in which the block's text is kept, what differs."""
        import pyarrow as pa

        if not self.is_edited or self.place is None:
            return
        columns = [
            (label, origin, _array(self.table.column(label)) if label in self._fresh else None)
            for label, origin in zip(self.labels, self._columns, strict=True)
        ]
        draft.edit_table(self.place, columns, None if self._rows is None else pa.array(self._rows))

    def _edited(
        self,
        labels: list[str],
        table: pa.Table | Callable[[], pa.Table],
        columns: Sequence[int | None],
        fresh: frozenset[str],
    ) -> Part:
        return Part(
            self.is_list,
            self.num_rows,
            labels,
            table,
            place=self.place,
            columns=columns,
            fresh=fresh,
            rows=self._rows,
        )

    def with_columns(self, columns: Mapping[str, pa.ChunkedArray]) -> Part:
        """Set columns; new ones come last."""
        table = self.table
        origins = list(self._columns)
        for label, values in columns.items():
            if len(values) != self.num_rows:
                raise ValueError(f"{label!r} has {len(values)} values; the table has {self.num_rows} rows")
            if label in table.column_names:
                table = table.set_column(table.column_names.index(label), label, values)
            else:
                table = table.append_column(label, values)
                origins.append(None)
        return self._edited(table.column_names, table, origins, self._fresh | columns.keys())

    def select(self, labels: Sequence[str]) -> Part:
        """Keep these columns, in this order."""
        if len(set(labels)) < len(labels):
            raise ValueError(f"a label is there twice: {', '.join(map(repr, labels))}")
        at = [self.labels.index(label) for label in labels]
        columns = [self._columns[index] for index in at]
        return self._edited(list(labels), lambda: self.table.select(at), columns, self._fresh & set(labels))

    def rename(self, names: Mapping[str, str]) -> Part:
        """Give columns other names."""
        labels = [names.get(label, label) for label in self.labels]
        for label in labels:
            if labels.count(label) > 1:
                raise ValueError(f"label {label!r} would be there twice")
        fresh = frozenset(names.get(label, label) for label in self._fresh)
        columns = list(self._columns)
        return self._edited(labels, lambda: self.table.rename_columns(labels), columns, fresh)

    def take(self, indices: Indices) -> Part:
        """Keep these rows, in this order."""
        rows = indices if self._rows is None else self._rows[indices]
        return Part(
            self.is_list,
            len(indices),
            self.labels,
            lambda: self.table.take(indices),
            place=self.place,
            columns=self._columns,
            fresh=self._fresh,
            rows=rows,
        )

    def append(self, more: pa.Table) -> Part:
        """Add rows at the end; `more` has the same columns."""
        import numpy as np
        import pyarrow as pa

        # Categories of one table may be text in the other.
        both = [plain_text(self.table), plain_text(more.select(self.labels))]
        table = pa.concat_tables(both, promote_options="permissive")
        known = np.arange(self.num_rows) if self._rows is None else self._rows
        return Part(
            self.is_list,
            table.num_rows,
            self.labels,
            table,
            place=self.place,
            columns=self._columns,
            fresh=frozenset(self.labels),
            rows=np.concatenate([known, np.full(more.num_rows, -1)]),
        )

    def replaced(self, table: pa.Table, rows: Indices | None) -> Part:
        """Put another table in the place of this one; `rows` tells which of its rows each row was."""
        origin = dict(zip(self.labels, self._columns, strict=True))
        known = rows if self._rows is None or rows is None else _through(self._rows, rows)
        return Part(
            self.is_list,
            table.num_rows,
            table.column_names,
            table,
            place=self.place,
            columns=[origin.get(label) for label in table.column_names],
            fresh=frozenset(table.column_names),
            rows=self._rows if rows is None else known,
        )

    def check(self, labels: Sequence[str], block: str, hint: Callable[[str, str, list[str]], str]) -> None:
        """Raise unless all labels are there."""
        for label in labels:
            if label not in self.labels:
                meant = hint(label, "_", self.labels) if isinstance(label, str) else ""
                raise MissingLabelError(f"block {block!r} has no column {label!r}{meant}", label)


def _through(known: Indices, rows: Indices) -> Indices:
    """Give the rows of the text for rows of a table, -1 where there is none."""
    import numpy as np

    return np.where(rows >= 0, known[np.maximum(rows, 0)], -1)


def _array(column: pa.ChunkedArray) -> pa.Array:
    """Give a column in one piece, in a layout the core writes."""
    column = plain_column(column)
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()


def _unpickle(is_list: bool, num_rows: int, labels: list[str], stream: bytes) -> Part:
    return Part(is_list, num_rows, labels, from_stream(stream))
