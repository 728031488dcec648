"""Where gold beads are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from tomoset import _core
from tomoset.exceptions import SetError, printable
from tomoset.sets.labels import ORIGIN
from tomoset.sets.paths import text_path
from tomoset.star import read_star
from tomoset.tables import as_numpy
from tomoset.writing import write_star

if TYPE_CHECKING:
    import os

    import numpy.typing as npt

    from tomoset.sets.values import Floats

__all__ = ["read_fiducials", "write_fiducials"]


def read_fiducials(path: str | os.PathLike[str]) -> Floats:
    """Read the places of fiducials in a tomogram: ``fiducials_<tomogram>.star``.

    Parameters
    ----------
    path : str or os.PathLike
        The file, such as that of `Tomogram.fiducials_file`: a single block without a name.

    Returns
    -------
    (n, 3) float64 array
        In A from the corner of the tomogram, ``rlnOriginX/Y/ZAngst``: pixels times the pixel size of the tilt series.

    Raises
    ------
    SetError
        No block, or one without such columns.
    StarSyntaxError, StarTypeError, OSError
        As in `read_star`.
    """
    where = text_path(path)
    star = read_star(where)
    if not len(star):
        return np.empty((0, 3))
    block = star[""] if "" in star else next(iter(star.values()))
    if not block.num_rows:
        return np.empty((0, 3))
    for label in ORIGIN:
        if label not in block:
            meant = _core.hint(label, "_", block.labels)
            message = (
                f"{printable(where, 1000)}: fiducials have no column {label!r}{meant}; RELION stops here"
            )
            raise SetError(message, code="no-fiducials", path=where, block=block.name)
    columns = [as_numpy(block[label]) for label in ORIGIN]
    return np.stack(columns, axis=-1).astype(np.float64, copy=False)


def write_fiducials(
    coordinates: npt.ArrayLike,
    path: str | os.PathLike[str],
    **options: Any,  # noqa: ANN401
) -> None:
    """Write the places of fiducials in a tomogram.

    Parameters
    ----------
    coordinates : (n, 3) array_like
        In A from the corner of the tomogram.
    path : str or os.PathLike
        Where to.
    **options
        As in `write_star`.

    Raises
    ------
    ValueError
        Another shape.
    """
    values = np.asarray(coordinates, dtype=np.float64)
    if values.ndim != 2 or values.shape[1] != 3:
        raise ValueError(f"coordinates have the shape {values.shape}; it must be (n, 3)")
    table = pa.table({label: np.ascontiguousarray(values[:, axis]) for axis, label in enumerate(ORIGIN)})
    write_star({"": table}, text_path(path), **options)
