"""The `/status` document: for every partition how far behind, since when, and why. A pure function of a snapshot.

The document's shape is fixed by schemas/status.schema.json. Times are ISO 8601 in UTC, ages seconds. It holds
coordinates, counts and sentences; of the payloads only the types no route names, because a mapping is fixed by them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bridge.commands import completed
from bridge.holds import REASONS, Reason
from bridge.ops import health
from bridge.ops.hold_reasons import HoldExplanation, explain
from bridge.ops.status import forecast, group_status, kinds
from bridge.ops.status.backlog_trend import done_at
from bridge.ops.status.concerns import Concern, concerns
from bridge.ops.status.headline import headline
from bridge.text.moments import iso
from bridge.text.printable import cut

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bridge.model import Retried
    from bridge.ops.snapshot import PartitionView, Snapshot

Document = dict[str, Any]

UNMAPPED_SHOWN = 50
REFERENCES_SHOWN = 20
TYPE_LENGTH = 200
"""Characters shown of an unmapped type: it comes out of a payload and has no bound of its own."""


def document(snapshot: Snapshot) -> Document:
    """Everything an operator asks first."""
    explained = [(partition, explain(partition, snapshot)) for partition in snapshot.partitions]
    found = concerns(snapshot, explained)
    ahead = forecast.of_snapshot(snapshot)
    state, sentence = headline(snapshot, [explanation for _, explanation in explained], found)
    return {
        "state": state.value,
        "sentence": sentence,
        "needs_someone": [_concern(each) for each in found if each.needs_someone],
        "ends_by_itself": [_concern(each) for each in found if not each.needs_someone],
        "at": iso(snapshot.at),
        "version": snapshot.version,
        "group": snapshot.group_id,
        "started_at": iso(snapshot.started_at),
        "configuration": _configuration(snapshot),
        "ready": _ready(snapshot),
        "blocked": _blocked(snapshot),
        "kinds": kinds.kinds(snapshot),
        "users": kinds.users(snapshot),
        "kafka": _kafka(snapshot),
        "schema_registry": _registry(snapshot),
        "control_socket": {"problem": snapshot.control_problem},
        "topics": group_status.topics(snapshot),
        "group_view": group_status.group(snapshot),
        "partitions": [
            _partition(partition, why, snapshot.at)
            | {"forecast": forecast.written(ahead.partitions[partition.partition])}
            for partition, why in explained
        ],
        "forecast": forecast.written(ahead.together),
        "retries": _retries(snapshot),
        "answers": _answers(snapshot),
        "held_topics": [
            {
                "topic": hold.topic,
                "since": iso(hold.since),
                "detail": hold.sentence,
                "action": completed(REASONS[Reason.DEAD_LETTER_HOLD].advice, TOPIC=hold.topic),
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
            "recorded": group_status.losses(snapshot.recorded_losses),
        },
        "possible_duplicates": {"ambiguous_retries": snapshot.tally.ambiguous, "forced_drains": snapshot.forced_drains},
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


def _configuration(snapshot: Snapshot) -> Document:
    """What the process works by, and its file beside it: the same hash twice, unless the file is refused."""
    view = snapshot.configuration
    return {
        "hash": view.hash,
        "mapping": None if view.mapping is None else f"{view.mapping:09d}",
        "loaded_at": _iso_or_none(view.loaded_at),
        "file": {
            "hash": view.file_hash,
            "problem": "; ".join(view.file_problems) or None,
            "since": _iso_or_none(view.file_since),
        },
    }


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
        "login_problem": snapshot.login.problem,
        "login_problem_since": _iso_or_none(snapshot.login.problem_since),
    }


def _registry(snapshot: Snapshot) -> Document | None:
    """None where none is configured."""
    view = snapshot.registry
    if view is None:
        return None
    return {
        "urls": list(view.urls),
        "state": view.state,
        "since": _iso_or_none(view.since),
        "problem": view.problem,
        "known_schemas": view.known,
        "unknown_references": view.unknown,
        "waiting_for": list(view.waiting[:REFERENCES_SHOWN]),
        "waiting_for_left_out": max(0, len(view.waiting) - REFERENCES_SHOWN),
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
        **({} if event.trace is None else {"trace": event.trace}),
        "last_answer": None
        if answer is None
        else {
            "reason": answer.reason,
            "status": answer.status,
            "detail": answer.detail,
            "request_id": answer.request_id,
        },
    }


def _answers(snapshot: Snapshot) -> Document:
    return {
        "since": iso(snapshot.started_at),
        "failed": [
            {
                "kind": failed.kind,
                "reason": failed.reason,
                "status": failed.status,
                "code": failed.code,
                "count": failed.count,
                "first_at": iso(failed.first),
                "last_at": iso(failed.last),
                "request_ids": list(failed.request_ids),
            }
            for failed in snapshot.failures
        ],
        "left_out": snapshot.failures_left_out,
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
