"""Whatever a registry answers ends in a schema or in one of three signals, soon and within bounds."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.decode.protocol import Schema
from bridge.registry.apis import apicurio, confluent, glue
from bridge.registry.apis.descriptors import as_descriptor, files_of_set, is_descriptor
from bridge.registry.outcomes import HttpReply, RegistryFailure, UnknownReference, UnusableSchema
from bridge.registry.transport.addresses import RegistryAddress

_OF_CONFLUENT: Final = ("schema", "schemaType", "references", "name", "subject", "version", "error_code", "id")
_OF_OTHERS: Final = (
    "groupId",
    "artifactId",
    "contentId",
    "__type",
    "SchemaDefinition",
    "DataFormat",
    "Status",
    "message",
)
NAMES: Final = st.sampled_from([*_OF_CONFLUENT, *_OF_OTHERS])
WORDS: Final = st.sampled_from(
    ["AVRO", "PROTOBUF", "JSON", "EntityNotFoundException", "PENDING", "a", "", "\x1b\u202e"]
)
LEAVES: Final = st.none() | st.booleans() | st.integers() | WORDS | st.sampled_from([40403, 404, 1])
ANYTHING: Final = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=5)
)
BODIES: Final = ANYTHING.map(lambda content: json.dumps(content).encode()) | st.binary(max_size=50)
REPLIES: Final = st.builds(
    HttpReply,
    st.sampled_from([200, 200, 200, 204, 302, 400, 401, 403, 404, 404, 429, 500]),
    st.dictionaries(
        st.sampled_from(["content-type", "retry-after", "x-registry-artifacttype", "date"]), st.text(max_size=12)
    ),
    BODIES,
)


class Answering:
    """A session that gives these answers, again and again."""

    def __init__(self, replies: list[HttpReply]) -> None:
        self.address = RegistryAddress.parse("http://registry")
        self.asked = 0
        self._replies = replies

    async def get(self, _path: str, _headers: Mapping[str, str]) -> HttpReply:
        self.asked += 1
        return self._replies[self.asked % len(self._replies)]

    async def post(self, path: str, headers: Mapping[str, str], _body: bytes) -> HttpReply:
        return await self.get(path, headers)


@pytest.mark.parametrize("api", [confluent, apicurio, glue], ids=lambda api: str(api.__name__))
@given(replies=st.lists(REPLIES, min_size=1, max_size=4), kind=st.sampled_from(["id", "guid", "contentId", "glue"]))
def test_whatever_is_answered_ends_in_a_schema_or_a_signal(api: Any, replies: list[HttpReply], kind: str) -> None:
    async def ask() -> None:
        for question in (api.fetch(session, f"{kind}:7"), api.newest(session, "orders-value")):
            try:
                found = await question
            except (RegistryFailure, UnknownReference, UnusableSchema) as signal:
                said.append(str(signal))
                continue
            schema = found if isinstance(found, Schema) else found[1]
            assert schema.form in {"avro", "protobuf", "json"}
            assert schema.text.__class__ is str

    said: list[str] = []
    session = Answering(replies)
    asyncio.run(ask())
    assert all(sentence.isprintable() for sentence in said)
    assert session.asked < 5000


@given(st.text(max_size=60) | st.binary(max_size=60).map(lambda raw: raw.decode("latin-1")))
def test_no_text_upsets_the_look_for_a_descriptor(text: str) -> None:
    found = as_descriptor(text)
    assert found is None or as_descriptor(found) == found


@given(st.binary(max_size=80))
def test_no_bytes_upset_it_either(content: bytes) -> None:
    is_descriptor(content)
    assert all(name and is_descriptor(file) for name, file in files_of_set(content))


def test_the_text_of_a_proto_file_is_never_taken_for_a_descriptor() -> None:
    for text in ('syntax = "proto3";', "\n\nmessage A {}", "// x\nedition = '2023';", "message A { int32 a = 1; }"):
        assert as_descriptor(text) is None
