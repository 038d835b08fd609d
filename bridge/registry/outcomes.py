"""How a look-up ends: the schema, or one of three signals. Nobody outside of this room sees them raised."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from bridge.errors import Signal
from bridge.text.printable import cut, printable

SCHEMA_LIMIT: Final = 4 * 1024 * 1024
"""Bytes that a schema may have with all it refers to. What is larger is decided once, as unusable."""

ANSWER_LIMIT: Final = 3 * SCHEMA_LIMIT
"""Bytes of an answer that are read: a schema is escaped in it."""

_LONGEST: Final = 1000
"""Characters of a sentence: names in it come from outside."""


class LookupResult(enum.StrEnum):
    """How one attempt ended, as metrics count it. The first three decide; the others are troubles of the registry."""

    FOUND = "found"
    UNKNOWN = "unknown"
    UNUSABLE = "unusable"
    CONNECTION = "connection"
    """Refused, unresolved, or broken before the answer was whole."""
    TIMEOUT = "timeout"
    TLS = "tls"
    SERVER_ERROR = "server_error"
    RATE_LIMITED = "rate_limited"
    LOGIN = "login"
    WRONG_ADDRESS = "wrong_address"
    """What answers is no registry of the configured type."""
    REFUSED = "refused"
    """A registry that refuses the question for another reason."""


class RegistryFailure(Signal):
    """The registry's trouble: it says nothing of the schema. Who waits for it goes on waiting."""

    def __init__(
        self, kind: LookupResult, sentence: str, *, retry_after: float | None = None, status: int | None = None
    ) -> None:
        """`sentence` names the registry, without credentials; `retry_after` are seconds that it asked to wait.

        `status` is that of HTTP; None where no whole answer came.
        """
        self.kind = kind
        self.sentence = cut(printable(sentence), _LONGEST)
        super().__init__(self.sentence)
        self.retry_after = retry_after
        self.status = status


class UnknownReference(Signal):
    """A registry that works does not know it. Its replicas may lag, so that is no decision yet."""

    def __init__(self, what: str) -> None:
        """`what` is not known: ``schema id 42``."""
        self.what = cut(printable(what), _LONGEST)
        super().__init__(self.what)


class UnusableSchema(Signal):
    """What the registry has under the reference can never be used, or can never be looked up there."""

    def __init__(self, why: str) -> None:
        """`why` is a part of a sentence, see `NoSchema.why`."""
        self.why = cut(printable(why), _LONGEST)
        super().__init__(self.why)


@dataclass(frozen=True, slots=True)
class HttpReply:
    """A whole answer, or the beginning of one that has more than `ANSWER_LIMIT` bytes."""

    status: int
    headers: Mapping[str, str]
    """By their names in lower case."""
    body: bytes
    cut: bool = False
