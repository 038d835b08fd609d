"""The traffic with the Track API."""

from __future__ import annotations

from bridge.counts import DURATION_BOUNDS, LATENCY_BOUNDS
from bridge.ops.metrics.declare import (
    Distribution,
    Metric,
    Samples,
    counted,
    counter,
    counters,
    gauge,
    histogram,
)
from bridge.ops.snapshot import Snapshot

DOCUMENTED_STATUSES: tuple[int | None, ...] = (202, 400, 401, 429, None)
RETRY_REASONS = ("rate_limited", "timeout", "connection", "redirect", "too_early", "server_error", "unauthorized")


def _statuses(snapshot: Snapshot) -> Samples:
    stats = snapshot.requests
    counts = dict.fromkeys(DOCUMENTED_STATUSES, 0) | stats.by_status | {None: sum(stats.by_failure.values())}
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
        lambda s: Distribution(DURATION_BOUNDS, s.requests.duration_buckets, s.requests.duration_sum),
    ),
    histogram(
        "delivery_latency_seconds",
        "Time from the timestamp of a record in Kafka to the acceptance of its event.",
        lambda s: Distribution(LATENCY_BOUNDS, s.tally.latency, s.tally.latency_sum),
    ),
    counters(
        "retries_total",
        "attempts",
        "Attempts that will be repeated, by what went wrong.",
        ("reason",),
        lambda s: counted(s.tally.retries, RETRY_REASONS),
    ),
    counter(
        "ambiguous_retries_total",
        "attempts",
        "Attempts repeated although the first may have been accepted: the upper bound of the duplicates caused by it.",
        lambda s: s.tally.ambiguous,
    ),
    gauge("in_flight_requests", "requests", "Requests on the wire.", lambda s: s.in_flight_requests),
    gauge("open_connections", "connections", "Open connections to the Track API.", lambda s: s.requests.connections),
)
