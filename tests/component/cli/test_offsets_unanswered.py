"""`track-bridge offsets set` where the running bridge does not say that it is done: what was passed is recorded."""

from __future__ import annotations

import asyncio
import contextlib
import json
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Consumer, TopicPartition

from bridge.ops.control.control_server import ControlServer
from bridge.sandbox.broker import EmbeddedKafka
from tests.component.cli.conftest import LETTERS, TOPIC, Cli, Ran
from tests.support.waiting import patience

Config = Callable[..., str]
Produce = Callable[..., None]


class Member:
    """The one member of the group, and the bridge whose control socket is asked. `answers` says what it does."""

    def __init__(self, bootstrap: str) -> None:
        self.answers = "done"
        self.commits = True
        self._consumer = Consumer(
            {
                "bootstrap.servers": bootstrap,
                "group.id": "cli",
                "log_level": 0,
                "group.protocol": "consumer",
                "enable.auto.commit": False,
                "auto.offset.reset": "latest",
            }
        )

    def join(self) -> None:
        self._consumer.subscribe([TOPIC])
        while not self._consumer.assignment():
            self._consumer.poll(0.1)
        self.commit(4)

    def commit(self, offset: int) -> None:
        self._consumer.commit(offsets=[TopicPartition(TOPIC, 1, offset)], asynchronous=False)

    def leave(self) -> None:
        self._consumer.close()

    async def answer(self, request: Mapping[str, Any], _: int | None) -> Mapping[str, Any]:
        if request.get("preview"):
            return {"topic": TOPIC, "partitions": []}
        (move,) = request["moves"]
        if self.commits:
            await asyncio.to_thread(self.commit, move["offset"])
        if self.answers == "cut off":
            raise OSError
        if self.answers == "late":
            return {"error": "unconfirmed", "message": "What is in flight did not finish in time."}
        return {"topic": TOPIC, "partitions": [{"partition": 1, "outcome": self.answers}]}


@pytest.fixture
def path() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="control-", ignore_cleanup_errors=True) as folder:
        yield Path(folder) / "c.sock"


@pytest.fixture
async def member(path: Path, kafka: EmbeddedKafka, produce: Produce) -> AsyncIterator[Member]:
    produce(1, *[b"{}"] * 10)
    member = Member(kafka.bootstrap)
    server = ControlServer(path, member.answer)
    await server.start()
    async with patience("the member joins its group"):
        await asyncio.to_thread(member.join)
    yield member
    await server.close()
    await asyncio.to_thread(member.leave)


@pytest.fixture
def pass_three(cli: Cli, config: Config, path: Path) -> Callable[[], Any]:
    async def run() -> Ran:
        file = config("listen: 127.0.0.1:0", f"listen: 127.0.0.1:0\n  control_socket: {path}")
        return await cli("offsets", "set", f"{TOPIC}/1", "--to", "7", "--accept-loss", "3", "--yes", "-c", file)

    return run


def recorded(kafka: EmbeddedKafka) -> list[dict[str, Any]]:
    """The losses that are recorded, from the first record of the topic on."""
    consumer = Consumer({"bootstrap.servers": kafka.bootstrap, "group.id": "reader", "log_level": 0})
    found: list[dict[str, Any]] = []
    with contextlib.closing(consumer):
        topic = f"{LETTERS}.resolutions"
        for number in range(3):
            partition = TopicPartition(topic, number, 0)
            _, end = consumer.get_watermark_offsets(partition, timeout=10)
            consumer.assign([partition])
            while end and consumer.position([partition])[0].offset < end:
                if (message := consumer.poll(1.0)) is not None and message.error() is None:
                    found.append(json.loads(message.value() or b""))
    return found


@pytest.mark.parametrize("answers", ["unconfirmed", "late", "cut off"])
async def test_what_is_passed_is_recorded_as_lost_where_the_answer_is(
    answers: str, member: Member, pass_three: Callable[[], Any], kafka: EmbeddedKafka
) -> None:
    member.answers = answers
    member.commits = answers != "unconfirmed"  # That is an answer, and believed as one.
    ran = await pass_three()
    assert ran.code == 3, ran
    (loss,) = await asyncio.to_thread(recorded, kafka)
    assert (loss["kind"], loss["partition"], loss["from"], loss["to"], loss["reason"]) == (
        "lost",
        1,
        4,
        7,
        "offset_set",
    )
    (told,) = [json.loads(line) for line in ran.err.splitlines() if line.startswith("{")]
    assert (told["event"], told["to"]) == ("position_set", 7)
    assert "Run this again" not in ran.err


@pytest.mark.slow(reason="waits until the client gives up an answer that is cut off or late", seconds=6)
@pytest.mark.parametrize("answers", ["late", "cut off", "moved_meanwhile"])
async def test_what_is_not_seen_to_be_set_is_not_recorded_as_lost(
    answers: str, member: Member, pass_three: Callable[[], Any], kafka: EmbeddedKafka
) -> None:
    member.answers, member.commits = answers, False
    ran = await pass_three()
    assert ran.code == 3, ran
    assert await asyncio.to_thread(recorded, kafka) == []
    assert "position_set" not in ran.err
    assert ("recorded nowhere as lost" in ran.err) == (answers != "moved_meanwhile")
