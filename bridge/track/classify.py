"""The verdict table: what one answer of the API means for the request, as one pure function.

| status | verdict | ambiguous |
| --- | --- | --- |
| 2xx | `Delivered`: accepted, which is not yet ingested | |
| 400, 409, 413, 422, any other 4xx | `Reject`: this request will never be accepted | |
| `RequestKind.refuse_all`: 401, 403, 404, 405 | `Unauthorized`: key or address is wrong, for all requests | |
| 404 whose ``error_code`` names a user or a company | `Reject`: the address is right, it is of that one | |
| 407 | `Retry`: it is a proxy that refuses, the API never saw the request | no |
| 408 | `Retry` | yes: gateways send it when the API behind them was too slow |
| 425, 429 | `Retry`: refused before it was looked at | no |
| 5xx, and what HTTP has no class for (RFC 9110 §15) | `Retry` | yes: it may have failed after it was stored |
| 3xx | `Retry`: never followed, the key would go to another host | no |

The 404 of an unknown user is documented nowhere: sources have a 400, a 404, and a 202 for it. Its code is all that
tells it from the 404 of a wrong address, for which no body is documented either (`unverified`).

"Ambiguous" is what the upper bound of duplicates is counted from, so a doubtful case is ambiguous.
"""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from datetime import UTC
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

import orjson

from bridge.model import Delivered, Reject, RequestKind, Retry, Unauthorized, Verdict
from bridge.track.answer import Answer, ErrorBody, bounded, read_error_body
from bridge.track.credentials import ApiKey

Headers = Sequence[tuple[bytes, bytes]]
"""Names in any case, in the order they came."""

_RETRIED_4XX = {407: "connection", 408: "timeout", 425: "too_early", 429: "rate_limited"}
_SHORT_VALUE = 128
_OF_ONE = re.compile(r"user(?!pilot)|compan(?:y|ies)", re.IGNORECASE)
"""In the code of an error that is about one user or company."""


def judge(kind: RequestKind, answer: Answer, credentials: ApiKey, key: int) -> Verdict:
    """`classify`, after the API key is taken out of everything the answer repeats of it.

    `key` is the generation the request carried. It is done before anything is cut to length: half a key is no longer
    recognised.
    """
    headers = [(name, credentials.scrub(value)) for name, value in answer.headers]
    body = credentials.scrub(_without_escapes(answer.body))
    return classify(kind, answer.status, headers, body, key=key, now_wall=time.time())


def classify(kind: RequestKind, status: int, headers: Headers, body: bytes, *, key: int, now_wall: float) -> Verdict:
    """The verdict on one whole answer. Never raises, whatever the answer holds.

    `body` is the beginning of the body as it came over the wire; `key` the generation of the key the request carried;
    `now_wall` Unix seconds, for a `Retry-After` given as a date in an answer without a `Date`.
    """
    if 200 <= status < 300:
        return Delivered(status)
    error, request_id = read_error_body(body), _short(_header(headers, b"x-request-id"))
    if status in kind.refuse_all:
        if status == 404 and error.code and _OF_ONE.search(error.code):
            return Reject(_detail(status, headers, body, error, advice=""), status, error.code, request_id)
        return Unauthorized(_detail(status, headers, body, error), status, key, error.code, request_id)
    reason = _retry_reason(status)
    if reason is None:
        return Reject(_detail(status, headers, body, error), status, error.code, request_id)
    return Retry(
        reason,
        _detail(status, headers, body, error),
        status=status,
        after=_wait(headers, now_wall),
        ambiguous=reason == "server_error" or status == 408,
        request_id=request_id,
        error_code=error.code,
    )


def _retry_reason(status: int) -> str | None:
    if 300 <= status < 400:
        return "redirect"
    if 400 <= status < 500:
        return _RETRIED_4XX.get(status)
    return "server_error"


def _wait(headers: Headers, now_wall: float) -> float | None:
    value = _header(headers, b"retry-after")
    return None if value is None else retry_after(value, now_wall, sent=_header(headers, b"date"))


def _detail(status: int, headers: Headers, body: bytes, error: ErrorBody, *, advice: str | None = None) -> str:
    """One sentence: status, code, message and request id, or what came instead of the documented error body.

    `advice` is what the status alone suggests, unless it is given.
    """
    parts = [f"the API answered {status}"]
    if error.code:
        parts.append(f" {error.code}")
    if error.message:
        parts.append(f": {error.message}")
    elif 300 <= status < 400:
        parts.append(_redirection(headers))
    elif not error.code and body:
        kind = _short(_header(headers, b"content-type")) or "of no stated type"
        parts.append(f" with a body that is not the documented error ({kind})")
    text = bounded("".join(parts), 768) + (_advice(status) if advice is None else advice)
    request_id = _short(_header(headers, b"x-request-id"))
    return bounded(f"{text} (x-request-id {request_id})" if request_id else text)


def _advice(status: int) -> str:
    if status in (404, 405):
        return "; most likely track.endpoint names the wrong host"
    if status == 407:
        return "; the proxy asks for credentials"
    return ""


def _redirection(headers: Headers) -> str:
    location = _header(headers, b"location")
    host = None if location is None else _host(location)
    target = f" and points to {host}" if host else ""
    return f"{target}; redirects are not followed, because the key would go with them: set track.endpoint to the API"


def _host(location: bytes) -> str | None:
    """The host a redirect names: without path, query and user-info, which may hold anything."""
    try:
        return _short((urlsplit(location.decode("latin-1")).hostname or "").encode("latin-1", "replace"))
    except ValueError:
        return None


def _header(headers: Headers, name: bytes) -> bytes | None:
    for found, value in headers:
        if found.lower() == name:
            return value
    return None


def _short(value: bytes | None) -> str | None:
    return bounded(value.decode("latin-1"), _SHORT_VALUE).strip() or None if value else None


def _without_escapes(body: bytes) -> bytes:
    r"""JSON can spell one text in many ways (``\/``, ``\u004e``); encoded again it is spelt in one."""
    try:
        return orjson.dumps(orjson.loads(body))
    except (orjson.JSONDecodeError, orjson.JSONEncodeError):
        return body


_SECONDS = re.compile(rb"\d{1,12}(\.\d{1,6})?", re.ASCII)
_LONGEST_DATE = 64


def retry_after(value: bytes, now_wall: float, *, sent: bytes | None = None) -> float | None:
    """Seconds to wait from now, by `Retry-After` (RFC 9110 §10.2.3); None for what is neither seconds nor an HTTP date.

    The Track API documents neither form, so both are read.
    `sent` is the answer's own `Date`: a date is meant by the clock that wrote it, which may be hours off. Only where
    there is none, `now_wall` has to serve, our own Unix time in seconds. A date that has passed is 0: the time asked
    for is over. How long a wait is honoured at least and at most is the caller's decision.
    """
    text = value.strip()
    if _SECONDS.fullmatch(text):
        return float(text)
    until = _unix_time(text)
    if until is None:
        return None
    now = None if sent is None else _unix_time(sent.strip())
    return max(0.0, until - (now_wall if now is None else now))


def _unix_time(text: bytes) -> float | None:
    if len(text) > _LONGEST_DATE:
        return None
    try:
        moment = parsedate_to_datetime(text.decode("ascii"))
        if moment.tzinfo is None:  # "-0000" and dates without a zone: HTTP dates are UTC by definition
            moment = moment.replace(tzinfo=UTC)
        return moment.timestamp()
    except (ValueError, OverflowError):
        return None
