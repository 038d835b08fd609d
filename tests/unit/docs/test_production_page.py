"""What docs/production.md tells people to write is right."""

from __future__ import annotations

import json
import logging
import re
from pathlib import Path

import pytest
import yaml

from bridge.cli import entry
from bridge.config import load
from bridge.formats import offset_map
from bridge.kafka import client
from bridge.kafka.client_log import ClientLog
from bridge.ops.metrics.catalogue import CATALOGUE
from tests.support.docs.snippets import PAGE, Snippet, snippets

CONFIGURATIONS = [each for each in snippets() if not each.is_manifest]


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    path = tmp_path / "secret"
    path.write_text("a-secret", encoding="utf-8")
    return path


@pytest.mark.parametrize("snippet", CONFIGURATIONS, ids=lambda each: f"line-{each.line}")
def test_every_configuration_of_the_page_loads(
    snippet: Snippet, secret: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "bridge.yaml"
    path.write_text(yaml.safe_dump(snippet.configuration(secret)), encoding="utf-8")
    code = entry.run(["check", "--offline", "--json", "-c", str(path)])
    document = json.loads(capsys.readouterr().out)
    assert (code, document["problems"]) == (0, 0), document


@pytest.mark.parametrize("snippet", CONFIGURATIONS, ids=lambda each: f"line-{each.line}")
def test_the_kafka_client_knows_every_property_of_the_page(snippet: Snippet, secret: Path, tmp_path: Path) -> None:
    path = tmp_path / "bridge.yaml"
    whole = snippet.configuration(secret)
    # A file with certificates that is on another machine: everything else of it is the client's to judge.
    whole["kafka"]["properties"].pop("ssl.ca.location", None)
    path.write_text(yaml.safe_dump(whole), encoding="utf-8")
    config = load.read(path, {}).config
    assert config
    client.open_admin(client.admin_configuration(config.kafka), ClientLog(logging.getLogger("kafka")))
    producer = client.producer_configuration(config.kafka, config.dead_letter)
    client.open_producer(producer, ClientLog(logging.getLogger("kafka")))


def test_there_is_a_recipe_for_each_service_the_page_promises() -> None:
    headings = re.findall(r"^### (.+)$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert headings == ["Confluent Cloud", "Amazon MSK", "Redpanda", "Strimzi", "Aiven"]
    assert len(CONFIGURATIONS) >= 10


def test_what_strimzi_is_told_to_grant_is_what_the_page_grants_elsewhere() -> None:
    [user] = [each.document for each in snippets() if each.document.get("kind") == "KafkaUser"]
    granted = {
        (acl["resource"]["type"], acl["resource"]["name"], operation)
        for acl in user["spec"]["authorization"]["acls"]
        for operation in acl["operations"]
    }
    text = PAGE.read_text(encoding="utf-8")
    blocks = "".join(re.findall(r"^```sh acl=(?:run|replay)\n(.*?)^```", text, re.MULTILINE | re.DOTALL))
    commands = re.findall(r"^\$ACL ((?:--operation \w+ )+)--(topic|group) (\S+)", blocks, re.MULTILINE)
    elsewhere = {(kind, name, op) for ops, kind, name in commands for op in re.findall(r"--operation (\w+)", ops)}
    assert granted == elsewhere - {("group", "userpilot-bridge.replay", "Describe")}  # which Read includes


def test_every_metric_of_the_page_exists() -> None:
    known = {metric.name for metric in CATALOGUE}
    named = set(re.findall(r"\btrack_bridge_\w+", PAGE.read_text(encoding="utf-8")))
    assert named <= known, named - known


def test_the_versions_that_are_kept_in_kafka_are_those_of_the_code() -> None:
    assert f"| `{offset_map.VERSION}` |" in PAGE.read_text(encoding="utf-8")


def test_every_link_within_the_page_and_to_its_neighbours_leads_somewhere() -> None:
    text = PAGE.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)]+)\)", text):
        name, _, heading = target.partition("#")
        there = (PAGE.parent / name).read_text(encoding="utf-8") if name else text
        headings = re.findall(r"^#+ (.+)$", there, re.MULTILINE)
        anchors = {re.sub(r"[^a-z0-9 -]", "", each.lower()).replace(" ", "-") for each in headings}
        assert not heading or heading in anchors, target
