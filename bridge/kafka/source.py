"""The poll thread: it owns the consumer, hands records to the event loop and takes positions back to the broker."""

from __future__ import annotations

import asyncio
import concurrent.futures
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from bridge.kafka.consumption import Consumption, HeldReason, Tracker
from bridge.model import Position, TopicPartition

if TYPE_CHECKING:
    from bridge.config.sections import Kafka


class Source:
    """Interface as built; see `Consumption` for the other direction."""

    def __init__(
        self,
        kafka: Kafka,
        consumption: Consumption,
        *,
        loop: asyncio.AbstractEventLoop,
        logger: logging.Logger,
        abort: Callable[[], None],
        records: int,
        bytes_: int,
    ) -> None:
        self.last_poll: float
        """Monotonic time at which the poll thread was last seen alive; also kept fresh while it waits for a drain."""
        self.joined: bool
        """Whether this member belongs to the group at present (an assignment of nothing counts)."""
        self.draining: bool
        self.held: Mapping[TopicPartition, tuple[HeldReason, str]]
        self.problems: Sequence[str]
        """What an operator should know now: missing topics, refused authorisations. Sentences."""

    def start(self) -> None: ...

    def stop(self) -> concurrent.futures.Future[None]: ...

    def room(self, records: int, bytes_: int) -> None:
        """Free slots and free bytes as of now (absolute, may be negative); call it in `accept` and when slots come free."""

    def store(self, positions: Sequence[tuple[Tracker, Position]], /) -> None: ...

    def prove_membership(self) -> None: ...

    def pause_topic(self, topic: str, /) -> None: ...

    def pause_partition(self, tracker: Tracker, /) -> None: ...

    def ends(self) -> Mapping[TopicPartition, int]:
        """The last known end offset of each assigned partition, without network."""
