"""The jobs of one RELION project: their folders, their options, and the graph in default_pipeline.star."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from archive.star_text import Cell, RelionStyle
from archive.tree import Tree

Node = tuple[str, str]  # a file's name inside its job folder, and RELION's name for its type

_MARKERS = {
    "Succeeded": "RELION_JOB_EXIT_SUCCESS",
    "Failed": "RELION_JOB_EXIT_FAILURE",
    "Aborted": "RELION_JOB_EXIT_ABORTED",
}
_ERRORS = {
    "Succeeded": "",
    "Failed": "slurmstepd: error: Detected 1 oom-kill event(s).\n",
    "Aborted": "slurmstepd: error: *** STEP CANCELLED ***\n",
}
_QUEUE_OPTIONS = {
    "do_queue": "Yes",
    "min_dedicated": "40",
    "other_args": "",
    "qsub": "sbatch",
    "qsubscript": "/sw/relion/relion slurm.sh",
    "queuename": "em-gpu",
}


class Pipeline:
    """Numbers the jobs of a project and remembers how they hang together.

    Parameters
    ----------
    tree : Tree
        Where files go.
    folder : str
        The project's folder below the root of the tree.
    style : RelionStyle
        The RELION version that wrote the project.
    """

    def __init__(self, tree: Tree, folder: str, style: RelionStyle) -> None:
        self._tree = tree
        self._folder = folder
        self._style = style
        self._processes: list[str] = []
        self._nodes: list[str] = []
        self._input_edges: list[str] = []
        self._output_edges: list[str] = []

    def job(
        self,
        kind: str,
        type_label: str,
        options: Mapping[str, str],
        *,
        inputs: Sequence[str] = (),
        outputs: Sequence[Node] = (),
        alias: str = "",
        status: str = "Succeeded",
    ) -> str:
        """Add the next job with the files every job has, and return its folder, such as ``Import/job001``."""
        cells = self._style.cells
        job = f"{kind}/job{len(self._processes) + 1:03d}"
        process = cells([f"{job}/", f"{kind}/{alias}/" if alias else "None", type_label, status])
        nodes = [cells([f"{job}/{name}", node_type, 1]) for name, node_type in outputs]
        input_edges = [cells([path, f"{job}/"]) for path in inputs]
        output_edges = [cells([f"{job}/", f"{job}/{name}"]) for name, _ in outputs]
        self._processes.append(process)
        self._nodes += nodes
        self._input_edges += input_edges
        self._output_edges += output_edges

        place = f"{self._folder}/{job}"
        self._tree.star(f"{place}/job.star", "job", *self._job_tables(type_label, options))
        self._tree.star(
            f"{place}/job_pipeline.star",
            "pipeline",
            *self._pipeline_tables([process], nodes, input_edges, output_edges),
        )
        self._tree.other(f"{place}/run.out", f" The following job was started: {job}/\n")
        self._tree.other(f"{place}/run.err", _ERRORS[status])
        self._tree.other(f"{place}/{_MARKERS[status]}", "")
        return job

    def finish(self) -> None:
        """Write the project's default_pipeline.star."""
        tables = self._pipeline_tables(self._processes, self._nodes, self._input_edges, self._output_edges)
        self._tree.star(f"{self._folder}/default_pipeline.star", "pipeline", *tables)

    def _job_tables(self, type_label: str, options: Mapping[str, str]) -> list[str]:
        style = self._style
        job: dict[str, Cell] = {"rlnJobTypeLabel": type_label, "rlnJobIsContinue": 0, "rlnJobIsTomo": 1}
        all_options = sorted({**_QUEUE_OPTIONS, **options}.items())
        return [
            style.values("job", job),
            style.loop(
                "joboptions_values",
                ("rlnJobOptionVariable", "rlnJobOptionValue"),
                [style.cells(option) for option in all_options],
            ),
        ]

    def _pipeline_tables(
        self, processes: list[str], nodes: list[str], input_edges: list[str], output_edges: list[str]
    ) -> list[str]:
        style = self._style
        return [
            style.values("pipeline_general", {"rlnPipeLineJobCounter": len(self._processes) + 1}),
            style.loop(
                "pipeline_processes",
                (
                    "rlnPipeLineProcessName",
                    "rlnPipeLineProcessAlias",
                    "rlnPipeLineProcessTypeLabel",
                    "rlnPipeLineProcessStatusLabel",
                ),
                processes,
            ),
            style.loop(
                "pipeline_nodes",
                ("rlnPipeLineNodeName", "rlnPipeLineNodeTypeLabel", "rlnPipeLineNodeTypeLabelDepth"),
                nodes,
            ),
            style.loop(
                "pipeline_input_edges", ("rlnPipeLineEdgeFromNode", "rlnPipeLineEdgeProcess"), input_edges
            ),
            style.loop(
                "pipeline_output_edges", ("rlnPipeLineEdgeProcess", "rlnPipeLineEdgeToNode"), output_edges
            ),
        ]
