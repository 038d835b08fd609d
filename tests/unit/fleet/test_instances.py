"""Whom to ask: addresses as they are named, and every address of a name."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import yaml

from bridge.config import load
from bridge.fleet import instances


async def test_a_name_stands_for_all_its_addresses_each_once() -> None:
    asked: list[tuple[str, int]] = []

    async def resolve(host: str, port: int) -> Sequence[str]:
        asked.append((host, port))
        return ["10.0.0.2", "10.0.0.1", "fd00::1"]

    found = await instances.addresses(["dns+http://bridges:9464", "http://10.0.0.1:9464", "http://x:1"], resolve)
    assert found.addresses == ("http://10.0.0.1:9464", "http://10.0.0.2:9464", "http://[fd00::1]:9464", "http://x:1")
    assert found.problems == ()
    assert asked == [("bridges", 9464)]


async def test_a_name_without_an_address_is_shown_with_the_reason_and_takes_nothing_from_the_others() -> None:
    async def resolve(host: str, _port: int) -> Sequence[str]:
        if host == "gone":
            raise OSError(-2, "Name or service not known")
        raise TimeoutError

    found = await instances.addresses(["dns+http://gone:9464", "dns+http://slow:9464", "http://x:1"], resolve)
    assert found.addresses == ("http://x:1",)
    gone, slow = found.problems
    assert "The name gone has no address (Name or service not known)" in (gone.problem or "")
    assert "publishNotReadyAddresses" in (gone.problem or "")
    assert "no answer in time" in (slow.problem or "")


async def test_names_are_resolved_by_the_system() -> None:
    assert "127.0.0.1" in await instances.resolve("localhost", 9464)


def test_left_out_the_bridge_on_this_machine_is_asked(tmp_path: Path) -> None:
    document = {
        "kafka": {"bootstrap_servers": "kafka.example:9092", "group_id": "shop", "topics": ["orders"]},
        "track": {"endpoint": "https://analytex.userpilot.io", "api_key": "NX-key"},
        "dead_letter": {"topic": "shop.dlq"},
        "mapping": {"events": {"order": {"event_name": "Order"}}},
        "observability": {"listen": "0.0.0.0:9999"},
    }
    path = tmp_path / "bridge.yaml"
    path.write_text(yaml.safe_dump(document))
    loaded = load.read(path, {})
    assert loaded.config is not None, loaded.problems
    assert instances.configured(loaded.config) == ("http://127.0.0.1:9999",)
