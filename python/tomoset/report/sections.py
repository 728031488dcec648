"""The parts of the page that are the same however it is used: totals, problems, changes and crawls."""

from __future__ import annotations

from collections import Counter
from itertools import groupby
from typing import TYPE_CHECKING, Any

from tomoset import _core
from tomoset.report.figures import figure
from tomoset.report.markup import Node, append, element, name, shown
from tomoset.report.measures import distributions, growth
from tomoset.words import counted, size_text

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from tomoset.report.archive import Archive, Row
    from tomoset.report.projects import Projects

#: What statuses of files mean that somebody should know of.
_STATUSES = {
    "faulty": "files of which parts cannot be read",
    "unreadable": "files that the system would not give",
    "unstable": "files that changed while they were read",
    "offline": "files on tape, of which no more than a size is known",
}


def moment(time: datetime | None) -> str:
    """Return a time as the page writes it."""
    return f"{time:%Y-%m-%d %H:%M} UTC" if time else "never"


def subtitle(archive: Archive, projects: Projects) -> list[Node]:
    """Return of what the page tells, and as of when."""
    if archive.is_empty:
        roots = [element("code", name(root.root)) for root in archive.looked]
        words = "The catalogue has no files: nothing was indexed yet, or all is gone. tomoset index fills it."
        return [element("p", words, class_="empty"), *(element("p", root, class_="root") for root in roots)]
    roots = [element("code", name(root)) for root in projects.roots]
    crawl = f"crawl {archive.crawls[0]['crawl']}" if archive.crawls else "before the end of the first crawl"
    version = f", tomoset {archive.crawls[0]['version']}" if archive.crawls else ""
    when = element("span", f"As of {moment(archive.today)}, {crawl}{version}")
    return [element("p", *roots, when, class_="root")]


def overview(archive: Archive, projects: Projects) -> list[Node]:
    """Return totals, what wants attention, and growth."""
    totals = archive.totals
    tiles = (
        ("Projects", f"{totals['projects']:,}", _loose(projects)),
        ("Tilt series", f"{totals['tomograms']:,}", _of_loose_files(projects)),
        ("Tilt images", f"{totals['tilts']:,}", "of the latest sets"),
        ("Jobs", f"{totals['jobs']:,}", counted(totals["particle_sets"], "particle set")),
        ("STAR files", f"{totals['files']:,}", size_text(totals["bytes"])),
    )
    totals_list = element(
        "dl",
        *(
            element("div", element("dt", title), element("dd", value), element("dd", below, class_="below"))
            for title, value, below in tiles
        ),
        class_="tiles",
    )
    pictures = element("div", *(figure(bars) for bars in growth(archive)), class_="figures")
    return [totals_list, _attention(archive, projects), element("h3", "Growth by month"), pictures]


def measurements(archive: Archive) -> list[Node]:
    """Return how what was measured is distributed."""
    words = "Each tilt series counts once, as the last job that has it left it."
    pictures = element("div", *(figure(bars) for bars in distributions(archive)), class_="figures")
    return [element("p", words, class_="lead"), pictures]


def problems(archive: Archive) -> list[Node]:
    """Return each code with what it means, what RELION does, and where it is."""
    if not archive.problems:
        return [element("p", "None were found.", class_="lead")]
    places = {
        key: list(rows)
        for key, rows in groupby(archive.problem_places, key=lambda row: (row["severity"], row["code"]))
    }
    many_roots = len({row["root"] for row in archive.problem_places}) > 1
    words = (
        "What is odd in the files, and what RELION makes of it. Fatal: it stops, or the file cannot be read. "
        "Silent: it goes on with other values or fewer rows, without a word. These two are counted as errors."
    )
    if not archive.is_first:
        words += " Fresh are files that the last crawl found new or changed."
    return [
        element("p", words, class_="lead"),
        *(
            _problem(
                row,
                places.get((row["severity"], row["code"]), []),
                many_roots=many_roots,
                fresh=not archive.is_first,
            )
            for row in archive.problems
        ),
    ]


