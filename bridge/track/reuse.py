"""Whether a connection may carry a second request: learned from what became of those that did.

HTTP/1.1 tells answers apart by their order alone. On a connection where more came than was asked for, the next answer
may be another request's; one that a server closes without a word costs the request that was just written to it.
"""

from __future__ import annotations

from typing import Final

SPELL: Final = 300.0
"""Seconds in which each connection carries one request, after the destination gave a reason. What a destination that
goes on costs is a few requests per spell; what a restarted load balancer costs is a spell's handshakes."""
_A_DEATH: Final = 4
_TOO_MANY: Final = 12


class Reuse:
    """Three connections that died under a request without a byte of an answer, hardly any carried one well between."""

    __slots__ = ("_again_at", "suspicion")

    def __init__(self) -> None:
        self._again_at = float("-inf")
        self.suspicion = 0
        """Above 0: whoever sees a connection carry another request well calls `worked`."""

    def allowed(self, now: float) -> bool:
        """Whether a connection opened now may carry more than one request."""
        return now >= self._again_at

    def worked(self) -> None:
        """A connection that had carried a request carried another one."""
        self.suspicion = max(0, self.suspicion - 1)

    def died(self, now: float) -> bool:
        """A connection that had carried a request ended under the next one; True when that is once too often."""
        self.suspicion += _A_DEATH
        if self.suspicion < _TOO_MANY:
            return False
        return self.stop(now)

    def stop(self, now: float) -> bool:
        """Something came that nobody asked for: once is too often. True, for the sake of `died`."""
        self.suspicion = 0
        self._again_at = now + SPELL
        return True
