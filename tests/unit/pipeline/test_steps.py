"""Steps of one record: each is sent only after the one before it was accepted, whatever keeps events in order.

The sink checks at every request that what comes before it was accepted; here is what becomes of the rest.
"""

from __future__ import annotations

from typing import Any

import pytest

from bridge.config.sections import RetryPolicy
from bridge.model import COMPANY, IDENTIFY, TRACK, FailedStep, LetterReason, TopicPartition, Verdict
from bridge.pipeline.settings import DeliverySettings
from bridge.pipeline.work import Work
from tests.unit.pipeline.fakes import ACCEPTED, FAILED, REJECTED, TOO_LARGE, UNWRITABLE, Api, unauthorized
from tests.unit.pipeline.world import World

P0, P1 = TopicPartition("orders", 0), TopicPartition("orders", 1)
OTHERS = TopicPartition("payments", 0)
USER = "ann:identify>acme:company>ann"
ORDERINGS = ["user", "none", "key", "partition"]


def world_with(**settings: Any) -> World:
    settings = {"rate_limit": None, "max_in_flight": 50, **settings}
    return World(DeliverySettings.model_construct(**settings))


def answering(**verdicts: Verdict) -> Api:
    """By the kind of request; everything else is accepted."""
    return lambda work: (0.05, verdicts.get(work.request.kind.name, ACCEPTED))


@pytest.mark.parametrize("ordering", ORDERINGS)
def test_steps_go_one_after_the_other_in_every_ordering(ordering: str) -> None:
    world = world_with(ordering=ordering)
    world.feed(P0, *[USER] * 5, key=b"k")
    world.run(5)
    for offset in range(5):
        assert [event[2] for event in world.sink.accepted if event[1] == offset] == [0, 1, 2]
    assert world.owned[P0].lowest_open == 5


def test_a_record_is_done_when_its_last_step_is() -> None:
    world = world_with()
    world.sink.api = lambda _: None
    world.feed(P0, USER)
    for done in range(3):
        assert world.owned[P0].lowest_open == 0, f"after {done} steps"
        world.sink.answer_all(ACCEPTED)
    assert world.owned[P0].lowest_open == 1
    assert world.dispatcher.tally.delivered == 1
    assert world.sink.kinds == [("identify", "ann"), ("company", "company:acme"), ("track", "ann")]


def test_steps_that_are_filtered_are_passed_over() -> None:
    world = world_with()
    world.feed(P0, "->ann:identify>->-:forget>ann>-", "->-")
    world.run(2)
    assert world.sink.kinds == [("identify", "ann"), ("track", "ann")]
    assert world.owned[P0].lowest_open == 2


def test_a_later_event_of_a_user_waits_for_all_of_the_user_s_steps_before_it() -> None:
    world = world_with()
    world.sink.api = lambda work: (1.0 if work.request.kind is COMPANY else 0.01, ACCEPTED)
    world.feed(P0, USER, "ann", "acme:company")
    world.run(5)
    assert [event[1:] for event in world.sink.accepted if event[1] != 2] == [(0, 0), (0, 1), (0, 2), (1, 0)]
    world.check_order()


@pytest.mark.parametrize("ordering", ORDERINGS)
@pytest.mark.parametrize(
    ("value", "failed", "sent"),
    [
        ("!>ann:identify>ann", FailedStep(0, 3), 0),
        ("ann:identify>!>ann", FailedStep(1, 3), 1),
        ("ann:identify>acme:company>!", FailedStep(2, 3), 2),
    ],
)
def test_a_step_that_cannot_be_mapped_leaves_those_behind_it_with_its_letter(
    ordering: str, value: str, failed: FailedStep, sent: int
) -> None:
    world = world_with(ordering=ordering)
    world.feed(P0, value, "ann", key=b"k")
    world.run(5)
    assert [(letter.step, letter.output, letter.attempts) for letter in world.letters.written] == [
        (failed, failed.number, 0)
    ]
    assert len([event for event in world.sink.accepted if event[1] == 0]) == sent
    assert [event for event in world.sink.accepted if event[1] == 1], "the user's next event goes"
    assert world.owned[P0].lowest_open == 2
    assert len(world.dispatcher.queues.keys) == 0


