"""Rules of a project's pipeline: the files of its jobs, and how they ended."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tomoset.checking.rules import Fault, Place, Rules
from tomoset.exceptions import printable
from tomoset.star import read_star

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from tomoset.sets.findings import Finding
    from tomoset.star import StarFile

__all__ = ["PIPELINE", "RULES", "check_pipeline"]

RULES = Rules()

PIPELINE = "default_pipeline.star"
PROCESSES, OUTPUTS, INPUTS = "pipeline_processes", "pipeline_output_edges", "pipeline_input_edges"
PROCESS, STATUS, ALIAS = (
    "rlnPipeLineProcessName",
    "rlnPipeLineProcessStatusLabel",
    "rlnPipeLineProcessAlias",
)
EDGE_PROCESS, TO_NODE, FROM_NODE = (
    "rlnPipeLineEdgeProcess",
    "rlnPipeLineEdgeToNode",
    "rlnPipeLineEdgeFromNode",
)


@dataclass
class _Pipeline:
    """What a pipeline says, beside what is there."""

    root: Path
    #: Jobs, each with its status and the row it stands in.
    jobs: dict[str, tuple[str, int]]
    outputs: list[tuple[str, str]]
    inputs: list[tuple[str, str]]
    #: The word of each job's exit marker, such as SUCCESS.
    markers: Mapping[str, str]
    there: dict[str, bool] = field(default_factory=dict)

    def is_missing(self, node: str) -> bool:
        """Whether a node is a STAR file that is not there; images may be elsewhere."""
        if not node.endswith(".star"):
            return False
        if node not in self.there:
            self.there[node] = os.path.lexists(self.root / node)
        return not self.there[node]


def check_pipeline(path: str, root: Path, markers: Mapping[str, str]) -> list[Finding]:
    """Give what is wrong with a project's pipeline, without line and column.

    Parameters
    ----------
    path
        The file.
    root
        The project's folder.
    markers
        The word of the exit marker in the folder of each job, such as ``SUCCESS`` of ``Import/job001``.
    """
    star = read_star(path, on_error="collect")
    names = _column(star, PROCESSES, PROCESS)
    states = _column(star, PROCESSES, STATUS) or [""] * len(names)
    pipeline = _Pipeline(
        root,
        {
            name.rstrip("/"): (state, row)
            for row, (name, state) in enumerate(zip(names, states, strict=False))
        },
        _edges(star, OUTPUTS, EDGE_PROCESS, TO_NODE),
        _edges(star, INPUTS, EDGE_PROCESS, FROM_NODE),
        markers,
    )
    where = printable(path, 1000)

    def place(fault: Fault) -> Place:
        return {
            "where": where,
            "path": path,
            "block": fault.block or PROCESSES,
            "row": fault.row,
            "label": fault.label,
        }

    return list(RULES.findings(pipeline, place))


def _column(star: StarFile, block: str, label: str) -> list[str]:
    if block not in star or label not in star[block]:
        return []
    return [value if isinstance(value, str) else "" for value in star[block][label].to_pylist()]


def _edges(star: StarFile, block: str, process: str, node: str) -> list[tuple[str, str]]:
    pairs = zip(_column(star, block, process), _column(star, block, node), strict=False)
    return [(name.rstrip("/"), file) for name, file in pairs]


@RULES.rule(
    "J101",
    "missing-output",
    "warning",
    "a STAR file that a job made, by the pipeline, and that is not there",
    relion="stops in jobs that take it, and shows it as a result all the same",
    mend="bring the file back, or delete the job in RELION",
)
def _outputs(pipeline: _Pipeline) -> Iterator[Fault]:
    told: dict[str, list[int]] = {}
    for row, (job, node) in enumerate(pipeline.outputs):
        if pipeline.jobs.get(job, ("", 0))[0] == "Succeeded" and pipeline.is_missing(node):
            told.setdefault(job, []).append(row)
    for job, rows in told.items():
        node = printable(pipeline.outputs[rows[0]][1], 1000)
        more = f", nor are {len(rows) - 1} more of its files" if len(rows) > 1 else ""
        yield Fault(
            f"{printable(job)} made {node}, which is not there{more}", rows[0], label=TO_NODE, block=OUTPUTS
        )


@RULES.rule(
    "J102",
    "missing-input",
    "warning",
    "a STAR file that a job takes, that no job made, and that is not there",
    relion="stops if the job is run again",
    mend="bring the file back, or name another in a new job",
)
def _inputs(pipeline: _Pipeline) -> Iterator[Fault]:
    made = {node for _, node in pipeline.outputs}
    for row, (job, node) in enumerate(pipeline.inputs):
        if node not in made and pipeline.is_missing(node):
            found = f"{printable(job)} takes {printable(node, 1000)}, which is not there"
            yield Fault(found, row, label=FROM_NODE, block=INPUTS)


@RULES.rule(
    "J103",
    "unknown-job",
    "warning",
    "files of a job that the pipeline does not list",
    relion="does not know where the files come from",
    mend="see whether the pipeline is whole: an older one lies in RELION's .Nodes, or in the job's own folder",
)
def _unknown(pipeline: _Pipeline) -> Iterator[Fault]:
    for edges, block in ((pipeline.outputs, OUTPUTS), (pipeline.inputs, INPUTS)):
        known = set(pipeline.jobs)
        for row, (job, _) in enumerate(edges):
            if job not in known:
                known.add(job)
                yield Fault(f"there is no job {printable(job)!r}", row, label=EDGE_PROCESS, block=block)


@RULES.rule(
    "J104",
    "state-differs",
    "warning",
    "a job that ended otherwise than the pipeline says",
    relion="believes the pipeline, and lets other jobs take what this one made",
    mend="look into the job's log, and mark it as it ended",
)
def _states(pipeline: _Pipeline) -> Iterator[Fault]:
    opposite = {"Succeeded": "FAILURE", "Failed": "SUCCESS"}
    for job, (state, row) in pipeline.jobs.items():
        marker = pipeline.markers.get(job)
        if marker is not None and opposite.get(state) == marker:
            found = f"{printable(job)} is {state}, and its folder has RELION_JOB_EXIT_{marker}"
            yield Fault(found, row, label=STATUS)
