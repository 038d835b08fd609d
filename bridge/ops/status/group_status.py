"""What `/status` says of the topics that ought to be read and of the group as a whole. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from bridge.config.topics import topic_patterns
from bridge.holds import REASONS
from bridge.ops.group_view import stalled, unowned
from bridge.text.amounts import listed
from bridge.text.moments import iso

if TYPE_CHECKING:
    from bridge.model import TopicPartition
    from bridge.ops.group_view import TopicProblem, TopicView
    from bridge.ops.snapshot import RecordedLosses, Snapshot


def topics(snapshot: Snapshot) -> list[dict[str, Any]]:
    """Every topic that ought to be read, in the order of the configuration."""
    here: dict[str, int] = {}
    for each in snapshot.partitions:
        here[each.partition.topic] = here.get(each.partition.topic, 0) + 1
    return [_topic(view, here) for view in snapshot.group_view.topics]


def _topic(view: TopicView, here: Mapping[str, int]) -> dict[str, Any]:
    problem = view.problem
    return {
        "topic": view.topic,
        "partitions": view.partitions,
        "here": here.get(view.topic, 0),
        "lag": view.lag,
        "unowned": None if view.unowned is None else list(view.unowned),
        "stalled": list(view.stalled),
        "stalled_at": list(view.owners_of_stalled),
        "problem": None if problem is None else problem.reason.value,
        "detail": "" if problem is None else problem.detail,
        "action": "" if problem is None else REASONS[problem.reason].action,
    }


def group(snapshot: Snapshot) -> dict[str, Any]:
    """The members of the group, as its coordinator tells."""
    view = snapshot.group_view
    members = None
    if view.members is not None:
        members = [{"name": each.name, "host": each.host, "partitions": each.partitions} for each in view.members]
    return {
        "age_s": None if view.at is None else round(max(0.0, snapshot.at - view.at), 3),
        "state": view.state,
        "members": members,
        "mapping": None if view.mapping is None else f"{view.mapping:09d}",
        "other_mappings": [
            {"mapping": f"{mapping:09d}", "partitions": [str(each) for each in partitions]}
            for mapping, partitions in view.other_mappings.items()
        ],
    }


def absences(snapshot: Snapshot) -> str:
    """What a sentence that all is well must not leave out; empty where nothing is missing."""
    said = [f" {problem.detail}." for topic, problem in _problems(snapshot) if topic_patterns.is_pattern(topic)]
    nobodys = unowned(snapshot.group_view)
    if nobodys:
        said.append(f" No member of the group has {listed(nobodys)}.")
    still = stalled(snapshot.group_view)
    if still:
        said.append(f" Another member of the group does not move {listed(still)}.")
    if snapshot.group_view.other_mappings:
        elsewhere = [each for partitions in snapshot.group_view.other_mappings.values() for each in partitions]
        said.append(f" Other members of the group work by another mapping: {listed(elsewhere)}.")
    return "".join(said)


def _problems(snapshot: Snapshot) -> list[tuple[str, TopicProblem]]:
    return [(view.topic, view.problem) for view in snapshot.group_view.topics if view.problem is not None]


def ranges(partitions: Sequence[TopicPartition]) -> list[str]:
    """Partitions by topic, such as ``shop.orders/0-2,5``."""
    numbers: dict[str, list[int]] = {}
    for partition in partitions:
        numbers.setdefault(partition.topic, []).append(partition.partition)
    return [f"{topic}/{spans(sorted(found))}" for topic, found in numbers.items()]


def spans(numbers: Sequence[int]) -> str:
    """0, 1, 2, 5 as ``0-2,5``."""
    found: list[list[int]] = []
    for number in numbers:
        if found and found[-1][-1] == number - 1:
            found[-1][1:] = [number]
        else:
            found.append([number])
    return ",".join("-".join(str(number) for number in span) for span in found)


def losses(found: RecordedLosses | None) -> dict[str, Any] | None:
    """What is recorded of the group's losses; None until it was read."""
    if found is None:
        return None
    return {
        "records_at_most": found.at_most,
        "of_unknown_number": found.unknown,
        "since": None if found.since is None else iso(found.since),
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
