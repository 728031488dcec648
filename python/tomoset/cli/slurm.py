"""``--slurm``: its words, typed, and the jobs that follow from them."""

import re
import shlex
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import click

_MEMORY = re.compile(r"\d+(\.\d+)? ?([kMGT]i?)?B", re.IGNORECASE)
_TIME = re.compile(r"(\d+-)?\d+(:\d{1,2}){0,2}")


@dataclass(frozen=True)
class SlurmJobs:
    """Jobs in which workers run.

    Attributes
    ----------
    number
        How many.
    options
        What dask-jobqueue is told of each.
    """

    number: int = 1
    options: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def parse(cls, text: str) -> "SlurmJobs":
        """Read words such as ``queue=cpu cores=8 memory=16GB walltime=02:00:00 jobs=4``; values may be quoted.

        Raises
        ------
        click.UsageError
            A word is not known, is there twice, or has a value that it cannot have.
        """
        from tomoset import _core

        try:
            words = shlex.split(text)
        except ValueError as fault:
            raise click.UsageError(f"--slurm: {fault}") from None
        found: dict[str, Any] = {}
        for word in words:
            key, equals, value = word.partition("=")
            if key not in _KEYS:
                meant = _core.hint(key, "", list(_KEYS)) or f"; there are {', '.join(_KEYS)}"
                raise click.UsageError(f"--slurm: unknown key {key!r}{meant}")
            name, read, expected = _KEYS[key]
            if name in found:
                raise click.UsageError(f"--slurm: {key} is given twice")
            known = read(value)
            if not equals or known is None:
                raise click.UsageError(f"--slurm: {key} must be {expected}, not {value!r}")
            found[name] = known
        return cls(found.pop("jobs", 1), found)

    def script(self) -> str:
        """Return the script of one job, as it would be submitted.

        Raises
        ------
        click.UsageError
            Something is missing.
        ImportError
            The extra ``dask`` is missing.
        """
        from tomoset.catalog.faults import dask_extra

        with dask_extra():
            from dask_jobqueue.slurm import SLURMJob
        with told_by_slurm():
            job = SLURMJob("tcp://SCHEDULER:PORT", name="NAME", **self.job_options())
        script: str = job.job_script()
        return script

    def job_options(self) -> dict[str, Any]:
        """Return what dask-jobqueue is told of each job."""
        # A dashboard for each worker serves nobody, and its port may be taken.
        return {"job_name": "tomoset", "worker_extra_args": ["--no-dashboard"], **self.options}


class told_by_slurm:  # noqa: N801  a context manager
    """Tell what dask-jobqueue misses as wrong usage."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, fault: BaseException | None, _: object) -> None:
        if isinstance(fault, ValueError):
            if "cores and memory" in str(fault):
                message = "--slurm: cores=N and memory=SIZE are needed, here or in jobqueue.yaml"
                raise click.UsageError(message) from None
            raise click.UsageError(f"--slurm: {fault}") from None


def _text(value: str) -> str | None:
    return value or None


def _number(value: str) -> int | None:
    return int(value) if re.fullmatch("[0-9]{1,6}", value) and int(value) else None


def _memory(value: str) -> str | None:
    return value if _MEMORY.fullmatch(value) else None


def _time(value: str) -> str | None:
    return value if _TIME.fullmatch(value) else None


def _list(value: str) -> list[str] | None:
    return [value] if value else None


#: Name in dask-jobqueue, what makes a value of the text or None, and what was expected.
_KEYS: dict[str, tuple[str, Callable[[str], object], str]] = {
    "queue": ("queue", _text, "the name of a partition"),
    "account": ("account", _text, "the name of an account"),
    "jobs": ("jobs", _number, "a whole number from 1"),
    "cores": ("cores", _number, "a whole number from 1"),
    "processes": ("processes", _number, "a whole number from 1"),
    "memory": ("memory", _memory, "a size such as 16GB"),
    "walltime": ("walltime", _time, "a time such as 02:00:00 or 1-00:00:00"),
    "interface": ("interface", _text, "a network interface such as ib0"),
    "python": ("python", _text, "the path of a Python"),
    "local-directory": ("local_directory", _text, "a folder"),
    "log-directory": ("log_directory", _text, "a folder"),
    "prologue": ("job_script_prologue", _list, "a command, in quotes"),
    "directive": ("job_extra_directives", _list, "an option of sbatch, such as --exclusive"),
}
