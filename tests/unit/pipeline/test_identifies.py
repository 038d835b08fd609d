"""Before a user's first event the bridge identifies the user, where that is asked for; and waits until it has settled.

That no event goes before its user's identify was accepted is checked by the sink, at every request.
"""

from __future__ import annotations

from typing import Any

import pytest

from bridge.config.sections import KnownUsers, RetryPolicy
from bridge.model import IDENTIFY, TRACK, FailedStep, LetterReason, Retry, TopicPartition, Verdict
from bridge.pipeline.settings import DeliverySettings
from bridge.pipeline.work import EventState
from tests.unit.pipeline.fakes import ACCEPTED, FAILED, REJECTED, Api, unauthorized
from tests.unit.pipeline.world import World

P0, P1 = TopicPartition("orders", 0), TopicPartition("orders", 1)
OTHERS = TopicPartition("payments", 0)
ORDERINGS = ["user", "none", "key", "partition"]
WAIT = Retry("rate_limited", "429", 429, after=100.0)


def world_with(*, size: int = 1000, ttl: float = 1e6, **settings: Any) -> World:
    users = KnownUsers.model_construct(size=size, ttl=ttl)
    settings = {"rate_limit": None, "unknown_users": "identify", "known_users": users, **settings}
    return World(DeliverySettings.model_construct(**settings))


def answering(**verdicts: Verdict) -> Api:
    """By the kind of request; everything else is accepted."""
    return lambda work: (0.05, verdicts.get(work.request.kind.name, ACCEPTED))


def identifies(world: World, user: str | None = None) -> int:
    return len([who for kind, who in world.sink.kinds if kind == "identify" and user in (None, who)])


@pytest.mark.parametrize("ordering", ORDERINGS)
def test_a_user_is_identified_once_before_the_first_event(ordering: str) -> None:
    world = world_with(ordering=ordering)
    world.feed(P0, "ann", "ann", "bob", "ann", key=b"k")
    world.feed(P1, "ann", key=b"other")
    world.run(5)
    assert sorted(who for kind, who in world.sink.kinds if kind == "identify") == ["ann", "bob"]
    assert len(world.sink.accepted) == 5
    assert (world.owned[P0].lowest_open, world.owned[P1].lowest_open) == (4, 1)


def test_users_are_counted_once_for_each_of_their_events() -> None:
    world = world_with()
    world.feed(P0, "ann", "bob")
    world.run(1)
    world.feed(P0, "ann", "ann")
    world.run(1)
    users = world.dispatcher.tally.users
    assert (users.unknown, users.known, users.identified, users.remembered) == (2, 2, 2, 2)


def test_an_event_that_fails_is_counted_no_second_time() -> None:
    world = world_with()
    failing = {"left": 3}

    def api(work: Any) -> tuple[float, Verdict]:
        if work.request.kind is TRACK and failing["left"]:
            failing["left"] -= 1
            return 0.05, FAILED
        return 0.05, ACCEPTED

    world.sink.api = api
    world.feed(P0, "ann")
    world.run(60)
    assert (world.dispatcher.tally.users.unknown, world.dispatcher.tally.users.known) == (1, 0)


def test_an_identify_of_a_record_is_as_good() -> None:
    world = world_with()
    world.feed(P0, "ann:identify>ann", "ann")
    world.run(5)
    assert world.sink.kinds == [("identify", "ann"), ("track", "ann"), ("track", "ann")]


def test_other_users_go_while_one_waits_for_an_identify() -> None:
    world = world_with()
    world.feed(P0, "bob")
    world.run(1)
    world.sink.api = lambda work: None if work.request.kind is IDENTIFY else (0.05, ACCEPTED)
    world.feed(P0, "ann", "bob")
    world.run(1)
    assert world.sink.accepted == [(P0, 0, 0), (P0, 2, 0)]


@pytest.mark.parametrize("ordering", ORDERINGS)
def test_an_identify_that_is_refused_is_the_letter_of_the_event_that_asked(ordering: str) -> None:
    world = world_with(ordering=ordering)
    world.sink.api = answering(identify=REJECTED)
    world.feed(P0, "ann", "ann", key=b"k")
    world.run(5)
    assert [(letter.kind, letter.step, letter.record.offset) for letter in world.letters.written] == [
        ("identify", FailedStep(0, 1, automatic=True), 0),
        ("identify", FailedStep(0, 1, automatic=True), 1),
    ]
    assert all(letter.request == b'{"user_id":"ann"}' and letter.attempts == 1 for letter in world.letters.written)
    assert world.sink.accepted == []
    assert world.owned[P0].lowest_open == 2
    assert not list(world.dispatcher.identifies.pending())


