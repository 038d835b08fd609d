"""A dead letter for an unknown schema says which, so that it can be sent again once the registry knows it."""

from __future__ import annotations

import base64
import gzip

import pytest

from bridge.decode.failures import undecodable, unmappable
from bridge.decode.protocol import NO_SCHEMAS, NoSchema, Schema, Schemas
from bridge.formats import letter_headers
from bridge.formats.letters import parse
from bridge.mapping.compile import CompiledMapping, compile_mapping
from bridge.mapping.missing_schema import failed
from bridge.model import DeadLetter, Failed, LetterReason, Record
from tests.unit.mapping.conftest import config_of

FRAMED = b"\0\0\0\0\x2arest"
SCHEMAS: Schemas = {"id:42": NoSchema("the registry does not know schema id 42"), "id:7": Schema("avro", '"string"')}


def record(value: bytes | None, key: bytes | None = None) -> Record:
    return Record("orders", 0, 17, 1_700_000_000_000, key, value, ())


def test_the_schema_that_the_registry_does_not_know_is_named() -> None:
    assert failed(record(FRAMED), undecodable("no"), SCHEMAS).schema == "id:42"
    assert failed(record(b"{}", FRAMED), undecodable("no"), SCHEMAS).schema == "id:42"


def test_a_record_that_fails_for_another_reason_names_none() -> None:
    assert failed(record(b"\0\0\0\0\x07rest"), undecodable("truncated"), SCHEMAS).schema is None
    assert failed(record(FRAMED), unmappable("no such field"), SCHEMAS).schema is None
    assert failed(record(b"{"), undecodable("no JSON"), SCHEMAS).schema is None
    assert failed(record(None), undecodable("nothing"), SCHEMAS).schema is None
    assert failed(record(FRAMED), undecodable("no"), NO_SCHEMAS).schema is None, "no registry could ever know it"


def test_the_letter_carries_it_and_whoever_reads_the_letter_finds_it() -> None:
    letter = DeadLetter(record(FRAMED), LetterReason.UNDECODABLE, "m", schema="id:42")
    for detail in letter_headers.Detail:
        headers = letter_headers.build(letter, "group", detail)
        assert parse(record(FRAMED)._replace(headers=headers)).schema == "id:42", detail
    assert parse(record(FRAMED)).schema is None


def test_the_schema_is_named_where_layers_are_around_the_value_and_broken_layers_name_none() -> None:
    mapping = compile_mapping(
        config_of("decode: avro\nlayers: [gzip, base64]\nevents: {a: {event_name: A}}"),
        {"id:42": NoSchema("the registry does not know schema id 42")},
    )
    assert isinstance(mapping, CompiledMapping)
    (letter,) = mapping.map(record(gzip.compress(base64.b64encode(FRAMED))), 0.0)
    assert isinstance(letter, Failed)
    assert (letter.reason, letter.schema) == (LetterReason.UNDECODABLE, "id:42")
    (letter,) = mapping.map(record(FRAMED), 0.0)
    assert isinstance(letter, Failed)
    assert (letter.reason, letter.schema) == (LetterReason.UNDECODABLE, None)


@pytest.mark.parametrize("key", ["avro", "protobuf", "auto"])
@pytest.mark.parametrize(
    ("more", "value"),
    [
        ("user_id: key", b'{"type": "a"}'),
        ("user_id: user\nevent_type: key", b'{"type": "a"}'),
        ("user_id: user\ncommon_metadata: {of: key:id}", b'{"type": "a", "user": "u"}'),
        ("user_id: key\neach: '@'", b'[{"type": "a"}]'),
        ("user_id: user\nevent_type: key\neach: '@'", b'[{"type": "a"}]'),
        ("user_id: user\nevent_type: {template: '{type}{key}'}\neach: '@'", b'[{"type": "a"}]'),
    ],
)
def test_a_key_of_an_unknown_schema_is_undecodable_and_named_whoever_reads_it(
    key: str, more: str, value: bytes
) -> None:
    mapping = compile_mapping(config_of(f"key: {key}\n{more}\nevents: {{a: {{event_name: A}}}}"), SCHEMAS)
    assert isinstance(mapping, CompiledMapping)

    (letter,) = mapping.map_all(record(value, FRAMED), 0.0)

    assert isinstance(letter, Failed)
    assert (letter.reason, letter.schema) == (LetterReason.UNDECODABLE, "id:42")
    assert letter.message == "key: the registry does not know schema id 42"


def test_a_key_that_is_not_what_its_schema_says_is_unmappable_and_names_none() -> None:
    mapping = compile_mapping(config_of("key: avro\nuser_id: key\nevents: {a: {event_name: A}}"), SCHEMAS)
    assert isinstance(mapping, CompiledMapping)

    (letter,) = mapping.map_all(record(b'{"type": "a"}', b"\0\0\0\0\x07\x0eab"), 0.0)

    assert isinstance(letter, Failed)
    assert (letter.reason, letter.schema) == (LetterReason.UNMAPPABLE, None)


def test_a_key_whose_schema_is_named_in_a_header_is_named_alike() -> None:
    mapping = compile_mapping(config_of("key: avro\nuser_id: key\nevents: {a: {event_name: A}}"), SCHEMAS)
    assert isinstance(mapping, CompiledMapping)

    headers = (("__key_schema_id", FRAMED[:5]),)
    (letter,) = mapping.map_all(record(b'{"type": "a"}', b"rest")._replace(headers=headers), 0.0)

    assert isinstance(letter, Failed)
    assert (letter.reason, letter.schema) == (LetterReason.UNDECODABLE, "id:42")


def test_the_schema_of_the_key_is_named_although_the_value_names_an_unknown_one_that_is_not_needed() -> None:
    schemas = {**SCHEMAS, "id:43": NoSchema("the registry does not know schema id 43")}
    text = "key: avro\nuser_id: user\nevent_type: key\nevents: {a: {event_name: A}}"
    mapping = compile_mapping(config_of(text), schemas)
    assert isinstance(mapping, CompiledMapping)

    (letter,) = mapping.map_all(record(FRAMED[:5] + b'{"type": "a"}', b"\0\0\0\0\x2brest"), 0.0)

    assert isinstance(letter, Failed)
    assert letter.message == "key: the registry does not know schema id 43"
    assert letter.schema == "id:43"


def test_without_a_registry_a_key_behind_a_schema_is_unmappable_and_names_none() -> None:
    mapping = compile_mapping(config_of("key: avro\nuser_id: key\nevents: {a: {event_name: A}}"), NO_SCHEMAS)
    assert isinstance(mapping, CompiledMapping)

    (letter,) = mapping.map_all(record(b'{"type": "a"}', FRAMED), 0.0)

    assert isinstance(letter, Failed)
    assert (letter.reason, letter.schema) == (LetterReason.UNMAPPABLE, None)
