"""What the poll thread tells arrives in its order, and lets go of the loop after some milliseconds."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.kafka.consumer.thread.consumption import Batch, Gap, Tracker
from bridge.kafka.consumer.thread.hand_over import HOLDING, HandOverQueue
from bridge.model import Record, TopicPartition
from bridge.pipeline.offsets import OffsetTracker


class Loop:
    """A clock that only work moves, and a consumption whose records take as long as they say."""

    def __init__(self) -> None:
        self.now = 0.0
        self.soon: deque[Callable[[], object]] = deque()
        self.log: list[Any] = []
        self.longest = 0.0
        told: Any = self
        self.hand_over = HandOverQueue(told, self.soon.append, lambda: self.now)

    def turn(self) -> None:
        """One turn of the loop, with whatever waits for it."""
        began = self.now
        for _ in range(len(self.soon)):
            self.soon.popleft()()
        self.longest = max(self.longest, self.now - began)

    def run(self) -> None:
        while self.soon:
            self.turn()

    def call(self, step: Callable[..., None], *arguments: Any) -> None:
        """As the poll thread does."""
        self.soon.append(lambda: step(*arguments))

    # --- Consumption ----------------------------------------------------------------------------------

    def accept(self, batch: Batch, until: float) -> int:
        through = 0
        for record in batch.records:
            if through and self.now >= until:
                break
            assert isinstance(record, Record)
            self.now += float(record.value or b"0")
            self.log.append((record.partition, record.offset))
            batch.tracker.passed(record.offset)
            through += 1
        return through

    def revoke(self, trackers: Sequence[Tracker], _drained: object) -> None:
        self.log.append(("revoke", *(tracker.partition.partition for tracker in trackers)))

    def set_aside(self, trackers: Sequence[Tracker], _drained: object) -> None:
        self.log.append(("set aside", *(tracker.partition.partition for tracker in trackers)))

    def lost(self, trackers: Sequence[Tracker]) -> None:
        self.log.append(("lost", *(tracker.partition.partition for tracker in trackers)))

    def passed(self, gaps: Sequence[Gap]) -> None:
        for gap in gaps:
            gap.tracker.nothing_in(gap.start, gap.stop, gap.leader_epoch)

    def proven(self) -> None:
        self.log.append("proven")


def batch_of(tracker: Tracker, start: int, seconds: Sequence[float], leader_epoch: int | None = None) -> Batch:
    number = tracker.partition.partition
    records = [Record("t", number, start + i, None, None, b"%f" % each, ()) for i, each in enumerate(seconds)]
    return Batch(tracker, list(records), leader_epoch, 0)


def tracker(number: int = 0) -> Tracker:
    return OffsetTracker[Any](TopicPartition("t", number), 0)


@pytest.fixture
def loop() -> Loop:
    return Loop()


def never(_seconds: float) -> None: ...


def test_usual_records_arrive_within_the_call(loop: Loop) -> None:
    loop.hand_over.deliver([batch_of(tracker(), 0, [0.000_01] * 300)], loop.log.append)
    assert len(loop.log) == 301
    assert loop.log[-1] == pytest.approx(0.003)
    loop.run()
    assert len(loop.log) == 301


def test_a_turn_ends_after_its_time_and_one_record_however_many_there_are(loop: Loop) -> None:
    loop.call(loop.hand_over.deliver, [batch_of(tracker(), 0, [0.05] * 150)], never)
    turns = 0
    while loop.soon:
        loop.turn()
        turns += 1
    assert len(loop.log) == 150
    assert turns >= 150
    assert loop.longest <= HOLDING + 0.05 + 1e-9


def test_many_hand_overs_of_one_slow_record_each_do_not_share_a_turn(loop: Loop) -> None:
    own = tracker()
    for offset in range(10):
        loop.call(loop.hand_over.deliver, [batch_of(own, offset, [0.05])], never)
    loop.run()
    assert [entry[1] for entry in loop.log] == list(range(10))
    assert loop.longest <= HOLDING + 0.05 + 1e-9


def test_what_is_told_meanwhile_waits_for_all_that_was_told_before(loop: Loop) -> None:
    own = tracker()
    loop.call(loop.hand_over.deliver, [batch_of(own, 0, [0.01] * 3)], never)
    loop.call(loop.hand_over.tell, loop.proven, ())
    loop.call(loop.hand_over.deliver, [batch_of(own, 3, [0.01] * 2)], never)
    loop.run()
    assert loop.log == [(0, 0), (0, 1), (0, 2), "proven", (0, 3), (0, 4)]


@pytest.mark.parametrize("how", ["revoke", "lost"])
def test_the_rest_of_a_leaving_partition_is_dropped_unread_and_its_position_stays_below_it(
    loop: Loop, how: str
) -> None:
    leaving, staying = tracker(0), tracker(1)
    accepted: list[float] = []
    loop.call(
        loop.hand_over.deliver,
        [batch_of(leaving, 0, [0.01] * 3), batch_of(staying, 0, [0.01] * 2)],
        accepted.append,
    )
    loop.turn()
    loop.call(loop.hand_over.deliver, [batch_of(leaving, 3, [0.01])], accepted.append)
    arguments = ([leaving], never) if how == "revoke" else ([leaving],)
    loop.call(loop.hand_over.tell, getattr(loop, how), arguments)
    loop.call(loop.hand_over.tell, loop.passed, ([Gap(leaving, 4, 9, None)],))
    loop.run()
    assert [entry for entry in loop.log if entry[0] == 1] == [(1, 0), (1, 1)]
    assert loop.log.index((how, 0)) > loop.log.index((1, 1))
    read = [entry[1] for entry in loop.log if entry[0] == 0]
    assert read == list(range(len(read)))
    assert len(read) < 3
    assert leaving.next_offset == len(read), "neither the rest nor a gap behind it moves the position"
    assert len(accepted) == 2, "room is told of what was dropped, too"


def test_room_is_told_once_all_is_through_with_the_time_it_took_and_without_the_pauses(loop: Loop) -> None:
    told: list[float] = []
    loop.call(loop.hand_over.deliver, [batch_of(tracker(), 0, [0.01] * 4)], told.append)
    loop.turn()
    assert told == []
    loop.now += 5.0
    loop.run()
    assert told == [pytest.approx(0.04)]


@given(
    st.lists(
        st.lists(st.tuples(st.integers(0, 2), st.lists(st.sampled_from([0.0, 0.001, 0.05]), min_size=1, max_size=8))),
        max_size=6,
    )
)
def test_every_record_arrives_once_and_in_order_whatever_it_takes(rounds: list[list[tuple[int, list[float]]]]) -> None:
    loop = Loop()
    trackers = [tracker(number) for number in range(3)]
    handed = [0, 0, 0]
    for each in rounds:
        batches = []
        for number, seconds in each:
            batches.append(batch_of(trackers[number], handed[number], seconds))
            handed[number] += len(seconds)
        loop.call(loop.hand_over.deliver, batches, never)
    loop.run()
    for number in range(3):
        arrived = [entry[1] for entry in loop.log if entry[0] == number]
        assert arrived == list(range(handed[number]))
        assert trackers[number].next_offset == handed[number]
    assert loop.longest <= HOLDING + 0.05 + 1e-9
