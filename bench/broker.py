"""The Kafka of the measurements: a real one where the tests would find one, else the embedded one, and it says so."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

from confluent_kafka import ConsumerGroupTopicPartitions
from confluent_kafka.admin import AdminClient, NewTopic

from bench import load as loads
from bench.load import Load
from bridge.sandbox.broker import EmbeddedKafka
from tests.support.kafka.choice import nothing_serves, shared_kafka

EMBEDDED_BYTES = 3_500_000
"""The embedded broker keeps 5 MiB per partition; records have an overhead."""


class Broker:
    """Topics filled once and read by every program in turn, each in a group of its own."""

    def __init__(self, bootstrap: str, origin: str, *, real: bool) -> None:
        self.bootstrap = bootstrap
        self.origin = origin
        self.real = real
        self._admin = AdminClient({"bootstrap.servers": bootstrap, "log_level": 0})
        self._filled: dict[Load, str] = {}

    def fitting(self, load: Load) -> bool:
        """Whether the broker can hold it."""
        return self.real or load.bytes <= EMBEDDED_BYTES * load.partitions

    def filled(self, load: Load) -> str:
        """The topic that holds this load."""
        name = self._filled.get(load)
        if name is None:
            name = self._filled[load] = self.empty(load.partitions)
            loads.write(self.bootstrap, name, load)
        return name

    def forget(self, load: Load) -> None:
        """Delete a topic that takes much room."""
        name = self._filled.pop(load, None)
        if name is not None and self.real:
            self._admin.delete_topics([name])[name].result(30)

    def empty(self, partitions: int) -> str:
        """A new topic."""
        name = f"bench-{uuid4().hex[:10]}"
        if self.real:
            self._admin.create_topics([NewTopic(name, partitions, 1)])[name].result(30)
        else:
            self._embedded.create_topic(name, partitions)
        deadline = time.monotonic() + 30
        while len(self._admin.list_topics(name, timeout=30).topics[name].partitions) < partitions:
            if time.monotonic() > deadline:
                raise TimeoutError(name)
            time.sleep(0.02)
        return name

    def committed(self, group: str) -> int:
        """The sum of a group's positions."""
        asked = self._admin.list_consumer_group_offsets([ConsumerGroupTopicPartitions(group)])
        found = asked[group].result(30).topic_partitions or []
        return sum(each.offset for each in found if each.offset > 0)

    _embedded: EmbeddedKafka


@contextmanager
def broker() -> Iterator[Broker]:
    """The broker of this invocation."""
    if nothing_serves() is None:
        with shared_kafka() as kafka:
            yield Broker(kafka.bootstrap, f"a real Kafka ({kafka.origin})", real=True)
        return
    with EmbeddedKafka() as embedded:
        found = Broker(embedded.bootstrap, "THE EMBEDDED BROKER, for want of a real one: loads are smaller", real=False)
        found._embedded = embedded  # noqa: SLF001 - of the same module
        yield found
