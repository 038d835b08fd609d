"""What is hidden stays hidden in every form, and what cannot be searched is hidden whole."""

from __future__ import annotations

import base64
import gzip
import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.config.mapping_section import MappingConfig
from bridge.model import Header
from bridge.reprocess.reading.redaction import places, redaction

SECRET = "Ada@X.example"
INSIDE = json.dumps({"email": SECRET})
EMAIL = redaction(["data.email"], everything=False)


@pytest.mark.parametrize(
    "data",
    [
        INSIDE,
        json.dumps(INSIDE),
        base64.b64encode(INSIDE.encode()).decode(),
        f"email={SECRET}",
        [INSIDE],
        [[INSIDE], {"email": SECRET}],
        {"email": SECRET},
        {"email": {"all": [SECRET]}},
        [{"email": INSIDE, "name": "Ada"}],
    ],
)
def test_nothing_of_a_hidden_path_is_shown_whatever_its_form(data: Any) -> None:
    value = json.dumps({"data": data, "n": 1}).encode()

    shown = EMAIL.of_value(value) or b""

    assert SECRET.encode() not in shown
    assert base64.b64encode(INSIDE.encode()) not in shown
    assert json.loads(shown)["n"] == 1
    raw = data if isinstance(data, str) else json.dumps(data)
    for text in (SECRET, SECRET.lower(), SECRET.upper(), f"Dear {SECRET}", raw, raw[4:-1]):
        request = json.dumps({"user_id": text, "metadata": {"a": text, "n": 1}}).encode()
        sent = json.loads(EMAIL.of_request(request, value))
        assert SECRET.casefold() not in json.dumps(sent).casefold()
        assert EMAIL.of_user(SECRET, value) == "***"


def test_a_text_on_the_way_hides_all_of_a_request() -> None:
    value = json.dumps({"data": INSIDE}).encode()

    assert json.loads(EMAIL.of_request(b'{"user_id":"u","metadata":{"n":1}}', value)) == {
        "user_id": "***",
        "metadata": {"n": "***"},
    }


@pytest.mark.parametrize("value", [b"\xff", b'\0\0\0\0\x07{"data":{"email":"Ada@X.example"}}', b"", b"[[", None])
def test_of_a_value_that_cannot_be_searched_no_request_and_no_user_is_shown(value: bytes | None) -> None:
    request = b'{"user_id":"Ada@X.example","metadata":{"n":1}}'

    assert SECRET.encode() not in (EMAIL.of_value(value) or b"")
    if value:
        assert SECRET.encode() not in EMAIL.of_request(request, value)
        assert EMAIL.of_user(SECRET, value) == "***"


EVENT: list[Header] = [
    ("ce_specversion", b"1.0"), ("ce_type", b"a"), ("ce_source", b"s"), ("ce_id", b"1"),
    ("ce_subject", SECRET.encode()),
]  # fmt: skip


def test_a_binary_cloud_event_is_searched_as_the_mapping_sees_it() -> None:
    hidden = redaction(["data.email", "subject"], everything=False)
    value = json.dumps({"email": SECRET, "n": 1}).encode()

    assert json.loads(hidden.of_value(value, EVENT) or b"") == {"email": "***", "n": 1}
    assert ("ce_subject", b"***") in hidden.of_headers(EVENT)
    assert ("ce_id", b"1") in hidden.of_headers(EVENT)
    assert hidden.of_user(SECRET, b'{"n":1}', EVENT) == "***"
    request = json.dumps({"user_id": "u", "metadata": {"m": SECRET}}).encode()
    assert json.loads(hidden.of_request(request, value, EVENT))["metadata"] == {"m": "***"}
    assert redaction(["data"], everything=False).of_value(value, EVENT) == b'{"email":"***","n":"***"}'


