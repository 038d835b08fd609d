"""What an overlay of deploy/kustomize makes: by a real kustomize, or by the little of its rules that is used here."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from tests.chart import chart
from tests.chart.chart import Manifest, Rendered

FOLDER = chart.ROOT / "deploy" / "kustomize"
BASE = FOLDER / "base"
OVERLAYS = sorted(path.parent for path in (FOLDER / "overlays").glob("*/kustomization.yaml"))


def command() -> list[str] | None:
    """The words that build a folder: $KUSTOMIZE, kustomize, or a kubectl that brings it; None where there is none."""
    candidates = [[os.environ.get("KUSTOMIZE", "kustomize"), "build"], ["kubectl", "kustomize"]]
    return next((words for words in candidates if shutil.which(words[0]) and _builds(words)), None)


def _builds(words: list[str]) -> bool:
    """An old kubectl brings a kustomize that does not know these files."""
    return subprocess.run([*words, str(BASE)], capture_output=True, check=False, timeout=60).returncode == 0


def built(folder: Path, words: list[str]) -> Rendered:
    """By a real one."""
    answer = subprocess.run([*words, str(folder)], capture_output=True, text=True, check=True, timeout=60)
    return Rendered(tuple(yaml.safe_load_all(answer.stdout)))


def put_together(folder: Path) -> Rendered:
    """By the rules of kustomize for `resources`, `namespace`, `images`, `replicas` and `configMapGenerator`.

    Raises:
        ValueError: the folder uses something else.

    """
    manifests, files = _collected(folder)
    names = {name: f"{name}-{_hash(data)}" for name, data in files.items()}
    made = [
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": names[name]}, "data": data}
        for name, data in files.items()
    ]
    whole = [*(_renamed(each, names) for each in manifests), *made]
    for each in whole:
        if namespace := _read(folder).get("namespace"):
            each["metadata"]["namespace"] = namespace
    return Rendered(tuple(whole))


def _read(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((folder / "kustomization.yaml").read_text(encoding="utf-8"))
    return found


def _collected(folder: Path) -> tuple[list[Manifest], dict[str, dict[str, str]]]:
    """Manifests, and what the generated ConfigMaps hold by their names."""
    said = _read(folder)
    known = {"apiVersion", "kind", "namespace", "resources", "images", "replicas", "configMapGenerator"}
    if unknown := said.keys() - known:
        raise ValueError(f"{folder.name}: {unknown}")
    manifests: list[Manifest] = []
    files: dict[str, dict[str, str]] = {}
    for path in [(folder / resource).resolve() for resource in said["resources"]]:
        if path.is_dir():
            below, generated = _collected(path)
            manifests += below
            files |= generated
        else:
            manifests += yaml.safe_load_all(path.read_text(encoding="utf-8"))
    for generator in said.get("configMapGenerator", ()):
        if (generator["name"] in files) != (generator.get("behavior") == "replace"):
            raise ValueError(f"{folder.name}: {generator['name']} is there, or is not")
        files[generator["name"]] = {name: (folder / name).read_text(encoding="utf-8") for name in generator["files"]}
    for manifest in manifests:
        _change(manifest, said)
    return manifests, files


def _change(manifest: Manifest, said: dict[str, Any]) -> None:
    for replicas in said.get("replicas", ()):
        if manifest["kind"] == "Deployment" and manifest["metadata"]["name"] == replicas["name"]:
            manifest["spec"]["replicas"] = replicas["count"]
    for container in _containers(manifest):
        for image in said.get("images", ()):
            if container["image"].partition(":")[0] == image["name"]:
                container["image"] = f"{image['newName']}:{image['newTag']}"


def _containers(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        yield from (each for each in node.get("containers", ()) if "image" in each)
        for value in node.values():
            yield from _containers(value)
    elif isinstance(node, list):
        for each in node:
            yield from _containers(each)


def _renamed(node: Any, names: dict[str, str]) -> Any:
    """A volume names its ConfigMap."""
    if isinstance(node, list):
        return [_renamed(each, names) for each in node]
    if not isinstance(node, dict):
        return node
    renamed = {key: _renamed(value, names) for key, value in node.items()}
    if isinstance(source := renamed.get("configMap"), dict) and "name" in source:
        source["name"] = names.get(source["name"], source["name"])
    return renamed


def _hash(data: dict[str, str]) -> str:
    return hashlib.sha256(repr(sorted(data.items())).encode()).hexdigest()[:10]
