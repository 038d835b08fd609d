"""Text is established, not assumed: keys, headers and identifiers are looked at as values are."""

from __future__ import annotations

import base64
import json
import struct
import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bridge.decode import plain_text
from bridge.decode.failures import MappingError
from bridge.mapping.review.explain import explain
from bridge.model import Failed, LetterReason, Record, Request
from tests.unit.mapping.conftest import NOW, compiled

if TYPE_CHECKING:
    from tests.unit.mapping.conftest import Bench

BINARY = {
    "a long": (struct.pack(">q", 42), "8 bytes that look like a big-endian long, not"),
    "a long that is no UTF-8": (struct.pack(">q", 200), "8 bytes that look like a big-endian long, not"),
    "a negative long": (struct.pack(">q", -3), "8 bytes that look like a big-endian long, not"),
    "a double": (struct.pack(">d", 123.456), "8 bytes that look like a big-endian long or double, not"),
    "an int": (struct.pack(">i", 7), "4 bytes that look like a big-endian int, not"),
    "a UUID": (uuid.UUID(int=2**127 + 5).bytes, "16 bytes that look like a binary UUID, not"),
    "framed Avro": (b"\0\0\0\0\x07\x06u-1", "Avro behind schema-registry framing (schema id 7), not"),
    "framed Avro of 8 bytes": (b"\0\0\0\0\x07\x04u1", "Avro behind schema-registry framing (schema id 7), not"),
    "a framed object": (b'\0\0\0\x01\0{"id": "u-1"}', "JSON behind schema-registry framing (schema id 256), not"),
    "a framed string": (b'\0\0\0\0\x07"u-1"', "a JSON string behind schema-registry framing (schema id 7), not"),
    "an Avro object": (b"\xc3\x01" + bytes(8) + b"\x06u-1", "Avro in single-object encoding, not"),
    "a Java object": (b"\xac\xed\0\x05t\0\x03u-1", "a serialized Java object, not"),
    "gzip": (b"\x1f\x8b\x08\0", "compressed with gzip, not"),
    "MessagePack": (b"\x81\xa2id\xa3u-1", "MessagePack, not"),
    "a control character": (b"u\x01-1", "4 bytes with the control character U+0001, not"),
    "a C1 control character": ("u\x85-1".encode(), "5 bytes with the control character U+0085, not"),
    "DEL": (b"u-1\x7f", "4 bytes with the control character U+007F, not"),
    "a byte order mark": (b"\xef\xbb\xbfu-1", "a text behind a UTF-8 byte order mark, not"),
    "Latin-1": ("ü-1".encode("latin-1"), "not UTF-8"),
}
PLACES = {
    "user from the key": ("user_id: key", "key is "),
    "user from a template": ('user_id: {template: "x-{key}"}', "key is "),
    "user from a header": ("user_id: header:h", "header:h is "),
    "event id from a header": ("user_id: u\nevent_id: header:h", "header:h is "),
    "type from a header": ("user_id: u\nevent_type: header:h", "header:h is "),
    "type from the key": ("user_id: u\nevent_type: key", "key is "),
    "metadata of the key": ("user_id: u\ncommon_metadata: {k: key}", "key is "),
    "a condition on a header": ("user_id: u\ncommon_metadata: {k: 'header:h'}", "header:h is "),
}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("form", BINARY)
def test_bytes_that_are_no_text_are_a_dead_letter_that_names_them(
    bench: Callable[[str], Bench], place: str, form: str
) -> None:
    content, words = BINARY[form]
    settings, beginning = PLACES[place]
    mapping = bench(f"{settings}\nevents: {{'*': {{event_name: Order}}}}")

    failed = mapping.failed({"type": "order", "u": "u-1"}, key=content, headers=[("h", content)])

    assert failed.reason is LetterReason.UNMAPPABLE
    assert failed.message == f"{beginning}{words} text"
    assert "u-1" not in failed.message


