"""Letters: acknowledged before the offset completes, back-pressure when they cannot be written, a breaker on a row."""

from __future__ import annotations

import gc

import pytest

from bridge.model import LetterReason, TopicPartition, Verdict
from bridge.pipeline.ports import Oversized
from bridge.pipeline.settings import DeliverySettings
from bridge.pipeline.work import Work
from tests.unit.pipeline.fakes import ACCEPTED, REJECTED, TIMED_OUT, TOO_LARGE, UNWRITABLE
from tests.unit.pipeline.world import World

P0, P1 = TopicPartition("orders", 0), TopicPartition("orders", 1)
Q0 = TopicPartition("payments", 0)


def with_breaker(hold_after: int = 5, max_buffered: int = 2000) -> World:
    return World(
        DeliverySettings.model_construct(rate_limit=None, hold_after_letters=hold_after, max_buffered=max_buffered)
    )


# --- letters that cannot be written -----------------------------------------------------------------


def test_what_is_buffered_is_still_sent_while_letters_cannot_be_written(world: World) -> None:
    world.letters.topic = lambda _: (0.01, UNWRITABLE)
    world.feed(P0, "!", *["ann"] * 50)
    world.run(30)
    assert len(world.sink.accepted) == 50


@pytest.mark.parametrize("leave", ["revoke", "lose"])
@pytest.mark.parametrize("moment", [0.3, 0.005])
def test_intake_goes_on_when_the_unwritable_letters_left_with_their_partition(
    world: World, leave: str, moment: float
) -> None:
    world.letters.topic = lambda _: (0.01, UNWRITABLE)
    world.assign(P0, P1)
    world.feed(P0, "!", "!")
    world.run(0.02)
    assert world.dispatcher.room() == (0, 0)
    world.run_until(lambda: bool(world.letters.pending) == (moment < 0.01), 10)
    getattr(world, leave)(P0)
    world.run(1)
    assert world.dispatcher.room()[0] > 0
    assert len(world.event_log.named("letters_writable")) == 1
    attempts = world.letters.attempts
    world.run(300)
    assert world.letters.attempts == attempts, "nothing is written for a partition that is another's"


def test_intake_goes_on_when_the_last_unwritable_letter_turns_out_too_large(world: World) -> None:
    world.letters.topic = lambda _: (0.01, UNWRITABLE)
    world.assign(P0, P1)
    world.feed(P0, "!")
    world.run(0.1)
    world.letters.topic = lambda _: (0.01, TOO_LARGE)
    world.run(10)
    assert world.dispatcher.room()[0] > 0


def test_a_letter_too_large_for_the_topic_holds_only_its_partition(world: World) -> None:
    world.letters.topic = lambda letter: (0.01, TOO_LARGE if letter.record.partition == 0 else None)
    world.assign(P0, P1)
    world.feed(P0, "ann", "!", "ann")
    world.run(1)
    (tracker,) = world.positions.paused
    assert tracker.partition == P0
    assert world.event_log.named("partition_held") == [(tracker, TOO_LARGE.message)]
    world.feed(P1, "bob", "!", "bob")
    world.run(60)
    assert world.positions.committed[P0].offset == 1
    assert world.positions.committed[P1].offset == 3
    assert len(world.sink.accepted) == 4
    assert world.letters.attempts == 2, "trying again cannot help"
    assert world.dispatcher.room()[0] > 0


def test_a_user_s_next_event_waits_until_the_letter_of_the_one_before_is_acknowledged(world: World) -> None:
    world.sink.api = lambda work: (0.01, REJECTED if work.record.offset == 0 else ACCEPTED)
    world.letters.topic = lambda _: None
    world.feed(P0, "ann", "ann")
    world.run(1)
    assert len(world.sink.sent) == 1
    (work,) = world.letters.pending
    world.letters.receipt(work, None)
    world.run(1)
    assert len(world.sink.sent) == 2


# --- the breaker ------------------------------------------------------------------------------------


def test_a_renamed_field_in_a_backlog_of_ten_thousand_costs_exactly_hold_after_letters() -> None:
    world = with_breaker(100)
    world.assign(P0)
    world.write(P0, *["!"] * 10_000)
    for _ in range(200):
        world.deliver(P0, 500)
        world.run(0.1)
    assert len(world.letters.written) == 100
    assert world.positions.paused_topics == ["orders"]
    assert world.positions.committed[P0].offset == 100


def test_a_mapping_the_api_rejects_costs_exactly_hold_after_letters() -> None:
    world = with_breaker(100)
    world.sink.api = lambda _: (0.05, REJECTED)
    world.assign(P0)
    world.write(P0, *[f"user {i % 500}" for i in range(10_000)])
    for _ in range(200):
        world.deliver(P0, 500)
        world.run(0.1)
    assert len(world.letters.written) == 100


