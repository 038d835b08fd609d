"""Writes resolutions: one counts only when all in-sync replicas have acknowledged it."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from confluent_kafka import KafkaException

from bridge.formats.own_records import RESOLUTION
from bridge.kafka import answers, client
from bridge.kafka.admin.topic_creation import resolutions_of
from bridge.kafka.client_log import ClientLog
from bridge.kafka.letters.letter_errors import NO_OFFSET, is_inferred, sentence

if TYPE_CHECKING:
    import asyncio
    import logging

    from confluent_kafka import KafkaError, Message

    from bridge.config.sections import Config

Done = Callable[[str | None], None]
"""Takes None when it is written, else why it is not, as a sentence."""

_LOOK: Final = 0.002
"""Seconds between two looks for acknowledgements while any is outstanding."""


class ResolutionWriter:
    """Belongs to one thread; with a loop it serves itself, without one `flush` waits."""

    def __init__(self, config: Config, logger: logging.Logger, loop: asyncio.AbstractEventLoop | None = None) -> None:
        """`client.ClientRefusedError` if the client library does not take `dead_letter.properties`."""
        self.topic = resolutions_of(config.dead_letter.topic)
        configuration = client.producer_configuration(config.kafka, config.dead_letter)
        self._producer = client.open_producer(configuration, ClientLog(logger))
        self._loop = loop
        self._serving = False
        self.outstanding = 0
        self._ended_by: KafkaError | None = None
        """The fatal error that ended the producer; what is outstanding then fails for its cause."""

    def write(self, partition: int, key: bytes, value: bytes | None, done: Done) -> None:
        """One record; no value takes back what stood under the key. ``done`` is never called from within this call."""
        self.outstanding += 1

        def failed(error: KafkaError) -> None:
            self.outstanding -= 1
            done(sentence(self._ended_by or error, self.topic).replace("dead-letter topic", "topic", 1))

        def reported(error: KafkaError | None, report: Message) -> None:
            if error is not None:
                failed(error)
                return
            self.outstanding -= 1
            done(f"topic {self.topic}: {NO_OFFSET}" if is_inferred(report) else None)

        try:
            self._produce(partition, key, value, reported)
        except KafkaException as refused:
            error = answers.error_of(refused)
            if self._loop is None:
                failed(error)
            else:
                self._loop.call_soon(failed, error)
        self._serve()

    def _produce(
        self, partition: int, key: bytes, value: bytes | None, reported: Callable[[KafkaError | None, Message], None]
    ) -> None:
        while True:
            try:
                self._producer.produce(
                    self.topic, value, key, partition=partition, on_delivery=reported, headers=[RESOLUTION]
                )
            except BufferError:
                self._poll(0.05)
            else:
                return

    def flush(self, seconds: float) -> bool:
        """Wait until all is acknowledged or refused; False where that took too long."""
        deadline = time.monotonic() + seconds
        while self.outstanding and time.monotonic() < deadline:
            self._poll(0.05)
        return not self.outstanding

    def _poll(self, seconds: float) -> None:
        """Let the client report; a fatal error comes out of any of its calls."""
        try:
            self._producer.poll(seconds)
        except KafkaException as fatal:
            self._ended_by = self._ended_by or answers.error_of(fatal)
            with contextlib.suppress(KafkaException):
                self._producer.purge()

    def _serve(self) -> None:
        if self._loop is not None and not self._serving:
            self._serving = True
            self._loop.call_later(_LOOK, self._look)

    def _look(self) -> None:
        self._serving = False
        self._poll(0)
        if self.outstanding:
            self._serve()
