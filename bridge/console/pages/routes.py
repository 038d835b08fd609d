"""Routes: how many events each makes and loses, which of its keys are found in what comes, how long events take."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from bridge.console import measures
from bridge.console.measures import OUTCOMES, KeyFill, Measured, Quantiles
from bridge.console.page import ConsolePage, Context, Query, show_live
from bridge.console.parts import ConsoleParts
from bridge.text.amounts import span, thousands

if TYPE_CHECKING:
    from bridge.fleet.view import FleetView, ReplicaView

_TYPES_SHOWN: Final = 20
_LOW: Final = 0.9
"""Keys that are found less often are worth a look."""


@dataclass(frozen=True, slots=True)
class RouteRow:
    """One route."""

    route: str
    counts: Mapping[str, int]
    rates: Mapping[str, float] | None
    """A minute; None: not known yet."""
    fills: Sequence[KeyFill]

    @property
    def failing(self) -> float | None:
        """What part of its events became dead letters."""
        whole = self.counts["delivered"] + self.counts["dead_lettered"]
        return self.counts["dead_lettered"] / whole if whole else None


def live(parts: ConsoleParts, view: FleetView, query: Query) -> Context:
    """All routes, those with the most dead letters first if asked for."""
    text, found = query.get("q", "").strip().lower(), parts.measures.measured or Measured()
    rates, watched = parts.measures.rates(view.at)
    rows = [
        RouteRow(route, counts, rates.get(route, dict.fromkeys(OUTCOMES, 0.0)) if watched else None, fills)
        for route, counts in measures.together(view.replicas).items()
        if text in route.lower()
        for fills in [sorted(found.fills.get(route, ()), key=_emptiest)]
    ]
    if query.get("sort") == "dead":
        rows.sort(key=lambda row: -row.counts["dead_lettered"])
    return {
        "rows": rows,
        "watched": watched,
        "times": [(title, _told(found.times.get(name))) for name, title in _TIMES.items()],
        "asked": parts.measures.measured is not None,
        "silent": found.silent,
        "unmapped": list(_unmapped(view.replicas))[:_TYPES_SHOWN],
        "query": {"q": query.get("q", ""), "sort": query.get("sort", "")},
        "low": _LOW,
    }


_TIMES: Final = {
    "delivery": "From the record in Kafka to the acceptance of its event",
    "request": "One request, from its start to the end of the answer",
}


def _emptiest(fill: KeyFill) -> tuple[float, str]:
    return (2.0 if fill.share is None else fill.share), fill.key


def _told(found: Quantiles | None) -> Sequence[tuple[str, str]] | None:
    if found is None:
        return None
    return [
        ("half are below", _seconds(found.half)),
        ("95 of 100 are below", _seconds(found.most)),
        ("99 of 100 are below", _seconds(found.nearly_all)),
        ("counted", thousands(found.count)),
    ]


def _seconds(value: float) -> str:
    if math.isinf(value):
        return "more than is told apart"
    return span(value) if value >= 10.0 else f"{value:.2f} s" if value >= 1.0 else f"{value * 1000:.3g} ms"


def _unmapped(replicas: Sequence[ReplicaView]) -> Iterator[tuple[str, int]]:
    """Types that no route names, the most frequent first."""
    counts: dict[str, int] = {}
    for replica in replicas:
        document: Mapping[str, Any] = replica.document or {}
        for each in document.get("unmapped", {}).get("types", ()):
            counts[str(each["type"])] = counts.get(str(each["type"]), 0) + int(each["records"])
    yield from sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))


PAGE: Final = ConsolePage("routes", "Routes", "/routes", show_live, key="r", live=live, live_query=("q", "sort"))
