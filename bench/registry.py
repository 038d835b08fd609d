"""What a schema registry costs a bridge: processor time of the start, and memory once it reads by a schema.

Each start is a process of its own: `track-bridge run` with a broker that never answers, which has built all by then.
One that has a registry looks a schema up over HTTP after that and maps a record of Avro; the other maps one of JSON.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from statistics import median
from typing import Any

import yaml

from bench.session import Session
from bench.table import Row, show

SCHEMA = {"type": "record", "name": "Order", "fields": [{"name": "user", "type": "string"}]}
PLAIN: dict[str, Any] = {
    "kafka": {
        "bootstrap_servers": "127.0.0.1:1",
        "group_id": "g",
        "topics": ["orders"],
        "start_from": "latest",
        "start_timeout": "1s",
    },
    "track": {"endpoint": "http://127.0.0.1:1", "api_key": "made-up"},
    "dead_letter": {"topic": "g.dlq"},
    "observability": {"listen": "127.0.0.1:0", "log_format": "json"},
    "mapping": {"event_type": "topic", "user_id": "user", "events": {"orders": {"event_name": "Order"}}},
}
PROGRAM = """
import asyncio, resource, sys
from pathlib import Path
from bridge import cli

def cpu():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime

file = Path(sys.argv[1])
cli._end = lambda code: None
sys.argv = ["bridge", "run", "-c", str(file)]
cli.main()
start = cpu()

from bridge.config.load import read
from bridge.mapping.compile import compile_mapping
from bridge.model import Record, Request
from bridge.service.with_registry.pipeline_lookups import registry_of, with_schemas

async def one_record():
    config = read(file, {}).config
    registry = registry_of(config, print)
    if registry is None:
        return compile_mapping(config.mapping).map(record(b'{"user": "u-1"}'), 0.0)
    mapping, known = with_schemas(config, registry), asyncio.Event()
    registry.want("id:1", known.set)
    await known.wait()
    await registry.aclose()
    return mapping.map(record(bytes((0, 0, 0, 0, 1, 6)) + b"u-1"), 0.0)

def record(value):
    return Record("orders", 0, 0, 1_767_323_045_000, None, value, ())

(outcome,) = asyncio.run(one_record())
assert isinstance(outcome, Request), outcome
print("MEASURED", start, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)
"""


class Registry(BaseHTTPRequestHandler):
    """Has one schema, whatever is asked for."""

    def do_GET(self) -> None:
        body = json.dumps({"schema": json.dumps(SCHEMA)}).encode()
        self.send_response(200)
        self.send_header("content-type", "application/vnd.schemaregistry.v1+json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the library's name
        """Say nothing."""


def used_by(file: Path) -> tuple[float, int]:
    """Seconds of processor time until everything was built, and the peak of memory after a record, in bytes."""
    ran = subprocess.run([sys.executable, "-c", PROGRAM, str(file)], capture_output=True, text=True, check=False)
    last = ran.stdout.splitlines()[-1:] or [""]
    if not last[0].startswith("MEASURED"):
        raise RuntimeError(f"{file.name}: {ran.stderr[-2000:]}")
    _, seconds, peak = last[0].split()
    return float(seconds), int(peak)


def rows(rounds: int) -> Iterator[Row]:
    server = HTTPServer(("127.0.0.1", 0), Registry)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with_one = {
        **PLAIN,
        "mapping": {**PLAIN["mapping"], "decode": "avro"},
        "schema_registry": {"urls": [f"http://127.0.0.1:{server.server_port}"]},
    }
    found: dict[str, list[tuple[float, int]]] = {"without": [], "with": []}
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        for name, document in (("without", PLAIN), ("with", with_one)):
            Path(folder, f"{name}.yaml").write_text(yaml.safe_dump(document), encoding="utf-8")
        for _ in range(rounds):
            for name, runs in found.items():
                runs.append(used_by(Path(folder, f"{name}.yaml")))
    server.shutdown()
    # The least of each: what disturbs only ever adds.
    start = min(cpu for cpu, _ in found["with"]) - min(cpu for cpu, _ in found["without"])
    memory = median(peak for _, peak in found["with"]) - median(peak for _, peak in found["without"])
    yield Row("a schema registry, start", f"+ {start:.2f} s of processor time", "≤ + 0.1 s", met=start <= 0.1)
    yield Row("a schema registry, memory", f"+ {memory / 1e6:.1f} MB", "≤ + 10 MB", met=memory <= 10e6)


def cost(session: Session) -> Iterator[Row]:
    """Two rows, of starts in turn."""
    yield from rows(session.repeat + 2)


def main() -> None:
    """Print the rows."""
    show(rows(7))


if __name__ == "__main__":
    main()
