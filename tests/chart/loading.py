"""The configuration as the program in a rendered pod would find it: its file, its environment, its mounted files."""

from __future__ import annotations

import base64
import shutil
from pathlib import Path

from bridge.config import load
from tests.chart.chart import Rendered
from tests.chart.pods import Pod, environment, pods

STAND_IN = "a-text-in-place-of-a-secret"


def of_the_pod(rendered: Rendered, folder: Path) -> load.Loaded:
    """For the workload's pods."""
    (pod,) = [each for each in pods(rendered) if each.owner is rendered.workload]
    return of(rendered, pod, folder)


def of(rendered: Rendered, pod: Pod, folder: Path) -> load.Loaded:
    """Mounts everything below `folder`, with a stand-in for what existing Secrets hold, and reads the configuration."""
    root = folder / "root"
    shutil.rmtree(root, ignore_errors=True)
    volumes = {volume["name"]: volume for volume in pod.spec["volumes"]}
    for mount in pod.own["volumeMounts"]:
        _fill(root / mount["mountPath"].lstrip("/"), volumes[mount["name"]], rendered)
    environ = {name: value for name, value in environment(pod.own).items() if isinstance(value, str)}
    there = {
        name: str(root) + value if value.startswith(("/etc/", "/run/")) else value for name, value in environ.items()
    }
    return load.read(Path(there["BRIDGE_CONFIG"]), there)


def _fill(folder: Path, volume: dict[str, object], rendered: Rendered) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for kind, key, name in (("ConfigMap", "configMap", "name"), ("Secret", "secret", "secretName")):
        source = volume.get(key)
        if not isinstance(source, dict):
            continue
        found = [each["data"] for each in rendered.all(kind) if each["metadata"]["name"] == source[name]]
        data = (
            {
                each: value.encode() if kind == "ConfigMap" else base64.b64decode(value)
                for each, value in found[0].items()
            }
            if found
            else {}
        )
        for item in source.get("items", [{"key": each, "path": each} for each in data]):
            (folder / item["path"]).write_bytes(
                data.get(item["key"], STAND_IN.encode()) if not found else data[item["key"]]
            )
