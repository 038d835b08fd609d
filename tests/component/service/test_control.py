"""An operator holds and releases topics, and sets committed offsets, while the service delivers."""

# ruff: noqa: ASYNC240  # a few files in a directory of its own, which no loop waits for
from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from bridge.ops.control import control_client
from bridge.sandbox.broker import PRODUCE
from bridge.sandbox.emulator import Accepted, Emulator, Fault, FaultKind
from bridge.text import moments
from tests.component.service.conftest import Start, StartProcess
from tests.support.service import events
from tests.support.service.embedded import PARTITIONS, Broker
from tests.support.service.settings import RESTARTABLE, SESSION
from tests.support.waiting import WITHIN, until

MESSAGE_TOO_LARGE = 10


@pytest.fixture
def socket() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="control-", ignore_cleanup_errors=True) as folder:
        yield Path(folder) / "control.sock"


@pytest.fixture
def observability(socket: Path) -> dict[str, str]:
    return {"control_socket": str(socket)}


async def ask(socket: Path, command: str, topic: str = "orders", **more: Any) -> Mapping[str, Any]:
    request = {"command": command, "topic": topic, "partitions": None, "by": "alice", **more}
    return await asyncio.to_thread(control_client.ask, [socket], request, 40.0)


async def hold(socket: Path, topic: str = "orders", **more: Any) -> Mapping[str, Any]:
    return await ask(socket, "hold", topic, reason="sends the wrong name", **more)


def outcomes(answer: Mapping[str, Any]) -> dict[int, str]:
    return {row["partition"]: row["outcome"] for row in answer["partitions"]}


ALL_DONE = dict.fromkeys(range(PARTITIONS), "done")


async def test_a_held_topic_is_not_sent_others_are_and_status_metrics_and_log_say_who_and_why(
    broker: Broker, api: Emulator, start: Start, socket: Path, observability: dict[str, str]
) -> None:
    broker.produce(events.orders(20))
    service = await start(topics=("orders", "other"), observability=observability)
    await service.until_done(20)
    assert outcomes(await hold(socket)) == ALL_DONE
    broker.produce(events.orders(20))
    broker.produce(events.orders(20), topic="other")
    await service.until("the other topic is sent", lambda: len(api.ledger.accepted) == 40)
    assert {_id(event).split("/")[0] for event in api.ledger.accepted[20:]} == {"other"}

    status = await service.status()
    assert status["state"] == "held"
    held = [row for row in status["partitions"] if row["topic"] == "orders"]
    assert {row["why"] for row in held} == {"held_by_operator"}
    assert all("Held by alice" in row["detail"] and "sends the wrong name" in row["detail"] for row in held)
    metrics = (await service.get("/metrics")).text
    for number in range(PARTITIONS):
        labels = f'{{partition="{number}",reason="held_by_operator",topic="orders"}}'
        assert f"track_bridge_partition_held{labels} 1.0" in metrics
        assert f"track_bridge_partition_held_seconds{labels}" in metrics
    assert (await service.get("/readyz")).status_code == 200

    assert outcomes(await ask(socket, "release", reason="the name\nis right")) == ALL_DONE
    await service.until("all is sent", lambda: len(api.ledger.accepted) == 60)
    await service.stop()
    assert broker.position() == 40
    assert len({_id(event) for event in api.ledger.accepted}) == 60
    [told] = service.lines.events("operator_held")
    assert (told["topic"], told["partitions"]) == ("orders", [0, 1, 2, 3])
    assert (told["reason"], told["by"]) == ("sends the wrong name", "alice")
    assert isinstance(told["uid"], int)
    [told] = service.lines.events("operator_released")
    assert (told["by"], told["reasons"], told["reason"]) == ("alice", ["held_by_operator"], "the name is right")
    assert {event["level"] for event in service.lines.events("held")} == {"warning"}
    [told] = service.lines.events("control_socket")
    assert told["path"] == str(socket)
    assert not socket.exists(), "it is removed by a clean stop"


