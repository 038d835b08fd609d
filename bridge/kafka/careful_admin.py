"""An admin client that never asks for offsets while an answer about topics is on its way."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Future, wait
from typing import Any, Final

from confluent_kafka.admin import AdminClient

_LONGEST: Final = 1.0
"""Seconds that are waited for answers on their way, so that a broker that is silent holds no poll loop up."""


class CarefulAdmin(AdminClient):
    """librdkafka (2.16) ends the process where offsets are asked for just when metadata comes in.

    `rd_kafka_ListOffsets` looks for the partitions' leaders on the caller's thread. Where it does not know them it
    registers for news of topics, and goes on to set a timer up with what the client's own thread, if such news comes at
    that moment, has taken away already: a null mutex is locked. News come of `describe_topics`, and of the question for
    leaders that an earlier `list_offsets` asked. On an embedded broker it was one call in some ten thousand.
    """

    def __init__(self, *given: Any, **more: Any) -> None:
        super().__init__(*given, **more)
        self._on_their_way: list[Future[Any]] = []

    def describe_topics(self, *given: Any, **more: Any) -> Any:
        """See `AdminClient`."""
        return self._noted(super().describe_topics(*given, **more))

    def list_offsets(self, *given: Any, **more: Any) -> Any:
        """See `AdminClient`. Waits for what was asked before, at most a second."""
        wait(self._on_their_way, _LONGEST)
        return self._noted(super().list_offsets(*given, **more))

    def _noted(self, asked: Mapping[Any, Future[Any]]) -> Mapping[Any, Future[Any]]:
        self._on_their_way = [each for each in self._on_their_way if not each.done()]
        self._on_their_way += asked.values()
        return asked
