"""What keeps a client from a cluster, told from the errors that belong to no call."""

from __future__ import annotations

import enum
import logging
import re
from collections import deque
from typing import Final

from confluent_kafka import KafkaError

from bridge.errors import Unreachable
from bridge.kafka.client_log import ClientLog, is_of_a_token


class Obstacle(enum.Enum):
    """What keeps a client from a cluster, the most telling first."""

    LOGIN = "login"
    """The brokers refuse the user or password (SASL), or who gives tokens refuses to."""
    TOKEN = "token"  # noqa: S105 - no password
    """No token for the login came, and nobody refused one."""
    TLS = "tls"
    NAME = "name"
    """A host name that does not resolve."""
    CONNECTION = "connection"


_OBSTACLES: Final = {
    KafkaError._AUTHENTICATION: Obstacle.LOGIN,  # noqa: SLF001  # the library's public names for local codes, here and below
    KafkaError._SSL: Obstacle.TLS,  # noqa: SLF001
    KafkaError._RESOLVE: Obstacle.NAME,  # noqa: SLF001
}
_TELLING: Final = tuple(Obstacle)
_AWAY: Final = re.compile(
    r"Failed to connect|[Cc]ould not (connect|resolve)|[Tt]imed? ?out|[Rr]ecv failure|Empty reply"
)
"""In what the client says of a token endpoint: that it is not there."""
_CUT_OFF: Final = "Disconnected: connection closed by peer"
_HUNG_UP: Final = re.compile(r"Send failed: Broken pipe|(?:Send|Receive) failed: Connection reset by peer")
"""The same where the client was still writing when the broker closed the connection."""
_NOISE: Final = re.compile(
    r"^[a-z_]+://"
    r"|/bootstrap(?=: )"
    r"|\s*\((?:after|in) \d+ms in state [A-Z_0-9]+(?:, \d+ identical error\(s\) suppressed)?\)"
    r"|, \d+ identical error\(s\) suppressed"
)
"""Parts of the client's messages that mean something only to its authors."""
_BROKER: Final = re.compile(r"^(?:[a-z_]+://)?(?P<broker>[^/\s]+:\d+)/(?:\d+|bootstrap): (?P<error>.*)$", re.DOTALL)
_ERRORS_KEPT: Final = 100
_BROKERS_NAMED: Final = 3


class NotConnectedError(Unreachable):
    """No broker let this client in; the message says why, in the client's words."""

    def __init__(self, obstacle: Obstacle, message: str) -> None:
        super().__init__(message)
        self.obstacle = obstacle

    @property
    def needs_a_change(self) -> bool:
        """Whether waiting does not help: the login or the certificate is refused."""
        return self.obstacle in (Obstacle.LOGIN, Obstacle.TLS)


class ConnectionErrors(ClientLog):
    """Also keeps the errors that belong to no call: only they tell a wrong password from a dead broker."""

    def __init__(self, logger: logging.Logger) -> None:
        super().__init__(logger)
        self.seen: deque[KafkaError] = deque(maxlen=_ERRORS_KEPT)
        self.cut_off = ""
        """That a broker closed a connection without an answer, the last time that one did."""

    def log(self, level: int, template: str, *arguments: object) -> None:
        """See `ClientLog.log`. Of a broker that hangs up the client tells its log alone."""
        text = str(arguments[-1]) if arguments else template
        if _CUT_OFF in text:
            self.cut_off = _NOISE.sub("", text[text.find("]: ") + 3 :] if "]: " in text else text)
        super().log(level, template, *arguments)

    def error(self, error: KafkaError) -> None:
        """See `ClientLog.error`."""
        self.seen.append(error)
        super().error(error)

    def obstacle(self) -> tuple[Obstacle, str]:
        """The most telling of them and its text."""
        found = [(_obstacle(error), error) for error in self.seen]
        down = KafkaError._ALL_BROKERS_DOWN  # noqa: SLF001
        found = [each for each in found if each[1].code() != down] or found
        hung_up = [error for _, error in found if _HUNG_UP.search(error.str())]
        others = [error for _, error in found if error.code() != down and not _HUNG_UP.search(error.str())]
        if (self.cut_off or hung_up) and not others:
            return Obstacle.CONNECTION, self.cut_off or _HUNG_UP.sub(_CUT_OFF, _NOISE.sub("", hung_up[-1].str()))
        if not found:
            return Obstacle.CONNECTION, "no answer in time"
        obstacle, error = min(found, key=lambda each: _TELLING.index(each[0]))
        return obstacle, _NOISE.sub("", error.str())

    def by_broker(self) -> str:
        """The last error of each broker, as far as they say which one: ``kafka-1:9092: Connection refused; …``."""
        last: dict[str, str] = {}
        for error in self.seen:
            if (found := _BROKER.match(error.str())) is not None:
                last[found["broker"]] = _NOISE.sub("", found["error"])
        named = [f"{broker}: {error}" for broker, error in last.items()]
        more = f"; and {len(named) - _BROKERS_NAMED} more" if len(named) > _BROKERS_NAMED else ""
        return "; ".join(named[:_BROKERS_NAMED]) + more


def _obstacle(error: KafkaError) -> Obstacle:
    # A handshake with a listener of another kind is reported as a broken connection; only the text says more.
    if "SSL handshake failed" in error.str() or "security.protocol" in error.str():
        return Obstacle.TLS
    if is_of_a_token(error.str()) and _AWAY.search(error.str()):
        return Obstacle.TOKEN
    return _OBSTACLES.get(error.code(), Obstacle.CONNECTION)
