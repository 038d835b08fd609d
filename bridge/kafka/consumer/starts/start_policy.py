"""Where a partition starts when it is assigned: a pure decision over what the brokers said.

The client's own `auto.offset.reset` is never used. A lost offset is a decision of the owner: jumping to the end
skips events without a word, jumping to the beginning sends years of them again.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, replace
from typing import Final

from bridge.commands import Operand, command
from bridge.config.keys.scalars import StartAge, StartFrom, StartPoint, StartTime
from bridge.formats import offset_map
from bridge.formats.losses import Lost
from bridge.formats.operator_hold import OperatorHold
from bridge.holds import Reason
from bridge.kafka import topic_ids
from bridge.model import LogRange, Position, TopicPartition
from bridge.text import moments

NO_TIME_FOUND: Final = -1
"""What a broker answers for a time after its last record."""


@dataclass(frozen=True, slots=True)
class StartFacts:
    """What was found out about one partition; None where the question was not answered."""

    position: Position | None = None
    """The committed offset; None where there is none."""
    position_known: bool = False
    """Whether the group coordinator answered at all."""
    topic_started: bool = False
    """Whether the group has a committed offset on any partition of the topic."""
    range: LogRange | None = None
    at_time: int | None = None
    """Offset of the first record at or after the time `start_from` names; `NO_TIME_FOUND` where there is none."""
    latest: int | None = None
    """Where `latest` begins: the last stable offset, so that a transaction that is open now is read when it ends."""
    topic_id: str | None = None
    """Empty on a cluster that has none."""
    subscription: int | None = None
    """What the commit carried of it; see `settled`."""
    operator_hold: OperatorHold | None = None
    """What the commit carried of it, or what this process was told since."""
    group_settled: bool | None = False
    """Of a topic without committed offsets: whether the group had settled without it: then it is new; see `settled`."""


class StartReason(enum.StrEnum):
    """Why a partition starts where it does; what the log shows."""

    COMMITTED = "committed"
    NEW_PARTITION = "new_partition"
    NEW_TOPIC = "new_topic"
    START_FROM = "start_from"


DETAILS: Final = {
    StartReason.COMMITTED: "the group's committed offset",
    StartReason.NEW_PARTITION: "the group has committed offsets on other partitions of the topic, so this one was "
    "added: from its beginning",
    StartReason.NEW_TOPIC: "the topic appeared, or was created again, after the group had committed offsets on all it "
    "reads: from its beginning",
    StartReason.START_FROM: "the group has no committed offset on the topic, and nothing shows that the topic is newer "
    "than the group: as kafka.start_from says",
}


@dataclass(frozen=True, slots=True)
class Start:
    """Read from here."""

    position: Position
    why: StartReason
    restored: offset_map.OffsetMap | None = None
    """Which later offsets are done already, as an earlier owner of the partition recorded."""
    is_new: bool = False
    """Nothing is committed yet: commit this, so that an idle partition has a committed offset too."""


@dataclass(frozen=True, slots=True)
class Hold:
    """Do not read."""

    reason: Reason
    detail: str
    possibly_lost: int = 0
    """Offsets between the committed one and the log's start: an upper bound of the events that are gone."""
    lost: Lost | None = None
    """The same as a value that can be recorded; also where their number is not known."""


def resolve(partition: TopicPartition, found: StartFacts, start_from: StartFrom) -> Start | Hold:
    """Decide: not at all where an operator holds it, else where the group is, else the beginning of what is newer than
    the group, else what `start_from` says.
    """
    if found.operator_hold is not None:
        return _held_by_operator(partition, found, found.operator_hold)
    if not found.position_known:
        return Hold(
            Reason.POSITION_UNKNOWN,
            f"{partition}: the group's committed offset could not be read; trying again",
        )
    if found.position is not None:
        return _resume(partition, found, found.position)
    return _without_position(partition, found, start_from)


def _held_by_operator(partition: TopicPartition, found: StartFacts, hold: OperatorHold) -> Hold:
    held = of_operator(hold)
    position, log = found.position, found.range
    if position is None or log is None or position.offset >= log.first:
        return held
    return _lossy(held, partition, position, log)


def of_operator(hold: OperatorHold) -> Hold:
    """What somebody holds, for good or until a time."""
    return Hold(Reason.PAUSED_BY_OPERATOR if hold.until else Reason.HELD_BY_OPERATOR, held_by_operator(hold))


def held_by_operator(hold: OperatorHold) -> str:
    """The sentence for what somebody holds: the same for all partitions of one hold, so that it is told once."""
    since = moments.iso(hold.since, "seconds") if hold.since else None
    at = f" at {since}" if since else ""
    if hold.until:
        return f"Paused by {hold.by}{at} until {moments.iso(hold.until, 'seconds')}: {hold.reason}"
    return f"Held by {hold.by}{at}: {hold.reason}"


def _without_position(partition: TopicPartition, found: StartFacts, start_from: StartFrom) -> Start | Hold:
    if found.range is None:
        return Hold(
            Reason.POSITION_UNKNOWN,
            f"{partition}: the log's first and last offset could not be read; trying again",
        )
    if found.topic_started:
        # A partition that was added: its records are all younger than the group.
        return Start(Position(found.range.first, "", None), StartReason.NEW_PARTITION, is_new=True)
    if found.group_settled is None:
        return Hold(
            Reason.POSITION_UNKNOWN,
            f"{partition}: whether the topic is new, or only new to the group, could not be read; trying again",
        )
    if found.group_settled:
        return Start(Position(found.range.first, "", None), StartReason.NEW_TOPIC, is_new=True)
    return _begin(partition, found, found.range, start_from)