def changes(archive: Archive, projects: Projects, paths: int) -> list[Node]:
    """Return what the last crawl of each root found."""
    found: list[Node] = []
    last = [row for row in archive.crawls if row["back"] == 1]
    if not last:
        found.append(element("p", "No crawl has come to its end yet.", class_="lead"))
    elif archive.is_first:
        found.append(element("p", "Everything is new: there was no crawl before the last.", class_="lead"))
    elif not archive.changes:
        found.append(element("p", "Nothing.", class_="lead"))
    for row in sorted(last, key=lambda row: row["root"]):
        words = f": crawl {row['crawl']}, {moment(row['finished'])}"
        found.append(element("p", element("code", name(row["root"])), words, class_="root"))
    if archive.changes:
        found.append(_kinds(archive.changes))
    if projects.gone:
        items = [
            element("li", name(f"{root}/{unit}"), f" ({counted(files, 'file')})")
            for (root, unit), files in projects.gone[:paths]
        ]
        found += [element("h3", "Projects that are gone"), element("ul", *items, class_="paths")]
        append(found[-1], _more(len(items), len(projects.gone), "project"))
    many_roots = len({row["root"] for row in archive.changed_paths}) > 1
    totals = Counter[str]()
    for row in archive.changes:
        totals[row["change"]] += row["files"]
    for change, rows in groupby(archive.changed_paths, key=lambda row: row["change"]):
        items = [
            element(
                "li", _path(row, many_roots=many_roots), element("span", f" {row['kind']}", class_="faint")
            )
            for row in rows
        ]
        title = f"{counted(totals[change], 'file')} {'gone' if change == 'deleted' else change}"
        found.append(_folded(title, items, totals[change]))
    return found


def crawls(archive: Archive) -> list[Node]:
    """Return when roots were looked at, and the newest crawls."""
    words = "A crawl that finds nothing changed leaves no row here, only the time above it."
    looked = [
        element(
            "p",
            element("code", name(root.root)),
            f": {counted(root.files, 'file')}, looked at {moment(root.at)}",
            class_="root",
        )
        for root in archive.looked
    ]
    columns = ("Crawl", "Root", "Finished", "Took", "Files", "New", "Changed", "Gone", "Errors", "Warnings")
    rows = [
        (
            str(row["crawl"]),
            name(row["root"]),
            moment(row["finished"]),
            f"{(row['finished'] - row['started']).total_seconds():,.0f} s",
            *(
                f"{row[count]:,}"
                for count in ("files", "new_files", "changed_files", "deleted_files", "errors", "warnings")
            ),
        )
        for row in archive.crawls
    ]
    caption = "The newest crawls"
    return [
        element("p", words, class_="lead"),
        *looked,
        _table(caption, columns, rows, text=("Root", "Finished")),
    ]


def _loose(projects: Projects) -> str:
    number = sum(row["is_loose"] for row in projects.found)
    return f"and {counted(number, 'folder')} of loose files" if number else "no loose files"


def _of_loose_files(projects: Projects) -> str:
    number = sum(row["tomograms"] for row in projects.found if row["is_loose"])
    return f"each counted once; {number:,} of loose files" if number else "each counted once"


def _attention(archive: Archive, projects: Projects) -> Node:
    """Return what an operator would like to see first; a button shows the projects that are meant."""
    found = projects.found

    def units(wanted: str) -> int:
        return sum(row["state"] == wanted for row in found)

    changed = 0 if archive.is_first else sum(bool(row["news"]) for row in found)
    fresh = archive.totals["fresh_errors"]
    broken = sum(row["errors"] > 0 for row in found)
    entries = (
        (changed, "changed in the last crawl", "news", "last"),
        (broken, "with errors in their files", "problems", "errors"),
        (units("running"), "with a running job", "state", "running"),
        (units("stalled"), "whose job says it runs, without a sign for a day", "state", "stalled"),
        (
            units("failed") + units("aborted"),
            "whose newest job failed or was aborted",
            "state",
            "failed or aborted",
        ),
        (
            sum(row["failed"] > 0 for row in found),
            "with any failed or aborted job",
            "state",
            "any failed job",
        ),
        (sum(row["hand"] == "mixed" for row in found), "of mixed handedness", "hand", "mixed"),
    )
    items = [
        element(
            "li",
            element(
                "button",
                element("b", f"{number:,}"),
                f" {words}",
                type="button",
                data_filter=kind,
                data_value=value,
            ),
        )
        for number, words, kind, value in entries
        if number
    ]
    notes = []
    if fresh and not archive.is_first:
        notes.append(f"{counted(fresh, 'file')} with errors, new or changed in the last crawl")
    statuses = {row["status"]: row["files"] for row in archive.statuses}
    notes += [f"{statuses[status]:,} {words}" for status, words in _STATUSES.items() if statuses.get(status)]
    return element(
        "div",
        element("h3", "Projects to look at"),
        element("ul", *items, class_="attention") if items else element("p", "None.", class_="lead"),
        element("p", element("a", "; ".join(notes) + ".", href="#problems"), class_="faint")
        if notes
        else None,
    )


