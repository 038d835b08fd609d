"""How long Kafka keeps the records of the topics that are read, asked now and then without waiting for the answer."""

from __future__ import annotations

import concurrent.futures
import logging
import math
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any, Final

from confluent_kafka import KafkaException
from confluent_kafka.admin import ConfigResource, ResourceType

from bridge.kafka import answers

if TYPE_CHECKING:
    from confluent_kafka.admin import AdminClient

EVERY: Final = 30.0
"""Seconds between two questions for the same topics, where one question is enough for them all: whoever lengthens a
retention at night wants to see it. A topic that was assigned since is asked for at once."""
_AT_ONCE: Final = 100
"""Topics asked for with one question: brokers tell all settings of each, which is a hundred times what is kept."""
_PATIENCE: Final = 10.0


class Retention:
    """Belongs to the poll thread; `seconds` is replaced whole and may be read from anywhere.

    It may be refused (DESCRIBE_CONFIGS on the topic, which delivery does not need) or unknown to the cluster. Then the
    topic is left out, and nothing else changes.
    """

    def __init__(self, admin: AdminClient, logger: logging.Logger) -> None:
        self.seconds: Mapping[str, float] = {}
        """By topic: the age at which its records are deleted; infinite where they never are for their age."""
        self._admin = admin
        self._logger = logger
        self._asked: dict[Any, concurrent.futures.Future[Any]] = {}
        self._asked_for: frozenset[str] = frozenset()
        self._waiting: list[str] = []
        """Topics to be asked for when the present question is answered."""
        self._due = 0.0

    def step(self, topics: Collection[str], now: float) -> None:
        """Take what was answered and ask what is due. `topics`: those read now; `now`: monotonic seconds."""
        self._take(now)
        wanted = frozenset(topics)
        if not self.seconds.keys() <= wanted:
            self.seconds = {topic: seconds for topic, seconds in self.seconds.items() if topic in wanted}
        if not self._asked and not self._waiting and (now >= self._due or not wanted <= self._asked_for):
            self._due, self._asked_for = now + EVERY * max(1, -(-len(wanted) // _AT_ONCE)), wanted
            self._waiting = sorted(wanted)
        if not self._asked and self._waiting:
            self._ask()

    def _ask(self) -> None:
        asked, self._waiting = self._waiting[:_AT_ONCE], self._waiting[_AT_ONCE:]
        resources = [ConfigResource(ResourceType.TOPIC, topic) for topic in asked]
        try:
            self._asked = self._admin.describe_configs(resources, request_timeout=_PATIENCE)
        except (KafkaException, ValueError) as error:
            self._logger.debug("the retention of the topics cannot be asked for: %s", error)

    def _take(self, now: float) -> None:
        if not self._asked or not all(future.done() for future in self._asked.values()):
            return
        answered, self._asked = answers.collect(self._asked, now), {}
        for resource, error in answered.errors.items():
            self._logger.debug("the retention of topic %s is not known: %s", resource.name, error.str())
        found = {resource.name: retention(entries) for resource, entries in answered.results.items()}
        self.seconds = {**self.seconds, **found}


def retention(entries: Mapping[str, Any]) -> float:
    """Seconds, of a topic's configuration as brokers describe it (`cleanup.policy`, `retention.ms`; -1: for ever).

    `retention.bytes` is left out: the age it comes to depends on the traffic.
    """
    deletes = "delete" in entries["cleanup.policy"].value.split(",")
    milliseconds = int(entries["retention.ms"].value)
    return milliseconds / 1000 if deletes and milliseconds >= 0 else math.inf
