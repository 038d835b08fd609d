"""The look-ups at a real registry, and our own registry of the tests held to it where both answer."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Iterator
from typing import Any, Final

import pytest

from bridge.config.sections import SchemaRegistry
from bridge.decode.protocol import NoSchema, Schema
from bridge.registry.about import RegistryAbout
from bridge.registry.build import build_lookups
from bridge.registry.outcomes import RegistryFailure, UnknownReference, UnusableSchema
from tests.support.registry.apicurio import Apicurio
from tests.support.registry.asking import fetched, source
from tests.support.registry.server import FakeRegistry
from tests.support.waiting import until

# Without blanks, as this registry writes Avro where it refers to nothing.
MONEY: Final = '{"type":"record","name":"Money","namespace":"shop","fields":[{"name":"minor","type":"long"}]}'
ORDER: Final = '{"type":"record","name":"Order","namespace":"shop","fields":[{"name":"total","type":"shop.Money"}]}'
MONEY_PROTO: Final = 'syntax = "proto3"; package shop; message Cash { int64 minor = 1; }'
ORDER_PROTO: Final = 'syntax = "proto3"; package shop; import "shop/cash.proto"; message Sale { Cash total = 1; }'
PLAIN_PROTO: Final = 'syntax = "proto3"; message Plain { string name = 1; }'
DESCRIPTOR: Final = b"\x0a\x0border.proto\x22\x07\x0a\x05Order\x62\x06proto3"
JSON_SCHEMA: Final = '{"$schema": "http://json-schema.org/draft-07/schema#", "type": "object"}'


def reference(name: str, subject: str) -> dict[str, Any]:
    return {"name": name, "subject": subject, "version": 1}


@pytest.fixture(scope="module")
def ids(apicurio: Apicurio) -> dict[str, int]:
    """What is registered, by name."""
    made = {
        "money": apicurio.register("money", MONEY),
        "order": apicurio.register("order-value", ORDER, references=[reference("shop.Money", "money")]),
        "cash": apicurio.register("shop/cash.proto", MONEY_PROTO, "PROTOBUF"),
        "sale": apicurio.register(
            "sale-value", ORDER_PROTO, "PROTOBUF", [reference("shop/cash.proto", "shop/cash.proto")]
        ),
        "plain": apicurio.register("plain-value", PLAIN_PROTO, "PROTOBUF"),
        "encoded": apicurio.register("encoded-value", base64.b64encode(DESCRIPTOR).decode(), "PROTOBUF"),
        "json": apicurio.register("json-value", JSON_SCHEMA, "JSON"),
        "deleted": apicurio.register("deleted-value", '"long"'),
    }
    assert apicurio.ask("DELETE", "/apis/ccompat/v7/subjects/deleted-value")[0] == 200
    return made


async def test_the_compatible_api_gives_every_kind_of_schema_with_its_references(
    apicurio: Apicurio, ids: dict[str, int]
) -> None:
    client = source(apicurio.compatible, timeout="20s")
    encoded = base64.b64encode(DESCRIPTOR).decode()
    assert await fetched(client, f"id:{ids['order']}") == Schema("avro", ORDER, (("shop.Money", MONEY),))
    assert await fetched(client, f"id:{ids['json']}") == Schema("json", JSON_SCHEMA)
    assert await fetched(client, f"id:{ids['encoded']}") == Schema("protobuf", encoded)
    sale = await fetched(client, f"id:{ids['sale']}")
    assert sale == Schema("protobuf", ORDER_PROTO, (("shop/cash.proto", MONEY_PROTO),))
    plain = await fetched(client, f"id:{ids['plain']}")
    assert base64.b64decode(plain.text).endswith(b"proto3"), "without a package this registry writes descriptors"
    assert await fetched(client, f"id:{ids['deleted']}") == Schema("avro", '"long"'), "ids outlive their subject"


async def test_its_own_api_gives_the_same_by_either_of_its_ids(apicurio: Apicurio, ids: dict[str, int]) -> None:
    client = source(apicurio.url, type="apicurio", timeout="20s")
    _, listed = apicurio.ask("GET", "/apis/registry/v3/groups/default/artifacts/order-value/versions/branch=latest")
    for text in (f"contentId:{listed['contentId']}", f"globalId:{listed['globalId']}", f"id:{ids['order']}"):
        schema = await fetched(client, text)
        assert (schema.form, json.loads(schema.text), len(schema.references)) == ("avro", json.loads(ORDER), 1)
        assert json.loads(schema.references[0][1]) == json.loads(MONEY)
    assert (await fetched(client, f"contentId:{ids['json']}")).form == "json"
    sale = await fetched(client, f"contentId:{ids['sale']}")
    assert sale == Schema("protobuf", ORDER_PROTO, (("shop/cash.proto", MONEY_PROTO),))
    newest, schema = await client.newest("order-value")
    assert (newest, schema.form) == (f"contentId:{listed['contentId']}", "avro")
    for unknown in ("contentId:99999", "globalId:99999"):
        with pytest.raises(UnknownReference):
            await client.fetch(unknown)
    with pytest.raises(UnusableSchema, match="by GUID"):
        await client.fetch("guid:0f8fad5b-d9cb-469f-a165-70867728950e")


async def test_the_newest_schema_of_a_subject_is_found(apicurio: Apicurio, ids: dict[str, int]) -> None:
    client = source(apicurio.compatible, timeout="20s")
    assert await client.newest("json-value") == (f"id:{ids['json']}", Schema("json", JSON_SCHEMA))
    with pytest.raises(UnknownReference, match="the subject nobody-value"):
        await client.newest("nobody-value")


async def test_it_says_which_version_it_is(apicurio: Apicurio) -> None:
    own = source(apicurio.url, type="apicurio", timeout="20s")
    assert await own.about() == (RegistryAbout(apicurio.url, "Apicurio Registry (SQL) 3.3.3"),)
    (found,) = await source(apicurio.compatible, timeout="20s").about()
    assert isinstance(found, RegistryAbout)


@pytest.mark.parametrize(
    ("path", "kind"), [("", "wrong_address"), ("/apis", "wrong_address"), ("/apis/registry/v3", "wrong_address")]
)
async def test_an_address_without_its_path_is_told_from_an_unknown_id(apicurio: Apicurio, path: str, kind: str) -> None:
    with pytest.raises(RegistryFailure) as found:
        await source(apicurio.url + path, timeout="20s").fetch("id:1")
    assert found.value.kind == kind
    with pytest.raises(RegistryFailure, match="as Karapace and Apicurio cannot"):
        await source(apicurio.compatible, timeout="20s").fetch("guid:0f8fad5b-d9cb-469f-a165-70867728950e")


@pytest.fixture
def own() -> Iterator[FakeRegistry]:
    with FakeRegistry() as running:
        yield running


async def test_our_own_registry_answers_as_the_real_one(apicurio: Apicurio, own: FakeRegistry) -> None:
    """Statuses, error codes and the names of fields, question by question."""
    own.register("same-money", MONEY)
    number = own.register("same-value", ORDER, references=[reference("shop.Money", "same-money")])
    apicurio.register("same-money", MONEY)
    real = apicurio.register("same-value", ORDER, references=[reference("shop.Money", "same-money")])

    def shape(status: int, answer: Any) -> Any:
        left_out = {"message", "subject", "id", "deleted", "guid"}
        if isinstance(answer, dict):
            shown = {name: value for name, value in answer.items() if name not in left_out and value != []}
            return status, shown
        return status, None

    for path in (
        "/schemas/ids/{id}",
        "/schemas/ids/{id}?subject=same-value",
        "/schemas/ids/999999",
        "/subjects/same-value/versions/1",
        "/subjects/same-value/versions/1?deleted=true",
        "/subjects/same-value/versions/latest",
        "/subjects/same-value/versions/77",
        "/subjects/nobody/versions/1",
    ):
        expected = shape(*apicurio.ask("GET", "/apis/ccompat/v7" + path.format(id=real)))
        reply = own.answer_to("GET", path.format(id=number))
        assert shape(reply.status, json.loads(reply.body)) == expected, path


async def test_a_registry_that_dies_is_waited_for_and_what_is_known_needs_it_no_more(
    own_apicurio: Apicurio,
) -> None:
    number = own_apicurio.register("money", MONEY)
    later = own_apicurio.register("later", '"string"')
    section = SchemaRegistry.model_validate(
        {"urls": [own_apicurio.compatible], "timeout": "20s", "unknown_id_after": "2s"}
    )
    lookups = build_lookups(section, {})

    async def known(text: str) -> Schema | NoSchema:
        event = asyncio.Event()
        lookups.want(text, event.set)
        await event.wait()
        return lookups.schemas[text]

    assert await known(f"id:{number}") == Schema("avro", MONEY)
    own_apicurio.kill()
    waiting = asyncio.create_task(known(f"id:{later}"))
    await until("there is trouble", lambda: lookups.trouble(f"id:{later}") is not None)
    trouble = lookups.trouble(f"id:{later}")
    assert trouble is not None
    assert trouble.what == f"no connection to {own_apicurio.compatible}: Connection refused"
    assert lookups.schemas[f"id:{number}"] == Schema("avro", MONEY)
    await asyncio.to_thread(own_apicurio.start)
    assert await waiting == Schema("avro", '"string"')
    assert await known("id:99999") == NoSchema("the registry does not know schema id 99999")
    shown = lookups.snapshot()
    assert (shown.state, shown.known, shown.unknown, shown.waiting) == ("ok", 2, 1, ())
    asked = shown.requests
    assert await known(f"id:{number}") == Schema("avro", MONEY)
    assert lookups.snapshot().requests == asked
    await lookups.aclose()
