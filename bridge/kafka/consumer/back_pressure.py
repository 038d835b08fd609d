"""How many records the poll thread may take now, and the short sleep until it may take more."""

from __future__ import annotations

import threading
from typing import Final

from bridge.kafka.consumer.thread.hand_over import HOLDING

LARGEST_BATCH: Final = 500
SMALLEST_BATCH: Final = 32
"""However slow records are to accept: a hand-over has a price of its own."""
_FIRST_GUESS: Final = 1024
"""Bytes of a record, before any was seen."""


class BackPressure:
    """Free room, shared by two threads without a lock: each number has one writer.

    The loop says how much room there is as of what it has accepted; what is still on its way to it is subtracted
    here. Reading in the order of `free` can only understate the room.
    """

    def __init__(self, records: int, size: int) -> None:
        # Waking the poll thread for every single slot costs more than the record. Both it and what it takes then are
        # fewer where a record takes long to accept.
        self._largest = LARGEST_BATCH
        self._seconds = 0.0
        """That accepting a record takes, on average of late."""
        self._worth_waking = (max(1, min(LARGEST_BATCH, records // 8)), max(1, size // 8))
        self._half = (max(1, records // 2), 1)
        self._room = (records, size)
        self._accepted = (0, 0)
        self._handed_records = 0
        self._handed_bytes = 0
        self._mean = float(_FIRST_GUESS)
        self._awaited: tuple[int, int] | None = None
        self._woken = threading.Event()

    # --- called on the loop's thread ---------------------------------------------------------------

    def room(self, records: int, size: int) -> None:
        """Free slots and bytes, after everything accepted so far."""
        self._room = (records, size)
        awaited = self._awaited
        if awaited is not None and records >= awaited[0] and size >= awaited[1]:
            self._woken.set()

    def accepted(self, records: int, size: int, seconds: float) -> None:
        """These have arrived, and `room` knows of them; it took the loop so many seconds."""
        total_records, total_bytes = self._accepted
        self._accepted = (total_records + records, total_bytes + size)
        if records:
            self._seconds += (seconds / records - self._seconds) * min(1.0, records / 1000)
            most = int(HOLDING / self._seconds) if self._seconds > 0 else LARGEST_BATCH
            self._largest = max(SMALLEST_BATCH, min(LARGEST_BATCH, most))

    def wake(self) -> None:
        """End a sleep at once, whatever the room; one that has not begun yet does not begin."""
        self._woken.set()

    # --- called on the poll thread -----------------------------------------------------------------

    @property
    def woken(self) -> bool:
        """Whether somebody ended a sleep, or would have, since the last `rearm`."""
        return self._woken.is_set()

    def rearm(self) -> None:
        """Forget earlier wakes. Call it before looking at what they were for: a later one must not be missed."""
        self._woken.clear()

    def handed(self, records: int, size: int) -> None:
        """These are on their way to the loop."""
        self._handed_records += records
        self._handed_bytes += size
        if records:
            self._mean += (size / records - self._mean) * min(1.0, records / 1000)

    def free(self) -> tuple[int, int]:
        """Free slots and bytes, possibly below zero."""
        accepted_records, accepted_bytes = self._accepted
        room_records, room_bytes = self._room
        return (
            room_records - (self._handed_records - accepted_records),
            room_bytes - (self._handed_bytes - accepted_bytes),
        )

    def take(self, patience: float) -> int:
        """How many records to take now, 0 for none; sleeps up to `patience` seconds until there is room worth it.

        Bytes are judged by the mean size so far, and the first record by nothing: one always fits.
        """
        largest = self._largest
        worth_records, worth_bytes = self._worth_waking
        self._wait((min(worth_records, largest), worth_bytes), patience)
        records, size = self.free()
        if records <= 0 or size <= 0:
            return 0
        return min(records, largest, max(1, int(size / max(1.0, self._mean))))

    def wait_for_half(self, patience: float) -> bool:
        """Sleep up to `patience` seconds until half of all slots are free; whether they are."""
        return self._wait(self._half, patience)

    def _wait(self, wanted: tuple[int, int], seconds: float) -> bool:
        if self._has(wanted):
            return True
        self._awaited = wanted
        if not self._has(wanted):
            self._woken.wait(seconds)
        self._awaited = None
        return self._has(wanted)

    def _has(self, wanted: tuple[int, int]) -> bool:
        records, size = self.free()
        return records >= wanted[0] and size >= wanted[1]
