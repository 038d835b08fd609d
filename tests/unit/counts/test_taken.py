from __future__ import annotations

from bridge.counts import RouteTally, SinkStats, Tally, taken
from bridge.model import Filtered, FilterReason, LetterReason, Route


def test_what_was_taken_stays_as_it_is_while_counting_goes_on() -> None:
    tally, route, outcome = Tally(), Route("order.completed", "0" * 12, "Order"), Filtered(FilterReason.TOMBSTONE)
    counted(tally, route, outcome)
    before = taken(tally)

    counted(tally, route, outcome)

    assert (before.delivered, before.routes[route], before.filtered_records[outcome]) == (1, RouteTally(delivered=1), 1)
    assert (before.letters.total(), before.unmapped, sum(before.latency), before.latency_sum) == (1, 1, 1, 0.5)
    assert (tally.delivered, tally.routes[route].delivered, tally.unmapped, sum(tally.latency)) == (2, 2, 2, 2)


def test_what_a_sink_counted_is_taken_with_the_certificate_it_saw() -> None:
    stats = SinkStats()
    stats.showed_certificate(1e9, now=5.0)
    stats.answered(202, 0.1)
    before = taken(stats)

    stats.answered(202, 0.1)
    stats.closed("idle")

    assert (before.by_status, sum(before.duration_buckets), before.connections_closed) == ({202: 1}, 1, {})
    assert before.server_certificate_ends(now=6.0) == 1e9


def counted(tally: Tally, route: Route, outcome: Filtered) -> None:
    tally.delivered += 1
    tally.route(route).delivered += 1
    tally.filtered_records[outcome] = tally.filtered_records.get(outcome, 0) + 1
    tally.letters[LetterReason.UNMAPPABLE] += 1
    tally.unmapped_letter("page.viewed")
    tally.took(0.5)