def test_or_the_events_go_without_it_and_the_user_is_not_asked_about_again() -> None:
    world = world_with(ttl=100.0)
    world.mapper.sends_the_rest = True
    world.sink.api = answering(identify=REJECTED)
    world.feed(P0, "ann", "ann", "ann")
    world.run(5)
    assert world.letters.written == []
    assert identifies(world) == 1
    assert len(world.sink.accepted) == 3
    world.run(100)
    world.feed(P0, "ann")
    world.run(5)
    assert identifies(world) == 2, "after a while it is tried again"


@pytest.mark.parametrize("rest", [False, True])
def test_a_refused_key_sends_no_event_without_its_identify(*, rest: bool) -> None:
    world = world_with(hold_after_unauthorized=2)
    world.mapper.sends_the_rest = rest
    world.sink.api = answering(identify=unauthorized())
    world.feed(P0, "ann")
    world.run(1)
    assert [(letter.reason, letter.step) for letter in world.letters.written] == [
        (LetterReason.UNAUTHORIZED, FailedStep(0, 1, automatic=True))
    ]
    assert [kind for kind, _ in world.sink.kinds] == ["identify"]


def test_a_step_whose_user_is_refused_leaves_the_steps_behind_it() -> None:
    world = world_with()
    world.sink.api = answering(identify=REJECTED)
    world.feed(P0, "acme:company>ann>bob")
    world.run(5)
    (letter,) = world.letters.written
    assert (letter.step, letter.output) == (FailedStep(1, 3, automatic=True), 1)
    assert world.owned[P0].lowest_open == 1


def test_what_an_identify_failed_is_not_counted_against_its_event() -> None:
    world = world_with(retry=RetryPolicy.model_construct(initial_backoff=0.1, max_backoff=0.5, max_attempts=5))
    world.mapper.sends_the_rest = True
    world.feed(P0)
    world.sink.api = lambda work: (0.01, FAILED if work.who == "ann" and work.request.kind is IDENTIFY else ACCEPTED)
    world.feed(P0, "ann")
    (event,) = world.works(P0)
    world.sink.api = lambda work: (
        None if work.who == "ann" and work.request.kind is TRACK else (0.01, FAILED if work.who == "ann" else ACCEPTED)
    )
    for _ in range(400):
        world.feed(OTHERS, *(f"u{n}:identify" for n in range(30)))
        world.run(0.2)
        if event.state is EventState.IN_FLIGHT:
            break
    assert event.state is EventState.IN_FLIGHT
    assert (event.counted, event.mark) == (0, None)


# --- while identifies do not get through -----------------------------------------------------------------


@pytest.mark.parametrize("ordering", ["user", "none", "key"])
def test_known_users_go_on_while_no_identify_gets_through(ordering: str) -> None:
    world = world_with(ordering=ordering, max_buffered=40)
    known = [f"known{n}" for n in range(10)]
    world.feed(P0, *known, key=b"known")
    world.run(1)
    world.sink.api = answering(identify=FAILED)
    for n in range(100):
        world.feed(P1, f"new{n}", key=b"new%d" % n)
        world.run(0.2)
    assert world.dispatcher.governors[IDENTIFY].outage.on
    assert world.dispatcher.room()[0] >= 30, "events that wait for an identify take no room from others"
    for _ in range(5):
        world.feed(OTHERS, *known, key=b"known")
        world.run(1)
    assert world.owned[OTHERS].lowest_open == 50
    world.sink.api = answering()
    world.run(300)
    assert world.owned[P1].lowest_open == 100
    assert not world.dispatcher.failing.lengths
    assert world.dispatcher.tally.behind == 0


def test_a_429_of_identifies_holds_up_no_event_of_a_known_user() -> None:
    world = world_with()
    world.feed(P0, "bob")
    world.run(1)
    world.sink.api = answering(identify=WAIT)
    world.feed(P0, "ann", *["bob"] * 5)
    world.run(5)
    assert len(world.sink.accepted) == 6
    assert identifies(world, "ann") == 1
    assert world.dispatcher.users_budget.pause_until > world.now
    world.sink.api = answering()
    world.run(120)
    assert len(world.sink.accepted) == 7


def test_where_both_share_a_rate_a_429_holds_up_both() -> None:
    world = world_with(shared_rate_limit=True)
    world.feed(P0, "bob")
    world.run(1)
    world.sink.api = answering(identify=WAIT)
    world.feed(P0, "ann")
    world.run(1)
    world.feed(P0, *["bob"] * 5)
    world.run(5)
    assert len(world.sink.accepted) == 1


