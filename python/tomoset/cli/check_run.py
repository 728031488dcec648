"""What ``tomoset check`` does with its paths: units, findings, and those that are known."""

import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TypeAlias

from tomoset.checking.baseline import NAME, Baseline, read_baseline, write_baseline
from tomoset.checking.config import Config
from tomoset.checking.run import check_units, findings_of, kept, order, units_of
from tomoset.checking.units import MARKER, Options, Unit, as_given
from tomoset.exceptions import printable
from tomoset.sets.findings import Finding
from tomoset.sets.paths import project_root

_Checked: TypeAlias = tuple[Unit, list[Finding]]


class Checks:
    """Paths that are checked, one after the other.

    Parameters
    ----------
    baseline : str or None
        The file of what is known, for all of them.
    threads : int or None
        Threads, or processes, that share the work; all processors when not given.
    write : bool
        Whether what is found becomes what is known.
    heed : bool
        Whether what is known is left out.
    """

    def __init__(self, baseline: str | None, threads: int | None, *, write: bool, heed: bool) -> None:
        self._baseline = None if baseline is None else Path(baseline)
        self._threads = threads or len(os.sched_getaffinity(0))
        self._write = write
        self._heed = heed
        self._found: list[Finding] = []
        #: What was found, told or not: paths may overlap.
        self._seen: set[tuple[object, ...]] = set()
        self._files: set[str] = set()
        self._projects: set[Path] = set()
        self._read: dict[Path, Baseline] = {}
        self._to_write: dict[Path, list[Finding]] = {}
        self.num_known = 0
        self.num_written = 0

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
        self._projects |= {unit.place for unit in units if unit.is_project}
        for unit in units:
            self._files |= set(unit.files)
        baselines = {id(unit): self._baseline_of(unit, path, config) for unit in units}
        if self._write:
            self._to_write |= {known: [] for known in baselines.values() if known not in self._to_write}
        checked = _shown(check_units(units, options), len(units))
        for unit, finding in findings_of(units, checked, self._seen):
            known = baselines[id(unit)]
            shown = as_given(finding, unit)
            if not keep(finding) or config.excludes(finding.path or ""):
                continue
            if self._write:
                self._to_write[known].append(shown)
            elif self._heed and self._knows(known, shown):
                self.num_known += 1
            else:
                self._found.append(shown)

    def findings(self) -> list[Finding]:
        """Give what is to be told, by path and line; write what is known from now on, if that is wished."""
        for path, findings in self._to_write.items():
            # A project in which nothing is found needs no file, and has none that is of before.
            if findings or path.exists() or path == self._baseline:
                write_baseline(path, findings)
                self.num_written += len(findings)
        return sorted(self._found, key=order)

    @property
    def num_files(self) -> int:
        """How many files were looked at."""
        return len(self._files)

    @property
    def num_projects(self) -> int:
        """How many projects were."""
        return len(self._projects)

    @property
    def files_written(self) -> str:
        """Which files have what is known."""
        paths = [path for path, findings in self._to_write.items() if findings or path == self._baseline]
        first = printable(os.path.relpath(paths[0]), 1000) if paths else "none was found"
        return first if len(paths) < 2 else f"{first}, and {len(paths) - 1:,} more files"

    @property
    def num_gone(self) -> int:
        """How many known findings are no longer there."""
        return sum(baseline.gone for baseline in self._read.values())

    def _baseline_of(self, unit: Unit, path: str, config: Config) -> Path:
        """Give the file of what is known of a unit, and read it if it is there."""
        if self._baseline is not None:
            found = self._baseline
        elif config.baseline is not None:
            found = config.baseline
        elif os.path.isdir(path):  # noqa: PTH112
            found = unit.place / NAME
        else:
            found = project_root(Path(path)) / NAME
        if self._heed and not self._write and found not in self._read:
            # One that was named must be there. In a folder that may not be looked into there is none.
            if found == self._baseline or os.path.exists(found):  # noqa: PTH110
                self._read[found] = read_baseline(found)
        return found

    def _knows(self, path: Path, finding: Finding) -> bool:
        baseline = self._read.get(path)
        return baseline is not None and baseline.takes(finding)


def _shown(checked: Iterator[_Checked], total: int) -> Iterable[_Checked]:
    """Show how far it has come where somebody looks on."""
    if total < 20 or not sys.stderr.isatty():
        return checked
    from tqdm import tqdm

    shown: Iterable[_Checked] = tqdm(checked, total=total, unit=" projects", leave=False)
    return shown
