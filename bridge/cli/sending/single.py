"""Requests through a sink one at a time, each with its verdict awaited: what a person does, not a pipeline."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import NamedTuple, Protocol

from bridge.model import Request, Verdict
from bridge.pipeline.ports import Sink, VerdictSink


class Single(NamedTuple):
    """One request on its way."""

    request: Request


class StartableSink(Sink[Single], Protocol):
    """A sink with its life: `track.direct.DirectSink` or `track.httpx_sink.HttpxSink`."""

    async def start(self, answers: VerdictSink[Single]) -> None:
        """Verdicts go to `answers` from now on."""
        ...

    async def close(self) -> None:
        """Close everything."""
        ...


class _Inbox:
    """Receives one verdict at a time."""

    def __init__(self) -> None:
        self._waiting: asyncio.Future[Verdict] = asyncio.get_running_loop().create_future()

    def answered(self, _attempt: Single, verdict: Verdict, /) -> None:
        """See `pipeline.ports.VerdictSink`."""
        if not self._waiting.done():
            self._waiting.set_result(verdict)

    async def next(self) -> Verdict:
        """The verdict of the request just sent."""
        verdict = await self._waiting
        self._waiting = asyncio.get_running_loop().create_future()
        return verdict


async def ask(sink: StartableSink, requests: Sequence[Request]) -> list[Verdict]:
    """The verdicts in order."""
    inbox = _Inbox()
    await sink.start(inbox)
    verdicts: list[Verdict] = []
    try:
        for request in requests:
            sink.send(Single(request))
            verdicts.append(await inbox.next())
    finally:
        await sink.close()
    return verdicts
