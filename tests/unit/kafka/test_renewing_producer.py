from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any, cast

import pytest
from confluent_kafka import KafkaError, KafkaException, Producer
from hypothesis import given
from hypothesis import strategies as st

from bridge.kafka.client_log import ClientLog
from bridge.kafka.letters import renewing_producer
from bridge.kafka.letters.renewing_producer import RecordForm, RenewingProducer, Unwritten

TOPIC = "letters"
FATAL = -150
ENDS = "ends"
SILENT = "silent"
WRITTEN = "written"
TOO_LARGE = "too large"
REFUSED = "refused"
NO_ROOM = "no room"
ERRORS = {TOO_LARGE: 10, REFUSED: 29}
PURGED = -152


class Report:
    def offset(self) -> int:
        return 7


class Broker:
    """Answers each record that any producer hands over by the next word of a script, and then by "written"."""

    def __init__(self, script: Iterable[str] = ()) -> None:
        self.script = deque(script)
        self.opened = 0
        self.partitions = 1
        self.tried: list[tuple[int, bytes]] = []
        """By producer, in order."""

    def open(self, log: ClientLog) -> Producer:
        self.opened += 1
        return cast("Producer", ScriptedProducer(self, log))


class DescribedTopics:
    """One topic without an error."""

    error = None

    def __init__(self, topic: str, partitions: int) -> None:
        self.topics = {topic: self}
        self.partitions = dict.fromkeys(range(partitions))


class ScriptedProducer:
    """What `RenewingProducer` uses of one."""

    def __init__(self, broker: Broker, log: ClientLog) -> None:
        self.broker = broker
        self.log = log
        self.number = broker.opened
        self.under_way: list[tuple[bytes, Callable[..., None], str]] = []
        self.has_ended = False

    def list_topics(self, topic: str, *, timeout: float) -> DescribedTopics:
        assert timeout
        return DescribedTopics(topic, self.broker.partitions)

    def produce(self, topic: str, *, key: bytes, on_delivery: Callable[..., None], **_rest: Any) -> None:
        assert topic == TOPIC
        answer = self.broker.script.popleft() if self.broker.script else WRITTEN
        if answer == NO_ROOM:
            raise BufferError
        if self.has_ended:
            raise KafkaException(KafkaError(FATAL, fatal=True))
        self.broker.tried.append((self.number, key))
        self.under_way.append((key, on_delivery, answer))

    def poll(self, _timeout: float) -> None:
        reports, self.under_way = self.under_way, []
        for key, on_delivery, answer in reports:
            if self.has_ended or answer == ENDS:
                if not self.has_ended:
                    self.has_ended = True
                    self.log.error(KafkaError(31))
                on_delivery(KafkaError(FATAL, fatal=True), Report())
            elif answer == SILENT:
                self.under_way.append((key, on_delivery, answer))
            elif answer == WRITTEN:
                on_delivery(None, Report())
            else:
                on_delivery(KafkaError(ERRORS[answer]), Report())

    def purge(self) -> None:
        reports = [each for each in self.under_way if each[2] != SILENT]
        self.under_way = [each for each in self.under_way if each[2] == SILENT]
        for _, on_delivery, _ in reports:
            on_delivery(KafkaError(PURGED), Report())


class Sent:
    """A record that can be made shorter `sizes` times."""

    def __init__(self, number: int, sizes: int = 0) -> None:
        self.key = b"%d" % number
        self.left = sizes
        self.outcomes: list[Unwritten | None] = []

    def partition(self, _count: Callable[[], int]) -> int:
        return 0

    def form(self) -> RecordForm:
        return RecordForm(self.key, None, [])

    def shorten(self) -> bool:
        self.left -= 1
        return self.left >= 0

    def done(self, unwritten: Unwritten | None) -> None:
        self.outcomes.append(unwritten)


class Spread(Sent):
    """Goes to a partition that depends on how many there are."""

    def partition(self, count: Callable[[], int]) -> int:
        return 7 % count()


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(renewing_producer, "_RENEWAL_PAUSE", 0.0)
    monkeypatch.setattr(renewing_producer, "_EMPTYING", 0.05)


def written(broker: Broker, records: Iterable[Sent]) -> None:
    producer = RenewingProducer(TOPIC, broker.open, logging.getLogger("tests.producer"))
    for each in records:
        producer.write(each)
    assert producer.flush(10)


