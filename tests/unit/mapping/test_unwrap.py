"""What Kafka Connect, Debezium and other producers put around a value is taken off before anything reads it."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Callable
from typing import Any

import pytest

from bridge.model import FilterReason, LetterReason, Record
from tests.unit.mapping.conftest import Bench

SOURCE = {"connector": "postgresql", "name": "shop", "schema": "public", "table": "users", "lsn": 33, "txId": 5,
          "ts_ms": 1_767_323_045_000}  # fmt: skip
CHANGES = """
unwrap: debezium
event_type: {template: "{source.table}.{operation}"}
user_id: after.id
events:
  users.update: {event_name: User Updated, metadata: {plan: after.plan, note: after.note, kind: op}}
  users.delete: {event_name: User Deleted, user_id: before.id}
"""


def change(**changes: Any) -> dict[str, Any]:
    return {"before": None, "after": {"id": "u-1", "plan": "pro"}, "source": SOURCE, "op": "u", "ts_ms": 5} | changes


def wrapped(payload: Any) -> dict[str, Any]:
    return {"schema": {"type": "struct", "fields": []}, "payload": payload}


@pytest.mark.parametrize("around", [lambda value: value, wrapped], ids=["schemas.enable=false", "with its schema"])
def test_a_change_is_mapped_with_its_own_id_and_time(
    bench: Callable[[str], Bench], around: Callable[[Any], Any]
) -> None:
    request = bench(CHANGES).request(around(change()), key=b'{"id":"u-1"}')

    assert request["user_id"] == "u-1"
    assert request["metadata"].pop("event_id").startswith("shop.public.users:33/5:u:")
    assert request["metadata"] == {"plan": "pro", "kind": "u", "occurred_at": "2026-01-02T03:04:05Z"}


def test_a_change_that_nothing_tells_apart_has_the_place_of_its_record(bench: Callable[[str], Bench]) -> None:
    assert bench(CHANGES).metadata(change(), key=None)["event_id"] == "shop.orders/3/17"


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ({"ts_ms": 5}, FilterReason.HEARTBEAT),
        (wrapped({"ts_ms": 5}), FilterReason.HEARTBEAT),
        ({"status": "END", "id": "5:33", "event_count": 1, "data_collections": []}, FilterReason.TRANSACTION),
        ({"source": SOURCE, "ddl": "…"}, FilterReason.SCHEMA_CHANGE),
        (change(op="t", after=None), FilterReason.TRUNCATE),
        (None, FilterReason.TOMBSTONE),
        (wrapped(None), FilterReason.TOMBSTONE),
    ],
)
def test_what_is_no_change_is_filtered_by_its_name(
    bench: Callable[[str], Bench], value: Any, reason: FilterReason
) -> None:
    mapping = bench(CHANGES)

    assert mapping.filtered(value).reason is reason
    assert mapping.map(value) is mapping.map(value), "a row of them is counted in one go"


def test_a_value_the_database_did_not_tell_is_a_dead_letter_where_it_is_mapped_and_costs_nothing_unread(
    bench: Callable[[str], Bench],
) -> None:
    value = change(after={"id": "u-1", "note": "__debezium_unavailable_value"})

    failed = bench(CHANGES).failed(value)
    assert failed.reason is LetterReason.UNMAPPABLE
    assert "__debezium_unavailable_value" in failed.message
    assert "note" not in bench(CHANGES.replace(", note: after.note", "")).metadata(value)


def test_an_outbox_is_read_with_its_payload_as_text_and_its_headers_in_quotes(bench: Callable[[str], Bench]) -> None:
    outbox = """
