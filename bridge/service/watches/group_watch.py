"""Looks at the whole group now and then: the topics that ought to be read, who reads them, how far, and what waits."""

from __future__ import annotations

import asyncio
import itertools
import logging
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from bridge.config.sections import Kafka
from bridge.config.topics import consumed_topics, topic_patterns
from bridge.holds import Reason
from bridge.kafka.admin import sampler
from bridge.kafka.admin.committed import Committed, GroupReader, ViewRefusedError, other_mappings
from bridge.kafka.admin.group_description import GroupDescription
from bridge.kafka.admin.group_findings import CommitAges, Steadiness, UnreadRecords, done_above, problems, unread
from bridge.kafka.admin.group_members import GroupMembers, MemberFacts
from bridge.kafka.admin.inspection import Inspection
from bridge.limiter import RareLog
from bridge.model import TopicPartition
from bridge.ops import group_view
from bridge.ops.group_view import GroupView, LookAnswers, MemberView, PartitionStanding, TopicProblem
from bridge.ops.log.events import Events
from bridge.ops.snapshot import OldestOpen
from bridge.service.watches.tasks import end

EVERY: Final = 10.0
"""Seconds between two looks; longer where there are many partitions."""
SOON: Final = 2.0
"""The same for the first looks: a process that has just joined learns most."""
FIRST_LOOKS: Final = 4
PARTITIONS_A_SECOND: Final = 100
RIGHTS_EVERY: Final = 30.0
RIGHTS_ASKED: Final = 200
"""Topics whose permissions are asked for; of more, the first by name."""


@dataclass(frozen=True, slots=True, eq=False)
class Here:
    """What the watch asks of this replica."""

    partitions: Callable[[], Mapping[TopicPartition, int | None]]
    """Assigned partitions, each with the lowest offset that is not complete; None: it was never read."""
    nothing_open: Callable[[], Collection[TopicPartition]]
    """Those of them of which no record has been taken that is not complete."""
    topic_problems: Callable[[], Mapping[str, tuple[Reason, str]]]
    """What the poll thread knows of topics that are missing or may not be read."""
    kafka_answers: Callable[[], bool]
    complaints: Callable[[], int]
    """How many errors of connections the consumer has reported so far."""
    mapping: Callable[[], int]
    """The number of the mapping that this process works by."""
    former: Callable[[], Collection[int]]
    """Those of the mappings that it worked by before."""


