"""The user's configuration as the self-test runs it: the same rules, and nothing of the user's own within reach."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from bridge.config import load
from bridge.config.sections import Config
from bridge.model import Outcomes, Record, Request
from bridge.sandbox.sample import SampleRecord
from bridge.selftest import surroundings
from bridge.selftest.events import BROKEN, NoEventError
from bridge.selftest.overrides import MARK, Site
from bridge.selftest.surroundings import ConfigurationUnderTest

PREFIX = "bridge-selftest-1."
KEY = "NX-the-users-own-key"
MAPPING: Mapping[str, Any] = {
    "user_id": "data.user",
    "max_age": "1h",
    "per_topic": {
        "^billing\\..*": {"event_type": "topic", "user_id": "key", "max_age": None},
        "accounts": {"max_age": "1m"},
    },
    "events": {
        "order.completed": [
            {"event_name": "Order Completed", "metadata": {"price": {"value": "${AMOUNT}"}}},
            {"event_name": "Gift Ordered", "user_id": "data.friend", "topics": ["orders"], "sample": "1%"},
        ],
        "account.created": {"event_name": "Account Created", "max_age": "1s"},
        "billing.invoices": {"event_name": "Invoice Paid"},
        "audit": "drop",
    },
    "examples": [
        {
            "name": "an order",
            "input": {"type": "order.completed", "data": {"user": "u-1", "friend": "u-2", "list": ["u-1"]}},
            "expect": [{"user_id": "u-1", "event_name": "Order Completed"}],
        },
        {
            "name": "an account",
            "record": {"topic": "accounts", "value": {"type": "account.created", "data": {"user": 7}}},
            "expect": [{"user_id": "7", "event_name": "Account Created"}],
        },
        {
            "name": "an invoice",
            "record": {"topic": "billing.invoices", "key": "u-3", "value": {}},
            "expect": [{"user_id": "u-3", "event_name": "Invoice Paid"}],
        },
        {"name": "an audit", "input": {"type": "audit"}, "expect": {"dropped": "rule"}},
    ],
}


def configuration(path: Path, **changes: Any) -> Config:
    document = {
        "kafka": {
            "bootstrap_servers": "kafka.example:9092",
            "group_id": "the-users-group",
            "topics": ["orders", "accounts", "^billing\\..*"],
            "properties": {
                "security.protocol": "sasl_ssl",
                "sasl.mechanism": "PLAIN",
                "sasl.password": "secret",
                "group.instance.id": "one",
                "queued.min.messages": 500,
            },
        },
        "track": {"endpoint": "https://analytex.userpilot.io", "api_key": KEY, "auth": {"hold_after": 3}},
        "delivery": {"rate_limit": "600/min", "ordering": "key"},
        "dead_letter": {"topic": "the-users.dlq"},
        "mapping": {**MAPPING, **changes},
    }
    path.write_text(yaml.safe_dump(document).replace("${", "$${"))
    loaded = load.read(path, {})
    assert loaded.config is not None, loaded.problems
    return loaded.config


def prepared(tmp_path: Path, prefix: str = "", *, has_users: bool = False, **changes: Any) -> ConfigurationUnderTest:
    config = configuration(tmp_path / "given.yaml", **changes)
    site = Site("127.0.0.1:1", prefix, 3.0, "http://127.0.0.1:2", tmp_path / "key", has_users=has_users)
    return surroundings.prepare(config, site, surroundings.selftest_topics(config, prefix), tmp_path / "bridge.yaml")


def outcomes(made: ConfigurationUnderTest, record: SampleRecord) -> Outcomes:
    return made.mapping.map(Record(record.topic, 0, 0, 0, record.key, record.value, record.headers), 2e9)


@pytest.mark.parametrize("prefix", ["", PREFIX])
def test_nothing_of_the_users_own_is_within_reach(tmp_path: Path, prefix: str) -> None:
    config = prepared(tmp_path, prefix, has_users=bool(prefix)).config
    assert config.kafka.bootstrap_servers == "127.0.0.1:1"
    assert config.track.endpoint == "http://127.0.0.1:2"
    assert config.kafka.group_id == f"{prefix}selftest"
    assert config.dead_letter.topic == f"{prefix}selftest.dlq"
    assert config.kafka.topics == tuple(prefix + topic for topic in ("orders", "accounts", "billing.invoices"))
    assert KEY not in (tmp_path / "bridge.yaml").read_text()


def test_what_decides_about_delivery_stays_the_users(tmp_path: Path) -> None:
    config = prepared(tmp_path).config
    assert config.delivery.ordering == "key"
    assert config.track.auth.hold_after == 3
    assert config.kafka.properties["queued.min.messages"] == "500"
    assert config.delivery.rate_limit is None


def test_the_users_of_a_cluster_are_for_that_cluster_only(tmp_path: Path) -> None:
    assert "sasl.password" not in prepared(tmp_path).config.kafka.properties
    own = prepared(tmp_path, PREFIX, has_users=True).config.kafka.properties
    assert own["sasl.password"] == "secret"
    assert "group.instance.id" not in own


@pytest.mark.parametrize("prefix", ["", PREFIX])
def test_every_example_becomes_its_events_on_its_own_topic_whatever_the_topics_are_called(
    tmp_path: Path, prefix: str
) -> None:
    made = prepared(tmp_path, prefix)
    names: Counter[tuple[str, str]] = Counter()
    for record in made.records(3000, seed=1):
        for outcome in outcomes(made, record):
            if isinstance(outcome, Request):
                names[record.topic.removeprefix(prefix), outcome.event_name] += 1
    assert set(names) == {
        ("orders", "Order Completed"),
        ("orders", "Gift Ordered"),
        ("accounts", "Account Created"),
        ("billing.invoices", "Invoice Paid"),
    }


def test_no_two_events_are_alike_and_there_are_many_users_of_each_kind(tmp_path: Path) -> None:
    made = prepared(tmp_path)
    bodies: list[bytes] = []
    users: dict[str, set[str]] = {}
    for record in made.records(2000, seed=1):
        for outcome in outcomes(made, record):
            if isinstance(outcome, Request):
                bodies.append(outcome.body)
                users.setdefault(outcome.event_name, set()).add(outcome.user_id)
    assert len(bodies) == len(set(bodies))
    assert all(len(found) >= 20 for found in users.values())


def test_some_records_are_broken_and_the_same_seed_gives_the_same_records(tmp_path: Path) -> None:
    made = prepared(tmp_path)
    first, again, other = (list(made.records(500, seed)) for seed in (1, 1, 2))
    assert first == again != other
    assert sum(record.value == BROKEN for record in first) == 5
    assert len({dict(record.headers)[MARK] for record in first}) == 500


def test_without_examples_the_samples_records_are_sent(tmp_path: Path) -> None:
    made = prepared(tmp_path, PREFIX, examples=[], user_id="data.user_id")
    assert made.examples is None
    assert {record.topic for record in made.records(500, seed=1)} == {
        f"{PREFIX}{topic}" for topic in ("shop.orders", "shop.accounts", "app.activity")
    }


def test_a_mapping_whose_examples_become_no_event_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NoEventError, match="no example of the mapping becomes an event"):
        prepared(tmp_path, examples=[MAPPING["examples"][3]])


def test_an_example_of_a_user_that_cannot_be_replaced_is_sent_as_it_stands(tmp_path: Path) -> None:
    made = prepared(tmp_path, user_id="sha256(data.user)", examples=[MAPPING["examples"][0]])
    found = {
        outcome.user_id
        for record in made.records(300, seed=1)
        for outcome in outcomes(made, record)
        if isinstance(outcome, Request) and outcome.event_name == "Order Completed"
    }
    assert len(found) == 1


def test_a_literal_with_the_form_of_a_reference_stays_a_literal(tmp_path: Path) -> None:
    made = prepared(tmp_path)
    record = next(record for record in made.records(50, seed=1) if record.topic == "orders" and record.value != BROKEN)
    assert b'"price":"${AMOUNT}"' in next(o for o in outcomes(made, record) if isinstance(o, Request)).body
