"""Asks the brokers what `start_policy.resolve` needs to know: committed offsets, log ranges, topic ids, times."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import TYPE_CHECKING, Any, NamedTuple

from confluent_kafka import IsolationLevel, KafkaException, TopicCollection

from bridge.kafka import answers, topic_ids
from bridge.kafka.admin import committed
from bridge.kafka.admin.committed import Committed
from bridge.kafka.consumer.starts.start_policy import NO_TIME_FOUND, StartFacts
from bridge.kafka.partitions import from_client, to_client
from bridge.limiter import once
from bridge.model import LogRange, TopicPartition

if TYPE_CHECKING:
    from confluent_kafka import KafkaError

    from bridge.kafka.consumer.starts.settled import Settled
    from bridge.kafka.consumer.thread.context import ConsumerContext

Futures = dict[Any, Any]
"""One future per thing asked about."""

CommittedOffsets = dict[TopicPartition, Committed | None]
"""Of those that the group coordinator answered for; None where there is none."""


class _Elsewhere(NamedTuple):
    """Of a topic with a partition without a committed offset."""

    has_committed: bool | None
    """Whether the group has a committed offset on any of its partitions; None where that cannot be told."""
    others: Sequence[TopicPartition]
    """The topic's partitions that were not asked for."""


class Lookup:
    """Answers for many partitions at once, under one deadline, with a gap where a question was not answered."""

    def __init__(self, context: ConsumerContext, settled: Settled) -> None:
        self._consumer = context.consumer
        self._admin = context.admin
        self._logger = context.logger
        self._clock = context.clock
        self._settled = settled
        self._complaints = once()

    def find(
        self, partitions: Sequence[TopicPartition], *, time_ms: int | None, budget: float
    ) -> dict[TopicPartition, StartFacts]:
        """What is known of these partitions.

        Of a topic without any committed offset all partitions are returned, also those that were not asked for: its
        start is decided once, for all of them. `time_ms` is looked up only there. Takes at most about `budget` seconds.
        """
        if not partitions:
            return {}
        deadline = self._clock() + budget
        names = TopicCollection(sorted({partition.topic for partition in partitions}))
        asked_topics = self._ask("topic ids", lambda: self._admin.describe_topics(names, request_timeout=budget))
        first = self._committed(partitions, deadline)
        topics = self._collect("topic ids", asked_topics, deadline)
        asked_ranges = self._ask_ranges(partitions, max(0.1, deadline - self._clock()))
        elsewhere = self._elsewhere(frozenset(partitions), first, topics, deadline)
        # Of the rest nothing is decided: whether it is new cannot be told, and guessing would skip or repeat events.
        decidable = {p: each for p, each in first.items() if each or elsewhere[p.topic].has_committed is not None}
        added = [p for topic in elsewhere.values() if topic.has_committed is False for p in topic.others]
        fresh = [p for p, each in decidable.items() if not each and not elsewhere[p.topic].has_committed] + added
        asked_ranges_of_added = self._ask_ranges(added, max(0.1, deadline - self._clock()))
        times = self._at_time(fresh, time_ms, deadline)
        latest = self._latest(fresh, deadline)
        # Before anything is committed for them: afterwards they would be what the group settles with.
        settled = self._settled.look(max(0.1, deadline - self._clock())) if fresh else False
        # Another replica that starts at the same moment commits the starts of all partitions of a topic in one request.
        # Between our first question and the others it may have done so: what is seen of it then, on partitions of its
        # own, would make ours look younger than the group, and they would be read from their beginning. So those that
        # would count as added or new are asked for again, now that this is known.
        younger = {p for p, each in decidable.items() if not each and (elsewhere[p.topic].has_committed or settled)}
        older = {p: each for p, each in decidable.items() if p not in younger}
        committed_offsets = older | self._committed(younger, deadline) | dict.fromkeys(added)
        ranges = self._ranges(asked_ranges, deadline) | self._ranges(asked_ranges_of_added, deadline)
        return {
            p: StartFacts(
                position=None if (each := committed_offsets.get(p)) is None else each.position,
                position_known=p in committed_offsets,
                topic_started=p.topic in elsewhere and elsewhere[p.topic].has_committed is True,
                range=ranges.get(p),
                at_time=times.get(p),
                latest=latest.get(p),
                topic_id=topic_ids.of(topics[p.topic]) if p.topic in topics else None,
                subscription=None if each is None else each.subscription,
                operator_hold=None if each is None else each.operator_hold,
                group_settled=settled,
            )
            for p in (*partitions, *added)
        }

    def ranges(self, partitions: Sequence[TopicPartition], budget: float) -> dict[TopicPartition, LogRange]:
        """The logs' first and last offsets, of those that answered in time."""
        return self._ranges(self._ask_ranges(partitions, budget), self._clock() + budget)

    # --- committed offsets --------------------------------------------------------------------------

    def _committed(self, partitions: Iterable[TopicPartition], deadline: float) -> CommittedOffsets:
        wanted = [to_client(partition) for partition in partitions]
        if not wanted:
            return {}
        try:
            read = self._consumer.committed(wanted, timeout=max(0.1, deadline - self._clock()))
        except KafkaException as error:
            self._logger.warning("the group's committed offsets could not be read: %s", answers.error_of(error).str())
            return {}
        for each in read:
            if each.error is not None:
                self._logger.warning(
                    "%s: the group's committed offset could not be read: %s", from_client(each), each.error.str()
                )
        return {from_client(each): committed.of_client(each) for each in read if each.error is None}

    def _elsewhere(
        self, asked: AbstractSet[TopicPartition], first: CommittedOffsets, topics: Mapping[str, Any], deadline: float
    ) -> dict[str, _Elsewhere]:
        """By topic, of those with a partition that was found without a committed offset."""
        found: dict[str, _Elsewhere] = {}
        for topic in sorted({partition.topic for partition, each in first.items() if each is None}):
            count = self._partitions(topic, topics.get(topic), deadline)
            all_of_it = [TopicPartition(topic, number) for number in range(count)]
            others = [partition for partition in all_of_it if partition not in asked]
            known = {p: each for p, each in first.items() if p.topic == topic} | self._committed(others, deadline)
            is_all_known = bool(all_of_it) and known.keys() >= set(all_of_it)
            found[topic] = _Elsewhere(True if any(known.values()) else False if is_all_known else None, others)
        return found

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
        if self._complaints.admit((what, error.code())):
            self._logger.warning("the cluster did not answer about %s: %s", what, error.str())
