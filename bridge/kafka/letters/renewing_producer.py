"""Writes records through a producer, and through a new one where a fatal error ended it.

A record counts as written only when all in-sync replicas have acknowledged it, and each has exactly one outcome::

    queued ──▶ sent ──▶ written
      ▲          ├────▶ not written, with a sentence
      │          └─▶ queued again: the producer ended under it (a few times at most), or one of its batch was too large:
      └───────────── then it is sent by itself, and made shorter as long as it can be

The queue is in the order of `write`, and what is queued again takes its old place in it.
"""

from __future__ import annotations

import heapq
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol, cast

from confluent_kafka import KafkaError, KafkaException

from bridge.commands import completed
from bridge.errors import Unreachable
from bridge.kafka import answers
from bridge.kafka.client_log import ClientLog
from bridge.model import Header

if TYPE_CHECKING:
    import logging
    from collections.abc import Sequence

    from confluent_kafka import Message, Producer
    from confluent_kafka._types import HeadersType


POLL: Final = 0.005
"""Seconds a poll waits while records are under way: a new one waits as long at most."""
_TOPIC_LOOKUP: Final = 2.0
_EMPTYING: Final = 1.0
"""Seconds an ended producer may take to report what it still had."""
_RENEWAL_PAUSE: Final = 0.5
"""Seconds between two new producers, where each of them fails."""
_MOST_RENEWALS: Final = 3
"""New producers one record may be tried on before it is given up."""


class RecordForm(NamedTuple):
    """What is handed to the client."""

    key: bytes | None
    value: bytes | None
    headers: list[Header]


class Unwritten(NamedTuple):
    """Why a record was not written."""

    why: str
    """The end of a sentence that begins with the topic."""
    is_too_large: bool = False
    """By itself, in its shortest form."""


class Outgoing(Protocol):
    """One record to write."""

    def partition(self, count: Callable[[], int], /) -> int:
        """Where to; ``count`` asks the brokers how many partitions the topic has, and raises `KafkaException`."""

    def form(self) -> RecordForm:
        """What to write."""

    def shorten(self) -> bool:
        """It was too large: from now on `form` is shorter. False where it cannot be."""

    def done(self, unwritten: Unwritten | None, /) -> None:
        """Its outcome, told once; None: it is written. It may `write` more, see `RenewingProducer`."""


class _Entry:
    """A record under way."""

    __slots__ = ("is_alone", "number", "outgoing", "renewals")

    def __init__(self, number: int, outgoing: Outgoing) -> None:
        self.number = number
        self.outgoing = outgoing
        self.renewals = 0
        self.is_alone = False
        """Sent only with nothing else under way: what fails then fails for its own size."""

    def __lt__(self, other: _Entry) -> bool:
        return self.number < other.number