@pytest.mark.parametrize("ordering", ORDERINGS)
def test_an_identify_that_is_refused_leaves_the_rest_with_its_letter(ordering: str) -> None:
    world = world_with(ordering=ordering)
    world.sink.api = answering(identify=REJECTED)
    world.feed(P0, USER, key=b"k")
    world.run(5)
    (letter,) = world.letters.written
    assert (letter.reason, letter.kind, letter.status) == (LetterReason.REJECTED, "identify", 400)
    assert letter.step == FailedStep(0, 3)
    assert world.sink.accepted == []
    assert (world.dispatcher.tally.dead_lettered, world.owned[P0].lowest_open) == (1, 1)


@pytest.mark.parametrize("ordering", ORDERINGS)
@pytest.mark.parametrize("value", [USER, "ann:!>acme:company>ann"])
def test_or_it_is_a_letter_of_its_own_and_the_rest_is_sent_each_once(ordering: str, value: str) -> None:
    world = world_with(ordering=ordering)
    world.mapper.sends_the_rest = True
    world.sink.api = answering(identify=REJECTED)
    world.feed(P0, value, key=b"k")
    world.run(5)
    (letter,) = world.letters.written
    assert letter.step == FailedStep(0, 3, rest_sent=True)
    assert [event[2] for event in world.sink.accepted] == [1, 2]
    assert [kind for kind, _ in world.sink.kinds if kind != "identify"] == ["company", "track"]
    assert world.owned[P0].lowest_open == 1


def test_a_company_that_is_refused_leaves_the_rest_even_where_the_rest_follows_an_identify() -> None:
    world = world_with()
    world.mapper.sends_the_rest = True
    world.sink.api = answering(company=REJECTED)
    world.feed(P0, USER)
    world.run(5)
    assert [letter.step for letter in world.letters.written] == [FailedStep(1, 3)]
    assert [event[2] for event in world.sink.accepted] == [0]


def test_the_last_step_leaves_no_rest_that_could_be_sent() -> None:
    world = world_with()
    world.mapper.sends_the_rest = True
    world.feed(P0, "ann>ann:!")
    world.run(5)
    assert [letter.step for letter in world.letters.written] == [FailedStep(1, 2)]


@pytest.mark.parametrize("rest", [False, True])
def test_a_refused_key_is_never_the_identify_s_fault(*, rest: bool) -> None:
    world = world_with(hold_after_unauthorized=2)
    world.mapper.sends_the_rest = rest
    world.sink.api = answering(identify=unauthorized())
    world.feed(P0, USER)
    world.run(1)
    assert [(letter.reason, letter.step) for letter in world.letters.written] == [
        (LetterReason.UNAUTHORIZED, FailedStep(0, 3))
    ]
    assert world.sink.accepted == []


def test_a_step_that_keeps_failing_becomes_a_letter_with_all_of_its_attempts() -> None:
    world = world_with(retry=RetryPolicy.model_construct(initial_backoff=0.1, max_backoff=0.5, max_attempts=3))
    world.sink.api = lambda work: (0.01, FAILED if work.who == "company:acme" else ACCEPTED)
    world.feed(P0, USER)
    for _ in range(400):
        world.feed(OTHERS, *(f"c{n}:company" for n in range(30)))
        world.run(0.2)
        if world.letters.written:
            break
    (letter,) = world.letters.written
    assert (letter.reason, letter.step, letter.kind) == (LetterReason.RETRIES_EXHAUSTED, FailedStep(1, 3), "company")
    assert letter.attempts > 3
    world.run(5)
    assert world.owned[P0].lowest_open == 1


@pytest.mark.parametrize("ordering", ORDERINGS)
def test_a_first_step_on_the_shelf_keeps_nobody_from_the_user_s_queue(ordering: str) -> None:
    world = world_with(ordering=ordering, hold_after_letters=2)
    world.sink.api = lambda work: None if work.who == "slow" else (0.01, ACCEPTED)
    world.feed(P1, "slow")
    world.feed(P0, *["!>ann:identify>ann"] * 4, key=b"k")
    world.feed(OTHERS, "ann", key=b"k")
    world.run(1)
    assert (OTHERS, 0, 0) in world.sink.accepted, "another topic's event of the user waits for nothing of them"
    assert len(world.letters.written) == 2
    world.sink.answer_all(ACCEPTED)
    world.run(1)
    assert len(world.letters.written) == 4
    assert world.owned[P0].lowest_open == 4


def test_steps_that_will_go_with_a_letter_are_none_that_may_end_the_row() -> None:
    world = world_with(hold_after_letters=2)
    world.letters.topic = lambda _: None
    world.sink.api = answering(identify=REJECTED)
    world.feed(P0, *[f"u{n}:identify>u{n}" for n in range(3)])
    world.run(1)
    assert world.dispatcher.topics["orders"].held


