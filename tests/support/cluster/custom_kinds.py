"""The kinds of others that the chart can make, without their schemas: enough for the server to take and keep them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

KINDS: Mapping[str, tuple[str, ...]] = {
    "monitoring.coreos.com/v1": ("ServiceMonitor", "PodMonitor", "PrometheusRule"),
    "keda.sh/v1alpha1": ("ScaledObject", "TriggerAuthentication"),
    "external-secrets.io/v1": ("ExternalSecret",),
    "cilium.io/v2": ("CiliumNetworkPolicy",),
    "gateway.networking.k8s.io/v1": ("HTTPRoute",),
    "argoproj.io/v1alpha1": ("Application",),
    "grafana.integreatly.org/v1beta1": ("GrafanaDashboard",),
}


def definitions() -> Iterator[dict[str, Any]]:
    """A CustomResourceDefinition for each."""
    for api_version, kinds in KINDS.items():
        group, _, version = api_version.partition("/")
        for kind in kinds:
            yield _definition(group, version, kind)


def _definition(group: str, version: str, kind: str) -> dict[str, Any]:
    plural = f"{kind.lower().removesuffix('y')}ies" if kind.endswith("y") else f"{kind.lower()}s"
    anything = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {
            "name": f"{plural}.{group}",
            # Asked for by the server in groups of kubernetes.io, such as the Gateway API's.
            "annotations": {"api-approved.kubernetes.io": "unapproved, a stand-in for tests"},
        },
        "spec": {
            "group": group,
            "scope": "Namespaced",
            "names": {"kind": kind, "plural": plural, "singular": kind.lower()},
            "versions": [{"name": version, "served": True, "storage": True, "schema": anything}],
        },
    }
