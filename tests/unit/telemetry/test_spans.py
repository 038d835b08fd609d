"""The spans of a record, as the SDK's exporter in memory receives them."""

from __future__ import annotations

import random
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import pytest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import Decision, ParentBased, TraceIdRatioBased
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import (
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    StatusCode,
    TraceFlags,
    set_span_in_context,
)

from bridge.config.sections import KnownUsers, RetryPolicy
from bridge.counts import DURATION_BOUNDS
from bridge.formats import trace_context
from bridge.model import Header, Record, Reject, Retry, TopicPartition, Verdict
from bridge.pipeline.settings import DeliverySettings
from bridge.telemetry.spans import MOST_ATTEMPTS, KeptExemplars, RecordSpans, SpanFacts
from bridge.telemetry.wishes import Sampling
from tests.unit.pipeline.fakes import ACCEPTED, FAILED, UNWRITABLE
from tests.unit.pipeline.world import World

P0 = TopicPartition("orders", 0)
SAMPLED = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
UNSAMPLED = SAMPLED[:-2] + "00"
FACTS = SpanFacts(
    Resource({"service.name": "track-bridge"}), InstrumentationScope("track-bridge", "1"), "group", "group.dlq",
    "https://api.example", "api.example", 443,
)  # fmt: skip


class Traced:
    """A world of which the spans are kept."""

    def __init__(self, sampling: Sampling | None = None, **changes: Any) -> None:
        retry = RetryPolicy.model_construct(initial_backoff=0.1, max_backoff=0.2, max_attempts=3)
        self.world = world = World(DeliverySettings.model_construct(rate_limit=None, retry=retry, **changes))
        self.exporter = InMemorySpanExporter()
        self.exemplars = KeptExemplars({}, {})
        self.listener = RecordSpans(
            FACTS,
            SimpleSpanProcessor(self.exporter).on_end,
            sampling=sampling or Sampling(),
            exemplars=self.exemplars,
            bits=random.Random(1).getrandbits,  # noqa: S311 - repeatable
            now=lambda: round(world.time.wall() * 1e9),
        )
        world.dispatcher.listeners.add(self.listener)

    def feed(self, value: str, *headers: Header) -> None:
        """One record with these headers."""
        log = self.world.logs[P0]
        record = log.append(P0, value, None, 0)
        log.records[-1] = record._replace(headers=headers)
        if P0 not in self.world.owned:
            self.world.assign(P0)
        self.world.deliver(P0)

    def spans(self, kind: SpanKind) -> list[ReadableSpan]:
        return [span for span in self.exporter.get_finished_spans() if span.kind is kind]

    def one(self, kind: SpanKind) -> ReadableSpan:
        (span,) = self.spans(kind)
        return span


def said(span: ReadableSpan) -> Mapping[str, Any]:
    assert span.attributes is not None
    return span.attributes


def ids(span: ReadableSpan) -> tuple[int, int]:
    assert span.context is not None
    return span.context.trace_id, span.context.span_id


def parent(span: ReadableSpan) -> tuple[int, int] | None:
    return None if span.parent is None else (span.parent.trace_id, span.parent.span_id)


def test_a_delivered_record_is_a_consumer_span_with_a_client_span_in_it() -> None:
    traced = Traced()
    traced.feed("ann")
    traced.world.run(1)

    consumer, client = traced.one(SpanKind.CONSUMER), traced.one(SpanKind.CLIENT)
    assert (consumer.name, client.name) == ("process orders", "POST /v1/track")
    assert (parent(consumer), parent(client)) == (None, ids(consumer))
    assert said(consumer) == {
        "messaging.system": "kafka",
        "messaging.operation.name": "process",
        "messaging.operation.type": "process",
        "messaging.destination.name": "orders",
        "messaging.destination.partition.id": "0",
        "messaging.consumer.group.name": "group",
        "messaging.kafka.offset": 0,
        "messaging.message.body.size": 3,
        "track_bridge.disposition": "delivered",
        "track_bridge.routes": ["test"],
    }
    assert said(client) == {
        "http.request.method": "POST",
        "http.request.body.size": len("orders/0/0#0"),
        "http.response.status_code": 202,
        "server.address": "api.example",
        "server.port": 443,
        "url.full": "https://api.example/v1/track",
        "track_bridge.output": 0,
        "track_bridge.request.kind": "track",
        "track_bridge.route": "test",
    }
    assert consumer.status.status_code is client.status.status_code is StatusCode.UNSET
    assert consumer.start_time is not None
    assert consumer.end_time is not None
    assert consumer.end_time - consumer.start_time == pytest.approx(0.05e9, rel=1e-4)


