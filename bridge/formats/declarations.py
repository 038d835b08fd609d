"""How replays tell everybody what part of the budget they use: in the metadata of their group's commits.

Every running bridge reads them with the view its own share comes from, and so does every other replay; all take the
same sum off the limit. Automatic replays count as one: they divide its rate among themselves.
schemas/replay-declaration.schema.json describes one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

import orjson

from bridge.model import TopicPartition

VERSION: Final = 1
STALE: Final = 30.0
"""Seconds after which a declaration that was not renewed is not believed any more: its replay is dead."""


class Declaration(NamedTuple):
    """What one replay wants."""

    replay: str
    """Which one: it says the same on all its partitions and counts once."""
    rate: float
    """Requests per second; 0: it is done."""
    at: int
    """A number that grows with every renewal; no two clocks need to agree on it."""
    automatic: bool = False
    """Made by a running bridge (`dead_letter.redrive`): all replicas begin at once, and share one rate."""


def group_of(group: str) -> str:
    """The consumer group of the replays for a bridge's group."""
    return f"{group}.replay"


def encode(declaration: Declaration) -> str:
    """As text for a commit."""
    return orjson.dumps({"v": VERSION, **declaration._asdict()}).decode()


def decode(text: str) -> Declaration | None:
    """None for what is foreign, damaged or newer: only what `encode` writes takes anything off the limit."""
    try:
        found = orjson.loads(text)
    except ValueError:
        return None
    if type(found) is not dict or found.get("v") != VERSION:
        return None
    replay, rate, at = found.get("replay"), found.get("rate"), found.get("at")
    if type(replay) is not str or type(at) is not int or not isinstance(rate, int | float) or type(rate) is bool:
        return None
    if not 0.0 <= rate < _NO_RATE:
        return None
    return Declaration(replay, float(rate), at, found.get("automatic") is True)


_NO_RATE: Final = 1e9
"""Requests per second that nobody has: the sum of rates below it is a number that can be divided by."""


class Reservations:
    """Believes a declaration for as long as it is renewed."""

    def __init__(self) -> None:
        self._heard: dict[str, tuple[Declaration, float]] = {}
        """By replay: its latest declaration, and when that was first seen here."""

    def observe(self, metadata: Mapping[TopicPartition, str], now: float) -> None:
        """Take in what the brokers hold; ``now`` in monotonic seconds."""
        latest: dict[str, Declaration] = {}
        for text in metadata.values():
            found = decode(text)
            if found is not None and (found.replay not in latest or found.at > latest[found.replay].at):
                latest[found.replay] = found
        heard = {}
        for replay, found in latest.items():
            known = self._heard.get(replay)
            heard[replay] = known if known is not None and known[0].at == found.at else (found, now)
        self._heard = heard

    def reserved(self, now: float, *, besides: str | None = None) -> float:
        """Requests per second that living replays have declared, all but the one named."""
        living = self._living(now, besides)
        return sum(each.rate for each in living if not each.automatic) + max(
            (each.rate for each in living if each.automatic), default=0.0
        )

    def reserved_by_people(self, now: float) -> float:
        """The same without the automatic ones."""
        return sum(each.rate for each in self._living(now, None) if not each.automatic)

    def automatic(self, now: float, *, besides: str) -> int:
        """How many automatic ones want to send, the one named left out."""
        return sum(each.automatic and each.rate > 0 for each in self._living(now, besides))

    def _living(self, now: float, besides: str | None) -> list[Declaration]:
        return [
            declared for replay, (declared, since) in self._heard.items() if now - since <= STALE and replay != besides
        ]


def allowed(wanted: float, others: float, limit: float) -> float:
    """What one replay may use so that all together stay within the limit: each gives up the same part."""
    total = wanted + others
    return wanted if total <= limit else wanted * limit / total
