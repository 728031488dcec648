"""What all tests share: deterministic hypothesis profiles, and an end to any test that hangs."""

from __future__ import annotations

import faulthandler
import os
import sys
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tomoset import Catalog

# Slow machines and cold caches are no failures.
settings.register_profile(
    "default", deadline=None, derandomize=True, print_blob=False, suppress_health_check=[HealthCheck.too_slow]
)
# HYPOTHESIS_PROFILE=search: new examples each time.
settings.register_profile(
    "search", deadline=None, max_examples=2_000, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))


# What is printed is to be as wide as each test says.
os.environ.pop("COLUMNS", None)


@pytest.fixture
def no_hang() -> Iterator[None]:
    """End the process, with a traceback, when a test takes five minutes: native code cannot be interrupted."""
    faulthandler.dump_traceback_later(300, exit=True, file=sys.__stderr__ or 2)
    yield
    faulthandler.cancel_dump_traceback_later()


@pytest.fixture
def catalog(tmp_path: Path) -> Iterator[Catalog]:
    """An empty catalogue."""
    from tomoset import Catalog

    with Catalog.create(tmp_path / "catalog") as catalog:
        yield catalog


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """Two projects, one within the other's folder's folder, and loose files."""
    from catalog_samples import make_project, tilt_series, write

    root = tmp_path / "archive"
    make_project(root / "2026/p1")
    make_project(root / "2026/p1/inner", ("TS_07",))
    make_project(root / "2026/p2", ("TS_01", "TS_03"))
    write(root / "loose.star", tilt_series("TS_99"))
    write(root / "2026/notes/more.star.gz", tilt_series("TS_98"))
    return root
