"""Commands read records of Avro with schemas from files, from the folder, and from the registry."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from google.protobuf import descriptor_pb2

from bridge.config.sections import SchemaRegistry
from bridge.decode.protocol import NoSchema, Schema
from bridge.model import Failed, Request
from bridge.registry.commands import open_schemas
from tests.support.registry.server import FakeRegistry, Reply
from tests.unit.cli.conftest import Cli

Config = Callable[..., str]

AVRO = json.dumps(
    {
        "type": "record",
        "name": "Order",
        "fields": [
            {"name": "type", "type": "string"},
            {"name": "data", "type": {"type": "record", "name": "Data", "fields": [
                {"name": "user_id", "type": "string"}, {"name": "amount", "type": "int"},
            ]}},
        ],
    }
)  # fmt: skip


def text(content: str) -> bytes:
    return bytes([2 * len(content)]) + content.encode()


def framed(number: int, user: str = "u-1") -> bytes:
    return b"\0" + number.to_bytes(4) + text("order.completed") + text(user) + b"\x18"


@pytest.fixture
def registry() -> Iterator[FakeRegistry]:
    with FakeRegistry() as running:
        yield running


@pytest.fixture
def value(tmp_path: Path) -> str:
    path = tmp_path / "value"
    path.write_bytes(framed(42))
    return str(path)


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "orders.avsc"
    path.write_text(AVRO)
    return str(path)


def avro(config: Config, *more: str) -> str:
    return config("mapping:\n", "\n".join([*more, "mapping:", "  decode: avro", ""]))


def behind(config: Config, registry: FakeRegistry, *more: str) -> str:
    return avro(config, f"schema_registry: {{urls: ['{registry.url}'], timeout: 2s{''.join(more)}}}")


def test_a_schema_from_a_file_is_enough_to_map_a_record(cli: Cli, config: Config, value: str, file: str) -> None:
    ran = cli("map", value, "--raw", "-c", avro(config), "--schema", f"42={file}", "--json")
    (outcome,) = json.loads(ran.out)["outcomes"]
    assert ran.code == 0
    assert (outcome["request"]["user_id"], outcome["request"]["metadata"]["amount"]) == ("u-1", 12)


def test_without_any_schema_the_record_says_both_ways_to_one(cli: Cli, config: Config, value: str) -> None:
    ran = cli("map", value, "--raw", "-c", avro(config))
    assert ran.code == 1
    assert (
        "schema id 42 is not known here: give it with --schema 42=FILE, or set schema_registry in the configuration"
        in ran.out
    )


def test_a_registry_is_asked_once_for_all_records_of_a_schema(
    cli: Cli, config: Config, registry: FakeRegistry, tmp_path: Path
) -> None:
    registry.register("shop.orders-value", AVRO, id=42)
    lines = [
        json.dumps({"topic": "shop.orders", "value_base64": base64.b64encode(framed(42, user)).decode()})
        for user in ("u-1", "u-2")
    ]
    records = tmp_path / "records"
    records.write_text("\n".join(lines))
    ran = cli("map", str(records), "--record", "-c", behind(config, registry))
    assert (ran.code, registry.paths) == (0, ["/schemas/ids/42"])
    assert "2 records would make 2 requests." in ran.out


def test_a_file_counts_before_the_registry(
    cli: Cli, config: Config, registry: FakeRegistry, value: str, file: str
) -> None:
    assert cli("map", value, "--raw", "-c", behind(config, registry), "--schema", f"42={file}").code == 0
    assert registry.paths == []


def test_a_registry_that_does_not_answer_ends_the_command_with_what_else_to_do(
    cli: Cli, config: Config, registry: FakeRegistry, value: str
) -> None:
    file = behind(config, registry)
    registry.down()
    ran = cli("map", value, "--raw", "-c", file)
    assert ran.code == 3
    assert registry.url in ran.err
    assert "Schema id 42 is needed to read a record: try again later, or give it with --schema 42=FILE." in ran.err


def test_an_id_that_the_registry_does_not_know_is_a_dead_letter_that_names_it(
    cli: Cli, config: Config, registry: FakeRegistry, value: str
) -> None:
    ran = cli("map", value, "--raw", "-c", behind(config, registry))
    assert ran.code == 1
    assert "dead letter (undecodable): the registry does not know schema id 42" in ran.out


def test_schemas_that_were_kept_need_no_registry(
    cli: Cli, config: Config, registry: FakeRegistry, value: str, tmp_path: Path
) -> None:
    registry.register("shop.orders-value", AVRO, id=42)
    file = behind(config, registry, f", cache_dir: {tmp_path / 'kept'}")
    assert cli("map", value, "--raw", "-c", file).code == 0
    registry.down()
    assert cli("map", value, "--raw", "-c", file).code == 0


def test_examples_of_bytes_are_run_with_schemas(cli: Cli, config: Config, file: str) -> None:
    example = base64.b64encode(framed(42)).decode()
    path = config(
        "mapping:\n",
        "mapping:\n  decode: avro\n  common_metadata: {occurred_at: false, event_id: false}\n  examples:\n"
        "    - name: an order\n"
        f"      record: {{topic: shop.orders, value_base64: {example}}}\n"
        "      expect: {user_id: u-1, event_name: Order Completed, metadata: {amount: 12}}\n",
    )
    assert cli("test", "-c", path, "--schema", f"42={file}").code == 0
    ran = cli("test", "-c", path)
    assert ran.code == 1
    assert "--schema 42=FILE" in ran.out


@pytest.mark.parametrize("option", ["42", "42=nowhere.avsc", "forty=two.avsc"])
def test_an_option_that_cannot_be_read_is_a_sentence(cli: Cli, config: Config, value: str, option: str) -> None:
    ran = cli("map", value, "--raw", "-c", avro(config), "--schema", option)
    assert ran.code == 2
    assert "--schema" in ran.err


def test_two_schemas_for_one_id_are_a_sentence(cli: Cli, config: Config, value: str, file: str) -> None:
    """One of them would count, and nobody would know which."""
    ran = cli("map", value, "--raw", "-c", avro(config), "--schema", f"042={file}", "--schema", f"42={file}")
    assert ran.code == 2
    assert f"--schema 42={file}: --schema 042={file} is for the same id" in " ".join(ran.err.split())


async def test_a_record_that_is_mapped_on_a_loop_has_its_schema_looked_up(registry: FakeRegistry) -> None:
    await asyncio.sleep(0)
    registry.register("a", AVRO, id=42)
    schemas = open_schemas(None, SchemaRegistry.model_validate({"urls": [registry.url]}))
    assert schemas.get("id:42") == Schema("avro", AVRO)
    assert isinstance(schemas.get("id:43"), NoSchema)


def test_after_a_trouble_nobody_is_asked_again(registry: FakeRegistry) -> None:
    schemas = open_schemas(None, SchemaRegistry.model_validate({"urls": [registry.url]}))
    registry.always(Reply(503))
    assert schemas.get("id:42") is None
    assert schemas.get("id:43") is None
    assert len(registry.paths) == 1
    assert schemas.trouble is not None


def test_a_login_that_cannot_be_used_is_said_as_that(
    cli: Cli, config: Config, registry: FakeRegistry, value: str, tmp_path: Path
) -> None:
    login = f", basic_auth: {{username: u, password_file: {tmp_path / 'nowhere'}}}"
    ran = cli("map", value, "--raw", "-c", behind(config, registry, login))
    assert ran.code in {2, 3}
    assert "nowhere" in ran.err


def test_letters_are_decoded_to_be_shown_and_redacted(config: Config, file: str) -> None:
    from bridge.cli.frame.startup import load_to_read  # noqa: PLC0415 - as commands do
    from bridge.model import Record  # noqa: PLC0415
    from bridge.reprocess.reading.contents import legible  # noqa: PLC0415
    from bridge.reprocess.reading.redaction import redaction  # noqa: PLC0415

    settings = "  never_send: [data.amount]\n  each: lines\n"
    whole = load_to_read(Path(config("mapping:\n", f"mapping:\n  decode: avro\n{settings}")), [f"42={file}"])
    start = load_to_read(Path(avro(config)), [f"42={file}"])
    record = Record("shop.orders", 0, 1, None, None, framed(42), ())
    assert isinstance(start.mapping.map(record, 0.0)[0], Request)
    found = legible(start.mapping, record, record.value)
    assert found.is_decoded
    assert legible(whole.mapping, record, record.value) == found, "whatever the mapping takes off"
    hidden = redaction(["data.user_id"], everything=False)
    shown = hidden.of_value(found.text)
    assert shown is not None
    assert json.loads(shown) == {"type": "order.completed", "data": {"user_id": "***", "amount": 12}}
    assert hidden.of_message("no user u-1", found.text) == "***"
    unknown = legible(start.mapping, record, framed(43))
    assert (unknown.text, unknown.is_decoded) == (framed(43), False)
    assert unknown.why_not is not None
    assert "schema id 43" in unknown.why_not
    assert isinstance(start.mapping.map(record._replace(value=framed(43)), 0.0)[0], Failed)


@pytest.mark.parametrize(
    ("settings", "value", "shown"),
    [
        ("each: '@'", b'[{"type":"a"}]', b'[{"type":"a"}]'),
        ("each: lines", b"[1]", b"[1]"),
        ("unwrap: connect", b"[1]", b"[1]"),
        ("each: '@'", b'{"type":"a"}', b'{"type":"a"}'),
    ],
)
def test_a_list_inside_of_layers_is_shown_where_the_mapping_takes_values_apart(
    config: Config, settings: str, value: bytes, shown: bytes
) -> None:
    from bridge.cli.frame.startup import load_to_read  # noqa: PLC0415 - as commands do
    from bridge.model import Record  # noqa: PLC0415
    from bridge.reprocess.reading.contents import Legible, legible  # noqa: PLC0415

    path = config("mapping:\n", f"mapping:\n  layers: [base64]\n  {settings}\n")
    mapping, content = load_to_read(Path(path), []).mapping, base64.b64encode(value)
    record = Record("shop.orders", 0, 1, None, None, content, ())
    assert legible(mapping, record, content) == Legible(shown, is_decoded=True)


PROTO = """syntax = "proto3";
message Order { string type = 1; Data data = 2; }
message Data { string user_id = 1; int32 amount = 2; }
"""


def test_a_proto_file_is_a_schema_too(cli: Cli, config: Config, tmp_path: Path) -> None:
    file, value = tmp_path / "order.proto", tmp_path / "value"
    file.write_text(PROTO)
    data = b"\x0a\x03u-1\x10\x0c"
    value.write_bytes(b"\0" + (42).to_bytes(4) + b"\0\x0a\x0forder.completed\x12" + bytes([len(data)]) + data)
    path = config("mapping:\n", "mapping:\n  decode: protobuf\n")
    ran = cli("map", str(value), "--raw", "-c", path, "--schema", f"42={file}", "--json")
    (outcome,) = json.loads(ran.out)["outcomes"]
    assert (outcome["request"]["user_id"], outcome["request"]["metadata"]["amount"]) == ("u-1", 12)


def test_check_compares_with_a_descriptor_set_without_any_network(cli: Cli, config: Config, tmp_path: Path) -> None:
    text, one = descriptor_pb2.FieldDescriptorProto.TYPE_STRING, descriptor_pb2.FieldDescriptorProto.LABEL_OPTIONAL
    fields = [
        descriptor_pb2.FieldDescriptorProto(name=name, number=number, type=text, label=one)
        for number, name in enumerate(("type", "total"), start=1)
    ]
    message = descriptor_pb2.DescriptorProto(name="Order", field=fields)
    file = descriptor_pb2.FileDescriptorProto(name="order.proto", syntax="proto3", message_type=[message])
    described = tmp_path / "orders.desc"
    described.write_bytes(descriptor_pb2.FileDescriptorSet(file=[file]).SerializeToString())
    settings = f"  decode: protobuf\n  descriptor_set_file: {described}\n  user_id: key\n"
    ran = cli("check", "--offline", "--json", "-c", config("mapping:\n", f"mapping:\n{settings}"))
    found = [each for each in json.loads(ran.out)["findings"] if each["area"] == "Schemas"]
    assert [each["level"] for each in found] == ["ok", "warning"]
    assert found[1]["what"] == (
        "mapping.events.order.completed.metadata.amount: data.amount is not in the schema of shop.orders "
        "(descriptor_set_file): the value has type, total."
    )
    assert ran.code == 0
