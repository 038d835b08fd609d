"""The emulated rate limit: so many accepted requests in any window, as the API documents 600 a minute."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RateLimit:
    """`requests` in any `window` seconds; what is refused does not count."""

    requests: int
    window: float = 60.0
    retry_after: bool = False
    """Whether a 429 says when to come back. The API documents no such header."""


class RateWindow:
    """A sliding window over the requests let through."""

    def __init__(self, limit: RateLimit) -> None:
        self.limit = limit
        self._passed: deque[float] = deque()

    def wait(self, now: float) -> float:
        """0 and the request counts, or the seconds until the next one may pass."""
        passed = self._passed
        while passed and passed[0] <= now - self.limit.window:
            passed.popleft()
        if len(passed) < self.limit.requests:
            passed.append(now)
            return 0.0
        return passed[0] + self.limit.window - now if passed else self.limit.window


def busiest_window(times: list[float], window: float) -> int:
    """The most events any half-open window of this length holds; `times` ascending."""
    most = first = 0
    for last, time in enumerate(times):
        while times[first] <= time - window:
            first += 1
        most = max(most, last - first + 1)
    return most