def test_the_encoded_data_of_a_cloud_event_is_hidden_with_its_data() -> None:
    encoded = base64.b64encode(INSIDE.encode()).decode()
    value = json.dumps({"specversion": "1.0", "data_base64": encoded, "data": {"n": 1}}).encode()

    assert encoded.encode() not in (EMAIL.of_value(value) or b"")


def test_what_may_have_been_made_of_a_number_or_a_boolean_is_hidden() -> None:
    hidden = redaction(["salary", "ill"], everything=False)
    request = json.dumps({"metadata": {"a": 12.5, "b": "1250 EUR", "c": True, "d": "text", "e": "2026-01-02"}}).encode()

    shown = json.loads(hidden.of_request(request, b'{"salary": 1250, "ill": false}'))["metadata"]

    assert shown == {"a": "***", "b": "***", "c": "***", "d": "text", "e": "***"}
    assert json.loads(hidden.of_request(request, b"{}"))["metadata"]["a"] == 12.5


def test_an_answer_that_repeats_a_hidden_value_is_not_shown() -> None:
    value = json.dumps({"data": {"email": SECRET}}).encode()

    assert EMAIL.of_message("ada@x.example is no user", value) == "***"
    assert EMAIL.of_message("no such user", value) == "no such user"


@pytest.mark.parametrize("number", ["99999999999999999.99", "12345678901234567890123", "1e400", "0.1"])
def test_what_is_shown_has_the_digits_that_are_written_or_is_hidden(number: str) -> None:
    shown = EMAIL.of_value(b'{"n": %b, "data": {"email": "x"}}' % number.encode()) or b""

    if number == "1e400":
        assert shown == b"***"
    else:
        assert json.loads(shown, parse_float=Decimal)["n"] == Decimal(number)


@pytest.mark.parametrize(
    "made",
    [
        "ada",  # split(data.email, '@')[0]
        "x.example",
        "Ada at X.example",  # replace
        "Welcome to X.example",
        "example",
        "    Ada@X.example",
    ],
)
def test_a_part_of_a_hidden_text_is_hidden_too(made: str) -> None:
    value = json.dumps({"data": {"email": SECRET}}).encode()
    request = json.dumps({"metadata": {"a": made, "b": "Bern", "n": 5}}).encode()

    shown = json.loads(EMAIL.of_request(request, value))["metadata"]

    assert (shown["a"], shown["b"], shown["n"]) == ("***", "Bern", 5)


@pytest.mark.parametrize("text", [SECRET, "Straße", "ÿþ"])
def test_what_from_base64_makes_of_a_hidden_text_is_hidden_too(text: str) -> None:
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        for encoded in (encode(text.encode()).decode(), encode(text.encode()).decode().rstrip("=")):
            value = json.dumps({"data": {"email": encoded}}).encode()
            request = json.dumps({"user_id": text, "metadata": {"a": f"for {text}", "b": "Bern"}}).encode()

            shown = json.loads(EMAIL.of_request(request, value))

            assert shown["user_id"] == "***"
            assert shown["metadata"]["b"] == "Bern"
            assert len(text) < 3 or shown["metadata"]["a"] == "***"


def test_beside_a_hidden_text_too_long_to_compare_nothing_is_shown() -> None:
    value = json.dumps({"data": {"email": "a b " * 10_000}}).encode()

    assert json.loads(EMAIL.of_request(b'{"metadata":{"a":"x"}}', value)) == {"metadata": {"a": "***"}}


def test_of_json_in_base64_at_a_hidden_path_nothing_is_shown() -> None:
    value = json.dumps({"data": {"email": base64.b64encode(INSIDE.encode()).decode()}}).encode()

    assert json.loads(EMAIL.of_request(b'{"metadata":{"a":"x","n":1}}', value)) == {
        "metadata": {"a": "***", "n": "***"}
    }


