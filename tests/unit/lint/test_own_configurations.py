"""What the project itself shows as an example is without a finding, or says why it is meant so."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.docs.examples import blocks, worked_examples
from tests.support.lint.linted import linted_file, linted_part
from tests.support.service.settings import layered

ROOT = Path(__file__).parents[3]
COOKBOOK = {block.body: block.line for block in blocks("cookbook.md") if block.role == "mapping"}


@pytest.mark.parametrize("file", ["bridge.example.yaml", "deploy/compose/bridge.yaml"])
def test_a_file_that_people_begin_with_is_without_a_finding(file: str) -> None:
    assert linted_file(ROOT / file) == ()


@pytest.mark.parametrize("mapping", COOKBOOK, ids=[f"line-{line}" for line in COOKBOOK.values()])
def test_a_mapping_of_the_cookbook_is_without_a_finding_beside_its_records(mapping: str, tmp_path: Path) -> None:
    own = [example for example in worked_examples("cookbook.md") if example.mapping == mapping]
    topics = sorted({record.topic for each in own if (record := each.given.record) is not None})
    part = yaml.safe_dump({"kafka": {"topics": topics or ["shop.orders"]}}) + mapping
    schemas = own[0].schemas
    assert linted_part(part, tmp_path, schemas=schemas, more=[each.given for each in own]) == ()


def _of_the_chart() -> Iterator[tuple[str, dict[str, Any]]]:
    for path in sorted((ROOT / "helm" / "track-bridge" / "ci").glob("*.yaml")):
        config = (yaml.safe_load(path.read_text(encoding="utf-8")) or {}).get("config")
        if config and "mapping" in config:  # another one is in a ConfigMap
            yield path.name, config


@pytest.mark.parametrize("config", [pytest.param(config, id=name) for name, config in _of_the_chart()])
def test_a_configuration_of_the_charts_examples_is_without_a_finding(config: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "bridge.yaml"
    # What a chart mounts is not on this machine.
    without_files = {key: value for key, value in config["kafka"].get("properties", {}).items() if "file" not in key}
    whole = layered(config, {"kafka": {**config["kafka"], "properties": without_files}})
    path.write_text(yaml.safe_dump(whole), encoding="utf-8")
    assert linted_file(path) == ()


def test_the_demos_own_configuration_is_without_a_finding() -> None:
    environ = {"DEMO_BOOTSTRAP": "localhost:9", "DEMO_ENDPOINT": "http://localhost", "DEMO_API_KEY": "NX-none"}
    assert linted_file(ROOT / "bridge" / "sandbox" / "demo.yaml", environ) == ()
