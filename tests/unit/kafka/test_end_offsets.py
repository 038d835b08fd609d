"""Where logs end, and how the committed offset follows the consumer past what is no record."""

from __future__ import annotations

import concurrent.futures
from collections.abc import Callable, Iterable
from types import SimpleNamespace
from typing import Any, cast

import pytest
from confluent_kafka import IsolationLevel
from confluent_kafka import TopicPartition as ClientPartition
from hypothesis import given
from hypothesis import strategies as st

from bridge.holds import Reason
from bridge.kafka.consumer import end_offsets
from bridge.kafka.consumer.end_offsets import HANGING_AFTER, EndOffsets
from bridge.kafka.consumer.thread.consumption import Gap
from bridge.kafka.consumer.thread.hand_over import HandOver
from bridge.kafka.consumer.thread.partition_state import PartitionState
from bridge.kafka.partitions import from_client, to_client
from bridge.model import TopicPartition
from bridge.pipeline.offsets import OffsetTracker
from tests.support.kafka import contexts

ORDERS = TopicPartition("orders", 0)


class Client:
    """What the client would say about its partitions, and what brokers answer about their ends."""

    def __init__(self) -> None:
        self.at: dict[TopicPartition, tuple[int, int | None]] = {}
        self.high: dict[TopicPartition, int] = {}
        self.stable: dict[TopicPartition, int] = {}
        self.questions: list[tuple[set[TopicPartition], IsolationLevel]] = []

    def position(self, partitions: list[ClientPartition]) -> list[ClientPartition]:
        return [to_client(p, *self.at.get(p, (-1001, None))) for p in map(from_client, partitions)]

    def get_watermark_offsets(self, partition: ClientPartition, *, cached: bool) -> tuple[int, int]:
        assert cached, "the other form waits for a broker"
        return 0, self.high.get(from_client(partition), -1001)

    def list_offsets(
        self, wanted: dict[ClientPartition, Any], *, request_timeout: float, isolation_level: IsolationLevel
    ) -> dict[ClientPartition, concurrent.futures.Future[Any]]:
        del request_timeout
        self.questions.append((set(map(from_client, wanted)), isolation_level))
        answers: dict[ClientPartition, concurrent.futures.Future[Any]] = {}
        for each in wanted:
            answers[each] = concurrent.futures.Future()
            answers[each].set_result(SimpleNamespace(offset=self.stable.get(from_client(each), 0)))
        return answers


class Told:
    """The loop's side, without a loop."""

    def __init__(self) -> None:
        self.gaps: list[tuple[int, int, int | None]] = []
        self.holds: list[tuple[str, float]] = []

    def passed(self, gaps: Iterable[Gap]) -> None:
        for gap in gaps:
            self.gaps.append(gap[1:])
            gap.tracker.nothing_in(*gap[1:])

    def partition_held(self, partition: TopicPartition, reason: Reason, detail: str, seconds: float) -> None:
        assert (partition, reason) == (ORDERS, Reason.TRANSACTION_HANGING)
        self.holds.append((detail, seconds))

    def partition_released(self, partition: TopicPartition, reason: Reason) -> None:
        assert (partition, reason) == (ORDERS, Reason.TRANSACTION_HANGING)
        self.holds.append(("released", 0.0))


class AtOnce(HandOver):
    def __init__(self, told: Told) -> None:
        self.consumption = cast("Any", told)

    def tell(self, method: Any, *arguments: Any) -> None:
        method(*arguments)


class Scene:
    def __init__(self, start: int = 0, *, committed_only: bool = True) -> None:
        self.now = 1000.0
        self.client, self.told = Client(), Told()
        self.entry = PartitionState(ORDERS)
        self.tracker: OffsetTracker[str] = OffsetTracker(ORDERS, start, leader_epoch=4)
        self.entry.tracker, self.entry.next_offset = self.tracker, start
        context = contexts.context(
            self.client, AtOnce(self.told), committed_only=committed_only, clock=lambda: self.now
        )
        self.table = context.partitions
        self.table.add(self.entry)
        self.ends = EndOffsets(context, wall=lambda: 1_700_000_000.0 + self.now)

    def takes(self, *offsets: int) -> None:
        """Records that are handed over and done at once."""
        for offset in offsets:
            self.tracker.passed(offset)
        self.entry.next_offset = offsets[-1] + 1
        self.client.at[ORDERS] = (offsets[-1] + 1, 4)

    def reaches(self, offset: int) -> None:
        """The client says that the partition ends here."""
        message = SimpleNamespace(topic=lambda: "orders", partition=lambda: 0, offset=lambda: offset)
        self.ends.reached(cast("Any", message))
        self.ends.step()

    def second(self, seconds: float = 1.0) -> int | None:
        self.now += seconds
        self.ends.upkeep()
        return self.ends.ends.get(ORDERS)


