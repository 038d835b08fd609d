"""Claims on partitions of the dead-letter topic, by membership in the group of the replays.

The group reads nothing: being assigned a partition is the claim to resend its letters, and the commits carry what the
replay declares. A thread of its own polls, so that membership does not hang on what the event loop does.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, Protocol

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka import TopicPartition as ClientPartition

from bridge.formats import declarations
from bridge.kafka import answers, client
from bridge.kafka.admin.committed import GroupReader
from bridge.kafka.client_log import ClientLog

if TYPE_CHECKING:
    import asyncio
    import logging

    from confluent_kafka import Consumer

    from bridge.config.sections import Kafka

SESSION: Final = 10.0
"""Seconds after which a replay that was killed loses its claims. Short, so that the next one need not wait long."""
_POLL: Final = 0.1
_RENEW: Final = 2.0
"""Seconds between two commits of what is declared."""
_ANSWER: Final = 5.0
"""Seconds after which a commit without an answer is given up."""
_FATAL: Final = frozenset({-150, KafkaError.GROUP_AUTHORIZATION_FAILED, KafkaError.TOPIC_AUTHORIZATION_FAILED})


def reader_of_replays(kafka: Kafka, letters: str, logger: logging.Logger) -> GroupReader:
    """Reads what the replays of this group's dead letters, in the topic `letters`, have declared.

    Raises `client.ClientRefusedError`.
    """
    update = {"group_id": declarations.group_of(kafka.group_id), "topics": (letters,)}
    return GroupReader(kafka.model_copy(update=update), logger)


class ClaimHolder(Protocol):
    """Hears of claims, on the event loop's thread."""

    def claimed(self, partitions: Sequence[int], /) -> None:
        """These are ours."""

    def unclaim(self, partitions: Sequence[int], done: Callable[[], None], /) -> None:
        """These go to another member once ``done`` is called: nothing of them may be in flight by then."""

    def lost(self, partitions: Sequence[int], /) -> None:
        """These may be another member's already."""

    def refused(self, sentence: str, /) -> None:
        """There will be no claims."""


class Claimant(ClaimHolder, Protocol):
    """Hears of the membership itself, too."""

    def heartbeat_answered(self, issued_at: float, /) -> None:
        """The coordinator acknowledged a commit that was issued at this monotonic time."""


