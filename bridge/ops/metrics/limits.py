"""What is held in memory, and what keeps requests from going."""

from __future__ import annotations

from bridge.holds import GATES
from bridge.ops.metrics.declare import (
    DashboardRow,
    Metric,
    Over,
    Samples,
    Shown,
    age,
    counter,
    gauge,
    gauges,
    unlimited,
)
from bridge.ops.snapshot import Snapshot


def _blocked(snapshot: Snapshot) -> Samples:
    closed = {block.gate for block in snapshot.blocks}
    return (((gate.value,), gate in closed) for gate in GATES)


METRICS: tuple[Metric, ...] = (
    # --- buffers --------------------------------------------------------------------------------------------------
    gauge("buffered_records", "records", "Records held in memory.", lambda s: s.tally.buffered),
    gauge("buffered_bytes", "bytes", "Keys, values and headers held in memory.", lambda s: s.tally.buffered_bytes),
    gauge("parked_records", "records", "Records waiting for the time of their next attempt.", lambda s: s.parked),
    gauge(
        "paused",
        "0 or 1",
        "1 while consumption is paused because the buffers stayed full.",
        lambda s: s.paused,
        Over.MAX,
    ),
    gauge(
        "failing_users",
        "users",
        "Users whose next event failed and is tried again; what else delivery.ordering keeps in order.",
        lambda s: s.failing_users,
    ),
    gauge(
        "failing_records",
        "records",
        "Records that failed or wait behind one of their user; at most about five times delivery.max_buffered.",
        lambda s: s.tally.behind,
    ),
    gauge(
        "failing_paused_partitions",
        "partitions",
        "Partitions that pause because as many records as may wait behind users whose events fail.",
        lambda s: sum(partition.crowded for partition in s.partitions),
    ),
    # --- what keeps requests from going ---------------------------------------------------------------------------
    gauge(
        "rate_limit",
        "requests per second",
        "The configured budget of the API token, for all replicas together: that of events, which identify and company"
        " requests share with delivery.shared_rate_limit; +Inf: unlimited.",
        lambda s: unlimited(s.rate.limit),
        Over.MAX,
    ),
    gauge(
        "rate_share",
        "requests per second",
        "The part of that budget this replica may use now; +Inf: unlimited.",
        lambda s: unlimited(s.rate.share),
    ),
    *age(
        "rate_view",
        "Age of the view of the consumer group the share is computed from; NaN: there is none.",
        "of the view of the consumer group the share is computed from",
        lambda s: s.rate.view_age,
        shown=Shown(
            DashboardRow.BUDGET,
            "Age of the view of the group",
            "The share is computed from it; a replica whose view is old sends a trickle. NaN: there is none.",
        ),
    ),
    counter(
        "rate_limited_seconds_total",
        "seconds",
        "Time in which something, of any kind, was ready to be sent and only the rate of its budget kept it.",
        lambda s: s.rate.limited_seconds,
    ),
    gauges(
        "blocked",
        "0 or 1",
        "1 while this reason keeps the whole process, or all its events, from sending. An outage or a pause of identify"
        " or company requests alone is in track_bridge_kind_blocked.",
        ("reason",),
        _blocked,
        Over.MAX,
    ),
)
