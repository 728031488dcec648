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

# Slow machines and cold caches are no failures.
settings.register_profile(
    "default", deadline=None, derandomize=True, print_blob=False, suppress_health_check=[HealthCheck.too_slow]
)
# HYPOTHESIS_PROFILE=search: new examples each time.
settings.register_profile(
    "search", deadline=None, max_examples=2_000, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))


@pytest.fixture
def no_hang() -> Iterator[None]:
    """End the process, with a traceback, when a test takes five minutes: native code cannot be interrupted."""
    faulthandler.dump_traceback_later(300, exit=True, file=sys.__stderr__ or 2)
    yield
    faulthandler.cancel_dump_traceback_later()
