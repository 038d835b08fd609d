"""What setting the group's committed offset to a place in the log comes to, asked of the brokers; and its act."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bridge.commands import command
from bridge.config.topics.consumed_topics import topics_of
from bridge.errors import Misuse, Unreachable
from bridge.fleet.acts import OffsetMove, SetOffsetsAct
from bridge.fleet.acts.offset_change import Moment, OffsetChange, Target, aim, change
from bridge.kafka.consumer.starts.partition_offsets import PartitionOffsets
from bridge.model import TopicPartition

if TYPE_CHECKING:
    from bridge.config.sections import Kafka
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


def read(kafka: Kafka, inspection: Inspection, cluster: Cluster, asked: str | None) -> Read:
    """Of all consumed topics, or of ``TOPIC`` or ``TOPIC/PARTITION``. Blocks. Raises `Misuse`."""
    partitions = _partitions(kafka, cluster, asked)
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


def _partitions(kafka: Kafka, cluster: Cluster, asked: str | None) -> Sequence[TopicPartition]:
    consumed = topics_of(kafka)
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


def changes(found: Read, target: Target, to: str) -> list[OffsetChange]:
    """What setting all of them there changes; those that are there already left out. `to` is how it was asked for.

    Blocks where a moment was asked for. Raises `Misuse` and `Unreachable`.
    """
    states = complete(found)
    at_time: Mapping[TopicPartition, int | None] = {}
    if isinstance(target, Moment):
        partitions = [each.partition for each in states]
        at_time = found.inspection.first_at(partitions, target.epoch_ms)
        missing = [str(each) for each in partitions if each not in at_time]
        if missing:
            raise Unreachable(f"The brokers did not say where {to} is in {', '.join(missing)}.")
    try:
        offsets = aim(states, target, at_time)
    except ValueError as problem:
        raise Misuse(f"--to {problem}.") from problem
    made = [change(each, offsets[each.partition]) for each in states]
    return [each for each in made if not each.changes_nothing]


def act_of(planned: Sequence[OffsetChange], reason: str = "") -> SetOffsetsAct:
    """For `FleetControl`; all of them of one topic."""
    return SetOffsetsAct(planned[0].before.partition.topic, tuple(map(_move, planned)), reason)


def _move(each: OffsetChange) -> OffsetMove:
    committed = each.before.committed
    return OffsetMove(
        each.before.partition.partition,
        None if committed is None else committed.offset,
        "" if committed is None else committed.metadata,
        each.offset,
        each.text,
    )
