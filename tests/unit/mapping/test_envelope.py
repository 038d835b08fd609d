from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from bridge.model import FilterReason, LetterReason

if TYPE_CHECKING:
    from tests.unit.mapping.conftest import Bench

MAPPING = """
events:
  order:
    event_name: Order
    metadata: {amount: data.amount, source: envelope:source, subject: envelope:subject, tenant: tenant}
"""
DATA = {"user_id": "u-1", "amount": 12.5}
EVENT = {
    "specversion": "1.0",
    "type": "order",
    "source": "/shop",
    "id": "e-1",
    "time": "2026-01-02T03:04:05Z",
    "subject": "cart",
    "tenant": "acme",
}
HEADERS = [(f"ce_{name}", text.encode()) for name, text in EVENT.items()]
EXPECTED = {
    "amount": 12.5,
    "source": "/shop",
    "subject": "cart",
    "tenant": "acme",
    "occurred_at": "2026-01-02T03:04:05Z",
    "event_id": "e-1",
}
STRUCTURED = [("content-type", b"application/cloudevents+json; charset=UTF-8")]


@pytest.mark.parametrize("decode", ["auto", "cloudevents"])
def test_one_mapping_serves_both_modes_of_cloud_events(bench: Callable[[str], Bench], decode: str) -> None:
    mapping = bench(f"decode: {decode}\n{MAPPING}")

    assert mapping.metadata({**EVENT, "data": DATA}) == EXPECTED
    assert mapping.metadata({**EVENT, "data": DATA}, headers=STRUCTURED) == EXPECTED
    assert mapping.metadata(DATA, headers=HEADERS) == EXPECTED
    assert mapping.metadata(DATA, headers=[*HEADERS, ("content-type", b"application/json")]) == EXPECTED


def test_the_type_of_a_binary_event_is_routed_before_its_data_is_decoded(bench: Callable[[str], Bench]) -> None:
    mapping = bench(MAPPING)
    other = [(name, b"other" if name == "ce_type" else text) for name, text in HEADERS]

    assert mapping.filtered(b"\xff", headers=other).reason is FilterReason.UNMAPPED
    assert mapping.failed(b"\xff", headers=HEADERS).reason is LetterReason.UNDECODABLE


def test_never_send_covers_the_headers_of_a_binary_event(bench: Callable[[str], Bench]) -> None:
    mapping = bench(f"never_send: [tenant, subject, data.amount]\n{MAPPING}")

    for found in (mapping.metadata(DATA, headers=HEADERS), mapping.metadata({**EVENT, "data": DATA})):
        assert not {"tenant", "subject", "amount"} & set(found)


def test_plain_json_is_not_taken_for_a_cloud_event(bench: Callable[[str], Bench]) -> None:
    value = {"type": "order", "source": "/shop", "data": DATA}

    assert "source" not in bench(MAPPING).metadata(value)
    assert "source" not in bench(f"decode: json\n{MAPPING}").metadata({**EVENT, "data": DATA})
    assert bench(f"decode: json\n{MAPPING}").metadata({**EVENT, "data": DATA}, headers=HEADERS)["amount"] == 12.5


@pytest.mark.parametrize(
    ("value", "headers", "words"),
    [
        (DATA, [(n, t) for n, t in HEADERS if n != "ce_id"], "ce_id is missing or empty"),
        (DATA, [*HEADERS, ("ce_extra", b"\xff")], "the CloudEvents header ce_extra is not UTF-8"),
        (DATA, [*HEADERS, ("content-type", b"application/avro")], "data is application/avro; JSON is needed"),
        ({"type": "order"}, STRUCTURED, "no CloudEvent: specversion is missing"),
        ({**EVENT, "id": 5}, STRUCTURED, "no CloudEvent: id is a number"),
        ({**EVENT, "data_base64": "?"}, STRUCTURED, "data_base64 of the CloudEvent is not base64"),
    ],
)
def test_half_a_cloud_event_is_undecodable(bench: Callable[[str], Bench], value: Any, headers: Any, words: str) -> None:
    failed = bench(MAPPING).failed(value, headers=headers)

    assert failed.reason is LetterReason.UNDECODABLE
    assert words in failed.message


def test_decode_cloudevents_takes_nothing_else(bench: Callable[[str], Bench]) -> None:
    failed = bench(f"decode: cloudevents\n{MAPPING}").failed({"type": "order", "data": DATA})

    assert failed.message == "the value is no CloudEvent: specversion is missing"


def test_data_in_base64_and_as_text_are_seen_as_data(bench: Callable[[str], Bench]) -> None:
    mapping = bench("user_id: subject\nevents: {order: {metadata: {d: data, a: data.amount}}}")
    encoded = base64.b64encode(json.dumps(DATA).encode()).decode()

    assert mapping.metadata({**EVENT, "data_base64": encoded})["a"] == 12.5
    assert mapping.metadata(b"hello", headers=[*HEADERS, ("Content-Type", b"text/plain")])["d"] == "hello"