def test_a_held_topic_leaves_the_others_alone() -> None:
    world = with_breaker(5)
    world.feed(P0, *["!"] * 20)
    world.feed(Q0, "ann", "!", "ann")
    world.run(5)
    assert len(world.letters.written) == 6
    assert world.positions.committed[Q0].offset == 3
    assert world.positions.committed[P0].offset == 5


def test_a_slow_api_with_ten_percent_bad_records_holds_nothing() -> None:
    world = with_breaker(20, max_buffered=500)
    world.sink.api = lambda _: (10.0, ACCEPTED)
    world.assign(P0)
    world.write(P0, *["!" if i % 10 == 0 else f"user {i}" for i in range(3000)])
    while not world.all_finished():
        world.deliver(P0)
        world.run(10)
        assert world.positions.paused_topics == []
        assert world.now < 10_000
    assert len(world.letters.written) == 300


def test_filtered_records_neither_end_a_row_nor_lengthen_it() -> None:
    world = with_breaker(5)
    world.feed(P0, *["!", "-"] * 5)
    world.run(1)
    assert len(world.letters.written) == 5
    assert world.positions.paused_topics == []
    world.feed(P0, "-", "!")
    world.run(1)
    assert len(world.letters.written) == 5
    assert world.positions.paused_topics == ["orders"]


def test_a_delivery_ends_the_row() -> None:
    world = with_breaker(5)
    for _ in range(10):
        world.feed(P0, *["!"] * 5)
        world.run(1)
        world.feed(P0, "ann")
        world.run(1)
    assert len(world.letters.written) == 50
    assert world.positions.paused_topics == []


@pytest.mark.parametrize(("verdict", "holds"), [(ACCEPTED, False), (REJECTED, True)])
def test_letters_wait_for_what_may_still_be_delivered_and_the_answer_decides(verdict: Verdict, *, holds: bool) -> None:
    world = with_breaker(5)
    world.sink.api = lambda _: None
    world.feed(P0, "ann", *["!"] * 7)
    world.run(1)
    assert len(world.letters.written) == 5
    assert world.positions.paused_topics == []
    world.sink.answer_all(verdict)
    world.run(1)
    assert len(world.letters.written) == (5 if holds else 7)
    assert world.positions.paused_topics == (["orders"] if holds else [])


def test_a_letter_waits_for_the_other_event_of_its_record_too() -> None:
    world = with_breaker(1)
    world.feed(P0, "!")
    world.feed(P0, "!+ann")
    assert world.positions.paused_topics == []
    world.run(1)
    assert (len(world.letters.written), world.positions.paused_topics) == (2, [])


@pytest.mark.parametrize(("verdict", "holds"), [(ACCEPTED, False), (REJECTED, True)])
def test_a_letter_that_comes_before_the_request_of_its_record_waits_for_that_answer(
    verdict: Verdict, *, holds: bool
) -> None:
    world = with_breaker(1)
    world.sink.api = lambda _: None
    world.feed(P0, "!", "!+ann")
    world.run(1)
    assert (len(world.letters.written), world.positions.paused_topics) == (1, [])
    world.sink.answer_all(verdict)
    world.run(1)
    assert (len(world.letters.written), world.positions.paused_topics) == ((1, ["orders"]) if holds else (2, []))


def kept(value: bytes) -> int:
    """Events of records of this value that anything still holds."""
    gc.collect()
    return sum(type(each) is Work and each.record.value == value for each in gc.get_objects())


@pytest.mark.slow
@pytest.mark.parametrize("end", ["delivered", "held", "lost"])
def test_an_event_that_is_done_is_not_kept_for_the_row_it_could_have_ended(end: str) -> None:
    world = with_breaker(1)
    world.sink.api = lambda _: None
    world.feed(P0, "!", "the witness", "!")
    assert kept(b"the witness") == 1
    if end == "lost":
        world.lose(P0)
    else:
        world.sink.answer_all(ACCEPTED if end == "delivered" else REJECTED)
    world.run(1)
    if end == "held":  # then it is one of those that wait for a person
        assert world.positions.paused_topics == ["orders"]
        world.lose(P0)
        world.run(1)
    assert kept(b"the witness") == 0


def test_hold_after_zero_never_holds() -> None:
    world = with_breaker(0)
    world.feed(P0, *["!"] * 500)
    world.run(5)
    assert len(world.letters.written) == 500


def test_a_partition_of_a_held_topic_that_comes_back_stays_held() -> None:
    world = with_breaker(5)
    world.feed(P0, *["!"] * 20)
    world.run(1)
    world.revoke(P0)
    (tracker,) = world.assign(P0)
    assert tracker in world.positions.paused
    world.dispatcher.accept(tracker, world.logs[P0].records[5:])
    world.run(1)
    assert len(world.letters.written) == 5


