"""Builds a replay from the configuration: the same sink, the same settings and the same guards as live traffic has."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from bridge.config.sections import Config
from bridge.kafka.claims import SESSION
from bridge.kafka.group_reader import GroupReader
from bridge.mapping.mapper import CompiledMapping
from bridge.reprocess import declarations
from bridge.reprocess.budget import Budget
from bridge.reprocess.outcome import Outcome
from bridge.reprocess.plan import Planned, Rules
from bridge.reprocess.reader import Reader
from bridge.reprocess.replay import Replay
from bridge.service.settings import delivery_settings
from bridge.service.time import LoopAlarm, SystemClock
from bridge.track.build import build_sink
from bridge.track.credentials import ApiKey

SHARE: Final = 0.2
"""Part of the limit that a replay uses where nobody says otherwise."""


@dataclass(frozen=True, slots=True)
class Wish:
    """How a replay shall go about it."""

    rules: Rules
    rate: float
    """Requests per second; without meaning where the limit is lifted."""
    command: str
    """As resolutions name it."""
    automatic: bool = False
    """Made by running bridges, all of which use `rate` together."""


def replay_group(config: Config, logger: logging.Logger) -> GroupReader:
    """Reads what the replays of this group have declared."""
    kafka = config.kafka.model_copy(
        update={
            "group_id": declarations.group_of(config.kafka.group_id),
            "topics": (config.dead_letter.topic,),
        }
    )
    return GroupReader(kafka, logger)


async def replay(
    planned: Sequence[Planned],
    wish: Wish,
    *,
    config: Config,
    mapping: CompiledMapping,
    reader: Reader,
    credentials: ApiKey,
    proxy: str | None,
    logger: logging.Logger,
    progress: Callable[[int], None],
    notice: Callable[[str], None],
    started: Callable[[Replay], None],
) -> Outcome:
    """Run it to its end; ``started`` is handed the replay, to interrupt it."""
    settings = replace(
        delivery_settings(config),
        session_timeout=SESSION,
        # The first answer that refuses the key stops it: in a replay nothing presses.
        hold_after_unauthorized=1,
    )
    clock, alarm = SystemClock(), LoopAlarm(asyncio.get_running_loop())
    sink = build_sink(config.track, max_in_flight=settings.max_in_flight, credentials=credentials, proxy=proxy)
    running = Replay(
        planned,
        wish.rules,
        config=config,
        mapping=mapping,
        reader=reader,
        settings=settings,
        sink=sink,
        credentials=credentials,
        budget=Budget(wish.rate, settings.rate_limit, replay_group(config, logger), automatic=wish.automatic),
        clock=clock,
        alarm=alarm,
        logger=logger,
        command=wish.command,
        progress=progress,
        notice=notice,
    )
    alarm.connect(running.pump)
    await sink.start(running)
    started(running)
    try:
        return await running.run()
    finally:
        await sink.close()
        alarm.cancel()
