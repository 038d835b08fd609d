"""`track-bridge backfill plan` as a program: what it makes, sets, and refuses."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from confluent_kafka import Consumer, TopicPartition

from bridge.formats import offset_map
from bridge.sandbox.broker import EmbeddedKafka
from tests.component.cli.conftest import TOPIC, Cli

Config = Callable[..., str]
Produce = Callable[..., None]


@pytest.fixture
def records(produce: Produce) -> None:
    """Ten in partition 0, five in partition 1."""
    produce(0, *[b"{}"] * 10)
    produce(1, *[b"{}"] * 5)


def commit(kafka: EmbeddedKafka, *positions: tuple[int, int], text: str = "") -> None:
    consumer = Consumer({"bootstrap.servers": kafka.bootstrap, "group.id": "cli", "log_level": 0})
    wanted = [TopicPartition(TOPIC, partition, offset, text) for partition, offset in positions]
    consumer.commit(offsets=wanted, asynchronous=False)
    consumer.close()


def committed(kafka: EmbeddedKafka) -> list[int]:
    consumer = Consumer({"bootstrap.servers": kafka.bootstrap, "group.id": "cli", "log_level": 0})
    found = [each.offset for each in consumer.committed([TopicPartition(TOPIC, number) for number in range(3)], 10)]
    consumer.close()
    return found


def work_text(offset: int) -> str:
    """As a bridge at work commits it."""
    demand, head = offset_map.Demand(0, 1), offset_map.Head()
    return offset_map.encode(offset, (), leader_epoch=None, topic_id="", demand=demand, head=head, max_length=999)


@pytest.mark.usefixtures("records")
async def test_a_cut_makes_the_group_begin_where_history_ends(
    cli: Cli, config: Config, kafka: EmbeddedKafka, tmp_path: Path
) -> None:
    folder = tmp_path / "run"

    ran = await cli("backfill", "plan", str(folder), "--cut", "-c", config())

    assert (ran.code, ran.err) == (0, "")
    assert committed(kafka) == [10, 5, 0]
    manifest = json.loads((folder / "manifest.json").read_text())
    assert [(each["start"], each["end"]) for each in manifest["ranges"]] == [(0, 10), (0, 5), (0, 0)]
    assert stat.S_IMODE((folder / "manifest.json").stat().st_mode) == 0o600
    assert f"15 offsets planned in {folder}." in ran.out

    again = await cli("backfill", "plan", str(tmp_path / "again"), "-c", config())
    assert again.code == 0, "the cut is where the group begins, and history ends there once more"
    shown = await cli("offsets", "show", "-c", config())
    assert (shown.code, "held" in shown.out) == (0, False)


@pytest.mark.usefixtures("records")
async def test_a_dry_run_makes_and_sets_nothing(cli: Cli, config: Config, kafka: EmbeddedKafka, tmp_path: Path) -> None:
    ran = await cli("backfill", "plan", str(tmp_path / "run"), "--cut", "--dry-run", "-c", config())

    assert ran.code == 0
    assert committed(kafka) == [-1001] * 3
    assert not (tmp_path / "run").exists()


@pytest.mark.usefixtures("records")
async def test_no_api_key_is_needed(cli: Cli, config: Config, tmp_path: Path, key_file: Path) -> None:
    path = config(f"api_key_file: {key_file}", "api_key: ${NO_SUCH_KEY}")
    refused = await cli("check", "-c", path)
    assert "NO_SUCH_KEY" in refused.err, "where a key is needed"

    ran = await cli("backfill", "plan", str(tmp_path / "run"), "--cut", "-c", path)

    assert (ran.code, ran.err) == (0, "")


@pytest.mark.usefixtures("records")
async def test_where_the_group_has_not_begun_a_cut_is_asked_for(cli: Cli, config: Config, tmp_path: Path) -> None:
    ran = await cli("backfill", "plan", str(tmp_path / "run"), "-c", config())

    assert ran.code == 2
    assert "shop.orders/0: the group has no committed offset here" in ran.err
    assert "--cut" in ran.err
    assert not (tmp_path / "run" / "manifest.json").exists()


@pytest.mark.usefixtures("records")
async def test_what_a_bridge_has_delivered_is_no_history(
    cli: Cli, config: Config, kafka: EmbeddedKafka, tmp_path: Path
) -> None:
    commit(kafka, (0, 8), text=work_text(8))
    commit(kafka, (1, 5), (2, 0))

    refused = await cli("backfill", "plan", str(tmp_path / "run"), "-c", config())
    assert refused.code == 2
    assert "shop.orders/0: a bridge of the group has delivered up to offset 8" in refused.err

    known = await cli(
        "backfill",
        "plan",
        str(tmp_path / "run"),
        "--topic",
        f"{TOPIC}/0",
        "--to",
        "6",
        "--live-since",
        "6",
        "-c",
        config(),
    )
    assert (known.code, known.err) == (0, "")


@pytest.mark.usefixtures("records")
async def test_below_an_offset_that_was_set_from_outside_nothing_is_history_until_it_is_said(
    cli: Cli, config: Config, kafka: EmbeddedKafka, tmp_path: Path
) -> None:
    """Kafka's own tool, after a year of work as well as before any: the commit is the same."""
    commit(kafka, (0, 8), (1, 5), (2, 0))
    folder = str(tmp_path / "run")

    refused = await cli("backfill", "plan", folder, "-c", config())
    assert refused.code == 2
    assert "shop.orders/0: nothing in Kafka says whether a bridge of the group has delivered what is below" in (
        refused.err
    )
    assert "--live-since group" in refused.err

    told = await cli("backfill", "plan", folder, "--live-since", "group", "-c", config())
    assert (told.code, told.err) == (0, "")
    assert f"13 offsets planned in {folder}." in told.out


