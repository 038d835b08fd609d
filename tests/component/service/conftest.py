"""A broker, an API and a way to start services between them, for every test of this folder."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Protocol

import pytest

from bridge.sandbox.broker import EmbeddedKafka
from bridge.sandbox.emulator import Emulator
from tests.support.prepared.replica import PreparedReplica
from tests.support.service import settings
from tests.support.service.embedded import PARTITIONS, Broker
from tests.support.service.in_process import Service
from tests.support.service.replica import Replica
from tests.support.service.settings import API_KEY, LETTERS


class Configure(Protocol):
    """Writes a configuration: the base, and the sections given here over it."""

    def __call__(self, *, topics: Sequence[str] = ("orders",), **sections: Any) -> Path: ...


class Start(Protocol):
    """Starts a service with such a configuration; it ends with the test at the latest."""

    async def __call__(self, *, topics: Sequence[str] = ("orders",), **sections: Any) -> Service: ...


class StartProcess(Protocol):
    """Starts `track-bridge run` with such a configuration in a process of its own."""

    async def __call__(self, **sections: Any) -> Replica: ...


@pytest.fixture
def broker() -> Iterator[Broker]:
    topics = {"orders": PARTITIONS, "other": PARTITIONS, LETTERS: PARTITIONS}
    with EmbeddedKafka(topics, rebalance_delay=0.0, member_timeout=2.0) as embedded:
        yield Broker(embedded)


@pytest.fixture
async def api() -> AsyncIterator[Emulator]:
    async with Emulator(keys=[API_KEY]) as emulator:
        yield emulator


@pytest.fixture
def configure(tmp_path: Path, broker: Broker, api: Emulator) -> Configure:
    def write(*, topics: Sequence[str] = ("orders",), **sections: Any) -> Path:
        lower = settings.layered(
            settings.base(broker.bootstrap, api.endpoint, topics), {"delivery": settings.UNLIMITED}
        )
        return settings.write(tmp_path / "bridge.yaml", settings.layered(lower, sections))

    return write


@pytest.fixture
def kind_of_replica() -> type[Replica]:
    """Where tests measure a process, they say that it shall have an interpreter of its own."""
    return PreparedReplica


@pytest.fixture
async def replica(configure: Configure, kind_of_replica: type[Replica], tmp_path: Path) -> AsyncIterator[StartProcess]:
    async with AsyncExitStack() as stack:

        async def started(**sections: Any) -> Replica:
            return await stack.enter_async_context(kind_of_replica(configure(**sections), tmp_path / "replica.log"))

        yield started


@pytest.fixture
async def start(configure: Configure) -> AsyncIterator[Start]:
    async with AsyncExitStack() as stack:

        async def started(*, topics: Sequence[str] = ("orders",), **sections: Any) -> Service:
            return await stack.enter_async_context(Service(configure(topics=topics, **sections)))

        yield started
