from __future__ import annotations

import logging
import time
from collections import deque
from typing import TYPE_CHECKING, cast

from confluent_kafka import Consumer
from confluent_kafka import TopicPartition as ClientPartition

from bridge.kafka.letters.resolution_writer import ResolutionWriter
from tests.support.kafka.completing import PATIENCE
from tests.support.kafka.letters import config

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from tests.component.kafka.conftest import Embedded

PRODUCE = 0
NOT_LEADER = 6
INIT_PRODUCER_ID = 22
CLUSTER_AUTHORIZATION_FAILED = 31


class CountingLoop:
    """Calls what it was asked to call one after the other, and keeps how much was asked for at a time."""

    def __init__(self) -> None:
        self.asked: deque[tuple[float, Callable[[], None]]] = deque()
        self.most = 0

    def call_soon(self, step: Callable[[], None]) -> None:
        self.call_later(0, step)

    def call_later(self, seconds: float, step: Callable[[], None]) -> None:
        self.asked.append((seconds, step))
        self.most = max(self.most, len(self.asked))

    def run(self) -> None:
        until = time.monotonic() + PATIENCE
        while self.asked:
            assert time.monotonic() < until, f"asked for again and again: {self.asked}"
            seconds, step = self.asked.popleft()
            time.sleep(seconds)
            step()


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


def test_what_writes_more_when_it_was_written_leaves_one_look_for_acknowledgements_at_a_time(
    embedded: Embedded,
) -> None:
    letters = embedded.name("letters")
    embedded.cluster.create_topic(f"{letters}.resolutions", 1)
    loop, said = CountingLoop(), list[str | None]()
    logger = logging.getLogger("tests.resolutions")
    writer = ResolutionWriter(
        config(embedded.bootstrap, letters), logger, cast("asyncio.AbstractEventLoop", cast("object", loop))
    )

    def done(problem: str | None) -> None:
        said.append(problem)
        if len(said) < 8:
            writer.write(0, b"%d" % len(said), b"value", done)

    writer.write(0, b"0", b"value", done)
    loop.run()
    assert said == [None] * 8
    assert loop.most == 1
