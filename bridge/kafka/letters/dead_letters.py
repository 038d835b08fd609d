"""Writes dead letters: a letter counts only when all in-sync replicas have acknowledged it.

The producer has a thread of its own, which does everything with it; letters come in by a queue and receipts go back
to the event loop together. A letter that cannot be written is a receipt with a sentence, never an exception.
"""

from __future__ import annotations

import concurrent.futures
import queue
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, cast

from confluent_kafka import KafkaException

from bridge.formats.letter_headers import Detail, build
from bridge.kafka import answers, client
from bridge.kafka.client_log import ClientLog
from bridge.kafka.letters.letter_errors import (
    NO_OFFSET,
    TOO_LARGE,
    UNKNOWN_PARTITION,
    is_final_for_the_producer,
    is_inferred,
    names_no_cause,
    sentence,
)
from bridge.model import DeadLetter, LetterRefused

if TYPE_CHECKING:
    import asyncio
    import logging

    from confluent_kafka import KafkaError, Message, Producer
    from confluent_kafka._types import HeadersType

    from bridge.config.sections import Config
    from bridge.pipeline.ports import LetterReceipts

_BUSY_POLL: Final = 0.005
"""Seconds a poll waits while letters are under way: a new letter waits as long at most."""
_IDLE_WAIT: Final = 0.5
"""Seconds the thread sleeps when it has nothing to do, between two polls that serve the client's log."""
_TOPIC_LOOKUP: Final = 2.0
_EMPTYING: Final = 1.0
_RENEWAL_PAUSE: Final = 0.5
"""Seconds between two new producers, where each of them fails."""
_MOST_RENEWALS: Final = 3
"""New producers one letter may be tried on before it is refused."""


class _LetterUnderWay:
    """A letter under way."""

    __slots__ = ("detail", "letter", "renewals", "token")

    def __init__(self, letter: DeadLetter, token: object) -> None:
        self.letter = letter
        self.token = token
        self.detail = Detail.WHOLE
        self.renewals = 0


