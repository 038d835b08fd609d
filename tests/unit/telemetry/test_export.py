"""What goes to a collector, and what a collector that is away, slow or unwilling costs: nothing but a line."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from bridge.counts import Exemplar, SinkStats, SourceCounts, Tally
from bridge.model import TopicPartition
from bridge.ops.log.events import NOT_EXPORTED, Events
from bridge.ops.log.logger import Logging, set_up
from bridge.ops.metrics import exposition_format
from bridge.ops.snapshot import KeyView, Letters, MembershipView, Rate, Snapshot, Vitals
from bridge.telemetry import exporting
from bridge.telemetry.exporting import Exported, Telemetry
from bridge.telemetry.spans import KeptExemplars
from bridge.telemetry.wishes import Wishes, wished
from tests.support.service.collector import Collector, collector, plain
from tests.unit.pipeline.fakes import ACCEPTED
from tests.unit.pipeline.world import World

ABOUT = Exported("1.2.3", "group", "https://api.example", "group.dlq")
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


NOON = 1_767_355_200.0


def make_snapshot() -> Snapshot:
    return Snapshot(
        at=NOON, version="1.2.3", group_id="group", started_at=NOON - 8_000,
        vitals=Vitals(poll_age=0.1, loop_age=0.2, joined=True, draining=False, stopping=False),
        tally=Tally(), requests=SinkStats(), consumer=SourceCounts(), letters=Letters(),
        rate=Rate(limit=10.0, share=5.0), group=MembershipView(), key=KeyView(),
    )  # fmt: skip


class Output:
    """What the log says."""

    def __init__(self) -> None:
        self.text = b""

    def write(self, data: bytes) -> int:
        self.text += data
        return len(data)


@pytest.fixture
def there() -> Iterator[Collector]:
    with collector() as found:
        yield found


@pytest.fixture(autouse=True)
def _no_thread_is_left() -> Iterator[None]:
    """Nor would any other test be as repeatable as it ought to be: the SDK's threads draw random numbers."""
    for each in logging.getLogger("opentelemetry.sdk._shared_internal").filters:
        vars(each).pop("last_log", None)  # the SDK says nothing twice in 20 s, whichever test it was
    yield
    until = time.monotonic() + 60
    while left := [each for each in threading.enumerate() if each.name.startswith(("Otel", "telemetry"))]:
        assert time.monotonic() < until, left
        left[0].join(1)


@pytest.fixture
def log() -> Iterator[tuple[Logging, Output]]:
    output = Output()
    made = set_up(level="debug", log_format="json", secrets=["hunter2"], output=output)
    yield made, output
    made.close()


def begin(
    monkeypatch: pytest.MonkeyPatch, log: Logging, url: str, kept: KeptExemplars | None = None, **more: str
) -> Telemetry:
    environ = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": url, "OTEL_BSP_SCHEDULE_DELAY": "50", "OTEL_BLRP_SCHEDULE_DELAY": "50",
        "OTEL_METRIC_EXPORT_INTERVAL": "50", **more,
    }  # fmt: skip
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    wishes = wished(environ)
    assert wishes is not None
    events = Events(log.logger, time.monotonic)
    return Telemetry(wishes, ABOUT, log.logger, events, kept or KeptExemplars({}, {}))


def deliver(telemetry: Telemetry, records: int = 1) -> World:
    world = World()
    assert telemetry.spans is not None
    world.dispatcher.listeners.add(telemetry.spans)
    world.sink.api = lambda _: (0.01, ACCEPTED)
    world.feed(TopicPartition("orders", 0), *["ann"] * records)
    world.run(5)
    assert world.all_finished()
    return world


