from __future__ import annotations

import math
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from bridge.counts import Exemplar
from bridge.holds import GATES, Reason
from bridge.model import FilterReason, LetterReason
from bridge.ops.metrics import exposition_format
from bridge.ops.metrics.catalogue import CATALOGUE, PREFIX, Metric, MetricKind, Over
from bridge.ops.snapshot import Build, Certificate, ClosedGate, KeyView, PartitionHold, Rate, RecordedLosses, TopicHold

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bridge.ops.snapshot import Snapshot

linux = pytest.mark.skipif(sys.platform != "linux", reason="process metrics come from /proc")
Series = dict[str, dict[tuple[tuple[str, str], ...], float]]


def scraped(snapshot: Snapshot) -> Series:
    """Samples by name and sorted labels."""
    text = exposition_format.Exposition().render(snapshot, exposition_format.TEXT).decode()
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
    text = exposition_format.Exposition().render(request.getfixturevalue(state), exposition_format.TEXT).decode()

    shown = [line.split(" ", 3) for line in text.splitlines() if line.startswith("# TYPE ")]

    assert [(words[2], words[3]) for words in shown] == [(metric.name, metric.kind) for metric in CATALOGUE]


@linux
def test_every_metric_says_its_meaning_and_unit_in_its_help(quiet: Snapshot) -> None:
    text = exposition_format.Exposition().render(quiet, exposition_format.TEXT).decode()

    helps = dict(line.removeprefix("# HELP ").split(" ", 1) for line in text.splitlines() if line.startswith("# HELP "))

    for metric in CATALOGUE:
        assert metric.meaning in helps[metric.name]
        assert helps[metric.name].endswith(f"Unit: {metric.unit}.")


@pytest.mark.parametrize("metric", CATALOGUE, ids=lambda metric: metric.name)
def test_every_metric_is_named_as_the_field_names_them(metric: Metric) -> None:
    assert metric.name.startswith((PREFIX, "process_"))
    assert metric.name.endswith("_total") == (metric.kind is MetricKind.COUNTER)
    assert metric.meaning.endswith(".")
    if metric.unit in ("seconds", "bytes"):
        assert metric.name.removesuffix("_total").endswith(f"_{metric.unit}")


def test_every_age_has_the_time_it_counts_from_beside_it() -> None:
    """Whoever asks later than the scrape reads the age off that, and a clock of another machine does not matter."""
    by_name = {metric.name: metric for metric in CATALOGUE}
    ages = [name for name in by_name if name.endswith("_age_seconds")] + [f"{PREFIX}partition_held_seconds"]

    assert len(ages) == 9
    for name in ages:
        began = by_name[name.removesuffix("_seconds").removesuffix("_age") + "_timestamp_seconds"]
        assert (by_name[name].over, began.over, began.labels) == (Over.MAX, Over.MIN, by_name[name].labels)


def test_an_age_and_the_time_beside_it_say_the_same(busy: Snapshot) -> None:
    known = replace(
        busy,
        vitals=replace(busy.vitals, poll_age=3.0),
        letters=replace(busy.letters, open_by_reason={"rejected": 1}, oldest_open=busy.at - 500),
        held_topics=(TopicHold("shop.orders", busy.at - 10, "100 dead letters in a row."),),
    )
    series = scraped(known)

    for age, seconds in (
        ("poll_age", 3),
        ("open_dead_letter_oldest_age", 500),
        ("partition_oldest_open_age", 90),
        ("partition_held", 10),
    ):
        ages = series[f"{PREFIX}{age}_seconds"]
        assert set(ages.values()) == {seconds}
        began = series[f"{PREFIX}{age.removesuffix('_age')}_timestamp_seconds"]
        assert began == {labels: known.at - number for labels, number in ages.items()}


def test_where_nothing_waits_there_is_an_age_of_0_and_no_time_it_began(busy: Snapshot) -> None:
    idle = replace(
        busy,
        letters=replace(busy.letters, open_by_reason={}, oldest_open=None),
        partitions=(replace(busy.partitions[0], oldest=None, open_records=0),),
    )
    series = scraped(idle)

    assert set(series[f"{PREFIX}partition_oldest_open_age_seconds"].values()) == {0}
    assert f"{PREFIX}partition_oldest_open_timestamp_seconds" not in series
    assert series[f"{PREFIX}open_dead_letter_oldest_age_seconds"] == {(): 0}
    assert math.isnan(series[f"{PREFIX}open_dead_letter_oldest_timestamp_seconds"][()])