class ReplayGroup:
    """One membership. Construct and use it on the event loop's thread; `start` it once."""

    def __init__(
        self,
        kafka: Kafka,
        group: str,
        topic: str,
        claimant: Claimant,
        *,
        positions: Mapping[int, int],
        declare: Callable[[bool], str],
        loop: asyncio.AbstractEventLoop,
        logger: logging.Logger,
    ) -> None:
        """`positions` are the offsets to commit; ``declare(ends)`` makes the text that goes with them.

        Raises `client.ClientRefusedError`.
        """
        self._group = group
        self._topic = topic
        self._claimant = claimant
        self._positions = positions
        self._declare = declare
        self._loop = loop
        self._drain_limit = kafka.drain_timeout + 5.0
        self._consumer: Consumer = client.open_consumer(
            _configuration(kafka, group), ClientLog(logger), on_commit=self._committed
        )
        self._mine: list[int] = []
        self._issued_at: float | None = None
        self._committed_at = float("-inf")
        self._wanted = threading.Event()
        self._stopping = threading.Event()
        self._closed: concurrent.futures.Future[None] = concurrent.futures.Future()
        self._thread = threading.Thread(target=self._run, name="claims", daemon=True)

    def start(self) -> None:
        """Join the group."""
        self._thread.start()

    def prove(self) -> None:
        """Make a round trip with the coordinator now; `Claimant.heartbeat_answered` reports it."""
        self._wanted.set()

    def stop(self) -> concurrent.futures.Future[None]:
        """Give everything back, as `Claimant.unclaim` has it, and leave. Done when that is."""
        self._stopping.set()
        return self._closed

    # --- the thread ---------------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            self._consumer.subscribe(
                [self._topic], on_assign=self._assigned, on_revoke=self._revoked, on_lost=self._lost
            )
            while not self._stopping.is_set():
                message = self._consumer.poll(_POLL)
                error = message.error() if message is not None else None
                if error is not None and error.code() in _FATAL:
                    self._tell(self._claimant.refused, _sentence(error, self._group, self._topic))
                    break
                self._renew()
        except KafkaException as failed:
            self._tell(self._claimant.refused, f"group {self._group}: {answers.error_of(failed).str()}")
        finally:
            try:
                self._consumer.close()
            finally:
                self._closed.set_result(None)

    def _renew(self) -> None:
        now = time.monotonic()
        if not self._mine or (self._issued_at is not None and now - self._issued_at < _ANSWER):
            return
        if not self._wanted.is_set() and now - self._committed_at < _RENEW:
            return
        self._wanted.clear()
        self._issued_at = self._committed_at = now
        try:
            self._consumer.commit(offsets=self._offsets(self._mine, ends=False), asynchronous=True)
        except KafkaException:
            self._issued_at = None  # Tried again; until one is acknowledged nothing is sent.

    def _committed(self, error: KafkaError | None, _partitions: Sequence[ClientPartition]) -> None:
        """Only one commit is under way at a time, so its answer is that of the one issued last."""
        issued_at, self._issued_at = self._issued_at, None
        if error is None and issued_at is not None:
            self._tell(self._claimant.heartbeat_answered, issued_at)

    def _assigned(self, consumer: Consumer, partitions: list[ClientPartition]) -> None:
        numbers = sorted(each.partition for each in partitions)
        taken = [ClientPartition(self._topic, number, self._positions.get(number, 0)) for number in numbers]
        consumer.assign(taken)
        if taken:
            consumer.pause(taken)
        self._mine = numbers
        self._wanted.set()
        self._tell(self._claimant.claimed, numbers)

    def _revoked(self, consumer: Consumer, partitions: list[ClientPartition]) -> None:
        numbers = [each.partition for each in partitions]
        done = threading.Event()
        if self._tell(self._claimant.unclaim, numbers, done.set):
            done.wait(self._drain_limit)
        if numbers:
            self._take_back(consumer, self._offsets(numbers, ends=True))
        self._mine = []
        self._issued_at = None
        consumer.unassign()

    def _take_back(self, consumer: Consumer, offsets: list[ClientPartition]) -> None:
        """What we no longer use is free again at once; where that fails, when the declaration gets stale."""
        with contextlib.suppress(KafkaException):
            if self._stopping.is_set():
                consumer.commit(offsets=offsets, asynchronous=False)
            else:
                consumer.commit(offsets=offsets, asynchronous=True)

    def _lost(self, consumer: Consumer, partitions: list[ClientPartition]) -> None:
        self._mine = []
        self._issued_at = None
        self._tell(self._claimant.lost, [each.partition for each in partitions])
        consumer.unassign()

    def _offsets(self, numbers: Sequence[int], *, ends: bool) -> list[ClientPartition]:
        text = self._declare(ends)
        return [
            ClientPartition(self._topic, number, self._positions.get(number, 0), metadata=text) for number in numbers
        ]

    def _tell(self, method: Callable[..., None], *arguments: object) -> bool:
        """False where there is no loop any more."""
        try:
            self._loop.call_soon_threadsafe(method, *arguments)
        except RuntimeError:
            return False
        return self._loop.is_running()


def _configuration(kafka: Kafka, group: str) -> dict[str, Any]:
    """The classic protocol with an eager assignor: every change of membership drains everybody, and is simple."""
    configuration = {
        **client.consumer_configuration(kafka),
        "group.id": group,
        "enable.auto.commit": False,
        "session.timeout.ms": round(SESSION * 1000),
        "partition.assignment.strategy": "range",
    }
    for other in ("group.instance.id", "group.protocol", "group.remote.assignor", "heartbeat.interval.ms"):
        configuration.pop(other, None)
    return configuration


def _sentence(error: KafkaError, group: str, topic: str) -> str:
    if error.code() == KafkaError.GROUP_AUTHORIZATION_FAILED:
        return f"This user may not use the group {group}: grant it READ and DESCRIBE on it."
    if error.code() == KafkaError.TOPIC_AUTHORIZATION_FAILED:
        return f"This user may not read {topic}: grant it READ and DESCRIBE on it."
    return f"The group {group} cannot be joined: {error.str()}."
