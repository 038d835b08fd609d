"""Which of Kafka's two group protocols a configuration means, and when the brokers are asked.

What loads means the same as before there was a choice: whatever the classic protocol alone has, or reads differently,
keeps it. That makes the reading of a topic pattern a matter of the configuration and never of a broker's age.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping
from typing import Final

from bridge.config.topics import topic_patterns


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


def decided(setting: str, topics: Iterable[str], properties: Mapping[str, str]) -> GroupProtocol | None:
    """The protocol that `kafka.group_protocol`, `kafka.topics` and `kafka.properties` say; None: the consumer protocol
    where the brokers let this group use it, else the classic one.
    """
    named = properties.get(PROPERTY, "").strip().lower() or setting
    if named in {*GroupProtocol}:
        return GroupProtocol(named)
    if any(name in properties for name in (*CLASSIC_ONLY, STATIC_MEMBER)):
        return GroupProtocol.CLASSIC
    # Searched for by one, matched as a whole by the other: `^bill` would find nothing any more.
    if any(topic_patterns.is_pattern(topic) for topic in topics):
        return GroupProtocol.CLASSIC
    return None
