"""The form of a topic's bytes, told by trying: what is around a value, what it is, how its key is read."""

from __future__ import annotations

import base64
import gzip
import json
import zlib
from collections.abc import Mapping
from typing import Any
from uuid import UUID

import pytest

from bridge.decode.protocol import Schema
from bridge.model import Header, Record
from bridge.proposal.reading import read_topic

EVENT: dict[str, Any] = {"type": "order.paid", "user_id": "u-1", "id": "e-1"}
JSON = json.dumps(EVENT).encode()
BATCH = json.dumps([{"specversion": "1.0", "source": "/a", **EVENT}]).encode()
AVRO = '{"type": "record", "name": "Paid", "fields": [{"name": "type", "type": "string"}]}'
GUID = bytes(range(16))


def read(
    value: bytes,
    headers: tuple[Header, ...] = (),
    key: bytes | None = None,
    schemas: Mapping[str, Schema] | None = None,
) -> Any:
    return read_topic("a", [Record("a", 0, offset, None, key, value, headers) for offset in range(3)], schemas or {})


@pytest.mark.parametrize(
    ("value", "layers"),
    [
        (JSON, ()),
        (b"\xef\xbb\xbf" + JSON, ()),
        (gzip.compress(JSON, mtime=0), ("gzip",)),
        (zlib.compress(JSON), ("zlib",)),
        (base64.b64encode(JSON), ("base64",)),
        (base64.b64encode(gzip.compress(JSON, mtime=0)), ("base64", "gzip")),
        (json.dumps(JSON.decode()).encode(), ("json_text",)),
        (json.dumps(base64.b64encode(JSON).decode()).encode(), ("json_text", "base64")),
        (b"\0\0\0\0\7" + JSON, ()),
        (b"\3\0" + GUID + JSON, ()),
        (b"\3\5" + GUID + zlib.compress(JSON), ()),
    ],
    ids=[
        "plain",
        "mark",
        "gzip",
        "zlib",
        "base64",
        "base64 gzip",
        "text",
        "text base64",
        "confluent",
        "glue",
        "glue zlib",
    ],
)
def test_layers_and_framings_around_json_are_undone(value: bytes, layers: tuple[str, ...]) -> None:
    topic = read(value)
    assert (topic.format.layers, topic.format.decode) == (layers, "auto")
    assert [each.value for each in topic.documents] == [EVENT] * 3


@pytest.mark.parametrize(
    ("value", "headers"),
    [
        (b"\0\0\0\0\7\x08paid", ()),
        (b"\1" + GUID + b"\x08paid", ()),
        (b"\3\0" + GUID + b"\x08paid", ()),
        (b"\x08paid", (("apicurio.value.globalId", (7).to_bytes(8)),)),
        (b"\x08paid", (("__value_schema_id", b"\1" + GUID),)),
    ],
    ids=["confluent", "guid", "glue", "apicurio", "header"],
)
def test_avro_is_told_by_the_schema_that_any_of_the_framings_names(value: bytes, headers: tuple[Header, ...]) -> None:
    names = ("id:7", "globalId:7", f"guid:{UUID(bytes=GUID)}", f"glue:{UUID(bytes=GUID)}")
    topic = read(value, headers, schemas=dict.fromkeys(names, Schema("avro", AVRO)))
    assert topic.format.decode == "avro"
    assert topic.documents[0].value == {"type": "paid"}
    assert topic.titles == ("Paid",)


def test_what_cannot_be_read_is_counted_once_by_its_kind_and_tombstones_are_none_of_it() -> None:
    values = [JSON] * 8 + [JSON[:-1], JSON[:-9], b"hello", b"", None, None]
    topic = read_topic("a", [Record("a", 0, n, None, None, value, ()) for n, value in enumerate(values)])
    assert topic.evidence == "JSON in 8 of 12 values looked at"
    assert sorted(topic.unreadable.values()) == [1, 1, 2]
    assert sum(topic.unreadable.values()) + len(topic.documents) + topic.tombstones == topic.records
    assert topic.without_event == "2 tombstones (records without a value) are left out"
    (cut_off,) = [message for message, count in topic.unreadable.items() if count == 2]
    assert "at byte #" in cut_off


def test_a_schema_that_nobody_knows_is_named() -> None:
    topic = read(b"\0\0\0\0\7\x08paid")
    assert topic.format.decode == "avro"
    assert topic.missing_schemas == ("id:7",)
    assert not topic.documents


def test_events_of_a_batch_are_documents_of_their_own() -> None:
    topic = read(BATCH, (("content-type", b"application/cloudevents-batch+json"),))
    assert (topic.format.decode, topic.format.each) == ("auto", None)
    assert [each.value["id"] for each in topic.documents] == ["e-1"] * 3


@pytest.mark.parametrize(
    ("value", "each"),
    [
        ([EVENT, EVENT], "@"),
        ({"batch": [EVENT, EVENT], "sentAt": "now"}, "batch"),
        ({"type": "order.paid", "user_id": "u-1", "lines": [{"sku": "A", "quantity": 2, "id": 1}]}, None),
    ],
)
def test_a_list_is_taken_apart_only_where_its_elements_are_events(value: Any, each: str | None) -> None:
    assert read(json.dumps(value).encode()).format.each == each


@pytest.mark.parametrize(
    ("key", "form"),
    [(b"u-1", "text"), (b'{"id": 1}', "text"), (b"\0\0\0\1", "int32"), (b"\0" * 7 + b"\1", "int64"), (GUID, "uuid")],
    ids=["text", "json", "int32", "int64", "uuid"],
)
def test_a_key_is_read_in_the_plainest_way_that_works(key: bytes, form: str) -> None:
    assert read(JSON, key=key).format.key == form