class RenewingProducer:
    """Belongs to one thread, which calls `serve` as long as anything is `unfinished`.

    Outcomes are told from within `serve`, `flush` and `abandon`, never from within `write`.
    """

    def __init__(self, topic: str, open_producer: Callable[[ClientLog], Producer], logger: logging.Logger) -> None:
        """Raises what ``open_producer`` raises."""
        self._topic = topic
        self._open = open_producer
        self._log = ClientLog(logger)
        self._producer = open_producer(self._log)
        self._queue: list[_Entry] = []
        """A heap in the order of `write`."""
        self._sent: set[_Entry] = set()
        self._count = 0
        self._partitions = 0
        """Of the topic; 0: to be looked up."""
        self._ended_by: KafkaError | None = None
        """The fatal error that ended the present producer."""
        self._emptied_by: float | None = None
        """When an ended one has had its time."""
        self._renewed_at = float("-inf")

    @property
    def unfinished(self) -> int:
        """Records without an outcome."""
        return len(self._queue) + len(self._sent)

    @property
    def queued(self) -> int:
        """Of these, how many the client does not have yet: after `serve`, because it has no room for them."""
        return len(self._queue)

    def write(self, outgoing: Outgoing) -> None:
        """Behind all that were written before."""
        self._count += 1
        heapq.heappush(self._queue, _Entry(self._count, outgoing))

    def serve(self, timeout: float) -> None:
        """Send what there is room for, and hear for `timeout` seconds what became of it."""
        if self._ended_by is not None and self.unfinished:
            self._renew(self._ended_by)
        self._send()
        self._poll(timeout)

    def flush(self, seconds: float) -> bool:
        """Until everything has its outcome; False where that took too long."""
        deadline = time.monotonic() + seconds
        while self.unfinished and time.monotonic() < deadline:
            self.serve(POLL)
        return not self.unfinished

    def abandon(self, why: str) -> None:
        """Send nothing more. What the brokers do not acknowledge now is not written."""
        self._purge()
        deadline = time.monotonic() + _EMPTYING
        while self._sent and time.monotonic() < deadline:
            self._poll(POLL)
        self._give_up(sorted([*self._sent, *self._queue]), Unwritten(why))
        self._sent.clear()

    # --- to the client ------------------------------------------------------------------------------

    def _send(self) -> None:
        while self._queue and self._ended_by is None:
            if self._sent and (self._queue[0].is_alone or self._is_one_alone):
                return
            try:
                partition = self._queue[0].outgoing.partition(self._count_partitions)
            except KafkaException as failed:
                # What waits would find out the same, each after some time.
                self._give_up(sorted(self._queue), Unwritten(meaning(answers.error_of(failed))))
                return
            if not self._hand_over(heapq.heappop(self._queue), partition):
                return

    @property
    def _is_one_alone(self) -> bool:
        """Whether what is sent is one by itself. Nothing is sent beside such a one, so that any of `_sent` tells."""
        return next(iter(self._sent)).is_alone

    def _hand_over(self, entry: _Entry, partition: int) -> bool:
        """False where the client has no room at present."""
        key, value, headers = entry.outgoing.form()
        self._sent.add(entry)
        try:
            self._producer.produce(
                self._topic,
                value=value,
                key=key,
                headers=cast("HeadersType", headers),
                partition=partition,
                on_delivery=lambda error, report: self._reported(entry, error, report),
            )
        except BufferError:
            self._requeue(entry)
            return False
        except KafkaException as refused:
            error = answers.error_of(refused)
            # The client refuses a size before it makes a batch of it.
            entry.is_alone = entry.is_alone or error.code() == TOO_LARGE
            self._failed(entry, error)
        return True

    def _count_partitions(self) -> int:
        if not self._partitions:
            topic = self._producer.list_topics(self._topic, timeout=_TOPIC_LOOKUP).topics[self._topic]
            if topic.error is not None:
                raise KafkaException(topic.error)
            if not topic.partitions:  # So a topic is described that is being created or deleted.
                raise KafkaException(KafkaError(KafkaError.UNKNOWN_TOPIC_OR_PART))
            self._partitions = len(topic.partitions)
        return self._partitions

    # --- and what it reports ------------------------------------------------------------------------

    def _poll(self, timeout: float) -> None:
        """A fatal error of the producer comes out of any of its calls, and at once."""
        try:
            self._producer.poll(timeout)
        except KafkaException as error:
            self._ended_by = self._ended_by or answers.error_of(error)
            time.sleep(timeout)

    def _reported(self, entry: _Entry, error: KafkaError | None, report: Message) -> None:
        """The delivery report."""
        if error is not None:
            self._failed(entry, error)
            return
        self._sent.discard(entry)
        entry.outgoing.done(Unwritten(NO_OFFSET) if is_inferred(report) else None)

    def _failed(self, entry: _Entry, error: KafkaError) -> None:
        if error.code() == TOO_LARGE:
            self._was_too_large(entry, error)
        elif is_final(error):
            self._ended_by = self._ended_by or error
            self._left_over(entry, self._ended_by)
        else:
            if error.code() == UNKNOWN_PARTITION:
                self._partitions = 0  # The topic was recreated with fewer; looked up again for the next attempt.
            self._finish(entry, Unwritten(meaning(error)))

    def _was_too_large(self, entry: _Entry, error: KafkaError) -> None:
        """It, or one of its batch, all of which failed."""
        if not entry.is_alone or entry.outgoing.shorten():
            entry.is_alone = True
            self._requeue(entry)
        else:
            self._finish(entry, Unwritten(meaning(error), is_too_large=True))

    def _left_over(self, entry: _Entry, ended_by: KafkaError) -> None:
        """The producer ended under it: the next one tries, unless that has happened often."""
        if entry.renewals < _MOST_RENEWALS:
            entry.renewals += 1
            self._requeue(entry)
        else:
            self._finish(entry, Unwritten(meaning(self._cause(ended_by))))

    def _requeue(self, entry: _Entry) -> None:
        self._sent.discard(entry)
        heapq.heappush(self._queue, entry)

    def _finish(self, entry: _Entry, unwritten: Unwritten) -> None:
        self._sent.discard(entry)
        entry.outgoing.done(unwritten)

    def _give_up(self, entries: Sequence[_Entry], unwritten: Unwritten) -> None:
        self._queue.clear()
        for entry in entries:
            entry.outgoing.done(unwritten)

    # --- renewal --------------------------------------------------------------------------------------

    def _renew(self, ended_by: KafkaError) -> None:
        """A fatal error ends an idempotent producer; what it had is written by a new one, perhaps twice.

        Nothing is waited for here: as long as the old one reports, or the last renewal is young, the next call tries.
        """
        now = time.monotonic()
        if self._emptied_by is None:
            self._emptied_by = now + _EMPTYING
            self._log.error(self._cause(ended_by))
            self._purge()
            self._poll(0)
        if (self._sent and now < self._emptied_by) or now < self._renewed_at + _RENEWAL_PAUSE:
            return
        self._renewed_at = now
        try:
            renewed = self._open(self._log)
        except Unreachable as no_login:
            self._log.write(str(no_login))  # what waits goes on waiting: the next call tries again
            return
        for entry in sorted(self._sent):
            self._left_over(entry, ended_by)
        self._ended_by = self._emptied_by = None
        self._partitions = 0
        self._producer = renewed

    def _purge(self) -> None:
        """Let the producer report every record it still has."""
        try:
            self._producer.purge()
        except KafkaException as error:
            self._ended_by = self._ended_by or answers.error_of(error)

    def _cause(self, ended_by: KafkaError) -> KafkaError:
        """Which call hears of a fatal error first is chance, and some of them only say that there was one."""
        told = self._log.last_error
        return told if told is not None and names_no_cause(ended_by) else ended_by


