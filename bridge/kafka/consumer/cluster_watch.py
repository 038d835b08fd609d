"""What the poll thread asks the cluster now and then without waiting: retention, missing topics, topics that were
created again, the session of the group.

The answers are futures that another thread completes; they are looked at between polls.
"""

from __future__ import annotations

import concurrent.futures
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from confluent_kafka import KafkaException, TopicCollection
from confluent_kafka.admin import ConfigResource, ResourceType

from bridge.config.topics.topic_patterns import is_pattern
from bridge.holds import Reason
from bridge.kafka import answers, terms, topic_ids
from bridge.kafka.admin.retention import Retention

if TYPE_CHECKING:
    from confluent_kafka import KafkaError

    from bridge.kafka.consumer.thread.context import ConsumerContext

TOPICS_EVERY: Final = 10.0
"""Seconds between questions for topics: as long at most is a recreated topic read from the old offset before it is
held."""
SESSION_EVERY: Final = 300.0
"""Seconds between two questions; a question that was not answered is asked again after `_RETRY`."""
_RETRY: Final = 10.0
_PATIENCE: Final = 10.0
_UNKNOWN_TOPIC: Final = 3
_UNAUTHORIZED_TOPIC: Final = 29


class ClusterWatch:
    """Belongs to the poll thread; `problems` is replaced whole and may be read from anywhere."""

    def __init__(
        self, context: ConsumerContext, identify: Callable[[str, str], None], session: BrokerSession | None
    ) -> None:
        """`identify` is told each topic's id as often as it is asked for: a topic that is deleted and created again
        keeps its name. That is every `TOPICS_EVERY` seconds, or every `kafka.refresh` where that is less. `session`
        is looked after where the brokers decide it.
        """
        self.problems: Mapping[str, tuple[Reason, str]] = {}
        """By topic: why nothing comes from it, with a sentence for its owner."""
        self.retention = Retention(context.admin, context.logger)
        self._admin = context.admin
        self._partitions = context.partitions
        self._topics = [topic for topic in context.kafka.topics if not is_pattern(topic)]
        self._every = min(TOPICS_EVERY, context.kafka.refresh)
        self._identify = identify
        self._session = session
        self._asked_topics: dict[str, concurrent.futures.Future[Any]] = {}
        self._topics_due = 0.0

    def step(self) -> None:
        """Take what was answered and ask what is due; call it about once a second."""
        now = time.monotonic()
        self._admin.poll(0)  # serves its log
        self._take_topics()
        wanted = sorted({*self._topics, *self._partitions.by_topic})
        if now >= self._topics_due and wanted and not self._asked_topics:
            self._topics_due = now + self._every
            self._asked_topics = self._admin.describe_topics(TopicCollection(wanted), request_timeout=_PATIENCE)
        self.retention.step(self._partitions.by_topic, now)
        if self._session is not None:
            self._session.step(now)

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


class BrokerSession:
    """The session that the brokers give members under the consumer protocol.

    It is theirs to say (`group.consumer.session.timeout.ms`, or `consumer.session.timeout.ms` of the group), and can be
    changed while the group lives. The question needs DESCRIBE_CONFIGS on the group, which delivery does not; without it
    Kafka's defaults are assumed.
    """

    def __init__(self, context: ConsumerContext) -> None:
        self._admin = context.admin
        self._hand_over = context.hand_over
        self._logger = context.logger
        self._group = ConfigResource(ResourceType.GROUP, context.kafka.group_id)
        self._asked: Mapping[Any, concurrent.futures.Future[Any]] = {}
        self._known: tuple[float, float] | None = None
        self._due = 0.0

    def step(self, now: float) -> None:
        """Take what was answered and ask what is due; `now`: monotonic seconds."""
        if self._asked:
            if all(future.done() for future in self._asked.values()):
                self._take(now)
        elif now >= self._due:
            self._due = now + SESSION_EVERY
            try:
                self._asked = self._admin.describe_configs([self._group], request_timeout=_PATIENCE)
            except (KafkaException, ValueError) as error:
                self._logger.debug("the brokers cannot be asked for the group's session: %s", error)

    def _take(self, now: float) -> None:
        answered, self._asked = answers.collect(self._asked, now), {}
        for error in answered.errors.values():
            self._due = now + (_RETRY if error.retriable() or error.code() < 0 else SESSION_EVERY)
            self._logger.debug("the group's session is not known: %s", error.str())
        for entries in answered.results.values():
            found = session(entries)
            if found is not None and found != self._known:
                self._known = found
                self._logger.info("the brokers give members a session of %g s and expect heartbeats every %g s", *found)
                lasts = self._hand_over.consumption.session_lasts
                self._hand_over.tell_from_callback(lasts, terms.trust_of(*found))


def session(entries: Mapping[str, Any]) -> tuple[float, float] | None:
    """Seconds of the session and between heartbeats, of a group's configuration as brokers describe it; None where it
    has none.
    """
    named = (entries.get("consumer.session.timeout.ms"), entries.get("consumer.heartbeat.interval.ms"))
    values = [int(each.value) / 1000 for each in named if each is not None and str(each.value).isdecimal()]
    return (values[0], values[1]) if len(values) == len(named) else None


def _problem(topic: str, error: KafkaError) -> tuple[Reason, str] | None:
    if error.code() == _UNKNOWN_TOPIC:
        sentence = f"kafka.topics: topic {topic} does not exist on this cluster; nothing is read from it until it does"
        return Reason.TOPIC_MISSING, sentence
    if error.code() == _UNAUTHORIZED_TOPIC:
        sentence = f"kafka.topics: this user may not read topic {topic}; grant it READ and DESCRIBE on the topic"
        return Reason.NOT_AUTHORISED, sentence
    return None
