"""Bars over months and over measurements, drawn as SVG that takes its colours from the page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tomoset.report.markup import Node, element
from tomoset.report.scales import compact, steps

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_WIDTH, _HEIGHT = 400, 170
_LEFT, _RIGHT, _TOP, _BOTTOM = 46, 8, 12, 24
#: Of the room that a bar has; what is left of it stands between bars. None is wider than this.
_FILLED, _WIDEST = 0.82, 36


@dataclass(frozen=True)
class Bars:
    """Numbers side by side.

    Attributes
    ----------
    title, unit
        What is shown; the unit of what stands below the bars.
    counted
        What each bar counts, such as ``tilt series``.
    labels
        What each bar stands for, in words.
    counts
        How high each is.
    marks
        What is written below: the place in bars, from 0, and the words.
    summary
        The same in one sentence, for who does not see the bars and for who does not want to.
    number
        How heights are written.
    """

    title: str
    unit: str
    counted: str
    labels: Sequence[str]
    counts: Sequence[int]
    marks: Sequence[tuple[float, str]]
    summary: str
    number: Callable[[int], str] = compact


def figure(bars: Bars) -> Node:
    """Draw bars with their title and, to be opened, their numbers."""
    heading = element(
        "figcaption",
        element("strong", bars.title),
        element("span", f" {bars.unit}", class_="unit") if bars.unit else None,
        element("span", bars.summary, class_="summary"),
    )
    if not any(bars.counts):
        return element("figure", heading, element("p", "Nothing to draw.", class_="nothing"))
    return element("figure", heading, _drawing(bars), _numbers(bars))


def _drawing(bars: Bars) -> Node:
    top = max(bars.counts)
    levels = steps(0, top, 3, least=1)
    ceiling = max(top, levels[-1])
    wide = (_WIDTH - _LEFT - _RIGHT) / len(bars.counts)
    deep = _HEIGHT - _TOP - _BOTTOM

    def height(count: float) -> float:
        return round(deep * count / ceiling, 2)

    drawing = element(
        "svg",
        element("title", f"{bars.title}. {bars.summary}"),
        viewBox=f"0 0 {_WIDTH} {_HEIGHT}",
        role="img",
        class_="bars",
    )
    floor = float(_HEIGHT - _BOTTOM)
    for level in levels:
        y = round(floor - height(level), 2)
        drawing.append(element("line", x1=_LEFT, x2=_WIDTH - _RIGHT, y1=y, y2=y, class_="level"))
        drawing.append(element("text", bars.number(round(level)), x=_LEFT - 6, y=y + 4, class_="level"))
    thick = min(wide * _FILLED, _WIDEST)
    for place, count in enumerate(bars.counts):
        if not count:
            continue
        # What is there is seen, however little it is.
        tall = max(height(count), 1.0)
        drawing.append(
            element(
                "rect",
                element("title", f"{bars.labels[place]}: {bars.number(count)} {bars.counted}"),
                x=round(_LEFT + wide * (place + 0.5) - thick / 2, 2),
                y=round(floor - tall, 2),
                width=round(thick, 2),
                height=tall,
            )
        )
    for bar, words in bars.marks:
        at = round(_LEFT + wide * bar, 2)
        anchor = "end" if at > _WIDTH - _RIGHT - 3 * len(words) else None
        drawing.append(element("text", words, x=at, y=_HEIGHT - 6, class_="mark", text_anchor=anchor))
    return drawing


def _numbers(bars: Bars) -> Node:
    rows = [
        element("tr", element("th", label, scope="row"), element("td", bars.number(count)))
        for label, count in zip(bars.labels, bars.counts, strict=True)
        if count
    ]
    head = element(
        "tr", element("th", bars.unit or bars.title, scope="col"), element("th", bars.counted, scope="col")
    )
    table = element("table", element("thead", head), element("tbody", *rows))
    return element("details", element("summary", "Numbers"), table, class_="numbers")