TOO_LARGE: Final = 10
"""`MSG_SIZE_TOO_LARGE`, from the client and from the broker alike."""
UNKNOWN_PARTITION: Final = -190
_ENDED: Final = frozenset({-150, -151, -152})
"""`_FATAL`, and what is left over when a producer is emptied: `_PURGE_INFLIGHT`, `_PURGE_QUEUE`."""

_SENTENCES: Final = {
    3: "the topic does not exist: create it with `track-bridge topics create`",
    -188: "the topic does not exist: create it with `track-bridge topics create`",
    29: "this user may not write to it: grant it WRITE and DESCRIBE on the topic",
    31: "this user may not write idempotently: grant it WRITE on the topic, before Kafka 2.8 also "
    "IDEMPOTENT_WRITE on the cluster",
    19: "too few of its replicas are in sync (min.insync.replicas)",
    20: "too few of its replicas are in sync (min.insync.replicas)",
    -169: "the brokers refuse the user or password",
    -192: "no acknowledgement in time: the brokers are unreachable or too slow",
    -195: "the brokers are unreachable",
    -187: "the brokers are unreachable",
    -185: "the brokers did not answer in time",
    -181: "no TLS connection to the brokers",
}


NO_OFFSET: Final = "it was acknowledged without an offset, so that nothing shows that any broker has it"


def is_inferred(report: Message) -> bool:
    """Whether the client concluded from a later acknowledgement that this one is written too: it may be wrong there."""
    offset = report.offset()
    return offset is None or offset < 0


def is_final(error: KafkaError) -> bool:
    """Whether only a new producer can write this record."""
    return error.fatal() or error.code() in _ENDED


def names_no_cause(error: KafkaError) -> bool:
    """Whether it only says that the producer ended; why, the client has told its error callback."""
    return error.code() in _ENDED


def meaning(error: KafkaError) -> str:
    """What is wrong with the topic and what to do; the client's own words for anything unusual."""
    known = _SENTENCES.get(error.code())
    return completed(known) if known else error.str()
