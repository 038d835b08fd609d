"""W3C Trace Context as record headers carry it; the SDK's own propagator is the judge."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.trace import get_current_span
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from bridge.formats import trace_context
from bridge.model import Header

GOOD = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
MALFORMED = [
    "", "00", "hello", GOOD.upper(), GOOD[:-1], f"{GOOD}-more", GOOD.replace("00-0a", "ff-0a"),
    "00-00000000000000000000000000000000-b7ad6b7169203331-01",
    "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
    GOOD.replace("-", "_"), f"{GOOD}\n", "01" * 3000,
]  # fmt: skip


def judged(traceparent: str) -> tuple[int, int, int] | None:
    context = get_current_span(TraceContextTextMapPropagator().extract({"traceparent": traceparent})).get_span_context()
    return (context.trace_id, context.span_id, int(context.trace_flags)) if context.is_valid else None


def test_what_is_well_formed_is_read_and_written_alike() -> None:
    found = trace_context.parse(GOOD.encode())
    assert found is not None
    assert (found.trace, found.span, found.is_sampled) == (GOOD[3:35], GOOD[36:52], True)
    assert str(found) == GOOD
    later = trace_context.parse(b"cc" + GOOD[2:].encode() + b"-what comes later")
    assert later is not None, "a later version is read as far as this one goes"
    assert str(later) == GOOD


@pytest.mark.parametrize("text", MALFORMED)
def test_what_is_malformed_says_nothing(text: str) -> None:
    assert trace_context.parse(text.encode()) is None
    assert trace_context.parse(text) is None


@given(st.from_regex(r"\A(00|01|ff|0)-[0-9a-f]{31,32}-[0-9a-f]{16}-[0-9a-fA-F]{2}(-x)?\Z"))
def test_the_sdk_reads_the_same(text: str) -> None:
    found = trace_context.parse(text)
    assert (None if found is None else tuple(found)) == judged(text)


@given(st.from_regex(rb"\A(00|01|ff)-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-fA-F]{2}(-x)?\Z") | st.binary(max_size=60))
def test_what_says_in_one_step_that_nothing_is_recorded_is_well_formed_and_says_so(content: bytes) -> None:
    found = trace_context.parse(content)
    if trace_context.is_unsampled(content):
        assert found is not None
        assert not found.is_sampled
    elif found is not None and content.startswith(b"00"):
        assert found.is_sampled or content != str(found).encode()


@given(st.binary(max_size=80))
def test_bytes_of_any_kind_are_read_without_failing(content: bytes) -> None:
    headers: list[Header] = [("traceparent", content), ("tracestate", content)]
    trace_context.of_headers(headers)
    trace_context.state_of(headers)


def test_the_last_header_of_several_counts() -> None:
    headers: list[Header] = [("traceparent", b"no"), ("other", None), ("traceparent", GOOD.encode())]
    assert trace_context.of_headers(headers) == trace_context.parse(GOOD)
    assert trace_context.of_headers([*headers, ("traceparent", None)]) is None
    assert trace_context.of_headers(()) is None


@pytest.mark.parametrize(
    ("contents", "state"),
    [
        (["rojo=00f067aa0ba902b7,congo=t61rcWkgMzE"], [("rojo", "00f067aa0ba902b7"), ("congo", "t61rcWkgMzE")]),
        (["a=1", " b=2 ,"], [("a", "1"), ("b", "2")]),
        (["tenant@vendor=x"], [("tenant@vendor", "x")]),
        (["a=1,A=2"], []),
        (["a=1,a=2"], []),
        (["no"], []),
        (["ü=1"], []),
        ([",".join(f"k{n}=1" for n in range(33))], []),
    ],
)
def test_a_tracestate_is_taken_whole_or_not_at_all(contents: list[str], state: list[tuple[str, str]]) -> None:
    assert trace_context.state_of([("tracestate", each.encode()) for each in contents]) == state
