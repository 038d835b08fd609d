"""What cannot be written of a dead letter's fate is told as one sentence."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from confluent_kafka import KafkaError

from bridge.config import load
from bridge.config.sections import Config
from bridge.kafka import client
from bridge.kafka.letters import resolution_writer
from bridge.kafka.letters.resolution_writer import write_all

RECORDS = [(0, b"one", b"1"), (1, b"two", None)]


class Producer:
    """Answers each record by `error`, or never."""

    def __init__(self, error: KafkaError | None, *, answers: bool = True) -> None:
        self.error, self.answers = error, answers
        self.made: list[tuple[int, bytes, bytes | None]] = []
        self._waiting: list[Callable[..., None]] = []

    def produce(
        self,
        _topic: str,
        *,
        value: bytes | None,
        key: bytes,
        partition: int,
        on_delivery: Callable[..., None],
        **_: Any,
    ) -> None:
        self.made.append((partition, key, value))
        self._waiting.append(on_delivery)

    def poll(self, _timeout: float) -> None:
        waiting, self._waiting = self._waiting, []
        for each in waiting:
            if self.answers:
                each(self.error, SimpleNamespace(offset=lambda: 7))
            else:
                self._waiting.append(each)


@pytest.fixture
def config(tmp_path: Path) -> Config:
    file = tmp_path / "bridge.yaml"
    file.write_text(
        "kafka: {bootstrap_servers: localhost, group_id: g, topics: [orders]}\n"
        "track: {endpoint: http://127.0.0.1:1, api_key: k}\n"
        "dead_letter: {topic: letters}\n"
        "mapping: {user_id: data.user, events: {order.completed: {event_name: Order Completed}}}\n"
    )
    loaded = load.read(file, {})
    assert loaded.config is not None, loaded.problems
    return loaded.config


def written(config: Config, producer: Producer, monkeypatch: pytest.MonkeyPatch) -> str | None:
    monkeypatch.setattr(client, "open_producer", lambda *_: producer)
    return write_all(config, logging.getLogger("tests.producer"), RECORDS)


def test_each_goes_to_the_partition_of_its_letter_and_nothing_is_said(
    config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    producer = Producer(None)
    assert written(config, producer, monkeypatch) is None
    assert producer.made == RECORDS


def test_a_resolution_that_is_too_large_cannot_be_made_shorter_and_is_told(
    config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    problem = written(config, Producer(KafkaError(KafkaError.MSG_SIZE_TOO_LARGE)), monkeypatch)
    assert problem is not None
    assert problem.startswith("topic letters.resolutions: ")


def test_where_no_acknowledgement_comes_it_is_said_how_many_are_missing(
    config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resolution_writer, "_LIMIT", 0.05)
    problem = written(config, Producer(None, answers=False), monkeypatch)
    assert problem is not None
    assert problem.startswith("no acknowledgement of 2 of them within ")
