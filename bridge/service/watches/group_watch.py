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
from bridge.config.topics.consumed_topics import ConsumedTopics
from bridge.formats import offset_map
from bridge.holds import Reason
from bridge.kafka.admin import oldest
from bridge.kafka.admin.committed import Committed, other_mappings
from bridge.kafka.admin.group_description import GroupDescription
from bridge.kafka.admin.group_reader import GroupReader, ViewRefusedError
from bridge.kafka.admin.inspection import Inspection
from bridge.limiter import RareLog
from bridge.model import TopicPartition
from bridge.ops import group_view
from bridge.ops.group_view import GroupView, LookAnswers, MemberView, PartitionStanding, TopicProblem
from bridge.ops.log.events import Events
from bridge.ops.snapshot import OldestOpen

EVERY: Final = 10.0
"""Seconds between two looks; longer where there are many partitions."""
SOON: Final = 2.0
"""The same for the first looks: a process that has just joined learns most."""
FIRST_LOOKS: Final = 4
PARTITIONS_A_SECOND: Final = 100
STEADY: Final = 20.0
"""Seconds without an error of any connection, after which the group's coordinator may be asked for the members."""
RIGHTS_EVERY: Final = 30.0
RIGHTS_ASKED: Final = 200
"""Topics whose permissions are asked for; of more, the first by name."""
TIMESTAMPS_A_LOOK: Final = 50
TIMESTAMP_AGAIN: Final = 60.0
"""Seconds until a timestamp that could not be read is asked for again."""


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
    mapping: int
    """The number of the mapping that this process works by."""


