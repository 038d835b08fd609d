"""What a newcomer finds: events at once, one dead letter of each kind, and no backlog before an own record."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from bridge.errors import Misuse
from bridge.playground import things
from bridge.playground.folder import Folder
from bridge.playground.scene import PlaygroundOptions, announced, free_port, stage
from bridge.playground.things import Announced
from tests.unit.playground.test_places import HERE

SHOP = PlaygroundOptions(Path("playground"))
OWN = (
    "kafka: {bootstrap_servers: 'k:9092', group_id: g, topics: [crm.people, crm.more], start_from: latest}\n"
    "track: {endpoint: 'https://analytex.userpilot.io'}\n"
    "dead_letter: {topic: g.dlq}\n"
    "mapping: {event_type: kind, user_id: who, events: {signup: {event_name: Signed Up}}}\n"
)


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
    config.write_text(OWN)
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


def test_a_topic_that_the_bridge_does_not_read_and_samples_without_a_record_are_refused(tmp_path: Path) -> None:
    config, samples = tmp_path / "own.yaml", tmp_path / "records.ndjson"
    config.write_text(OWN.replace("crm.more", "'^web[.].*'"))
    samples.write_text("\n")
    own = dataclasses.replace(SHOP, config=config)
    with pytest.raises(Misuse, match=r"--topic: the bridge would not read other: kafka\.topics has crm\.people, \^web"):
        stage(dataclasses.replace(own, topic="other"))
    with pytest.raises(Misuse, match=rf"--samples: {samples} has no record"):
        stage(dataclasses.replace(own, samples=(str(samples),)))
    assert stage(dataclasses.replace(own, topic="web.shop")).sources == ["crm.people", "web.shop"]


def test_a_configuration_that_is_not_there_is_named_once(tmp_path: Path) -> None:
    with pytest.raises(Misuse) as refused:
        stage(dataclasses.replace(SHOP, config=tmp_path / "nope.yaml"))
    assert str(refused.value).splitlines() == [str(refused.value)]
    assert str(refused.value).startswith(f"{tmp_path}/nope.yaml: does not exist")


def test_the_start_says_what_is_in_the_folder_and_what_an_edit_takes(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "playground")
    shop = Announced(HERE, folder, None, ["shop.orders"], [], None, 1.0)
    own = dataclasses.replace(shop, own=Path("bridge.yaml"))
    assert things.addresses(shop, has_console=True)[-1].endswith("playground, with bridge.yaml to edit, the logs")
    assert things.addresses(own, has_console=True)[-1].endswith("playground, with the logs")
    edit = "change an event_name, in its route and in the examples that expect it; save"
    assert edit in [what for what, _ in things.ten(own, Path("bridge.yaml"), is_shop=False)]


def test_on_a_narrow_terminal_the_start_is_broken_between_words_and_what_is_copied_is_not(tmp_path: Path) -> None:
    own = Announced(HERE, Folder(tmp_path / "play"), Path("bridge.yaml"), ["mine"], [], None, 1.0)
    wide, narrow = (things.announcement(own, has_console=True, seconds=3.0, room=room) for room in (500, 60))
    assert narrow.split() == wide.split()
    commands = [line for _, typed in things.ten(own, Path("bridge.yaml"), is_shop=False) for line in typed]
    assert {f"     {line}" for line in commands} <= set(narrow.splitlines())
    prose = [line for line in narrow.splitlines() if line.strip() not in commands and str(tmp_path) not in line]
    assert max(map(len, prose)) <= 60 < max(map(len, wide.splitlines()))


def test_a_record_to_post_that_is_too_long_for_a_command_lies_in_the_folder_and_goes_with_it(tmp_path: Path) -> None:
    config, samples = tmp_path / "own.yaml", tmp_path / "records.ndjson"
    config.write_text(OWN)
    long = '{"kind":"signup","who":"%s"}' % ("a" * 300)
    samples.write_text(f"{long}\n")
    own = dataclasses.replace(SHOP, config=config, samples=(str(samples),))
    with Folder(tmp_path / "playground") as folder:
        typed = things.posting(announced(own, stage(own), folder, HERE))
        assert typed == f"--data-binary @{tmp_path}/playground/record.json"
        assert folder.record.read_text() == long
    assert not folder.path.exists()


def test_without_samples_the_record_to_post_is_an_examples(tmp_path: Path) -> None:
    config = tmp_path / "own.yaml"
    config.write_text(OWN.replace("{signup: {event_name: Signed Up}}", "{signup: drop}"))
    own = dataclasses.replace(SHOP, config=config)
    with Folder(tmp_path / "playground") as folder:
        assert things.posting(announced(own, stage(own), folder, HERE)) == "-d '{}'"
        example = "examples: [{name: e, input: {kind: signup}, expect: {dropped: rule}}]"
        config.write_text(config.read_text().replace("mapping: {", f"mapping: {{{example}, "))
        assert things.posting(announced(own, stage(own), folder, HERE)) == """-d '{"kind":"signup"}'"""


def test_an_address_of_another_machine_is_refused() -> None:
    with pytest.raises(Misuse, match=r"192\.0\.2\.1 is no address of this machine"):
        free_port("192.0.2.1", 0)