class GroupWatch:
    """One task, on the loop; what it asks waits on threads."""

    def __init__(
        self, kafka: Kafka, inspection: Inspection, reader: GroupReader, events: Events, here: Here,
        logger: logging.Logger, anew: Callable[[], MemberFacts] | None = None,
    ) -> None:  # fmt: skip
        """`anew` opens another client to ask for members: one that saw the coordinator go may never find it again."""
        self.view = GroupView(topics=group_view.topics(consumed_topics.topics_of(kafka), LookAnswers({}, {})))
        self.standings: Mapping[TopicPartition, PartitionStanding] = {}
        self.unread: Mapping[TopicPartition, OldestOpen] = {}
        """The oldest record that nobody has taken yet, of partitions of this replica where nothing is open."""
        self._kafka = kafka
        self._topics = consumed_topics.topics_of(kafka)
        self._inspection = inspection
        self._members = GroupMembers(inspection, anew or (lambda: Inspection(kafka, logger)))
        self._reader = reader
        self._events = events
        self._here = here
        self._logger = logger
        self._log = RareLog(logger)
        self._commits = CommitAges()
        self._waiting = UnreadRecords()
        self._problems: dict[str, TopicProblem] = {}
        self._rights: Mapping[str, frozenset[str]] = {}
        self._rights_due = 0.0
        self._steadiness = Steadiness(time.monotonic())
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to look."""
        self._task = asyncio.create_task(self._run(), name="group-watch")

    async def stop(self) -> None:
        """Look no more. A question that is under way is not waited for."""
        await end(self._task)

    async def _run(self) -> None:
        for looks in itertools.count(1):
            if self._here.kafka_answers():
                try:
                    await self._look()
                except (OSError, ViewRefusedError) as error:
                    self._logger.debug("the group could not be looked at: %s", error)
                except Exception as defect:  # noqa: BLE001 - it only looks: no defect of it is worth a delivery
                    self._log.write(logging.ERROR, f"the group could not be looked at: {defect!r}; please report this")
            least = SOON if looks < FIRST_LOOKS else EVERY
            await asyncio.sleep(self._pause(least))

    @property
    def usual(self) -> float:
        """Seconds between two looks, but for the first."""
        return self._pause(EVERY)

    def _pause(self, least: float) -> float:
        return max(least, len(self.standings) / PARTITIONS_A_SECOND)

    async def _look(self) -> None:
        topics = await self._reader.topics()
        partitions = [TopicPartition(topic, number) for topic, count in topics.items() for number in range(count)]
        committed = await self._reader.committed()
        mine = self._here.partitions()
        ends = await asyncio.to_thread(self._inspection.readable_ends, partitions)
        starts = await asyncio.to_thread(self._inspection.starts, _starts_wanted(partitions, committed, mine))
        await self._ask_rights(topics)
        now = time.monotonic()
        self._commits.observe(committed, ends, now)
        group = await self._ask_members(committed, ends, mine, now)
        owners = None if group is None else group.owners
        self.standings = {
            partition: PartitionStanding(
                committed=found.offset if (found := committed.get(partition)) is not None else None,
                start=starts.get(partition),
                done_above=done_above(found) if found is not None and partition in mine else 0,
                end=ends.get(partition),
                owner=None if owners is None or partition not in owners else str(owners[partition]),
                is_owned=None if group is None else group.is_owned(partition),
                still_for=self._commits.still_for(partition, now),
            )
            for partition in partitions
        }
        self._tell(self._problems_of(topics))
        facts = LookAnswers(topics, self.standings, self._problems, frozenset(mine))
        self.view = GroupView(
            at=time.time(),
            state=None if group is None else group.state,
            members=None if group is None else _members(group),
            topics=group_view.topics(self._topics, facts),
            mapping=self._here.mapping(),
            other_mappings=self._other_mappings(committed, mine),
        )
        await self._look_at_unread()

    async def _ask_members(
        self,
        committed: Mapping[TopicPartition, Committed],
        ends: Mapping[TopicPartition, int],
        mine: Collection[TopicPartition],
        now: float,
    ) -> GroupDescription | None:
        """Only where the answer explains something: partitions of others do not move.

        librdkafka up to 2.16 aborts the process where a coordinator goes away under this question (an assertion about
        its `eonce` fails). So it is never asked while connections fail.
        """
        stands_still = any(
            partition not in mine
            and ends.get(partition, 0) > found.offset
            and self._commits.still_for(partition, now) >= group_view.STALLED_AFTER
            for partition, found in committed.items()
        )
        is_steady = self._steadiness.observe(self._here.complaints(), now)
        return await self._members.members() if stands_still and is_steady else None

    def _other_mappings(
        self, committed: Mapping[TopicPartition, Committed], mine: Collection[TopicPartition]
    ) -> Mapping[int, tuple[TopicPartition, ...]]:
        """What this process committed itself before it took another mapping over is no other's."""
        number, former = self._here.mapping(), self._here.former()
        others = {
            partition: each
            for partition, each in committed.items()
            if not (each.mapping in former and partition in mine)
        }
        found = other_mappings(others, number, time.time())
        if found.keys() - self.view.other_mappings.keys():
            self._events.mappings_differ(mine=number, others=found)
        return found

    # --- topics that yield nothing --------------------------------------------------------------------

    async def _ask_rights(self, topics: Iterable[str]) -> None:
        if time.monotonic() < self._rights_due:
            return
        self._rights_due = time.monotonic() + RIGHTS_EVERY
        self._rights = await asyncio.to_thread(self._inspection.allowed_on_topics, sorted(topics)[:RIGHTS_ASKED])

    def _problems_of(self, topics: Mapping[str, int]) -> dict[str, TopicProblem]:
        now, told, known = time.time(), self._here.topic_problems(), self._problems
        found = problems(self._topics, topics, told, self._rights)
        return {
            topic: TopicProblem(reason, detail, known[topic].since if topic in known else now)
            for topic, (reason, detail) in found.items()
        }

    def _tell(self, problems: dict[str, TopicProblem]) -> None:
        """Log what is new and what is over, but for patterns: what matches nothing today may be meant for tomorrow."""
        known, self._problems = self._problems, problems
        for topic, problem in problems.items():
            if topic_patterns.is_pattern(topic):
                continue
            if topic not in known or known[topic].reason is not problem.reason:
                self._events.held(problem.reason, detail=problem.detail, topic=topic)
        for topic, problem in known.items():
            if topic not in problems and not topic_patterns.is_pattern(topic):
                self._events.released(problem.reason, seconds=time.time() - problem.since, topic=topic)

    # --- records that nobody has taken yet ------------------------------------------------------------

    async def _look_at_unread(self) -> None:
        begins = unread(self._here.partitions(), self._here.nothing_open(), self.standings)
        wanted = self._waiting.observe(begins, time.time())
        if wanted:
            found = await asyncio.to_thread(sampler.written_at, self._kafka, wanted, self._logger)
            self._waiting.written(wanted, found, time.time())
        self.unread = self._waiting.oldest()


def _starts_wanted(
    partitions: Sequence[TopicPartition],
    committed: Collection[TopicPartition],
    mine: Mapping[TopicPartition, int | None],
) -> list[TopicPartition]:
    """Where the beginning of the log says something that the committed offset does not."""
    return [each for each in partitions if each not in committed or each in mine]


def _members(group: GroupDescription) -> tuple[MemberView, ...]:
    return tuple(MemberView(m.instance or m.client_id, m.host, len(m.partitions)) for m in group.members)
