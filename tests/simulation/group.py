"""The brokers: topics, the group coordinator with its members, and what is committed there."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from bridge.formats import commit_mark, operator_hold
from bridge.kafka.consumer.starts.start_policy import StartFacts
from bridge.model import LogRange, Position, TopicPartition
from tests.simulation.agenda import Agenda
from tests.simulation.ledger import Ledger, Log
from tests.simulation.plan import HEARTBEAT, SESSION
from tests.simulation.timeline import Timeline

if TYPE_CHECKING:
    from tests.simulation.process import Process

UNKNOWN_TOPIC: Final = 3
ILLEGAL_GENERATION: Final = 22
UNKNOWN_MEMBER: Final = 25
REBALANCING: Final = 27
TIMED_OUT: Final = -185

Committable = Sequence[tuple[TopicPartition, int, str, "int | None", "Log | None"]]
"""Partition, offset, metadata, leader epoch, and the log the member read."""


@dataclass(slots=True, eq=False)
class Member:
    number: int
    process: Process
    heard_at: float
    silent: bool = False
    waiting: bool = False
    """Under the classic protocol: it asked to join again, and its connection waits for the answer to that."""
    held: list[tuple[Request, Process]] = field(default_factory=list)
    """Commits behind that request."""
    leaving: set[TopicPartition] = field(default_factory=set)
    """Asked for, not given back yet."""


@dataclass(slots=True, eq=False)
class Request:
    """A commit under way."""

    member: Member | None
    what: Committable
    answer: Callable[[int], None]


class Group:
    """One consumer group, cooperative: a partition is assigned only after its owner gave it back or is gone."""

    def __init__(
        self, agenda: Agenda, ledger: Ledger, timeline: Timeline, rng: random.Random, *, classic: bool = False
    ) -> None:
        """`classic`: whether a rebalance waits for all members, and their commits with it."""
        self.classic = classic
        self._round_since: float | None = None
        """Since when members join anew."""
        self.logs: dict[TopicPartition, Log] = {}
        self.committed: dict[TopicPartition, Position] = {}
        self.owner: dict[TopicPartition, Member] = {}
        self.members: dict[int, Member] = {}
        self.settled_at = float("inf")
        """When all that there was had a committed offset for the first time."""
        self.refusing = self.losing = self.unreadable = False
        self.away = False
        """No broker answers, and no session ends."""
        self.latency = 0.0
        """Seconds that a commit takes longer than usual."""
        self._agenda = agenda
        self._ledger = ledger
        self._timeline = timeline
        self._rng = rng
        self._numbers = 0
        self._salt = 0
        self._due = False
        self._unsettled_until = 0.0

    # --- topics -------------------------------------------------------------------------------------

    def create(self, topic: str, partitions: int, generation: int = 0) -> None:
        for number in range(partitions):
            self._add(TopicPartition(topic, number), f"{topic}-{generation}")
        self.rebalance_soon()

    def grow(self, topic: str) -> None:
        """Records may arrive in the new partition before the group knows of it."""
        known = self.partitions(topic)
        self._add(TopicPartition(topic, len(known)), self.logs[known[0]].topic_id)
        self.rebalance_soon(self._rng.uniform(0.0, 5.0))

    def delete(self, topic: str) -> None:
        """Its positions go with it."""
        for partition in self.partitions(topic):
            del self.logs[partition]
            self.committed.pop(partition, None)
        self.rebalance_soon()

    def _add(self, partition: TopicPartition, topic_id: str) -> None:
        self.logs[partition] = log = Log(partition, topic_id)
        log.created_at = self._agenda.now

    def partitions(self, topic: str) -> list[TopicPartition]:
        return sorted(partition for partition in self.logs if partition.topic == topic)

    def find(self, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, StartFacts]:
        """As `bridge.kafka.consumer.starts.lookup.Lookup.find`."""
        wanted = list(partitions)
        if self.unreadable:
            return {partition: StartFacts() for partition in wanted}
        fresh = {p.topic for p in wanted if p not in self.committed and not self._started(p.topic)}
        wanted += [p for topic in sorted(fresh) for p in self.partitions(topic) if p not in wanted]
        return {p: self._found(p) for p in wanted}

    def _found(self, partition: TopicPartition) -> StartFacts:
        log = self.logs.get(partition)
        if log is None:
            return StartFacts()
        position = self.committed.get(partition)
        text = None if position is None else position.metadata
        if position is not None:
            position = position._replace(metadata=commit_mark.unmarked(position.metadata))
        return StartFacts(
            position=position,
            position_known=True,
            topic_started=position is None and self._started(partition.topic),
            range=LogRange(log.first, log.end),
            latest=log.stable,
            topic_id=log.topic_id,
            subscription=commit_mark.subscription_of(text),
            operator_hold=operator_hold.of_metadata(text),
        )

    def _started(self, topic: str) -> bool:
        return any(partition in self.committed for partition in self.partitions(topic))

    # --- members ------------------------------------------------------------------------------------

    def join(self, process: Process) -> Member:
        self._numbers += 1
        member = self.members[self._numbers] = Member(self._numbers, process, self._agenda.now)
        if self.classic:
            member.waiting = True
            self._begin_round()
        self.rebalance_soon()
        return member

    # --- the classic protocol: all join, or are given up ----------------------------------------------

    def _begin_round(self) -> None:
        if self._round_since is None:
            self._round_since = self._agenda.now
            for member in self.members.values():
                self._agenda.after(self._rng.uniform(0.0, HEARTBEAT), None, self._rejoin, member)
        self._end_round_if_complete()

    def _rejoin(self, member: Member) -> None:
        """A member hears of the round with a heartbeat, and joins when no callback keeps its client."""
        if self._round_since is None or member.waiting or member.number not in self.members:
            return
        process = member.process
        if process.dead:
            return
        if process.frozen or process.cut or process.thread.draining:
            self._agenda.after(0.1, None, self._rejoin, member)
            return
        member.waiting = True
        self._end_round_if_complete()

    def _end_round_if_complete(self) -> None:
        since = self._round_since
        if since is None or not all(member.waiting for member in self.members.values()):
            return
        self._round_since = None
        self._ledger.stalled.append((since, self._agenda.now + 0.5))
        self._unsettled_until = self._agenda.now + 0.05
        for member in self.members.values():
            member.waiting = False
            member.heard_at = self._agenda.now
            if member.silent:
                self._watch(member)
            held, member.held = member.held, []
            for request, process in held:
                self._agenda.after(0.002, process, request.answer, ILLEGAL_GENERATION)
        self.rebalance_soon(0.06)

    def leave(self, member: Member) -> None:
        """It says so itself, or its session is over."""
        if self.members.pop(member.number, None) is not None:
            self._ledger.evicted[member.process] = self._agenda.now
            for partition in [p for p, owner in self.owner.items() if owner is member]:
                del self.owner[partition]
            self._end_round_if_complete()
            self.rebalance_soon()

    def silence(self, member: Member) -> None:
        """No heartbeat comes from now on."""
        if member.silent:
            return
        member.silent = True
        member.heard_at = max(member.heard_at, self._agenda.now - self._rng.uniform(0.0, HEARTBEAT))
        self._watch(member)

    def speak(self, member: Member) -> None:
        """Heartbeats come again."""
        member.silent = False
        member.heard_at = self._agenda.now

    def load(self) -> None:
        """A coordinator that begins: each session begins with it."""
        for member in self.members.values():
            member.heard_at = self._agenda.now

    def _watch(self, member: Member) -> None:
        self._agenda.after(member.heard_at + SESSION - self._agenda.now, None, self._expire, member)

    def _expire(self, member: Member) -> None:
        if not member.silent or member.number not in self.members or member.waiting:
            return
        if self.away:
            member.heard_at = self._agenda.now
        if member.heard_at + SESSION > self._agenda.now + 1e-9:
            self._watch(member)
            return
        if self._timeline.on:
            self._timeline.note("group", f"the session of {member.process.name} is over")
        self.leave(member)

    def returned(self, member: Member, partitions: Iterable[TopicPartition]) -> None:
        """Drained, committed and given up."""
        for partition in partitions:
            member.leaving.discard(partition)
            if self.owner.get(partition) is member:
                del self.owner[partition]
        self.rebalance_soon()

    # --- rebalances ---------------------------------------------------------------------------------

    def shuffle(self) -> None:
        """Another assignment for the same members."""
        self._salt += 1
        self.rebalance_soon()

    def rebalance_soon(self, seconds: float | None = None) -> None:
        if not self._due:
            self._due = True
            self._agenda.after(self._rng.uniform(0.05, 0.5) if seconds is None else seconds, None, self._rebalance)

    def _rebalance(self) -> None:
        self._due = False
        if self._round_since is not None:
            return  # what comes of it is told when all have joined
        self._unsettled_until = self._agenda.now + 0.05
        target = self._target()
        asked: dict[int, list[TopicPartition]] = {}
        given: dict[int, list[TopicPartition]] = {}
        for partition in sorted(set(self.owner) | set(target)):
            owner, wanted = self.owner.get(partition), target.get(partition)
            if owner is wanted:
                continue
            if owner is None and wanted is not None:
                self.owner[partition] = wanted
                given.setdefault(wanted.number, []).append(partition)
            elif owner is not None and partition not in owner.leaving:
                owner.leaving.add(partition)
                asked.setdefault(owner.number, []).append(partition)
        for number, partitions in asked.items():
            self.members[number].process.told("revoke", partitions)
        for number, partitions in given.items():
            self.members[number].process.told("assign", partitions)

    def _target(self) -> dict[TopicPartition, Member]:
        """Balanced; partitions stay where they are as far as that allows."""
        members = list(self.members.values())
        if not members:
            return {}
        fair = -(-len(self.logs) // len(members))
        load = dict.fromkeys(self.members, 0)
        target: dict[TopicPartition, Member] = {}
        for partition in sorted(self.logs):
            owner = self.owner.get(partition)
            if owner is not None and load[owner.number] < fair and (hash_of(partition) + self._salt) % 3:
                target[partition] = owner
                load[owner.number] += 1
        for partition in sorted(self.logs):
            if partition not in target:
                member = min(members, key=lambda m: (load[m.number], (m.number + self._salt) % 5))
                target[partition] = member
                load[member.number] += 1
        return target

    # --- commits ------------------------------------------------------------------------------------

    def commit(self, member: Member | None, what: Committable, answer: Callable[[int], None], process: Process) -> None:
        """One request: it arrives, is judged and answered; each may take its time or never happen."""
        rng = self._rng
        if process.cut or (self.losing and rng.random() < 0.5):
            self._agenda.after(rng.uniform(2.0, 6.0), process, answer, TIMED_OUT)
            return
        there = rng.uniform(0.001, 0.004) + (rng.uniform(0.0, 1.0) * self.latency)
        arrives = max(self._agenda.now + there, process.wire_free_at)
        process.wire_free_at = arrives
        request = Request(member, what, answer)
        process.commits_on_wire.append(request)
        self._agenda.after(arrives - self._agenda.now, None, self._arrived, request, process)

    def flush(self, process: Process) -> None:
        """A connection keeps its order: what was sent before arrives before."""
        while process.commits_on_wire:
            self._arrived(process.commits_on_wire[0], process)

    def _arrived(self, request: Request, process: Process) -> None:
        if request not in process.commits_on_wire:
            return
        process.commits_on_wire.remove(request)
        if request.member is not None and request.member.waiting and request.member.number in self.members:
            request.member.held.append((request, process))
            return
        answer = request.answer
        code = self.apply(request.member, request.what, process.name)
        if self.losing and self._rng.random() < 0.3:
            self._agenda.after(self._rng.uniform(2.0, 6.0), process, answer, TIMED_OUT)
        else:
            self._agenda.after(self._rng.uniform(0.001, 0.004), process, answer, code)

    def apply(self, member: Member | None, what: Committable, who: str, *, again: bool = False) -> int:
        """The coordinator's verdict. It checks the member, and never the assignment."""
        if member is None or member.number not in self.members:
            return UNKNOWN_MEMBER
        if member.waiting:
            return REBALANCING
        unsettled = self._agenda.now < self._unsettled_until and not again
        if self.refusing or (unsettled and self._rng.random() < 0.3):
            return self._rng.choice((REBALANCING, ILLEGAL_GENERATION))
        if self.classic:
            member.heard_at = self._agenda.now  # under the other protocol only a heartbeat renews the session
        code = 0
        for partition, offset, metadata, leader_epoch, read in what:
            log = self.logs.get(partition)
            if log is None or (read is not None and read is not log):
                code = UNKNOWN_TOPIC
                continue
            self._ledger.committed(log, offset, metadata, leader_epoch, who)
            self.committed[partition] = Position(offset, metadata, leader_epoch)
            if self.committed.keys() >= self.logs.keys():
                self.settled_at = min(self.settled_at, self._agenda.now)
            if self._timeline.on:
                self._timeline.note(
                    "group", f"{who} committed {partition}@{offset} {commit_mark.unmarked(metadata)[12:]}"
                )
        return code


def hash_of(partition: TopicPartition) -> int:
    """The same in every process of Python."""
    return sum(map(ord, partition.topic)) * 31 + partition.partition
