"""Which row of a table a row of an edited frame was."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pyarrow as pa

    Indices = npt.NDArray[np.int64]

__all__ = ["matched_rows"]


def matched_rows(old: pa.Table, new: pa.Table, data: Any) -> Indices | None:  # noqa: ANN401
    """Tell for each row of `new`, made of the frame `data`, which row of `old` it was.

    A wrong guess costs nothing but text: only values that are equal keep theirs.

    Returns
    -------
    (new.num_rows,) int64 array or None
        -1 for rows that are new; None when the rows are the same.
    """
    index = _frame_index(data, old.num_rows)
    if index is not None and not _is_identity(index, old.num_rows):
        return index
    if old.num_rows == new.num_rows:
        # A frame that was sorted may be numbered anew.
        return _reordered(old, new)
    return _by_values(old, new)


def _reordered(old: pa.Table, new: pa.Table) -> Indices | None:
    """Match rows by a column that has the same values in another order, each once; nothing where there is none."""
    import numpy as np

    for label in new.column_names:
        if label not in old.column_names or old[label].equals(new[label]):
            continue
        codes = _codes(old[label], new[label])
        if codes is None:
            continue
        before, after = (np.argsort(each, kind="stable") for each in codes)
        values = codes[0][before]
        if np.array_equal(values, codes[1][after]) and not (values[1:] == values[:-1]).any():
            rows = np.empty(len(values), dtype=np.int64)
            rows[after] = before
            return None if _is_identity(rows, len(rows)) else rows
    return None


def _is_identity(index: Indices, rows: int) -> bool:
    import numpy as np

    return len(index) == rows and bool(np.array_equal(index, np.arange(rows)))


def _frame_index(data: Any, rows: int) -> Indices | None:  # noqa: ANN401
    """Take a pandas frame's index for the rows it was made of, if it can be that."""
    import numpy as np

    index = getattr(data, "index", None)
    if index is None or callable(index) or getattr(index, "nlevels", 1) != 1:
        return None
    values = np.asarray(index)
    if values.dtype.kind not in "iu" or len(values) == 0:
        return None
    renumbered = len(values) != rows and np.array_equal(values, np.arange(len(values)))
    if renumbered or values.min() < 0:
        return None
    found = values.astype(np.int64)
    # Rows that were added by hand have numbers beyond.
    return np.where(found < rows, found, -1)


def _by_values(old: pa.Table, new: pa.Table) -> Indices:
    """Match rows whose values are all equal; then the others by a column in which no value occurs twice."""
    import numpy as np

    common = [label for label in new.column_names if label in old.column_names]
    codes = [found for label in common if (found := _codes(old[label], new[label])) is not None]
    rows = np.full(new.num_rows, -1, dtype=np.int64)
    if not codes:
        return rows
    whole_old, whole_new = codes[0]
    for one, other in codes[1:]:
        joint = np.concatenate([whole_old, whole_new]) * (max(one.max(initial=0), other.max(initial=0)) + 1)
        joint += np.concatenate([one, other])
        _, joint = np.unique(joint, return_inverse=True)
        whole_old, whole_new = joint[: len(one)], joint[len(one) :]
    _match(whole_old, whole_new, rows)
    for one, other in codes:
        if (rows >= 0).all():
            break
        if len(np.unique(one)) == len(one) and len(np.unique(other)) == len(other):
            _match(one, other, rows)
    return rows


def _codes(old: pa.ChunkedArray, new: pa.ChunkedArray) -> tuple[Indices, Indices] | None:
    """Give equal numbers to equal values; nothing for columns that cannot be compared so."""
    import numpy as np
    import pyarrow as pa

    try:
        both = pa.chunked_array([*old.chunks, *new.cast(old.type).chunks], type=old.type)
        encoded = both.combine_chunks().dictionary_encode(null_encoding="encode")
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, pa.ArrowTypeError):
        return None
    codes = encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64)
    return codes[: len(old)], codes[len(old) :]


def _match(old: Indices, new: Indices, rows: Indices) -> None:
    """Pair rows that have none yet with equal rows that nobody has, in order."""
    import numpy as np

    free = np.ones(len(old), dtype=bool)
    free[rows[rows >= 0]] = False
    old_rows, new_rows = np.flatnonzero(free), np.flatnonzero(rows < 0)
    old_rows = old_rows[np.argsort(old[old_rows], kind="stable")]
    new_rows = new_rows[np.argsort(new[new_rows], kind="stable")]
    old_keys, new_keys = old[old_rows], new[new_rows]
    # The n-th row of a value is paired with the n-th.
    rank = np.arange(len(new_keys)) - np.searchsorted(new_keys, new_keys, side="left")
    place = np.searchsorted(old_keys, new_keys, side="left") + rank
    good = place < len(old_keys)
    good[good] = old_keys[place[good]] == new_keys[good]
    rows[new_rows[good]] = old_rows[place[good]]
