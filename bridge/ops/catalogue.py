"""Every metric the bridge exposes, declared once: name, kind, unit, meaning, labels, and where its value comes from.

The exposition, the reference table in docs/operations.md and the checks of dashboards and alerts all read this table.
Labels are routes and metadata keys of the configuration, topics, partitions and fixed words; never a user, an event
id or anything else out of a payload.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from bridge.holds import GATES, PARTITION_HOLDS, TOPIC_PROBLEMS
from bridge.model import FilterReason, LetterReason
from bridge.ops import scaling
from bridge.ops.group_view import TopicView
from bridge.ops.snapshot import Distribution, Partition, Snapshot
from bridge.ops.why import held_since, partition_hold

PREFIX = "track_bridge_"
DOCUMENTED_STATUSES: tuple[int | None, ...] = (202, 400, 401, 429, None)
RETRY_REASONS = ("rate_limited", "timeout", "connection", "redirect", "too_early", "server_error", "unauthorized")

OTHER_REASON = "other"
"""Of dead letters that another program wrote."""

Samples = Iterable[tuple[tuple[str, ...], float]]
"""Label values in the order of the metric's labels, and the number."""


class Kind(enum.StrEnum):
    """Prometheus' kinds of metrics that are in use here."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric family, under the name a query uses."""

    name: str
    kind: Kind
    unit: str
    meaning: str
    labels: tuple[str, ...]
    read: Callable[[Snapshot], Samples | Distribution] | None
    """None: prometheus_client's process collector reads it."""

    @property
    def help(self) -> str:
        """The HELP text."""
        return f"{self.meaning} Unit: {self.unit}."


def _one(read: Callable[[Snapshot], float]) -> Callable[[Snapshot], Samples]:
    return lambda snapshot: (((), read(snapshot)),)


def _counter(name: str, unit: str, meaning: str, read: Callable[[Snapshot], float]) -> Metric:
    return Metric(PREFIX + name, Kind.COUNTER, unit, meaning, (), _one(read))


def _gauge(name: str, unit: str, meaning: str, read: Callable[[Snapshot], float]) -> Metric:
    return Metric(PREFIX + name, Kind.GAUGE, unit, meaning, (), _one(read))


def _counters(
    name: str, unit: str, meaning: str, labels: tuple[str, ...], read: Callable[[Snapshot], Samples]
) -> Metric:
    return Metric(PREFIX + name, Kind.COUNTER, unit, meaning, labels, read)


def _gauges(name: str, unit: str, meaning: str, labels: tuple[str, ...], read: Callable[[Snapshot], Samples]) -> Metric:
    return Metric(PREFIX + name, Kind.GAUGE, unit, meaning, labels, read)


def _histogram(name: str, meaning: str, read: Callable[[Snapshot], Distribution]) -> Metric:
    return Metric(PREFIX + name, Kind.HISTOGRAM, "seconds", meaning, (), read)


def _process(name: str, kind: Kind, unit: str, meaning: str) -> Metric:
    return Metric(f"process_{name}", kind, unit, meaning, (), None)


def _counted(counts: Mapping[str, int], known: Iterable[str]) -> Samples:
    """One sample per known word, zero included, and one per further word that was met."""
    return (((word,), count) for word, count in (dict.fromkeys(known, 0) | dict(counts)).items())


def _statuses(snapshot: Snapshot) -> Samples:
    counts = dict.fromkeys(DOCUMENTED_STATUSES, 0) | dict(snapshot.requests.by_status)
    return ((("none" if status is None else str(status),), count) for status, count in counts.items())


def _events(snapshot: Snapshot) -> Samples:
    for route, counts in snapshot.mapped.routes.items():
        yield (route, "delivered"), counts.delivered
        yield (route, "filtered"), counts.filtered
        yield (route, "dead_lettered"), counts.dead_lettered


def _keys(snapshot: Snapshot) -> Samples:
    for (route, key), count in snapshot.mapped.keys.items():
        yield (route, key, "found"), count.events - count.absent
        yield (route, key, "absent"), count.absent


def _blocked(snapshot: Snapshot) -> Samples:
    closed = {block.gate for block in snapshot.blocks}
    return (((gate.value,), gate in closed) for gate in GATES)


