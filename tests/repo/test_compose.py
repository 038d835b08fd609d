"""compose.yaml fits the tree, keeps to itself, and shows what the chart installs."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from bridge.config import load
from bridge.mapping.compile import compile_mapping
from bridge.mapping.mapper import CompiledMapping
from bridge.sandbox.emulator import DEFAULT_KEY
from bridge.sandbox.sample import TOPICS
from tests.repo import named_commands
from tests.support.kafka.jars import KAFKA_VERSION

Services = dict[str, dict[str, Any]]
WITHOUT_HEALTHCHECK = {"topics", "shop"}
"""They say why in the file."""
WITH_A_WRITABLE_ROOT = {"kafka"}


@pytest.fixture(scope="module")
def compose(root: Path) -> dict[str, Any]:
    return dict(yaml.safe_load((root / "compose.yaml").read_text()))


@pytest.fixture(scope="module")
def services(compose: dict[str, Any]) -> Services:
    return dict(compose["services"])


def test_everything_that_is_mounted_is_there(root: Path, compose: dict[str, Any], services: Services) -> None:
    for name, service in services.items():
        for mount in service.get("volumes", []):
            source = mount.split(":")[0]
            if not source.startswith("./"):
                assert source in compose["volumes"], f"{name}: {mount}"
            elif source.startswith("./helm/") and not (root / "helm").exists():
                pytest.skip("there is no chart in this checkout")
            else:
                assert mount.endswith(":ro"), f"{name}: {mount}"
                assert (root / source).exists(), f"{name}: {mount}"


def test_ports_are_open_to_this_machine_alone(services: Services) -> None:
    ports = [port for service in services.values() for port in service.get("ports", [])]
    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_every_service_is_asked_how_it_does_or_cannot_be(services: Services) -> None:
    without = {name for name, service in services.items() if service.get("healthcheck", {}).get("disable")}
    own = {name for name, service in services.items() if "test" in service.get("healthcheck", {})}
    assert without == WITHOUT_HEALTHCHECK
    assert services.keys() - own - without == {"bridge"}  # the image brings its own


def test_every_service_runs_without_rights_and_without_a_writable_root(services: Services) -> None:
    for name, service in services.items():
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert "privileged" not in service, name
        assert service.get("read_only", False) is (name not in WITH_A_WRITABLE_ROOT), name


def test_every_image_that_is_fetched_has_its_version(services: Services) -> None:
    fetched = [service["image"] for service in services.values() if service.get("pull_policy") != "never"]
    assert fetched
    assert all(re.fullmatch(r"[\w./-]+:v?\d+\.\d+\.\d+", image) for image in fetched)


def test_the_kafka_to_look_at_is_the_kafka_of_the_tests(services: Services) -> None:
    assert services["kafka"]["image"] == f"apache/kafka:{KAFKA_VERSION}"


def test_the_bridge_reads_a_configuration_without_problems_for_the_events_of_the_shop(root: Path) -> None:
    loaded = load.read(root / "deploy" / "compose" / "bridge.yaml", {})
    assert loaded.problems == ()
    assert loaded.config is not None
    assert isinstance(compile_mapping(loaded.config.mapping), CompiledMapping)
    assert set(loaded.config.kafka.topics) == TOPICS.keys()


def test_the_key_is_the_one_the_emulated_api_takes(root: Path) -> None:
    assert (root / "deploy" / "compose" / "secrets" / "key").read_text().strip() == DEFAULT_KEY


def test_the_emulated_api_is_started_by_a_command_that_the_program_takes(services: Services) -> None:
    command = services["api"]["command"]
    assert command[0] == "emulator"
    named_commands.parse(command)


def test_prometheus_asks_the_port_the_bridge_listens_on(root: Path) -> None:
    scraped = yaml.safe_load((root / "deploy" / "compose" / "prometheus.yaml").read_text())["scrape_configs"]
    (target,) = scraped[0]["dns_sd_configs"]
    assert (target["names"], target["port"]) == (["bridge"], 9464)


def test_the_alerts_are_those_of_the_chart(root: Path) -> None:
    if not (root / "helm" / "track-bridge" / "rules").exists():
        pytest.skip("there is no chart in this checkout")
    written = subprocess.run(
        [sys.executable, root / "scripts" / "compose-rules"], check=True, capture_output=True, text=True
    ).stdout
    assert (root / "deploy" / "compose" / "rules.yaml").read_text() == written, "run `make compose-rules`"
    assert not re.search("@[A-Za-z]+@", written)
