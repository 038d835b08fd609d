"""What a newcomer finds: events at once, one dead letter of each kind, and no backlog before an own record."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from bridge.errors import Misuse
from bridge.playground.scene import PlaygroundOptions, free_port, stage

SHOP = PlaygroundOptions(Path("playground"))


def test_the_shop_begins_with_one_dead_letter_of_each_kind_behind_few_events() -> None:
    found = stage(SHOP)
    *_, no_user, refused, broken = found.records
    assert len(found.records) <= 60
    assert "user_id" not in json.loads(no_user.value or b"")["data"]
    assert json.loads(refused.value or b"")["type"] == "order.imported"
    with pytest.raises(ValueError, match="Expecting"):
        json.loads(broken.value or b"")
    assert found.sources == ["shop.orders", "shop.accounts", "app.activity"]


def test_records_without_a_mapping_that_reads_them_are_refused() -> None:
    with pytest.raises(Misuse, match="--samples and --topic need --config"):
        stage(dataclasses.replace(SHOP, samples=("orders.ndjson",)))


def test_records_of_ones_own_are_of_the_first_topic_unless_it_is_said(tmp_path: Path) -> None:
    config, samples = tmp_path / "own.yaml", tmp_path / "records.ndjson"
    config.write_text(
        "kafka: {bootstrap_servers: 'k:9092', group_id: g, topics: [crm.people], start_from: latest}\n"
        "track: {endpoint: 'https://analytex.userpilot.io'}\n"
        "dead_letter: {topic: g.dlq}\n"
        "mapping: {event_type: kind, user_id: who, events: {signup: {event_name: Signed Up}}}\n"
    )
    samples.write_text('{"kind":"signup","who":"ann"}\n{"kind":"signup","who":"bob"}\n')
    own = dataclasses.replace(SHOP, config=config, samples=(str(samples),))
    assert [(each.topic, each.value) for each in stage(own).records] == [
        ("crm.people", b'{"kind":"signup","who":"ann"}'),
        ("crm.people", b'{"kind":"signup","who":"bob"}'),
    ]
    assert stage(dataclasses.replace(own, topic="crm.more")).sources == ["crm.people", "crm.more"]
    config.write_text(config.read_text().replace("events:", "evnts:"))
    with pytest.raises(Misuse, match="evnts"):
        stage(own)


def test_an_address_of_another_machine_is_refused() -> None:
    with pytest.raises(Misuse, match=r"192\.0\.2\.1 is no address of this machine"):
        free_port("192.0.2.1", 0)
