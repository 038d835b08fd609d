"""Rates, fill rates and times: what the replicas count, put together."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from bridge.console.app import Console
from bridge.console.measures import Measures, measured, quantiles, together
from bridge.fleet.view import FleetView, ReplicaView
from tests.support.console import views
from tests.support.console.page_faults import faults, text_of
from tests.support.console.running import ConsoleSetting, Opened, logging_to
from tests.support.log_output import LogOutput

METRICS = """\
# HELP track_bridge_metadata_keys_total Mapped events by route and metadata key.
# TYPE track_bridge_metadata_keys_total counter
track_bridge_metadata_keys_total{route="order.completed",metadata_key="amount",result="found"} 90.0
track_bridge_metadata_keys_total{route="order.completed",metadata_key="amount",result="absent"} 30.0
track_bridge_metadata_keys_total{route="order.completed",metadata_key="a\\"b<i>",result="found"} 120.0
track_bridge_metadata_keys_total{route="order.completed",metadata_key="a\\"b<i>",result="absent"} 0.0
# TYPE track_bridge_delivery_latency_seconds histogram
track_bridge_delivery_latency_seconds_bucket{le="1.0"} 50
track_bridge_delivery_latency_seconds_bucket{le="2.0"} 90
track_bridge_delivery_latency_seconds_bucket{le="+Inf"} 100
track_bridge_delivery_latency_seconds_sum 130
track_bridge_delivery_latency_seconds_count 100
track_bridge_something_else{le="1.0"} not-a-number
"""


def replica(address: str, **counts: int) -> ReplicaView:
    route = {"route": "order.completed", "matched": 0, "delivered": 0, "filtered": 0, "dead_lettered": 0, **counts}
    return ReplicaView(address, document={**views.document(), "routes": [route]})


def looked(at: float, *replicas: ReplicaView) -> FleetView:
    return replace(views.well(), at=at, replicas=replicas)


def test_counts_of_all_replicas_are_one_route() -> None:
    found = together([replica("a", matched=3, delivered=2), replica("b", matched=4, dead_lettered=1)])
    assert found == {"order.completed": {"matched": 7, "delivered": 2, "filtered": 0, "dead_lettered": 1}}


def test_a_rate_is_what_was_counted_meanwhile_and_not_said_too_early() -> None:
    measures = Measures()
    measures.add(looked(views.NOON, replica("a", matched=1_000)))
    measures.add(looked(views.NOON + 30, replica("a", matched=1_030)))
    assert measures.rates(views.NOON + 30) == ({}, 0.0)
    measures.add(looked(views.NOON + 120, replica("a", matched=1_060)))
    rates, watched = measures.rates(views.NOON + 120)
    assert (rates["order.completed"]["matched"], watched) == (30.0, 120.0)


def test_a_replica_that_began_anew_or_came_takes_nothing_from_the_rate() -> None:
    measures = Measures()
    measures.add(looked(views.NOON, replica("a", matched=1_000)))
    measures.add(looked(views.NOON + 60, replica("a", matched=10), replica("b", matched=5_000)))
    measures.add(looked(views.NOON + 120, replica("a", matched=20), replica("b", matched=5_040)))
    assert measures.rates(views.NOON + 120)[0]["order.completed"]["matched"] == (10 + 10 + 40) / 2


def test_what_is_remembered_is_bounded_in_time_and_number() -> None:
    measures = Measures()
    for number in range(1_000):
        measures.add(looked(views.NOON + 60.0 * number, replica("a", matched=number)))
    assert len(measures._looks) == 120
    rates, watched = measures.rates(views.NOON + 60.0 * 999)
    assert (rates["order.completed"]["matched"], watched) == (1.0, 3_600.0)


def test_pages_of_metrics_are_put_together() -> None:
    found = measured([METRICS, METRICS])
    assert {each.key: (each.found, each.absent) for each in found.fills["order.completed"]} == {
        "amount": (180, 60),
        'a"b<i>': (240, 0),
    }
    assert found.times["delivery"].count == 200
    assert "request" not in found.times


@pytest.mark.parametrize(
    ("buckets", "expected"),
    [
        ({1.0: 50, 2.0: 90, math.inf: 100}, (1.0, math.inf, math.inf)),
        ({1.0: 100, math.inf: 100}, (0.5, 0.95, 0.99)),
        ({1.0: 0, 2.0: 10, math.inf: 10}, (1.5, 1.95, 1.99)),
        ({math.inf: 3}, (math.inf, math.inf, math.inf)),
    ],
)
def test_quantiles_are_spread_between_bounds(buckets: Mapping[float, float], expected: tuple[float, ...]) -> None:
    found = quantiles(buckets)
    assert found is not None
    assert (found.half, found.most, found.nearly_all) == pytest.approx(expected)


def test_nothing_counted_has_no_quantiles() -> None:
    assert quantiles({}) is None
    assert quantiles({1.0: 0.0, math.inf: 0.0}) is None


async def test_the_page_says_rates_fill_rates_times_and_who_is_silent(
    setting: ConsoleSetting, logged: LogOutput
) -> None:
    before = looked(views.NOON - 120, replica("10.0.0.1:9464", matched=1_000, delivered=800))
    setting.view = looked(
        views.NOON,
        replica("10.0.0.1:9464", matched=1_120, delivered=900, dead_lettered=100),
        replica("10.0.0.2:9464"),
    )
    setting.pages_of_metrics = {"10.0.0.1:9464": METRICS}
    log = logging_to(logged)
    parts = setting.parts(log.logger)
    for view in (before, setting.view):
        parts.measures.add(view)
    await parts.measures.ask(setting.view)
    html = Console(parts)._render_live(("routes", ""), setting.view)
    text = text_of(f"<body>{html}</body>")
    log.close()
    assert "A minute, over the last 2 min 0 s" in text
    assert "order.completed 60.0 1,120 50.0 900 0.0 0 50.0 100 10.0 %" in text
    assert "amount 90 30 75.0 %" in text
    assert text.index("amount 90") < text.index('a"b<i> 120'), "the emptiest first"
    assert "half are below 1.00 s" in text
    assert "99 of 100 are below more than is told apart" in text
    assert "10.0.0.2:9464 does not tell." in text
    assert "cart.viewed 34 records" in text


@pytest.mark.parametrize("query", ["", "q=SIGNED", "sort=dead", "q=nothing"])
def test_routes_are_found_by_name(setting: ConsoleSetting, opened: Opened, query: str) -> None:
    with opened(setting) as visitor:
        page = visitor.get(f"/routes?{query}").text
    assert faults(page) == []
    text = text_of(page)
    assert ("order.completed" in text) == (query in {"", "sort=dead"})
    assert ("user.signed_up#2" in text) == (query != "q=nothing")


def test_a_document_of_another_version_breaks_nothing(setting: ConsoleSetting, opened: Opened) -> None:
    document: dict[str, Any] = {"state": "idle", "sentence": ""}
    setting.view = replace(views.well(), replicas=(ReplicaView("a", document=document),))
    with opened(setting) as visitor:
        assert visitor.get("/routes").status_code == 200
