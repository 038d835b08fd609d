"""`track-bridge hold`, `track-bridge release` and `track-bridge offsets set` beside a bridge that runs."""

from __future__ import annotations

import json
import shlex
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from bridge.cli import holds
from bridge.cli.app import app
from bridge.sandbox.emulator import Emulator
from tests.component.cli.conftest import Cli
from tests.support.prepared.replica import PreparedReplica
from tests.support.service.replica import Replica, assigned
from tests.support.waiting import until

Config = Callable[..., str]
Produce = Callable[..., None]
ORDER = b'{"type": "order.completed", "data": {"user_id": "u-1", "amount": 1, "gift": false}}'


@pytest.fixture
def temporary() -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="tmp-", ignore_cleanup_errors=True) as folder:
        yield folder


@pytest.fixture
async def running(config: Config, temporary: str, tmp_path: Path) -> AsyncIterator[Replica]:
    replica = PreparedReplica(Path(config()), tmp_path / "replica.log", environ={"TMPDIR": temporary})
    async with replica:
        await replica.until(
            "the whole group was looked at", lambda status: assigned(status) == 3 and bool(status["topics"])
        )
        yield replica
        if replica.running:
            await replica.terminate()


async def accepted(api: Emulator, count: int) -> None:
    await until(
        f"{count} events are accepted",
        lambda: len(api.ledger.accepted) >= count,
        within=40,
        explain=lambda: f"accepted: {len(api.ledger.accepted)}",
    )


@pytest.mark.slow(reason="types seven commands at a running bridge", seconds=6)
async def test_a_topic_is_held_moved_and_released_by_commands_that_find_the_bridge_by_its_configuration(
    cli: Cli, running: Replica, config: Config, produce: Produce, api: Emulator, temporary: str
) -> None:
    here = {"environ": {"TMPDIR": temporary}}
    produce(0, ORDER, ORDER)
    await accepted(api, 2)
    held = await cli("hold", "shop.orders", "--reason", "wrong amounts", "--yes", "-c", config(), **here)
    assert (held.code, held.err) == (0, "")
    assert held.out == "Held: shop.orders/0, shop.orders/1, shop.orders/2.\n"
    produce(0, ORDER, ORDER, ORDER)

    shown = await cli("offsets", "show", "shop.orders/0", "-c", config(), **here)
    assert shown.code == 1
    assert "held_by_operator" in shown.out
    assert "wrong amounts" in shown.out

    refused = await cli("offsets", "set", "shop.orders/0", "--to", "end", "--yes", "-c", config(), **here)
    assert (refused.code, "--accept-loss 3" in refused.err) == (2, True), refused
    moved = await cli(
        *("offsets", "set", "shop.orders/0", "--to", "4", "--accept-loss", "2", "--yes", "-c", config()), **here
    )
    assert (moved.code, "stays held until" in moved.out) == (0, True), moved
    assert len(running.events("position_set")) == 1

    released = await cli("release", "shop.orders", "--partition", "0", "--yes", "--json", "-c", config(), **here)
    assert released.code == 0
    assert json.loads(released.out)["partitions"] == [{"partition": 0, "outcome": "done"}]
    await accepted(api, 3)
    rest = await cli("release", "shop.orders", "--yes", "-c", config(), **here)
    assert (rest.code, rest.out) == (
        1,
        "Released: shop.orders/1, shop.orders/2.\nshop.orders/0 is not held.\n",
    )
    nothing = await cli("release", "shop.orders", "--yes", "-c", config(), **here)
    assert (nothing.code, nothing.out.splitlines()[0]) == (1, "Nothing was released.")
    assert len(api.ledger.accepted) == 3
    assert [each["by"] for each in running.events("operator_held")] == [running.events("position_set")[0]["by"]]


async def test_without_a_terminal_nothing_is_done_that_was_not_agreed_to(
    cli: Cli, running: Replica, config: Config, temporary: str
) -> None:
    here = {"environ": {"TMPDIR": temporary}}
    held = await cli("hold", "shop.orders", "--reason", "wrong amounts", "-c", config(), **here)
    assert (held.code, held.err) == (2, "There is no terminal to ask on: add --yes.\n")
    for words, said in (
        (("hold", "shop.orders", "--reason", " ", "--yes"), "reason: must not be empty"),
        (("hold", "shop.orders", "--reason", "x" * 201, "--yes"), "reason: has 201 bytes, and may have 200"),
        (("hold", "nope", "--reason", "x", "--yes"), "nope: not a topic that this group reads"),
        (("hold", "shop.orders", "--partition", "9", "--reason", "x", "--yes"), "has no partition 9; it has 0, 1, 2"),
    ):
        ran = await cli(*words, "-c", config(), **here)
        assert (ran.code, said in ran.err) == (2, True), ran
    assert running.events("operator_held") == []


async def test_where_no_bridge_answers_the_command_says_where_it_looked(
    cli: Cli, config: Config, temporary: str
) -> None:
    ran = await cli(*("hold", "shop.orders", "--reason", "x", "--yes", "-c", config()), environ={"TMPDIR": temporary})
    assert ran.code == 3
    assert f"{temporary}/track-bridge-" in ran.err
    assert "kubectl exec POD" in ran.err
    path = config("listen: 127.0.0.1:0", "listen: 127.0.0.1:0\n  control_socket: off")
    ran = await cli("release", "shop.orders", "--yes", "-c", path)
    assert (ran.code, "observability.control_socket is off" in ran.err) == (2, True)


def _other_replica(line: str, after: str) -> dict[str, Any]:
    """What a printed command means to the parser."""
    _, name, *words = shlex.split(line.removeprefix(after))
    root: Any = typer.main.get_command(app)
    return dict(root.commands[name].make_context(name, words).params)


@pytest.mark.parametrize("partitions", [[0, 7], None])
@pytest.mark.parametrize("name", ["hold", "release"])
def test_the_command_for_another_replica_is_of_the_same_partitions(name: str, partitions: list[int] | None) -> None:
    rows = [{"partition": 7, "outcome": "elsewhere", "owner": None}]
    answer = {"topic": "shop.orders", "partitions": rows, "gates": []}
    again = holds._again("shop.orders", partitions, *(["wrong amounts"] if name == "hold" else []))
    _, line, _ = holds._others(answer, "shop.orders", again)
    meant = _other_replica(line, "Run there: ")
    assert (meant["topic"], meant["partition"] or None, meant["yes"]) == ("shop.orders", partitions, True)
