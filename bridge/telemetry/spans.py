"""The spans of records: CONSUMER for each, CLIENT for each attempt, PRODUCER for each dead letter.

A span is built once, when it ends, from what was noted: it is known by then, and nothing is kept in contextvars. Of a
record that is not sampled nothing is kept at all. No span holds anything out of a payload: places, sizes, names of the
configuration, statuses and codes.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Concatenate, Final, ParamSpec, TypeVar

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode, TraceFlags, TraceState

from bridge.counts import DURATION_BOUNDS, LATENCY_BOUNDS, Exemplar
from bridge.formats import trace_context
from bridge.formats.trace_context import SAMPLED, TRACEPARENT, TraceContext, is_unsampled
from bridge.model import TRACK, DeadLetter, Delivered, Disposition, Outcomes, Record, Request, Verdict
from bridge.telemetry.attributes import answer, made_of
from bridge.telemetry.exemplars import keep
from bridge.telemetry.wishes import Sampling

SCHEMA_URL: Final = "https://opentelemetry.io/schemas/1.44.0"
"""Of the semantic conventions that the names here are of."""
MOST_ATTEMPTS: Final = 128
"""Spans of attempts of one record: one of ten thousand elements would push all others out of the queue."""
_LOW_BITS: Final = (1 << 64) - 1
_FLAGS: Final = TraceFlags(TraceFlags.SAMPLED)
_ERROR: Final = Status(StatusCode.ERROR)
_UNSET: Final = Status(StatusCode.UNSET)
_P = ParamSpec("_P")
_R = TypeVar("_R")
_S = TypeVar("_S")
_logger = logging.getLogger("opentelemetry.track_bridge")


@dataclass(frozen=True, slots=True)
class SpanFacts:
    """What all spans of a process have in common."""

    resource: Resource
    scope: InstrumentationScope
    group: str
    dead_letter_topic: str
    base_url: str
    """Of the API, without what a password may be in."""
    host: str
    port: int


@dataclass(frozen=True, slots=True)
class KeptExemplars:
    """Where the last traced observation of each bucket is kept, of both histograms."""

    duration: dict[int, Exemplar]
    latency: dict[int, Exemplar]


def _unharmed(method: Callable[Concatenate[_S, _P], _R]) -> Callable[Concatenate[_S, _P], _R | None]:
    """A defect in here must not be one of the delivery: it is logged, and the span is missing."""

    def call(self: _S, /, *arguments: _P.args, **named: _P.kwargs) -> _R | None:
        try:
            return method(self, *arguments, **named)
        except Exception:
            _logger.exception("a span could not be recorded")
            return None

    return call


class RecordSpans:
    """`pipeline.tracing.RecordListener`: follows the records that are sampled."""

    def __init__(
        self,
        facts: SpanFacts,
        emit: Callable[[ReadableSpan], None],
        *,
        sampling: Sampling,
        reads_traceparent: bool = True,
        exemplars: KeptExemplars | None = None,
        bits: Callable[[int], int] = random.getrandbits,
        now: Callable[[], int] = time.time_ns,
    ) -> None:
        """`emit` takes a span that ended, and must not block; `now` in nanoseconds since 1970."""
        self.facts = facts
        self.emit = emit
        self.exemplars = exemplars
        self.now = now
        self._bits = bits
        self._bound = round(sampling.share * (1 << 64))
        self._follows_parent = sampling.follows_parent
        self._reads = reads_traceparent
        self._said_of: dict[str, dict[str, Any]] = {}

    def came_in(self, record: Record, outcomes: Outcomes) -> SpanLife | None:
        """See `RecordListener`. Nearly all records end here, so that it is short."""
        parent = None
        if record.headers and self._reads:
            found = None
            for name, content in record.headers:
                if name == TRACEPARENT:
                    found = content
            if found is not None:
                if self._follows_parent and is_unsampled(found):
                    return None
                parent = trace_context.parse(found)
        if parent is None:
            low = self._bits(64)
            if low >= self._bound:
                return None
            return self._follow(record, outcomes, (self._bits(64) << 64) | low or 1, None)
        sampled = parent.is_sampled if self._follows_parent else (parent.trace_id & _LOW_BITS) < self._bound
        return self._follow(record, outcomes, parent.trace_id, parent) if sampled else None

    @_unharmed
    def _follow(self, record: Record, outcomes: Outcomes, trace_id: int, parent: TraceContext | None) -> SpanLife:
        return SpanLife(self, record, outcomes, trace_id, parent)

    def span_id(self) -> int:
        """A new one."""
        return self._bits(64) or 1

    def of_topic(self, topic: str) -> dict[str, Any]:
        """What is said of every record of a topic."""
        found = self._said_of.get(topic)
        if found is None:
            found = self._said_of[topic] = {
                "messaging.system": "kafka",
                "messaging.operation.name": "process",
                "messaging.operation.type": "process",
                "messaging.destination.name": topic,
                "messaging.consumer.group.name": self.facts.group,
            }
        return found


class SpanLife:
    """`pipeline.tracing.RecordLife`: the spans of one record."""

    __slots__ = (
        "_attempts", "_began", "_context", "_ended", "_letters", "_not_traced", "_of", "_outcomes",
        "_parent", "_record", "_requests", "_state", "trace",
    )  # fmt: skip

    def __init__(
        self, of: RecordSpans, record: Record, outcomes: Outcomes, trace_id: int, parent: TraceContext | None
    ) -> None:
        self._of = of
        self._record = record
        self._outcomes = outcomes
        self._began = of.now()
        self._state = TraceState(trace_context.state_of(record.headers)) if parent is not None else TraceState()
        self._parent = None if parent is None else self._remote(parent)
        self._context = self._new(trace_id)
        self.trace: str = _traceparent(self._context)
        """See `RecordLife`."""
        self._attempts: dict[Request, tuple[int, int, int]] = {}
        """On the wire: when it began, its output, its number."""
        self._letters: dict[int, _LetterSpan] = {}
        """By output: not written yet."""
        self._requests = self._not_traced = 0
        self._ended = False

    def _remote(self, parent: TraceContext) -> SpanContext:
        return SpanContext(parent.trace_id, parent.span_id, True, TraceFlags(parent.flags), self._state)

    def _new(self, trace_id: int) -> SpanContext:
        return SpanContext(trace_id, self._of.span_id(), False, _FLAGS, self._state)

    # --- RecordLife -----------------------------------------------------------------------------------

    def element_mapped(self, element: int, outcomes: Outcomes) -> None:
        """See `RecordLife`; so the others. How many there are is known from the start."""

    def attempt_began(self, request: Request, output: int, attempt: int) -> None:
        """See `RecordLife`."""
        if self._requests >= MOST_ATTEMPTS:
            self._not_traced += 1
            return
        self._requests += 1
        self._attempts[request] = self._of.now(), output, attempt

    @_unharmed
    def attempt_ended(self, request: Request, verdict: Verdict) -> None:
        """See `RecordLife`."""
        found = self._attempts.pop(request, None)
        if found is None:
            return
        began, output, attempt = found
        ended, context = self._of.now(), self._new(self._context.trace_id)
        facts = self._of.facts
        said: dict[str, Any] = {
            "http.request.method": "POST",
            "url.full": facts.base_url + request.path,
            "server.address": facts.host,
            "server.port": facts.port,
            "http.request.body.size": len(request.body),
            "track_bridge.request.kind": request.kind.name,
            "track_bridge.output": output,
        }
        if attempt > 1:
            said["http.request.resend_count"] = attempt - 1
        if request.route.name:
            said["track_bridge.route"] = request.route.name
        error = answer(verdict, said)
        self._emit(
            f"POST {request.path}", context, SpanKind.CLIENT, began, ended, said, _UNSET if error is None else _ERROR
        )
        self._exemplar(request, verdict, context, began, ended)

    @_unharmed
    def letter_begins(self, letter: DeadLetter) -> str:
        """See `RecordLife`."""
        kept = self._letters.get(letter.output)
        if kept is None:
            context = self._new(self._context.trace_id)
            kept = self._letters[letter.output] = _LetterSpan(context, self._of.now(), letter)
        return _traceparent(kept.context)

    @_unharmed
    def letter_refused(self, letter: DeadLetter, why: str) -> None:
        """See `RecordLife`."""
        kept = self._letters.get(letter.output)
        if kept is not None and len(kept.refusals) < MOST_ATTEMPTS:
            kept.refusals.append(Event("refused", {"track_bridge.detail": why}, self._of.now()))

    @_unharmed
    def letter_written(self, letter: DeadLetter) -> None:
        """See `RecordLife`."""
        self._end_letter(letter.output, _UNSET)

    @_unharmed
    def done(self, disposition: Disposition) -> None:
        """See `RecordLife`."""
        status = _ERROR if disposition is Disposition.DEAD_LETTERED else _UNSET
        self._end(disposition.value, status)

    @_unharmed
    def given_up(self) -> None:
        """See `RecordLife`."""
        for output in list(self._letters):
            self._end_letter(output, _ERROR, error="given_up")
        self._end("given_up", _UNSET)

    # --- steps ----------------------------------------------------------------------------------------

    def _end(self, became: str, status: Status) -> None:
        if self._ended:
            return
        self._ended = True
        record = self._record
        said = {
            **self._of.of_topic(record.topic),
            "messaging.destination.partition.id": str(record.partition),
            "messaging.kafka.offset": record.offset,
            "messaging.message.body.size": len(record.value or b""),
            "track_bridge.disposition": became,
            **made_of(self._outcomes),
        }
        if record.value is None:
            said["messaging.kafka.message.tombstone"] = True
        if self._not_traced:
            said["track_bridge.attempts_without_span"] = self._not_traced
        if status is _ERROR:
            said["error.type"] = became
        links = () if self._parent is None else (Link(self._parent),)
        self._emit(
            f"process {record.topic}", self._context, SpanKind.CONSUMER, self._began, self._of.now(), said, status,
            parent=self._parent, links=links,
        )  # fmt: skip

    def _end_letter(self, output: int, status: Status, error: str | None = None) -> None:
        kept = self._letters.pop(output, None)
        if kept is None:
            return
        letter, facts = kept.letter, self._of.facts
        said: dict[str, Any] = {
            "messaging.system": "kafka",
            "messaging.operation.name": "send",
            "messaging.operation.type": "send",
            "messaging.destination.name": facts.dead_letter_topic,
            "track_bridge.reason": letter.reason.value,
            "track_bridge.output": letter.output,
        }
        if letter.route is not None:
            said["track_bridge.route"] = letter.route.name
        if letter.element is not None:
            said["track_bridge.element"] = letter.element
        if error is not None:
            said["error.type"] = error
        self._emit(
            f"send {facts.dead_letter_topic}", kept.context, SpanKind.PRODUCER, kept.began, self._of.now(), said,
            status, events=kept.refusals,
        )  # fmt: skip

    def _emit(
        self,
        name: str,
        context: SpanContext,
        kind: SpanKind,
        began: int,
        ended: int,
        said: Mapping[str, Any],
        status: Status,
        *,
        parent: SpanContext | None = None,
        links: Sequence[Link] = (),
        events: Sequence[Event] = (),
    ) -> None:
        facts = self._of.facts
        inner = parent if kind is SpanKind.CONSUMER else self._context
        span = ReadableSpan(
            name, context, inner, facts.resource, said, events, links, kind,
            status=status, start_time=began, end_time=max(began, ended), instrumentation_scope=facts.scope,
        )  # fmt: skip
        self._of.emit(span)

    def _exemplar(self, request: Request, verdict: Verdict, context: SpanContext, began: int, ended: int) -> None:
        kept = self._of.exemplars
        if kept is None or verdict.status is None:
            return
        ids = f"{context.trace_id:032x}", f"{context.span_id:016x}"
        at = ended / 1e9
        keep(kept.duration, DURATION_BOUNDS, (ended - began) / 1e9, ids, at)
        written = self._record.timestamp_ms
        if type(verdict) is Delivered and request.kind is TRACK and written is not None:
            keep(kept.latency, LATENCY_BOUNDS, max(0.0, at - written / 1000), ids, at)


class _LetterSpan:
    """A dead letter that is not written yet."""

    __slots__ = ("began", "context", "letter", "refusals")

    def __init__(self, context: SpanContext, began: int, letter: DeadLetter) -> None:
        self.context = context
        self.began = began
        self.letter = letter
        self.refusals: list[Event] = []


def _traceparent(context: SpanContext) -> str:
    return str(TraceContext(context.trace_id, context.span_id, SAMPLED))
