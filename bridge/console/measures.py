"""What the replicas count of routes, keys and times: asked seldom, put together, and compared with a while ago."""

from __future__ import annotations

import asyncio
import contextlib
import math
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from prometheus_client.parser import text_string_to_metric_families

from bridge.ops.admin import status_client
from bridge.ops.admin.status_client import StatusError
from bridge.ops.metrics.catalogue import PREFIX

if TYPE_CHECKING:
    from bridge.fleet.view import FleetView, ReplicaView

WATCHED: Final = 3_600.0
"""Seconds that rates look back at most."""
LEAST: Final = 60.0
"""Seconds that must have been watched before a rate is said."""
PATIENCE: Final = 5.0
"""Seconds a replica may take."""
OUTCOMES: Final = ("matched", "delivered", "filtered", "dead_lettered")
_KEYS: Final = f"{PREFIX}metadata_keys_total"
_TIMES: Final = {
    "delivery": f"{PREFIX}delivery_latency_seconds_bucket",
    "request": f"{PREFIX}request_duration_seconds_bucket",
}
_MOST_LOOKS: Final = 120

RouteCounts = Mapping[str, Mapping[str, int]]
"""By route, and by one of `OUTCOMES`."""
Fetch = Callable[[str, float], str]
"""As `status_client.metrics`."""


@dataclass(frozen=True, slots=True)
class KeyFill:
    """How often a metadata key of a route was found in what came."""

    key: str
    found: int
    absent: int

    @property
    def share(self) -> float | None:
        """From 0 to 1; None: nothing came yet."""
        return self.found / (self.found + self.absent) if self.found + self.absent else None


@dataclass(frozen=True, slots=True)
class Quantiles:
    """Seconds below which half, 95 and 99 of a hundred are; infinite: above the largest that is told apart."""

    count: int
    half: float
    most: float
    nearly_all: float


@dataclass(frozen=True, slots=True)
class Measured:
    """What the metrics of the replicas say together, since each of them started."""

    fills: Mapping[str, Sequence[KeyFill]] = field(default_factory=dict)
    times: Mapping[str, Quantiles] = field(default_factory=dict)
    """``delivery``: from the record in Kafka to its acceptance; ``request``: of one request."""
    silent: Sequence[str] = ()
    """Replicas that do not say."""


class Measures:
    """All methods belong to one event loop."""

    def __init__(self, fetch: Fetch = status_client.metrics) -> None:
        self._fetch = fetch
        self._looks: deque[tuple[float, Mapping[str, RouteCounts]]] = deque(maxlen=_MOST_LOOKS)
        self.measured: Measured | None = None
        """None: nobody was asked yet."""

    def add(self, view: FleetView) -> None:
        """What the replicas count now."""
        if not self._looks or view.at > self._looks[-1][0]:
            self._looks.append((view.at, {each.address: counts_of(each) for each in view.replicas if each.document}))

    async def ask(self, view: FleetView) -> None:
        """Their metrics, all at once."""
        addresses = [each.address for each in view.replicas if each.document is not None]
        texts = await asyncio.gather(*(self._asked(address) for address in addresses))
        silent = [address for address, text in zip(addresses, texts, strict=True) if text is None]
        self.measured = measured([text for text in texts if text is not None], silent)

    async def _asked(self, address: str) -> str | None:
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[str | None] = loop.create_future()

        def say(found: str | None) -> None:
            if not answer.done():
                answer.set_result(found)

        def question() -> None:
            try:
                found: str | None = self._fetch(address, PATIENCE)
            except (StatusError, ValueError):
                found = None
            with contextlib.suppress(RuntimeError):  # the loop is gone: nobody waits any more
                loop.call_soon_threadsafe(say, found)

        # A thread of its own, which no end of the program waits for.
        threading.Thread(target=question, name="console-metrics", daemon=True).start()
        return await answer

    def rates(self, now: float) -> tuple[Mapping[str, Mapping[str, float]], float]:
        """A minute, by route and outcome, and the seconds that were watched; nothing until that is `LEAST`."""
        looks = [each for each in self._looks if now - each[0] <= WATCHED]
        if len(looks) < 2 or looks[-1][0] - looks[0][0] < LEAST:
            return {}, 0.0
        watched = looks[-1][0] - looks[0][0]
        rose: dict[str, dict[str, int]] = {}
        for (_, before), (_, after) in pairwise(looks):
            for address, routes in after.items():
                _raise(rose, before.get(address), routes)
        return {
            route: {outcome: count * 60.0 / watched for outcome, count in counts.items()}
            for route, counts in rose.items()
        }, watched