@pytest.mark.slow(reason="starts a process again whose session has to end", seconds=12)
async def test_a_hold_outlives_a_kill_and_what_was_done_before_is_not_sent_again(
    broker: Broker, api: Emulator, replica: StartProcess, socket: Path, observability: dict[str, str]
) -> None:
    broker.produce(events.orders(40))
    running = await replica(observability=observability, kafka={"properties": SESSION})
    await _accepted(api, 40)
    assert outcomes(await hold(socket)) == ALL_DONE
    await running.kill()
    assert socket.is_socket(), "what a killed process leaves behind"
    broker.produce(events.orders(40))

    def held() -> int:
        return [each["reason"] for each in running.events("held")].count("held_by_operator")

    before = held()  # A process that is killed may have lines that it did not write any more.
    await running.start()
    # A first look at the committed offsets may find none in time: such a partition is held for that until the next.
    await until(
        "every partition is held again",
        lambda: held() >= before + PARTITIONS,
        within=40,
        explain=running.log_text,
    )
    assert {each["reason"] for each in running.events("held")} <= {"held_by_operator", "position_unknown"}
    assert len(api.ledger.accepted) == 40
    assert outcomes(await ask(socket, "release")) == ALL_DONE
    await _accepted(api, 80)
    assert len({_id(event) for event in api.ledger.accepted}) == 80
    assert len(api.ledger.accepted) == 80


@pytest.mark.slow(reason="waits for the end of a pause that outlives a kill", seconds=16)
async def test_a_pause_outlives_a_kill_and_ends_by_itself_at_its_time(
    broker: Broker, api: Emulator, replica: StartProcess, socket: Path, observability: dict[str, str]
) -> None:
    broker.produce(events.orders(20))
    running = await replica(observability=observability, kafka={"properties": SESSION})
    await _accepted(api, 20)
    end = int(time.time()) + 15
    paused = await ask(socket, "pause", reason="index is rebuilt", until=end)
    assert outcomes(paused) == ALL_DONE
    await running.kill()
    broker.produce(events.orders(20))
    await running.start()
    await until(
        "every partition is held again, before the pause ends",
        lambda: [each["reason"] for each in running.events("held")].count("held_by_operator") >= PARTITIONS,
        within=12,
        explain=running.log_text,
    )
    assert len(api.ledger.accepted) == 20
    await _accepted(api, 40, within=40)
    assert time.time() >= end, "not a moment before"
    assert len({_id(event) for event in api.ledger.accepted}) == len(api.ledger.accepted) == 40
    assert running.events("operator_released") == [], "nobody had to"


async def test_a_pause_is_no_way_to_end_a_hold_and_resume_ends_pauses_only(
    broker: Broker, api: Emulator, start: Start, socket: Path, observability: dict[str, str]
) -> None:
    broker.produce(events.orders(20))
    service = await start(observability=observability)
    await service.until_done(20)
    await hold(socket, partitions=[0])
    end = int(time.time()) + 600
    rows = (await ask(socket, "pause", reason="index is rebuilt", until=end))["partitions"]
    assert [row["outcome"] for row in rows] == ["refused", "done", "done", "done"]
    assert "holds it without an end" in rows[0]["detail"]
    status = await service.status()
    ends = {row["partition"]: row["until"] for row in status["partitions"]}
    assert ends == {0: None, **dict.fromkeys((1, 2, 3), moments.iso(float(end)))}
    assert [len(status[name]) for name in ("needs_someone", "ends_by_itself")] == [1, 1]
    rows = (await ask(socket, "resume"))["partitions"]
    assert [row["outcome"] for row in rows] == ["refused", "done", "done", "done"]
    assert "is not paused but held" in rows[0]["detail"]
    for wrong, said in ((int(time.time()) - 5, "ago by the clock"), (end + 10**9, "more than"), ("soon", "a time")):
        with pytest.raises(control_client.RefusedError, match=said):
            await ask(socket, "pause", reason="x", until=wrong)
    [told] = [each for each in service.lines.events("operator_held") if each["until"] is not None]
    assert (told["partitions"], told["until"]) == ([1, 2, 3], moments.iso(float(end), "seconds"))
    broker.produce(events.orders(20))
    assert outcomes(await ask(socket, "release")) == {0: "done", **dict.fromkeys((1, 2, 3), "not_held")}
    await service.until("all is sent", lambda: len(api.ledger.accepted) == 40)


