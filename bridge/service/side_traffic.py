"""Builds what sends beside live traffic from the configuration: with the sink, the settings and the guards of that."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Final, Protocol, TypeVar

from bridge.config.sections import Config
from bridge.kafka.admin.committed import GroupReader
from bridge.kafka.letters.replay_group import SESSION, reader_of_replays
from bridge.mapping.mapper import CompiledMapping
from bridge.model import DeadLetter
from bridge.pipeline.settings import DeliverySettings
from bridge.pipeline.work import Work
from bridge.reprocess.reading.reader import LetterReader
from bridge.reprocess.replay.letters import ReplayOutcome
from bridge.reprocess.replay.plan import PlannedLetter, ReplayRules
from bridge.reprocess.replay.replay import Replay
from bridge.reprocess.sending.budget import Budget
from bridge.reprocess.sending.file_sending import FileLine, Sending, SendTally
from bridge.reprocess.sending.side_traffic import SideTraffic, Wiring
from bridge.service.settings import delivery_settings
from bridge.service.time import LoopAlarm, SystemClock
from bridge.track.build import build_sink
from bridge.track.credentials import ApiKey
from bridge.track.direct import DirectSink

if TYPE_CHECKING:
    from bridge.track.httpx_sink import HttpxSink

R_co = TypeVar("R_co", covariant=True)

SHARE: Final = 0.2
"""Part of the limit that a replay uses where nobody says otherwise."""


@dataclass(frozen=True, slots=True)
class Setting:
    """Where it is sent from."""

    config: Config
    mapping: CompiledMapping
    credentials: ApiKey
    proxy: str | None = field(repr=False)
    """May hold a password."""
    logger: logging.Logger
    progress: Callable[[int], None] = lambda _done: None
    """Hears how many are done."""
    notice: Callable[[str], None] = lambda _sentence: None
    """Hears sentences."""


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
    setting: Setting,
    *,
    reader: LetterReader,
    started: Callable[[Replay], None] = lambda _running: None,
) -> ReplayOutcome:
    """Run it to its end; ``started`` is handed the replay, to interrupt it."""
    start = _TrafficStart(setting, wish.rate, automatic=wish.automatic)
    running = Replay(planned, wish.rules, start.wiring, reader=reader, command=wish.command)
    return await start.run(running, partial(started, running))


async def send(
    lines: Sequence[FileLine],
    rate: float,
    setting: Setting,
    *,
    letters_end: Mapping[int, int],
    rejected: Callable[[FileLine, DeadLetter], None],
    started: Callable[[Sending], None],
) -> SendTally:
    """The same of a file's lines. `rate`: requests per second."""
    start = _TrafficStart(setting, rate, automatic=False)
    running = Sending(lines, start.wiring, letters_end=letters_end, rejected=rejected)
    return await start.run(running, partial(started, running))


class _Running(Protocol[R_co]):
    """A `Replay` or a `Sending`."""

    @property
    def traffic(self) -> SideTraffic: ...

    async def run(self) -> R_co: ...


class _TrafficStart:
    """Of one, on the running loop: build it of `wiring`, then `run` it."""

    def __init__(self, setting: Setting, rate: float, *, automatic: bool) -> None:
        """`rate`: requests per second; `automatic`: running bridges make it, all of which use `rate` together."""
        config = setting.config
        settings = delivery_settings(config).model_copy(
            # The first answer that refuses the key stops it: nothing presses.
            update={"session_timeout": SESSION, "hold_after_unauthorized": 1}
        )
        self._alarm = LoopAlarm(asyncio.get_running_loop())
        self._sink: DirectSink[Work] | HttpxSink[Work] = build_sink(
            config.track, max_in_flight=settings.max_in_flight, credentials=setting.credentials, proxy=setting.proxy
        )
        self.wiring = Wiring(
            config,
            setting.mapping,
            settings,
            self._sink,
            setting.credentials,
            _budget(rate, settings, replay_group(config, setting.logger), automatic=automatic),
            SystemClock(),
            self._alarm,
            setting.logger,
            setting.progress,
            setting.notice,
        )

    async def run(self, running: _Running[R_co], started: Callable[[], None]) -> R_co:
        """To its end; ``started`` is called when it can be interrupted."""
        self._alarm.connect(running.traffic.pump)
        await self._sink.start(running.traffic)
        started()
        try:
            return await running.run()
        finally:
            await self._sink.close()
            self._alarm.cancel()


def _budget(rate: float, settings: DeliverySettings, group: GroupReader, *, automatic: bool) -> Budget:
    """Where events have no limit and requests of users have one, it is of that: `rate` is without meaning then."""
    limit = settings.rate_limit
    if limit is None and not settings.shared_rate_limit and settings.users_rate_limit is not None:
        limit, rate = settings.users_rate_limit, SHARE * settings.users_rate_limit
    return Budget(rate, limit, group, automatic=automatic)


def replay_group(config: Config, logger: logging.Logger) -> GroupReader:
    """Reads what the replays of this group have declared."""
    return reader_of_replays(config.kafka, config.dead_letter.topic, logger)
