"""Why a partition is not delivering, decided from a snapshot. What each reason means: `bridge.holds`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bridge.commands import completed
from bridge.holds import REASONS, Reason, shown
from bridge.ops import kind_gates
from bridge.ops.snapshot import ClosedGate, OldestOpen, PartitionHold, PartitionView, Snapshot

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from bridge.model import Retried


_STRICTEST_FIRST = (
    Reason.DRAINING,
    Reason.KAFKA_UNREACHABLE,
    Reason.UNAUTHORIZED,
    Reason.DEAD_LETTERS_UNWRITABLE,
    Reason.MEMBERSHIP,
    Reason.OUTAGE,
    Reason.RETRY_AFTER,
)


@dataclass(frozen=True, slots=True)
class HoldExplanation:
    """The answer for one partition."""

    why: Reason
    """By the name that is shown."""
    since: float | None
    """Unix seconds; None while idle, or where nothing is known to have begun."""
    detail: str
    until: float | None = None
    """When it ends or is tried again, in Unix seconds; None: nobody knows."""
    next_try: float | None = None
    """The same time where it is only tried again then."""
    needs_someone: bool = False
    """It does not end by itself. Of two reasons with one name that is shown, one may and the other may not."""
    special_action: str = ""

    @property
    def action(self) -> str:
        """What to do; empty: nothing."""
        return self.special_action or REASONS[self.why].action


def partition_hold(partition: PartitionView, held_topics: Collection[str]) -> Reason | None:
    """What holds this partition alone, or None."""
    hold = _own_hold(partition)
    if hold is not None:
        return shown(hold.why)
    return Reason.DEAD_LETTER_HOLD if partition.partition.topic in held_topics else None


def held_since(partition: PartitionView, held_topics: Mapping[str, float]) -> float | None:
    """Since when that holds it, in Unix seconds; `held_topics` says it of topics."""
    hold = _own_hold(partition)
    return held_topics.get(partition.partition.topic) if hold is None else hold.since


def held_beyond(partition: PartitionView, held_topics: Mapping[str, float]) -> float | None:
    """The same, of a pause the time at which it was to end: up to then it is as it should be."""
    hold = _own_hold(partition)
    ends = None if hold is None else hold.until
    return held_since(partition, held_topics) if ends is None else ends


def _own_hold(partition: PartitionView) -> PartitionHold | None:
    """What came before an open transaction goes its own way: only behind it the transaction is what is waited for."""
    hold = partition.hold
    if hold is not None and hold.why is Reason.TRANSACTION_HANGING and partition.open_records:
        return None
    return hold


def closed_gate(snapshot: Snapshot) -> ClosedGate | None:
    """The gate to name when several are closed: what would still hold if the others opened. The rate comes last."""
    closed = {block.gate: block for block in snapshot.blocks}
    for gate in (*_STRICTEST_FIRST, Reason.RATE_LIMITED):
        if gate in closed:
            return closed[gate]
    return None


def explain(partition: PartitionView, snapshot: Snapshot) -> HoldExplanation:
    """Why this partition is where it is: what holds it alone, then what holds everything, then its own record.

    A partition with nothing to do is idle, whatever gate is closed: it is not the one that waits.
    """
    held = _held(partition, snapshot)
    if held is not None:
        return held
    if partition.draining:
        return HoldExplanation(Reason.DRAINING, None, REASONS[Reason.DRAINING].meaning, partition.drains_until)
    if not partition.open_records and not partition.lag:
        return HoldExplanation(Reason.IDLE, None, REASONS[Reason.IDLE].meaning)
    return _waiting(partition, closed_gate(snapshot), snapshot)


def _waiting(partition: PartitionView, gate: ClosedGate | None, snapshot: Snapshot) -> HoldExplanation:
    """A partition's own retry is named before the rate: it would wait even with budget left."""
    oldest = partition.oldest
    if gate is not None and gate.gate is not Reason.RATE_LIMITED:
        return _by_gate(gate)
    first = None if oldest is None else _before_the_event(oldest, snapshot)
    if first is not None:
        return first
    if partition.crowded:
        since = None if oldest is None else oldest.since
        return HoldExplanation(Reason.FAILING_USERS, since, REASONS[Reason.FAILING_USERS].meaning)
    if oldest is not None and oldest.retry_at is not None and not partition.in_flight:
        return HoldExplanation(Reason.RETRY_AFTER, oldest.since, _parked(oldest), oldest.retry_at, oldest.retry_at)
    if gate is not None:
        return _by_gate(gate)
    on_their_way = oldest is None or not partition.open_records
    return HoldExplanation(
        Reason.SENDING, None if oldest is None else oldest.since, _sending(None if on_their_way else oldest)
    )


