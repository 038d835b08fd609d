"""A question, a cluster, an answer."""

from __future__ import annotations

import json
from dataclasses import asdict
from itertools import count
from typing import Any

import pytest

from bridge.errors import Misuse
from bridge.explain.document import document
from bridge.explain.explain import explain
from bridge.explain.explanation import Explanation
from bridge.explain.facts import Halt
from bridge.explain.fates import DeadLetterFate, FateState, Retrying, WaitingFate
from bridge.explain.questions import AtOffset, ById, ByUser, SearchBounds, parse_place
from bridge.explain.search import matcher, search
from bridge.explain.shown import ShownContent
from bridge.explain.sources import ReplicasTold
from bridge.model import LetterReason, Record, Route, TopicPartition
from bridge.reprocess.reading.redaction import Redaction, redaction
from tests.support.reprocess.letters import letter
from tests.unit.explain.fakes import FakeCluster
from tests.unit.mapping.conftest import compiled

MAPPING = """
user_id: data.user
event_id: data.id
events:
  order.completed:
    event_name: Order
    metadata: {number: data.n, secret: data.secret, absent: data.absent}
  order.seen: {event_name: Seen, when: data.live}
  audit.*: drop
per_topic:
  lists: {each: data.items, user_id: user, event_id: id}
"""
P0, P1 = TopicPartition("orders", 0), TopicPartition("orders", 1)
NOW = 1_767_326_400.0


def value(user: str, number: int = 0, kind: str = "order.completed", **data: Any) -> bytes:
    return json.dumps({"type": kind, "data": {"user": user, "id": f"id-{number}", "n": number, **data}}).encode()


@pytest.fixture
def cluster() -> FakeCluster:
    made = FakeCluster(compiled(MAPPING))
    made.write(*(value(f"u-{number % 3}", number) for number in range(10)))
    made.write(*(value("u-9", number) for number in range(10, 13)), partition=1)
    made.committed = {P0: 6, P1: 3}
    return made


def asked(cluster: FakeCluster, question: AtOffset | ById | ByUser, hidden: Redaction | None = None) -> Explanation:
    return explain(question, cluster, ShownContent(hidden), clock=lambda: NOW)


def at(cluster: FakeCluster, place: str, hidden: Redaction | None = None) -> Explanation:
    return asked(cluster, parse_place(place), hidden)


def states(answer: Explanation) -> list[tuple[str, str]]:
    return [(each.coordinates, each.gravest.fate.state.value) for each in answer.records]


# --- by place -----------------------------------------------------------------------------------------


def test_a_record_is_found_by_its_place(cluster: FakeCluster) -> None:
    assert states(at(cluster, "orders/0/5")) == [("orders/0/5", "delivered")]
    assert states(at(cluster, "orders/0/6")) == [("orders/0/6", "waiting")]


def test_what_is_asked_must_be_a_place_that_may_be_there(cluster: FakeCluster) -> None:
    with pytest.raises(ValueError, match="TOPIC/PARTITION/OFFSET"):
        parse_place("orders/5")
    with pytest.raises(Misuse, match="no topic nothing"):
        at(cluster, "nothing/0/5")
    with pytest.raises(Misuse, match="the partitions 0 to 1"):
        at(cluster, "orders/2/5")


def test_an_offset_without_a_record_is_told_from_one_that_was_aborted(cluster: FakeCluster) -> None:
    cluster.aborted = {(P0, 2)}
    assert "aborted" in at(cluster, "orders/0/2").records[0].gravest.fate.sentence
    assert "not" not in at(cluster, "orders/0/3").records[0].gravest.fate.state.value


def test_below_the_log_start_the_dead_letter_still_has_the_record(cluster: FakeCluster) -> None:
    cluster.first = {P0: 4}
    cluster.letter_records = [letter(2, value=value("u-2", 2)).record(0)]

    (found,) = at(cluster, "orders/0/2").records

    assert found.source == "dead letter 0:0"
    assert found.parts[0].steps
    assert isinstance(found.gravest.fate, DeadLetterFate)
    assert states(at(cluster, "orders/0/3")) == [("orders/0/3", "unknown")]


def test_a_letter_of_an_earlier_topic_of_the_same_name_is_not_of_this_record(cluster: FakeCluster) -> None:
    stamp = cluster.records[P0][2].timestamp_ms
    assert stamp is not None
    cluster.letter_records = [letter(2, value=value("u-2", 2), timestamp_ms=stamp - 2 - 60_000).record(0)]
    assert states(at(cluster, "orders/0/2")) == [("orders/0/2", "delivered")]
    cluster.letter_records = [letter(2, value=value("u-2", 2), timestamp_ms=stamp - 2).record(0)]
    assert states(at(cluster, "orders/0/2")) == [("orders/0/2", "dead_letter")]


