"""How it is on the network, and what came of it."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class Link(enum.Enum):
    """What the connection as a whole does."""

    OPEN = "open"
    REFUSED = "refused"
    """New connections are closed at once."""
    HALF_OPEN = "half_open"
    """New connections are accepted, read, and never answered: nothing is connected behind them. Old ones go on."""
    BLACKHOLE = "blackhole"
    """Bytes of all connections vanish, in both directions; connections stay open, and new ones are accepted. One that
    lost bytes stays dead when this ends.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """How it is on the network."""

    link: Link = Link.OPEN
    latency: float = 0.0
    """Seconds that every byte takes longer, in each direction; order is kept."""
    bytes_per_second: float | None = None
    """Of answers; None: as fast as they come."""
    reset_after: int | None = None
    """Bytes of answers on one connection, counted from now, after which it is reset. The rest of them is lost."""
    closes_after_answer: bool = False
    """The client's side is closed behind each piece of an answer, without a word to the client about that."""
    repeats_answers: bool = False
    """Each piece of an answer comes twice. For connections without TLS: with it, the second is damage."""


@dataclass(slots=True)
class Counts:
    """What happened so far."""

    opened: int = 0
    refused: int = 0
    reset: int = 0
    closed: int = 0
    """Behind an answer."""
    repeated: int = 0
    """Pieces of answers."""
    swallowed: int = 0
    """Bytes that vanished."""
    requests: int = 0
    """Bytes that reached the other side."""
    answers: int = 0
    """Bytes that came back."""