@pytest.mark.parametrize("form", sorted(set(BINARY) - {"a framed object", "a framed string"}))
def test_a_key_that_is_no_json_is_named(order: Callable[[str], Bench], form: str) -> None:
    content, words = BINARY[form]
    expected = "not JSON" if words == "not UTF-8" else f"{words} JSON"

    failed = order("user_id: key:id").failed({"type": "order"}, key=content)

    assert failed.message == f"key is {expected}, which key:PATH needs"


@pytest.mark.parametrize("headers", [{}, {"datacontenttype": "x"}])
@pytest.mark.parametrize("name", ["ce_id", "ce_type", "ce_subject", "ce_specversion", "ce_tenant"])
def test_the_attributes_of_a_binary_event_are_looked_at(
    bench: Callable[[str], Bench], name: str, headers: dict[str, str]
) -> None:
    texts = {"ce_specversion": "1.0", "ce_type": "order", "ce_source": "/s", "ce_id": "1", "ce_subject": "u", **headers}
    contents = {key: text.encode() for key, text in texts.items()} | {name: struct.pack(">q", 42)}
    mapping = bench("user_id: subject\nevents: {'*': {event_name: Order}}")

    failed = mapping.failed({}, headers=list(contents.items()))

    assert failed.reason is LetterReason.UNDECODABLE
    expected = f"the CloudEvents header {name} is 8 bytes that look like a big-endian long, not text"
    assert failed.message == expected


IDENTIFIERS = {
    "u\x01": "has the control character U+0001 at place 1; it is not sent",
    "u\n": "has the control character U+000A at place 1; it is not sent",
    "\tu": "has the control character U+0009 at place 0; it is not sent",
    "u\x7fv": "has the control character U+007F at place 1; it is not sent",
    "u\x9b": "has the control character U+009B at place 1; it is not sent",
    "\ufeffu": "begins with a byte order mark (U+FEFF); it is not sent",
    "\0\0\0\0\0\0\0*": "is 8 bytes that look like a big-endian long, not text",
    "\0\0\0\0\x07\x06u-1": "is Avro behind schema-registry framing (schema id 7), not text",
}


@pytest.mark.parametrize("identifier", IDENTIFIERS, ids=[json.dumps(each) for each in IDENTIFIERS])
@pytest.mark.parametrize(
    ("settings", "beginning"),
    [
        ("user_id: x", "user_id: x "),
        ("user_id: u\nevent_id: x", "event_id: x "),
        ("user_id: u\nevent_type: x", "event_type: x "),
        ('user_id: {template: "{x}"}', "user_id: the template '{x}' "),
    ],
)
def test_an_identifier_with_a_control_character_never_leaves(
    bench: Callable[[str], Bench], settings: str, beginning: str, identifier: str
) -> None:
    mapping = bench(f"{settings}\nevents: {{'*': {{event_name: Order}}}}")

    failed = mapping.failed({"type": "order", "u": "u-1", "x": identifier})

    assert failed.message == beginning + IDENTIFIERS[identifier]


def test_an_event_name_with_a_control_character_never_leaves(bench: Callable[[str], Bench]) -> None:
    mapping = bench("user_id: u\nevents: {order: {event_name: {path: x}, allowed_event_names: [a]}}")

    for identifier, words in IDENTIFIERS.items():
        failed = mapping.failed({"type": "order", "u": "u-1", "x": identifier})
        assert failed.message == f"event_name: x {words}"


@pytest.mark.parametrize(
    ("route", "where"),
    [
        ('{event_name: "a\\u0085b"}', "mapping.events.order.event_name"),
        ('{event_name: "\\ufeffa"}', "mapping.events.order.event_name"),
        ('{event_name: {path: x}, allowed_event_names: ["a\\u0000"]}', "mapping.events.order.allowed_event_names[0]"),
    ],
)
def test_a_name_in_the_configuration_with_a_control_character_is_refused(
    problems: Callable[[str], dict[str, str]], route: str, where: str
) -> None:
    found = problems(f"events: {{order: {route}}}")

    assert "it is not sent" in found[where]


MAPPING = compiled("""
user_id: key
event_id: header:id
events:
  '*':
    - event_name: {path: type}
      allowed_event_names: [a, "b c", é]
    - {event_name: named, user_id: data.user}
    - {event_name: by header, user_id: header:user}
""")