def test_it_continues_the_trace_of_its_headers_and_is_linked_to_the_span_that_produced_it() -> None:
    traced = Traced()
    traced.feed("ann", ("traceparent", SAMPLED.encode()), ("tracestate", b"vendor=x,other=y"))
    traced.world.run(1)

    produced = trace_context.parse(SAMPLED)
    assert produced is not None
    consumer, client = traced.one(SpanKind.CONSUMER), traced.one(SpanKind.CLIENT)
    assert parent(consumer) == (produced.trace_id, produced.span_id)
    assert [(link.context.trace_id, link.context.span_id) for link in consumer.links] == [parent(consumer)]
    assert ids(client)[0] == produced.trace_id
    assert consumer.parent is not None
    assert consumer.parent.is_remote
    assert consumer.context is not None
    assert consumer.context.trace_state.to_header() == "vendor=x,other=y"


@pytest.mark.parametrize("malformed", [b"", b"\xff\xfe", b"00-abc", UNSAMPLED.upper().encode(), None])
def test_malformed_headers_are_as_none(malformed: bytes | None) -> None:
    traced = Traced()
    traced.feed("ann", ("traceparent", malformed), ("tracestate", b"=,,="))
    traced.world.run(1)
    consumer = traced.one(SpanKind.CONSUMER)
    assert (consumer.parent, tuple(consumer.links)) == (None, ())


@pytest.mark.parametrize(
    ("sampling", "traceparent", "spans"),
    [
        (Sampling(1.0), UNSAMPLED, 0),
        (Sampling(0.0), SAMPLED, 1),
        (Sampling(0.0), None, 0),
        (Sampling(1.0, follows_parent=False), UNSAMPLED, 1),
        (Sampling(0.0, follows_parent=False), SAMPLED, 0),
    ],
)
def test_the_parent_decides_unless_the_sampler_is_told_to(
    sampling: Sampling, traceparent: str | None, spans: int
) -> None:
    traced = Traced(sampling)
    traced.feed("ann", *([] if traceparent is None else [("traceparent", traceparent.encode())]))
    traced.world.run(1)
    assert len(traced.spans(SpanKind.CONSUMER)) == spans
    assert len(traced.spans(SpanKind.CLIENT)) == spans


@pytest.mark.parametrize("follows_parent", [True, False])
def test_of_given_traces_the_sdk_s_own_samplers_choose_the_same(*, follows_parent: bool) -> None:
    ratio = TraceIdRatioBased(0.3)
    judge = ParentBased(ratio) if follows_parent else ratio
    listener = RecordSpans(FACTS, lambda _: None, sampling=Sampling(0.3, follows_parent))
    rng = random.Random(7)  # noqa: S311 - repeatable
    chosen = 0
    for _ in range(2000):
        trace, flags = rng.getrandbits(128) or 1, rng.getrandbits(1)
        headers = (("traceparent", f"00-{trace:032x}-{7:016x}-{flags:02x}".encode()),)
        context = SpanContext(trace, 7, is_remote=True, trace_flags=TraceFlags(flags))
        wanted = judge.should_sample(
            set_span_in_context(NonRecordingSpan(context)), trace, "process", SpanKind.CONSUMER
        )
        life = listener.came_in(Record("orders", 0, 0, None, None, b"", headers), ())
        assert (life is not None) == (wanted.decision is Decision.RECORD_AND_SAMPLE)
        chosen += life is not None
    assert 0 < chosen < 2000


