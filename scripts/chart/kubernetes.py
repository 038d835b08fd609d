"""Definitions of Kubernetes from kubernetes-validate: of the newest version it knows, every object closed."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from kubernetes_validate.utils import latest_version

_CORE = "io.k8s.api.core.v1."
_LEFT_OUT = ("description", "default", "format")


@dataclass(frozen=True, slots=True)
class Resolved:
    """A schema in which `kubernetes: NAME` became references, and the definitions these need."""

    schema: Any
    names: frozenset[str]


def resolve(schema: Any) -> Resolved:
    """Replaces every `kubernetes: NAME`, such as Probe, apps.DeploymentStrategy or autoscaling.v2.MetricSpec."""
    names: set[str] = set()

    def walk(node: Any) -> Any:
        if isinstance(node, dict):
            if isinstance(node.get("kubernetes"), str):
                names.add(_full(node["kubernetes"]))
                # Beside a reference draft 7 ignores everything else.
                rest = {key: value for key, value in node.items() if key != "kubernetes"}
                return {**rest, "allOf": [{"$ref": f"#/definitions/{_full(node['kubernetes'])}"}]}
            return {key: walk(value) for key, value in node.items()}
        return [walk(each) for each in node] if isinstance(node, list) else node

    return Resolved(walk(schema), frozenset(names))


def definitions(names: Iterable[str]) -> dict[str, Any]:
    """These definitions, and those they refer to."""
    found: dict[str, Any] = {}
    waiting = sorted(names)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found[name] = _plain(_all()[name])
            waiting += _references(found[name])
    return found


def _full(name: str) -> str:
    group, _, kind = name.rpartition(".")
    if not group:
        return _CORE + kind
    return f"io.k8s.api.{group}.{kind}" if "." in group else f"io.k8s.api.{group}.v1.{kind}"


@cache
def _all() -> dict[str, Any]:
    folder = resources.files("kubernetes_validate").joinpath(
        "kubernetes-json-schema", f"v{latest_version()}-local-strict"
    )
    found: dict[str, Any] = json.loads(folder.joinpath("_definitions.json").read_text(encoding="utf-8"))["$defs"]
    return found


def _plain(node: Any, *, names: bool = False) -> Any:
    """Without what only documents; `names`: the keys are those of properties, whatever they are called."""
    if isinstance(node, dict):
        return {
            key: value.replace("#/$defs/", "#/definitions/")
            if key == "$ref" and isinstance(value, str)
            else _plain(value, names=key == "properties" and not names)
            for key, value in node.items()
            if names or not (key in _LEFT_OUT or key.startswith("x-kubernetes"))
        }
    return [_plain(each) for each in node] if isinstance(node, list) else node


def _references(node: Any) -> list[str]:
    if isinstance(node, dict):
        own = [node["$ref"].rpartition("/")[2]] if isinstance(node.get("$ref"), str) else []
        return own + [name for value in node.values() for name in _references(value)]
    return [name for each in node for name in _references(each)] if isinstance(node, list) else []
