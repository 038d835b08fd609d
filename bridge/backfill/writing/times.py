"""The time in a row: as it happened, with equal rows of different events told apart in the microseconds.

The API is said to know an event by its type, name, user, company and time. Rows that have all of these in common may
become one event there. So the digits that the source does not give come from a hash of the event's id: of a time in
milliseconds the last three, of a whole second all six. That is the same whenever the event is written, and gives a
repeated event the same row once more. A source that gives microseconds is believed. What has milliseconds is told from
whole seconds by the time alone: one in a thousand of them is a whole second, too, and moves by less than one.

Two events can still meet: one hash in a thousand is the same, and what a transaction wrote in one go has one time.
Within a segment (see `writer`) what is taken is remembered, and the next free microsecond is given. Across segments
`check` counts what is left.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import Final

from bridge.backfill.manifest import TimeForm
from bridge.text.moments import of_micros

MOST_REMEMBERED: Final = 100_000
"""Rows. A record may have a million elements; beyond, all is forgotten, at the same row whenever this is done."""
DIGEST: Final = 8
"""Bytes of a hash: of ten million events two are taken for one with a probability of 1 in 370,000."""
_MILLISECOND: Final = 1_000
_SECOND: Final = 1_000_000


def event_digest(event_id: str, number: int) -> bytes:
    """Tells events apart; of one record, by the number of the output."""
    text = f"{event_id}\0{number}" if number else event_id
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=DIGEST).digest()


class DistinctTimes:
    """Gives rows their times. Belongs to one segment."""

    def __init__(self) -> None:
        self._taken: dict[bytes, bytes] = {}
        """By a hash of the row's key and time, whose it is."""
        self._full: dict[bytes, int] = {}
        """By a hash of the key and a millisecond (or a second), the first one behind it that is not full."""

    def of(self, key: bytes, micros: int, event: bytes) -> int:
        """Microseconds since 1970. `key` is what rows have in common, besides the time, to be taken for one."""
        if len(self._taken) >= MOST_REMEMBERED:
            self._taken.clear()
            self._full.clear()
        width = _MILLISECOND if micros % _SECOND else _SECOND
        given = micros % width
        base = micros - given
        wanted = given or int.from_bytes(event) % width
        place = _place(key, base + wanted)
        owner = self._taken.setdefault(place, event)
        return base + wanted if owner == event else self._next_free(key, base, wanted, width, event)

    def _next_free(self, key: bytes, base: int, wanted: int, width: int, event: bytes) -> int:
        began = _place(key, base)
        base = self._full.get(began, base)
        while True:
            for step in range(width):
                micros = base + (wanted + step) % width
                if self._taken.setdefault(_place(key, micros), event) == event:
                    return micros
            base += width
            self._full[began] = base


def _place(key: bytes, micros: int) -> bytes:
    return blake2b(b"%d\0%b" % (micros, key), digest_size=DIGEST).digest()


def written(micros: int, form: TimeForm) -> str:
    """``2024-07-28 08:55:35.874555``, in UTC; ``iso_z``: ``2024-07-28T08:55:35.874555Z``."""
    return of_micros(micros, " ") if form == "space" else f"{of_micros(micros)}Z"
