from __future__ import annotations

from typing import ClassVar

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from bridge.formats import offset_map
from bridge.formats.offset_map import Demand, Head
from bridge.model import Position, TopicPartition
from bridge.pipeline.offsets import OffsetTracker
from tests.everyday import examples

PARTITION = TopicPartition("t", 0)


def tracker(start: int = 0, restored: offset_map.OffsetMap | None = None) -> OffsetTracker[str]:
    return OffsetTracker(PARTITION, start, topic_id="id", leader_epoch=1, restored=restored)


def position(of: OffsetTracker[str], max_length: int = offset_map.BROKER_LIMIT) -> Position:
    return of.position(Demand(0, 0), Head(), max_length)


def restored_from(committed: Position) -> OffsetTracker[str]:
    found = offset_map.trusted(
        offset_map.decode(committed.metadata), offset=committed.offset, leader_epoch=1, topic_id="id"
    )
    assert found is not None
    return tracker(committed.offset, found)


def test_gaps_in_the_log_need_no_completion() -> None:
    offsets = tracker(5)
    for offset in (5, 6, 8, 9):
        offsets.arrived(offset, "")
    for offset in (8, 9, 6):
        offsets.completed(offset)
        assert offsets.lowest_open == 5
    offsets.completed(5)
    assert offsets.lowest_open == 10


def test_a_filtered_record_moves_the_position_by_itself() -> None:
    offsets = tracker(5)
    offsets.passed(5)
    assert offsets.lowest_open == 6
    offsets.arrived(6, "")
    offsets.passed(7)
    assert offsets.lowest_open == 6
    assert list(offsets.runs()) == [1, 1]


def test_the_runs_name_open_and_done_alternately_from_the_position_on() -> None:
    offsets = tracker(0)
    for offset in range(10):
        offsets.arrived(offset, "")
    for offset in (0, 2, 3, 6, 9):
        offsets.completed(offset)
    assert offsets.lowest_open == 1
    assert list(offsets.runs()) == [1, 2, 2, 1, 2, 1]


def test_a_trailing_open_run_is_not_written() -> None:
    offsets = tracker(0)
    for offset in range(4):
        offsets.arrived(offset, "")
    offsets.completed(1)
    assert list(offsets.runs()) == [1, 1]


def test_an_offset_that_arrives_twice_is_a_defect_and_not_accepted() -> None:
    offsets = tracker(5)
    offsets.arrived(5, "")
    with pytest.raises(ValueError, match="t/0: offset 5 arrived after 5"):
        offsets.arrived(5, "")
    with pytest.raises(ValueError, match="t/0: offset 4 arrived after 5"):
        offsets.passed(4)


def test_completing_what_is_not_open_is_a_defect_and_not_ignored() -> None:
    offsets = tracker(5)
    with pytest.raises(KeyError):
        offsets.completed(5)


def test_a_restored_map_stays_in_force_until_its_offsets_arrive() -> None:
    before = tracker(0)
    for offset in range(6):
        before.arrived(offset, "")
    for offset in (1, 2, 4, 5):
        before.completed(offset)
    after = restored_from(position(before))
    assert position(after) == position(before)
    assert [offset for offset in range(6) if after.already_done(offset)] == [1, 2, 4, 5]
    after.arrived(0, "")
    after.completed(0)
    assert after.lowest_open == 3, "what is done right behind the position need not arrive again"


def test_what_is_done_above_the_position_is_counted_as_the_map_tells_it() -> None:
    offsets = tracker(0)
    for offset in range(10):
        offsets.arrived(offset, "")
    for offset in (0, 2, 3, 6, 9):
        offsets.completed(offset)
    assert (offsets.lowest_open, offsets.done_above) == (1, 4)
    assert restored_from(position(offsets)).done_above == 4
    for offset in (1, 4, 5, 7, 8):
        offsets.completed(offset)
    assert (offsets.lowest_open, offsets.done_above) == (10, 0)