def test_the_position_follows_past_a_marker_at_the_end_and_carries_the_markers_epoch() -> None:
    scene = Scene()
    scene.second()
    scene.takes(0, 1, 2)
    scene.client.at[ORDERS] = (4, 5)
    scene.reaches(4)
    assert scene.tracker.lowest_open == 4
    assert scene.told.gaps == [(3, 4, 5)]


def test_behind_what_compaction_took_no_epoch_is_claimed() -> None:
    """With the last record's epoch the brokers may take the offset for one of a log that was cut off since."""
    scene = Scene()
    scene.takes(0, 1)
    scene.reaches(9)
    assert scene.tracker.lowest_open == 9
    assert scene.tracker.leader_epoch is None


def test_an_open_record_stays_the_position_whatever_gap_is_behind_it() -> None:
    scene = Scene()
    scene.tracker.arrived(0, "open")
    scene.tracker.passed(1)
    scene.entry.next_offset = 2
    scene.reaches(5)
    assert scene.tracker.lowest_open == 0
    scene.tracker.completed(0)
    assert scene.tracker.lowest_open == 5


def test_records_that_were_handed_over_and_not_taken_are_not_passed() -> None:
    """Those of a held topic are dropped unread; the next owner reads them again from the position below them."""
    scene = Scene()
    scene.takes(0, 1)
    scene.entry.next_offset = 7  # 2 to 6 were handed over
    scene.reaches(8)
    assert scene.tracker.lowest_open == 2


def test_an_end_said_before_later_records_were_taken_changes_nothing() -> None:
    scene = Scene()
    scene.takes(0, 1, 5)
    scene.reaches(3)
    assert scene.told.gaps == []
    assert scene.tracker.lowest_open == 6


def test_aborted_transactions_without_a_pause_are_passed_although_the_end_is_never_said() -> None:
    scene = Scene()
    scene.takes(0, 1, 2)
    scene.second()
    for position in (40, 80, 120):
        scene.client.at[ORDERS] = (position, 4)
        scene.second()
        assert scene.tracker.lowest_open == position


def test_a_position_that_an_earlier_assignment_left_behind_is_not_believed() -> None:
    """The records of a call are counted by the client after a callback within it gave their partition away."""
    scene = Scene(start=5)
    scene.client.at[ORDERS] = (10, 4)
    scene.second()
    scene.second()
    assert scene.told.gaps == []
    scene.takes(5)
    scene.client.at[ORDERS] = (10, 4)
    scene.second()
    assert scene.tracker.lowest_open == 6
    scene.client.at[ORDERS] = (12, 4)
    scene.second()
    assert scene.tracker.lowest_open == 12


@pytest.mark.parametrize("why", ["held", "paused", "gone"])
def test_a_partition_that_is_not_read_is_not_followed(why: str) -> None:
    scene = Scene()
    scene.second()
    if why == "held":
        scene.entry.held = Reason.OUT_OF_RANGE
    elif why == "paused":
        scene.entry.paused = True
    else:
        scene.table.remove([scene.entry])
    scene.client.at[ORDERS] = (8, 4)
    scene.client.stable[ORDERS] = 8
    scene.reaches(8)
    scene.second()
    assert scene.told.gaps == []


def test_an_end_of_an_assignment_that_is_over_does_not_reach_the_next() -> None:
    scene = Scene()
    message = SimpleNamespace(topic=lambda: "orders", partition=lambda: 0, offset=lambda: 9)
    scene.ends.reached(cast("Any", message))
    scene.table.remove([scene.entry])
    again = PartitionState(ORDERS)
    again.tracker, again.next_offset = OffsetTracker(ORDERS, 0), 0
    scene.table.add(again)
    scene.ends.step()
    assert scene.told.gaps == []
    assert again.next_offset == 0


# --- lag --------------------------------------------------------------------------------------------


def test_at_the_end_the_end_is_the_last_stable_offset_and_nobody_is_asked() -> None:
    scene = Scene()
    scene.takes(0, 1, 2)
    scene.client.at[ORDERS], scene.client.high[ORDERS] = (35, 4), 140
    scene.reaches(35)
    assert scene.second() == 35 == scene.tracker.lowest_open
    assert scene.client.questions == []


def test_behind_the_end_the_end_is_that_of_the_last_fetch() -> None:
    scene = Scene()
    scene.client.high[ORDERS] = scene.client.stable[ORDERS] = 500
    assert scene.second() == 500
    scene.client.high[ORDERS] = 600
    assert scene.second() == 600
    assert scene.client.questions == [({ORDERS}, IsolationLevel.READ_COMMITTED)]


