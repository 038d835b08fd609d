"""From an answer to a verdict that is safe to show."""

from __future__ import annotations

import time

import orjson

from bridge.model import RequestKind, Verdict
from bridge.track.answer import Answer
from bridge.track.classify import classify
from bridge.track.credentials import ApiKey


def judge(kind: RequestKind, answer: Answer, credentials: ApiKey, key: int) -> Verdict:
    """`classify`, after the API key is taken out of everything the answer repeats of it.

    `key` is the generation the request carried. It is done before anything is cut to length: half a key is no longer
    recognised.
    """
    headers = [(name, credentials.scrub(value)) for name, value in answer.headers]
    body = credentials.scrub(_without_escapes(answer.body))
    return classify(kind, answer.status, headers, body, key=key, now_wall=time.time())


def _without_escapes(body: bytes) -> bytes:
    r"""JSON can spell one text in many ways (``\/``, ``\u004e``); written anew it is spelt in one."""
    try:
        return orjson.dumps(orjson.loads(body))
    except (orjson.JSONDecodeError, orjson.JSONEncodeError):
        return body
