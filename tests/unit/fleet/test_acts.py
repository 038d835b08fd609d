"""What one act does to partitions on several replicas, and what is told of each."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from bridge.errors import Misuse, Unreachable
from bridge.fleet.acts import (
    ActRefusedError,
    FleetControl,
    HoldAct,
    OffsetMove,
    PauseAct,
    ReleaseAct,
    SetOffsetsAct,
)
from bridge.fleet.acts.outcomes import Fate, Silent
from bridge.fleet.acts.reaching import Reached
from bridge.ops.control.control_client import NoAnswerError, NobodyThereError, RefusedError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bridge.fleet.acts.outcomes import ActReport


@dataclass(eq=False)
class Bridge:
    """As a replica answers: it does what is here, and says that the rest is elsewhere."""

    address: str
    here: set[int]
    total: int = 4
    asked: list[Mapping[str, Any]] = field(default_factory=list)
    done: dict[int, Mapping[str, Any]] = field(default_factory=dict)
    fails: list[Exception] = field(default_factory=list)
    """What the next requests end in that would change something."""
    dead: Exception | None = None
    outcome: str = "done"

    def ask(self, request: Mapping[str, Any], patience: float) -> Mapping[str, Any]:
        assert patience > 0
        self.asked.append(request)
        if self.dead is not None:
            raise self.dead
        preview = request.get("preview", False)
        if not preview and self.fails:
            raise self.fails.pop(0)
        if request["command"] == "set":
            numbers = [move["partition"] for move in request["moves"]]
            assert set(numbers) <= self.here, "a replica refuses all where one is elsewhere"
        else:
            numbers = list(range(self.total)) if request["partitions"] is None else list(request["partitions"])
        rows = []
        for number in numbers:
            if number not in self.here:
                rows.append({"partition": number, "outcome": "elsewhere", "owner": f"member-{number}"})
                continue
            rows.append({"partition": number, "outcome": None if preview else self.outcome})
            if not preview:
                self.done[number] = request
        return {"topic": request["topic"], "partitions": rows, "gates": [], "complete": True}


class Group:
    def __init__(self, *replicas: Bridge, silent: tuple[Silent, ...] = ()) -> None:
        self.replicas = replicas
        self.slept: list[float] = []
        self.control = FleetControl(self.find, 5.0, self.sleep)
        self.silent = silent
        self.meanwhile: list[Any] = []

    async def find(self) -> Reached:
        return Reached(self.replicas, self.silent)

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        if self.meanwhile:
            self.meanwhile.pop(0)()


HOLD = HoldAct("orders", None, "wrong amounts")


def fates(report: ActReport) -> dict[int, Fate]:
    return {each.partition: each.fate for each in report.partitions}


async def test_a_preview_says_where_it_would_be_done_and_changes_nothing() -> None:
    group = Group(Bridge("a", {0, 2}), Bridge("b", {1, 3}))
    preview = await group.control.preview(HOLD)
    assert {each.partition: (each.fate, each.replica) for each in preview.partitions} == {
        0: (Fate.READY, "a"), 1: (Fate.READY, "b"), 2: (Fate.READY, "a"), 3: (Fate.READY, "b"),
    }  # fmt: skip
    assert preview.is_complete
    assert all(request["preview"] for each in group.replicas for request in each.asked)


async def test_each_replica_does_its_part_and_knows_who_says_so_and_why() -> None:
    group = Group(Bridge("a", {0, 2}), Bridge("b", {1, 3}))
    outcome = await group.control.carry_out(PauseAct("orders", (0, 1, 3), "rebuilt", 1_700_000_000), "alice")
    assert fates(outcome) == {0: Fate.DONE, 1: Fate.DONE, 3: Fate.DONE}
    assert outcome.is_complete
    [order] = [request for request in group.replicas[1].asked if not request.get("preview")]
    assert order == {
        "command": "pause", "topic": "orders", "partitions": [1, 3], "reason": "rebuilt", "until": 1_700_000_000,
        "by": "alice",
    }  # fmt: skip
    assert group.slept == []


async def test_of_a_replica_that_is_not_reached_nothing_is_silent_and_the_others_do_theirs() -> None:
    dead = Bridge("b", {1, 3}, dead=NobodyThereError("b: connection refused"))
    group = Group(Bridge("a", {0, 2}), dead)
    outcome = await group.control.carry_out(HOLD, "alice")
    assert fates(outcome) == {0: Fate.DONE, 1: Fate.NOT_REACHED, 2: Fate.DONE, 3: Fate.NOT_REACHED}
    [lost, _] = outcome.with_fate(Fate.NOT_REACHED)
    assert "connection refused" in lost.detail
    assert lost.owner == "member-1"
    assert outcome.silent == (Silent("b", "b: connection refused"),)
    assert not outcome.is_complete
    assert group.slept == [], "what is not reached is told at once"


async def test_a_name_without_an_address_is_told_too() -> None:
    group = Group(Bridge("a", {0, 1, 2}), silent=(Silent("dns+http://x:9464", "no address"),))
    assert fates(await group.control.carry_out(HOLD, "alice"))[3] is Fate.NOT_REACHED


async def test_an_answer_that_does_not_come_leaves_it_open_whether_it_is_done() -> None:
    group = Group(Bridge("a", {0, 1, 2, 3}, fails=[NoAnswerError("a did not answer: it may be done all the same.")]))
    outcome = await group.control.carry_out(HOLD, "alice")
    assert set(fates(outcome).values()) == {Fate.UNCONFIRMED}
    assert all("may be done" in each.detail for each in outcome.partitions)


async def test_a_partition_on_its_way_to_another_replica_is_done_where_it_arrives() -> None:
    first, second = Bridge("a", {0, 1, 2}), Bridge("b", set())
    group = Group(first, second)
    group.meanwhile.append(lambda: second.here.add(3))
    outcome = await group.control.carry_out(HOLD, "alice")
    assert outcome.is_complete
    assert (sorted(first.done), sorted(second.done), group.slept) == ([0, 1, 2], [3], [1.0])


async def test_what_nobody_has_is_said_after_some_tries() -> None:
    group = Group(Bridge("a", {0, 1, 2}))
    outcome = await group.control.carry_out(HOLD, "alice")
    assert fates(outcome)[3] is Fate.ELSEWHERE
    assert outcome.partitions[3].owner == "member-3"
    assert group.slept == [1.0, 1.0]


async def test_a_replica_that_is_busy_with_somebody_else_is_asked_again() -> None:
    busy: list[Exception] = [RefusedError("busy", "Another hold is under way: try again.") for _ in range(2)]
    group = Group(Bridge("a", {0, 1, 2, 3}, fails=list(busy)))
    assert (await group.control.carry_out(HOLD, "alice")).is_complete
    group = Group(Bridge("a", {0, 1, 2, 3}, fails=busy * 3))
    outcome = await group.control.carry_out(HOLD, "alice")
    assert set(fates(outcome).values()) == {Fate.REFUSED}


async def test_offsets_are_set_where_each_partition_is_and_each_replica_gets_its_own() -> None:
    group = Group(Bridge("a", {0, 2}), Bridge("b", {1, 3}))
    moves = tuple(OffsetMove(number, 100, "", 200, "") for number in (0, 1, 2))
    act = SetOffsetsAct("orders", moves)
    assert (await group.control.preview(act)).is_complete
    assert (await group.control.carry_out(act, "alice")).is_complete
    assert {number: len(request["moves"]) for number, request in group.replicas[0].done.items()} == {0: 2, 2: 2}
    assert list(group.replicas[1].done) == [1]


async def test_a_topic_that_nobody_reads_is_refused_in_the_words_of_the_replicas() -> None:
    group = Group(*(Bridge(name, set(), dead=RefusedError("usage", "nope: not a topic")) for name in "ab"))
    with pytest.raises(ActRefusedError, match="nope: not a topic"):
        await group.control.carry_out(HOLD, "alice")
    busy = RefusedError("state", "a is not ready")
    with pytest.raises(Misuse, match="No replica can be told"):
        await Group(Bridge("a", set(), dead=busy)).control.carry_out(HOLD, "alice")


async def test_where_no_replica_answers_that_is_what_is_wrong_and_each_is_named_once() -> None:
    away = Group(*(Bridge(name, set(), dead=NobodyThereError(f"{name}: refused")) for name in ("a:1", "b:2")))
    with pytest.raises(Unreachable) as nobody:
        await away.control.carry_out(HOLD, "alice")
    assert str(nobody.value) == (
        "No replica can be told. refused (a:1). refused (b:2). Nothing was changed. Start a replica, or correct"
        " console.instances, and run the command again. While no replica runs nothing is sent."
    )
    assert nobody.value.exit_code == 3


async def test_one_that_never_ends_its_answer_keeps_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bridge.fleet.acts.LOOK", 0.05)
    monkeypatch.setattr("bridge.fleet.acts.reaching._LATER", 0.05)
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()

    @dataclass(eq=False)
    class Slow(Bridge):
        def ask(self, request: Mapping[str, Any], patience: float) -> Mapping[str, Any]:
            asyncio.run_coroutine_threadsafe(ended.wait(), loop).result()
            return super().ask(request, patience)

    group = Group(Bridge("a", {0, 1}), Slow("b", {2, 3}))
    outcome = await group.control.carry_out(ReleaseAct("orders", None), "alice")
    assert fates(outcome) == {0: Fate.DONE, 1: Fate.DONE, 2: Fate.NOT_REACHED, 3: Fate.NOT_REACHED}
    assert outcome.silent[0].may_be_done
    ended.set()
