"""Whether this process is still a member of its group, so that its partitions are its own.

A process that was suspended and resumed (SIGSTOP, SIGCONT) does not know that the group continued without it. Until the
coordinator has answered it again, every request it starts may be another replica's as well.
"""

from __future__ import annotations

GAP = 2.0
"""Seconds between two looks at the clock that mean the process was suspended."""


class Membership:
    """The last heartbeat that was answered, and whether one is needed. All times are monotonic seconds."""

    __slots__ = ("_answered_at", "_asked_at", "_doubted_at", "_gap_at", "_seen_at", "member_until", "session")

    def __init__(self, session: float, now: float) -> None:
        self.session = session
        """Seconds that an answer is good for: so long the coordinator does not give up on a silent member."""
        self._answered_at: float | None = None
        self._asked_at: float | None = None
        self._seen_at = now
        self._gap_at = float("-inf")
        """Answers count from here on."""
        self._doubted_at = now
        self.member_until = float("-inf")
        """Requests may start before this time. A plain attribute: it is asked for every request."""

    def looked(self, now: float) -> None:
        """The loop runs; must be called far more often than every `GAP` seconds."""
        if now - self._seen_at > GAP:
            self.forget(now)
        self._seen_at = now

    def answered(self, issued_at: float) -> None:
        """The coordinator acknowledged a request that was issued at this time."""
        if issued_at >= self._gap_at and (self._answered_at is None or issued_at > self._answered_at):
            self._answered_at = issued_at
            self._doubted_at = self.member_until = issued_at + self.session

    def lasts(self, seconds: float) -> None:
        """An answered heartbeat is good for so long, the last one included."""
        self.session = seconds
        if self._answered_at is not None:
            self._doubted_at = self.member_until = self._answered_at + seconds

    def forget(self, now: float) -> None:
        """The partitions were lost: what was answered, and what is on its way to be, was another membership."""
        self._gap_at = self._doubted_at = now
        self._answered_at = None
        self._asked_at = None
        self.member_until = float("-inf")

    def is_member(self, now: float) -> bool:
        """Whether a request may start."""
        return now < self.member_until

    def should_ask(self, now: float) -> bool:
        """Whether to ask the coordinator now; True at most once a second, in time before the last answer expires."""
        if self._answered_at is not None and now - self._answered_at < self.session / 3:
            return False
        if self._asked_at is not None and now - self._asked_at < 1.0:
            return False
        self._asked_at = now
        return True

    def doubted_since(self, now: float) -> float:
        """Since when no request may start."""
        return min(now, self._doubted_at)

    def age(self, now: float) -> float | None:
        """Seconds since the last heartbeat that was answered."""
        return None if self._answered_at is None else now - self._answered_at
