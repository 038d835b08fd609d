"""`track-bridge check` beside a schema registry: what it asks, what it compares, and how it ends."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from google.protobuf.json_format import ParseDict

from bridge.cli.checks import findings, schemas
from bridge.cli.checks.findings import Area, Level
from bridge.config.sections import Config
from bridge.exits import ExitCode
from bridge.mapping.compile import compile_mapping
from bridge.mapping.mapper import CompiledMapping
from tests.support.registry.server import HTML, FakeRegistry, Reply
from tests.support.service import settings

AVRO: dict[str, Any] = {"type": "record", "name": "Order", "fields": [{"name": "type", "type": "string"}]}
DATA: dict[str, Any] = {"user_id": {"type": "string"}, "amount": {"type": "integer"}, "gift": {"type": "boolean"}}
ORDER: dict[str, Any] = {
    "type": "object",
    "properties": {"type": {"type": "string"}, "data": {"type": "object", "properties": DATA}},
}
EVENTS: dict[str, Any] = {"order": {"metadata": {"amount": "data.amount"}}}


@pytest.fixture
def registry() -> Iterator[FakeRegistry]:
    with FakeRegistry() as running:
        yield running


def look(registry: FakeRegistry, *topics: str, events: Any = EVENTS, **more: Any) -> list[Area]:
    mapping = {"events": events, **more.pop("mapping", {})}
    sections = {"schema_registry": {"urls": [registry.url], "timeout": "2s", **more}, "mapping": mapping}
    base = settings.base("127.0.0.1:1", "http://127.0.0.1:2", ["orders"])
    config = Config.model_validate(settings.layered(base, sections) | {"mapping": mapping})
    compiled = compile_mapping(config.mapping)
    assert isinstance(compiled, CompiledMapping)
    return schemas.look(config, compiled, topics or ("orders",), patience=2.0)


def said(areas: list[Area], level: Level) -> list[str]:
    return [each.what for area in areas for each in area.findings if each.level is level]


def test_a_mapping_that_fits_the_newest_schema_is_said_to(registry: FakeRegistry) -> None:
    registry.register("orders-value", {"type": "object", "properties": {}}, "JSON")
    registry.register("orders-value", ORDER, "JSON", id=42)
    found = look(registry)
    assert said(found, Level.OK) == [
        f"The schema registry at {registry.url} answers: which does not say its version; it asks for no login.",
        "orders: values are as orders-value, schema id 42 says (2 members).",
        "What the mapping reads is in the newest schemas of orders.",
    ]
    assert findings.exit_code(found) is ExitCode.OK


def test_what_the_schema_does_not_have_is_a_warning_with_its_key(registry: FakeRegistry) -> None:
    registry.register("orders-value", ORDER, "JSON", id=42)
    events = {"order": {"metadata": {"total": "data.total", "at": {"path": "data.gift", "type": "datetime"}}}}
    found = look(registry, events=events)
    time = "a time, or a number that counts one"
    of = "the schema of orders (orders-value, schema id 42)"
    assert said(found, Level.WARNING) == [
        f"mapping.events.order.metadata.total: data.total is not in {of}: data has user_id, amount, gift.",
        f"mapping.events.order.metadata.at: by {of} data.gift is a boolean; {time} is needed.",
    ]
    assert findings.exit_code(found) is ExitCode.OK
    assert findings.detailed_exit_code(found) == 4


def test_a_version_that_is_told_is_named(registry: FakeRegistry) -> None:
    registry.register("orders-value", ORDER, "JSON")
    registry.instead = lambda asked: (
        Reply.of(200, {"version": "7.9.0"}) if asked.path == "/v1/metadata/version" else None
    )
    assert "answers: Schema Registry 7.9.0; " in said(look(registry), Level.OK)[0]


@pytest.mark.parametrize("answer", [Reply(503), HTML, Reply(404, b"nothing")])
def test_a_registry_that_is_none_or_has_a_bad_day_is_unreachable(registry: FakeRegistry, answer: Reply) -> None:
    registry.always(answer)
    found = look(registry)
    (sentence,) = said(found, Level.PROBLEM)
    assert registry.url in sentence
    assert findings.exit_code(found) is ExitCode.UNREACHABLE
    assert findings.detailed_exit_code(found) == 34


def test_a_login_that_is_refused_is_said_as_that(registry: FakeRegistry) -> None:
    registry.login("Basic bm9ib2R5")
    found = look(registry)
    assert "refuses the login" in said(found, Level.PROBLEM)[0]
    assert "credentials" in found[0].findings[0].to_do
    found = look(registry, bearer_token_file="/run/secrets/gone")
    assert "(schema_registry.bearer_token_file: /run/secrets/gone)" in found[0].findings[0].to_do


def test_an_address_that_does_not_answer_beside_one_that_does_is_a_warning(registry: FakeRegistry) -> None:
    registry.register("orders-value", ORDER, "JSON")
    found = look(registry, urls=[registry.url, "http://127.0.0.1:1"])
    assert "127.0.0.1:1" in said(found, Level.WARNING)[0]
    assert said(found, Level.WARNING)[0].endswith("Another of schema_registry.urls does.")
    assert said(found, Level.PROBLEM) == []


def test_topics_of_plain_json_need_no_subject(registry: FakeRegistry) -> None:
    found = look(registry)
    assert said(found, Level.NOTE) == []
    assert said(found, Level.WARNING) == []


def test_a_schema_of_another_language_than_decode_reads_is_a_warning(registry: FakeRegistry) -> None:
    registry.register("orders-value", AVRO)
    (warning,) = said(look(registry), Level.WARNING)
    assert warning == "orders: its newest schema (orders-value) is Avro, and decode is auto."


def test_a_subject_that_is_not_there_is_named_with_the_only_one_that_is_looked_for(registry: FakeRegistry) -> None:
    (note,) = said(look(registry, mapping={"decode": "avro"}), Level.NOTE)
    assert note.startswith("orders: the registry does not know the subject orders-value, so its records cannot be")


def test_a_descriptor_set_of_several_messages_without_a_name_is_a_warning(
    registry: FakeRegistry, tmp_path: Path
) -> None:
    messages = [{"name": "A"}, {"name": "B"}]
    file = {"name": "x.proto", "syntax": "proto3", "message_type": messages}
    (tmp_path / "x.desc").write_bytes(ParseDict({"file": [file]}, FileDescriptorSet()).SerializeToString())
    given = {"decode": "protobuf", "descriptor_set_file": str(tmp_path / "x.desc")}
    assert said(look(registry, mapping=given), Level.WARNING) == [
        "orders: the last file of its descriptor_set_file has several messages, and message_type names none."
    ]
    named = look(registry, mapping=given | {"message_type": "A"})
    assert not any("message_type" in each for each in said(named, Level.WARNING))