def test_ten_thousand_steps_left_in_one_queue_are_passed_over() -> None:
    world = world_with(max_buffered=40_000, hold_after_letters=0)
    world.sink.api = lambda work: None if work.who == "ann" else (0.001, REJECTED)
    world.feed(P0, "ann", *[f"c{n}:company>ann" for n in range(3000)], "ann")
    world.run(20)
    assert len(world.letters.written) == 3000
    world.sink.answer_all(ACCEPTED)
    world.run(1)
    world.sink.answer_all(ACCEPTED)
    assert [event[1] for event in world.sink.accepted] == [0, 3001]


@pytest.mark.parametrize("refused", [UNWRITABLE, TOO_LARGE])
@pytest.mark.parametrize("way", ["revoke", "lose"])
def test_what_is_left_with_a_letter_that_is_not_written_is_the_next_owner_s(refused: Any, way: str) -> None:
    world = world_with()
    world.sink.api = answering(identify=REJECTED)
    world.letters.topic = lambda _: (0.01, refused)
    world.feed(P0, USER, "[ann:identify>ann+bob")
    world.run(0.5)
    getattr(world, way)(P0)
    world.run(30)
    world.sink.api, world.letters.topic = answering(), lambda _: (0.01, None)
    world.positions.paused.clear()
    world.assign(P0)
    world.deliver(P0)
    world.run(5)
    assert world.all_finished()
    assert world.owned[P0].lowest_open == 2
    assert len(world.dispatcher.queues.keys) == 0
    assert not world.dispatcher.failing.lengths


@pytest.mark.parametrize("ordering", ORDERINGS)
@pytest.mark.parametrize("way", ["revoke", "lose"])
@pytest.mark.parametrize("done", [0, 1, 2])
@pytest.mark.parametrize("wire", ["answered", "failed", "silent"])
def test_a_partition_may_leave_between_any_two_steps(ordering: str, way: str, done: int, wire: str) -> None:
    world = world_with(ordering=ordering, drain_timeout=2.0)
    world.sink.api = lambda _: None
    world.feed(P0, "ann:identify>acme:company>ann", key=b"k")
    world.feed(P1, "acme:company>ann", "ann", key=b"k")
    for _ in range(done):
        world.sink.answer(next(work for work in world.sink.on_wire if work.partition.tracker.partition == P0), ACCEPTED)
    getattr(world, way)(P0)
    if wire != "silent":
        for work in [each for each in world.sink.on_wire if each.partition.tracker.partition == P0]:
            world.sink.answer(work, ACCEPTED if wire == "answered" else FAILED)
    world.run(3)
    world.sink.api = answering()
    world.sink.answer_all(ACCEPTED)
    world.run(10)
    assert world.owned[P1].lowest_open == 2, "what is another partition's goes on"
    assert len(world.dispatcher.queues.keys) == 0
    assert not world.dispatcher.failing.lengths
    world.assign(P0)
    world.deliver(P0)
    world.run(5)
    assert world.owned[P0].lowest_open == 1
    assert world.all_finished()


def test_after_a_restart_in_the_middle_the_whole_record_begins_anew() -> None:
    first = world_with()
    first.sink.api = lambda work: (0.01, ACCEPTED) if work.request.kind is IDENTIFY else None
    first.feed(P0, USER)
    first.run(1)
    second = World(first.settings, beside=first)
    second.assign(P0)
    second.deliver(P0)
    second.run(2)
    assert [kind for kind, _ in second.sink.kinds] == ["identify", "company", "track"]
    assert second.owned[P0].lowest_open == 1


def test_a_rebalance_does_not_reset_what_a_later_step_has_failed() -> None:
    world = world_with(retry=RetryPolicy.model_construct(initial_backoff=0.1, max_backoff=0.5, max_attempts=9))
    world.sink.api = lambda work: (0.01, FAILED if work.who == "company:acme" else ACCEPTED)

    def counted() -> int:
        (step,) = [work for work in world.dispatcher.queues.keys if work.who == "company:acme"]
        return step.counted

    world.feed(P0, USER)
    before = 0
    for _ in range(200):
        world.feed(OTHERS, *(f"c{n}:company" for n in range(30)))
        world.run(0.2)
        before = counted()
        if before > 1:
            break
    assert before > 1
    world.revoke(P0)
    world.run(1)
    world.assign(P0)
    world.deliver(P0)
    world.run(0.2)
    assert counted() >= before


