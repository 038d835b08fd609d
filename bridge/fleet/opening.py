"""A source of the fleet for one configuration, with all that it keeps open."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from bridge.fleet import instances, replicas
from bridge.fleet.compose import compose, counts_letters, unspoken
from bridge.fleet.look import FleetLook
from bridge.fleet.releasing import by_group
from bridge.fleet.source import FleetSource
from bridge.fleet.view import FleetView, ReplicaView

if TYPE_CHECKING:
    import logging

    from bridge.config.sections import Config
    from bridge.fleet.asking.letter_count import LetterCount
    from bridge.fleet.facts import KafkaFacts
    from bridge.model import TopicPartition


@asynccontextmanager
async def open_fleet(config: Config, logger: logging.Logger, named: Sequence[str] = ()) -> AsyncGenerator[FleetSource]:
    """`named`: instances in place of `console.instances`, as `config.keys.instance` normalises them.

    Raises `listening.ListenUnknownError` where nothing says whom to ask, and as `FleetLook` does.
    """
    source = FleetSource(FleetTaker(config, FleetLook(config, logger), named or instances.configured(config)).take)
    try:
        yield source
    finally:
        await source.close()


class LookFacts(Protocol):
    """What is asked of Kafka, see `FleetLook`."""

    async def look(self) -> KafkaFacts:
        """What it shows now."""

    async def written(self, wanted: Mapping[TopicPartition, int]) -> Mapping[TopicPartition, float]:
        """When records were written."""

    async def letters(self) -> LetterCount:
        """Open dead letters and recorded losses."""


class FleetTaker:
    """Makes one view after the other. Between them it remembers since when a replica says nothing."""

    def __init__(
        self, config: Config, look: LookFacts, named: Sequence[str], clock: Callable[[], float] = time.time
    ) -> None:
        self._config = config
        self._look = look
        self._named = named
        self._clock = clock
        self._silent: dict[str, float | None] = {}
        """By address: since when it says nothing; None: it never answered here, so nobody saw the beginning."""
        self._answered: set[str] = set()

    async def take(self) -> FleetView:
        """Kafka and all replicas are asked at the same time; what nobody said, Kafka is asked for after that."""
        answers, facts = await asyncio.gather(self._ask(), self._look.look())
        if facts.down_since is None:
            facts = await self._with_what_nobody_said(facts, answers)
        view = compose(facts, answers, self._clock())
        return view if self._config.console.token_file is None else by_group(view)

    async def _ask(self) -> tuple[ReplicaView, ...]:
        found = await instances.addresses(self._named)
        answers = await replicas.ask(found.addresses, self._config.kafka.group_id)
        return self._remembered((*answers, *found.problems))

    def _remembered(self, answers: Sequence[ReplicaView]) -> tuple[ReplicaView, ...]:
        now = self._clock()
        quiet = {each.address for each in answers if each.problem is not None}
        self._silent = {each: self._silent.get(each, now if each in self._answered else None) for each in quiet}
        self._answered |= {each.address for each in answers} - quiet
        return tuple(replace(each, since=self._silent.get(each.address)) for each in answers)

    async def _with_what_nobody_said(self, facts: KafkaFacts, answers: Sequence[ReplicaView]) -> KafkaFacts:
        wanted = unspoken(facts, answers)
        if wanted:
            facts = replace(facts, written=await self._look.written(wanted))
        if not counts_letters(answers):
            counted = await self._look.letters()
            facts = replace(facts, letters=counted.letters, losses=counted.losses, letters_problem=counted.problem)
        return facts
