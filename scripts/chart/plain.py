"""The chart as plain manifests for kustomize: ``python -m scripts.chart.plain HELM`` writes them, --check looks.

A release is about a name, a namespace and a version of its own. Of plain manifests an overlay says these, so what Helm
writes of them is taken out.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "deploy" / "kustomize"
MANIFESTS = FOLDER / "base" / "manifests.yaml"
HEAD = """\
# Made by `make chart` of helm/track-bridge and deploy/kustomize/values.yaml: change these, not this file.
"""
OF_A_RELEASE = ("helm.sh/chart", "app.kubernetes.io/managed-by", "app.kubernetes.io/version")
OF_CONFIGURATION = "checksum/config"
"""The ConfigMap's own name changes with what it holds."""


def text(helm: str) -> str:
    """The file's text. Raises `subprocess.CalledProcessError` where Helm refuses."""
    command = [helm, "template", "track-bridge", str(ROOT / "helm" / "track-bridge"), "--no-hooks", "--values"]
    command.append(str(FOLDER / "values.yaml"))
    rendered = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603  # the Makefile's own Helm
    manifests = [_plain(each) for each in yaml.safe_load_all(rendered.stdout) if each]
    return HEAD + yaml.safe_dump_all(manifests, sort_keys=False, width=140, allow_unicode=True)


def _plain(node: Any) -> Any:
    """Without what is of Helm, at any depth: a template has metadata of its own."""
    if isinstance(node, list):
        return [_plain(each) for each in node]
    if not isinstance(node, dict):
        return node
    plain = {key: _plain(value) for key, value in node.items()}
    if isinstance(metadata := plain.get("metadata"), dict):
        metadata.pop("namespace", None)
        for name, words in (("labels", OF_A_RELEASE), ("annotations", (OF_CONFIGURATION,))):
            kept = {key: value for key, value in metadata.pop(name, {}).items() if key not in words}
            if kept:
                metadata[name] = kept
        if not metadata:
            del plain["metadata"]
    return plain


def main() -> int:
    """Exit code 1 where --check finds that the file is not current."""
    helm, *more = sys.argv[1:]
    wanted = text(helm)
    if MANIFESTS.exists() and MANIFESTS.read_text(encoding="utf-8") == wanted:
        return 0
    name = MANIFESTS.relative_to(ROOT)
    if "--check" in more:
        sys.stderr.write(f"{name} is not what its sources make of it: run `make chart`.\n")
        return 1
    MANIFESTS.write_text(wanted, encoding="utf-8")
    sys.stdout.write(f"wrote {name}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
