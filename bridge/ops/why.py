"""Why a partition is not delivering, decided from a snapshot; what each reason means and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bridge.ops.snapshot import Block, Gate, OldestOpen, Partition, Snapshot, Why

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping


@dataclass(frozen=True, slots=True)
class Reason:
    """One of `Why`, for people."""

    meaning: str
    action: str
    """What to do; empty where nothing needs doing."""
    needs_operator: bool = False
    """It does not end by itself."""


REASONS: Mapping[Why, Reason] = {
    Why.SENDING: Reason("Records are being sent.", ""),
    Why.RATE_LIMITED: Reason(
        "Records wait for the rate budget of the API token.",
        "Nothing, if the lag shrinks over the day; otherwise have the token's limit raised and set"
        " delivery.rate_limit. More replicas do not help.",
    ),
    Why.RETRY_AFTER: Reason(
        "The Track API asked to wait, or the next attempt of the records is not due yet.",
        "Nothing: sending goes on by itself at the time shown.",
    ),
    Why.UNAUTHORIZED: Reason(
        "The Track API refuses the API key or the address (401, 403, 404, 405); all sending is held.",
        "Put a valid key into the file of track.api_key_file and check track.endpoint. The file is read again every"
        " track.auth.recheck; one event then probes it. A changed endpoint needs a restart.",
        needs_operator=True,
    ),
    Why.DEAD_LETTER_HOLD: Reason(
        "Too many records of this topic in a row became dead letters and none was delivered; the topic is held.",
        "Look at the reasons of the last dead letters, mend the mapping or the producer, and restart.",
        needs_operator=True,
    ),
    Why.OUTAGE: Reason(
        "Nothing gets through: the Track API does not answer as it should, or Kafka's group coordinator does not.",
        "Check the service the detail names; sending goes on by itself once it answers.",
    ),
    Why.DEAD_LETTERS_UNWRITABLE: Reason(
        "A dead letter cannot be written, and nothing is skipped for that.",
        "Check the dead-letter topic: that it exists, its ACLs, its in-sync replicas, its max.message.bytes.",
        needs_operator=True,
    ),
    Why.OUT_OF_RANGE: Reason(
        "The committed position lies outside the log: retention removed records before they were sent, or the topic"
        " was made anew. It is never reset silently.",
        "Stop the group, set its position for this partition with kafka-consumer-groups --reset-offsets, and start.",
        needs_operator=True,
    ),
    Why.NO_START: Reason(
        "The group has no position for this topic, and kafka.start_from says error; or the position cannot be read.",
        "Set kafka.start_from to earliest, latest, a time or an age, and restart.",
        needs_operator=True,
    ),
    Why.DRAINING: Reason(
        "The process is stopping or gives the partition up: what is in flight may finish, nothing new starts.",
        "Nothing.",
    ),
    Why.IDLE: Reason("Everything that arrived is done.", ""),
}

PARTITION_HOLDS = (Why.OUT_OF_RANGE, Why.NO_START, Why.DEAD_LETTER_HOLD, Why.DEAD_LETTERS_UNWRITABLE)
"""What can hold one partition while others deliver."""

GATES: Mapping[Gate, Why] = {
    Gate.UNAUTHORIZED: Why.UNAUTHORIZED,
    Gate.DEAD_LETTERS_UNWRITABLE: Why.DEAD_LETTERS_UNWRITABLE,
    Gate.MEMBERSHIP: Why.OUTAGE,
    Gate.OUTAGE: Why.OUTAGE,
    Gate.RETRY_AFTER: Why.RETRY_AFTER,
    Gate.RATE_LIMITED: Why.RATE_LIMITED,
    Gate.DRAINING: Why.DRAINING,
}
"""What a closed gate is called at a partition."""

_STRICTEST_FIRST = (
    Gate.DRAINING,
    Gate.UNAUTHORIZED,
    Gate.DEAD_LETTERS_UNWRITABLE,
    Gate.MEMBERSHIP,
    Gate.OUTAGE,
    Gate.RETRY_AFTER,
)


@dataclass(frozen=True, slots=True)
class Explanation:
    """The answer for one partition."""

    why: Why
    since: float | None
    """Unix seconds; None while idle, or where nothing is known to have begun."""
    detail: str
    until: float | None = None


def partition_hold(partition: Partition, held_topics: Collection[str]) -> Why | None:
    """What holds this partition alone, or None."""
    if partition.hold is not None:
        return partition.hold.why
    return Why.DEAD_LETTER_HOLD if partition.partition.topic in held_topics else None


def closed_gate(snapshot: Snapshot) -> Block | None:
    """The gate to name when several are closed: what would still hold if the others opened. The rate comes last."""
    closed = {block.gate: block for block in snapshot.blocks}
    for gate in (*_STRICTEST_FIRST, Gate.RATE_LIMITED):
        if gate in closed:
            return closed[gate]
    return None


def explain(partition: Partition, snapshot: Snapshot) -> Explanation:
    """Why this partition stands where it stands: what holds it alone, then what holds everything, then its own record.

    A partition with nothing to do is idle, whatever gate is closed: it is not the one that waits.
    """
    held = _held(partition, snapshot)
    if held is not None:
        return held
    if partition.draining:
        return Explanation(Why.DRAINING, None, REASONS[Why.DRAINING].meaning)
    if not partition.open_records and not partition.lag:
        return Explanation(Why.IDLE, None, REASONS[Why.IDLE].meaning)
    return _waiting(partition, closed_gate(snapshot))


def _waiting(partition: Partition, gate: Block | None) -> Explanation:
    """A partition's own retry is named before the rate: it would wait even with budget left."""
    oldest = partition.oldest
    if gate is not None and gate.gate is not Gate.RATE_LIMITED:
        return _by_gate(gate)
    if oldest is not None and oldest.retry_at is not None and not partition.in_flight:
        return Explanation(Why.RETRY_AFTER, oldest.since, _parked(oldest), oldest.retry_at)
    if gate is not None:
        return _by_gate(gate)
    return Explanation(Why.SENDING, None if oldest is None else oldest.since, _sending(oldest))


def _held(partition: Partition, snapshot: Snapshot) -> Explanation | None:
    if partition.hold is not None:
        return Explanation(partition.hold.why, partition.hold.since, partition.hold.sentence)
    for hold in snapshot.held_topics:
        if hold.topic == partition.partition.topic:
            return Explanation(Why.DEAD_LETTER_HOLD, hold.since, hold.sentence)
    return None


def _by_gate(block: Block) -> Explanation:
    why = GATES[block.gate]
    return Explanation(why, block.since, block.sentence or REASONS[why].meaning, block.until)


def _parked(oldest: OldestOpen) -> str:
    attempts = "one attempt" if oldest.attempts == 1 else f"{oldest.attempts} attempts"
    return f"Offset {oldest.offset} waits for its next attempt after {attempts}."


def _sending(oldest: OldestOpen | None) -> str:
    if oldest is None:
        return "Records are on their way from Kafka."
    if oldest.attempts > 1:
        return f"Records are being sent; offset {oldest.offset} is on attempt {oldest.attempts}."
    return REASONS[Why.SENDING].meaning