def test_a_letter_of_an_event_that_todays_mapping_does_not_make_is_told_beside_those_it_makes(
    cluster: FakeCluster,
) -> None:
    stamp = cluster.records[P0][2].timestamp_ms
    assert stamp is not None
    gone = letter(2, value=value("u-2", 2), timestamp_ms=stamp - 2, output=4, route=Route("order.old", "0" * 12, "Old"))
    cluster.letter_records = [gone.record(0)]

    (found,) = at(cluster, "orders/0/2").records

    assert [(each.route, each.fate.state) for each in found.events] == [
        ("order.completed", FateState.DELIVERED),
        ("order.old", FateState.DEAD_LETTER),
    ]
    assert found.events[1].decided.unknown == ("Today's mapping does not make this event of its record.",)


def test_what_replicas_say_is_part_of_the_answer(cluster: FakeCluster) -> None:
    retrying = Retrying(2, "server_error", 503, "req-1")
    cluster.told = ReplicasTold({P0: Halt("retry_after")}, {(P0, 7, 0): retrying}, "nobody else")

    waiting = at(cluster, "orders/0/7").records[0].gravest.fate

    assert isinstance(waiting, WaitingFate)
    assert (waiting.why, waiting.retrying, waiting.before) == ("retry_after", retrying, 1)


def test_elements_have_their_own_fates(cluster: FakeCluster) -> None:
    items = [{"type": "order.completed", "user": "u-1", "id": "a"}, {"type": "audit.x"}]
    cluster.write(json.dumps({"data": {"items": items}}).encode(), topic="lists")
    cluster.committed[TopicPartition("lists", 0)] = 1

    (found,) = at(cluster, "lists/0/0").records

    assert found.elements == 2
    assert [(part.element, part.events[0].fate.state.value) for part in found.parts] == [
        (0, "delivered"),
        (1, "filtered"),
    ]


# --- by content ---------------------------------------------------------------------------------------


def test_events_are_found_by_id_and_by_user_newest_first(cluster: FakeCluster) -> None:
    assert states(asked(cluster, ById("id-7"))) == [("orders/0/7", "waiting")]
    found = asked(cluster, ByUser("u-1"))
    assert [each.offset for each in found.records] == [7, 4, 1]


def test_what_is_filtered_is_found_by_its_user_too(cluster: FakeCluster) -> None:
    cluster.write(value("u-f", 20, "order.seen", live=False), value("u-f", 21, "audit.login"), partition=1)
    cluster.committed[P1] = 5

    assert [each.gravest.fate.state.value for each in asked(cluster, ByUser("u-f")).records] == ["filtered", "filtered"]


def test_one_element_of_many_is_found_by_its_id(cluster: FakeCluster) -> None:
    items = [{"type": "order.completed", "user": "u-1", "id": f"e-{each}"} for each in range(300)]
    cluster.write(json.dumps({"data": {"items": items}}).encode(), topic="lists")

    (found,) = asked(cluster, ById("e-280")).records

    assert [part.element for part in found.parts] == [280]


def test_what_left_its_topic_is_found_among_the_dead_letters(cluster: FakeCluster) -> None:
    cluster.first = {P0: 8}
    cluster.letter_records = [letter(2, value=value("u-77", 2)).record(0)]

    found = asked(cluster, ByUser("u-77"))

    assert states(found) == [("orders/0/2", "dead_letter")]
    assert found.searched is not None
    assert (found.searched.letters, found.searched.found) == (1, 1)


def test_a_search_says_what_it_did_not_look_at(cluster: FakeCluster) -> None:
    answer = asked(cluster, ById("id-1", SearchBounds(records=4)))

    assert answer.records == ()
    assert answer.needs_a_look
    searched = answer.searched
    assert searched is not None
    assert not searched.is_whole
    assert {(each.partition, each.start, each.stop, each.left) for each in searched.partitions} == {
        (P0, 8, 10, 8),
        (P1, 11 - 10, 3, 1),
    }
    told = document(answer)["searched"]
    assert (told["records"], told["not_searched"], told["dead_letters_problem"]) == (
        searched.records,
        searched.left,
        None,
    )
    assert [(each["partition"], each["from"], each["to"], each["log_from"]) for each in told["partitions"]] == [
        (each.partition.partition, each.start, each.stop, each.first) for each in searched.partitions
    ]
    whole = asked(cluster, ById("nobody")).searched
    assert whole is not None
    assert whole.is_whole
    assert whole.records == 13


def test_a_search_ends_when_its_time_is_over(cluster: FakeCluster) -> None:
    ticks = count(0, 10)
    question = ById("id-1", SearchBounds(seconds=25))
    _, searched = search(
        cluster, question.bounds, matcher(cluster.mapping, question), lambda _: None, lambda: next(ticks)
    )

    assert searched.out_of_time
    assert searched.records == 3
    assert searched.left == 13  # nothing of a slice that was not read to its end counts as searched


