"""Reads the dead-letter topic and its resolutions to their present ends, fast and unnoticed.

No group is joined, nothing is committed, and every answer is bound to the offsets it was asked for: a reader never
chases those who write meanwhile.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from confluent_kafka import KafkaError, KafkaException, TopicCollection
from confluent_kafka import TopicPartition as ClientPartition
from confluent_kafka.admin import ConfigResource, ResourceType

from bridge.commands import command
from bridge.errors import Unreachable
from bridge.exits import ExitCode
from bridge.kafka import answers, client, topic_ids
from bridge.kafka.admin import retention
from bridge.kafka.admin.topic_creation import resolutions_of
from bridge.kafka.client_log import ClientLog
from bridge.kafka.record_headers import headers_of
from bridge.model import LogRange, Record, TopicPartition
from bridge.text.amounts import span

if TYPE_CHECKING:
    import logging

    from confluent_kafka import Consumer, Message
    from confluent_kafka.admin import AdminClient, TopicMetadata

    from bridge.config.sections import Kafka


_POLL: Final = 0.1
SILENCE: Final = 15.0
"""Seconds without any record after which the brokers are taken to be gone."""
_PATIENCE: Final = 10.0
_DENIED: Final = frozenset({KafkaError.TOPIC_AUTHORIZATION_FAILED, KafkaError.GROUP_AUTHORIZATION_FAILED})


class LetterLogError(Unreachable):
    """The topics cannot be read; the message is one sentence."""


class LetterLogDeniedError(LetterLogError):
    """A topic is missing, or this user may not read it: trying again will not help."""

    exit_code = ExitCode.USAGE


class Haste(NamedTuple):
    """How much is read ahead, and so how much memory a read takes beside what becomes of the records."""

    batch: int
    """Messages taken at once."""
    messages: int
    """Messages the client keeps ready for each partition."""
    kilobytes: int
    """The same in size, for all partitions."""
    fetch: int
    """Bytes of one answer."""


HURRIED: Final = Haste(2_000, 50_000, 32_768, 1 << 24)
"""A person waits. Of larger batches each comes into memory that no processor has near."""
BESIDE: Final = Haste(500, 1_000, 2_048, 1 << 21)
"""Events are delivered meanwhile, in a container with little memory."""


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

    def __init__(self, kafka: Kafka, topic: str, logger: logging.Logger, haste: Haste = HURRIED) -> None:
        """`client.ClientRefusedError` for properties the client library does not take."""
        self._kafka = kafka
        self.topic = topic
        self._logger = logger
        self._haste = haste
        self._log = ClientLog(logger)
        self._admin: AdminClient = client.open_admin(client.admin_configuration(kafka), self._log)

    def extent(self) -> Extent:
        """Asks the brokers. Raises `LetterLogError` for a topic that is missing or hidden, and for silence."""
        described = self._topics()
        letters = _partitions(described, self.topic)
        if letters is None:
            raise LetterLogDeniedError(
                f"dead_letter.topic: {self.topic} does not exist, or this user may not see it: run "
                f"`{command('topics', 'create')}`, or grant READ and DESCRIBE on it."
            )
        resolved = _partitions(described, resolutions_of(self.topic))
        # The resolutions' ends first: whatever they speak of, its letter is within the others.
        ranges = self._ranges(resolved or []) | self._ranges(letters)
        return Extent(
            self.topic,
            self._topic_id(),
            {partition: ranges[partition] for partition in letters},
            {partition: ranges[partition] for partition in resolved or []},
            resolved is not None,
        )

    def retention(self) -> float | None:
        """Seconds after which Kafka deletes the letters for their age, infinite: never; None where it is not told.

        It may be refused (DESCRIBE_CONFIGS), which is no reason not to count.
        """
        resource = ConfigResource(ResourceType.TOPIC, self.topic)
        try:
            asked = self._admin.describe_configs([resource], request_timeout=_PATIENCE)
        except (KafkaException, ValueError):
            return None
        found = answers.collect(asked, time.monotonic() + _PATIENCE).results.values()
        return next((retention.retention(entries) for entries in found), None)

    def read(
        self,
        wanted: Mapping[TopicPartition, range],
        progress: Callable[[int], None] = lambda _count: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> Generator[list[Record]]:
        """The records at these offsets, in batches, each partition in order. `progress` hears how many came in all.

        The first batch is empty: it comes at once, and from then on the brokers send. Raises `LetterLogError` where
        they refuse or fall silent.
        """
        ends = {partition: offsets.stop for partition, offsets in wanted.items() if offsets.stop > offsets.start}
        if not ends:
            return
        consumer = client.open_consumer(_configuration(self._kafka, self._haste), self._log, on_commit=_never)
        count = 0
        try:
            consumer.assign([ClientPartition(p.topic, p.partition, wanted[p].start) for p in ends])
            yield []
            heard = clock()
            while ends:
                messages = consumer.consume(self._haste.batch, _POLL)
                if messages:
                    heard = clock()
                elif clock() - heard > SILENCE:
                    raise LetterLogError(self._silence(next(iter(ends))))
                batch = _taken(messages, ends)
                if batch:
                    count += len(batch)
                    progress(count)
                    yield batch
                    heard = clock()  # or the time that was taken with them would pass for silence
                if ends and len(messages) < self._haste.batch:
                    _close_passed(consumer, ends)
        except KafkaException as error:
            raise LetterLogError(f"{self.topic} cannot be read: {answers.error_of(error).str()}.") from error
        finally:
            consumer.close()

    def _topics(self) -> Mapping[str, TopicMetadata]:
        """All there are: to ask for one by name might create it."""
        self._admin.poll(0)
        try:
            return self._admin.list_topics(timeout=_PATIENCE).topics
        except KafkaException as error:
            raise LetterLogError(f"The brokers do not answer: {answers.error_of(error).str()}.") from error

    def _ranges(self, partitions: list[TopicPartition]) -> dict[TopicPartition, LogRange]:
        if not partitions:
            return {}
        deadline = time.monotonic() + _PATIENCE
        asked = [
            self._admin.list_offsets({ClientPartition(*p): spec for p in partitions}, request_timeout=_PATIENCE)
            for spec in (answers.EARLIEST, answers.LATEST)
        ]
        first, end = (_offsets(answers.collect(each, deadline)) for each in asked)
        return {partition: LogRange(first[partition], end[partition]) for partition in partitions}

    def _topic_id(self) -> str:
        """Empty where the brokers are too old or embedded; then a recreated topic cannot be told from the old one."""
        try:
            asked = self._admin.describe_topics(TopicCollection([self.topic]), request_timeout=_PATIENCE)
        except (KafkaException, ValueError):
            return ""
        found = answers.collect(asked, time.monotonic() + _PATIENCE).results.get(self.topic)
        return topic_ids.of(found)

    def _silence(self, partition: TopicPartition) -> str:
        cause = f": {self._log.last_error.str()}" if self._log.last_error is not None else ""
        return f"No record of {partition} came within {span(SILENCE)}{cause}."


def whole(logs: Mapping[TopicPartition, LogRange]) -> dict[TopicPartition, range]:
    """All that these logs hold."""
    return {partition: range(log.first, log.end) for partition, log in logs.items()}


def _partitions(described: Mapping[str, TopicMetadata], topic: str) -> list[TopicPartition] | None:
    """None: there is no such topic, as far as this user may see."""
    found = described.get(topic)
    if found is None or (found.error is not None and not found.partitions):
        return None
    return [TopicPartition(topic, number) for number in sorted(found.partitions)]


def _offsets(asked: answers.AdminAnswers[ClientPartition]) -> dict[TopicPartition, int]:
    for where, error in asked.errors.items():
        denied = error.code() in _DENIED
        advice = ": grant READ and DESCRIBE on it" if denied else ""
        raise (LetterLogDeniedError if denied else LetterLogError)(
            f"{where.topic}/{where.partition} does not say where it begins and ends ({error.str()}){advice}."
        )
    return {TopicPartition(p.topic, p.partition): found.offset for p, found in asked.results.items()}


def _configuration(kafka: Kafka, haste: Haste) -> dict[str, Any]:
    """The service's own, without anything that joins or writes."""
    configuration = {
        **client.consumer_configuration(kafka),
        "enable.auto.commit": False,
        "enable.partition.eof": True,
        "queued.min.messages": haste.messages,
        "queued.max.messages.kbytes": haste.kilobytes,
        "fetch.message.max.bytes": min(haste.fetch, 1 << 21),
        "fetch.max.bytes": haste.fetch,
    }
    for joining in ("group.instance.id", "group.protocol", "group.remote.assignor"):
        configuration.pop(joining, None)
    return configuration