def _id(event: Accepted) -> str:
    return str(event.metadata["event_id"])


async def _accepted(api: Emulator, count: int, *, within: float = WITHIN) -> None:
    await until(
        f"{count} events are accepted",
        lambda: len(api.ledger.accepted) >= count,
        within=within,
        explain=lambda: f"accepted: {len(api.ledger.accepted)}",
    )


async def test_a_topic_held_for_its_dead_letters_goes_on_where_it_was_when_it_is_released(
    broker: Broker, api: Emulator, start: Start, socket: Path, observability: dict[str, str]
) -> None:
    broker.produce([b"not json"] * 10, partition=0)
    broker.produce(events.orders(10), partition=0)
    service = await start(observability=observability, dead_letter={"hold_after": 4})
    await service.until("four are written", lambda: service.now().tally.dead_lettered == 4)
    await service.until("the topic is held", lambda: bool(service.now().held_topics))
    assert outcomes(await ask(socket, "release", partitions=[0])) == {0: "done"}
    await service.until("it is held again", lambda: service.now().tally.dead_lettered == 8)
    await service.until("the topic is held", lambda: bool(service.now().held_topics))
    await ask(socket, "release", partitions=[0])
    await service.until("all is sent", lambda: len(api.ledger.accepted) == 10)
    assert service.now().held_topics == []
    await service.stop()
    assert len(broker.letters()) == 10
    assert broker.position() == 20
    assert len(service.lines.events("operator_released")) == 2


async def test_a_partition_whose_dead_letter_fits_nowhere_tries_it_anew_when_it_is_released(
    broker: Broker, api: Emulator, start: Start, socket: Path, observability: dict[str, str]
) -> None:
    broker.produce([b"not json", *events.orders(5)], partition=0)
    broker.embedded.fail(PRODUCE, *[MESSAGE_TOO_LARGE] * 1000)
    service = await start(observability=observability)
    await service.until("the partition is held", lambda: any(row.hold is not None for row in service.now().partitions))
    broker.embedded.stop_failing(PRODUCE)
    assert outcomes(await ask(socket, "release", partitions=[0])) == {0: "done"}
    await service.until("it is written", lambda: service.now().tally.dead_lettered == 1)
    await service.until("all is sent", lambda: len(api.ledger.accepted) == 5)
    await service.stop()
    assert len(broker.letters()) == 1


async def test_what_releasing_does_not_end_is_refused_with_what_does(
    broker: Broker, start: Start, socket: Path, observability: dict[str, str]
) -> None:
    broker.produce(events.orders(8), partition=0)
    service = await start(observability=observability, kafka={"start_from": "error"})
    assert (await service.status())["control_socket"]["problem"] is None
    await service.until("all is held", lambda: len(service.now().partitions) == PARTITIONS)
    await service.until("the whole group was looked at", lambda: service.now().group_view.at is not None)
    answer = await ask(socket, "release", partitions=[0])
    [row] = answer["partitions"]
    assert row["outcome"] == "refused"
    assert "track-bridge offsets set orders/0 --to earliest" in row["detail"]
    base = {"command": "release", "topic": "orders", "partitions": None, "by": "alice"}
    cases: list[tuple[dict[str, Any], str]] = [
        ({"topic": "nope"}, "usage"),
        ({"partitions": [9]}, "usage"),
        ({"partitions": "all"}, "usage"),
        ({"by": ""}, "usage"),
    ]
    for request, kind in cases:
        with pytest.raises(control_client.RefusedError) as refused:
            await asyncio.to_thread(control_client.ask, [socket], {**base, **request}, 30.0)
        assert refused.value.kind == kind
    with pytest.raises(control_client.RefusedError, match="reason: has 300 bytes"):
        await ask(socket, "hold", reason="x" * 300)
    with pytest.raises(control_client.RefusedError, match="knows the requests hold, pause, release, resume, set"):
        await ask(socket, "explode")


