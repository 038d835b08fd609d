"""The assigned partitions: how far each is, how late, and what holds it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from bridge.holds import PARTITION_HOLDS, Reason
from bridge.ops.hold_reasons import explain, held_beyond, held_since, partition_hold
from bridge.ops.metrics.declare import Metric, Over, Samples, gauge, gauges
from bridge.ops.snapshot import PartitionView, Snapshot

_ALWAYS_SHOWN = frozenset(PARTITION_HOLDS[:4])
"""Zero included. The others are rare, and a series for each partition and reason is what a page of metrics costs."""
_PARTITION = ("topic", "partition")


def _per_partition(read: Callable[[Snapshot, PartitionView], float | None]) -> Callable[[Snapshot], Samples]:
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


def _since(
    snapshot: Snapshot, begins: Callable[[PartitionView, Mapping[str, float]], float | None]
) -> Iterator[tuple[tuple[str, str, str], float]]:
    since_by_topic = {hold.topic: hold.since for hold in snapshot.held_topics}
    for partition in snapshot.partitions:
        why, since = partition_hold(partition, since_by_topic), begins(partition, since_by_topic)
        if why is not None and since is not None:
            yield (partition.partition.topic, str(partition.partition.partition), why.value), since


def _held_since(snapshot: Snapshot) -> Samples:
    return _since(snapshot, held_since)


def _held_for(snapshot: Snapshot) -> Samples:
    return ((labels, max(0.0, snapshot.at - since)) for labels, since in _since(snapshot, held_beyond))


def scaling_backlog(snapshot: Snapshot) -> int:
    """What an autoscaler may scale on: records that wait for nothing but somebody to send them.

    Only partitions that are sending count, as `/status` explains them. All other reasons hold a new replica as they
    hold this one: the budget belongs to the token and is shared, not enlarged, by every replica; a refused key, an
    outage and a pause the API asked for meet all of them; a held topic or partition, a letter that cannot be written
    and a retry that is not due move with the partition. Scaling on the bare lag would answer each of these with
    rebalances. A partition whose lag is not known yet adds nothing.
    """
    return sum(each.lag or 0 for each in snapshot.partitions if explain(each, snapshot).why is Reason.SENDING)


METRICS: tuple[Metric, ...] = (
    # --- partitions -----------------------------------------------------------------------------------------------
    gauges(
        "partition_assigned",
        "0 or 1",
        "1 for every partition assigned to this replica.",
        _PARTITION,
        _per_partition(lambda _s, _p: 1),
    ),
    gauges(
        "partition_lag_records",
        "records",
        "Records between the lowest open offset and the last stable offset of the log; absent until both are known.",
        _PARTITION,
        _per_partition(lambda _s, p: p.lag),
    ),
    gauges(
        "partition_undone_records",
        "records",
        "Records that are not complete: handed over and open, or not read yet. Unlike the lag, none that are done"
        " above an open one. An upper bound, as a log has offsets without a record; absent as the lag is.",
        _PARTITION,
        _per_partition(lambda _s, p: p.undone),
    ),
    gauges(
        "partition_position_offset",
        "offset",
        "The lowest open offset of the partition: all below it is done. One that does not move is stuck or idle.",
        _PARTITION,
        _per_partition(lambda _s, p: p.position),
        Over.MAX,
    ),
    gauges(
        "partition_oldest_open_age_seconds",
        "seconds",
        "Time since the oldest open record of the partition was produced, or was first seen to wait where its timestamp"
        " lies ahead; 0: nothing is open.",
        _PARTITION,
        _per_partition(lambda s, p: p.oldest_age(s.at)),
        Over.MAX,
    ),
    gauges(
        "partition_oldest_open_timestamp_seconds",
        "seconds",
        "Unix time at which the oldest open record of the partition was produced; absent while nothing is open.",
        _PARTITION,
        _per_partition(lambda s, p: None if p.oldest is None else s.at - p.oldest_age(s.at)),
        Over.MIN,
    ),
    gauges(
        "partition_held",
        "0 or 1",
        "1 while this reason holds the partition; reasons beside out_of_range, no_start, dead_letter_hold and"
        " dead_letters_unwritable are shown only while they do.",
        (*_PARTITION, "reason"),
        _held,
    ),
    gauges(
        "partition_held_seconds",
        "seconds",
        "For how long this reason holds the partition; absent while nothing does. For transaction_hanging: for how long"
        " the last stable offset has not moved. For a pause: since the time at which it was to end, 0 before.",
        (*_PARTITION, "reason"),
        _held_for,
        Over.MAX,
    ),
    gauges(
        "partition_held_timestamp_seconds",
        "seconds",
        "Unix time since when this reason holds the partition; absent while nothing does.",
        (*_PARTITION, "reason"),
        _held_since,
        Over.MIN,
    ),
    gauges(
        "topic_retention_seconds",
        "seconds",
        "Age at which Kafka deletes the records of an assigned topic; +Inf: never for their age; absent where the"
        " brokers do not say (DESCRIBE_CONFIGS).",
        ("topic",),
        lambda s: (((topic,), seconds) for topic, seconds in sorted(s.retention.items())),
        Over.MIN,
    ),
    gauge(
        "scaling_backlog",
        "records",
        "The part of the lag that one more replica could help with; 0 where the rate budget, the key, an outage, a hold"
        " or a retry keeps records from going.",
        scaling_backlog,
    ),
)