@given(
    st.none() | st.binary(max_size=20) | st.text(max_size=8).map(str.encode),
    st.text(max_size=8),
    st.none() | st.binary(max_size=20),
    st.sampled_from(["a", "b c", "é", "a\x85"]),
)
@example(struct.pack(">q", 42), "\x00", b"\x01", "a")
def test_no_control_character_is_in_any_identifier_that_leaves(
    key: bytes | None, user: str, header: bytes | None, name: str
) -> None:
    value = json.dumps({"type": name, "data": {"user": user}}, ensure_ascii=True).encode()
    record = Record("t", 0, 0, 0, key, value, (("user", header), ("id", header)))

    for outcome in MAPPING.map(record, NOW):
        if isinstance(outcome, Request):
            sent = json.loads(outcome.body)
            for identifier in (sent["user_id"], sent["event_name"], sent["metadata"]["event_id"]):
                assert identifier.strip()
                assert not any(ord(c) < 0x20 or 0x7F <= ord(c) <= 0x9F for c in identifier)
                assert not identifier.startswith("\ufeff")
        else:
            assert isinstance(outcome, Failed)
            assert "failed with" not in outcome.message


@given(st.text(st.characters(min_codepoint=0x20, exclude_categories=["Cc", "Cs"]), max_size=20))
def test_text_of_any_script_is_text(text: str) -> None:
    if text.startswith("\ufeff"):
        return
    assert plain_text.read(text.encode(), "key") == text
    plain_text.check_identifier(text, "user_id")


def test_line_ends_and_tabs_stand_in_headers_that_are_metadata(order: Callable[[str], Bench]) -> None:
    mapping = order("metadata: {note: 'header:note'}")

    assert mapping.metadata({"type": "order", "u": "u"}, headers=[("note", b"a\tb\nc")]) == {"note": "a\tb\nc"}
    with pytest.raises(MappingError):
        plain_text.check_identifier("a\tb", "user_id")


# --- values


DOCUMENT = json.dumps({"type": "order", "u": "u-1", "note": "a?b>c~d"}).encode()
SECOND = len(DOCUMENT) + 1
NAMED = {
    "base64": (base64.b64encode(DOCUMENT), "the value is base64 of JSON, not JSON"),
    "base64 for URLs": (base64.urlsafe_b64encode(DOCUMENT).rstrip(b"="), "the value is base64 of JSON, not JSON"),
    "base64 with a line end": (base64.b64encode(DOCUMENT) + b"\n", "the value is base64 of JSON, not JSON"),
    "base64 of much": (base64.b64encode(DOCUMENT * 100), "the value is base64 of JSON, not JSON"),
    "base64 of gzip": (
        base64.b64encode(b"\x1f\x8b\x08" + bytes(20)),
        "the value is base64 of what is compressed with gzip, not JSON",
    ),
    "base64 of anything": (base64.b64encode(bytes(range(90))), "the value is what looks like base64, not JSON"),
    "NDJSON": (
        DOCUMENT + b"\n" + DOCUMENT,
        f"the value is several JSON documents, one per line (NDJSON), not one: the second is at byte {SECOND}",
    ),
    "XML": (b'<?xml version="1.0"?>\n<order/>', "the value is XML or HTML, not JSON"),
    "XML without a declaration": (b'  <order id="u-1"><a/></order>', "the value is XML or HTML, not JSON"),
    "HTML": (b"<!doctype html><title>u-1</title>", "the value is XML or HTML, not JSON"),
    "form data": (b"type=order&user=u-1&note=a%20b", "the value is form data (name=value&…), not JSON"),
    "form data of one field": (b"payload=%7B%22type%22%3A1%7D", "the value is form data (name=value&…), not JSON"),
    "form data, long": (b"a=" + b"x" * 900 + b"&b=%20" * 200, "the value is form data (name=value&…), not JSON"),
    "MessagePack": (b"\x82\xa4type\xa5order\xa1u\xa3u-1", "the value is MessagePack, not JSON"),
    "MessagePack of many fields": (b"\xde\x00\x10\xa4type\xa5order", "the value is MessagePack, not JSON"),
    "CBOR": (b"\xa1\x64type\x65order", "the value is CBOR, not JSON"),
    "BSON": (b"\x10\0\0\0\x02u\0\x04\0\0\0u-1\0\0", "the value is BSON, not JSON"),
    "zlib": (b"x\x9c\xabV*", "the value is compressed with zlib, not JSON"),
    "xz": (b"\xfd7zXZ\0\0", "the value is compressed with xz, not JSON"),
    "lz4": (b"\x04\x22\x4d\x18dp", "the value is compressed with lz4, not JSON"),
    "snappy": (b"\x82SNAPPY\0\0\0", "the value is compressed with snappy, not JSON"),
    "a pickle": (b"\x80\x04\x95\x10", "the value is a Python pickle, not JSON"),
    "a Java object": (b"\xac\xed\0\x05sr", "the value is a serialized Java object, not JSON"),
    "Parquet": (b"PAR1\x15", "the value is a Parquet file, not JSON"),
    "JSON twice": (
        json.dumps(DOCUMENT.decode()).encode(),
        "the value is a string that holds JSON, encoded twice; a JSON object is needed",
    ),
    "a string of base64": (
        json.dumps(base64.b64encode(DOCUMENT).decode()).encode(),
        "the value is a string that holds base64; a JSON object is needed",
    ),
    "a word": (b"hello", "the value is not JSON: unexpected character, expected a JSON value at byte 0"),
    "a token": (b"abcdefgh", "the value is not JSON: unexpected character, expected a JSON value at byte 0"),
    "an assignment": (b"x = 5 items", "the value is not JSON: unexpected character, expected a JSON value at byte 0"),
}


