"""Builds what sends beside live traffic from the configuration: with the sink, the settings and the guards of that."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol, TypeVar

from bridge.config.sections import Config
from bridge.formats import declarations
from bridge.kafka.admin.group_reader import GroupReader
from bridge.kafka.letters.replay_group import SESSION
from bridge.mapping.mapper import CompiledMapping
from bridge.pipeline.ports import VerdictSink
from bridge.pipeline.work import Work
from bridge.reprocess.budget import Budget
from bridge.reprocess.side_traffic import Wiring
from bridge.service.settings import delivery_settings
from bridge.service.time import LoopAlarm, SystemClock
from bridge.track.build import build_sink
from bridge.track.credentials import ApiKey
from bridge.track.direct import DirectSink

if TYPE_CHECKING:
    from bridge.track.httpx_sink import HttpxSink

R_co = TypeVar("R_co", covariant=True)


class Running(VerdictSink[Work], Protocol[R_co]):
    """A `reprocess.side_traffic.SideTraffic`, built."""

    def pump(self) -> None:
        """The alarm rings."""
        ...

    async def run(self) -> R_co:
        """To its end."""
        ...


class SideTrafficStart:
    """Of one, on the running loop: build it of `wiring`, then `run` it."""

    def __init__(
        self,
        rate: float,
        *,
        automatic: bool,
        config: Config,
        mapping: CompiledMapping,
        credentials: ApiKey,
        proxy: str | None,
        logger: logging.Logger,
        progress: Callable[[int], None],
        notice: Callable[[str], None],
    ) -> None:
        """`rate`: requests per second; `automatic`: running bridges make it, all of which use `rate` together."""
        settings = replace(
            delivery_settings(config),
            session_timeout=SESSION,
            # The first answer that refuses the key stops it: nothing presses.
            hold_after_unauthorized=1,
        )
        self._alarm = LoopAlarm(asyncio.get_running_loop())
        self._sink: DirectSink[Work] | HttpxSink[Work] = build_sink(
            config.track,
            max_in_flight=settings.max_in_flight,
            credentials=credentials,
            proxy=proxy,
        )
        self.wiring = Wiring(
            config,
            mapping,
            settings,
            self._sink,
            credentials,
            Budget(rate, settings.rate_limit, replay_group(config, logger), automatic=automatic),
            SystemClock(),
            self._alarm,
            logger,
            progress,
            notice,
        )

    async def run(self, running: Running[R_co], started: Callable[[], None]) -> R_co:
        """To its end; ``started`` is called when it can be interrupted."""
        self._alarm.connect(running.pump)
        await self._sink.start(running)
        started()
        try:
            return await running.run()
        finally:
            await self._sink.close()
            self._alarm.cancel()


def replay_group(config: Config, logger: logging.Logger) -> GroupReader:
    """Reads what the replays of this group have declared."""
    kafka = config.kafka.model_copy(
        update={
            "group_id": declarations.group_of(config.kafka.group_id),
            "topics": (config.dead_letter.topic,),
        }
    )
    return GroupReader(kafka, logger)
