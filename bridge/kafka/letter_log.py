"""Reads the dead-letter topic and its resolutions to their present ends, fast and unnoticed.

No group is joined, nothing is committed, and every answer is bound to the offsets it was asked for: a reader never
chases those who write meanwhile.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from confluent_kafka import KafkaError, KafkaException, TopicCollection
from confluent_kafka import TopicPartition as ClientPartition

from bridge.kafka import answers, client
from bridge.kafka.client_log import ClientLog
from bridge.kafka.starts import LogRange
from bridge.kafka.topic_creation import resolutions_of
from bridge.model import Record, TopicPartition

if TYPE_CHECKING:
    import logging

    from confluent_kafka import Consumer, Message
    from confluent_kafka.admin import AdminClient

    from bridge.config.sections import Kafka

_BATCH: Final = 10_000
_POLL: Final = 0.1
SILENCE: Final = 15.0
"""Seconds without any record after which the brokers are taken to be gone."""
_PATIENCE: Final = 10.0
_DENIED: Final = frozenset({KafkaError.TOPIC_AUTHORIZATION_FAILED, KafkaError.GROUP_AUTHORIZATION_FAILED})


class LetterLogError(Exception):
    """The topics cannot be read; the message is one sentence. `is_refusal`: trying again will not help."""

    def __init__(self, message: str, *, is_refusal: bool = False) -> None:
        super().__init__(message)
        self.is_refusal = is_refusal


@dataclass(frozen=True, slots=True)
class Extent:
    """How far both topics reach now. What is read later is read to here."""

    topic: str
    topic_id: str
    """Empty where the brokers do not say."""
    letters: Mapping[TopicPartition, LogRange]
    resolutions: Mapping[TopicPartition, LogRange]
    """Empty where there is no such topic: then nothing was ever resolved."""
    has_resolutions: bool

    @property
    def count(self) -> int:
        """Offsets between the letters' first and last; no more letters than this."""
        return sum(log.end - log.first for log in self.letters.values())


