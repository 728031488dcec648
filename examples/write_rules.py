"""Write ``docs/rules.md``: every code of a finding, with an example that the tests run.

``python examples/write_rules.py`` writes the page; a test holds that it is as the rules say.
"""

from pathlib import Path

from tomoset.checking.examples import example_lines
from tomoset.checking.registry import TOPICS, all_codes
from tomoset.sets.codes import Code

PAGE = Path(__file__).resolve().parent.parent / "docs" / "rules.md"

HEAD = """# Rules

*For whoever wants to know what a code means, and what to do about it.*

<!-- Written by examples/write_rules.py from the rules themselves. -->

What `tomoset check`, `tomoset.check()` and `validate()` of sets find. [Checking](check.md) says how to use them.

```python
import tomoset

for finding in tomoset.check("project"):
    print(finding.id, finding.severity, finding.path, finding.line, finding.found)
for finding in tomoset.TomogramSet.read("tomograms.star").validate():
    print(finding)
```

A `Finding` has an `id` such as `O101`, whose letter says what it is about, a name as its `code`, a `severity`, the
`path`, `line` and `column` it stands at, what was `found`, what `relion` does there, and how to `mend` it. Rules of
sets look at all images of a tomogram at once: the first that breaks one is told, with the number of the others.
Limits are wide: what they tell of is a mistake more often than an odd microscope.

What RELION makes of it is said by the [severity](check.md#severity): *fatal*, *silent*, *warning* or *note*. A finding
may be worse than its code is in general, or less bad, where that is said. Codes in 200 are those without which
nothing can be made of a file, a set, or a tomogram; the reader's are faults ([format.md](format.md), which has the
grammar as rules).

Only STAR files are looked at. Of images, stacks and maps the headers are read with `--images` (`images=True`): the
codes I104 to I107, G105, G106 and P115.

Examples below are texts, or changes to a project in which nothing is found; the tests run both. What else the bad
ones have is said.
"""

#: What an example cannot show, and how it is tested.
UNSHOWN = {
    "F102": "No text shows it: a FIFO, socket or device in place of a file.",
    "F105": "No text shows it: a file that somebody writes to while it is read.",
    "F202": "No text shows it: a process that ends while it reads.",
    "F203": "No text shows it: a folder of a catalogue whose permissions changed.",
    "F204": "No text shows it: a defect of tomoset.",
    "V201": "As V107, where a fault is raised at once (`read_star`), and not collected.",
    "T205": "No text shows it: a set that a writer left half done.",
}
ALONE = {
    "A104": "Of a set in memory, by `validate()`; of files the reader tells it as V101 or V102.",
}


def page() -> str:
    """Give the page."""
    parts = [HEAD, "| topic | codes |\n|---|---|"]
    codes = all_codes()
    rows = []
    for letter, title in TOPICS.items():
        own = [code for code in codes if code.id[0] == letter]
        rows.append(f"| [{title}](#{_anchor(title)}) | {own[0].id} to {own[-1].id} |")
    parts[-1] += "\n" + "\n".join(rows) + "\n"
    for letter, title in TOPICS.items():
        parts.append(f"## {title}\n")
        parts += [_entry(code) for code in codes if code.id[0] == letter]
    return "\n".join(parts)


def _anchor(title: str) -> str:
    return "".join(letter for letter in title.lower().replace(" ", "-") if letter.isalnum() or letter == "-")


def _entry(code: Code) -> str:
    lines = [
        f"### {code.id} {code.name}\n",
        f"*{code.severity}*: {code.about}.\n",
        f"- RELION {code.relion}.",
        f"- To mend it: {code.mend}.",
    ]
    if code.id in UNSHOWN | ALONE:
        lines.append(f"- {(UNSHOWN | ALONE)[code.id]}")
    also = _also(code.id)
    if also:
        lines.append(f"- The bad example also has {also}.")
    example = list(example_lines(code.id))
    if example:
        lines += ["", "```text", *example, "```"]
    return "\n".join(lines) + "\n"


def _also(code: str) -> str:
    from tomoset.checking.examples import all_examples

    example = all_examples().get(code)
    return ", ".join(example.also) if example else ""


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    print(f"{PAGE}: {len(all_codes())} codes")
