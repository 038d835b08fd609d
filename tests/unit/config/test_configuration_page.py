"""docs/configuration.md says what the schema and the code say."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from bridge.config import load
from bridge.config.reading import overrides
from bridge.config.sections import SHAPE
from scripts import configuration_page
from scripts.configuration_page import SCHEMA, SECTIONS, main, page_blocks, variable
from scripts.reference_tables import refreshed

PAGE = SCHEMA.parents[1] / "docs" / "configuration.md"
WHOLE: dict[str, Any] = json.loads(SCHEMA.read_text(encoding="utf-8"))
RIGHT: dict[str, dict[str, Any]] = {
    "kafka": {"bootstrap_servers": "b:9092", "group_id": "g", "topics": ["t"]},
    "track": {"endpoint": "https://h.example", "api_key": "k"},
    "dead_letter": {"topic": "d"},
    "mapping": {"events": {"a": "drop"}},
}


def test_the_tables_of_the_page_are_those_of_the_schema() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert page == refreshed(page, page_blocks()), "write them anew with: make docs"


def test_the_rewriter_mends_a_page_that_fell_behind(tmp_path: Path) -> None:
    path = tmp_path / "page.md"
    path.write_text("".join(f"<!-- begin {name} -->\nold\n<!-- end {name} -->\n" for name in page_blocks()))
    main(path)
    assert "old\n" not in path.read_text(encoding="utf-8")


def test_every_key_outside_the_mapping_has_its_variable_on_the_page() -> None:
    page = PAGE.read_text(encoding="utf-8")
    for path in SHAPE.leaves:
        if path not in {*SECTIONS.values()}:
            assert page.count(f"`{variable(path)}`") == 1, path


def test_every_variable_on_the_page_means_a_key() -> None:
    named = set(re.findall(r"\bBRIDGE_[A-Z_]*__[A-Z_]+\b", PAGE.read_text(encoding="utf-8")))
    assert len(named) > 40
    assert overrides.read(dict.fromkeys(named, "{}"), SHAPE).problems == []


def test_every_link_within_the_page_leads_somewhere() -> None:
    page = PAGE.read_text(encoding="utf-8")
    headings = {configuration_page._anchor(each.strip("` ")) for each in re.findall(r"^#+ (.+)$", page, re.MULTILINE)}
    assert set(re.findall(r"\]\(#([^)]+)\)", page)) <= headings


def test_a_new_section_must_be_given_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(SECTIONS, "Redrive")
    with pytest.raises(ValueError, match="Redrive"):
        page_blocks()


# --- the examples ------------------------------------------------------------------------------------


def examples() -> Iterator[tuple[str, str, dict[str, Any], Any]]:
    for owner, definition in WHOLE["$defs"].items():
        for key, each in definition["properties"].items():
            for example in each.get("examples", ()):
                yield owner, key, each, example


def test_every_example_is_valid_by_the_schema() -> None:
    for owner, key, schema, example in examples():
        validator = jsonschema.Draft202012Validator({**schema, "$defs": WHOLE["$defs"]})
        assert list(validator.iter_errors(example)) == [], (owner, key)


NEEDED: dict[str, dict[str, Any]] = {
    "AwsIam": {"region": "eu-central-1"},
    "BasicAuth": {"username": "u", "password_file": "/run/secrets/registry"},
    "RegistryOAuth": {
        "token_endpoint": "https://id.example.com/oauth/token",
        "client_id": "c",
        "client_secret_file": "/run/secrets/registry-client",
    },
    "schema_registry": {"urls": ["https://registry-1.example.com"]},
}
"""What a section that may be left out must have where it is there."""


def _file(owner: str, key: str, example: Any) -> dict[str, Any]:
    """A whole configuration with the example in it."""
    if owner == "RouteConfig" and key in {"identify", "company"}:
        return {**RIGHT, "mapping": {"events": {"a": {key: example}}}}
    if owner == "RouteConfig":
        rule = {"event_name": "E", "allowed_event_names": ["E"], key: example}
        return {**RIGHT, "mapping": {"events": {"a": rule}}}
    if owner in {"IdentifyConfig", "CompanyConfig"}:
        needed = {"from": "data"} | ({"id": "data.id"} if owner == "CompanyConfig" else {})
        route = {owner.removesuffix("Config").lower(): {**needed, key: example}}
        return {**RIGHT, "mapping": {"events": {"a": route}}}
    if owner == "IgnoredFinding":
        return {**RIGHT, "lint": {"ignore": [{"code": "TB201", "where": "mapping", "reason": "r", key: example}]}}
    if owner == "TopicOverrides":
        topic = RIGHT["kafka"]["topics"][0]
        return {**RIGHT, "mapping": {**RIGHT["mapping"], "per_topic": {topic: {key: example}}}}
    section, *inner = SECTIONS[owner].split(".")
    value = {inner[0]: {**NEEDED.get(owner, {}), key: example}} if inner else {key: example}
    value = {**NEEDED.get(section, {}), **value}
    whole = {**RIGHT, section: {**RIGHT.get(section, {}), **value}}
    if key == "api_key_file":
        del whole["track"]["api_key"]
    return whole


@pytest.mark.parametrize(("owner", "key", "example"), [(o, k, e) for o, k, _, e in examples()])
def test_every_example_loads(tmp_path: Path, owner: str, key: str, example: Any) -> None:
    secret = tmp_path / "secret"
    secret.write_text("s")
    text = re.sub(r"/run/secrets/[\w-]+", str(secret), yaml.safe_dump(_file(owner, key, example)))
    path = tmp_path / "bridge.yaml"
    path.write_text(text, encoding="utf-8")
    assert load.read(path, {}).problems == ()
