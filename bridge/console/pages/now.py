"""The first page: what needs someone, what ends by itself, what is lost; then the fleet and the last hours."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from bridge.console import charts
from bridge.console.charts import LineChart
from bridge.console.history import INTERVAL, FleetNumbers, numbers
from bridge.console.page import ConsolePage, Context, Query, show_live
from bridge.console.parts import ConsoleParts
from bridge.fleet import headline
from bridge.fleet.headline import FleetState
from bridge.ops.status.forecast import Pace
from bridge.text.amounts import plural, thousands

if TYPE_CHECKING:
    from bridge.fleet.view import FleetBudget, FleetConcern, FleetView
    from bridge.model import TopicPartition

_PLACES: Final = 12
"""Partitions that are named one by one."""
_PACES: Final = {
    Pace.BUDGET: "They become fewer, as fast as the budget allows.",
    Pace.SHRINKING: "They become fewer.",
    Pace.GROWING: "They become more: more arrive than are sent.",
    Pace.STILL: "They become neither more nor fewer.",
    Pace.UNKNOWN: "How their number moves is known once it was watched for a minute.",
}


@dataclass(frozen=True, slots=True)
class ConcernCard:
    """One thing that is not as it should be, as it is shown."""

    concern: FleetConcern
    places: Sequence[TopicPartition]
    more: int
    """Further partitions."""


@dataclass(frozen=True, slots=True)
class NumberTile:
    """One number at the top."""

    label: str
    value: str
    note: str = ""
    tone: str = ""
    """``bad``, ``wait``, or neither."""
    link: str = ""


def live(parts: ConsoleParts, view: FleetView, _query: Query) -> Context:
    """What the page shows."""
    return shown(view, parts.history.points(view.at))


def shown(view: FleetView, points: Sequence[FleetNumbers] = ()) -> Context:
    """The same of one view; `points` are those of the last hours."""
    needs = [card(each) for each in view.concerns if each.needs_someone]
    ends = [card(each) for each in view.concerns if not each.needs_someone]
    tone, headline_ = _headline(view, len(needs), len(ends))
    return {
        "headline": headline_,
        "tone": tone,
        "needs": needs,
        "ends": ends,
        "tiles": list(_tiles(view)),
        "pace": _pace(view),
        "budgets": [(each, _used(each)) for each in view.budgets],
        "charts": list(_charts(points, view)),
    }


def _pace(view: FleetView) -> str | None:
    if view.forecast is None:
        return None
    if view.is_kafka_away:
        return "That was when Kafka was last heard; how their number moves is known once it is back."
    return _PACES.get(view.forecast.pace, "")


def card(concern: FleetConcern) -> ConcernCard:
    """One of them."""
    return ConcernCard(concern, concern.partitions[:_PLACES], max(0, len(concern.partitions) - _PLACES))


def _headline(view: FleetView, needs: int, ends: int) -> tuple[str, str]:
    if needs:
        return "bad", f"{plural(needs, 'thing')} {'needs' if needs == 1 else 'need'} someone"
    if ends:
        return (
            "wait",
            f"Nothing needs anyone; {plural(ends, 'thing')} {'ends by itself' if ends == 1 else 'end by themselves'}",
        )
    if headline.state(view) is FleetState.UNKNOWN or view.kafka_problem is not None:
        return "wait", "Nobody says how it is"
    return "good", "Nothing needs anyone"


def _tiles(view: FleetView) -> Iterable[NumberTile]:
    found = numbers(view)
    as_of = "when Kafka was last heard" if view.is_kafka_away and found.waiting is not None else ""
    yield NumberTile("records wait", _number(found.waiting), as_of, link="/partitions?sort=lag")
    limit = "" if found.limit is None else f"of {thousands(found.limit)} a minute"
    yield NumberTile("requests in the last minute", _number(found.requests), limit)
    answered = sum(each.document is not None for each in view.replicas)
    silent = answered < len(view.replicas)
    yield NumberTile(
        "replicas answer", f"{answered} of {len(view.replicas)}", tone="bad" if silent or not answered else ""
    )
    least = view.letters is not None and bool(view.letters.open_at_least)
    yield NumberTile(
        "dead letters are open",
        _number(found.letters),
        "at least that many" if least else "",
        "bad" if found.letters else "",
    )
    yield _lost(view)


def _lost(view: FleetView) -> NumberTile:
    losses = view.losses
    if losses is None or not losses.is_read:
        return NumberTile("records lost", "?", "not read yet")
    if losses.count == 0:
        return NumberTile("records lost", "0")
    note = f"and {plural(losses.unknown, 'loss', 'losses')} of unknown size" if losses.unknown else "at most"
    return NumberTile("records lost", thousands(losses.at_most), note, "bad")


def _number(value: int | None) -> str:
    return "?" if value is None else thousands(value)


def _used(budget: FleetBudget) -> float | None:
    """What part of the budget is used, from 0 to 1; None: not known, or there is no limit."""
    if budget.limit is None or budget.used_last_minute is None or budget.limit <= 0.0:
        return None
    return min(1.0, budget.used_last_minute / (budget.limit * 60.0))


def _charts(points: Sequence[FleetNumbers], view: FleetView) -> Iterable[LineChart]:
    """The last look is the last point, too."""
    whole = [*points, numbers(view)] if not points or points[-1].at < view.at else list(points)
    limit = whole[-1].limit
    yield charts.line_chart(
        "waiting", "Records that wait", "records", [(each.at, each.waiting) for each in whole], usual=INTERVAL
    )
    yield charts.line_chart(
        "requests",
        "Requests a minute",
        "requests",
        [(each.at, each.requests) for each in whole],
        usual=INTERVAL,
        limit=limit,
    )
    yield charts.line_chart(
        "letters", "Open dead letters", "dead letters", [(each.at, each.letters) for each in whole], usual=INTERVAL
    )


PAGE: Final = ConsolePage("now", "Now", "/", show_live, key="n", live=live)
