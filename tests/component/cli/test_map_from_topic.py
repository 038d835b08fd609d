"""`track-bridge map --from-topic`: reads without anybody noticing."""

import json
from collections.abc import Callable

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient

from bridge.sandbox.broker import EmbeddedKafka
from bridge.sandbox.emulator import Emulator
from tests.component.cli.conftest import Cli

Config = Callable[..., str]
Produce = Callable[..., None]


def _order(user: str, amount: int = 1) -> bytes:
    return json.dumps({"type": "order.completed", "data": {"user_id": user, "amount": amount}}).encode()


async def test_the_outcomes_of_all_topics_are_counted(cli: Cli, config: Config, produce: Produce) -> None:
    produce(0, _order("a"), _order("b"), b"{broken")
    produce(1, _order("a"), b'{"type": "page.viewed"}', None)
    ran = await cli("map", "--from-topic", "--json", "-c", config())
    assert (ran.code, ran.err) == (1, "")
    document = json.loads(ran.out)
    assert (document["records"], document["requests"], document["dead_letters"]) == (6, 3, 1)
    assert {row["outcome"]: row["count"] for row in document["outcomes"]} == {
        "request": 3,
        "filtered: when": 3,
        "filtered: unmapped": 1,
        "filtered: tombstone": 1,
        "dead letter: undecodable": 1,
    }
    assert document["unmapped_types"] == {"page.viewed": 1}
    (route,) = document["metadata"].values()
    assert route["requests"] == 3
    assert route["keys"]["event_id"] == {"filled": 3, "by_default": 0, "obstacle": None}
    assert [(each["true"], each["false"], each["neither"]) for each in document["conditions"]] == [(0, 3, 0)]
    assert document["users_on_several_partitions"] == ["a"]


async def test_a_person_sees_a_histogram_and_a_sample_of_each_kind(cli: Cli, config: Config, produce: Produce) -> None:
    produce(0, _order("a"), b"{broken")
    ran = await cli("map", "shop.orders", "--from-topic", "-c", config())
    assert "2 records would make 1 request." in ran.out
    assert "shop.orders/0/1  (not decoded)" in ran.out
    assert '"user_id":"a"' in ran.out


async def test_the_newest_are_read_unless_the_oldest_are_asked_for(cli: Cli, config: Config, produce: Produce) -> None:
    produce(0, *(_order("u", amount) for amount in range(50)))

    async def read(*options: str) -> list[int]:
        ran = await cli("map", "--from-topic", "--limit", "5", "--json", "-c", config(), *options)
        samples = json.loads(ran.out)["samples"]
        assert json.loads(ran.out)["records"] == 5
        return [sample["outcomes"][0]["request"]["metadata"]["amount"] for sample in samples]

    assert await read() == [45]
    assert await read("--oldest") == [0]


async def test_nothing_is_sent_joined_or_committed(
    cli: Cli, config: Config, produce: Produce, kafka: EmbeddedKafka, api: Emulator
) -> None:
    produce(0, _order("a"))
    await cli("map", "--from-topic", "-c", config())
    admin = AdminClient({"bootstrap.servers": kafka.bootstrap, "log_level": 0})
    assert [group.group_id for group in admin.list_consumer_groups().result(10).valid] == []
    assert api.ledger.connections_opened == 0


async def test_an_empty_topic_is_no_failure(cli: Cli, config: Config) -> None:
    ran = await cli("map", "--from-topic", "-c", config())
    assert (ran.code, ran.out.splitlines()[0]) == (0, "No records: there is nothing to map.")


async def test_a_topic_that_is_not_there_is_named(cli: Cli, config: Config) -> None:
    ran = await cli("map", "nothing.here", "--from-topic", "-c", config())
    assert (ran.code, ran.err) == (2, "The cluster has no topic nothing.here that this user may see.\n")


@pytest.mark.slow(reason="waits until the client gives up brokers that do not answer", seconds=5)
async def test_without_a_broker_it_is_3(cli: Cli, config: Config) -> None:
    ran = await cli("map", "--from-topic", "-c", config(bootstrap="127.0.0.1:1"))
    assert ran.code == 3
    assert ran.err.startswith("Cannot connect to any broker in 127.0.0.1:1: ")


async def test_the_records_of_one_topic_are_mapped_as_if_they_were_of_another(
    cli: Cli, config: Config, produce: Produce, kafka: EmbeddedKafka
) -> None:
    kafka.create_topic("shop.orders.v2", 1)
    producer = Producer({"bootstrap.servers": kafka.bootstrap, "log_level": 0})
    producer.produce("shop.orders.v2", _order("v2"))
    producer.flush(10)
    produce(0, _order("a"))
    path = config()

    as_orders = await cli("map", "shop.orders.v2", "--from-topic", "--topic", "shop.orders", "--json", "-c", path)
    document = json.loads(as_orders.out)
    assert (document["records"], document["assumed_topic"]) == (1, "shop.orders")
    assert document["samples"][0]["record"] == "shop.orders/0/0"

    text = await cli("map", "shop.orders.v2", "--from-topic", "--topic", "shop.orders", "-c", path)
    assert text.out.startswith("The records of shop.orders.v2, as if they were of shop.orders:\n")
    chosen = await cli("map", "--from-topic", "--topic", "shop.orders", "--json", "-c", path)
    assert json.loads(chosen.out)["samples"][0]["outcomes"][0]["request"]["user_id"] == "a"
    assert json.loads(chosen.out)["assumed_topic"] is None
