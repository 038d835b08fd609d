"""Logins and permissions as a secured cluster gives them."""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from confluent_kafka.admin import AclOperation, ResourceType

from tests.integration.cli.conftest import Ran
from tests.integration.conftest import KafkaFactory
from tests.support.kafka.client import OwnKafka
from tests.support.kafka.settings import PASSWORDS

Cli = Callable[..., Ran]
Config = Callable[..., str]


@pytest.fixture(scope="module")
def secured() -> Iterator[OwnKafka]:
    with ExitStack() as stack:
        yield KafkaFactory(stack)(sasl=True, acl=True)


def _login(user: str, password: str) -> dict[str, str]:
    return {
        "security.protocol": "SASL_PLAINTEXT",
        "sasl.mechanism": "PLAIN",
        "sasl.username": user,
        "sasl.password": password,
    }


def _names(kafka: OwnKafka) -> dict[str, str]:
    topic = kafka.create_topic("orders", partitions=2)
    letters = kafka.create_topic("dlq", partitions=2)
    kafka.create_topic_named(f"{letters}.resolutions", 2, cleanup_policy="compact")
    return {"bootstrap": kafka.sasl_bootstrap, "topic": topic, "letters": letters, "group": kafka.name("group")}


@pytest.mark.parametrize("command", [("check",), ("map", "--from-topic"), ("topics", "create", "--yes")])
def test_a_wrong_password_is_one_sentence_at_once(
    cli: Cli, config: Config, secured: OwnKafka, command: tuple[str, ...]
) -> None:
    ran = cli(*command, "-c", config(**_names(secured), properties=_login("alice", "not-her-secret")))
    assert ran.code == 3
    said = ran.out + ran.err
    assert "uthentication failed" in said
    assert "not-her-secret" not in said


def _permissions(ran: Ran) -> list[tuple[str, str]]:
    findings = json.loads(ran.out)["findings"]
    return [(each["level"], each["what"]) for each in findings if each["area"] == "Permissions"]


def test_missing_permissions_are_named_one_by_one(cli: Cli, config: Config, secured: OwnKafka) -> None:
    names = _names(secured)
    for topic in (names["topic"], names["letters"], f"{names['letters']}.resolutions"):
        secured.allow("alice", AclOperation.DESCRIBE, ResourceType.TOPIC, topic)
    secured.allow("alice", AclOperation.DESCRIBE, ResourceType.GROUP, names["group"])
    ran = cli("check", "--json", "-c", config(**names, properties=_login("alice", PASSWORDS["alice"])))
    found = _permissions(ran)
    assert ("problem", f"This user may not READ the topic {names['topic']}.") in found
    assert ("problem", f"This user may not WRITE the topic {names['letters']}.") in found


def test_the_permissions_the_bridge_needs_are_enough(cli: Cli, config: Config, secured: OwnKafka) -> None:
    names = _names(secured)
    secured.allow("alice", AclOperation.READ, ResourceType.TOPIC, names["topic"])
    secured.allow("alice", AclOperation.READ, ResourceType.GROUP, names["group"])
    secured.allow("alice", AclOperation.WRITE, ResourceType.TOPIC, names["letters"], prefixed=True)
    ran = cli("check", "--json", "-c", config(**names, properties=_login("alice", PASSWORDS["alice"])))
    assert [level for level, _ in _permissions(ran)] == ["ok"], _permissions(ran)


def test_a_topic_that_may_not_be_seen_counts_as_missing(cli: Cli, config: Config, secured: OwnKafka) -> None:
    ran = cli("check", "--json", "-c", config(**_names(secured), properties=_login("alice", PASSWORDS["alice"])))
    assert "or this user may not see it" in ran.out


def test_who_may_only_look_sees_positions_and_sets_none_and_the_bridges_own_permissions_are_enough_to_set(
    cli: Cli, config: Config, secured: OwnKafka
) -> None:
    names = _names(secured)
    secured.allow("alice", AclOperation.DESCRIBE, ResourceType.TOPIC, names["topic"])
    secured.allow("alice", AclOperation.DESCRIBE, ResourceType.GROUP, names["group"])
    path = config(**names, properties=_login("alice", PASSWORDS["alice"]))
    assert cli("offsets", "show", "-c", path).code == 0
    denied = cli("offsets", "set", names["topic"], "--to", "earliest", "--yes", "-c", path)
    assert denied.code == 2
    assert "Grant it READ on the group and on the topic" in denied.err

    secured.allow("alice", AclOperation.READ, ResourceType.GROUP, names["group"])
    denied = cli("offsets", "set", names["topic"], "--to", "earliest", "--yes", "-c", path)
    assert denied.code == 2
    assert "Grant it READ on the group and on the topic" in denied.err

    secured.allow("alice", AclOperation.READ, ResourceType.TOPIC, names["topic"])
    ran = cli("offsets", "set", names["topic"], "--to", "earliest", "--yes", "-c", path)
    assert ran.code == 0, ran.err
