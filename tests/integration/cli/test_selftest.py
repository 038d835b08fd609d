"""`bridge selftest --bootstrap`: on somebody's own cluster, of which it leaves nothing changed."""

from __future__ import annotations

import json
from collections.abc import Callable

from confluent_kafka.admin import AdminClient

from tests.integration.cli.conftest import Ran
from tests.kafka.client import Kafka


def topics_of_the_selftest(kafka: Kafka) -> set[str]:
    fresh = AdminClient({"bootstrap.servers": kafka.bootstrap, "log_level": 0})
    return {name for name in fresh.list_topics(timeout=30).topics if name.startswith("bridge-selftest-")}


def groups_of_the_selftest(kafka: Kafka) -> set[str]:
    groups = kafka.admin.list_consumer_groups().result(timeout=30).valid or []
    return {group.group_id for group in groups if group.group_id.startswith("bridge-selftest-")}


def test_it_loses_nothing_and_takes_its_topics_and_its_group_away_again(kafka: Kafka, cli: Callable[..., Ran]) -> None:
    options = ("--events", "500", "--duration", "10", "--seed", "2", "--json")
    ran = cli("selftest", "--bootstrap", kafka.bootstrap, *options)
    found = json.loads(ran.out)
    assert (ran.code, found["problems"]) == (0, [])
    assert (found["lost"], found["order_violations"], found["records"]) == (0, 0, 500)
    assert found["skipped"] == ["broker_down", "letters_refused"]
    assert not topics_of_the_selftest(kafka)
    assert not groups_of_the_selftest(kafka)
