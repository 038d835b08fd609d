"""Layers, envelopes, elements and keys are of every format: what is around Avro comes off as it does around JSON."""

from __future__ import annotations

import base64
import json
from typing import Any
from uuid import UUID

import pytest

from bridge.decode.protocol import NoSchema, Schema, Schemas
from bridge.mapping.compile import CompiledMapping, compile_mapping
from bridge.model import Elements, Failed, Filtered, FilterReason, Header, Outcomes, Record, Request, SchemaNeeded
from tests.unit.mapping.conftest import config_of

GUID = "0f8fad5b-d9cb-469f-a165-70867728950e"


def record_of(name: str, *fields: dict[str, Any]) -> dict[str, Any]:
    return {"type": "record", "name": name, "fields": list(fields)}


TEXT = {"name": "type", "type": "string"}
ITEM = record_of("Item", TEXT, {"name": "user", "type": "string"})
BATCH = record_of("Batch", TEXT, {"name": "records", "type": {"type": "array", "items": ITEM}})
ROW = record_of("Row", {"name": "id", "type": "string"}, {"name": "note", "type": "string"})
CHANGE = record_of(
    "Envelope",
    {"name": "after", "type": ["null", ROW]},
    {"name": "source", "type": record_of("Source", {"name": "table", "type": "string"})},
    {"name": "op", "type": "string"},
)
SCHEMAS = {
    "id:1": Schema("avro", '"string"'),
    "id:2": Schema("avro", '"long"'),
    "id:3": Schema("avro", json.dumps(record_of("Key", {"name": "id", "type": "long"}))),
    "id:4": Schema("avro", json.dumps(BATCH)),
    "id:5": Schema("avro", json.dumps(CHANGE)),
    f"guid:{GUID}": Schema("avro", '"string"'),
}


def number(value: int) -> bytes:
    value = value << 1
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def text(value: str) -> bytes:
    return number(len(value)) + value.encode()


def framed(schema: int, payload: bytes) -> bytes:
    return b"\0" + schema.to_bytes(4, "big") + payload


def mapped(
    mapping: str, value: bytes, key: bytes | None = None, headers: tuple[Header, ...] = (), schemas: Schemas = SCHEMAS
) -> Outcomes:
    made = compile_mapping(config_of(mapping), schemas)
    assert isinstance(made, CompiledMapping), made
    return made.map_all(Record("t", 0, 0, 5, key, value, headers), 0.0)


def users(outcomes: Outcomes) -> list[str]:
    assert all(isinstance(each, Request) for each in outcomes), outcomes
    return [each.user_id for each in outcomes if isinstance(each, Request)]


ITEMS = framed(4, text("no type of an item") + number(2) + b"".join(map(text, ("a", "u-1", "a", "u-2"))) + number(0))
IN_BATCHES = "decode: avro\neach: records\nuser_id: user\nevents: {a: {event_name: A}}"


def test_elements_of_avro_are_records_of_their_own_whatever_the_type_around_them() -> None:
    assert users(mapped(IN_BATCHES, ITEMS)) == ["u-1", "u-2"]
    assert isinstance(mapped(IN_BATCHES, ITEMS, schemas={})[0], SchemaNeeded)


def test_layers_around_avro_come_off() -> None:
    assert users(mapped(f"layers: [base64]\n{IN_BATCHES}", base64.b64encode(ITEMS))) == ["u-1", "u-2"]


CHANGES = "decode: avro\nunwrap: debezium\nevent_type: source.table\nuser_id: after.id\n"


@pytest.mark.parametrize("op", ["u", "t"])
def test_a_change_in_avro_is_read_as_one(op: str) -> None:
    row = number(1) + text("u-1") + text("__debezium_unavailable_value")
    value = framed(5, row + text("users") + text(op))

    (outcome,) = mapped(f"{CHANGES}events: {{users: {{event_name: A, metadata: {{does: operation}}}}}}", value)
    (failed,) = mapped(f"{CHANGES}events: {{users: {{event_name: A, metadata: {{note: after.note}}}}}}", value)

    if op == "t":
        assert isinstance(outcome, Filtered)
        assert outcome.reason is FilterReason.TRUNCATE
    else:
        assert isinstance(outcome, Request)
        assert json.loads(outcome.body)["metadata"]["does"] == "update"
        assert isinstance(failed, Failed)
        assert "__debezium_unavailable_value" in failed.message


BY_KEY = "user_id: key\nevents: {a: {event_name: A}}"
VALUE = b'{"type":"a"}'


@pytest.mark.parametrize("key", ["avro", "auto"])
@pytest.mark.parametrize(("raw", "user"), [(framed(1, text("u-1")), "u-1"), (framed(2, number(42)), "42")])
def test_a_key_behind_a_schema_is_the_text_of_what_it_decodes_to(key: str, raw: bytes, user: str) -> None:
    assert users(mapped(f"key: {key}\n{BY_KEY}", VALUE, raw)) == [user]
    assert users(mapped(f"key: {key}\neach: '@'\n{BY_KEY}", b"[" + VALUE + b"]", raw)) == [user]


@pytest.mark.parametrize("each", ["", "each: '@'\n"])
def test_a_key_whose_schema_is_not_known_yet_is_waited_for_as_one_of_the_value_is(each: str) -> None:
    value = b"[" + VALUE + b"]" if each else VALUE
    (needed,) = mapped(f"key: avro\n{each}{BY_KEY}", value, framed(1, text("u-1")), schemas={})

    assert isinstance(needed, SchemaNeeded)
    assert needed.reference == "id:1"


@pytest.mark.parametrize("user", ["key", "key:id"])
def test_elements_of_a_key_that_nobody_knows_all_say_so_after_that_was_forgotten(user: str) -> None:
    known: dict[str, Schema | NoSchema] = {"id:1": NoSchema("the registry does not know schema id 1")}
    elements = elements_behind_key(user, known)
    known.clear()

    (first,), (second,) = elements.map(0, 0.0), elements.map(1, 0.0)
    assert isinstance(first, Failed)
    assert isinstance(second, Failed)
    assert "the registry does not know schema id 1" in first.message
    assert second.message == first.message


def elements_behind_key(user: str, schemas: Schemas) -> Elements:
    mapping = compile_mapping(config_of(f"key: avro\neach: '@'\n{BY_KEY.replace('key', user)}"), schemas)
    assert isinstance(mapping, CompiledMapping), mapping
    (elements,) = mapping.map(Record("t", 0, 0, 5, framed(1, text("u-1")), b"[%b,%b]" % (VALUE, VALUE), ()), 0.0)
    assert isinstance(elements, Elements)
    return elements


def test_the_schema_of_a_key_may_be_named_in_its_own_header() -> None:
    headers = (("__key_schema_id", b"\1" + UUID(GUID).bytes),)

    assert users(mapped(f"key: avro\n{BY_KEY}", VALUE, text("u-1"), headers)) == ["u-1"]


def test_a_path_of_the_key_looks_into_it_and_the_key_alone_is_no_text() -> None:
    key = framed(3, number(7))

    assert users(mapped(f"key: avro\n{BY_KEY.replace('user_id: key', 'user_id: key:id')}", VALUE, key)) == ["7"]
    (failed,) = mapped(f"key: avro\n{BY_KEY}", VALUE, key)
    assert isinstance(failed, Failed)
    assert failed.message == "key is an object, not text; key:PATH reads a field of it"