def test_of_records_without_a_trace_the_share_is_followed() -> None:
    listener = RecordSpans(FACTS, lambda _: None, sampling=Sampling(0.1), bits=random.Random(3).getrandbits)  # noqa: S311
    record = Record("orders", 0, 0, None, None, b"", ())
    followed = sum(listener.came_in(record, ()) is not None for _ in range(10_000))
    assert 850 < followed < 1150


def test_each_attempt_is_a_span_with_its_status_its_number_and_the_request_s_id() -> None:
    traced = Traced()
    answers: list[Verdict] = [
        Retry("server_error", "503", status=503, request_id="req-1"),
        Retry("timeout", "no answer", ambiguous=True),
        ACCEPTED,
    ]
    traced.world.sink.api = lambda _: (0.05, answers.pop(0))
    traced.feed("ann")
    traced.world.run(30)

    told = [
        (
            said(span).get("http.request.resend_count"),
            said(span).get("http.response.status_code"),
            said(span).get("error.type"),
            span.status.status_code,
        )
        for span in traced.spans(SpanKind.CLIENT)
    ]
    assert told == [
        (None, 503, "503", StatusCode.ERROR), (1, None, "timeout", StatusCode.ERROR), (2, 202, None, StatusCode.UNSET),
    ]  # fmt: skip
    first, second, _ = traced.spans(SpanKind.CLIENT)
    assert said(first)["http.response.header.x-request-id"] == ["req-1"]
    assert said(second)["track_bridge.ambiguous"] is True
    assert said(traced.one(SpanKind.CONSUMER))["track_bridge.disposition"] == "delivered"


def test_a_dead_letter_is_a_producer_span_and_carries_its_trace() -> None:
    traced = Traced()
    traced.world.sink.api = lambda _: (0.05, Reject("secret of ann", 400, "invalid_input"))
    refusals = [UNWRITABLE, None]
    traced.world.letters.topic = lambda _: (0.01, refusals.pop(0))
    traced.feed("ann", ("traceparent", SAMPLED.encode()))
    traced.world.run(30)

    consumer, producer = traced.one(SpanKind.CONSUMER), traced.one(SpanKind.PRODUCER)
    (letter,) = traced.world.letters.written
    written = trace_context.parse(letter.trace)
    assert written is not None
    assert (written.trace_id, written.span_id) == ids(producer)
    assert parent(producer) == ids(consumer)
    assert written.trace == SAMPLED[3:35]
    assert producer.name == "send group.dlq"
    assert said(producer)["track_bridge.reason"] == "rejected"
    assert said(producer)["messaging.destination.name"] == "group.dlq"
    assert [event.name for event in producer.events] == ["refused"]
    assert consumer.status.status_code is StatusCode.ERROR
    assert said(consumer)["error.type"] == "dead_lettered"
    assert said(traced.one(SpanKind.CLIENT))["track_bridge.error_code"] == "invalid_input"


def test_no_span_holds_what_a_payload_or_the_api_s_answer_said() -> None:
    traced = Traced(unknown_users="identify", known_users=KnownUsers.model_construct(size=9, ttl=1e6))
    traced.world.sink.api = lambda _: (0.05, Reject("confidential", 400))
    traced.feed("confidential", ("confidential", b"confidential"))
    traced.feed("[confidential+!")
    traced.world.run(30)
    spans = traced.exporter.get_finished_spans()
    assert len(spans) > 4
    assert "confidential" not in "".join(span.to_json() for span in spans)


def test_a_record_that_cannot_be_mapped_says_why() -> None:
    traced = Traced()
    traced.feed("!")
    traced.world.run(1)
    assert said(traced.one(SpanKind.CONSUMER))["track_bridge.reason"] == "unmappable"
    assert said(traced.one(SpanKind.PRODUCER))["track_bridge.reason"] == "unmappable"
    assert traced.spans(SpanKind.CLIENT) == []


def test_a_filtered_record_says_by_which_rule() -> None:
    traced = Traced()
    traced.feed("-")
    consumer = traced.one(SpanKind.CONSUMER)
    assert (said(consumer)["track_bridge.disposition"], said(consumer)["track_bridge.filter"]) == ("filtered", "rule")


