from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from confluent_kafka import Consumer
from confluent_kafka import TopicPartition as ClientPartition

from bridge.kafka.letters.resolution_writer import ResolutionWriter
from tests.support.kafka.completing import PATIENCE
from tests.support.kafka.letters import config

if TYPE_CHECKING:
    from tests.component.kafka.conftest import Embedded

PRODUCE = 0
NOT_LEADER = 6
INIT_PRODUCER_ID = 22
CLUSTER_AUTHORIZATION_FAILED = 31


def resolutions_of_which_the_first_is_refused_once(
    embedded: Embedded, **properties: str
) -> tuple[str, list[str | None]]:
    """The topic, and what was said of six resolutions, each in a request of its own."""
    letters = embedded.name("letters")
    topic = f"{letters}.resolutions"
    embedded.cluster.create_topic(topic, 1)
    separate = {"linger.ms": "0", "batch.num.messages": "1", **properties}
    writer = ResolutionWriter(config(embedded.bootstrap, letters, **separate), logging.getLogger("tests.resolutions"))
    said: list[str | None] = []
    embedded.cluster.fail(PRODUCE, NOT_LEADER)
    embedded.cluster.delay(0.05)
    try:
        for number in range(6):
            writer.write(0, b"%d" % number, b"value", said.append)
        assert writer.flush(PATIENCE)
    finally:
        embedded.cluster.delay(0)
    return topic, said


def keys(embedded: Embedded, topic: str, count: int) -> list[object]:
    consumer = Consumer({"bootstrap.servers": embedded.bootstrap, "group.id": "reader", "log_level": 0})
    consumer.assign([ClientPartition(topic, 0, 0)])
    messages = consumer.consume(count, PATIENCE)
    consumer.close()
    return [message.key() for message in messages]


def test_a_resolution_the_leader_refused_is_not_taken_for_written_because_the_next_one_was(embedded: Embedded) -> None:
    topic, said = resolutions_of_which_the_first_is_refused_once(embedded)
    assert said == [None] * 6
    assert keys(embedded, topic, 6) == [b"%d" % number for number in range(6)]


def test_an_acknowledgement_without_an_offset_is_not_taken_for_a_written_resolution(embedded: Embedded) -> None:
    """With several requests on the wire the client infers it from a later one. No configuration allows that."""
    topic, said = resolutions_of_which_the_first_is_refused_once(embedded, **{"max.in.flight": "5"})
    why = f"topic {topic}: it was acknowledged without an offset, so that nothing shows that any broker has it"
    assert said == [why, *[None] * 5]
    assert keys(embedded, topic, 5) == [b"%d" % number for number in range(1, 6)]


def test_a_fatal_error_ends_the_producer_and_not_the_resolution(embedded: Embedded) -> None:
    letters = embedded.name("letters")
    topic = f"{letters}.resolutions"
    embedded.cluster.create_topic(topic, 1)
    embedded.cluster.fail(INIT_PRODUCER_ID, CLUSTER_AUTHORIZATION_FAILED)
    writer = ResolutionWriter(config(embedded.bootstrap, letters), logging.getLogger("tests.resolutions"))
    said: list[str | None] = []
    for number in range(3):
        writer.write(0, b"%d" % number, b"value", said.append)
    assert writer.flush(PATIENCE)
    assert said == [None] * 3
    assert keys(embedded, topic, 3) == [b"0", b"1", b"2"]
