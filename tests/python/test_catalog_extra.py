"""The packages of the extra ``index``: missing, too old, or not needed."""

import sys
from importlib import import_module
from types import ModuleType

import pytest
from tomoset.catalog.faults import index_extra


def test_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "duckdb", None)
    with (
        pytest.raises(ImportError, match=r"needs the package 'duckdb': pip install .*'tomoset\[index\]'"),
        index_extra(),
    ):
        import duckdb  # noqa: F401


def test_too_old(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "deltalake", ModuleType("deltalake"))
    with pytest.raises(ImportError, match="needs a newer version of the package 'deltalake'"), index_extra():
        from deltalake import DeltaTable  # noqa: F401


def test_other_packages_are_not_blamed() -> None:
    with pytest.raises(ModuleNotFoundError, match="no_such_package"), index_extra():
        import_module("no_such_package")
