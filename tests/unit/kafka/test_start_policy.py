from __future__ import annotations

from typing import Any

import pytest

from bridge.config.keys.scalars import StartAge, StartFrom, StartPoint, StartTime
from bridge.formats import offset_map
from bridge.formats.offset_map import Demand, Head
from bridge.formats.operator_hold import OperatorHold
from bridge.holds import Reason
from bridge.kafka.consumer.starts import start_policy
from bridge.kafka.consumer.starts.start_policy import NO_TIME_FOUND, Hold, Start, StartFacts, StartReason
from bridge.model import LogRange, Position, TopicPartition

PARTITION = TopicPartition("orders", 3)
COMMITTED = StartReason.COMMITTED
LOG = LogRange(100, 200)
EVERY_START: list[StartFrom] = [*StartPoint, StartTime(1), StartAge(60.0)]


def text(base: int, *, epoch: int | None = 5, topic_id: str = "T") -> str:
    return offset_map.encode(
        base,
        [1, 4],
        leader_epoch=epoch,
        topic_id=topic_id,
        demand=Demand(0, 0),
        head=Head(),
        max_length=1000,
    )


@pytest.mark.parametrize("start_from", EVERY_START)
@pytest.mark.parametrize("offset", [100, 150, 200])
def test_a_position_inside_the_log_is_where_it_goes_on(offset: int, start_from: StartFrom) -> None:
    found = StartFacts(Position(offset, "", None), position_known=True, topic_started=True, range=LOG)
    assert start_policy.resolve(PARTITION, found, start_from) == Start(Position(offset, "", None), COMMITTED)


@pytest.mark.parametrize("start_from", EVERY_START)
@pytest.mark.parametrize(
    ("offset", "sentence", "lost"),
    [(99, "below the log's start 100: up to 1 events are gone unsent", 1), (201, "above the log's end 200", 0)],
)
def test_a_position_outside_the_log_is_held_whatever_start_from_says(
    offset: int, sentence: str, lost: int, start_from: StartFrom
) -> None:
    found = StartFacts(Position(offset, "", None), position_known=True, topic_started=True, range=LOG)
    held = start_policy.resolve(PARTITION, found, start_from)
    assert isinstance(held, Hold)
    assert held.reason is Reason.OUT_OF_RANGE
    assert sentence in held.detail
    assert held.possibly_lost == lost
    assert held.detail.startswith("orders/3: ")


def test_a_position_is_believed_where_the_logs_range_is_not_known() -> None:
    found = StartFacts(Position(7, "", None), position_known=True)
    assert start_policy.resolve(PARTITION, found, StartPoint.ERROR) == Start(Position(7, "", None), COMMITTED)


@pytest.mark.parametrize("start_from", EVERY_START)
def test_a_partition_added_to_a_started_topic_starts_at_its_beginning(start_from: StartFrom) -> None:
    found = StartFacts(position_known=True, topic_started=True, range=LOG, at_time=150)
    assert start_policy.resolve(PARTITION, found, start_from) == Start(
        Position(100, "", None), StartReason.NEW_PARTITION, is_new=True
    )


@pytest.mark.parametrize(
    ("start_from", "at_time", "offset"),
    [
        (StartPoint.EARLIEST, None, 100),
        (StartPoint.LATEST, None, 200),
        (StartTime(1), 150, 150),
        (StartTime(1), NO_TIME_FOUND, 200),
        (StartAge(60.0), 160, 160),
    ],
)
def test_a_topic_without_any_position_starts_where_start_from_says(
    start_from: StartFrom, at_time: int | None, offset: int
) -> None:
    found = StartFacts(position_known=True, range=LOG, at_time=at_time)
    assert start_policy.resolve(PARTITION, found, start_from) == Start(
        Position(offset, "", None), StartReason.START_FROM, is_new=True
    )


def test_latest_begins_at_the_last_stable_offset_so_that_an_open_transaction_is_read_when_it_ends() -> None:
    found = StartFacts(position_known=True, range=LOG, latest=180)
    started = start_policy.resolve(PARTITION, found, StartPoint.LATEST)
    assert started == Start(Position(180, "", None), StartReason.START_FROM, is_new=True)


@pytest.mark.parametrize("start_from", EVERY_START)
def test_a_topic_that_is_newer_than_the_group_starts_at_its_beginning(start_from: StartFrom) -> None:
    found = StartFacts(position_known=True, range=LOG, at_time=150, group_settled=True)
    started = start_policy.resolve(PARTITION, found, start_from)
    assert started == Start(Position(100, "", None), StartReason.NEW_TOPIC, is_new=True)


@pytest.mark.parametrize("start_from", EVERY_START)
def test_whether_a_topic_is_new_is_asked_again_where_the_brokers_did_not_say(start_from: StartFrom) -> None:
    held = start_policy.resolve(PARTITION, StartFacts(position_known=True, range=LOG, group_settled=None), start_from)
    assert isinstance(held, Hold)
    assert held.reason is Reason.POSITION_UNKNOWN


def test_every_reason_for_a_start_is_told_in_a_sentence() -> None:
    assert start_policy.DETAILS.keys() == set(StartReason)


def test_without_a_decision_a_topic_without_any_position_is_held_with_what_to_set() -> None:
    held = start_policy.resolve(PARTITION, StartFacts(position_known=True, range=LOG), StartPoint.ERROR)
    assert isinstance(held, Hold)
    assert held.reason is Reason.NO_START
    assert "kafka.start_from" in held.detail