def test_what_has_no_sum_over_replicas_says_so_where_it_is_looked_up() -> None:
    for metric in CATALOGUE:
        assert ("Do not sum over replicas" in metric.help) == (metric.over is not Over.SUM)
        assert metric.kind is MetricKind.GAUGE or metric.over is Over.SUM
        if metric.name.endswith(("_age_seconds", "_timestamp_seconds")):
            assert metric.over is not Over.SUM


def test_losses_that_are_recorded_are_shown_as_those_of_the_group_since_when(quiet: Snapshot) -> None:
    found = RecordedLosses(at_most=40, unknown=1, since=quiet.at - 9_000, shown=(), count=3)
    series = scraped(replace(quiet, recorded_losses=found))

    assert series[f"{PREFIX}recorded_lost_records"] == {(): 40}
    assert series[f"{PREFIX}recorded_losses"] == {(): 3}
    assert series[f"{PREFIX}recorded_losses_timestamp_seconds"] == {(): quiet.at - 9_000}
    unread = replace(quiet, recorded_losses=replace(found, problem="the topic may not be read", is_read=False))
    for each in (quiet, unread):
        assert math.isnan(scraped(each)[f"{PREFIX}recorded_lost_records"][()])
        assert math.isnan(scraped(each)[f"{PREFIX}recorded_losses"][()])


def test_a_key_file_that_cannot_be_read_is_shown_since_when(quiet: Snapshot) -> None:
    lost = replace(quiet, key=KeyView(problem="the key file k cannot be read.", problem_since=quiet.at - 60))

    assert scraped(lost)[f"{PREFIX}key_file_unreadable"] == {(): 1}
    assert scraped(lost)[f"{PREFIX}key_file_unreadable_timestamp_seconds"] == {(): quiet.at - 60}
    assert scraped(quiet)[f"{PREFIX}key_file_unreadable"] == {(): 0}


def test_certificates_are_shown_by_which_and_whether_they_are_in_use(quiet: Snapshot) -> None:
    found = (Certificate("kafka_client", "used", 5.0), Certificate("kafka_client", "file", 9.0))
    series = scraped(replace(quiet, certificates=found))[f"{PREFIX}certificate_not_after_timestamp_seconds"]

    assert {tuple(value for _, value in labels): end for labels, end in series.items()} == {
        ("kafka_client", "used"): 5,
        ("kafka_client", "file"): 9,
    }


def test_the_retention_of_the_dead_letters_is_not_a_number_until_it_is_known(quiet: Snapshot) -> None:
    known = replace(quiet, letters=replace(quiet.letters, retention=86_400.0))

    assert scraped(known)[f"{PREFIX}dead_letter_topic_retention_seconds"] == {(): 86_400}
    assert math.isnan(scraped(quiet)[f"{PREFIX}dead_letter_topic_retention_seconds"][()])


def test_the_build_says_commit_configuration_and_libraries_beside_the_version(quiet: Snapshot) -> None:
    built = replace(quiet, build=Build("0f2eb97", "0123456789ab", "2.16.1", "3.13.0"))

    (labels,) = scraped(built)[f"{PREFIX}build_info"]
    assert dict(labels) == {
        "version": "1.2.3",
        "revision": "0f2eb97",
        "configuration": "0123456789ab",
        "librdkafka": "2.16.1",
        "python": "3.13.0",
    }


def test_no_metric_is_declared_twice() -> None:
    names = [metric.name for metric in CATALOGUE]

    assert len(names) == len(set(names))


def test_no_label_can_hold_anything_out_of_a_payload() -> None:
    allowed = {"reason", "route", "outcome", "status", "result", "kind", "topic", "partition", "version"}
    allowed.add("metadata_key")  # those that the configuration names
    allowed |= {"certificate", "source", "revision", "configuration", "librdkafka", "python"}

    assert {label for metric in CATALOGUE for label in metric.labels} == allowed


def test_every_series_whose_labels_are_known_is_there_from_the_first_scrape_on(quiet: Snapshot) -> None:
    series = scraped(quiet)

    assert by_label(series[f"{PREFIX}records_filtered_total"]) == dict.fromkeys(FilterReason, 0)
    assert by_label(series[f"{PREFIX}dead_letters_total"]) == dict.fromkeys(LetterReason, 0)
    assert by_label(series[f"{PREFIX}blocked"]) == dict.fromkeys(GATES, 0)
    assert by_label(series[f"{PREFIX}requests_total"]) == dict.fromkeys(("202", "400", "401", "429", "none"), 0)
    assert by_label(series[f"{PREFIX}rebalances_total"]) == {"assigned": 0, "revoked": 0, "lost": 0}
    assert by_label(series[f"{PREFIX}retries_total"])["rate_limited"] == 0
    unlabelled = {
        m.name for m in CATALOGUE if not m.labels and m.read is not None and m.kind is not MetricKind.HISTOGRAM
    }
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
    leaking = replace(busy, tally=replace(busy.tally, delivered=797))

    assert scraped(leaking)[f"{PREFIX}accounting_gap"] == {(): 3}


