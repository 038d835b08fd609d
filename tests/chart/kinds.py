"""Whether a manifest is what its kind may be: by Kubernetes' own schemas, closed, and small ones of ours for others."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from importlib import resources
from typing import Any

import jsonschema
import referencing
from kubernetes_validate.utils import latest_version

from tests.chart.chart import Manifest

OLDEST = "1.29.0"
"""As Chart.yaml's kubeVersion."""
VERSIONS = (OLDEST, latest_version())


def problems(manifest: Manifest, version: str) -> Iterator[str]:
    """What that version of Kubernetes would refuse or drop, each with its place."""
    name = f"{manifest['kind']} {manifest['metadata']['name']}"
    for error in _validator(manifest["apiVersion"], manifest["kind"], version).iter_errors(manifest):
        yield f"{name}, {'.'.join(map(str, error.absolute_path))}: {error.message}"


@cache
def _validator(api_version: str, kind: str, version: str) -> jsonschema.protocols.Validator:
    if kind in OTHERS:
        expected, spec = OTHERS[kind]
        return jsonschema.Draft202012Validator(_custom(expected, kind, spec))
    folder = resources.files("kubernetes_validate").joinpath(
        "kubernetes-json-schema", f"v{_minor(version)}-local-strict"
    )
    group, _, number = api_version.rpartition("/")
    prefix = f"{group.split('.')[0]}-" if group else ""
    schema = json.loads(folder.joinpath(f"{kind.lower()}-{prefix}{number}.json").read_text(encoding="utf-8"))
    return jsonschema.Draft202012Validator(schema, registry=_registry(version))


@cache
def _registry(version: str) -> Any:
    folder = resources.files("kubernetes_validate").joinpath(
        "kubernetes-json-schema", f"v{_minor(version)}-local-strict"
    )
    definitions = referencing.Resource.from_contents(
        json.loads(folder.joinpath("_definitions.json").read_text(encoding="utf-8"))
    )
    return definitions @ referencing.Registry()


@cache
def _minor(version: str) -> str:
    """The folder of a version; the package has one patch of each."""
    folder = resources.files("kubernetes_validate").joinpath("kubernetes-json-schema")
    wanted = ".".join(version.split(".")[:2])
    (found,) = {
        each.name.removeprefix("v").partition("-")[0]
        for each in folder.iterdir()
        if each.name.startswith(f"v{wanted}.")
    }
    return found


# --- kinds that Kubernetes does not bring --------------------------------------------------------------


def _object(required: str = "", **properties: Any) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": False, "properties": properties, "required": required.split()}


def _list(items: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "minItems": 1, "items": items}


_TEXT = {"type": "string", "minLength": 1}
_WHOLE = {"type": "integer", "minimum": 1}
_TEXTS = {"type": "object", "additionalProperties": {"type": "string"}}
_SELECTOR = _object(matchLabels=_TEXTS)
_NAMESPACES = _object("matchNames", matchNames=_list(_TEXT))
_SCRAPE = _object(
    "port path",
    port=_TEXT,
    path=_TEXT,
    interval={"type": "string", "pattern": "^[0-9]+(ms|s|m)$"},
    scrapeTimeout={"type": "string", "pattern": "^[0-9]+(ms|s|m)$"},
    relabelings={"type": "array"},
    metricRelabelings={"type": "array"},
)
_REFERENCE = _object("name", name=_TEXT, kind={"enum": ["TriggerAuthentication", "ClusterTriggerAuthentication"]})
_TARGET = _object("parameter name key", parameter=_TEXT, name=_TEXT, key=_TEXT)
_RULE = _object(
    "expr",
    alert=_TEXT,
    record=_TEXT,
    expr=_TEXT,
    labels=_TEXTS,
    annotations=_TEXTS,
    **{"for": _TEXT, "keep_firing_for": _TEXT},
)

