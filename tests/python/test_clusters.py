"""Indexing on a Dask cluster: the same rows as with threads, whatever becomes of the workers."""

import logging
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cli_runs import environment, run, run_process
from killing_reads import refresh_or_die
from tomoset.catalog import Catalog, ClusterError, clusters, indexing, runners, walking
from tomoset.catalog.clusters import DaskRunner, Place, pack, unpack
from tomoset.catalog.faults import WorkerLost, dask_extra

dask = pytest.importorskip("dask", reason="the extra dask is not installed")
distributed = pytest.importorskip("distributed", reason="the extra dask is not installed")

EXAMPLE = Path(__file__).parents[2] / "examples" / "make_archive.py"
STAR = "data_\nloop_\n_rlnTomoName #1\n_rlnVoltage #2\nTS_01 300\n"


@contextmanager
def cluster_of_two() -> Iterator[Any]:
    with (
        # One death is enough to know a killer by, and each costs seconds.
        dask.config.set({"distributed.scheduler.allowed-failures": 0}),
        distributed.LocalCluster(
            n_workers=2,
            threads_per_worker=1,
            dashboard_address=":0",
            scheduler_kwargs={"dashboard": False},
            silence_logs=logging.CRITICAL,
        ) as cluster,
        distributed.Client(cluster, set_as_default=False) as client,
    ):
        yield client


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    with cluster_of_two() as client:
        yield client


@pytest.fixture
def doomed() -> Iterator[Any]:
    """A client of workers that are to be killed: Dask may not start all of them again."""
    with cluster_of_two() as client:
        yield client


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("archive") / "projects"
    subprocess.run([sys.executable, EXAMPLE, folder, "--projects", "1"], check=True, capture_output=True)
    return folder


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """Six small projects and a loose file."""
    for number in range(6):
        project = tmp_path / "archive" / "year" / f"p{number}"
        (project / "Import" / "job001").mkdir(parents=True)
        (project / "default_pipeline.star").write_text("data_pipeline_general\n\n_rlnPipeLineJobCounter 2\n")
        (project / "Import" / "job001" / "tilt_series.star").write_text(STAR)
    (tmp_path / "archive" / "loose.star").write_text(STAR)
    settle(tmp_path / "archive")
    return tmp_path / "archive"


def settle(archive: Path) -> None:
    """Make files that were written just now older: they are not looked at again for their youth."""
    now = time.time()
    for path in archive.rglob("*"):
        if path.is_file() and path.stat().st_mtime > now - 30:
            os.utime(path, (now - 60, now - 60))


def rows(catalog: Catalog) -> dict[str, list[str]]:
    """Return all rows of all tables, sorted, without the times of the crawls."""
    found = {}
    for name in catalog.tables:
        table = catalog.sql(f"SELECT * FROM {name}").to_pylist()
        kept = [{key: row[key] for key in row if key not in ("started", "finished")} for row in table]
        found[name] = sorted(map(repr, kept))
    return found


def left_over(catalog: Catalog) -> list[str]:
    """Return what a crawl must not leave behind."""
    return [path.name for path in Path(catalog.path).rglob("*.tmp")]


def test_rows_are_those_of_threads(client: Any, example: Path, tmp_path: Path) -> None:
    archive = tmp_path / "archive"
    shutil.copytree(example, archive)
    here, there = Catalog.create(tmp_path / "here"), Catalog.create(tmp_path / "there")

    def both() -> None:
        summaries = [
            here.index(archive, threads=2, allow_shrink=True),
            there.index(archive, runner=client, allow_shrink=True),
        ]
        assert replace(summaries[0], seconds=0.0) == replace(summaries[1], seconds=0.0)
        assert rows(here) == rows(there)
        assert left_over(there) == []

    settle(archive)
    both()
    both()
    stars = sorted(archive.rglob("*.star"))
    stars[0].unlink()
    stars[40].write_text(STAR)
    shutil.rmtree(next(archive.rglob("default_pipeline.star")).parent)
    (archive / "new.star").write_text(STAR)
    settle(archive)
    both()
    assert client.status == "running"
    assert client.futures == {}


