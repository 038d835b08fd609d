from __future__ import annotations

import math
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from bridge.holds import GATES, Reason
from bridge.model import FilterReason, LetterReason
from bridge.ops import metrics
from bridge.ops.catalogue import CATALOGUE, PREFIX, Kind, Metric
from bridge.ops.snapshot import Block, PartitionHold, Rate, TopicHold

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bridge.ops.snapshot import Snapshot

linux = pytest.mark.skipif(sys.platform != "linux", reason="process metrics come from /proc")
Series = dict[str, dict[tuple[tuple[str, str], ...], float]]


def scraped(snapshot: Snapshot) -> Series:
    """Samples by name and sorted labels."""
    text = metrics.Exposition().render(snapshot, metrics.TEXT).decode()
    series: Series = {}
    for family in parse_text(text):
        for sample in family.samples:
            series.setdefault(sample.name, {})[tuple(sorted(sample.labels.items()))] = sample.value
    return series


def by_label(series: Mapping[tuple[tuple[str, str], ...], float]) -> dict[str, float]:
    return {labels[0][1]: number for labels, number in series.items()}


@linux
@pytest.mark.parametrize("state", ["quiet", "busy"])
def test_a_scrape_shows_exactly_the_catalogue(state: str, request: pytest.FixtureRequest) -> None:
    text = metrics.Exposition().render(request.getfixturevalue(state), metrics.TEXT).decode()

    shown = [line.split(" ", 3) for line in text.splitlines() if line.startswith("# TYPE ")]

    assert [(words[2], words[3]) for words in shown] == [(metric.name, metric.kind) for metric in CATALOGUE]


@linux
def test_every_metric_says_its_meaning_and_unit_in_its_help(quiet: Snapshot) -> None:
    text = metrics.Exposition().render(quiet, metrics.TEXT).decode()

    helps = dict(line.removeprefix("# HELP ").split(" ", 1) for line in text.splitlines() if line.startswith("# HELP "))

    for metric in CATALOGUE:
        assert metric.meaning in helps[metric.name]
        assert helps[metric.name].endswith(f"Unit: {metric.unit}.")


@pytest.mark.parametrize("metric", CATALOGUE, ids=lambda metric: metric.name)
def test_every_metric_is_named_as_the_field_names_them(metric: Metric) -> None:
    assert metric.name.startswith((PREFIX, "process_"))
    assert metric.name.endswith("_total") == (metric.kind is Kind.COUNTER)
    assert metric.meaning.endswith(".")
    if metric.unit in ("seconds", "bytes"):
        assert metric.name.removesuffix("_total").endswith(f"_{metric.unit}")


def test_no_metric_is_declared_twice() -> None:
    names = [metric.name for metric in CATALOGUE]

    assert len(names) == len(set(names))


def test_no_label_can_hold_anything_out_of_a_payload() -> None:
    allowed = {"reason", "route", "outcome", "status", "result", "kind", "topic", "partition", "version"}
    allowed.add("metadata_key")  # those that the configuration names

    assert {label for metric in CATALOGUE for label in metric.labels} == allowed


def test_every_series_whose_labels_are_known_is_there_from_the_first_scrape_on(quiet: Snapshot) -> None:
    series = scraped(quiet)

    assert by_label(series[f"{PREFIX}records_filtered_total"]) == dict.fromkeys(FilterReason, 0)
    assert by_label(series[f"{PREFIX}dead_letters_total"]) == dict.fromkeys(LetterReason, 0)
    assert by_label(series[f"{PREFIX}blocked"]) == dict.fromkeys(GATES, 0)
    assert by_label(series[f"{PREFIX}requests_total"]) == dict.fromkeys(("202", "400", "401", "429", "none"), 0)
    assert by_label(series[f"{PREFIX}rebalances_total"]) == {"assigned": 0, "revoked": 0, "lost": 0}
    assert by_label(series[f"{PREFIX}retries_total"])["rate_limited"] == 0
    unlabelled = {m.name for m in CATALOGUE if not m.labels and m.read is not None and m.kind is not Kind.HISTOGRAM}
    assert unlabelled <= series.keys()


def test_a_route_that_never_matched_is_shown_with_zeros(busy: Snapshot) -> None:
    events = scraped(busy)[f"{PREFIX}events_total"]

    assert events[("outcome", "delivered"), ("route", "order.completed[0]")] == 790
    assert events[("outcome", "filtered"), ("route", "order.completed[0]")] == 3
    assert events[("outcome", "dead_lettered"), ("route", "order.completed[0]")] == 5
    assert {number for labels, number in events.items() if labels[1] == ("route", "account.*")} == {0}


def test_the_accounting_of_a_scrape_adds_up(busy: Snapshot) -> None:
    series = {name.removeprefix(PREFIX): sum(found.values()) for name, found in scraped(busy).items()}

    explained = ("delivered", "filtered", "dead_lettered", "already_done", "released")
    assert series["records_consumed_total"] == 1_000
    assert sum(series[f"records_{part}_total"] for part in explained) + series["records_in_flight"] == 1_000
    assert series["accounting_gap"] == 0


def test_records_the_accounting_cannot_explain_are_shown_as_a_gap(busy: Snapshot) -> None:
    leaking = replace(busy, records=replace(busy.records, delivered=797))

    assert scraped(leaking)[f"{PREFIX}accounting_gap"] == {(): 3}


