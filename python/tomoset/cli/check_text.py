"""Findings as people read them: the line, a caret below the column, what RELION does, and a summary."""

import os
import sys
import textwrap
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

import click

from tomoset.checking.lines import lines_of
from tomoset.checking.registry import all_codes, by_id
from tomoset.cli.check_run import Checks
from tomoset.cli.output import terminal_width
from tomoset.cli.words import ELLIPSIS, counted, display_width, printable, severities_text
from tomoset.sets.findings import Finding

_COLOURS = {"fatal": "red", "silent": "magenta", "warning": "yellow", "note": "cyan"}
_WIDTH = 80


def text_lines(found: Sequence[Finding], run: Checks, *, brief: bool, statistics: bool) -> Iterator[str]:
    """Yield findings and a summary."""
    paint = _Paint()
    if statistics:
        yield from _statistics(found, paint)
    elif brief:
        for finding in found:
            yield _head(finding, paint)
    else:
        lines = lines_of(found)
        for finding in found:
            yield from _entry(finding, lines, paint)
        if found:
            yield from _statistics(found, paint)
            yield ""
    yield _summary(found, run)


class _Paint:
    """Colours, if the output is a terminal and nobody asked for none."""

    def __init__(self) -> None:
        self.width = terminal_width() or _WIDTH
        self._on = sys.stdout.isatty() and not os.environ.get("NO_COLOR")

    def __call__(self, text: str, **style: object) -> str:
        return click.style(text, **style) if self._on else text  # type: ignore[arg-type]


def _head(finding: Finding, paint: _Paint) -> str:
    path = printable(finding.path) if finding.path is not None else printable(finding.where)
    place = f":{finding.line}:{finding.column}" if finding.line is not None else ""
    code = paint(f"{finding.id} {finding.code}", bold=True)
    severity = paint(finding.severity, fg=_COLOURS[finding.severity])
    of = f" [{printable(finding.tomogram)}]" if finding.tomogram else ""
    times = f" ({finding.count:,} places)" if finding.count > 1 else ""
    return f"{path}{place}: {severity} {code}{of}: {printable(finding.found)}{times}"


def _entry(finding: Finding, lines: Mapping[tuple[str, int], bytes], paint: _Paint) -> Iterator[str]:
    yield _head(finding, paint)
    line = lines.get((finding.path or "", finding.line or 0))
    if line is not None:
        number = str(finding.line)
        text, caret = _window(line, (finding.column or 1) - 1, paint.width - len(number) - 4)
        yield paint(f" {number} | ", fg="blue") + text
        yield paint(f" {' ' * len(number)} | ", fg="blue") + " " * caret + paint("^", fg="red", bold=True)
    yield from _wrapped(f"RELION {finding.relion}; {finding.mend}.", paint.width)
    yield ""


def _window(line: bytes, column: int, width: int) -> tuple[str, int]:
    """Give as much of a line as fits around a column, and where that is on the screen."""
    near = max(0, column - 4 * width)
    before = _shown(line[near:column])
    after = _shown(line[column : column + 4 * width])
    cut_before, cut_after = near > 0, column + 4 * width < len(line)
    room = max(width - 2, 10)
    # The value is what matters: a third of the room, at most, is for what stands before it.
    want_after = min(display_width(after), max(room * 2 // 3, room - display_width(before)))
    kept_before = before
    while display_width(kept_before) > room - want_after:
        kept_before, cut_before = kept_before[1:], True
    kept_after = after
    while display_width(kept_after) > room - display_width(kept_before):
        kept_after, cut_after = kept_after[:-1], True
    head = ELLIPSIS if cut_before else ""
    return (
        f"{head}{kept_before}{kept_after}{ELLIPSIS if cut_after else ''}",
        display_width(head) + display_width(kept_before),
    )


def _shown(text: bytes) -> str:
    """Give text that steers no terminal: tabs as blanks, other odd characters spelled out."""
    return printable(text.decode("utf-8", "replace").replace("\t", " "))


def _statistics(found: Iterable[Finding], paint: _Paint) -> Iterator[str]:
    counts: Counter[tuple[str, str]] = Counter((finding.id, finding.severity) for finding in found)
    files: dict[tuple[str, str], set[str | None]] = {}
    for finding in found:
        files.setdefault((finding.id, finding.severity), set()).add(finding.path)
    width = len(f"{max(counts.values(), default=0):,}")
    longest = max((len(by_id(number).name) for number, _ in counts), default=0)
    for (number, severity), count in sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])):
        word = paint(f"{severity:<7}", fg=_COLOURS[severity])
        where = f"in {counted(len(files[number, severity]), 'file')}"
        yield f"{count:>{width},}  {word}  {number} {by_id(number).name:<{longest}}  {where}"


def _summary(found: Sequence[Finding], run: Checks) -> str:
    projects = f" of {counted(run.num_projects, 'project')}" if run.num_projects else ""
    known = f"; {run.num_known:,} known" if run.num_known else ""
    num_gone = run.known.num_gone
    gone = f", {num_gone:,} known no longer there (--write-baseline forgets them)" if num_gone else ""
    what = f"{counted(run.num_files, 'file')}{projects}"
    if not found:
        return f"nothing found in {what}{known}{gone}"
    words = severities_text(Counter(finding.severity for finding in found))
    return f"{counted(len(found), 'finding')} in {what}: {words}{known}{gone}"


def explanation(codes: Iterable[str]) -> Iterator[str]:
    """Yield what codes are about."""
    from tomoset.checking.examples import example_lines

    wanted = set(codes)
    paint = _Paint()
    first = True
    for code in all_codes():
        if code.id not in wanted:
            continue
        if not first:
            yield ""
        first = False
        yield f"{paint(f'{code.id} {code.name}', bold=True)} ({paint(code.severity, fg=_COLOURS[code.severity])})"
        for title, text in (("What", code.about), ("RELION", code.relion), ("Mend", code.mend)):
            yield from textwrap.wrap(
                f"{title + ':':<8}{text}", paint.width, subsequent_indent=" " * 8, break_on_hyphens=False
            )
        yield from example_lines(code.id)


def _wrapped(text: str, width: int) -> list[str]:
    return textwrap.wrap(
        printable(text), width, initial_indent="   ", subsequent_indent="   ", break_on_hyphens=False
    )
