"""What is not as it should be, each told once: first what needs someone, then what ends by itself. Pure.

The document's lists and its headline are made of this one list, so that they cannot contradict each other.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from bridge.commands import completed
from bridge.config.topics import topic_patterns
from bridge.holds import REASONS, Reason, shown
from bridge.model import TopicPartition
from bridge.ops import kind_gates
from bridge.ops.group_view import stalled, unowned
from bridge.ops.hold_reasons import HoldExplanation
from bridge.ops.snapshot import ClosedGate, Letters, PartitionView, Snapshot
from bridge.ops.status import forecast
from bridge.text import moments
from bridge.text.amounts import plural, span, thousands

KEY_FILE: Final = "key_file"
KAFKA_LOGIN: Final = "kafka_login"
CONFIGURATION_FILE: Final = "configuration_file"
OPEN_DEAD_LETTERS: Final = "open_dead_letters"
UNACCOUNTED: Final = "unaccounted"
RETENTION_NEAR: Final = "retention_near"
LOSES_DATA_SOON: Final = "loses_data_soon"
STALLED: Final = "stalled"
OTHERS: Final = (
    KEY_FILE,
    KAFKA_LOGIN,
    CONFIGURATION_FILE,
    OPEN_DEAD_LETTERS,
    UNACCOUNTED,
    RETENTION_NEAR,
    LOSES_DATA_SOON,
    STALLED,
)
"""What is told although it holds no record of this replica; all but the last need someone."""

RETENTION_SHARE: Final = 0.5
"""Part of a topic's retention after which an open record is in danger: what the chart's alert has by default."""

LOSS_AHEAD: Final = 6 * 3_600.0
"""Seconds; a loss that is that near at the present rate needs someone: what the chart's alert has by default."""

_LOGIN_SOON_NEEDED: Final = (
    "It is tried again every ten seconds. Until it works, records flow over connections that are there, for as long as"
    " brokers keep these: fix what the sentence names."
)
_LOGIN_NEEDED: Final = "It is tried again every few seconds, and nothing is read before: fix what the sentence names."

LENGTHEN_RETENTION: Final = (
    "Lengthen retention.ms of the topic first (kafka-configs --alter), then fix what keeps its records waiting."
)
"""What to do about `RETENTION_NEAR`."""
DETAILS_SHOWN: Final = 3
"""Cases of one reason that are told in full."""

_FLOWS: Final = (Reason.SENDING, Reason.IDLE)
_ENDS_ALONE: Final = (
    Reason.DRAINING,
    Reason.KAFKA_UNREACHABLE,
    Reason.NOT_JOINED,
    Reason.OUTAGE,
    Reason.RETRY_AFTER,
    Reason.IDENTIFY_WAITS,
    Reason.SCHEMA_REGISTRY,
    Reason.POSITION_UNKNOWN,
    Reason.UNOWNED,
    Reason.FAILING_USERS,
    Reason.RATE_LIMITED,
)
"""In the order in which they are told: what holds most comes first."""


@dataclass(frozen=True, slots=True)
class Concern:
    """One of them, of all the partitions and topics that share it."""

    reason: str
    """By the name that is shown: one of `holds.SHOWN` or of `OTHERS`."""
    needs_someone: bool
    since: float | None
    """Unix seconds; None: not known."""
    details: tuple[str, ...]
    """A sentence on each different case, `DETAILS_SHOWN` at most."""
    action: str
    """What to do; empty: nothing."""
    until: float | None = None
    """When it ends by itself, in Unix seconds; None: at no time that is known."""
    next_try: float | None = None
    """When it is tried again, in Unix seconds."""
    partitions: tuple[TopicPartition, ...] = ()
    topics: tuple[str, ...] = ()
    """Of what concerns a topic as a whole."""
    left_out: int = 0
    """Further cases that are not told."""
    holds: bool = True
    """Whether records wait for it."""


def concerns(snapshot: Snapshot, explained: Sequence[tuple[PartitionView, HoldExplanation]]) -> list[Concern]:
    """All of them, in the order in which they are to be told."""
    found = [*_of_partitions(snapshot, explained)]
    told = {concern.reason for concern in found}
    found += [_of_gate(block, snapshot) for block in snapshot.blocks if _is_told(block, told)]
    if Reason.IDENTIFY_WAITS.value not in told:
        found += _of_kinds(snapshot)
    found += _of_topics(snapshot, told)
    found += _of_the_group(snapshot)
    found += _stalled(snapshot)
    needed = [*(each for each in found if each.needs_someone), *_beside(snapshot, found)]
    ends = sorted((each for each in found if not each.needs_someone), key=_rank)
    return [*sorted(needed, key=_holds_everything_first), *ends]


