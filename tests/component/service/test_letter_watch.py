"""What was lost is recorded as soon as it can be; until then status and log say that it is not."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge.config import load
from bridge.formats.losses import Lost
from bridge.model import TopicPartition
from bridge.sandbox.broker import LIST_OFFSETS, EmbeddedKafka
from bridge.service.watches import letter_watch
from bridge.service.watches.letter_watch import LetterWatch
from tests.support.service import settings
from tests.support.service.settings import LETTERS
from tests.support.waiting import until

LOST = Lost(TopicPartition("orders", 0), "", 20, 30, "out_of_range")
LOGGER = logging.getLogger("tests.letter_watch")
GROUP_AUTHORIZATION_FAILED = 30
SAYS = "lost records are not recorded, so that a restart forgets them: "


class Found:
    """What the process has found lost; each answer that says more is another object."""

    def __init__(self) -> None:
        self.lost: dict[tuple[TopicPartition, str, int], Lost] = {}

    def add(self, lost: Lost) -> None:
        self.lost = {**self.lost, (lost.partition, lost.topic_id, lost.start): lost}


def at_most(watch: LetterWatch) -> int | None:
    return None if watch.losses is None else watch.losses.at_most


def problem(watch: LetterWatch) -> str:
    return "" if watch.losses is None else watch.losses.problem or ""


@pytest.fixture
def kafka() -> Iterator[EmbeddedKafka]:
    with EmbeddedKafka({"orders": 1}, rebalance_delay=0.0) as embedded:
        yield embedded


@pytest.fixture
def found() -> Found:
    return Found()


@pytest.fixture
def watch(tmp_path: Path, kafka: EmbeddedKafka, found: Found, monkeypatch: pytest.MonkeyPatch) -> Iterator[LetterWatch]:
    monkeypatch.setattr(letter_watch, "INTERVAL", 0.05)
    base = settings.base(kafka.bootstrap, "http://127.0.0.1:1", ["orders"])
    loaded = load.read(settings.write(tmp_path / "bridge.yaml", base), {})
    assert loaded.config is not None, loaded.problems
    watch = LetterWatch(loaded.config, LOGGER, lambda: found.lost)
    yield watch
    watch.stop()


async def test_a_loss_waits_and_is_told_while_the_dead_letter_topic_cannot_be_read_and_is_recorded_then(
    watch: LetterWatch, kafka: EmbeddedKafka, found: Found, caplog: pytest.LogCaptureFixture
) -> None:
    watch.start()
    found.add(LOST)
    await until("it is told", lambda: f"{LETTERS} does not exist" in problem(watch))

    kafka.create_topic(f"{LETTERS}.resolutions", 2)
    kafka.create_topic(LETTERS, 2)
    await until("it is recorded", lambda: at_most(watch) == 10)
    assert problem(watch) == ""
    [warned] = [each for each in caplog.records if each.levelno >= logging.WARNING]
    assert warned.message.startswith(SAYS)


async def test_a_loss_is_recorded_where_the_dead_letter_topic_could_be_read_before(
    watch: LetterWatch, kafka: EmbeddedKafka, found: Found, caplog: pytest.LogCaptureFixture
) -> None:
    kafka.create_topic(f"{LETTERS}.resolutions", 2)
    kafka.create_topic(LETTERS, 2)
    watch.start()
    await until("it is read", lambda: at_most(watch) == 0)
    caplog.set_level(logging.DEBUG)
    kafka.fail(LIST_OFFSETS, *[GROUP_AUTHORIZATION_FAILED] * 100_000)
    await until("it cannot be read any more", lambda: "cannot be counted" in caplog.text)
    found.add(LOST)
    await until("it is recorded", lambda: at_most(watch) == 10)
