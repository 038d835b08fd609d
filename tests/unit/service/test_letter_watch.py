"""When the watch of the dead letters looks, and what it says of losses that it cannot record: with a clock that only
its own waiting moves."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from bridge.config import load
from bridge.config.sections import Config
from bridge.formats.losses import Lost, ParsedLoss
from bridge.kafka.letters.letter_log import Extent, LetterLogError
from bridge.model import TopicPartition
from bridge.service.watches import letter_watch
from bridge.service.watches.letter_watch import LetterWatch

P = TopicPartition("orders", 0)
LOST = Lost(P, "id", 5, 10, "out_of_range")
REFUSED = "dead_letter.topic: letters: Topic authorization failed"
MOST_LOOKS = 50


class Clock:
    """Stands still but for who waits; the process ends at `until`."""

    def __init__(self, until: float) -> None:
        self.now = 0.0
        self.until = until

    def wait(self, seconds: float) -> bool:
        self.now += seconds
        return self.is_set()

    def is_set(self) -> bool:
        return self.now >= self.until


class Log:
    """Brokers that let nobody read the dead letters before `allowed`; then both topics are empty."""

    def __init__(self, clock: Clock, allowed: float) -> None:
        self.clock = clock
        self.allowed = allowed
        self.looks: list[float] = []

    def extent(self) -> Extent:
        self.looks.append(self.clock.now)
        assert len(self.looks) <= MOST_LOOKS, "it looks without a pause"
        if self.clock.now < self.allowed:
            raise LetterLogError(REFUSED)
        return Extent("letters", "", {}, {}, has_resolutions=True)

    def read(self, wanted: object) -> Any:  # noqa: ARG002 - there is nothing to read
        yield from ()

    def retention(self) -> float | None:
        return None


class Writer:
    def write(self, wanted: list[Lost], _: int, at: float) -> tuple[list[ParsedLoss], str | None]:
        return [ParsedLoss(each, at) for each in wanted], None


@pytest.fixture
def config(tmp_path: Path) -> Config:
    file = tmp_path / "bridge.yaml"
    file.write_text(
        "kafka: {bootstrap_servers: localhost, group_id: g, topics: [orders]}\n"
        "track: {endpoint: http://127.0.0.1:1, api_key: k}\n"
        "dead_letter: {topic: letters}\n"
        "mapping: {user_id: data.user, events: {order.completed: {event_name: Order Completed}}}\n"
    )
    loaded = load.read(file, {})
    assert loaded.config is not None, loaded.problems
    return loaded.config


def watched(
    config: Config, monkeypatch: pytest.MonkeyPatch, log: Log, logger: logging.Logger, found_at: float
) -> LetterWatch:
    """After its process ended. A loss is found at `found_at`."""
    clock = log.clock
    found: Mapping[Any, Lost] = {(P, "id", 5): LOST}
    nothing: Mapping[Any, Lost] = {}
    monkeypatch.setattr(letter_watch, "LetterLog", lambda *_: log)
    monkeypatch.setattr(letter_watch, "time", SimpleNamespace(monotonic=lambda: clock.now, time=lambda: clock.now))
    watch = LetterWatch(config, logger, lambda: nothing if clock.now < found_at else found)
    monkeypatch.setattr(watch, "_stopping", clock)
    monkeypatch.setattr(watch, "_loss_writer", Writer())
    watch._run()
    return watch


def test_a_loss_that_cannot_be_recorded_is_looked_at_every_15_s_and_said(
    config: Config, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    log = Log(Clock(until=65.0), allowed=1000.0)
    with caplog.at_level(logging.WARNING):
        watch = watched(config, monkeypatch, log, logging.getLogger("test"), found_at=3.0)
    assert log.looks == [0.0, 3.0, 18.0, 33.0, 48.0, 63.0]
    assert watch.losses is not None
    assert (watch.losses.problem, watch.losses.is_read) == (REFUSED, False)
    assert [each.getMessage() for each in caplog.records] == [
        f"lost records are not recorded, so that a restart forgets them: {REFUSED}"
    ]


def test_a_loss_is_recorded_as_soon_as_the_dead_letters_can_be_read(
    config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = Log(Clock(until=50.0), allowed=30.0)
    watch = watched(config, monkeypatch, log, logging.getLogger("test"), found_at=3.0)
    assert log.looks == [0.0, 3.0, 18.0, 33.0, 48.0]
    assert watch.losses is not None
    assert (watch.losses.problem, watch.losses.is_read, watch.losses.at_most) == (None, True, 5)
    assert [each.at for each in watch.losses.shown] == [33.0]


def test_where_nothing_is_lost_nobody_is_told_of_losses_that_cannot_be_recorded(
    config: Config, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    log = Log(Clock(until=50.0), allowed=1000.0)
    watch = watched(config, monkeypatch, log, logging.getLogger("test"), found_at=1000.0)
    assert log.looks == [0.0, 15.0, 30.0, 45.0]
    assert watch.losses is None
    assert not caplog.records