@pytest.mark.usefixtures("records")
async def test_a_time_since_when_is_refused_where_the_bridge_began_with_all_there_was(
    cli: Cli, config: Config, kafka: EmbeddedKafka, tmp_path: Path
) -> None:
    commit(kafka, (0, 8), text=work_text(8))
    ran = await cli(
        "backfill",
        "plan",
        str(tmp_path / "run"),
        "--topic",
        f"{TOPIC}/0",
        "--live-since",
        "2026-06-01T00:00:00Z",
        "-c",
        config(),
    )

    assert ran.code == 2
    assert "kafka.start_from is earliest" in ran.err
    assert not (tmp_path / "run" / "manifest.json").exists()


@pytest.mark.usefixtures("records")
async def test_the_ranges_of_an_earlier_run_are_planned_again_while_the_bridge_works(
    cli: Cli, config: Config, kafka: EmbeddedKafka, produce: Produce, tmp_path: Path
) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    assert (await cli("backfill", "plan", str(old), "--cut", "-c", config())).code == 0
    produce(0, *[b"{}"] * 3)
    commit(kafka, (0, 12), text=work_text(12))
    other = config("amount: data.amount", "amount: data.total")
    assert "--ranges-of" in (await cli("backfill", "write", str(old), "-c", other)).err

    refused = await cli("backfill", "plan", str(new), "--ranges-of", str(old), "--to", "5", "-c", other)
    ran = await cli("backfill", "plan", str(new), "--ranges-of", str(old), "-c", other)

    assert refused.code == 2
    assert "leave --to out" in refused.err
    assert (ran.code, ran.err) == (0, "")
    manifest = json.loads((new / "manifest.json").read_text())
    assert [(each["start"], each["end"]) for each in manifest["ranges"]] == [(0, 10), (0, 5), (0, 0)]
    assert manifest["mapping_hash"] != json.loads((old / "manifest.json").read_text())["mapping_hash"]
    assert (await cli("backfill", "write", str(new), "-c", other)).code == 0


@pytest.mark.usefixtures("records")
async def test_a_group_with_members_is_not_made_to_begin(
    cli: Cli, config: Config, kafka: EmbeddedKafka, tmp_path: Path
) -> None:
    member = Consumer({"bootstrap.servers": kafka.bootstrap, "group.id": "cli", "log_level": 0})
    member.subscribe([TOPIC])
    while not member.assignment():
        member.poll(0.1)

    ran = await cli("backfill", "plan", str(tmp_path / "run"), "--cut", "-c", config())
    member.close()

    assert ran.code == 2
    assert "The group cli has members" in ran.err
    assert not (tmp_path / "run" / "manifest.json").exists()


async def test_a_topic_that_is_missing_is_named(cli: Cli, config: Config, tmp_path: Path) -> None:
    path = config("topics: [shop.orders]", "topics: [shop.orders, shop.gone]")

    ran = await cli("backfill", "plan", str(tmp_path / "run"), "--cut", "-c", path)

    assert ran.code == 2
    assert "The cluster has no topic shop.gone that this user may see" in ran.err
