"""Mending files and moving paths: what RELION would read otherwise, and where references lead."""

from tomoset.mending.files import MendedFile, mend_file
from tomoset.mending.fixes import Fix, all_fixes
from tomoset.mending.rebasing import Moved, Rebased, rebase
from tomoset.mending.references import FoundReferences, find_references
from tomoset.mending.texts import Left, Made
from tomoset.mending.trees import mend

__all__ = [
    "Fix",
    "FoundReferences",
    "Left",
    "Made",
    "MendedFile",
    "Moved",
    "Rebased",
    "all_fixes",
    "find_references",
    "mend",
    "mend_file",
    "rebase",
]
