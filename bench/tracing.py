"""``python -m bench.tracing``: what OpenTelemetry costs an event, off and at a share of 1 %, in one run.

Instructions of this process with its exporting threads, counted by callgrind as in `bench.check`: other work on the
machine changes nothing of them. The collector is another process. Only our own code and the SDK's run here; the kernel,
Kafka's client and the connections, of which tracing changes nothing, are added by what an event costs as a whole, as a
multiple of our own code: docs/performance.md has both.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from bench import check
from bench.load import Load
from bench.stages import Stage, delivery_stage, mapping
from bridge import memory
from bridge.model import Header

EVENTS = 2000
SHARE = 0.01
WHOLE = 39.0 / 8.8
"""What an event costs as a whole, as a multiple of our own code alone, both measured on a quiet machine."""
ALLOWED = 1.05
COLLECTOR = """
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()
    def log_message(self, *_): ...
server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(server.server_address[1], flush=True)
server.serve_forever()
"""


def traced(share: float) -> list[tuple[Header, ...]]:
    """Headers of producers that trace this share."""
    rng = random.Random(1)  # noqa: S311 - repeatable
    found: list[tuple[Header, ...]] = []
    for number in range(1000):
        flag = number < share * 1000
        trace, span = rng.getrandbits(128), rng.getrandbits(64)
        found.append((("traceparent", f"00-{trace:032x}-{span:016x}-0{flag:d}".encode()),))
    rng.shuffle(found)
    return found


def stages(loop: asyncio.AbstractEventLoop) -> Mapping[str, Stage]:
    """Off and on, without headers and with them."""
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415 - only here
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415 - as above
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415 - as above
    from opentelemetry.sdk.util.instrumentation import InstrumentationScope  # noqa: PLC0415 - as above

    from bridge.telemetry.spans import KeptExemplars, RecordSpans, SpanFacts  # noqa: PLC0415 - as above
    from bridge.telemetry.wishes import Sampling  # noqa: PLC0415 - as above

    facts = SpanFacts(
        Resource({"service.name": "bench"}), InstrumentationScope("bench"), "g", "g.dlq", "http://127.0.0.1:1",
        "127.0.0.1", 1,
    )  # fmt: skip
    processor = BatchSpanProcessor(OTLPSpanExporter())
    rng = random.Random(1)  # noqa: S311 - repeatable
    listener = RecordSpans(
        facts, processor.on_end, sampling=Sampling(SHARE), exemplars=KeptExemplars({}, {}), bits=rng.getrandbits
    )
    load, compiled, headers = Load(EVENTS), mapping(), traced(SHARE)

    def flushed(stage: Stage) -> Stage:
        """With all that it leaves to be exported: else the next stage would pay for it."""

        def run() -> None:
            stage()
            processor.force_flush()

        return run

    return {
        "off": delivery_stage(load, compiled, loop),
        "on": flushed(delivery_stage(load, compiled, loop, listener=listener)),
        "off, traceparent": delivery_stage(load, compiled, loop, headers=headers),
        "on, traceparent": flushed(delivery_stage(load, compiled, loop, headers=headers, listener=listener)),
    }


def execute() -> None:
    """What is counted, under callgrind: every stage, after each has run once."""
    loop = asyncio.new_event_loop()
    found = stages(loop)
    for stage in found.values():
        stage()
    gc.collect()
    memory.settle()
    check.control("--instr=on")
    check.control("--zero")
    for name, stage in found.items():
        stage()
        check.control(f"--dump={name}")
    loop.close()


@contextmanager
def collector() -> Iterator[str]:
    """The address of one that takes everything."""
    running = subprocess.Popen([sys.executable, "-c", COLLECTOR], stdout=subprocess.PIPE, text=True)
    try:
        if running.stdout is None:
            raise RuntimeError("the collector has no output")
        yield f"http://127.0.0.1:{running.stdout.readline().strip()}"
    finally:
        running.kill()
        running.wait()


def counted() -> dict[str, float]:
    """Instructions of each stage, per event. Raises `check.CannotCountError`."""
    valgrind = shutil.which("valgrind")
    if valgrind is None:
        raise check.CannotCountError("valgrind counts the instructions and is not installed here")
    with TemporaryDirectory() as folder, collector() as url:
        counts = Path(folder) / "counts"
        ran = subprocess.run(
            [
                valgrind, "--tool=callgrind", "--instr-atstart=no", f"--callgrind-out-file={counts}", sys.executable,
                "-m", "bench.tracing", "--execute",
            ],
            env={**os.environ, "PYTHONHASHSEED": "0", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": f"{url}/v1/traces"},
            capture_output=True,
            text=True,
            check=False,
        )  # fmt: skip
        if ran.returncode:
            raise check.CannotCountError(f"valgrind ended with {ran.returncode}: {ran.stderr[-2000:]}")
        return dict(check.read_dump(path.read_text(), EVENTS) for path in sorted(counts.parent.glob("counts.*")))


def main() -> int:
    """The exit code: 1 where an event as a whole costs over 5 % more, 2 where nothing was measured."""
    parser = argparse.ArgumentParser(prog="python -m bench.tracing", description=__doc__)
    parser.add_argument("--execute", action="store_true", help="what is counted, and nothing else")
    if parser.parse_args().execute:
        execute()
        return 0
    try:
        found = counted()
    except check.CannotCountError as error:
        print(f"bench.tracing: {error}")
        return 2
    worst = 0.0
    for on, off in (("on", "off"), ("on, traceparent", "off, traceparent")):
        own = found[on] / found[off]
        whole = 1 + (own - 1) / WHOLE
        worst = max(worst, whole)
        print(
            f"{on:16} {found[on]:9,.0f} instructions an event, {off:16} {found[off]:9,.0f}: {own:.3f} x our own code, "
            f"{whole:.3f} x an event as a whole"
        )
    print(f"allowed at a share of {SHARE:.0%}: {ALLOWED} x an event as a whole: {_verdict(worst)}")
    return 0 if worst <= ALLOWED else 1


def _verdict(worst: float) -> str:
    return "met" if worst <= ALLOWED else "NOT MET"


if __name__ == "__main__":
    sys.exit(main())