def _per_partition(read: Callable[[Snapshot, Partition], float | None]) -> Callable[[Snapshot], Samples]:
    """A number that is not known yet is left out: NaN would spoil every sum over partitions."""

    def samples(snapshot: Snapshot) -> Samples:
        for partition in snapshot.partitions:
            number = read(snapshot, partition)
            if number is not None:
                yield (partition.partition.topic, str(partition.partition.partition)), number

    return samples


def _held(snapshot: Snapshot) -> Samples:
    held_topics = {hold.topic for hold in snapshot.held_topics}
    for partition in snapshot.partitions:
        topic, number = partition.partition
        hold = partition_hold(partition, held_topics)
        for why in PARTITION_HOLDS:
            if why in _ALWAYS_SHOWN or hold is why:
                yield (topic, str(number), why.value), hold is why


def _held_for(snapshot: Snapshot) -> Samples:
    since_by_topic = {hold.topic: hold.since for hold in snapshot.held_topics}
    for partition in snapshot.partitions:
        why, since = partition_hold(partition, since_by_topic), held_since(partition, since_by_topic)
        if why is not None and since is not None:
            yield (partition.partition.topic, str(partition.partition.partition), why.value), snapshot.at - since


def _topic_problems(snapshot: Snapshot) -> Samples:
    for view in snapshot.group_view.topics:
        for reason in TOPIC_PROBLEMS:
            yield (view.topic, reason.value), view.problem is not None and view.problem.reason is reason


def _per_topic(read: Callable[[TopicView], float | None]) -> Callable[[Snapshot], Samples]:
    """A number that is not known is left out."""

    def samples(snapshot: Snapshot) -> Samples:
        for view in snapshot.group_view.topics:
            if (number := read(view)) is not None:
                yield (view.topic,), number

    return samples


def _open_letters(snapshot: Snapshot) -> Samples:
    """Not a number until they are counted: a 0 would look like a settled backlog after every restart."""
    reasons = (*LetterReason, OTHER_REASON)
    counts = snapshot.letters.open_by_reason
    return (((reason,), math.nan if counts is None else counts.get(reason, 0)) for reason in reasons)


def _exact_letters(snapshot: Snapshot) -> Samples:
    counted, least = snapshot.letters.open_by_reason is not None, snapshot.letters.open_at_least
    return (
        ((reason,), float(reason not in least) if counted else math.nan) for reason in (*LetterReason, OTHER_REASON)
    )


def _oldest_letter(snapshot: Snapshot) -> float | None:
    if snapshot.letters.open_by_reason is None:
        return None
    oldest = snapshot.letters.oldest_open
    return 0.0 if oldest is None else max(0.0, snapshot.at - oldest)


def _known(number: float | None) -> float:
    return math.nan if number is None else number


def _unlimited(rate: float | None) -> float:
    return math.inf if rate is None else rate


_ALWAYS_SHOWN = frozenset(PARTITION_HOLDS[:4])
"""Zero included. The others are rare, and a series for each partition and reason is what a page of metrics costs."""
_PARTITION = ("topic", "partition")