def _of_partitions(snapshot: Snapshot, explained: Iterable[tuple[PartitionView, HoldExplanation]]) -> Iterator[Concern]:
    """Partitions of one reason are told together: an outage of 300 partitions is one paragraph."""
    groups: dict[tuple[Reason, str, bool], list[tuple[TopicPartition, HoldExplanation]]] = {}
    for partition, explanation in explained:
        if explanation.why not in _FLOWS:
            key = (explanation.why, explanation.action, explanation.needs_someone)
            groups.setdefault(key, []).append((partition.partition, explanation))
    for (why, action, needs_someone), members in groups.items():
        explanations = [explanation for _, explanation in members]
        details = list(dict.fromkeys(each.detail for each in explanations))
        tries = [each.next_try for each in explanations if each.next_try is not None]
        ends = [each.until for each in explanations if each.until is not None and each.next_try is None]
        is_paced = why is Reason.RATE_LIMITED
        since = [each.since for each in explanations if each.since is not None]
        yield Concern(
            why.value,
            needs_someone,
            min(since, default=None),
            (*details[:DETAILS_SHOWN], *_key_file(why, snapshot)),
            action,
            # The next free place in the budget is not when the backlog ends.
            None if is_paced else max(ends, default=None),
            None if is_paced else min(tries, default=None),
            partitions=tuple(partition for partition, _ in members),
            left_out=max(0, len(details) - DETAILS_SHOWN),
        )


def _is_told(block: ClosedGate, told: Iterable[str]) -> bool:
    """Also what a stricter gate covers at the moment, or what no record waits for yet; not a budget that is used."""
    return block.gate is not Reason.RATE_LIMITED and shown(block.gate).value not in told


def _of_gate(block: ClosedGate, snapshot: Snapshot) -> Concern:
    reason = REASONS[block.gate]
    return Concern(
        shown(block.gate).value,
        reason.needs_operator,
        block.since,
        (block.sentence or reason.meaning, *_key_file(block.gate, snapshot)),
        block.action or reason.action,
        None if block.next_try is not None else block.until,
        block.next_try,
    )


def _of_kinds(snapshot: Snapshot) -> Iterator[Concern]:
    """Requests of users or companies do not go, and no partition's oldest record waits for that yet."""
    gates = list(kind_gates.kept_kinds(snapshot))
    if not gates:
        return
    reason = REASONS[Reason.IDENTIFY_WAITS]
    tries = [gate.next_try for gate in gates if gate.next_try is not None]
    yield Concern(
        Reason.IDENTIFY_WAITS.value,
        reason.needs_operator,
        min(gate.since for gate in gates),
        tuple(kind_gates.sentence(gate, snapshot.awaiting) for gate in gates),
        reason.action,
        None if tries else max(gate.until or 0.0 for gate in gates),
        min(tries, default=None),
    )


def _key_file(why: Reason, snapshot: Snapshot) -> tuple[str, ...]:
    """Beside a refused key: that the file which is to hold a valid one cannot be read."""
    problem = snapshot.key.problem
    return () if problem is None or why is not Reason.UNAUTHORIZED else (f"{problem}.",)


def _of_topics(snapshot: Snapshot, told: Iterable[str]) -> Iterator[Concern]:
    if Reason.DEAD_LETTER_HOLD.value not in told and snapshot.held_topics:
        held = snapshot.held_topics
        yield Concern(
            Reason.DEAD_LETTER_HOLD.value,
            needs_someone=True,
            since=min(each.since for each in held),
            details=tuple(each.sentence for each in held[:DETAILS_SHOWN]),
            action=REASONS[Reason.DEAD_LETTER_HOLD].action,
            topics=tuple(each.topic for each in held),
            left_out=max(0, len(held) - DETAILS_SHOWN),
        )
    views = [view for view in snapshot.group_view.topics if not topic_patterns.is_pattern(view.topic)]
    for reason in (Reason.TOPIC_MISSING, Reason.NOT_AUTHORISED):
        found = [(view.topic, view.problem) for view in views if view.problem and view.problem.reason is reason]
        if found:
            yield Concern(
                reason.value,
                REASONS[reason].needs_operator,
                min(problem.since for _, problem in found),
                tuple(f"{problem.detail}." for _, problem in found[:DETAILS_SHOWN]),
                REASONS[reason].action,
                topics=tuple(topic for topic, _ in found),
                left_out=max(0, len(found) - DETAILS_SHOWN),
            )


