"""Writes dead letters: a letter counts only when all in-sync replicas have acknowledged it.

The producer has a thread of its own, which does everything with it; letters come in by a queue and receipts go back
to the event loop together. A letter that cannot be written is a receipt with a sentence, never an exception.
"""

from __future__ import annotations

import concurrent.futures
import queue
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, Generic

from bridge.formats.letter_headers import Detail, build
from bridge.kafka import client
from bridge.kafka.letters.renewing_producer import POLL, RecordForm, RenewingProducer, Unwritten
from bridge.model import DeadLetter, LetterRefused
from bridge.pipeline.ports import LetterReceipts, LetterT

if TYPE_CHECKING:
    import asyncio
    import logging

    from bridge.config.sections import Config

_IDLE_WAIT: Final = 0.5
"""Seconds the thread sleeps when it has nothing to do, between two polls that serve the client's log."""


class _OutgoingLetter:
    """`renewing_producer.Outgoing`: with fewer of our headers where it was too large."""

    __slots__ = ("_detail", "_group", "_letter", "_receipt")

    def __init__(self, letter: DeadLetter, group: str, receipt: Callable[[Unwritten | None], None]) -> None:
        self._letter = letter
        self._group = group
        self._receipt = receipt
        self._detail = Detail.WHOLE

    def partition(self, count: Callable[[], int]) -> int:
        """The letters of one partition stay in order and together, and so do a user's."""
        return self._letter.record.partition % count()

    def form(self) -> RecordForm:
        record = self._letter.record
        return RecordForm(record.key, record.value, build(self._letter, self._group, self._detail))

    def shorten(self) -> bool:
        if self._detail is Detail.ESSENTIAL:
            return False
        self._detail = Detail(self._detail + 1)
        return True

    def done(self, unwritten: Unwritten | None) -> None:
        self._receipt(unwritten)


class DeadLetterProducer(Generic[LetterT]):
    """`ports.DeadLetters`. Construct, `start` and use it on the event loop's thread."""

    def __init__(
        self,
        config: Config,
        receipts: LetterReceipts[LetterT],
        *,
        loop: asyncio.AbstractEventLoop,
        logger: logging.Logger,
    ) -> None:
        """`ClientRefusedError` if the client library does not take `dead_letter.properties`.

        A defect that ends the thread goes to the loop's exception handler: no letter is answered after it.
        """
        self.topic = config.dead_letter.topic
        self._group = config.kafka.group_id
        configuration = client.producer_configuration(config.kafka, config.dead_letter)
        # Not a partial: what it shows of itself to a log or a debugger has the passwords in it.
        self._producer = RenewingProducer(self.topic, lambda log: client.open_producer(configuration, log), logger)
        self._receipts = receipts
        self._loop = loop
        self._logger = logger
        self._inbox: queue.SimpleQueue[_OutgoingLetter | None] = queue.SimpleQueue()
        self._answered: list[tuple[LetterT, LetterRefused | None]] = []
        """Receipts for the loop."""
        self._stop_by: float | None = None
        self._closed: concurrent.futures.Future[None] = concurrent.futures.Future()
        self._thread = threading.Thread(target=self._run, name="dead-letters", daemon=True)

    # --- called on the loop's thread ---------------------------------------------------------------

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    def write(self, letter: DeadLetter, token: LetterT, /) -> None:
        """See `ports.DeadLetters`."""

        def receipt(unwritten: Unwritten | None) -> None:
            self._answered.append((token, None if unwritten is None else self._refusal(letter, unwritten)))

        self._inbox.put(_OutgoingLetter(letter, self._group, receipt))

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
                self._producer.serve(POLL if self._producer.unfinished else 0)
                self._report()
            self._take_all()
            self._producer.abandon("not written, the bridge stops")
            self._report()
        except Exception as defect:  # noqa: BLE001  # whatever it is, the process must hear of it and end
            context = {"message": "the dead-letter producer's thread ended", "exception": defect}
            self._tell(self._loop.call_exception_handler, context)
        finally:
            self._closed.set_result(None)

    def _is_busy(self) -> bool:
        return bool(self._producer.unfinished) or not self._inbox.empty()

    def _take(self) -> None:
        """Everything new; sleeps only when there is nothing else to do."""
        if not self._is_busy():
            try:
                self._pass_on(self._inbox.get(timeout=_IDLE_WAIT))
            except queue.Empty:
                return
        self._take_all()

    def _take_all(self) -> None:
        while not self._inbox.empty():
            self._pass_on(self._inbox.get())

    def _pass_on(self, outgoing: _OutgoingLetter | None) -> None:
        if outgoing is not None:
            self._producer.write(outgoing)

    def _refusal(self, letter: DeadLetter, unwritten: Unwritten) -> LetterRefused:
        """Of what is too large in its shortest form, only the original's owner can help."""
        if not unwritten.is_too_large:
            return LetterRefused(f"dead-letter topic {self.topic}: {unwritten.why}", too_large=False)
        return LetterRefused(
            f"{letter.record.coordinates} ({letter.record.size} bytes) does not fit the dead-letter topic "
            f"{self.topic}: raise the topic's max.message.bytes, then restart",
            too_large=True,
        )

    def _report(self) -> None:
        if self._answered:
            answered, self._answered = self._answered, []
            self._tell(self._receive, answered)

    def _receive(self, answered: list[tuple[LetterT, LetterRefused | None]]) -> None:
        """On the loop's thread."""
        for token, refused in answered:
            self._receipts.letter_written(token, refused)

    def _tell(self, method: Callable[..., None], *arguments: object) -> None:
        try:
            self._loop.call_soon_threadsafe(method, *arguments)
        except RuntimeError:
            self._logger.warning("the event loop ended before the dead-letter producer did")
