"""docs/gitops.md: the chart accepts the values it shows, and what it points at is there."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.chart import chart

PAGE = chart.ROOT / "docs" / "gitops.md"


@pytest.fixture(scope="module")
def manifests() -> dict[str, dict[str, Any]]:
    """By kind."""
    blocks = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    return {each["kind"]: each for each in map(yaml.safe_load, blocks)}


def test_the_values_of_the_flux_release_make_a_release(manifests: dict[str, dict[str, Any]], tmp_path: Path) -> None:
    release = manifests["HelmRelease"]
    rendered = chart.render(release["spec"]["values"], tmp_path, release=release["metadata"]["name"])
    assert rendered.container["image"] == "track-bridge:1.0.0"


def test_the_files_of_the_argo_application_are_there_and_make_a_release(
    manifests: dict[str, dict[str, Any]],
) -> None:
    source = manifests["Application"]["spec"]["source"]
    folder = chart.ROOT / source["path"]
    (values,) = [folder / name for name in source["helm"]["valueFiles"]]
    rendered = chart.render(values, folder, release=source["helm"]["releaseName"])
    assert rendered.workload["metadata"]["name"] == "bridge-track-bridge"


def test_every_value_it_names_is_one_of_the_chart() -> None:
    values = yaml.safe_load((chart.CHART / "values.yaml").read_text(encoding="utf-8"))
    for path in re.findall(r"`([a-z]+[A-Za-z]*(?:\.[A-Za-z]+)+)`", PAGE.read_text(encoding="utf-8")):
        node: Any = {**values, "test": {"enable": True}}
        for key in path.split("."):
            assert key in node, path
            node = node[key]
