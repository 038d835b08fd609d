"""The view of the group as a document: for scripts, for the console's live parts, and what the screen is laid out from.

Its shape is fixed by schemas/fleet.schema.json. A concern has the form it has in `/status`. Times are ISO 8601 in UTC,
fields that end in _s are seconds, rates are requests per second.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from bridge.fleet import headline
from bridge.holds import REASONS
from bridge.ops.status import forecast, group_status
from bridge.text.moments import iso

if TYPE_CHECKING:
    from bridge.fleet.view import (
        FleetBudget,
        FleetConcern,
        FleetGroup,
        FleetPartition,
        FleetView,
        ReplayView,
        ReplicaView,
    )
    from bridge.model import TopicPartition
    from bridge.ops.group_view import TopicView
    from bridge.ops.snapshot import Letters

Document = dict[str, Any]


def document(view: FleetView) -> Document:
    """Everything an operator asks first, of all replicas."""
    known = {each.partition: each for each in view.partitions}
    return {
        "state": headline.state(view).value,
        "sentence": headline.sentence(view),
        "needs_someone": [_concern(each, known, view.at) for each in view.concerns if each.needs_someone],
        "ends_by_itself": [_concern(each, known, view.at) for each in view.concerns if not each.needs_someone],
        "at": iso(view.at),
        "group": view.group_id,
        "kafka_problem": view.kafka_problem,
        "group_view": None if view.group is None else _group(view.group),
        "group_problem": view.group_problem,
        "replicas": [_replica(each) for each in view.replicas],
        "topics": [_topic(each) for each in view.topics],
        "partitions": [_partition(each, view.at) for each in view.partitions],
        "records": headline.records(view),
        "forecast": None if view.forecast is None else forecast.written(view.forecast),
        "budgets": [_budget(each) for each in view.budgets],
        "replays": [_replay(each) for each in view.replays],
        "dead_letters": {
            "open": None if view.letters is None else _letters(view.letters, view.at),
            "problem": view.letters_problem,
        },
        "recorded_losses": group_status.losses(view.losses),
    }


def _moment(seconds: float | None) -> str | None:
    return None if seconds is None else iso(seconds)


def _concern(concern: FleetConcern, known: Mapping[TopicPartition, FleetPartition], now: float) -> Document:
    concerned = [known[each] for each in concern.partitions if each in known]
    waiting = [each.waiting for each in concerned]
    ahead = [each.forecast for each in concerned if each.forecast is not None]
    together = forecast.together(ahead, now) if ahead and len(ahead) == len(concern.partitions) else None
    return {
        "reason": concern.reason,
        "since": _moment(concern.since),
        "until": _moment(concern.until),
        "next_try": _moment(concern.next_try),
        "partitions": group_status.ranges(concern.partitions),
        "topics": list(concern.topics),
        "replicas": list(concern.replicas),
        "details": list(concern.details),
        "details_left_out": concern.left_out,
        "action": concern.action,
        "records": sum(each for each in waiting if each is not None) if waiting and None not in waiting else None,
        "empty_at": None if together is None else _moment(together.empty_at),
    }


def _group(group: FleetGroup) -> Document:
    return {
        "state": group.state,
        "protocol": group.protocol,
        "members": [{"name": each.name, "host": each.host, "partitions": each.partitions} for each in group.members],
    }


def _replica(replica: ReplicaView) -> Document:
    return {
        "address": replica.address,
        "name": replica.name,
        "state": replica.state,
        "sentence": replica.sentence,
        "problem": replica.problem,
        "since": _moment(replica.since),
        "version": replica.version,
        "configuration": replica.configuration,
        "mapping": replica.mapping,
    }


def _topic(topic: TopicView) -> Document:
    problem = topic.problem
    return {
        "topic": topic.topic,
        "partitions": topic.partitions,
        "lag": topic.lag,
        "unowned": None if topic.unowned is None else list(topic.unowned),
        "problem": None if problem is None else problem.reason.value,
        "detail": "" if problem is None else problem.detail,
        "action": "" if problem is None else REASONS[problem.reason].action,
    }


def _partition(partition: FleetPartition, now: float) -> Document:
    hold = partition.hold
    oldest = partition.oldest_at
    return {
        "topic": partition.partition.topic,
        "partition": partition.partition.partition,
        "owner": partition.owner,
        "owned": partition.is_owned,
        "replica": partition.replica,
        "committed": partition.committed,
        "start": partition.start,
        "end": partition.end,
        "lag": partition.lag,
        "waiting": partition.waiting,
        "why": partition.why,
        "since": _moment(partition.since),
        "until": _moment(partition.until),
        "next_try": _moment(partition.next_try),
        "detail": partition.detail,
        "action": partition.action,
        "oldest_at": _moment(oldest),
        "oldest_age_s": None if oldest is None else max(0.0, round(now - oldest, 3)),
        "hold": None
        if hold is None
        else {
            "reason": hold.reason,
            "by": hold.by,
            "since": _moment(hold.since or None),
            "until": _moment(hold.until or None),
        },
        "forecast": None if partition.forecast is None else forecast.written(partition.forecast),
    }


def _budget(budget: FleetBudget) -> Document:
    return {
        "kind": budget.kind,
        "limit": budget.limit,
        "used_last_minute": budget.used_last_minute,
        "shares": [{"replica": address, "share": share} for address, share in budget.shares],
    }


def _replay(replay: ReplayView) -> Document:
    return {"who": replay.who, "since": _moment(replay.since), "share": replay.share, "detail": replay.detail}


def _letters(letters: Letters, now: float) -> Document:
    counts = letters.open_by_reason or {}
    oldest = letters.oldest_open
    return {
        "by_reason": {reason: count for reason, count in counts.items() if count},
        "at_least": sorted(letters.open_at_least),
        "total": sum(counts.values()),
        "oldest_at": _moment(oldest),
        "oldest_age_s": None if oldest is None else max(0.0, round(now - oldest, 3)),
    }
