from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.formats import letters
from bridge.formats.letter_headers import CONNECT, OWN, Detail, build
from bridge.model import KINDS, DeadLetter, FailedStep, Header, LetterReason, Record, Route

SCHEMA = json.loads((Path(__file__).parents[3] / "schemas" / "dead-letter-headers.schema.json").read_text())
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)


def letter(
    reason: LetterReason = LetterReason.REJECTED, message: str = "the API said no", headers: tuple[Header, ...] = ()
) -> DeadLetter:
    return DeadLetter(
        Record("shop.orders", 3, 17, 1_767_323_045_678, b"key", b"value", headers),
        reason,
        message,
        output=1,
        route=Route("order.completed[1]", "0123456789ab", "Order Completed"),
        status=400,
        error_code="invalid_user",
        request=b'{"user_id":"u-1"}',
        attempts=3,
        first_attempt_ms=1_767_323_046_000,
        last_attempt_ms=1_767_323_050_500,
        element=1,
    )


def bare(reason: LetterReason = LetterReason.UNDECODABLE) -> DeadLetter:
    return DeadLetter(Record("t", 0, 0, None, None, None, ()), reason, "no JSON at byte 3")


def ours(headers: list[Header]) -> dict[str, str]:
    return {name: (value or b"").decode() for name, value in headers if name.startswith((OWN, CONNECT))}


def test_everything_known_about_a_letter_stands_in_its_headers() -> None:
    assert ours(build(letter(), "bridge-group")) == {
        "bridge.dead-letter.version": "1",
        "bridge.dead-letter.reason": "rejected",
        "bridge.dead-letter.message": "the API said no",
        "bridge.dead-letter.http-status": "400",
        "bridge.dead-letter.error-code": "invalid_user",
        "bridge.dead-letter.origin-topic": "shop.orders",
        "bridge.dead-letter.origin-partition": "3",
        "bridge.dead-letter.origin-offset": "17",
        "bridge.dead-letter.origin-timestamp": "2026-01-02T03:04:05.678Z",
        "bridge.dead-letter.origin-group": "bridge-group",
        "bridge.dead-letter.output": "1",
        "bridge.dead-letter.element": "1",
        "bridge.dead-letter.route": "order.completed[1]",
        "bridge.dead-letter.route-hash": "0123456789ab",
        "bridge.dead-letter.request-sha256": "9963dd457232ee61e37ae0a8ea45aef11bffa242620445bc5fea661a4ce4f613",
        "bridge.dead-letter.request": '{"user_id":"u-1"}',
        "bridge.dead-letter.attempts": "3",
        "bridge.dead-letter.first-attempt": "2026-01-02T03:04:06.000Z",
        "bridge.dead-letter.last-attempt": "2026-01-02T03:04:10.500Z",
        "bridge.dead-letter.replays": "0",
        "__connect.errors.topic": "shop.orders",
        "__connect.errors.partition": "3",
        "__connect.errors.offset": "17",
        "__connect.errors.connector.name": "bridge-group",
        "__connect.errors.stage": "TASK_PUT",
        "__connect.errors.class.name": "bridge.track",
        "__connect.errors.exception.class.name": "bridge.track.rejected",
        "__connect.errors.exception.message": "the API said no",
    }


@pytest.mark.parametrize("reason", LetterReason)
@pytest.mark.parametrize("detail", Detail)
def test_the_headers_keep_to_their_schema_for_every_reason_and_detail(reason: LetterReason, detail: Detail) -> None:
    for each in (letter(reason), bare(reason)):
        VALIDATOR.validate(ours(build(each, "group", detail)))


@given(st.text(), st.text())
def test_the_headers_keep_to_their_schema_whatever_the_texts(message: str, error_code: str) -> None:
    made = DeadLetter(bare().record, LetterReason.REJECTED, message, error_code=error_code)
    VALIDATOR.validate(ours(build(made, "group")))


def test_the_schema_describes_every_header_and_no_other() -> None:
    without_value = DeadLetter(bare().record, LetterReason.TOO_LARGE, "m", value_left_out=60_000_000)
    found = ours(build(without_value, "group", Detail.ESSENTIAL))
    VALIDATOR.validate(found)
    assert found["bridge.dead-letter.value-left-out"] == "60000000"
    without_schema = DeadLetter(bare().record, LetterReason.UNDECODABLE, "m", schema="id:42")
    told = ours(build(without_schema, "group", Detail.ESSENTIAL))
    VALIDATOR.validate(told)
    assert told["bridge.dead-letter.schema"] == "id:42"
    steps = {"bridge.dead-letter.kind", "bridge.dead-letter.step", "bridge.dead-letter.rest"}
    assert set(SCHEMA["properties"]) == {
        *ours(build(letter(), "group")),
        *steps,
        "bridge.dead-letter.automatic",
        "bridge.dead-letter.value-left-out",
        "bridge.dead-letter.schema",
        "bridge.dead-letter.trace",
    }
    assert set(SCHEMA["required"]) <= set(ours(build(bare(), "group", Detail.ESSENTIAL)))


TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def test_the_trace_is_said_only_where_there_is_one_and_the_original_s_own_stays() -> None:
    original: tuple[Header, ...] = (("traceparent", b"00-abc"), ("tracestate", b"a=1"))
    made = build(replace(letter(headers=original), trace=TRACE), "group")
    VALIDATOR.validate(ours(made))
    assert made[:2] == list(original)
    assert ours(made)["bridge.dead-letter.trace"] == TRACE
    assert "bridge.dead-letter.trace" not in ours(build(letter(), "group"))


