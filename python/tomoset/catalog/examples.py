"""Questions to a catalogue, as SQL that is shipped with the package; ``docs/queries.md`` shows them."""

from __future__ import annotations

import argparse
import re
from dataclasses import dataclass, replace
from importlib import resources
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import pyarrow as pa

#: A line of the options.
_SETTING = re.compile(
    r"^ +(?:SELECT )?(?!SELECT$)(?P<value>\S.*?) AS (?P<name>\w+),?(?: *-- (?P<meaning>.*))?$", re.MULTILINE
)
_WORDS_OF_SQL = {"null", "true", "false"}
_LINK = "../python/tomoset/catalog/queries"
_SHOWN_ROWS, _CELL = 3, 34
#: Questions that the example archive answers with other options only.
_SHOWN_WITH = {"training_sets": {"max_voxel_size": "16.0"}}


@dataclass(frozen=True)
class Option:
    """What may be changed in a question.

    Attributes
    ----------
    name
        Its name.
    value
        What it is if nobody changes it, as SQL.
    meaning
        What it is about, and its unit; empty where the name says it.
    """

    name: str
    value: str
    meaning: str

    @property
    def is_text(self) -> bool:
        """Whether its values are text."""
        return self.value.startswith("'")

    def sql(self, value: str) -> str:
        """Return a value as SQL: text needs no quotes, as there is nothing else that it can be.

        Raises
        ------
        ValueError
            It is a word, and the option is no text.
        """
        is_word = value.isidentifier() and value.lower() not in _WORDS_OF_SQL
        if self.is_text:
            return value if "'" in value or value.lower() == "null" else f"'{value}'"
        if is_word:
            raise ValueError(
                f"{self.name} is no text: expected something such as {self.value}, found {value!r}"
            )
        return value


@dataclass(frozen=True)
class Example:
    """A question, and the query that answers it.

    Attributes
    ----------
    name
        Its name, which is that of its file.
    title
        The question, in one line.
    text
        What the answer means, in one paragraph.
    sql
        The query, with the comments.
    """

    name: str
    title: str
    text: str
    sql: str

    @property
    def options(self) -> str:
        """What may be changed: the first part of the query, empty if there is nothing."""
        found = re.search(r"^WITH options AS \(\n.*?^\)", self.sql, re.DOTALL | re.MULTILINE)
        return found[0] if found else ""

    @property
    def settings(self) -> tuple[Option, ...]:
        """What may be changed, one by one."""
        return tuple(
            Option(found["name"], found["value"], found["meaning"] or "")
            for found in _SETTING.finditer(self.options)
        )

    def with_options(self, **values: str) -> Example:
        """Return the question with other values of its options.

        Parameters
        ----------
        **values
            SQL by the option's name, such as ``max_dose="90"``; of text also what it says, ``tomogram="TS_01"``.

        Raises
        ------
        KeyError
            There is no such option.
        ValueError
            A word is given where no text is wanted.
        """
        options = self.options
        known = {option.name: option for option in self.settings}
        for name, value in values.items():
            if name not in known:
                raise KeyError(f"{self.name} has no option {name!r}{_hint(name, list(known))}")
            new = known[name].sql(value)
            found = next(found for found in _SETTING.finditer(options) if found["name"] == name)
            options = options[: found.start("value")] + new + options[found.end("value") :]
        return replace(self, sql=self.sql.replace(self.options, options, 1)) if values else self


def examples() -> dict[str, Example]:
    """Return all questions by their names, sorted."""
    folder = resources.files("tomoset.catalog") / "queries"
    files = {file.name: file for file in folder.iterdir() if file.name.endswith(".sql")}
    found = (_example(name.removesuffix(".sql"), files[name].read_text("utf-8")) for name in sorted(files))
    return {example.name: example for example in found}


