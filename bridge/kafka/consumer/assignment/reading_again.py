"""Takes a partition back to a record that was handed over and not taken in: the loop could not keep it for so long."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from confluent_kafka import KafkaException

if TYPE_CHECKING:
    from bridge.kafka.consumer.thread.consumption import Tracker
    from bridge.kafka.consumer.thread.context import ConsumerContext

_RETRY: Final = 1.0
"""Seconds until a client that refused to go back is asked again."""


class ReadingAgain:
    """Belongs to the poll thread. The partition is paused when it is asked for, and stays so."""

    def __init__(self, context: ConsumerContext) -> None:
        self._consumer = context.consumer
        self._partitions = context.partitions
        self._hand_over = context.hand_over
        self._logger = context.logger
        self._clock = context.clock
        self._refused: dict[Tracker, tuple[int, float]] = {}
        """Where these have to go, and when that is tried again."""

    def begin(self, tracker: Tracker, offset: int) -> None:
        """Go there, and tell the loop: behind all that was handed over before, and before what comes from there."""
        entry = self._partitions.of(tracker)
        if entry is None:
            return  # It is not ours any more, which the loop hears as well.
        try:
            self._consumer.seek(entry.client_partition(offset))
        except KafkaException as error:
            self._logger.warning("%s: could not go back to offset %d: %s", entry.partition, offset, error)
            self._refused[tracker] = (offset, self._clock() + _RETRY)
            return
        entry.next_offset = offset
        # What the client said of how far it came was said of a later place, and its position is one until it hands out
        # the next record: taken for this one's, it would be a gap, and the records in it would be skipped.
        entry.end_seen, entry.first_position, entry.standing = -1, None, None
        self._hand_over.tell(self._hand_over.consumption.reads_again, tracker)

    def carry_on(self) -> None:
        """Try again what was refused. Call it about once a second."""
        now = self._clock()
        for tracker, (offset, due) in list(self._refused.items()):
            if now >= due:
                del self._refused[tracker]
                self.begin(tracker, offset)
