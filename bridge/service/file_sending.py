"""Builds the sending of a file from the configuration, as `replaying` builds a replay."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from bridge.config.sections import Config
from bridge.kafka.claims import SESSION
from bridge.mapping.mapper import CompiledMapping
from bridge.model import DeadLetter
from bridge.reprocess.budget import Budget
from bridge.reprocess.lines import Line, Tally
from bridge.reprocess.sending import Sending
from bridge.service.replaying import replay_group
from bridge.service.settings import delivery_settings
from bridge.service.time import LoopAlarm, SystemClock
from bridge.track.build import build_sink
from bridge.track.credentials import ApiKey


async def send(
    lines: Sequence[Line],
    rate: float,
    *,
    config: Config,
    mapping: CompiledMapping,
    letters_end: Mapping[int, int],
    credentials: ApiKey,
    proxy: str | None,
    logger: logging.Logger,
    rejected: Callable[[Line, DeadLetter], None],
    progress: Callable[[int], None],
    notice: Callable[[str], None],
    started: Callable[[Sending], None],
) -> Tally:
    """Run it to its end; ``started`` is handed the sending, to interrupt it. `rate`: requests per second."""
    settings = replace(
        delivery_settings(config),
        session_timeout=SESSION,
        # The first answer that refuses the key stops it: nothing presses.
        hold_after_unauthorized=1,
    )
    clock, alarm = SystemClock(), LoopAlarm(asyncio.get_running_loop())
    sink = build_sink(config.track, max_in_flight=settings.max_in_flight, credentials=credentials, proxy=proxy)
    running = Sending(
        lines,
        config=config,
        mapping=mapping,
        letters_end=letters_end,
        settings=settings,
        sink=sink,
        credentials=credentials,
        budget=Budget(rate, settings.rate_limit, replay_group(config, logger), automatic=False),
        clock=clock,
        alarm=alarm,
        logger=logger,
        rejected=rejected,
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