@pytest.mark.parametrize("form", NAMED)
def test_a_value_in_another_form_is_a_dead_letter_that_names_it(bench: Callable[[str], Bench], form: str) -> None:
    raw, message = NAMED[form]

    failed = bench("user_id: u\nevents: {order: {event_name: O}}").failed(raw)

    assert (failed.reason, failed.message) == (LetterReason.UNDECODABLE, message)


HEADINGS: dict[str, bytes | None] = {
    **{name: raw for name, (raw, _) in NAMED.items()},
    "UTF-16": DOCUMENT.decode().encode("utf-16"),
    "UTF-16 without a mark": DOCUMENT.decode().encode("utf-16-le"),
    "UTF-32": DOCUMENT.decode().encode("utf-32"),
    "a byte order mark": b"\xef\xbb\xbf" + DOCUMENT,
    "a surrogate": b'{"type": "order", "u": "\\ud800"}',
    "a surrogate in UTF-8": b'{"type": "order", "u": "\xed\xa0\x80"}',
    "too deep": b'{"type": "order", "u": ' + b"[" * 1100 + b"]" * 1100 + b"}",
    "null": b"null",
    "a tombstone": None,
    "long numbers": b'{"type": "order", "u": "u", "n": 99999999999999999.99}',
    "beyond a double": b'{"type": "order", "u": "u", "n": 1e999}',
    "JSON": DOCUMENT,
}


@pytest.mark.parametrize("case", HEADINGS)
def test_the_heading_of_an_explained_record_agrees_with_its_verdict(bench: Callable[[str], Bench], case: str) -> None:
    mapping = bench("user_id: u\nevents: {order: {event_name: O, metadata: {n: n}}}").mapping
    record = Record("t", 0, 0, 0, None, HEADINGS[case], ())

    explanation = explain(mapping, record, NOW)

    (look,) = explanation.looks
    is_read = look.result == "request" or look.reason == "invalid"
    assert (explanation.form == "JSON") is is_read
    assert (explanation.event_type == "order") is is_read


@given(st.binary(max_size=40) | st.sampled_from([raw for raw in HEADINGS.values() if raw]))
def test_a_value_is_json_in_the_heading_where_it_is_to_the_mapping(raw: bytes) -> None:
    explanation = explain(MAPPING, Record("t", 0, 0, 0, b"u", raw, ()), NOW)

    if any(look.reason == "undecodable" for look in explanation.looks):
        assert explanation.form is None
