"""Many releases of the chart in one cluster: two namespaces, like names, every kind of workload, scaler and extra."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests.chart import chart
from tests.chart.chart import Manifest, Rendered
from tests.chart.pods import Pod, environment, pods

NAMESPACES = ("events", "events-eu")
NAMES = ("track", "track-bridge", "track-bridge-eu", "l" * 53, "track-bridge-" + "l" * 40)
"""One begins with another; two are as long as Helm lets them be."""
WORKLOADS = ("Deployment", "StatefulSet")
SCALERS: Mapping[str, chart.Values] = {
    "none": {},
    "hpa": {"autoscaling": {"enabled": True}},
    "keda": {"keda": {"enabled": True, "prometheus": {"serverAddress": "http://prometheus:9090"}}},
}
CREDENTIALS: chart.Values = {
    "apiKey": {"existingSecret": "", "value": "NX-try"},
    "kafkaCredentials": {"values": {"sasl.username": "u", "sasl.password": "p"}},
    "config": {"kafka": {"properties": {"security.protocol": "sasl_ssl", "sasl.mechanism": "PLAIN"}}},
}
"""The chart makes a Secret of these, and KEDA a TriggerAuthentication."""
EXTRAS: Mapping[str, chart.Values] = {
    "off": {"podDisruptionBudget": {"enabled": False}, "dlqReplay": {"cronJob": {"enabled": False}}},
    "service-monitor": {
        **CREDENTIALS,
        "serviceMonitor": {"enabled": True},
        "prometheusRule": {"enabled": True},
        "networkPolicy": {"enabled": True, "cilium": {"enabled": True}},
        "topicsCreate": {"enabled": True},
        "dlqReplay": {"job": {"enabled": True}},
        "httpRoute": {"enabled": True, "parentRefs": [{"name": "internal"}]},
        "grafanaDashboard": {"enabled": True, "operator": {"enabled": True, "instanceSelector": {"a": "b"}}},
    },
    "pod-monitor": {
        "podMonitor": {"enabled": True},
        "prometheusRule": {"enabled": True},
        "networkPolicy": {"enabled": True},
        "service": {"enabled": False},
    },
}


@dataclass(frozen=True, slots=True)
class Release:
    """Where it is, what it is called, and what of."""

    namespace: str
    name: str
    workload: str
    scaler: str
    extras: str

    @property
    def rendered(self) -> Rendered:
        """What Helm makes of it; rendered once, as nothing here changes it."""
        return _rendered(self)

    @property
    def full_name(self) -> str:
        """Of its workload."""
        found: str = self.rendered.workload["metadata"]["name"]
        return found

    @property
    def pods(self) -> list[Pod]:
        """Those of its workload and of its jobs."""
        return list(pods(self.rendered))

    @property
    def pod_names(self) -> list[str]:
        """Of its replicas, as Kubernetes gives them: a hash of the template and five random letters, or a number."""
        if self.workload == "StatefulSet":
            return [f"{self.full_name}-{number}" for number in (0, 1, 12)]
        return [f"{self.full_name}-{hashed}-{end}" for hashed in ("5d9c7b6f4d", "bcdfg") for end in ("x2x4z", "bcdfg")]

    @property
    def member_ids(self) -> list[str]:
        """What static members call themselves in the group."""
        text = environment(self.rendered.container).get("BRIDGE_KAFKA__PROPERTIES__GROUP_INSTANCE_ID")
        if text is None:
            return []
        return [text.replace("$(POD_NAME)", pod).replace("$(POD_NAMESPACE)", self.namespace) for pod in self.pod_names]


@cache
def _rendered(release: Release) -> Rendered:
    with TemporaryDirectory() as folder:
        return chart.render(
            chart.LEAST,
            Path(folder),
            SCALERS[release.scaler],
            EXTRAS[release.extras],
            {"workload": release.workload},
            release=release.name,
            namespace=release.namespace,
        )


def everywhere(workload: str, scaler: str, extras: str) -> list[Release]:
    """The releases of every name in both namespaces, all of one kind."""
    return [Release(namespace, name, workload, scaler, extras) for namespace in NAMESPACES for name in NAMES]


def kinds_of_releases() -> Iterator[tuple[str, str, str]]:
    """Each workload with each scaler and each set of extras."""
    for workload in WORKLOADS:
        for scaler in SCALERS:
            for extras in EXTRAS:
                yield workload, scaler, extras


def namespace_of(manifest: Manifest) -> str:
    """Where it is."""
    found: Any = manifest["metadata"]["namespace"]
    return str(found)
