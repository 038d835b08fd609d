"""From an answer to a verdict that is safe to show."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace

from bridge.model import Delivered, Retry, Verdict
from bridge.track.answer import Answer
from bridge.track.classify import classify
from bridge.track.credentials import ApiKey


def judge(answer: Answer, credentials: ApiKey, key: int) -> Verdict:
    """`classify`, with the API key taken out of everything the answer repeats of it.

    `key` is the generation the request carried. The bytes are scrubbed before they are cut to length, and the sentence
    once more, because JSON can spell the same key with escapes.
    """
    headers = _scrubbed(answer.headers, credentials)
    verdict = classify(answer.status, headers, credentials.scrub(answer.body), key=key, now_wall=time.time())
    if isinstance(verdict, Delivered):
        return verdict
    detail = _scrubbed_text(verdict.detail, credentials)
    if isinstance(verdict, Retry):
        return replace(verdict, detail=detail)
    code = verdict.error_code
    return replace(verdict, detail=detail, error_code=None if code is None else _scrubbed_text(code, credentials))


def _scrubbed(headers: Sequence[tuple[bytes, bytes]], credentials: ApiKey) -> list[tuple[bytes, bytes]]:
    return [(name, credentials.scrub(value)) for name, value in headers]


def _scrubbed_text(text: str, credentials: ApiKey) -> str:
    return credentials.scrub(text.encode("utf-8")).decode("utf-8")
