"""The values that docs/production.md shows are values of the chart."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.chart import chart, loading
from tests.support.docs import commands
from tests.support.docs.snippets import Snippet, snippets

VALUES = [each for each in snippets() if not each.is_manifest and not each.is_configuration]


@pytest.mark.parametrize("snippet", VALUES, ids=lambda each: f"line-{each.line}")
def test_every_values_of_the_page_render_and_their_configuration_loads(snippet: Snippet, tmp_path: Path) -> None:
    rendered = chart.render(snippet.values, tmp_path)
    assert loading.of_the_pod(rendered, tmp_path).problems == ()


TYPED = [each for page in ("production", "gitops") for each in commands.commands(commands.text_of(page))]


def test_helm_has_every_command_of_the_pages_and_the_chart_they_install_is_there(tmp_path: Path) -> None:
    typed = [each.words for each in TYPED if each.program == "helm" and len(each.words) > 2]
    assert {words[1] for words in typed} == {"install", "test", "rollback"}
    for _, verb, release, *more in typed:
        assert release == "bridge"
        options = [word for word in more if word.startswith("-")]
        listed = chart.run([verb, "--help"])
        assert [option for option in options if not re.search(rf"(^|[\s,]){option}\b", listed)] == []
        if verb == "install":
            assert (chart.ROOT / more[0]).samefile(chart.CHART)
            [whole] = [each for each in VALUES if "image" in each.document]
            rendered = chart.render(whole.values, tmp_path, release=release)
            assert rendered.workload["metadata"]["name"] == "bridge-track-bridge"


def test_the_secret_that_the_page_creates_is_the_one_its_values_name(tmp_path: Path) -> None:
    [create] = [each for each in TYPED if each.words[:3] == ["kubectl", "create", "secret"]]
    [whole] = [each for each in VALUES if "image" in each.document]
    assert create.words[4] == whole.document["apiKey"]["existingSecret"]
    key = chart.render(whole.values, tmp_path).workload
    assert "--from-literal=api-key=$USERPILOT_KEY" in create.words
    assert "'key': 'api-key'" in str(key)
    if shutil.which("kubectl"):
        dry = [*create.words, "--dry-run=client", "--output=name"]
        made = subprocess.run(dry, capture_output=True, text=True, check=True).stdout
        assert made == "secret/userpilot\n"


def test_no_command_of_the_pages_is_one_that_no_test_knows() -> None:
    """Words of the runbook, Kafka's and the bridge's own have tests of their own; the rest is here."""
    known = {"kube", "helm", "kubectl", "make", "rpk", "kafka-configs.sh", "kafka-consumer-groups.sh", "$ACL"}
    elsewhere = commands.BRIDGE | {each.program for each in TYPED if each.text in HOST}
    assert {each.program for each in TYPED} - {'ACL="kafka-acls.sh'} <= known | elsewhere


HOST = [
    each.strip()
    for block in commands.blocks(commands.text_of("production"))
    if "/opt/track-bridge" in block.text
    for each in block.text.splitlines()
]
"""tests/repo/test_systemd.py looks at these."""
