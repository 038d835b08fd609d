"""Asks the brokers what `ranges.decide` needs, and sets where the group begins."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bridge.backfill.manifest import PlannedRange, PlannedTopic
from bridge.backfill.planning.bounds import Bound, OffsetsAtTimes, TimeBound
from bridge.backfill.planning.ranges import PartitionFacts
from bridge.commands import command
from bridge.config.keys.scalars import StartPoint
from bridge.config.topics.consumed_topics import ConsumedTopics, topics_of
from bridge.errors import Misuse, Unreachable
from bridge.formats import commit_mark, offset_map
from bridge.kafka.admin import offset_writer
from bridge.kafka.consumer.starts import start_policy
from bridge.model import LogRange, TopicPartition
from bridge.text.printable import printable

if TYPE_CHECKING:
    from bridge.config.sections import Config, Kafka
    from bridge.kafka.admin.committed import Committed
    from bridge.kafka.admin.inspection import Cluster, Inspection, TopicSettings


@dataclass(frozen=True, slots=True)
class HistoryCluster:
    """What the brokers said, of whole topics."""

    id: str
    topics: Mapping[str, PlannedTopic]
    facts: tuple[PartitionFacts, ...]
    settings: Mapping[str, TopicSettings]
    """Of the topics of which they may be read."""

    def chosen(self, asked: Sequence[TopicPartition]) -> tuple[PartitionFacts, ...]:
        """Those that were asked for."""
        return tuple(each for each in self.facts if each.partition in set(asked))


def wanted_partitions(config: Config, cluster: Cluster, asked: Sequence[str]) -> tuple[TopicPartition, ...]:
    """Of ``TOPIC`` and ``TOPIC/PARTITION``; of all that the configuration reads, where nothing is asked for.

    Raises `Misuse` for topics that are not there.
    """
    consumed = topics_of(config.kafka)
    there = {name: count for name, count in sorted(cluster.topics.items()) if consumed.takes(name)}
    if asked:
        return tuple(sorted({each for text in asked for each in _named(text, there, consumed)}))
    missing = sorted(consumed.names - there.keys())
    if missing:
        raise Misuse(
            f"The cluster has no topic {' or '.join(missing)} that this user may see, and kafka.topics names it. "
            "Name those that history is to come from: --topic TOPIC."
        )
    if not there:
        raise Misuse(
            f"The cluster has no topic of kafka.topics ({', '.join(consumed.entries)}) that this user may see."
        )
    return tuple(TopicPartition(name, number) for name, count in there.items() for number in range(count))


def _named(text: str, there: Mapping[str, int], consumed: ConsumedTopics) -> Iterable[TopicPartition]:
    name, slash, number = text.rpartition("/") if "/" in text else (text, "", "")
    if name not in there:
        why = "the cluster has none that this user may see" if consumed.takes(name) else "kafka.topics does not read it"
        raise Misuse(f"--topic {text}: no topic {name} is consumed here: {why}.")
    if not slash:
        return [TopicPartition(name, each) for each in range(there[name])]
    if not (number.isascii() and number.isdigit() and len(number) < 16 and int(number) < there[name]):
        raise Misuse(f"--topic {text}: {name} has the partitions 0 to {there[name] - 1}.")
    return [TopicPartition(name, int(number))]


def look(inspection: Inspection, cluster: Cluster, topics: Iterable[str]) -> HistoryCluster:
    """All partitions of these topics. Raises `Unreachable` where something is not answered."""
    names = sorted(set(topics))
    partitions = [TopicPartition(name, number) for name in names for number in range(cluster.topics[name])]
    logs = inspection.logs(partitions)
    stable = inspection.readable_ends(partitions)
    commits = inspection.commits(partitions)
    ids = inspection.identities(names)
    unread = [each for each in partitions if each not in logs or each not in stable or each not in commits]
    if unread:
        raise Unreachable(
            f"The brokers did not report the log or the committed offset of {', '.join(map(str, unread))}. "
            f"`{command('check')}` looks at brokers and permissions."
        )
    started = {partition.topic for partition, found in commits.items() if found is not None}
    facts = tuple(
        facts_of(each, logs[each], stable[each], commits[each], ids.get(each.topic), is_started=each.topic in started)
        for each in partitions
    )
    described = {name: PlannedTopic(ids.get(name, ""), cluster.topics[name]) for name in names}
    return HistoryCluster(inspection.cluster_id(), described, facts, inspection.settings(names))


def facts_of(
    partition: TopicPartition,
    log: LogRange,
    stable: int,
    committed: Committed | None,
    topic_id: str | None,
    *,
    is_started: bool,
) -> PartitionFacts:
    """Of one partition; `topic_id` is None where it could not be read."""
    if committed is None:
        return PartitionFacts(partition, log, stable, topic_started=is_started)
    found = start_policy.StartFacts(position=committed.position, position_known=True, range=log, topic_id=topic_id)
    decision = start_policy.resolve(partition, found, StartPoint.ERROR)
    map_ = offset_map.decode(committed.metadata)
    trusted = offset_map.trusted(
        map_, offset=committed.offset, leader_epoch=committed.leader_epoch, topic_id=topic_id or ""
    )
    return PartitionFacts(
        partition,
        log,
        stable,
        committed.offset,
        has_worked=map_ is not None,
        is_unclear=map_ is None and not committed.is_beginning,
        done=() if trusted is None else trusted.done,
        topic_started=True,
        held=decision.detail if isinstance(decision, start_policy.Hold) else None,
    )


def offsets_at(
    inspection: Inspection, partitions: Sequence[TopicPartition], bounds: Iterable[Bound | None]
) -> OffsetsAtTimes:
    """Of the times among these bounds. Raises `Unreachable` where one is not answered."""
    found: OffsetsAtTimes = {}
    for bound in {each for each in bounds if isinstance(each, TimeBound)}:
        found[bound] = inspection.first_at(partitions, bound.epoch_ms)
        missing = [str(each) for each in partitions if each not in found[bound]]
        if missing:
            raise Unreachable(f"The brokers did not say where {bound} is in {', '.join(missing)}.")
    return found


def cut(kafka: Kafka, ranges: Iterable[PlannedRange], mapping: int, logger: logging.Logger) -> None:
    """Commit each range's end as where the group begins. `mapping` is the mapping's number.

    The text says that it is that, so that another plan can tell it from a commit of a bridge. Raises `Misuse` where the
    group has members or may not be used, `Unreachable` where not all was set.
    """
    by_topic: defaultdict[str, dict[TopicPartition, tuple[int, str]]] = defaultdict(dict)
    for each in ranges:
        by_topic[each.topic][each.of] = (each.end, commit_mark.beginning(mapping))
    again = f"`{command('offsets', 'show')}` says what is set; make the plan again."
    for positions in by_topic.values():
        try:
            refused = offset_writer.write(kafka, positions, logger)
        except offset_writer.GroupHasMembersError:
            raise Misuse(
                f"The group {kafka.group_id} has members, so where it begins is decided already, or a moment later. "
                "Stop every replica, and plan again; or plan without --cut once they have committed."
            ) from None
        except offset_writer.NotAllowedError as error:
            raise Misuse(
                f"This user may not commit for the group {kafka.group_id} ({printable(str(error))}). Grant it READ on "
                "the group and on the topics."
            ) from error
        except OSError as error:
            raise Unreachable(
                f"No coordinator of the group {kafka.group_id} confirmed where it begins "
                f"({printable(str(error))}). {again}"
            ) from error
        if refused:
            named = "; ".join(f"{partition}: {printable(why)}" for partition, why in sorted(refused.items()))
            raise Unreachable(f"Not every start was set: {named}. {again}")
