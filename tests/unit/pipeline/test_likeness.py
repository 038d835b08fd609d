"""Dead letters that fail for one cause are one line, however their records differ."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.model import Record
from bridge.pipeline.letter_breaker import Likenesses, TopicLetters, common_form
from tests.support.processor_time import processor_time


@pytest.mark.parametrize(
    ("message", "form"),
    [
        (
            "the API answered 400 invalid_event: event_name 'Foo' is unknown (x-request-id 0af-12)",
            "the API answered 400 invalid_event: event_name '…' is unknown",
        ),
        ("user_id: data.user_id is missing or null", "user_id: data.user_id is missing or null"),
        ("amount: data.items[3].price1 is 'abc', not a number", "amount: data.items[#].price1 is '…', not a number"),
        ("the value is not JSON at byte 17", "the value is not JSON at byte #"),
        ("occurred 93212 s ago, and max_age is 3600 s", "occurred # s ago, and max_age is # s"),
        ("user u-1234: account acc_99f1 of a.b@c.de.", "user #: account # of #."),
        ("at 2026-01-01T00:00:00Z, in 12.5 s.", "at #, in # s."),
        ("uuid 123e4567-e89b-12d3-a456-426614174000, again", "uuid #, again"),
        ('no rule is for the type "order.v2", and', 'no rule is for the type "…", and'),
        ("it doesn't like the users' thing", "it doesn't like the users' thing"),
        ("no UTF-8, charset=utf-8, in base64", "no UTF-8, charset=utf-8, in base64"),
        ("two\n lines", "two lines"),
    ],
)
def test_what_differs_from_record_to_record_is_left_out_and_paths_and_the_status_stay(message: str, form: str) -> None:
    assert common_form(message) == form


@given(st.text(max_size=60), st.integers(0, 10**9), st.integers(0, 10**9))
def test_the_same_message_with_another_number_has_the_same_form(text: str, one: int, other: int) -> None:
    assert common_form(f"{text} offset {one} of it") == common_form(f"{text} offset {other} of it")


@pytest.mark.parametrize("piece", ["a", "a@", "'a", '"', "a.", "1", "a1 ", "' ", " (x-request-id ", "\N{BULLET}"])
def test_no_message_takes_long_to_look_at_or_much_room(piece: str) -> None:
    message = piece * (1_000_000 // len(piece))
    assert processor_time(lambda: common_form.__wrapped__(message)) < 1, "seconds, of milliseconds"
    assert len(common_form.__wrapped__(message)) <= 200


def test_the_commonest_are_told_and_the_rest_is_counted() -> None:
    seen = Likenesses()
    for number in range(97):
        seen.add(f"record {number}: data.user_id is missing")
    for text in ("a", "b", "c", "a"):
        seen.add(text)
    times = "\N{MULTIPLICATION SIGN}"
    assert seen.sentence(2) == f"97 {times} record #: data.user_id is missing; 2 {times} a; 2 {times} something else"


def test_endless_forms_take_no_endless_room_and_hide_no_common_one() -> None:
    seen = Likenesses(most=10)
    for number in range(5000):
        seen.add("".join(chr(97 + int(digit)) for digit in str(number)) + " is odd")
        if number % 3 == 0:
            seen.add("common")
        assert len(seen) <= 20
    assert seen.sentence(1).startswith("1,667 ")


def test_the_sample_is_the_first_record_of_the_commonest_form() -> None:
    seen = Likenesses(most=2)
    assert seen.sample == ""
    for offset, text in enumerate(["no a", "no 7", "no 8", *"bcdef", "no 9"]):
        seen.add(text, Record("orders", 3, offset, None, b"k", b"v", ()))
    assert seen.sample == "orders/3/1"
    seen.clear()
    assert seen.sample == ""


def test_what_is_delivered_ends_the_row_and_what_it_said() -> None:
    topic = TopicLetters("orders", 100)
    topic.messages.add("a")
    topic.end_row()
    assert topic.messages.sentence() == ""
    topic.messages.add("b")
    topic.end_row()
    assert (topic.messages.total, len(topic.messages)) == (0, 0)
