from __future__ import annotations

import struct
import zlib
from typing import Final
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.decode import schema_ids
from bridge.decode.failures import MappingError
from bridge.decode.plain_json import decode
from bridge.decode.protocol import FAST
from bridge.decode.recognition import form_of_value, unnamed_schema
from bridge.decode.schema_ids import Framed, framed_key, framed_value
from bridge.model import Header, Record

GUID: Final = UUID("0f8fad5b-d9cb-469f-a165-70867728950e")
AVRO: Final = b"\x02\x0eu-12345\x00"


def test_a_confluent_prefix_is_an_id_and_its_payload_begins_behind_it() -> None:
    assert framed_value(b"\0\0\0\0\x2a" + AVRO, ()) == Framed("id:42", 5)
    assert framed_key(b"\0\xff\xff\xff\xff" + AVRO, ()) == Framed("id:4294967295", 5)


@given(st.integers(1, 2**32 - 1), st.uuids(), st.binary(max_size=6))
def test_an_id_and_a_guid_are_read_before_the_payload_and_beside_it(number: int, guid: UUID, indexes: bytes) -> None:
    """Written as confluent-kafka 2.16 does it in `SchemaId`: Protobuf's message indexes follow in either place."""
    for written, reference, length in (
        (b"\0" + struct.pack(">I", number) + indexes, f"id:{number}", 5),
        (b"\1" + guid.bytes + indexes, f"guid:{guid}", 17),
    ):
        assert framed_value(written + AVRO, ()) == Framed(reference, length)
        assert framed_value(AVRO, [("__value_schema_id", written)]) == Framed(reference, 0, indexes=written[length:])


def test_the_header_counts_before_the_prefix_and_the_last_header_of_one_name() -> None:
    headers: list[Header] = [
        ("__key_schema_id", b"\0\0\0\0\1"),
        ("trace", b"x"),
        ("__key_schema_id", b"\1" + GUID.bytes),
    ]
    assert framed_key(b"\0\0\0\0\7" + AVRO, headers) == Framed(f"guid:{GUID}", 0, indexes=b"")
    assert framed_value(b"\0\0\0\0\7" + AVRO, headers) == Framed("id:7", 5)


def test_apicurio_in_headers_is_an_id_of_eight_bytes_and_the_content_counts_first() -> None:
    seven, nine = (7).to_bytes(8), (9).to_bytes(8)
    assert framed_value(AVRO, [("apicurio.value.globalId", seven)]) == Framed("globalId:7", 0)
    both: list[Header] = [("apicurio.value.contentId", nine), ("apicurio.value.globalId", seven)]
    assert framed_value(AVRO, both) == framed_value(AVRO, both[::-1]) == Framed("contentId:9", 0)
    assert framed_key(AVRO, [("apicurio.key.contentId", nine)]) == Framed("contentId:9", 0)


def test_an_id_of_eight_bytes_is_told_by_its_upper_half() -> None:
    assert framed_value(b"\0" + (77).to_bytes(8) + AVRO, ()) == Framed("globalId:77", 9)


def test_a_header_of_null_names_no_schema() -> None:
    assert framed_value(b"\0\0\0\0\7", [("__value_schema_id", None)]) == Framed("id:7", 5)


@pytest.mark.parametrize("compression", [0, 5])
def test_glue_is_a_uuid_and_its_payload_is_inflated(compression: int) -> None:
    body = AVRO if compression == 0 else zlib.compress(AVRO)
    found = framed_value(bytes([3, compression]) + GUID.bytes + body, ())
    assert found is not None
    assert found.reference == f"glue:{GUID}"
    if compression == 0:
        assert (found.start, found.inflated) == (18, None)
    else:
        assert (found.start, found.inflated) == (0, AVRO)


@pytest.mark.parametrize(
    ("compressed", "says"),
    [
        (b"x", "ends too early"),
        (b"no zlib at all", "none that is whole"),
        (zlib.compress(AVRO) + b"more", "4 bytes follow"),
        (zlib.compress(AVRO)[:-1], "ends too early"),
        (zlib.compress(bytes(schema_ids.INFLATED_LIMIT + 1)), "has more than 20000000 bytes"),
    ],
)
def test_a_payload_that_does_not_inflate_is_a_letter_and_bounded(compressed: bytes, says: str) -> None:
    with pytest.raises(MappingError, match=says):
        framed_value(b"\3\5" + GUID.bytes + compressed, ())


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\0",
        b"\0\0\0\0",
        b"\0\0\0\0\0",
        bytes(9),
        b"\1" + b"g" * 15,
        b"\3\0" + b"g" * 15,
        b"\3\1" + b"g" * 40,
        b"{}",
        AVRO,
    ],
)
def test_what_is_no_framing_names_no_schema(raw: bytes) -> None:
    assert framed_value(raw, ()) is None
    assert framed_key(raw, [("trace", b"x")]) is None


