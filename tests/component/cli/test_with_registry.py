"""`track-bridge map --from-topic`, `send` and `check` beside a schema registry."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bridge.sandbox.emulator import Emulator
from tests.component.cli.conftest import Cli
from tests.support.registry.orders import SCHEMA, order
from tests.support.registry.server import FakeRegistry

Config = Callable[..., str]
Produce = Callable[..., None]


@pytest.fixture
def registry() -> Iterator[FakeRegistry]:
    with FakeRegistry() as running:
        running.register("shop.orders-value", SCHEMA, id=42)
        yield running


def behind(config: Config, registry: FakeRegistry, amount: str = "data.amount") -> str:
    path = Path(config("mapping:\n", f"schema_registry: {{urls: ['{registry.url}']}}\nmapping:\n  decode: avro\n"))
    path.write_text(path.read_text().replace("amount: data.amount", f"amount: {amount}"))
    return str(path)


async def test_records_of_a_topic_are_mapped_with_one_look_up(
    cli: Cli, config: Config, produce: Produce, registry: FakeRegistry
) -> None:
    produce(0, order(42, "a"), order(42, "b"), order(7))
    ran = await cli("map", "--from-topic", "--json", "-c", behind(config, registry))
    document = json.loads(ran.out)
    assert (document["records"], document["requests"], document["dead_letters"]) == (3, 2, 1)
    assert sorted(registry.paths) == ["/schemas/ids/42", "/schemas/ids/7"]


async def test_one_record_is_sent_as_the_bridge_would(
    cli: Cli, config: Config, api: Emulator, registry: FakeRegistry, tmp_path: Path
) -> None:
    value = tmp_path / "value"
    value.write_bytes(order(42, "ada"))
    ran = await cli("send", str(value), "--raw", "--topic", "shop.orders", "--yes", "-c", behind(config, registry))
    assert ran.code == 0, ran.err
    assert [event.user_id for event in api.ledger.accepted] == ["ada"]


async def test_check_compares_the_mapping_with_the_newest_schema(
    cli: Cli, config: Config, produce: Produce, registry: FakeRegistry
) -> None:
    produce(0, order(42))
    ran = await cli("check", "--json", "-c", behind(config, registry, "data.amont"))
    found = [each for each in json.loads(ran.out)["findings"] if each["area"] == "Schemas"]
    assert [each["level"] for each in found] == ["ok", "ok", "warning", "warning"]
    assert "data.amont is not in the schema of shop.orders (shop.orders-value, schema id 42)" in found[2]["what"]
    assert found[2]["to_do"] == "write data.amount if that is meant, or correct the path"
    assert "data.recipient is not in the schema" in found[3]["what"]
