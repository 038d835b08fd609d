"""What the brokers say of one partition, and what of it is done: decided as the bridge itself decides. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from bridge.config.keys.scalars import StartPoint
from bridge.formats import offset_map
from bridge.holds import Reason
from bridge.kafka.admin.committed import Committed
from bridge.kafka.consumer.starts import start_policy
from bridge.model import LogRange, Position, TopicPartition


@dataclass(frozen=True, slots=True)
class PartitionOffsets:
    """What the brokers said of one partition of a topic that is consumed."""

    partition: TopicPartition
    log: LogRange
    stable: int
    """Up to where it can be read: the last stable offset."""
    committed: Committed | None
    """None: the group has no committed offset."""
    topic_id: str | None
    """Empty on a cluster that has none; None where it could not be read."""

    @property
    def hold(self) -> start_policy.Hold | None:
        """Why a bridge would not read from the committed offset: decided as the bridge does."""
        if self.committed is None:
            return None
        position = Position(self.committed.offset, self.committed.metadata, self.committed.leader_epoch)
        found = start_policy.StartFacts(position=position, position_known=True, range=self.log, topic_id=self.topic_id)
        decision = start_policy.resolve(self.partition, found, StartPoint.ERROR)
        return decision if isinstance(decision, start_policy.Hold) else None

    @property
    def problem(self) -> start_policy.Hold | None:
        """The same, or that an operator holds it."""
        hold = self.hold
        if hold is None and self.committed is not None and self.committed.operator_hold is not None:
            return start_policy.of_operator(self.committed.operator_hold)
        return hold

    @property
    def map(self) -> offset_map.OffsetMap | None:
        """The offset map of the commit, where it is to be believed."""
        if self.committed is None:
            return None
        return offset_map.trusted(
            offset_map.decode(self.committed.metadata),
            offset=self.committed.offset,
            leader_epoch=self.committed.leader_epoch,
            topic_id=self.topic_id or "",
        )

    @property
    def done(self) -> tuple[range, ...]:
        """What is done above the committed offset."""
        return () if self.map is None else self.map.done

    @property
    def first_open(self) -> int:
        """The lowest offset that is not known to be done.

        Of an offset in another log (none, one above the end, one of an earlier topic) nothing is known: all of the
        present log is open.
        """
        hold = self.hold
        if self.committed is None or self.committed.offset > self.log.end:
            return self.log.first
        if hold is not None and hold.reason is Reason.RECREATED:
            return self.log.first
        return self.committed.offset

    @property
    def lag(self) -> int:
        """Offsets that can be read and are not done: an upper bound of the records that wait."""
        return self._open(max(self.first_open, self.log.first), self.stable)

    def is_done(self, offset: int) -> bool:
        """Whether nothing is left to do for what is at this offset, as the group has it."""
        if self.committed is None or self.first_open != self.committed.offset:
            return False  # of this log nothing is known to be
        return offset < self.committed.offset or any(offset in each for each in self.done)

    def open_before(self, offset: int) -> int:
        """Offsets of the log below this one that are not done: an upper bound of the records that wait before it."""
        return self._open(max(self.first_open, self.log.first), offset)

    def _open(self, start: int, stop: int) -> int:
        return max(0, stop - start) - within(self.done, start, stop)


def within(ranges: Iterable[range], start: int, stop: int) -> int:
    """How many of the offsets from `start` to below `stop` are in these ranges."""
    return sum(max(0, min(each.stop, stop) - max(each.start, start)) for each in ranges)