def test_behind_the_end_what_an_open_transaction_withholds_is_no_lag() -> None:
    scene = Scene()
    scene.client.high[ORDERS], scene.client.stable[ORDERS] = 500, 120
    assert scene.second() == 500
    assert scene.second() == 120
    scene.client.stable[ORDERS] = 500
    scene.second(10.0)
    assert scene.second() == 500


def test_records_of_open_transactions_are_lag_where_they_are_read() -> None:
    scene = Scene(committed_only=False)
    scene.client.high[ORDERS] = scene.client.stable[ORDERS] = 500
    scene.second()
    assert scene.client.questions == [({ORDERS}, IsolationLevel.READ_UNCOMMITTED)]


# --- transactions that do not end ---------------------------------------------------------------------


def test_a_transaction_that_does_not_end_is_named_with_its_offset_and_its_beginning() -> None:
    scene = Scene()
    scene.takes(0, 1, 2)
    scene.client.high[ORDERS] = 106
    scene.reaches(3)
    scene.second()
    scene.second(HANGING_AFTER - 1)
    assert scene.told.holds == []
    scene.second()
    [(sentence, seconds)] = scene.told.holds
    assert seconds == HANGING_AFTER
    assert (
        "orders/0: the last stable offset is 3 since 2023-11-14T22:30:01Z, while the log continues to 106" in sentence
    )
    assert "103 offsets" in sentence


def test_a_transaction_that_ends_is_named_no_more_and_the_next_one_has_its_own_time() -> None:
    scene = Scene()
    scene.client.high[ORDERS] = 10
    scene.reaches(0)
    scene.second()
    scene.second(HANGING_AFTER)
    scene.client.high[ORDERS] = 30
    scene.reaches(11)
    scene.second()
    assert [what for what, _ in scene.told.holds][1:] == ["released"]
    scene.second(HANGING_AFTER - 1)
    assert len(scene.told.holds) == 2
    scene.second()
    assert len(scene.told.holds) == 3


def test_a_log_that_is_read_to_its_very_end_has_no_open_transaction_however_long_it_is_quiet() -> None:
    scene = Scene()
    scene.client.high[ORDERS] = 3
    scene.reaches(3)
    scene.second()
    scene.second(10 * HANGING_AFTER)
    assert scene.told.holds == []


# --- whatever comes -----------------------------------------------------------------------------------


class Life:
    """A log that is written, read and worked off in any order."""

    def __init__(self) -> None:
        self.scene = Scene()
        self.records: list[int] = []
        self.done: set[int] = set()
        self.end = 0
        self.takes = True

    @property
    def lowest(self) -> int:
        """The first record that is not done."""
        return min((offset for offset in self.records if offset not in self.done), default=self.end)

    def filtered(self) -> None:
        if self.takes:
            self.scene.tracker.passed(self.end)
            self.done.add(self.end)
        self._record()

    def opened(self) -> None:
        if self.takes:
            self.scene.tracker.arrived(self.end, "open")
        self._record()

    def _record(self) -> None:
        self.records.append(self.end)
        self.end += 1
        self.scene.entry.next_offset = self.end
        self.scene.client.at[ORDERS] = (self.end, 4)

    def marker(self) -> None:
        self.end += 1
        self.scene.client.at[ORDERS] = (self.end, 4)

    def compacted(self) -> None:
        self.end += 3

    def reached(self) -> None:
        self.scene.reaches(self.end)

    def second(self) -> None:
        self.scene.second()

    def dropped(self) -> None:
        """A held topic takes nothing more in this assignment."""
        self.takes = False

    def completed(self) -> None:
        for lowest in list(self.scene.tracker.open)[:1]:
            self.scene.tracker.completed(lowest)
            self.done.add(lowest)


@given(
    st.lists(
        st.sampled_from(
            (
                Life.filtered,
                Life.opened,
                Life.marker,
                Life.compacted,
                Life.reached,
                Life.second,
                Life.dropped,
                Life.completed,
            )
        ),
        max_size=40,
    )
)
def test_the_position_never_passes_a_record_that_is_not_done(steps: list[Callable[[Life], None]]) -> None:
    life = Life()
    for step in steps:
        step(life)
        assert life.scene.tracker.lowest_open <= life.lowest
    life.reached()
    if life.takes:
        assert life.scene.tracker.lowest_open == life.lowest


def test_the_sentence_names_times_in_utc() -> None:
    assert "since 1970-01-01T00:00:00Z" in end_offsets.hanging(ORDERS, 1, 2, 0.0)