def begin_again(partition: TopicPartition, found: StartFacts, start_from: StartFrom, *, read: str) -> Start | Hold:
    """Of a partition whose topic was deleted and created again while it was read; `read` is the id of the one read.

    What is there now is all new. A committed offset is followed only where somebody set it for the new topic.
    """
    if not found.topic_id or not topic_ids.differ(found.topic_id, read):
        return Hold(
            Reason.POSITION_UNKNOWN,
            f"{partition}: which topic of this name there is now could not be read; trying again",
        )
    if found.position is not None:
        committed = offset_map.decode(found.position.metadata)
        if committed is None or topic_ids.differ(committed.topic_id, read):
            return resolve(partition, found, start_from)
    if not found.position_known or found.range is None:
        return resolve(partition, StartFacts(), start_from)
    return Start(Position(found.range.first, "", None), StartReason.NEW_TOPIC, is_new=True)


def _resume(partition: TopicPartition, found: StartFacts, position: Position) -> Start | Hold:
    log = found.range
    if log is not None and not log.first <= position.offset <= log.end:
        sentence = out_of_range(partition, position.offset, log)
        return _lossy(Hold(Reason.OUT_OF_RANGE, sentence), partition, position, log)
    committed = offset_map.decode(position.metadata)
    if committed is not None and committed.topic_id and _is_its_own(committed, position):
        if found.topic_id is None:
            return Hold(
                Reason.POSITION_UNKNOWN,
                f"{partition}: whether the committed offset is of this topic could not be read; trying again",
            )
        nothing_below = log is not None and position.offset == log.first
        if topic_ids.differ(found.topic_id, committed.topic_id) and not nothing_below:
            return _lossy(Hold(Reason.RECREATED, recreated(partition, position.offset)), partition, position, None)
    restored = offset_map.trusted(
        committed,
        offset=position.offset,
        leader_epoch=position.leader_epoch,
        topic_id=found.topic_id or "",
    )
    return Start(position, StartReason.COMMITTED, restored)


def _lossy(hold: Hold, partition: TopicPartition, position: Position, log: LogRange | None) -> Hold:
    """With what may be lost. Above a log's end, and in the log of another topic, nobody can tell how much it is."""
    committed = offset_map.decode(position.metadata)
    is_below = log is not None and position.offset < log.first
    lost = Lost(
        partition,
        "" if committed is None else committed.topic_id,
        position.offset,
        log.first if log is not None and is_below else None,
        hold.reason.value,
    )
    return replace(hold, possibly_lost=lost.at_most or 0, lost=lost)


def _is_its_own(committed: offset_map.OffsetMap, position: Position) -> bool:
    """Whether text and offset were committed together.

    Whoever moves an offset and keeps the text (MirrorMaker 2 translates the offset and commits it without an epoch)
    has decided where to continue: the offset is believed, and only the map is not.
    """
    epoch = -1 if position.leader_epoch is None else position.leader_epoch
    return committed.base == position.offset and committed.leader_epoch == epoch


def out_of_range(partition: TopicPartition, offset: int, log: LogRange) -> str:
    """The sentence for a committed offset outside the log: how much may be lost, and what to do."""
    words = ["offsets", "set", Operand(partition), "--to", "earliest"]
    if offset < log.first:
        what = f"below the log's start {log.first}: up to {log.first - offset} events are gone unsent"
        words += ["--accept-loss", str(log.first - offset)]
    else:
        what = f"above the log's end {log.end}: the topic was truncated or recreated"
    return (
        f"{partition}: the group's committed offset {offset} is {what}. Nothing is read from it until that is set, "
        f"beside the replica that has it: `{command(*words)}` (or kafka-consumer-groups --reset-offsets while no "
        "replica runs)"
    )


def recreated(partition: TopicPartition, offset: int) -> str:
    """The sentence for an offset that was committed in an earlier topic of the same name."""
    to_type = command("offsets", "set", str(partition), "--to", "earliest")
    return (
        f"{partition}: offset {offset} was committed in an earlier topic of this name, which was deleted and created "
        "again: the events below it in this log were never read. Nothing is read from it until that is set, "
        f"beside the replica that has it: `{to_type}`, or --to {offset} where the log was copied with its offsets (as "
        "kafka-consumer-groups --reset-offsets does while no replica runs)"
    )


def created_again(partition: TopicPartition) -> str:
    """The sentence for a topic that was deleted and created again while it was read."""
    return (
        f"{partition}: the topic was deleted and created again while it was read. As soon as all that was read of the "
        "earlier one is done, it is read from its beginning"
    )


def _begin(partition: TopicPartition, found: StartFacts, log: LogRange, start_from: StartFrom) -> Start | Hold:
    if start_from is StartPoint.ERROR:
        return Hold(
            Reason.NO_START,
            f"{partition}: the group has no committed offset on topic {partition.topic}, and kafka.start_from is "
            "`error`. Set it to earliest, latest, a time or an age; it applies only where there is no committed offset",
        )
    if start_from is StartPoint.EARLIEST:
        offset = log.first
    elif start_from is StartPoint.LATEST:
        offset = log.end if found.latest is None else found.latest
    elif found.at_time == NO_TIME_FOUND:
        offset = log.end
    elif found.at_time is not None:
        offset = found.at_time
    else:
        return Hold(
            Reason.POSITION_UNKNOWN,
            f"{partition}: the offset at the time in kafka.start_from could not be read; trying again",
        )
    return Start(Position(offset, "", None), StartReason.START_FROM, is_new=True)


def wanted_time(start_from: StartFrom, now: float) -> int | None:
    """The Unix milliseconds that have to be looked up; None where no time is meant. `now` is in Unix seconds."""
    match start_from:
        case StartTime(epoch_ms=epoch_ms):
            return epoch_ms
        case StartAge(seconds=seconds):
            return round((now - seconds) * 1000)
        case _:
            return None
