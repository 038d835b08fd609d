"""The configured topics against the cluster's, and what the user may do with them."""

from bridge.cli.checks.findings import Level
from bridge.cli.checks.topics import consumed, permissions
from bridge.config.topics.topic_patterns import Reading
from bridge.exits import ExitCode

EXISTING = {"shop.orders": 6, "billing.a": 1, "billing.b": 2, "other": 3}
ALL = frozenset({"READ", "WRITE", "DESCRIBE"})


def test_names_and_patterns_become_topics_with_their_partitions() -> None:
    found = consumed(["shop.orders", r"^billing\..*"], EXISTING)
    assert found.partitions == {"shop.orders": 6, "billing.a": 1, "billing.b": 2}
    assert [each.what for each in found.findings] == [
        "shop.orders: 6 partitions.",
        r"^billing\..* matches 2 topics (with partitions): billing.a (1), billing.b (2).",
    ]


def test_a_missing_topic_is_a_configuration_to_change() -> None:
    (found,) = consumed(["shop.order"], EXISTING).findings
    assert (found.level, found.code) == (Level.PROBLEM, ExitCode.USAGE)


def test_a_pattern_without_topics_may_still_find_some_later() -> None:
    (found,) = consumed(["^nothing"], EXISTING).findings
    assert found.level is Level.WARNING


def test_under_the_consumer_protocol_a_pattern_takes_whole_names_and_what_it_leaves_is_said() -> None:
    found = consumed(["^bill"], {**EXISTING, "bill": 4}, Reading.WHOLE)
    assert found.partitions == {"bill": 4}
    assert [each.level for each in found.findings] == [Level.OK, Level.WARNING]
    assert found.findings[1].what == (
        "^bill must match the whole name under the consumer protocol, so billing.a, billing.b is not read."
    )
    assert "such as ^bill.* for ^bill" in found.findings[1].to_do
    assert consumed(["^bill.*"], EXISTING, Reading.WHOLE).partitions == {"billing.a": 1, "billing.b": 2}
    (none, left) = consumed(["^bill"], EXISTING, Reading.WHOLE).findings
    assert none.what.startswith("^bill matches no topic now")
    assert "billing.a" in left.what


def test_another_bridges_topics_among_the_consumed_are_said() -> None:
    existing = {"other.dlq": 6, "other.dlq.resolutions": 6, "other.orders": 6}
    *_, found = consumed([r"^other\."], existing).findings
    assert found.level is Level.WARNING
    assert found.what.startswith("other.dlq, other.dlq.resolutions of kafka.topics is a bridge's dead-letter or ")
    assert all(each.level is Level.OK for each in consumed(["other.orders"], existing).findings)


def test_every_permission_that_is_there_is_one_line() -> None:
    (found,) = permissions("g", ALL, ["a"], ["dlq"], {"a": ALL, "dlq": ALL})
    assert found.level is Level.OK


def test_a_missing_permission_is_named_with_the_command_that_grants_it() -> None:
    only_read = frozenset({"READ"})
    found = permissions("g", frozenset({"DESCRIBE"}), ["a"], ["dlq"], {"a": frozenset({"DESCRIBE"}), "dlq": only_read})
    assert [each.what for each in found] == [
        "This user may not READ the topic a.",
        "This user may not WRITE the topic dlq.",
        "This user may not READ the group g.",
    ]
    assert all(each.code is ExitCode.USAGE for each in found)
    assert "--operation Write --topic dlq" in found[1].to_do


def test_what_the_brokers_do_not_say_is_noted() -> None:
    (found,) = permissions("g", None, ["a"], ["dlq"], {})
    assert (found.level, found.what) == (
        Level.NOTE,
        "The brokers do not say what this user may do with a, dlq, group g; the first run will tell.",
    )


def test_a_topic_that_is_not_there_is_compared_with_those_that_are() -> None:
    (found,) = consumed(["shop.oders"], {"shop.orders": 3, "other": 1}).findings
    assert found.to_do.startswith("create it, correct kafka.topics (did you mean shop.orders?), or grant")
    (found,) = consumed(["nothing.like.it"], {"shop.orders": 3}).findings
    assert "did you mean" not in found.to_do
