"""RELION's own reading of 160 odd files, held against ours.

`tests/data/oracle/parse` holds the files and, for each, what RELION 5 made of it. `outcomes.tsv` declares for each
what is made of it here:

- ``same``: what RELION's `readAll` gives: the same blocks, labels, rows and values;
- ``more``: nothing that RELION read is lost, but more is kept, or something is read otherwise;
- ``raises``: a fault, and under ``on_error="collect"`` all that is good.

``codes`` are all the diagnostics there are (for faults those under ``"collect"``), ``blocks`` the blocks with their
rows (``L3``: a list of three values, ``@50001``: a version), ``invented`` the rows of RELION's that are not in the
file, by block and index.
"""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import hostile_files as words
import pytest
import tomoset
import tomoset.sources
from tomoset import _core
from tomoset.diagnostics import ERRORS

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.usefixtures("no_hang")

FOLDER = Path(__file__).resolve().parents[1] / "data" / "oracle" / "parse"
CANONICAL = {name: canonical for name, _, _, canonical in _core.labels()}
#: Diagnostics that only a look at the values can give.
OF_VALUES = {"L106", "V101", "V102", "V103", "V104", "V105", "V106", "V107", "V109"}
#: RELION's version where a file has none.
NO_VERSION = 30000
#: Faults at which RELION does not stop.
FAULTS = {"L201": "warning", "B201": "warning", "R202": "warning", "V107": "silent"}
SURVIVOR = b"\n\ndata_survivor\n\nloop_\n_rlnTomoName #1\n_rlnVoltage #2\nTS_1 300\nTS_2 200\n\n"
#: Files of one loop whose first column says in text what stands in the two others.
OF_ONE_VALUE = ("numbers_double", "numbers_int", "numbers_bool", "vectors")


