"""A collector on loopback: takes OTLP over HTTP and keeps what it decoded, as the protocol's own messages."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

_FORMS: dict[str, Any] = {
    "/v1/traces": ExportTraceServiceRequest,
    "/v1/metrics": ExportMetricsServiceRequest,
    "/v1/logs": ExportLogsServiceRequest,
}


class Collector:
    """What came in, by path."""

    def __init__(self) -> None:
        self.url = ""
        self.status = 200
        self.hangs = threading.Event()
        """Cleared: no request is answered."""
        self.hangs.set()
        self.took: dict[str, list[Any]] = {path: [] for path in _FORMS}
        self.asked = 0
        self._came = threading.Condition()

    def take(self, path: str, body: bytes) -> None:
        message = _FORMS[path]()
        message.ParseFromString(body)
        with self._came:
            self.took[path].append(message)
            self._came.notify_all()

    def wait(self, path: str, within: float = 30.0) -> Any:
        """The first message of a path."""
        with self._came:
            assert self._came.wait_for(lambda: self.took[path], within), f"nothing came to {path}"
            return self.took[path][0]

    @property
    def spans(self) -> list[Any]:
        return [
            span
            for message in self.took["/v1/traces"]
            for resource in message.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]

    @property
    def metrics(self) -> dict[str, Any]:
        return {
            metric.name: metric
            for message in self.took["/v1/metrics"]
            for resource in message.resource_metrics
            for scope in resource.scope_metrics
            for metric in scope.metrics
        }

    @property
    def logs(self) -> dict[str, Any]:
        return {
            record.event_name: record
            for message in self.took["/v1/logs"]
            for resource in message.resource_logs
            for scope in resource.scope_logs
            for record in scope.log_records
        }


@contextmanager
def collector() -> Iterator[Collector]:
    """Listens until the block ends."""
    kept = Collector()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            kept.asked += 1
            kept.hangs.wait(60)
            if kept.status == 200:
                kept.take(self.path, gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body)
            self.send_response(kept.status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None: ...  # noqa: A002 - the base class' name

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    kept.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield kept
    finally:
        kept.hangs.set()
        server.shutdown()
        server.server_close()


def plain(attributes: Any) -> dict[str, Any]:
    """Attributes of the protocol as plain values."""
    return {each.key: _plain(each.value) for each in attributes}


def _plain(value: Any) -> Any:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [_plain(each) for each in value.array_value.values]
    return getattr(value, kind)
