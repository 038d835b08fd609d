from __future__ import annotations

import threading
import time

from hypothesis import given
from hypothesis import strategies as st

from bridge.kafka.consumer.back_pressure import LARGEST_BATCH, SMALLEST_BATCH, BackPressure
from bridge.kafka.consumer.thread.hand_over import HOLDING

MB = 1_000_000


def test_what_is_on_its_way_to_the_loop_counts_as_taken() -> None:
    intake = BackPressure(100, MB)
    intake.handed(60, 600)
    assert intake.free() == (40, MB - 600)


def test_what_has_arrived_is_counted_once() -> None:
    intake = BackPressure(100, MB)
    intake.handed(60, 600)
    intake.room(40, MB - 600)
    intake.accepted(60, 600, 0.001)
    assert intake.free() == (40, MB - 600)


def test_between_its_two_numbers_the_room_is_understated_never_overstated() -> None:
    intake = BackPressure(100, MB)
    intake.handed(60, 600)
    intake.room(40, MB - 600)
    assert intake.free() == (-20, MB - 1200)


@given(st.integers(1, 10_000), st.integers(1, 10 * MB), st.lists(st.tuples(st.integers(1, 500), st.integers(0, MB))))
def test_no_more_is_taken_than_fits(records: int, size: int, handed: list[tuple[int, int]]) -> None:
    intake = BackPressure(records, size)
    for count, length in handed:
        intake.handed(count, length)
    free_records, free_bytes = intake.free()
    taken = intake.take(0)
    assert 0 <= taken <= LARGEST_BATCH
    assert taken <= max(0, free_records)
    assert (taken > 0) == (free_records > 0 and free_bytes > 0)


def test_large_records_are_taken_in_small_numbers_once_their_size_is_known() -> None:
    intake = BackPressure(2000, 32 * MB)
    for _ in range(10):
        intake.handed(500, 500 * MB)
        intake.room(2000, 32 * MB)
        intake.accepted(500, 500 * MB, 0.001)
    assert 30 <= intake.take(0) <= 40


def after(seconds: float, of: int, *, room: int) -> BackPressure:
    """Where accepting so many records has taken the event loop so long."""
    intake = BackPressure(4000, 32 * MB)
    for _ in range(20):
        intake.handed(of, of)
        intake.accepted(of, of, seconds)
    intake.room(room, 32 * MB)
    return intake


def test_records_that_take_the_loop_long_are_handed_over_in_batches_that_do_not_hold_it_up() -> None:
    assert after(0.020, of=500, room=4000).take(0) == HOLDING / (0.020 / 500) == 100


def test_batches_are_neither_so_small_that_handing_over_costs_more_than_the_records_nor_ever_larger() -> None:
    assert after(5.0, of=500, room=4000).take(0) == SMALLEST_BATCH
    assert after(0.0, of=500, room=4000).take(0) == LARGEST_BATCH


def test_where_batches_are_small_the_sleep_ends_at_as_little_room() -> None:
    intake = after(0.020, of=500, room=0)
    taken: list[int] = []
    sleeper = threading.Thread(target=lambda: taken.append(intake.take(30)))
    sleeper.start()
    while intake._awaited is None:
        time.sleep(0.001)
    intake.room(100, 32 * MB)
    sleeper.join(20)
    assert taken == [100]


def test_one_record_always_fits() -> None:
    intake = BackPressure(2000, 10)
    assert intake.take(0) == 1


def test_a_sleep_ends_when_there_is_room_worth_waking_for() -> None:
    intake = BackPressure(80, MB)
    intake.room(0, MB)
    taken: list[int] = []
    sleeper = threading.Thread(target=lambda: taken.append(intake.take(30)))
    sleeper.start()
    while intake._awaited is None:
        time.sleep(0.001)
    intake.room(9, MB)
    assert sleeper.is_alive()
    intake.room(10, MB)
    sleeper.join(20)
    assert taken == [10]


def test_a_little_room_is_taken_after_the_sleep() -> None:
    intake = BackPressure(2000, MB)
    intake.room(3, MB)
    assert intake.take(0.001) == 3


def test_after_a_pause_half_the_room_is_waited_for() -> None:
    intake = BackPressure(100, MB)
    intake.room(49, MB)
    assert not intake.wait_for_half(0.001)
    intake.room(50, MB)
    assert intake.wait_for_half(0.001)


def test_a_wake_that_came_first_ends_the_next_sleep_too() -> None:
    intake = BackPressure(2000, MB)
    intake.room(0, MB)
    intake.rearm()
    intake.wake()
    began = time.monotonic()
    assert intake.take(30) == 0
    assert time.monotonic() - began < 20
