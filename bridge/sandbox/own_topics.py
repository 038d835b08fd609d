"""Topics of one's own on somebody's cluster: made, read as they grow, and gone again afterwards."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping
from types import TracebackType
from typing import Any, Final, Self

from confluent_kafka import Consumer, KafkaException, Message, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from bridge.errors import Unreachable
from bridge.kafka.record_headers import headers_of
from bridge.model import Record

_CONNECTING: Final = 5.0
_PATIENCE: Final = 15.0
_CLEANING: Final = 20.0


class ClusterError(Unreachable):
    """The cluster cannot be connected to, or refuses what the self-test needs; the message is one sentence."""


class OwnTopics:
    """A context manager: entered, the topics exist; left, they and the group are deleted."""

    def __init__(self, client: Mapping[str, Any], topics: Mapping[str, int], group: str) -> None:
        """`topics`: how many partitions each gets. All names must be nobody else's."""
        self._client: dict[str, Any] = {**client, "log_level": 0}
        self._topics = topics
        self._group = group
        self.left_behind: list[str] = []
        """What could not be deleted."""

    def __enter__(self) -> Self:
        self._admin = AdminClient(self._client)
        try:
            self._admin.list_topics(timeout=_CONNECTING)
        except KafkaException as error:
            raise ClusterError(f"cannot connect to any broker in {self._client['bootstrap.servers']}") from error
        wanted = [
            # The time given to a record is the time the mapping sees, whatever the cluster's default.
            NewTopic(name, count, -1, config={"message.timestamp.type": "CreateTime", "cleanup.policy": "delete"})
            for name, count in self._topics.items()
        ]
        created: list[str] = []
        for name, answer in self._admin.create_topics(wanted, request_timeout=_PATIENCE).items():
            try:
                answer.result(_PATIENCE)
            except (KafkaException, TimeoutError) as error:
                self._delete(created)
                raise ClusterError(f"topic {name} could not be created: {_reason(error)}") from error
            created.append(name)
        self._await()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._delete(list(self._topics))
        self._delete_group()

    def _await(self) -> None:
        """The answer to a creation comes before the brokers know of it."""
        deadline = time.monotonic() + _PATIENCE
        while time.monotonic() < deadline:
            known = self._admin.list_topics(timeout=_PATIENCE).topics
            if all(name in known and len(known[name].partitions) == count for name, count in self._topics.items()):
                return
            time.sleep(0.1)

    def _delete(self, names: list[str]) -> None:
        if not names:
            return
        for name, answer in self._admin.delete_topics(names, request_timeout=_CLEANING).items():
            try:
                answer.result(_CLEANING)
            except (KafkaException, TimeoutError):
                self.left_behind.append(f"topic {name}")

    def _delete_group(self) -> None:
        """A member that was killed is in the group until its session ends."""
        deadline = time.monotonic() + _CLEANING
        while True:
            (answer,) = self._admin.delete_consumer_groups([self._group], request_timeout=_PATIENCE).values()
            try:
                answer.result(_PATIENCE)
            except (KafkaException, TimeoutError) as error:
                if _is_unknown(error):
                    return
                if time.monotonic() > deadline:
                    self.left_behind.append(f"group {self._group}")
                    return
                time.sleep(0.5)
            else:
                return


def _is_unknown(error: Exception) -> bool:
    return isinstance(error, KafkaException) and error.args[0].name() == "GROUP_ID_NOT_FOUND"


def _reason(error: Exception) -> str:
    return error.args[0].str() if isinstance(error, KafkaException) else "no answer in time"


# --- reading them ------------------------------------------------------------------------------------

_BATCH: Final = 500
_POLL: Final = 0.1
_ANSWER: Final = 10.0


class TopicReader:
    """A context manager: what is in the topics comes out of `new`, in order within each partition."""

    def __init__(self, client: Mapping[str, Any], partitions: Mapping[str, int]) -> None:
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
    client: Mapping[str, Any], group: str, partitions: Mapping[str, int]
) -> dict[tuple[str, int], int]:
    """The group's committed offset of every partition, negative where there is none. Raises OSError."""
    consumer = Consumer({**client, "group.id": group, "enable.auto.commit": False, "log_level": 0})
    try:
        asked = [TopicPartition(topic, n) for topic, count in partitions.items() for n in range(count)]
        return {(each.topic, each.partition): each.offset for each in consumer.committed(asked, timeout=_ANSWER)}
    except KafkaException as error:
        raise OSError(f"the committed offsets of {group} could not be read: {error.args[0].str()}") from error
    finally:
        consumer.close()


def end_offsets(client: Mapping[str, Any], partitions: Mapping[str, int]) -> dict[tuple[str, int], int]:
    """The offset after the last record of every partition. Raises OSError."""
    consumer = Consumer({**client, "group.id": "selftest-reads-without-a-group", "log_level": 0})
    found = {}
    try:
        for topic, count in partitions.items():
            for number in range(count):
                answer = consumer.get_watermark_offsets(TopicPartition(topic, number), timeout=_ANSWER)
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
