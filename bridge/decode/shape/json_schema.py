"""The shape of values that a JSON Schema describes: what it says plainly. All else it may say is left open.

Values are read without it; it is looked at only to compare a mapping with it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import orjson

from bridge.decode.protocol import FormatSettings, Schema
from bridge.decode.shape.shapes import ANY, Shape, ShapeKind, either

_KINDS: Final[frozenset[str]] = frozenset({"string", "integer", "number", "boolean", "null"})
_DEEPEST: Final = 64
"""References one after the other."""
_OPEN: Final = ("allOf", "if", "not", "patternProperties", "$dynamicRef", "dependentSchemas")
"""What may allow or need members that are not under ``properties``."""


def shape_of(schema: Schema, _settings: FormatSettings) -> Shape | str:
    """Why there is none, as a part of a sentence, for what is no schema."""
    try:
        document = orjson.loads(schema.text)
    except orjson.JSONDecodeError:
        return "its schema is no JSON"
    return _shape(document, document, 0)


def _shape(document: Any, node: Any, depth: int) -> Shape:
    if not isinstance(node, dict) or depth > _DEEPEST or any(word in node for word in _OPEN):
        return ANY
    if "$ref" in node:
        target = _target(document, node["$ref"])
        return ANY if target is None else _shape(document, target, depth + 1)
    for word in ("anyOf", "oneOf"):
        if isinstance(node.get(word), list):
            return either(tuple(_shape(document, each, depth + 1) for each in node[word]))
    kind = node.get("type")
    if isinstance(kind, list):
        return either(tuple(_shape(document, node | {"type": each}, depth + 1) for each in kind))
    return _of_type(document, node, kind, depth)


def _of_type(document: Any, node: Mapping[str, Any], kind: Any, depth: int) -> Shape:
    if kind == "object":
        members = node.get("properties")
        if not isinstance(members, dict):
            return ANY
        return Shape(
            "object",
            tuple(members),
            lambda name: _shape(document, members[name], depth + 1),
            # A schema is open where it does not say otherwise; but whoever writes properties means these.
            is_open=isinstance(node.get("additionalProperties"), dict) or node.get("additionalProperties") is True,
        )
    if kind == "array":
        return Shape("array", items=lambda: _shape(document, node.get("items"), depth + 1))
    if kind in _KINDS:
        known: ShapeKind = kind
        return Shape(known)
    return ANY


def _target(document: Any, reference: Any) -> Any:
    """What a reference within the document is; None for any other."""
    if not isinstance(reference, str) or not reference.startswith("#"):
        return None
    found = document
    for part in reference.removeprefix("#").split("/")[1:]:
        name = part.replace("~1", "/").replace("~0", "~")
        if not isinstance(found, dict) or name not in found:
            return None
        found = found[name]
    return found
