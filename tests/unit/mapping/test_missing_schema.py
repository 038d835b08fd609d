"""A dead letter for an unknown schema says which, so that it can be sent again once the registry knows it."""

from __future__ import annotations

import base64
import gzip

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
