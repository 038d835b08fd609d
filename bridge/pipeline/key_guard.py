"""The 401 guard: a bad key or a wrong address concerns every record, so it must not burn them one by one."""

from __future__ import annotations

import enum

from bridge.model import Unauthorized


class KeyRuling(enum.Enum):
    """What becomes of an event that was answered `401` (or 403, 404, 405)."""

    LETTER = "letter"
    BACK = "back"
    """Back to its lane, to be sent again."""


class KeyGuard:
    """States: *proven* → *doubted* (one request at a time) → *held* → *unproven* (one at a time) → *proven*."""

    __slots__ = ("_in_a_row", "_recheck", "_unproven", "detail", "held_since", "hold_after", "next_recheck", "probe_at")

    def __init__(self, hold_after: int, recheck: float) -> None:
        self.hold_after = hold_after
        """Letters one spell may cost; 0: never hold."""
        self._recheck = recheck
        self._in_a_row = 0
        self._unproven = False
        self.held_since: float | None = None
        self.probe_at = 0.0
        self.next_recheck = 0.0
        self.detail = ""

    @property
    def held(self) -> bool:
        """Whether all sending stopped."""
        return self.held_since is not None

    @property
    def one_at_a_time(self) -> bool:
        """Whether the next request has to wait for the answer of the one before."""
        return self.held_since is not None or self._unproven or (self._in_a_row > 0 and self.hold_after > 0)

    def unauthorized(self, verdict: Unauthorized, generation: int, now: float) -> KeyRuling:
        """Decide on one such answer; ``generation`` is that of the key the file holds after it was read again."""
        self.detail = verdict.detail
        if verdict.key != generation:
            self._changed()
            return KeyRuling.BACK
        if self.held:
            self.probe_at = now + self._recheck
            return KeyRuling.BACK
        if not self.hold_after:
            return KeyRuling.LETTER
        if self._unproven:
            # The new key is as bad as the old one: the spell goes on, and it already cost its letters.
            self._hold(now)
            return KeyRuling.BACK
        self._in_a_row += 1
        if self._in_a_row >= self.hold_after:
            self._hold(now)
        return KeyRuling.LETTER

    def proven(self) -> bool:
        """An answer came that only a good key and address get; True when that ends a hold."""
        ended = self.held
        self._in_a_row = 0
        self._unproven = False
        self.held_since = None
        return ended

    def recheck_due(self, now: float) -> bool:
        """Whether to read the key file again."""
        return self.held and now >= self.next_recheck

    def rechecked(self, changed: bool, now: float) -> bool:  # noqa: FBT001 - the answer to one question
        """The file was read again while held; True when a changed key ends the hold, still to be proven."""
        self.next_recheck = now + self._recheck
        if not changed or not self.held:
            return False
        self._changed()
        return True

    def _changed(self) -> None:
        self._unproven = True
        self._in_a_row = 0
        self.held_since = None

    def _hold(self, now: float) -> None:
        self.held_since = now
        self.probe_at = self.next_recheck = now + self._recheck
        self._in_a_row = 0