def test_an_outage_s_end_cuts_no_settling_short() -> None:
    world = world_with(identify_settle=10.0)
    world.feed(P0, "ann")
    world.run(1)
    assert world.dispatcher.parked == 1
    for kind in (TRACK, IDENTIFY):
        world.dispatcher.queues.end_outage(kind)
    world.dispatcher.pump()
    world.run(8)
    assert world.sink.accepted == []
    world.run(2)
    assert world.sink.accepted == [(P0, 0, 0)]


def test_settling_takes_no_permit() -> None:
    world = world_with(identify_settle=10.0, max_in_flight=1)
    world.feed(P0, *[f"u{n}" for n in range(20)])
    world.run(5)
    assert identifies(world) == 20
    assert world.sink.on_wire == {}
    world.run(10)
    assert len(world.sink.accepted) == 20


def test_what_an_event_waited_out_is_not_asked_for_again_however_little_is_remembered() -> None:
    world = world_with(size=1, ttl=0.01, identify_settle=2.0, max_in_flight=3)
    world.feed(P0, *[f"u{n}" for n in range(20)])
    world.run(30)
    assert identifies(world) == 20
    assert world.owned[P0].lowest_open == 20


# --- partitions come and go --------------------------------------------------------------------------------


@pytest.mark.parametrize("ordering", ORDERINGS)
@pytest.mark.parametrize("way", ["revoke", "lose"])
@pytest.mark.parametrize("wire", ["answered", "failed", "refused", "silent", "parked", "ready"])
def test_an_identify_may_leave_with_its_partition_and_others_that_wait_for_it_go_on(
    ordering: str, way: str, wire: str
) -> None:
    world = world_with(ordering=ordering, drain_timeout=2.0)
    world.sink.api = lambda _: None
    if wire == "ready":
        world.feed(OTHERS, *[f"u{n}" for n in range(world.settings.max_in_flight)], key=b"o")
    world.feed(P0, "ann", key=b"k")
    world.feed(P1, "ann", "bob", key=b"l")
    if wire == "parked":
        for _ in range(2):
            world.sink.answer_all(FAILED)
            world.run(0.0)
    getattr(world, way)(P0)
    mine = [each for each in world.sink.on_wire if each.partition.tracker.partition == P0]
    for work in mine:
        if wire in ("answered", "failed", "refused"):
            verdicts: dict[str, Verdict] = {"answered": ACCEPTED, "failed": FAILED, "refused": REJECTED}
            world.sink.answer(work, verdicts[wire])
    world.run(3)
    world.sink.api = answering()
    world.sink.answer_all(ACCEPTED)
    world.run(60)
    dead = len(world.letters.written)
    assert dead <= (wire == "refused")
    assert world.owned[P1].lowest_open == 2
    assert not list(world.dispatcher.identifies.pending())
    assert not world.dispatcher.failing.lengths
    assert len(world.dispatcher.queues.keys) == 0
    world.assign(P0)
    world.deliver(P0)
    world.run(5)
    assert world.owned[P0].lowest_open == 1
    assert world.all_finished()


# --- another key --------------------------------------------------------------------------------------------


def change_key(world: World) -> None:
    world.credentials.file += 1
    world.credentials.refresh()


def test_another_key_knows_nobody() -> None:
    world = world_with()
    world.feed(P0, "ann")
    world.run(1)
    change_key(world)
    world.feed(P0, "ann")
    world.run(1)
    assert identifies(world, "ann") == 2


@pytest.mark.parametrize("value", ["ann", "ann:identify"])
def test_an_identify_that_went_with_the_key_before_says_nothing_of_this_one(value: str) -> None:
    world = world_with()
    world.sink.api = lambda work: None if work.request.kind is IDENTIFY else (0.05, ACCEPTED)
    world.feed(P0, value)
    world.run(1)
    change_key(world)
    world.run(1)
    world.sink.answer_all(ACCEPTED)
    world.feed(P0, "ann")
    world.run(1)
    assert identifies(world, "ann") == 2
    world.sink.answer_all(ACCEPTED)
    world.run(1)
    assert world.owned[P0].lowest_open == 2


# --- who is to be forgotten -----------------------------------------------------------------------------------


def test_who_is_forgotten_is_not_identified_again() -> None:
    world = world_with()
    world.feed(P0, "ann")
    world.run(1)
    world.feed(P0, "ann:forget", "ann")
    world.run(1)
    assert world.sink.kinds == [("identify", "ann"), ("track", "ann"), ("track", "ann")]
    assert world.owned[P0].lowest_open == 3
    assert world.dispatcher.tally.users.forgotten == 1