@pytest.mark.parametrize("value", [None, b""], ids=["null", "empty"])
@pytest.mark.parametrize("decode", ["auto", "cloudevents"])
def test_a_binary_event_without_data_is_the_event_that_its_structured_form_is(
    bench: Callable[[str], Bench], value: bytes | None, decode: str
) -> None:
    mapping = bench(f"decode: {decode}\nuser_id: subject\nevents: {{order: {{metadata: {{s: source, d: data.x}}}}}}")

    assert mapping.request(value, headers=HEADERS) == mapping.request(EVENT, headers=STRUCTURED)
    assert mapping.request(value, headers=[*HEADERS, ("content-type", b"application/json")])["user_id"] == "cart"
    assert mapping.request(b"null", headers=HEADERS) == mapping.request({**EVENT, "data": None})
    other = [(name, b"other" if name == "ce_type" else text) for name, text in HEADERS]
    assert mapping.filtered(value, headers=other).reason is FilterReason.UNMAPPED


def test_a_record_without_value_and_with_half_an_event_in_its_headers_is_a_dead_letter(
    bench: Callable[[str], Bench],
) -> None:
    headers = [header for header in HEADERS if header[0] != "ce_id"]

    assert "ce_id is missing" in bench(MAPPING).failed(None, headers=headers).message


@pytest.mark.parametrize("value", [None, b"null", b" null\n", b"\0\0\0\0\x07null"])
@pytest.mark.parametrize("decode", ["auto", "json", "cloudevents"])
def test_null_is_a_tombstone_written_as_json_too(
    bench: Callable[[str], Bench], value: bytes | None, decode: str
) -> None:
    mapping = bench(f"decode: {decode}\n{MAPPING}")

    assert mapping.filtered(value).reason is FilterReason.TOMBSTONE
    assert mapping.filtered(value, headers=[("trace", b"1")]) is mapping.filtered(None), "counted by identity"


def test_headers_of_an_event_mean_nothing_where_json_is_decoded(bench: Callable[[str], Bench]) -> None:
    mapping = bench(f"decode: json\n{MAPPING}")

    assert mapping.filtered(None, headers=HEADERS).reason is FilterReason.TOMBSTONE
    assert mapping.failed(b"", headers=HEADERS).message == "the value is empty; JSON is needed"


# --- schema registries


@pytest.mark.parametrize("frame", [b"\0\0\0\0\x07", b"\0\0\0\0\0\0\0\0\x07", b"\0\0\0\0\x07 \n"])
def test_json_behind_schema_registry_framing_is_decoded(bench: Callable[[str], Bench], frame: bytes) -> None:
    raw = frame + json.dumps({"type": "order", "data": DATA}).encode()

    assert bench(MAPPING).metadata(raw)["amount"] == 12.5


def test_the_byte_of_an_error_is_that_of_the_whole_value_framing_included(bench: Callable[[str], Bench]) -> None:
    assert bench(MAPPING).failed(b'\0\0\0\0\x07{"a" 1}').message.endswith("at byte 10")
    assert "byte at offset 11 " in bench(MAPPING).failed(b'\0\0\0\0\x07{"a": \xff}').message


PROTOBUF = b"\x00" + b"\x0a\x03u-1" + b"\x10\x96\x01" + b"\x19" + b"\0" * 8
AVRO = b"\x06u-1\x00\x02" + b"\xff\xff"


@pytest.mark.parametrize(
    ("raw", "headers", "words"),
    [
        (b"\0\0\0\x01\x02" + AVRO, (), "is Avro behind schema-registry framing (schema id 258)"),
        (b"\0\0\0\0\x07" + PROTOBUF, (), "is Protobuf behind schema-registry framing (schema id 7)"),
        (b"\0\0\0\0\x07" + b"\x04\x02\x00" + PROTOBUF[1:], (), "is Protobuf behind"),
        (AVRO, (("__value_schema_id", b"\x01" + b"g" * 16),), "is Avro whose schema id is in the header"),
        (PROTOBUF, (("__value_schema_id", b"\x01" + b"g" * 16),), "is Protobuf"),
        (b"Obj\x01abc", (), "Avro object container file"),
        (b"\xc3\x01" + b"f" * 8, (), "Avro in single-object encoding"),
    ],
)
def test_avro_and_protobuf_are_called_by_their_names(
    bench: Callable[[str], Bench], raw: bytes, headers: Any, words: str
) -> None:
    failed = bench(MAPPING).failed(raw, headers=headers)

    assert failed.reason is LetterReason.UNDECODABLE
    assert words in failed.message
    assert "u-1" not in failed.message


def test_json_with_its_schema_id_in_a_header_is_decoded(bench: Callable[[str], Bench]) -> None:
    headers = (("__value_schema_id", b"\x01" + b"g" * 16),)

    assert bench(MAPPING).metadata({"type": "order", "data": DATA}, headers=headers)["amount"] == 12.5


def test_an_object_that_a_header_says_to_be_a_batch_is_named_as_that(bench: Callable[[str], Bench]) -> None:
    mapping = bench("decode: cloudevents\nevents: {order: {}}")
    batch = [("content-type", b"application/cloudevents-batch+json")]
    assert mapping.failed({"events": []}, headers=batch).message == (
        "the value is an object, and its content-type says a batch of CloudEvents; an array is needed"
    )
    event = {"specversion": "1.0", "type": "order", "source": "/s", "id": "1", "data": {"user_id": "u"}}
    assert mapping.request(event, headers=batch)["user_id"] == "u"
