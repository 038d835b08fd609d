"""Asks the brokers for the group's committed offsets, and for the logs they are in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bridge.cli.frame import startup
from bridge.commands import command
from bridge.errors import Misuse, Unreachable
from bridge.kafka.consumer.starts.partition_offsets import PartitionOffsets
from bridge.model import TopicPartition

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bridge.kafka.admin.group_description import GroupDescription
    from bridge.kafka.admin.inspection import Cluster, Inspection


@dataclass(frozen=True, slots=True)
class Read:
    """All that was asked for, answered."""

    inspection: Inspection
    group: GroupDescription | None
    """None where the brokers do not say."""
    states: tuple[PartitionOffsets, ...]
    unread: tuple[TopicPartition, ...]
    """Those of which something was not answered."""


def read(start: startup.LoadedConfiguration, asked: str | None) -> Read:
    """Of all consumed topics, or of ``TOPIC`` or ``TOPIC/PARTITION``."""
    inspection, cluster = startup.connect(start)
    partitions = _partitions(start, cluster, asked)
    logs = inspection.logs(partitions)
    stable = inspection.readable_ends(partitions)
    commits = inspection.commits(partitions)
    ids = inspection.identities(sorted({each.topic for each in partitions}))
    answered = [each for each in partitions if each in logs and each in commits]
    states = [
        PartitionOffsets(each, logs[each], stable.get(each, logs[each].end), commits[each], ids.get(each.topic))
        for each in answered
    ]
    unread = tuple(each for each in partitions if each not in set(answered))
    return Read(inspection, inspection.group(), tuple(states), unread)


def _partitions(start: startup.LoadedConfiguration, cluster: Cluster, asked: str | None) -> Sequence[TopicPartition]:
    from bridge.config.topics.consumed_topics import topics_of

    consumed = topics_of(start.config.kafka)
    there = {name: count for name, count in sorted(cluster.topics.items()) if consumed.takes(name)}
    if not there:
        raise Misuse(
            f"The cluster has no topic of kafka.topics ({', '.join(consumed.entries)}) that this user may see."
        )
    if asked is None:
        return [TopicPartition(name, number) for name, count in there.items() for number in range(count)]
    name, slash, number = asked.rpartition("/") if "/" in asked else (asked, "", "")
    if name not in there:
        raise Misuse(f"{asked}: not a consumed topic of this cluster. There are {', '.join(there)}.")
    if not slash:
        return [TopicPartition(name, each) for each in range(there[name])]
    if not (number.isascii() and number.isdigit() and len(number) < 16 and int(number) < there[name]):
        raise Misuse(f"{asked}: {name} has the partitions 0 to {there[name] - 1}.")
    return [TopicPartition(name, int(number))]


def complete(found: Read) -> tuple[PartitionOffsets, ...]:
    """Raises `Unreachable` where something was not answered."""
    if found.unread:
        named = ", ".join(map(str, found.unread))
        raise Unreachable(
            f"The brokers did not report the log or the committed offset of {named}. "
            f"`{command('check')}` looks at brokers and permissions."
        )
    return found.states