def test_unless_a_record_asks_for_it() -> None:
    world = world_with()
    world.feed(P0, "ann:forget", "ann")
    world.run(1)
    world.feed(P0, "ann:identify")
    world.run(1)
    change_key(world)
    world.feed(P0, "ann")
    world.run(1)
    assert [kind for kind, _ in world.sink.kinds] == ["track", "identify", "identify", "track"]


@pytest.mark.parametrize("answer", [ACCEPTED, FAILED, WAIT, REJECTED])
def test_who_is_forgotten_while_an_identify_is_on_its_way_stays_forgotten(answer: Verdict) -> None:
    world = world_with(ttl=50.0)
    world.sink.api = lambda work: None if work.request.kind is IDENTIFY else (0.05, ACCEPTED)
    world.feed(P0, "ann")
    world.run(1)
    world.feed(P0, "ann:forget")
    world.sink.answer_all(answer)
    world.run(200)
    world.feed(P0, "ann")
    world.run(1)
    assert identifies(world, "ann") == 1
    assert world.owned[P0].lowest_open == 3


def test_an_identify_that_was_not_sent_yet_is_not_sent_for_who_is_forgotten() -> None:
    world = world_with()
    world.sink.api = answering(identify=WAIT)
    world.feed(P0, "bob")
    world.run(1)
    world.feed(P0, "ann")
    world.run(1)
    world.feed(P0, "ann:forget")
    world.run(5)
    assert identifies(world, "ann") == 0
    assert world.sink.accepted == [(P0, 1, 0)]
    assert [each.request.user_id for each in world.dispatcher.identifies.pending()] == ["bob"]


def test_an_identify_that_is_refused_while_its_partition_leaves_is_asked_for_again_by_the_next_owner() -> None:
    world = world_with()
    world.sink.api = lambda _: None
    world.feed(P0, "ann")
    world.revoke(P0)
    world.sink.answer_all(REJECTED)
    world.sink.api = answering()
    world.run(1)
    world.assign(P0)
    world.feed(P0)
    world.run(5)
    assert [kind for kind, _ in world.sink.kinds] == ["identify", "identify", "track"]


def test_a_topic_that_sends_without_an_identify_decides_for_no_other() -> None:
    world = world_with()
    world.sink.api = answering(identify=REJECTED)
    world.mapper.sends_the_rest = True
    world.feed(P0, "ann")
    world.run(5)
    world.mapper.sends_the_rest = False
    world.feed(OTHERS, "ann")
    world.run(5)
    assert [kind for kind, _ in world.sink.kinds] == ["identify", "track", "identify"]
    assert [letter.step for letter in world.letters.written] == [FailedStep(0, 1, automatic=True)]


def test_a_forget_is_not_undone_by_an_identify_that_stands_before_it() -> None:
    world = world_with(ttl=10.0)
    world.feed(P0, "ann:identify", "ann:forget")
    world.run(20)
    world.feed(P0, "ann")
    world.run(5)
    assert [kind for kind, _ in world.sink.kinds] == ["identify", "track"]


def test_an_identify_that_is_down_for_few_new_users_gives_nothing_up_while_events_of_others_are_accepted() -> None:
    world = world_with()
    known = [f"known{n}" for n in range(40)]
    world.feed(P0, *known)
    world.run(5)
    world.sink.api = answering(identify=FAILED)
    world.feed(P1, "new")
    for _ in range(240):  # twenty minutes: twice what it took to give it up
        world.feed(P0, *known)
        world.run(5)
    assert world.letters.written == []
    world.sink.api = answering()
    world.run_until(lambda: world.owned[P1].lowest_open == 1)


def test_events_that_are_down_are_not_given_up_for_identifies_that_are_accepted() -> None:
    world = world_with(unknown_users="send")
    world.sink.api = answering(track=FAILED)
    world.feed(P1, "ann")
    for _ in range(240):
        world.feed(P0, *(f"u{n}:identify" for n in range(40)))
        world.run(5)
    assert world.letters.written == []


@pytest.mark.slow
def test_one_user_whom_the_api_fails_to_identify_is_given_up_once_others_are_identified() -> None:
    world = world_with(ttl=1.0)
    world.sink.api = lambda work: (
        0.05, FAILED if work.request.kind is IDENTIFY and work.request.user_id == "bad" else ACCEPTED,
    )  # fmt: skip
    world.feed(P1, "bad")
    for _ in range(240):
        world.feed(P0, *(f"u{n}" for n in range(40)))
        world.run(5)
    (letter,) = world.letters.written
    assert letter.reason is LetterReason.RETRIES_EXHAUSTED
    assert letter.message == "kept failing while other identify requests were accepted; last: 503"