class GroupWatch:
    """One task, on the loop; what it asks waits on threads."""

    def __init__(
        self, kafka: Kafka, inspection: Inspection, reader: GroupReader, events: Events, here: Here,
        logger: logging.Logger,
    ) -> None:  # fmt: skip
        self.view = GroupView(topics=group_view.topics(consumed_topics.topics_of(kafka), LookAnswers({}, {})))
        self.standings: Mapping[TopicPartition, PartitionStanding] = {}
        self.unread: Mapping[TopicPartition, OldestOpen] = {}
        """The oldest record that nobody has taken yet, of partitions of this replica where nothing is open."""
        self._kafka = kafka
        self._topics = consumed_topics.topics_of(kafka)
        self._inspection = inspection
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
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

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
        stands_still = any(
            partition not in mine
            and ends.get(partition, 0) > found.offset
            and self._commits.still_for(partition, now) >= group_view.STALLED_AFTER
            for partition, found in committed.items()
        )
        # librdkafka up to 2.16 aborts the process where a coordinator goes away under this question (an assertion about
        # its `eonce` fails). So it is asked only where its answer explains something, and never while connections fail.
        is_steady = self._steadiness.observe(self._here.complaints(), now)
        group = await asyncio.to_thread(self._inspection.group) if stands_still and is_steady else None
        owners = None if group is None else group.owners
        self.standings = {
            partition: PartitionStanding(
                committed=found.offset if (found := committed.get(partition)) is not None else None,
                start=starts.get(partition),
                done_above=done_above(found) if found is not None and partition in mine else 0,
                end=ends.get(partition),
                owner=None if owners is None or partition not in owners else str(owners[partition]),
                is_owned=None if owners is None else partition in owners,
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
            mapping=self._here.mapping,
            other_mappings=self._other_mappings(committed),
        )
        await self._look_at_unread()

    def _other_mappings(
        self, committed: Mapping[TopicPartition, Committed]
    ) -> Mapping[int, tuple[TopicPartition, ...]]:
        found = other_mappings(committed, self._here.mapping, time.time())
        if found.keys() - self.view.other_mappings.keys():
            self._events.mappings_differ(mine=self._here.mapping, others=found)
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
            found = await asyncio.to_thread(oldest.written_at, self._kafka, wanted, self._logger)
            self._waiting.written(wanted, found, time.time())
        self.unread = self._waiting.oldest()


def done_above(committed: Committed) -> int:
    """Offsets above the committed one that its map calls done; 0 where the map was made for another position.

    Whether it is of this very topic is not asked for here: a topic that was created again is held for that.
    """
    found = offset_map.decode(committed.metadata)
    trusted = offset_map.trusted(
        found,
        offset=committed.offset,
        leader_epoch=committed.leader_epoch,
        topic_id="" if found is None else found.topic_id,
    )
    return 0 if trusted is None else sum(len(each) for each in trusted.done)


class CommitAges:
    """Since when records have waited at each partition without a new commit: of its offset or the text beside it."""

    def __init__(self) -> None:
        self._last: dict[TopicPartition, tuple[Committed, float]] = {}
        """Only of partitions where records wait: a commit that is old because nothing came is no sign of death."""

    def observe(
        self, committed: Mapping[TopicPartition, Committed], ends: Mapping[TopicPartition, int], now: float
    ) -> None:
        """What is committed at this monotonic time, and where the logs end."""
        self._last = {
            partition: last if (last := self._last.get(partition)) is not None and last[0] == found else (found, now)
            for partition, found in committed.items()
            if found.offset < ends.get(partition, 0)
        }

    def still_for(self, partition: TopicPartition, now: float) -> float:
        """Seconds for which records were seen waiting without a new one; 0 where none wait."""
        last = self._last.get(partition)
        return 0.0 if last is None else now - last[1]


class Steadiness:
    """Whether the brokers' connections have held for a while."""

    def __init__(self, now: float) -> None:
        self._heard = 0
        self._since = now

    def observe(self, complaints: int, now: float) -> bool:
        """From the number of errors so far."""
        if complaints != self._heard:
            self._heard, self._since = complaints, now
        return now - self._since >= STEADY


class UnreadRecords:
    """The first record that waits in each partition where nothing is taken: since when, and when it was written."""

    def __init__(self) -> None:
        self._first: dict[TopicPartition, tuple[int, float]] = {}
        self._written: dict[tuple[TopicPartition, int], float | None] = {}
        self._again: dict[tuple[TopicPartition, int], float] = {}

    def observe(self, begins: Mapping[TopicPartition, int], now: float) -> dict[TopicPartition, int]:
        """Where records wait; returns those whose timestamp is to be read. `now` is in Unix seconds.

        Only what waited at the last look as well: where records flow, nothing has to be read for it.
        """
        before, self._first = self._first, {}
        wanted: dict[TopicPartition, int] = {}
        for partition, offset in begins.items():
            known = before.get(partition)
            stays = known is not None and known[0] == offset
            self._first[partition] = known if stays and known is not None else (offset, now)
            key = (partition, offset)
            if stays and self._written.get(key) is None and now >= self._again.get(key, 0.0):
                wanted[partition] = offset
        keys = set(self._first_keys())
        self._written = {key: at for key, at in self._written.items() if key in keys}
        self._again = {key: at for key, at in self._again.items() if key in keys}
        return dict(sorted(wanted.items())[:TIMESTAMPS_A_LOOK])

    def written(self, asked: Mapping[TopicPartition, int], found: Mapping[TopicPartition, float], now: float) -> None:
        """The timestamps that were read of those asked for."""
        for partition, offset in asked.items():
            self._written[partition, offset] = found.get(partition)
            self._again[partition, offset] = now + TIMESTAMP_AGAIN

    def oldest(self) -> dict[TopicPartition, OldestOpen]:
        """By partition; without a timestamp its age counts from when it was first seen waiting."""
        return {
            partition: OldestOpen(offset, since=since, timestamp=self._written.get((partition, offset)))
            for partition, (offset, since) in self._first.items()
        }

    def _first_keys(self) -> Iterable[tuple[TopicPartition, int]]:
        return ((partition, offset) for partition, (offset, _) in self._first.items())


def problems(
    configured: ConsumedTopics,
    topics: Collection[str],
    told: Mapping[str, tuple[Reason, str]],
    rights: Mapping[str, frozenset[str]],
) -> dict[str, tuple[Reason, str]]:
    """Why topics yield nothing, by topic; a pattern stands for itself where it matches none.

    `topics` are those this user sees; `told` is what a question for each name said; `rights` are operations by topic.
    """
    found: dict[str, tuple[Reason, str]] = {}
    for entry in configured.entries:
        if topic_patterns.is_pattern(entry):
            if not any(topic_patterns.matches(entry, topic, configured.reading) for topic in topics):
                detail = f"kafka.topics: no topic matches {entry} now; one that appears is read without a restart"
                found[entry] = Reason.TOPIC_MISSING, detail
        elif entry not in topics:
            unseen = f"kafka.topics: topic {entry} does not exist on this cluster, or this user may not see it"
            found[entry] = told.get(entry) or (Reason.TOPIC_MISSING, unseen)
    for topic, operations in rights.items():
        if topic in topics and operations and "READ" not in operations:
            found[topic] = Reason.NOT_AUTHORISED, f"kafka.topics: this user may not read topic {topic}"
    return found


def unread(
    mine: Mapping[TopicPartition, int | None],
    nothing_open: Collection[TopicPartition],
    standings: Mapping[TopicPartition, PartitionStanding],
) -> dict[TopicPartition, int]:
    """The offset of the first record that waits, of this replica's partitions where no record is open.

    One whose committed offset is outside its log begins where the log does.
    """
    begins: dict[TopicPartition, int] = {}
    for partition in nothing_open:
        standing = standings.get(partition)
        if standing is None or standing.end is None or partition not in mine:
            continue
        offset = mine[partition]
        if offset is None:
            offset = standing.committed
        if standing.start is not None and (offset is None or not standing.start <= offset <= standing.end):
            offset = standing.start
        if offset is not None and offset < standing.end:
            begins[partition] = offset
    return begins


def _starts_wanted(
    partitions: Sequence[TopicPartition],
    committed: Collection[TopicPartition],
    mine: Mapping[TopicPartition, int | None],
) -> list[TopicPartition]:
    """Where the beginning of the log says something that the committed offset does not."""
    return [each for each in partitions if each not in committed or each in mine]


def _members(group: GroupDescription) -> tuple[MemberView, ...]:
    return tuple(MemberView(m.instance or m.client_id, m.host, len(m.partitions)) for m in group.members)
