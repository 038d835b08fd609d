from __future__ import annotations

from collections.abc import Callable

import pytest

from bridge.config.load import Loaded
from bridge.config.topics import topic_patterns

Load = Callable[..., Loaded]
OneProblem = Callable[..., tuple[str, str]]


@pytest.mark.parametrize("timeout", ["20s", "30s"])
def test_a_request_must_be_able_to_end_within_the_drain(problem_of: OneProblem, timeout: str) -> None:
    where, message = problem_of("api_key: key-1", f"api_key: key-1\n  timeout: {timeout}")
    assert where == "track.timeout"
    assert message.startswith("must be below kafka.drain_timeout (20s)")


@pytest.mark.parametrize(
    "kafka", ["drain_timeout: 300s", "properties: {max.poll.interval.ms: 20000}", "drain_timeout: 1h"]
)
def test_the_drain_must_end_before_the_group_gives_the_partitions_away(problem_of: OneProblem, kafka: str) -> None:
    where, message = problem_of("group_id: bridge", f"group_id: bridge\n  {kafka}")
    assert where == "kafka.drain_timeout"
    assert message.startswith("must be below max.poll.interval.ms")


def test_a_longer_poll_interval_allows_a_longer_drain(changed: Load) -> None:
    kafka = "group_id: bridge\n  drain_timeout: 8m\n  properties: {max.poll.interval.ms: 600000}"
    assert changed("group_id: bridge", kafka).problems == ()


@pytest.mark.parametrize("value", ["soon", "-1", "1.5"])
def test_a_poll_interval_that_is_no_number_is_a_problem(problem_of: OneProblem, value: str) -> None:
    kafka = f"group_id: bridge\n  properties: {{max.poll.interval.ms: {value}}}"
    assert problem_of("group_id: bridge", kafka)[0] == "kafka.properties.max.poll.interval.ms"


@pytest.mark.parametrize("section", ["kafka", "dead_letter"])
@pytest.mark.parametrize("name", ["message.timeout.ms", "delivery.timeout.ms"])
@pytest.mark.parametrize("value", ["20000", "0", "300000", "x"])
def test_a_dead_letters_fate_must_be_known_before_the_drain_ends(
    problem_of: OneProblem, section: str, name: str, value: str
) -> None:
    where, message = problem_of(f"{section}:\n", f"{section}:\n  properties: {{{name}: {value}}}\n")
    assert where == f"{section}.properties.{name}"
    assert "below kafka.drain_timeout (20000 ms)" in message


def test_the_longest_backoff_is_not_below_the_first(problem_of: OneProblem) -> None:
    where, message = problem_of("mapping:", "delivery: {retry: {initial_backoff: 2m}}\nmapping:")
    assert where == "delivery.retry.max_backoff"
    assert message == "must not be below initial_backoff (120s); it is 60s"


def test_a_rule_is_silent_where_a_key_it_needs_has_its_own_problem(problem_of: OneProblem) -> None:
    assert problem_of("api_key: key-1", "api_key: key-1\n  timeout: 30")[0] == "track.timeout"


# --- topics ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("topic", "own"),
    [
        ("bridge.dlq", "bridge.dlq"),
        ("bridge.dlq.resolutions", "bridge.dlq.resolutions"),
        ("'^bridge.dlq'", "bridge.dlq"),
        ("'^.*'", "bridge.dlq"),
        ("'^shop|dlq'", "bridge.dlq"),
        ("'^[[:lower:]]+[.]dlq'", "bridge.dlq"),
        ("'^(bridge|shop)[.].*'", "bridge.dlq"),
        ("'^bridge[.].*[.]resolutions$'", "bridge.dlq.resolutions"),
    ],
)
def test_the_bridge_never_reads_what_it_wrote_itself(load: Load, right: str, topic: str, own: str) -> None:
    problems = load(right.replace("[shop.orders]", f"[shop.orders, {topic}]")).problems
    assert problems
    assert {each.where for each in problems} == {"kafka.topics[1]"}
    assert any(f"topic {own}: the bridge would read its own dead letters for ever" in each.message for each in problems)


@pytest.mark.parametrize("topic", ["bridge.dlq2", "bridge", "'^bridge[.]dl$'", "'^bridge[.][^d].*'", "'^x.*'"])
def test_a_topic_that_only_resembles_the_dead_letter_topic_is_read(load: Load, right: str, topic: str) -> None:
    assert load(right.replace("[shop.orders]", f"[{topic}]")).problems == ()


@pytest.mark.parametrize(
    ("topic", "says"),
    [
        ("^shop(", "is not a regular expression: missing ), unterminated subpattern at character 6"),
        ("^shop[", "is not a regular expression"),
        (r"^shop\d+", r"has \d, which not every Kafka client understands; write [0-9]"),
        (r"^shop\w+", r"has \w"),
        ("^(?!shop).*", "has (?"),
        ("^shop.*?x", "a lazy quantifier"),
    ],
)
def test_a_pattern_that_not_every_client_understands_is_refused(problem_of: OneProblem, topic: str, says: str) -> None:
    where, message = problem_of("[shop.orders]", f"['{topic}']")
    assert where == "kafka.topics[0]"
    assert says in message


@pytest.mark.parametrize("topic", ["shop orders", "shop/orders", "..", "x" * 250, "shop.*"])
@pytest.mark.parametrize(
    ("replaced", "by", "where"),
    [
        ("[shop.orders]", "['{}']", "kafka.topics[0]"),
        ("topic: bridge.dlq", "topic: '{}'", "dead_letter.topic"),
        ("mapping:", "mapping:\n  per_topic: {{'{}': {{decode: json}}}}", "mapping.per_topic.{}"),
        ("Order Completed}", "Order Completed, topics: ['{}']}}", "mapping.events.order.completed[0].topics[0]"),
    ],
)
def test_a_topic_that_cannot_be_is_said_wherever_it_stands(
    problem_of: OneProblem, topic: str, replaced: str, by: str, where: str
) -> None:
    found, message = problem_of(replaced, by.format(topic))
    assert found == where.format(topic)
    assert "is not a topic name" in message
    assert "a regular expression begins with ^" in message


def test_a_backslash_itself_is_not_taken_for_a_class() -> None:
    assert topic_patterns.fault(r"^billing\..*") is None
    assert topic_patterns.fault(r"^a\\d") is None


def test_a_bracket_inside_brackets_is_a_plain_character() -> None:
    assert topic_patterns.fault("^[[]x") is None


def test_a_topic_twice_is_a_problem(problem_of: OneProblem) -> None:
    assert problem_of("[shop.orders]", "[shop.orders, shop.orders]") == (
        "kafka.topics[1]",
        "is in the list twice; remove one",
    )


def test_the_dead_letter_topic_is_one_topic(problem_of: OneProblem) -> None:
    assert problem_of("topic: bridge.dlq", "topic: ^bridge.dlq") == (
        "dead_letter.topic",
        "must be one topic, not a pattern",
    )


@pytest.mark.parametrize("refresh", ["50ms", "2h"])
def test_topics_are_looked_for_neither_all_the_time_nor_hardly_ever(problem_of: OneProblem, refresh: str) -> None:
    where, message = problem_of("group_id: bridge", f"group_id: bridge\n  refresh: {refresh}")
    assert (where, message[:24]) == ("kafka.refresh", "must be from 100ms to 1h")
