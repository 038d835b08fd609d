"""A Helm release on the control plane: what Helm is told, and what is in the cluster because of it."""

from __future__ import annotations

import json
import os
import subprocess
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.chart import helm
from tests.chart.chart import CHART, NAMESPACE
from tests.support.cluster.plane import Plane
from tests.support.cluster.server import Manifest, Server

PATIENCE = "240s"
WORKLOADS = ("Deployment", "StatefulSet")


class HelmRefusedError(Exception):
    """Helm ended with an error; the message is what it said."""


@dataclass(frozen=True, slots=True)
class Pods:
    """The pods of the workload, at one moment."""

    uids: frozenset[str]
    names: tuple[str, ...]
    checksums: frozenset[str]
    """Of the configurations they were started with."""
    ready: int
    """Those that are ready."""
    tokens: int
    """Those with a service account's token in them."""


class Release:
    """One release in a namespace that enforces Pod Security `restricted`."""

    def __init__(self, plane: Plane, name: str, namespace: str = NAMESPACE) -> None:
        self.name = name
        self.namespace = namespace
        self.server: Server = plane.server
        self._folder: Path = plane.scratch
        self._environment = {
            **os.environ,
            "KUBECONFIG": str(plane.kubeconfig),
            "HELM_CACHE_HOME": str(self._folder / "helm-cache"),
            "HELM_CONFIG_HOME": str(self._folder / "helm-config"),
            "HELM_DATA_HOME": str(self._folder / "helm-data"),
        }

    # --- Helm ---------------------------------------------------------------------------------------

    def install(self, values: Mapping[str, Any] | Path, chart: Path = CHART) -> str:
        """``helm install --wait``."""
        return self._helm("install", self.name, str(chart), *self._values(values), "--wait", "--timeout", PATIENCE)

    def upgrade(self, values: Mapping[str, Any] | Path) -> str:
        """``helm upgrade --wait``."""
        return self._helm("upgrade", self.name, str(CHART), *self._values(values), "--wait", "--timeout", PATIENCE)

    def would_upgrade(self, values: Mapping[str, Any] | Path) -> str:
        """``helm upgrade --dry-run=server``: the server validates and admits everything, and keeps nothing."""
        return self._helm("upgrade", self.name, str(CHART), *self._values(values), "--dry-run=server")

    def notes(self) -> str:
        """``helm get notes``."""
        return self._helm("get", "notes", self.name)

    def rollback(self, revision: int) -> str:
        """``helm rollback --wait``."""
        return self._helm("rollback", self.name, str(revision), "--wait", "--timeout", PATIENCE)

    def test(self) -> str:
        """``helm test``."""
        return self._helm("test", self.name, "--timeout", PATIENCE)

    def uninstall(self) -> str:
        """``helm uninstall --wait``."""
        return self._helm("uninstall", self.name, "--wait", "--timeout", PATIENCE)

    def revision(self) -> tuple[int, str]:
        """Number and status of the last one."""
        last = json.loads(self._helm("history", self.name, "--output", "json"))[-1]
        return int(last["revision"]), str(last["status"])

    def _helm(self, *arguments: str) -> str:
        ran = subprocess.run(
            [str(helm.ensure()), *arguments, "--namespace", self.namespace],
            env=self._environment,
            capture_output=True,
            text=True,
            check=False,
        )
        # A Deployment whose pods would be refused is itself taken, with a warning.
        if ran.returncode != 0 or "would violate PodSecurity" in ran.stderr:
            raise HelmRefusedError((ran.stderr or ran.stdout).strip())
        return ran.stdout

    def _values(self, values: Mapping[str, Any] | Path) -> tuple[str, str]:
        if isinstance(values, Path):
            return "--values", str(values)
        path = self._folder / f"{self.namespace}-{self.name}-values.yaml"
        path.write_text(yaml.safe_dump(dict(values)), encoding="utf-8")
        return "--values", str(path)

    # --- what is there ------------------------------------------------------------------------------

    @property
    def selector(self) -> str:
        """Everything of the release has this label."""
        return f"app.kubernetes.io/instance={self.name}"

    def workload(self) -> Manifest:
        """Its Deployment or StatefulSet."""
        found = [
            each for kind in WORKLOADS for each in self.server.items("apps/v1", kind, self.namespace, self.selector)
        ]
        [only] = found
        return only

    def pods(self) -> Pods:
        """Those of the workload that are not being deleted."""
        wanted = self.workload()["spec"]["selector"]["matchLabels"]
        selector = ",".join(f"{key}={value}" for key, value in wanted.items())
        found = [
            each
            for each in self.server.items("v1", "Pod", self.namespace, selector)
            if "deletionTimestamp" not in each["metadata"]
        ]
        return Pods(
            frozenset(each["metadata"]["uid"] for each in found),
            tuple(sorted(each["metadata"]["name"] for each in found)),
            frozenset(each["metadata"]["annotations"]["checksum/config"] for each in found),
            sum(_is_ready(each) for each in found),
            sum(any("projected" in volume for volume in each["spec"]["volumes"]) for each in found),
        )

    def configuration(self) -> str:
        """The text of bridge.yaml in the cluster."""
        name = self.workload()["metadata"]["name"]
        found = self.server.get(f"{self.server.path('v1', 'ConfigMap', self.namespace)}/{name}")
        return str(found["data"]["bridge.yaml"])

    def objects(self) -> Mapping[str, int]:
        """How many of each kind the release made; what controllers made of these is not counted."""
        return Counter(kind for kind, each in self._labelled() if "ownerReferences" not in each["metadata"])

    def remains(self) -> list[str]:
        """What has the release's label, but for the pod of `helm test`: Helm never takes a hook away."""
        return sorted(
            f"{kind} {each['metadata']['name']}"
            for kind, each in self._labelled()
            if each["metadata"].get("annotations", {}).get("helm.sh/hook") != "test"
        )

    def whole(self) -> Mapping[tuple[str, str], str]:
        """Everything that has the release's label, by kind and name: whether it is still the same object."""
        return {(kind, each["metadata"]["name"]): each["metadata"]["uid"] for kind, each in self._labelled()}

    def _labelled(self) -> Iterator[tuple[str, Manifest]]:
        for api_version, kind in sorted(self.server.kinds(), key=lambda each: each[1]):
            for each in self.server.items(api_version, kind, self.namespace, self.selector):
                yield kind, each


def _is_ready(pod: Manifest) -> bool:
    conditions = pod["status"].get("conditions", [])
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)
