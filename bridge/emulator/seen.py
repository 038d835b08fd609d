"""What came and how it was answered: the last requests, and counts over all of them, in bounded memory."""

from __future__ import annotations

import json
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from bridge.sandbox.emulator.connection import ReceivedRequest
from bridge.sandbox.emulator.contract import COMPANY, IDENTIFY, TRACK, VALIDATE
from bridge.sandbox.emulator.imports import IMPORTS, JOBS
from bridge.text.printable import cut

CALLS: Final[Mapping[str, str]] = {
    TRACK: "track",
    IDENTIFY: "identify",
    COMPANY: "company",
    IMPORTS: "import",
    JOBS: "job",
    VALIDATE: "validate",
}
"""Path and word."""
UNKNOWN_CALL: Final = "other"
LARGE: Final = 20_000
"""Bytes of a body whose details are not kept."""
NAMES: Final = 500
"""Event names that are counted on their own."""
OTHER_NAMES: Final = "(other names)"
_LONGEST: Final = 300
"""Characters of a text that is kept."""
_MINUTE: Final = 60.0
_TIMES: Final = 200_000


@dataclass(frozen=True, slots=True)
class SeenRequest:
    """One request and its answer."""

    number: int
    """From 1."""
    at: float
    """Unix seconds."""
    call: str
    """One of `CALLS`, or `UNKNOWN_CALL`."""
    method: str
    path: str
    answer: str
    """A status, or the kind of fault that came instead of a whole answer."""
    why: str | None
    """Of what is not accepted."""
    user_id: str | None
    name: str | None
    """Of an event; of a company, its id."""
    details: Mapping[str, Any] | None
    """Metadata, with an identify's company beside it; None where there is none, or too much of it."""
    size: int
    """Bytes of the body."""

    @property
    def is_accepted(self) -> bool:
        """Whether the answer says so."""
        return self.answer.startswith("2")


@dataclass(slots=True)
class EventCount:
    """Of one event name."""

    accepted: int = 0
    refused: int = 0


@dataclass(slots=True)
class RequestBook:
    """The last requests, and counts."""

    keeps: int
    began: float
    """Unix seconds."""
    seen: int = 0
    accepted: int = 0
    last: deque[SeenRequest] = field(init=False)
    answers: Counter[str] = field(default_factory=Counter)
    calls: Counter[str] = field(default_factory=Counter)
    """Accepted ones, by word."""
    events: dict[str, EventCount] = field(default_factory=dict)
    reasons: Counter[str] = field(default_factory=Counter)
    """Why requests were refused: at most `NAMES` different ones."""
    _times: deque[float] = field(default_factory=lambda: deque(maxlen=_TIMES), repr=False)

    def __post_init__(self) -> None:
        self.last = deque(maxlen=self.keeps)

    def add(self, request: ReceivedRequest | None, answer: str, why: str | None, now: float) -> SeenRequest:
        """One more; kept as far as there is room."""
        self.seen += 1
        found = seen(self.seen, request, answer, why, now)
        self.answers[answer] += 1
        self._times.append(now)
        if found.is_accepted:
            self.accepted += 1
            self.calls[found.call] += 1
        else:
            self.reasons[_within(self.reasons, f"{answer}: {cut(why or 'no whole answer was given', _LONGEST)}")] += 1
        if found.call == "track" and found.name is not None:
            count = self.events.setdefault(_within(self.events, cut(found.name, _LONGEST)), EventCount())
            if found.is_accepted:
                count.accepted += 1
            else:
                count.refused += 1
        self.last.append(kept(found))
        return found

    def last_minute(self, now: float) -> int:
        """Requests within the last 60 s."""
        while self._times and self._times[0] <= now - _MINUTE:
            self._times.popleft()
        return len(self._times)


def seen(number: int, request: ReceivedRequest | None, answer: str, why: str | None, now: float) -> SeenRequest:
    """As much of it as can be read; `request` is None where it was not read."""
    if request is None:
        return SeenRequest(number, now, UNKNOWN_CALL, "", "", answer, why, None, None, None, 0)
    path = request.path
    call = CALLS.get(JOBS if path.startswith(JOBS) else path, UNKNOWN_CALL)
    document = {} if call in ("import", "job", "validate") else _document(request.body)
    metadata, company = document.get("metadata"), document.get("company")
    details = dict(metadata) if isinstance(metadata, dict) else {}
    if isinstance(company, dict):
        details["company"] = company
    return SeenRequest(
        *(number, now, call, request.method, path, answer, why),
        user_id=_text(document.get("user_id")),
        name=_text(document.get("company_id" if call == "company" else "event_name")),
        details=details or None,
        size=len(request.body),
    )


def kept(request: SeenRequest) -> SeenRequest:
    """The same, in bounded memory."""
    texts = (request.method, request.path, request.answer, request.why, request.user_id, request.name)
    if request.size <= LARGE and all(text is None or len(text) <= _LONGEST for text in texts):
        return request
    method, path, answer, why, user, name = (None if text is None else cut(text, _LONGEST) for text in texts)
    details = request.details if request.size <= LARGE else None
    return SeenRequest(
        *(request.number, request.at, request.call, method or "", path or "", answer or "", why, user, name, details),
        request.size,
    )


def _within(counted: Mapping[str, Any], name: str) -> str:
    return name if name in counted or len(counted) < NAMES else OTHER_NAMES


def _document(body: bytes) -> Mapping[str, Any]:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
