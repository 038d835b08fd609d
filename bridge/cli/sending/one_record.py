"""One record sent by hand: its requests one at a time, and what each answer means to a person and to a script."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

from bridge.commands import command
from bridge.exits import ExitCode
from bridge.model import Delivered, Reject, Request, Retry, Unauthorized, Verdict
from bridge.pipeline.ports import Sink, VerdictSink
from bridge.text.amounts import span

# --- sending ---------------------------------------------------------------------------------------


class Single(NamedTuple):
    """One request on its way."""

    request: Request


class StartableSink(Sink[Single], Protocol):
    """A sink with its life: `track.direct.DirectSink` or `track.httpx_sink.HttpxSink`."""

    async def start(self, answers: VerdictSink[Single]) -> None:
        """Verdicts go to `answers` from now on."""

    async def close(self) -> None:
        """Close everything."""


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


async def verdicts_of(sink: StartableSink, requests: Sequence[Request]) -> list[Verdict]:
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


# --- what an answer means ----------------------------------------------------------------------------


class PlainAnswer(NamedTuple):
    """What an answer means to whoever sent one record by hand."""

    result: str
    """accepted | rejected | unauthorized | retry"""
    sentence: str
    style: str
    code: ExitCode


def answer(verdict: Verdict) -> PlainAnswer:
    """With what the bridge itself would do."""
    match verdict:
        case Delivered():
            sentence = f"{verdict.status}: accepted. It can take 15 minutes until the event shows in Userpilot."
            return PlainAnswer("accepted", sentence, "green", ExitCode.OK)
        case Reject():
            sentence = f"{verdict.detail}. The bridge would put this record into the dead-letter topic."
            return PlainAnswer("rejected", sentence, "red", ExitCode.FINDINGS)
        case Unauthorized():
            sentence = (
                f"{verdict.detail}. The key or the address is wrong, which concerns every event: "
                f"`{command('check')}` says more."
            )
            return PlainAnswer("unauthorized", sentence, "red", ExitCode.FINDINGS)
        case Retry():
            again = f" in {span(verdict.after)}" if verdict.after is not None else ""
            doubt = " It may have been accepted all the same." if verdict.ambiguous else ""
            sentence = f"{verdict.detail}. The bridge would try again{again}.{doubt}"
            code = ExitCode.FINDINGS if verdict.status is not None else ExitCode.UNREACHABLE
            return PlainAnswer("retry", sentence, "yellow", code)


def document(verdict: Verdict) -> dict[str, Any]:
    """Every answer has all of these keys; what it does not say is null."""
    found: dict[str, Any] = {"result": answer(verdict).result, "status": verdict.status, "detail": None}
    found |= {"error_code": None, "retry_after_seconds": None, "ambiguous": False}
    match verdict:
        case Reject() | Unauthorized():
            found |= {"detail": verdict.detail, "error_code": verdict.error_code}
        case Retry():
            found |= {"detail": verdict.detail, "retry_after_seconds": verdict.after, "ambiguous": verdict.ambiguous}
        case Delivered():
            pass
    return found
