"""Order, selection, redaction, declarations: pure decisions."""

from __future__ import annotations

import json

import pytest

from bridge.formats.declarations import STALE, Declaration, Reservations, allowed, decode, encode
from bridge.formats.letters import LetterPlace, parse
from bridge.model import TopicPartition
from bridge.reprocess.reading.ledger import UNTOUCHED
from bridge.reprocess.reading.redaction import redaction
from bridge.reprocess.reading.selection import LetterEntry, OriginName, OriginRange, parse_id, parse_origin
from bridge.reprocess.replay.plan import difference, in_original_order
from tests.support.reprocess.letters import letter


def entry(offset: int, place: int, *, partition: int = 0, at: int | None = None) -> LetterEntry:
    made = letter(offset, partition=partition, timestamp_ms=(offset if at is None else at) - offset)
    return LetterEntry(parse(made.record(place)), UNTOUCHED)


def offsets(entries: list[LetterEntry]) -> list[int]:
    return [each.letter.origin.offset for each in entries if each.letter.origin is not None]


def test_letters_go_in_the_order_of_their_records_whatever_the_order_of_the_letters() -> None:
    assert offsets(in_original_order([entry(3, 0), entry(1, 1), entry(2, 2)])) == [1, 2, 3]


def test_a_timestamp_that_steps_back_does_not_change_the_order_within_a_partition() -> None:
    assert offsets(in_original_order([entry(2, 0, at=10), entry(1, 1, at=90), entry(3, 2, at=50)])) == [1, 2, 3]


def test_partitions_are_merged_by_time() -> None:
    mixed = [entry(1, 0, at=30), entry(7, 1, partition=1, at=20), entry(8, 2, partition=1, at=40)]
    assert offsets(in_original_order(mixed)) == [7, 1, 8]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a.b", OriginRange("a.b")),
        ("a:3", OriginRange("a", 3)),
        ("a:3:17", OriginRange("a", 3, 17, 17)),
        ("a:3:17-90", OriginRange("a", 3, 17, 90)),
        ("a:3:17-", OriginRange("a", 3, 17, None)),
        ("a:3:-90", OriginRange("a", 3, None, 90)),
    ],
)
def test_an_origin_is_a_topic_a_partition_or_some_offsets(text: str, found: OriginRange) -> None:
    assert parse_origin(text) == found


@pytest.mark.parametrize("text", ["", "a:", "a:x", "a:3:9-1", "a:3:1:2"])
def test_what_is_no_origin_is_said(text: str) -> None:
    with pytest.raises(ValueError, match=r"must be TOPIC|ends before"):
        parse_origin(text)


def test_an_id_is_a_place_or_an_origin() -> None:
    assert parse_id("3:17") == LetterPlace(3, 17)
    assert parse_id("shop.orders/3/17") == parse_id("shop.orders:3:17") == OriginName("shop.orders", 3, 17)
    assert parse_id("shop.orders/3/17#1") == OriginName("shop.orders", 3, 17, 1)


def test_configured_paths_are_hidden_in_values_and_in_what_requests_take_from_them() -> None:
    hidden = redaction(["data.email", "data.items.owner"], everything=False)
    value = json.dumps({"data": {"email": "a@b.c", "n": 1, "items": [{"owner": "x-1"}, {"owner": "x-2"}]}}).encode()
    assert json.loads(hidden.of_value(value) or b"") == {
        "data": {"email": "***", "n": 1, "items": [{"owner": "***"}, {"owner": "***"}]}
    }
    request = b'{"user_id":"a@b.c","metadata":{"greeting":"Dear a@b.c","n":1,"owner":"x-2"}}'
    assert json.loads(hidden.of_request(request, value)) == {
        "user_id": "***",
        "metadata": {"greeting": "***", "n": 1, "owner": "***"},
    }


def test_a_value_that_cannot_be_searched_is_hidden_whole() -> None:
    assert redaction(["data.email"], everything=False).of_value(b"\xff") == b"***"
    assert redaction([], everything=False).of_value(b"\xff") == b"\xff"


def test_everything_hides_values_and_keeps_names() -> None:
    hidden = redaction([], everything=True)
    assert hidden.of_value(b'{"a":{"b":[1,"x"]},"c":null}') == b'{"a":{"b":["***","***"]},"c":null}'
    assert hidden.of_key(b"u-1") == b"***"
    assert hidden.of_headers([("h", b"1"), ("n", None)]) == (("h", b"***"), ("n", None))


def test_a_difference_shows_what_changed_and_not_the_order_of_keys() -> None:
    assert difference(b'{"a":1,"b":2}', b'{"b":2,"a":3}') == ["  {", '-   "a": 1,', '+   "a": 3,', '    "b": 2', "  }"]


def told(*declared: Declaration) -> dict[TopicPartition, str]:
    return {TopicPartition("letters", number): encode(each) for number, each in enumerate(declared)}


def test_a_replay_counts_once_however_many_partitions_it_has() -> None:
    seen = Reservations()
    seen.observe(told(Declaration("a", 2.0, 1), Declaration("a", 2.0, 2), Declaration("b", 1.0, 7)), 0.0)
    assert seen.reserved(1.0) == 3.0
    assert seen.reserved(1.0, besides="a") == 1.0


def test_a_dead_replay_stops_counting_and_a_renewed_one_does_not() -> None:
    seen = Reservations()
    for now, at in ((0.0, 1), (20.0, 1), (STALE + 0.1, 1)):
        seen.observe(told(Declaration("dead", 2.0, 1), Declaration("alive", 1.0, at + int(now))), now)
    assert seen.reserved(STALE + 0.1) == 1.0


def test_a_replay_that_ended_frees_its_part_at_once() -> None:
    seen = Reservations()
    seen.observe(told(Declaration("a", 2.0, 1)), 0.0)
    seen.observe(told(Declaration("a", 0.0, 2)), 1.0)
    assert seen.reserved(1.0) == 0.0


def test_automatic_replays_count_as_one_and_divide_its_rate_among_themselves() -> None:
    seen = Reservations()
    mine, other = Declaration("a", 20.0, 1, automatic=True), Declaration("b", 20.0, 1, automatic=True)
    seen.observe(told(mine, other, Declaration("person", 5.0, 1)), 0.0)
    assert seen.reserved(1.0) == 25.0
    assert seen.reserved(1.0, besides="person") == 20.0
    assert (seen.reserved_by_people(1.0), seen.automatic(1.0, besides="a")) == (5.0, 1)
    seen.observe(told(mine, other._replace(rate=0.0, at=2)), 2.0)
    assert seen.automatic(2.0, besides="a") == 0, "one that ended takes no part of it any more"


@pytest.mark.parametrize(
    "text",
    ["", "x", "{}", '{"v":2}', '{"v":1,"replay":"a","rate":-1,"at":1}', '{"v":1,"replay":"a","rate":1e999,"at":1}'],
)
def test_a_foreign_declaration_reserves_nothing(text: str) -> None:
    assert decode(text) is None


def test_replays_together_stay_within_the_limit() -> None:
    assert allowed(2.0, 0.0, 10.0) == 2.0
    assert allowed(10.0, 10.0, 10.0) + allowed(10.0, 10.0, 10.0) == 10.0
