"""What the poll thread asks the cluster now and then without waiting: retention, missing topics, topics made again.

The answers are futures that another thread completes; they are looked at between polls.
"""

from __future__ import annotations

import concurrent.futures
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from confluent_kafka import TopicCollection

from bridge.config.topics.topic_patterns import is_pattern
from bridge.holds import Reason
from bridge.kafka import answers, topic_ids
from bridge.kafka.admin.retention import Retention

if TYPE_CHECKING:
    from confluent_kafka import KafkaError
    from confluent_kafka.admin import AdminClient

    from bridge.kafka.consumer.broker_session import BrokerSession
    from bridge.kafka.consumer.thread.partition_state import PartitionTable

TOPICS_EVERY: Final = 10.0
"""Seconds between questions for topics: as long at most is a recreated topic read from the old position before it is
held."""
_PATIENCE: Final = 10.0
_UNKNOWN_TOPIC: Final = 3
_UNAUTHORIZED_TOPIC: Final = 29


class ClusterWatch:
    """Belongs to the poll thread; `problems` is replaced whole and may be read from anywhere."""

    def __init__(
        self,
        admin: AdminClient,
        table: PartitionTable,
        topics: Sequence[str],
        logger: logging.Logger,
        identify: Callable[[str, str], None],
        refresh: float,
    ) -> None:
        """`identify` is told each topic's id as often as it is asked for: a topic that is deleted and created again
        keeps its name. That is every `TOPICS_EVERY` seconds, or every `refresh` seconds where that is less.
        """
        self.problems: Mapping[str, tuple[Reason, str]] = {}
        """By topic: why nothing comes from it, with a sentence for its owner."""
        self.retention = Retention(admin, logger)
        self.session: BrokerSession | None = None
        """Asked for where the brokers decide it."""
        self._admin = admin
        self._table = table
        self._topics = [topic for topic in topics if not is_pattern(topic)]
        self._identify = identify
        self._every = min(TOPICS_EVERY, refresh)
        self._asked_topics: dict[str, concurrent.futures.Future[Any]] = {}
        self._topics_due = 0.0

    def step(self) -> None:
        """Take what was answered and ask what is due; call it about once a second."""
        now = time.monotonic()
        self._admin.poll(0)  # serves its log
        self._take_topics()
        wanted = sorted({*self._topics, *self._table.by_topic})
        if now >= self._topics_due and wanted and not self._asked_topics:
            self._topics_due = now + self._every
            self._asked_topics = self._admin.describe_topics(TopicCollection(wanted), request_timeout=_PATIENCE)
        self.retention.step(self._table.by_topic, now)
        if self.session is not None:
            self.session.step(now)

    def hurry(self) -> None:
        """Something is odd about a topic: ask at the next step."""
        self._topics_due = 0.0

    def _take_topics(self) -> None:
        if not self._asked_topics or not all(future.done() for future in self._asked_topics.values()):
            return
        answered, self._asked_topics = answers.collect(self._asked_topics, time.monotonic()), {}
        self.problems = {t: problem for t, e in answered.errors.items() if (problem := _problem(t, e)) is not None}
        for topic, described in answered.results.items():
            self._identify(topic, topic_ids.of(described))


def _problem(topic: str, error: KafkaError) -> tuple[Reason, str] | None:
    if error.code() == _UNKNOWN_TOPIC:
        sentence = f"kafka.topics: topic {topic} does not exist on this cluster; nothing is read from it until it does"
        return Reason.TOPIC_MISSING, sentence
    if error.code() == _UNAUTHORIZED_TOPIC:
        sentence = f"kafka.topics: this user may not read topic {topic}; grant it READ and DESCRIBE on the topic"
        return Reason.NOT_AUTHORISED, sentence
    return None
