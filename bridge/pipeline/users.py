"""Whom the API knows, as far as this process saw identifies accepted. It saves requests, and nothing depends on it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

FORGOTTEN: Final = float("-inf")
"""In place of the time of an identify: the user is not to be identified by the bridge itself."""


class UserMemory:
    """Users by hash, those seen last at the end; a bounded number of them, each for a bounded time.

    The hash is Python's own of the text, 64 bits with a secret of the process: two of 100,000 users share one in 3 of
    10^10 processes, and the second of them is then taken for known.
    """

    __slots__ = ("_refused", "_size", "_times", "_ttl")

    def __init__(self, size: int, ttl: float) -> None:
        """`ttl` in seconds."""
        self._size = size
        self._ttl = ttl
        self._times: dict[int, float] = {}
        """When the user's identify was accepted."""
        self._refused: dict[int, float] = {}
        """Users whom the bridge does not identify: forgotten, or refused by the API at this time."""

    def __len__(self) -> int:
        return len(self._times)

    def __iter__(self) -> Iterator[int]:
        return iter(self._times)

    def identified_at(self, user_id: str, now: float) -> float | None:
        """Monotonic time at which an identify was accepted; None: the user is not known (any more)."""
        key = hash(user_id)
        at = self._times.get(key)
        if at is None:
            return None
        del self._times[key]
        if now - at >= self._ttl:
            return None
        self._times[key] = at
        return at

    def is_left_alone(self, user_id: str, now: float) -> bool:
        """Whether the bridge sends no identify of its own for this user."""
        key = hash(user_id)
        at = self._refused.get(key)
        if at is None:
            return False
        if at is not FORGOTTEN and now - at >= self._ttl:
            del self._refused[key]
            return False
        return True

    def identified(self, user_id: str, now: float) -> None:
        """An identify of the user was accepted. Only a record can ask for that of a user who was forgotten."""
        key = hash(user_id)
        self._refused.pop(key, None)
        self._times.pop(key, None)
        self._times[key] = now
        if len(self._times) > self._size:
            del self._times[next(iter(self._times))]

    def refused(self, user_id: str, now: float) -> None:
        """The API refuses to identify the user: to ask again for every event would take the budget of others."""
        self._leave_alone(hash(user_id), now)

    def forget(self, user_id: str) -> None:
        """The user is gone."""
        key = hash(user_id)
        self._times.pop(key, None)
        self._leave_alone(key, FORGOTTEN)

    def forget_all(self) -> None:
        """Another account or another key: nobody is known there. Who was forgotten stays so."""
        self._times.clear()
        self._refused = {key: at for key, at in self._refused.items() if at is FORGOTTEN}

    def _leave_alone(self, key: int, at: float) -> None:
        self._refused.pop(key, None)
        self._refused[key] = at
        if len(self._refused) > self._size:
            del self._refused[next(iter(self._refused))]