@dataclass(frozen=True)
class Case:
    """A line of `outcomes.tsv`."""

    case: str
    outcome: str
    raises: str
    codes: str
    blocks: str
    invented: str
    why: str

    @property
    def path(self) -> Path:
        return FOLDER / f"{self.case}.star"

    @property
    def relion(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((FOLDER / f"{self.case}.relion.json").read_text())
        return found

    @property
    def is_invented(self) -> set[tuple[str, int]]:
        places = [] if self.invented == "-" else self.invented.split()
        return {(place.split(":")[0], int(place.split(":")[1])) for place in places}


@cache
def read_cases() -> tuple[Case, ...]:
    with (FOLDER / "outcomes.tsv").open(encoding="utf-8", newline="") as file:
        return tuple(Case(**row) for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


@cache
def verdicts() -> dict[str, str]:
    """What RELION makes of each file, in a word or two."""
    return {case["name"]: case["verdict"] for case in json.loads((FOLDER / "cases.json").read_text())}


def of(*outcomes: str) -> pytest.MarkDecorator:
    cases = [case for case in read_cases() if case.outcome in outcomes]
    return pytest.mark.parametrize("case", cases, ids=lambda case: case.case)


every_case = of("same", "more", "raises")


def utf8(text: str) -> str:
    """Give a name or label of RELION's, whose bytes are stored as Latin-1."""
    return text.encode("latin-1").decode("utf-8", errors="replace")


def codes(star: tomoset.StarFile | tomoset.StarOutline) -> set[str]:
    return {found.code for found in star.diagnostics}


def canonical(label: str) -> str:
    return CANONICAL.get(label, label)


@dataclass(frozen=True)
class Cell:
    """A value as it was read, typed and as the file's own bytes."""

    value: Any
    text: bytes

    def is_relions(self, relion: str, kind: str) -> bool:
        """Tell whether RELION's value, stored as text, is this very value."""
        match kind:
            case "double":
                return isinstance(self.value, float) and self.value.hex() == float(relion).hex()
            case "int":
                return type(self.value) is int and self.value == int(relion)
            case "bool":
                return type(self.value) is bool and str(int(self.value)) == relion
            case "double_vector" | "int_vector":
                return isinstance(self.value, list) and self.value == items(relion)
            case _:
                return self.text == relion.encode("latin-1")

    def stands_for(self, relion: str, kind: str) -> bool:
        """Tell whether RELION's value is this one, less what RELION is known to lose."""
        missing = self.value is None and relion in ("0", "[]", "[0]")
        squeezed = b" ".join(self.text.split()) == b" ".join(relion.encode("latin-1").split())
        return self.is_relions(relion, kind) or missing or (kind in ("string", "unknown") and squeezed)


def items(relion: str) -> list[float]:
    return [float(item) for item in relion.strip("[]").split(",")] if relion != "[]" else []


def rows_of(path: Path) -> list[list[list[list[Cell]]]]:
    """Read a file into cells: of each block the tables, of each table the rows."""
    typed = tomoset.read_star(path, on_error="collect")
    texts = tomoset.read_star(path, dtypes="string", invalid_utf8="bytes", on_error="collect")
    blocks = []
    for block, raw in zip(typed.blocks, texts.blocks, strict=True):
        pairs = zip(words.tables_of(block), words.tables_of(raw), strict=True)
        blocks.append([list(cells(table, text)) for table, text in pairs])
    return blocks


def cells(typed: Any, texts: Any) -> Iterator[list[Cell]]:
    columns = [
        [
            Cell(value, text if isinstance(text, bytes) else text.encode())
            for value, text in zip(*pair, strict=True)
        ]
        for pair in zip(
            (column.to_pylist() for column in typed.columns),
            (column.to_pylist() for column in texts.columns),
            strict=True,
        )
    ]
    return (list(row) for row in zip(*columns, strict=True))


# What is declared.


def test_all_160_cases_are_declared() -> None:
    names = sorted(case.case for case in read_cases())
    assert len(set(names)) == len(names) == 160
    assert names == sorted(verdicts())
    assert names == sorted(path.stem for path in FOLDER.glob("*.star"))
    assert names == sorted(path.name.removesuffix(".relion.json") for path in FOLDER.glob("*.relion.json"))
    assert {case.outcome for case in read_cases()} == {"same", "more", "raises"}
    assert all(case.why for case in read_cases())


@pytest.mark.parametrize(
    "case", [case for case in read_cases() if verdicts()[case.case] != "ok"], ids=lambda c: c.case
)
def test_no_silent_case_stays_unreported(case: Case) -> None:
    assert case.codes != "-"


def test_what_relion_reads_as_it_stands_is_no_error() -> None:
    severity = {code: word for code, _, word, *_ in _core.diagnostic_codes()}
    alarms = {
        case.case: code
        for case in read_cases()
        for code in case.codes.split()
        if verdicts()[case.case] == "ok" and severity.get(code) in ERRORS
    }
    # RELION makes one blank of two, in a column that it does not know.
    assert alarms == {"unknown_labels_loop": "Q101"}


# What is read.


@every_case
def test_blocks_and_diagnostics(case: Case) -> None:
    on_error: tomoset.sources.OnError = "collect" if case.outcome == "raises" else "raise"
    star = tomoset.read_star(case.path, on_error=on_error)
    assert codes(star) == set(case.codes.split()) - {"-"}
    assert words.blocks(star) == case.blocks
    outline = tomoset.scan_star(case.path, on_error=on_error)
    assert codes(outline) == codes(star) - OF_VALUES
    assert [block.name for block in outline.blocks] == [block.name for block in star.blocks]
    assert [block.num_rows for block in outline.blocks] == [block.num_rows for block in star.blocks]


@of("same")
def test_same_as_relion(case: Case) -> None:
    relion = case.relion["read_all"]
    assert relion["status"] == "ok"
    star, outline = tomoset.read_star(case.path), tomoset.scan_star(case.path)
    assert [block.name for block in star.blocks] == [utf8(table["name"]) for table in relion["tables"]]
    for table, block, ours in zip(relion["tables"], outline.blocks, rows_of(case.path), strict=True):
        labels = [utf8(label) for label, _ in table["labels"]]
        assert [canonical(label) for label in block.labels] == labels
        if not labels:
            assert ours == []
            continue
        [rows] = ours
        assert block.tables[0].is_list == table["is_list"]
        assert len(rows) == len(table["rows"])
        kinds = [kind for _, kind in table["labels"]]
        for row, theirs in zip(rows, table["rows"], strict=True):
            assert all(map(Cell.is_relions, row, theirs, kinds)), (row, theirs)


@of("same")
def test_versions_are_relions(case: Case) -> None:
    for block in tomoset.read_star(case.path).blocks:
        version = NO_VERSION if block.version is None else block.version
        read = case.relion["read_named"].get(block.name.encode().decode("latin-1"))
        if read is not None and read["status"] == "ok" and "B113" not in case.codes:
            assert read["table"]["version"] == version


@of("more")
def test_nothing_that_relion_read_is_lost(case: Case) -> None:
    ours = [row for block in rows_of(case.path) for table in block for row in table]
    at = 0
    for table in case.relion["read_all"].get("tables", []):
        kinds = [kind for _, kind in table["labels"]]
        for index, theirs in enumerate(table["rows"]):
            if (table["name"], index) in case.is_invented:
                continue
            found = next((i for i in range(at, len(ours)) if holds(ours[i], theirs, kinds)), None)
            assert found is not None, (theirs, ours[at:])
            at = found + 1


def holds(row: list[Cell], theirs: list[str], kinds: list[str]) -> bool:
    """Tell whether a row has all values of one of RELION's, in order, whatever else it has."""
    left = iter(row)
    return all(
        any(cell.stands_for(value, kind) for cell in left) for value, kind in zip(theirs, kinds, strict=True)
    )


@pytest.mark.parametrize(
    "case", [case for case in read_cases() if case.is_invented], ids=lambda case: case.case
)
def test_invented_rows_are_not_in_the_file(case: Case) -> None:
    tables = {table["name"]: table["rows"] for table in case.relion["read_all"].get("tables", [])}
    star = tomoset.read_star(case.path)
    for block, index in case.is_invented:
        assert len(tables[block]) == star[block].num_rows + 1
        assert index < len(tables[block])


# Faults.


@of("raises")
def test_faults_are_raised_where_they_are(case: Case) -> None:
    with pytest.raises((tomoset.StarSyntaxError, tomoset.StarTypeError)) as raised:
        tomoset.read_star(case.path)
    assert words.raised(raised.value) == case.raises
    assert raised.value.path == str(case.path)


@of("raises")
def test_faults_are_collected_and_all_else_is_kept(case: Case) -> None:
    text = case.path.read_bytes() + SURVIVOR
    with pytest.raises((tomoset.StarSyntaxError, tomoset.StarTypeError)) as raised:
        tomoset.read_star(text)
    star = tomoset.read_star(text, on_error="collect")
    kind, code = case.raises.split()[:2]
    # A column whose values do not fit is given as text.
    wanted = "V107" if kind == "StarTypeError" else code
    fault = next(found for found in star.diagnostics if found.code == wanted)
    assert (fault.line, fault.column) == (raised.value.line, raised.value.column)
    assert fault.severity == FAULTS.get(wanted, "fatal")
    assert star["survivor"].to_dict() == {"rlnTomoName": ["TS_1", "TS_2"], "rlnVoltage": [300.0, 200.0]}
    alone = tomoset.read_star(case.path, on_error="collect")
    assert [block.name for block in star.blocks] == [*(block.name for block in alone.blocks), "survivor"]


# Values one by one.


def values() -> Iterator[Any]:
    """Give each row of the files of odd values, as a file of its own, and RELION's row."""
    for name in OF_ONE_VALUE:
        [table] = json.loads((FOLDER / f"{name}.relion.json").read_text())["read_all"]["tables"]
        lines = (FOLDER / f"{name}.star").read_bytes().rstrip().split(b"\n")
        head, rows = lines[: -len(table["rows"])], lines[-len(table["rows"]) :]
        kind = table["labels"][1][1]
        for line, theirs in zip(rows, table["rows"], strict=True):
            for column in (1, 2):
                label, kind = table["labels"][column]
                yield name, b"\n".join([*head, line, b""]), label, theirs[column], kind


def case_of_value(name: str, text: bytes, label: str, relion: str, kind: str) -> Any:
    word = text.split(b"\n")[-2].split(b" ")[0].decode("ascii", errors="replace")
    return pytest.param(text, label, relion, kind, id=f"{name}-{label}-{word}")


@pytest.mark.parametrize(("text", "label", "relion", "kind"), [case_of_value(*value) for value in values()])
def test_each_value_is_relions_or_told(text: bytes, label: str, relion: str, kind: str) -> None:
    try:
        star = tomoset.read_star(text, columns=[label])
    except tomoset.StarTypeError as error:
        assert (error.code, error.label) == ("V201", label)
        return
    [value] = star.blocks[0][label].to_pylist()
    told = {found.code for found in star.diagnostics if found.label == label}
    assert Cell(value, b"").is_relions(relion, kind) or told