def _of_the_group(snapshot: Snapshot) -> Iterator[Concern]:
    vitals, not_joined = snapshot.vitals, REASONS[Reason.NOT_JOINED]
    if not vitals.joined and not vitals.stopping and vitals.kafka is None:
        problem = vitals.join_problem
        yield Concern(
            Reason.NOT_JOINED.value,
            problem is not None,
            snapshot.join_problem_since,
            (problem or not_joined.meaning,),
            completed("`track-bridge check` shows brokers, permissions and the members of the group.")
            if problem
            else not_joined.action,
        )
    nobodys = unowned(snapshot.group_view)
    if nobodys:
        reason = REASONS[Reason.UNOWNED]
        yield Concern(
            Reason.UNOWNED.value, reason.needs_operator, None, (reason.meaning,), reason.action, partitions=nobodys
        )


def _stalled(snapshot: Snapshot) -> Iterator[Concern]:
    view = snapshot.group_view
    partitions = stalled(view)
    if not partitions or view.at is None:
        return
    owners = sorted({owner for topic in view.topics for owner in topic.owners_of_stalled})
    named = " and ".join(owners) or "Another member of the group"
    seconds = max(topic.stalled_for for topic in view.topics)
    yield Concern(
        STALLED,
        needs_someone=False,
        since=view.at - seconds,
        details=(f"{named} has these partitions. Records wait in them, and nothing was committed since then.",),
        action="Nothing, if that member was killed: the group gives its partitions to others when its session runs out"
        " (session.timeout.ms). Otherwise ask its own status why it waits.",
        partitions=partitions,
        holds=False,
    )


def _retention_near(snapshot: Snapshot) -> Iterator[Concern]:
    """Open records that Kafka deletes for their age if nothing is done, topic by topic."""
    near: dict[str, list[PartitionView]] = {}
    for partition in snapshot.partitions:
        retention = snapshot.retention.get(partition.partition.topic, math.inf)
        if partition.oldest is not None and partition.oldest_age(snapshot.at) > RETENTION_SHARE * retention:
            near.setdefault(partition.partition.topic, []).append(partition)
    if near:
        yield Concern(
            RETENTION_NEAR,
            needs_someone=True,
            since=None,
            details=tuple(
                _about_to_be_deleted(topic, found, snapshot) for topic, found in [*near.items()][:DETAILS_SHOWN]
            ),
            action=LENGTHEN_RETENTION,
            partitions=tuple(partition.partition for found in near.values() for partition in found),
            left_out=max(0, len(near) - DETAILS_SHOWN),
            holds=False,
        )


def _about_to_be_deleted(topic: str, partitions: Sequence[PartitionView], snapshot: Snapshot) -> str:
    age, oldest = max(
        ((each.oldest_age(snapshot.at), each.oldest) for each in partitions if each.oldest is not None),
        key=lambda found: found[0],
    )
    is_written = oldest.timestamp is not None and oldest.timestamp <= oldest.since
    return about_to_be_deleted(topic, snapshot.retention[topic], age, snapshot.at, is_written=is_written)


def about_to_be_deleted(topic: str, retention: float, age: float, now: float, *, is_written: bool = True) -> str:
    """That retention (seconds) takes the oldest record that waits, which is `age` seconds old at `now`, as a sentence.

    Not `is_written`: it is not known when it was written, only since when it waits.
    """
    began = "was written" if is_written else "was first seen"
    deleted = moments.iso(now - age + retention, "seconds")
    return (
        f"Kafka keeps records of {topic} for {span(retention)}, and the oldest that waits {began}"
        f" {span(age)} ago: {f'from {deleted} on' if deleted else 'soon'} it may be deleted before it is sent."
    )


def _loses_soon(snapshot: Snapshot, told: Iterable[Concern]) -> Iterator[Concern]:
    """Topics whose records Kafka deletes within hours if it goes on like this, though most of their retention is left.

    `told`: what is told of records that are already old.
    """
    near = {each.topic for concern in told for each in concern.partitions}
    losing: dict[str, list[tuple[float, TopicPartition]]] = {}
    for partition, ahead in forecast.of_snapshot(snapshot).partitions.items():
        from_then = ahead.loses_from
        if from_then is not None and from_then - snapshot.at <= LOSS_AHEAD and partition.topic not in near:
            losing.setdefault(partition.topic, []).append((from_then, partition))
    if losing:
        yield Concern(
            LOSES_DATA_SOON,
            needs_someone=True,
            since=None,
            details=tuple(_will_lose(topic, found, snapshot) for topic, found in [*losing.items()][:DETAILS_SHOWN]),
            action=LENGTHEN_RETENTION,
            partitions=tuple(partition for found in losing.values() for _, partition in found),
            left_out=max(0, len(losing) - DETAILS_SHOWN),
            holds=False,
        )