class DeadLetterProducer:
    """`ports.DeadLetters`. Construct, `start` and use it on the event loop's thread."""

    def __init__(
        self, config: Config, receipts: LetterReceipts[Any], *, loop: asyncio.AbstractEventLoop, logger: logging.Logger
    ) -> None:
        """`ClientRefusedError` if the client library does not take `dead_letter.properties`.

        A defect that ends the thread goes to the loop's exception handler: no letter is answered after it.
        """
        self.topic = config.dead_letter.topic
        self._group = config.kafka.group_id
        self._configuration = client.producer_configuration(config.kafka, config.dead_letter)
        self._receipts = receipts
        self._loop = loop
        self._logger = logger
        self._log = ClientLog(logger)
        self._producer: Producer = client.open_producer(self._configuration, self._log)
        self._partitions = 0
        self._inbox: queue.SimpleQueue[_LetterUnderWay | None] = queue.SimpleQueue()
        self._waiting: deque[_LetterUnderWay] = deque()
        """To be produced, in this order."""
        self._alone: deque[_LetterUnderWay] = deque()
        """To be produced one at a time, with nothing else under way: one of their batch was too large."""
        self._unfinished: deque[_LetterUnderWay] = deque()
        """Left over by a producer that ended."""
        self._in_flight = 0
        self._is_alone = False
        """Whether what is in flight is one letter by itself."""
        self._ended_by: KafkaError | None = None
        """The fatal error that ended the present producer."""
        self._renewed_at = float("-inf")
        self._written: list[tuple[object, LetterRefused | None]] = []
        self._stop_by: float | None = None
        self._closed: concurrent.futures.Future[None] = concurrent.futures.Future()
        self._thread = threading.Thread(target=self._run, name="dead-letters", daemon=True)

    # --- called on the loop's thread ---------------------------------------------------------------

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    def write(self, letter: DeadLetter, token: object, /) -> None:
        """See `ports.DeadLetters`."""
        self._inbox.put(_LetterUnderWay(letter, token))

    def stop(self, timeout: float) -> concurrent.futures.Future[None]:
        """Finish what is under way within `timeout` seconds, refuse the rest, end. Done when all that is."""
        self._stop_by = time.monotonic() + timeout
        self._inbox.put(None)
        if self._thread.ident is None and not self._closed.done():
            self._closed.set_result(None)
        return self._closed

    # --- the producer's thread ----------------------------------------------------------------------

    def _run(self) -> None:
        try:
            while self._stop_by is None or (self._is_busy() and time.monotonic() < self._stop_by):
                self._take()
                if self._ended_by is not None and self._is_busy():
                    self._renew()
                self._produce()
                self._serve(_BUSY_POLL if self._is_busy() else 0)
                self._report()
            self._refuse_all("the bridge stops")
        except Exception as defect:  # noqa: BLE001  # whatever it is, the process must hear of it and end
            context = {"message": "the dead-letter producer's thread ended", "exception": defect}
            self._tell(self._loop.call_exception_handler, context)
        finally:
            self._closed.set_result(None)

    def _is_busy(self) -> bool:
        held = self._waiting or self._alone or self._unfinished or self._in_flight
        return bool(held) or not self._inbox.empty()

    def _take(self) -> None:
        """Everything new; sleeps only when there is nothing else to do."""
        if not self._is_busy():
            try:
                self._queue(self._inbox.get(timeout=_IDLE_WAIT))
            except queue.Empty:
                return
        while not self._inbox.empty():
            self._queue(self._inbox.get())

    def _queue(self, letter: _LetterUnderWay | None) -> None:
        if letter is not None:
            self._waiting.append(letter)

    def _serve(self, timeout: float) -> None:
        """Let the client report; a fatal error of the producer comes out of any of its calls."""
        try:
            self._producer.poll(timeout)
        except KafkaException as error:
            self._ended_by = self._ended_by or answers.error_of(error)

    def _produce(self) -> None:
        if (self._waiting or self._alone) and not self._partitions and not self._find_partitions():
            return
        if self._alone or (self._is_alone and self._in_flight):
            # Strictly one at a time: what fails now fails for its own size.
            if self._alone and not self._in_flight:
                self._is_alone = True
                self._send_first(self._alone)
            return
        self._is_alone = False
        while self._waiting and self._ended_by is None and self._send_first(self._waiting):
            pass

    def _send_first(self, letters: deque[_LetterUnderWay]) -> bool:
        """False where the client has no room at present: the letter stays where it is."""
        letter = letters.popleft()
        record = letter.letter.record
        headers = cast("HeadersType", build(letter.letter, self._group, letter.detail))
        self._in_flight += 1
        try:
            self._producer.produce(
                self.topic,
                value=record.value,
                key=record.key,
                headers=headers,
                # The letters of one partition stay in order and together, and so do a user's.
                partition=record.partition % self._partitions,
                on_delivery=lambda error, report: self._reported(letter, error, report),
            )
        except BufferError:
            self._in_flight -= 1
            letters.appendleft(letter)
            return False
        except KafkaException as refused:
            self._failed(letter, answers.error_of(refused), alone=True)
        return True

    def _reported(self, letter: _LetterUnderWay, error: KafkaError | None, report: Message) -> None:
        """The delivery report."""
        if error is not None:
            self._failed(letter, error)
            return
        self._in_flight -= 1
        if is_inferred(report):
            self._refuse(letter, f"dead-letter topic {self.topic}: {NO_OFFSET}")
        else:
            self._written.append((letter.token, None))

    def _failed(self, letter: _LetterUnderWay, error: KafkaError, *, alone: bool = False) -> None:
        """What the delivery report said, or (alone) the client of this letter when it was given it."""
        self._in_flight -= 1
        if error.code() == TOO_LARGE:
            if alone or self._is_alone:
                self._shorten(letter)
            else:
                # One letter of a batch was too large, and all of it failed.
                self._alone.append(letter)
        elif is_final_for_the_producer(error):
            self._ended_by = self._ended_by or error
            self._left_over(letter)
        else:
            if error.code() == UNKNOWN_PARTITION:
                self._partitions = 0  # the topic was made anew with fewer; looked up again for the next attempt
            self._refuse(letter, sentence(error, self.topic))

    def _left_over(self, letter: _LetterUnderWay) -> None:
        """The producer ended under this letter: the next one tries, unless that has happened often."""
        if letter.renewals < _MOST_RENEWALS:
            letter.renewals += 1
            self._unfinished.append(letter)
        elif self._ended_by is not None:
            self._refuse(letter, sentence(self._cause(self._ended_by), self.topic))

    def _cause(self, ended_by: KafkaError) -> KafkaError:
        """Which call hears of a fatal error first is chance, and some of them only say that there was one."""
        told = self._log.last_error
        return told if told is not None and names_no_cause(ended_by) else ended_by

    def _shorten(self, letter: _LetterUnderWay) -> None:
        """Again with fewer of our headers; without an end only the original's owner can help."""
        if letter.detail is not Detail.ESSENTIAL:
            letter.detail = Detail(letter.detail + 1)
            self._alone.appendleft(letter)
            return
        record = letter.letter.record
        self._refuse(
            letter,
            f"{record.coordinates} ({record.size} bytes) does not fit the dead-letter topic {self.topic}: raise the "
            "topic's max.message.bytes, then restart",
            too_large=True,
        )

    def _find_partitions(self) -> bool:
        """How many partitions the topic has; the letters that wait are refused where that cannot be found out."""
        try:
            topic = self._producer.list_topics(self.topic, timeout=_TOPIC_LOOKUP).topics[self.topic]
            error = topic.error
            self._partitions = len(topic.partitions)
        except KafkaException as failed:
            error = answers.error_of(failed)
        if error is not None:
            self._partitions = 0
            for letter in (*self._alone, *self._waiting):
                self._refuse(letter, sentence(error, self.topic))
            self._alone.clear()
            self._waiting.clear()
        return bool(self._partitions)

    def _renew(self) -> None:
        """A fatal error ends an idempotent producer; what it had is written by a new one, perhaps twice."""
        if self._ended_by is not None:
            self._log.error(self._cause(self._ended_by))
        self._empty()
        time.sleep(max(0.0, self._renewed_at + _RENEWAL_PAUSE - time.monotonic()))
        self._renewed_at = time.monotonic()
        self._waiting.extendleft(reversed(self._unfinished))
        self._unfinished.clear()
        self._ended_by = None
        self._partitions = 0
        self._producer = client.open_producer(self._configuration, self._log)

    def _empty(self) -> None:
        """Let the producer report every letter it still has."""
        deadline = time.monotonic() + _EMPTYING
        try:
            self._producer.purge()
        except KafkaException as error:
            self._ended_by = self._ended_by or answers.error_of(error)
        while self._in_flight and time.monotonic() < deadline:
            self._serve(_BUSY_POLL)

    def _refuse(self, letter: _LetterUnderWay, message: str, *, too_large: bool = False) -> None:
        self._written.append((letter.token, LetterRefused(message, too_large)))

    def _refuse_all(self, why: str) -> None:
        while not self._inbox.empty():
            self._queue(self._inbox.get())
        self._empty()
        for letter in (*self._unfinished, *self._alone, *self._waiting):
            self._refuse(letter, f"dead-letter topic {self.topic}: not written, {why}")
        for letters in (self._unfinished, self._alone, self._waiting):
            letters.clear()
        self._report()

    def _report(self) -> None:
        if self._written:
            written, self._written = self._written, []
            self._tell(self._receive, written)

    def _receive(self, written: list[tuple[object, LetterRefused | None]]) -> None:
        """On the loop's thread."""
        for token, refused in written:
            self._receipts.letter_written(token, refused)

    def _tell(self, method: Callable[..., None], *arguments: object) -> None:
        try:
            self._loop.call_soon_threadsafe(method, *arguments)
        except RuntimeError:
            self._logger.warning("the event loop ended before the dead-letter producer did")
