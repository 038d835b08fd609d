"""Every command of the bridge that docs/runbook.md tells people to type is typed here, beside a bridge that runs."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from bridge.sandbox.emulator import Emulator, Event, Fault, FaultKind
from tests.component.cli.conftest import LETTERS, TOPIC
from tests.support.docs import commands
from tests.support.docs.commands import Command
from tests.support.kafka.launcher import free_ports
from tests.support.prepared.replica import PreparedReplica
from tests.support.service.replica import Replica, done

Config = Callable[..., str]
Produce = Callable[..., None]

PAGE = commands.text_of("runbook")
EXAMPLES = """\
  examples:
    - name: an order
      input: {type: order.completed, id: e-1, data: {user_id: u-1, amount: 1, gift: false}}
      expect: {user_id: u-1, event_name: Order Completed, metadata: {amount: 1, event_id: e-1}}
"""
TYPED = list(
    {each.text: each for each in commands.commands(PAGE) if each.program in ("track-bridge", "tools")}.values()
)
OF_THE_STOPPED = [each for each in TYPED if each.words[1:3] == ["offsets", "set"]]
"""Typed on a real Kafka, where a stopped bridge is out of its group: tests/integration/cli/test_runbook_commands.py."""
CHANGES_LETTERS = ("replay", "discard", "import")


def order(user: str, amount: int) -> bytes:
    return json.dumps({"type": "order.completed", "data": {"user_id": user, "amount": amount, "gift": False}}).encode()


@dataclass
class Ground:
    """A bridge with deliveries and dead letters, and a shell on its host."""

    replica: Replica
    folder: Path
    config: str

    async def type(self, command: Command) -> tuple[int, str]:
        """The exit code and all that was printed, of the command with names that exist here."""
        host = commands.block(PAGE, "host")
        own = f'export BRIDGE_CONFIG={self.config} PATH="{Path(sys.executable).parent}:$PATH"; unset ${{!BRIDGE_OBS*}}'
        tools = 'tools() { track-bridge "$@"; }'
        line = command.typed({"TOPIC": TOPIC, "ID": f"{TOPIC}/0/2"}).replace("/tmp/", "")  # noqa: S108
        process = await asyncio.create_subprocess_exec(
            *("bash", "-c", f"{host}\n{own}\n{tools}\n{line}"),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env={key: value for key, value in os.environ.items() if not key.startswith("BRIDGE_")},
            cwd=self.folder,
        )
        out, _ = await process.communicate()
        assert process.returncode is not None
        return process.returncode, f"$ {line}\n{out.decode()}"


def configured(path: str) -> str:
    Path(path).write_text(Path(path).read_text() + EXAMPLES)
    return path


@pytest.fixture
async def ground(config: Config, api: Emulator, produce: Produce, tmp_path: Path) -> AsyncIterator[Ground]:
    [port] = free_ports(1)
    path = configured(config("listen: 127.0.0.1:0", f"listen: 127.0.0.1:{port}"))

    def is_bad(event: Event | None) -> bool:
        return event is not None and event.user_id == "bad"

    api.set_faults(Fault(kind=FaultKind.STATUS, status=400, when=is_bad))
    produce(0, order("u-1", 1), order("u-2", 2), order("bad", 3), b"no json")
    (tmp_path / "lost.ndjson").write_bytes(order("u-3", 4) + b"\n" + order("u-4", 5) + b"\n")
    async with PreparedReplica(Path(path), tmp_path / "replica.log") as replica:
        await replica.until("all is done", done(4))
        yield Ground(replica, tmp_path, path)
        if replica.running:
            await replica.terminate()


@pytest.mark.slow(reason="runs every command of the runbook", seconds=60)
@pytest.mark.timeout(400)
async def test_every_command_of_the_bridge_on_the_page_works_as_it_stands_there(ground: Ground, api: Emulator) -> None:
    """1 is a finding, and the page says so where it matters: here dead letters are open, and offsets unset."""
    ordered = sorted(TYPED, key=lambda each: any(word in CHANGES_LETTERS for word in each.words))
    for command in [each for each in ordered if each not in OF_THE_STOPPED]:
        (ground.folder / "lost.ndjson.rejected.ndjson").unlink(missing_ok=True)
        code, said = await ground.type(command)
        assert code in (0, 1), said
        assert "Traceback" not in said
    assert {event.user_id for event in api.ledger.accepted} == {"u-1", "u-2", "u-3", "u-4"}


@pytest.mark.slow(reason="types each command of a part of the runbook", seconds=6)
async def test_offsets_are_set_while_the_bridge_runs_where_the_page_puts_a_hold_around_it(ground: Ground) -> None:
    section = PAGE.partition("## TrackBridgeRecordsPossiblyLost")[2].partition("\n## ")[0]
    hold, release = (
        next(each for each in commands.commands(section) if each.words[1] == verb) for verb in ("hold", "release")
    )
    back = Command(0, "track-bridge offsets set TOPIC/0 --to earliest --yes")
    code, said = await ground.type(back)
    assert (code, "not held" in said) == (2, True), said
    for command in (hold, back, release):
        code, said = await ground.type(command)
        assert code == 0, said
    await ground.replica.until("the records since then are consumed once more", done(8))


async def test_the_three_looks_tell_what_is_the_matter(ground: Ground) -> None:
    block = next(each for each in commands.blocks(PAGE) if each.text.startswith("track-bridge status"))
    status, letters, _ = [Command(0, line.partition("#")[0].strip()) for line in block.text.splitlines()]
    assert f"{TOPIC}" in (await ground.type(status))[1]
    code, said = await ground.type(letters)
    assert (code, "2 open dead letters" in said, LETTERS in said) == (1, True, True), said
