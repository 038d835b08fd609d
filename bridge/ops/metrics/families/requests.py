"""The traffic with the Track API."""

from __future__ import annotations

from bridge.ops.metrics.families.declare import Metric, Samples, counted, counter, counters, gauge, histogram
from bridge.ops.snapshot import Snapshot

DOCUMENTED_STATUSES: tuple[int | None, ...] = (202, 400, 401, 429, None)
RETRY_REASONS = ("rate_limited", "timeout", "connection", "redirect", "too_early", "server_error", "unauthorized")


def _statuses(snapshot: Snapshot) -> Samples:
    counts = dict.fromkeys(DOCUMENTED_STATUSES, 0) | dict(snapshot.requests.by_status)
    return ((("none" if status is None else str(status),), count) for status, count in counts.items())


METRICS: tuple[Metric, ...] = (
    # --- requests -------------------------------------------------------------------------------------------------
    counters(
        "requests_total",
        "requests",
        "Requests to the Track API that ended, by status; none: no whole answer came.",
        ("status",),
        _statuses,
    ),
    histogram(
        "request_duration_seconds",
        "Time from the start of a request to the end of its answer.",
        lambda s: s.requests.duration,
    ),
    histogram(
        "delivery_latency_seconds",
        "Time from the timestamp of a record in Kafka to the acceptance of its event.",
        lambda s: s.requests.latency,
    ),
    counters(
        "retries_total",
        "attempts",
        "Attempts that will be repeated, by what went wrong.",
        ("reason",),
        lambda s: counted(s.requests.retries, RETRY_REASONS),
    ),
    counter(
        "ambiguous_retries_total",
        "attempts",
        "Attempts repeated although the first may have been accepted: the upper bound of the duplicates caused by it.",
        lambda s: s.requests.ambiguous_retries,
    ),
    gauge("in_flight_requests", "requests", "Requests on the wire.", lambda s: s.requests.in_flight),
    gauge("open_connections", "connections", "Open connections to the Track API.", lambda s: s.requests.connections),
)