def _before_the_event(oldest: OldestOpen, snapshot: Snapshot) -> HoldExplanation | None:
    """What keeps a request of a user or company that a record is or waits for; or that it has to settle."""
    if oldest.settles_at is not None:
        said = f"Offset {oldest.offset} waits until the identify of its user has settled (track.identify_settle)."
        return HoldExplanation(Reason.SENDING, oldest.since, said, oldest.settles_at)
    kind = oldest.waits_for
    for gate in kind_gates.kept_kinds(snapshot):
        if gate.kind == kind:
            said = kind_gates.sentence(gate, snapshot.awaiting)
            return HoldExplanation(Reason.IDENTIFY_WAITS, gate.since, said, gate.until, gate.next_try)
    paced = None if kind is None else kind_gates.rate_limited(snapshot, kind)
    if paced is None:
        return None
    said, action = kind_gates.paced_sentence(kind), kind_gates.RATE_ACTION
    return HoldExplanation(Reason.RATE_LIMITED, paced.since, said, paced.until, special_action=action)


def _held(partition: PartitionView, snapshot: Snapshot) -> HoldExplanation | None:
    hold = _own_hold(partition)
    if hold is not None:
        entry = REASONS[hold.why]
        return HoldExplanation(
            shown(hold.why),
            hold.since,
            hold.sentence,
            hold.next_try if hold.until is None else hold.until,
            hold.next_try if hold.until is None else None,
            needs_someone=entry.needs_operator or hold.needs_someone,
            special_action=hold.action or completed(entry.advice, TOPIC=partition.partition.topic),
        )
    for held in snapshot.held_topics:
        if held.topic == partition.partition.topic:
            action = completed(REASONS[Reason.DEAD_LETTER_HOLD].advice, TOPIC=held.topic)
            return HoldExplanation(
                Reason.DEAD_LETTER_HOLD, held.since, held.sentence, needs_someone=True, special_action=action
            )
    return None


def _by_gate(block: ClosedGate) -> HoldExplanation:
    why = shown(block.gate)
    return HoldExplanation(
        why,
        block.since,
        block.sentence or REASONS[block.gate].meaning,
        block.until,
        block.next_try,
        needs_someone=REASONS[block.gate].needs_operator,
        special_action=block.action or REASONS[block.gate].action,
    )


def _parked(oldest: OldestOpen) -> str:
    attempts = "one attempt" if oldest.attempts == 1 else f"{oldest.attempts} attempts"
    if oldest.retried is None:
        return f"Offset {oldest.offset} waits for its next attempt after {attempts}."
    return f"Offset {oldest.offset} waits for its next attempt after {attempts}, {tried(oldest.retried)}"


def tried(event: Retried) -> str:
    """How far an event is from being given up, and why it is not accepted."""
    answer = event.answer
    last = "" if answer is None else f"; last: {answer.detail}"
    return f"{event.counted} of {event.allowed} that count{last}."


def _sending(oldest: OldestOpen | None) -> str:
    if oldest is None:
        return "Records are on their way from Kafka."
    if oldest.attempts > 1:
        retried = "" if oldest.retried is None else f": {tried(oldest.retried)}"
        return f"Records are being sent; offset {oldest.offset} is on attempt {oldest.attempts}{retried or '.'}"
    return REASONS[Reason.SENDING].meaning
