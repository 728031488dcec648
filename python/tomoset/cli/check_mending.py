"""What ``tomoset check --fix`` mends: what is told, and can be, in the files that it is told of."""

import os
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from tomoset.checking.run import named_by
from tomoset.cli.check_run import Checks
from tomoset.exceptions import TomosetError
from tomoset.mending import MendedFile, all_fixes
from tomoset.mending.files import mend_source, project_of
from tomoset.mending.fixes import RENAMED, Choice
from tomoset.mending.series import names_in_sets
from tomoset.sets.findings import Finding

__all__ = ["mended", "to_mend"]


def to_mend(run: Checks) -> dict[str, set[str]]:
    """Give the files in which something can be mended that is told, as they are told, each with its codes."""
    codes: dict[str, set[str]] = defaultdict(set)
    for finding in run.findings:
        if finding.path is None or finding.id not in all_fixes():
            continue
        for file in _series_of(finding) if finding.id == RENAMED else [finding.path]:
            if not run.is_excluded(file):
                codes[file].add(finding.id)
    return dict(sorted(codes.items()))


def _series_of(finding: Finding) -> Sequence[str]:
    """Give the tilt series of a set: what is told of it is mended in them."""
    own = finding.path or ""
    named = named_by(os.path.abspath(own))  # noqa: PTH100
    return named if os.path.isabs(own) else [os.path.relpath(file) for file in named]  # noqa: PTH117


def mended(run: Checks, codes: Mapping[str, set[str]], *, unsafe: bool) -> Iterator[MendedFile]:
    """Mend files in memory, of each what is told.

    Parameters
    ----------
    run : Checks
        What was checked: sets among it say how blocks are to be called.
    codes : mapping
        As `to_mend` gives it.
    unsafe : bool
        Whether to make fixes that change what is read, too.
    """
    is_renaming = any(RENAMED in wanted for wanted in codes.values())
    names = names_in_sets(run.files, None) if is_renaming else {}
    for file, wanted in codes.items():
        choice = Choice.of(wanted, (), unsafe=unsafe)
        name = names.get(os.path.realpath(file)) if RENAMED in choice.codes else None
        try:
            yield mend_source(file, choice, project_of(file), name)
        except OSError as error:
            yield MendedFile(file, error=error.strerror or str(error))
        except TomosetError as error:
            yield MendedFile(file, error=str(error))
