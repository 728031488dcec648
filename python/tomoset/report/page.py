"""The page: template, style sheet and script in one file that asks nobody for anything."""

from __future__ import annotations

import base64
import hashlib
import os
from dataclasses import dataclass
from importlib import resources
from string import Template
from typing import TYPE_CHECKING

from tomoset.replacing import replacing
from tomoset.report import sections
from tomoset.report.archive import archive
from tomoset.report.markup import element, embedded, rendered, shown
from tomoset.report.panels import panels
from tomoset.report.projects import FIELDS, Projects

if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.resources.abc import Traversable

    from tomoset.catalog.journal import Checked
    from tomoset.report.archive import Archive
    from tomoset.report.options import ReportOptions
    from tomoset.report.questions import Ask

_STYLES = ("base.css", "table.css", "panel.css", "small.css", "print.css")
_SCRIPTS = ("words.js", "table.js", "filters.js", "plots.js", "panel.js", "page.js")
#: What rows have of the room at least, and details leave to them: an archive of any size has details of some projects.
_ROWS_SHARE = 0.6
_ORDER = (
    "what the last crawl found changed comes first, then what has errors, then what was changed most recently"
)


@dataclass(frozen=True)
class Report:
    """A page and what is in it.

    Attributes
    ----------
    html
        The page, UTF-8.
    projects, listed, detailed
        Projects, with folders of loose files, that there are; that the table lists; that have details.
    """

    html: bytes
    projects: int
    listed: int
    detailed: int


def make_report(ask: Ask, looked: Sequence[Checked], options: ReportOptions) -> Report:
    """Make the page.

    Parameters
    ----------
    ask
        Answers queries, all from the same snapshot of the catalogue.
    looked
        When each root was looked at last.
    options
        How much of the catalogue.

    Raises
    ------
    NoSuchProject
        A pattern of the options fits none.
    """
    whole = archive(ask, looked, options.paths)
    projects = Projects(ask, whole.changes, whole.today)
    wanted = projects.chosen(options.projects, len(projects) if options.projects else options.panels)
    frame = _frame(whole, projects, options.paths)
    room = options.max_bytes - sum(len(text.encode()) for text in frame.values()) - _assets_size()
    rows = projects.texts(set(wanted) if options.projects else ())
    listed, room = _fitting(rows, room, most=int(room * _ROWS_SHARE))
    scripts: list[str] = []
    keys: list[str] = []
    details = panels(ask, wanted, options, with_changes=not whole.is_first)
    for place, panel in zip(wanted, details, strict=True):
        key, text = projects.key(*place), _panel_script(len(keys), embedded(panel))
        size = len(text.encode()) + len(embedded(key).encode()) + 2
        if size > room:
            break
        room -= size
        scripts.append(text)
        keys.append(key)
    listed += _fitting(rows[len(listed) :], room, most=room)[0]
    index = {
        "fields": FIELDS,
        "roots": [shown(root) for root in projects.roots],
        "today": int(whole.today.timestamp()) if whole.today else None,
        "panels": keys,
        "first": whole.is_first,
    }
    data = f'{embedded(index)[:-1]},"rows":[{",".join(listed)}]}}'
    left_out = _left_out(projects, len(listed), len(keys), options)
    values = {**frame, "data": data, "panels": "\n".join(scripts), "left_out": left_out}
    page = _filled(values)
    return Report(page.encode(), len(projects), len(listed), len(keys))


def save(report: Report, path: str | os.PathLike[str]) -> None:
    """Write a report so that the file is there as a whole or not at all.

    Raises
    ------
    OSError
        It cannot be written.
    """
    with replacing(path) as file:
        file.write(report.html)


def _frame(whole: Archive, projects: Projects, paths: int) -> dict[str, str]:
    """Return what the template asks for, but projects."""
    roots = ", ".join(projects.roots) or "an archive without files"
    return {
        "title": rendered(element("title", f"Archive of {roots}")),
        "subtitle": rendered(*sections.subtitle(whole, projects)),
        "overview": rendered(*sections.overview(whole, projects)),
        "measurements": rendered(*sections.measurements(whole)),
        "problems": rendered(*sections.problems(whole)),
        "changes": rendered(*sections.changes(whole, projects, paths)),
        "crawls": rendered(*sections.crawls(whole)),
    }


def _fitting(texts: list[str], room: int, *, most: int) -> tuple[list[str], int]:
    """Return as many texts from the first on as there is room for, and what room is left."""
    taken = 0
    for number, text in enumerate(texts):
        size = len(text.encode()) + 1
        if taken + size > most:
            return texts[:number], room - taken
        taken += size
    return texts, room - taken


def _panel_script(number: int, text: str) -> str:
    return f'<script type="application/json" id="panel-{number}">{text}</script>'


def _left_out(projects: Projects, listed: int, detailed: int, options: ReportOptions) -> str:
    """Say what the page lacks, and how to get it."""
    words = []
    if listed < len(projects):
        words.append(
            f"The table lists the first {listed:,} of {len(projects):,} projects, as the report may have "
            f"{options.max_bytes / 1e6:g} MB; --max-size allows more."
        )
    if detailed < len(projects):
        which = "those that were asked for" if options.projects else _ORDER
        words.append(
            f"Details are there for {detailed:,} of {len(projects):,} projects: {which}. Others are had by "
            "tomoset report --catalog DIR --project FOLDER -o FILE; --panels and --max-size allow more."
        )
    return rendered(*(element("p", text, class_="left-out") for text in words))


def _filled(values: dict[str, str]) -> str:
    style, script = _joined(_STYLES), _script()
    policy = (
        f"default-src 'none'; script-src '{_digest(script)}'; style-src '{_digest(style)}'; "
        "base-uri 'none'; form-action 'none'"
    )
    template = Template(_asset("page.html").read_text("utf-8"))
    return template.substitute(values, policy=policy, style=style, script=script)


def _script() -> str:
    """Return the scripts as one, which leaves no names behind."""
    return f'"use strict";\n(() => {{\n{_joined(_SCRIPTS)}}})();\n'


def _joined(names: Sequence[str]) -> str:
    return "".join(_asset(name).read_text("utf-8") for name in names)


def _assets_size() -> int:
    return sum(len(_asset(name).read_bytes()) for name in ("page.html", *_STYLES, *_SCRIPTS)) + 2000


def _asset(name: str) -> Traversable:
    return resources.files("tomoset.report") / "assets" / name


def _digest(text: str) -> str:
    """Return by what a policy knows a script or a style sheet."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
