"""The installed program as a process of its own, against an embedded Kafka and an emulated Track API."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from confluent_kafka import Producer

from bridge.sandbox.broker import EmbeddedKafka
from bridge.sandbox.emulator import DEFAULT_KEY, Emulator
from tests.support.prepared.client import completed

TOPIC, LETTERS = "shop.orders", "cli.dlq"
CONFIG = """\
kafka:
  bootstrap_servers: {bootstrap}
  group_id: cli
  topics: [shop.orders]
  start_from: earliest
  properties: {properties}
track:
  endpoint: {endpoint}
  api_key_file: {key_file}
  timeout: 3s
dead_letter:
  topic: cli.dlq
observability:
  listen: 127.0.0.1:0
mapping:
  events:
    order.completed:
      - event_name: Order Completed
        metadata: {{amount: data.amount}}
      - event_name: Gift Ordered
        when: data.gift == `true`
        user_id: data.recipient
"""


@dataclass(frozen=True)
class Ran:
    code: int
    out: str
    err: str


Cli = Callable[..., Awaitable[Ran]]


async def run(*arguments: str, stdin: bytes = b"", environ: Mapping[str, str] | None = None) -> Ran:
    ended = await completed(*arguments, stdin=stdin, environ=environ)
    ran = Ran(ended.code, ended.out.decode(), ended.err.decode())
    assert "Traceback" not in ran.err
    assert DEFAULT_KEY not in ran.out + ran.err
    return ran


@pytest.fixture
def cli() -> Cli:
    """``await cli("check", "-c", path)``; fails for a traceback, and for an API key in what is printed."""
    return run


@pytest.fixture
async def api() -> AsyncIterator[Emulator]:
    async with Emulator() as emulator:
        yield emulator


@pytest.fixture
def kafka() -> Iterator[EmbeddedKafka]:
    with EmbeddedKafka({TOPIC: 3, LETTERS: 3, f"{LETTERS}.resolutions": 3}) as cluster:
        yield cluster


@pytest.fixture
def produce(kafka: EmbeddedKafka) -> Callable[..., None]:
    """``produce(partition, value, …)``"""

    def produce(partition: int, *values: bytes | None) -> None:
        producer = Producer({"bootstrap.servers": kafka.bootstrap, "log_level": 0})
        for value in values:
            producer.produce(TOPIC, value=value, key=b"k", partition=partition)
        assert producer.flush(10) == 0

    return produce


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    path = tmp_path / "key"
    path.write_text(f"{DEFAULT_KEY}\n")
    return path


@pytest.fixture
def config(tmp_path: Path, key_file: Path, api: Emulator, kafka: EmbeddedKafka) -> Callable[..., str]:
    """``config(bootstrap=…, endpoint=…, properties=…)`` writes the configuration and returns its path."""

    def write(old: str = "", new: str = "", **changes: str) -> str:
        known = {"bootstrap": kafka.bootstrap, "endpoint": api.endpoint, "properties": "{}", "key_file": str(key_file)}
        text = CONFIG.format(**known | changes)
        assert old in text
        path = tmp_path / "bridge.yaml"
        path.write_text(text.replace(old, new) if old else text)
        return str(path)

    return write
