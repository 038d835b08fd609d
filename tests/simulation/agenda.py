"""What is going to happen, in virtual time, and in which process.

A process can be frozen (what concerns it waits and happens, in order, when it goes on) or dead (it never happens).
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from typing import Any, Protocol

EPOCH = 1_700_000_000.0


class Owner(Protocol):
    """A process, as far as the agenda is concerned."""

    dead: bool
    frozen: bool
    waiting: list[tuple[Callable[..., object], tuple[Any, ...]]]

    def check(self) -> None: ...


class Agenda:
    """One heap for everything; what is due at the same time happens in the order in which it was planned."""

    __slots__ = ("_heap", "_sequence", "now", "steps")

    def __init__(self) -> None:
        self.now = 1000.0
        self.steps = 0
        self._heap: list[tuple[float, int, Owner | None, Callable[..., object], tuple[Any, ...]]] = []
        self._sequence = 0

    def after(self, seconds: float, owner: Owner | None, call: Callable[..., object], *arguments: Any) -> None:
        self._sequence += 1
        heapq.heappush(self._heap, (self.now + max(0.0, seconds), self._sequence, owner, call, arguments))

    def run(self, end: float) -> None:
        """Let everything happen until this time."""
        heap = self._heap
        while heap and heap[0][0] <= end:
            when, _, owner, call, arguments = heapq.heappop(heap)
            self.now = when
            if owner is None:
                call(*arguments)
                continue
            if owner.dead:
                continue
            if owner.frozen:
                owner.waiting.append((call, arguments))
                continue
            self.steps += 1
            call(*arguments)
            owner.check()
        self.now = end
