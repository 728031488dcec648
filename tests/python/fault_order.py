"""In which order a crawl forces its files to the disk, as strace sees it."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from random import Random

import pytest
from cli_runs import environment
from fault_runs import Changes, small_archive

HERE = Path(__file__).parent
_CALLS = "fsync,rename,renameat,renameat2,link,linkat,unlink,unlinkat,mkdir,mkdirat,exit_group"
_PATHS = re.compile(r'"((?:[^"\\]|\\.)*)"|<(/[^>]*)>')


def traced(tmp: Path, root: Path, catalog: Path, arguments: tuple[str, ...]) -> list[tuple[str, list[str]]]:
    """Index below strace; return calls that succeeded and their paths, in the order in which they came to their end."""
    if shutil.which("strace") is None:
        pytest.skip("no strace")
    log = tmp / "trace"
    strace = ["strace", "-f", "-y", "--seccomp-bpf", "-s", "4096", "-o", str(log), "-e", f"trace={_CALLS}"]
    command = [str(HERE / "fault_driver.py"), "index", str(root), "--catalog", str(catalog), *arguments]
    run = subprocess.run(
        [*strace, sys.executable, *command],
        env={**environment(), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
    )
    if "ptrace" in run.stderr and "not permitted" in run.stderr:
        pytest.skip("strace may not trace here")
    assert run.returncode == 0, run.stderr
    return list(_parse(log.read_text()))


def _parse(text: str) -> Iterator[tuple[str, list[str]]]:
    begun: dict[str, str] = {}
    for line in text.splitlines():
        pid, rest = line.split(None, 1)
        if rest.endswith("<unfinished ...>"):
            begun[pid] = rest.removesuffix("<unfinished ...>")
            continue
        resumed = re.match(r"<\.\.\. \w+ resumed>", rest)
        if resumed:
            rest = begun.pop(pid) + rest[resumed.end() :]
        name = rest.partition("(")[0]
        if " = 0" in rest or name == "exit_group":
            yield name, [quoted or opened for quoted, opened in _PATHS.findall(rest)]


def require_order(events: Iterable[tuple[str, list[str]]], catalog: Path) -> dict[str, int]:
    """Check that nothing is shown before what it needs is on the disk; return how often each was checked."""
    forced: set[str] = set()
    #: Names that are given, and whose folder is not forced yet.
    loose: set[str] = set()
    #: Log entries whose content is not forced yet.
    bare: set[str] = set()
    #: Parts and their folders that were loose when a batch was promised last.
    promised: set[str] = set()
    checked = dict.fromkeys(("part", "promise", "log", "head", "end"), 0)
    top = str(catalog)
    for name, met in events:
        paths = [path for path in met if path.startswith(top)]
        if name == "fsync":
            forced.update(met)
            bare -= set(met)
            loose = {path for path in loose if str(Path(path).parent) not in met}
        elif name.startswith("mkdir") and paths and "_delta_log" not in paths[0]:
            loose.add(paths[0])
        elif name.startswith(("rename", "link")) and paths:
            source, target = paths[-2:]
            file = Path(target).name
            if "/_delta_log/" in target:
                # deltalake names first and leaves forcing to us; readers do not look before the head says so.
                assert f"{top}/pending.json" not in loose, "a log entry before the promise"
                parts = {Path(target).parents[1] / part for part in _added(Path(target))}
                late = promised & {str(path) for part in parts for path in (part, part.parent)}
                assert not late, f"promised before it was on the disk: {late}"
                bare.add(target)
                checked["log"] += 1
            else:
                assert source in forced, f"{target} has a name before it is on the disk"
            if file == "pending.json":
                # Parts of tasks that are not done yet may be loose, and their folders: they are not in this batch.
                require_forced({path for path in loose | bare if "/shard=" not in path})
                promised = {path for path in loose if "/shard=" in path}
                checked["promise"] += 1
            if file == "head.json":
                require_forced({path for path in loose | bare if "/shard=" not in path})
                checked["head"] += 1
            checked["part"] += file.startswith("part-")
            if not file.endswith(".tmp") and "#" not in file:
                loose.add(target)
        elif name.startswith("unlink") and paths:
            loose.discard(paths[0])
            if paths[0].endswith("/pending.json"):
                assert f"{top}/head.json" not in loose, "the promise was taken back too early"
        elif name == "exit_group":
            require_forced(loose | bare)
            checked["end"] += 1
            break
    return checked


def _added(entry: Path) -> list[str]:
    """Return the parts that an entry of a log adds."""
    actions = [json.loads(line) for line in entry.read_text().splitlines()]
    return [action["add"]["path"] for action in actions if "add" in action]


def require_forced(missing: set[str]) -> None:
    """Find everything that was named so far on the disk, with its name."""
    own = {path for path in missing if not path.endswith("/pending.json")}
    assert not own, f"not on the disk: {sorted(own)}"


def crawl_in_order(tmp: Path, arguments: tuple[str, ...] = ()) -> list[dict[str, int]]:
    """Trace a first crawl and a refresh."""
    root, catalog = tmp / "archive", tmp / "catalog"
    small_archive(root, 2)
    found = []
    for crawl in range(2):
        if crawl:
            Changes(root, Random(2)).make(5)
        events = traced(tmp, root, catalog, arguments)
        seen: list[tuple[str, list[str]]] = []
        try:
            found.append(require_order(told_to(seen, events), catalog))
        except AssertionError as error:
            # Threads take turns as they like, so that the same may not be seen again.
            error.add_note("\n".join(["the last calls:", *(f"  {name} {met}" for name, met in seen[-200:])]))
            raise
    return found


def told_to(
    seen: list[tuple[str, list[str]]], events: Iterable[tuple[str, list[str]]]
) -> Iterator[tuple[str, list[str]]]:
    """Give events on, and keep what was given."""
    for event in events:
        seen.append(event)
        yield event
