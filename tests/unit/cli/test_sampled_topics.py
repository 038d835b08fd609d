"""What a name and --topic mean together, where `track-bridge map` reads from Kafka."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from bridge.cli.samples.sampled_topics import sampled
from bridge.config.topics.consumed_topics import ConsumedTopics
from bridge.config.topics.topic_patterns import Reading
from bridge.errors import Misuse
from tests.unit.cli.conftest import Cli

CONSUMED = ConsumedTopics(["shop.orders", "shop.accounts", r"^billing\."], Reading.SEARCHED)
CLUSTER = ("shop.orders", "shop.accounts", "billing.a", "billing.b", "other", "shop.orders.v2")


def _read(name: str | None, *chosen: str) -> tuple[list[str], str | None]:
    found = sampled(CONSUMED, name, chosen)
    return [each for each in CLUSTER if found.takes(each)], found.assumed


@pytest.mark.parametrize(
    ("name", "chosen", "read"),
    [
        (None, (), ["shop.orders", "shop.accounts", "billing.a", "billing.b"]),
        (None, ("shop.orders",), ["shop.orders"]),
        (None, ("shop.accounts", "billing.b"), ["shop.accounts", "billing.b"]),
        (None, (r"^shop\.",), ["shop.orders", "shop.accounts"]),  # never shop.orders.v2: nobody reads it
        ("other", (), ["other"]),
        (r"^shop\.", (), ["shop.orders", "shop.accounts", "shop.orders.v2"]),
    ],
)
def test_topic_chooses_among_those_the_configuration_reads_and_a_name_is_any(
    name: str | None, chosen: tuple[str, ...], read: list[str]
) -> None:
    assert _read(name, *chosen) == (read, None)


def test_the_records_of_a_topic_nobody_reads_are_mapped_as_those_of_one_that_is_read() -> None:
    assert _read("shop.orders.v2", "shop.orders") == (["shop.orders.v2"], "shop.orders")
    assert _read("other", "billing.new") == (["other"], "billing.new")


@pytest.mark.parametrize(
    ("name", "chosen", "says"),
    [
        (
            None,
            ("other",),
            "`track-bridge map other --from-topic`, with --topic NAME as if they were of the topic NAME",
        ),
        ("other", ("shop.orders", "shop.accounts"), "Beside other, --topic says of which topic its records are taken"),
        ("^other", ("shop.orders",), "give two names, no pattern"),
        ("other", (r"^shop\.",), "give two names, no pattern"),
        ("other", ("shop.order",), "--topic shop.order: kafka.topics reads no topic of that name"),
        ("^(", ("^[",), "^( "),
    ],
)
def test_what_could_mean_either_is_refused_with_what_to_type(
    name: str | None, chosen: tuple[str, ...], says: str
) -> None:
    with pytest.raises(Misuse, match=re.escape(says)):
        sampled(CONSUMED, name, chosen)


def test_every_pattern_that_is_none_is_named_at_once() -> None:
    with pytest.raises(Misuse) as refused:
        sampled(CONSUMED, "^(", ("^[",))
    assert [line[:2] for line in str(refused.value).splitlines()] == ["^(", "^["]


def test_a_topic_that_is_not_read_is_said_to_be_none() -> None:
    notice = sampled(CONSUMED, "other", ()).notice(CONSUMED)

    assert (
        notice == "kafka.topics does not read other: --topic NAME maps its records as if they were of the topic NAME."
    )
    assert sampled(CONSUMED, "shop.orders", ()).notice(CONSUMED) is None
    assert sampled(CONSUMED, None, ()).notice(CONSUMED) is None


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--topic", "a", "--topic", "b"), "The values of a file are of one topic"),
        (("--oldest",), "--oldest says which records of a topic are read: it needs --from-topic."),
        (("--from-topic", "--raw"), "--record and --raw say what a file holds"),
    ],
)
def test_options_that_cannot_mean_anything_together_are_refused(
    cli: Cli, config: Callable[..., str], arguments: tuple[str, ...], says: str
) -> None:
    ran = cli("map", "name", *arguments, "-c", config())

    assert ran.code == 2
    assert says in ran.err
