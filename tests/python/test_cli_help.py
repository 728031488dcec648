"""The help of the commands: its examples are commands that there are, with values that are taken."""

import importlib.util
import inspect
import re
import shlex

import click
import pyarrow as pa
import pytest
from tomoset.catalog.examples import examples
from tomoset.cli import commands
from tomoset.cli.slurm import SlurmJobs
from tomoset.expressions import condition

EXAMPLE = re.compile(r"^tomoset (?:[^\n]*\\\n)*[^\n]*$", re.MULTILINE)
EXAMPLES = [
    each[0].replace("\\\n", " ")
    for command in commands.commands.values()
    for each in EXAMPLE.finditer(inspect.cleandoc(command.help or ""))
]


def parsed(line: str) -> tuple[click.Command, dict[str, object]]:
    """Parse a command line, without a look at files; folders of catalogues are given for DIR."""
    _, name, *words = shlex.split(line)
    command = commands.commands[name]
    context = click.Context(command, info_name=name)
    options, rest, _ = command.make_parser(context).parse_args(list(words))
    assert not rest, line
    for option in command.params:
        value = options.get(option.name)
        if value is not None and not isinstance(option.type, click.Path | click.File):
            option.type_cast_value(context, value)
    return command, options


def test_there_are_examples() -> None:
    assert len(EXAMPLES) > 30
    assert sum(line.startswith("tomoset subset") for line in EXAMPLES) == 3


@pytest.mark.parametrize("line", EXAMPLES)
def test_an_example_is_taken(line: str) -> None:
    _, options = parsed(line)
    if options.get("slurm"):
        jobs = SlurmJobs.parse(str(options["slurm"]))
        # Without jobqueue.yaml these must be there.
        assert {"cores", "memory"} <= jobs.options.keys()
        if importlib.util.find_spec("dask_jobqueue") is not None:
            assert "srun" in jobs.script() or "python" in jobs.script()
    if options.get("where"):
        text = str(options["where"])
        labels = pa.schema({"rlnClassNumber": pa.int64(), "rlnTomoName": pa.large_string()})
        condition(text, labels)
    if options.get("name"):
        words = options.get("options") or ()
        assert isinstance(words, tuple | list)
        settings = {key: value for key, _, value in (str(word).partition("=") for word in words)}
        examples()[str(options["name"])].with_options(**settings)


def test_no_summary_is_cut() -> None:
    context = click.Context(commands, info_name="tomoset", terminal_width=80, max_content_width=80)
    assert "..." not in commands.get_help(context).partition("Commands:")[2]


def test_help_fits_80_columns() -> None:
    for name, command in commands.commands.items():
        context = click.Context(command, info_name=f"tomoset {name}", terminal_width=80, max_content_width=80)
        assert max(map(len, command.get_help(context).splitlines())) <= 80, name
