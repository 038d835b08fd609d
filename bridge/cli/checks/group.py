"""Who else is in the consumer group, and whether they go about it in the same way: pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from bridge.cli.checks import findings
from bridge.cli.checks.findings import Finding
from bridge.config.topics.consumed_topics import GroupProtocol
from bridge.exits import FindingKind
from bridge.kafka.admin.group_description import GroupDescription
from bridge.model import TopicPartition
from bridge.text.amounts import listed, plural

_SHOWN: Final = 10
_NOBODY: Final = ("empty", "dead")


@dataclass(frozen=True, slots=True)
class MembershipFacts:
    """What is known of the group, and what this configuration would bring to it."""

    description: GroupDescription | None
    """None: the brokers do not say."""
    partitions: Sequence[TopicPartition]
    """Of the topics that are read."""
    other_mappings: Mapping[int, Sequence[TopicPartition]]
    """Partitions by the mappings, other than this one, that they were committed by lately."""
    client_id: str
    assignors: frozenset[str] | None
    """What a classic member with this configuration offers; None: it would join as one of the consumer protocol."""
    protocol: GroupProtocol | None = None
    """What the configuration decides; None: whatever the brokers let this group use."""
    is_asked: bool = True
    """False: connections fail, and then the question can end the process (see `Inspection.is_steady`)."""


def group(name: str, facts: MembershipFacts) -> list[Finding]:
    """Judge it."""
    described = facts.description
    if not facts.is_asked:
        what = f"Who is in the group {name} was not asked, because connections to brokers fail."
        return [findings.note(what, "see that every broker can be reached, and run it again"), *_mappings(facts)]
    if described is None:
        return [findings.note(f"The brokers do not say who is in the group {name} (DESCRIBE on the group).")]
    if not described.members:
        return [findings.ok(f"Nobody is in the group {name} now."), *_mappings(facts)]
    return [
        findings.ok(f"{name}: {_members(described)}."),
        *_protocol(name, described, facts),
        *_assignor(name, described, facts),
        *_strangers(name, described, facts),
        *_unowned(described, facts),
        *_mappings(facts),
    ]


def _members(described: GroupDescription) -> str:
    shown = [f"{member} ({plural(len(member.partitions), 'partition')})" for member in described.members[:_SHOWN]]
    more = [f"and {len(described.members) - _SHOWN} more"] if len(described.members) > _SHOWN else []
    shares = f", assigned by {described.assignor}" if described.assignor else ""
    protocol = "" if described.protocol == "unknown" else f" under the {described.protocol} protocol"
    count = plural(len(described.members), "member")
    return f"{count}, {described.state}{protocol}{shares}: {', '.join([*shown, *more])}"


def _protocol(name: str, described: GroupDescription, facts: MembershipFacts) -> list[Finding]:
    """Brokers keep members of both in one group only where they are told to, and only for an upgrade."""
    if facts.protocol is None or described.protocol in {facts.protocol.value, "unknown"}:
        return []
    return [
        findings.warning(
            f"The members of the group {name} use the {described.protocol} protocol, this configuration the "
            f"{facts.protocol.value} one: brokers let both in only as group.consumer.migration.policy allows.",
            "set kafka.group_protocol to that of the other members, or to auto",
        )
    ]


def _assignor(name: str, described: GroupDescription, facts: MembershipFacts) -> list[Finding]:
    """A classic group lets in only who offers an assignor that all its members offer."""
    if described.protocol == "consumer" or facts.assignors is None or not described.assignor:
        return []
    if described.assignor in facts.assignors:
        return []
    return [
        findings.problem(
            f"The members of the group {name} share out the partitions by {described.assignor}, this configuration by "
            f"{', '.join(sorted(facts.assignors))}: the group would not let this bridge in "
            "(INCONSISTENT_GROUP_PROTOCOL).",
            "give one of them another kafka.group_id; two programs in one group take events from each other",
            FindingKind.GROUP,
        )
    ]


def _strangers(name: str, described: GroupDescription, facts: MembershipFacts) -> list[Finding]:
    strangers = sorted({str(each) for each in described.members if each.client_id != facts.client_id})
    if not strangers:
        return []
    return [
        findings.warning(
            f"Members of the group {name} with another client.id than this configuration's ({facts.client_id}): "
            f"{listed(strangers)}. Another program in the group takes partitions, and their events, "
            "away.",
            "give the other program a group of its own, unless these are bridges, too",
        )
    ]


def _unowned(described: GroupDescription, facts: MembershipFacts) -> list[Finding]:
    owners = described.owners
    if owners is None:
        return [
            findings.note(
                f"The group is rebalancing ({described.state}), so that it is not told who has which partition."
            )
        ]
    nobodys = [partition for partition in facts.partitions if partition not in owners]
    if not nobodys:
        return []
    return [
        findings.warning(
            f"No member of the group has {listed(nobodys)}: nobody reads {'it' if len(nobodys) == 1 else 'them'}.",
            "see that every member is configured with the same kafka.topics; ask again in a minute, after a rebalance",
        )
    ]


def _mappings(facts: MembershipFacts) -> list[Finding]:
    if not facts.other_mappings:
        return []
    elsewhere = sorted(each for partitions in facts.other_mappings.values() for each in partitions)
    all_of_them = len(facts.other_mappings) == 1 and set(elsewhere) >= set(facts.partitions)
    if all_of_them:
        return [
            findings.note(
                "The group commits by another mapping than the one in this file: it was changed, or the bridge runs "
                "with another file."
            )
        ]
    return [
        findings.warning(
            f"Members of the group work by another mapping than the one in this file ({listed(elsewhere)}): what "
            "becomes of an event depends on who has its partition.",
            "wait until a rollout is over; otherwise give the other bridge a kafka.group_id of its own",
        )
    ]
