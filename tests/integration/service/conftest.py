"""Real replicas on a real Kafka, and a place for the numbers that they bring to light."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Protocol

import pytest

from tests.conftest import MEASURED
from tests.support.kafka.client import Kafka
from tests.support.service.scene import Scene

Measured = Callable[[str], None]
"""Keeps a sentence with a number for the end of the run."""


@pytest.fixture
def measured(request: pytest.FixtureRequest) -> Measured:
    return lambda sentence: request.node.user_properties.append((MEASURED, sentence))


class Stage(Protocol):
    """Makes a scene on a Kafka; its replicas end with the test."""

    async def __call__(self, kafka: Kafka, /, *, partitions: int = 12, **sections: Any) -> Scene: ...


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    async with AsyncExitStack() as stack:

        async def made(kafka: Kafka, /, *, partitions: int = 12, **sections: Any) -> Scene:
            return await stack.enter_async_context(Scene(kafka, tmp_path, partitions=partitions, **sections))

        yield made
