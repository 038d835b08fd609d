"""What the Kafka client says about itself, brought into the program's own log at a bearable rate.

A refused bootstrap address alone yields some twenty lines a second.
"""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Final

from bridge.commands import command
from bridge.kafka.login.login_problem import LoginProblem
from bridge.limiter import RareLog

if TYPE_CHECKING:
    from confluent_kafka import KafkaError

_REFUSED_CERTIFICATE: Final = "certificate could not be verified"
_TOKEN_FAILED: Final = "Failed to acquire SASL OAUTHBEARER token: "  # noqa: S105 - no password
_OURS: Final = "OAuth callback raised exception"
"""All that the client knows of a login of ours, which says by itself what is wrong."""
_ENDED: Final = "ConsumerGroupHeartbeat fatal error"


class ClientLog:
    """The `logger` and the `error_cb` of a client."""

    def __init__(self, logger: logging.Logger) -> None:
        self.last_error: KafkaError | None = None
        self.errors = 0
        """Reported so far."""
        self.no_token: LoginProblem | None = None
        """That the client could not get a token. It never says that it could later: whoever finds out sets None."""
        self._log = RareLog(logger)

    def log(self, level: int, template: str, *arguments: object) -> None:
        """The client calls this with its own level, a template, and facility, client name and text."""
        text = " ".join(str(argument) for argument in arguments) if arguments else template
        if "will be ignored by this" in text:
            return  # `kafka.properties` are given to every client, each of which knows its own part only
        if _ENDED in text:
            return  # comes as a message, too; whoever polls says what it means
        self._log.write(level, text)

    def write(self, text: str) -> None:
        """What whoever has the client found out."""
        self._log.write(logging.WARNING, text)

    def error(self, error: KafkaError) -> None:
        """An error that belongs to no call: connections, authentication, all brokers down."""
        if _ENDED in error.str():
            return  # as above
        self.errors += 1
        text = error.str()
        if _OURS in text:
            return
        self.last_error = error
        if is_of_a_token(text):
            since = time.time() if self.no_token is None else self.no_token.since
            self.no_token = LoginProblem(since, no_token(text))
        # The client blames ssl.ca.location for each of them, also for one that expired.
        hint = f"; `{command('check')}` says what is wrong with it" if _REFUSED_CERTIFICATE in error.str() else ""
        self._log.write(logging.WARNING, f"{error.name()}: {error.str()}{hint}")


def is_of_a_token(text: str) -> bool:
    """Whether the client could not get a token for its login."""
    return text.startswith(_TOKEN_FAILED)


def no_token(text: str) -> str:
    """What the client says of a token endpoint, as a sentence without its full stop."""
    return f"no token for the login at Kafka: {' '.join(text.removeprefix(_TOKEN_FAILED).split())}"
