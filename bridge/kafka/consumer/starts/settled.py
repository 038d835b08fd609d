"""Whether a topic on which the group has no committed offset is new, or was always there and is only new to the group.

`kafka.start_from` decides about old topics: those with records from before anybody wanted them sent. It must not decide
about a topic that appears while the group lives, or is created again: all of its records are wanted, and `latest` would
skip those written before the topic was noticed.

Kafka does not tell when a topic was created. But the group knows something as good. It *settles* once every topic that
exists, of those its subscription takes, has a committed offset on every partition: a start is committed as soon as it
is decided. From then on, a topic without one did not exist when the group settled, or was created again since: brokers
delete the committed offsets of a topic together with the topic.

That fact must outlive the process that sees it, or a restart at the wrong moment would forget it. So it travels with
the commits: each carries the subscription under which the group is known to have settled (`commit_mark`), and a new
owner passes on what it finds. It holds for that subscription only. Who adds a topic to `kafka.topics` makes another
one, under which the group has not settled yet: `start_from` is followed for what is new to the group, until all of it
has a committed offset. Where commits of the group carry different subscriptions, nothing is established.

As long as one topic that it takes has no committed offset, because it is held for a start or may not be read, the group
does not settle, and `start_from` is followed for new topics too; the log says so with each start.

Limits, each in the direction of sending rather than skipping: a topic that a pattern takes, and that becomes visible
late because permission to describe it was granted late, counts as new; so does one whose committed offsets somebody
deleted while the group has others.
"""

from __future__ import annotations

import time
import zlib
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from confluent_kafka import KafkaError, KafkaException, TopicCollection

from bridge.formats import commit_mark
from bridge.kafka import answers
from bridge.kafka.partitions import from_client, to_client
from bridge.limiter import News
from bridge.model import TopicPartition

if TYPE_CHECKING:
    from bridge.config.topics.consumed_topics import ConsumedTopics
    from bridge.kafka.consumer.thread.context import ConsumerContext

FIRST_LOOKS: Final = 5.0
"""Seconds to the second look where the group has not settled by the first; doubles up to `LATER_LOOKS`."""
LATER_LOOKS: Final = 60.0
LOOK_BUDGET: Final = 1.0
"""Seconds such a look may take: the poll thread waits for it."""


def subscription_of(topics: Iterable[str], reading: str) -> int:
    """What stands for a subscription in the commits. `reading`: how patterns are read, which decides what they take."""
    entries = sorted(set(topics))
    if any(entry.startswith("^") for entry in entries):
        entries.append(reading)
    return zlib.crc32("\n".join(entries).encode()) % (commit_mark.SUBSCRIPTIONS - 1) + 1


@dataclass(frozen=True, slots=True)
class Seen:
    """All that the subscription takes, at one moment."""

    partitions: frozenset[TopicPartition]
    committed: Mapping[TopicPartition, str]
    """The metadata of the committed offsets, of partitions that have one. Asked for after the partitions."""

    @property
    def settles(self) -> bool:
        """Whether the group settles by this: there is something, and all of it has a committed offset."""
        return bool(self.partitions) and self.partitions == self.committed.keys()

    def had_settled(self, subscription: int) -> bool:
        """Whether the commits say that the group had settled before."""
        return {each for text in self.committed.values() if (each := commit_mark.subscription_of(text))} == {
            subscription
        }


class Settled:
    """Belongs to the poll thread."""

    def __init__(self, context: ConsumerContext, topics: ConsumedTopics) -> None:
        self.known = False
        """Whether the group is known to have settled. It cannot unsettle while the subscription is the same."""
        self.subscription = subscription_of(topics.entries, topics.reading.name)
        self._consumer = context.consumer
        self._admin = context.admin
        self._logger = context.logger
        self._clock = context.clock
        self._topics = topics
        self._due = 0.0
        self._wait = FIRST_LOOKS
        self._news = News()

    def step(self) -> bool:
        """Look where that is due; whether it became known since the last call. Only while partitions are assigned."""
        if not self.known and self._clock() >= self._due:
            self.look(LOOK_BUDGET)
            self._due = self._clock() + self._wait
            self._wait = min(LATER_LOOKS, self._wait * 2)
        return self._news.admit(self.known or None)

    def look(self, budget: float) -> bool | None:
        """Whether the group is known to have settled; None where the brokers did not answer within `budget` seconds."""
        if not self.known:
            seen = self._see(budget)
            if seen is None:
                return None
            self.known = seen.settles or seen.had_settled(self.subscription)
        return self.known

    def _see(self, budget: float) -> Seen | None:
        deadline = self._clock() + budget
        try:
            # Never the consumer's own `list_topics`: within one of its callbacks that ends the process.
            listed = self._admin.list_topics(timeout=max(0.1, budget)).topics
            partitions = frozenset(
                TopicPartition(name, number)
                for name, topic in listed.items()
                if not name.startswith("__") and self._topics.takes(name)
                for number in topic.partitions
            )
            if not partitions or self._hidden(self._topics.names - listed.keys(), deadline):
                return Seen(frozenset(), {})
            wanted = [to_client(each) for each in partitions]
            read = self._consumer.committed(wanted, timeout=max(0.1, deadline - self._clock()))
        except KafkaException as error:
            self._logger.warning(
                "whether the group has committed offsets on all its topics could not be read: %s",
                answers.error_of(error).str(),
            )
            return None
        if any(each.error is not None for each in read):
            return None
        return Seen(partitions, {from_client(each): each.metadata or "" for each in read if each.offset >= 0})

    def _hidden(self, names: AbstractSet[str], deadline: float) -> bool:
        """Whether one of these may exist: a list of all topics leaves out those that this user may not see."""
        if not names:
            return False
        budget = max(0.1, deadline - self._clock())
        asked = self._admin.describe_topics(TopicCollection(sorted(names)), request_timeout=budget)
        answered = answers.collect(asked, time.monotonic() + budget)
        return any(
            name not in answered.errors or answered.errors[name].code() != KafkaError.UNKNOWN_TOPIC_OR_PART
            for name in names
        )
