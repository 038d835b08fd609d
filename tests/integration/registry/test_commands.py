"""`track-bridge check` and `track-bridge map` at a real registry."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bridge.cli.checks import schemas
from bridge.cli.checks.findings import Level
from bridge.config.sections import Config
from bridge.mapping.compile import compile_mapping
from bridge.mapping.mapper import CompiledMapping
from bridge.model import Record, Request
from bridge.registry.commands import CommandMapping, open_schemas
from tests.support.registry.apicurio import Apicurio
from tests.support.registry.orders import SCHEMA, order
from tests.support.service import settings

PROTO = """syntax = "proto3"; package shop;
message Order { string type = 1; Data data = 2; message Data { string user_id = 1; int32 amount = 2; } }"""


def configured(apicurio: Apicurio, kind: str, metadata: dict[str, Any]) -> Config:
    url = apicurio.compatible if kind == "confluent" else apicurio.url
    mapping = {
        "user_id": "data.user_id",
        "per_topic": {"checked": {"decode": "avro"}},
        "events": {"order.completed": {"metadata": metadata}},
    }
    base = settings.base("127.0.0.1:1", "http://127.0.0.1:2", ["checked", "proto"])
    registry = {"type": kind, "urls": [url], "timeout": "20s"}
    return Config.model_validate({**base, "schema_registry": registry, "mapping": mapping})


@pytest.mark.parametrize("kind", ["confluent", "apicurio"])
def test_check_names_the_product_and_compares_with_the_newest_schemas(apicurio: Apicurio, kind: str) -> None:
    apicurio.register("checked-value", SCHEMA)
    apicurio.register("proto-value", PROTO, "PROTOBUF")
    config = configured(apicurio, kind, {"amount": "data.amnt"})
    mapping = compile_mapping(config.mapping)
    assert isinstance(mapping, CompiledMapping)
    (area,) = schemas.look(config, mapping, ["checked"], patience=20.0)
    assert [each.level for each in area.findings] == [Level.OK, Level.OK, Level.WARNING]
    assert "3.3" in area.findings[0].what or kind == "confluent"
    assert "data.amnt is not in the schema of checked" in area.findings[2].what
    (both,) = schemas.look(config, mapping, ["checked", "proto"], patience=20.0)
    assert "is Protobuf, and decode is auto" in both.findings[2].what


def test_a_record_is_mapped_with_a_schema_of_the_registry_and_keeps_it(apicurio: Apicurio, tmp_path: Path) -> None:
    number = apicurio.register("mapped-value", SCHEMA)
    config = configured(apicurio, "confluent", {"amount": "data.amount"})
    assert config.schema_registry is not None
    section = config.schema_registry.model_copy(update={"cache_dir": tmp_path})
    record = Record("checked", 0, 0, None, None, order(number, "ada"), ())
    mapping = compile_mapping(config.mapping, open_schemas(None, section), CommandMapping)
    assert isinstance(mapping, CompiledMapping)
    (outcome,) = mapping.map(record, 0.0)
    assert isinstance(outcome, Request)
    assert json.loads(outcome.body)["metadata"]["amount"] == 12
    assert list(tmp_path.rglob("*.json")), "kept for the next command"