@pytest.mark.parametrize("text", ["1.234,56", "BOI=", "20455", "02.01.2026 04:04", " 12 "])
def test_a_number_or_a_time_that_may_have_been_read_of_a_hidden_text_is_hidden_too(text: str) -> None:
    value = json.dumps({"data": {"email": text}}).encode()
    request = json.dumps({"metadata": {"a": 12.5, "t": "2026-01-02T03:04:05Z", "b": "Bern"}}).encode()

    assert json.loads(EMAIL.of_request(request, value))["metadata"] == {"a": "***", "t": "***", "b": "Bern"}


TREES = st.recursive(
    st.just(SECRET) | st.just(INSIDE) | st.integers(0, 9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["email", "b"]), inner, max_size=2),
)


@given(TREES)
def test_nothing_below_a_hidden_path_is_ever_shown(data: Any) -> None:
    hidden = redaction(["data"], everything=False)

    assert SECRET not in (hidden.of_value(json.dumps({"data": data}).encode()) or b"").decode()


SEEN: dict[str, dict[str, Any]] = {
    "as it is": {"email": SECRET, "n": 1},
    "in Kafka Connect's envelope": {"schema": {}, "payload": {"email": SECRET, "n": 1}},
    "in elements": {"records": [{"email": SECRET, "n": 1}]},
    "in elements of an envelope": {"schema": {}, "payload": {"records": [{"email": SECRET, "n": 1}]}},
}
"""Where what the mapping sees as `email` may be in a record's value."""


@pytest.mark.parametrize("value", SEEN.values(), ids=SEEN)
def test_a_path_is_hidden_where_the_mapping_sees_it_and_not_only_where_the_value_begins(value: dict[str, Any]) -> None:
    mapping = MappingConfig.model_validate(
        {"unwrap": "connect", "per_topic": {"batches": {"each": "records"}}, "events": {"a": {}}}
    )
    hidden = redaction(["email"], everything=False, within=places(mapping))
    raw = json.dumps(value).encode()

    shown = hidden.of_value(raw) or b""
    assert SECRET.encode() not in shown
    assert b'"n":1' in shown
    assert SECRET.encode() not in hidden.of_request(json.dumps({"user_id": SECRET}).encode(), raw)


@pytest.mark.parametrize(
    "value",
    [
        gzip.compress(json.dumps({"data": {"email": SECRET}}).encode()),
        base64.b64encode(json.dumps({"data": {"email": SECRET}}).encode()),
        json.dumps(json.dumps({"data": {"email": SECRET}})).encode(),
    ],
    ids=["gzip", "base64", "a JSON text"],
)
def test_what_layers_are_around_cannot_be_searched_and_is_hidden_whole(value: bytes) -> None:
    assert (EMAIL.of_value(value) or b"").strip(b'"') == b"***"
    assert SECRET.encode() not in EMAIL.of_request(json.dumps({"user_id": SECRET}).encode(), value)


def test_the_data_of_events_in_a_batch_is_hidden_however_it_is_written() -> None:
    event = {"id": "e-1", "data_base64": base64.b64encode(INSIDE.encode()).decode()}
    value = json.dumps([event, {"id": "e-2", "data": {"email": SECRET}}]).encode()

    assert json.loads(EMAIL.of_value(value) or b"") == [
        {"id": "e-1", "data_base64": "***"},
        {"id": "e-2", "data": {"email": "***"}},
    ]
    assert json.loads(EMAIL.of_request(b'{"user_id":"ada@x.example"}', value)) == {"user_id": "***"}


@pytest.mark.parametrize(
    "request_",
    [
        {"user_id": SECRET, "metadata": {"mail": SECRET, "plan": None}, "company": {"id": SECRET, "owner": SECRET}},
        {"company_id": SECRET, "metadata": {"owner": f"Dear {SECRET}"}},
    ],
)
def test_what_is_known_of_a_user_or_a_company_is_hidden_as_an_event_is(request_: dict[str, Any]) -> None:
    value = json.dumps({"data": {"email": SECRET}}).encode()

    shown = EMAIL.of_request(json.dumps(request_).encode(), value)

    assert SECRET.encode() not in shown
    assert list(json.loads(shown)) == list(request_)
