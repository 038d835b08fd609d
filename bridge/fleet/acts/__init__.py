"""What an operator does to partitions wherever they are: one code for command line, `track-bridge top` and console.

`FleetControl.preview` says what an act would do, `carry_out` does it and says what became of each partition. Every
replica does what it does over its control socket: see `service.orders.control`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from bridge.errors import BridgeError, Misuse, Unreachable
from bridge.fleet.acts import reaching
from bridge.fleet.acts.outcomes import ActOutcome, ActPreview, Fate, PartitionFate, Said, Silent, in_order, merged
from bridge.fleet.acts.reaching import Find, OneReplica, Reached
from bridge.ops.control.control_client import NoAnswerError, RefusedError, TakesNothingError

if TYPE_CHECKING:
    from bridge.config.sections import Config

LOOK: Final = 10.0
"""Seconds a replica may take to say what it would do."""
GRACE: Final = 30.0
"""Seconds beyond a drain in which it does it."""
ROUNDS: Final = 3
"""An act is given again, a second later, to whoever has the partitions by then that were on their way."""
_BETWEEN: Final = 1.0
_BY: Final = "preview"


def _why(reason: str) -> dict[str, str]:
    return {"reason": reason} if reason.strip() else {}


@dataclass(frozen=True, slots=True)
class HoldAct:
    """Read these no further until somebody releases them."""

    topic: str
    partitions: tuple[int, ...] | None
    """None: all of the topic."""
    reason: str

    def request(self) -> dict[str, Any]:
        """As a replica takes it."""
        return {"command": "hold", "reason": self.reason}


@dataclass(frozen=True, slots=True)
class PauseAct:
    """Read these no further until a time."""

    topic: str
    partitions: tuple[int, ...] | None
    reason: str
    until: int
    """Unix seconds."""

    def request(self) -> dict[str, Any]:
        """As a replica takes it."""
        return {"command": "pause", "reason": self.reason, "until": self.until}


@dataclass(frozen=True, slots=True)
class ReleaseAct:
    """Read these again, whatever an operator or their dead letters hold them for."""

    topic: str
    partitions: tuple[int, ...] | None
    reason: str = ""
    """Kept in the log; empty: none was given."""

    def request(self) -> dict[str, Any]:
        """As a replica takes it."""
        return {"command": "release", **_why(self.reason)}


@dataclass(frozen=True, slots=True)
class ResumeAct:
    """End a pause of these."""

    topic: str
    partitions: tuple[int, ...] | None
    reason: str = ""
    """Kept in the log; empty: none was given."""

    def request(self) -> dict[str, Any]:
        """As a replica takes it."""
        return {"command": "resume", **_why(self.reason)}


@dataclass(frozen=True, slots=True)
class OffsetMove:
    """A new committed offset of one partition: see `kafka.consumer.assignment.holding.Move`."""

    partition: int
    expected: int | None
    expected_map: str
    offset: int
    map: str

    def document(self) -> dict[str, Any]:
        """As a replica takes it."""
        return {
            "partition": self.partition,
            "expected": self.expected,
            "expected_map": self.expected_map,
            "offset": self.offset,
            "map": self.map,
        }


@dataclass(frozen=True, slots=True)
class SetOffsetsAct:
    """Set committed offsets of partitions that are held."""

    topic: str
    moves: tuple[OffsetMove, ...]
    reason: str = ""
    """For the log of whoever sets them; empty: nobody was asked for one."""

    @property
    def partitions(self) -> tuple[int, ...]:
        """Those that are moved."""
        return tuple(each.partition for each in self.moves)

    def request(self) -> dict[str, Any]:
        """As a replica takes it."""
        why = {"reason": self.reason} if self.reason else {}
        return {"command": "set", "moves": [each.document() for each in self.moves], **why}


Act = HoldAct | PauseAct | ReleaseAct | ResumeAct | SetOffsetsAct


class ActRefusedError(Misuse):
    """No replica does it: the topic is none of the group's, the reason too long. The text is what they say."""


def over_network(config: Config, named: Sequence[str] = ()) -> FleetControl:
    """Of the whole group; `named`: instances in place of `console.instances`.

    Raises `Misuse` where the configuration has no token.
    """
    return FleetControl(reaching.over_network(config, named), config.kafka.drain_timeout + GRACE)


