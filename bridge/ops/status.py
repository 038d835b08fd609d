"""The `/status` document: for every partition how far behind, since when, and why. A pure function of a snapshot.

The document's shape is fixed by schemas/status.schema.json. Times are ISO 8601 in UTC, ages seconds. It holds
coordinates, counts and sentences; of the payloads only the types no route names, because a mapping is mended by them.
"""

from __future__ import annotations

import enum
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from bridge.holds import REASONS, Reason
from bridge.ops import group_status, health
from bridge.ops.group_view import unowned
from bridge.ops.why import Explanation, closed_gate, explain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bridge.model import Retried, TopicPartition
    from bridge.ops.snapshot import Partition, Snapshot

Document = dict[str, Any]

UNMAPPED_SHOWN = 50
TYPE_LENGTH = 200
"""Characters shown of an unmapped type: it comes out of a payload and has no bound of its own."""


class State(enum.StrEnum):
    """The process in one word."""

    STARTING = "starting"
    DELIVERING = "delivering"
    IDLE = "idle"
    WAITING = "waiting"
    """Something keeps records from going that ends by itself."""
    HELD = "held"
    """Something keeps records from going until somebody acts; other partitions may deliver."""
    DRAINING = "draining"


def document(snapshot: Snapshot) -> Document:
    """Everything an operator asks first."""
    explained = [(partition, explain(partition, snapshot)) for partition in snapshot.partitions]
    state, sentence = overall(snapshot, [explanation for _, explanation in explained])
    return {
        "state": state.value,
        "sentence": sentence,
        "at": iso(snapshot.at),
        "version": snapshot.version,
        "group": snapshot.group_id,
        "started_at": iso(snapshot.started_at),
        "ready": _ready(snapshot),
        "blocked": _blocked(snapshot),
        "kafka": _kafka(snapshot),
        "topics": group_status.topics(snapshot),
        "group_view": group_status.group(snapshot),
        "partitions": [_partition(partition, why, snapshot.at) for partition, why in explained],
        "retries": _retries(snapshot),
        "held_topics": [
            {
                "topic": hold.topic,
                "since": iso(hold.since),
                "detail": hold.sentence,
                "action": REASONS[Reason.DEAD_LETTER_HOLD].action,
            }
            for hold in snapshot.held_topics
        ],
        "accounting": _accounting(snapshot),
        "dead_letters": {
            "by_reason": {reason.value: count for reason, count in snapshot.letters.by_reason.items() if count},
            "write_failures": snapshot.letters.write_failures,
            "open": _open_letters(snapshot),
        },
        "possible_loss": {
            "out_of_range": snapshot.group.out_of_range,
            "records_at_most": snapshot.group.possibly_lost,
        },
        "possible_duplicates": {
            "ambiguous_retries": snapshot.requests.ambiguous_retries,
            "forced_drains": snapshot.group.forced_drains,
        },
        "rate": {
            "limit": snapshot.rate.limit,
            "share": snapshot.rate.share,
            "used_last_minute": snapshot.rate.used_last_minute,
            "view_age_s": _rounded(snapshot.rate.view_age),
        },
        "key": {"problem": snapshot.key.problem, "reloads": snapshot.key.reloads},
        "routes": _routes(snapshot),
        "unmapped": _unmapped(snapshot),
    }


def overall(snapshot: Snapshot, explanations: Sequence[Explanation]) -> tuple[State, str]:
    """The state and the one sentence for it, the worst first."""
    if snapshot.vitals.stopping:
        in_flight = snapshot.records.in_flight
        return State.DRAINING, f"Stopping: {in_flight} records are open; what is on the wire may finish."
    if snapshot.vitals.kafka is not None:
        return State.WAITING, f"{_ended(snapshot.vitals.kafka)} {REASONS[Reason.KAFKA_UNREACHABLE].action}"
    held = _held(snapshot, explanations)
    if held is not None:
        return State.HELD, held
    if not snapshot.vitals.joined:
        if snapshot.vitals.join_problem is not None:
            return State.HELD, snapshot.vitals.join_problem
        return State.STARTING, _NOT_JOINED[snapshot.vitals.joined_before]
    state, sentence = _flow(explanations, unowned(snapshot.group_view))
    return state, f"{sentence}{group_status.absences(snapshot)}"


def _held(snapshot: Snapshot, explanations: Sequence[Explanation]) -> str | None:
    """The sentence of the first thing that waits for an operator, also where no record waits behind it yet."""
    held = [explanation for explanation in explanations if REASONS[explanation.why].needs_operator]
    if held:
        others = f" {_of(len(held), len(explanations))} held." if len(explanations) > 1 else ""
        return f"{_ended(held[0].detail)} {REASONS[held[0].why].action}{others}"
    gate = closed_gate(snapshot)
    if gate is None or not REASONS[gate.gate].needs_operator:
        return group_status.held_topic(snapshot)
    reason = REASONS[gate.gate]
    return f"{_ended(gate.sentence or reason.meaning)} {reason.action}"


def _flow(explanations: Sequence[Explanation], nobodys: Sequence[TopicPartition]) -> tuple[State, str]:
    """The state of a process nobody needs to help."""
    if not explanations:
        return State.IDLE, f"No partition is assigned to this replica{'' if nobodys else ': others have them all'}."
    waiting = [explanation for explanation in explanations if explanation.why in _WAITING]
    if waiting:
        return State.WAITING, f"{_ended(waiting[0].detail)} This concerns {_of(len(waiting), len(explanations))}."
    busy = sum(explanation.why is not Reason.IDLE for explanation in explanations)
    if busy:
        return State.DELIVERING, f"Delivering from {_of(busy, len(explanations))}."
    return State.IDLE, REASONS[Reason.IDLE].meaning


