"""`track-bridge run` as a process, and `track-bridge status` asking it."""

import asyncio
import fcntl
import json
import os
import re
import signal
import struct
import sys
import termios
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

import httpx
import jsonschema
import pytest
from google.protobuf import descriptor_pb2

from bridge.cli import schema
from bridge.sandbox.emulator import Emulator
from tests.component.cli.conftest import Cli
from tests.support.prepared.client import Program, program
from tests.support.service.status_lines import status_lines
from tests.support.waiting import until

Config = Callable[..., str]


@dataclass
class Running:
    """A bridge that has its partitions."""

    process: Program
    url: str

    async def status(self) -> str:
        """What it says of itself."""
        async with httpx.AsyncClient(base_url=self.url, trust_env=False, timeout=60) as client:
            return status_lines((await client.get("/status")).json())

    async def stop(self) -> int:
        if self.process.returncode is None:
            self.process.send_signal(signal.SIGTERM)
        await self.process.communicate()
        assert self.process.returncode is not None
        return self.process.returncode


async def _events(process: Program) -> AsyncIterator[dict[str, object]]:
    assert process.stdout is not None
    async for line in process.stdout:
        yield json.loads(line)


@pytest.fixture
async def running(config: Config) -> AsyncIterator[Running]:
    process = await program("run", "-c", config())
    url = ""
    async for event in _events(process):
        if event["event"] == "listening":
            url = f"http://{event['host']}:{event['port']}"
        if event["event"] == "assigned":
            break
    bridge = Running(process, url)
    yield bridge
    await bridge.stop()


async def test_run_delivers_until_sigterm_and_ends_with_0(
    running: Running, produce: Callable[..., None], api: Emulator
) -> None:
    produce(0, b'{"type": "order.completed", "data": {"user_id": "u-1", "amount": 1, "gift": false}}')
    await until("the event is accepted", lambda: bool(api.ledger.accepted), explain=running.status)
    assert await running.stop() == 0
    assert [event.user_id for event in api.ledger.accepted] == ["u-1"]


async def test_run_warns_of_protobuf_whose_message_nothing_names(cli: Cli, config: Config, tmp_path: Path) -> None:
    """Said at each start, before anything can be refused."""
    both = descriptor_pb2.FileDescriptorProto(
        name="shop.proto",
        syntax="proto3",
        message_type=[descriptor_pb2.DescriptorProto(name=name) for name in ("Order", "Refund")],
    )
    (tmp_path / "shop.desc").write_bytes(descriptor_pb2.FileDescriptorSet(file=[both]).SerializeToString())
    old = "topic: cli.dlq\nobservability:\n  listen: 127.0.0.1:0\nmapping:\n"
    new = old.replace("cli.dlq", "other.dlq") + f"  decode: protobuf\n  descriptor_set_file: {tmp_path / 'shop.desc'}\n"
    ran = await cli("run", "-c", config(old, new))
    assert ran.code == 2
    (said,) = [line for line in map(json.loads, ran.out.splitlines()) if line["event"] == "configuration"]
    assert (said["level"], said["key"]) == ("warning", "mapping.message_type")
    assert "is not set for shop.orders" in said["message"]
    assert "declares Order, Refund" in said["message"]


async def test_run_refuses_to_start_without_a_place_for_dead_letters(cli: Cli, config: Config) -> None:
    ran = await cli("run", "-c", config("topic: cli.dlq", "topic: other.dlq"))
    assert ran.code == 2
    assert ran.err.startswith("dead_letter.topic: other.dlq does not exist")
    assert ran.err.count("\n") == 1


async def test_status_shows_every_partition_and_why(cli: Cli, running: Running) -> None:
    ran = await cli("status", "--url", running.url)
    assert (ran.code, ran.err) == (0, "")
    for partition in range(3):
        assert f"shop.orders/{partition}" in ran.out


async def test_status_as_json_is_of_the_schema_that_ships(cli: Cli, running: Running) -> None:
    ran = await cli("status", "--url", f"{running.url}/status", "--json")
    assert ran.code == 0
    jsonschema.validate(json.loads(ran.out), json.loads(schema._schemas()["status"].read_text("utf-8")))


async def test_status_of_the_group_is_what_kafka_shows_and_what_its_replicas_say(
    cli: Cli, config: Config, running: Running
) -> None:
    ran = await cli("status", "--group", "--instance", running.url, "--json", "-c", config())
    assert (ran.code, ran.err) == (0, "")
    document = json.loads(ran.out)
    jsonschema.validate(document, json.loads(schema._schemas()["fleet"].read_text("utf-8")))
    assert [each["replica"] for each in document["partitions"]] == [running.url] * 3
    assert document["state"] == "idle"


async def test_status_of_a_group_of_which_nobody_answers_says_what_kafka_shows(
    cli: Cli, config: Config, produce: Callable[..., None]
) -> None:
    produce(1, b'{"type": "order.completed"}')
    ran = await cli("status", "--group", "--instance", "127.0.0.1:1", "-c", config())
    assert (ran.code, ran.err) == (0, "")
    assert "0 of 1 replica answer" in ran.out
    assert "replica_silent" in ran.out
    assert "no dead letter is open" in ran.out
    assert "1 record waits" in ran.out


