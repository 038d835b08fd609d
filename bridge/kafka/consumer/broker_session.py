"""The session that the brokers give members under the consumer protocol, asked now and then without waiting.

It is theirs to say (`group.consumer.session.timeout.ms`, or `consumer.session.timeout.ms` of the group), and can be
changed while the group lives.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from confluent_kafka import KafkaException
from confluent_kafka.admin import ConfigResource, ResourceType

from bridge.kafka import answers

if TYPE_CHECKING:
    import concurrent.futures

    from confluent_kafka.admin import AdminClient

EVERY: Final = 300.0
"""Seconds between two questions; a question that was not answered is asked again after `_RETRY`."""
_RETRY: Final = 10.0
_PATIENCE: Final = 10.0


class BrokerSession:
    """Belongs to the poll thread.

    The question needs DESCRIBE_CONFIGS on the group, which delivery does not; without it Kafka's defaults are assumed.
    """

    def __init__(
        self, admin: AdminClient, group_id: str, told: Callable[[float, float], None], logger: logging.Logger
    ) -> None:
        """`told` gets seconds: of the session, and between two heartbeats; each time they are not what they were."""
        self._admin = admin
        self._group = ConfigResource(ResourceType.GROUP, group_id)
        self._told = told
        self._logger = logger
        self._asked: Mapping[Any, concurrent.futures.Future[Any]] = {}
        self._known: tuple[float, float] | None = None
        self._due = 0.0

    def step(self, now: float) -> None:
        """Take what was answered and ask what is due; `now`: monotonic seconds."""
        if self._asked:
            if all(future.done() for future in self._asked.values()):
                self._take(now)
        elif now >= self._due:
            self._due = now + EVERY
            try:
                self._asked = self._admin.describe_configs([self._group], request_timeout=_PATIENCE)
            except (KafkaException, ValueError) as error:
                self._logger.debug("the brokers cannot be asked for the group's session: %s", error)

    def _take(self, now: float) -> None:
        answered, self._asked = answers.collect(self._asked, now), {}
        for error in answered.errors.values():
            self._due = now + (_RETRY if error.retriable() or error.code() < 0 else EVERY)
            self._logger.debug("the group's session is not known: %s", error.str())
        for entries in answered.results.values():
            found = session(entries)
            if found is not None and found != self._known:
                self._known = found
                self._logger.info("the brokers give members a session of %g s and expect heartbeats every %g s", *found)
                self._told(*found)


def session(entries: Mapping[str, Any]) -> tuple[float, float] | None:
    """Seconds of the session and between heartbeats, of a group's configuration as brokers describe it; None where it
    has none.
    """
    named = (entries.get("consumer.session.timeout.ms"), entries.get("consumer.heartbeat.interval.ms"))
    values = [int(each.value) / 1000 for each in named if each is not None and str(each.value).isdecimal()]
    return (values[0], values[1]) if len(values) == len(named) else None