async def test_spans_metrics_and_lines_arrive_as_the_protocol_has_them(
    monkeypatch: pytest.MonkeyPatch, there: Collector, log: tuple[Logging, Output]
) -> None:
    exemplar = Exemplar(TRACE[3:35], TRACE[36:52], 0.03, 1_767_323_045.5)
    snapshot = make_snapshot()
    snapshot.requests.answered(202, 0.03)
    snapshot.requests.duration_exemplars[5] = exemplar
    telemetry = begin(monkeypatch, log[0], there.url, OTEL_RESOURCE_ATTRIBUTES="service.name=ours,team=growth")
    deliver(telemetry)
    log[0].logger.warning("dead_letter", topic="orders", offset=7, detail="it is hunter2", trace_id=TRACE[3:35],
                          span_id=TRACE[36:52])  # fmt: skip
    await asyncio.sleep(0.06)
    telemetry.tick(lambda: snapshot)
    await telemetry.stop()

    consumer = next(span for span in there.spans if span.name == "process orders")
    client = next(span for span in there.spans if span.name == "POST /v1/track")
    assert (client.trace_id, client.parent_span_id) == (consumer.trace_id, consumer.span_id)
    assert (consumer.kind, client.kind) == (5, 3)
    assert plain(consumer.attributes)["messaging.kafka.offset"] == 0
    (resource,) = there.took["/v1/traces"][0].resource_spans
    said = plain(resource.resource.attributes)
    assert (said["service.name"], said["team"], said["service.version"]) == ("ours", "growth", "1.2.3")

    metrics = there.metrics
    assert metrics["track_bridge_records_consumed_total"].sum.is_monotonic
    (point,) = metrics["track_bridge_request_duration_seconds"].histogram.data_points
    assert (point.count, sum(point.bucket_counts), point.HasField("min")) == (1, 1, False)
    (kept,) = point.exemplars
    assert (kept.trace_id.hex(), kept.span_id.hex(), kept.as_double) == (TRACE[3:35], TRACE[36:52], 0.03)

    line = there.logs["dead_letter"]
    assert (line.trace_id.hex(), line.span_id.hex(), line.severity_text) == (TRACE[3:35], TRACE[36:52], "WARNING")
    assert plain(line.attributes) == {"topic": "orders", "offset": 7, "detail": "it is ***"}
    assert NOT_EXPORTED not in log[1].text.decode()


def names(document: bytes) -> set[str]:
    """Of all metrics that the text format shows."""
    return {line.split()[2] for line in document.decode().splitlines() if line.startswith("# TYPE ")}


async def test_what_is_exported_has_the_names_that_metrics_shows(
    monkeypatch: pytest.MonkeyPatch, there: Collector, log: tuple[Logging, Output]
) -> None:
    snapshot = make_snapshot()
    telemetry = begin(monkeypatch, log[0], there.url)
    await telemetry.stop(lambda: snapshot)
    assert NOT_EXPORTED not in log[1].text.decode(), log[1].text
    shown = names(exposition_format.Exposition().render(snapshot, exposition_format.TEXT))
    assert set(there.metrics) <= shown
    assert len(there.metrics) > 60


@pytest.mark.parametrize("trouble", ["away", "unwilling", "silent"])
async def test_a_collector_that_does_not_take_anything_costs_a_line_and_no_time(
    monkeypatch: pytest.MonkeyPatch, there: Collector, log: tuple[Logging, Output], trouble: str
) -> None:
    monkeypatch.setattr(exporting, "LAST_WORDS", 0.5)
    url = "http://127.0.0.1:1" if trouble == "away" else there.url
    there.status = 503 if trouble == "unwilling" else 200
    if trouble == "silent":
        there.hangs.clear()
    telemetry = begin(monkeypatch, log[0], url, OTEL_BSP_MAX_QUEUE_SIZE="100", OTEL_BSP_MAX_EXPORT_BATCH_SIZE="10",
                      OTEL_METRICS_EXPORTER="none")  # fmt: skip
    deliver(telemetry, 300)
    for number in range(50):
        log[0].logger.info("asked_to_wait", seconds=number)
    began = time.monotonic()
    await telemetry.stop()
    took = time.monotonic() - began
    log[0].close()
    assert took < 20, "the end waits for the collector"
    assert log[1].text.count(NOT_EXPORTED.encode()) == 1, "one line, and not one for each"


async def test_after_its_end_nothing_is_exported_and_the_log_is_as_it_was(
    monkeypatch: pytest.MonkeyPatch, there: Collector, log: tuple[Logging, Output]
) -> None:
    telemetry = begin(monkeypatch, log[0], there.url)
    await telemetry.stop()
    log[0].logger.warning("later", detail="x")
    deliver(telemetry)
    assert log[0].logger.also is None
    assert "later" not in there.logs
    assert logging.getLogger("opentelemetry").propagate


def test_only_what_is_asked_for_is_made(monkeypatch: pytest.MonkeyPatch, log: tuple[Logging, Output]) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
    made = Telemetry(
        Wishes(frozenset({"metrics"})), ABOUT, log[0].logger, Events(log[0].logger, time.monotonic),
        KeptExemplars({}, {}),
    )  # fmt: skip
    assert made.spans is None
    assert log[0].logger.also is None
    looked: list[int] = []
    snapshot: Callable[[], Any] = lambda: looked.append(1)  # noqa: E731
    made.tick(snapshot)
    assert looked == [], "the process is looked at when its metrics are due"
    asyncio.run(made.stop())
