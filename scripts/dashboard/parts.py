"""What the panels are put together from: PromQL over the chosen replicas, and the looks that repeat.

Every query keeps the releases apart (cluster, namespace, job) and says in its legend whose line it is. What replicas
add up to is summed for each release; what belongs to one replica has its pod, too. Above the panels all of these are
chosen, pods included.
"""

from __future__ import annotations

from typing import Final, Literal

from bridge.ops.metrics.catalogue import PREFIX, Metric, MetricKind, Over
from bridge.ops.metrics.declare import Shown
from scripts.dashboard.layout import CHOSEN, Panel, Query

COUNT, PER_SECOND, REQUESTS, SECONDS, BYTES, SHARE = "short", "cps", "reqps", "s", "bytes", "percentunit"
RED_ABOVE_0: Final = ((None, "green"), (1e-9, "red"))
LINES: Final = {"legend": {"displayMode": "list", "placement": "bottom"}, "tooltip": {"mode": "multi", "sort": "desc"}}
STACKED: Final = {"stacking": {"mode": "normal"}, "fillOpacity": 30}
BIG: Final = {"reduceOptions": {"calcs": ["lastNotNull"]}, "colorMode": "background", "graphMode": "none"}
NAMES: Final = {**BIG, "textMode": "name"}
PLAIN: Final = {**BIG, "colorMode": "none"}
STATES: Final = {"showValue": "never", "mergeValues": True, "legend": {"showLegend": False}}

RELEASE: Final = ("cluster", "namespace", "job")
REPLICA: Final = (*RELEASE, "pod", "instance")
_NAMED: Final = "{{cluster}} {{namespace}}/{{job}}"

How = Literal["sum", "max", "min"] | Over


def all_of(name: str, *more: str) -> str:
    """A metric of the chosen replicas, by its name without the prefix."""
    return _selected(f"track_bridge_{name}", more)


def process(name: str) -> str:
    """The same for one of the process collector's."""
    return _selected(f"process_{name}", ())


def _selected(name: str, more: tuple[str, ...]) -> str:
    chosen = ",".join((*(f'{label}=~"${label}"' for label in CHOSEN), *more))
    return f"{name}{{{chosen}}}"


def by(how: How, expr: str, *labels: str, within: tuple[str, ...] = RELEASE) -> str:
    """One number for each release (or replica) and each value of the further labels."""
    return f"{how} by ({', '.join((*within, *labels))}) ({expr})"


def legend(text: str, *labels: str, within: tuple[str, ...] = RELEASE) -> str:
    """Whose line it is, then what it shows."""
    pods = tuple(f"{{{{{label}}}}}" for label in within if label not in RELEASE)
    return " ".join((_NAMED, *pods, *(f"{{{{{label}}}}}" for label in labels), *filter(None, (text,))))


def of_release(how: How, name: str, text: str, *labels: str) -> Query:
    """A gauge, for each release."""
    return Query(by(how, all_of(name), *labels), legend(text, *labels))


def of_replica(how: How, name: str, text: str, *labels: str) -> Query:
    """A gauge, for each replica."""
    return Query(by(how, all_of(name), *labels, within=REPLICA), legend(text, *labels, within=REPLICA))


def of_process(name: str, text: str) -> Query:
    """One of the process collector's, for each replica."""
    return Query(by("max", process(name), within=REPLICA), legend(text, within=REPLICA))


def rate(name: str, *more: str, per: tuple[str, ...] = (), within: tuple[str, ...] = RELEASE) -> str:
    """How many a second, of all replicas of a release together (or of each)."""
    return by("sum", f"rate({all_of(name, *more)}[$__rate_interval])", *per, within=within)


def rates(name: str, text: str, *labels: str) -> Query:
    """A counter's rate, for each release."""
    return Query(rate(name, per=labels), legend(text, *labels))


def increase(name: str, time: str, text: str, *labels: str, within: tuple[str, ...] = RELEASE) -> Query:
    """What a counter gained within this time (5m, 1h)."""
    return Query(
        by("sum", f"increase({all_of(name)}[{time}])", *labels, within=within), legend(text, *labels, within=within)
    )


def gained(name: str) -> str:
    """How many within the time that is shown.

    `increase` does not see what a process counted before its first scrape: of one that began within that time, all it
    has counted is taken instead.

    """
    young = f"time() - {process('start_time_seconds')} < $__range_s"
    same = "on (cluster, namespace, job, instance)"
    whole = f"{all_of(name)} and {same} ({young})"
    return by("sum", f"({whole}) or increase({all_of(name)}[$__range])")


def quantiles(name: str) -> list[Query]:
    """Of a histogram, over all replicas of a release."""
    buckets = rate(f"{name}_bucket", per=("le",))
    return [
        Query(f"histogram_quantile({share}, {buckets})", legend(label))
        for share, label in ((0.5, "half"), (0.95, "95 %"), (0.99, "99 %"))
    ]


def lines(title: str, description: str, unit: str, *queries: Query, stacked: bool = False) -> Panel:
    """A graph over time."""
    look = STACKED if stacked else {"fillOpacity": 0}
    return Panel(title, description, unit, queries, options=LINES, look=look)


def since(title: str, description: str, *queries: Query) -> Panel:
    """Moments, as how long ago they were; the queries give Unix seconds."""
    in_ms = tuple(Query(f"({query.expr}) * 1000", query.legend) for query in queries)
    return Panel(title, description, "dateTimeFromNow", in_ms, kind="stat", width=12, options=PLAIN, nothing="nothing")


def states(title: str, description: str, query: Query) -> Panel:
    """A band for each series, coloured while it is 1."""
    return Panel(
        title,
        description,
        "bool_yes_no",
        (query,),
        kind="state-timeline",
        width=12,
        options=STATES,
        colours=((None, "transparent"), (1, "red")),
        nothing="nothing",
    )


def alone(metric: Metric, shown: Shown) -> Panel:
    """A panel of one metric: its declaration tells everything but the place."""
    name, over, labels = metric.name.removeprefix(PREFIX), metric.over, metric.labels
    title, meaning, text = shown.title, shown.description or metric.meaning, shown.legend
    if metric.kind is MetricKind.HISTOGRAM:
        return lines(title, meaning, SECONDS, *quantiles(name))
    if metric.kind is MetricKind.COUNTER:
        return lines(title, meaning, PER_SECOND, rates(name, text, *labels))
    if metric.unit == "0 or 1":
        return states(title, meaning, of_replica(over, name, text, *labels))
    if over is Over.MIN and name.endswith("_timestamp_seconds"):
        return since(title, meaning, of_release(over, name, text, *labels))
    unit = {"seconds": SECONDS, "bytes": BYTES}.get(metric.unit, COUNT)
    return lines(title, meaning, unit, of_replica(over, name, text, *labels))
