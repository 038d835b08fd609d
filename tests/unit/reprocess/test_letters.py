"""Letters of every dialect, whole and damaged."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.formats.letter_headers import NAMES
from bridge.formats.letters import Dialect, LetterPlace, Origin, parse
from bridge.model import FailedStep, LetterReason, Record, Route
from tests.support.reprocess.letters import connect, foreign, letter, spring

ROUTE = Route("order.completed[1]", "0123456789ab", "Order Completed")


def test_everything_the_bridge_wrote_is_read_back() -> None:
    made = letter(17, partition=3, route=ROUTE, output=1, headers=[("trace", b"\xff")], request=b'{"a":1}')
    found = parse(made.record(5))
    assert found.place == LetterPlace(3, 5)
    assert found.dialect is Dialect.BRIDGE
    assert found.origin == Origin("orders", 3, 17, 1_767_323_045_017, "bridge")
    assert (found.output, found.reason, found.status, found.error_code) == (1, "rejected", 400, "invalid_event")
    assert (found.route, found.route_hash, found.request) == ("order.completed[1]", "0123456789ab", '{"a":1}')
    assert found.headers == (("trace", b"\xff"),)
    assert found.damaged == ()


def test_what_the_bridge_adds_is_told_from_the_originals_own_headers() -> None:
    made = letter(1, route=ROUTE, request=b"{}")
    assert {name for name, _ in made.headers} < NAMES, "else each is found by its prefix, which takes longer"
    newer = [*made.headers, ("bridge.dead-letter.of-a-newer-version", b"1"), ("trace", b"1")]
    assert parse(made.record(0)._replace(headers=newer)).headers == (("trace", b"1"),)


def test_the_record_is_again_what_kafka_first_delivered() -> None:
    made = letter(17, partition=3, headers=[("trace", b"1")])
    again = parse(made.record(5)).record()
    assert again == Record("orders", 3, 17, 1_767_323_045_017, made.key, made.value, (("trace", b"1"),))


def test_springs_binary_numbers_and_kafka_connects_text_are_read() -> None:
    assert parse(spring(2**40).record(0)).origin == Origin("orders", 0, 2**40, 1_767_323_045_000, "billing")
    assert parse(spring(1).record(0)).headers == (("mine", b"kept"),)
    assert parse(connect(7).record(0)).origin == Origin("orders", 0, 7, None, "sink")
    assert parse(connect(7).record(0)).reason == "org.apache.kafka.connect.errors.DataException"


def test_a_letter_nobody_labelled_has_no_origin_and_keeps_its_headers() -> None:
    found = parse(foreign().record(0))
    assert (found.dialect, found.origin, found.reason) == (Dialect.UNKNOWN, None, "unknown")
    assert found.headers == (("trace", b"1"),)
    assert found.record() is None


@pytest.mark.parametrize(
    ("name", "value"),
    [("origin-offset", b"x"), ("origin-partition", b"-1"), ("origin-topic", b"\xff"), ("output", b"one")],
)
def test_a_damaged_header_is_named_and_leaves_the_letter_without_origin(name: str, value: bytes) -> None:
    made = letter(1)
    headers = [(n, value if n == f"bridge.dead-letter.{name}" else v) for n, v in made.headers]
    found = parse(made.record(0)._replace(headers=headers))
    assert found.origin is None
    assert found.damaged == (f"bridge.dead-letter.{name}",)
    assert found.reason == "rejected"


@given(st.lists(st.tuples(st.sampled_from([name for name, _ in spring(1).headers]), st.none() | st.binary(max_size=9))))
def test_no_header_of_whatever_content_keeps_a_letter_from_being_read(headers: list[tuple[str, bytes | None]]) -> None:
    found = parse(Record("letters", 0, 1, None, None, None, headers))
    assert found.place == LetterPlace(0, 1)


def test_what_failed_before_any_route_stands_for_its_whole_record() -> None:
    assert parse(letter(1, reason=LetterReason.UNDECODABLE).record(0)).is_whole_record
    assert parse(letter(1, reason=LetterReason.UNMAPPABLE).record(0)).is_whole_record
    assert not parse(letter(1, reason=LetterReason.UNMAPPABLE, route=ROUTE).record(0)).is_whole_record
    assert not parse(letter(1, reason=LetterReason.REJECTED, route=ROUTE).record(0)).is_whole_record
    assert parse(spring(1).record(0)).is_whole_record


@given(st.integers(-(2**63) + 1, 2**63 - 1) | st.integers(1_700_000_000_000_000, 1_800_000_000_000_000))
def test_a_record_has_the_same_kafka_timestamp_after_its_dead_letter_whatever_it_counts(timestamp: int) -> None:
    again = parse(letter(0, timestamp_ms=timestamp).record(5))
    assert again.damaged == ()
    assert again.origin is not None
    assert again.origin.timestamp_ms == timestamp


STEPS = [
    FailedStep(0, 2),
    FailedStep(1, 3, rest_sent=True),
    FailedStep(0, 1, automatic=True),
    FailedStep(999_999, 1_000_000, rest_sent=True, automatic=True),
]


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("kind", ["track", "identify", "company"])
def test_the_failed_step_and_its_kind_are_read_back(step: FailedStep, kind: str) -> None:
    found = parse(letter(1, route=ROUTE, kind=kind, step=step).record(0))
    assert (found.kind, found.step, found.damaged, found.headers) == (kind, step, (), ())


def test_a_letter_without_a_step_is_of_a_track_event_and_of_nothing_else() -> None:
    found = parse(letter(1, route=ROUTE, request=b"{}").record(0))
    assert (found.kind, found.request_kind, found.step, found.has_rest) == ("track", "track", None, False)


def test_steps_are_left_with_a_letter_only_where_there_are_several_and_they_were_not_sent() -> None:
    def has_rest(step: FailedStep | None) -> bool:
        return parse(letter(1, route=ROUTE, kind="identify", step=step).record(0)).has_rest

    assert has_rest(FailedStep(0, 2))
    assert has_rest(FailedStep(0, 2, automatic=True))
    assert not has_rest(FailedStep(0, 2, rest_sent=True))
    assert not has_rest(FailedStep(0, 1, automatic=True))


@pytest.mark.parametrize("value", [b"", b"2", b"0/2", b"3/2", b"-1/2", b"2/x", b"1/2/3", b"1/10000000", b"\xff"])
def test_a_letter_of_which_the_step_is_illegible_is_not_taken_for_all_there_is(value: bytes) -> None:
    made = letter(1, route=ROUTE, kind="identify", step=FailedStep(0, 2))
    headers = [(n, value if n == "bridge.dead-letter.step" else v) for n, v in made.headers]
    found = parse(made.record(0)._replace(headers=headers))
    assert (found.origin, found.step, found.damaged) == (None, None, ("bridge.dead-letter.step",))


def test_a_rest_that_is_neither_open_nor_sent_makes_the_step_illegible() -> None:
    made = letter(1, route=ROUTE, kind="identify", step=FailedStep(0, 2))
    headers = [(n, b"perhaps" if n == "bridge.dead-letter.rest" else v) for n, v in made.headers]
    assert parse(made.record(0)._replace(headers=headers)).damaged == ("bridge.dead-letter.step",)
