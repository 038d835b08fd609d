"""Every partition of the group, with what Kafka shows of it and what the replica that has it says. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from bridge.fleet.facts import KafkaFacts
from bridge.fleet.said import Document, moment, partitions_of, section, whole
from bridge.fleet.view import NOT_TOLD, FleetPartition, ReplicaView
from bridge.holds import REASONS, Reason, shown
from bridge.kafka.admin.group_findings import done_above
from bridge.kafka.consumer.starts.start_policy import of_operator
from bridge.model import TopicPartition
from bridge.ops.group_view import PartitionStanding
from bridge.ops.snapshot import MovingBacklog
from bridge.ops.status import forecast
from bridge.ops.status.forecast import Forecast
from bridge.ops.status.partition_trends import WaitingRecords
from bridge.text.amounts import thousands

FLOWS: Final = (Reason.SENDING.value, Reason.IDLE.value, Reason.RATE_LIMITED.value)
"""Where records go, as fast as they may."""
_SAYS_NOTHING: Final = "The replica that has it does not answer, so that only Kafka speaks of it."


@dataclass(frozen=True, slots=True)
class Told:
    """Who says that it has a partition, and what it says of it."""

    address: str
    row: Document


def told_by(replicas: Sequence[ReplicaView]) -> dict[TopicPartition, Told]:
    """By partition. Of two that say they have one, as while it moves, the one that is further is believed."""
    found: dict[TopicPartition, Told] = {}
    for replica in replicas:
        for partition, row in partitions_of(replica).items():
            known = found.get(partition)
            if known is None or _position(row) > _position(known.row):
                found[partition] = Told(replica.address, row)
    return found


def _position(row: Document) -> int:
    position = whole(row.get("position"))
    return -1 if position is None else position


def standings(facts: KafkaFacts) -> dict[TopicPartition, PartitionStanding]:
    """What Kafka shows of every partition that ought to be read."""
    owners = None if facts.group is None else facts.group.owners
    found = {}
    for topic, count in facts.topics.items():
        for partition in (TopicPartition(topic, each) for each in range(count)):
            committed = facts.committed.get(partition)
            found[partition] = PartitionStanding(
                committed=None if committed is None else committed.offset,
                start=facts.starts.get(partition),
                end=facts.ends.get(partition),
                owner=None if owners is None or partition not in owners else str(owners[partition]),
                is_owned=None if facts.group is None else facts.group.is_owned(partition),
            )
    return found


def partitions(
    facts: KafkaFacts, known: Mapping[TopicPartition, PartitionStanding], told: Mapping[TopicPartition, Told]
) -> tuple[FleetPartition, ...]:
    """All that Kafka shows, and all that replicas have, by topic and number."""
    return tuple(
        _told(facts, each, known.get(each, PartitionStanding()), told[each])
        if each in told
        else _untold(facts, each, known[each])
        for each in sorted({*known, *told})
    )


def _told(facts: KafkaFacts, partition: TopicPartition, standing: PartitionStanding, told: Told) -> FleetPartition:
    row = told.row
    committed, oldest = facts.committed.get(partition), section(row, "oldest_open")
    end = standing.end if standing.end is not None else whole(row.get("end"))
    position = standing.committed if standing.committed is not None else whole(row.get("position"))
    lag = _waiting(position, standing.start, end)
    lag = lag if lag is not None else whole(row.get("lag"))
    ahead = row.get("forecast")
    return FleetPartition(
        partition,
        owner=standing.owner,
        is_owned=True if standing.is_owned is None else standing.is_owned,
        replica=told.address,
        committed=position,
        start=standing.start,
        end=end,
        lag=lag,
        undone=_undone(row, end, lag),
        why=_text(row, "why") or NOT_TOLD,
        since=moment(row.get("since")),
        # The next free place in the budget is not when what waits is done.
        until=None if row.get("why") == Reason.RATE_LIMITED.value else moment(row.get("until")),
        next_try=None if row.get("why") == Reason.RATE_LIMITED.value else moment(row.get("next_try")),
        detail=_text(row, "detail"),
        action=_text(row, "action"),
        oldest_at=_first(moment(oldest.get("timestamp")), moment(oldest.get("since"))),
        hold=None if committed is None else committed.operator_hold,
        forecast=_ahead(ahead, row) if isinstance(ahead, Mapping) else None,
    )


def _undone(row: Document, end: int | None, lag: int | None) -> int | None:
    """By the replica's word, and what came since it last saw the end of the log."""
    told, its_end = whole(section(row, "forecast").get("records")), whole(row.get("end"))
    if told is None:
        return None
    more = 0 if end is None or its_end is None else max(0, end - its_end)
    return told + more if lag is None else min(told + more, lag)


