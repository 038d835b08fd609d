"""The JSON Schema of `bridge.yaml`, for editors and whatever else wants to check a file without this program.

``python -m bridge.config.schema`` prints it; `schemas/bridge.schema.json` is its output. It describes the file before
substitution, so wherever a number or a choice is, a ``${…}`` reference may too.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from bridge.config.keys.fields import REFERENCE, Section
from bridge.config.sections import Config

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_REFERENCE = {"type": "string", "pattern": REFERENCE}


class _Generator(GenerateJsonSchema):
    """Pydantic's generator, with references allowed and defaults as people write them."""

    def int_schema(self, schema: core_schema.IntSchema) -> JsonSchemaValue:
        return _or_reference(super().int_schema(schema))

    def float_schema(self, schema: core_schema.FloatSchema) -> JsonSchemaValue:
        return _or_reference(super().float_schema(schema))

    def bool_schema(self, schema: core_schema.BoolSchema) -> JsonSchemaValue:
        return _or_reference(super().bool_schema(schema))

    def literal_schema(self, schema: core_schema.LiteralSchema) -> JsonSchemaValue:
        choice = super().literal_schema(schema)
        return choice if schema["expected"] in ([False], ["drop"]) else _or_reference(choice)

    def union_schema(self, schema: core_schema.UnionSchema) -> JsonSchemaValue:
        """The shapes of a value exclude each other."""
        shapes = (each[0] if isinstance(each, tuple) else each for each in schema["choices"])
        return {"oneOf": [self.generate_inner(each) for each in shapes]}

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        """A section's default is that of its keys, which say it themselves."""
        if isinstance(schema.get("default"), Section):
            return self.generate_inner(schema["schema"])
        return super().default_schema(schema)


def build() -> dict[str, Any]:
    """The schema as a tree."""
    schema = Config.model_json_schema(schema_generator=_Generator)
    for owner in (schema, *schema["$defs"].values()):
        _describe(owner.get("properties", {}), schema["$defs"])
    _exemplify(schema["$defs"]["TopicOverrides"]["properties"], schema["$defs"]["MappingConfig"]["properties"])
    return {"$schema": _DIALECT, **schema, "title": "bridge.yaml"}


def _describe(properties: dict[str, JsonSchemaValue], definitions: dict[str, JsonSchemaValue]) -> None:
    """The generator leaves a description out that the section has, too; editors show only what is at the key."""
    for each in properties.values():
        if "description" not in each and "$ref" in each:
            each["description"] = definitions[each["$ref"].rpartition("/")[2]]["description"]


def _exemplify(overrides: dict[str, JsonSchemaValue], originals: dict[str, JsonSchemaValue]) -> None:
    """What one topic may have instead has the examples of what it stands for, or its default."""
    for key, each in overrides.items():
        original = originals[key]
        found = original.get("examples") or [original["default"]]
        if "examples" not in each and found not in ([None], [[]]):
            each["examples"] = found


def text() -> str:
    """The schema as it is in `schemas/`."""
    return json.dumps(build(), indent=2, ensure_ascii=False) + "\n"


def _or_reference(schema: JsonSchemaValue) -> JsonSchemaValue:
    return {"anyOf": [schema, _REFERENCE]}


if __name__ == "__main__":
    sys.stdout.write(text())
