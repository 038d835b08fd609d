"""What the Kafka client says about itself, brought into the program's own log at a bearable rate.

A refused bootstrap address alone yields some twenty lines a second.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from bridge.commands import command
from bridge.limiter import RareLog

if TYPE_CHECKING:
    from confluent_kafka import KafkaError

_REFUSED_CERTIFICATE: Final = "certificate could not be verified"
_ENDED: Final = "ConsumerGroupHeartbeat fatal error"


class ClientLog:
    """The `logger` and the `error_cb` of a client."""

    def __init__(self, logger: logging.Logger) -> None:
        self.last_error: KafkaError | None = None
        self.errors = 0
        """Reported so far."""
        self._log = RareLog(logger)

    def log(self, level: int, template: str, *arguments: object) -> None:
        """The client calls this with its own level, a template, and facility, client name and text."""
        text = " ".join(str(argument) for argument in arguments) if arguments else template
        if "will be ignored by this" in text:
            return  # `kafka.properties` are given to every client, each of which knows its own part only
        if _ENDED in text:
            return  # comes as a message, too; whoever polls says what it means
        self._log.write(level, text)

    def error(self, error: KafkaError) -> None:
        """An error that belongs to no call: connections, authentication, all brokers down."""
        if _ENDED in error.str():
            return  # as above
        self.last_error = error
        self.errors += 1
        # The client blames ssl.ca.location for each of them, also for one that expired.
        hint = f"; `{command('check')}` says what is wrong with it" if _REFUSED_CERTIFICATE in error.str() else ""
        self._log.write(logging.WARNING, f"{error.name()}: {error.str()}{hint}")