def test_elements_have_steps_each() -> None:
    world = world_with()
    world.feed(P0, "[ann:identify>ann+!>bob+acme:company>cid>!+dan")
    world.run(5)
    assert world.owned[P0].lowest_open == 1
    assert {(letter.element, letter.step) for letter in world.letters.written} == {
        (1, FailedStep(0, 2)),
        (2, FailedStep(2, 3)),
    }
    assert world.all_finished()


def test_steps_left_in_a_held_topic_take_no_room_from_another() -> None:
    world = world_with(max_buffered=40, hold_after_letters=1)
    world.sink.api = answering(identify=REJECTED)
    for _ in range(4):
        world.feed(P0, "[" + "+".join(f"u{n}:identify>u{n}>u{n}" for n in range(20)))
        world.run(1)
    assert world.dispatcher.topics["orders"].held
    assert world.dispatcher.room()[0] >= 30
    world.feed(OTHERS, *["zoe"] * 20)
    world.run(5)
    assert world.owned[OTHERS].lowest_open == 20


def test_what_waits_for_a_company_that_fails_takes_no_room_from_others() -> None:
    """Else one bad company fills the buffer with the events of its users, and nobody is heard any more."""
    world = world_with(max_buffered=40)
    world.sink.api = lambda work: (0.01, FAILED if work.who == "company:bad" else ACCEPTED)
    world.feed(P0)
    world.feed(P0, *[f"bad:company>u{n}" for n in range(20)])
    world.run(1)
    for n in range(40):
        world.feed(P0, *[f"u{n % 20}" for _ in range(3)])
        world.run(0.1)
    assert world.dispatcher.room()[0] >= 30
    world.feed(OTHERS, *[f"v{n}" for n in range(20)])
    world.run(3)
    assert world.owned[OTHERS].lowest_open == 20


@pytest.mark.parametrize("ordering", ["user", "none"])
def test_what_failed_apart_from_others_is_counted_as_before_when_it_is_over(ordering: str) -> None:
    world = world_with(ordering=ordering)
    world.sink.api = lambda work: (0.01, FAILED if work.request.kind is not TRACK else ACCEPTED)
    world.feed(P0, *[f"u{n}:identify>u{n}" for n in range(30)])
    world.run(5)
    assert world.dispatcher.governors[IDENTIFY].outage.on
    world.feed(P0, *[f"v{n}:identify>v{n}" for n in range(30)])
    world.sink.api = answering()
    world.run(120)
    assert world.owned[P0].lowest_open == 60
    assert world.dispatcher.tally.behind == 0
    assert not world.dispatcher.failing.lengths


def test_no_more_is_on_the_wire_than_may_be_with_all_kinds_together() -> None:
    world = world_with(max_in_flight=5)
    seen: list[int] = []

    def api(_: Work) -> tuple[float, Verdict]:
        seen.append(len(world.sink.on_wire))
        return 0.05, ACCEPTED

    world.sink.api = api
    world.feed(P0, *[f"u{n}:identify>c{n}:company>u{n}" for n in range(30)])
    world.run(10)
    assert max(seen) == 5
    assert world.owned[P0].lowest_open == 30


@pytest.mark.parametrize("ordering", ["user", "none"])
def test_what_was_counted_apart_while_identifies_are_down_is_not_when_it_is_left_with_a_letter(ordering: str) -> None:
    world = world_with(ordering=ordering)
    world.sink.api = lambda work: (0.05, FAILED if work.request.kind is IDENTIFY else ACCEPTED)
    world.feed(P0, *(f"u{n}:identify>u{n}" for n in range(30)))
    world.run(30)
    assert world.dispatcher.governors[IDENTIFY].outage.on
    world.feed(P0, "ann:identify>ann")
    world.sink.api = lambda work: (0.05, REJECTED if work.request.user_id == "ann" else ACCEPTED)
    world.run_until(lambda: world.owned[P0].lowest_open == 31)
    assert (world.dispatcher.tally.behind, world.dispatcher.failing.lengths) == (0, {})


def test_a_step_that_is_left_in_the_queue_of_a_failing_user_is_not_counted_any_more() -> None:
    world = world_with()
    world.sink.api = lambda work: (0.05, FAILED if work.request.user_id == "ann" else ACCEPTED)
    world.feed(P0, "ann", "[!>ann+cid")
    world.run(1)
    world.check()
    world.sink.api = lambda _: (0.05, ACCEPTED)
    world.run_until(lambda: world.owned[P0].lowest_open == 2)
    assert world.dispatcher.tally.behind == 0