def _raise(rose: dict[str, dict[str, int]], before: RouteCounts | None, after: RouteCounts) -> None:
    """One replica's; what it began anew, after a restart, counts from zero."""
    if before is None:
        return
    for route, counts in after.items():
        known = before.get(route, {})
        is_new = any(counts[outcome] < known.get(outcome, 0) for outcome in counts)
        into = rose.setdefault(route, dict.fromkeys(OUTCOMES, 0))
        for outcome, count in counts.items():
            into[outcome] += count if is_new else count - known.get(outcome, 0)


def counts_of(replica: ReplicaView) -> RouteCounts:
    """Of its document."""
    routes = (replica.document or {}).get("routes", ())
    return {str(each.get("route", "")): {outcome: int(each.get(outcome, 0)) for outcome in OUTCOMES} for each in routes}


def together(replicas: Iterable[ReplicaView]) -> RouteCounts:
    """Of all of them, since each started; in the order in which the first tells them."""
    whole: dict[str, dict[str, int]] = {}
    for replica in replicas:
        for route, counts in counts_of(replica).items():
            into = whole.setdefault(route, dict.fromkeys(OUTCOMES, 0))
            for outcome, count in counts.items():
                into[outcome] += count
    return whole


def measured(texts: Iterable[str], silent: Sequence[str] = ()) -> Measured:
    """What these pages of metrics say together."""
    fills: dict[str, dict[str, list[int]]] = {}
    buckets: dict[str, dict[float, float]] = {name: {} for name in _TIMES}
    for text in texts:
        for name, labels, value in _samples(text):
            if name == _KEYS:
                count = fills.setdefault(labels["route"], {}).setdefault(labels["metadata_key"], [0, 0])
                count[labels["result"] != "found"] += int(value)
            for which, family in _TIMES.items():
                if name == family:
                    bound = float(labels["le"])
                    buckets[which][bound] = buckets[which].get(bound, 0.0) + value
    return Measured(
        {route: [KeyFill(key, *counts) for key, counts in keys.items()] for route, keys in fills.items()},
        {which: found for which, each in buckets.items() if (found := quantiles(each)) is not None},
        silent,
    )


def _samples(text: str) -> Iterator[tuple[str, Mapping[str, str], float]]:
    """Only of what is wanted: the page has thousands."""
    wanted = (f"{_KEYS}{{", *(f"{family}{{" for family in _TIMES.values()))
    lines = "".join(f"{line}\n" for line in text.split("\n") if line.startswith(wanted))
    for family in text_string_to_metric_families(lines):
        for sample in family.samples:
            yield sample.name, sample.labels, sample.value


def quantiles(buckets: Mapping[float, float]) -> Quantiles | None:
    """Of counts below each bound; None where nothing was counted."""
    bounds = sorted(buckets.items())
    if not bounds or not bounds[-1][1]:
        return None
    half, most, nearly_all = (_quantile(bounds, part) for part in (0.5, 0.95, 0.99))
    return Quantiles(int(bounds[-1][1]), half, most, nearly_all)


def _quantile(bounds: Sequence[tuple[float, float]], part: float) -> float:
    """Evenly spread between two bounds."""
    rank, below, count_below = part * bounds[-1][1], 0.0, 0.0
    for bound, count in bounds:
        if count >= rank:
            if math.isinf(bound) or count == count_below:
                return bound
            return below + (bound - below) * (rank - count_below) / (count - count_below)
        below, count_below = bound, count
    return math.inf