async def test_an_offset_is_set_while_it_runs_only_on_a_held_partition_and_starts_a_topic_without_one(
    broker: Broker, api: Emulator, start: Start, socket: Path, observability: dict[str, str]
) -> None:
    broker.produce(events.orders(8), partition=0)
    broker.produce(events.orders(3), topic="other", partition=0)
    service = await start(topics=("orders", "other"), observability=observability, kafka={"start_from": "error"})
    await service.until("all is held", lambda: len(service.now().partitions) == 2 * PARTITIONS)
    move = {"partition": 0, "expected": None, "expected_map": "", "offset": 2, "map": ""}
    assert outcomes(await ask(socket, "set", moves=[move])) == {0: "done"}
    await service.until("it is read from there", lambda: len(api.ledger.accepted) == 6)
    with pytest.raises(
        control_client.RefusedError, match="track-bridge hold orders --partition 0 --reason TEXT"
    ) as refused:
        await ask(socket, "set", moves=[move])
    assert refused.value.kind == "not_held"
    with pytest.raises(control_client.RefusedError) as refused:
        await ask(socket, "set", moves=[{**move, "partition": 77}])
    assert refused.value.kind == "elsewhere"
    await service.stop()
    assert broker.position() == 8
    [told] = service.lines.events("position_set")
    assert (told["topic"], told["partition"], told["from"], told["to"]) == ("orders", 0, None, 2)


async def test_a_bridge_that_cannot_make_its_socket_delivers_all_the_same_and_says_so(
    broker: Broker, api: Emulator, start: Start, socket: Path, observability: dict[str, str]
) -> None:
    socket.parent.chmod(0o755)
    broker.produce(events.orders(5))
    service = await start(observability=observability)
    await service.until_done(5)
    [told] = service.lines.events("no_control_socket")
    assert "mode 0755" in told["detail"]
    assert "observability.control_socket" in told["detail"]
    assert (await service.status())["control_socket"]["problem"] == told["detail"]
    assert len(api.ledger.accepted) == 5


async def test_of_two_replicas_each_holds_its_own_partitions_and_names_the_others(
    broker: Broker, api: Emulator, start: Start, socket: Path, observability: dict[str, str]
) -> None:
    first = await start(observability=observability, kafka=RESTARTABLE)
    await first.until("it has all", lambda: len(first.now().partitions) == PARTITIONS)
    second = await start(kafka=RESTARTABLE)
    await second.until("it has some", lambda: len(second.now().partitions) == PARTITIONS // 2)
    await first.until("it gave some up", lambda: len(first.now().partitions) == PARTITIONS // 2)
    answer = await hold(socket)
    assert sorted(outcomes(answer).values()) == ["done", "done", "elsewhere", "elsewhere"]
    broker.produce(events.orders(40))
    await second.stop()
    await first.until("the others are sent", lambda: len(first.now().partitions) == PARTITIONS)
    await ask(socket, "release")
    await first.until("all is sent", lambda: len(api.ledger.accepted) == 40)


async def test_what_is_in_flight_when_a_topic_is_held_is_finished_and_committed(
    broker: Broker, api: Emulator, start: Start, socket: Path, observability: dict[str, str]
) -> None:
    broker.produce(events.orders(30), partition=0)
    api.set_faults(Fault(kind=FaultKind.ORDINARY, delay=0.3))
    service = await start(observability=observability, delivery={"max_in_flight": 4})
    await service.until("some are sent", lambda: bool(api.ledger.accepted))
    assert outcomes(await hold(socket, partitions=[0])) == {0: "done"}
    sent = len(api.ledger.accepted)
    assert broker.position() == sent
    assert service.now().in_flight_requests == 0
    await ask(socket, "release", partitions=[0])
    await service.until("all is sent", lambda: len(api.ledger.accepted) == 30)
    assert len({_id(event) for event in api.ledger.accepted}) == 30