OTHERS: dict[str, tuple[str, dict[str, Any]]] = {
    "ServiceMonitor": (
        "monitoring.coreos.com/v1",
        _object(
            "selector endpoints",
            jobLabel=_TEXT,
            targetLabels=_list(_TEXT),
            selector=_SELECTOR,
            namespaceSelector=_NAMESPACES,
            endpoints=_list(_SCRAPE),
        ),
    ),
    "PodMonitor": (
        "monitoring.coreos.com/v1",
        _object(
            "selector podMetricsEndpoints",
            jobLabel=_TEXT,
            podTargetLabels=_list(_TEXT),
            selector=_SELECTOR,
            namespaceSelector=_NAMESPACES,
            podMetricsEndpoints=_list(_SCRAPE),
        ),
    ),
    "PrometheusRule": (
        "monitoring.coreos.com/v1",
        _object("groups", groups=_list(_object("name rules", name=_TEXT, interval=_TEXT, rules=_list(_RULE)))),
    ),
    "ScaledObject": (
        "keda.sh/v1alpha1",
        _object(
            "scaleTargetRef triggers",
            scaleTargetRef=_object("name kind", apiVersion=_TEXT, kind=_TEXT, name=_TEXT),
            pollingInterval=_WHOLE,
            minReplicaCount=_WHOLE,
            maxReplicaCount=_WHOLE,
            fallback=_object("failureThreshold replicas", failureThreshold=_WHOLE, replicas=_WHOLE, behavior=_TEXT),
            triggers=_list(
                _object(
                    "type metadata",
                    type={"enum": ["kafka", "prometheus"]},
                    name=_TEXT,
                    metadata=_TEXTS,
                    authenticationRef=_REFERENCE,
                )
            ),
            advanced=_object(
                scalingModifiers=_object(
                    "formula target", formula=_TEXT, target=_TEXT, metricType={"enum": ["AverageValue", "Value"]}
                ),
                horizontalPodAutoscalerConfig=_object("behavior", behavior={"type": "object"}),
            ),
        ),
    ),
    "TriggerAuthentication": (
        "keda.sh/v1alpha1",
        _object(secretTargetRef=_list(_TARGET), configMapTargetRef=_list(_TARGET)),
    ),
    "GrafanaDashboard": (
        "grafana.integreatly.org/v1beta1",
        _object(
            "instanceSelector configMapRef",
            instanceSelector=_SELECTOR,
            folder=_TEXT,
            configMapRef=_object("name key", name=_TEXT, key=_TEXT),
        ),
    ),
    "HTTPRoute": (
        "gateway.networking.k8s.io/v1",
        _object(
            "parentRefs rules",
            parentRefs=_list(_object("name", name=_TEXT, namespace=_TEXT, sectionName=_TEXT)),
            hostnames=_list(_TEXT),
            rules=_list(
                _object(
                    "matches backendRefs",
                    matches=_list(_object("path", path=_object("type value", type={"const": "Exact"}, value=_TEXT))),
                    backendRefs=_list(_object("name port", name=_TEXT, port=_WHOLE)),
                )
            ),
        ),
    ),
    "CiliumNetworkPolicy": (
        "cilium.io/v2",
        _object(
            "endpointSelector egress",
            endpointSelector={"type": "object"},
            egress=_list(
                _object(
                    "toPorts",
                    toEndpoints=_list(_SELECTOR),
                    toFQDNs=_list(_object(matchName=_TEXT, matchPattern=_TEXT)),
                    toPorts=_list(
                        _object(
                            "ports",
                            ports=_list(_object("port protocol", port=_TEXT, protocol={"enum": ["ANY", "TCP"]})),
                            rules={"type": "object"},
                        )
                    ),
                )
            ),
        ),
    ),
    "ExternalSecret": ("external-secrets.io/v1", {"type": "object"}),
}


def _custom(api_version: str, kind: str, spec: dict[str, Any]) -> dict[str, Any]:
    metadata = _object("name namespace labels", name=_TEXT, namespace=_TEXT, labels=_TEXTS, annotations=_TEXTS)
    if kind == "ExternalSecret":  # written by whoever installs the chart: only its API is looked at
        metadata = {"type": "object"}
    return _object(
        "apiVersion kind metadata spec",
        apiVersion={"const": api_version},
        kind={"const": kind},
        metadata=metadata,
        spec=spec,
    )
