"""Examples of every code: what has it, and the same without; the documentation shows them, and the tests run them."""

from __future__ import annotations

import json
import tomllib
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Example", "all_examples", "example_lines"]


@dataclass(frozen=True)
class Example:
    """An example of a code.

    Attributes
    ----------
    code
        Such as ``O101``.
    bad, good
        A text, or changes to a project that breaks no rule.
    also
        Other codes that the bad one has.
    instead
        The code under which it is told of files, for one that only sets in memory have.
    facts
        What else the project must have, for those who run it.
    """

    code: str
    bad: bytes | list[dict[str, Any]]
    good: bytes | list[dict[str, Any]]
    also: tuple[str, ...] = ()
    instead: str | None = None
    facts: dict[str, Any] = field(default_factory=dict)


@cache
def all_examples() -> dict[str, Example]:
    """Give the example of each code that has one."""
    found = {}
    for name in ("reader.toml", "sets.toml"):
        table = tomllib.loads(files(__name__).joinpath(name).read_text(encoding="utf-8"))
        for code, entry in table.items():
            bad = bytes.fromhex(entry.pop("bad_hex")) if "bad_hex" in entry else entry.pop("bad")
            good = entry.pop("good", [])
            found[code] = Example(
                code,
                bad.encode() if isinstance(bad, str) else bad,
                good.encode() if isinstance(good, str) else good,
                tuple(entry.pop("also", ())),
                entry.pop("instead", None),
                entry,
            )
    return found


def example_lines(code: str) -> Iterator[str]:
    """Yield the example of a code, as the documentation and ``--explain`` show it; nothing where there is none."""
    example = all_examples().get(code)
    if example is None:
        return
    for title, shown in (("Bad", example.bad), ("Good", example.good)):
        lines = list(_text_lines(shown) if isinstance(shown, bytes) else _change_lines(shown))
        if lines:
            yield f"{title}:"
            yield from (f"    {line}" for line in lines)


def _text_lines(text: bytes) -> Iterator[str]:
    shown = text.decode("utf-8", "backslashreplace").removesuffix("\n")
    for line in shown.split("\n"):
        yield "".join(
            letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in line
        )


def _change_lines(changes: list[dict[str, Any]]) -> Iterator[str]:
    for change in changes:
        yield from _change(change)


def _change(change: dict[str, Any]) -> Iterator[str]:
    file = _NAMES.get(change.get("file", ""), change.get("file"))
    match change:
        case {"copy": source, "to": target}:
            yield f"{target}: a copy of {_NAMES.get(source, source)}"
        case {"link": link, "to": target}:
            yield f"{link}: a symbolic link to {target}"
        case {"image": name, "size": size}:
            pixel = f" of {change['pixel']} A" if "pixel" in change else ""
            yield f"{name}: an image of {' x '.join(map(str, size))} pixels{pixel}"
        case {"marker": name}:
            yield f"{name}: is there"
        case {"remove": name}:
            yield f"{_NAMES.get(name, name)}: is not there"
        case {"hex": _}:
            yield f"{file}: cut short"
        case {"text": text}:
            yield f"{file}:"
            yield from (f"    {line}" for line in _text_lines(text.encode()))
        case {"old": old, "new": new}:
            yield f"{file}: {_one_line(new)} in place of {_one_line(old)}"
        case {"drop": labels}:
            yield f"{file}: without {', '.join(labels)}"
        case {"label": label, "value": value}:
            row = "all rows" if change.get("row") is None else f"row {change['row']}"
            yield f"{file}: {label} of {row} is {value}"
        case {"add": columns}:
            for label, values in columns.items():
                yield f"{file}: with {label} {json.dumps(values)}"


def _one_line(text: str) -> str:
    return text.strip("\n").replace("\n", "\\n")


#: Files of the project, by the names that examples have for them.
_NAMES = {
    "set": "tomograms.star",
    "TS_01": "tilt_series/TS_01.star",
    "TS_02": "tilt_series/TS_02.star",
    "particles": "particles.star",
    "optimisation": "optimisation_set.star",
    "motion": "motion.star",
    "polished": "Polish/job012/optimisation_set.star",
    "manifolds": "manifolds.star",
    "fiducials": "fiducials_TS_01.star",
    "pipeline": "default_pipeline.star",
    "relion4": "tomograms.star of RELION 4",
}
