"""What is known of the paths that ``tomoset check`` is given: baselines that are heeded, or written."""

import errno
import os
import stat
from collections.abc import Sequence
from pathlib import Path

from tomoset.checking.baseline import NAME, Baseline, read_baseline, write_baseline
from tomoset.checking.config import Config
from tomoset.checking.run import BY_HEADERS
from tomoset.checking.units import Unit
from tomoset.exceptions import printable
from tomoset.sets.findings import Finding
from tomoset.sets.paths import project_root

#: Findings of files, or of folders with all that is in them, that were not read; of a part of a file they say nothing.
_UNREAD = {"F105", "F201", "F202", "F203", "F204"}


class Known:
    """Baselines of some paths.

    Parameters
    ----------
    baseline : str or None
        The one for all of them.
    write : bool
        Whether what is found becomes what is known.
    heed : bool
        Whether what is known is left out.
    """

    def __init__(self, baseline: str | None, *, write: bool, heed: bool) -> None:
        self._baseline = None if baseline is None else Path(baseline)
        self._write = write
        self._heed = heed
        self._read: dict[Path, Baseline] = {}
        self._to_write: dict[Path, list[Finding]] = {}
        self._written: list[Path] = []
        #: How many findings are known from now on, and how many as before, of which nothing was wanted.
        self.num_written = 0
        self.num_left = 0
        #: Folders of which all is looked at, with a slash behind them, and whether headers of images are.
        self._whole: list[tuple[str, bool]] = []
        self._unread: set[str] = set()

    # Where what is known is.

    def begin(self, path: str, units: Sequence[Unit], config: Config) -> list[Path]:
        """Give the files of what is known of units, and read those that are there.

        Raises
        ------
        BaselineError
            A file that is none.
        OSError
            It cannot be read.
        """
        is_folder = os.path.isdir(path)  # noqa: PTH112
        homes = [_home(unit) if is_folder else project_root(Path(path)) for unit in units]
        if is_folder:
            own = Path(os.path.abspath(path))  # noqa: PTH100  links stay
            top = project_root(own / NAME)
            # Of a part of a project not all is found that there is.
            whole = {own} if top == own else {home for home in homes if home.is_relative_to(own)}
            self._whole += [(f"{folder}/".replace("//", "/"), config.images) for folder in whole]
        named = self._baseline or config.baseline
        files = [named or home / NAME for home in homes]
        for file in dict.fromkeys(files):
            self._begin(file)
        if self._read and not config.recall:
            self._unread |= {file for unit in units for file in unit.offline}
        return files

    def _begin(self, file: Path) -> None:
        if not self._heed or file in self._read:
            return
        if file != self._baseline:
            _refuse_endless(file)
        if self._write:
            self._to_write.setdefault(file, [])
            is_there = os.path.isfile(file)  # noqa: PTH113
        else:
            # One that was named must be there. In a folder that may not be looked into there is none.
            is_there = file == self._baseline or os.path.exists(file)  # noqa: PTH110
        if is_there:
            self._read[file] = read_baseline(file)

    # What is known.

    def takes(self, file: Path, finding: Finding, *, is_wanted: bool) -> bool:
        """Tell whether a finding, which may not be wanted, is known in a file, or is from now on."""
        if finding.block is None and finding.id in _UNREAD:
            self._unread.add(finding.path or "")
        baseline = self._read.get(file)
        is_known = baseline is not None and baseline.takes(finding)
        if not self._write:
            return is_known
        self.num_written += is_wanted
        self.num_left += is_known and not is_wanted
        if is_known or is_wanted:
            self._to_write[file].append(finding)
        return True

    @property
    def num_gone(self) -> int:
        """How many known findings are no longer there."""
        return sum(baseline.gone(self._is_looked_at) for baseline in self._read.values())

    def _is_looked_at(self, path: str, code: str) -> bool:
        """Tell whether all is found that a file has of a code."""
        if self._unread and not self._unread.isdisjoint([path, *map(os.fspath, Path(path).parents)]):
            return False
        return any(
            path.startswith(folder) and (images or code not in BY_HEADERS) for folder, images in self._whole
        )

    # Writing.

    def write(self) -> None:
        """Write what is known from now on: what was found, and what nobody looked for.

        Raises
        ------
        OSError
            A file cannot be written; the others are.
        """
        fault: OSError | None = None
        for path, findings in self._to_write.items():
            stay = self._read[path].passed_over(self._is_looked_at) if path in self._read else {}
            # A project in which nothing is found needs no file, and has none that is of before.
            if findings or stay or path in self._read or path == self._baseline:
                try:
                    self.num_left += write_baseline(path, findings, stay)
                    if findings or stay or path == self._baseline:
                        self._written.append(path)
                except OSError as error:
                    fault = fault or error
        if fault is not None:
            raise fault

    @property
    def files_written(self) -> str:
        """Which files have what is known."""
        paths = self._written
        first = printable(os.path.relpath(paths[0]), 1000) if paths else "none was found"
        return first if len(paths) < 2 else f"{first}, and {len(paths) - 1:,} more files"


def _refuse_endless(file: Path) -> None:
    """Refuse a pipe or device that somebody put where what is known is looked for: it may never end."""
    try:
        mode = file.stat().st_mode
    except OSError:
        return
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        raise OSError(errno.EINVAL, "it is no regular file", os.fspath(file))


def _home(unit: Unit) -> Path:
    """Give the folder of the project that a unit is, or lies in; else its own."""
    return unit.place if unit.is_project else project_root(unit.place / NAME)
