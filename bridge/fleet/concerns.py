"""What is not as it should be in the whole group, each told once: what the replicas say and what only the group shows,
merged. Pure.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from bridge.commands import completed
from bridge.config.topics import topic_patterns
from bridge.fleet.facts import KafkaFacts
from bridge.fleet.members import Matched
from bridge.fleet.said import Document, in_ranges, moment, rows, section, texts, whole
from bridge.fleet.view import FleetConcern, FleetPartition, ReplicaView
from bridge.formats import offset_map
from bridge.holds import REASONS, Reason
from bridge.kafka.admin.committed import FRESH
from bridge.model import TopicPartition
from bridge.ops.snapshot import Letters
from bridge.ops.status import concerns as of_replica
from bridge.ops.status.concerns import OPEN_DEAD_LETTERS, RETENTION_NEAR, RETENTION_SHARE, STALLED
from bridge.text import moments
from bridge.text.amounts import listed

REPLICA_SILENT: Final = "replica_silent"
"""A replica does not answer, or a member of the group is none of those that were asked."""
OTHER_GROUP: Final = "other_group"
"""A bridge that was asked belongs to another group."""
MAPPINGS_DIFFER: Final = "mappings_differ"
VERSIONS_DIFFER: Final = "versions_differ"
CONFIGURATIONS_DIFFER: Final = "configurations_differ"
OTHERS: Final = (REPLICA_SILENT, OTHER_GROUP, MAPPINGS_DIFFER, VERSIONS_DIFFER, CONFIGURATIONS_DIFFER)
"""What no replica says of itself."""

_REQUEST_ID: Final = re.compile(r" \(x-request-id [^)]*\)?")
_OWN_FILE: Final = re.compile(r" -c (?:'[^']*'|[^\s`']+)")
"""Replicas that name one command name it with the file that each was started with."""
_EVERYTHING: Final = (
    Reason.KAFKA_UNREACHABLE.value,
    Reason.UNAUTHORIZED.value,
    Reason.UNOWNED.value,
    Reason.DEAD_LETTERS_UNWRITABLE.value,
    Reason.NOT_JOINED.value,
)
"""What holds all of a replica, or of the group, comes first of what needs someone."""
_ROLLOUT: Final = (
    "Nothing, while a new version or configuration rolls out. Otherwise restart the replicas with one configuration:"
    " what each sends follows from its own."
)

_LISTENING: Final = (
    "Files that differ only in where they listen (observability.listen, observability.control_socket) differ, too:"
    " then nothing is to be done."
)


@dataclass(frozen=True, slots=True)
class Composed:
    """What is known when the concerns are to be told."""

    facts: KafkaFacts
    replicas: Sequence[ReplicaView]
    partitions: Sequence[FleetPartition]
    matched: Matched
    letters: Letters | None
    now: float


def concerns(found: Composed) -> tuple[FleetConcern, ...]:
    """All of them, in the order in which they are to be told."""
    alike: dict[tuple[str, bool, str], list[FleetConcern]] = {}
    for each in (*_said(found), *_of_group(found)):
        alike.setdefault((each.reason, each.needs_someone, _OWN_FILE.sub("", each.action)), []).append(each)
    told = [_short(_merged(each, found.now)) for each in alike.values()]
    needed = sorted((each for each in told if each.needs_someone), key=_holds_most_first)
    ends = sorted((each for each in told if not each.needs_someone), key=_ends_last)
    return (*needed, *ends)


def _ends_last(concern: FleetConcern) -> int:
    """What holds most comes first; a silent replica may hold all that it has."""
    return of_replica.rank(Reason.UNOWNED.value if concern.reason == REPLICA_SILENT else concern.reason)


def _holds_most_first(concern: FleetConcern) -> tuple[bool, int]:
    rank = _EVERYTHING.index(concern.reason) if concern.reason in _EVERYTHING else len(_EVERYTHING)
    return is_beside(concern.reason), rank


def is_beside(reason: str) -> bool:
    """Whether it is told although no record waits for it."""
    return reason in of_replica.OTHERS or reason in OTHERS


def _merged(alike: Sequence[FleetConcern], now: float) -> FleetConcern:
    """The same of more: since the first of them, until the last, tried again when the next of them is."""
    first = alike[0]
    next_try = _earliest(*(each.next_try for each in alike if each.next_try is not None and each.next_try >= now))
    if len(alike) == 1:
        return replace(first, next_try=next_try, details=_each_once(first.details))
    return FleetConcern(
        first.reason,
        first.needs_someone,
        _earliest(*(each.since for each in alike)),
        max((each.until for each in alike if each.until is not None), default=None),
        next_try,
        _each_once(detail for each in alike for detail in each.details),
        first.action,
        tuple(sorted({partition for each in alike for partition in each.partitions})),
        tuple(dict.fromkeys(topic for each in alike for topic in each.topics)),
        tuple(dict.fromkeys(replica for each in alike for replica in each.replicas)),
        sum(each.left_out for each in alike),
    )


def _each_once(details: Iterable[str]) -> tuple[str, ...]:
    """Replicas that were refused by one thing are told by as many request ids."""
    found: dict[str, str] = {}
    for each in details:
        found.setdefault(_REQUEST_ID.sub("", each), each)
    return tuple(found.values())


def _earliest(*times: float | None) -> float | None:
    return min((each for each in times if each is not None), default=None)


def _short(concern: FleetConcern) -> FleetConcern:
    more = len(concern.details) - of_replica.DETAILS_SHOWN
    if more <= 0:
        return concern
    return replace(concern, details=concern.details[: of_replica.DETAILS_SHOWN], left_out=concern.left_out + more)


# --- what replicas say ---------------------------------------------------------------------------------


def _said(found: Composed) -> Iterator[FleetConcern]:
    """All that they say, but for what is known better here."""
    silent = {each for concern in _silent(found) for each in concern.partitions}
    known = {each.partition: each for each in found.partitions}
    is_gone = is_away(found.facts, found.replicas)
    for replica in found.replicas:
        for needs_someone, key in ((True, "needs_someone"), (False, "ends_by_itself")):
            for row in rows(replica.document, key):
                concern = _read(row, replica, needs_someone=needs_someone)
                if concern.reason == OPEN_DEAD_LETTERS and found.letters is not None:
                    continue  # Each counts the same letters; the freshest count is told once.
                if is_gone and concern.details == (REASONS[Reason.MEMBERSHIP].meaning,):
                    continue  # The coordinator is one of the brokers that do not answer.
                if concern.reason == STALLED:
                    # Of a replica that is silent that is told already, with since when.
                    concern = replace(concern, partitions=tuple(p for p in concern.partitions if p not in silent))
                if (kept := _still_true(concern, known)) is not None:
                    yield kept


def _read(row: Document, replica: ReplicaView, *, needs_someone: bool) -> FleetConcern:
    action = row.get("action")
    return FleetConcern(
        str(row.get("reason")),
        needs_someone,
        moment(row.get("since")),
        moment(row.get("until")),
        moment(row.get("next_try")),
        texts(row.get("details")),
        action if isinstance(action, str) else "",
        tuple(in_ranges(row.get("partitions"))),
        texts(row.get("topics")),
        (replica.address,),
        whole(row.get("details_left_out")) or 0,
    )


def _still_true(concern: FleetConcern, known: Mapping[TopicPartition, FleetPartition]) -> FleetConcern | None:
    """What a replica says of partitions of others it saw some seconds ago; who has them says it better."""
    if concern.reason == Reason.UNOWNED.value:
        kept = tuple(each for each in concern.partitions if each not in known or known[each].is_owned is not True)
    elif concern.reason == STALLED:
        kept = tuple(each for each in concern.partitions if each not in known or known[each].replica is None)
    else:
        return concern
    return replace(concern, partitions=kept) if kept else None


# --- what only the group shows -------------------------------------------------------------------------


def _of_group(found: Composed) -> Iterator[FleetConcern]:
    yield from _kafka(found)
    yield from _unowned(found)
    yield from _held(found)
    yield from _topics(found)
    yield from _silent(found)
    yield from _strangers(found)
    yield from _differences(found)
    yield from _retention(found)
    letters = found.letters
    if letters is not None and (letters.open_at_least or any((letters.open_by_reason or {}).values())):
        yield FleetConcern(
            OPEN_DEAD_LETTERS,
            needs_someone=True,
            since=letters.oldest_open,
            details=(of_replica.open_letters(letters),),
            action=of_replica.look_at_letters(),
        )


def is_away(facts: KafkaFacts, replicas: Iterable[ReplicaView]) -> bool:
    """Whether nobody reaches Kafka: neither this program, nor a replica that says so."""
    reached = any(section(each.document, "kafka").get("reachable") is True for each in replicas)
    return facts.down_since is not None and not reached


def _kafka(found: Composed) -> Iterator[FleetConcern]:
    """Where a replica still reaches Kafka it is only this program that does not, which is no trouble of the group."""
    facts = found.facts
    if not is_away(facts, found.replicas) or facts.down_since is None:
        return
    said = any(section(each.document, "kafka").get("reachable") is False for each in found.replicas)
    yield FleetConcern(
        Reason.KAFKA_UNREACHABLE.value,
        needs_someone=False,
        since=None if said else facts.down_since,
        details=() if said else (facts.problem or REASONS[Reason.KAFKA_UNREACHABLE].meaning,),
        action=REASONS[Reason.KAFKA_UNREACHABLE].action,
    )


def _unowned(found: Composed) -> Iterator[FleetConcern]:
    group, reason = found.facts.group, REASONS[Reason.UNOWNED]
    nobodys = tuple(each.partition for each in found.partitions if each.is_owned is False)
    if group is not None and not group.members and group.is_settled:
        last = max((at for at in map(_committed_at, found.facts.committed.values()) if at is not None), default=None)
        committed = "" if last is None else f" It committed last at {moments.iso(last, 'seconds')}."
        yield FleetConcern(
            Reason.UNOWNED.value,
            needs_someone=True,
            details=(f"The group {found.facts.group_id} has no member: no bridge reads anything.{committed}",),
            action=completed("Start a bridge of this group (`track-bridge run`), or look why none runs."),
            partitions=nobodys,
        )
    elif nobodys:
        yield FleetConcern(
            Reason.UNOWNED.value, reason.needs_operator, None, None, None, (reason.meaning,), reason.action, nobodys
        )


def _committed_at(committed: object) -> float | None:
    """When it was committed, as far as the text beside the offset says so."""
    metadata = getattr(committed, "metadata", "")
    text = offset_map.decode(metadata)
    return None if text is None or not text.demand.at else float(text.demand.at)


def _held(found: Composed) -> Iterator[FleetConcern]:
    """Of partitions that no replica speaks of."""
    for reason in (Reason.OUT_OF_RANGE, Reason.HELD_BY_OPERATOR):
        held = [each for each in found.partitions if each.replica is None and each.why == reason.value]
        for each in held:
            yield FleetConcern(
                reason.value,
                needs_someone=each.until is None,
                since=each.since,
                until=each.until,
                details=(each.detail,),
                action=each.action,
                partitions=(each.partition,),
            )


def _topics(found: Composed) -> Iterator[FleetConcern]:
    """But for those that a replica speaks of: it was told more about them."""
    said = {
        (row.get("reason"), topic)
        for replica in found.replicas
        for row in rows(replica.document, "needs_someone")
        for topic in texts(row.get("topics"))
    }
    for topic, problem in found.facts.topic_problems.items():
        if topic_patterns.is_pattern(topic) or (problem.reason.value, topic) in said:
            continue
        yield FleetConcern(
            problem.reason.value,
            REASONS[problem.reason].needs_operator,
            problem.since,
            details=(f"{problem.detail}.",),
            action=REASONS[problem.reason].action,
            topics=(topic,),
        )


def _silent(found: Composed) -> Iterator[FleetConcern]:
    """Replicas that say nothing. Somebody has to look where all are silent: nobody knows then what happens."""
    quiet = [each for each in found.replicas if each.document is None and not _is_stranger(each)]
    if not quiet:
        return
    theirs = {each.address for each in quiet}
    found_group = found.facts.group
    members = [member for address, member in found.matched.members.items() if address in theirs]
    owned = {each for member in (*members, *found.matched.silent, *found.matched.unheard) for each in member.partitions}
    untold = [each.partition for each in found.partitions if each.replica is None and each.is_owned is not False]
    mine = [each for each in untold if each in owned]
    everyone = len(quiet) == len(found.replicas)
    since = _earliest(*(each.since for each in quiet), _still_since(found, mine))
    yield FleetConcern(
        REPLICA_SILENT,
        needs_someone=everyone and found.facts.down_since is None,
        since=since,
        until=None if everyone or since is None else _session_ends(found, since),
        details=_why_silent(quiet),
        action=_look_at_it(None if found_group is None else found_group.protocol, everyone=everyone),
        partitions=tuple(mine or untold if everyone else mine),
        replicas=tuple(each.address for each in quiet),
    )


def _session_ends(found: Composed, since: float) -> float | None:
    """When others take over what a replica had that was killed: known of classic groups, whose members ask for it."""
    group, session = found.facts.group, found.facts.classic_session
    if group is None or group.protocol != "classic" or session is None or since + session < found.now:
        return None
    return since + session


def _still_since(found: Composed, mine: Iterable[TopicPartition]) -> float | None:
    """Since when another replica sees that nothing is committed of what the silent ones have."""
    theirs = set(mine)
    said = [
        moment(row.get("since"))
        for replica in found.replicas
        for row in rows(replica.document, "ends_by_itself")
        if row.get("reason") == STALLED and theirs & {*in_ranges(row.get("partitions"))}
    ]
    return _earliest(*said)


def _look_at_it(protocol: str | None, *, everyone: bool) -> str:
    """What to do about a silent one. What takes its partitions over is another member, after its session."""
    correct = " One that runs and cannot be asked: correct console.instances."
    if everyone:
        return f"Look at their logs, or start them again: no replica is known to be left that sends.{correct}"
    key = "group.consumer.session.timeout.ms of the brokers" if protocol == "consumer" else "session.timeout.ms"
    return (
        "Look at its log, or start it again. If it was killed, the group gives its partitions to others when its"
        f" session runs out ({key}).{correct}"
    )


def _why_silent(quiet: Sequence[ReplicaView]) -> tuple[str, ...]:
    """Those that are silent for the same reason are told by one sentence."""
    alike: dict[str, list[ReplicaView]] = {}
    for each in quiet:
        alike.setdefault((each.problem or "").replace(f"{each.address}/status", "{}"), []).append(each)
    return tuple(
        found[0].problem or "" if len(found) == 1 else sentence.replace("{}", listed([each.name for each in found], 8))
        for sentence, found in alike.items()
    )


def _is_stranger(replica: ReplicaView) -> bool:
    return replica.other_group is not None


def _strangers(found: Composed) -> Iterator[FleetConcern]:
    strangers = [each for each in found.replicas if _is_stranger(each)]
    if strangers:
        yield FleetConcern(
            OTHER_GROUP,
            needs_someone=True,
            details=tuple(each.problem or "" for each in strangers),
            action="Take it out of console.instances, or use the configuration of its group.",
            replicas=tuple(each.address for each in strangers),
        )


def _differences(found: Composed) -> Iterator[FleetConcern]:
    """Replicas that work differently; where mappings differ, that the configurations do follows from it."""
    answered = [each for each in found.replicas if each.document is not None]
    mappings = _by_value((each.mapping, each.address) for each in answered)
    committed = _mappings_of_commits(found)
    for mapping, partitions in committed.items():
        if mappings and mapping not in mappings:
            mappings[mapping] = [f"commits of {listed(partitions, 3)}"]
    versions = _by_value((each.version, each.address) for each in answered)
    configurations = _by_value((each.configuration, each.address) for each in answered)
    began = {each.address: _began(each) for each in answered}
    if len(mappings) > 1:
        elsewhere = tuple(each for mapping in mappings for each in committed.get(mapping, ()))
        sentence = "Members of the group work by different mappings"
        yield _difference(MAPPINGS_DIFFER, sentence, mappings, began, elsewhere)
    elif len(configurations) > 1:
        concern = _difference(
            CONFIGURATIONS_DIFFER, "Replicas run with different configurations", configurations, began
        )
        yield replace(concern, action=f"{_ROLLOUT} {_LISTENING}")
    if len(versions) > 1:
        yield _difference(VERSIONS_DIFFER, "Replicas are of different versions", versions, began)


def _began(replica: ReplicaView) -> float | None:
    """Since when it works as it does: since it loaded its configuration, or since it started."""
    loaded = moment(section(replica.document, "configuration").get("loaded_at"))
    return loaded if loaded is not None else moment((replica.document or {}).get("started_at"))


def _differ_since(values: Iterable[Sequence[str]], began: Mapping[str, float | None]) -> float | None:
    """When the second of them appeared, of what was there then and is there still."""
    first = [min((at for each in places if (at := began.get(each)) is not None), default=None) for places in values]
    known = [each for each in first if each is not None]
    return max(known) if len(known) == len(first) else None


def _by_value(pairs: Iterable[tuple[str | None, str]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for value, address in pairs:
        if value is not None:
            found.setdefault(value, []).append(address)
    return found


def _mappings_of_commits(found: Composed) -> dict[str, tuple[TopicPartition, ...]]:
    """By which mappings partitions were committed lately: also by members that no instance answers for."""
    by_mapping: dict[str, list[TopicPartition]] = {}
    for partition, committed in found.facts.committed.items():
        at = _committed_at(committed)
        if committed.mapping is not None and at is not None and found.now - at < FRESH:
            by_mapping.setdefault(f"{committed.mapping:09d}", []).append(partition)
    return {mapping: tuple(sorted(partitions)) for mapping, partitions in by_mapping.items()}


def _difference(
    reason: str,
    sentence: str,
    values: Mapping[str, Sequence[str]],
    began: Mapping[str, float | None],
    partitions: Sequence[TopicPartition] = (),
) -> FleetConcern:
    parts = [f"{value} at {listed(places, 3)}" for value, places in values.items()]
    return FleetConcern(
        reason,
        needs_someone=False,
        since=_differ_since(values.values(), began),
        details=(f"{sentence}: {'; '.join(parts)}.",),
        action=_ROLLOUT,
        partitions=tuple(partitions),
        replicas=tuple(place for places in values.values() for place in places if "://" in place),
    )


def _retention(found: Composed) -> Iterator[FleetConcern]:
    """Records that Kafka deletes for their age if nothing is done, of partitions that no replica speaks of."""
    near: dict[str, list[tuple[float, FleetPartition]]] = {}
    for each in found.partitions:
        topic = each.partition.topic
        retention = found.facts.retention.get(topic, math.inf)
        if each.replica is not None or each.oldest_at is None or not each.lag:
            continue
        age = max(0.0, found.now - each.oldest_at)
        if age > RETENTION_SHARE * retention:
            near.setdefault(topic, []).append((age, each))
    for topic, partitions in near.items():
        age = max(age for age, _ in partitions)
        yield FleetConcern(
            RETENTION_NEAR,
            needs_someone=True,
            details=(of_replica.about_to_be_deleted(topic, found.facts.retention[topic], age, found.now),),
            action=of_replica.LENGTHEN_RETENTION,
            partitions=tuple(each.partition for _, each in partitions),
        )
