"""Topics that the mapping names and nobody consumes."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from bridge.cli.checks.findings import Level
from bridge.cli.checks.mapping import unfit
from bridge.config.topics.consumed_topics import ConsumedTopics
from bridge.config.topics.topic_patterns import Reading
from tests.unit.cli.conftest import Cli
from tests.unit.mapping.conftest import config_of


def said(entry: str, entries: Sequence[str], existing: Sequence[str] | None = None) -> list[str]:
    mapping = config_of(f"per_topic: {{{entry!r}: {{max_age: 1h}}}}\nevents: {{order: {{}}}}")
    found = unfit(mapping, ConsumedTopics(entries, Reading.SEARCHED), existing)
    assert {each.level for each in found} <= {Level.WARNING}
    return [each.what for each in found]


@pytest.mark.parametrize(
    ("entry", "entries"),
    [
        ("shop.order", ["shop.orders"]),
        ("shop.order", ["shop.orders", "^billing"]),
        ("^shop[.]us", ["shop.orders", "shop.eu"]),
        ("Shop.orders", ["^shop[.].*"]),
    ],
)
def test_a_name_that_fits_no_consumed_topic_is_said_without_asking_a_broker(entry: str, entries: list[str]) -> None:
    (what,) = said(entry, entries)

    assert what.startswith(
        (
            f"mapping.per_topic.{entry}: {entry} fits nothing that kafka.topics consumes (shop",
            f"mapping.per_topic.{entry}: {entry} fits nothing that kafka.topics consumes (^shop",
        )
    )
    assert said(entry, entries, ["shop.orders"]) == [], "once is enough"


@pytest.mark.parametrize(
    ("entry", "entries"),
    [
        ("shop.orders", ["shop.orders"]),
        ("shop.orders", ["^shop"]),
        ("^shop", ["shop.orders", "other"]),
        ("^shop[.][[:alpha:]]+$", ["shop.orders"]),
        ("^shop", ["^sh"]),
    ],
)
def test_what_fits_or_may_fit_is_not_mentioned(entry: str, entries: list[str]) -> None:
    assert said(entry, entries) == []
    assert said(entry, entries, ["shop.orders"]) == []


def test_a_pattern_among_patterns_is_held_against_the_topics_there_are() -> None:
    assert said("^shop[.]us", ["^shop"]) == []
    assert said("^shop[.]us", ["^shop"], ["shop.eu", "shop.ch"]) == [
        (
            "mapping.per_topic.^shop[.]us: ^shop[.]us fits no consumed topic there is now (shop.ch, shop.eu), "
            "so it is for no record."
        )
    ]
    assert said("shop.us", ["^shop"], ["shop.eu"]) == [
        "mapping.per_topic.shop.us: shop.us fits no consumed topic there is now (shop.eu), so it is for no record."
    ]


def test_the_topics_of_each_route_are_looked_at() -> None:
    mapping = config_of(
        "events:\n  order:\n    - {event_name: One, topics: [shop.orders, shop.order]}\n"
        "    - {event_name: Two, topics: ['^shop', '^bill']}\n  audit: drop\n  user: {topics: [users]}"
    )

    found = [
        each.what.partition(" fits")[0] for each in unfit(mapping, ConsumedTopics(["shop.orders"], Reading.SEARCHED))
    ]

    assert found == [
        "mapping.events.order[0].topics[1]: shop.order",
        "mapping.events.order[1].topics[1]: ^bill",
        "mapping.events.user.topics[0]: users",
    ]


def test_check_says_it_offline_and_ends_with_0(cli: Cli, config: Callable[..., str]) -> None:
    ran = cli(
        "check", "--offline", "-c", config("  events:\n", "  per_topic: {shop.order: {max_age: 1h}}\n  events:\n")
    )

    assert ran.code == 0
    assert "mapping.per_topic.shop.order: shop.order fits nothing that kafka.topics consumes (shop.orders)" in ran.out
    assert "1 warning." in ran.out


def test_patterns_of_what_is_read_are_read_as_the_group_protocol_in_use_does() -> None:
    mapping = config_of("per_topic: {bill.eu: {max_age: 1h}}\nevents: {order: {}}")

    assert unfit(mapping, ConsumedTopics(["^bill"], Reading.SEARCHED)) == []
    assert len(unfit(mapping, ConsumedTopics(["^bill"], Reading.WHOLE))) == 1
