"""Makes several Kafka clients at once, where each takes a second.

The client library looks once a second whether a client with a login of ours has its token: one after the other, those
of a start would take as many seconds as there are.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Final, TypeVar

from bridge.config.sections import Kafka
from bridge.kafka.login.msk_login import login_of

_MOST: Final = 8

T = TypeVar("T")
Made = Callable[[], T]
"""Waits for it, and raises what making it raised."""


class SideBySide:
    """What is made here may not touch the loop."""

    def __init__(self, threads: ThreadPoolExecutor | None) -> None:
        self._threads = threads

    def make(self, what: Callable[[], T]) -> Made[T]:
        """Begin with it; without threads it is made here and now."""
        if self._threads is None:
            made = what()
            return lambda: made
        return self._threads.submit(what).result


@contextmanager
def side_by_side(kafka: Kafka) -> Generator[SideBySide]:
    """With threads only where clients take their time."""
    if login_of(kafka) is None:
        yield SideBySide(None)
        return
    with ThreadPoolExecutor(_MOST, "clients") as threads:
        yield SideBySide(threads)
