"""What a sink counts, as plain ints: metrics are made of them at scrape time, so counting costs next to nothing."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, field

DURATION_BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""Upper bounds of the request duration histogram, in seconds; one more bucket holds what took longer."""

_CERTIFICATE_KNOWN_FOR = 86_400.0
"""Seconds, without a connection that could show another one."""


@dataclass(slots=True)
class SinkStats:
    """Counters of one sink, since it was made."""

    by_status: dict[int, int] = field(default_factory=dict)
    """Requests answered, by status code."""
    by_failure: dict[str, int] = field(default_factory=dict)
    """Requests without a status: ``timeout | connection | aborted``."""
    duration_buckets: list[int] = field(default_factory=lambda: [0] * (len(DURATION_BOUNDS) + 1))
    """Answered requests by duration, not cumulative, see `DURATION_BOUNDS`."""
    duration_sum: float = 0.0
    connections: int = 0
    """Open now."""
    connections_opened: int = 0
    connections_closed: dict[str, int] = field(default_factory=dict)
    """By reason: ``idle | closed_by_server | server_asked | timeout | aborted | unexpected_data | unreadable |
    too_large | broken | shutdown``; ``readable``: something waited to be read before the next request;
    ``one_request``: the destination's connections carry one request each for a while; ``max_age``; ``address``:
    another address of the name is tried."""
    last_error: str | None = None
    """The last failure without a status, as a sentence."""
    _certificate: tuple[float, float] | None = None
    """When the one that the server showed last ends (Unix time), and when that was (monotonic)."""

    def answered(self, status: int, seconds: float) -> None:
        """One request got an answer with this status, this long after it was handed over."""
        by_status = self.by_status
        by_status[status] = by_status.get(status, 0) + 1
        self.duration_buckets[bisect_left(DURATION_BOUNDS, seconds)] += 1
        self.duration_sum += seconds

    def failed(self, kind: str, sentence: str) -> None:
        """One request ended without a status."""
        self.by_failure[kind] = self.by_failure.get(kind, 0) + 1
        self.last_error = sentence

    def showed_certificate(self, ends: float | None, now: float) -> None:
        """A new connection's server showed one that ends then (Unix time); None without TLS. `now`: monotonic."""
        self._certificate = None if ends is None else (ends, now)

    def server_certificate_ends(self, now: float) -> float | None:
        """Unix time; None where no server has shown a certificate, or none for so long that it may have been renewed.

        A replica without events makes no connections: what it saw months ago would raise a false alarm.
        """
        if self._certificate is None:
            return None
        ends, shown = self._certificate
        return ends if self.connections or now - shown < _CERTIFICATE_KNOWN_FOR else None

    def opened(self) -> None:
        """A connection is there."""
        self.connections += 1
        self.connections_opened += 1

    def closed(self, reason: str) -> None:
        """A connection is gone."""
        self.connections -= 1
        self.connections_closed[reason] = self.connections_closed.get(reason, 0) + 1
