from __future__ import annotations

import base64
from typing import Any, Final

import pytest

from bridge.decode.protocol import Schema
from bridge.registry.outcomes import SCHEMA_LIMIT, RegistryFailure, UnknownReference, UnusableSchema
from tests.support.registry.asking import fetched, source
from tests.support.registry.server import FakeRegistry, Reply

AVRO: Final = '{"type": "record", "name": "Order", "fields": []}'
DESCRIPTOR: Final = b"\x0a\x0border.proto\x22\x07\x0a\x05Order\x62\x06proto3"
"""Of a file with one empty message."""


def reference(name: str, subject: str, version: int = 1) -> dict[str, Any]:
    return {"name": name, "subject": subject, "version": version}


async def test_a_schema_is_one_question_by_id_and_by_guid(registry: FakeRegistry) -> None:
    number = registry.register("orders-value", AVRO)
    client = source(registry.url + "/")
    assert await fetched(client, f"id:{number}") == Schema("avro", AVRO)
    assert await fetched(client, f"guid:{registry.guid(number)}") == Schema("avro", AVRO)
    assert await fetched(client, f"contentId:{number}") == Schema("avro", AVRO)
    assert registry.paths == ["/schemas/ids/1", f"/schemas/guids/{registry.guid(1)}", "/schemas/ids/1"]
    assert client.requests == 3


async def test_a_path_in_the_address_stays_before_the_questions(registry: FakeRegistry) -> None:
    """A context of Confluent's, or the folder of a gateway."""
    await_unknown = source(registry.url + "/contexts/.shop/")
    registry.always(Reply.of(200, {"schema": AVRO}))
    assert await fetched(await_unknown, "id:7") == Schema("avro", AVRO)
    assert registry.paths == ["/contexts/.shop/schemas/ids/7"]


async def test_references_come_each_once_and_after_those_that_they_need(registry: FakeRegistry) -> None:
    registry.register("money", "money")
    registry.register("address", "address", references=[reference("shop.Money", "money")])
    registry.register("customer/v1", "customer", references=[reference("shop.Address", "address")])
    number = registry.register(
        "orders-value",
        AVRO,
        references=[reference("shop.Customer", "customer/v1"), reference("shop.Money", "money")],
    )
    schema = await fetched(source(registry.url), f"id:{number}")
    assert schema.references == (("shop.Money", "money"), ("shop.Address", "address"), ("shop.Customer", "customer"))
    assert sorted(registry.paths[1:]) == [
        "/subjects/address/versions/1?deleted=true",
        "/subjects/customer%2Fv1/versions/1?deleted=true",
        "/subjects/money/versions/1?deleted=true",
    ]


async def test_references_in_a_circle_are_decided_and_named(registry: FakeRegistry) -> None:
    registry.register("a", "a", references=[reference("B", "b")])
    registry.register("b", "b", references=[reference("A", "a")])
    number = registry.register("c", "c", references=[reference("A", "a")])
    with pytest.raises(UnusableSchema, match="go in a circle: a version 1 → b version 1 → a version 1"):
        await fetched(source(registry.url), f"id:{number}")


async def test_references_without_end_are_decided(registry: FakeRegistry) -> None:
    registry.instead = lambda asked: Reply.of(
        200,
        {
            "schema": "x",
            "references": [reference(asked.path, "s" + asked.path.rpartition("/s")[2][:40], len(registry.asked))],
        },
    )
    with pytest.raises(UnusableSchema, match="refers to more schemas than the bridge follows"):
        await fetched(source(registry.url), "id:1")
    assert len(registry.asked) <= 60


async def test_a_reference_that_the_registry_does_not_know_is_named(registry: FakeRegistry) -> None:
    number = registry.register("c", "c", references=[reference("A", "gone", 3)])
    with pytest.raises(UnknownReference, match="version 3 of the subject gone, to which schema id 1 refers"):
        await fetched(source(registry.url), f"id:{number}")