_WAITING = (
    Reason.OUTAGE,
    Reason.KAFKA_UNREACHABLE,
    Reason.RETRY_AFTER,
    Reason.RATE_LIMITED,
    Reason.POSITION_UNKNOWN,
    Reason.FAILING_USERS,
)


_NOT_JOINED = {
    False: "Waiting for the consumer group to assign partitions.",
    True: "Rejoining the consumer group, which went on without this process.",
}
"""By whether the process had been a member before."""


def _ended(sentence: str) -> str:
    """What others say (an API, an operating system) need not end in a full stop."""
    return sentence if sentence.endswith((".", "!", "?")) else f"{sentence}."


def _of(count: int, all_of_them: int) -> str:
    return f"{count} of {all_of_them} partitions"


def iso(seconds: float) -> str:
    """Unix seconds as ISO 8601, UTC, milliseconds."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _iso_or_none(seconds: float | None) -> str | None:
    return None if seconds is None else iso(seconds)


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 3)


def _ready(snapshot: Snapshot) -> Document:
    answer = health.ready(snapshot.vitals)
    return {
        "ready": answer.ok,
        "reasons": [{"reason": f.reason, "message": f.message} for f in (*answer.findings, *answer.notes)],
    }


def _blocked(snapshot: Snapshot) -> list[Document]:
    return [
        {
            "reason": block.gate.value,
            "since": iso(block.since),
            "until": _iso_or_none(block.until),
            "detail": block.sentence or REASONS[block.gate].meaning,
            "action": REASONS[block.gate].action,
        }
        for block in snapshot.blocks
    ]


def _kafka(snapshot: Snapshot) -> Document:
    lost = snapshot.kafka_lost
    return {
        "reachable": lost is None,
        "unreachable_since": None if lost is None else iso(lost.since),
        "detail": "" if lost is None else lost.detail,
        "last_partitions": [] if lost is None else [str(each) for each in lost.partitions],
        "group_protocol": snapshot.group.protocol,
    }


def _partition(partition: Partition, explanation: Explanation, now: float) -> Document:
    oldest = partition.oldest
    return {
        "topic": partition.partition.topic,
        "partition": partition.partition.partition,
        "position": partition.position,
        "end": partition.end,
        "lag": partition.lag,
        "open_records": partition.open_records,
        "oldest_open": None
        if oldest is None
        else {
            "offset": oldest.offset,
            "timestamp": _iso_or_none(oldest.timestamp),
            "age_s": round(partition.oldest_age(now), 3),
            "since": iso(oldest.since),
            "attempts": oldest.attempts,
        },
        "why": explanation.why.value,
        "since": _iso_or_none(explanation.since),
        "until": _iso_or_none(explanation.until),
        "detail": explanation.detail,
        "action": REASONS[explanation.why].action,
    }


def _open_letters(snapshot: Snapshot) -> dict[str, Any] | None:
    """None until they were counted."""
    letters = snapshot.letters
    if letters.open_by_reason is None:
        return None
    return {
        "by_reason": dict(letters.open_by_reason),
        "at_least": sorted(letters.open_at_least),
        "oldest_age_s": None if letters.oldest_open is None else max(0.0, round(snapshot.at - letters.oldest_open, 3)),
    }


def _retries(snapshot: Snapshot) -> Document:
    return {
        "users": snapshot.failing_users,
        "records": snapshot.failing_records,
        "events": [_retried(event, snapshot.at) for event in snapshot.retries],
    }


def _retried(event: Retried, now: float) -> Document:
    answer = event.answer
    return {
        "topic": event.partition.topic,
        "partition": event.partition.partition,
        "offset": event.offset,
        "output": event.output,
        "route": event.route,
        "attempts": event.attempts,
        "counted": event.counted,
        "max_attempts": event.allowed,
        "next_attempt": None if event.next_in is None else iso(now + event.next_in),
        "behind": event.behind,
        "last_answer": None
        if answer is None
        else {
            "reason": answer.reason,
            "status": answer.status,
            "detail": answer.detail,
            "request_id": answer.request_id,
        },
    }


def _accounting(snapshot: Snapshot) -> Document:
    records = snapshot.records
    return {
        "consumed": records.consumed,
        "delivered": records.delivered,
        "filtered": sum(records.filtered.values()),
        "filtered_by_reason": {reason.value: count for reason, count in records.filtered.items() if count},
        "dead_lettered": records.dead_lettered,
        "already_done": records.already_done,
        "released": records.released,
        "in_flight": records.in_flight,
        "gap": records.gap,
    }


def _routes(snapshot: Snapshot) -> list[Document]:
    return [
        {
            "route": name,
            "matched": counts.matched,
            "delivered": counts.delivered,
            "filtered": counts.filtered,
            "dead_lettered": counts.dead_lettered,
        }
        for name, counts in snapshot.mapped.routes.items()
    ]


def _unmapped(snapshot: Snapshot) -> Document:
    frequent = sorted(snapshot.mapped.unmapped_types.items(), key=lambda item: (-item[1], item[0]))[:UNMAPPED_SHOWN]
    return {
        "records": snapshot.mapped.unmapped_records,
        "types": [{"type": _shortened(name), "records": count} for name, count in frequent],
    }


def _shortened(text: str) -> str:
    return text if len(text) <= TYPE_LENGTH else text[: TYPE_LENGTH - 1] + "…"