def test_histogram_buckets_are_cumulative_and_end_with_all_observations(busy: Snapshot) -> None:
    series = scraped(busy)

    buckets = by_label(series[f"{PREFIX}request_duration_seconds_bucket"])
    shown = {bound: buckets[bound] for bound in ("0.05", "0.1", "0.5", "1.0", "30.0", "+Inf")}
    assert shown == {"0.05": 0, "0.1": 700, "0.5": 700, "1.0": 820, "30.0": 820, "+Inf": 830}
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
        scraped(replace(quiet, blocks=(ClosedGate(Reason.OUTAGE, quiet.at - 5),)))[f"{PREFIX}blocked"],
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


@pytest.mark.parametrize(("ends_in", "held_for"), [(840, 0), (0, 0), (-30, 30)])
def test_a_pause_is_held_for_no_time_at_all_until_it_should_have_ended(
    busy: Snapshot, ends_in: float, held_for: float
) -> None:
    where = {"partition": "3", "topic": "shop.orders", "reason": "held_by_operator"}
    hold = PartitionHold(Reason.PAUSED_BY_OPERATOR, busy.at - 90, "Paused.", until=busy.at + ends_in)
    series = scraped(replace(busy, partitions=(replace(busy.partitions[0], hold=hold),)))

    labels = tuple(sorted(where.items()))
    assert series[f"{PREFIX}partition_held_seconds"] == {labels: held_for}
    assert series[f"{PREFIX}partition_held"][labels] == 1
    assert series[f"{PREFIX}partition_held_timestamp_seconds"] == {labels: busy.at - 90}


def test_an_unknown_lag_is_absent_so_that_sums_over_partitions_stay_numbers(busy: Snapshot) -> None:
    unknown = replace(busy, partitions=(replace(busy.partitions[0], end=None),))

    assert f"{PREFIX}partition_lag_records" not in scraped(unknown)


def undone(busy: Snapshot, **changes: object) -> dict[tuple[tuple[str, str], ...], float] | None:
    partition = replace(busy.partitions[0], **changes)  # type: ignore[arg-type]
    return scraped(replace(busy, partitions=(partition,))).get(f"{PREFIX}partition_undone_records")


def test_of_a_partition_that_one_record_holds_back_only_that_record_is_not_done(busy: Snapshot) -> None:
    where = (("partition", "3"), ("topic", "shop.orders"))
    parked = {"position": 100, "end": 5_000, "open_records": 1}
    assert undone(busy, **parked, done_above=4_899) == {where: 1}
    assert undone(busy, **parked, done_above=4_000) == {where: 900}
    assert undone(busy, **parked | {"end": 90}, done_above=4_899) == {where: 1}, "the end is known some seconds late"
    assert undone(busy, position=100, end=100, open_records=0) == {where: 0}
    assert undone(busy, position=100, end=None) is None


def test_of_a_partition_that_is_not_read_all_is_undone_but_what_the_map_of_its_position_calls_done(
    busy: Snapshot,
) -> None:
    where = (("partition", "3"), ("topic", "shop.orders"))
    held = {"open_records": 0, "end": 150, "start": 50}
    assert undone(busy, **held, position=100, done_above=20) == {where: 30}
    assert undone(busy, **held, position=20, done_above=20) == {where: 100}, "the map was of what the log has lost"
    assert undone(busy, **held, position=None) == {where: 100}


def test_the_retention_of_a_topic_is_shown_where_it_is_known_and_infinite_where_records_stay(busy: Snapshot) -> None:
    known = replace(busy, retention={"shop.orders": 604_800.0, "shop.accounts": math.inf})

    assert by_label(scraped(known)[f"{PREFIX}topic_retention_seconds"]) == known.retention
    assert f"{PREFIX}topic_retention_seconds" not in scraped(busy)


def test_the_backlog_to_scale_on_is_a_number_from_the_first_scrape_on(quiet: Snapshot, busy: Snapshot) -> None:
    assert scraped(quiet)[f"{PREFIX}scaling_backlog"] == {(): 0}
    assert scraped(busy)[f"{PREFIX}scaling_backlog"] == {(): 60}


