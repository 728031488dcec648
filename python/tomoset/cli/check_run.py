"""What ``tomoset check`` does with its paths: units, findings, and those that are known."""

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TypeAlias

from tomoset import _core
from tomoset.checking.config import Config
from tomoset.checking.run import check_units, findings_of, kept, order, units_of
from tomoset.checking.units import Options, Unit, as_given
from tomoset.cli.check_known import Known
from tomoset.sets.findings import Finding

_Checked: TypeAlias = tuple[Unit, list[Finding]]


class Checks:
    """Paths that are checked, one after the other.

    Parameters
    ----------
    known : Known
        What is known, or will be.
    threads : int or None
        Threads, or processes, that share the work; all processors when not given.
    """

    def __init__(self, known: Known, threads: int | None) -> None:
        self.known = known
        self._threads = threads or _core.processors()
        self._found: list[Finding] = []
        #: What was found, told or not: paths may overlap.
        self._seen: set[tuple[object, ...]] = set()
        self._files: set[str] = set()
        self._projects: set[Path] = set()
        self._configs: list[Config] = []
        self.num_known = 0

    def add(self, path: str, config: Config) -> None:
        """Check a path.

        Raises
        ------
        BaselineError
            A file of what is known that is none.
        OSError
            The path cannot be listed, or a file of what is known not be read.
        """
        keep = kept(config.select, config.ignore, config.severity or "note")
        options = Options(images=config.images, recall=config.recall, threads=self._threads)
        units = list(units_of(path, options))
        self._configs.append(config)
        baselines = dict(zip(map(id, units), self.known.begin(path, units, config), strict=True))
        self._projects |= {unit.place for unit in units if unit.is_project}
        for unit in units:
            self._files |= set(unit.files)
        checked = _shown(check_units(units, options), len(units))
        for unit, finding in findings_of(units, checked, self._seen):
            is_wanted = keep(finding) and not config.excludes(finding.path or "")
            if self.known.takes(baselines[id(unit)], finding, is_wanted=is_wanted):
                self.num_known += is_wanted
            elif is_wanted:
                self._found.append(as_given(finding, unit))

    @property
    def findings(self) -> list[Finding]:
        """What is to be told, by path and line."""
        return sorted(self._found, key=order)

    @property
    def files(self) -> list[str]:
        """The files that were looked at, as absolute paths."""
        return sorted(self._files)

    def is_excluded(self, file: str) -> bool:
        """Whether nothing is told of a file."""
        return any(config.excludes(file) for config in self._configs)

    @property
    def num_files(self) -> int:
        """How many files were looked at."""
        return len(self._files)

    @property
    def num_projects(self) -> int:
        """How many projects were."""
        return len(self._projects)


def _shown(checked: Iterator[_Checked], total: int) -> Iterable[_Checked]:
    """Show how far it has come where somebody looks on."""
    if total < 20 or not sys.stderr.isatty():
        return checked
    from tqdm import tqdm

    shown: Iterable[_Checked] = tqdm(checked, total=total, unit=" projects", leave=False)
    return shown
