"""The image at work, with no right that the chart would not give it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import yaml

from bridge import __version__
from tests.image.conftest import Built
from tests.image.containers import RESTRICTED, restricted, running, script
from tests.image.facts import CONFIGURATION
from tests.support.kafka import choice
from tests.support.kafka.client import Kafka
from tests.support.kafka.launcher import free_ports

KEY = "NX-key-of-the-image-test"
ON_LOOPBACK = ("--network", "host")
"""The listeners of broker and emulator are on this machine's loopback, and so is the bridge's."""
DRAIN_BUDGET = 45
"""Seconds: `kafka.drain_timeout` and what docs/production.md asks to give on top."""


def test_it_prints_its_version(image: Built) -> None:
    assert restricted(image.engine, image.name, "--version") == f"track-bridge {__version__}\n"


def test_it_can_write_nowhere_but_to_the_temporary_folder_and_has_no_right(image: Built) -> None:
    source = """
import json, os, pathlib

def may_write(folder):
    try:
        pathlib.Path(folder, "x").write_text("")
    except OSError:
        return False
    return True

lines = pathlib.Path("/proc/self/status").read_text().splitlines()
status = dict(line.split(":\\t") for line in lines if ":\\t" in line)
print(json.dumps({
    "user": [os.getuid(), os.getgid()],
    "rights": [status[name] for name in ("CapEff", "CapBnd", "NoNewPrivs")],
    "writes": [each for each in ("/opt/track-bridge", "/etc/track-bridge", "/", "/var", "/tmp") if may_write(each)],
}))
"""
    found = json.loads(script(image.engine, image.name, source))
    assert found["user"] == [10001, 10001]
    assert found["rights"] == ["0" * 16, "0" * 16, "1"]
    assert found["writes"] == ["/tmp"]  # noqa: S108 - the mount of these tests


def test_a_mounted_configuration_is_checked_without_any_network(image: Built, tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    (tmp_path / "bridge.yaml").write_text(CONFIGURATION)
    mounted = ("--network", "none", "--volume", f"{tmp_path}:/etc/track-bridge:ro")
    restricted(image.engine, image.name, "check", "--offline", options=mounted)
    (tmp_path / "bridge.yaml").write_text(CONFIGURATION.replace("group_id: g, ", ""))
    refused = image.engine.try_to("run", "--rm", *RESTRICTED, *mounted, image.name, "check", "--offline")
    assert refused.returncode == 2
    assert b"kafka.group_id" in refused.stderr


def test_the_whole_demo_runs_in_it_without_a_network_and_without_a_writable_file(image: Built) -> None:
    result = json.loads(restricted(image.engine, image.name, "demo", "--json"))
    assert result["problems"] == []
    assert result["gap"] == 0
    assert result["delivered"] > 0


def test_the_console_serves_its_pages_its_style_and_its_script(image: Built, tmp_path: Path) -> None:
    (port,) = free_ports(1)
    text = f"{CONFIGURATION}console: {{listen: '127.0.0.1:{port}', instances: ['http://127.0.0.1:1']}}\n"
    etc = mounted(tmp_path / "etc", "/etc/track-bridge", "bridge.yaml", text)
    options = (*ON_LOOPBACK, "--no-healthcheck", "--volume", etc)
    with (
        running(image.engine, image.name, "console", options=options) as console,
        httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60, trust_env=False) as client,
    ):
        console.until("it listens", lambda: "console_listening" in console.logs())
        assert client.get("/livez").text == "ok\n"
        page = client.get("/")
        assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
        linked = re.findall(r'(?:href|src)="(/static/[^"?]+)', page.text)
        assert {Path(each).suffix for each in linked} >= {".css", ".js"}
        for each in linked:
            assert client.get(each).raise_for_status().content
        image.engine.run("stop", "--time", str(DRAIN_BUDGET), console.id)
        assert console.state()["ExitCode"] == 0


@pytest.fixture(scope="module")
def kafka() -> Iterator[Kafka]:
    try:
        with choice.shared_kafka() as found:
            yield found
    except choice.NoKafkaError as error:
        pytest.skip(str(error))


@pytest.fixture
def endpoint(image: Built) -> Iterator[str]:
    """The emulated Track API, from the same image."""
    (port,) = free_ports(1)
    arguments = ("-m", "bridge.sandbox.emulator", "--port", str(port), "--key", KEY)
    options = (*ON_LOOPBACK, "--entrypoint", "python", "--no-healthcheck")
    with running(image.engine, image.name, *arguments, options=options) as api:
        api.until("the API listens", lambda: f"http://127.0.0.1:{port}" in api.logs())
        yield f"http://127.0.0.1:{port}"


def test_it_delivers_an_event_of_a_real_kafka_turns_healthy_and_stops_in_order(
    image: Built, kafka: Kafka, endpoint: str, tmp_path: Path
) -> None:
    topic, letters, group = kafka.create_topic("orders", 1), kafka.name("letters"), kafka.name("group")
    kafka.produce(topic, [("u-1", b'{"type": "order.completed", "id": "e-1", "data": {"user": "u-1"}}')])
    configuration = {
        "kafka": {"bootstrap_servers": kafka.bootstrap, "group_id": group, "topics": [topic], "start_from": "earliest"},
        "track": {"endpoint": endpoint, "api_key_file": "/run/secrets/userpilot/key"},
        "dead_letter": {"topic": letters, "create": True},
        "mapping": {"user_id": "data.user", "events": {"order.completed": {"event_name": "Order Completed"}}},
        "observability": {"listen": "127.0.0.1:9464"},  # where the image's HEALTHCHECK asks
    }
    mounts = (
        mounted(tmp_path / "etc", "/etc/track-bridge", "bridge.yaml", yaml.safe_dump(configuration)),
        mounted(tmp_path / "key", "/run/secrets/userpilot", "key", f"{KEY}\n"),
    )
    options = (*ON_LOOPBACK, *(word for mount in mounts for word in ("--volume", mount)))
    with running(image.engine, image.name, options=(*options, "--health-interval", "1s")) as bridge:
        bridge.until("the event is delivered", lambda: accepted(endpoint) == ["u-1"])
        bridge.until("it is healthy", lambda: bridge.state()["Health"]["Status"] == "healthy")
        image.engine.run("stop", "--time", str(DRAIN_BUDGET), bridge.id)
        assert (bridge.state()["ExitCode"], bridge.state()["OOMKilled"]) == (0, False), bridge.logs()
        assert KEY not in bridge.logs()
    assert kafka.committed(group, topic)[topic, 0][0] == 1


def mounted(folder: Path, target: str, name: str, text: str) -> str:
    """A folder with one file, to be mounted there; the container's user may read it, whatever this one's umask says."""
    folder.mkdir(parents=True)
    (folder / name).write_text(text)
    (folder / name).chmod(0o644)
    for reached in (folder, folder.parent):
        reached.chmod(0o755)
    return f"{folder}:{target}:ro"


def accepted(endpoint: str) -> list[str]:
    """The users of the events that the API took."""
    lines = httpx.get(f"{endpoint}/_emulator/accepted", timeout=10, trust_env=False).text.splitlines()
    return [json.loads(line)["user_id"] for line in lines]