def _problem(row: Row, places: list[Row], *, many_roots: bool, fresh: bool) -> Node:
    """Return one code; what is fresh is marked where not all is."""
    meaning, relion = _meanings().get(row["code"], ("", ""))
    counts = [counted(row["files"], "file"), f"in {counted(row['units'], 'project')}"]
    if row["places"] != row["files"]:
        counts.insert(0, f"{counted(row['places'], 'place')} in")
    head = element(
        "summary",
        element("span", row["severity"] or "", class_=f"severity {row['severity']}"),
        element("code", row["code"]),
        element("span", element("strong", row["name"] or ""), element("span", f" {meaning}", class_="faint")),
        element("span", " ".join(counts), class_="counts"),
        element("span", f"{row['fresh_files']:,} fresh", class_="fresh")
        if fresh and row["fresh_files"]
        else None,
    )
    explained = [
        element("p", element("b", "RELION"), f" {relion}.", class_="meaning") if relion else None,
        element("button", "Show these projects", type="button", data_filter="code", data_value=row["code"]),
    ]
    items = [
        element(
            "li",
            _path(place, many_roots=many_roots),
            f":{place['line']}" if place["line"] else None,
            element("span", " fresh", class_="fresh") if fresh and not place["is_old"] else None,
            element("span", f" {_detail(place['message'], meaning)}", class_="faint"),
        )
        for place in places
    ]
    listed = element("ul", *items, class_="paths")
    more = _more(len(places), row["findings"], "finding")
    return element(
        "details",
        head,
        *explained,
        listed,
        more,
        class_="problem",
    )


def _detail(message: str, meaning: str) -> str:
    """Return what a message says beyond what its code means."""
    return message.removeprefix(meaning).removeprefix(": ")


def _meanings() -> dict[str, tuple[str, str]]:
    return {code: (message, relion) for code, _, _, message, relion, _ in _core.diagnostic_codes()}


def _kinds(found: list[Row]) -> Node:
    """Return a table of changes by kind of file."""
    words = ("new", "changed", "deleted")
    kinds: dict[str, Counter[str]] = {}
    for row in found:
        kinds.setdefault(row["kind"], Counter())[row["change"]] += row["files"]
    in_order = sorted(kinds, key=lambda kind: (-kinds[kind].total(), kind))
    rows: list[tuple[Any, ...]] = [
        (
            kind.replace("_", " ") or "unknown",
            *(f"{kinds[kind][word]:,}" if kinds[kind][word] else "" for word in words),
        )
        for kind in in_order
    ]
    totals = [sum(row["files"] for row in found if row["change"] == word) for word in words]
    rows.append(("all", *(f"{total:,}" for total in totals)))
    return _table("Files by kind", ("Kind", "New", "Changed", "Gone"), rows, text=("Kind",))


def _table(
    caption: str, columns: tuple[str, ...], rows: Iterable[tuple[Any, ...]], *, text: tuple[str, ...]
) -> Node:
    """Return a table whose first column names its rows; columns that are no text stand to the right."""
    kinds = ["text" if column in text else "number" for column in columns]
    heads = (
        element("th", column, scope="col", class_=kind) for column, kind in zip(columns, kinds, strict=True)
    )
    body = [
        element(
            "tr",
            *(
                element("th" if at == 0 else "td", cell, class_=kind, scope="row" if at == 0 else None)
                for at, (cell, kind) in enumerate(zip(row, kinds, strict=True))
            ),
        )
        for row in rows
    ]
    table = element(
        "table", element("caption", caption), element("thead", element("tr", *heads)), element("tbody", *body)
    )
    return element("div", table, class_="scroll", tabindex=0, role="region", aria_label=caption)


def _path(row: Row, *, many_roots: bool) -> Node:
    return element("code", name(f"{row['root']}/{row['path']}" if many_roots else shown(row["path"])))


def _folded(title: str, items: list[Node], number: int) -> Node:
    return element(
        "details",
        element("summary", title),
        element("ul", *items, class_="paths"),
        _more(len(items), number, "file"),
        class_="folded",
    )


def _more(listed: int, number: int, noun: str) -> Node | None:
    if listed >= number:
        return None
    words = f"The first {listed:,} of {counted(number, noun)}; --paths lists more, tomoset query all."
    return element("p", words, class_="faint")