def test_a_search_reads_nothing_older_than_asked_and_only_the_topics_named(cluster: FakeCluster) -> None:
    cluster.write(value("u-1", 50), topic="others")
    since = cluster.records[P0][7].timestamp_ms
    answer = asked(cluster, ByUser("u-1", SearchBounds(since_ms=since, topics=("orders",))))

    assert states(answer) == [("orders/0/7", "waiting")]
    assert cluster.reads == [{P0: range(7, 10)}]


def test_records_that_cannot_be_read_are_counted(cluster: FakeCluster) -> None:
    cluster.write(b"\xff\x00", None, partition=1)
    searched = asked(cluster, ById("nobody")).searched

    assert searched is not None
    assert (searched.unreadable, searched.is_whole) == (1, False)


def test_of_many_that_match_the_newest_are_explained(cluster: FakeCluster) -> None:
    cluster.write(*(value("u-many", each) for each in range(50)), topic="many")
    answer = asked(cluster, ByUser("u-many"))

    assert [each.offset for each in answer.records] == list(range(49, 29, -1))
    assert answer.searched is not None
    assert answer.searched.found == 50


# --- what may be shown --------------------------------------------------------------------------------


def test_nothing_of_a_record_is_in_an_answer_unless_it_may_be(cluster: FakeCluster) -> None:
    cluster.write(value("user-of-nobody", 4711, secret="the-secret", live=True), partition=1)
    cluster.letter_records = [
        letter(3, partition=1, value=value("user-of-nobody", 4711, secret="the-secret")).record(0)
    ]
    place = "orders/1/3"

    answer = at(cluster, place)
    without = json.dumps(document(answer)) + str(answer) + str(asdict(answer.records[0].parts[0].events[0]))
    for secret in ("user-of-nobody", "4711", "the-secret"):
        assert secret not in without
    assert "order.completed" in without

    allowed = json.dumps(document(at(cluster, place, Redaction())))
    assert all(secret in allowed for secret in ("user-of-nobody", "4711", "the-secret"))

    redacted = json.dumps(document(at(cluster, place, redaction(["data.secret"], everything=False))))
    assert "the-secret" not in redacted
    assert "user-of-nobody" in redacted


def test_names_that_come_out_of_the_record_are_counted_and_not_told() -> None:
    cluster = FakeCluster(compiled("user_id: u\nevents:\n  o: {event_name: O, metadata_from: m, metadata: {own: a}}\n"))
    cluster.write(json.dumps({"type": "o", "u": "u", "a": 1, "m": {"ada@example.com": 1, "x": 2}}).encode())

    request = at(cluster, "orders/0/0").records[0].events[0].request

    assert request is not None
    assert "metadata.own" in dict(request.fields)
    assert request.further == 2
    assert "ada@example.com" not in str(at(cluster, "orders/0/0")) + json.dumps(document(at(cluster, "orders/0/0")))


def test_dead_letters_that_cannot_be_read_are_said(cluster: FakeCluster) -> None:
    cluster.letters_problem = "The topic is not there."
    answer = at(cluster, "orders/0/2")

    assert answer.notes == ("The dead letters could not be read: The topic is not there.",)
    assert states(answer) == [("orders/0/2", "unknown")]


def test_a_dead_letter_that_is_written_meanwhile_does_not_pass_for_a_delivery(cluster: FakeCluster) -> None:
    def dead_lettered() -> None:
        stamp = cluster.records[P0][7].timestamp_ms or 0
        cluster.letter_records = [letter(7, value=value("u-1", 7), timestamp_ms=stamp - 7).record(0)]
        cluster.committed[P0] = 8

    cluster.meanwhile = dead_lettered
    assert states(at(cluster, "orders/0/7")) == [("orders/0/7", "dead_letter")]


def test_a_whole_record_letter_is_that_of_each_event(cluster: FakeCluster) -> None:
    stamp = cluster.records[P0][2].timestamp_ms
    assert stamp is not None
    undecodable = letter(2, value=value("u-2", 2), timestamp_ms=stamp - 2, reason=LetterReason.UNDECODABLE)
    cluster.letter_records = [undecodable.record(0)]
    (found,) = at(cluster, "orders/0/2").records
    assert [each.fate.state.value for each in found.events] == ["dead_letter"]


def test_a_tombstone_is_explained(cluster: FakeCluster) -> None:
    cluster.records[P0][1] = Record("orders", 0, 1, 1, b"k", None, ())
    (found,) = at(cluster, "orders/0/1").records
    assert found.gravest.fate.sentence == "The value is null: a tombstone."


def test_the_trace_that_a_producer_began_is_named(cluster: FakeCluster) -> None:
    header = ("traceparent", b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
    cluster.records[P0][1] = cluster.records[P0][1]._replace(headers=(header,))

    assert at(cluster, "orders/0/1").records[0].trace == "4bf92f3577b34da6a3ce929d0e0e4736"
    assert at(cluster, "orders/0/2").records[0].trace is None
