"""Carries out what is asked of the running bridge: hold, pause, release, resume, set a committed offset.

It reaches the partitions of this replica only. Every answer says what became of each of them, and who has the others.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from bridge.commands import Operand, command, completed
from bridge.formats.operator_hold import BY_LIMIT, REASON_LIMIT, OperatorHold
from bridge.holds import REASONS, Reason, shown
from bridge.kafka.consumer.assignment import holding
from bridge.kafka.consumer.assignment.holding import ANSWER_LIMIT, OperatorOutcome
from bridge.kafka.consumer.source import Source
from bridge.model import TopicPartition
from bridge.ops.group_view import PartitionStanding
from bridge.ops.log.events import Events
from bridge.ops.snapshot import ClosedGate
from bridge.service.event_log import ServiceEventLog
from bridge.service.orders.requests import ControlRefusal, end_of, line, moves_of

PATIENCE: Final = ANSWER_LIMIT + 5.0
"""Seconds beyond a drain after which the answer is that nothing is known yet."""
_BUSY_PAUSE: Final = 0.2
"""Seconds between two looks whether another request is over."""
_RELEASED: Final = (Reason.HELD_BY_OPERATOR, Reason.DEAD_LETTER_HOLD, Reason.DEAD_LETTERS_UNWRITABLE)
_ELSE: Final = {
    Reason.OUT_OF_RANGE: "its committed offset lies outside the log. `track-bridge offsets set PARTITION --to "
    "earliest` sets "
    "one, and then it is read again",
    Reason.NO_START: "the group has no committed offset for it. `track-bridge offsets set PARTITION --to earliest` (or "
    "latest, or a time) sets one, and then it is read; or set kafka.start_from and restart",
    Reason.RECORD_TOO_LARGE: "its next batch cannot be decompressed. Raise "
    "kafka.properties.receive.message.max.bytes and restart, or go past the batch with `track-bridge offsets set "
    "PARTITION --to OFFSET --accept-loss 1`",
    Reason.TRANSACTION_HANGING: "a producer's transaction is open. Find it with kafka-transactions find-hanging, and "
    "end it with kafka-transactions abort",
    Reason.POSITION_UNKNOWN: "its committed offset could not be read. It is asked for again by itself",
}
"""Why a hold cannot be released, and what to do instead."""


@dataclass(frozen=True, slots=True)
class _Asker:
    """As it is known, whatever the request says."""

    uid: int | None
    """Over the socket, where the kernel says it."""
    peer: str | None
    """Address, over the network."""


@dataclass(frozen=True, slots=True, eq=False)
class Reach:
    """What the requests are about."""

    source: Source
    read: Callable[[], Sequence[TopicPartition]]
    """Partitions of this replica that are read."""
    standings: Callable[[], Mapping[TopicPartition, PartitionStanding]]
    """All partitions that the group ought to read."""
    blocks: Callable[[], Sequence[ClosedGate]]
    """What keeps the whole process from sending."""
    event_log: ServiceEventLog
    events: Events
    drain_timeout: float


class Control:
    """Belongs to the loop's thread."""

    def __init__(self, reach: Reach) -> None:
        self._reach = reach
        self._busy = False

    async def answer(self, request: Mapping[str, Any], uid: int | None, peer: str | None = None) -> Mapping[str, Any]:
        """One at a time: two requests for the same partition would each decide by what the other changes."""
        steps = {
            "hold": self._hold,
            "pause": self._hold,
            "release": self._release,
            "resume": self._release,
            "set": self._set,
        }
        step = steps.get(str(request.get("command")))
        if step is None:
            return _error("unknown", f"The running bridge knows the requests {', '.join(steps)}: use its own version.")
        if self._busy:
            return _error("busy", "Another hold, release or offset is under way: try again.")
        self._busy = True
        try:
            return await step(request, _Asker(uid, peer))
        except ControlRefusal as refusal:
            return _error(refusal.kind, str(refusal))
        except TimeoutError:
            late = f"What is in flight did not finish in time. {command('status')} shows what is held."
            return _error("unconfirmed", late)
        finally:
            self._busy = False

    async def try_again(self) -> Sequence[str]:
        """Another mapping works: what is held for dead letters of the one before it is read, mapped and sent once more.

        Returns the topics. What an operator holds stays held; what is slow to be given up is read again all the same.
        """
        while self._busy:  # noqa: ASYNC110 - an operator's request is under way, which is rare
            await asyncio.sleep(_BUSY_PAUSE)
        self._busy = True
        try:
            topics = self._held_for_letters()
            for topic, partitions in topics.items():
                start_over = topic in self._reach.event_log.topic_holds
                with contextlib.suppress(TimeoutError):
                    await self._order(self._trying_again(partitions, topic, start_over=start_over))
            return list(topics)
        finally:
            self._busy = False

    def _held_for_letters(self) -> dict[str, list[TopicPartition]]:
        """Partitions that are read, by topic: all of a topic that is held, else those that wait for a letter alone."""
        log = self._reach.event_log
        found: dict[str, list[TopicPartition]] = {topic: [] for topic in log.topic_holds}
        for each in self._reach.read():
            if each.topic in log.topic_holds or self._reason(each) is Reason.DEAD_LETTERS_UNWRITABLE:
                found.setdefault(each.topic, []).append(each)
        return found

    def _trying_again(
        self, partitions: Sequence[TopicPartition], topic: str, *, start_over: bool
    ) -> Callable[[holding.Done], None]:
        return lambda done: self._reach.source.try_again(partitions, topic, done, start_over=start_over)

    # --- the requests -------------------------------------------------------------------------------

    async def _hold(self, request: Mapping[str, Any], asker: _Asker) -> Mapping[str, Any]:
        wanted = self._wanted(request)
        reason = line(request, "reason", REASON_LIMIT)
        by = line(request, "by", BY_LIMIT)
        until = end_of(request, time.time()) if request["command"] == "pause" else 0
        here = [each for each in wanted if each in self._here()]
        refused: dict[TopicPartition, str] = {}
        if until:
            # A pause in place of a hold would end by itself what somebody wants held.
            refused = {e: _held_for_good(e) for e in here if self._own_reason(e) is Reason.HELD_BY_OPERATOR}
            here = [each for each in here if each not in refused]
        if request.get("preview") or not here:
            return self._told(wanted, dict.fromkeys(here), refused)
        order = OperatorHold(reason, by, int(time.time()), until)
        outcomes = await self._order(lambda done: self._reach.source.hold(here, order, done))
        self._reach.events.operator_held(
            here[0].topic,
            [each.partition for each in here],
            reason=order.reason,
            by=order.by,
            uid=asker.uid,
            peer=asker.peer,
            until=float(until) if until else None,
        )
        return self._told(wanted, outcomes, refused)

    async def _release(self, request: Mapping[str, Any], asker: _Asker) -> Mapping[str, Any]:
        wanted = self._wanted(request)
        by = line(request, "by", BY_LIMIT)
        said = line(request, "reason", REASON_LIMIT) if "reason" in request else None
        here = self._here()
        before = {each: self._reason(each) for each in wanted if each in here}
        if request["command"] == "resume":
            paused = [each for each in before if self._own_reason(each) is Reason.PAUSED_BY_OPERATOR]
            refused = {
                each: _not_paused(each, why) for each, why in before.items() if why is not None and each not in paused
            }
            released = paused
        else:
            released = [each for each, why in before.items() if why in _RELEASED]
            refused = {
                each: _instead(each, why) for each, why in before.items() if why is not None and why not in _RELEASED
            }
        if request.get("preview") or not released:
            return self._told(wanted, dict.fromkeys(released), refused, gates=self._gates())
        topic = released[0].topic
        start_over = topic in self._reach.event_log.topic_holds
        if start_over:
            # Dead letters that may not be written are there of any of them, and begin again with them.
            also = [each for each in self._reach.read() if each.topic == topic and each not in released]
        else:
            also = []
        outcomes = await self._order(
            lambda done: self._reach.source.release(released, topic, done, start_over=start_over, also=also)
        )
        reasons = [why for each in released if (why := before[each]) is not None]
        self._reach.events.operator_released(
            *(topic, [each.partition for each in released]),
            reasons=reasons,
            by=by,
            uid=asker.uid,
            peer=asker.peer,
            reason=said,
        )
        return self._told(wanted, {each: outcomes[each] for each in released}, refused)

    async def _set(self, request: Mapping[str, Any], asker: _Asker) -> Mapping[str, Any]:
        moves = moves_of(request)
        by = line(request, "by", BY_LIMIT)
        reason = line(request, "reason", REASON_LIMIT) if "reason" in request else None
        here = self._here()
        elsewhere = [each for each in moves if each not in here]
        if elsewhere:
            raise ControlRefusal("elsewhere", self._elsewhere(elsewhere))
        flowing = [each for each in moves if self._reason(each) is None]
        if flowing:
            only = ("--partition", str(flowing[0].partition)) if len(moves) == 1 else ()
            first = command("hold", Operand(flowing[0].topic), *only, "--reason", "TEXT")
            raise ControlRefusal(
                "not_held",
                f"{', '.join(map(str, flowing))}: not held, and a committed offset is set only while nothing moves it. "
                f"Run `{first}` first, or stop every replica.",
            )
        if request.get("preview"):
            return {"partitions": []}
        outcomes = await self._order(lambda done: self._reach.source.move(moves, done))
        for each, outcome in outcomes.items():
            if outcome is OperatorOutcome.DONE:
                was, now = moves[each].expected, moves[each].offset
                self._reach.events.position_set(
                    each, before=was, to=now, by=by, uid=asker.uid, peer=asker.peer, reason=reason
                )
        return self._told(list(moves), outcomes)

    # --- what is there ------------------------------------------------------------------------------

    def _here(self) -> set[TopicPartition]:
        return {*self._reach.read(), *self._reach.source.held}

    def _reason(self, partition: TopicPartition) -> Reason | None:
        """What holds it alone, by the name that is shown."""
        event_log = self._reach.event_log
        own = event_log.partition_holds.get(partition)
        if own is not None:
            return shown(own.why)
        return Reason.DEAD_LETTER_HOLD if partition.topic in event_log.topic_holds else None

    def _own_reason(self, partition: TopicPartition) -> Reason | None:
        """The same, of what holds the partition and not its topic, and told apart from others of its name."""
        own = self._reach.event_log.partition_holds.get(partition)
        return None if own is None else own.why

    def _gates(self) -> list[str]:
        """What holds all sending until somebody acts: no release ends that."""
        return [
            completed(f"{block.sentence} {REASONS[block.gate].action}".strip())
            for block in self._reach.blocks()
            if REASONS[block.gate].needs_operator
        ]

    def _wanted(self, request: Mapping[str, Any]) -> list[TopicPartition]:
        topic, numbers = request.get("topic"), request.get("partitions")
        known = {*self._reach.standings(), *self._here()}
        topics = sorted({each.topic for each in known})
        if topic not in topics:
            if not self._reach.standings():
                raise ControlRefusal(
                    "usage", f"This bridge has no partitions of {topic!s:.249} yet. {command('status')} says why."
                )
            raise ControlRefusal(
                "usage", f"{topic!s:.249}: not a topic that this group reads. It reads {', '.join(topics)}."
            )
        there = sorted(each for each in known if each.topic == topic)
        if numbers is None:
            return there
        if not isinstance(numbers, list) or not all(type(each) is int for each in numbers):
            raise ControlRefusal("usage", "partitions: must be a list of numbers.")
        wanted = [TopicPartition(str(topic), number) for number in dict.fromkeys(numbers)]
        unknown = [each.partition for each in wanted if each not in known] if self._knows_all(str(topic)) else []
        if unknown:
            raise ControlRefusal(
                "usage",
                f"{topic} has no partition {', '.join(map(str, unknown))}; it has "
                f"{', '.join(str(each.partition) for each in there)}.",
            )
        return wanted

    def _knows_all(self, topic: str) -> bool:
        """Whether the whole topic was looked at, and not only what this replica has of it."""
        return any(each.topic == topic for each in self._reach.standings())

    async def _order(self, order: Callable[[holding.Done], None]) -> Mapping[TopicPartition, OperatorOutcome]:
        """Have it done on the poll thread, which answers when the coordinator did. `TimeoutError`."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Mapping[TopicPartition, OperatorOutcome]] = loop.create_future()

        def set_result(outcomes: Mapping[TopicPartition, OperatorOutcome]) -> None:
            if not answer.done():
                answer.set_result(outcomes)

        def told(outcomes: Mapping[TopicPartition, OperatorOutcome]) -> None:
            loop.call_soon_threadsafe(set_result, outcomes)

        order(told)
        async with asyncio.timeout(self._reach.drain_timeout + PATIENCE):
            return await answer

    def _told(
        self,
        wanted: Sequence[TopicPartition],
        outcomes: Mapping[TopicPartition, OperatorOutcome | None],
        refused: Mapping[TopicPartition, str] | None = None,
        gates: Sequence[str] = (),
    ) -> Mapping[str, Any]:
        here = self._here()
        refused = refused or {}
        standings = self._reach.standings()
        rows: list[dict[str, Any]] = []
        for each in wanted:
            if each in outcomes:
                rows.append({"partition": each.partition, "outcome": outcomes[each]})
            elif each in refused:
                rows.append({"partition": each.partition, "outcome": "refused", "detail": refused[each]})
            elif each in here:
                rows.append({"partition": each.partition, "outcome": "not_held"})
            else:
                owner = standings[each].owner if each in standings else None
                rows.append({"partition": each.partition, "outcome": "elsewhere", "owner": owner})
        topic = wanted[0].topic if wanted else ""
        return {"topic": topic, "partitions": rows, "gates": list(gates), "complete": self._knows_all(topic)}

    def _elsewhere(self, partitions: Sequence[TopicPartition]) -> str:
        standings = self._reach.standings()
        owners = {each: standings[each].owner if each in standings else None for each in partitions}
        named = ", ".join(f"{each} ({owner or 'owner not known'})" for each, owner in owners.items())
        return f"{named}: not of this replica, which may not commit for it. Run the same command beside its owner."


def _error(kind: str, message: str) -> Mapping[str, Any]:
    return {"error": kind, "message": message}


def _held_for_good(partition: TopicPartition) -> str:
    only = ("--partition", str(partition.partition))
    release = command("release", Operand(partition.topic), *only)
    return f"{partition}: an operator holds it without an end, and a pause would end that. `{release}` first."


def _not_paused(partition: TopicPartition, why: Reason) -> str:
    if why in _RELEASED:
        release = command("release", Operand(partition.topic), "--partition", str(partition.partition))
        return f"{partition}: is not paused but held ({why.value}). `{release}` ends that."
    return _instead(partition, why)


def _instead(partition: TopicPartition, why: Reason) -> str:
    text = _ELSE.get(why) or REASONS[why].action
    return completed(f"{partition}: {text}.", PARTITION=str(partition))
