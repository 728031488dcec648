"""Conditions on the columns of a table, written as in Python: ``rlnClassNumber == 2 and rlnTomoName == 'TS_01'``.

Nothing is evaluated: the text is parsed by Python's own parser, what is allowed is turned into expressions of Arrow,
and all else is refused with its place in the text. The types of the columns are known, so that what does not go
together is refused, too.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc

from tomoset import _core
from tomoset.exceptions import TomosetError, printable
from tomoset.expression_hints import hint_of_node, hint_of_text

__all__ = ["ExpressionError", "condition"]

#: Arrow walks expressions on the stack, and some twenty thousand comparisons are too many for it.
_MOST = 2_000

Kind: TypeAlias = Literal["number", "text", "truth", "vector", "null"]


class ExpressionError(TomosetError, ValueError):
    """A condition that is none.

    Attributes
    ----------
    text : str
        The condition.
    column : int
        Where in it, counted from 1.
    """

    def __init__(self, message: str, text: str, column: int) -> None:
        super().__init__(message, text, column)
        self.message = message
        self.text = text
        self.column = column

    def __str__(self) -> str:
        line = printable(self.text, 1000)
        mark = f"\n  {line}\n  {' ' * (self.column - 1)}^" if len(line) == len(self.text) > 0 else ""
        return f"character {self.column}: {self.message}{mark}"


def condition(text: str, schema: pa.Schema) -> pc.Expression:
    """Turn a condition into an expression for `StarBlock.filter`.

    There are labels, with or without the underscore, numbers, texts in quotes, ``True`` and ``False``;
    ``== != < <= > >=``, also in chains; ``in`` and ``not in`` lists, and texts (``'Extract' in rlnImageName``);
    ``is null`` and ``is not null``; ``+ - * / **`` and ``abs()`` for numbers; ``and or not`` and parentheses. A
    comparison with a missing value is not true.

    Parameters
    ----------
    text : str
        The condition.
    schema : pyarrow.Schema
        The columns that there are.

    Returns
    -------
    pyarrow.compute.Expression

    Raises
    ------
    ExpressionError
        Anything else, with its place.
    """
    text = text.strip().replace("\n", " ")
    try:
        tree = ast.parse(text, mode="eval")
    except SyntaxError as fault:
        hint = hint_of_text(text)
        if hint is not None:
            raise ExpressionError(hint[0], text, hint[1]) from None
        column = min(max(fault.offset or 1, 1), len(text) + 1)
        raise ExpressionError(fault.msg if text else "there is no condition", text, column) from None
    except (ValueError, MemoryError, RecursionError) as fault:
        raise ExpressionError(str(fault) or "too deep", text, 1) from None
    comparisons = sum(
        isinstance(node, ast.Compare | ast.BinOp | ast.Call | ast.Name) for node in ast.walk(tree)
    )
    if comparisons > _MOST:
        raise ExpressionError(
            f"more than {_MOST:,} labels and comparisons; a list after 'in' may be longer", text, 1
        )
    try:
        return _Translator(text, schema).truth(tree.body)
    except RecursionError:
        raise ExpressionError("too deep", text, 1) from None


@dataclass(frozen=True)
class _Term:
    """A part of a condition: an expression, or a plain value."""

    node: ast.expr
    kind: Kind
    expression: pc.Expression
    value: Any = None
    is_value: bool = False
    #: A column of whole numbers.
    is_whole: bool = False


_COMPARISONS: dict[type[ast.cmpop], Callable[[Any, Any], pc.Expression]] = {
    ast.Eq: lambda one, other: one == other,
    ast.NotEq: lambda one, other: one != other,
    ast.Lt: lambda one, other: one < other,
    ast.LtE: lambda one, other: one <= other,
    ast.Gt: lambda one, other: one > other,
    ast.GtE: lambda one, other: one >= other,
}
_ARITHMETIC: dict[type[ast.operator], Callable[[Any, Any], pc.Expression]] = {
    ast.Add: pc.add_checked,
    ast.Sub: pc.subtract_checked,
    ast.Mult: pc.multiply_checked,
    ast.Div: lambda one, other: pc.divide(one.cast(pa.float64()), other.cast(pa.float64())),
    ast.Pow: lambda one, other: pc.power(one.cast(pa.float64()), other.cast(pa.float64())),
}
_WORDS: dict[Kind, str] = {
    "number": "a number",
    "text": "a text",
    "truth": "true or false",
    "vector": "a vector",
    "null": "null",
}


class _Translator:
    """Translates the nodes of one condition."""

    def __init__(self, text: str, schema: pa.Schema) -> None:
        self._text = text
        self._schema = schema

    def truth(self, node: ast.expr) -> pc.Expression:
        """Translate what must be true or false."""
        match node:
            case ast.BoolOp(op=ast.And(), values=values):
                return _joined(operator.and_, [self.truth(value) for value in values])
            case ast.BoolOp(op=ast.Or(), values=values):
                return _joined(operator.or_, [self.truth(value) for value in values])
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                return ~self.truth(operand)
            case ast.Compare(left=left, ops=ops, comparators=rights):
                pairs = zip([left, *rights], ops, rights, strict=False)
                return _joined(operator.and_, [self._compared(*pair) for pair in pairs])
        term = self._term(node)
        if term.kind != "truth":
            raise self._fault(node, f"expected a condition, found {_WORDS[term.kind]}")
        return term.expression

    def _compared(self, left: ast.expr, op: ast.cmpop, right: ast.expr) -> pc.Expression:
        if isinstance(op, ast.In):
            return self._within(left, right)
        if isinstance(op, ast.NotIn):
            return ~self._within(left, right)
        one, other = self._term(left), self._term(right)
        if isinstance(op, ast.Is | ast.IsNot):
            if other.kind != "null":
                raise self._fault(right, "expected null after 'is'")
            null = one.expression.is_null()
            return ~null if isinstance(op, ast.IsNot) else null
        if "null" in (one.kind, other.kind):
            raise self._fault(right, "nothing equals null; write 'is null' or 'is not null'")
        kinds = {one.kind, other.kind}
        if "vector" in kinds or (len(kinds) > 1 and kinds != {"number", "truth"}):
            raise self._fault(right, f"{_WORDS[one.kind]} cannot be compared with {_WORDS[other.kind]}")
        if len(kinds) > 1:
            return _COMPARISONS[type(op)](_as_number(one), _as_number(other))
        return _COMPARISONS[type(op)](one.expression, other.expression)

    def _within(self, left: ast.expr, right: ast.expr) -> pc.Expression:
        """Translate ``x in (...)`` and ``'...' in text``."""
        one = self._term(left)
        if isinstance(right, ast.List | ast.Tuple | ast.Set):
            values = []
            for item in right.elts:
                term = self._term(item)
                if not term.is_value or term.kind != one.kind or term.kind not in ("number", "text"):
                    raise self._fault(item, f"expected {_WORDS[one.kind]} as a plain value")
                values.append(term.value)
            return _among(one, values)
        other = self._term(right)
        if other.kind != "text" or not (one.kind == "text" and one.is_value):
            raise self._fault(
                right, "expected a list such as (1, 2), or a text in quotes before 'in' and a column of text"
            )
        return pc.match_substring(other.expression, pattern=one.value)

    def _term(self, node: ast.expr) -> _Term:
        match node:
            case ast.Constant(value=bool() as value):
                return _Term(node, "truth", pc.scalar(value), value, is_value=True)
            case ast.Constant(value=int() | float() as value):
                return self._number(node, value)
            case ast.Constant(value=str() as value):
                return _Term(
                    node, "text", pc.scalar(pa.scalar(value, pa.large_string())), value, is_value=True
                )
            case ast.Constant(value=None):
                return _Term(node, "null", pc.scalar(None))
            case ast.UnaryOp(op=ast.USub() | ast.UAdd() as sign, operand=operand):
                term = self._numeric(operand)
                if isinstance(sign, ast.UAdd):
                    return term
                if term.is_value:
                    return self._number(node, -term.value)
                return _Term(node, "number", pc.negate_checked(term.expression))
            case ast.BinOp(left=left, op=op, right=right) if type(op) in _ARITHMETIC:
                one, other = self._numeric(left), self._numeric(right)
                return _Term(node, "number", _ARITHMETIC[type(op)](one.expression, other.expression))
            case ast.Call(func=ast.Name(id="abs"), args=[argument], keywords=[]):
                return _Term(node, "number", pc.abs_checked(self._numeric(argument).expression))
            case ast.Name() | ast.Attribute():
                return self._column(node)
            case ast.BoolOp() | ast.Compare() | ast.UnaryOp(op=ast.Not()):
                return _Term(node, "truth", self.truth(node))
        raise self._fault(node, f"{_named(node)} is not allowed here{hint_of_node(node)}")

    def _number(self, node: ast.expr, value: float) -> _Term:
        if isinstance(value, int) and not -(2**63) <= value < 2**63:
            raise self._fault(node, "a whole number of more than 64 bits")
        return _Term(node, "number", pc.scalar(value), value, is_value=True)

    def _numeric(self, node: ast.expr) -> _Term:
        term = self._term(node)
        if term.kind != "number":
            raise self._fault(node, f"expected a number, found {_WORDS[term.kind]}")
        return term

    def _column(self, node: ast.expr) -> _Term:
        """Translate a label; labels of CIF have points."""
        name = ast.unparse(node)
        known = self._schema.names
        label = name if name in known else name.removeprefix("_")
        if label not in known:
            if name.lower() == "null":
                return _Term(node, "null", pc.scalar(None))
            if name.lower() in ("true", "false"):
                value = name.lower() == "true"
                return _Term(node, "truth", pc.scalar(value), value, is_value=True)
            hint = _core.hint(name, "_", known) or f"; text needs quotes: '{printable(name)}'"
            raise self._fault(node, f"there is no column {printable(name)!r}{hint}")
        dtype = self._schema.field(label).type
        return _Term(node, _kind(dtype), pc.field(label), is_whole=pa.types.is_integer(dtype))

    def _fault(self, node: ast.expr, message: str) -> ExpressionError:
        # The parser counts bytes.
        line = self._text.splitlines()[node.lineno - 1] if self._text else ""
        column = len(line.encode()[: node.col_offset].decode(errors="replace"))
        return ExpressionError(message, self._text, column + 1)


def _joined(join: Callable[[Any, Any], Any], terms: Sequence[pc.Expression]) -> pc.Expression:
    """Join terms as a tree that is no deeper than it has to be: Arrow walks it on the stack."""
    while len(terms) > 1:
        pairs = [terms[at : at + 2] for at in range(0, len(terms), 2)]
        terms = [join(*pair) if len(pair) > 1 else pair[0] for pair in pairs]
    return terms[0]


def _among(term: _Term, values: Sequence[Any]) -> pc.Expression:
    """Tell whether a term is one of some values; of null nobody knows."""
    if not values:
        return pc.scalar(False)
    if term.kind == "text":
        found = pc.is_in(term.expression, value_set=pa.array(values, pa.large_string()))
    else:
        whole = term.is_whole and all(isinstance(value, int) for value in values)
        kind = pa.int64() if whole else pa.float64()
        numbers = pa.array([int(value) if whole else float(value) for value in values], kind)
        found = pc.is_in(term.expression.cast(kind), value_set=numbers)
    return pc.if_else(term.expression.is_valid(), found, pc.scalar(pa.scalar(None, pa.bool_())))


def _as_number(term: _Term) -> pc.Expression:
    return term.expression.cast(pa.int64()) if term.kind == "truth" else term.expression


def _kind(dtype: pa.DataType) -> Kind:
    if pa.types.is_boolean(dtype):
        return "truth"
    if pa.types.is_integer(dtype) or pa.types.is_floating(dtype):
        return "number"
    if pa.types.is_list(dtype) or pa.types.is_large_list(dtype):
        return "vector"
    return "text"


def _named(node: ast.expr) -> str:
    """Tell what somebody wrote, in few words."""
    words = {ast.Call: "a call", ast.Lambda: "lambda", ast.Subscript: "[...]", ast.IfExp: "if ... else"}
    if isinstance(node, ast.BinOp | ast.UnaryOp):
        return "this operator"
    return words.get(type(node), type(node).__name__)
