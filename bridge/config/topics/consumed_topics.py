"""Which topics a configuration reads, and under which of Kafka's two group protocols, which reads patterns its way.

What loads means the same as before there was a choice of the protocol: whatever the classic one alone has, or reads
differently, keeps it. That makes the reading of a topic pattern a matter of the configuration, never of a broker's age.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, Protocol

from bridge.config.topics.topic_patterns import Reading, compiled, is_pattern


class GroupProtocol(enum.StrEnum):
    """How a process is a member of its consumer group. The values are librdkafka's for ``group.protocol``."""

    CLASSIC = "classic"
    """The clients divide the partitions among themselves; a rebalance waits for every member."""
    CONSUMER = "consumer"
    """The brokers divide them (KIP-848, Kafka 4.0); members move one by one."""


PROPERTY: Final = "group.protocol"
CLASSIC_ONLY: Final = (
    "session.timeout.ms",
    "heartbeat.interval.ms",
    "partition.assignment.strategy",
    "group.protocol.type",
)
"""Properties that the client refuses under the consumer protocol."""
STATIC_MEMBER: Final = "group.instance.id"
"""A static member that was killed is let in again at once under the classic protocol, and only after its session under
the other: its owner chose the first."""


def decided_protocol(setting: str, topics: Iterable[str], properties: Mapping[str, str]) -> GroupProtocol | None:
    """The protocol that `kafka.group_protocol`, `kafka.topics` and `kafka.properties` say; None: the consumer protocol
    where the brokers let this group use it, else the classic one.
    """
    named = properties.get(PROPERTY, "").strip().lower() or setting
    if named in {*GroupProtocol}:
        return GroupProtocol(named)
    if any(name in properties for name in (*CLASSIC_ONLY, STATIC_MEMBER)):
        return GroupProtocol.CLASSIC
    # Searched for by one, matched as a whole by the other: `^bill` would find nothing any more.
    if any(is_pattern(topic) for topic in topics):
        return GroupProtocol.CLASSIC
    return None


class Subscription(Protocol):
    """What of the section `kafka` says it."""

    @property
    def topics(self) -> tuple[str, ...]:
        """Names and patterns."""

    @property
    def group_protocol(self) -> str:
        """``auto``, or which."""

    @property
    def properties(self) -> Mapping[str, str]:
        """Of librdkafka."""


class ConsumedTopics:
    """Whoever asks whether a topic is read asks here."""

    def __init__(self, entries: Iterable[str], reading: Reading) -> None:
        """Raises `PatternError`, where the entries were not checked."""
        self.entries: Sequence[str] = tuple(entries)
        self.reading = reading
        self.names = frozenset(each for each in self.entries if not is_pattern(each))
        """Those that are no patterns."""
        self._patterns = [compiled(each, reading) for each in self.entries if is_pattern(each)]

    def takes(self, name: str) -> bool:
        """Whether the topic is read."""
        return name in self.names or any(each.matches(name) for each in self._patterns)


def topics_of(kafka: Subscription) -> ConsumedTopics:
    """What this configuration reads."""
    return ConsumedTopics(kafka.topics, reading_of(kafka.group_protocol, kafka.topics, kafka.properties))


def reading_of(setting: str, topics: Iterable[str], properties: Mapping[str, str]) -> Reading:
    """How patterns are read under the protocol that the configuration decides for: where it has any, it does decide."""
    protocol = decided_protocol(setting, topics, properties)
    return Reading.WHOLE if protocol is GroupProtocol.CONSUMER else Reading.SEARCHED
