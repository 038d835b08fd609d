"""What lies ahead: when nothing waits any more, and from when on records are deleted unsent."""

from __future__ import annotations

import math
from collections.abc import Callable

from bridge.ops.metrics.declare import DashboardRow, Metric, Over, Samples, Shown, gauges
from bridge.ops.snapshot import Snapshot
from bridge.ops.status.forecast import Forecast, LostBy, Pace, of_snapshot, together


def _per_topic(seconds: Callable[[Forecast, float], float | None]) -> Callable[[Snapshot], Samples]:
    """A number that is not known is left out."""

    def samples(snapshot: Snapshot) -> Samples:
        topics: dict[str, list[Forecast]] = {}
        for partition, found in of_snapshot(snapshot).partitions.items():
            topics.setdefault(partition.topic, []).append(found)
        for topic, several in topics.items():
            number = seconds(together(several, snapshot.at), snapshot.at)
            if number is not None:
                yield (topic,), number

    return samples


def _until_empty(found: Forecast, now: float) -> float | None:
    if found.empty_at is not None:
        return max(0.0, found.empty_at - now)
    return None if found.pace is Pace.UNKNOWN else math.inf


def _until_loss(found: Forecast, now: float) -> float | None:
    if found.loses_from is not None:
        return max(0.0, found.loses_from - now)
    return math.inf if found.lost_by is LostBy.NOTHING else None


METRICS: tuple[Metric, ...] = (
    gauges(
        "forecast_empty_seconds",
        "seconds",
        "Time until no record waits any more in this replica's partitions of a topic, new ones included, at the pace of"
        " the last minutes and by the rate budget of now; +Inf: never at this pace; absent: not known.",
        ("topic",),
        _per_topic(_until_empty),
        Over.MAX,
        shown=Shown(DashboardRow.PARTITIONS, "Forecast: time until nothing waits"),
    ),
    gauges(
        "forecast_loss_seconds",
        "seconds",
        "Time until Kafka deletes records of a topic for their age before this replica has sent them, at the rate of"
        " the last minutes; 0: from now on; +Inf: none at this rate; absent: not known.",
        ("topic",),
        _per_topic(_until_loss),
        Over.MIN,
        shown=Shown(DashboardRow.PARTITIONS, "Forecast: time until records are deleted unsent"),
    ),
)
