"""Looks at the group in Kafka: topics, how far they are read, by whom, and what is kept beside. Changes nothing."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from bridge.config.topics import consumed_topics
from bridge.fleet.asking.letter_count import LetterCount, LetterCounter, count_all
from bridge.fleet.asking.replays import ReplayWatch
from bridge.fleet.facts import KafkaFacts
from bridge.kafka import terms
from bridge.kafka.admin import sampler
from bridge.kafka.admin.committed import Committed, GroupReader, ViewRefusedError
from bridge.kafka.admin.group_findings import TIMESTAMPS_A_LOOK, problems
from bridge.kafka.admin.group_members import GroupMembers
from bridge.kafka.admin.inspection import Inspection
from bridge.kafka.admin.obstacles import NotConnectedError
from bridge.kafka.letters.replay_group import reader_of_replays
from bridge.model import TopicPartition
from bridge.ops.group_view import TopicProblem
from bridge.text.amounts import span

if TYPE_CHECKING:
    import logging

    from bridge.config.sections import Config

PATIENCE: Final = 4.0
"""Seconds that Kafka may take for one question."""
SETTINGS_EVERY: Final = 30.0
"""Seconds for which rights and retention of topics are believed."""
TOPICS_ASKED: Final = 200
"""Topics whose rights and retention are asked for; of more, the first by name."""


class FleetLook:
    """Keeps its clients open. All methods belong to one event loop; what they ask waits on threads."""

    def __init__(self, config: Config, logger: logging.Logger) -> None:
        """Raises `client.ClientRefusedError` for properties that the client library does not take, `AwsLoginError`
        where the login yields no token.
        """
        self._config = config
        self._logger = logger
        self._topics = consumed_topics.topics_of(config.kafka)
        self._inspection = Inspection(config.kafka, logger, patience=PATIENCE)
        self._members = GroupMembers(self._inspection, lambda: Inspection(config.kafka, logger, patience=PATIENCE))
        self._reader = GroupReader(config.kafka, logger)
        self._replays = ReplayWatch(reader_of_replays(config.kafka, config.dead_letter.topic, logger))
        self._counter = LetterCounter(lambda: count_all(config, logger))
        self._down_since: float | None = None
        self._problems: dict[str, TopicProblem] = {}
        self._rights: Mapping[str, frozenset[str]] = {}
        self._retention: Mapping[str, float] = {}
        self._settings_due = -math.inf
        self._written: dict[tuple[TopicPartition, int], float | None] = {}

    async def look(self) -> KafkaFacts:
        """What Kafka shows now. Where it does not answer, that is what it says."""
        try:
            cluster = await asyncio.to_thread(self._inspection.connect)
        except NotConnectedError as error:
            return self._down(str(error))
        self._down_since = None
        topics = {name: count for name, count in cluster.topics.items() if self._topics.takes(name)}
        partitions = [TopicPartition(topic, number) for topic, count in topics.items() for number in range(count)]
        (committed, problem), ends, starts, group, replays, _ = await asyncio.gather(
            self._committed(),
            asyncio.to_thread(self._inspection.readable_ends, partitions),
            asyncio.to_thread(self._inspection.starts, partitions),
            self._members.members(),
            self._replays.living(),
            self._ask_settings(topics),
        )
        return KafkaFacts(
            at=time.time(),
            group_id=self._config.kafka.group_id,
            configured=self._topics,
            problem=problem or _unanswered(partitions, ends),
            topics=topics,
            topic_problems=self._topic_problems(topics),
            committed=committed,
            starts=starts,
            ends=ends,
            group=group,
            group_problem=self._members.problem,
            classic_session=terms.classic_session(self._config.kafka),
            retention=self._retention,
            replays=replays,
        )

    async def written(self, wanted: Mapping[TopicPartition, int]) -> Mapping[TopicPartition, float]:
        """When the records at these offsets were written, of those that say it; each is read once."""
        unread = {each: offset for each, offset in wanted.items() if (each, offset) not in self._written}
        asked = dict(sorted(unread.items())[:TIMESTAMPS_A_LOOK])
        if asked:
            found = await asyncio.to_thread(sampler.written_at, self._config.kafka, asked, self._logger)
            self._written |= {(each, offset): found.get(each) for each, offset in asked.items()}
        places = set(wanted.items())
        self._written = {place: at for place, at in self._written.items() if place in places}
        return {each: at for (each, _), at in self._written.items() if at is not None}

    async def letters(self) -> LetterCount:
        """Open dead letters and recorded losses, where nobody else counts them."""
        return await self._counter.count()

    def _down(self, detail: str) -> KafkaFacts:
        now = time.time()
        if self._down_since is None:
            self._down_since = now
        servers = self._config.kafka.bootstrap_servers
        return KafkaFacts(
            now,
            self._config.kafka.group_id,
            self._topics,
            f"No Kafka broker answers at {servers}: {detail}.",
            down_since=self._down_since,
        )

    async def _committed(self) -> tuple[Mapping[TopicPartition, Committed], str | None]:
        try:
            return await self._reader.committed(), None
        except ViewRefusedError as refused:
            return {}, f"{_begun(str(refused))}. Grant this user DESCRIBE on the group."
        except OSError as error:
            return {}, f"What the group has committed cannot be read: {error}."

    async def _ask_settings(self, topics: Mapping[str, int]) -> None:
        now = time.monotonic()
        if now < self._settings_due:
            return
        self._settings_due = now + SETTINGS_EVERY
        names = sorted(topics)[:TOPICS_ASKED]
        self._rights = await asyncio.to_thread(self._inspection.allowed_on_topics, names)
        settings = await asyncio.to_thread(self._inspection.settings, names)
        self._retention = {
            topic: found.retention_ms / 1000 if found.deletes and found.retention_ms >= 0 else math.inf
            for topic, found in settings.items()
        }

    def _topic_problems(self, topics: Mapping[str, int]) -> Mapping[str, TopicProblem]:
        now, known = time.time(), self._problems
        self._problems = {
            topic: TopicProblem(reason, detail, known[topic].since if topic in known else now)
            for topic, (reason, detail) in problems(self._topics, topics, {}, self._rights).items()
        }
        return self._problems


def _unanswered(partitions: Sequence[TopicPartition], ends: Mapping[TopicPartition, int]) -> str | None:
    missing = len(partitions) - len(ends)
    if not missing:
        return None
    return (
        f"{missing} of {len(partitions)} partitions did not say within {span(PATIENCE)} where they end: their leader"
        " may be down, or this user may lack DESCRIBE on the topic."
    )


def _begun(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]
