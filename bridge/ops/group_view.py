"""The group as a whole, beside what this replica does: which topics ought to be read, who reads them, how far. Pure.

It begins with the configured topics and says of each what it yields, or why it yields nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from bridge.config.topics import topic_patterns
from bridge.config.topics.consumed_topics import ConsumedTopics
from bridge.holds import Reason
from bridge.model import TopicPartition

STALLED_AFTER: Final = 8.0
"""Seconds without a commit, while records wait, until a partition of another member counts as stalled. A member that
works commits what it did within a second, and every five seconds that records wait for the rate."""


@dataclass(frozen=True, slots=True)
class PartitionStanding:
    """What is known of one partition of a configured topic; None: not known."""

    committed: int | None = None
    start: int | None = None
    """The first offset of its log."""
    end: int | None = None
    """Up to where it can be read."""
    owner: str | None = None
    """The member that has it, for people."""
    is_owned: bool | None = None
    still_for: float = 0.0
    """Seconds for which records were seen waiting without a new commit of it."""
    done_above: int = 0
    """Offsets above the committed one that the map committed with it calls done; only known of this replica's own."""

    @property
    def lag(self) -> int | None:
        """Records that can be read and are not committed; a partition nothing is committed of counts from its start."""
        begins = self.start if self.committed is None else self.committed
        if begins is None or self.end is None:
            return None
        return max(0, self.end - begins)


@dataclass(frozen=True, slots=True)
class TopicProblem:
    """Why a topic yields nothing."""

    reason: Reason
    """TOPIC_MISSING or NOT_AUTHORISED."""
    detail: str
    since: float
    """Unix seconds."""


@dataclass(frozen=True, slots=True)
class TopicView:
    """One topic that ought to be read: a configured one, or one that a configured pattern matches."""

    topic: str
    """A pattern that matches nothing stands for itself."""
    partitions: int = 0
    lag: int | None = None
    """Of all its partitions, whoever has them; None where one of them is not known."""
    unowned: tuple[int, ...] | None = None
    """Partitions that no member of the group has; None: not known."""
    stalled: tuple[int, ...] = ()
    """Partitions of other members with records that wait, of which nothing was committed for `STALLED_AFTER`."""
    owners_of_stalled: tuple[str, ...] = ()
    stalled_for: float = 0.0
    """Seconds, of the partition that has stood still for longest."""
    problem: TopicProblem | None = None


@dataclass(frozen=True, slots=True)
class MemberView:
    """One member of the group."""

    name: str
    host: str
    partitions: int


@dataclass(frozen=True, slots=True)
class GroupView:
    """What one look at the group showed."""

    at: float | None = None
    """Unix seconds; None: nobody has answered yet."""
    state: str | None = None
    """As the coordinator calls it; None: it does not say."""
    members: tuple[MemberView, ...] | None = None
    mapping: int | None = None
    """The number of the mapping that this process works by."""
    other_mappings: Mapping[int, tuple[TopicPartition, ...]] = field(default_factory=dict)
    """Other mappings by which partitions were committed lately."""
    topics: tuple[TopicView, ...] = ()


@dataclass(frozen=True, slots=True)
class LookAnswers:
    """What was asked for."""

    topics: Mapping[str, int]
    """Partitions of the topics that are there."""
    standings: Mapping[TopicPartition, PartitionStanding]
    problems: Mapping[str, TopicProblem] = field(default_factory=dict)
    mine: frozenset[TopicPartition] = frozenset()
    """Partitions of this replica."""


def topics(configured: ConsumedTopics, facts: LookAnswers) -> tuple[TopicView, ...]:
    """Every configured topic, in its order, patterns replaced by what they match."""
    views: dict[str, TopicView] = {}
    for entry in configured.entries:
        matched = sorted(name for name in facts.topics if topic_patterns.matches(entry, name, configured.reading))
        for name in matched or [entry]:
            views.setdefault(name, _topic(name, facts))
    return tuple(views.values())


def _topic(name: str, facts: LookAnswers) -> TopicView:
    count = facts.topics.get(name, 0)
    standings = {
        number: facts.standings.get(TopicPartition(name, number), PartitionStanding()) for number in range(count)
    }
    lags = [standing.lag for standing in standings.values()]
    owned = {number: standing.is_owned for number, standing in standings.items()}
    stalled = {
        number: standing
        for number, standing in standings.items()
        if TopicPartition(name, number) not in facts.mine and standing.lag and standing.still_for >= STALLED_AFTER
    }
    return TopicView(
        name,
        partitions=count,
        lag=sum(lag for lag in lags if lag is not None) if lags and None not in lags else None,
        unowned=None
        if not owned or None in owned.values()
        else tuple(n for n, is_owned in owned.items() if not is_owned),
        stalled=tuple(stalled),
        owners_of_stalled=tuple(sorted({standing.owner for standing in stalled.values() if standing.owner})),
        stalled_for=max((standing.still_for for standing in stalled.values()), default=0.0),
        problem=facts.problems.get(name),
    )


def stalled(view: GroupView) -> tuple[TopicPartition, ...]:
    """Partitions of all topics that another member has and does not move."""
    return tuple(TopicPartition(topic.topic, number) for topic in view.topics for number in topic.stalled)


def unowned(view: GroupView) -> tuple[TopicPartition, ...]:
    """Partitions of all topics that nobody has."""
    return tuple(TopicPartition(topic.topic, number) for topic in view.topics for number in topic.unowned or ())


def lag(view: GroupView) -> int | None:
    """Records that wait in all topics that can be read; None where one of them is not known."""
    lags = [topic.lag for topic in view.topics if topic.problem is None]
    return sum(each for each in lags if each is not None) if lags and None not in lags else None


def readable(view: GroupView) -> tuple[tuple[str, int], ...]:
    """Those topics, each with the number of its partitions."""
    return tuple((topic.topic, topic.partitions) for topic in view.topics if topic.problem is None)


def nothing_to_read(topics: Sequence[TopicView]) -> TopicProblem | None:
    """Why no configured topic yields anything; None where one does, or only patterns are waiting for topics."""
    problems = [view.problem for view in topics]
    if None in problems:
        return None
    named = [view.problem for view in topics if not topic_patterns.is_pattern(view.topic)]
    return named[0] if named else None
