"""What the report asks a catalogue: SQL beside this file, with places for what is chosen."""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    import pyarrow as pa

    Ask = Callable[[str], pa.Table]
    """Answers one query."""


def rows(
    ask: Ask,
    name: str,
    *,
    chosen: Iterable[tuple[str, str]] = (),
    paths: int = 0,
    today: datetime | None = None,
) -> list[dict[str, Any]]:
    """Ask a question and return its rows.

    Parameters
    ----------
    ask
        Answers it.
    name
        Which question: ``queries/NAME.sql``.
    chosen
        Of which projects, by root and folder, where it is about some.
    paths
        How many paths of each kind it is to return, where it returns some.
    today
        When the archive was looked at last, where it is about what has happened since.
    """
    answer: list[dict[str, Any]] = table(ask, name, chosen=chosen, paths=paths, today=today).to_pylist()
    return answer


def table(
    ask: Ask,
    name: str,
    *,
    chosen: Iterable[tuple[str, str]] = (),
    paths: int = 0,
    today: datetime | None = None,
) -> pa.Table:
    """Ask a question as `rows` does and return its answer as it is."""
    values = ", ".join(f"({_text(root)}, {_text(unit)})" for root, unit in chosen)
    sql = _template(name).replace("$paths", str(int(paths)))
    sql = sql.replace("$today", "NULL" if today is None else _text(today.isoformat()))
    # The names of projects come last: nothing in them is a place to be filled.
    return ask(sql.replace("$chosen", values))


@cache
def _template(name: str) -> str:
    """Return the SQL of a question with the questions within it."""
    sql = (resources.files("tomoset.report") / "queries" / f"{name}.sql").read_text("utf-8")
    for inner in ("changes", "problems", "since"):
        if f"(${inner})" in sql:
            sql = sql.replace(f"(${inner})", f"({_template(f'_{inner}')})")
    return sql


def _text(value: str) -> str:
    doubled = value.replace("'", "''")
    return f"'{doubled}'"
