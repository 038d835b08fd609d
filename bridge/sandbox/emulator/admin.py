"""The emulator's own endpoints under /_emulator/, for other processes: what it saw, and how it shall behave.

| request | meaning |
| --- | --- |
| ``GET stats`` | the ledger's numbers as one JSON object |
| ``GET accepted?since=N`` | accepted events from number N on, one JSON object a line |
| ``POST faults`` | ``{"faults": […], "seed": 0}`` replaces the script, see `faults.Fault` |
| ``POST keys`` | ``{"keys": ["…"]}`` replaces the accepted API keys |
| ``POST rate`` | ``{"requests": 600, "window": 60, "retry_after": true}`` or ``null`` |
| ``POST reset`` | forgets what was seen |
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Protocol
from urllib.parse import parse_qs

import orjson

from bridge.sandbox.emulator.connection import ReceivedRequest
from bridge.sandbox.emulator.contract import reply
from bridge.sandbox.emulator.faults import Fault
from bridge.sandbox.emulator.ledger import Accepted, RequestLedger
from bridge.sandbox.emulator.rate import RateLimit

ADMIN_PREFIX = "/_emulator/"
_NO_REQUEST = "admin"


class Controlled(Protocol):
    """The part of the emulator that these endpoints move."""

    ledger: RequestLedger
    keys: frozenset[str]

    def set_faults(self, *faults: Fault, seed: int = 0) -> None:
        """Replace the script of faults."""

    def limit_rate(self, rate: RateLimit | None) -> None:
        """Replace the rate limit; None lifts it."""

    def reset(self) -> None:
        """Forget what was seen."""


def admin(emulator: Controlled, request: ReceivedRequest) -> bytes:
    """The answer to one admin request: 200, or 400 and 404 with a sentence."""
    action = f"{request.method} {request.path.removeprefix(ADMIN_PREFIX)}"
    try:
        if action == "GET stats":
            return _json(200, emulator.ledger.stats())
        if action == "GET accepted":
            since = int(parse_qs(request.query).get("since", ["0"])[0])
            return _ndjson(emulator.ledger.accepted[since:])
        if action == "POST reset":
            emulator.reset()
            return _json(200, {})
        if request.method == "POST":
            return _change(emulator, action, orjson.loads(request.body))
    except (ValueError, TypeError, KeyError) as error:
        return _json(400, {"problem": f"{action}: {error}"})
    return _unknown(action)


def _change(emulator: Controlled, action: str, document: Any) -> bytes:
    if action == "POST faults":
        faults = [Fault.from_json(fault) for fault in document["faults"]]
        emulator.set_faults(*faults, seed=int(document.get("seed", 0)))
    elif action == "POST keys":
        emulator.keys = frozenset(str(key) for key in document["keys"])
    elif action == "POST rate":
        emulator.limit_rate(None if document is None else RateLimit(**document))
    else:
        return _unknown(action)
    return _json(200, {})


def _unknown(action: str) -> bytes:
    return _json(404, {"problem": f"no such admin request: {action[:200]}"})


def _json(status: int, document: object) -> bytes:
    return reply(status, orjson.dumps(document), {}, _NO_REQUEST)


def _ndjson(events: Iterable[Accepted]) -> bytes:
    lines = [
        orjson.dumps(
            {
                "number": event.number,
                "at": event.at,
                "user_id": event.user_id,
                "event_name": event.event_name,
                "metadata": event.metadata,
                "body": event.body.decode("utf-8"),
            },
            option=orjson.OPT_APPEND_NEWLINE,
        )
        for event in events
    ]
    return reply(200, b"".join(lines), {"content-type": "application/x-ndjson"}, _NO_REQUEST)
