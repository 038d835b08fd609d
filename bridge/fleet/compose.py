"""One view of what Kafka shows and what the replicas say. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from bridge.fleet import concerns, members
from bridge.fleet.concerns import is_away
from bridge.fleet.facts import KafkaFacts
from bridge.fleet.partitions import FLOWS, partitions, standings, told_by
from bridge.fleet.said import letters_of, losses_of, number, rows, section, whole
from bridge.fleet.view import FleetBudget, FleetGroup, FleetPartition, FleetView, ReplicaView
from bridge.kafka.admin.group_description import GroupDescription, Member
from bridge.model import TopicPartition
from bridge.ops import group_view
from bridge.ops.group_view import LookAnswers, MemberView, TopicView
from bridge.ops.snapshot import Letters, RecordedLosses
from bridge.ops.status import forecast
from bridge.ops.status.forecast import Forecast, Pace


def compose(facts: KafkaFacts, answers: Sequence[ReplicaView], now: float) -> FleetView:
    """`answers` are of all that were asked; `now` is in Unix seconds."""
    known = standings(facts)
    told = told_by(answers)
    matched = members.matched(answers, facts.group)
    replicas = (*answers, *map(_member, matched.silent))
    found = partitions(facts, known, told)
    letters = _letters(facts, replicas)
    composed = concerns.Composed(facts, replicas, found, matched, letters, now)
    return FleetView(
        at=now,
        group_id=facts.group_id,
        kafka_problem=facts.problem,
        group=None if facts.group is None else _group(facts.group),
        replicas=replicas,
        topics=_topics(facts, known, replicas),
        partitions=found,
        budgets=_budgets(replicas),
        replays=facts.replays,
        letters=letters,
        letters_problem=None if letters is not None else facts.letters_problem,
        losses=_losses(facts, replicas),
        concerns=concerns.concerns(composed),
        forecast=_forecast(facts, replicas, found, now),
        group_problem=facts.group_problem,
        is_kafka_away=is_away(facts, replicas),
    )


def unspoken(facts: KafkaFacts, answers: Sequence[ReplicaView]) -> dict[TopicPartition, int]:
    """Where records wait that no replica speaks of, each with the offset of the first: nobody says how old it is."""
    told = told_by(answers)
    found = {}
    for partition, standing in standings(facts).items():
        begins = standing.committed
        if standing.start is not None and (begins is None or begins < standing.start):
            begins = standing.start
        if partition not in told and begins is not None and standing.end is not None and begins < standing.end:
            found[partition] = begins
    return found


def counts_letters(answers: Sequence[ReplicaView]) -> bool:
    """Whether a replica says how many dead letters are open."""
    return any(each.document is not None and letters_of(each.document) is not None for each in answers)


def _member(member: Member) -> ReplicaView:
    return ReplicaView(
        str(member),
        f"{member} is a member of the group with {len(member.partitions)} partitions, and none of the instances that"
        " were asked is this one: add its address to console.instances.",
        is_member=True,
    )


def _group(group: GroupDescription) -> FleetGroup:
    return FleetGroup(
        group.state,
        group.protocol,
        tuple(MemberView(each.instance or each.client_id, each.host, len(each.partitions)) for each in group.members),
    )


def _topics(
    facts: KafkaFacts, known: Mapping[TopicPartition, group_view.PartitionStanding], replicas: Iterable[ReplicaView]
) -> tuple[TopicView, ...]:
    """By Kafka; where Kafka was not seen, the names that replicas tell, so that they are not taken for gone."""
    if facts.topics or facts.down_since is None:
        return group_view.topics(facts.configured, LookAnswers(facts.topics, known, facts.topic_problems))
    found: dict[str, TopicView] = {}
    for replica in replicas:
        for row in rows(replica.document, "topics"):
            name = row.get("topic")
            if isinstance(name, str) and name not in found:
                found[name] = TopicView(name, whole(row.get("partitions")) or 0)
    return tuple(found.values()) or tuple(TopicView(each) for each in facts.configured.entries)


def _budgets(replicas: Iterable[ReplicaView]) -> tuple[FleetBudget, ...]:
    """In the order in which a replica tells its kinds."""
    limits: dict[str, float | None] = {}
    shares: dict[str, list[tuple[str, float | None]]] = {}
    used: list[int] = []
    for replica in replicas:
        last = whole(section(replica.document, "rate").get("used_last_minute"))
        used += [] if last is None else [last]
        for row in rows(replica.document, "kinds"):
            kind = str(row.get("kind"))
            limit = number(row.get("limit"))
            limits[kind] = limit if limits.get(kind) is None else limits[kind]
            shares.setdefault(kind, []).append((replica.address, number(row.get("share"))))
    first = next(iter(limits), None)
    return tuple(
        # What is started is counted of the budget of events, which is the first kind's.
        FleetBudget(kind, limit, sum(used) if kind == first and used else None, tuple(shares[kind]))
        for kind, limit in limits.items()
    )


def _letters(facts: KafkaFacts, replicas: Iterable[ReplicaView]) -> Letters | None:
    """All count the same letters, each every quarter of a minute: of counts that differ the largest is told."""
    counts = [found for each in replicas if each.document is not None and (found := letters_of(each.document))]
    most = max(counts, key=lambda each: sum((each.open_by_reason or {}).values()), default=None)
    return most if most is not None else facts.letters


def _losses(facts: KafkaFacts, replicas: Iterable[ReplicaView]) -> RecordedLosses | None:
    """Likewise: a record of a loss only grows."""
    found = [losses for each in replicas if each.document is not None and (losses := losses_of(each.document))]
    most = max(found, key=lambda each: (each.at_most, each.count), default=None)
    return most if most is not None else facts.losses


def _forecast(
    facts: KafkaFacts, replicas: Iterable[ReplicaView], found: Sequence[FleetPartition], now: float
) -> Forecast | None:
    """Of as many records as wait by the same view. What was watched before Kafka went says nothing of the pace."""
    ahead = _drawn_out(replicas, found, now)
    if ahead is None:
        return None
    waiting = [each.waiting for each in found]
    if waiting and None not in waiting:
        ahead = replace(ahead, records=sum(each or 0 for each in waiting))
    return ahead if not is_away(facts, replicas) else replace(ahead, pace=Pace.UNKNOWN, empty_at=None)


def _drawn_out(replicas: Iterable[ReplicaView], found: Sequence[FleetPartition], now: float) -> Forecast | None:
    """Of what each replica forecasts of all that it has, and of the partitions that none of them has.

    Where something stands still, of each partition instead: what a replica has is not done then when the rest is.
    """
    if not all(each.why in FLOWS or not each.lag for each in found):
        known = [each.forecast for each in found if each.forecast is not None]
        return forecast.together(known, now) if known else None
    whole_replicas = [
        forecast.read(each.document["forecast"])
        for each in replicas
        if each.document is not None and isinstance(each.document.get("forecast"), Mapping)
    ]
    others = [each.forecast for each in found if each.replica is None and each.forecast is not None]
    if not whole_replicas and not others:
        return None
    return forecast.together([*whole_replicas, *others], now)
