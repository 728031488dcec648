"""Strategies for STAR texts: well-formed ones with what must be read from them, and any bytes at all."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

if TYPE_CHECKING:
    from collections.abc import Sequence

#: What a column may hold, by the first letter of its label.
KINDS = {"f": "float64", "i": "int64", "b": "bool", "t": "string", "v": "list<float64>", "w": "list<int64>"}
# Few enough that headers repeat.
LABELS = st.one_of(
    st.sampled_from([f"{kind}_{letter}" for kind in KINDS for letter in "xyz"]),
    st.builds("{}{}".format, st.sampled_from(list(KINDS)), st.text("abcXYZ_.0", min_size=1, max_size=6)),
)

NAMES = st.text("abcdefghijklmnopqrstuvwxyzABCXYZ0123456789_.-+@", min_size=1, max_size=12)
FLOATS = st.floats(allow_nan=False, allow_infinity=False)
INTS = st.integers(-(2**63), 2**63 - 1)
# Everything but what ends a line, and the bell, which RELION writes before quotes.
TEXTS = st.text(st.characters(exclude_characters="\n\r\x07", exclude_categories=["Cs"]), max_size=12)
COMMENTS = st.sampled_from(["# c", "#", "## 1 2 3", "# 'open", "#1", '# " ; _x'])
ENDS = st.sampled_from(["", "", "", " ", " # c", "\t#1 2"])
BLANKS = st.sampled_from([" ", "  ", "\t", " \t ", "          "])


@dataclass(frozen=True)
class Column:
    """A label with its type and values."""

    label: str
    kind: str
    values: list[Any]


@dataclass(frozen=True)
class Table:
    """A list (one row) or a loop."""

    is_list: bool
    columns: list[Column]

    @property
    def num_rows(self) -> int:
        return len(self.columns[0].values)

    def to_pydict(self) -> dict[str, list[Any]]:
        return {column.label: column.values for column in self.columns}


@dataclass(frozen=True)
class Block:
    """A block with a list, a loop, or a list and then a loop."""

    name: str
    tables: list[Table]


@dataclass(frozen=True)
class Text:
    """A STAR text and what it holds."""

    blocks: list[Block]
    text: bytes
    dtypes: dict[str, str] = field(default_factory=dict)

    @property
    def loops(self) -> list[tuple[str, Table]]:
        return [(block.name, table) for block in self.blocks for table in block.tables if not table.is_list]


def _values(kind: str) -> st.SearchStrategy[Any]:
    return {
        "float64": FLOATS,
        "int64": INTS,
        "bool": st.booleans(),
        "string": TEXTS.filter(_can_be_quoted),
        "list<float64>": st.lists(FLOATS, max_size=4),
        "list<int64>": st.lists(INTS, max_size=4),
    }[kind]


def _quotes(text: str) -> list[str]:
    """Give the quotes that can stand around a text: those that would not end within it."""
    return [quote for quote in "'\"" if not any(f"{quote}{blank}" in text for blank in " \t")]


def _can_be_quoted(text: str) -> bool:
    return bool(_quotes(text))


def _is_bare(text: str) -> bool:
    keyword = text.lower().startswith(("data_", "loop_", "save_", "stop_", "global_", "_", ";"))
    return (
        bool(text) and not keyword and text[0] not in "'\"#" and not any(blank in text for blank in " \t\r")
    )


@st.composite
def _words(draw: st.DrawFn, kind: str, value: Any) -> str:
    """Write a value in one of the ways that read back the same."""
    match kind:
        case "float64":
            return draw(st.sampled_from([repr(value), f"{value:.17e}", f"{value:+.17g}"]))
        case "int64":
            return draw(st.sampled_from([str(value), f"{value:+d}", f"{value}.000000"]))
        case "bool":
            return draw(
                st.sampled_from(["1", "true", "True", "yes"] if value else ["0", "false", "False", "no"])
            )
        case "string":
            quote = draw(st.sampled_from(_quotes(value)))
            return value if _is_bare(value) and draw(st.booleans()) else f"{quote}{value}{quote}"
    words = [draw(_words(kind[5:-1], item)) for item in value]
    blanks = draw(st.booleans())
    text = f"[{(', ' if blanks else ',').join(words)}]"
    return f'"{text}"' if blanks else text


@st.composite
def _rows(draw: st.DrawFn, columns: Sequence[Column]) -> list[str]:
    """Write the rows of a loop, some of them over several lines, with comments and blank lines between."""
    lines: list[str] = []
    for row in range(len(columns[0].values)):
        line = draw(st.sampled_from(["", "", " ", "\t"]))
        for index, column in enumerate(columns):
            word = draw(_words(column.kind, column.values[row]))
            if index and len(columns) > 2 and draw(st.integers(0, 19)) == 0:
                lines.append(line)
                line = ""
            line += (draw(BLANKS) if line.strip(" \t") else "") + word
        lines.append(line + draw(ENDS))
        if draw(st.integers(0, 9)) == 0:
            lines.append(draw(st.sampled_from(["", " ", "# c", "#", "\t# 'x"])))
    return lines


@st.composite
def _table(draw: st.DrawFn, is_list: bool, labels: list[str]) -> Table:
    rows = 1 if is_list else draw(st.integers(0, 6))
    kinds = [KINDS[label[0]] for label in labels]
    return Table(
        is_list,
        [
            Column(label, kind, draw(st.lists(_values(kind), min_size=rows, max_size=rows)))
            for label, kind in zip(labels, kinds, strict=True)
        ],
    )


@st.composite
def _lines(draw: st.DrawFn, table: Table) -> list[str]:
    if table.is_list:
        return [
            f"_{column.label}{draw(BLANKS)}{draw(_words(column.kind, column.values[0]))}{draw(ENDS)}"
            for column in table.columns
        ]
    lines = [draw(st.sampled_from(["loop_", "loop_ ", "loop_\t"]))]
    for number, column in enumerate(table.columns, 1):
        lines.append(f"_{column.label}{draw(st.sampled_from(['', ' ', f' #{number}', f' #{number} ']))}")
        if draw(st.integers(0, 9)) == 0:
            lines.append(draw(st.sampled_from(["", "# c"])))
    return [*lines, *draw(_rows(table.columns))]


@st.composite
def texts(draw: st.DrawFn, max_blocks: int = 4) -> Text:
    """Make well-formed texts: lists and loops of all types, quotes, comments, wrapped rows, LF or CR LF."""
    names = draw(st.lists(NAMES, unique=True, min_size=1, max_size=max_blocks))
    blocks, lines, dtypes = [], [], {}
    for name in names:
        shape = draw(st.sampled_from(["list", "loop", "loop", "both"]))
        tables = []
        lines += [draw(COMMENTS)] if draw(st.booleans()) else []
        lines += [f"data_{name}", ""]
        for is_list in {"list": [True], "loop": [False], "both": [True, False]}[shape]:
            labels = draw(st.lists(LABELS, unique=True, min_size=1, max_size=5))
            if shape == "both" and is_list:
                labels = [f"{label}2" for label in labels]  # So that no label is in both.
            table = draw(_table(is_list, labels))
            dtypes.update({column.label: column.kind for column in table.columns})
            lines += [*draw(_lines(table)), *[""] * draw(st.integers(1, 2))]
            tables.append(table)
        blocks.append(Block(name, tables))
    end = draw(st.sampled_from(["\n", "\n", "\r\n"]))
    text = end.join(lines) + draw(st.sampled_from(["", end]))
    return Text(blocks, text.encode(), dtypes)


PARTS = [
    b"\n", b"\n", b" ", b"\t", b"\r", b"\r\n", b"\n\n", b"#", b"# c\n", b"# version 5\n", b";", b"\n;\n",
    b"\n;x\n", b"'", b'"', b"''", b"'a b'", b"\x07", b"\x00", b"\xff", b"\xc3\xa9", b"\xef\xbb\xbf",
    b"\x0c", b"_", b"_a", b"\n_a\n", b"\n_b #2\n", b"_rlnVoltage", b"\n_rlnTomoName #1\n",
    b"\n_rlnOpticsGroup #1\n", b"data_", b"\ndata_x\n", b"\ndata_y\n", b"loop_", b"\nloop_\n", b"save_",
    b"stop_", b"1", b"300", b"-1.5e3", b"nan", b"None", b"[1,2]", b"[", b"x", b"1 2\n", b"1 2 3\n",
    b"'x y' 2\n", b"a", b"true",
]  # fmt: skip

#: What may follow the header of a loop.
LOOP_BYTES = st.lists(st.sampled_from(PARTS), max_size=30).map(
    lambda parts: b"data_a\nloop_\n_a\n_b\n" + b"".join(parts)
)
#: Bytes with a bent towards what a STAR reader stumbles over.
ANY_BYTES = st.one_of(
    st.lists(st.sampled_from(PARTS), max_size=40).map(b"".join),
    st.lists(st.one_of(st.sampled_from(PARTS), st.binary(max_size=4)), max_size=40).map(b"".join),
    LOOP_BYTES,
    st.binary(max_size=200),
)