def test_steps_are_spans_side_by_side_in_their_record_s() -> None:
    traced = Traced()
    traced.feed("ann:identify>acme:company>ann")
    traced.world.run(1)
    spans = traced.spans(SpanKind.CLIENT)
    assert [span.name for span in spans] == ["POST /v1/identify", "POST /v1/companies/identify", "POST /v1/track"]
    assert {parent(span) for span in spans} == {ids(traced.one(SpanKind.CONSUMER))}
    ends = [(span.start_time or 0, span.end_time or 0) for span in spans]
    assert all(before[1] <= after[0] for before, after in pairwise(ends))


def test_elements_are_spans_in_the_one_span_of_their_record() -> None:
    traced = Traced(max_buffered=6, max_in_flight=2)
    traced.feed("[ann+-+!+bob")
    traced.world.run(30)
    consumer = traced.one(SpanKind.CONSUMER)
    assert said(consumer)["track_bridge.elements"] == 4
    assert [said(span)["track_bridge.output"] for span in traced.spans(SpanKind.CLIENT)] == [0, 3]
    assert said(traced.one(SpanKind.PRODUCER))["track_bridge.element"] == 2
    assert consumer.end_time == max(span.end_time or 0 for span in traced.exporter.get_finished_spans())


def test_of_a_record_of_very_many_elements_only_the_first_attempts_are_spans() -> None:
    traced = Traced()
    traced.feed("[" + "+".join(f"u{n}" for n in range(MOST_ATTEMPTS + 10)))
    traced.world.run(60)
    assert len(traced.spans(SpanKind.CLIENT)) == MOST_ATTEMPTS
    assert said(traced.one(SpanKind.CONSUMER))["track_bridge.attempts_without_span"] == 10


def test_a_record_that_is_given_up_ends_with_its_partition_and_so_does_its_letter() -> None:
    traced = Traced(drain_timeout=1.0)
    traced.world.letters.topic = lambda _: None
    traced.feed("!")
    traced.world.lose(P0)
    traced.world.run(2)
    assert said(traced.one(SpanKind.CONSUMER))["track_bridge.disposition"] == "given_up"
    assert said(traced.one(SpanKind.PRODUCER))["error.type"] == "given_up"


def test_an_answer_that_comes_after_its_record_was_given_up_is_recorded() -> None:
    traced = Traced()
    traced.world.sink.api = lambda _: None
    traced.feed("ann")
    traced.world.lose(P0)
    traced.world.run(2)
    assert said(traced.one(SpanKind.CLIENT))["error.type"] == "connection"
    assert parent(traced.one(SpanKind.CLIENT)) == ids(traced.one(SpanKind.CONSUMER))


def test_the_last_answer_traced_of_each_bucket_is_kept_as_its_exemplar() -> None:
    traced = Traced()
    answers: list[Any] = [(0.03, FAILED), (0.3, ACCEPTED)]
    traced.world.sink.api = lambda _: answers.pop(0)
    traced.feed("ann")
    traced.world.run(30)

    found = traced.exemplars.duration
    assert {DURATION_BOUNDS[bucket]: each.seconds for bucket, each in found.items()} == {
        0.05: pytest.approx(0.03, rel=1e-4),
        0.5: pytest.approx(0.3, rel=1e-4),
    }
    last = traced.spans(SpanKind.CLIENT)[-1]
    assert {(each.trace_id, each.span_id) for each in traced.exemplars.latency.values()} == {
        (f"{ids(last)[0]:032x}", f"{ids(last)[1]:016x}")
    }


def test_a_defect_of_the_exporter_s_is_none_of_the_delivery(caplog: pytest.LogCaptureFixture) -> None:
    traced = Traced()

    def broken(_span: ReadableSpan) -> None:
        raise RuntimeError("no")

    traced.listener.emit = broken
    traced.feed("ann")
    traced.world.run(1)
    traced.listener.now = lambda: 1 // 0
    traced.feed("ann", ("traceparent", SAMPLED.encode()))
    traced.world.run(1)
    assert traced.world.all_finished()
    assert "a span could not be recorded" in caplog.text