def test_every_letter_is_written_once_per_event(world: World) -> None:
    world.sink.api = lambda _: (0.01, REJECTED)
    world.feed(P0, "!", "ann+bob", "!+ann")
    world.run(1)
    outputs = sorted((letter.record.offset, letter.output, letter.reason) for letter in world.letters.written)
    assert outputs == [
        (0, 0, LetterReason.UNMAPPABLE),
        (1, 0, LetterReason.REJECTED),
        (1, 1, LetterReason.REJECTED),
        (2, 0, LetterReason.UNMAPPABLE),
        (2, 1, LetterReason.REJECTED),
    ]


def test_a_letter_that_cannot_be_written_is_back_pressure_and_never_a_skip(world: World) -> None:
    world.letters.topic = lambda _: (0.01, UNWRITABLE)
    world.feed(P0, "!")
    world.run(300)
    assert world.dispatcher.room() == (0, 0)
    assert world.positions.committed[P0].offset == 0
    assert world.event_log.named("letters_unwritable") == [(UNWRITABLE.message,)]
    assert world.letters.attempts > 5
    world.letters.topic = lambda _: (0.01, None)
    world.run(120)
    assert world.dispatcher.room() == (2000, 32_000_000)
    assert world.positions.committed[P0].offset == 1
    assert len(world.event_log.named("letters_writable")) == 1
    assert len(world.letters.written) == 1


@pytest.mark.parametrize("leave", ["revoke", "lose", "deadline"])
def test_what_leaves_with_its_partition_speaks_neither_for_the_topic_nor_against_it(leave: str) -> None:
    world = with_breaker(5)
    world.sink.api = lambda _: None
    world.assign(P0, P1)
    world.feed(P0, "ann", "ann", *["!"] * 5)
    world.feed(P1, "!", "!")
    world.run(0.1)
    assert len(world.letters.written) == 5
    if leave == "lose":
        world.lose(P0)
    else:
        world.revoke(P0)
    world.run(30 if leave == "deadline" else 0)
    if leave == "revoke":
        world.sink.answer_all(TIMED_OUT)
    world.run(1)
    assert world.positions.paused_topics == []
    assert world.positions.committed[P1].offset == 2, "the letters of the partition that stays were not forgotten"


def test_a_held_topic_is_told_of_once() -> None:
    world = with_breaker(5)
    world.feed(P0, "+".join("!" * 20))
    world.run(1)
    assert world.event_log.named("topic_held") == [
        ("orders", 5, "5 \N{MULTIPLICATION SIGN} no such field", "orders/0/0")
    ]
    assert world.positions.paused_topics == ["orders"]


def test_every_refusal_of_a_letter_is_reported_and_not_only_the_first(world: World) -> None:
    world.letters.topic = lambda _: (0.01, UNWRITABLE)
    world.feed(P0, "!")
    world.run(30)
    refusals = world.event_log.named("letter_refused")
    assert len(refusals) == world.dispatcher.tally.letter_failures > 1
    assert {detail for _, detail in refusals} == {UNWRITABLE.message}


def test_a_letter_that_is_too_large_is_reported_as_refused(world: World) -> None:
    world.letters.topic = lambda _: (0.01, TOO_LARGE)
    world.feed(P0, "!")
    world.run(5)
    [(letter, detail)] = world.event_log.named("letter_refused")
    assert (letter.record.offset, detail) == (0, TOO_LARGE.message)


def test_a_record_too_large_becomes_a_letter_without_its_value_and_its_offset_completes(world: World) -> None:
    [tracker] = world.assign(P0)
    record = world.logs[P0].append(P0, "ann", b"key", 0)
    large = Oversized(record._replace(value=None), 60_000_000, 20_000_000)
    assert world.dispatcher.accept(tracker, [large]) == 1
    world.run(1)
    (letter,) = world.letters.written
    assert (letter.reason, letter.value_left_out) == (LetterReason.TOO_LARGE, 60_000_000)
    assert letter.record.value is None
    assert letter.record.key == b"key"
    assert "kafka.max_record_bytes (20000000)" in letter.message
    assert record.coordinates in letter.message
    assert world.dispatcher.tally.consumed == 1
    assert world.positions.committed[P0].offset == 1


def test_records_too_large_are_held_by_the_breaker_like_any_that_cannot_be_mapped(world: World) -> None:
    [tracker] = world.assign(P0)
    records = [world.logs[P0].append(P0, "ann", None, 0) for _ in range(150)]
    world.dispatcher.accept(tracker, [Oversized(each._replace(value=None), 99, 9) for each in records])
    world.run(5)
    assert len(world.letters.written) == 100
    assert world.dispatcher.topics["orders"].held