CATALOGUE: tuple[Metric, ...] = (
    # --- accounting: consumed = delivered + filtered + dead_lettered + already_done + released + in_flight --------
    _counter("records_consumed_total", "records", "Records taken from Kafka.", lambda s: s.records.consumed),
    _counter(
        "records_delivered_total",
        "records",
        "Records of which every event that had to be sent was accepted by the Track API.",
        lambda s: s.records.delivered,
    ),
    _counters(
        "records_filtered_total",
        "records",
        "Records that cause no request, by the rule of the mapping that left them out.",
        ("reason",),
        lambda s: _counted({k.value: n for k, n in s.records.filtered.items()}, FilterReason),
    ),
    _counter(
        "records_dead_lettered_total",
        "records",
        "Records of which at least one event is in the dead-letter topic, acknowledged.",
        lambda s: s.records.dead_lettered,
    ),
    _counter(
        "records_already_done_total",
        "records",
        "Records an earlier assignment had completed, as the committed offset map says; they are not sent again.",
        lambda s: s.records.already_done,
    ),
    _counter(
        "records_released_total",
        "records",
        "Open records given back with their partition; whoever owns it next takes them again.",
        lambda s: s.records.released,
    ),
    _gauge(
        "records_in_flight",
        "records",
        "Records consumed and not complete yet: buffered, parked, on the wire or being dead-lettered.",
        lambda s: s.records.in_flight,
    ),
    _gauge(
        "accounting_gap",
        "records",
        "Records consumed less all that became of them; anything but 0 is a defect of the bridge.",
        lambda s: s.records.gap,
    ),
    # --- mapping --------------------------------------------------------------------------------------------------
    _counters(
        "events_total",
        "events",
        "What became of the events of each route, zero for a route that never matched; one record may make several.",
        ("route", "outcome"),
        _events,
    ),
    _counter(
        "unmapped_records_total",
        "records",
        "Records whose type no route names, whether dropped or dead-lettered.",
        lambda s: s.mapped.unmapped_records,
    ),
    _counters(
        "metadata_keys_total",
        "events",
        "Mapped events by route and metadata key: its path found something in the record, or nothing (absent: it was"
        " left out, or its default was sent).",
        ("route", "metadata_key", "result"),
        _keys,
    ),
    _counter(
        "metadata_values_left_out_total",
        "values",
        "Metadata values left out of requests because they have no flat form (lists of objects).",
        lambda s: s.mapped.values_left_out,
    ),
    # --- requests -------------------------------------------------------------------------------------------------
    _counters(
        "requests_total",
        "requests",
        "Requests to the Track API that ended, by status; none: no whole answer came.",
        ("status",),
        _statuses,
    ),
    _histogram(
        "request_duration_seconds",
        "Time from the start of a request to the end of its answer.",
        lambda s: s.requests.duration,
    ),
    _histogram(
        "delivery_latency_seconds",
        "Time from the timestamp of a record in Kafka to the acceptance of its event.",
        lambda s: s.requests.latency,
    ),
    _counters(
        "retries_total",
        "attempts",
        "Attempts that will be repeated, by what went wrong.",
        ("reason",),
        lambda s: _counted(s.requests.retries, RETRY_REASONS),
    ),
    _counter(
        "ambiguous_retries_total",
        "attempts",
        "Attempts repeated although the first may have been accepted: the upper bound of the duplicates caused by it.",
        lambda s: s.requests.ambiguous_retries,
    ),
    _gauge("in_flight_requests", "requests", "Requests on the wire.", lambda s: s.requests.in_flight),
    _gauge("open_connections", "connections", "Open connections to the Track API.", lambda s: s.requests.connections),
    # --- dead letters ---------------------------------------------------------------------------------------------
    _counters(
        "dead_letters_total",
        "dead letters",
        "Dead letters acknowledged by the dead-letter topic.",
        ("reason",),
        lambda s: _counted({k.value: n for k, n in s.letters.by_reason.items()}, LetterReason),
    ),
    _counter(
        "dead_letter_write_failures_total",
        "attempts",
        "Writes to the dead-letter topic that failed and are tried again.",
        lambda s: s.letters.write_failures,
    ),
    _gauges(
        "open_dead_letters",
        "dead letters",
        "Dead letters in the topic that are neither replayed nor discarded; every replica counts all of them.",
        ("reason",),
        _open_letters,
    ),
    _gauges(
        "open_dead_letters_exact",
        "flag",
        "1: track_bridge_open_dead_letters is exact. 0: there are at least as many, more than are counted in memory.",
        ("reason",),
        _exact_letters,
    ),
    _gauge(
        "open_dead_letter_oldest_age_seconds",
        "seconds",
        "Age of the oldest open dead letter; 0: there is none.",
        lambda s: _known(_oldest_letter(s)),
    ),
    # --- buffers --------------------------------------------------------------------------------------------------
    _gauge("buffered_records", "records", "Records held in memory.", lambda s: s.buffers.records),
    _gauge("buffered_bytes", "bytes", "Keys, values and headers held in memory.", lambda s: s.buffers.bytes),
    _gauge(
        "parked_records", "records", "Records waiting for the time of their next attempt.", lambda s: s.buffers.parked
    ),
    _gauge(
        "paused",
        "0 or 1",
        "1 while consumption is paused because the buffers stayed full.",
        lambda s: s.buffers.paused,
    ),
    _gauge(
        "failing_users",
        "users",
        "Users whose next event failed and is tried again; what else delivery.ordering keeps in order.",
        lambda s: s.failing_users,
    ),
    _gauge(
        "failing_records",
        "records",
        "Records that failed or wait behind one of their user that did; at most some five times delivery.max_buffered.",
        lambda s: s.failing_records,
    ),
    _gauge(
        "failing_paused_partitions",
        "partitions",
        "Partitions that pause because as many records as may wait behind users whose events fail.",
        lambda s: sum(partition.crowded for partition in s.partitions),
    ),
    # --- what keeps requests from going ---------------------------------------------------------------------------
    _gauge(
        "rate_limit",
        "requests per second",
        "The configured budget of the API token, for all replicas together; +Inf: unlimited.",
        lambda s: _unlimited(s.rate.limit),
    ),
    _gauge(
        "rate_share",
        "requests per second",
        "The part of the budget this replica may use now; +Inf: unlimited.",
        lambda s: _unlimited(s.rate.share),
    ),
    _gauge(
        "rate_view_age_seconds",
        "seconds",
        "Age of the view of the consumer group the share is computed from; NaN: there is none.",
        lambda s: _known(s.rate.view_age),
    ),
    _counter(
        "rate_limited_seconds_total",
        "seconds",
        "Time in which something was ready to be sent and only the rate kept it.",
        lambda s: s.rate.limited_seconds,
    ),
    _gauges(
        "blocked",
        "0 or 1",
        "1 while this reason keeps the whole process from sending.",
        ("reason",),
        _blocked,
    ),
    # --- partitions -----------------------------------------------------------------------------------------------
    _gauges(
        "partition_assigned",
        "0 or 1",
        "1 for every partition assigned to this replica.",
        _PARTITION,
        _per_partition(lambda _s, _p: 1),
    ),
    _gauges(
        "partition_lag_records",
        "records",
        "Records between the lowest open offset and the last stable offset of the log; absent until both are known.",
        _PARTITION,
        _per_partition(lambda _s, p: p.lag),
    ),
    _gauges(
        "partition_position_offset",
        "offset",
        "The lowest open offset of the partition: everything below it is done. One that stands still is stuck or idle.",
        _PARTITION,
        _per_partition(lambda _s, p: p.position),
    ),
    _gauges(
        "partition_oldest_open_age_seconds",
        "seconds",
        "Time since the oldest open record of the partition was produced; 0: nothing is open.",
        _PARTITION,
        _per_partition(lambda s, p: p.oldest_age(s.at)),
    ),
    _gauges(
        "partition_held",
        "0 or 1",
        "1 while this reason holds the partition; reasons beside out_of_range, no_start, dead_letter_hold and"
        " dead_letters_unwritable are shown only while they do.",
        (*_PARTITION, "reason"),
        _held,
    ),
    _gauges(
        "partition_held_seconds",
        "seconds",
        "For how long this reason holds the partition; absent while nothing does. For transaction_hanging: for how long"
        " the last stable offset has not moved.",
        (*_PARTITION, "reason"),
        _held_for,
    ),
    _gauges(
        "topic_retention_seconds",
        "seconds",
        "Age at which Kafka deletes the records of an assigned topic; +Inf: never for their age; absent where the"
        " brokers do not say (DESCRIBE_CONFIGS).",
        ("topic",),
        lambda s: (((topic,), seconds) for topic, seconds in sorted(s.retention.items())),
    ),
    _gauge(
        "scaling_backlog",
        "records",
        "The part of the lag that one more replica could help with; 0 where the rate budget, the key, an outage, a hold"
        " or a retry keeps records from going.",
        scaling.backlog,
    ),
    # --- what ought to be read, by all replicas together ----------------------------------------------------------
    _gauges(
        "topic_problem",
        "0 or 1",
        "1 while a topic of kafka.topics, or a pattern that matches none, yields nothing for this reason.",
        ("topic", "reason"),
        _topic_problems,
    ),
    _gauges(
        "group_lag_records",
        "records",
        "Records of a topic that the group has not committed, whoever has the partitions; absent until it is known.",
        ("topic",),
        _per_topic(lambda view: view.lag),
    ),
    _gauges(
        "group_unowned_partitions",
        "partitions",
        "Partitions of a topic that no member of the group has, asked for while partitions of others stand still; "
        "absent while it is not known.",
        ("topic",),
        _per_topic(lambda view: None if view.unowned is None else len(view.unowned)),
    ),
    _gauges(
        "group_stalled_partitions",
        "partitions",
        "Partitions of other members with records that wait, of which nothing was committed for 8 s: their owner may"
        " be dead and not missed yet.",
        ("topic",),
        _per_topic(lambda view: len(view.stalled)),
    ),
    _gauge(
        "group_members",
        "members",
        "Members of the consumer group, asked for while partitions of others stand still; NaN: not known.",
        lambda s: _known(None if s.group_view.members is None else len(s.group_view.members)),
    ),
    _gauge(
        "group_other_mappings",
        "mappings",
        "Mappings other than this process's by which members of the group committed in the last two minutes.",
        lambda s: len(s.group_view.other_mappings),
    ),
    _gauge(
        "group_view_age_seconds",
        "seconds",
        "Age of the look at the group that these numbers come from; NaN: there was none yet.",
        lambda s: _known(None if s.group_view.at is None else max(0.0, s.at - s.group_view.at)),
    ),
    # --- the consumer group ---------------------------------------------------------------------------------------
    _counters(
        "commits_total",
        "commits",
        "Offset commits, by result (ok, failed).",
        ("result",),
        lambda s: ((("ok",), s.group.commits), (("failed",), s.group.commit_failures)),
    ),
    _counters(
        "rebalances_total",
        "rebalances",
        "Rebalances that gave (assigned) or took partitions, in order (revoked) or not (lost).",
        ("kind",),
        lambda s: (
            (("assigned",), s.group.assignments),
            (("revoked",), s.group.revocations),
            (("lost",), s.group.losses),
        ),
    ),
    _counter(
        "forced_drains_total",
        "drains",
        "Drains whose time ran out: requests still on the wire were cut off and their records may be sent twice.",
        lambda s: s.group.forced_drains,
    ),
    _gauge(
        "commit_age_seconds",
        "seconds",
        "Time since Kafka last acknowledged an offset commit; what completed since is sent again if the process dies."
        " NaN: not yet.",
        lambda s: _known(s.group.commit_age),
    ),
    _gauge(
        "membership_age_seconds",
        "seconds",
        "Time since Kafka last confirmed that this process is a member of its group; NaN: not yet.",
        lambda s: _known(s.group.membership_age),
    ),
    _counter(
        "out_of_range_total",
        "partitions",
        "Assignments that found the committed position outside the log; the partition is held.",
        lambda s: s.group.out_of_range,
    ),
    _counter(
        "possibly_lost_records_total",
        "records",
        "Offsets that left the log by retention before they were complete: the upper bound of the records lost.",
        lambda s: s.group.possibly_lost,
    ),
    # --- the process ----------------------------------------------------------------------------------------------
    _gauge("poll_age_seconds", "seconds", "Time since the poll thread's last beat.", lambda s: s.vitals.poll_age),
    _gauge("loop_age_seconds", "seconds", "Time since the event loop's last beat.", lambda s: s.vitals.loop_age),
    _counter("key_reloads_total", "reloads", "Times the key file held a new API key.", lambda s: s.key.reloads),
    _counter(
        "log_write_failures_total",
        "lines",
        "Log lines that could not be written (closed pipe, full disk, a reader that stalls) and are gone.",
        lambda s: s.log_write_failures,
    ),
    _gauges(
        "build_info", "1", "Always 1; the label is the program's version.", ("version",), lambda s: (((s.version,), 1),)
    ),
    _process("cpu_seconds_total", Kind.COUNTER, "seconds", "User and system CPU time spent."),
    _process("resident_memory_bytes", Kind.GAUGE, "bytes", "Resident memory."),
    _process("virtual_memory_bytes", Kind.GAUGE, "bytes", "Virtual memory."),
    _process("start_time_seconds", Kind.GAUGE, "seconds", "Start time of the process since the Unix epoch."),
    _process("open_fds", Kind.GAUGE, "file descriptors", "Open file descriptors."),
    _process("max_fds", Kind.GAUGE, "file descriptors", "Most file descriptors the process may open."),
)
"""The process metrics are read from /proc and exist on Linux only."""
