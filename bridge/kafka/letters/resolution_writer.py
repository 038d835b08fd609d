"""Writes resolutions: one counts only when all in-sync replicas have acknowledged it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Final

from bridge.formats.letter_headers import RESOLUTION
from bridge.kafka import client
from bridge.kafka.admin.topic_creation import resolutions_of
from bridge.kafka.letters.renewing_producer import POLL, RecordForm, RenewingProducer, Unwritten
from bridge.text.amounts import span

if TYPE_CHECKING:
    import asyncio
    import logging

    from bridge.config.sections import Config

Done = Callable[[str | None], None]
"""Takes None when it is written, else why it is not, as a sentence. It may write more."""

_LIMIT: Final = 60.0
"""Seconds a command waits for its last acknowledgement."""
_LOOK: Final = 0.002
"""Seconds between two looks for acknowledgements while any is outstanding."""


class _OutgoingResolution:
    """`renewing_producer.Outgoing`."""

    __slots__ = ("_done", "_form", "_partition", "_topic")

    def __init__(self, topic: str, partition: int, form: RecordForm, done: Done) -> None:
        self._topic = topic
        self._partition = partition
        self._form = form
        self._done = done

    def partition(self, _count: Callable[[], int]) -> int:
        """The number of its letter's."""
        return self._partition

    def form(self) -> RecordForm:
        return self._form

    def shorten(self) -> bool:
        return False

    def done(self, unwritten: Unwritten | None) -> None:
        self._done(None if unwritten is None else f"topic {self._topic}: {unwritten.why}")


class ResolutionWriter:
    """Belongs to one thread; with a loop it serves itself, without one `flush` waits."""

    def __init__(self, config: Config, logger: logging.Logger, loop: asyncio.AbstractEventLoop | None = None) -> None:
        """`client.ClientRefusedError` if the client library does not take `dead_letter.properties`."""
        self.topic = resolutions_of(config.dead_letter.topic)
        configuration = client.producer_configuration(config.kafka, config.dead_letter)
        # Not a partial: what it shows of itself to a log or a debugger has the passwords in it.
        self._producer = RenewingProducer(self.topic, lambda log: client.open_producer(configuration, log), logger)
        self._loop = loop
        self._is_serving = False

    @property
    def outstanding(self) -> int:
        """Records of which it is not known yet whether they are written."""
        return self._producer.unfinished

    def write(self, partition: int, key: bytes, value: bytes | None, done: Done) -> None:
        """One record; no value takes back what is under the key.

        With a loop, ``done`` is called from there and never from in here. Without one, it may be called in here.
        """
        form = RecordForm(key, value, [RESOLUTION])
        self._producer.write(_OutgoingResolution(self.topic, partition, form, done))
        if self._loop is None:
            self._producer.serve(0)
            while self._producer.queued:
                self._producer.serve(POLL)
        elif not self._is_serving:
            self._is_serving = True
            self._loop.call_soon(self._look)

    def flush(self, seconds: float) -> bool:
        """Wait until all is acknowledged or refused; False where that took too long."""
        return self._producer.flush(seconds)

    def _look(self) -> None:
        self._is_serving = False
        self._producer.serve(0)
        # What was acknowledged may have written more, and that has asked for its look already.
        if self._producer.unfinished and not self._is_serving and self._loop is not None:
            self._is_serving = True
            self._loop.call_later(_LOOK, self._look)


def write_all(config: Config, logger: logging.Logger, records: Iterable[tuple[int, bytes, bytes | None]]) -> str | None:
    """Partition, key and value of each. None when the brokers have all of them, else why not, as a sentence."""
    writer = ResolutionWriter(config, logger)
    problems: list[str] = []

    def done(problem: str | None) -> None:
        if problem is not None:
            problems.append(problem)

    for partition, key, value in records:
        writer.write(partition, key, value, done)
    if not writer.flush(_LIMIT):
        problems.append(f"no acknowledgement of {writer.outstanding} of them within {span(_LIMIT)}")
    return problems[0] if problems else None
