"""A whole service with OTEL_* variables: what its collector gets, and what letters, lines and pages say of traces."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bridge.sandbox.emulator import Emulator, Fault, FaultKind
from bridge.telemetry import complaints
from tests.component.service.conftest import Start
from tests.support.service import events
from tests.support.service.collector import Collector, collector, plain
from tests.support.service.embedded import Broker

TRACE, PRODUCED = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
TRACED = {"traceparent": f"00-{TRACE}-{PRODUCED}-01".encode(), "tracestate": b"vendor=x"}


@pytest.fixture
def there(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    with collector() as found:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", found.url)
        monkeypatch.setenv("OTEL_TRACES_SAMPLER", "parentbased_always_off")
        yield found


async def test_a_record_s_trace_goes_on_to_its_requests_and_its_dead_letter(
    broker: Broker, start: Start, there: Collector
) -> None:
    broker.produce(events.orders(5))
    broker.produce([events.order("ann", 6)], headers=TRACED)
    broker.produce([b"not json"], headers=TRACED)
    service = await start()
    await service.until_done(7)
    page = await service.get("/metrics", accept="application/openmetrics-text")
    await service.stop()

    assert {span.trace_id.hex() for span in there.spans} == {TRACE}, "of the others nothing is recorded"
    by_name = {span.name: span for span in there.spans if span.name != "process orders"}
    assert set(by_name) == {"POST /v1/track", "send letters"}
    processed = [span for span in there.spans if span.name == "process orders"]
    assert {span.parent_span_id.hex() for span in processed} == {PRODUCED}
    assert {link.span_id.hex() for span in processed for link in span.links} == {PRODUCED}
    assert {span.trace_state for span in there.spans} == {"vendor=x"}
    (letter,) = broker.letters()
    sent = by_name["send letters"]
    assert letter.header("trace") == f"00-{TRACE}-{sent.span_id.hex()}-01"
    assert letter.headers["traceparent"] == TRACED["traceparent"]
    (line,) = service.lines.events("dead_letter")
    assert (line["trace_id"], line["span_id"]) == (TRACE, sent.span_id.hex())
    record = there.logs["dead_letter"]
    assert (record.trace_id.hex(), plain(record.attributes)["offset"]) == (TRACE, line["offset"])
    (told,) = service.lines.events("telemetry_on")
    assert (told["signals"], told["sampled"], told["by_parent"]) == (["logs", "metrics", "traces"], 0.0, True)
    request = by_name["POST /v1/track"].span_id.hex()
    exemplars = [each for each in page.text.splitlines() if f'span_id="{request}",trace_id="{TRACE}"' in each]
    assert len(exemplars) == 2, "one of each histogram"
    consumed = there.metrics["track_bridge_records_consumed_total"].sum.data_points[0].as_double
    assert consumed == 7


@pytest.mark.slow(reason="waits for the collector's timeout", seconds=4)
async def test_a_collector_that_is_away_stops_nothing_and_is_told_of_once(
    broker: Broker, api: Emulator, start: Start, there: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "xray")
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "50")
    broker.produce(events.orders(200))
    service = await start()
    await service.until_done(200)
    await service.until("it is said", lambda: bool(service.lines.events("telemetry_not_exported")))
    await service.stop()

    assert len(api.ledger.accepted) == 200
    assert "xray" in service.lines.events("telemetry_problem")[0]["detail"]
    assert len(service.lines.events("telemetry_not_exported")) == 1
    assert complaints.EVERY >= 60
    assert there.spans == []


@pytest.mark.slow(reason="waits for the third attempt of an event", seconds=4)
async def test_an_event_that_keeps_failing_names_its_trace(
    broker: Broker, api: Emulator, start: Start, there: Collector
) -> None:
    api.set_faults(Fault(kind=FaultKind.STATUS, status=503))
    broker.produce([events.order("ann", 1)], headers=TRACED)
    service = await start()
    await service.until("it is told of", lambda: bool(service.lines.events("retrying")))
    (told,) = service.lines.events("retrying")
    assert told["trace_id"] == TRACE
    assert [each["trace"][3:35] for each in (await service.status())["retries"]["events"]] == [TRACE]
    assert there.url
