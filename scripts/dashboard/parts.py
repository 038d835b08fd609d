"""What the panels are put together from: PromQL over the chosen replicas, and the looks that repeat."""

from __future__ import annotations

from typing import Final

from scripts.dashboard.layout import CHOSEN, Panel, Query

COUNT, PER_SECOND, REQUESTS, SECONDS, BYTES, SHARE = "short", "cps", "reqps", "s", "bytes", "percentunit"
RED_ABOVE_0: Final = ((None, "green"), (1e-9, "red"))
LINES: Final = {"legend": {"displayMode": "list", "placement": "bottom"}, "tooltip": {"mode": "multi", "sort": "desc"}}
STACKED: Final = {"stacking": {"mode": "normal"}, "fillOpacity": 30}
BIG: Final = {"reduceOptions": {"calcs": ["lastNotNull"]}, "colorMode": "background", "graphMode": "none"}
NAMES: Final = {**BIG, "textMode": "name"}
PLAIN: Final = {**BIG, "colorMode": "none"}
STATES: Final = {"showValue": "never", "mergeValues": True, "legend": {"showLegend": False}}


def all_of(name: str, *more: str) -> str:
    """A metric of the chosen replicas, by its name without the prefix."""
    return _selected(f"track_bridge_{name}", more)


def process(name: str) -> str:
    """The same for one of the process collector's."""
    return _selected(f"process_{name}", ())


def _selected(name: str, more: tuple[str, ...]) -> str:
    chosen = ",".join((*(f'{label}=~"${label}"' for label in CHOSEN), *more))
    return f"{name}{{{chosen}}}"


def rate(name: str, *more: str, by: str = "") -> str:
    """How many a second, of all replicas together."""
    grouped = f" by ({by})" if by else ""
    return f"sum{grouped} (rate({all_of(name, *more)}[$__rate_interval]))"


def gained(name: str) -> str:
    """How many within the time that is shown.

    `increase` does not see what a process counted before its first scrape: of one that began within that time, all it
    has counted is taken instead.

    """
    young = f"time() - {process('start_time_seconds')} < $__range_s"
    same = "on (cluster, namespace, job, instance)"
    whole = f"{all_of(name)} and {same} ({young})"
    return f"sum(({whole}) or increase({all_of(name)}[$__range]))"


def quantiles(name: str) -> list[Query]:
    """Of a histogram, over all replicas."""
    buckets = rate(f"{name}_bucket", by="le")
    return [
        Query(f"histogram_quantile({share}, {buckets})", label)
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
