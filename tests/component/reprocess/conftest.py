"""A broker with dead letters in it, an API, and the command line between them."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bridge.sandbox.broker import EmbeddedKafka
from bridge.sandbox.emulator import Emulator
from tests.support.prepared.client import completed
from tests.support.reprocess.letters import Written, produce
from tests.support.service import settings
from tests.support.service.settings import API_KEY, LETTERS

PARTITIONS = 4


@dataclass(frozen=True)
class Ran:
    """A command that ended."""

    code: int
    out: str
    err: str

    @property
    def documents(self) -> list[dict[str, Any]]:
        """Its output, where it was asked for JSON."""
        return [json.loads(line) for line in self.out.splitlines()]


Dlq = Callable[..., Awaitable[Ran]]


@pytest.fixture
def kafka() -> Iterator[EmbeddedKafka]:
    topics = {"orders": PARTITIONS, LETTERS: PARTITIONS, f"{LETTERS}.resolutions": PARTITIONS}
    with EmbeddedKafka(topics, rebalance_delay=0.0) as embedded:
        yield embedded


@pytest.fixture
async def api() -> AsyncIterator[Emulator]:
    async with Emulator(keys=[API_KEY]) as emulator:
        yield emulator


@pytest.fixture
def configure(tmp_path: Path, kafka: EmbeddedKafka, api: Emulator) -> Callable[..., Path]:
    """Writes the configuration: the base, and the sections given here over it."""

    def write(**sections: Any) -> Path:
        base = settings.layered(
            settings.base(kafka.bootstrap, api.endpoint, ["orders"]), {"delivery": settings.UNLIMITED}
        )
        return settings.write(tmp_path / "bridge.yaml", settings.layered(base, sections))

    return write


@pytest.fixture
def put(kafka: EmbeddedKafka) -> Callable[..., None]:
    """Writes letters into the dead-letter topic."""

    def write(*letters: Written) -> None:
        produce(kafka.bootstrap, LETTERS, letters)

    return write


@pytest.fixture
def dlq(configure: Callable[..., Path]) -> Dlq:
    """``await dlq("list", "--json")`` runs ``track-bridge dlq`` as a process of its own; ``mapping=…`` is a section."""

    async def run(*arguments: str, stdin: bytes = b"", **sections: Any) -> Ran:
        file = configure(**sections)
        ended = await completed(*("dlq", *arguments, "-c", str(file)), stdin=stdin, environ={"BRIDGE_TRACEBACK": "1"})
        ran = Ran(ended.code, ended.out.decode(), ended.err.decode())
        assert "Traceback" not in ran.err, ran.err
        assert API_KEY not in ran.out + ran.err
        return ran

    return run