def test_paths_and_the_walk_in_many_parts(
    client: Any, archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(walking, "LEAST_STARTS", 2)
    monkeypatch.setattr(walking, "STARTS_PER_WORKER", 1)
    catalog = Catalog.create(tmp_path / "catalog")
    assert catalog.index(archive, runner=client).new_files == 13
    changed = archive / "year" / "p1" / "Import" / "job001" / "tilt_series.star"
    changed.write_text(STAR + "TS_02 300\n")
    assert catalog.index(archive, runner=client, paths=[str(changed)]).changed_files == 1


def test_a_worker_that_is_killed_costs_nothing(
    doomed: Any, archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(indexing, "refresh_shard", refresh_or_die)
    here, there = Catalog.create(tmp_path / "here"), Catalog.create(tmp_path / "there")
    here.index(archive, threads=1)
    monkeypatch.setattr(doomed.cluster.scheduler, "allowed_failures", 3)
    (archive / "year" / "p2" / "once").touch()
    summary = there.index(archive, runner=doomed)
    assert not (archive / "year" / "p2" / "once").exists()
    assert summary.problems.get("fatal", 0) == 0
    assert rows(here) == rows(there)
    assert left_over(there) == []


def test_a_unit_that_kills_its_workers_is_a_problem(
    doomed: Any, archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(indexing, "refresh_shard", refresh_or_die)
    monkeypatch.setattr(indexing, "shard_of", lambda *_: 3)  # the innocent are beside it
    catalog = Catalog.create(tmp_path / "catalog")
    catalog.index(archive, runner=doomed)
    before = rows(catalog)
    deadly = archive / "year" / "p3"
    (deadly / "deadly").touch()
    for number in range(6):
        star = archive / "year" / f"p{number}" / "Import" / "job001" / "tilt_series.star"
        star.write_text(STAR + "TS_02 300\n")
        os.utime(star, (time.time() - 40, time.time() - 40))
    summary = catalog.index(archive, runner=doomed)
    assert (summary.changed_files, summary.num_errors) == (5, 1)
    lost = catalog.sql("SELECT * FROM problems WHERE code = 'F202'").to_pylist()
    assert [(row["path"], row["project"], row["name"], row["severity"]) for row in lost] == [
        ("year/p3", "year/p3", "worker-lost", "fatal")
    ]
    project = catalog.sql("SELECT * FROM projects WHERE path = 'year/p3'").to_pylist()[0]
    assert (project["fingerprint"], project["files"], project["errors"]) == (None, 2, 1)
    kept = [row for row in before["files"] if "year/p3" in row]
    assert [row for row in rows(catalog)["files"] if "year/p3" in row] == kept
    assert len(kept) == 2
    # It changes nothing to lose them again, and it is forgotten once it can be read.
    assert not catalog.index(archive, runner=doomed).changed
    (deadly / "deadly").unlink()
    summary = catalog.index(archive, runner=doomed)
    assert (summary.changed_files, summary.num_errors) == (1, 0)
    assert catalog.sql("SELECT * FROM problems WHERE code = 'F202'").num_rows == 0
    assert catalog.sql("SELECT * FROM projects WHERE fingerprint IS NULL").num_rows == 0


def test_loose_files_that_kill_their_worker(
    doomed: Any, archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(indexing, "refresh_shard", refresh_or_die)
    (archive / "loose").mkdir()
    (archive / "loose" / "x.star").write_text(STAR)
    (archive / "loose" / "deadly").touch()
    catalog = Catalog.create(tmp_path / "catalog")
    for _ in range(2):
        assert catalog.index(archive, runner=doomed).num_errors == 1
        found = catalog.sql("SELECT path, files, errors FROM projects WHERE errors > 0").to_pylist()
        assert found == [{"path": "loose", "files": 0, "errors": 1}]


def test_a_worker_that_ends_just_when_it_is_greeted(
    client: Any, archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    take, lost = DaskRunner._take, iter(range(3))

    def lose_some(runner: DaskRunner, handle: Any) -> Any:
        answer = take(runner, handle)
        if next(lost, None) is not None:
            raise WorkerLost("it is gone")
        return answer

    monkeypatch.setattr(DaskRunner, "_take", lose_some)
    assert Catalog.create(tmp_path / "catalog").index(archive, runner=client).new_files > 0
    lost = iter(range(100))
    with pytest.raises(WorkerLost, match="gone"):
        Catalog.create(tmp_path / "other").index(archive, runner=client)


def test_the_client_is_closed_in_the_middle(client: Any, archive: Path, tmp_path: Path) -> None:
    here, there = Catalog.create(tmp_path / "here"), Catalog.create(tmp_path / "there")
    here.index(archive)
    with distributed.Client(client.scheduler.address, set_as_default=False) as other:
        with pytest.raises(ClusterError, match=r"scheduler at .* is closed or lost; what is committed stays"):
            there.index(archive, runner=other, progress=lambda _: other.close())
        with pytest.raises(ClusterError, match="closed or lost"):
            there.index(archive, runner=other)
    assert there.sql("SELECT * FROM files").num_rows == 0
    assert left_over(there) == []
    there.index(archive, runner=client)
    assert rows(here) == rows(there)


def test_the_scheduler_is_lost(archive: Path, tmp_path: Path) -> None:
    catalog = Catalog.create(tmp_path / "catalog")
    with (
        distributed.LocalCluster(
            n_workers=1,
            threads_per_worker=1,
            processes=False,
            dashboard_address=":0",
            scheduler_kwargs={"dashboard": False},
            silence_logs=logging.CRITICAL,
        ) as cluster,
        distributed.Client(cluster, set_as_default=False, timeout=1) as client,
        pytest.raises(ClusterError, match="closed or lost"),
    ):
        catalog.index(archive, runner=client, progress=lambda _: cluster.close())
    assert catalog.index(archive).new_files == 13


def test_workers_that_see_something_else(
    client: Any, archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    catalog = Catalog.create(tmp_path / "catalog")
    of = Place.of
    for change, words in (
        ({"catalog": tmp_path / "none"}, f"cannot read the catalogue {tmp_path}/none: No such file"),
        ({"card": b"{}"}, f"has another folder {tmp_path}/catalog than this machine"),
        ({"token": "other"}, f"has another folder {tmp_path}/catalog than this machine"),
        ({"root": b"/none"}, "cannot read the archive /none: No such file"),
        ({"samples": (b"other",)}, f"sees other files in {archive} than this machine: is it mounted there?"),
        ({"version": "0.0"}, "has tomoset "),
    ):
        monkeypatch.setattr(Place, "of", lambda *place, change=change: _Elsewhere.like(of(*place), change))
        with pytest.raises(ClusterError, match="the worker on ") as fault:
            catalog.index(archive, runner=client)
        assert words in str(fault.value)
        assert os.uname().nodename in str(fault.value)
        assert left_over(catalog) == []
    assert catalog.sql("SELECT * FROM files").num_rows == 0


class _Elsewhere(Place):
    """What this process sees; workers are told something else."""

    @classmethod
    def like(cls, place: Place, change: dict[str, object]) -> "_Elsewhere":
        other = cls(**vars(place))
        object.__setattr__(other, "_told", replace(place, **change))  # type: ignore[arg-type]
        return other

    def __reduce__(self) -> tuple[object, ...]:
        told: Place = self._told  # type: ignore[attr-defined]
        return Place, tuple(vars(told).values())


def test_a_worker_that_comes_late_looks_around(
    archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clusters, "SETTLING_SECONDS", 0.0)
    catalog = Catalog.create(tmp_path / "catalog")
    place = Place.of(str(archive), Path(catalog.path))
    with pytest.raises(ClusterError, match="another folder"):
        clusters.run(place, pack((os.getpid, ())))
    place.mark.touch()
    assert unpack(clusters.run(place, pack((os.getpid, ())))) == os.getpid()
    place.mark.unlink()
    # The crawl is over.
    assert clusters.run(place, pack((os.getpid, ()))) == b""
    assert left_over(catalog) == []


def test_a_cluster_without_workers(client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    runner = DaskRunner(client)
    assert runner.workers == 2
    monkeypatch.setattr(client, "nthreads", dict)
    monkeypatch.setattr(clusters, "WORKERLESS_SECONDS", 0.1)
    monkeypatch.setattr(clusters, "_COUNT_SECONDS", 0.0)
    time.sleep(0.2)
    with pytest.raises(ClusterError, match="has had no worker for"):
        runner.wait([])


def test_what_runs_it(client: Any, archive: Path, tmp_path: Path) -> None:
    catalog = Catalog.create(tmp_path / "catalog")
    with pytest.raises(TypeError, match=r"a distributed\.Client, or an object with workers, .* not str"):
        catalog.index(archive, runner="tcp://127.0.0.1:8786")
    with pytest.raises(TypeError, match="either threads or a runner"):
        catalog.index(archive, runner=client, threads=2)
    assert catalog.index(archive, runner=runners.ThreadRunner(1)).new_files == 13


def test_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "dask_jobqueue", None)
    with (
        pytest.raises(ImportError, match=r"a cluster needs .* 'dask_jobqueue': .*'tomoset\[dask\]'"),
        dask_extra(),
    ):
        import dask_jobqueue  # noqa: F401


def test_a_local_cluster_by_command(archive: Path, tmp_path: Path) -> None:
    here = Catalog.create(tmp_path / "here")
    here.index(archive)
    done = run_process("index", archive, "--catalog", tmp_path / "there", "--local-cluster", "2", timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    assert [line.split()[0] for line in done.stdout.splitlines()] == [
        *("root", "files", "changes", "tomograms", "tilts", "problems", "time")
    ]
    assert rows(here) == rows(Catalog.open(tmp_path / "there"))


def test_a_scheduler_by_command(client: Any, archive: Path, tmp_path: Path) -> None:
    address = client.scheduler.address
    done = run_process("index", archive, "--catalog", tmp_path / "catalog", "--scheduler", address, "--quiet")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert Catalog.open(tmp_path / "catalog").sql("SELECT * FROM files").num_rows == 13


def test_control_c_ends_the_cluster(archive: Path, tmp_path: Path) -> None:
    for number in range(2000):
        (archive / f"x{number}").mkdir()
        (archive / f"x{number}" / "x.star").write_text(STAR)
    told = []
    # A busy machine may come to the signal late: the crawl is over then.
    for attempt in range(4):
        catalog = tmp_path / f"catalog{attempt}"
        told.append(interrupted(archive, catalog))
        if told[-1] == (130, "", "tomoset: interrupted"):
            assert Catalog.open(catalog).index(archive).new_files == 2013
            return
    raise AssertionError(told)


def interrupted(archive: Path, catalog: Path) -> tuple[int, str, str]:
    """Index by a cluster, and interrupt it once it has begun; return what it says."""
    # Whoever runs the tests in the background may have SIGINT ignored, which goes to all below.
    heed = "import signal, tomoset.cli; signal.signal(signal.SIGINT, signal.default_int_handler); tomoset.cli.main()"
    command: list[str | Path] = [sys.executable, "-c", heed, "index", archive, "--catalog", catalog]
    with subprocess.Popen(
        [*command, "--local-cluster", "2"],
        env=environment(),
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    ) as process:
        while process.poll() is None and not list(catalog.glob(".crawl-*.tmp")):
            time.sleep(0.02)
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert ends(process.pid)
    return process.returncode, out, err.strip()


def ends(group: int) -> bool:
    """Tell whether the last process of a group ends within some seconds."""
    for _ in range(100):
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.1)
    return False


@pytest.fixture
def slurm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Commands that are called as those of Slurm, and run jobs on this machine."""
    pytest.importorskip("dask_jobqueue", reason="the extra dask is not installed")
    folder = tmp_path / "slurm"
    folder.mkdir()
    for name, script in (
        (
            "sbatch",
            'job=$(cat "$1"); setsid bash -c "$job" >/dev/null 2>&1 </dev/null & echo "Submitted batch job $!"',
        ),
        ("scancel", 'kill -- "-$1"'),
    ):
        (folder / name).write_text(f"#!/usr/bin/env bash\n{script}\n")
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    return folder


def test_slurm_jobs_by_command(slurm: Path, archive: Path, tmp_path: Path) -> None:
    words = "cores=1 memory=1GB jobs=2"
    arguments = ("index", archive, "--catalog", tmp_path / "catalog", "--slurm", words, "--quiet")
    done = run_process(*arguments, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert Catalog.open(tmp_path / "catalog").sql("SELECT * FROM files").num_rows == 13
    (slurm / "sbatch").write_text(
        "#!/usr/bin/env bash\necho 'sbatch: error: no such partition' >&2\nexit 1\n"
    )
    done = run_process(*arguments, timeout=60)
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr == "tomoset: --slurm: no job could be submitted: sbatch: error: no such partition\n"


def test_slurm_script(capfd: pytest.CaptureFixture[str], archive: Path, tmp_path: Path) -> None:
    pytest.importorskip("dask_jobqueue", reason="the extra dask is not installed")
    arguments = ("index", archive, "--catalog", tmp_path / "catalog")
    words = "queue=cpu cores=8 memory=16GiB walltime=02:00:00 jobs=4 account=em processes=4 prologue='module load x'"
    done = run(capfd, *arguments, "--slurm", f"{words} directive=--exclusive", "--slurm-script")
    assert (done.code, done.err) == (0, "")
    *script, command = done.out.splitlines()
    assert script == [
        "#!/usr/bin/env bash",
        "",
        "#SBATCH -J tomoset",
        "#SBATCH -p cpu",
        "#SBATCH -A em",
        "#SBATCH -n 1",
        "#SBATCH --cpus-per-task=8",
        "#SBATCH --mem=16G",
        "#SBATCH -t 02:00:00",
        "#SBATCH --exclusive",
        "module load x",
    ]
    assert command.startswith(f"{sys.executable} -m distributed.cli.dask_worker tcp://SCHEDULER:PORT ")
    assert "--nthreads 2 --memory-limit 4.00GiB --nworkers 4 --nanny " in command
    assert not (tmp_path / "catalog").exists()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--slurm", "queu=cpu"], "unknown key 'queu'; did you mean \"queue\"?"),
        (["--slurm", "zzz=1"], "unknown key 'zzz'; there are queue, account"),
        (["--slurm", "cores=many"], "cores must be a whole number from 1, not 'many'"),
        (["--slurm", "memory=16"], "memory must be a size such as 16GB, not '16'"),
        (["--slurm", "walltime=2h"], "walltime must be a time such as"),
        (["--slurm", "queue"], "queue must be the name of a partition"),
        (["--slurm", "jobs=1 jobs=2"], "jobs is given twice"),
        (["--slurm", "queue='x"], "No closing quotation"),
        (["--slurm", "cores=2", "--slurm-script"], "cores=N and memory=SIZE are needed"),
        (["--slurm-script"], "--slurm-script goes with --slurm"),
        (["--local-cluster", "2", "--threads", "2"], "--threads and --local-cluster exclude each other"),
        (["--local-cluster", "2", "--slurm", "cores=2"], "--local-cluster and --slurm exclude each other"),
        (["--scheduler", "host"], "--scheduler must be as tcp://HOST:PORT, not 'host'"),
    ],
)
def test_wrong_usage(
    options: list[str], words: str, capfd: pytest.CaptureFixture[str], archive: Path, tmp_path: Path
) -> None:
    done = run(capfd, "index", archive, "--catalog", tmp_path / "catalog", *options)
    assert (done.code, done.out) == (2, "")
    assert words in done.err
    assert not (tmp_path / "catalog").exists()


def test_a_scheduler_that_is_not_there(
    archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tomoset.cli import clusters as commands

    monkeypatch.setattr(commands, "_ANSWER_SECONDS", 1)
    with (
        pytest.raises(ClusterError, match="no scheduler answers there"),
        commands.Workers(scheduler="tcp://127.0.0.1:1").client(),
    ):
        pass


def test_threads_end(client: Any, archive: Path, tmp_path: Path) -> None:
    catalog = Catalog.create(tmp_path / "catalog")
    catalog.index(archive, runner=client)  # Dask keeps threads of its own from the first use on
    before = threading.active_count()
    for _ in range(3):
        catalog.index(archive, runner=client)
    assert threading.active_count() <= before
