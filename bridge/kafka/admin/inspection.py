"""Asks a cluster what an operator wants to know of it; changes nothing and joins no group.

A question that a cluster cannot answer (too old, embedded, no permission) yields nothing for that question alone.
"""

from __future__ import annotations

import concurrent.futures
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from confluent_kafka import IsolationLevel, KafkaError, KafkaException, TopicCollection
from confluent_kafka import TopicPartition as ClientPartition
from confluent_kafka.admin import AclOperation, ConfigResource, ResourceType

from bridge.errors import BridgeError
from bridge.kafka import answers, client, handshake, topic_ids
from bridge.kafka.admin import committed, sampler
from bridge.kafka.admin.committed import Committed
from bridge.kafka.admin.group_description import GroupDescription, description
from bridge.kafka.admin.obstacles import ConnectionErrors, NotConnectedError, Obstacle
from bridge.kafka.client_log import ClientLog
from bridge.kafka.login import msk_login
from bridge.kafka.partitions import from_client, to_client
from bridge.model import LogRange, TopicPartition

if TYPE_CHECKING:
    import logging

    from confluent_kafka.admin import ClusterMetadata

    from bridge.config.sections import Kafka
    from bridge.kafka.login.login_problem import LoginProblem

PATIENCE: Final = 10.0
"""Seconds one question may take."""
_STEP: Final = 0.5
_LOOKED_AT: Final = 50
"""Open transactions whose age is read: a producer of many partitions has one in each."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """What every broker tells whoever may connect."""

    brokers: int
    topics: Mapping[str, int]
    """Partition counts by name; only topics this user may describe, no internal ones."""


@dataclass(frozen=True, slots=True)
class TopicSettings:
    """The settings of a topic that matter here."""

    compacted: bool
    deletes: bool
    """Whether old records are deleted by age or size."""
    retention_ms: int
    """-1: kept for ever."""
    max_message_bytes: int


class Inspection:
    """One admin client with its questions. Each takes at most about `patience` seconds."""

    def __init__(
        self,
        kafka: Kafka,
        logger: logging.Logger,
        *,
        patience: float = PATIENCE,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Raises `client.ClientRefusedError` for properties the client library does not take, `AwsLoginError` where
        the login yields no token.
        """
        self._kafka = kafka
        self._logger = logger
        self._errors = ConnectionErrors(logger)
        self._login = msk_login.login_of(kafka)
        self._admin = client.open_admin(client.admin_configuration(kafka), self._errors)
        self._patience = patience
        self._clock = clock
        self._let_in = False

    def connect(self) -> Cluster:
        """Brokers and topics. Raises `NotConnectedError`; a refused login is not tried for long."""
        metadata = self._metadata(self._clock() + self._patience)
        topics = {
            name: len(topic.partitions)
            for name, topic in metadata.topics.items()
            if topic.error is None and not name.startswith("__")
        }
        return Cluster(len(metadata.brokers), topics)

    def reach(self) -> None:
        """Wait for an answer of any broker. Raises `NotConnectedError`; its message names each broker's last error."""
        try:
            self._admin.describe_cluster(request_timeout=self._patience).result(self._patience + _STEP)
        except (KafkaException, concurrent.futures.TimeoutError, ValueError):
            self._admin.poll(0)
            obstacle, message = self._errors.obstacle()
            raise self._no_token() or NotConnectedError(
                obstacle, self._certificate(obstacle) or self._by_broker(message)
            ) from None
        self._admin.poll(0)
        self._errors.seen.clear()
        self._let_in = True

    def cluster_id(self) -> str:
        """By which a cluster is told from all others; empty where the brokers do not say."""
        try:
            described = self._admin.describe_cluster(request_timeout=self._patience).result(self._patience + _STEP)
        except (KafkaException, concurrent.futures.TimeoutError, ValueError):
            return ""
        return str(described.cluster_id or "")

    @property
    def never_let_in(self) -> LoginProblem | None:
        """That this client has got no token yet; None once it has been let in, whatever becomes of it later."""
        return None if self._let_in else self._errors.no_token

    def logs_in(self) -> bool:
        """Whether a client that begins now gets in: it has no token and no connection yet. Blocks for a while."""
        try:
            fresh = client.open_admin(client.admin_configuration(self._kafka), ClientLog(self._logger))
            fresh.list_topics(timeout=self._patience)
        except (KafkaException, BridgeError):
            return False
        return True

    def _by_broker(self, message: str) -> str:
        """Each broker's last error. That all are down may be told before which of them refused what."""
        if not self._errors.by_broker():
            self._admin.poll(_STEP)
        return self._errors.by_broker() or f"{self._kafka.bootstrap_servers}: {message}"

    def _metadata(self, deadline: float) -> ClusterMetadata:
        while True:
            try:
                return self._admin.list_topics(timeout=_STEP)
            except KafkaException:
                self._admin.poll(0)
                obstacle, message = self._errors.obstacle()
                failure = self._no_token() or NotConnectedError(obstacle, self._certificate(obstacle) or message)
                if failure.needs_a_change or self._clock() > deadline:
                    raise failure from None

    def _no_token(self) -> NotConnectedError | None:
        """A login of ours knows why it has none; the client only that."""
        problem = None if self._login is None else self._login.problem
        return None if problem is None or problem.gets_in else NotConnectedError(Obstacle.TOKEN, problem.sentence)

    def _certificate(self, obstacle: Obstacle) -> str | None:
        if obstacle is not Obstacle.TLS:
            return None
        return handshake.certificate_out_of_time(self._kafka.bootstrap_servers, self._kafka.properties)

    def logs(self, partitions: Sequence[TopicPartition]) -> dict[TopicPartition, LogRange]:
        """First and end offsets, of the partitions that answered."""
        first = self._offsets(partitions, answers.EARLIEST)
        end = self._offsets(partitions, answers.LATEST)
        return {partition: LogRange(first[partition], end[partition]) for partition in first if partition in end}

    def transactions(self, logs: Mapping[TopicPartition, LogRange]) -> dict[TopicPartition, tuple[int, float | None]]:
        """Of partitions whose last stable offset is below their end: that offset, and when its record was written.

        The time is in Unix seconds, and None where it could not be read. Nothing where open transactions are read.
        """
        if not client.reads_committed_only(client.consumer_configuration(self._kafka)):
            return {}
        stable = self.readable_ends(list(logs))
        below = {partition: offset for partition, offset in stable.items() if offset < logs[partition].end}
        first = {partition: range(offset, offset + 1) for partition, offset in sorted(below.items())[:_LOOKED_AT]}
        properties = {**self._kafka.properties, "isolation.level": "read_uncommitted"}
        times: dict[TopicPartition, float | None] = {}
        try:
            for record in sampler.read(self._kafka.model_copy(update={"properties": properties}), first, self._logger):
                stamp = record.timestamp_ms
                times[TopicPartition(record.topic, record.partition)] = None if stamp is None else stamp / 1000
        except sampler.UnreadableTopicError:
            pass  # What is missing is said to be unknown.
        return {partition: (offset, times.get(partition)) for partition, offset in below.items()}

    def at_time(self, partitions: Sequence[TopicPartition], epoch_ms: int) -> dict[TopicPartition, int]:
        """The offset of the first record at or after this time; absent where there is none, or no answer."""
        found = self._offsets(partitions, answers.at_time(epoch_ms))
        return {partition: offset for partition, offset in found.items() if offset >= 0}

    def first_at(self, partitions: Sequence[TopicPartition], epoch_ms: int) -> dict[TopicPartition, int | None]:
        """As `at_time`, with None where the log has no such record: only what was not answered is absent."""
        found = self._offsets(partitions, answers.at_time(epoch_ms))
        return {partition: offset if offset >= 0 else None for partition, offset in found.items()}

    def identities(self, topics: Sequence[str]) -> dict[str, str]:
        """The ids of the topics whose description came; empty where the cluster gives topics none."""
        if not topics:
            return {}
        asked = self._ask(
            lambda: self._admin.describe_topics(TopicCollection(list(topics)), request_timeout=self._patience)
        )
        return {topic: topic_ids.of(described) for topic, described in self._collect(asked).items()}

    def positions(self, partitions: Sequence[TopicPartition]) -> dict[TopicPartition, int | None]:
        """The group's committed offsets, None where it has none; without those that may not be read."""
        return {
            partition: None if found is None else found.offset for partition, found in self.commits(partitions).items()
        }

    def commits(self, partitions: Sequence[TopicPartition]) -> dict[TopicPartition, Committed | None]:
        """What the group has committed, None where that is nothing; without those that may not be read."""
        if not partitions:
            return {}
        reader = client.open_reader(self._kafka, self._errors)  # not the admin client: see `GroupReader`
        try:
            answered = reader.committed([to_client(each) for each in partitions], timeout=self._patience)
        except KafkaException:
            return {}
        finally:
            reader.close()
        return {from_client(each): committed.of_client(each) for each in answered if each.error is None}

    def settings(self, topics: Iterable[str]) -> dict[str, TopicSettings]:
        """Of the topics whose settings may be read."""
        resources = [ConfigResource(ResourceType.TOPIC, topic) for topic in topics]
        if not resources:
            return {}
        asked = self._ask(lambda: self._admin.describe_configs(resources, request_timeout=self._patience))
        return {resource.name: _settings(entries) for resource, entries in self._collect(asked).items()}

    def allowed_on_topics(self, topics: Sequence[str]) -> dict[str, frozenset[str]]:
        """What this user may do (``READ``, ``WRITE``, …), for the topics of which the brokers say it."""
        if not topics:
            return {}
        asked = self._ask(
            lambda: self._admin.describe_topics(
                TopicCollection(list(topics)), include_authorized_operations=True, request_timeout=self._patience
            )
        )
        return {
            topic: _names(described.authorized_operations)
            for topic, described in self._collect(asked).items()
            if described.authorized_operations
        }

    @property
    def is_steady(self) -> bool:
        """Whether no connection has failed yet.

        librdkafka up to 2.16 aborts the process where a coordinator goes away under a question about a group (an
        assertion about its `eonce` fails): whoever can do without the answer asks only while this is so.
        """
        self._admin.poll(0)
        return not self._errors.seen

    def group(self) -> GroupDescription | None:
        """The consumer group and its members; None where the brokers do not say."""
        asked = self._ask(
            lambda: self._admin.describe_consumer_groups([self._kafka.group_id], request_timeout=self._patience)
        )
        for answer in self._collect(asked).values():
            return description(answer)
        return None

    def readable_ends(self, partitions: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        """Up to where each log can be read: before the first transaction that is still open."""
        return self._offsets(partitions, answers.LATEST, IsolationLevel.READ_COMMITTED)

    def starts(self, partitions: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        """The first offset of each log."""
        return self._offsets(partitions, answers.EARLIEST)

    def allowed_on_group(self) -> frozenset[str] | None:
        """What this user may do with the consumer group: nothing where it may not even see it; None where the brokers
        do not say.
        """
        asked = self._ask(
            lambda: self._admin.describe_consumer_groups(
                [self._kafka.group_id], include_authorized_operations=True, request_timeout=self._patience
            )
        )
        found = answers.collect(asked, self._clock() + self._patience)
        for described in found.results.values():
            if described.authorized_operations:
                return _names(described.authorized_operations)
        hidden = any(error.code() == KafkaError.GROUP_AUTHORIZATION_FAILED for error in found.errors.values())
        return frozenset() if hidden else None

    def _offsets(
        self,
        partitions: Sequence[TopicPartition],
        spec: answers.OffsetSpec,
        isolation: IsolationLevel = IsolationLevel.READ_UNCOMMITTED,
    ) -> dict[TopicPartition, int]:
        if not partitions:
            return {}
        wanted = {ClientPartition(p.topic, p.partition): spec for p in partitions}
        asked = self._ask(
            lambda: self._admin.list_offsets(wanted, isolation_level=isolation, request_timeout=self._patience)
        )
        return {TopicPartition(p.topic, p.partition): found.offset for p, found in self._collect(asked).items()}

    def _ask(self, question: Callable[[], dict[Any, Any]]) -> dict[Any, Any]:
        try:
            return question()
        except (KafkaException, ValueError):
            return {}

    def _collect(self, asked: Mapping[Any, Any]) -> dict[Any, Any]:
        return answers.collect(asked, self._clock() + self._patience).results


def _names(operations: Iterable[AclOperation]) -> frozenset[str]:
    return frozenset(operation.name for operation in operations)


def _settings(entries: Mapping[str, Any]) -> TopicSettings:
    policies = entries["cleanup.policy"].value.split(",")
    return TopicSettings(
        compacted="compact" in policies,
        deletes="delete" in policies,
        retention_ms=int(entries["retention.ms"].value),
        max_message_bytes=int(entries["max.message.bytes"].value),
    )