class FleetControl:
    """All methods belong to one event loop."""

    def __init__(
        self, find: Find, patience: float, sleep: Callable[[float], Awaitable[object]] = asyncio.sleep
    ) -> None:
        """`patience`: seconds a replica may take to carry something out."""
        self._find = find
        self._patience = patience
        self._sleep = sleep

    async def preview(self, act: Act) -> ActPreview:
        """What it would do, and where. Raises `Misuse` where it cannot be meant at all."""
        reached = await self._find()
        answers, silent = await self._locate(act, act.partitions, reached)
        found = merged(answers, silent)
        if isinstance(act, SetOffsetsAct):
            found |= await self._give(act, found, reached, "", preview=True)
        return ActPreview(act.topic, in_order(found), silent, _gates(answers))

    async def carry_out(self, act: Act, by: str) -> ActOutcome:
        """Do it; `by` is who says so. All replicas concerned do their part at once; nothing is undone where one fails.

        Raises `Misuse` where nothing was done, because nobody does it.
        """
        reached = await self._find()
        found: dict[int, PartitionFate] = {}
        gates: tuple[str, ...] = ()
        silent: tuple[Silent, ...] = ()
        wanted = act.partitions
        for number in range(ROUNDS):
            if number:
                await self._sleep(_BETWEEN)
            answers, silent = await self._locate(act, wanted, reached)
            gates = gates or _gates(answers)
            located = merged(answers, silent)
            found |= located | await self._give(act, located, reached, by)
            on_their_way = [each for each, fate in found.items() if fate.fate in (Fate.ELSEWHERE, Fate.GONE)]
            if not on_their_way or silent:
                break
            wanted = tuple(on_their_way)
        return ActOutcome(act.topic, in_order(found), silent, gates)

    async def _locate(
        self, act: Act, partitions: Sequence[int] | None, reached: Reached
    ) -> tuple[list[Said], tuple[Silent, ...]]:
        """Who has these, and what of it they would do."""
        # Of offsets only the whole set can be looked at, by the one who has it all.
        asked = {"command": "release"} if isinstance(act, SetOffsetsAct) else act.request()
        request = {**asked, **_about(act.topic, partitions), "by": _BY, "preview": True}
        answers = await self._all(dict.fromkeys(reached.replicas, request), LOOK)
        refused = [each for each in answers.values() if isinstance(each, RefusedError) and each.kind == "usage"]
        said = [Said(*_read(each, answer)) for each, answer in answers.items() if not isinstance(answer, Exception)]
        if refused and not said:
            raise ActRefusedError(str(refused[0]))
        silent = (*reached.silent, *(_silent(each, a) for each, a in answers.items() if isinstance(a, Exception)))
        if not said:
            raise _nobody(silent, is_away=all(map(_is_away, answers.values())))
        return said, silent

    async def _give(
        self, act: Act, located: Mapping[int, PartitionFate], reached: Reached, by: str, *, preview: bool = False
    ) -> dict[int, PartitionFate]:
        """Have everybody do their part; what became of those that were to be done."""
        does = (Fate.READY, Fate.NOT_HELD, Fate.REFUSED) if isinstance(act, SetOffsetsAct) else (Fate.READY,)
        parts: dict[str, list[int]] = {}
        for number, fate in located.items():
            if fate.fate in does and fate.replica is not None:
                parts.setdefault(fate.replica, []).append(number)
        orders = {
            each: {**_only(act, parts[each.address]), "by": by or _BY, **({"preview": True} if preview else {})}
            for each in reached.replicas
            if each.address in parts
        }
        answers = await self._all(orders, LOOK if preview else self._patience)
        found: dict[int, PartitionFate] = {}
        for each, answer in answers.items():
            numbers = parts[each.address]
            if isinstance(answer, Exception):
                found |= {number: _failed(number, each, answer) for number in numbers}
            elif preview:
                found |= {number: PartitionFate(number, Fate.READY, each.address) for number in numbers}
            else:
                found |= merged([Said(*_read(each, answer))], ())
        return found

    async def _all(
        self, orders: Mapping[OneReplica, Mapping[str, Any]], patience: float
    ) -> dict[OneReplica, Mapping[str, Any] | Exception]:
        """All at once; one that is busy with somebody else's order is asked again."""
        given = list(orders.items())
        answers = await asyncio.gather(*(self._one(each, request, patience) for each, request in given))
        return {each: answer for (each, _), answer in zip(given, answers, strict=True)}

    async def _one(
        self, replica: OneReplica, request: Mapping[str, Any], patience: float
    ) -> Mapping[str, Any] | Exception:
        answer = await reaching.ask(replica, request, patience)
        for _ in range(ROUNDS):
            if not (isinstance(answer, RefusedError) and answer.kind == "busy"):
                break
            await self._sleep(_BETWEEN)
            answer = await reaching.ask(replica, request, patience)
        return answer


def _about(topic: str, partitions: Sequence[int] | None) -> dict[str, Any]:
    return {"topic": topic, "partitions": None if partitions is None else list(partitions)}


def _only(act: Act, partitions: Sequence[int]) -> dict[str, Any]:
    """The order for these partitions of it."""
    if isinstance(act, SetOffsetsAct):
        narrow = replace(act, moves=tuple(each for each in act.moves if each.partition in partitions))
        return {**narrow.request(), "topic": act.topic}
    return {**act.request(), **_about(act.topic, sorted(partitions))}


def _read(replica: OneReplica, answer: Mapping[str, Any]) -> tuple[str, Sequence[Mapping[str, Any]], tuple[str, ...]]:
    return replica.address, answer.get("partitions", ()), tuple(answer.get("gates", ()))


def _gates(answers: Sequence[Said]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(gate for each in answers for gate in each.gates))


def _is_away(answer: Mapping[str, Any] | Exception) -> bool:
    """Nobody answered there, where what answers and takes nothing would not change by waiting."""
    return isinstance(answer, Unreachable) and not isinstance(answer, TakesNothingError)


def _nobody(silent: Sequence[Silent], *, is_away: bool) -> BridgeError:
    """That nothing was done; `is_away`: nobody answers, where otherwise they refuse to be told."""
    said = "".join(f" {each.why.removeprefix(f'{each.replica}: ')} ({each.replica})." for each in silent)
    if not is_away:
        return Misuse(f"No replica can be told.{said}")
    return Unreachable(
        f"No replica can be told.{said} Nothing was changed. Start a replica, or correct console.instances, and run the"
        " command again. While no replica runs nothing is sent."
    )


def _silent(replica: OneReplica, error: Exception) -> Silent:
    return Silent(replica.address, str(error).rstrip("."), isinstance(error, NoAnswerError))


def _failed(number: int, replica: OneReplica, error: Exception) -> PartitionFate:
    if isinstance(error, RefusedError) and error.kind != "unconfirmed":
        return PartitionFate(number, Fate.REFUSED, replica.address, str(error))
    fate = Fate.UNCONFIRMED if isinstance(error, (NoAnswerError, RefusedError)) else Fate.NOT_REACHED
    return PartitionFate(number, fate, replica.address, str(error))
