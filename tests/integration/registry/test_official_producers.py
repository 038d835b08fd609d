"""What the official client writes behind a real registry is read, whatever form the registry keeps schemas in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final, Protocol

import pytest
from confluent_kafka.schema_registry import (
    Schema,
    SchemaReference,
    SchemaRegistryClient,
    header_schema_id_serializer,
)
from confluent_kafka.schema_registry.avro import AvroSerializer
from confluent_kafka.schema_registry.json_schema import JSONSerializer
from confluent_kafka.schema_registry.protobuf import ProtobufSerializer
from confluent_kafka.serialization import MessageField, SerializationContext
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, timestamp_pb2
from google.protobuf.message import Message

from bridge.config.sections import SchemaRegistry
from bridge.decode.decoders import DECODERS
from bridge.decode.protocol import FAST, Decoder, FormatSettings
from bridge.model import Header, Record, SchemaNeeded
from bridge.registry.offline import open_schemas
from tests.support.registry.apicurio import Apicurio
from tests.support.registry.server import FakeRegistry


class Read(Protocol):
    def __call__(self, name: str, value: bytes, headers: Sequence[Header] = (), /) -> Any: ...


MONEY: Final = '{"type": "record", "name": "Money", "namespace": "shop", "fields": [{"name": "minor", "type": "long"}]}'
ORDER: Final = """{"type": "record", "name": "Order", "namespace": "shop", "fields": [
    {"name": "type", "type": "string"},
    {"name": "total", "type": "shop.Money"},
    {"name": "coupon", "type": ["null", "string"], "default": null},
    {"name": "weight", "type": {"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2}}
]}"""
EVOLVED: Final = ORDER.replace(
    '{"name": "total"', '{"name": "channel", "type": "string", "default": "web"}, {"name": "total"'
)
JSON_SCHEMA: Final = """{"$schema": "http://json-schema.org/draft-07/schema#", "title": "Order", "type": "object",
    "properties": {"type": {"type": "string"}}}"""


@pytest.fixture(scope="module")
def client(apicurio: Apicurio) -> Iterator[SchemaRegistryClient]:
    # Apicurio sometimes never answers on a connection that it kept; without a limit the client waits for ever.
    with SchemaRegistryClient({"url": apicurio.compatible, "timeout": 15}) as made:
        yield made


@pytest.fixture(params=["confluent", "apicurio"])
def read(request: pytest.FixtureRequest, apicurio: Apicurio) -> Read:
    """Reads a value in a format, and looks its schema up through either of the registry's APIs."""
    url = apicurio.compatible if request.param == "confluent" else apicurio.url
    section = SchemaRegistry.model_validate({"type": request.param, "urls": [url], "timeout": "20s"})
    schemas = open_schemas(section, {}, {})
    decoders: dict[str, Decoder] = {str(name): row for name, row in DECODERS.items()}

    def read(name: str, value: bytes, headers: Sequence[Header] = (), /) -> Any:
        decode = decoders[name].make(FormatSettings(), schemas)
        record = Record("orders", 0, 0, None, None, value, headers)
        found = decode(record, None, FAST)
        if isinstance(found, SchemaNeeded):
            schemas.resolve(found.reference, 60.0)
            found = decode(record, None, FAST)
        return found

    return read


def context(topic: str) -> SerializationContext:
    return SerializationContext(topic, MessageField.VALUE, headers=[])


def test_avro_with_references_and_evolution(client: SchemaRegistryClient, read: Read) -> None:
    client.register_schema("money", Schema(MONEY, "AVRO"))
    references = [SchemaReference("shop.Money", "money", 1)]
    order = {"type": "order.completed", "total": {"minor": 4_200}, "coupon": "X", "weight": Decimal("1.25")}
    first = AvroSerializer(client, Schema(ORDER, "AVRO", references))(order, context("avro"))
    later = AvroSerializer(client, Schema(EVOLVED, "AVRO", references))({**order, "channel": "app"}, context("avro"))
    assert first is not None
    assert later is not None
    assert first[:5] != later[:5]
    assert read("avro", first) == order
    assert read("avro", later) == {**order, "channel": "app"}
    content = int.from_bytes(later[1:5])
    bare: list[Header] = [("apicurio.value.contentId", content.to_bytes(8)), ("apicurio.value.encoding", b"BINARY")]
    assert read("avro", later[5:], bare) == {**order, "channel": "app"}, "as Apicurio's own serializers write it"


def test_json_schema(client: SchemaRegistryClient, read: Read) -> None:
    value = JSONSerializer(JSON_SCHEMA, client)({"type": "order.completed"}, context("json"))
    assert value is not None
    assert read("auto", value) == {"type": "order.completed"}


def messages() -> Mapping[str, type[Message]]:
    """``shop.Order``, the second message of its file, and ``shop.Order.Line`` within it, made without protoc."""
    text, message, long = (
        descriptor_pb2.FieldDescriptorProto.Type.Value(f"TYPE_{n}") for n in ("STRING", "MESSAGE", "INT64")
    )
    file = descriptor_pb2.FileDescriptorProto(name="shop/order.proto", package="shop", syntax="proto3")
    file.dependency.extend(["google/protobuf/timestamp.proto", "shop/money.proto"])
    file.message_type.add(name="Other")
    order = file.message_type.add(name="Order")
    order.field.add(name="type", number=1, type=text, label=1)
    order.field.add(name="at", number=2, type=message, label=1, type_name=".google.protobuf.Timestamp")
    order.field.add(name="total", number=3, type=message, label=1, type_name=".shop.Money")
    line = order.nested_type.add(name="Line")
    line.field.add(name="sku", number=1, type=text, label=1)
    money = descriptor_pb2.FileDescriptorProto(name="shop/money.proto", package="shop", syntax="proto3")
    money.message_type.add(name="Money").field.add(name="minor", number=1, type=long, label=1)
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(timestamp_pb2.DESCRIPTOR.serialized_pb)
    for each in (money, file):
        pool.Add(each)
    names = ("shop.Order", "shop.Order.Line", "shop.Money", "google.protobuf.Timestamp")
    return {name: message_factory.GetMessageClass(pool.FindMessageTypeByName(name)) for name in names}


def test_protobuf_with_imports_and_message_indexes(client: SchemaRegistryClient, read: Read) -> None:
    made = messages()
    settings = {"use.deprecated.format": False}
    order = made["shop.Order"](
        type="order.completed",
        at=made["google.protobuf.Timestamp"](seconds=1_700_000_000),
        total=made["shop.Money"](minor=4_200),
    )
    value = ProtobufSerializer(made["shop.Order"], client, settings)(order, context("proto"))
    assert value is not None
    assert value[5:7] == b"\x02\x02", "the second message of the file"
    found = read("protobuf", value)
    assert found == {"type": "order.completed", "at": "2023-11-14T22:13:20Z", "total": {"minor": 4_200}}
    line = made["shop.Order.Line"](sku="s-1")
    nested = ProtobufSerializer(made["shop.Order.Line"], client, settings)(line, context("proto"))
    assert nested is not None
    assert read("protobuf", nested) == {"sku": "s-1"}


def test_a_client_that_wants_guids_finds_none_here(client: SchemaRegistryClient) -> None:
    """Why header ids by GUID are tried at our own registry: this one has none to give (Apicurio 3.3.3)."""
    client.register_schema("guidless", Schema('"string"', "AVRO"))
    assert client.get_latest_version("guidless").guid is None


def test_ids_in_headers_by_guid() -> None:
    """At our own registry, which has them; the bytes and headers are the official client's."""
    with FakeRegistry() as registry, SchemaRegistryClient({"url": registry.url}) as client:
        schemas = open_schemas(SchemaRegistry.model_validate({"urls": [registry.url]}), {}, {})
        made = messages()
        beside = {"schema.id.serializer": header_schema_id_serializer}
        avro = AvroSerializer(client, Schema(MONEY, "AVRO"), conf=beside)
        line = ProtobufSerializer(made["shop.Order.Line"], client, {"use.deprecated.format": False, **beside})
        for name, serializer, value, expected in (
            ("avro", avro, {"minor": 4_200}, {"minor": 4_200}),
            ("protobuf", line, made["shop.Order.Line"](sku="s-1"), {"sku": "s-1"}),
        ):
            where = context("guids")
            content = serializer(value, where)
            assert content is not None
            assert content[:1] != b"\0"
            headers: Any = where.headers
            record = Record("guids", 0, 0, None, None, content, tuple(headers))
            decode = {str(key): row for key, row in DECODERS.items()}[name].make(FormatSettings(), schemas)
            needed = decode(record, None, FAST)
            assert isinstance(needed, SchemaNeeded)
            assert needed.reference.startswith("guid:")
            schemas.resolve(needed.reference, 10.0)
            assert decode(record, None, FAST) == expected
