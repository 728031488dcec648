"""What `docs/format.md` says: its examples are run, its table of codes is the reader's, its rules are those cited."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
import starfile
import tomoset
import tomoset.sources
from tomoset import _core

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.usefixtures("no_hang")

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "format.md").read_text(encoding="utf-8")
RULES = 27
EXAMPLE = re.compile(r"^```star( escapes)?\n((?:.*\n)*?)```\n((?:- .*\n)+)", re.MULTILINE)
ESCAPE = re.compile(r"\\(?:x[0-9a-f]{2}|[rt])")
HEADING = re.compile(r"^### (\d+)\. ", re.MULTILINE)
#: `reads` or `raises`, the fault, the blocks, the codes.
OUTCOME = re.compile(r"(?:reads|raises ([A-Z]\d+ \d+:\d+)(?:, keeps)?)(?: `(.*)`)?((?:, [A-Z]\d+ \d+:\d+)*)")
CITATION = re.compile(r"\brules? (\d+)(?: (?:to|and) (\d+))?")


@dataclass(frozen=True)
class Example:
    """A text, what it is read as, and what others make of it."""

    rule: int
    text: bytes
    outcome: str
    peers: dict[str, str]

    @property
    def fault(self) -> str | None:
        return self._outcome[1]

    @property
    def blocks(self) -> Any:
        return literal(self._outcome[2]) if self._outcome[2] else None

    @property
    def codes(self) -> list[str]:
        return self._outcome[3].removeprefix(", ").split(", ") if self._outcome[3] else []

    @property
    def _outcome(self) -> re.Match[str]:
        found = OUTCOME.fullmatch(self.outcome)
        assert found is not None, self.outcome
        return found


def literal(text: str) -> Any:
    return eval(text, {"__builtins__": {}}, {"nan": math.nan, "inf": math.inf})


def examples() -> Iterator[Example]:
    for found in EXAMPLE.finditer(PAGE):
        rule = HEADING.findall(PAGE, 0, found.start())[-1]
        text = found[2].encode()
        if found[1]:
            shown = found[2].removesuffix("\n")
            text = ESCAPE.sub(lambda escape: escape[0].encode().decode("unicode_escape"), shown).encode(
                "latin-1"
            )
        outcome, *peers = (line.removeprefix("- ") for line in found[3].splitlines())
        yield Example(int(rule), text, outcome, dict(peer.split(": ", 1) for peer in peers))


EXAMPLES = list(examples())
each = pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: f"rule{example.rule}")


def said(table: Any, is_list: bool) -> dict[str, Any]:
    found: dict[str, Any] = table.to_pylist()[0] if is_list else table.to_pydict()
    return found


def block_said(block: tomoset.StarBlock) -> Any:
    """Give a block as the page has it."""
    tables = [said(part.table, part.is_list) for part in block._parts]
    return tables if len(tables) > 1 else (tables or [{}])[0]


def blocks_said(star: tomoset.StarFile) -> Any:
    pairs = [(block.name, block_said(block)) for block in star.blocks]
    return dict(pairs) if len(star) == len(pairs) else pairs


def codes_said(star: tomoset.StarFile) -> list[str]:
    return [f"{found.code} {found.line}:{found.column}" for found in star.diagnostics]


def read(example: Example, dtypes: tomoset.sources.Dtypes = "relion") -> Any:
    return blocks_said(tomoset.read_star(example.text, dtypes=dtypes, on_error="collect"))


# The page.


def test_each_rule_is_there_and_has_an_example() -> None:
    assert HEADING.findall(PAGE) == [str(rule) for rule in range(1, RULES + 1)]
    without = set(range(1, RULES + 1)) - {example.rule for example in EXAMPLES}
    assert without == {27}
    assert PAGE.count("```star") == len(EXAMPLES)
    assert all(set(example.peers) == {"RELION", "starfile", "gemmi"} for example in EXAMPLES)


def test_the_table_of_codes_is_the_readers() -> None:
    table = PAGE[PAGE.index("| code | name |") :].splitlines()[2:]
    rows = [tuple(cell.strip() for cell in line.strip("|").split(" | ")) for line in table]
    assert rows == [code[:5] for code in _core.diagnostic_codes()]


def test_each_code_of_a_text_is_in_a_rule() -> None:
    rules = PAGE[: PAGE.index("## Codes")]
    missing = {code for code, *_ in _core.diagnostic_codes() if not code.startswith("F")} - set(
        re.findall(r"\b[A-Z]\d{3}\b", rules)
    )
    assert missing == set()
    assert set(re.findall(r"\b[LBHRQVF]\d{3}\b", PAGE)) <= {code for code, *_ in _core.diagnostic_codes()}


def test_the_code_cites_rules_that_are_there() -> None:
    cited = {
        int(number)
        for path in (ROOT / "src").rglob("*.rs")
        for line in path.read_text(encoding="utf-8").splitlines()
        if line.lstrip().startswith("//")
        for pair in CITATION.findall(line)
        for number in pair
        if number
    }
    assert cited and cited <= set(range(1, RULES + 1))


def test_the_number_of_labels() -> None:
    assert f"dictionary of {len(_core.labels())} labels" in PAGE


# Its examples.


@each
def test_examples(example: Example) -> None:
    fault = None
    try:
        star = tomoset.read_star(example.text)
    except (tomoset.StarSyntaxError, tomoset.StarTypeError) as error:
        fault = f"{error.code} {error.line}:{error.column}"
        star = tomoset.read_star(example.text, on_error="collect")
    assert fault == example.fault
    if example.blocks is not None:
        assert repr(blocks_said(star)) == repr(example.blocks)
    # The fault itself is said already.
    assert [code for code in codes_said(star) if code != fault] == example.codes


@each
def test_starfile(example: Example, tmp_path: Path) -> None:
    path = tmp_path / "text.star"
    path.write_bytes(example.text)
    claim = example.peers["starfile"]
    if claim == "fails":
        # pandas' own errors, and whatever a text of odd length makes of a tuple.
        with pytest.raises((ValueError, TypeError)):
            starfile.read(path, always_dict=True)
        return
    found = {
        name: {label: block.iloc[:, at].tolist() for at, label in enumerate(block.columns)}
        if isinstance(block, pd.DataFrame)
        else block
        for name, block in starfile.read(path, always_dict=True).items()
    }
    assert plain(found) == plain(read(example) if claim == "same" else literal(claim.strip("`")))


def plain(value: Any) -> Any:
    """Give values in a form that compares: what is missing is NaN for one and None for the other."""
    match value:
        case dict():
            return {key: plain(item) for key, item in value.items()}
        case list():
            return [plain(item) for item in value]
        case None:
            return "<missing>"
        case float() if math.isnan(value):
            return "<missing>"
        case _:
            return value


@each
def test_gemmi(example: Example) -> None:
    cif = pytest.importorskip("gemmi").cif
    claim = example.peers["gemmi"]
    if claim == "fails":
        with pytest.raises((ValueError, RuntimeError)):
            cif.read_string(example.text)
        return
    found = {block.name: gemmi_block(block, cif) for block in cif.read_string(example.text)}
    assert found == (read(example, "string") if claim == "same" else literal(claim.strip("`")))


def gemmi_block(block: Any, cif: Any) -> Any:
    tables: list[dict[str, Any]] = []
    for item in block:
        if item.pair is not None:
            if not tables or any(isinstance(value, list) for value in tables[-1].values()):
                tables.append({})
            tables[-1][item.pair[0][1:]] = cif.as_string(item.pair[1])
        elif item.loop is not None:
            loop = item.loop
            tables.append(
                {
                    tag[1:]: [cif.as_string(value) for value in loop.values[at :: loop.width()]]
                    for at, tag in enumerate(loop.tags)
                }
            )
    return tables if len(tables) > 1 else (tables or [{}])[0]


# What it says in words.


def test_field_metadata() -> None:
    text = b"data_x\nloop_\n_rlnVoltage\n_rlnTomoName\n_rlnKullbackLeibnerDivergence\n_a\n300 a 1 2\n"
    for dtypes in ("relion", "infer", "string"):
        schema = tomoset.read_star(text, dtypes=dtypes)["x"].to_arrow().schema
        assert [field.metadata for field in schema] == [
            {b"relion_type": b"double", b"unit": b"kV"},
            {b"relion_type": b"string"},
            {b"relion_type": b"double", b"canonical": b"rlnKullbackLeiblerDivergence"},
            None,
        ]
