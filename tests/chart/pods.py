"""The pods of a rendering: where they are, what they mount, what Pod Security `restricted` would say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tests.chart.chart import Manifest, Rendered

CHARTS_SECRETS = "/run/secrets/track-bridge"


@dataclass(frozen=True, slots=True)
class Pod:
    """A pod or the template of one, and the manifest it stands in."""

    owner: Manifest
    metadata: Manifest
    spec: Manifest

    @property
    def name(self) -> str:
        """As a message names it."""
        return f"{self.owner['kind']} {self.owner['metadata']['name']}"

    @property
    def labels(self) -> Mapping[str, str]:
        """What selectors are held against."""
        found: Mapping[str, str] = self.metadata["labels"]
        return found

    @property
    def containers(self) -> list[Manifest]:
        """Init containers too."""
        return [*self.spec.get("initContainers", ()), *self.spec["containers"]]

    @property
    def own(self) -> Manifest:
        """The container that runs the program."""
        (found,) = [each for each in self.spec["containers"] if "args" in each]
        return dict(found)


def pods(rendered: Rendered) -> Iterator[Pod]:
    """All of them."""
    for each in rendered.manifests:
        match each["kind"]:
            case "Pod":
                yield Pod(each, each["metadata"], each["spec"])
            case "Deployment" | "StatefulSet" | "Job":
                yield Pod(each, each["spec"]["template"]["metadata"], each["spec"]["template"]["spec"])
            case "CronJob":
                template = each["spec"]["jobTemplate"]["spec"]["template"]
                yield Pod(each, template["metadata"], template["spec"])


def environment(container: Manifest) -> dict[str, Any]:
    """Variables by name: a text, or where it comes from. Fails on a name that is there twice."""
    names = Counter(each["name"] for each in container.get("env", ()))
    assert not [name for name, count in names.items() if count > 1]
    return {each["name"]: each.get("value", each.get("valueFrom")) for each in container.get("env", ())}


def references(pod: Pod) -> Iterator[tuple[str, str]]:
    """Kind and name of every ConfigMap and Secret without which the pod does not start."""
    for volume in pod.spec["volumes"]:
        if "configMap" in volume:
            yield "ConfigMap", volume["configMap"]["name"]
        if "secret" in volume:
            yield "Secret", volume["secret"]["secretName"]
    for container in pod.containers:
        for source in container.get("envFrom", ()):
            for kind, key in (("ConfigMap", "configMapRef"), ("Secret", "secretRef")):
                if key in source and not source[key].get("optional"):
                    yield kind, source[key]["name"]


_VOLUMES = {
    *("configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret"),
}


def what_restricted_refuses(pod: Pod) -> Iterator[str]:
    """Pod Security Standards, level restricted, as far as a manifest can break it."""
    for key in ("hostNetwork", "hostPID", "hostIPC"):
        if pod.spec.get(key):
            yield f"{key} is set"
    for volume in pod.spec["volumes"]:
        if not volume.keys() & _VOLUMES:
            yield f"volume {volume['name']} is of a kind that is not allowed"
    for container in pod.containers:
        for why in _in_container({**pod.spec.get("securityContext", {}), **container.get("securityContext", {})}):
            yield f"{container['name']} {why}"


def _in_container(security: Mapping[str, Any]) -> Iterator[str]:
    """`security` is that of the container, over that of its pod."""
    if security.get("allowPrivilegeEscalation") is not False:
        yield "may escalate its privileges"
    if security.get("privileged"):
        yield "is privileged"
    if security.get("capabilities") != {"drop": ["ALL"]}:
        yield "keeps capabilities"
    if not security.get("runAsNonRoot") or security.get("runAsUser") == 0:
        yield "may run as root"
    if security.get("seccompProfile", {}).get("type") not in ("RuntimeDefault", "Localhost"):
        yield "has no seccomp profile"


def matches(selector: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    """Whether a label selector takes these labels."""
    wanted = selector.get("matchLabels", {})
    if any(labels.get(key) != value for key, value in wanted.items()):
        return False
    for each in selector.get("matchExpressions", ()):
        assert each["operator"] == "In"
        if labels.get(each["key"]) not in each["values"]:
            return False
    return True