@pytest.mark.parametrize(
    ("found", "start_from"),
    [
        (StartFacts(range=LOG), StartPoint.EARLIEST),
        (StartFacts(position_known=True), StartPoint.EARLIEST),
        (StartFacts(position_known=True, topic_started=True), StartPoint.EARLIEST),
        (StartFacts(position_known=True, range=LOG), StartTime(1)),
    ],
)
def test_what_could_not_be_read_is_never_guessed(found: StartFacts, start_from: StartFrom) -> None:
    held = start_policy.resolve(PARTITION, found, start_from)
    assert isinstance(held, Hold)
    assert held.reason is Reason.POSITION_UNKNOWN


def test_a_map_made_for_this_position_is_restored() -> None:
    position = Position(150, text(150), 5)
    started = start_policy.resolve(
        PARTITION, StartFacts(position, position_known=True, range=LOG, topic_id="T"), StartPoint.ERROR
    )
    assert isinstance(started, Start)
    assert started.restored is not None
    assert started.restored.done == (range(151, 155),)


@pytest.mark.parametrize(
    "position",
    [
        Position(151, text(150), 5),
        Position(150, text(150), 6),
        Position(150, "lag: 3", 5),
        Position(150, text(150)[:-2], 5),
    ],
)
def test_a_map_made_for_another_position_is_ignored(position: Position) -> None:
    found = StartFacts(position, position_known=True, range=LOG, topic_id="T")
    assert start_policy.resolve(PARTITION, found, StartPoint.ERROR) == Start(position, COMMITTED, restored=None)


@pytest.mark.parametrize(
    ("start_from", "expected"),
    [(StartPoint.LATEST, None), (StartTime(1234), 1234), (StartAge(60.0), 940_000)],
)
def test_an_age_counts_from_now(start_from: StartFrom, expected: int | None) -> None:
    assert start_policy.wanted_time(start_from, 1000.0) == expected


def test_a_position_in_a_topic_that_was_recreated_is_held_and_never_read_from() -> None:
    found = StartFacts(Position(150, text(150), 5), position_known=True, range=LOG, topic_id="another")
    held = start_policy.resolve(PARTITION, found, StartPoint.EARLIEST)
    assert isinstance(held, Hold)
    assert held.reason is Reason.RECREATED
    assert held.detail.startswith("orders/3: offset 150 was committed in an earlier topic of this name")
    assert "--reset-offsets" in held.detail


def test_a_position_at_the_beginning_of_a_recreated_topic_skips_nothing_and_is_read_from() -> None:
    found = StartFacts(Position(100, text(100), 5), position_known=True, range=LOG, topic_id="another")
    assert start_policy.resolve(PARTITION, found, StartPoint.ERROR) == Start(
        Position(100, text(100), 5), COMMITTED, restored=None
    )


@pytest.mark.parametrize(
    ("position", "topic_id"),
    [
        (Position(151, text(150), 5), "another"),  # translated by MirrorMaker, or moved by hand with the text kept
        (Position(150, text(150), None), "another"),  # MirrorMaker where both logs have the same offsets
        (Position(150, "", None), "another"),  # set by an operator's tool
        (Position(150, text(150), 5), ""),  # a cluster that gives topics no ids
    ],
)
def test_a_position_somebody_moved_here_is_believed_without_its_map(position: Position, topic_id: str) -> None:
    found = StartFacts(position, position_known=True, range=LOG, topic_id=topic_id)
    assert start_policy.resolve(PARTITION, found, StartPoint.ERROR) == Start(position, COMMITTED, restored=None)


def test_a_position_waits_until_it_is_known_which_topic_it_belongs_to() -> None:
    held = start_policy.resolve(
        PARTITION, StartFacts(Position(150, text(150), 5), position_known=True, range=LOG), StartPoint.ERROR
    )
    assert isinstance(held, Hold)
    assert held.reason is Reason.POSITION_UNKNOWN


def again(position: Position | None, *, topic_id: str | None = "new", known: bool = True) -> Start | Hold:
    found = StartFacts(position, position_known=known, range=LOG, topic_id=topic_id)
    return start_policy.begin_again(PARTITION, found, StartPoint.LATEST, read="old")


@pytest.mark.parametrize("position", [None, Position(150, text(150, topic_id="old"), 5)])
def test_a_topic_created_again_while_it_was_read_begins_anew_whatever_was_committed_of_the_earlier_one(
    position: Position | None,
) -> None:
    assert again(position) == Start(Position(100, "", None), StartReason.NEW_TOPIC, is_new=True)


@pytest.mark.parametrize("position", [Position(150, "", None), Position(150, text(150, topic_id="new"), 5)])
def test_a_committed_offset_that_somebody_set_for_the_new_topic_is_followed(position: Position) -> None:
    started = again(position)
    assert isinstance(started, Start)
    assert (started.position, started.why) == (position, COMMITTED)


@pytest.mark.parametrize("found", [{"topic_id": None}, {"topic_id": ""}, {"topic_id": "old"}, {"known": False}])
def test_a_topic_created_again_waits_while_it_cannot_be_told_what_is_there_now(found: dict[str, Any]) -> None:
    held = again(None, **found)
    assert isinstance(held, Hold)
    assert held.reason is Reason.POSITION_UNKNOWN


@pytest.mark.parametrize("since", [10**15, 10**400, -(10**15)], ids=["far", "farther", "before"])
def test_a_hold_of_a_time_that_is_none_holds_and_says_who_and_why(since: int) -> None:
    found = StartFacts(operator_hold=OperatorHold("wrong name", "alice", since))

    held = start_policy.resolve(PARTITION, found, StartPoint.ERROR)

    assert held == Hold(Reason.HELD_BY_OPERATOR, "Held by alice: wrong name")
