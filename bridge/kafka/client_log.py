"""What the Kafka client says about itself, brought into the program's own log at a bearable rate.

A refused bootstrap address alone yields some twenty lines a second.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from bridge.commands import command

if TYPE_CHECKING:
    from confluent_kafka import KafkaError

_VARYING: Final = re.compile(r"0x[0-9a-f]+|\d+")
_REFUSED_CERTIFICATE: Final = "certificate could not be verified"
_ENDED: Final = "ConsumerGroupHeartbeat fatal error"
_PATTERNS: Final = 256
"""How many different lines are remembered, so that odd input cannot grow the table for ever."""


class Rare:
    """Lets a text through at most once in a while; texts that differ only in numbers count as repetitions."""

    def __init__(self, *, every: float = 30.0, clock: Callable[[], float] = time.monotonic) -> None:
        """`every` is in seconds; a text let through again says how many were left out."""
        self._every = every
        self._clock = clock
        self._written: dict[str, tuple[float, int]] = {}

    def admit(self, text: str) -> str | None:
        """The text to show, or None for one more of those left out."""
        pattern = _VARYING.sub("#", text)
        now = self._clock()
        at, left_out = self._written.get(pattern, (None, 0))
        if at is not None and now - at < self._every:
            self._written[pattern] = (at, left_out + 1)
            return None
        if len(self._written) >= _PATTERNS:
            self._written.clear()
        self._written[pattern] = (now, 0)
        return f"{text} (and {left_out} more like it)" if left_out else text


class RareLog:
    """Writes a line at most once in a while, see `Rare`."""

    def __init__(
        self, logger: logging.Logger, *, every: float = 30.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._logger = logger
        self._rare = Rare(every=every, clock=clock)

    def write(self, level: int, text: str) -> None:
        """One line, or one more of those left out."""
        if (shown := self._rare.admit(text)) is not None:
            self._logger.log(level, "%s", shown)


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
