"""Asks Kafka now and then whether it is there, and says so when it is not: which broker, which error, since when."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from bridge.kafka.admin.inspection import Inspection
from bridge.kafka.admin.obstacles import NotConnectedError
from bridge.model import TopicPartition
from bridge.ops.log.events import Events
from bridge.ops.snapshot import KafkaLost
from bridge.service.watches.tasks import end

PATIENCE: Final = 2.0
"""Seconds a broker may take to answer."""
ASK_EVERY: Final = 5.0
"""Seconds between two questions while nobody complains."""
AGAIN: Final = 0.5
"""Seconds until the next question while Kafka is silent, or a client complains of a connection."""

LOST_AFTER: Final = 5.0
"""Seconds without an answer until Kafka counts as lost: brokers that restart one by one, or elect a leader, are not."""


class Contact:
    """Since when nobody answers, and when that is worth a word. Pure. All times are monotonic seconds."""

    def __init__(self) -> None:
        self.silent_since: float | None = None
        """When the first question was asked that nobody has answered since."""
        self.detail = ""
        """Which broker, which error."""
        self.lost = False
        self.answered_once = False

    def answered(self, now: float) -> float | None:
        """Some broker answered; the seconds it was silent for, where it had counted as lost."""
        seconds = now - self.silent_since if self.lost and self.silent_since is not None else None
        self.silent_since, self.detail, self.lost, self.answered_once = None, "", False, True
        return seconds

    def silent(self, asked_at: float, now: float, detail: str) -> bool:
        """Nobody answered what was asked at `asked_at`; True when that makes it lost.

        A process that never heard anything says so at once: it has nothing else to say.
        """
        if self.silent_since is None:
            self.silent_since = asked_at
        self.detail = detail
        if self.lost or (self.answered_once and now - self.silent_since < LOST_AFTER):
            return False
        self.lost = True
        return True


@dataclass(frozen=True, slots=True, eq=False)
class Surroundings:
    """What the watch looks at beside Kafka itself."""

    partitions: Callable[[], Sequence[TopicPartition]]
    """Those assigned now."""
    joined: Callable[[], bool]
    """Whether this process is a member of its group."""
    complaints: Callable[[], int]
    """How many errors of connections the consumer has reported so far."""


class KafkaWatch:
    """One task, on the loop; its questions wait for brokers on threads."""

    def __init__(self, inspection: Inspection, events: Events, around: Surroundings) -> None:
        self._inspection = inspection
        self._events = events
        self._around = around
        self._contact = Contact()
        self._began = time.monotonic()
        self._partitions: Sequence[TopicPartition] = ()
        self._task: asyncio.Task[None] | None = None

    @property
    def lost(self) -> KafkaLost | None:
        """None while Kafka answers, as far as is known."""
        contact = self._contact
        # Of a process without a group the silence of a moment is the whole answer.
        if contact.silent_since is None or not (contact.lost or not self._around.joined()):
            return None
        since = time.time() - (time.monotonic() - contact.silent_since)
        return KafkaLost(since, contact.detail, tuple(self._partitions))

    async def first_answer(self, patience: float | None) -> None:
        """Wait until a broker answers, for `patience` seconds after the start where that is given.

        Raises `NotConnectedError` after that, and at once where the login or the certificate is refused: what those
        come from is read at the start only.
        """
        while (silence := await self._ask()) is not None:
            if not self.may_wait(silence, patience):
                raise silence
            await asyncio.sleep(AGAIN)

    def may_wait(self, silence: NotConnectedError, patience: float | None) -> bool:
        """Whether to keep waiting for the first answer."""
        in_time = patience is None or time.monotonic() - self._began < patience
        return in_time and not silence.needs_a_change

    def start(self) -> None:
        """Ask again and again."""
        self._task = asyncio.create_task(self._run(), name="kafka-watch")

    async def stop(self) -> None:
        """Ask no more. A question that is under way is not waited for: brokers that are gone would delay the end."""
        await end(self._task)

    async def _run(self) -> None:
        while True:
            heard = self._around.complaints()
            until = time.monotonic() + ASK_EVERY
            await asyncio.sleep(AGAIN)
            while time.monotonic() < until and self._contact.silent_since is None:
                if self._around.complaints() != heard:
                    break
                await asyncio.sleep(AGAIN)
            await self._ask()

    async def _ask(self) -> NotConnectedError | None:
        asked_at = time.monotonic()
        # What is assigned while nobody answers was assigned before; the question that found the silence
        # may have been asked earlier, between two assignments.
        if (partitions := sorted(self._around.partitions())) or self._contact.silent_since is None:
            self._partitions = partitions
        try:
            await asyncio.to_thread(self._inspection.reach)
        except NotConnectedError as silence:
            if self._contact.silent(asked_at, time.monotonic(), str(silence)):
                self._events.kafka_lost(detail=str(silence), partitions=self._partitions)
            return silence
        seconds = self._contact.answered(time.monotonic())
        if seconds is not None:
            self._events.kafka_back(seconds=seconds)
        return None
