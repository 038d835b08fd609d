"""A rendered pod as a local process: its volumes as folders, its environment, its command line.

The paths of the manifest keep their shape below one folder, the container's root. Every path that the environment or
the arguments name must be inside a mounted volume: what nothing mounts would be missing in the pod too.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from tests.chart.chart import ROOT, Manifest, Rendered
from tests.chart.pods import Pod, environment

Secrets = Mapping[str, Mapping[str, str]]
"""What existing Secrets hold, by name and key."""

_MOUNTED = ("/etc/", "/run/", "/var/", "/tmp/")  # noqa: S108  # the pod's, not this machine's


@dataclass(frozen=True, slots=True)
class Laid:
    """What is needed to start it."""

    root: Path
    command: list[str]
    environment: dict[str, str]
    grace: int
    """Seconds from SIGTERM to SIGKILL."""

    def folder(self, path: str) -> Path:
        """Where a path of the container is."""
        return self.root / path.lstrip("/")


def lay(rendered: Rendered, pod: Pod, secrets: Secrets, folder: Path, *, name: str = "pod") -> Laid:
    """Make the pod's files below `folder`. `name` is the pod's name, which a field reference may ask for."""
    root = folder / name
    volumes = {volume["name"]: volume for volume in pod.spec["volumes"]}
    mounts = {mount["mountPath"]: volumes[mount["name"]] for mount in pod.own["volumeMounts"]}
    assert all("subPath" not in mount for mount in pod.own["volumeMounts"])  # such a file never changes with its Secret
    for path, volume in mounts.items():
        _fill(root / path.lstrip("/"), volume, rendered, secrets)
    given = {"metadata.name": name, "metadata.namespace": rendered.workload["metadata"]["namespace"]}
    found: dict[str, str] = {}
    for key, value in environment(pod.own).items():
        found[key] = _value(value, given, found)
    there = {key: _inside(value, mounts, root) for key, value in found.items()}
    command = [*_entry_point(pod.own), *(_inside(word, mounts, root) for word in pod.own["args"])]
    there |= _on_loopback(rendered)
    return Laid(root, command, _image_environment() | there, pod.spec["terminationGracePeriodSeconds"])


def port(container: Manifest, named: str | int) -> int:
    """The number of a port that a probe or a Service calls by its name."""
    if isinstance(named, int):
        return named
    [number] = [each["containerPort"] for each in container["ports"] if each["name"] == named]
    return int(number)


def _fill(folder: Path, volume: Manifest, rendered: Rendered, secrets: Secrets) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    if "emptyDir" in volume:
        return
    if "configMap" in volume:
        source = volume["configMap"]
        data = dict(rendered.one("ConfigMap", source["name"])["data"])
    else:
        source = volume["secret"]
        data = dict(secrets[source["secretName"]])
    for item in source.get("items") or [{"key": key, "path": key} for key in data]:
        (folder / item["path"]).write_text(data[item["key"]], encoding="utf-8")
    (folder / "..data").mkdir(
        exist_ok=True
    )  # as a kubelet has it; whatever looks into the folder must not stumble over it


def _value(value: str | Mapping[str, Mapping[str, str]], given: Mapping[str, str], above: Mapping[str, str]) -> str:
    """Kubernetes puts `$(NAME)` in for variables that stand above."""
    if isinstance(value, str):
        return re.sub(r"\$\((\w+)\)", lambda found: above.get(found[1], found[0]), value)
    return given[value["fieldRef"]["fieldPath"]]


def _inside(text: str, mounts: Mapping[str, Manifest], root: Path) -> str:
    if not text.startswith(_MOUNTED):
        return text
    assert any(text.startswith(f"{path}/") for path in mounts), f"nothing mounts {text}"
    there = root / text.lstrip("/")
    assert there.is_file(), f"no volume has {text}"
    return str(there)


def _entry_point(container: Manifest) -> list[str]:
    """What the image starts, unless the manifest says otherwise: the same program, of this environment."""
    [line] = re.findall(r"^ENTRYPOINT (.+)$", (ROOT / "Dockerfile").read_text(encoding="utf-8"), re.MULTILINE)
    program, *words = container.get("command") or json.loads(line)
    return [str(Path(sys.executable).with_name(program)), *words]


def _on_loopback(rendered: Rendered) -> dict[str, str]:
    """The one thing that is not as in the pod: what a test starts must not be reached from elsewhere."""
    listen = yaml.safe_load(rendered.bridge_yaml)["observability"]["listen"]
    return {"BRIDGE_OBSERVABILITY__LISTEN": f"127.0.0.1:{listen.rpartition(':')[2]}"}


def _image_environment() -> dict[str, str]:
    """Nothing of this machine: a container has none of it."""
    return {"PATH": "/usr/local/bin:/usr/bin:/bin", "PYTHONUNBUFFERED": "1", "PYTHONDONTWRITEBYTECODE": "1"}