def _will_lose(topic: str, found: Sequence[tuple[float, TopicPartition]], snapshot: Snapshot) -> str:
    first = min(from_then for from_then, _ in found)
    return (
        f"Kafka keeps records of {topic} for {span(snapshot.retention[topic])}, and what waits is sent too slowly: at"
        f" this rate records are deleted unsent from {moments.iso(first, 'seconds')} on, in"
        f" {span(first - snapshot.at)}."
    )


def _beside(snapshot: Snapshot, found: Iterable[Concern]) -> Iterator[Concern]:
    """What needs someone while records flow."""
    near = [*_retention_near(snapshot)]
    yield from near
    yield from _loses_soon(snapshot, near)
    key, letters, gap = snapshot.key, snapshot.letters, snapshot.tally.gap
    if key.problem is not None and not any(each.reason == Reason.UNAUTHORIZED.value for each in found):
        yield Concern(
            KEY_FILE,
            needs_someone=True,
            since=key.problem_since,
            details=(f"{key.problem}. The key that was read before is still used.",),
            action="Fix the file at track.api_key_file: it is read again when the API refuses the key.",
            holds=False,
        )
    if snapshot.configuration.file_problems:
        yield _refused_file(snapshot)
    if snapshot.login.problem is not None:
        yield Concern(
            KAFKA_LOGIN,
            needs_someone=True,
            since=snapshot.login.problem_since,
            details=(f"{snapshot.login.problem}.",),
            action=_LOGIN_NEEDED if snapshot.vitals.kafka is not None else _LOGIN_SOON_NEEDED,
            holds=False,
        )
    if gap:
        yield Concern(
            UNACCOUNTED,
            needs_someone=True,
            since=None,
            details=(f"The accounting cannot explain {thousands(gap)} records. This is a defect of the bridge.",),
            action=completed(
                "Please report it, with `track-bridge status --json` and the log since the process started."
            ),
            holds=False,
        )
    if letters.open_by_reason is not None and (letters.open_by_reason or letters.open_at_least):
        yield Concern(
            OPEN_DEAD_LETTERS,
            needs_someone=True,
            since=letters.oldest_open,
            details=(open_letters(letters),),
            action=look_at_letters(),
            holds=False,
        )


def look_at_letters() -> str:
    """What to do about `OPEN_DEAD_LETTERS`."""
    return completed(
        "Look at them with `track-bridge dlq stats` and `track-bridge dlq list`. Fix the cause, then send them again "
        "with `track-bridge dlq replay`, or settle them with `track-bridge dlq discard --because TEXT`."
    )


def _refused_file(snapshot: Snapshot) -> Concern:
    view = snapshot.configuration
    problems = view.file_problems
    again = "It is looked at again by itself" if view.is_watched else "Then send the process SIGHUP"
    return Concern(
        CONFIGURATION_FILE,
        needs_someone=True,
        since=view.file_since,
        details=tuple(f"{each}." for each in problems[:DETAILS_SHOWN]),
        action=f"Fix the configuration file, of which nothing is taken over; what ran before runs on. {again}; a key"
        " that needs a restart is taken by a restart only.",
        left_out=max(0, len(problems) - DETAILS_SHOWN),
        holds=False,
    )


def open_letters(letters: Letters) -> str:
    """How many are open, by reason, as a sentence."""
    counts, least = letters.open_by_reason or {}, letters.open_at_least
    total = sum(counts.values())
    parts = [
        f"{reason} {'at least ' if reason in least else ''}{thousands(counts.get(reason, 0))}"
        for reason in sorted({*counts, *least}, key=lambda reason: (-counts.get(reason, 0), reason))
    ]
    whole = f"{'at least ' if least else ''}{plural(total, 'dead letter')}"
    return f"{whole[0].upper()}{whole[1:]} {'is' if total == 1 else 'are'} open: {', '.join(parts)}."


def _holds_everything_first(concern: Concern) -> tuple[bool, bool]:
    """What holds the whole process has no partitions of its own, or has them all by its gate."""
    gates = {Reason.UNAUTHORIZED.value, Reason.DEAD_LETTERS_UNWRITABLE.value, Reason.NOT_JOINED.value}
    return (not concern.holds, concern.reason not in gates)


def _rank(concern: Concern) -> int:
    return rank(concern.reason)


def rank(reason: str) -> int:
    """The place among what ends by itself: what holds most comes first."""
    names = [each.value for each in _ENDS_ALONE]
    return names.index(reason) if reason in names else len(names)
