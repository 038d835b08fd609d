from __future__ import annotations

import base64
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest

from bridge.config.sections import SchemaRegistry
from bridge.decode.protocol import NoSchema, Schema
from bridge.errors import Misuse
from bridge.registry.commands import CommandSchemas
from bridge.registry.offline import RegistryUnreachable, ResolvingSchemas, open_schemas, read_schema_option
from tests.support.registry.server import FakeRegistry, Reply

AVRO: Final = '{"type": "record", "name": "Order", "fields": []}'
DESCRIPTOR: Final = b"\x0a\x0border.proto\x22\x07\x0a\x05Order\x62\x06proto3"
GUID: Final = "0f8fad5b-d9cb-469f-a165-70867728950e"


def opened(registry: FakeRegistry, **section: Any) -> ResolvingSchemas:
    made = SchemaRegistry.model_validate({"urls": [registry.url], "timeout": "5s", **section})
    return open_schemas(made, {}, {"id:7": Schema("avro", '"given"')})


def test_a_command_looks_a_schema_up_once_and_takes_what_it_was_given(registry: FakeRegistry) -> None:
    number = registry.register("a", AVRO)
    schemas = opened(registry)
    assert "id:1" not in schemas
    assert schemas.resolve(f"id:{number}", 5.0) == Schema("avro", AVRO)
    assert schemas.resolve(f"id:{number}", 5.0) == schemas["id:1"]
    assert schemas.resolve("id:7", 5.0) == Schema("avro", '"given"')
    assert registry.paths == ["/schemas/ids/1"]
    assert set(schemas) == {"id:1", "id:7"}
    assert len(schemas) == 2


def test_an_unknown_id_is_asked_for_once(registry: FakeRegistry) -> None:
    schemas = opened(registry)
    assert schemas.resolve("id:42", 5.0) == NoSchema("the registry does not know schema id 42")
    assert len(registry.asked) == 1


def test_a_registry_that_does_not_serve_is_a_sentence_and_not_an_answer(registry: FakeRegistry) -> None:
    schemas = opened(registry)
    registry.always(Reply(503))
    with pytest.raises(RegistryUnreachable, match=r"the schema id:1 cannot be looked up: .* an error of its own"):
        schemas.resolve("id:1", 5.0)
    registry.silence()
    with pytest.raises(RegistryUnreachable, match=r"did not give the schema id:1 in 0\.1 s"):
        schemas.resolve("id:1", 0.1)
    assert "id:1" not in schemas


def test_the_folder_serves_where_the_registry_is_down(registry: FakeRegistry, tmp_path: Path) -> None:
    registry.register("a", AVRO)
    assert opened(registry, cache_dir=str(tmp_path)).resolve("id:1", 5.0) == Schema("avro", AVRO)
    registry.down()
    assert opened(registry, cache_dir=str(tmp_path)).resolve("id:1", 5.0) == Schema("avro", AVRO)


def test_without_a_registry_the_sentence_says_how_to_give_the_schema() -> None:
    schemas = open_schemas(None, {}, {})
    answer = schemas.resolve("id:42", 1.0)
    assert isinstance(answer, NoSchema)
    assert answer.why.endswith("give it with --schema 42=FILE")


# --- files


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, bytes | str], Path]:
    def write(name: str, content: bytes | str) -> Path:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write


Write = Callable[[str, bytes | str], Path]


def test_each_kind_of_file_is_the_schema_that_it_holds(write: Write) -> None:
    encoded = base64.b64encode(DESCRIPTOR).decode()
    other = DESCRIPTOR.replace(b"order", b"money")
    both = b"".join(b"\x0a" + bytes([len(each)]) + each for each in (other, DESCRIPTOR))
    json_schema = '{"$schema": "http://json-schema.org/draft-07/schema#", "type": "object"}'
    for file, reference, schema in [
        (write("a.avsc", AVRO), "id:42", Schema("avro", AVRO)),
        (write("b.json", json_schema), "id:42", Schema("json", json_schema)),
        (write("c.json", AVRO), "id:42", Schema("avro", AVRO)),
        (write("d.proto", 'syntax = "proto3";'), "id:42", Schema("protobuf", 'syntax = "proto3";')),
        (write("e.pb", DESCRIPTOR), "id:42", Schema("protobuf", encoded)),
        (
            write("f.desc", both),
            "id:42",
            Schema("protobuf", encoded, (("money.proto", base64.b64encode(other).decode()),)),
        ),
    ]:
        assert read_schema_option(f"42={file}") == (reference, schema)


@pytest.mark.parametrize(
    ("name", "reference"),
    [
        ("042", "id:42"),
        (GUID, f"guid:{GUID}"),
        (GUID.upper(), f"guid:{GUID}"),
        ("contentId:7", "contentId:7"),
        ("globalId:7", "globalId:7"),
        (f"glue:{GUID}", f"glue:{GUID}"),
    ],
)
def test_a_schema_is_named_as_records_name_it(write: Write, name: str, reference: str) -> None:
    assert read_schema_option(f"{name}={write('a.avsc', AVRO)}")[0] == reference


@pytest.mark.parametrize(
    ("name", "file", "content", "says"),
    [
        ("x", "a.avsc", AVRO, "x is no schema id"),
        ("1", "a.txt", AVRO, r"must end in \.avsc"),
        ("1", "a.avsc", b"\xff", "is not UTF-8 text"),
        ("1", "a.desc", b"no descriptor", "neither a file descriptor nor a set"),
        ("1", "a.desc", b"", "neither a file descriptor nor a set"),
    ],
)
def test_what_cannot_be_a_schema_is_misuse(write: Write, name: str, file: str, content: bytes | str, says: str) -> None:
    with pytest.raises(Misuse, match=says):
        read_schema_option(f"{name}={write(file, content)}")


@pytest.mark.parametrize("text", ["42", "=a.avsc", "42=", ""])
def test_half_an_option_is_misuse(text: str) -> None:
    with pytest.raises(Misuse, match="write ID=FILE"):
        read_schema_option(text)


def test_a_file_that_is_not_there_is_misuse() -> None:
    with pytest.raises(Misuse, match="cannot be read: No such file"):
        read_schema_option("42=/gone.avsc")


def test_a_command_lists_the_schemas_that_it_was_given_and_asks_nobody_for_that() -> None:
    def never() -> ResolvingSchemas:
        raise AssertionError("nobody has asked for a schema")

    schemas = CommandSchemas({"id:7": Schema("avro", AVRO)}, never)
    assert dict(schemas) == {"id:7": Schema("avro", AVRO)}
    assert len(schemas) == 1
