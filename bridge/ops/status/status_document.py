"""The `/status` document: for every partition how far behind, since when, and why. A pure function of a snapshot.

The document's shape is fixed by schemas/status.schema.json. Times are ISO 8601 in UTC, ages seconds. It holds
coordinates, counts and sentences; of the payloads only the types no route names, because a mapping is fixed by them.
"""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Any

from bridge.holds import REASONS, Reason
from bridge.ops import health
from bridge.ops.group_view import stalled, unowned
from bridge.ops.hold_reasons import HoldExplanation, explain
from bridge.ops.status import group_status
from bridge.ops.status.backlog_trend import done_at
from bridge.ops.status.concerns import RETENTION_NEAR, Concern, concerns
from bridge.text.cut import cut
from bridge.text.moments import iso

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bridge.model import Retried, TopicPartition
    from bridge.ops.snapshot import PartitionView, Snapshot

Document = dict[str, Any]

UNMAPPED_SHOWN = 50
TYPE_LENGTH = 200
"""Characters shown of an unmapped type: it comes out of a payload and has no bound of its own."""


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


def document(snapshot: Snapshot) -> Document:
    """Everything an operator asks first."""
    explained = [(partition, explain(partition, snapshot)) for partition in snapshot.partitions]
    found = concerns(snapshot, explained)
    state, sentence = overall(snapshot, [explanation for _, explanation in explained], found)
    return {
        "state": state.value,
        "sentence": sentence,
        "needs_someone": [_concern(each) for each in found if each.needs_someone],
        "ends_by_itself": [_concern(each) for each in found if not each.needs_someone],
        "at": iso(snapshot.at),
        "version": snapshot.version,
        "group": snapshot.group_id,
        "started_at": iso(snapshot.started_at),
        "ready": _ready(snapshot),
        "blocked": _blocked(snapshot),
        "kafka": _kafka(snapshot),
        "control_socket": {"problem": snapshot.control_problem},
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
        "backlog": _backlog(snapshot, found),
        "accounting": _accounting(snapshot),
        "dead_letters": {
            "by_reason": {reason.value: count for reason, count in snapshot.tally.letters.items() if count},
            "write_failures": snapshot.tally.letter_failures,
            "open": _open_letters(snapshot),
        },
        "possible_loss": {
            "out_of_range": snapshot.group.out_of_range,
            "records_at_most": snapshot.consumer.possibly_lost,
            "since": iso(snapshot.started_at),
            "recorded": _recorded_losses(snapshot),
        },
        "possible_duplicates": {
            "ambiguous_retries": snapshot.tally.ambiguous,
            "forced_drains": snapshot.forced_drains,
        },
        "rate": {
            "limit": snapshot.rate.limit,
            "share": snapshot.rate.share,
            "used_last_minute": snapshot.rate.used_last_minute,
            "view_age_s": _rounded(snapshot.rate.view_age),
        },
        "key": {
            "problem": snapshot.key.problem,
            "problem_since": _iso_or_none(snapshot.key.problem_since),
            "reloads": snapshot.key.reloads,
        },
        "routes": _routes(snapshot),
        "unmapped": _unmapped(snapshot),
    }


def overall(
    snapshot: Snapshot, explanations: Sequence[HoldExplanation], found: Sequence[Concern]
) -> tuple[ProcessState, str]:
    """The state and the one sentence for it, the worst first."""
    if snapshot.vitals.stopping:
        in_flight = snapshot.tally.buffered
        return ProcessState.DRAINING, f"Stopping: {in_flight} records are open; what is on the wire may finish."
    if snapshot.vitals.kafka is not None:
        return ProcessState.WAITING, f"{_ended(snapshot.vitals.kafka)} {REASONS[Reason.KAFKA_UNREACHABLE].action}"
    held = [concern for concern in found if concern.needs_someone and concern.holds]
    near = "".join(f" {each.details[0]}" for each in found if each.reason == RETENTION_NEAR)
    if held:
        return ProcessState.HELD, f"{_held(held, len(explanations))}{near}"
    if not snapshot.vitals.joined:
        return ProcessState.STARTING, _NOT_JOINED[snapshot.vitals.joined_before]
    state, sentence = _flow(explanations, (*unowned(snapshot.group_view), *stalled(snapshot.group_view)))
    return state, f"{sentence}{near}{group_status.absences(snapshot)}"


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


