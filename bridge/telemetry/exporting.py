"""All three signals of one process: what collects them, the threads that send them, and their end.

Nothing here waits on the event loop's thread: spans and lines go into bounded queues of the SDK's, which drop what is
too much, and threads of its own send them. They are daemons, so that a collector that hangs keeps no process alive.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor, LogRecordExporter
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from bridge.telemetry.complaints import Complaints
from bridge.telemetry.otlp_logs import LogLines
from bridge.telemetry.otlp_metrics import MetricsReader
from bridge.telemetry.spans import SCHEMA_URL, KeptExemplars, RecordSpans, SpanFacts
from bridge.track.request import Endpoint

if TYPE_CHECKING:
    from bridge.ops.log.events import Events
    from bridge.ops.log.logger import EventLogger
    from bridge.ops.snapshot import Snapshot
    from bridge.telemetry.wishes import Wishes

NAME: Final = "track-bridge"
"""Of the service, unless OTEL_SERVICE_NAME or OTEL_RESOURCE_ATTRIBUTES say another one; and of the instrumentation."""
LAST_WORDS: Final = 3.0
"""Seconds at the end of the process for what was not sent yet."""


_logger = logging.getLogger("opentelemetry.track_bridge")


@dataclass(frozen=True, slots=True)
class Exported:
    """What is told of the process."""

    version: str
    group: str
    endpoint: str
    dead_letter_topic: str


class Telemetry:
    """From its making to `stop`. Made, and used, on the event loop's thread."""

    def __init__(
        self, wishes: Wishes, about: Exported, log: EventLogger, events: Events, exemplars: KeptExemplars
    ) -> None:
        """Raises whatever the SDK raises for variables that it cannot read."""
        self.signals = wishes.signals
        self._log = log
        resource = _resource(about.version)
        scope = InstrumentationScope(NAME, about.version, SCHEMA_URL)
        self._undo = Complaints(
            lambda said, withheld: events.telemetry_not_exported(detail=said, withheld=withheld)
        ).install()
        self._ends: list[Callable[[], object]] = []
        self._exporters: list[SpanExporter | LogRecordExporter] = []
        self.spans: RecordSpans | None = None
        """Listens to records, where traces are exported."""
        self._metrics: _MetricsThread | None = None
        if "traces" in wishes.signals:
            spans = OTLPSpanExporter()
            processor = BatchSpanProcessor(spans)
            self._exporters.append(spans)
            self._ends.append(processor.shutdown)
            self.spans = RecordSpans(
                _facts(about, resource, scope),
                processor.on_end,
                sampling=wishes.sampling,
                reads_traceparent=wishes.reads_traceparent,
                exemplars=exemplars,
            )
        if "metrics" in wishes.signals:
            self._metrics = _MetricsThread(MetricsReader(resource, scope), wishes.metrics_every)
        if "logs" in wishes.signals:
            provider = LoggerProvider(resource, shutdown_on_exit=False)
            lines = OTLPLogExporter()
            provider.add_log_record_processor(BatchLogRecordProcessor(lines))
            self._exporters.append(lines)
            self._ends.append(provider.shutdown)
            log.also = LogLines(provider.get_logger(NAME, about.version, SCHEMA_URL))

    def tick(self, snapshot: Callable[[], Snapshot]) -> None:
        """Several times a second; looks at the process when its metrics are due."""
        if self._metrics is not None and self._metrics.is_due():
            self._metrics.take(snapshot())

    async def stop(self, snapshot: Callable[[], Snapshot] | None = None) -> None:
        """Send what is left, for `LAST_WORDS` at most; what is said after that is not exported."""
        if self._metrics is not None and snapshot is not None:
            self._metrics.take(snapshot())
        loop = asyncio.get_running_loop()
        sent: asyncio.Future[None] = loop.create_future()

        def done() -> None:
            if not sent.done():
                sent.set_result(None)

        def end() -> None:
            ends = [threading.Thread(target=each, daemon=True) for each in (*self._ends, *self._last_metrics())]
            for each in ends:
                each.start()
            until = time.monotonic() + LAST_WORDS
            for each in ends:
                each.join(max(0.0, until - time.monotonic()))
            if any(each.is_alive() for each in ends):
                for exporter in self._exporters:
                    exporter.shutdown()  # what waits to try again does not wait any longer
            try:
                loop.call_soon_threadsafe(done)
            except RuntimeError:
                return  # the loop did not wait so long

        threading.Thread(target=end, name="telemetry-end", daemon=True).start()
        await asyncio.wait((sent,), timeout=LAST_WORDS)
        self._log.also = None
        self._undo()

    def _last_metrics(self) -> list[Callable[[], object]]:
        return [] if self._metrics is None else [self._metrics.end]


class _MetricsThread:
    """Sends what was read; while one is on its way, the next is not taken."""

    def __init__(self, reader: MetricsReader, every: float) -> None:
        self._reader = reader
        self._every = every
        self._exporter = OTLPMetricExporter()
        self._due = time.monotonic() + every
        self._waiting: Snapshot | None = None
        self._wake = threading.Event()
        self._ending = False
        self._thread = threading.Thread(target=self._run, name="telemetry-metrics", daemon=True)
        self._thread.start()

    def is_due(self) -> bool:
        return time.monotonic() >= self._due

    def take(self, snapshot: Snapshot) -> None:
        self._due = time.monotonic() + self._every
        self._waiting = snapshot
        self._wake.set()

    def end(self) -> None:
        """Send what is left; returns when that is done."""
        self._ending = True
        self._wake.set()
        self._thread.join(LAST_WORDS)
        self._exporter.shutdown()

    def _run(self) -> None:
        while not self._ending or self._waiting is not None:
            self._wake.wait()
            self._wake.clear()
            snapshot, self._waiting = self._waiting, None
            if snapshot is None:
                continue
            try:
                self._exporter.export(self._reader.read(snapshot))
            except Exception:
                _logger.exception("the metrics could not be exported")


def _resource(version: str) -> Resource:
    """What the environment says of the service is more than what the program says of itself."""
    own = Resource.create({"service.name": NAME, "service.version": version, "service.instance.id": str(uuid.uuid4())})
    return own.merge(OTELResourceDetector().detect())


def _facts(about: Exported, resource: Resource, scope: InstrumentationScope) -> SpanFacts:
    endpoint = Endpoint.parse(about.endpoint)
    return SpanFacts(
        resource, scope, about.group, about.dead_letter_topic, endpoint.url(""), endpoint.host, endpoint.port
    )
