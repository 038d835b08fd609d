from __future__ import annotations

from dataclasses import replace

from bridge.cli.checks.findings import Level
from bridge.cli.checks.group import MembershipFacts, group
from bridge.config.topics.consumed_topics import GroupProtocol
from bridge.kafka.admin.group_description import GroupDescription, Member
from bridge.model import TopicPartition

P = [TopicPartition("orders", number) for number in range(3)]


def member(*numbers: int, client_id: str = "track-bridge", host: str = "10.0.0.1") -> Member:
    return Member(client_id, host, None, tuple(P[number] for number in numbers))


def facts(*members: Member, state: str = "stable", assignor: str = "cooperative-sticky") -> MembershipFacts:
    described = GroupDescription(state, assignor, "classic", members)
    return MembershipFacts(described, P, {}, "track-bridge", frozenset({"cooperative-sticky"}))


def said(given: MembershipFacts) -> list[tuple[Level, str]]:
    return [(finding.level, finding.what) for finding in group("shop", given)]


def test_the_members_are_named_with_where_they_are_and_what_they_have() -> None:
    [(level, what)] = said(facts(member(0, 1), member(2, host="10.0.0.2")))
    assert level is Level.OK
    assert "2 members" in what
    assert "track-bridge at 10.0.0.1 (2 partitions), track-bridge at 10.0.0.2 (1 partition)" in what


def test_a_group_of_another_assignor_is_a_problem_before_it_is_met() -> None:
    found = said(facts(member(0, 1, 2, client_id="sarama"), assignor="range"))
    assert [level for level, _ in found] == [Level.OK, Level.PROBLEM, Level.WARNING]
    assert "range" in found[1][1]
    assert "INCONSISTENT_GROUP_PROTOCOL" in found[1][1]
    assert "sarama at 10.0.0.1" in found[2][1]


def test_a_member_of_the_consumer_protocol_offers_no_assignor_that_could_differ() -> None:
    joining = replace(facts(member(0, 1, 2), assignor="range"), assignors=None)
    assert [level for level, _ in said(joining)] == [Level.OK]


def test_members_of_another_protocol_are_a_warning_where_the_configuration_decides_it() -> None:
    given = facts(member(0, 1, 2))
    assert said(given)[0][1].startswith("shop: 1 member, stable under the classic protocol, assigned by cooperative")
    assert [level for level, _ in said(replace(given, protocol=GroupProtocol.CLASSIC))] == [Level.OK]
    [_, (level, what)] = said(replace(given, protocol=GroupProtocol.CONSUMER))
    assert level is Level.WARNING
    assert "use the classic protocol, this configuration the consumer one" in what


def test_while_connections_fail_the_members_are_not_asked_for_and_that_is_said() -> None:
    given = replace(facts(), description=None, is_asked=False, other_mappings={18: [P[1]]})
    assert [level for level, _ in said(given)] == [Level.NOTE, Level.WARNING]
    assert "was not asked, because connections to brokers fail" in said(given)[0][1]


def test_partitions_that_nobody_has_are_named() -> None:
    found = said(facts(member(1)))
    assert found[1] == (Level.WARNING, "No member of the group has orders/0, orders/2: nobody reads them.")


def test_between_two_assignments_nobody_is_said_to_have_nothing() -> None:
    found = said(facts(member(), state="preparing_rebalancing"))
    assert [level for level, _ in found] == [Level.OK, Level.NOTE]


def test_members_with_another_mapping_are_a_warning_and_a_changed_file_a_note() -> None:
    some = replace(facts(member(0, 1, 2)), other_mappings={18: [P[1]]})
    all_of_them = replace(facts(member(0, 1, 2)), other_mappings={18: P})
    assert [level for level, _ in said(some)] == [Level.OK, Level.WARNING]
    assert "orders/1" in said(some)[1][1]
    assert [level for level, _ in said(all_of_them)] == [Level.OK, Level.NOTE]


def test_an_empty_group_and_one_that_is_not_told_are_no_problem() -> None:
    assert [level for level, _ in said(facts(state="empty", assignor=""))] == [Level.OK]
    assert [level for level, _ in said(replace(facts(), description=None))] == [Level.NOTE]