_GOING = (Reason.SENDING, Reason.IDLE, Reason.DRAINING)
_MOST_FIRST = (
    Reason.KAFKA_UNREACHABLE,
    Reason.OUTAGE,
    Reason.RETRY_AFTER,
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
    True: "Rejoining the consumer group, which went on without this process.",
}
"""By whether the process had been a member before."""


def _ended(sentence: str) -> str:
    """What others say (an API, an operating system) need not end in a full stop."""
    return sentence if sentence.endswith((".", "!", "?")) else f"{sentence}."


def _of(count: int, all_of_them: int) -> str:
    return f"{count} of {all_of_them} partitions"


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
            "next_try": _iso_or_none(block.next_try),
            "detail": block.sentence or REASONS[block.gate].meaning,
            "action": block.action or REASONS[block.gate].action,
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


def _partition(partition: PartitionView, explanation: HoldExplanation, now: float) -> Document:
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
        "next_try": _iso_or_none(explanation.next_try),
        "detail": explanation.detail,
        "action": explanation.action,
    }


def _concern(concern: Concern) -> Document:
    return {
        "reason": concern.reason,
        "since": _iso_or_none(concern.since),
        "until": _iso_or_none(concern.until),
        "next_try": _iso_or_none(concern.next_try),
        "partitions": group_status.ranges(concern.partitions),
        "topics": list(concern.topics),
        "details": list(concern.details),
        "details_left_out": concern.left_out,
        "action": concern.action,
    }


def _backlog(snapshot: Snapshot, found: Sequence[Concern]) -> Document | None:
    """None where it was not watched lately for a while.

    When it is done is said only while nothing else keeps records waiting.
    """
    backlog = snapshot.backlog
    if backlog is None:
        return None
    flows = all(not each.holds or each.reason == Reason.RATE_LIMITED.value for each in found)
    return {
        "records": backlog.records,
        "per_minute": round(backlog.per_second * 60, 1),
        "watched_since": iso(backlog.since),
        "watched_until": iso(backlog.at),
        "done_at": _iso_or_none(done_at(backlog, snapshot.at)) if flows and backlog.records else None,
    }


def _recorded_losses(snapshot: Snapshot) -> Document | None:
    """None until they were read."""
    found = snapshot.recorded_losses
    if found is None:
        return None
    return {
        "records_at_most": found.at_most,
        "of_unknown_number": found.unknown,
        "since": _iso_or_none(found.since),
        "losses": [
            {
                "topic": each.partition.topic,
                "partition": each.partition.partition,
                "from": each.start,
                "to": each.stop,
                "reason": each.reason,
                "at": iso(each.at),
            }
            for each in found.shown
        ],
        "left_out": found.count - len(found.shown),
        "problem": found.problem,
    }


def _open_letters(snapshot: Snapshot) -> dict[str, Any] | None:
    """None until they were counted."""
    letters = snapshot.letters
    if letters.open_by_reason is None:
        return None
    return {
        "by_reason": dict(letters.open_by_reason),
        "at_least": sorted(letters.open_at_least),
        "total": sum(letters.open_by_reason.values()),
        "oldest_at": _iso_or_none(letters.oldest_open),
        "oldest_age_s": None if letters.oldest_open is None else max(0.0, round(snapshot.at - letters.oldest_open, 3)),
    }


def _retries(snapshot: Snapshot) -> Document:
    return {
        "users": snapshot.failing_users,
        "records": snapshot.tally.behind,
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
    tally = snapshot.tally
    return {
        "consumed": tally.consumed,
        "delivered": tally.delivered,
        "filtered": tally.filtered,
        "filtered_by_reason": {reason.value: count for reason, count in tally.filtered_by_reason().items() if count},
        "dead_lettered": tally.dead_lettered,
        "already_done": tally.already_done,
        "released": tally.released,
        "in_flight": tally.buffered,
        "gap": tally.gap,
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
        for name, counts in snapshot.routes.items()
    ]


def _unmapped(snapshot: Snapshot) -> Document:
    frequent = sorted(snapshot.tally.unmapped_types(UNMAPPED_SHOWN), key=lambda item: (-item[1], item[0]))
    return {
        "records": snapshot.tally.unmapped,
        "types": [{"type": cut(name, TYPE_LENGTH), "records": count} for name, count in frequent],
    }
