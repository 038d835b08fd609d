"""What the API documents: its requests, checked by code that shares nothing with the sender, its answers and its limit.

Strict where the documentation is silent (unknown fields, nulls, nested metadata): a bridge that passes here sends
nothing whose effect on the real API is unknown.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from types import MappingProxyType
from typing import Any, Final

import orjson

from bridge.sandbox.emulator.documents import (
    ContractRefusal,
    invalid,
    problem_of_fields,
    problem_of_values,
    read_object,
)
from bridge.sandbox.emulator.people import PostedCompany, PostedUser, read_company, read_identify

VALIDATE = "/v1/validate"
API_VERSION = "2020-09-22"
_FIELDS = {"user_id", "event_name", "metadata"}


@dataclass(frozen=True, slots=True)
class Event:
    """A body that keeps the contract."""

    user_id: str
    event_name: str
    metadata: Mapping[str, str | int | float | bool]


Body = Event | PostedUser | PostedCompany
"""What a request that keeps the contract brings."""


def check_address(method: str, path: str) -> ContractRefusal | None:
    """404 for a wrong path, 405 for a wrong method."""
    if path not in BODIES:
        return _no_such(path)
    if method != "POST":
        return ContractRefusal(405, "method_not_allowed", f"{method} is not allowed on {path}")
    return None


def read_body(path: str, body: bytes) -> Body | ContractRefusal:
    """What a request to this path brings, or the refusal it earns."""
    read = BODIES.get(path)
    return _no_such(path) if read is None else read(body)


def check_authorization(headers: Mapping[str, str], keys: frozenset[str] | None) -> ContractRefusal | None:
    """401 unless the header is exactly ``Token <an accepted key>``; with None every key is one, but not none."""
    scheme, _, key = headers.get("authorization", "").partition(" ")
    if scheme != "Token":
        return ContractRefusal(401, "unauthorized", "the Authorization header must have the form: Token <API key>")
    if not key.strip() if keys is None else key not in keys:
        return ContractRefusal(401, "unauthorized", "invalid API key")
    return None


def check_headers(headers: Mapping[str, str]) -> ContractRefusal | None:
    """400 unless type and version are the documented ones."""
    if headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        return invalid("the Content-Type header must be application/json")
    if headers.get("x-api-version") != API_VERSION:
        return invalid(f"the X-API-Version header must be {API_VERSION}")
    return None


def read_event(body: bytes) -> Event | ContractRefusal:
    """The event, or the 400 it earns."""
    document = read_object(body)
    if isinstance(document, ContractRefusal):
        return document
    metadata: Any = document.get("metadata", {})
    problem = problem_of_fields(document, _FIELDS, ("user_id", "event_name")) or problem_of_values("metadata", metadata)
    return invalid(problem) if problem else Event(str(document["user_id"]), str(document["event_name"]), metadata)


def _no_such(path: str) -> ContractRefusal:
    return ContractRefusal(404, "not_found", f"no such path: {path[:200]}")


TRACK: Final = "/v1/track"
IDENTIFY: Final = "/v1/identify"
COMPANY: Final = "/v1/companies/identify"
BODIES: Final[Mapping[str, Callable[[bytes], Body | ContractRefusal]]] = MappingProxyType(
    {
        TRACK: read_event,
        IDENTIFY: read_identify,
        COMPANY: read_company,
    }
)
"""The kinds of requests, by path: what is documented of their bodies."""


_COMMON = b"server: Cowboy\r\ncache-control: max-age=0, private, must-revalidate\r\n"
ACCEPTED_START = b"HTTP/1.1 202 Accepted\r\n" + _COMMON + b"content-length: 0\r\nx-request-id: "
ACCEPTED = ACCEPTED_START + b"req-cheapest\r\n\r\n"
"""One and the same for every request: what a stub answers that must cost next to nothing."""
_BODILESS = frozenset({204, 304})


def reply(status: int, body: bytes, headers: Mapping[str, str], request_id: str, *, close: bool = False) -> bytes:
    """A whole answer."""
    return head(status, len(body), headers, request_id, close=close) + (b"" if status in _BODILESS else body)


def head(status: int, length: int, headers: Mapping[str, str], request_id: str, *, close: bool = False) -> bytes:
    """An answer up to its body, which is promised to have `length` bytes."""
    lines = [f"HTTP/1.1 {status} {_phrase(status)}"]
    given = {name.lower() for name in headers}
    if "content-type" not in given and length:
        lines.append("content-type: application/json; charset=utf-8")
    if "content-length" not in given and "transfer-encoding" not in given and status not in _BODILESS:
        lines.append(f"content-length: {length}")
    if close:
        lines.append("connection: close")
    lines += [f"{name}: {value}" for name, value in headers.items()]
    lines.append(f"x-request-id: {request_id}")
    return "\r\n".join(lines).encode("latin-1") + b"\r\n" + _COMMON + b"\r\n"


def error_body(refusal: ContractRefusal) -> bytes:
    """As documented for 400 and 401: all values strings."""
    error = {
        "details": "",
        "error": _phrase(refusal.status),
        "error_code": refusal.error_code,
        "message": refusal.message,
    }
    return orjson.dumps({"errors": [error]})


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"


@dataclass(frozen=True, slots=True)
class RateLimit:
    """`requests` in any `window` seconds; what is refused does not count."""

    requests: int
    window: float = 60.0
    retry_after: bool = False
    """Whether a 429 says when to come back. The API documents no such header."""


class RateWindow:
    """A sliding window over the requests let through."""

    def __init__(self, limit: RateLimit) -> None:
        self.limit = limit
        self._passed: deque[float] = deque()

    def wait(self, now: float) -> float:
        """0 and the request counts, or the seconds until the next one may pass."""
        passed = self._passed
        while passed and passed[0] <= now - self.limit.window:
            passed.popleft()
        if len(passed) < self.limit.requests:
            passed.append(now)
            return 0.0
        return passed[0] + self.limit.window - now if passed else self.limit.window


def busiest_window(times: list[float], window: float) -> int:
    """The most events any half-open window of this length holds; `times` ascending."""
    most = first = 0
    for last, time in enumerate(times):
        while times[first] <= time - window:
            first += 1
        most = max(most, last - first + 1)
    return most
