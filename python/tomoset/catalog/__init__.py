"""The catalogue of an archive: Delta tables about its STAR files, and SQL over them."""

from tomoset.catalog.catalog import Catalog
from tomoset.catalog.faults import (
    ArchiveEmpty,
    ArchiveShrunk,
    CatalogFormatError,
    ClusterError,
    QueryError,
    UnknownRoot,
)
from tomoset.catalog.progress import IndexProgress, IndexSummary

__all__ = [
    "ArchiveEmpty",
    "ArchiveShrunk",
    "Catalog",
    "CatalogFormatError",
    "ClusterError",
    "IndexProgress",
    "IndexSummary",
    "QueryError",
    "UnknownRoot",
]
