"""Whom the API knows, as far as this process saw identifies accepted. It saves requests, and nothing depends on it."""

from __future__ import annotations

from typing import Final, TypeAlias, TypeVar

_T = TypeVar("_T")
Place: TypeAlias = tuple[str, int, int]
"""Topic, partition and offset of a record."""
FORGOTTEN: Final = 100_000
"""Users that stay forgotten, at least, however few are remembered to be known."""


class UserMemory:
    """Users by hash, those seen last at the end; a bounded number of them, each for a bounded time.

    The hash is Python's own of the text, 64 bits with a secret of the process: two of 100,000 users share one in 3 of
    10^10 processes, and the second of them is then taken for known.
    """

    __slots__ = ("_forgotten", "_refused", "_size", "_times", "_ttl")

    def __init__(self, size: int, ttl: float) -> None:
        """`ttl` in seconds."""
        self._size = size
        self._ttl = ttl
        self._times: dict[int, float] = {}
        """When the user's identify was accepted."""
        self._refused: dict[int, float] = {}
        """When the API refused to identify the user."""
        self._forgotten: dict[int, Place | None] = {}
        """Users whom the bridge does not identify, of its own accord, any more, and the record that asked for it."""

    def __len__(self) -> int:
        return len(self._times)

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

    def is_refused(self, user_id: str, now: float) -> bool:
        """Whether the API refused to identify this user lately."""
        key = hash(user_id)
        at = self._refused.get(key)
        if at is None:
            return False
        if now - at >= self._ttl:
            del self._refused[key]
            return False
        return True

    def is_forgotten(self, user_id: str) -> bool:
        """Whether a record asked to forget the user, so that the bridge sends no identify of its own."""
        return hash(user_id) in self._forgotten

    def is_forgotten_behind(self, user_id: str, place: Place) -> bool:
        """Whether the record that asked for that stands behind this one, as far as there is an order of the two."""
        at = self._forgotten.get(hash(user_id))
        return at is not None and at[:2] == place[:2] and at > place

    def identified(self, user_id: str, now: float) -> None:
        """An identify of the user was accepted. Only a record can ask for that of a user who was forgotten."""
        key = hash(user_id)
        self._refused.pop(key, None)
        self._forgotten.pop(key, None)
        self._times.pop(key, None)
        self._times[key] = now
        if len(self._times) > self._size:
            del self._times[next(iter(self._times))]

    def refused(self, user_id: str, now: float) -> None:
        """The API refuses to identify the user: to ask again for every event would take the budget of others."""
        self._keep(self._refused, hash(user_id), now, self._size)

    def forget(self, user_id: str, at: Place | None = None) -> None:
        """The user is gone, as the record at this place says."""
        key = hash(user_id)
        self._times.pop(key, None)
        self._keep(self._forgotten, key, at, max(self._size, FORGOTTEN))

    def forget_all(self) -> None:
        """Another account or another key: nobody is known there. Who was forgotten stays so."""
        self._times.clear()
        self._refused.clear()

    @staticmethod
    def _keep(users: dict[int, _T], key: int, what: _T, most: int) -> None:
        users.pop(key, None)
        users[key] = what
        if len(users) > most:
            del users[next(iter(users))]
