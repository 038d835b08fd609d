"""`track-bridge topics create` and what `track-bridge check` says of topics that are not as they should be."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from confluent_kafka.admin import ConfigResource, ResourceType

from tests.integration.cli.conftest import Ran
from tests.support.kafka.client import Kafka
from tests.support.kafka.transactions import Transactions

Cli = Callable[..., Ran]
Config = Callable[..., str]


def _settings(kafka: Kafka, topic: str) -> dict[str, str]:
    resource = ConfigResource(ResourceType.TOPIC, topic)
    entries = kafka.admin.describe_configs([resource])[resource].result(timeout=30)
    return {name: entry.value for name, entry in entries.items()}


def _found(ran: Ran, area: str) -> list[tuple[str, str]]:
    document: dict[str, Any] = json.loads(ran.out)
    return [(each["level"], each["what"]) for each in document["findings"] if each["area"] == area]


@pytest.fixture
def names(kafka: Kafka) -> dict[str, str]:
    topic = kafka.create_topic("orders", partitions=3, max_message_bytes=2_000_000)
    return {"bootstrap": kafka.bootstrap, "topic": topic, "letters": kafka.name("dlq"), "group": kafka.name("group")}


def test_both_topics_are_made_with_the_right_settings_and_check_is_content(
    cli: Cli, config: Config, kafka: Kafka, names: dict[str, str]
) -> None:
    path, letters = config(**names), names["letters"]
    ran = cli("topics", "create", "--yes", "--retention", "14d", "-c", path)
    assert ran.code == 0, ran.err
    assert ran.out.splitlines()[-2:] == [f"{letters}: created.", f"{letters}.resolutions: created."]
    made = _settings(kafka, letters)
    assert (made["cleanup.policy"], made["retention.ms"]) == ("delete", str(14 * 86_400_000))
    assert int(made["max.message.bytes"]) > 2_000_000
    assert _settings(kafka, f"{letters}.resolutions")["cleanup.policy"] == "compact"
    checked = _found(cli("check", "--json", "-c", path), "Dead letters")
    assert checked == [("ok", f"{letters}: 3 partitions."), ("ok", f"{letters}.resolutions: 3 partitions.")]


def test_a_second_time_changes_nothing(cli: Cli, config: Config, kafka: Kafka, names: dict[str, str]) -> None:
    path = config(**names)
    assert cli("topics", "create", "--yes", "--retention", "14d", "-c", path).code == 0
    ran = cli("topics", "create", "--yes", "--retention", "3d", "--partitions", "9", "-c", path)
    assert ran.code == 0
    assert ran.out.count("exists and stays as it is") == 2
    assert _settings(kafka, names["letters"])["retention.ms"] == str(14 * 86_400_000)


def test_a_script_gets_what_became_of_each_topic_with_the_exit_code_of_the_text(
    cli: Cli, config: Config, names: dict[str, str]
) -> None:
    path, letters = config(**names), names["letters"]

    def results(*options: str) -> tuple[int, dict[str, str]]:
        ran = cli("topics", "create", "--json", "-c", path, *options)
        return ran.code, {each["topic"]: each["result"] for each in json.loads(ran.out)["topics"]}

    both = (letters, f"{letters}.resolutions")
    assert results("--dry-run") == (0, dict.fromkeys(both, "not_created"))
    assert results("--yes", "--replication-factor", "99") == (1, dict.fromkeys(both, "refused"))
    assert results("--yes") == (0, dict.fromkeys(both, "created"))
    assert results("--yes") == (0, dict.fromkeys(both, "exists"))


def test_a_dry_run_and_a_missing_yes_create_nothing(
    cli: Cli, config: Config, kafka: Kafka, names: dict[str, str]
) -> None:
    path = config(**names)
    dry = cli("topics", "create", "--dry-run", "-c", path)
    assert (dry.code, "retention.ms=2592000000" in dry.out) == (0, True)
    assert cli("topics", "create", "-c", path).code == 2
    assert names["letters"] not in kafka.admin.list_topics(timeout=10).topics


def test_a_refused_creation_is_a_finding_in_the_brokers_words(cli: Cli, config: Config, names: dict[str, str]) -> None:
    ran = cli("topics", "create", "--yes", "--replication-factor", "99", "-c", config(**names))
    assert ran.code == 1
    assert "not created: " in ran.out


def test_without_a_source_the_partitions_must_be_given(cli: Cli, config: Config, names: dict[str, str]) -> None:
    path = config(**{**names, "topic": "nothing-of-this-name"})
    ran = cli("topics", "create", "--yes", "-c", path)
    assert (ran.code, "give --partitions" in ran.err) == (2, True)
    assert cli("topics", "create", "--yes", "--partitions", "2", "-c", path).code == 0


@pytest.mark.parametrize("retention", ["30", "soon", "0d"])
def test_a_retention_that_is_none_is_one_sentence(
    cli: Cli, config: Config, names: dict[str, str], retention: str
) -> None:
    ran = cli("topics", "create", "--yes", "--retention", retention, "-c", config(**names))
    assert (ran.code, ran.err.startswith("--retention must be a duration")) == (2, True)


def test_topics_that_lose_letters_are_found(cli: Cli, config: Config, kafka: Kafka, names: dict[str, str]) -> None:
    letters = names["letters"]
    kafka.create_topic_named(letters, 1, cleanup_policy="compact", max_message_bytes=1000)
    kafka.create_topic_named(f"{letters}.resolutions", 2, cleanup_policy="delete")
    ran = cli("check", "--json", "-c", config(**names))
    found = _found(ran, "Dead letters")
    assert [level for level, _ in found] == ["ok", "warning", "problem", "warning", "ok", "problem", "problem"]
    assert "is compacted" in found[2][1]
    assert "takes records of 1,000 bytes at most" in found[3][1]


def test_the_forecast_knows_backlog_and_retention(
    cli: Cli, config: Config, kafka: Kafka, names: dict[str, str]
) -> None:
    topic = kafka.create_topic("short", partitions=1, retention_ms=120_000)
    kafka.produce(topic, [(None, b"{}")] * 3000)
    found = _found(cli("check", "--json", "-c", config(**{**names, "topic": topic})), "Forecast")
    assert found[0][1].startswith("3,000 records behind; at 600/min 5 min 0 s if all are mapped.")
    assert found[1][0] == "warning"
    assert "keeps records for 2 min 0 s" in found[1][1]


def test_an_age_leaves_what_came_since(cli: Cli, config: Config, kafka: Kafka, names: dict[str, str]) -> None:
    kafka.produce(names["topic"], [(None, b"{}")] * 7)
    found = _found(cli("check", "--json", "-c", config(**names, start_from="1h")), "Positions")
    assert found == [("ok", f"{names['topic']}: new to the group; kafka.start_from leaves 7 records to read.")]


def test_records_are_mapped_from_the_topic_and_the_group_stays_unknown(
    cli: Cli, config: Config, kafka: Kafka, names: dict[str, str]
) -> None:
    value = b'{"type": "order.completed", "data": {"user_id": "u-1"}}'
    kafka.produce(names["topic"], [("u-1", value)] * 20)
    ran = cli("map", "--from-topic", "--limit", "10", "--json", "-c", config(**names))
    assert (ran.code, json.loads(ran.out)["requests"]) == (0, 10)
    assert names["group"] not in {group.group_id for group in kafka.admin.list_consumer_groups().result(30).valid}


def test_a_transaction_that_hangs_is_a_problem_with_its_age_and_what_it_withholds_is_no_backlog(
    cli: Cli, config: Config, kafka: Kafka, names: dict[str, str]
) -> None:
    path, topic = config(**names), names["topic"]
    assert cli("topics", "create", "--yes", "-c", path).code == 0
    kafka.produce(topic, [("user", str(number)) for number in range(3)], partition=0)
    young, hangs = Transactions(kafka, topic, partition=1), Transactions(kafka, topic, partition=0)
    young.begin(["0"])
    hangs.begin(["3"], seconds_ago=7200.0)
    kafka.produce(topic, [("user", str(number)) for number in range(4, 106)], partition=0)
    found = _found(cli("check", "--json", "-c", path), "Positions")
    assert found[0] == ("ok", f"{topic}: new to the group; read from its beginning, 3 records.")
    [(level, what)] = found[1:]
    assert level == "problem"
    assert f"{topic}/0: a producer's transaction is open at the last stable offset 3 for 2 h" in what
    assert "none of the 103 records" in what
