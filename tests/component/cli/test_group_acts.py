"""Acts for the whole group: two replicas, orders over the network, and one of them killed."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from bridge.sandbox.emulator import Emulator
from bridge.text.moments import iso
from tests.component.cli.conftest import Cli
from tests.support.prepared.replica import PreparedReplica
from tests.support.service.replica import Replica, assigned
from tests.support.waiting import until

Config = Callable[..., str]
Produce = Callable[..., None]
ORDER = b'{"type": "order.completed", "data": {"user_id": "u-1", "amount": 1, "gift": false}}'
SESSION = "{session.timeout.ms: 6000, heartbeat.interval.ms: 1000}"
LISTEN = "listen: 127.0.0.1:0"


@pytest.fixture
def token(tmp_path: Path) -> Path:
    path = tmp_path / "token"
    path.write_text("correct-horse-battery-staple\n")
    return path


@pytest.fixture
async def group(config: Config, token: Path, tmp_path: Path) -> AsyncIterator[tuple[Replica, Replica]]:
    """Both with a part of the three partitions."""
    file = Path(config(LISTEN, f"{LISTEN}\nconsole:\n  token_file: {token}", properties=SESSION))
    first, second = (PreparedReplica(file, tmp_path / f"{name}.log") for name in ("a", "b"))
    async with first, second:
        for each in (first, second):
            await each.until(
                "each has a part, and looked at the whole",
                lambda status: 0 < assigned(status) < 3 and bool(status["topics"]),
            )
        yield first, second
        for each in (first, second):
            if each.running:
                await each.terminate()


def asking(config: Config, token: Path, *replicas: Replica) -> str:
    """The configuration of whoever gives orders to these."""
    named = ", ".join(address(each) for each in replicas)
    return config(LISTEN, f"{LISTEN}\nconsole:\n  token_file: {token}\n  instances: [{named}]", properties=SESSION)


def address(replica: Replica) -> str:
    return f"127.0.0.1:{replica.events('listening')[-1]['port']}"


async def accepted(api: Emulator, count: int) -> None:
    await until(
        f"{count} events are accepted",
        lambda: len(api.ledger.accepted) >= count,
        within=60,
        explain=lambda: f"accepted: {len(api.ledger.accepted)}",
    )


def produce_to_all(produce: Produce) -> None:
    for number in range(3):
        produce(number, ORDER, ORDER)


@pytest.mark.slow(reason="two replicas share a group out, which takes the embedded broker a session", seconds=20)
async def test_one_command_holds_moves_and_releases_the_whole_group_while_records_flow(
    cli: Cli,
    group: tuple[Replica, Replica],
    config: Config,
    produce: Produce,
    api: Emulator,
    token: Path,
    tmp_path: Path,
) -> None:
    file = asking(config, token, *group)
    produce_to_all(produce)
    held = await cli("hold", "shop.orders", "--reason", "wrong amounts", "--group", "--yes", "--json", "-c", file)
    assert held.code == 0, held
    rows = json.loads(held.out)["partitions"]
    assert [(row["partition"], row["outcome"]) for row in rows] == [(0, "done"), (1, "done"), (2, "done")]
    assert {row["replica"].removeprefix("http://") for row in rows} == {address(each) for each in group}
    told = [event for each in group for event in each.events("operator_held")]
    assert sorted(number for event in told for number in event["partitions"]) == [0, 1, 2]
    assert {(event["reason"], event["uid"], event["peer"]) for event in told} == {("wrong amounts", None, "127.0.0.1")}
    before = len(api.ledger.accepted)
    produce_to_all(produce)
    for each in group:
        status = await each.status()
        assert {row["why"] for row in status["partitions"]} == {"held_by_operator"}
    assert len(api.ledger.accepted) == before

    ask = ("offsets", "set", "shop.orders", "--to", "end", "--yes", "-c", file, "--accept-loss", "12")
    refused = await cli(*ask, environ={"TMPDIR": str(tmp_path)})
    assert (refused.code, "No bridge with this configuration answers on this machine" in refused.err) == (2, True)
    moved = await cli(*ask, "--group")
    assert (moved.code, "Set. The bridge reads 3 partitions from there" in moved.out) == (0, True), moved
    told = [event for each in group for event in each.events("position_set")]
    assert sorted((event["partition"], event["peer"]) for event in told) == [(n, "127.0.0.1") for n in range(3)]

    released = await cli("release", "shop.orders", "--group", "--yes", "-c", file)
    assert (released.code, released.err) == (0, "")
    assert released.out.startswith("Released: ")
    assert all(f"({address(each)})" in released.out for each in group)
    produce_to_all(produce)
    await accepted(api, before + 6)
    assert len(api.ledger.accepted) == before + 6, "what was passed is not sent"
    nothing = await cli("release", "shop.orders", "--group", "--yes", "-c", file)
    assert (nothing.code, nothing.out.splitlines()[:2]) == (1, ["Released: nothing.", "shop.orders/0 is not held."])


@pytest.mark.slow(reason="two replicas share a group out, one is killed, and a pause is waited for", seconds=40)
async def test_a_pause_of_the_group_ends_by_itself_although_a_replica_was_killed(
    cli: Cli, group: tuple[Replica, Replica], config: Config, produce: Produce, api: Emulator, token: Path
) -> None:
    file = asking(config, token, *group)
    produce_to_all(produce)
    await accepted(api, 6)
    paused = await cli("pause", "shop.orders", "--for", "25s", "--reason", "rebuilt", "--group", "--yes", "-c", file)
    until = min(event["until"] for each in group for event in each.events("operator_held"))
    assert (paused.code, paused.err) == (0, "")
    assert paused.out.startswith(f"Paused until {until}: ")
    await group[1].kill()
    produce_to_all(produce)

    half = await cli("resume", "shop.orders", "--group", "--yes", "-c", asking(config, token, group[1]))
    assert (half.code, "No replica can be told." in half.err) == (3, True), half
    await group[0].until(
        "the other has all, and all is held",
        lambda status: [row["why"] for row in status["partitions"]] == ["held_by_operator"] * 3,
    )
    assert len(api.ledger.accepted) == 6
    await accepted(api, 12)
    assert (iso(time.time(), "seconds") or "") >= until, "not before its time"
    assert len(api.ledger.accepted) == 12


@pytest.mark.slow(reason="two replicas share a group out, which takes the embedded broker a session", seconds=19)
async def test_who_has_not_the_right_changes_nothing_and_is_told_why(
    cli: Cli, group: tuple[Replica, Replica], config: Config, tmp_path: Path
) -> None:
    ask = ("hold", "shop.orders", "--reason", "x", "--group", "--yes", "-c")
    other = tmp_path / "other"
    other.write_text("another-token-altogether\n")
    ran = await cli(*ask, asking(config, other, *group))
    assert (ran.code, ran.err.count("of another token, or of another group")) == (2, 2), ran
    ran = await cli(*ask, config())
    assert (ran.code, "console.token_file is not set" in ran.err) == (2, True), ran
    ran = await cli(*ask, asking(config, tmp_path / "nowhere", *group))
    assert (ran.code, "cannot be read" in ran.err) == (2, True), ran
    assert [event for each in group for event in each.events("operator_held")] == []
    assert all([event["path"] for event in each.events("control_over_network")] == ["/control"] for each in group)
    refused = [event for each in group for event in each.events("control_refused")]
    assert {(event["level"], event["peer"]) for event in refused} == {("warning", "127.0.0.1")}


async def test_a_replica_whose_token_cannot_be_read_works_and_says_that_it_takes_no_orders(
    config: Config, tmp_path: Path
) -> None:
    file = Path(config(LISTEN, f"{LISTEN}\nconsole:\n  token_file: {tmp_path / 'nowhere'}"))
    async with PreparedReplica(file, tmp_path / "a.log") as replica:
        await replica.until("it has its partitions", lambda status: assigned(status) == 3)
        [told] = replica.events("no_control_over_network")
        assert (told["level"], "cannot be read" in told["detail"]) == ("warning", True)
        assert await replica.terminate() == 0
