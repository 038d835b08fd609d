"""What `track-bridge check` says of a mapping beside the schemas of its topics."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from bridge.config.mapping_section import MappingConfig
from bridge.decode.protocol import FormatSettings, Schema
from bridge.decode.shape.of_schema import shape_of
from bridge.decode.shape.shapes import Shape, follow
from bridge.mapping.review.schema_fit import TopicSchema, misfits

AVRO: dict[str, Any] = {
    "type": "record",
    "name": "Order",
    "namespace": "shop",
    "fields": [
        {"name": "type", "type": "string"},
        {"name": "id", "type": ["null", {"type": "string", "logicalType": "uuid"}]},
        {"name": "time", "type": {"type": "long", "logicalType": "timestamp-millis"}},
        {
            "name": "data",
            "type": {
                "type": "record",
                "name": "Data",
                "fields": [
                    {"name": "user_id", "type": ["null", "long"]},
                    {"name": "total", "type": {"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2}},
                    {"name": "gift", "type": "boolean"},
                    {"name": "labels", "type": {"type": "map", "values": "string"}},
                    {"name": "lines", "type": {"type": "array", "items": ["null", "Data"]}},
                    {"name": "ratio", "type": "double"},
                ],
            },
        },
    ],
}
JSON_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "type": {"type": "string"},
        "id": {"type": ["string", "null"]},
        "time": {"type": "string"},
        "data": {"$ref": "#/$defs/data"},
    },
    "$defs": {
        "data": {
            "type": "object",
            "properties": {
                "user_id": {"anyOf": [{"type": "null"}, {"type": "integer"}]},
                "total": {"type": "number"},
                "gift": {"type": "boolean"},
                "labels": {"type": "object", "additionalProperties": {"type": "string"}},
                "lines": {"type": "array", "items": {"$ref": "#/$defs/data"}},
                "ratio": {"type": "number"},
            },
        }
    },
}
PROTO = """
syntax = "proto3";
package shop;
import "google/protobuf/timestamp.proto";
message Order {
  string type = 1; optional string id = 2; google.protobuf.Timestamp time = 3; Data data = 4;
  message Data {
    int64 user_id = 1; double total = 2; bool gift = 3; map<string, string> labels = 4; repeated Data lines = 5;
    double ratio = 6;
  }
}
"""
MEMBERS = ("user_id", "total", "gift", "labels", "lines", "ratio")
SCHEMAS = {
    "avro": Schema("avro", json.dumps(AVRO)),
    "json": Schema("json", json.dumps(JSON_SCHEMA)),
    "protobuf": Schema("protobuf", PROTO),
}


def shape(form: str = "avro", **settings: Any) -> Shape:
    found = shape_of(SCHEMAS[form], FormatSettings(**settings))
    assert isinstance(found, Shape), found
    return found


def said(mapping: dict[str, Any], *others: str, form: str = "avro", **shapes: Shape) -> list[str]:
    config = MappingConfig.model_validate({"events": {"order": {}}, **mapping})
    topics = {name: TopicSchema("schema id 42", each) for name, each in (shapes or {"orders": shape(form)}).items()}
    return [misfit.what for misfit in misfits(config, topics, others)]


@pytest.mark.parametrize("form", SCHEMAS)
def test_a_mapping_that_fits_is_told_nothing(form: str) -> None:
    metadata: dict[str, Any] = {
        "total": "data.total",
        "first": "data.lines[0].total",
        "label": "data.labels.anything",
        "at": {"path": "time", "type": "datetime"},
        "gift": "data.gift || `false`",
        "all": {"path": "data.lines[].ratio", "join": ", "},
    }
    mapping = {"events": {"order": {"metadata": metadata, "when": "data.total > `0`", "metadata_from": "data"}}}
    assert said(mapping, form=form) == []


@pytest.mark.parametrize("form", SCHEMAS)
def test_a_path_that_no_schema_has_is_named_with_its_key_and_what_is_there_instead(form: str) -> None:
    not_in = "is not in the schema of orders (schema id 42)"
    found = said({"events": {"order": {"metadata": {"amount": "data.totl"}, "when": "dat.gift"}}}, form=form)
    assert found == [
        f"mapping.events.order.when: dat.gift {not_in}: the value has type, id, time, data.",
        f"mapping.events.order.metadata.amount: data.totl {not_in}: data has {', '.join(MEMBERS)}.",
    ]


def test_the_nearest_name_is_what_to_do() -> None:
    config = MappingConfig.model_validate({"events": {"order": {"metadata": {"amount": "data.totl"}}}})
    (misfit,) = misfits(config, {"orders": TopicSchema("schema id 42", shape())}, [])
    assert misfit.to_do == "write data.total if that is meant, or correct the path"


@pytest.mark.parametrize("form", SCHEMAS)
@pytest.mark.parametrize(
    ("mapping", "what"),
    [
        ({"user_id": "data"}, "data is an object; a text or a whole number is needed"),
        (
            {"user_id": "data.ratio"},
            "data.ratio is a number that may have a fraction; a text or a whole number is needed",
        ),
        ({"event_type": "data.user_id"}, "data.user_id is a whole number; a text is needed"),
        ({"occurred_at": "data.gift"}, "data.gift is a boolean; a time is needed"),
        (
            {"events": {"order": {"metadata": {"at": {"path": "data.gift", "type": "datetime"}}}}},
            "data.gift is a boolean; a time, or a number that counts one is needed",
        ),
        (
            {"events": {"order": {"metadata": {"sum": {"path": "data.lines", "divide_by": 100}}}}},
            "data.lines is an array; a number, or a text that holds one is needed",
        ),
        ({"events": {"order": {"metadata_from": "data.gift"}}}, "data.gift is a boolean; an object is needed"),
        (
            {"events": {"order": {"metadata": {"sku": "data.lines.total"}}}},
            "data.lines is an array, of which data.lines.total finds nothing",
        ),
        (
            {"events": {"order": {"identify": {"user_id": "data.gift"}}}},
            "data.gift is a boolean; a text or a whole number is needed",
        ),
        (
            {"events": {"order": {"identify": {"company": {"id": "data"}}}}},
            "data is an object; a text or a whole number is needed",
        ),
        (
            {"events": {"order": {"company": {"id": "type", "from": "data.gift"}}}},
            "data.gift is a boolean; an object is needed",
        ),
    ],
)
def test_a_value_of_which_nothing_can_be_made_is_named_by_its_kind(
    form: str, mapping: dict[str, Any], what: str
) -> None:
    (found,) = said(mapping, form=form)
    assert found.endswith(f"by the schema of orders (schema id 42) {what}.")
    assert found.startswith("mapping.")


def test_paths_of_users_and_companies_are_named_by_their_keys() -> None:
    inner = {"id": "data.c", "from": "data.d", "properties": {"e": "data.e"}}
    routes = [{"identify": {"user_id": "data.a", "properties": {"b": "data.b"}, "company": inner}}, {"company": inner}]
    found = [each.partition(":")[0] for each in said({"events": {"order": routes}})]
    assert found == [
        "mapping.events.order[0].identify.user_id",
        "mapping.events.order[0].identify.properties.b",
        "mapping.events.order[0].identify.company.id",
        "mapping.events.order[0].identify.company.from",
        "mapping.events.order[0].identify.company.properties.e",
        "mapping.events.order[1].company.id",
        "mapping.events.order[1].company.from",
        "mapping.events.order[1].company.properties.e",
    ]


@pytest.mark.parametrize(
    ("route", "count"),
    [
        ({"company": {"id": "data.user_id"}}, 0),
        ({"identify": {"user_id": "data.user_id"}}, 0),
        ({"identify": True, "user_id": "data.user_id"}, 0),
        ({"identify": True}, 1),
        ({"forget": True}, 1),
    ],
)
def test_the_user_of_the_mapping_is_looked_for_only_where_a_route_reads_it(route: dict[str, Any], count: int) -> None:
    found = said({"user_id": "data.nobody", "events": {"order": route}})
    assert [each.partition(":")[0] for each in found] == ["mapping.user_id"] * count


def test_what_a_default_setting_does_not_find_is_nothing_to_speak_of() -> None:
    small = {"type": "record", "name": "R", "fields": [{"name": "type", "type": "string"}]}
    found = shape_of(Schema("avro", json.dumps(small)), FormatSettings())
    assert isinstance(found, Shape)
    assert said({"user_id": "key"}, orders=found) == []
    assert len(said({"user_id": "key", "occurred_at": "when"}, orders=found)) == 1


def test_a_route_of_several_topics_is_amiss_only_where_none_of_them_has_the_path() -> None:
    other = Shape("object", ("type", "data"), {"type": Shape("string"), "data": Shape("any")}.__getitem__)
    mapping = {"events": {"order": {"metadata": {"amount": "data.totl"}}}}
    assert said(mapping, orders=shape(), users=other) == []
    assert said(mapping, "elsewhere") == [], "a topic whose schema nobody knows may have it"
    limited = {"events": {"order": {"metadata": {"amount": "data.totl"}, "topics": ["orders"]}}}
    assert len(said(limited, orders=shape(), users=other)) == 1


def test_settings_of_a_topic_are_named_by_their_own_keys() -> None:
    mapping = {"per_topic": {"^ord.*": {"user_id": "data.nobody"}}, "user_id": "data.user_id"}
    (found,) = said(mapping)
    assert found.startswith("mapping.per_topic.^ord.*.user_id: data.nobody is not in the schema of orders")


def test_where_the_topic_is_the_type_only_its_own_rule_is_looked_at() -> None:
    mapping = {
        "event_type": "topic",
        "events": {"orders": {"metadata": {"a": "data.total"}}, "users": {"metadata": {"b": "data.name"}}},
    }
    assert said(mapping) == []


def test_the_elements_of_a_topic_are_what_its_expressions_see() -> None:
    inner = shape(each="data.lines")
    assert isinstance(found := follow(inner, ("total",)), Shape)
    assert found.kind == "number"
    assert "no array" in str(shape_of(SCHEMAS["avro"], FormatSettings(each="data.gift")))


def test_types_as_they_are_stored_have_the_kind_of_what_is_stored() -> None:
    assert follow(shape(), ("time",)) == Shape("string")
    assert follow(shape(logical_types=False), ("time",)) == Shape("integer")


@pytest.mark.parametrize(
    "schema",
    [
        Schema("avro", "{"),
        Schema("json", "{"),
        Schema("protobuf", base64.b64encode(b"\xff\xff").decode()),
        Schema("protobuf", 'syntax = "proto3"; message A {} message B {}'),
    ],
)
def test_a_schema_that_says_nothing_certain_is_a_sentence(schema: Schema) -> None:
    assert isinstance(shape_of(schema, FormatSettings()), str)
