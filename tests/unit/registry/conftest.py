from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.registry.server import FakeRegistry


@pytest.fixture
def registry() -> Iterator[FakeRegistry]:
    with FakeRegistry() as running:
        yield running
