"""Records into topics: all at once, or as a steady stream. None is written twice, none is missing."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from types import TracebackType
from typing import Any, Final, Self

from confluent_kafka import KafkaError, Message, Producer

from bridge.sandbox.sample import SampleRecord
from bridge.text.amounts import span

_STEP: Final = 0.02
"""Seconds between two looks at how many records are due."""
_PUTTING: Final = 10.0
"""Seconds that one record may take."""
_FLUSH: Final = 60.0
"""Seconds the brokers may take to acknowledge the last ones: one of them may be down for a while."""


def produce(bootstrap: str, records: Iterable[SampleRecord]) -> int:
    """Write the records, keyed, and wait until the broker has them; returns how many."""
    producer = _producer({"bootstrap.servers": bootstrap})
    failed: list[str] = []
    count = 0
    for record in records:
        producer.produce(
            record.topic,
            value=record.value,
            key=record.key,
            headers=list(record.headers),
            on_delivery=lambda error, _message: failed.append(str(error)) if error else None,
        )
        count += 1
        producer.poll(0)
    left = producer.flush(30.0)
    if left or failed:
        raise RuntimeError(f"{left + len(failed)} sample records could not be written: {failed[:1] or 'no answer'}")
    return count


def put(bootstrap: str, record: SampleRecord) -> tuple[int, int]:
    """Write one, and wait until the broker has it; its partition and offset. Raises OSError with half a sentence."""
    producer = _producer({"bootstrap.servers": bootstrap})
    places: list[tuple[int, int]] = []
    failed: list[str] = []

    def delivered(error: KafkaError | None, message: Message) -> None:
        if error is None:
            places.append((message.partition() or 0, message.offset() or 0))
        else:
            failed.append(error.str())

    producer.produce(
        record.topic, value=record.value, key=record.key, headers=list(record.headers), on_delivery=delivered
    )
    producer.flush(_PUTTING)
    if not places:
        raise OSError(failed[0] if failed else f"no answer within {span(_PUTTING)}")
    return places[0]


class Feed:
    """A steady stream on a thread of its own. A context manager: entered, it produces; left, it has ended."""

    def __init__(
        self, client: Mapping[str, Any], records: Iterable[SampleRecord], rate: float, *, may_go: Callable[[], bool]
    ) -> None:
        """`rate` in records a second; `may_go` is asked before each step, to wait for a consumer that is far behind."""
        self._producer = _producer(client)
        self._records = iter(records)
        self._rate = rate
        self._may_go = may_go
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="feed", daemon=True)
        self._failure: str | None = None
        self.sent = 0
        """Records acknowledged by the brokers so far."""
        self.done = False
        """Whether all were."""

    @property
    def failure(self) -> str | None:
        """Why it could not continue, as a sentence."""
        return self._failure

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._producer.purge()
        self._thread.join()

    def _run(self) -> None:
        began = time.monotonic()
        for given, record in enumerate(self._records, start=1):
            while not self._is_due(began, given):
                if self._stop.wait(_STEP):
                    return
                self._producer.poll(0)
            self._give(record)
        deadline = time.monotonic() + _FLUSH
        while len(self._producer) and not self._stop.is_set() and time.monotonic() < deadline:
            self._producer.poll(_STEP)
        if len(self._producer) and not self._stop.is_set():
            self._failure = f"{len(self._producer)} records were not acknowledged within {span(_FLUSH)}"
        self.done = not len(self._producer)

    def _is_due(self, began: float, given: int) -> bool:
        return given <= (time.monotonic() - began) * self._rate and self._may_go()

    def _give(self, record: SampleRecord) -> None:
        while not self._stop.is_set():
            try:
                self._producer.produce(
                    record.topic,
                    value=record.value,
                    key=record.key,
                    headers=list(record.headers),
                    on_delivery=self._delivered,
                )
            except BufferError:
                self._producer.poll(_STEP)
            else:
                return

    def _delivered(self, error: KafkaError | None, _message: Message) -> None:
        if error is None:
            self.sent += 1
        elif not self._stop.is_set():
            self._failure = f"a record could not be written: {error.str()}"


def _producer(client: Mapping[str, Any]) -> Producer:
    """A producer that reaches the cluster as `client` says.

    One request at a time, as the bridge's own: with several the client acknowledges records that no broker has.
    """
    return Producer(
        {
            **client,
            "linger.ms": 5,
            "acks": "all",
            "enable.idempotence": True,
            "max.in.flight": 1,
            "log_level": 0,
        }
    )
