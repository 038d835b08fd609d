"""Every pipeline test starts with one process that owns nothing yet."""

from __future__ import annotations

import pytest

from tests.unit.pipeline.world import World


@pytest.fixture
def world() -> World:
    return World()
