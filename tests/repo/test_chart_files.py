"""What of the Helm chart follows from other files is current, and what it says of itself is true."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from bridge import __version__
from scripts.chart.__main__ import written
from scripts.chart.comments import documented


@pytest.fixture(scope="module")
def chart(root: Path) -> Path:
    return root / "helm" / "track-bridge"


@pytest.fixture(scope="module")
def schema(chart: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((chart / "values.schema.json").read_text(encoding="utf-8"))
    return found


def test_every_generated_file_is_what_its_sources_make_of_it(root: Path) -> None:
    stale = [
        str(path.relative_to(root)) for path, text in written(root).items() if path.read_text(encoding="utf-8") != text
    ]
    assert stale == [], "run `make chart`"


def test_the_check_of_make_lint_passes(root: Path) -> None:
    subprocess.run([sys.executable, "-m", "scripts.chart", "--check"], cwd=root, check=True)


def test_chart_and_program_have_one_version(chart: Path) -> None:
    declared = yaml.safe_load((chart / "Chart.yaml").read_text(encoding="utf-8"))
    assert declared["version"] == __version__
    assert declared["appVersion"] == __version__
    # A SemVer2 version: Helm 4 takes nothing else.
    assert re.fullmatch(r"\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?", declared["version"])


def test_every_value_is_described(chart: Path) -> None:
    values = documented((chart / "values.yaml").read_text(encoding="utf-8"))
    assert len(values) > 100
    described = {value.path for value in values if value.text}
    for value in values:
        above = (value.path[:end] for end in range(1, len(value.path) + 1))
        assert isinstance(value.default, dict) or described & set(above), value.name


def test_the_defaults_fit_their_own_schema(chart: Path, schema: dict[str, Any]) -> None:
    jsonschema.Draft7Validator.check_schema(schema)
    defaults = yaml.safe_load((chart / "values.yaml").read_text(encoding="utf-8"))
    assert list(jsonschema.Draft7Validator(schema).iter_errors(defaults)) == []


def test_no_object_of_the_schema_is_open_unless_its_keys_are_the_users(schema: dict[str, Any]) -> None:
    opened = [where for where, node in _objects(schema, "") if "additionalProperties" not in node]
    # Free JSON of the user's, and what only the owner of another API can know.
    assert [where for where in opened if not where.startswith(("properties.global", "properties.extraObjects"))] == [
        where for where in opened if re.search(r"(elabelings|additionalGroups)\.items$|FieldsV1$", where)
    ]


def _objects(node: Any, where: str) -> list[tuple[str, dict[str, Any]]]:
    """Every schema that takes objects, with its place."""
    if isinstance(node, list):
        return [each for place, below in enumerate(node) for each in _objects(below, f"{where}.{place}")]
    if not isinstance(node, dict):
        return []
    kinds = node.get("type", [])
    own = [(where.lstrip("."), node)] if "object" in (kinds if isinstance(kinds, list) else [kinds]) else []
    return own + [
        each
        for key, below in node.items()
        if key not in ("default", "enum", "examples", "const")
        for each in _objects(below, f"{where}.{key}".lstrip("."))
    ]


def test_the_schema_holds_the_bridges_own_and_leaves_to_sentences_what_must_be_set(
    root: Path, schema: dict[str, Any]
) -> None:
    bridge = json.loads((root / "schemas" / "bridge.schema.json").read_text(encoding="utf-8"))
    for name, own in bridge["$defs"].items():
        assert set(own.get("properties", {})) == set(schema["definitions"][f"bridge.{name}"].get("properties", {}))
    assert "required" not in schema["definitions"]["bridge.Kafka"]
    assert schema["definitions"]["bridge.TemplateValue"]["required"] == ["template"]


def test_a_schema_of_draft_seven_is_all_that_old_helm_understands(schema: dict[str, Any]) -> None:
    text = json.dumps(schema)
    assert schema["$schema"] == "http://json-schema.org/draft-07/schema#"
    for newer in ('"$defs"', '"prefixItems"', '"unevaluatedProperties"', '"dependentRequired"'):
        assert newer not in text
    # Go's regular expressions know neither.
    patterns = re.findall(r'"pattern": "((?:[^"\\]|\\.)*)"', text)
    assert patterns
    assert not [pattern for pattern in patterns if "(?=" in pattern or "(?!" in pattern or "(?<" in pattern]


def test_an_example_for_every_feature_says_what_it_shows(chart: Path) -> None:
    examples = sorted((chart / "ci").glob("*.yaml"))
    assert len(examples) >= 20
    for path in examples:
        assert path.name.endswith("-values.yaml")
        assert path.read_text(encoding="utf-8").startswith("# ")