@pytest.mark.slow(reason="waits until the client gives up brokers that do not answer", seconds=4)
async def test_status_of_a_group_that_nothing_answers_for_ends_with_3(cli: Cli, config: Config) -> None:
    ran = await cli("status", "--group", "--instance", "127.0.0.1:1", "-c", config(bootstrap="127.0.0.1:1"))
    assert (ran.code, ran.out) == (3, "")
    assert ran.err.startswith("No Kafka broker answers at 127.0.0.1:1")
    assert "No bridge answers at http://127.0.0.1:1/status" in ran.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--group", "--url", "127.0.0.1:1"), "name them with --instance"),
        (("--instance", "127.0.0.1:1"), "give --group too"),
        (("--group", "--instance", "http://u:secret@h:1"), "must not carry a user or a password"),
    ],
)
async def test_what_of_status_does_not_go_together_is_refused(
    cli: Cli, config: Config, words: tuple[str, ...], said: str
) -> None:
    ran = await cli("status", *words, "-c", config())
    assert ran.code == 2
    assert said in ran.err
    assert "secret" not in ran.err


async def test_a_watch_repeats_until_ctrl_c_and_survives_a_restart(running: Running) -> None:
    process = await program("status", "--url", running.url, "--json", "--watch")
    assert process.stdout is not None
    assert process.stderr is not None
    assert json.loads(await process.stdout.readline())["state"] == "idle"
    await running.stop()
    assert (await process.stderr.readline()).startswith(b"No bridge answers at ")
    process.send_signal(signal.SIGINT)
    out, err = await process.communicate()
    assert process.returncode == 0  # the way to end a watch is no failure of it
    assert b"Traceback" not in out + err


async def test_status_asks_where_the_configuration_says_that_the_bridge_listens(
    cli: Cli, running: Running, tmp_path: Path
) -> None:
    port = running.url.rpartition(":")[2]
    broken = tmp_path / "broken.yaml"
    broken.write_text(f"track: 7\nobservability:\n  listen: 0.0.0.0:{port}\n", "utf-8")
    ran = await cli("status", "-c", str(broken))
    assert (ran.code, ran.err) == (0, "")
    assert "shop.orders/0" in ran.out
    before_the_command = await cli("-c", str(broken), "status", "--json")
    assert before_the_command.code == 0


async def test_status_says_which_configuration_named_an_address_where_nobody_answers(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "bridge.yaml"
    path.write_text("observability:\n  listen: 127.0.0.1:1\n", "utf-8")
    ran = await cli("status", "-c", str(path))
    assert ran.code == 3
    assert f"The address is that of observability.listen in {path}." in ran.err
    path.write_text("observability:\n  listen: nowhere\n", "utf-8")
    ran = await cli("status", "-c", str(path))
    assert (ran.code, ran.err.startswith(f"{path}: observability.listen: must be an address")) == (2, True), ran.err
    both = await cli("status", "-c", str(path), "--url", ":1")
    assert (both.code, both.err.startswith("--url and --config both say")) == (2, True)


async def test_no_bridge_is_3_with_the_address(cli: Cli) -> None:
    ran = await cli("status", "--url", "http://127.0.0.1:1")
    assert (ran.code, ran.out) == (3, "")
    assert ran.err.startswith("No bridge answers at http://127.0.0.1:1/status (Connection refused).")


async def test_a_server_of_another_kind_is_told_apart(cli: Cli, api: Emulator) -> None:
    ran = await cli("status", "--url", api.endpoint)
    assert ran.code == 3
    assert "answered 404: it is not the address of a running bridge" in ran.err


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n<ht>",
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}",
        b"hello\r\n\r\n",
        b"",
    ],
)
async def test_an_answer_that_is_no_status_is_one_sentence(cli: Cli, answer: bytes) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        ran = await cli("status", "--url", f"127.0.0.1:{port}")
    assert ran.code == 3
    assert ran.err.count("\n") == 1


async def test_a_status_of_another_version_is_said_to_be_one(cli: Cli) -> None:
    body = b'{"state": "idle", "version": "9.9"}'

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        ran = await cli("status", "--url", f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
    assert (ran.code, "of another version than this command (9.9)" in ran.err) == (2, True)


@pytest.mark.parametrize("url", ["ftp://127.0.0.1", "http://", "http://127.0.0.1:port"])
async def test_an_address_that_is_none_is_2(cli: Cli, url: str) -> None:
    ran = await cli("status", "--url", url)
    assert (ran.code, ran.err.startswith("--url: ")) == (2, True), ran.err


async def test_a_watch_on_a_terminal_shows_the_top_follows_its_size_survives_a_restart_and_ends_with_0(
    running: Running,
) -> None:
    leader, follower = os.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 8, 60, 0, 0))
    environ = {**os.environ, "NO_COLOR": "1", "TERM": "xterm"}
    for name in ("LINES", "COLUMNS"):
        environ.pop(name, None)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bridge", "status", "--url", running.url, "--watch",
        stdout=follower, stderr=follower, stdin=asyncio.subprocess.DEVNULL, env=environ,
    )  # fmt: skip
    written = bytearray()
    asyncio.get_running_loop().add_reader(leader, lambda: written.extend(os.read(leader, 65_536)))

    async def shown(what: bytes) -> list[str]:
        """What was written since the last question, once this is part of it."""
        await until(f"{what!r} is on the screen", lambda: what in written, explain=lambda: bytes(written).decode())
        lines = re.sub(rb"\x1b\[[0-9;]*[A-Za-z]", b"", bytes(written)).decode().split("\r\n")
        written.clear()
        return lines

    try:
        first = await shown(b"more lines")
        assert first[0].startswith("track-bridge ")
        assert len(first) == 8
        assert max(map(len, first)) <= 60
        fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 300, 100, 0, 0))
        assert any(line.strip() == "Routes" for line in await shown(b"Routes"))
        await running.stop()
        gone = await shown(b"below is the last answer")
        assert any(line.startswith("No bridge answers at ") for line in gone)
        process.send_signal(signal.SIGINT)
        assert await process.wait() == 0
    finally:
        asyncio.get_running_loop().remove_reader(leader)
        if process.returncode is None:
            process.kill()
            await process.wait()
        os.close(leader)
        os.close(follower)