def test_a_client_that_accepts_openmetrics_gets_openmetrics(busy: Snapshot) -> None:
    accept = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5"
    chosen = exposition_format.media_type(accept)

    text = exposition_format.Exposition().render(busy, chosen).decode()

    assert chosen == exposition_format.OPENMETRICS
    assert text.endswith("# EOF\n")
    families = parse_openmetrics(text)  # type: ignore[no-untyped-call]  # the parser has no annotations
    assert {family.name for family in families} >= {
        metric.name.removesuffix("_total") for metric in CATALOGUE if metric.read is not None
    }


def test_openmetrics_has_the_last_traced_observation_of_each_bucket_of_both_histograms(busy: Snapshot) -> None:
    kept = Exemplar("0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331", 0.03, 1_767_355_199.5)
    busy.requests.duration_exemplars[5] = busy.tally.latency_exemplars[3] = kept
    text = exposition_format.Exposition().render(busy, exposition_format.OPENMETRICS).decode()
    found = {
        sample.name: (sample.labels["le"], sample.exemplar)
        for family in parse_openmetrics(text)  # type: ignore[no-untyped-call]  # the parser has no annotations
        for sample in family.samples
        if sample.exemplar is not None
    }
    assert {name: le for name, (le, _) in found.items()} == {
        "track_bridge_request_duration_seconds_bucket": "0.05",
        "track_bridge_delivery_latency_seconds_bucket": "0.05",
    }
    for _, exemplar in found.values():
        assert exemplar.labels == {"trace_id": kept.trace_id, "span_id": kept.span_id}
        assert (exemplar.value, float(exemplar.timestamp)) == (0.03, 1_767_355_199.5)
    plain = exposition_format.Exposition().render(busy, exposition_format.TEXT)
    assert b"trace_id" not in plain, "the text format knows none"


def test_only_openmetrics_has_units_and_the_time_since_when_something_is_counted(busy: Snapshot) -> None:
    text = exposition_format.Exposition().render(busy, exposition_format.OPENMETRICS).decode()
    families = {family.name: family for family in parse_openmetrics(text)}  # type: ignore[no-untyped-call]

    for metric in CATALOGUE:
        if metric.read is None:
            continue  # of the process: the library counts them
        family = families[metric.name.removesuffix("_total")]
        assert family.unit == metric.openmetrics_unit
        assert not family.unit or family.name.endswith(f"_{family.unit}")
        created = [sample.value for sample in family.samples if sample.name.endswith("_created")]
        counted = [sample for sample in family.samples if sample.name.endswith(("_total", "_count"))]
        assert created == [busy.started_at] * len(counted)
    assert families[f"{PREFIX}request_duration_seconds"].unit == "seconds"
    assert families[f"{PREFIX}buffered_bytes"].unit == "bytes"

    plain = exposition_format.Exposition().render(busy, exposition_format.TEXT).decode()
    assert "# UNIT" not in plain
    assert "_created" not in plain


@pytest.mark.parametrize("accept", ["", "*/*", "text/html", "application/json"])
def test_everybody_else_gets_the_plain_text_format(accept: str) -> None:
    assert exposition_format.media_type(accept) == exposition_format.TEXT


def test_a_route_name_with_quotes_and_backslashes_does_not_break_the_page(busy: Snapshot) -> None:
    name = 'odd"\\\nname'
    odd = replace(busy, routes={name: busy.routes["account.*"]})

    assert {dict(labels)["route"] for labels in scraped(odd)[f"{PREFIX}events_total"]} == {name}


def test_no_time_that_has_passed_is_negative_where_the_clock_was_set_back(busy: Snapshot) -> None:
    hold = PartitionHold(Reason.OUT_OF_RANGE, busy.at, "below")
    everything = replace(
        busy,
        partitions=[replace(busy.partitions[0], hold=hold)],
        held_topics=[TopicHold("other", busy.at, "dead letters")],
        letters=replace(busy.letters, open_by_reason={"rejected": 1}, oldest_open=busy.at),
        group_view=replace(busy.group_view, at=busy.at),
        at=busy.at - 3_600,
    )

    passed = {
        name: min(series.values())
        for name, series in scraped(everything).items()
        if name.startswith(PREFIX) and name.endswith("_seconds") and not name.endswith("_timestamp_seconds")
    }

    assert passed[f"{PREFIX}partition_held_seconds"] == 0
    assert {name: least for name, least in passed.items() if least < 0} == {}
