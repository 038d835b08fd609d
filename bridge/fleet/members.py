"""Which replica is which member of the group. Pure.

Neither says the other's name: a replica knows its pages, the group its connection. What both name is the partitions,
and where it helps the host.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from bridge.fleet.said import partitions_of
from bridge.fleet.view import ReplicaView
from bridge.kafka.admin.group_description import GroupDescription, Member


@dataclass(frozen=True, slots=True)
class Matched:
    """What was found out."""

    members: Mapping[str, Member] = field(default_factory=dict)
    """The member that a replica is, by the replica's address; of those where it is known."""
    silent: tuple[Member, ...] = ()
    """Members that no instance answered for and none that was asked can be."""
    unheard: tuple[Member, ...] = ()
    """Members that must be those that were asked and did not answer."""


def matched(replicas: Sequence[ReplicaView], group: GroupDescription | None) -> Matched:
    """Pairs of both. Each member is one replica at most, and the other way round."""
    if group is None:
        return Matched()
    found: dict[str, Member] = {}
    left = list(group.members)
    answered = [each for each in replicas if each.document is not None]
    quiet = [each for each in replicas if each.document is None]
    for replica in answered:
        mine = set(partitions_of(replica))
        shared = [(len(mine & set(member.partitions)), -place) for place, member in enumerate(left)]
        most, place = max(shared, default=(0, 0))
        if most:
            found[replica.address] = left.pop(-place)
    for replica in (*answered, *quiet):
        member = next((each for each in left if _is_at(replica, each)), None)
        if member is not None and replica.address not in found:
            found[replica.address] = member
            left.remove(member)
    # Who has no partitions, as a replica too many, is known by nothing but that.
    for replica in answered:
        idle = next((each for each in left if not each.partitions), None)
        if replica.address not in found and not partitions_of(replica) and idle is not None:
            found[replica.address] = idle
            left.remove(idle)
    unheard = sum(each.address not in found for each in quiet)
    return Matched(found, tuple(left)) if len(left) > unheard else Matched(found, unheard=tuple(left))


def _is_at(replica: ReplicaView, member: Member) -> bool:
    try:
        host = urlsplit(replica.address).hostname
    except ValueError:
        return False
    # All that run on one machine have its loopback address.
    return host == member.host and not member.host.startswith("127.") and member.host != "::1"
