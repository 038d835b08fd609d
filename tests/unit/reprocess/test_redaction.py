"""What is hidden stays hidden in every form, and what cannot be searched is hidden whole."""

from __future__ import annotations

import base64
import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.model import Header
from bridge.reprocess.reading.redaction import redaction

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


TREES = st.recursive(
    st.just(SECRET) | st.just(INSIDE) | st.integers(0, 9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["email", "b"]), inner, max_size=2),
)


@given(TREES)
def test_nothing_below_a_hidden_path_is_ever_shown(data: Any) -> None:
    hidden = redaction(["data"], everything=False)

    assert SECRET not in (hidden.of_value(json.dumps({"data": data}).encode()) or b"").decode()