unwrap: debezium
event_type: header:eventType
event_id: header:id
user_id: customer
events: {OrderPlaced: {event_name: Order Placed, metadata: {order: key, total: total}}}
"""
    headers = (("id", b'"e-1"'), ("eventType", b'{"schema":{"type":"string"},"payload":"OrderPlaced"}'))
    document = json.dumps({"customer": "u-1", "total": 5})

    for value in (document, wrapped(document), json.loads(document)):
        for key in (b"order-7", b'"order-7"', b'{"schema":{"type":"string"},"payload":"order-7"}'):
            metadata = bench(outbox).metadata(value, headers=headers, key=key)
            assert (metadata["event_id"], metadata["order"], metadata["total"]) == ("e-1", "order-7", 5)


def test_quotes_of_a_header_are_its_own_where_nothing_is_unwrapped(bench: Callable[[str], Bench]) -> None:
    text = "event_type: header:type\nuser_id: u\nevents: {'\"a\"': {event_name: A}}"

    assert bench(text).request({"u": "u-1"}, headers=(("type", b'"a"'),))["event_name"] == "A"


def test_a_payload_that_is_no_json_is_a_dead_letter(bench: Callable[[str], Bench]) -> None:
    failed = bench(CHANGES.replace("debezium", "connect")).failed(wrapped("hello"))

    assert failed.reason is LetterReason.UNDECODABLE
    assert failed.message == "the payload is a text that holds no JSON; a JSON object is needed"


def test_an_envelope_around_a_list_of_elements_is_taken_off_first(bench: Callable[[str], Bench]) -> None:
    text = "unwrap: connect\neach: '@'\nuser_id: u\nevents: {a: {event_name: A}}"
    raw = json.dumps(wrapped([{"type": "a", "u": "u"}] * 3)).encode()

    assert len(bench(text).mapping.map_all(Record("t", 0, 0, 5, None, raw, ()), 0)) == 3


@pytest.mark.parametrize("raw", [b'\xef\xbb\xbf{"type": "a", "u": "u-1"}', b'\xef\xbb\xbf {"u": "u-1", "type": "a"}'])
def test_a_byte_order_mark_is_taken_off(bench: Callable[[str], Bench], raw: bytes) -> None:
    assert bench("user_id: u\nevents: {a: {event_name: A}}").request(raw)["user_id"] == "u-1"


def test_a_failure_behind_a_byte_order_mark_names_the_byte_of_the_record(bench: Callable[[str], Bench]) -> None:
    assert bench("events: {a: {}}").failed(b'\xef\xbb\xbf{"a": x}').message.endswith("at byte 9")


def test_layers_are_undone_for_every_format(bench: Callable[[str], Bench]) -> None:
    raw = base64.b64encode(gzip.compress(b'{"type": "a", "u": "u-1", "n": 1.00000000000000000001}'))
    for decode in ("auto", "json"):
        text = f"decode: {decode}\nlayers: [base64, gzip]\nuser_id: u\nevents: {{a: {{metadata: {{n: n}}}}}}"
        (outcome,) = bench(text).map(raw)
        assert b'"n":1.00000000000000000001' in outcome.body  # type: ignore[union-attr]


def test_json_in_a_json_text_is_a_layer(bench: Callable[[str], Bench]) -> None:
    text = "layers: [json_text]\nuser_id: u\nevents: {a: {event_name: A}}"

    assert bench(text).request(json.dumps('{"type": "a", "u": "u-1"}').encode())["user_id"] == "u-1"
    failed = bench(text).failed({"type": "a"})
    assert failed.message == "layers[0], json_text: the value is an object; a JSON text is needed, which holds JSON"


def test_what_must_not_be_sent_is_taken_out_of_what_was_unwrapped(bench: Callable[[str], Bench]) -> None:
    text = CHANGES.replace("unwrap:", "never_send: [after.plan]\nunwrap:")
    mongo = change(after=json.dumps({"id": "u-1", "plan": "pro"}))

    for value in (change(), wrapped(change()), mongo):
        assert "plan" not in bench(text).metadata(value)


def test_a_document_that_is_no_json_is_said_to_be_none(bench: Callable[[str], Bench]) -> None:
    mapping = bench("unwrap: debezium\nevent_type: operation\nuser_id: after.id\nevents: {update: {}}")
    assert "after is a string that holds no JSON" in mapping.failed(change(after="{broken")).message
