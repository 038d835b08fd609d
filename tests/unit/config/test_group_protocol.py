from __future__ import annotations

from collections.abc import Callable

import pytest

from bridge.config.load import Loaded
from bridge.config.topics.consumed_topics import GroupProtocol
from bridge.config.topics.consumed_topics import decided_protocol as decided

Load = Callable[..., Loaded]


def test_the_brokers_are_asked_where_nothing_in_the_configuration_needs_a_protocol() -> None:
    assert decided("auto", ["shop.orders", "billing.paid"], {"security.protocol": "ssl"}) is None


@pytest.mark.parametrize(
    ("topics", "properties"),
    [
        (["shop.orders"], {"session.timeout.ms": "30000"}),
        (["shop.orders"], {"heartbeat.interval.ms": "1000"}),
        (["shop.orders"], {"partition.assignment.strategy": "cooperative-sticky"}),
        (["shop.orders"], {"group.instance.id": "pod-0"}),
        (["shop.orders", "^bill"], {}),
        (["shop.orders"], {"group.protocol": "classic"}),
    ],
)
def test_what_was_written_for_the_classic_protocol_keeps_it(topics: list[str], properties: dict[str, str]) -> None:
    assert decided("auto", topics, properties) is GroupProtocol.CLASSIC


@pytest.mark.parametrize(
    ("setting", "properties"), [("consumer", {}), ("auto", {"group.protocol": "consumer"}), ("consumer", {"x": "y"})]
)
def test_who_names_a_protocol_has_it_also_with_patterns_and_static_members(
    setting: str, properties: dict[str, str]
) -> None:
    given = {**properties, "group.instance.id": "pod-0"}
    assert decided(setting, ["^bill.*"], given) is GroupProtocol.CONSUMER
    assert decided("classic", ["shop.orders"], {}) is GroupProtocol.CLASSIC


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("session.timeout.ms", "6000", "the brokers set it"),
        ("group.protocol", "classic", "contradicts kafka.group_protocol, which is consumer"),
    ],
)
def test_properties_that_contradict_the_named_protocol_are_refused(
    changed: Load, name: str, value: str, says: str
) -> None:
    written = f"kafka:\n  group_protocol: consumer\n  properties:\n    {name}: {value}\n"
    problems = changed("kafka:\n", written).problems
    assert [each.where for each in problems] == [f"kafka.properties.{name}"]
    assert says in problems[0].message


def test_a_protocol_named_twice_alike_is_no_contradiction(changed: Load) -> None:
    written = "kafka:\n  group_protocol: consumer\n  properties:\n    group.protocol: consumer\n"
    assert changed("kafka:\n", written).problems == ()
