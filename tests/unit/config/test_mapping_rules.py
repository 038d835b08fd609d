"""Keys of the mapping that mean something only together."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bridge.config.load import Loaded

Load = Callable[..., Loaded]
REGISTRY = "schema_registry: {urls: ['https://registry.example']}\n"


def loaded(load: Load, right: str, mapping: str, beside: str = "") -> Loaded:
    """The right configuration with more keys in its mapping."""
    lines = "".join(f"  {line}\n" for line in mapping.splitlines())
    return load(right.replace("mapping:\n", f"mapping:\n{lines}") + beside)


def warned(load: Load, right: str, mapping: str, beside: str = "") -> list[str]:
    found = loaded(load, right, mapping, beside)
    assert found.problems == ()
    return [f"{each.where} {each.message}" for each in found.warnings]


@pytest.mark.parametrize(
    ("mapping", "where", "to_do"),
    [
        ("decode: avro", "mapping.decode", "set schema_registry"),
        ("decode: protobuf", "mapping.decode", "set schema_registry or descriptor_set_file"),
        ("key: avro", "mapping.key", "set schema_registry"),
        ("key: protobuf\ndescriptor_set_file: x.desc\ndecode: protobuf", "mapping.key", "set schema_registry"),
        ("per_topic: {t: {decode: avro}}", "mapping.per_topic.t.decode", "set schema_registry"),
        ("per_topic: {t: {key: protobuf}}", "mapping.per_topic.t.key", "set schema_registry"),
    ],
)
def test_a_format_without_any_source_of_schemas_is_warned_of(
    load: Load, right: str, mapping: str, where: str, to_do: str
) -> None:
    (warning,) = warned(load, right, mapping)
    assert warning.startswith(f"{where} ")
    assert warning.endswith(f"; {to_do}")
    assert warned(load, right, mapping, REGISTRY) == []


@pytest.mark.parametrize(
    "mapping",
    [
        "decode: auto",
        "decode: cloudevents\nkey: auto",
        "decode: protobuf\ndescriptor_set_file: x.desc",
        "decode: protobuf\nper_topic: {t: {descriptor_set_file: x.desc}}",
        "descriptor_set_file: x.desc\nper_topic: {t: {decode: protobuf}}",
    ],
)
def test_a_format_that_needs_no_registry_is_not_warned_of(load: Load, right: str, mapping: str) -> None:
    assert warned(load, right, mapping) == []


@pytest.mark.parametrize(
    ("mapping", "where", "says"),
    [
        (
            "decode: protobuf\nmessage_type: a.B",
            "mapping.message_type",
            "names a message of descriptor_set_file, which",
        ),
        ("per_topic: {t: {message_type: a.B}}", "mapping.per_topic.t.message_type", "of descriptor_set_file, which"),
        ("decode: avro\ndescriptor_set_file: x", "mapping.descriptor_set_file", "is for Protobuf, and decode is avro"),
        (
            "decode: protobuf\nper_topic: {t: {decode: json, descriptor_set_file: x}}",
            "mapping.per_topic.t.descriptor_set_file",
            "is for Protobuf, and decode is json; set decode: protobuf",
        ),
    ],
)
def test_a_key_of_protobuf_that_is_for_nothing_is_warned_of(
    load: Load, right: str, mapping: str, where: str, says: str
) -> None:
    (warning,) = warned(load, right, mapping, REGISTRY)
    assert warning.startswith(f"{where} ")
    assert says in warning


@pytest.mark.parametrize(
    "mapping",
    [
        "message_type: a.B\nper_topic: {t: {decode: protobuf, descriptor_set_file: x.desc}}",
        "descriptor_set_file: x.desc\nmessage_type: a.B\ndecode: protobuf",
    ],
)
def test_what_is_written_for_all_topics_may_be_for_some(load: Load, right: str, mapping: str) -> None:
    assert warned(load, right, mapping) == []


def problems(load: Load, right: str, mapping: str) -> list[str]:
    return [f"{each.where} {each.message}" for each in loaded(load, right, mapping).problems]


@pytest.mark.parametrize(
    ("mapping", "where"),
    [
        ("decode: cloudevents\nunwrap: debezium", "mapping.unwrap"),
        ("decode: cloudevents\nper_topic: {t: {unwrap: connect}}", "mapping.per_topic.t.unwrap"),
        ("unwrap: connect\nper_topic: {t: {decode: cloudevents}}", "mapping.per_topic.t.decode"),
    ],
)
def test_an_envelope_around_cloud_events_is_refused(load: Load, right: str, mapping: str, where: str) -> None:
    (problem,) = problems(load, right, mapping)
    assert problem.startswith(f"{where} contradicts: unwrap: ")


@pytest.mark.parametrize(
    "mapping",
    [
        "unwrap: connect\nper_topic: {t: {decode: cloudevents, unwrap: none}}",
        "decode: auto\nunwrap: debezium",
        "decode: cloudevents\nper_topic: {t: {decode: json, unwrap: connect}}",
    ],
)
def test_an_envelope_around_anything_else_is_not(load: Load, right: str, mapping: str) -> None:
    assert problems(load, right, mapping) == []


@pytest.mark.parametrize(
    ("mapping", "where"),
    [
        ("occurred_at: outer:ts", "mapping.occurred_at"),
        ("user_id: {path: outer:u}", "mapping.user_id"),
        ("event_id: {template: '{id}-{outer:n}'}", "mapping.event_id"),
        ("common_metadata: {tenant: outer:t}", "mapping.common_metadata.tenant"),
        ("when: outer:kind == 'a'", "mapping.when"),
        ("each: items\nper_topic: {t: {each: null, user_id: outer:u}}", "mapping.per_topic.t.user_id"),
    ],
)
def test_looking_around_what_is_not_taken_apart_is_refused(load: Load, right: str, mapping: str, where: str) -> None:
    (problem,) = problems(load, right, mapping)
    assert problem.startswith(f"{where} outer: looks around an element, and each")
    assert problems(load, right, f"{mapping}\neach: items" if "each" not in mapping else "") == []


def test_a_route_may_look_around_where_any_topic_is_taken_apart(load: Load, right: str) -> None:
    route = right.replace("Order Completed}", "Order Completed, metadata: {t: outer:t}}")
    (problem,) = problems(load, route, "")
    assert problem.startswith("mapping.events.order.completed.metadata.t outer: looks around")
    assert problems(load, route, "per_topic: {t: {each: items}}") == []
    route = right.replace("Order Completed}", "Order Completed, when: outer:kind}")
    (problem,) = problems(load, route, "")
    assert problem.startswith("mapping.events.order.completed.when outer: looks around")


@pytest.mark.parametrize(
    ("route", "key"),
    [
        ("identify: {user_id: outer:u}", "identify.user_id"),
        ("identify: {from: outer:u}", "identify.from"),
        ("identify: {properties: {a: outer:u}}", "identify.properties.a"),
        ("identify: {company: {id: outer:u}}", "identify.company.id"),
        ("company: {id: outer:u}", "company.id"),
        ("company: {id: c, properties: {a: {template: '{outer:u}'}}}", "company.properties.a"),
    ],
)
def test_what_is_known_of_a_user_or_a_company_looks_around_elements_alone(
    load: Load, right: str, route: str, key: str
) -> None:
    given = right.replace("event_name: Order Completed", route)
    (problem,) = problems(load, given, "")
    assert problem.startswith(f"mapping.events.order.completed.{key} outer: looks around")
    assert problems(load, given, "each: items") == []


def test_layers_are_bounded_in_number(load: Load, right: str) -> None:
    """Each may cost as much as the largest record, and nobody means a ninth."""
    layers = ", ".join(["gzip"] * 8)
    assert problems(load, right, f"layers: [{layers}]") == []
    assert problems(load, right, f"layers: [{layers}, base64]") == ["mapping.layers must be a list of 8 at most"]
    (problem,) = problems(load, right, f"per_topic: {{t: {{layers: [{layers}, base64]}}}}")
    assert problem == "mapping.per_topic.t.layers must be a list of 8 at most"
