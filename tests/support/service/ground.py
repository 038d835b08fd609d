"""One test's part of a real Kafka, an API, and the replicas between them; and what it all came to."""

from __future__ import annotations

import asyncio
import os
import time
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Consumer, KafkaException, Message, TopicPartition
from confluent_kafka.admin import OffsetSpec

from bridge.formats import commit_mark
from bridge.sandbox.emulator import Emulator
from tests.support.kafka.client import ANSWER_WITHIN, OwnKafka
from tests.support.service import events, ledger, settings
from tests.support.service.marked import KEY, WatchedReplica, Witness
from tests.support.waiting import until

IS_FULL = os.environ.get("FAULTS") == "full"
"""Whether to run the full counts (`make faults`) or a short form of each."""

CLASSIC = {"group.protocol": "classic", "session.timeout.ms": "3000", "heartbeat.interval.ms": "500"}
CONSUMER = {"group.protocol": "consumer"}
"""Its session is the broker's to say, see `SHORT_SESSIONS`."""
SHORT_SESSIONS = {
    "group.consumer.session.timeout.ms": "3000",
    "group.consumer.heartbeat.interval.ms": "500",
    "group.consumer.assignment.interval.ms": "0",
}
"""Properties of a broker."""
SESSION = 3.0


def protocols(*short: str) -> pytest.MarkDecorator:
    """Both group protocols, or in the short form those named here."""
    chosen = {"classic": CLASSIC, "consumer": CONSUMER}
    names = [name for name in chosen if IS_FULL or name in short]
    return pytest.mark.parametrize("protocol", [chosen[name] for name in names], ids=names)


@dataclass(slots=True)
class Outcome:
    """One line of the table at the end."""

    test: str
    faults: Counter[str] = field(default_factory=Counter)
    events: int = 0
    lost: int = 0
    duplicates: int = 0
    order_violations: int = 0
    recovered: float = 0.0
    """The longest time from a fault to the next delivery, in seconds."""