class LetterLog:
    """One admin client for questions, and a consumer for each read."""

    def __init__(self, kafka: Kafka, topic: str, logger: logging.Logger) -> None:
        """`client.ClientRefusedError` for properties the client library does not take."""
        self._kafka = kafka
        self.topic = topic
        self._logger = logger
        self._log = ClientLog(logger)
        self._admin: AdminClient = client.open_admin(client.admin_configuration(kafka), self._log)

    def extent(self) -> Extent:
        """Asks the brokers. Raises `LetterLogError` for a topic that is missing or hidden, and for silence."""
        letters = self._partitions(self.topic)
        if letters is None:
            raise LetterLogError(
                f"dead_letter.topic: {self.topic} does not exist, or this user may not see it: run `bridge topics "
                "create`, or grant READ and DESCRIBE on it.",
                is_refusal=True,
            )
        resolved = self._partitions(resolutions_of(self.topic))
        ranges = self._ranges([*letters, *(resolved or [])])
        return Extent(
            self.topic,
            self._topic_id(),
            {partition: ranges[partition] for partition in letters},
            {partition: ranges[partition] for partition in resolved or []},
            resolved is not None,
        )

    def ends(self, partitions: list[TopicPartition]) -> dict[TopicPartition, LogRange]:
        """Where these begin and end now. Raises `LetterLogError`."""
        return self._ranges(partitions)

    def read(
        self,
        wanted: Mapping[TopicPartition, range],
        progress: Callable[[int], None] = lambda _count: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> Iterator[list[Record]]:
        """The records at these offsets, in batches, each partition in order. `progress` hears how many came in all.

        Raises `LetterLogError` where the brokers refuse or fall silent.
        """
        ends = {partition: offsets.stop for partition, offsets in wanted.items() if offsets.stop > offsets.start}
        if not ends:
            return
        consumer = client.open_consumer(_configuration(self._kafka), self._log, on_commit=_never)
        count, heard = 0, clock()
        try:
            consumer.assign([ClientPartition(p.topic, p.partition, wanted[p].start) for p in ends])
            while ends:
                messages = consumer.consume(_BATCH, _POLL)
                if messages:
                    heard = clock()
                elif clock() - heard > SILENCE:
                    raise LetterLogError(self._silence(next(iter(ends))))
                batch = [record for message in messages if (record := _taken(message, ends)) is not None]
                if batch:
                    count += len(batch)
                    progress(count)
                    yield batch
                if ends and len(messages) < _BATCH:
                    _close_passed(consumer, ends)
        except KafkaException as error:
            raise LetterLogError(f"{self.topic} cannot be read: {answers.error_of(error).str()}.") from error
        finally:
            consumer.close()

    def _partitions(self, topic: str) -> list[TopicPartition] | None:
        """None: there is no such topic, as far as this user may see."""
        self._admin.poll(0)
        try:
            described = self._admin.list_topics(timeout=_PATIENCE).topics.get(topic)
        except KafkaException as error:
            raise LetterLogError(f"The brokers do not answer: {answers.error_of(error).str()}.") from error
        if described is None or (described.error is not None and not described.partitions):
            return None
        return [TopicPartition(topic, number) for number in sorted(described.partitions)]

    def _ranges(self, partitions: list[TopicPartition]) -> dict[TopicPartition, LogRange]:
        first, end = self._offsets(partitions, answers.EARLIEST), self._offsets(partitions, answers.LATEST)
        return {partition: LogRange(first[partition], end[partition]) for partition in partitions}

    def _offsets(self, partitions: list[TopicPartition], spec: answers.OffsetSpec) -> dict[TopicPartition, int]:
        if not partitions:
            return {}
        wanted = {ClientPartition(p.topic, p.partition): spec for p in partitions}
        asked = answers.collect(
            self._admin.list_offsets(wanted, request_timeout=_PATIENCE), time.monotonic() + _PATIENCE
        )
        for where, error in asked.errors.items():
            denied = error.code() in _DENIED
            advice = ": grant READ and DESCRIBE on it" if denied else ""
            raise LetterLogError(
                f"{where.topic}/{where.partition} does not say where it begins and ends ({error.str()}){advice}.",
                is_refusal=denied,
            )
        return {TopicPartition(p.topic, p.partition): found.offset for p, found in asked.results.items()}

    def _topic_id(self) -> str:
        """Empty where the brokers are too old or embedded; then a topic made anew cannot be told from the old one."""
        try:
            asked = self._admin.describe_topics(TopicCollection([self.topic]), request_timeout=_PATIENCE)
        except (KafkaException, ValueError):
            return ""
        found = answers.collect(asked, time.monotonic() + _PATIENCE).results.get(self.topic)
        identifier = getattr(found, "topic_id", None)
        return "" if identifier is None else str(identifier).replace("+", "-").replace("/", "_")

    def _silence(self, partition: TopicPartition) -> str:
        cause = f": {self._log.last_error.str()}" if self._log.last_error is not None else ""
        return f"No record of {partition} came within {SILENCE:.0f} s{cause}."


def whole(logs: Mapping[TopicPartition, LogRange]) -> dict[TopicPartition, range]:
    """All that these logs hold."""
    return {partition: range(log.first, log.end) for partition, log in logs.items()}


def _configuration(kafka: Kafka) -> dict[str, Any]:
    """The service's own, with deeper queues, and without anything that joins or writes."""
    configuration = {
        **client.consumer_configuration(kafka),
        "enable.auto.commit": False,
        "enable.partition.eof": True,
        # The service reads as slowly as its destination takes; here a person waits.
        "queued.min.messages": 50_000,
        "queued.max.messages.kbytes": 32_768,
        "fetch.message.max.bytes": 1 << 21,
        "fetch.max.bytes": 1 << 24,
    }
    for joining in ("group.instance.id", "group.protocol", "group.remote.assignor"):
        configuration.pop(joining, None)
    return configuration


def _taken(message: Message[Any, Any], ends: dict[TopicPartition, int]) -> Record | None:
    error = message.error()
    topic, number, offset = message.topic() or "", message.partition() or 0, message.offset()
    partition = TopicPartition(topic, number)
    if error is not None:
        if error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001  # the library's public name for a local code
            ends.pop(partition, None)
            return None
        if error.code() == KafkaError.GROUP_AUTHORIZATION_FAILED:
            return None  # The client asks for the group's coordinator by itself; nothing here needs one.
        denied = error.code() in _DENIED
        advice = ": grant READ on it" if denied else ""
        raise LetterLogError(f"{partition} cannot be read: {error.str()}{advice}.", is_refusal=denied)
    end = ends.get(partition)
    if end is None or offset is None:
        return None
    if offset + 1 >= end:
        del ends[partition]
        if offset >= end:
            return None
    kind, timestamp = message.timestamp()
    return Record(
        topic,
        number,
        offset,
        timestamp if kind else None,
        message.key(),
        message.value(),
        message.headers() or (),  # type: ignore[arg-type]  # the client always returns pairs of text and bytes
    )


def _close_passed(consumer: Consumer, ends: dict[TopicPartition, int]) -> None:
    """The last offsets may hold no record: a transaction's marker, or what compaction removed."""
    for each in consumer.position([ClientPartition(p.topic, p.partition) for p in ends]):
        partition = TopicPartition(each.topic, each.partition)
        if each.offset >= ends[partition]:
            del ends[partition]


def _never(_error: object, _partitions: object) -> None:
    """Nothing is committed here."""
