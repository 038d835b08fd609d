"""Claims on dead letters: what a membership tells of them, and what it says where the cluster does not let it in."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException
from confluent_kafka import TopicPartition as ClientPartition

from bridge.kafka import client
from bridge.kafka.letters.replay_group import ReplayGroup
from tests.support.kafka import contexts
from tests.support.waiting import patience

Step = Callable[["Client"], KafkaError | None]


class Message:
    def __init__(self, error: KafkaError) -> None:
        self._error = error

    def error(self) -> KafkaError:
        return self._error


class Client:
    """Goes through a script, a step at each poll; then there is nothing more to hear."""

    def __init__(self, script: list[Step]) -> None:
        self.script = script
        self.callbacks: dict[str, Callable[[Client, list[ClientPartition]], None]] = {}
        self.calls: list[tuple[str, list[int]]] = []

    def subscribe(self, _topics: list[str], **callbacks: Any) -> None:
        self.callbacks = callbacks

    def poll(self, seconds: float) -> Message | None:
        if not self.script:
            threading.Event().wait(min(seconds, 0.01))
            return None
        error = self.script.pop(0)(self)
        return None if error is None else Message(error)

    def tell(self, what: str, *numbers: int) -> None:
        self.callbacks[what](self, [ClientPartition("letters", each) for each in numbers])

    def _note(self, what: str, partitions: Sequence[ClientPartition]) -> None:
        self.calls.append((what, [each.partition for each in partitions]))

    def assign(self, partitions: list[ClientPartition]) -> None:
        self._note("assign", partitions)

    def pause(self, partitions: list[ClientPartition]) -> None:
        self._note("pause", partitions)

    def unassign(self) -> None:
        self._note("unassign", [])

    def commit(self, offsets: list[ClientPartition], **_: object) -> None:
        self._note("commit", offsets)

    def close(self) -> None:
        self._note("close", [])


class Claims:
    """Hears of them."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, object]] = []
        self.is_over = asyncio.Event()

    def claimed(self, partitions: Sequence[int]) -> None:
        self.heard.append(("claimed", list(partitions)))

    def unclaim(self, partitions: Sequence[int], done: Callable[[], None]) -> None:
        self.heard.append(("unclaim", list(partitions)))
        done()

    def lost(self, partitions: Sequence[int]) -> None:
        self.heard.append(("lost", list(partitions)))
        self.is_over.set()

    def refused(self, sentence: str) -> None:
        self.heard.append(("refused", sentence))
        self.is_over.set()

    def heartbeat_answered(self, issued_at: float) -> None:
        self.heard.append(("answered", issued_at))


async def heard(monkeypatch: pytest.MonkeyPatch, *script: Step) -> tuple[Client, Claims]:
    """Of one membership, until it is refused or has lost what it had."""
    consumer, claims = Client(list(script)), Claims()
    monkeypatch.setattr(client, "open_consumer", lambda *_, **__: consumer)
    group = ReplayGroup(
        *(contexts.kafka(), "g.replays", "letters", claims),
        positions={0: 7, 1: 9},
        declare=lambda ends: f"ends={ends}",
        loop=asyncio.get_running_loop(),
        logger=logging.getLogger("tests.kafka"),
    )
    group.start()
    async with patience("the group is over, and stopped"):
        await claims.is_over.wait()
        await asyncio.wrap_future(group.stop())
    return consumer, claims


async def test_claims_that_were_lost_are_told_and_nothing_of_them_is_committed_any_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    consumer, claims = await heard(
        monkeypatch, lambda it: it.tell("on_assign", 1, 0), lambda it: it.tell("on_lost", 0, 1), lambda _: None
    )
    assert claims.heard == [("claimed", [0, 1]), ("lost", [0, 1])]
    assert consumer.calls == [
        ("assign", [0, 1]), ("pause", [0, 1]), ("commit", [0, 1]), ("unassign", []), ("close", []),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        (
            KafkaError.GROUP_AUTHORIZATION_FAILED,
            "This user may not use the group g.replays: grant it READ and DESCRIBE",
        ),
        (KafkaError.TOPIC_AUTHORIZATION_FAILED, "This user may not read letters: grant it READ and DESCRIBE"),
        (-150, "The group g.replays cannot be joined: "),
    ],
)
async def test_a_cluster_that_does_not_let_it_in_is_told_as_a_sentence_and_left(
    code: int, sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    consumer, claims = await heard(monkeypatch, lambda _: KafkaError(code))
    ((what, said),) = claims.heard
    assert what == "refused"
    assert str(said).startswith(sentence)
    assert consumer.calls[-1] == ("close", [])


async def test_a_client_that_fails_ends_the_claims_with_its_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_client: Client) -> None:
        raise KafkaException(KafkaError(KafkaError._ALL_BROKERS_DOWN, "all brokers are down"))

    _, claims = await heard(monkeypatch, fail)
    assert claims.heard == [("refused", "group g.replays: all brokers are down")]