@pytest.mark.parametrize("kind", ["XSD", 7])
async def test_a_kind_of_schema_that_nobody_knows_is_decided(registry: FakeRegistry, kind: Any) -> None:
    registry.always(Reply.of(200, {"schema": "x", "schemaType": kind}))
    with pytest.raises(UnusableSchema, match=f"schema id 1 is of the type {kind}"):
        await fetched(source(registry.url), "id:1")


@pytest.mark.parametrize("size", [SCHEMA_LIMIT + 1, 4 * SCHEMA_LIMIT])
async def test_a_schema_that_is_too_large_is_decided(registry: FakeRegistry, size: int) -> None:
    registry.register("a", "x" * size)
    with pytest.raises(UnusableSchema, match="schema id 1 is larger than the bridge takes"):
        await fetched(source(registry.url, timeout="10s"), "id:1")


async def test_an_answer_without_a_schema_is_decided(registry: FakeRegistry) -> None:
    registry.always(Reply.of(200, {"id": 1}))
    with pytest.raises(UnusableSchema, match="the registry's answer for schema id 1 has no schema"):
        await fetched(source(registry.url), "id:1")


@pytest.mark.parametrize("text", ["globalId:7", "glue:0f8fad5b-d9cb-469f-a165-70867728950e"])
async def test_a_reference_of_another_kind_of_registry_is_decided_without_a_question(
    registry: FakeRegistry, text: str
) -> None:
    with pytest.raises(UnusableSchema, match=r"which only schema_registry\.type"):
        await fetched(source(registry.url), text)
    assert registry.asked == []


# --- Protobuf


async def test_a_protobuf_schema_is_asked_for_as_a_descriptor(registry: FakeRegistry) -> None:
    registry.register("common", "syntax…", "PROTOBUF", descriptor=DESCRIPTOR)
    number = registry.register(
        "p", "syntax…", "PROTOBUF", descriptor=DESCRIPTOR, references=[reference("shop/common.proto", "common")]
    )
    encoded = base64.b64encode(DESCRIPTOR).decode()
    expected = Schema("protobuf", encoded, (("shop/common.proto", encoded),))
    assert await fetched(source(registry.url), f"id:{number}") == expected
    assert registry.paths == [
        "/schemas/ids/2",
        "/schemas/ids/2?format=serialized",
        "/subjects/common/versions/1?deleted=true",
        "/subjects/common/versions/1?deleted=true&format=serialized",
    ]


@pytest.mark.parametrize("written", [base64.b64encode(DESCRIPTOR).decode(), DESCRIPTOR.decode()])
async def test_a_descriptor_is_taken_as_base64_and_as_characters(registry: FakeRegistry, written: str) -> None:
    """As clients of Confluent register it at Apicurio, and as Apicurio writes it."""
    registry.always(Reply.of(200, {"schema": written, "schemaType": "PROTOBUF"}))
    assert await fetched(source(registry.url), "id:1") == Schema("protobuf", base64.b64encode(DESCRIPTOR).decode())
    assert len(registry.asked) == 1


# --- several addresses


async def test_an_address_that_fails_is_passed_over_and_asked_last_for_a_while(registry: FakeRegistry) -> None:
    number = registry.register("a", AVRO)
    with FakeRegistry() as dead:
        dead.always(Reply.of(503, {"error_code": 50301, "message": "starting"}))
        client = source(dead.url, registry.url)
        for _ in range(3):
            assert (await client.fetch(f"id:{number}"))[1] == registry.url
        assert len(dead.asked) == 1


async def test_what_one_replica_does_not_know_yet_the_next_one_does(registry: FakeRegistry) -> None:
    number = registry.register("a", AVRO)
    with FakeRegistry() as lagging:
        assert await fetched(source(lagging.url, registry.url), f"id:{number}") == Schema("avro", AVRO)


async def test_unknown_is_what_all_addresses_say_and_a_silent_one_may_know(registry: FakeRegistry) -> None:
    with FakeRegistry() as other:
        client = source(registry.url, other.url)
        with pytest.raises(UnknownReference, match="schema id 42"):
            await client.fetch("id:42")
        other.down()
        with pytest.raises(RegistryFailure, match="Connection refused"):
            await client.fetch("id:42")
