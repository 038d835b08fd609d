"""What follows from looks at the group, one after the other: what stands still, waits, or yields nothing. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Final

from bridge.config.topics import topic_patterns
from bridge.config.topics.consumed_topics import ConsumedTopics
from bridge.formats import offset_map
from bridge.holds import Reason
from bridge.kafka.admin.committed import Committed
from bridge.model import TopicPartition
from bridge.ops.group_view import PartitionStanding
from bridge.ops.snapshot import OldestOpen

STEADY: Final = 20.0
"""Seconds without an error of any connection, after which the group's coordinator may be asked for the members."""
TIMESTAMPS_A_LOOK: Final = 50
TIMESTAMP_AGAIN: Final = 60.0
"""Seconds until a timestamp that could not be read is asked for again."""


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
