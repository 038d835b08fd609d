"""An emulated API that nobody told to misbehave."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from bridge.sandbox.emulator import Emulator


@pytest.fixture
async def emulator() -> AsyncIterator[Emulator]:
    async with Emulator() as made:
        yield made
