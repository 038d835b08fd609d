"""The consumer group: what all replicas together ought to read, and this process as a member."""

from __future__ import annotations

from collections.abc import Callable

from bridge.holds import TOPIC_PROBLEMS
from bridge.ops.group_view import TopicView
from bridge.ops.metrics.declare import DashboardRow, Metric, Over, Samples, Shown, age, counter, counters, gauge, gauges
from bridge.ops.snapshot import RecordedLosses, Snapshot


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


def _recorded(snapshot: Snapshot) -> RecordedLosses | None:
    """None until they were read."""
    found = snapshot.recorded_losses
    return found if found is not None and found.is_read else None


METRICS: tuple[Metric, ...] = (
    # --- what ought to be read, by all replicas together ----------------------------------------------------------
    gauges(
        "topic_problem",
        "0 or 1",
        "1 while a topic of kafka.topics, or a pattern that matches none, yields nothing for this reason.",
        ("topic", "reason"),
        _topic_problems,
        Over.MAX,
    ),
    gauges(
        "group_lag_records",
        "records",
        "Records of a topic that the group has not committed, whoever has the partitions; absent until it is known.",
        ("topic",),
        _per_topic(lambda view: view.lag),
        Over.MAX,
    ),
    gauges(
        "group_unowned_partitions",
        "partitions",
        "Partitions of a topic that no member of the group has, asked for while partitions of others do not move; "
        "absent while it is not known.",
        ("topic",),
        _per_topic(lambda view: None if view.unowned is None else len(view.unowned)),
        Over.MAX,
    ),
    gauges(
        "group_stalled_partitions",
        "partitions",
        "Partitions of other members with records that wait, of which nothing was committed for 8 s: their owner may"
        " be dead and not missed yet.",
        ("topic",),
        _per_topic(lambda view: len(view.stalled)),
        Over.MAX,
    ),
    gauge(
        "group_members",
        "members",
        "Members of the consumer group, asked for while partitions of others do not move; NaN: not known.",
        lambda s: None if s.group_view.members is None else len(s.group_view.members),
        Over.MAX,
    ),
    gauge(
        "group_other_mappings",
        "mappings",
        "Mappings other than this process's by which members of the group committed in the last two minutes.",
        lambda s: len(s.group_view.other_mappings),
        Over.MAX,
    ),
    *age(
        "group_view",
        "Age of the look at the group that these numbers come from; NaN: there was none yet.",
        "of the look at the group that these numbers come from",
        lambda s: None if s.group_view.at is None else max(0.0, s.at - s.group_view.at),
        shown=Shown(DashboardRow.GROUP, "Age of the look at the group"),
    ),
    # --- the consumer group ---------------------------------------------------------------------------------------
    counters(
        "commits_total",
        "commits",
        "Offset commits, by result (ok, failed).",
        ("result",),
        lambda s: ((("ok",), s.consumer.commits), (("failed",), s.consumer.commit_errors.total())),
    ),
    counters(
        "rebalances_total",
        "rebalances",
        "Rebalances that gave (assigned) or took partitions, in order (revoked) or not (lost).",
        ("kind",),
        lambda s: (
            (("assigned",), s.consumer.assignments),
            (("revoked",), s.consumer.revocations),
            (("lost",), s.consumer.losses),
        ),
    ),
    counter(
        "forced_drains_total",
        "drains",
        "Drains whose time ran out: requests still on the wire were cut off and their records may be sent twice.",
        lambda s: s.forced_drains,
    ),
    *age(
        "commit",
        "Time since Kafka last acknowledged an offset commit; what completed since is sent again if the process dies."
        " NaN: not yet.",
        "at which Kafka last acknowledged an offset commit",
        lambda s: s.group.commit_age,
    ),
    *age(
        "membership",
        "Time since Kafka last confirmed that this process is a member of its group; NaN: not yet.",
        "at which Kafka last confirmed that this process is a member of its group",
        lambda s: s.group.membership_age,
    ),
    counter(
        "out_of_range_total",
        "partitions",
        "Assignments that found the committed offset outside the log; the partition is held.",
        lambda s: s.group.out_of_range,
    ),
    counter(
        "possibly_lost_records_total",
        "records",
        "Offsets that left the log by retention before they were complete: the upper bound of the records lost.",
        lambda s: s.consumer.possibly_lost,
    ),
    gauge(
        "recorded_lost_records",
        "records",
        "Records of the whole group that are recorded as lost, at most, restarts included; NaN: not read yet.",
        lambda s: None if (found := _recorded(s)) is None else found.at_most,
        Over.MAX,
    ),
    gauge(
        "recorded_losses",
        "losses",
        "Losses of the group that are recorded, those of an unknown number of records included. NaN: not read yet.",
        lambda s: None if (found := _recorded(s)) is None else found.count,
        Over.MAX,
    ),
    gauge(
        "recorded_losses_timestamp_seconds",
        "seconds",
        "Unix time of the first loss that is recorded; NaN: there is none, or they were not read yet.",
        lambda s: None if (found := _recorded(s)) is None else found.since,
        Over.MIN,
    ),
)