def test_what_a_producer_had_when_it_ended_is_written_by_the_next_one_in_its_old_order() -> None:
    broker, records = Broker([WRITTEN, ENDS]), [Sent(number) for number in range(5)]
    written(broker, records)
    assert [each.outcomes for each in records] == [[None]] * 5
    assert broker.opened == 2
    assert [key for number, key in broker.tried if number == 2] == [b"1", b"2", b"3", b"4"]


def test_a_record_under_which_producers_keep_ending_is_given_up_with_what_the_client_told() -> None:
    broker, record = Broker([ENDS] * 10), Sent(0)
    written(broker, [record])
    [unwritten] = record.outcomes
    assert unwritten is not None
    assert unwritten.why.startswith("this user may not write idempotently")
    assert [number for number, _ in broker.tried] == [1, 2, 3, 4]


def test_a_record_that_an_ended_producer_never_reports_is_written_by_the_next_one() -> None:
    broker, records = Broker([SILENT, ENDS]), [Sent(0), Sent(1)]
    written(broker, records)
    assert [each.outcomes for each in records] == [[None], [None]]
    assert [key for number, key in broker.tried if number == 2] == [b"0", b"1"]


def test_of_a_batch_that_was_too_large_each_is_tried_by_itself_before_anything_behind_it() -> None:
    broker, records = Broker([TOO_LARGE, TOO_LARGE, TOO_LARGE, TOO_LARGE]), [Sent(0, sizes=1), Sent(1), Sent(2)]
    producer = RenewingProducer(TOPIC, broker.open, logging.getLogger("tests.producer"))
    for each in records:
        producer.write(each)
    producer.serve(0)
    producer.write(behind := Sent(3))
    tried: list[bytes] = []
    while producer.unfinished:
        before = len(broker.tried)
        producer.serve(0)
        tried.append(b"+".join(key for _, key in broker.tried[before:]))
    assert tried == [b"0", b"0", b"1", b"2", b"3"]
    assert [each.outcomes for each in (*records, behind)] == [[None]] * 4


def test_a_record_that_is_too_large_by_itself_says_so_and_those_of_its_batch_are_written() -> None:
    broker, records = Broker([TOO_LARGE, TOO_LARGE, TOO_LARGE]), [Sent(0), Sent(1)]
    written(broker, records)
    assert [each.is_too_large for each in records[0].outcomes if each is not None] == [True]
    assert records[1].outcomes == [None]


def test_what_is_abandoned_has_its_outcome_and_what_the_brokers_acknowledge_by_then_is_written() -> None:
    broker, records = Broker([SILENT]), [Sent(0), Sent(1)]
    producer = RenewingProducer(TOPIC, broker.open, logging.getLogger("tests.producer"))
    producer.write(records[1])
    producer.serve(0)
    producer.write(records[0])
    producer.abandon("not written, the bridge stops")
    assert [each.outcomes for each in records] == [[Unwritten("not written, the bridge stops")]] * 2
    assert not producer.unfinished


def test_a_topic_described_without_partitions_is_an_unknown_topic_until_it_has_some() -> None:
    broker, early, late = Broker(), Spread(0), Spread(1)
    broker.partitions = 0
    producer = RenewingProducer(TOPIC, broker.open, logging.getLogger("tests.producer"))
    producer.write(early)
    producer.serve(0)
    [unwritten] = early.outcomes
    assert unwritten is not None
    assert unwritten.why == "the topic does not exist: create it with `track-bridge topics create`"
    broker.partitions = 3
    producer.write(late)
    producer.serve(0)
    assert late.outcomes == [None]


ANSWERS = st.sampled_from([WRITTEN, WRITTEN, ENDS, NO_ROOM, REFUSED, TOO_LARGE])


@given(st.lists(ANSWERS, max_size=40), st.lists(st.integers(0, 2), min_size=1, max_size=8))
def test_whatever_brokers_answer_each_record_has_one_outcome(script: list[str], sizes: list[int]) -> None:
    broker, records = Broker(script), [Sent(number, each) for number, each in enumerate(sizes)]
    written(broker, records)
    assert [len(each.outcomes) for each in records] == [1] * len(records)
