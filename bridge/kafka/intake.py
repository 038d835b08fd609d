"""How many records the poll thread may take now, and the short sleep until it may take more."""

from __future__ import annotations

import threading
from typing import Final

LARGEST_BATCH: Final = 500
_FIRST_GUESS: Final = 1024
"""Bytes of a record, before any was seen."""


class Intake:
    """Free room, shared by two threads without a lock: each number has one writer.

    The loop says how much room there is as of what it has accepted; what is still on its way to it is subtracted
    here. Reading in the order of `free` can only understate the room.
    """

    def __init__(self, records: int, size: int) -> None:
        self.enough_records = max(1, min(LARGEST_BATCH, records // 8))
        self.enough_bytes = max(1, size // 8)
        """Together: worth waking the poll thread for. Waking it for every single slot costs more than the record."""
        self.capacity = records
        self._room = (records, size)
        self._accepted = (0, 0)
        self._handed_records = 0
        self._handed_bytes = 0
        self._mean = float(_FIRST_GUESS)
        self._waiting = False
        self._woken = threading.Event()

    # --- called on the loop's thread ---------------------------------------------------------------

    def room(self, records: int, size: int) -> None:
        """Free slots and bytes, after everything accepted so far."""
        self._room = (records, size)
        if self._waiting and records >= self.enough_records and size >= self.enough_bytes:
            self._woken.set()

    def accepted(self, records: int, size: int) -> None:
        """These have arrived, and `room` knows of them."""
        total_records, total_bytes = self._accepted
        self._accepted = (total_records + records, total_bytes + size)

    # --- called on the poll thread -----------------------------------------------------------------

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
        if not self._plenty():
            self._wait(patience)
        records, size = self.free()
        if records <= 0 or size <= 0:
            return 0
        return min(records, LARGEST_BATCH, max(1, int(size / max(1.0, self._mean))))

    def half_free(self) -> bool:
        """Whether at least half of all slots are free."""
        return self.free()[0] * 2 >= self.capacity

    def wake(self) -> None:
        """End a sleep at once, whatever the room."""
        self._woken.set()

    def _plenty(self) -> bool:
        records, size = self.free()
        return records >= self.enough_records and size >= self.enough_bytes

    def _wait(self, seconds: float) -> None:
        self._woken.clear()
        self._waiting = True
        if not self._plenty():
            self._woken.wait(seconds)
        self._waiting = False
