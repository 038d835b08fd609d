"""The 401 guard: a bad key or a wrong address concerns every record, so it must not burn them one by one."""

from __future__ import annotations

import enum
from typing import Protocol

from bridge.model import Unauthorized


class KeyRuling(enum.Enum):
    """What becomes of an event that was answered `401` (or 403, 404, 405)."""

    LETTER = "letter"
    BACK = "back"
    """Back to the ready queue, to be sent again."""


class Sender(Protocol):
    """Sends with the key: the governor of one kind of request."""

    in_flight: int


class KeyGuard:
    """States: *proven* → *doubted* (one request at a time) → *held* → *unproven* (one at a time) → *proven*.

    One of all kinds: whichever is answered first speaks of the key for all of them.
    """

    __slots__ = (
        "_generation", "_in_a_row", "_recheck", "_unproven", "detail", "held_since", "hold_after", "next_recheck",
        "one_at_a_time", "probe_at", "senders",
    )  # fmt: skip

    def __init__(self, hold_after: int, recheck: float) -> None:
        self.hold_after = hold_after
        """Letters one spell may cost; 0: never hold."""
        self._recheck = recheck
        self._generation: int | None = None
        """Of the key that was last spoken against."""
        self._in_a_row = 0
        self._unproven = False
        self.one_at_a_time = False
        """Whether the next request has to wait for the answer of the one before.

        Kept up to date by every change, because it is asked for every request.
        """
        self.senders: list[Sender] = []
        """Each governor adds itself."""
        self.held_since: float | None = None
        self.probe_at = 0.0
        self.next_recheck = 0.0
        self.detail = ""

    @property
    def is_out(self) -> bool:
        """Whether a request of any kind has no answer yet."""
        return any(sender.in_flight for sender in self.senders)

    @property
    def held(self) -> bool:
        """Whether all sending stopped."""
        return self.held_since is not None

    def unauthorized(self, verdict: Unauthorized, generation: int, now: float) -> KeyRuling:
        """Decide on one such answer; ``generation`` is that of the key the file holds after it was read again."""
        self.detail = verdict.detail
        changed = generation != self._generation
        self._generation = generation
        if verdict.key != generation:
            # Only the first such answer is news: late ones to the old key must not end a hold on the new one.
            if changed:
                self._changed()
            return KeyRuling.BACK
        if self.held:
            return KeyRuling.BACK
        if not self.hold_after:
            return KeyRuling.LETTER
        if self._unproven:
            # The new key is as bad as the old one: the spell continues, and it already cost its letters.
            self._hold(now)
            return KeyRuling.BACK
        self._in_a_row += 1
        self.one_at_a_time = True
        if self._in_a_row >= self.hold_after:
            self._hold(now)
        return KeyRuling.LETTER

    def proven(self) -> bool:
        """An answer came that only a good key and address get; True when that ends a hold."""
        ended = self.held
        self._in_a_row = 0
        self._unproven = self.one_at_a_time = False
        self.held_since = None
        return ended

    def probing(self, now: float) -> None:
        """A request starts while held: whatever its answer, the next probe waits."""
        self.probe_at = now + self._recheck

    def recheck_due(self, now: float) -> bool:
        """Whether to read the key file again."""
        return self.held and now >= self.next_recheck

    def rechecked(self, generation: int, now: float) -> bool:
        """The file was read again while held; True when a changed key ends the hold, still to be proven."""
        self.next_recheck = now + self._recheck
        if generation == self._generation or not self.held:
            return False
        self._generation = generation
        self._changed()
        return True

    def _changed(self) -> None:
        self._unproven = self.one_at_a_time = True
        self._in_a_row = 0
        self.held_since = None

    def _hold(self, now: float) -> None:
        self.one_at_a_time = True
        self.held_since = now
        self.probe_at = self.next_recheck = now + self._recheck
        self._in_a_row = 0
