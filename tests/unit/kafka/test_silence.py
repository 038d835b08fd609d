"""Brokers that go silent while a topic is read end the reading with a sentence: which log, how long, and why."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Any

import pytest
from confluent_kafka import KafkaError

from bridge.kafka import client
from bridge.kafka.admin import sampler
from bridge.kafka.admin.sampler import UnreadableTopicError
from bridge.kafka.client_log import ClientLog
from bridge.kafka.letters import letter_log
from bridge.kafka.letters.letter_log import LetterLog, LetterLogError
from bridge.model import TopicPartition
from tests.support.kafka import contexts

P = TopicPartition("orders", 3)
LOGGER = logging.getLogger("tests.kafka")
DOWN = KafkaError(KafkaError._ALL_BROKERS_DOWN, "2/2 brokers are down")


class Silent:
    """A consumer that hears nothing but perhaps an error of its client, and says how time passes meanwhile."""

    def __init__(self, log: ClientLog, error: KafkaError | None) -> None:
        self.is_closed = False
        if error is not None:
            log.error(error)

    def assign(self, _partitions: object) -> None: ...

    def consume(self, _most: int, _timeout: float) -> list[Any]:
        return []

    def position(self, partitions: list[Any]) -> list[Any]:
        return partitions

    def close(self) -> None:
        self.is_closed = True


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 1.0
        return self.now


@pytest.mark.parametrize(("error", "cause"), [(None, "."), (DOWN, ": 2/2 brokers are down.")])
@pytest.mark.parametrize("what", ["a sample", "letters"])
def test_a_log_that_nothing_comes_of_is_named_with_what_the_client_said_last(
    monkeypatch: pytest.MonkeyPatch, error: KafkaError | None, cause: str, what: str
) -> None:
    opened: list[Silent] = []

    def open_consumer(_configuration: object, log: ClientLog, **_: object) -> Silent:
        opened.append(Silent(log, error))
        return opened[-1]

    monkeypatch.setattr(client, "open_consumer", open_consumer)
    monkeypatch.setattr(client, "open_admin", lambda *_: None)
    kafka = contexts.kafka()
    monkeypatch.setattr(letter_log, "SILENCE", 20.0)
    reading: Iterable[object] = (
        LetterLog(kafka, "letters", LOGGER).read({P: range(5)}, clock=Clock())
        if what == "letters"
        else sampler.read(kafka, {P: range(5)}, LOGGER, Clock(), silence=20.0)
    )
    with pytest.raises((LetterLogError, UnreadableTopicError)) as silent:
        list(reading)
    assert str(silent.value) == f"No record of {P} came within 20 s{cause}"
    assert [each.is_closed for each in opened] == [True]


def test_where_nothing_is_wanted_no_broker_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(client, "open_consumer")
    assert list(sampler.read(contexts.kafka(), {}, LOGGER)) == []