@pytest.mark.parametrize("header", [b"", b"\0\0\0\1", b"\1" + b"g" * 15, b"\2" + b"g" * 16, b"42"])
def test_half_a_header_is_a_letter_that_names_it(header: bytes) -> None:
    with pytest.raises(MappingError, match=f"the header __value_schema_id has {len(header)} bytes"):
        framed_value(AVRO, [("__value_schema_id", header)])


def test_an_id_of_apicurio_that_is_none_is_a_letter_that_names_it() -> None:
    with pytest.raises(MappingError, match=r"the header apicurio\.value\.contentId has 1 bytes; an id has 8"):
        framed_value(AVRO, [("apicurio.value.contentId", b"7")])


@given(
    st.binary(max_size=40),
    st.lists(st.tuples(st.sampled_from(sorted(schema_ids.VALUE_HEADERS)), st.binary(max_size=20)), max_size=2),
)
def test_whatever_bytes_come_are_framed_or_not_or_refused(raw: bytes, headers: list[Header]) -> None:
    try:
        found = framed_value(raw, headers)
    except MappingError:
        return
    assert found is None or 0 <= found.start <= len(raw)


def test_bytes_that_are_no_framing_do_not_fill_the_memory() -> None:
    for number in range(1, 3 * schema_ids._KEPT):
        framed_value(b"\0" + number.to_bytes(4), ())
        framed_value(b"\1" + number.to_bytes(16), ())
        framed_value(b"", [("__value_schema_id", b"\1" + number.to_bytes(16))])
    assert max(len(schema_ids._PREFIXES), len(schema_ids._LONGER), len(schema_ids._HEADERS)) <= schema_ids._KEPT


# --- names


def test_what_names_no_schema_is_said_with_what_it_looks_like() -> None:
    azure: list[Header] = [("Content-Type", b"avro/binary+0123456789ABCDEF0123456789abcdef")]
    assert unnamed_schema("value", AVRO, azure) == (
        "the value is Avro whose schema (id 0123456789abcdef0123456789abcdef) is in Azure's schema registry,"
        " which the bridge does not read"
    )
    assert unnamed_schema("value", b'{"a": 1}', ()) == (
        "the value names no schema: it is what looks like JSON, and no schema id stands before it"
        " (its first byte is 7b, and not 00) or in a header"
    )
    assert "compressed with gzip" in unnamed_schema("key", b"\x1f\x8b\x08", ())
    assert unnamed_schema("key", b"", ()) == "the key is empty; a schema id and a payload are needed"
    assert unnamed_schema("value", bytes(7), ()).endswith(
        "begin with 00 and with no schema id that a registry hands out"
    )


def test_framings_are_named_where_json_was_expected() -> None:
    glue = b"\3\0" + GUID.bytes
    assert form_of_value(glue + AVRO, ()) == f"Avro behind AWS Glue's framing (schema version {GUID})"
    assert form_of_value(AVRO, [("apicurio.value.globalId", bytes(8))]) == (
        "Avro whose schema id is in the header apicurio.value.globalId"
    )
    azure: list[Header] = [("content-type", b"avro/binary+0123456789abcdef0123456789abcdef")]
    assert form_of_value(AVRO, azure) == (
        "Avro whose schema (id 0123456789abcdef0123456789abcdef) is in Azure's schema registry"
    )


@pytest.mark.parametrize("framing", [b"\3\0" + GUID.bytes, b"\3\5" + GUID.bytes])
def test_json_behind_glues_framing_is_json(framing: bytes) -> None:
    payload = b'{"type": "a"}'
    value = framing + (payload if framing[1] == 0 else zlib.compress(payload))
    record = Record("t", 0, 0, None, None, value, ())
    assert decode(record, None, FAST) == {"type": "a"}
