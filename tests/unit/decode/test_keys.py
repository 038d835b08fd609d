"""`mapping.key` says how a key is read: as text it is an identifier, decoded it is what `key:PATH` looks into."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from bridge.decode.decoders import DECODERS
from bridge.decode.failures import MappingError
from bridge.decode.keys import PLAIN, key_reader
from bridge.decode.protocol import NO_SCHEMAS, FormatSettings

UUID = uuid.UUID("0f8fad5b-d9cb-469f-a165-70867728950e")
LONG = (42).to_bytes(8, "big")


def text(key: str, content: bytes, **more: Any) -> str | None:
    return key_reader(FormatSettings(key=key, **more), NO_SCHEMAS, DECODERS).text(content, "key", ())  # type: ignore[arg-type]


def value(key: str, content: bytes, **more: Any) -> Any:
    return key_reader(FormatSettings(key=key, **more), NO_SCHEMAS, DECODERS).value(content, (), exact=True)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("key", "content", "expected"),
    [
        ("text", b"u-1", "u-1"),
        ("json", b'"u-1"', "u-1"),
        ("json", b"42", "42"),
        ("json", b"12345678901234567890123", "12345678901234567890123"),
        ("json", b"42.0", "42"),
        ("json", b"null", None),
        ("int32", (-5).to_bytes(4, "big", signed=True), "-5"),
        ("int64", LONG, "42"),
        ("uuid", UUID.bytes, str(UUID)),
        ("uuid", str(UUID).upper().encode(), str(UUID)),
        ("auto", b"u-1", "u-1"),
        ("auto", b'"u-1"', "u-1"),
        ("auto", LONG, "42"),
        ("auto", (7).to_bytes(4, "big"), "7"),
        ("auto", UUID.bytes, str(UUID)),
    ],
)
def test_a_key_is_the_text_of_what_it_decodes_to(key: str, content: bytes, expected: str | None) -> None:
    assert text(key, content) == expected


@pytest.mark.parametrize(
    ("key", "content", "sentence"),
    [
        ("text", LONG, "look like a big-endian long"),
        ("json", b"u-1", "not JSON"),
        ("json", b'{"id": 7}', "key is an object, not text; key:PATH reads a field of it"),
        ("json", b"1.5", "key is a number, not text"),
        ("int64", b"1234", "key has 4 bytes; an int64 has 8"),
        ("int32", LONG, "key has 8 bytes; an int32 has 4"),
        ("uuid", b"u-1", "key is no UUID"),
        ("auto", b"\xff\xfe\xfd", "not text"),
    ],
)
def test_a_key_of_another_form_is_a_dead_letter_that_says_so(key: str, content: bytes, sentence: str) -> None:
    with pytest.raises(MappingError) as failed:
        text(key, content)

    assert sentence in failed.value.message


@pytest.mark.parametrize("unwrap", ["connect", "debezium"])
@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b'{"schema":{"type":"string"},"payload":"order-7"}', "order-7"),
        (b'{"schema":{"type":"int64"},"payload":7}', "7"),
        (b'"order-7"', "order-7"),
        (b"order-7", "order-7"),
    ],
)
def test_a_key_in_the_envelope_of_kafka_connect_is_what_is_inside(unwrap: str, content: bytes, expected: str) -> None:
    assert text("text", content, unwrap=unwrap) == expected


def test_a_path_of_the_key_begins_inside_of_the_envelope() -> None:
    assert value("text", b'{"schema":{},"payload":{"id":7}}', unwrap="debezium") == {"id": 7}
    assert value("json", b'\xef\xbb\xbf{"id":7}') == {"id": 7}
    assert value("int64", LONG) == 42


def test_without_a_word_in_the_mapping_keys_are_read_by_the_functions_they_were_always_read_by() -> None:
    assert key_reader(FormatSettings(), NO_SCHEMAS, DECODERS) is PLAIN


def test_a_key_of_a_format_that_this_version_has_no_decoder_for_is_text_and_no_more() -> None:
    reader = key_reader(FormatSettings(key="avro"), NO_SCHEMAS, {})
    with pytest.raises(MappingError, match="key is avro, which this version cannot read"):
        reader.value(b"x", (), exact=True)
