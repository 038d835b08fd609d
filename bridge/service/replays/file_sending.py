"""Builds the sending of a file from the configuration."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from bridge.config.sections import Config
from bridge.mapping.mapper import CompiledMapping
from bridge.model import DeadLetter
from bridge.reprocess.lines import FileLine, SendTally
from bridge.reprocess.sending import Sending
from bridge.service.replays.side_traffic import SideTrafficStart
from bridge.track.credentials import ApiKey


async def send(
    lines: Sequence[FileLine],
    rate: float,
    *,
    config: Config,
    mapping: CompiledMapping,
    letters_end: Mapping[int, int],
    credentials: ApiKey,
    proxy: str | None,
    logger: logging.Logger,
    rejected: Callable[[FileLine, DeadLetter], None],
    progress: Callable[[int], None],
    notice: Callable[[str], None],
    started: Callable[[Sending], None],
) -> SendTally:
    """Run it to its end; ``started`` is handed the sending, to interrupt it. `rate`: requests per second."""
    start = SideTrafficStart(
        rate,
        automatic=False,
        config=config,
        mapping=mapping,
        credentials=credentials,
        proxy=proxy,
        logger=logger,
        progress=progress,
        notice=notice,
    )
    running = Sending(lines, start.wiring, letters_end=letters_end, rejected=rejected)
    return await start.run(running, partial(started, running))
