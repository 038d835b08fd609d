"""`track-bridge offsets` as a program: what it prints, and what it does not do unasked."""

import json
from collections.abc import Callable

import pytest
from confluent_kafka import Consumer, TopicPartition

from bridge.sandbox.broker import EmbeddedKafka
from tests.component.cli.conftest import TOPIC, Cli

Config = Callable[..., str]
Produce = Callable[..., None]


@pytest.fixture
def committed(kafka: EmbeddedKafka, produce: Produce) -> None:
    """Ten records in partition 1, of which the group has done four."""
    produce(1, *[b"{}"] * 10)
    consumer = Consumer({"bootstrap.servers": kafka.bootstrap, "group.id": "cli", "log_level": 0})
    consumer.commit(offsets=[TopicPartition(TOPIC, 1, 4)], asynchronous=False)
    consumer.close()


async def position(cli: Cli, path: str) -> int:
    ran = await cli("offsets", "show", f"{TOPIC}/1", "--json", "-c", path)
    (found,) = json.loads(ran.out)["partitions"]
    return int(found["committed"])


@pytest.mark.usefixtures("committed")
async def test_each_partition_has_its_row(cli: Cli, config: Config) -> None:
    ran = await cli("offsets", "show", "-c", config())
    assert ran.code == 0, ran.err
    rows = [line.split() for line in ran.out.splitlines() if line.startswith(TOPIC)]
    assert [row[:5] for row in rows] == [
        [f"{TOPIC}/0", "none", "0", "0", "0"],
        [f"{TOPIC}/1", "4", "0", "10", "6"],
        [f"{TOPIC}/2", "none", "0", "0", "0"],
    ]


@pytest.mark.usefixtures("committed")
async def test_nothing_is_set_unasked_or_at_a_loss_that_nobody_accepted(cli: Cli, config: Config) -> None:
    path = config()
    unasked = await cli("offsets", "set", f"{TOPIC}/1", "--to", "2", "-c", path)
    assert (unasked.code, "add --yes" in unasked.err) == (2, True)
    dry = await cli("offsets", "set", f"{TOPIC}/1", "--to", "end", "--dry-run", "-c", path)
    assert (dry.code, "Add --accept-loss 6" in dry.err) == (0, True)
    lossy = await cli("offsets", "set", f"{TOPIC}/1", "--to", "end", "--accept-loss", "5", "--yes", "-c", path)
    assert (lossy.code, "passes up to 6 records" in lossy.err) == (2, True)
    outside = await cli("offsets", "set", f"{TOPIC}/1", "--to", "11", "--accept-loss", "99", "--yes", "-c", path)
    assert (outside.code, f"{TOPIC}/1 has 0 to 10" in outside.err) == (2, True)
    for where, to in ((f"{TOPIC}/{'1' * 5000}", "2"), (f"{TOPIC}/1", "1" * 5000)):
        endless = await cli("offsets", "set", where, "--to", to, "--yes", "-c", path)
        assert (endless.code, "defect" in endless.err) == (2, False), endless.err[-300:]
    assert await position(cli, path) == 4

    ran = await cli("offsets", "set", f"{TOPIC}/1", "--to", "end", "--accept-loss", "6", "--yes", "-c", path)
    assert ran.code == 0, ran.err
    assert await position(cli, path) == 10
    again = await cli("offsets", "set", f"{TOPIC}/1", "--to", "end", "--yes", "-c", path)
    assert (again.code, again.out) == (0, "The committed offset is there already.\n")


@pytest.mark.slow(reason="waits until the client gives up brokers that do not answer", seconds=10)
async def test_brokers_that_are_not_there_are_3(cli: Cli, config: Config) -> None:
    path = config(bootstrap="127.0.0.1:1")
    assert (await cli("offsets", "show", "-c", path)).code == 3
    assert (await cli("offsets", "set", TOPIC, "--to", "earliest", "--yes", "-c", path)).code == 3
