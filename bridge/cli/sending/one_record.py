"""The API's answer to one request: a sentence for a person, an object for a script, and the exit code of both."""

from __future__ import annotations

from typing import Any, NamedTuple

from bridge.commands import command
from bridge.exits import ExitCode
from bridge.model import Delivered, Reject, Retry, Unauthorized, Verdict
from bridge.text.amounts import span


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
