"""The option ``--version``: which tomoset this is, how it was built, and what it works with."""

import platform
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version

import click

#: Packages of the extras, by the names people know them by.
_OPTIONAL = ("pandas", "polars", "deltalake", "duckdb", "dask", "dask-jobqueue", "fsspec", "matplotlib")
_WIDTH = 9


def show_version(context: click.Context, _: click.Parameter, asked: bool) -> None:
    """Print the version and the facts below it, and end."""
    if asked and not context.resilient_parsing:
        click.echo("\n".join(_lines()))
        context.exit()


def _lines() -> Iterator[str]:
    from tomoset import _core

    facts = dict(_core.build_facts())
    yield f"tomoset {_core.__version__}"
    if "commit" in facts:
        yield _fact("commit", facts["commit"])
    yield _fact("built", f"{facts['profile']}, {facts['target']}, {facts['rustc']}")
    yield _fact("loops", facts["loops"])
    yield _fact("Python", f"{platform.python_version()} ({platform.python_implementation()}, {_system()})")
    for name, package in (("pyarrow", "pyarrow"), ("NumPy", "numpy"), ("click", "click")):
        yield _fact(name, _found(package) or "missing")
    found = [(package, _found(package)) for package in _OPTIONAL]
    rows = [f"{package} {number}" for package, number in found if number]
    for at in range(0, len(rows), 4):
        yield _fact("" if at else "extras", ", ".join(rows[at : at + 4]))
    missing = ", ".join(package for package, number in found if not number)
    if missing:
        yield _fact("missing" if rows else "extras", missing if rows else "none installed")


def _fact(name: str, what: str) -> str:
    return f"  {name:<{_WIDTH}}{what}"


def _system() -> str:
    return f"{platform.system()} {platform.machine()}"


def _found(package: str) -> str | None:
    """Give the version of a package, without importing it."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None
