"""STAR files of RELION and cryo-EM as Arrow tables, and archives of them as catalogues.

`read_star` reads a file, `scan_star` tells what it holds, `iter_star` streams it; `Catalog` indexes whole trees.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tomoset._core import __version__
from tomoset.blocks import StarBlock
from tomoset.diagnostics import Diagnostic
from tomoset.exceptions import (
    CatalogBusy,
    MissingBlockError,
    MissingLabelError,
    MissingParticleError,
    MissingTomogramError,
    RebaseError,
    SetError,
    SeveralTablesError,
    StarSyntaxError,
    StarTypeError,
    StarWriteError,
    TomosetError,
)
from tomoset.outlines import StarOutline, scan_star
from tomoset.star import StarFile, read_star
from tomoset.streams import iter_star
from tomoset.writing import append_star, write_star

if TYPE_CHECKING:
    from tomoset.catalog import Catalog
    from tomoset.checking import check
    from tomoset.mending import find_references, mend, mend_file, rebase
    from tomoset.sets import (
        Finding,
        Manifold,
        ManifoldSet,
        OptimisationSet,
        ParticleSet,
        TiltSeries,
        Tomogram,
        TomogramSet,
        TrajectorySet,
        read_fiducials,
        write_fiducials,
    )

__all__ = [
    "Catalog",
    "CatalogBusy",
    "Diagnostic",
    "Finding",
    "Manifold",
    "ManifoldSet",
    "MissingBlockError",
    "MissingLabelError",
    "MissingParticleError",
    "MissingTomogramError",
    "OptimisationSet",
    "ParticleSet",
    "RebaseError",
    "SetError",
    "SeveralTablesError",
    "StarBlock",
    "StarFile",
    "StarOutline",
    "StarSyntaxError",
    "StarTypeError",
    "StarWriteError",
    "TiltSeries",
    "Tomogram",
    "TomogramSet",
    "TomosetError",
    "TrajectorySet",
    "__version__",
    "append_star",
    "check",
    "find_references",
    "iter_star",
    "mend",
    "mend_file",
    "read_fiducials",
    "read_star",
    "rebase",
    "scan_star",
    "write_fiducials",
    "write_star",
]


def __dir__() -> list[str]:
    return sorted(__all__)


def __getattr__(name: str) -> Any:  # noqa: ANN401
    # The catalogue and the sets need packages that reading does not.
    if name == "Catalog":
        from tomoset.catalog import Catalog

        return Catalog
    if name in {"find_references", "mend", "mend_file", "rebase"}:
        from tomoset import mending

        return getattr(mending, name)
    if name == "check":
        from tomoset.checking import check

        return check
    if name in __all__:
        from tomoset import sets

        return getattr(sets, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
