"""Every metric the bridge exposes: the exposition, the reference table in docs/operations.md and the checks of
dashboards and alerts all read this table. Adding one is one declaration in a module beside this one, of something that
`bridge.counts` or another part of the snapshot has.
"""

from __future__ import annotations

from bridge.ops.metrics import forecast, group, kinds, letters, limits, partitions, process, records, registry
from bridge.ops.metrics.declare import PREFIX, DashboardRow, Distribution, Metric, MetricKind, Over, Samples

__all__ = ["CATALOGUE", "PREFIX", "DashboardRow", "Distribution", "Metric", "MetricKind", "Over", "Samples"]

CATALOGUE: tuple[Metric, ...] = (
    *records.METRICS,
    *kinds.METRICS,
    *letters.METRICS,
    *limits.METRICS,
    *partitions.METRICS,
    *forecast.METRICS,
    *group.METRICS,
    *registry.METRICS,
    *process.METRICS,
)
"""The process metrics are read from /proc and exist on Linux only."""
