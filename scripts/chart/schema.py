"""The schema of the chart's values: from the defaults, from what they do not say, from the bridge's own schema.

Draft 7, because Helm 3 up to 3.17 knows nothing newer.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import yaml

from scripts.chart import kubernetes
from scripts.chart.comments import documented

Schema = dict[str, Any]

_FILLED_IN = {
    "Kafka": ("bootstrap_servers", "group_id", "topics"),
    "Track": ("endpoint",),
    "DeadLetterSettings": ("topic",),
    "MappingConfig": ("events",),
}
"""What the chart's defaults leave empty: a template names all of them in sentences, which the schema could not."""

_SENTENCES = "prometheusRule.thresholds"
"""Of these a template says what to do where one is missing."""

_MAY_BE_ABSENT = frozenset(
    {
        # What is new is absent where Helm takes the values of a release of before: `helm upgrade --reuse-values`.
        *(
            "existingConfigMap",
            "existingConfigMap.key",
            "httpRoute",
            *("console", "console.token.key", "console.port"),
            "networkPolicy.cilium",
            "grafanaDashboard.operator",
        ),
        "prometheusRule.objective",
        # Left out, Kubernetes says what they are; of the port the chart does.
        *("revisionHistoryLimit", "minReadySeconds", "image.pullPolicy", "service.type", "service.port"),
        *("topicsCreate.backoffLimit", "topicsCreate.activeDeadlineSeconds", "dlqReplay.ttlSecondsAfterFinished"),
        "podDisruptionBudget.unhealthyPodEvictionPolicy",
    }
)
"""With a default, and yet not needed: whoever adds a key to the chart adds it here, and a default to its template."""


def text(*, values: str, overrides: str, bridge: str) -> str:
    """The file's text."""
    return json.dumps(build(values=values, overrides=overrides, bridge=bridge), indent=1, ensure_ascii=False) + "\n"


def build(*, values: str, overrides: str, bridge: str) -> Schema:
    """The schema as a tree. Raises `ValueError` for a value nothing is known of."""
    known: dict[str, Schema] = yaml.safe_load(overrides)
    comments = {each.name: each.text for each in documented(values)}
    schema = _closed(yaml.safe_load(values), "", known, comments)
    unused = set(known) - set(comments)
    for name in sorted(unused):
        if "." in name:
            raise ValueError(f"values.schema.yaml: {name} is no value of the chart")
        schema["properties"][name] = known[name]
    definitions: dict[str, Schema] = {}
    config, own = _of_the_bridge(json.loads(bridge))
    definitions |= own
    schema["properties"]["config"] = {"$ref": "#/definitions/bridge.config"}
    definitions["bridge.config"] = config
    resolved = kubernetes.resolve(schema)
    definitions |= kubernetes.definitions(resolved.names)
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        **resolved.schema,
        "definitions": dict(sorted(definitions.items())),
    }


def _closed(
    defaults: Mapping[str, Any], above: str, known: Mapping[str, Schema], comments: Mapping[str, str]
) -> Schema:
    properties: Schema = {}
    needed = []
    for key, default in defaults.items():
        name = f"{above}.{key}" if above else key
        if name == "config":
            properties[key] = {}
            continue
        properties[key] = _one(name, default, known, comments)
        if comments.get(name):
            properties[key] = {"description": comments[name], **properties[key]}
        if above != _SENTENCES and name not in _MAY_BE_ABSENT and _is_needed(default, properties[key]):
            needed.append(key)
    closed = {"type": "object", "additionalProperties": False, "properties": properties}
    return {**closed, "required": needed} if needed else closed


def _is_needed(default: Any, schema: Schema) -> bool:
    """Whether there is nothing to do without it.

    Helm takes a key that is null away, with its default: an empty `replicaCount:` would be no replicas. What is
    empty by default may be null, and so may what has null among its types.
    """
    kinds = schema.get("type")
    if isinstance(default, bool) or not default or "null" in (kinds if isinstance(kinds, list) else ()):
        return False
    return isinstance(default, (int, float, str)) or schema.get("additionalProperties") is False


def _one(name: str, default: Any, known: Mapping[str, Schema], comments: Mapping[str, str]) -> Schema:
    if name in known:
        return dict(known[name])
    if isinstance(default, dict) and default:
        return _closed(default, name, known, comments)
    if isinstance(default, bool):
        return {"type": "boolean"}
    if isinstance(default, int):
        return {"type": "integer", "minimum": 0}
    if isinstance(default, str):
        return {"type": "string"}
    raise ValueError(f"values.schema.yaml: say what {name} may hold; its default does not")


def _of_the_bridge(schema: Schema) -> tuple[Schema, dict[str, Schema]]:
    """The schema of bridge.yaml and its definitions, with what the chart itself asks for left open."""
    definitions = {f"bridge.{name}": _renamed(each) for name, each in schema.pop("$defs").items()}
    for name, keys in _FILLED_IN.items():
        section = definitions[f"bridge.{name}"]
        section["required"] = [key for key in section.get("required", []) if key not in keys]
        for key in keys:
            for limit in ("minLength", "minItems", "minProperties"):
                section["properties"][key].pop(limit, None)
        if not section["required"]:
            del section["required"]
    config = _renamed(schema)
    del config["$schema"], config["required"]
    return config, definitions


def _renamed(node: Any) -> Any:
    """Draft 7 says `definitions`; titles only repeat the names."""
    if isinstance(node, dict):
        return {
            key: value.replace("#/$defs/", "#/definitions/bridge.") if key == "$ref" else _renamed(value)
            for key, value in node.items()
            if not (key == "title" and isinstance(value, str))
        }
    return [_renamed(each) for each in node] if isinstance(node, list) else node
