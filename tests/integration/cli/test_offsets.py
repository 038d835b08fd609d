"""`track-bridge offsets` on a real Kafka: what retention took, a group that lives, and where a bridge reads on."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Consumer, TopicCollection, TopicPartition

from bridge.cli.frame import startup
from bridge.formats import offset_map
from bridge.formats.commit_mark import unmarked
from bridge.formats.offset_map import Demand, Head
from bridge.kafka import topic_ids
from bridge.kafka.admin import offset_writer
from bridge.model import TopicPartition as Partition
from tests.integration.cli.conftest import Ran
from tests.support.kafka.client import Kafka

Cli = Callable[..., Ran]
Config = Callable[..., str]


@pytest.fixture
def names(kafka: Kafka) -> dict[str, str]:
    topic = kafka.create_topic("orders", partitions=2)
    return {"bootstrap": kafka.bootstrap, "topic": topic, "letters": kafka.name("dlq"), "group": kafka.name("group")}


def commit(names: dict[str, str], *offsets: TopicPartition) -> None:
    consumer = Consumer({"bootstrap.servers": names["bootstrap"], "group.id": names["group"], "log_level": 0})
    consumer.commit(offsets=list(offsets), asynchronous=False)
    consumer.close()


def fill(kafka: Kafka, topic: str, *, count: int, deleted_below: int) -> None:
    kafka.produce(topic, [(None, b"{}")] * count, partition=0)
    if deleted_below:
        (deleted,) = kafka.admin.delete_records([TopicPartition(topic, 0, deleted_below)]).values()
        deleted.result(30)


@contextmanager
def member(names: dict[str, str], protocol: str) -> Iterator[None]:
    consumer = Consumer(
        {
            "bootstrap.servers": names["bootstrap"],
            "group.id": names["group"],
            "client.id": "somebody",
            "group.protocol": protocol,
            "enable.auto.commit": False,
            "log_level": 0,
        }
    )
    try:
        consumer.subscribe([names["topic"]])
        deadline = time.monotonic() + 60
        while not consumer.assignment():
            assert time.monotonic() < deadline, "the member is given no partition"
            consumer.poll(0.2)
        yield
    finally:
        consumer.close()


def shown(cli: Cli, path: str, partition: str) -> tuple[int, dict[str, Any]]:
    ran = cli("offsets", "show", partition, "--json", "-c", path)
    (found,) = json.loads(ran.out)["partitions"]
    return ran.code, found


def test_a_position_that_retention_overtook_is_set_and_its_loss_is_accepted_by_number(
    cli: Cli, config: Config, kafka: Kafka, names: dict[str, str]
) -> None:
    path, where = config(**names), f"{names['topic']}/0"
    fill(kafka, names["topic"], count=20, deleted_below=12)
    commit(names, TopicPartition(names["topic"], 0, 5))

    code, found = shown(cli, path, where)
    assert (code, found["problem"], found["committed"], found["log_start"]) == (1, "out_of_range", 5, 12)

    refused = cli("offsets", "set", where, "--to", "earliest", "--yes", "-c", path)
    assert refused.code == 2
    assert "passes up to 7 records that are not done" in refused.err
    assert "7 of them are gone from the log already" in refused.err
    assert cli("offsets", "set", where, "--to", "earliest", "--accept-loss", "6", "--yes", "-c", path).code == 2
    assert shown(cli, path, where)[1]["committed"] == 5

    ran = cli("offsets", "set", where, "--to", "earliest", "--accept-loss", "7", "--yes", "-c", path)
    assert ran.code == 0, ran.err
    told = json.loads(ran.err)
    assert (told["event"], told["from"], told["to"], told["passed"]) == ("position_set", 5, 12, 7)
    assert told["command"] == "track-bridge offsets set"
    code, found = shown(cli, path, where)
    assert (code, found["problem"], found["committed"], found["lag"]) == (0, None, 12, 8)


def test_what_a_commit_says_is_done_stays_done_above_the_new_position(
    cli: Cli, config: Config, kafka: Kafka, names: dict[str, str]
) -> None:
    path, where = config(**names), f"{names['topic']}/0"
    fill(kafka, names["topic"], count=20, deleted_below=0)
    described = shown(cli, path, where)[1]
    assert described["committed"] is None
    # 3 open, 4 to 6 done, 7 open, 8 and 9 done; made by a bridge, which names the topic's id.
    identity = _identity(kafka, names["topic"])
    text = offset_map.encode(
        3, (1, 3, 1, 2), leader_epoch=0, topic_id=identity, demand=Demand(0, 0), head=Head(), max_length=3000
    )
    commit(names, TopicPartition(names["topic"], 0, 3, text, leader_epoch=0))
    assert shown(cli, path, where)[1]["done_above"] == [[4, 7], [8, 10]]

    ran = cli("offsets", "set", where, "--to", "4", "--accept-loss", "1", "--yes", "--json", "-c", path)

    assert ran.code == 0, ran.err
    (changed,) = json.loads(ran.out)["partitions"]
    assert (changed["to"], changed["passed"], changed["repeated"]) == (7, 1, 0)
    _, found = shown(cli, path, where)
    assert (found["committed"], found["done_above"], found["problem"]) == (7, [[8, 10]], None)
    _, metadata = kafka.committed(names["group"], names["topic"])[names["topic"], 0]
    assert offset_map.decode(unmarked(metadata)) is not None


def _identity(kafka: Kafka, topic: str) -> str:
    return topic_ids.of(kafka.admin.describe_topics(TopicCollection([topic]))[topic].result(30))


@pytest.mark.parametrize("protocol", ["classic", "consumer"])
def test_a_group_with_a_member_is_never_overruled_and_the_member_is_named(
    cli: Cli, config: Config, kafka: Kafka, names: dict[str, str], protocol: str
) -> None:
    path, where = config(**names), f"{names['topic']}/0"
    fill(kafka, names["topic"], count=20, deleted_below=0)
    commit(names, TopicPartition(names["topic"], 0, 5))
    with member(names, protocol):
        ran = cli("offsets", "set", where, "--to", "2", "--yes", "-c", path)
        assert ran.code == 2
        assert "has members (somebody at " in ran.err
        assert "Stop every replica, run this again" in ran.err

        kafka_section = startup.load(Path(path)).config.kafka
        with pytest.raises(offset_writer.GroupHasMembersError):
            offset_writer.write(kafka_section, {Partition(names["topic"], 0): (2, "")}, logging.getLogger("test"))
    assert shown(cli, path, where)[1]["committed"] == 5

    assert cli("offsets", "set", where, "--to", "2", "--yes", "-c", path).code == 0
    assert shown(cli, path, where)[1]["committed"] == 2


def test_a_time_is_the_first_record_at_or_after_it_and_all_of_a_topic_moves(
    cli: Cli, config: Config, kafka: Kafka, names: dict[str, str]
) -> None:
    path = config(**names)
    fill(kafka, names["topic"], count=20, deleted_below=0)
    commit(names, TopicPartition(names["topic"], 0, 5), TopicPartition(names["topic"], 1, 0))

    ran = cli("offsets", "set", names["topic"], "--to", "2020-01-01T00:00:00Z", "--yes", "--json", "-c", path)

    assert ran.code == 0, ran.err
    assert [(each["partition"], each["to"], each["repeated"]) for each in json.loads(ran.out)["partitions"]] == [
        (0, 0, 5)
    ]
    assert cli("offsets", "set", names["topic"], "--to", "99", "--yes", "-c", path).code == 2
    assert cli("offsets", "set", f"{names['topic']}/2", "--to", "0", "--yes", "-c", path).code == 2
    assert cli("offsets", "set", "elsewhere", "--to", "0", "--yes", "-c", path).code == 2
