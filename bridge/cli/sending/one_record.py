"""One record sent by hand: its requests one at a time, and what each answer means to a person and to a script."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, Protocol

from bridge.cli.sending.step_chains import StepChain
from bridge.commands import command
from bridge.exits import ExitCode
from bridge.model import COMPANY, IDENTIFY, TRACK, Delivered, Reject, Request, Retry, Unauthorized, Verdict
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


@dataclass(frozen=True, slots=True)
class Sent:
    """A request, and what came of it."""

    request: Request
    verdict: Verdict | None
    """None: it was not sent, because a step before it was not accepted."""
    rest: bool | None
    """Whether the steps behind it are sent if it is refused; None: there are none."""


async def exchange(sink: StartableSink, chains: Sequence[StepChain]) -> list[Sent]:
    """All of them in order, one after the other, each as soon as those that it waits for were accepted."""
    inbox = _Inbox()
    await sink.start(inbox)
    found: list[Sent] = []
    try:
        for chain in chains:
            goes_on = True
            for request in chain.requests:
                verdict: Verdict | None = None
                if goes_on:
                    sink.send(Single(request))
                    verdict = await inbox.next()
                    goes_on = chain.goes_on(request, verdict)
                rest = None if request is chain.requests[-1] else chain.follows(request)
                found.append(Sent(request, verdict, rest))
    finally:
        await sink.close()
    return found


# --- what an answer means ----------------------------------------------------------------------------


class PlainAnswer(NamedTuple):
    """What an answer means to whoever sent one record by hand."""

    result: str
    """accepted | rejected | unauthorized | retry"""
    sentence: str
    style: str
    code: ExitCode


_ACCEPTED: Final = {
    TRACK: "accepted. It can take 15 minutes until the event shows in Userpilot.",
    IDENTIFY: "accepted: the user is identified.",
    COMPANY: "accepted. A company shows in Userpilot once a user belongs to it.",
}
_REST: Final = {None: "", True: ", and send the steps behind it", False: ", with the steps behind it"}


def answer(sent: Sent) -> PlainAnswer:
    """With what the bridge itself would do."""
    verdict = sent.verdict
    match verdict:
        case None:
            sentence = "Not sent: the step before it was not accepted."
            return PlainAnswer("not_sent", sentence, "yellow", ExitCode.FINDINGS)
        case Delivered():
            sentence = f"{verdict.status}: {_ACCEPTED[sent.request.kind]}"
            return PlainAnswer("accepted", sentence, "green", ExitCode.OK)
        case Reject():
            sentence = (
                f"{verdict.detail}. The bridge would put this record into the dead-letter topic{_REST[sent.rest]}."
            )
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


def document(sent: Sent) -> dict[str, Any]:
    """Every answer has all of these keys; what it does not say is null."""
    verdict = sent.verdict
    status = None if verdict is None else verdict.status
    found: dict[str, Any] = {"result": answer(sent).result, "status": status, "detail": None}
    found |= {"error_code": None, "retry_after_seconds": None, "ambiguous": False}
    match verdict:
        case Reject() | Unauthorized():
            found |= {"detail": verdict.detail, "error_code": verdict.error_code}
        case Retry():
            found |= {"detail": verdict.detail, "retry_after_seconds": verdict.after, "ambiguous": verdict.ambiguous}
        case Delivered() | None:
            pass
    return found
