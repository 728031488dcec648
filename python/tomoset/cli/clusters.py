"""Where ``tomoset index`` has its work done: options, and clusters that end with the command."""

import logging
import re
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from multiprocessing import resource_tracker
from typing import TYPE_CHECKING, Any, TypeVar

import click

from tomoset.cli.slurm import SlurmJobs, told_by_slurm

if TYPE_CHECKING:
    from distributed import Client

_POLL_SECONDS = 0.1
_ANSWER_SECONDS = 10
_ADDRESS = re.compile(r"\w+://[^\s/]+:\d+/?")
_LOGGERS = (
    "asyncio",
    "distributed",
    "distributed.client",
    "distributed.nanny",
    "distributed.scheduler",
    "distributed.worker",
    "tornado",
    "tornado.application",
)
#: Nobody looks at it, and a fixed port may be taken.
_NO_DASHBOARD = {"dashboard": False, "dashboard_address": ":0"}
_Command = TypeVar("_Command", bound=Callable[..., Any])


def workers_options(command: _Command) -> _Command:
    """Give a command the options of `Workers`."""
    for option in (
        click.option("--slurm-script", is_flag=True, help="Print the script of a job of --slurm, and exit."),
        click.option(
            "--slurm",
            metavar="WORDS",
            help="Work in Slurm jobs, such as 'queue=cpu cores=8 memory=16GB walltime=02:00:00 jobs=4 account=em'.",
        ),
        click.option(
            "--local-cluster",
            metavar="N",
            type=click.IntRange(1, 1024),
            help="Work in N processes of this machine.",
        ),
        click.option("--scheduler", metavar="ADDRESS", help="Work on the Dask cluster of tcp://HOST:PORT."),
        click.option(
            "--threads",
            metavar="N",
            type=click.IntRange(1, 1024),
            help="Reading threads; all cores by default.",
        ),
    ):
        command = option(command)
    return command


@dataclass(frozen=True)
class Workers:
    """Where work is done; threads of this process if nothing is said.

    Raises
    ------
    click.UsageError
        Two of them are asked for, or one cannot be.
    """

    threads: int | None = None
    scheduler: str | None = None
    local_cluster: int | None = None
    slurm: str | None = None

    def __post_init__(self) -> None:
        given = {
            "--threads": self.threads,
            "--scheduler": self.scheduler,
            "--local-cluster": self.local_cluster,
            "--slurm": self.slurm,
        }
        asked = [option for option, value in given.items() if value is not None]
        if len(asked) > 1:
            raise click.UsageError(f"{asked[0]} and {asked[1]} exclude each other")
        if self.scheduler is not None and not _ADDRESS.fullmatch(self.scheduler):
            raise click.UsageError(f"--scheduler must be as tcp://HOST:PORT, not {self.scheduler!r}")
        if self.slurm is not None:
            SlurmJobs.parse(self.slurm)

    def slurm_script(self) -> str:
        """Return the script of a job.

        Raises
        ------
        click.UsageError
            Slurm is not asked for, or something is missing.
        """
        if self.slurm is None:
            raise click.UsageError("--slurm-script goes with --slurm")
        return SlurmJobs.parse(self.slurm).script()

    @contextmanager
    def client(self) -> Iterator["Client | None"]:
        """Give a client of the cluster, which ends with the block; None where threads do the work.

        Raises
        ------
        ImportError
            The extra ``dask`` is missing.
        ClusterError
            The scheduler does not answer, or Slurm takes no jobs.
        """
        with ExitStack() as stack:
            if self.scheduler is not None:
                yield stack.enter_context(_client(self.scheduler))
            elif self.local_cluster is not None:
                yield stack.enter_context(_client(stack.enter_context(_local_cluster(self.local_cluster))))
            elif self.slurm is not None:
                yield stack.enter_context(_client(stack.enter_context(_slurm_cluster(self.slurm))))
            else:
                yield None


@contextmanager
def _client(cluster: object) -> Iterator["Client"]:
    from tomoset.catalog.faults import ClusterError, dask_extra

    with dask_extra():
        from distributed import Client
    _hush()
    try:
        client = Client(cluster, set_as_default=False, timeout=_ANSWER_SECONDS)
    except OSError as fault:
        raise ClusterError(f"--scheduler {cluster}: no scheduler answers there: {fault}") from fault
    try:
        yield client
    finally:
        client.close()


@contextmanager
def _local_cluster(number: int) -> Iterator[object]:
    from tomoset.catalog.faults import dask_extra

    with dask_extra():
        from distributed import LocalCluster
    _hush()
    # Ctrl-C on a terminal is for all processes. Workers, and those that come in their place, take over from the
    # thread that starts them that it is blocked; this process ends them.
    with _interrupt_blocked():
        cluster = LocalCluster(
            n_workers=number,
            threads_per_worker=1,
            dashboard_address=_NO_DASHBOARD["dashboard_address"],
            scheduler_kwargs=_NO_DASHBOARD,
            silence_logs=logging.CRITICAL,
            preload=["tomoset.cli.quiet_worker"],
        )
    try:
        yield cluster
    finally:
        cluster.close()


@contextmanager
def _slurm_cluster(words: str) -> Iterator[object]:
    from tomoset.catalog.faults import ClusterError, dask_extra

    with dask_extra():
        from dask_jobqueue import SLURMCluster
        from dask_jobqueue.slurm import SLURMJob
        from distributed import Status
    _hush()
    outcomes: list[Exception | None] = []

    class Job(SLURMJob):  # type: ignore[misc]
        """A job that tells whether Slurm has taken it; dask-jobqueue only writes that to its log."""

        async def start(self) -> None:
            try:
                await super().start()
            except Exception as fault:
                self.status = Status.failed
                outcomes.append(fault)
                raise
            outcomes.append(None)

    jobs = SlurmJobs.parse(words)
    with told_by_slurm():
        cluster = SLURMCluster(job_cls=Job, scheduler_options=_NO_DASHBOARD, **jobs.job_options())
    try:
        cluster.scale(jobs=jobs.number)
        while len(outcomes) < jobs.number:
            time.sleep(_POLL_SECONDS)
        faults = [fault for fault in outcomes if fault is not None]
        if len(faults) == jobs.number:
            raise ClusterError(f"--slurm: no job could be submitted: {_words(faults[0])}")
        yield cluster
    finally:
        cluster.close()


def _words(fault: Exception) -> str:
    """Return what sbatch said, of the pages that dask-jobqueue says."""
    if isinstance(fault, FileNotFoundError):
        return f"there is no {fault.filename} on this machine"
    _, _, said = str(fault).partition("stderr:\n")
    return " ".join((said or str(fault)).split())


@contextmanager
def _interrupt_blocked() -> Iterator[None]:
    """Put off Ctrl-C to the end of the block."""
    # Where it does not run yet, the first process would start it, and it leaves the signal unblocked.
    resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _hush() -> None:
    """Leave the terminal to us: what goes wrong in a cluster is told once, as our own error."""
    for name in _LOGGERS:
        logging.getLogger(name).setLevel(logging.CRITICAL)