def test_histogram_buckets_are_cumulative_and_end_with_all_observations(busy: Snapshot) -> None:
    series = scraped(busy)

    buckets = by_label(series[f"{PREFIX}request_duration_seconds_bucket"])
    assert buckets == {"0.1": 700, "1.0": 820, "+Inf": 830}
    assert series[f"{PREFIX}request_duration_seconds_count"] == {(): 830}
    assert series[f"{PREFIX}request_duration_seconds_sum"] == {(): 95.5}


def test_requests_without_an_answer_are_counted_beside_the_statuses(busy: Snapshot) -> None:
    statuses = by_label(scraped(busy)[f"{PREFIX}requests_total"])

    assert statuses == {"202": 800, "400": 0, "401": 0, "429": 0, "none": 5, "503": 25}


def test_an_unlimited_rate_is_infinite_and_an_unknown_age_is_not_a_number(quiet: Snapshot) -> None:
    series = scraped(replace(quiet, rate=Rate(limit=None, share=None, view_age=None)))

    assert series[f"{PREFIX}rate_limit"] == {(): math.inf}
    assert series[f"{PREFIX}rate_share"] == {(): math.inf}
    assert math.isnan(series[f"{PREFIX}rate_view_age_seconds"][()])
    assert math.isnan(series[f"{PREFIX}membership_age_seconds"][()])
    assert math.isnan(series[f"{PREFIX}commit_age_seconds"][()])


def test_closed_gates_are_one_and_open_ones_zero(quiet: Snapshot) -> None:
    blocked = by_label(
        scraped(replace(quiet, blocks=(Block(Reason.OUTAGE, quiet.at - 5),)))[f"{PREFIX}blocked"],
    )

    assert blocked.pop("outage") == 1
    assert set(blocked.values()) == {0}


def test_partitions_show_lag_age_and_what_holds_them(busy: Snapshot) -> None:
    held = replace(busy, held_topics=(TopicHold("shop.orders", busy.at - 10, "100 letters in a row."),))
    where = (("partition", "3"), ("topic", "shop.orders"))

    series = scraped(held)

    assert series[f"{PREFIX}partition_assigned"] == {where: 1}
    assert series[f"{PREFIX}partition_lag_records"] == {where: 60}
    assert series[f"{PREFIX}partition_oldest_open_age_seconds"] == {where: 90}
    reasons = {dict(labels)["reason"]: number for labels, number in series[f"{PREFIX}partition_held"].items()}
    assert reasons == {"dead_letter_hold": 1, "out_of_range": 0, "no_start": 0, "dead_letters_unwritable": 0}


def test_what_holds_a_partition_says_since_when(busy: Snapshot) -> None:
    where = {"partition": "3", "topic": "shop.orders", "reason": "transaction_hanging"}
    hold = PartitionHold(Reason.TRANSACTION_HANGING, busy.at - 90, "Open since then.")
    held = replace(busy, partitions=(replace(busy.partitions[0], hold=hold, open_records=0, oldest=None),))

    assert scraped(held)[f"{PREFIX}partition_held_seconds"] == {tuple(sorted(where.items())): 90}
    assert f"{PREFIX}partition_held_seconds" not in scraped(busy)


def test_an_unknown_lag_is_absent_so_that_sums_over_partitions_stay_numbers(busy: Snapshot) -> None:
    unknown = replace(busy, partitions=(replace(busy.partitions[0], end=None),))

    assert f"{PREFIX}partition_lag_records" not in scraped(unknown)


def test_the_retention_of_a_topic_is_shown_where_it_is_known_and_infinite_where_records_stay(busy: Snapshot) -> None:
    known = replace(busy, retention={"shop.orders": 604_800.0, "shop.accounts": math.inf})

    assert by_label(scraped(known)[f"{PREFIX}topic_retention_seconds"]) == known.retention
    assert f"{PREFIX}topic_retention_seconds" not in scraped(busy)


def test_the_backlog_to_scale_on_is_a_number_from_the_first_scrape_on(quiet: Snapshot, busy: Snapshot) -> None:
    assert scraped(quiet)[f"{PREFIX}scaling_backlog"] == {(): 0}
    assert scraped(busy)[f"{PREFIX}scaling_backlog"] == {(): 60}


def test_a_client_that_accepts_openmetrics_gets_openmetrics(busy: Snapshot) -> None:
    accept = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5"
    chosen = metrics.media_type(accept)

    text = metrics.Exposition().render(busy, chosen).decode()

    assert chosen == metrics.OPENMETRICS
    assert text.endswith("# EOF\n")
    families = parse_openmetrics(text)  # type: ignore[no-untyped-call]  # the parser has no annotations
    assert {family.name for family in families} >= {
        metric.name.removesuffix("_total") for metric in CATALOGUE if metric.read is not None
    }


@pytest.mark.parametrize("accept", ["", "*/*", "text/html", "application/json"])
def test_everybody_else_gets_the_plain_text_format(accept: str) -> None:
    assert metrics.media_type(accept) == metrics.TEXT


def test_a_route_name_with_quotes_and_backslashes_does_not_break_the_page(busy: Snapshot) -> None:
    name = 'odd"\\\nname'
    odd = replace(busy, mapped=replace(busy.mapped, routes={name: busy.mapped.routes["account.*"]}))

    assert {dict(labels)["route"] for labels in scraped(odd)[f"{PREFIX}events_total"]} == {name}
