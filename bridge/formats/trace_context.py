"""W3C Trace Context, as headers carry it: ``traceparent`` and ``tracestate``.

Reading never fails: what is malformed says nothing, as the specification asks.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

from bridge.model import Header, last_header

TRACEPARENT: Final = "traceparent"
TRACESTATE: Final = "tracestate"
SAMPLED: Final = 1
"""The flag that says that the caller records its spans."""

_FORM: Final = re.compile(rb"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?", re.DOTALL)
is_unsampled: Final = re.compile(rb"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f][02468ace]").fullmatch
"""Whether a ``traceparent`` of this version says that nothing is recorded, and is well formed: as most are."""
_KEY: Final = r"(?:[a-z][_0-9a-z\-*/]{0,255}|[a-z0-9][_0-9a-z\-*/]{0,240}@[a-z][_0-9a-z\-*/]{0,13})"
_MEMBER: Final = re.compile(rf"({_KEY})=([\x20-\x2b\x2d-\x3c\x3e-\x7e]{{0,255}}[\x21-\x2b\x2d-\x3c\x3e-\x7e])")
_MOST_MEMBERS: Final = 32
_LONGEST: Final = 256
"""Bytes of a traceparent that are looked at: of a later version it may be longer than the 55 of this one."""


class TraceContext(NamedTuple):
    """Which span of which trace. Neither number is 0."""

    trace_id: int
    """128 bits."""
    span_id: int
    """64 bits."""
    flags: int
    """8 bits."""

    @property
    def is_sampled(self) -> bool:
        """Whether its spans are recorded."""
        return bool(self.flags & SAMPLED)

    @property
    def trace(self) -> str:
        """The trace's id as everybody writes it: 32 hex digits."""
        return f"{self.trace_id:032x}"

    @property
    def span(self) -> str:
        """The span's id as everybody writes it: 16 hex digits."""
        return f"{self.span_id:016x}"

    def __str__(self) -> str:
        """As a ``traceparent`` header."""
        return f"00-{self.trace_id:032x}-{self.span_id:016x}-{self.flags:02x}"


def parse(traceparent: bytes | str | None) -> TraceContext | None:
    """What a ``traceparent`` says; None where there is none, or it is malformed."""
    if traceparent is None or len(traceparent) > _LONGEST:
        return None
    if isinstance(traceparent, str):
        if not traceparent.isascii():
            return None
        traceparent = traceparent.encode()
    found = _FORM.fullmatch(traceparent.strip(b" \t"))
    if found is None:
        return None
    version, trace_id, span_id, flags, more = found.groups()
    if version == b"ff" or (more is not None and version == b"00"):
        return None
    context = TraceContext(int(trace_id, 16), int(span_id, 16), int(flags, 16))
    return context if context.trace_id and context.span_id else None


def of_headers(headers: Sequence[Header]) -> TraceContext | None:
    """What a record's headers say; the last ``traceparent`` counts."""
    return parse(last_header(headers, TRACEPARENT)) if headers else None


def state_of(headers: Sequence[Header]) -> list[tuple[str, str]]:
    """The members of all ``tracestate`` headers in order; none where any is malformed, or there are over 32."""
    members: dict[str, str] = {}
    for name, content in headers:
        if name != TRACESTATE or content is None:
            continue
        try:
            text = content.decode("ascii")
        except UnicodeDecodeError:
            return []
        for part in text.split(","):
            member = part.strip(" \t")
            if not member:
                continue
            found = _MEMBER.fullmatch(member)
            if found is None or found[1] in members:
                return []
            members[found[1]] = found[2]
    return list(members.items()) if len(members) <= _MOST_MEMBERS else []
