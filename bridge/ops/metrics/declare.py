"""How a metric is declared: name, kind, unit, meaning, labels, where its value comes from, what replicas add up to, and
where the dashboard shows it.

Labels are routes and metadata keys of the configuration, topics, partitions and fixed words; never a user, an event
id or anything else out of a payload.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from bridge.counts import Exemplar
from bridge.ops.snapshot import Snapshot

PREFIX = "track_bridge_"

Samples = Iterable[tuple[tuple[str, ...], float]]
"""Label values in the order of the metric's labels, and the number."""


@dataclass(frozen=True, slots=True)
class Distribution:
    """A histogram: how many observations fell into each bucket.

    `counts[i]` are those ≤ `bounds[i]` and above the bound before it (not cumulative); the last of `counts`, one more
    than there are bounds, is what lies above all of them. `total` is the sum of all observations.
    """

    bounds: Sequence[float]
    counts: Sequence[int]
    total: float
    exemplars: Mapping[int, Exemplar] = field(default_factory=dict)
    """By the number of the bucket."""


class MetricKind(enum.StrEnum):
    """Prometheus' kinds of metrics that are in use here."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


class Over(enum.StrEnum):
    """What makes one number out of those of several replicas.

    Every replica shows what belongs to the group (open dead letters, the token's budget), and an age has no sum: there
    the sum over replicas is a number that means nothing.
    """

    SUM = "sum"
    MAX = "max"
    MIN = "min"


class DashboardRow(enum.StrEnum):
    """The rows of the dashboard that have panels of single metrics."""

    OVERVIEW = "Overview"
    PARTITIONS = "Why each partition is where it is"
    MAPPING = "Mapping"
    GROUP = "Group"
    KAFKA = "Kafka"
    API = "Userpilot Track API"
    BUDGET = "Rate budget"
    USERS = "Users and companies"
    LETTERS = "Dead letters"
    PROCESS = "Resources"


@dataclass(frozen=True, slots=True)
class Shown:
    """A panel of its own: its kind follows from the metric's, and its description is the meaning where none is here.

    Panels that compare several metrics, or reckon with them, are put together in `scripts/dashboard`.
    """

    row: DashboardRow
    title: str
    description: str = ""
    legend: str = ""
    """Behind the names of what a line belongs to."""


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric family, under the name a query uses."""

    name: str
    kind: MetricKind
    unit: str
    meaning: str
    labels: tuple[str, ...]
    read: Callable[[Snapshot], Samples | Distribution] | None
    """None: prometheus_client's process collector reads it."""
    over: Over = Over.SUM
    shown: Shown | None = None
    """None: panels of several metrics show it."""

    @property
    def help(self) -> str:
        """The HELP text."""
        replicas = "" if self.over is Over.SUM else f" Do not sum over replicas: use {self.over}."
        return f"{self.meaning}{replicas} Unit: {self.unit}."

    @property
    def openmetrics_unit(self) -> str:
        """What OpenMetrics calls its unit: only where the name ends in it, as that format demands; else empty."""
        return self.unit if self.name.removesuffix("_total").endswith(f"_{self.unit}") else ""


def counter(
    name: str, unit: str, meaning: str, read: Callable[[Snapshot], float], *, shown: Shown | None = None
) -> Metric:
    """One without labels."""
    return Metric(PREFIX + name, MetricKind.COUNTER, unit, meaning, (), _one(read), shown=shown)


def gauge(
    name: str,
    unit: str,
    meaning: str,
    read: Callable[[Snapshot], float | None],
    over: Over = Over.SUM,
    *,
    shown: Shown | None = None,
) -> Metric:
    """One without labels; None, which is not known, is shown as NaN."""
    return Metric(PREFIX + name, MetricKind.GAUGE, unit, meaning, (), _one(read), over, shown)


def counters(
    name: str, unit: str, meaning: str, labels: tuple[str, ...], read: Callable[[Snapshot], Samples]
) -> Metric:
    """One with labels."""
    return Metric(PREFIX + name, MetricKind.COUNTER, unit, meaning, labels, read)


def gauges(
    name: str,
    unit: str,
    meaning: str,
    labels: tuple[str, ...],
    read: Callable[[Snapshot], Samples],
    over: Over = Over.SUM,
    *,
    shown: Shown | None = None,
) -> Metric:
    """One with labels; what is not known is left out: NaN would spoil every sum."""
    return Metric(PREFIX + name, MetricKind.GAUGE, unit, meaning, labels, read, over, shown)


def age(
    name: str, meaning: str, since: str, read: Callable[[Snapshot], float | None], *, shown: Shown | None = None
) -> tuple[Metric, Metric]:
    """``NAME_age_seconds`` and, beside it, ``NAME_timestamp_seconds``: since when, whatever the clock that asks.

    `read` gives the age; NaN and None: not known. `since` says what was at that time.
    """

    def began(snapshot: Snapshot) -> float | None:
        seconds = read(snapshot)
        return None if seconds is None else snapshot.at - seconds

    return (
        gauge(f"{name}_age_seconds", "seconds", meaning, read, Over.MAX, shown=shown),
        gauge(f"{name}_timestamp_seconds", "seconds", f"Unix time {since}; NaN: not known.", began, Over.MIN),
    )


def histogram(name: str, meaning: str, read: Callable[[Snapshot], Distribution]) -> Metric:
    """Of seconds."""
    return Metric(PREFIX + name, MetricKind.HISTOGRAM, "seconds", meaning, (), read)


def process(name: str, kind: MetricKind, unit: str, meaning: str, over: Over = Over.SUM) -> Metric:
    """One of the process collector's."""
    return Metric(f"process_{name}", kind, unit, meaning, (), None, over)


def counted(counts: Mapping[str, int], known: Iterable[str]) -> Samples:
    """One sample per known word, zero included, and one per further word that was met."""
    return (((word,), count) for word, count in (dict.fromkeys(known, 0) | dict(counts)).items())


def unlimited(rate: float | None) -> float:
    """None is no limit."""
    return math.inf if rate is None else rate


def _one(read: Callable[[Snapshot], float | None]) -> Callable[[Snapshot], Samples]:
    def samples(snapshot: Snapshot) -> Samples:
        number = read(snapshot)
        return (((), math.nan if number is None else number),)

    return samples
