"""What became of the records, what the mapping did with them, and the traffic with the Track API."""

from __future__ import annotations

from bridge.counts import DURATION_BOUNDS, LATENCY_BOUNDS
from bridge.model import FilterReason
from bridge.ops.metrics.declare import (
    DashboardRow,
    Distribution,
    Metric,
    Samples,
    Shown,
    counted,
    counter,
    counters,
    gauge,
    histogram,
)
from bridge.ops.snapshot import Snapshot


def _events(snapshot: Snapshot) -> Samples:
    for route, counts in snapshot.routes.items():
        yield (route, "delivered"), counts.delivered
        yield (route, "filtered"), counts.filtered
        yield (route, "dead_lettered"), counts.dead_lettered


def _keys(snapshot: Snapshot) -> Samples:
    for (route, key), count in snapshot.keys.items():
        yield (route, key, "found"), count.events - count.absent
        yield (route, key, "absent"), count.absent


DOCUMENTED_STATUSES: tuple[int | None, ...] = (202, 400, 401, 429, None)
RETRY_REASONS = ("rate_limited", "timeout", "connection", "redirect", "too_early", "server_error", "unauthorized")


def _statuses(snapshot: Snapshot) -> Samples:
    stats = snapshot.requests
    counts = dict.fromkeys(DOCUMENTED_STATUSES, 0) | stats.by_status | {None: sum(stats.by_failure.values())}
    return ((("none" if status is None else str(status),), count) for status, count in counts.items())


METRICS: tuple[Metric, ...] = (
    # --- accounting: consumed = delivered + filtered + dead_lettered + already_done + released + in_flight --------
    counter("records_consumed_total", "records", "Records taken from Kafka.", lambda s: s.tally.consumed),
    counter(
        "records_delivered_total",
        "records",
        "Records of which every event that had to be sent was accepted by the Track API.",
        lambda s: s.tally.delivered,
    ),
    counters(
        "records_filtered_total",
        "records",
        "Records that cause no request, by the rule of the mapping that left them out.",
        ("reason",),
        lambda s: counted({k.value: n for k, n in s.tally.filtered_by_reason().items()}, FilterReason),
    ),
    counter(
        "records_dead_lettered_total",
        "records",
        "Records of which at least one event is in the dead-letter topic, acknowledged.",
        lambda s: s.tally.dead_lettered,
    ),
    counter(
        "records_already_done_total",
        "records",
        "Records an earlier assignment had completed, as the committed offset map says; they are not sent again.",
        lambda s: s.tally.already_done,
    ),
    counter(
        "records_released_total",
        "records",
        "Open records given back with their partition; whoever owns it next takes them again.",
        lambda s: s.tally.released,
    ),
    gauge(
        "records_in_flight",
        "records",
        "Records consumed and not complete yet: buffered, parked, on the wire or being dead-lettered.",
        lambda s: s.tally.buffered,
    ),
    gauge(
        "accounting_gap",
        "records",
        "Records consumed minus accounted for; must be 0. Anything else is a defect of the bridge.",
        lambda s: s.tally.gap,
        shown=Shown(DashboardRow.OVERVIEW, "Records nobody can explain"),
    ),
    # --- mapping --------------------------------------------------------------------------------------------------
    counters(
        "events_total",
        "events",
        "What became of the events of each route, zero for a route that never matched; one record may make several. Of"
        " identify and company routes it is their requests.",
        ("route", "outcome"),
        _events,
    ),
    counter(
        "unmapped_records_total",
        "records",
        "Records whose type no route names, whether dropped or dead-lettered.",
        lambda s: s.tally.unmapped,
    ),
    counters(
        "metadata_keys_total",
        "events",
        "Mapped events by route and metadata key: its path found something in the record, or nothing (absent: it was"
        " left out, or its default was sent).",
        ("route", "metadata_key", "result"),
        _keys,
    ),
    counter(
        "metadata_values_left_out_total",
        "values",
        "Metadata values left out of requests because they have no flat form (lists of objects).",
        lambda s: s.tally.left_out,
        shown=Shown(DashboardRow.MAPPING, "Metadata values left out", legend="left out"),
    ),
    # --- requests -------------------------------------------------------------------------------------------------
    counters(
        "requests_total",
        "requests",
        "Requests to the Track API that ended, of all kinds, by status; none: no whole answer came.",
        ("status",),
        _statuses,
    ),
    histogram(
        "request_duration_seconds",
        "Time from the start of a request to the end of its answer, requests of all kinds.",
        lambda s: Distribution(
            DURATION_BOUNDS, s.requests.duration_buckets, s.requests.duration_sum, s.requests.duration_exemplars
        ),
    ),
    histogram(
        "delivery_latency_seconds",
        "Time from the timestamp of a record in Kafka to the acceptance of its event; identify and company requests are"
        " not observed.",
        lambda s: Distribution(LATENCY_BOUNDS, s.tally.latency, s.tally.latency_sum, s.tally.latency_exemplars),
    ),
    counters(
        "retries_total",
        "attempts",
        "Attempts that will be repeated, of all kinds of requests, by what went wrong.",
        ("reason",),
        lambda s: counted(s.tally.retries, RETRY_REASONS),
    ),
    counter(
        "ambiguous_retries_total",
        "attempts",
        "Attempts repeated although the first may have been accepted: the upper bound of the duplicates caused by it.",
        lambda s: s.tally.ambiguous,
    ),
    gauge("in_flight_requests", "requests", "Requests on the wire, of all kinds.", lambda s: s.in_flight_requests),
    gauge("open_connections", "connections", "Open connections to the Track API.", lambda s: s.requests.connections),
)