def section(example: Example) -> str:
    """Return what ``docs/queries.md`` says about a question, as Markdown, without the answer."""
    lines = [f"### {_heading(example)}", "", f"[`{example.name}`]({_LINK}/{example.name}.sql)", ""]
    lines += [example.text, "", "```console", f"$ {_command(example)}", "```", ""]
    if example.settings:
        lines += ["| option | unless it is set | |", "|---|---|---|"]
        lines += [f"| `{each.name}` | `{each.value}` | {each.meaning} |" for each in example.settings]
        lines.append("")
    # Folded up, and whole: a part of it answers nothing.
    lines += [
        "<details>",
        "<summary>SQL</summary>",
        "",
        "```sql",
        example.sql.rstrip("\n"),
        "```",
        "",
        "</details>",
    ]
    return "\n".join([*lines, ""])


def page(ask: Callable[[str], pa.Table] | None = None) -> str:
    """Return the sections of all questions, each with the begin of its answer where a catalogue can be asked."""
    known = examples().values()
    parts = ["\n".join(f"- [{_heading(example)}](#{_anchor(_heading(example))})" for example in known) + "\n"]
    for example in known:
        parts.append(section(example))
        if ask is not None:
            parts.append("\n".join(_answer(example, ask)))
    return "\n".join(parts)


def _hint(name: str, known: list[str]) -> str:
    """Return which option may be meant, and which there are."""
    from tomoset import _core

    if not known:
        return ": it has none"
    return f"{_core.hint(name, '', known)} (it has {', '.join(known)})"


def _command(example: Example) -> str:
    """Return how a question is asked, with the first of its options that says something by itself."""
    command = f"tomoset query --catalog /data/catalog --example {example.name}"
    for option in example.settings:
        if re.fullmatch(r"[\w.]+|'[\w.%/]+'", option.value):
            return f"{command} --set {option.name}={option.value.strip(chr(39))}"
    return command


def _heading(example: Example) -> str:
    return example.title.rstrip(".")


def _anchor(heading: str) -> str:
    """Return where a heading is linked to, as GitHub makes it."""
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


def _example(name: str, sql: str) -> Example:
    comments = []
    for line in sql.splitlines():
        if not line.startswith("-- "):
            break
        comments.append(line.removeprefix("-- "))
    title, *text = comments
    return Example(name, title, "\n".join(text), sql)


def _answer(example: Example, ask: Callable[[str], pa.Table]) -> Iterator[str]:
    """Yield the lines of an answer's begin; roots are left out, as they say nothing of one archive."""
    changed = _SHOWN_WITH.get(example.name, {})
    answer = ask(example.with_options(**changed).sql)
    with_these = "".join(f", with `{value} AS {name}`" for name, value in changed.items())
    if not answer.num_rows:
        yield from (f"In the example archive{with_these}: none.", "")
        return
    names = [name for name in answer.column_names if name != "root"]
    rows = answer.slice(0, _SHOWN_ROWS).to_pylist()
    yield from (
        f"In the example archive{with_these} ({answer.num_rows} row{'' if answer.num_rows == 1 else 's'}):",
        "",
    )
    yield f"| {' | '.join(names)} |"
    yield f"|{'---|' * len(names)}"
    for row in rows:
        yield f"| {' | '.join(_cell(row[name]) for name in names)} |"
    if answer.num_rows > _SHOWN_ROWS:
        yield f"|{' … |' * len(names)}"
    yield ""


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.10g}"
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    text = text.removesuffix("+00:00").partition(".")[0] if hasattr(value, "isoformat") else text
    if len(text) > _CELL:
        text = f"{text[: _CELL // 2 - 1]}…{text[-_CELL // 2 :]}"
    return text.replace("|", "\\|")


def _main() -> None:
    """Print the sections of the page."""
    parser = argparse.ArgumentParser(prog="python -m tomoset.catalog.examples", description=__doc__)
    parser.add_argument("--catalog", help="catalogue whose answers the page shows")
    chosen = parser.parse_args()
    if chosen.catalog is None:
        print(page(), end="")
        return
    from tomoset.catalog import Catalog

    print(page(Catalog.open(chosen.catalog).sql), end="")


if __name__ == "__main__":
    _main()
