"""`Retry-After` (RFC 9110 §10.2.3): seconds or an HTTP date. The Track API documents neither form, so both are read."""

from __future__ import annotations

import re
from datetime import UTC
from email.utils import parsedate_to_datetime

_SECONDS = re.compile(rb"\d{1,12}(\.\d{1,6})?", re.ASCII)
_LONGEST_DATE = 64


def retry_after(value: bytes, now_wall: float, *, sent: bytes | None = None) -> float | None:
    """Seconds to wait from now; None for anything that is neither form.

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