def test_the_trace_is_read_again_and_who_does_not_know_it_loses_nothing_by_it() -> None:
    made = replace(letter(headers=(("traceparent", b"00-abc"),)), trace=TRACE)
    with_trace = letters.parse(Record("dlq", 0, 5, 1, b"key", b"value", tuple(build(made, "group"))))
    without = letters.parse(Record("dlq", 0, 5, 1, b"key", b"value", tuple(build(replace(made, trace=None), "group"))))
    assert (with_trace.trace, without.trace) == (TRACE, None)
    assert with_trace._replace(trace=None) == without
    named = [*build(made, "group"), ("bridge.dead-letter.of-a-later-version", b"x")]
    assert letters.parse(Record("dlq", 0, 5, 1, b"key", b"value", tuple(named))) == with_trace, (
        "a header that is not known yet is no original's: so the version before this one reads the trace"
    )


def test_headers_of_the_original_stay_byte_for_byte_and_in_order() -> None:
    original: tuple[Header, ...] = (("b", b"\x00\xff"), ("a", None), ("b", b""), ("bridge", b"mine"))
    assert build(letter(headers=original), "group")[:4] == list(original)


def test_headers_of_an_earlier_letter_are_replaced_not_appended() -> None:
    once = build(letter(message="first"), "group")
    twice = build(letter(message="second", headers=tuple(once)), "group")
    assert len(twice) == len(once)
    assert ours(twice)["bridge.dead-letter.message"] == "second"


@pytest.mark.parametrize(("found", "kept"), [(b"3", "3"), (b"-1", "0"), (b"many", "0"), (None, "0"), (b"9" * 40, "0")])
def test_the_count_of_replays_is_kept(found: bytes | None, kept: str) -> None:
    made = build(letter(headers=(("bridge.dead-letter.replays", found),)), "group")
    assert ours(made)["bridge.dead-letter.replays"] == kept


def test_a_long_message_is_cut_between_characters() -> None:
    message = ours(build(letter(message="é" * 2000), "group"))["bridge.dead-letter.message"]
    assert len(message.encode()) <= 1024
    assert message.rstrip("…") == "é" * (len(message) - 1)


def test_less_detail_leaves_out_the_messages_first_and_then_all_but_what_identifies() -> None:
    whole, shorter, least = (ours(build(letter(), "group", detail)) for detail in Detail)
    assert whole.keys() - shorter.keys() == {
        "bridge.dead-letter.message",
        "bridge.dead-letter.request",
        "__connect.errors.exception.message",
    }
    assert least.keys() == {
        f"bridge.dead-letter.{name}"
        for name in (
            *("version", "reason", "output", "element", "route", "route-hash", "replays"),
            *("origin-topic", "origin-partition", "origin-offset", "origin-timestamp", "origin-group"),
        )
    }


def test_a_request_too_long_for_a_header_is_known_by_its_hash_alone() -> None:
    made = ours(build(replace(letter(), request=b"x" * 4097), "group"))
    assert "bridge.dead-letter.request" not in made
    assert len(made["bridge.dead-letter.request-sha256"]) == 64


@pytest.mark.parametrize("timestamp", [10**18, -(10**18)])
def test_a_timestamp_no_calendar_holds_is_kept_in_digits(timestamp: int) -> None:
    record = Record("t", 0, 0, timestamp, None, None, ())
    written = ours(build(DeadLetter(record, LetterReason.INVALID, "m"), "g"))
    assert written["bridge.dead-letter.origin-timestamp"] == str(timestamp)


def of_step(step: FailedStep | None, kind: str = "identify", detail: Detail = Detail.WHOLE) -> dict[str, str]:
    """What is added to the headers of the same letter without a step."""
    made = replace(letter(), kind=kind, step=step)
    without = ours(build(letter(), "group", detail))
    headers = ours(build(made, "group", detail))
    VALIDATOR.validate(headers)
    assert {name: value for name, value in headers.items() if name in without} == without
    return {name.removeprefix(OWN): value for name, value in headers.items() if name not in without}


@pytest.mark.parametrize("detail", Detail)
def test_the_failed_step_and_its_kind_are_in_the_headers_however_little_room_there_is(detail: Detail) -> None:
    assert of_step(FailedStep(0, 2), detail=detail) == {"kind": "identify", "step": "1/2", "rest": "open"}
    assert of_step(FailedStep(1, 3, rest_sent=True), "company", detail) == {
        "kind": "company",
        "step": "2/3",
        "rest": "sent",
    }
    automatic = {"kind": "identify", "step": "1/1", "rest": "open", "automatic": "true"}
    assert of_step(FailedStep(0, 1, automatic=True), detail=detail) == automatic


def test_a_letter_of_a_track_event_that_is_no_step_is_what_it_always_was() -> None:
    assert of_step(None, "track") == {}
    assert of_step(FailedStep(1, 2), "track") == {"step": "2/2", "rest": "open"}


def test_the_schema_knows_every_kind_of_request() -> None:
    named = {kind.name for kind in KINDS} - {"track"}
    assert set(SCHEMA["properties"]["bridge.dead-letter.kind"]["enum"]) == named
