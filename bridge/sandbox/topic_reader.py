"""Reads topics from their beginnings as they grow, on a thread of its own and without any group."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator, Mapping
from types import TracebackType
from typing import Final, Self

from confluent_kafka import Consumer, KafkaException, Message, TopicPartition

from bridge.kafka.record_headers import headers_of
from bridge.model import Record

_BATCH: Final = 500
_POLL: Final = 0.1
_PATIENCE: Final = 10.0


class TopicReader:
    """A context manager: what is in the topics comes out of `new`, in order within each partition."""

    def __init__(self, client: Mapping[str, str], partitions: Mapping[str, int]) -> None:
        """`partitions`: how many each topic has."""
        self._consumer = Consumer(
            {
                **client,
                "group.id": "selftest-reads-without-a-group",
                "enable.auto.commit": False,
                "auto.offset.reset": "earliest",
                "isolation.level": "read_committed",
                "log_level": 0,
            }
        )
        self._partitions = [TopicPartition(topic, n, 0) for topic, count in partitions.items() for n in range(count)]
        self._found: deque[Record] = deque()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="topic-reader", daemon=True)

    def __enter__(self) -> Self:
        self._consumer.assign(self._partitions)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()
        self._consumer.close()

    def new(self) -> Iterator[Record]:
        """What came since the last call."""
        while self._found:
            yield self._found.popleft()

    def _run(self) -> None:
        while not self._stop.is_set():
            for message in self._consumer.consume(_BATCH, _POLL):
                if message.error() is None:
                    self._found.append(_record(message))


def committed_offsets(
    client: Mapping[str, str], group: str, partitions: Mapping[str, int]
) -> dict[tuple[str, int], int]:
    """The group's committed offset of every partition, negative where there is none. Raises OSError."""
    consumer = Consumer({**client, "group.id": group, "enable.auto.commit": False, "log_level": 0})
    try:
        asked = [TopicPartition(topic, n) for topic, count in partitions.items() for n in range(count)]
        return {(each.topic, each.partition): each.offset for each in consumer.committed(asked, timeout=_PATIENCE)}
    except KafkaException as error:
        raise OSError(f"the committed offsets of {group} could not be read: {error.args[0].str()}") from error
    finally:
        consumer.close()


def end_offsets(client: Mapping[str, str], partitions: Mapping[str, int]) -> dict[tuple[str, int], int]:
    """The offset after the last record of every partition. Raises OSError."""
    consumer = Consumer({**client, "group.id": "selftest-reads-without-a-group", "log_level": 0})
    found = {}
    try:
        for topic, count in partitions.items():
            for number in range(count):
                answer = consumer.get_watermark_offsets(TopicPartition(topic, number), timeout=_PATIENCE)
                found[topic, number] = answer[1]
    except KafkaException as error:
        raise OSError(f"the end offsets of the topics could not be read: {error.args[0].str()}") from error
    finally:
        consumer.close()
    return found


def _record(message: Message) -> Record:
    kind, timestamp = message.timestamp()
    return Record(
        message.topic() or "",
        message.partition() or 0,
        message.offset() or 0,
        timestamp if kind else None,
        message.key(),
        message.value(),
        list(headers_of(message)),
    )
