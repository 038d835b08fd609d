"""What the group coordinator says of a group: its state, how it assigns, its members."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from bridge.kafka.partitions import from_client
from bridge.model import TopicPartition

_REBALANCING: Final = frozenset({"PREPARING_REBALANCING", "COMPLETING_REBALANCING", "ASSIGNING", "RECONCILING"})


@dataclass(frozen=True, slots=True)
class Member:
    """One process in a group."""

    client_id: str
    host: str
    instance: str | None
    """`group.instance.id`, where it has one."""
    partitions: tuple[TopicPartition, ...]

    def __str__(self) -> str:
        """As an operator would look for it: ``track-bridge at 10.0.0.7``."""
        return f"{self.instance or self.client_id} at {self.host}"


@dataclass(frozen=True, slots=True)
class GroupDescription:
    """A group at one moment."""

    state: str
    """In small letters: ``stable``, ``empty``, ``dead`` (no such group), ``preparing_rebalancing``, …"""
    assignor: str
    """``cooperative-sticky``; empty where nobody is a member, or the brokers assign by themselves."""
    protocol: str
    """``classic`` or ``consumer``; ``unknown`` to brokers too old to say."""
    members: tuple[Member, ...]

    @property
    def owners(self) -> Mapping[TopicPartition, Member] | None:
        """Who has which partition; None between two assignments of a classic group, which brokers do not tell then."""
        if self.protocol != "consumer" and self.state.upper() in _REBALANCING:
            return None
        return {partition: member for member in self.members for partition in member.partitions}

    @property
    def is_settled(self) -> bool:
        """Whether what no member has is nobody's: the state that clients call unknown is one between assignments."""
        return self.state != "unknown"

    def is_owned(self, partition: TopicPartition) -> bool | None:
        """Whether a member has it; None: not known."""
        owners = self.owners
        if owners is None:
            return None
        return True if partition in owners else False if self.is_settled else None


def description(answer: Any) -> GroupDescription:
    """Of an answer of `describe_consumer_groups`."""
    return GroupDescription(
        state=getattr(getattr(answer, "state", None), "name", "unknown").lower(),
        assignor=answer.partition_assignor or "",
        protocol=getattr(getattr(answer, "type", None), "name", "unknown").lower(),
        members=tuple(_member(member) for member in answer.members),
    )


def _member(member: Any) -> Member:
    assigned = member.assignment.topic_partitions if member.assignment is not None else []
    return Member(
        client_id=member.client_id or "",
        host=(member.host or "").lstrip("/"),
        instance=member.group_instance_id or None,
        partitions=tuple(sorted(from_client(each) for each in assigned)),
    )
