"""Asks the brokers what `starts.resolve` needs to know of partitions: positions, log ranges, topic ids, times."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from confluent_kafka import IsolationLevel, KafkaException, TopicCollection

from bridge.formats import commit_mark, operator_hold
from bridge.kafka import answers, topic_ids
from bridge.kafka.consumer.starts.start_policy import NO_TIME_FOUND, StartFacts
from bridge.kafka.partitions import from_client, to_client
from bridge.model import LogRange, Position, TopicPartition

if TYPE_CHECKING:
    import logging

    from confluent_kafka import Consumer, KafkaError
    from confluent_kafka.admin import AdminClient

    from bridge.kafka.consumer.starts.settled import Settled

Futures = dict[Any, Any]
"""One future per thing asked about."""

_FIRST_OFFSET: Final = 0
"""Every real offset is at least this; the client's markers for "none" are negative."""


class Lookup:
    """Answers for many partitions at once, under one deadline, with a gap where a question was not answered."""

    def __init__(
        self,
        consumer: Consumer,
        admin: AdminClient,
        logger: logging.Logger,
        settled: Settled,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._consumer = consumer
        self._admin = admin
        self._logger = logger
        self._settled = settled
        self._clock = clock
        self._told: set[tuple[str, int]] = set()

    def find(
        self, partitions: Sequence[TopicPartition], *, time_ms: int | None, budget: float
    ) -> dict[TopicPartition, StartFacts]:
        """What is known of these partitions.

        Of a topic without any position all partitions are returned, also those that were not asked for: its start is
        decided once, for all of them. `time_ms` is looked up only there. Takes at most about `budget` seconds.
        """
        deadline = self._clock() + budget
        if not partitions:
            return {}
        topics = sorted({partition.topic for partition in partitions})
        described = self._ask(
            "topic ids", lambda: self._admin.describe_topics(TopicCollection(topics), request_timeout=budget)
        )
        ranges = self._ask_ranges(partitions, budget)
        found = {partition: StartFacts() for partition in partitions}
        texts: dict[TopicPartition, str] = {}
        for partition, position in self._committed(partitions, deadline, texts).items():
            found[partition] = _found(position, texts.get(partition))
        details = self._collect("topic ids", described, deadline)
        self._siblings(found, details, deadline)
        added = [partition for partition in found if partition not in partitions]
        fresh = [p for p, f in found.items() if f.position_known and f.position is None and not f.topic_started]
        ranges_of_added = self._ask_ranges(added, budget)
        times = self._at_time(fresh, time_ms, deadline)
        latest = self._latest(fresh, deadline)
        # Before anything is committed for them: afterwards they would be what the group settles with.
        settled = self._settled.look(max(0.1, deadline - self._clock())) if fresh else False
        self._look_again(found, [p for p in partitions if p in found], deadline, settled=settled)
        known_ranges = self._ranges(ranges, deadline) | self._ranges(ranges_of_added, deadline)
        return {
            partition: replace(
                facts,
                range=known_ranges.get(partition),
                at_time=times.get(partition),
                latest=latest.get(partition),
                group_settled=settled,
                topic_id=topic_ids.of(details[partition.topic]) if partition.topic in details else None,
            )
            for partition, facts in found.items()
        }

    def _look_again(
        self,
        found: dict[TopicPartition, StartFacts],
        mine: Sequence[TopicPartition],
        deadline: float,
        *,
        settled: bool | None,
    ) -> None:
        """Reads the positions of partitions that would count as added or new once more, now that this is known.

        Another replica that starts at the same moment commits the starts of all partitions of a topic in one request.
        Between our first question and the others it may have done so: what is seen of it then, on partitions of its
        own, would make ours look younger than the group, and they would be read from their beginning.
        """
        without = [
            p
            for p in mine
            if found[p].position_known and found[p].position is None and (found[p].topic_started or settled)
        ]
        texts: dict[TopicPartition, str] = {}
        again = self._committed(without, deadline, texts)
        for partition in without:
            if partition not in again:
                found[partition] = StartFacts()
            elif (position := again[partition]) is not None:
                found[partition] = _found(position, texts.get(partition))

    def ranges(self, partitions: Sequence[TopicPartition], budget: float) -> dict[TopicPartition, LogRange]:
        """The logs' first and last offsets, of those that answered in time."""
        return self._ranges(self._ask_ranges(partitions, budget), self._clock() + budget)

    def _committed(
        self,
        partitions: Iterable[TopicPartition],
        deadline: float,
        texts: dict[TopicPartition, str] | None = None,
    ) -> dict[TopicPartition, Position | None]:
        """Their positions. `texts` gets the whole metadata of each: what travels there beside the offset map."""
        wanted = [to_client(partition) for partition in partitions]
        if not wanted:
            return {}
        try:
            read = self._consumer.committed(wanted, timeout=max(0.1, deadline - self._clock()))
        except KafkaException as error:
            self._logger.warning("the group's positions could not be read: %s", answers.error_of(error).str())
            return {}
        known: dict[TopicPartition, Position | None] = {}
        for each in read:
            partition = from_client(each)
            if each.error is not None:
                self._logger.warning("%s: the group's position could not be read: %s", partition, each.error.str())
            elif each.offset >= _FIRST_OFFSET:
                if texts is not None:
                    texts[partition] = each.metadata or ""
                known[partition] = Position(each.offset, commit_mark.unmarked(each.metadata), each.leader_epoch)
            else:
                known[partition] = None
        return known

    def _siblings(self, found: dict[TopicPartition, StartFacts], described: Mapping[str, Any], deadline: float) -> None:
        """Says of partitions without a position whether their topic has positions elsewhere."""
        for topic in sorted({p.topic for p, facts in found.items() if facts.position_known and not facts.position}):
            mine = [partition for partition in found if partition.topic == topic]
            count = self._partitions(topic, described.get(topic), deadline)
            all_of_it = [TopicPartition(topic, number) for number in range(count)]
            others = self._committed([p for p in all_of_it if p not in found], deadline)
            if any(found[partition].position for partition in mine) or any(others.values()):
                for partition in mine:
                    found[partition] = replace(found[partition], topic_started=True)
                continue
            known = set(others) | {partition for partition in mine if found[partition].position_known}
            if count and known.issuperset(all_of_it):
                found |= dict.fromkeys(others, StartFacts(position_known=True))
            else:
                # Whether this is a new topic or a new partition cannot be told: guessing would skip or repeat events.
                found |= dict.fromkeys(mine, StartFacts())

    def _partitions(self, topic: str, described: Any, deadline: float) -> int:
        """How many partitions a topic has; 0 where that is not known."""
        if described is not None:
            return len(described.partitions)
        try:
            # Not the consumer's own: called within one of its callbacks, its `list_topics` ends the process.
            metadata = self._admin.list_topics(timeout=max(0.1, deadline - self._clock()))
        except KafkaException as error:
            self._tell("partition counts", answers.error_of(error))
            return 0
        return len(metadata.topics[topic].partitions) if topic in metadata.topics else 0

    def _at_time(
        self, partitions: Sequence[TopicPartition], time_ms: int | None, deadline: float
    ) -> dict[TopicPartition, int]:
        if time_ms is None or not partitions:
            return {}
        spec = answers.at_time(time_ms)
        asked = self._ask(
            "offsets by time",
            lambda: self._admin.list_offsets(
                {to_client(p): spec for p in partitions},
                request_timeout=max(0.1, deadline - self._clock()),
            ),
        )
        found = self._collect("offsets by time", asked, deadline)
        return {from_client(p): result.offset if result.offset >= 0 else NO_TIME_FOUND for p, result in found.items()}

    def _latest(self, partitions: Sequence[TopicPartition], deadline: float) -> dict[TopicPartition, int]:
        """The last stable offsets: what a transaction holds that is open now can be read only when it ends."""
        if not partitions:
            return {}
        asked = self._ask(
            "last stable offsets",
            lambda: self._admin.list_offsets(
                {to_client(p): answers.LATEST for p in partitions},
                isolation_level=IsolationLevel.READ_COMMITTED,
                request_timeout=max(0.1, deadline - self._clock()),
            ),
        )
        found = self._collect("last stable offsets", asked, deadline)
        return {from_client(p): result.offset for p, result in found.items()}

    def _ask_ranges(self, partitions: Sequence[TopicPartition], budget: float) -> tuple[Futures, Futures]:
        """Two requests on their way: for the first offsets and for the ends."""
        if not partitions:
            return {}, {}

        def ask(spec: answers.OffsetSpec) -> Futures:
            wanted = {to_client(p): spec for p in partitions}
            return self._ask("log ranges", lambda: self._admin.list_offsets(wanted, request_timeout=budget))

        return ask(answers.EARLIEST), ask(answers.LATEST)

    def _ranges(self, asked: tuple[Futures, Futures], deadline: float) -> dict[TopicPartition, LogRange]:
        first, end = (
            {from_client(p): result.offset for p, result in self._collect("log ranges", futures, deadline).items()}
            for futures in asked
        )
        return {p: LogRange(first[p], end[p]) for p in first if p in end}

    def _ask(self, what: str, question: Callable[[], Futures]) -> Futures:
        try:
            return question()
        except (KafkaException, ValueError) as error:
            self._tell(what, answers.error_of(error))
            return {}

    def _collect(self, what: str, futures: Futures, deadline: float) -> dict[Any, Any]:
        collected = answers.collect(futures, deadline)
        for error in collected.errors.values():
            self._tell(what, error)
        return collected.results

    def _tell(self, what: str, error: KafkaError) -> None:
        """Once per question and error: a cluster that lacks something lacks it at every rebalance."""
        if (what, error.code()) not in self._told:
            self._told.add((what, error.code()))
            self._logger.warning("the cluster did not answer about %s: %s", what, error.str())


def _found(position: Position | None, metadata: str | None) -> StartFacts:
    return StartFacts(
        position,
        position_known=True,
        subscription=commit_mark.subscription_of(metadata),
        operator_hold=operator_hold.of_metadata(metadata),
    )
