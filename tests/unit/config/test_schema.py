from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from bridge.config import schema
from bridge.config.reading import yaml_core

ROOT = Path(__file__).parents[3]
SCHEMA = ROOT / "schemas" / "bridge.schema.json"
FILES = [ROOT / "bridge.example.yaml", Path(__file__).with_name("contract.example.yaml")]


@pytest.fixture(scope="module")
def validator() -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(schema.build())


def test_the_file_in_the_repository_is_what_the_code_says() -> None:
    assert SCHEMA.read_text() == schema.text(), "run: python -m bridge.config.schema > schemas/bridge.schema.json"


def test_it_is_a_schema_of_its_dialect() -> None:
    jsonschema.Draft202012Validator.check_schema(schema.build())


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_the_examples_are_valid(validator: jsonschema.Draft202012Validator, path: Path) -> None:
    assert [each.message for each in validator.iter_errors(yaml_core.parse(path.read_text()).tree)] == []


def properties() -> Iterator[tuple[str, dict[str, Any]]]:
    """Every property of every section and map, with its place."""
    whole = schema.build()
    for owner, definition in {"": whole, **whole["$defs"]}.items():
        for name, each in definition["properties"].items():
            yield f"{owner}.{name}", each


def test_every_key_has_a_title_and_a_description_of_its_own_or_of_what_it_refers_to() -> None:
    definitions = schema.build()["$defs"]
    assert [path for path, each in properties() if not each.get("title") and "$ref" not in json.dumps(each)] == []
    for path, each in properties():
        referred = definitions.get(each.get("$ref", "").rpartition("/")[2], {})
        assert each.get("description") or referred.get("description"), path


def test_every_key_has_a_description_of_its_own_for_editors_that_look_no_further() -> None:
    assert [path for path, each in properties() if not each.get("description")] == []


def test_every_example_is_one_that_could_be_written() -> None:
    whole = schema.build()
    for path, each in properties():
        for example in each.get("examples", ()):
            inner = {**each, "$defs": whole["$defs"]}
            assert list(jsonschema.Draft202012Validator(inner).iter_errors(example)) == [], path


def test_what_a_topic_may_have_instead_has_the_examples_of_the_mapping() -> None:
    found = {path: each for path, each in properties() if path.startswith(("TopicOverrides.", "MappingConfig."))}
    assert found["TopicOverrides.max_age"]["examples"] == found["MappingConfig.max_age"]["examples"]
    assert found["TopicOverrides.event_type"]["examples"]
    without = [path for path, each in found.items() if path.startswith("TopicOverrides.") and "examples" not in each]
    assert without == []


def test_every_default_is_written_as_its_owner_would_write_it() -> None:
    whole = schema.build()
    for path, each in properties():
        if "default" in each:
            inner = {**each, "$defs": whole["$defs"]}
            assert list(jsonschema.Draft202012Validator(inner).iter_errors(each["default"])) == [], path


RIGHT: dict[str, Any] = {
    "kafka": {"bootstrap_servers": "b:9092", "group_id": "g", "topics": ["t"]},
    "track": {"endpoint": "https://h.example"},
    "dead_letter": {"topic": "d"},
    "mapping": {"events": {"a": "drop"}},
}


@pytest.mark.parametrize(
    ("section", "key", "value"),
    [
        ("kafka", "commit_interval", 200),
        ("kafka", "commit_interval", "200"),
        ("kafka", "topics", "shop.orders"),
        ("kafka", "brokers", "x"),
        ("delivery", "max_in_flight", "64"),
        ("delivery", "max_in_flight", 0),
        ("delivery", "rate_limit", 600),
        ("delivery", "ordering", "users"),
        ("track", "allow_http", "yes"),
        ("mapping", "events", {"a": "skip"}),
        ("mapping", "events", {"a": {"metadata": {"x": 5}}}),
        ("mapping", "events", {"a": {"metadata": {"x": {"value": 1, "path": "y"}}}}),
        ("mapping", "events", {}),
        ("observability", "listen", 9464),
    ],
)
def test_an_editor_marks_what_loading_refuses(
    validator: jsonschema.Draft202012Validator, section: str, key: str, value: Any
) -> None:
    assert validator.is_valid(RIGHT)
    wrong: dict[str, Any] = {**RIGHT, section: {**RIGHT.get(section, {}), key: value}}
    assert not validator.is_valid(wrong)


@pytest.mark.parametrize(
    ("section", "key", "value"),
    [
        ("kafka", "commit_interval", "${INTERVAL:-200ms}"),
        ("delivery", "max_in_flight", "${N}"),
        ("delivery", "ordering", "${ORDER}"),
        ("delivery", "rate_limit", "${RATE}/min"),
        ("track", "allow_http", "${HTTP:-false}"),
        ("observability", "listen", ":${PORT}"),
        ("mapping", "events", {"a": [{"metadata": {"x": "data.x", "event_id": False}}]}),
        ("kafka", "properties", {"linger.ms": 5, "client.id": "x", "socket.keepalive.enable": True}),
    ],
)
def test_an_editor_takes_what_loading_takes(
    validator: jsonschema.Draft202012Validator, section: str, key: str, value: Any
) -> None:
    written: dict[str, Any] = {**RIGHT, section: {**RIGHT.get(section, {}), key: value}}
    assert [each.message for each in validator.iter_errors(written)] == []


def test_the_printed_schema_is_json() -> None:
    assert json.loads(schema.text())["$schema"] == "https://json-schema.org/draft/2020-12/schema"
