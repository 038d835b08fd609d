"""When what is done is offered to the poll thread."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from bridge.kafka.consumer.thread.consumption import Batch, Gap, Tracker
from bridge.model import Position, TopicPartition
from bridge.pipeline.offsets import OffsetTracker
from bridge.service.poll_adapter import PollAdapter

INTERVAL = 0.2
LATEST = INTERVAL / 4 + 1e-9


class Timer:
    def __init__(self, due: float, call: Callable[[], None]) -> None:
        self.due, self.call = due, call

    def cancel(self) -> None:
        self.due = float("inf")


class Loop:
    """A loop whose time passes when a test says so."""

    def __init__(self) -> None:
        self.now = 0.0
        self.timers: list[Timer] = []

    def call_later(self, seconds: float, call: Callable[[], None]) -> Timer:
        timer = Timer(self.now + seconds, call)
        self.timers.append(timer)
        return timer

    def call_soon(self, call: Callable[[], None]) -> Timer:
        return self.call_later(0.0, call)

    def run(self, seconds: float) -> None:
        until = self.now + seconds
        while due := [timer for timer in self.timers if timer.due <= until]:
            first = min(due, key=lambda timer: timer.due)
            self.timers.remove(first)
            self.now = first.due
            first.call()
        self.now = until


class Dispatcher:
    """Takes records in, and has done what a test says that is done."""

    def __init__(self) -> None:
        self.tally = SimpleNamespace(buffered=0)
        self.done: list[tuple[Tracker, Position]] = []
        self.looks = 0
        self.defect: Exception | None = None

    def room(self) -> tuple[int, int]:
        return 1, 1

    def accept(self, _tracker: Tracker, records: Sequence[object], _until: float) -> int:
        self.tally.buffered += len(records)
        return len(records)

    def passed(self, tracker: Tracker, start: int, stop: int, leader_epoch: int | None) -> None:
        tracker.nothing_in(start, stop, leader_epoch)

    def answered(self, attempt: tuple[Tracker, Position], _verdict: object) -> None:
        self.tally.buffered -= 1
        self.done.append(attempt)

    def pump(self) -> None: ...

    def tick(self) -> None: ...

    def letter_written(self, token: Any, _refused: object) -> None:
        self.answered(token, None)

    def positions(self) -> list[tuple[Tracker, Position]]:
        if self.defect is not None:
            raise self.defect
        self.looks += 1
        done, self.done = self.done, []
        return done


class Scene:
    def __init__(self) -> None:
        self.loop, self.dispatcher = Loop(), Dispatcher()
        self.stored: list[tuple[float, int]] = []
        self.crashes: list[BaseException] = []
        nobody: Any = None
        loop: Any = self.loop
        dispatcher: Any = self.dispatcher
        self.adapter = PollAdapter(nobody, nobody, self.crashes.append, loop=loop, commit_interval=INTERVAL)
        self.adapter.connect(dispatcher, self)
        self.tracker: Tracker = OffsetTracker[Any](TopicPartition("orders", 0), 0)

    def room(self, records: int, size: int) -> None: ...

    def store(self, positions: Sequence[tuple[Tracker, Position]], /) -> None:
        self.stored += [(self.loop.now, position.offset) for _, position in positions]

    def arrive(self, records: int) -> None:
        self.adapter.accept(Batch(self.tracker, [object()] * records, None, 0), 1.0)  # type: ignore[list-item]

    def done(self, offset: int) -> Any:
        return self.tracker, Position(offset, "", None)


@pytest.fixture
def scene() -> Scene:
    return Scene()


def by_answer(scene: Scene) -> None:
    scene.adapter.answered(scene.done(1), object())  # type: ignore[arg-type]


def by_letter(scene: Scene) -> None:
    scene.adapter.letter_written(scene.done(1), None)


@pytest.mark.parametrize("how", [by_answer, by_letter])
@pytest.mark.parametrize("waited", [0.0, 0.01, 0.33, 7.123])
def test_what_is_done_is_offered_within_a_quarter_of_the_commit_interval(
    scene: Scene, how: Callable[[Scene], None], waited: float
) -> None:
    scene.arrive(1)
    scene.loop.run(waited)
    began = scene.loop.now
    how(scene)
    scene.loop.run(1.0)
    [(at, offset)] = scene.stored
    assert offset == 1
    assert at - began <= LATEST


def test_what_is_filtered_or_no_record_at_all_is_offered_as_soon(scene: Scene) -> None:
    scene.dispatcher.done.append(scene.done(3))
    scene.arrive(0)
    scene.loop.run(LATEST)
    scene.dispatcher.done.append(scene.done(5))
    scene.adapter.passed([Gap(scene.tracker, 0, 5, None)])
    scene.loop.run(LATEST)
    assert [offset for _, offset in scene.stored] == [3, 5]
    assert scene.tracker.next_offset == 5


def test_while_something_is_open_it_is_looked_at_in_every_quarter(scene: Scene) -> None:
    """A demand for the rate budget changes by the passing of time alone."""
    scene.arrive(2)
    scene.loop.run(10 * INTERVAL + 1e-6)
    assert scene.dispatcher.looks == 40


def test_a_process_at_rest_looks_for_nothing_to_commit(scene: Scene) -> None:
    scene.arrive(1)
    by_answer(scene)
    scene.loop.run(INTERVAL)
    looks = scene.dispatcher.looks
    scene.loop.run(3600.0)
    assert scene.dispatcher.looks == looks
    assert scene.loop.timers == []
    scene.adapter.tick()
    assert scene.dispatcher.looks == looks + 1


def test_what_changes_by_time_alone_is_offered_with_the_next_tick(scene: Scene) -> None:
    scene.dispatcher.done.append(scene.done(9))
    scene.adapter.tick()
    assert [offset for _, offset in scene.stored] == [9]


def test_a_tick_offers_nothing_before_it_is_due(scene: Scene) -> None:
    scene.arrive(2)
    by_answer(scene)
    scene.adapter.tick()
    assert scene.dispatcher.looks == 0
    scene.loop.run(LATEST)
    assert [offset for _, offset in scene.stored] == [1]
    scene.adapter.tick()
    assert scene.dispatcher.looks == 1


def test_a_defect_in_what_is_offered_stops_the_process(scene: Scene) -> None:
    scene.dispatcher.defect = RuntimeError("boom")
    scene.arrive(1)
    scene.loop.run(1.0)
    assert scene.crashes == [scene.dispatcher.defect]


def test_nothing_is_offered_once_the_process_has_stopped(scene: Scene) -> None:
    scene.arrive(1)
    scene.adapter.close()
    scene.loop.run(1.0)
    assert scene.dispatcher.looks == 0


@pytest.mark.parametrize(
    ("entry", "told"),
    [
        ("accept", lambda scene: scene.arrive(1)),
        ("answered", by_answer),
        ("letter_written", by_letter),
        ("pump", lambda scene: scene.adapter.pump()),
        ("tick", lambda scene: scene.adapter.tick()),
    ],
)
def test_a_defect_of_the_dispatcher_stops_the_process_wherever_it_was_entered(
    scene: Scene, entry: str, told: Callable[[Scene], None]
) -> None:
    """The offsets that it concerns would stay open for ever."""
    defect = RuntimeError("boom")

    def fail(*_: object) -> None:
        raise defect

    setattr(scene.dispatcher, entry, fail)
    told(scene)
    assert scene.crashes[:1] == [defect]


def test_a_poll_thread_that_failed_stops_the_process(scene: Scene) -> None:
    error = RuntimeError("no group")
    scene.adapter.source_failed(error)
    assert scene.crashes == [error]