def _ahead(ahead: Document, row: Document) -> Forecast:
    """What was watched until something stopped it says nothing of when that ends."""
    found = forecast.read(ahead)
    return found if row.get("why") in FLOWS or not found.records else replace(found, empty_at=None)


def _first(one: float | None, other: float | None) -> float | None:
    return one if one is not None else other


def _text(row: Document, key: str) -> str:
    found = row.get(key)
    return found if isinstance(found, str) else ""


def _untold(facts: KafkaFacts, partition: TopicPartition, standing: PartitionStanding) -> FleetPartition:
    committed, written = facts.committed.get(partition), facts.written.get(partition)
    hold = None if committed is None else committed.operator_hold
    if hold is not None and hold.until and hold.until <= facts.at:
        hold = None  # a pause that is over
    lag = _waiting(standing.committed, standing.start, standing.end)
    why, detail, action = _why_untold(partition, standing, lag)
    if hold is not None and why != Reason.OUT_OF_RANGE.value:
        held = of_operator(hold)
        why, detail, action = shown(held.reason).value, held.detail, REASONS[held.reason].action
    return FleetPartition(
        partition,
        owner=standing.owner,
        is_owned=standing.is_owned,
        committed=standing.committed,
        start=standing.start,
        end=standing.end,
        lag=lag,
        undone=None if lag is None or committed is None else max(0, lag - done_above(committed)),
        why=why,
        since=None if hold is None or not hold.since else float(hold.since),
        until=None if hold is None or not hold.until else float(hold.until),
        detail=detail,
        action=action,
        oldest_at=written,
        hold=hold,
        forecast=_without_replica(facts, partition, standing, lag, written),
    )


def _why_untold(partition: TopicPartition, standing: PartitionStanding, lag: int | None) -> tuple[str, str, str]:
    """Reason, sentence, what to do."""
    committed, start = standing.committed, standing.start
    if committed is not None and start is not None and committed < start:
        gone = (
            f"{partition}: the committed offset {committed} is no longer in the log, which begins at {start}: at most"
            f" {thousands(start - committed)} records were deleted before they were sent."
        )
        return Reason.OUT_OF_RANGE.value, gone, REASONS[Reason.OUT_OF_RANGE].action
    if standing.is_owned is False:
        return Reason.UNOWNED.value, REASONS[Reason.UNOWNED].meaning, REASONS[Reason.UNOWNED].action
    if lag == 0:
        return Reason.IDLE.value, REASONS[Reason.IDLE].meaning, ""
    return NOT_TOLD, _SAYS_NOTHING, ""


def _waiting(position: int | None, start: int | None, end: int | None) -> int | None:
    """Records between a position and the log's end; of a position outside the log all that the log has."""
    if end is None:
        return None
    begins = position
    if start is not None and (begins is None or not start <= begins <= end):
        begins = start
    return None if begins is None else max(0, end - begins)


def _without_replica(
    facts: KafkaFacts, partition: TopicPartition, standing: PartitionStanding, lag: int | None, written: float | None
) -> Forecast | None:
    """Nothing was watched; but what nobody has does not move, and gets as old as the retention."""
    if lag is None:
        return None
    now, still = facts.at, None
    if standing.is_owned is False:
        still = MovingBacklog(lag, now - 1.0, lag, now, speed=0.0)
    waiting = WaitingRecords(lag, standing.end, written)
    return forecast.forecast(waiting, facts.retention.get(partition.topic), still, now)