class Tracking(RuleBasedStateMachine):
    """Against a naive model: sets of offsets, and no cleverness."""

    max_length: ClassVar[int] = offset_map.BROKER_LIMIT

    @initialize(start=st.integers(0, 1000))
    def begin(self, start: int) -> None:
        self.offsets = tracker(start)
        self.log: list[int] = []
        """Offsets that exist, of which the first `self.at` arrived in this assignment."""
        self.at = 0
        self.end = start
        self.done: set[int] = set()
        """Truly complete, whoever did it."""
        self.known: set[int] = set()
        """What the committed map told this assignment."""
        self.committed = start

    @rule(gap=st.sampled_from([0, 0, 0, 1, 5]), kind=st.sampled_from(["sent", "filtered"]), count=st.integers(1, 6))
    def arrive(self, gap: int, kind: str, count: int) -> None:
        for _ in range(count):
            if self.at == len(self.log):
                self.log.append(self.end + gap)
                self.end = self.log[-1] + 1
            offset = self.log[self.at]
            self.at += 1
            known = offset in self.known
            assert self.offsets.already_done(offset) == known
            if known or kind == "filtered":
                self.offsets.passed(offset)
                self.done.add(offset)
            else:
                self.offsets.arrived(offset, f"record {offset}")

    @precondition(lambda self: self.offsets.open)
    @rule(data=st.data())
    def complete(self, data: st.DataObject) -> None:
        offset = data.draw(st.sampled_from(sorted(self.offsets.open)))
        assert self.offsets.completed(offset) == f"record {offset}"
        self.done.add(offset)

    @rule()
    def restart(self) -> None:
        committed = position(self.offsets, self.max_length)
        assert committed.offset >= self.committed
        self.committed = committed.offset
        forgotten = {offset for offset in self.log if offset >= committed.offset} & self.done
        self.offsets = restored_from(committed)
        self.at = sum(offset < committed.offset for offset in self.log)
        self.known = {offset for offset in self.log if self.offsets.already_done(offset)}
        assert self.known <= self.done, "what is not done would be skipped"
        forgotten -= self.known
        if self.max_length >= offset_map.BROKER_LIMIT:
            assert not forgotten, "what is done would be sent again"
        self.done -= forgotten

    @invariant()
    def nothing_open_is_below_the_position(self) -> None:
        lowest = self.offsets.lowest_open
        assert not [offset for offset in self.log if offset < lowest and offset not in self.done]

    @invariant()
    def the_position_is_the_lowest_open_offset(self) -> None:
        """Or the one after what arrived, and after what is known to be done behind that."""
        arrived = self.log[: self.at]
        undone = [offset for offset in arrived if offset not in self.done]
        lowest = self.offsets.lowest_open
        if undone:
            assert lowest == min(undone)
        else:
            assert lowest >= (arrived[-1] + 1 if arrived else self.committed)

    @invariant()
    def the_runs_are_exact(self) -> None:
        lowest, runs = self.offsets.lowest_open, list(self.offsets.runs())
        assert all(run > 0 for run in runs)
        assert len(runs) % 2 == 0
        assert self.offsets.done_above == sum(runs[1::2])
        called_done: set[int] = set()
        at = lowest
        for index, length in enumerate(runs):
            if index % 2:
                called_done.update(range(at, at + length))
            at += length
        arrived = set(self.log[: self.at])
        for offset in self.log:
            if offset >= lowest:
                is_done = offset in self.done if offset in arrived else offset in self.known
                assert (offset in called_done) == is_done


class TightTracking(Tracking):
    """With so little room that maps are cut: then things are sent again, and still nothing is skipped."""

    max_length = 70


TestTracking = Tracking.TestCase
TestTracking.settings = settings(max_examples=examples(150), stateful_step_count=40, deadline=None)
TestTightTracking = TightTracking.TestCase
TestTightTracking.settings = settings(max_examples=examples(80), stateful_step_count=40, deadline=None)