class Ground:
    """Topics and a group of its own. Use it on the loop that runs the API."""

    def __init__(
        self,
        kafka: OwnKafka,
        api: Emulator,
        folder: Path,
        *,
        outcome: Outcome,
        witness: Witness,
        stack: AsyncExitStack,
    ) -> None:
        self.kafka = kafka
        self.api = api
        self.outcome = outcome
        self.witness = witness
        self.group = kafka.name("group")
        self.letters = kafka.create_topic("letters", partitions=4)
        self.topic = ""
        self.key_file = folder / "key"
        self.key_file.write_text(KEY)
        self._folder = folder
        self._stack = stack
        self._replicas: list[WatchedReplica] = []
        self._expected: set[ledger.Place] = set()
        self._sent = 0

    # --- Kafka --------------------------------------------------------------------------------------

    def create_topic(self, partitions: int = 4, **config: str | int) -> None:
        """The topic that everything here reads, unless told otherwise."""
        self.topic = self.kafka.create_topic("orders", partitions, **config)

    async def produce(
        self,
        count: int,
        *,
        users: int = 100,
        partition: int = -1,
        value: Callable[[str, int], bytes] = events.order,
    ) -> None:
        """So many more orders, of users in turn; those of one user share a partition, which need not be given."""
        ends = await asyncio.to_thread(self.ends)
        numbers = range(self._sent, self._sent + count)
        self._sent += count
        records = [(f"u-{n % users}", value(f"u-{n % users}", n)) for n in numbers]
        await asyncio.to_thread(self.kafka.produce, self.topic, records, partition=partition)
        now = await asyncio.to_thread(self.ends)
        self._expected |= {(self.topic, p, offset) for p, end in now.items() for offset in range(ends.get(p, 0), end)}

    def forget(self, *, topic: str) -> None:
        """The topic is gone with what it held."""
        self._expected = {place for place in self._expected if place[0] != topic}

    def ends(self) -> dict[int, int]:
        """By partition, the offset after the last record."""
        deadline = time.monotonic() + ANSWER_WITHIN
        while True:
            try:
                return self._ends()
            except KafkaException:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)  # a partition that was just made has no leader yet

    def _ends(self) -> dict[int, int]:
        partitions = self.kafka.admin.list_topics(self.topic, timeout=ANSWER_WITHIN).topics[self.topic].partitions
        latest = OffsetSpec.latest()  # type: ignore[no-untyped-call]  # the library leaves it untyped
        answers = self.kafka.admin.list_offsets({TopicPartition(self.topic, number): latest for number in partitions})
        return {each.partition: future.result(ANSWER_WITHIN).offset for each, future in answers.items()}

    def committed(self) -> dict[int, tuple[int, str]]:
        """By partition: offset and metadata as the bridge reads it."""
        found = self.kafka.committed(self.group, self.topic)
        return {
            p: (offset, commit_mark.unmarked(text))
            for (topic, p), (offset, text) in found.items()
            if topic == self.topic
        }

    async def alter(self, positions: dict[int, tuple[int, str | None]]) -> None:
        """As kafka-consumer-groups --reset-offsets does; works on an empty group only. Text None: none at all."""
        await until("the group is empty", self._is_empty)
        offsets = [
            TopicPartition(self.topic, p, offset)
            if text is None
            else TopicPartition(self.topic, p, offset, text, leader_epoch=0)
            for p, (offset, text) in positions.items()
        ]

        def now() -> None:
            consumer = Consumer({"bootstrap.servers": self.kafka.bootstrap, "group.id": self.group, "log_level": 0})
            consumer.commit(offsets=offsets, asynchronous=False)
            consumer.close()

        await asyncio.to_thread(now)

    def members(self) -> int:
        """How many the coordinator counts."""
        described = self.kafka.admin.describe_consumer_groups([self.group])[self.group].result(ANSWER_WITHIN)
        return len(described.members)

    def dead_letters(self) -> list[Message]:
        """Everything in the dead-letter topic."""
        return self.kafka.read(self.letters)

    def _is_empty(self) -> bool:
        try:
            return self.members() == 0
        except KafkaException:
            return False  # the coordinator of a new group is not found at once

    # --- replicas -----------------------------------------------------------------------------------

    def configuration(self, name: str, sections: dict[str, Any], *, topics: Iterable[str] = ()) -> Path:
        """Written for one replica."""
        base = settings.base(self.kafka.bootstrap, self.api.endpoint, list(topics) or [self.topic])
        own = {
            "kafka": {"group_id": self.group},
            "track": {"api_key": None, "api_key_file": str(self.key_file)},
            "dead_letter": {"topic": self.letters},
        }
        return settings.write(self._folder / f"{name}.yaml", settings.layered(settings.layered(base, own), sections))

    def replica(self, name: str = "replica", **sections: Any) -> WatchedReplica:
        """Not started yet; killed with the test at the latest."""
        file, log = self.configuration(name, sections), self._folder / f"{name}.log"
        replica = WatchedReplica(file, log, self.witness)
        self._stack.push_async_exit(replica)
        self._replicas.append(replica)
        return replica

    async def started(self, name: str = "replica", **sections: Any) -> WatchedReplica:
        """A replica that runs."""
        replica = self.replica(name, **sections)
        await replica.start()
        return replica

    # --- what it came to ------------------------------------------------------------------------------

    @property
    def delivered(self) -> int:
        """Accepted requests, repeated ones included."""
        return len(self.api.ledger.accepted)

    def missing(self) -> set[ledger.Place]:
        """Records nothing was accepted of."""
        return self._expected - ledger.places(self.api.ledger.accepted)

    async def more(self, count: int, *, fault: str = "", within: float = 60.0) -> None:
        """Wait for so many further acceptances (or for all there are), counted as the recovery from this fault."""
        began, target = time.monotonic(), self.delivered + count
        await until(
            f"{count} more are delivered", lambda: self.delivered >= target or not self.missing(), within=within
        )
        if fault:
            self.outcome.faults[fault] += 1
            self.outcome.recovered = max(self.outcome.recovered, time.monotonic() - began)

    async def everything(self, *, within: float = 60.0, explain: Callable[[], str] = lambda: "") -> None:
        """Wait until every record was accepted, and take down what that came to."""

        # Looked at seldom: the sets are large.
        def nothing_is_missing() -> bool:
            return self.delivered >= len(self._expected) and not self.missing()

        try:
            await until(
                "everything is delivered",
                nothing_is_missing,
                within=within,
                explain=lambda: f"missing {len(self.missing())}: {sorted(self.missing())[:10]}\n{explain()}",
            )
        finally:
            self.take_down()

    def take_down(self) -> None:
        """The numbers so far, for the table."""
        accepted = self.api.ledger.accepted
        self.outcome.events = len(self._expected)
        self.outcome.lost = len(self.missing())
        self.outcome.duplicates = ledger.repeated(accepted).total()
        self.outcome.order_violations = len(ledger.overtaken(accepted))

    async def is_committed(self, *, within: float = 30.0) -> None:
        """Wait until the group's positions are the ends."""
        await until(
            "all is committed",
            lambda: {p: offset for p, (offset, _) in self.committed().items()} == self.ends(),
            within=within,
            explain=lambda: f"{self.committed()} {self.ends()}",
        )
        await self.show_everything()

    # --- what anybody could see ---------------------------------------------------------------------

    async def show_everything(self) -> None:
        """To the witness: pages and objects of each replica that runs. Called by `is_committed`."""
        for replica in self._replicas:
            if replica.running:
                await replica.show_everything()

    async def show_what_stays(self) -> None:
        """To the witness: what is left behind in files and in Kafka when all processes have ended."""
        for file in self._folder.rglob("*"):
            if file.is_file() and file.suffix != ".yaml" and file != self.key_file:
                self.witness.look("the log" if file.suffix == ".log" else file.suffix, file.read_bytes())
        await asyncio.to_thread(self._show_topics)

    def _show_topics(self) -> None:
        for topic in (self.letters, f"{self.letters}.resolutions"):
            if topic in self.kafka.admin.list_topics(timeout=ANSWER_WITHIN).topics:
                for record in self.kafka.read(topic):
                    place = "a resolution" if topic != self.letters else "a letter"
                    self.witness.look(
                        place, b"%b %b %r" % (record.key() or b"", record.value() or b"", record.headers())
                    )
        for _, metadata in self.kafka.committed(self.group).values():
            self.witness.look("commit metadata", metadata)
