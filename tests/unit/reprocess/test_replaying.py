"""A replay on its way: what its claims and the records of what it did do to it, without a cluster."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from confluent_kafka import KafkaError

from bridge.formats.letters import LetterPlace, parse
from bridge.kafka import client
from bridge.kafka.letters.letter_log import Extent, LetterLogError
from bridge.model import LogRange, Reject, TopicPartition
from bridge.pipeline.offsets import OffsetTracker
from bridge.reprocess.reading.ledger import LetterLedger
from bridge.reprocess.reading.reader import LetterReader
from bridge.reprocess.reading.selection import LetterEntry
from bridge.reprocess.replay import recorder
from bridge.reprocess.replay.letters import LetterResult
from bridge.reprocess.replay.plan import Body, LetterFate, PlannedLetter, ReplayRules
from bridge.reprocess.replay.replay import Replay
from bridge.reprocess.sending.budget import NOTICE
from tests.support.reprocess.letters import letter
from tests.support.waiting import until
from tests.unit.reprocess.sending import Surroundings


class Producer:
    """Of the resolutions."""

    def __init__(self) -> None:
        self.error: KafkaError | None = None
        self.made: list[int] = []
        self._waiting: list[Callable[..., None]] = []

    def produce(self, _topic: str, *, partition: int, on_delivery: Callable[..., None], **_: Any) -> None:
        self.made.append(partition)
        self._waiting.append(on_delivery)

    def poll(self, _timeout: float) -> None:
        waiting, self._waiting = self._waiting, []
        for each in waiting:
            each(self.error, SimpleNamespace(offset=lambda: 7))


class Reader:
    """Both topics, of which others wrote nothing."""

    def __init__(self, partitions: int) -> None:
        letters = {TopicPartition("letters", number): LogRange(0, 10) for number in range(partitions)}
        self.extent = Extent("letters", "id", letters, {}, has_resolutions=True)
        self.ledger = LetterLedger("id")
        self.failure: LetterLogError | None = None

    def catch_up(self) -> None:
        if self.failure is not None:
            raise self.failure


class Scene:
    """A replay of letters in these partitions, each of another user. Nothing goes on by itself."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, *partitions: int) -> None:
        self.around = Surroundings(folder)
        self.producer, self.reader = Producer(), Reader(4)
        monkeypatch.setattr(client, "open_producer", lambda *_: self.producer)
        monkeypatch.setattr(recorder, "_AGAIN", 0.0)
        entries = []
        for offset, partition in enumerate(partitions):
            value = json.dumps({"type": "order", "user": f"u-{offset}"}).encode()
            found = parse(letter(offset, partition=partition, value=value).record(offset))
            placed = found._replace(place=LetterPlace(partition, offset))
            entries.append(LetterEntry(placed, self.reader.ledger.standing(placed)))
        planned = [PlannedLetter(each, LetterFate.SEND, body=Body.SAME) for each in entries]
        reader = cast("LetterReader", self.reader)
        self.replay = Replay(planned, ReplayRules(), self.around.wiring, reader=reader, command="test")
        self.traffic, self.outcome = self.replay.traffic, self.replay.outcome

    async def claim(self, *partitions: int) -> None:
        self.traffic.claimed(partitions)
        await until("what was claimed is read", lambda: not self.replay._reading)

    async def begin(self, *partitions: int) -> None:
        await self.claim(*partitions)
        self.around.later(self.traffic, NOTICE + 1)

    async def recorded(self) -> None:
        await self.replay._recorder.finish(20)
        await asyncio.sleep(0)

    @property
    def sent(self) -> list[str]:
        """Where the letters lie that have no answer yet."""
        sent = [self.replay._letters.sent(work.record.offset) for work in self.around.wire.on_wire]
        return sorted(str(each.entry.letter.place) for each in sent)


@pytest.fixture
def scene(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Scene]:
    return lambda *partitions: Scene(tmp_path, monkeypatch, *partitions)


async def test_each_letter_is_through_once_its_fate_is_recorded(scene: Callable[..., Scene]) -> None:
    it = scene(0, 1, 2)
    await it.begin(0, 1)
    assert it.sent == ["0:0", "1:1"], "of claimed partitions alone"
    it.around.answer(it.traffic)
    it.around.answer(it.traffic, Reject("no such event", 400))
    assert it.outcome.results == {}
    await it.recorded()
    assert it.outcome.results == {LetterResult.REPLAYED: 1, LetterResult.FAILED_AGAIN: 1}
    assert it.outcome.failures == {"rejected 400": 1}
    assert sorted(it.producer.made) == [0, 1]


async def test_a_claim_that_is_lost_sends_nothing_more_and_what_comes_still_is_recorded_and_counted_by_its_owner(
    scene: Callable[..., Scene],
) -> None:
    it = scene(0, 0, 1)
    await it.begin(0)
    assert it.sent == ["0:0", "0:1"]
    it.traffic.lost([0])
    it.around.answer(it.traffic)
    await it.recorded()
    assert it.producer.made == [0], "an answer that comes behind the loss is recorded"
    assert it.outcome.done == 0
    it.around.wire.on_wire.clear()
    await it.begin(1)
    assert it.sent == ["1:2"]
    assert it.outcome.stopped is None


async def test_an_accepted_letter_that_cannot_be_recorded_is_named_and_ends_the_replay(
    scene: Callable[..., Scene],
) -> None:
    it = scene(0, 0)
    await it.begin(0)
    it.producer.error = KafkaError(KafkaError.TOPIC_AUTHORIZATION_FAILED)
    it.around.answer(it.traffic)
    await it.recorded()
    assert [str(each) for each in it.outcome.unrecorded] == ["0:0"]
    assert it.outcome.stopped is not None
    assert it.outcome.stopped.startswith("topic letters.resolutions: ")
    assert len(it.producer.made) == recorder._TRIES


async def test_a_letter_that_failed_again_and_cannot_be_recorded_would_be_sent_again_and_is_not_named(
    scene: Callable[..., Scene],
) -> None:
    it = scene(0)
    await it.begin(0)
    it.producer.error = KafkaError(KafkaError.TOPIC_AUTHORIZATION_FAILED)
    it.around.answer(it.traffic, Reject("no such event", 400))
    await it.recorded()
    assert it.outcome.unrecorded == []
    assert it.outcome.stopped is not None


async def test_what_others_wrote_cannot_be_read_and_nothing_is_sent(scene: Callable[..., Scene]) -> None:
    it = scene(0)
    it.reader.failure = LetterLogError("No record of letters/0 came within 10 s.")
    await it.begin(0)
    assert it.sent == []
    assert it.outcome.stopped == "No record of letters/0 came within 10 s."


async def test_a_cluster_that_refuses_the_claims_ends_it(scene: Callable[..., Scene]) -> None:
    it = scene(0)
    it.traffic.refused("This user may not use the group g.")
    assert it.outcome.stopped == "This user may not use the group g."
    assert it.traffic.has_ended


async def test_a_paused_partition_is_passed_over_until_it_is_resumed(scene: Callable[..., Scene]) -> None:
    it = scene(0, 1)
    tracker: OffsetTracker[Any] = OffsetTracker(TopicPartition("letters", 0), 0)
    it.traffic.pause_partition(tracker)
    await it.begin(0, 1)
    assert it.sent == ["1:1"]
    it.traffic.resume_partition(tracker)
    await asyncio.sleep(0)
    it.around.later(it.traffic)
    assert it.sent == ["0:0", "1:1"]
