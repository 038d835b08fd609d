"""What docs/schema-registry.md tells people to write is right."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from bridge.config import load
from bridge.config.sections import SchemaRegistry
from bridge.registry.build import build_source
from bridge.registry.known import KEPT_BYTES, NEGATIVE_FOR
from bridge.registry.outcomes import SCHEMA_LIMIT
from bridge.registry.transport.addresses import PUT_LAST_FOR
from tests.support.docs.snippets import BASE

PAGE = (Path(__file__).parents[3] / "docs" / "schema-registry.md").read_text(encoding="utf-8")
SNIPPETS = [yaml.safe_load(found) for found in re.findall(r"^```yaml\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)]


@pytest.mark.parametrize("snippet", SNIPPETS, ids=lambda each: str(each["schema_registry"])[:60])
def test_every_configuration_of_the_page_loads_and_makes_a_client(snippet: dict[str, object], tmp_path: Path) -> None:
    path = tmp_path / "bridge.yaml"
    path.write_text(yaml.safe_dump({**BASE, **snippet}), encoding="utf-8")
    outcome = load.read(path, {})
    assert outcome.config is not None, outcome
    section = outcome.config.schema_registry
    assert isinstance(section, SchemaRegistry)
    build_source(section.model_copy(update={"tls": type(section.tls)()}), {})  # certificates are on another machine


def test_there_is_a_recipe_for_each_registry_the_page_promises() -> None:
    assert re.findall(r"^### (.+)$", PAGE, re.MULTILINE) == [
        "Confluent Cloud",
        "Karapace",
        "Redpanda",
        "Apicurio",
        "AWS Glue",
    ]


def test_the_pages_numbers_are_those_of_the_code() -> None:
    assert f"larger than {SCHEMA_LIMIT // 1024**2} MiB" in PAGE
    assert f"up to {KEPT_BYTES // 1024**2} MiB of schemas" in PAGE
    assert f"comes last for {PUT_LAST_FOR:.0f} s" in PAGE
    assert NEGATIVE_FOR == 60, "the page says a minute"
