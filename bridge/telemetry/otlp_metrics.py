"""What /metrics shows, as OTLP: the same names, labels and numbers, so that one query reads both."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, Final

from opentelemetry.sdk.metrics import Exemplar
from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    Gauge,
    Histogram,
    HistogramDataPoint,
    Metric,
    MetricsData,
    NumberDataPoint,
    ResourceMetrics,
    ScopeMetrics,
    Sum,
)
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from prometheus_client import ProcessCollector

from bridge import counts
from bridge.ops.metrics.catalogue import CATALOGUE, Distribution, MetricKind, Samples
from bridge.ops.metrics.declare import Metric as Declared
from bridge.ops.snapshot import Snapshot

_CUMULATIVE: Final = AggregationTemporality.CUMULATIVE
_NOT_KNOWN: Final[Any] = None
"""Left out by the encoder: the protocol has these as optional, and the SDK's types have not."""
_UNITS: Final = {"seconds": "s", "bytes": "By", "0 or 1": ""}
"""In UCUM; every other unit is a word about what is counted, which UCUM puts in braces."""


class MetricsReader:
    """Makes OTLP of snapshots."""

    def __init__(self, resource: Resource, scope: InstrumentationScope) -> None:
        self._resource = resource
        self._scope = scope
        self._process = ProcessCollector(registry=None)

    def read(self, snapshot: Snapshot) -> MetricsData:
        """All metrics, as of the snapshot's time."""
        metrics = [_metric(metric, snapshot, values) for metric, values in self._read(snapshot)]
        schema = self._resource.schema_url
        scope = ScopeMetrics(self._scope, [each for each in metrics if each is not None], schema)
        return MetricsData([ResourceMetrics(self._resource, [scope], schema)])

    def _read(self, snapshot: Snapshot) -> Iterator[tuple[Declared, Samples | Distribution]]:
        process = {sample.name: sample.value for family in self._process.collect() for sample in family.samples}
        for metric in CATALOGUE:
            if metric.read is not None:
                yield metric, metric.read(snapshot)
            elif metric.name in process:
                yield metric, [((), process[metric.name])]


def _metric(metric: Declared, snapshot: Snapshot, values: Samples | Distribution) -> Metric | None:
    began, now = round(snapshot.started_at * 1e9), round(snapshot.at * 1e9)
    unit = _UNITS.get(metric.unit, f"{{{metric.unit}}}")
    if isinstance(values, Distribution):
        point = HistogramDataPoint(
            attributes={},
            start_time_unix_nano=began,
            time_unix_nano=now,
            count=sum(values.counts),
            sum=values.total,
            bucket_counts=list(values.counts),
            explicit_bounds=list(values.bounds),
            min=_NOT_KNOWN,
            max=_NOT_KNOWN,
            exemplars=[_exemplar(each) for each in values.exemplars.values()],
        )
        return Metric(metric.name, metric.help, unit, Histogram([point], _CUMULATIVE))
    points = [
        NumberDataPoint(
            attributes=dict(zip(metric.labels, labels, strict=True)),
            start_time_unix_nano=began,
            time_unix_nano=now,
            value=float(number),
        )
        for labels, number in values
        if not math.isnan(number)
    ]
    if not points:
        return None
    is_counter = metric.kind is MetricKind.COUNTER
    return Metric(
        metric.name, metric.help, unit, Sum(points, _CUMULATIVE, is_monotonic=True) if is_counter else Gauge(points)
    )


def _exemplar(kept: counts.Exemplar) -> Exemplar:
    return Exemplar({}, kept.seconds, round(kept.at * 1e9), int(kept.span_id, 16), int(kept.trace_id, 16))
