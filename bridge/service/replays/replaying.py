"""Builds a replay from the configuration."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from bridge.config.sections import Config
from bridge.mapping.mapper import CompiledMapping
from bridge.reprocess.reading.reader import LetterReader
from bridge.reprocess.replay.outcome import ReplayOutcome
from bridge.reprocess.replay.plan import PlannedLetter, ReplayRules
from bridge.reprocess.replay.replay import Replay
from bridge.service.replays.side_traffic import SideTrafficStart
from bridge.track.credentials import ApiKey

SHARE: Final = 0.2
"""Part of the limit that a replay uses where nobody says otherwise."""


@dataclass(frozen=True, slots=True)
class Wish:
    """How a replay shall go about it."""

    rules: ReplayRules
    rate: float
    """Requests per second; without meaning where the limit is lifted."""
    command: str
    """As resolutions name it."""
    automatic: bool = False
    """Made by running bridges, all of which use `rate` together."""


async def replay(
    planned: Sequence[PlannedLetter],
    wish: Wish,
    *,
    config: Config,
    mapping: CompiledMapping,
    reader: LetterReader,
    credentials: ApiKey,
    proxy: str | None,
    logger: logging.Logger,
    progress: Callable[[int], None],
    notice: Callable[[str], None],
    started: Callable[[Replay], None],
) -> ReplayOutcome:
    """Run it to its end; ``started`` is handed the replay, to interrupt it."""
    start = SideTrafficStart(
        wish.rate,
        automatic=wish.automatic,
        config=config,
        mapping=mapping,
        credentials=credentials,
        proxy=proxy,
        logger=logger,
        progress=progress,
        notice=notice,
    )
    running = Replay(planned, wish.rules, start.wiring, reader=reader, command=wish.command)
    return await start.run(running, partial(started, running))
