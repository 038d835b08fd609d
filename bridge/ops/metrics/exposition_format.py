"""Renders the catalogue, filled from a snapshot, in Prometheus' text format or in OpenMetrics."""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING, Any

from prometheus_client import ProcessCollector
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.registry import Collector
from prometheus_client.samples import Exemplar

from bridge import counts
from bridge.ops.metrics.catalogue import CATALOGUE, Distribution, Metric, MetricKind, Samples
from bridge.ops.snapshot import Snapshot

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

TEXT = "text/plain; version=0.0.4; charset=utf-8"
OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"
_ACCEPT_OPENMETRICS = "application/openmetrics-text; version=1.0.0"


def media_type(accept: str) -> str:
    """Which of the two formats to answer with.

    Only two, whatever versions a client lists, so that each can be rendered once and shown to everybody.
    """
    return OPENMETRICS if "application/openmetrics-text" in accept else TEXT


class Exposition:
    """Renders snapshots. Keeps nothing between renderings but the process collector's start-up reading."""

    def __init__(self) -> None:
        self._process = ProcessCollector(registry=None)

    def render(self, snapshot: Snapshot, media_type: str) -> bytes:
        """The page. Costs about 4 µs per sample, 8 ms for 300 partitions: see `ops.admin.pages` for how often."""
        if media_type == OPENMETRICS:
            encode, _ = choose_encoder(_ACCEPT_OPENMETRICS)
            return encode(_Families(lambda: _with_units(self._families(snapshot, created=snapshot.started_at))))
        encode, _ = choose_encoder("")
        return encode(_Families(lambda: (family for _, family in self._families(snapshot))))

    def _families(self, snapshot: Snapshot, created: float | None = None) -> Iterator[tuple[Metric, Family]]:
        process = {_exposed_name(family): family for family in self._process.collect()}
        for metric in CATALOGUE:
            if metric.read is not None:
                yield metric, _family(metric, metric.read(snapshot), created)
            elif metric.name in process:
                family = process[metric.name]
                family.documentation = metric.help
                yield metric, family


class _Families(Collector):
    """What an encoder takes: something that is collected once."""

    def __init__(self, collect: Callable[[], Iterator[Family]]) -> None:
        self._collect = collect

    def collect(self) -> Iterable[Family]:
        return self._collect()


def _with_units(families: Iterator[tuple[Metric, Family]]) -> Iterator[Family]:
    """What only OpenMetrics has a line for."""
    for metric, family in families:
        family.unit = metric.openmetrics_unit
        yield family


def _exposed_name(family: Family) -> str:
    return f"{family.name}_total" if family.type == "counter" else family.name


def _family(metric: Metric, reading: Samples | Distribution, created: float | None) -> Family:
    """`created`: Unix time since when it counts; None leaves it out, as the text format has no place for it."""
    if isinstance(reading, Distribution):
        histogram = HistogramMetricFamily(metric.name, metric.help)
        histogram.add_metric([], _buckets(reading), reading.total)
        if created is not None:
            histogram.add_sample(f"{metric.name}_created", {}, created)
        return histogram
    if metric.kind is MetricKind.COUNTER:
        counter = CounterMetricFamily(metric.name, metric.help, labels=metric.labels)
        for labels, number in reading:
            counter.add_metric(labels, number, created=created)
        return counter
    gauge = GaugeMetricFamily(metric.name, metric.help, labels=metric.labels)
    for labels, number in reading:
        gauge.add_metric(labels, number)
    return gauge


def _buckets(distribution: Distribution) -> list[tuple[str, float, Any]]:
    """Cumulative counts under their upper bounds, as the formats want them; the text format leaves exemplars out."""
    bounds = [*(repr(float(bound)) for bound in distribution.bounds), "+Inf"]
    cumulative = accumulate(distribution.counts)
    exemplars = distribution.exemplars
    return [(*each, _exemplar(exemplars.get(n))) for n, each in enumerate(zip(bounds, cumulative, strict=True))]


def _exemplar(kept: counts.Exemplar | None) -> Exemplar | None:
    if kept is None:
        return None
    return Exemplar({"trace_id": kept.trace_id, "span_id": kept.span_id}, kept.seconds, round(kept.at, 3))
