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
