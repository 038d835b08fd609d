"""Committed offsets of a group that a test makes up: what brokers keep, in memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from bridge.errors import Misuse
from bridge.fleet.acts.offset_change import OffsetChange
from bridge.fleet.acts.offset_planning import Read
from bridge.formats.losses import Lost
from bridge.formats.resolutions import Author
from bridge.kafka.admin.committed import Committed
from bridge.kafka.admin.group_description import GroupDescription, Member
from bridge.kafka.consumer.starts.partition_offsets import PartitionOffsets
from bridge.model import LogRange, TopicPartition

if TYPE_CHECKING:
    from bridge.kafka.admin.inspection import Inspection

IT = TopicPartition("shop.orders", 1)


@dataclass
class BooksInMemory:
    """Of one partition: its log, and what is committed."""

    log: LogRange = field(default_factory=lambda: LogRange(500, 900))
    committed: int = 100
    moment: int | None = 600
    """Where every time is."""
    members: tuple[str, ...] = ("bridge-1",)
    refuses: str = ""
    """What brokers say of each commit."""
    written: list[tuple[int, int]] = field(default_factory=list)
    """Partition and offset."""
    recorded: list[tuple[Lost, Author]] = field(default_factory=list)
    unrecorded: str | None = None

    def read(self, where: str) -> Read:
        """As `OffsetBooks` does."""
        if where != str(IT):
            raise Misuse(f"{where}: not a consumed topic of this cluster. There are {IT.topic}.")
        state = PartitionOffsets(IT, self.log, self.log.end - 10, Committed(self.committed, "", leader_epoch=4), "")
        members = tuple(Member(each, "10.0.0.1", None, (IT,)) for each in self.members)
        group = GroupDescription("stable" if members else "empty", "", "classic", members)
        return Read(cast("Inspection", self), group, (state,), ())

    def first_at(self, partitions: Sequence[TopicPartition], _epoch_ms: int) -> dict[TopicPartition, int | None]:
        """As `Inspection` does."""
        return dict.fromkeys(partitions, self.moment)

    def commits(self, partitions: Sequence[TopicPartition]) -> dict[TopicPartition, Committed | None]:
        """As `Inspection` does."""
        return {each: Committed(self.committed, "", leader_epoch=4) for each in partitions}

    def write(self, changes: Sequence[OffsetChange]) -> dict[TopicPartition, str]:
        """As `OffsetBooks` does."""
        if self.refuses:
            return {each.before.partition: self.refuses for each in changes}
        self.written += [(each.before.partition.partition, each.offset) for each in changes]
        self.committed = changes[0].offset
        return {}

    def record(self, changes: Sequence[OffsetChange], by: Author) -> str | None:
        """As `OffsetBooks` does."""
        self.recorded += [(each.lost, by) for each in changes if each.lost is not None]
        return self.unrecorded
