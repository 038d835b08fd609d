"""What one look at Kafka showed of the group: values that `compose` works with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from bridge.config.topics.consumed_topics import ConsumedTopics
from bridge.fleet.view import ReplayView
from bridge.kafka.admin.committed import Committed
from bridge.kafka.admin.group_description import GroupDescription
from bridge.model import TopicPartition
from bridge.ops.group_view import TopicProblem
from bridge.ops.snapshot import Letters, RecordedLosses


@dataclass(frozen=True, slots=True)
class KafkaFacts:
    """Times are Unix seconds. What could not be asked, or was not answered, is left out."""

    at: float
    group_id: str
    configured: ConsumedTopics
    """What ought to be read."""
    problem: str | None = None
    """Why it could not be looked at, or not at all of it: a sentence."""
    down_since: float | None = None
    """Since when no broker answers, as far as it was watched; None: one does."""
    topics: Mapping[str, int] = field(default_factory=dict)
    """Partitions of the topics that ought to be read and are there."""
    topic_problems: Mapping[str, TopicProblem] = field(default_factory=dict)
    committed: Mapping[TopicPartition, Committed] = field(default_factory=dict)
    starts: Mapping[TopicPartition, int] = field(default_factory=dict)
    ends: Mapping[TopicPartition, int] = field(default_factory=dict)
    """Up to where each log can be read."""
    group: GroupDescription | None = None
    group_problem: str | None = None
    """Why `group` is not known: a sentence."""
    classic_session: float | None = None
    """Seconds of silence after which a classic group goes on without a member, as this configuration asks for it."""
    retention: Mapping[str, float] = field(default_factory=dict)
    """By topic: seconds after which Kafka deletes its records, infinite: never for their age."""
    replays: tuple[ReplayView, ...] = ()
    written: Mapping[TopicPartition, float] = field(default_factory=dict)
    """When the first record that waits was written, of partitions that no replica speaks of."""
    letters: Letters | None = None
    """Only where no replica counts them; None: not counted."""
    losses: RecordedLosses | None = None
    """The same."""
    letters_problem: str | None = None
    """Why they are not counted: a sentence."""
