"""Which dead letters are meant, from what somebody typed: options of `track-bridge dlq`, fields of the console."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from bridge.config.keys import scalars
from bridge.errors import Misuse
from bridge.mapping.expressions.queries import QueryError, compile_query
from bridge.reprocess.reading.ledger import LetterState
from bridge.reprocess.reading.selection import Selection, parse_id, parse_origin

T = TypeVar("T")
Many = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class WantedLetters:
    """All that is given must hold; of several values of one kind, any. As `Selection`, in texts."""

    reason: Many = ()
    status: tuple[int, ...] = ()
    route: Many = ()
    kind: Many = ()
    type: Many = ()
    user: Many = ()
    since: str | None = None
    until: str | None = None
    origin: Many = ()
    route_hash: Many = ()
    match: str | None = None
    limit: int | None = None

    def selection(self, group: str | None, *, ids: Many = (), with_ended: bool = False) -> Selection:
        """Raises `Misuse` for what cannot be understood. `group` None: of all groups."""
        now = time.time()
        return Selection(
            states=frozenset(LetterState) if with_ended else frozenset(state for state in LetterState if state.is_open),
            reasons=frozenset(self.reason),
            statuses=frozenset(self.status),
            routes=frozenset(self.route),
            kinds=frozenset(self.kind),
            types=frozenset(self.type),
            users=frozenset(self.user),
            since_ms=moment_of("--since", self.since, now),
            until_ms=moment_of("--until", self.until, now),
            origins=tuple(_parsed("--origin", parse_origin, text) for text in self.origin),
            route_hashes=frozenset(self.route_hash),
            ids=tuple(_parsed("ID", parse_id, text) for text in ids),
            match=None if self.match is None else _query(self.match),
            limit=self.limit,
            group=group,
        )


def moment_of(option: str, text: str | None, now: float) -> int | None:
    """Unix milliseconds of a time, or of an age before ``now``; None where none is given. Raises `Misuse`."""
    if text is None:
        return None
    try:
        found = scalars.start_from(text)
    except ValueError:
        found = scalars.StartPoint.ERROR
    match found:
        case scalars.StartTime(epoch_ms):
            return epoch_ms
        case scalars.StartAge(seconds):
            return round((now - seconds) * 1000)
    raise Misuse(f"{option} must be a time with its zone such as 2026-01-31T00:00:00Z, or an age such as 24h.")


def _parsed(option: str, parse: Callable[[str], T], text: str) -> T:
    try:
        return parse(text)
    except ValueError as problem:
        raise Misuse(f"{option}: {problem}.") from problem


def _query(text: str) -> Callable[[Any], Any]:
    try:
        return compile_query(text)
    except QueryError as problem:
        raise Misuse(f"--match {problem}.") from problem
