"""The process in one word and one sentence: the worst first, so that who reads nothing else is not misled. Pure."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from typing import TYPE_CHECKING

from bridge.holds import REASONS, Reason
from bridge.ops.group_view import stalled, unowned
from bridge.ops.hold_reasons import HoldExplanation
from bridge.ops.status import group_status
from bridge.ops.status.concerns import KAFKA_LOGIN, LOSES_DATA_SOON, RETENTION_NEAR, Concern

if TYPE_CHECKING:
    from bridge.model import TopicPartition
    from bridge.ops.snapshot import Snapshot


class ProcessState(enum.StrEnum):
    """The process in one word."""

    STARTING = "starting"
    DELIVERING = "delivering"
    IDLE = "idle"
    WAITING = "waiting"
    """Something keeps records from going that ends by itself."""
    HELD = "held"
    """Something keeps records from going until somebody acts; other partitions may deliver."""
    DRAINING = "draining"


def headline(
    snapshot: Snapshot, explanations: Sequence[HoldExplanation], found: Sequence[Concern]
) -> tuple[ProcessState, str]:
    """The state and the one sentence for it, the worst first."""
    if snapshot.vitals.stopping:
        in_flight = snapshot.tally.buffered
        return ProcessState.DRAINING, f"Stopping: {in_flight} records are open; what is on the wire may finish."
    if snapshot.vitals.kafka is not None:
        return ProcessState.WAITING, f"{_ended(snapshot.vitals.kafka)} {_silence_ends(snapshot, found)}"
    held = [concern for concern in found if concern.needs_someone and concern.holds]
    near = "".join(f" {each.details[0]}" for each in found if each.reason in _DELETED_SOON)
    if held:
        return ProcessState.HELD, f"{_held(held, len(explanations))}{near}"
    if not snapshot.vitals.joined:
        return ProcessState.STARTING, _NOT_JOINED[snapshot.vitals.joined_before]
    state, sentence = _flow(explanations, (*unowned(snapshot.group_view), *stalled(snapshot.group_view)))
    return state, f"{sentence}{near}{group_status.absences(snapshot)}"


def _silence_ends(snapshot: Snapshot, found: Sequence[Concern]) -> str:
    """What to do about a Kafka that is lost: of one that is lost for want of a login, something about that."""
    login, kafka = snapshot.login.problem, snapshot.vitals.kafka
    logins = [each.action for each in found if each.reason == KAFKA_LOGIN] if login and login in (kafka or "") else []
    return logins[0] if logins else REASONS[Reason.KAFKA_UNREACHABLE].action


def _held(held: Sequence[Concern], partitions: int) -> str:
    """The sentence of the first thing that waits for somebody, also where no record waits behind it yet."""
    first = held[0]
    # What is listed beside a refused key (its file) belongs to it; further cases of a reason are only more of the same.
    details = first.details if first.reason == Reason.UNAUTHORIZED.value else first.details[:1]
    said = f"{' '.join(map(_ended, details))} {first.action}"
    if len(first.topics) > 1:
        said += f" So it is with {len(first.topics) - 1} more."
    count = sum(len(concern.partitions) for concern in held)
    return f"{said} {_of(count, partitions)} held." if count and partitions > 1 else said


def _flow(explanations: Sequence[HoldExplanation], elsewhere: Sequence[TopicPartition]) -> tuple[ProcessState, str]:
    """The state of a process nobody needs to help; `elsewhere` are partitions that nobody has or moves."""
    if not explanations:
        return ProcessState.IDLE, "No partitions are assigned to this replica."
    waiting = sorted((each for each in explanations if each.why not in _GOING), key=_rank)
    if waiting:
        return (
            ProcessState.WAITING,
            f"{_ended(waiting[0].detail)} This concerns {_of(len(waiting), len(explanations))}.",
        )
    busy = sum(explanation.why is not Reason.IDLE for explanation in explanations)
    if busy:
        return ProcessState.DELIVERING, f"Delivering from {_of(busy, len(explanations))}."
    if elsewhere:
        return ProcessState.IDLE, "Everything that arrived in the partitions of this replica is done."
    return ProcessState.IDLE, REASONS[Reason.IDLE].meaning


_DELETED_SOON = (RETENTION_NEAR, LOSES_DATA_SOON)
_GOING = (Reason.SENDING, Reason.IDLE, Reason.DRAINING)
_MOST_FIRST = (
    Reason.KAFKA_UNREACHABLE,
    Reason.OUTAGE,
    Reason.RETRY_AFTER,
    Reason.IDENTIFY_WAITS,
    Reason.SCHEMA_REGISTRY,
    Reason.POSITION_UNKNOWN,
    Reason.FAILING_USERS,
    Reason.OUT_OF_RANGE,
    Reason.RATE_LIMITED,
)
"""Of several, the one that holds most is named."""


def _rank(explanation: HoldExplanation) -> int:
    return _MOST_FIRST.index(explanation.why) if explanation.why in _MOST_FIRST else len(_MOST_FIRST)


_NOT_JOINED = {
    False: "Waiting for the consumer group to assign partitions.",
    True: "Rejoining the consumer group, which continued without this process.",
}
"""By whether the process had been a member before."""


def _ended(sentence: str) -> str:
    """What others say (an API, an operating system) need not end in a full stop."""
    return sentence if sentence.endswith((".", "!", "?")) else f"{sentence}."


def _of(count: int, all_of_them: int) -> str:
    return f"{count} of {all_of_them} partitions"