def _taken(messages: Sequence[Message[Any, Any]], ends: dict[TopicPartition, int]) -> list[Record]:
    """What was asked for. `ends` loses the partitions that are through."""
    records = []
    for message in messages:
        topic, number, offset = message.topic() or "", message.partition() or 0, message.offset()
        place = (topic, number)
        if message.error() is not None:
            _heard(message, ends)
            continue
        end = ends.get(place)  # type: ignore[call-overload]  # equal to a TopicPartition, and made in less time
        if end is None or offset is None:
            continue
        if offset + 1 >= end:
            del ends[place]  # type: ignore[arg-type]  # as above
            if offset >= end:
                continue
        kind, timestamp = message.timestamp()
        records.append(
            Record(
                *(topic, number, offset, timestamp if kind else None),
                *(message.key(), message.value(), headers_of(message)),
            )
        )
    return records


def _heard(message: Message[Any, Any], ends: dict[TopicPartition, int]) -> None:
    """What is no record: the end of a partition, or something wrong with it."""
    error, partition = message.error(), TopicPartition(message.topic() or "", message.partition() or 0)
    if error is None or error.code() == KafkaError.GROUP_AUTHORIZATION_FAILED:
        return  # The client asks for the group's coordinator by itself; nothing here needs one.
    if error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001  # the library's public name for a local code
        ends.pop(partition, None)
        return
    denied = error.code() in _DENIED
    advice = ": grant READ on it" if denied else ""
    kind = LetterLogDeniedError if denied else LetterLogError
    raise kind(f"{partition} cannot be read: {error.str()}{advice}.")


def _close_passed(consumer: Consumer, ends: dict[TopicPartition, int]) -> None:
    """The last offsets may hold no record: a transaction's marker, or what compaction removed."""
    for each in consumer.position([ClientPartition(p.topic, p.partition) for p in ends]):
        partition = TopicPartition(each.topic, each.partition)
        if each.offset >= ends[partition]:
            del ends[partition]


def _never(_error: object, _partitions: object) -> None:
    """Nothing is committed here."""
