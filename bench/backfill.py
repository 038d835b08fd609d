"""How fast history becomes files, and in how much memory: the scenario ``backfill``; alone, this module runs it."""

from __future__ import annotations

import json
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from bench import configuration
from bench.broker import broker
from bench.configuration import Setting
from bench.load import Load
from bench.processes import Program
from bench.runs import Bench, RunFailedError
from bench.session import Session
from bench.table import Row, show

RECORDS = 1_000_000
RATE = 20_000
"""Records per second, at least."""
MEMORY = 150_000_000
"""Bytes, at most."""
_LOOK = 0.1


def write(session: Session) -> Iterator[Row]:
    """A million events of a real Kafka, one process, its start included."""
    load = Load(session.size(RECORDS), users=50_000)
    kafka = session.bench.broker
    topic, folder = kafka.filled(load), session.bench.folder / f"history-{time.monotonic_ns()}"
    config = session.bench.folder / "history.yaml"
    configuration.write(
        config,
        Setting(),
        bootstrap=kafka.bootstrap,
        topic=topic,
        letters=session.bench.letters,
        group=f"history-{time.monotonic_ns()}",
        url="http://127.0.0.1:9",
        ca_file=None,
    )
    planned = _run(session, config, "plan", str(folder), "--cut")
    written = _run(session, config, "write", str(folder), "--json")
    rows = sum(json.loads((folder / "manifest.json").read_text())["written"]["rows"].values())
    if rows != load.requests:
        raise RunFailedError(f"track-bridge backfill write: {load.requests} rows are due, and {rows} were written")
    rate = load.events / written.seconds
    yield Row(
        f"track-bridge backfill write, {load.events:,} records",
        f"{rate:,.0f}/s, {written.cpu / load.events * 1e6:.1f} µs CPU each, {written.peak / 1e6:.0f} MB",
        f"≥ {RATE:,}/s, ≤ {MEMORY / 1e6:.0f} MB",
        rate >= RATE and written.peak <= MEMORY,
        (f"plan: {planned.seconds:.1f} s", f"memory every quarter: {_quarters(written.memory)}"),
    )


class _Ran:
    """One command, and what it took."""

    def __init__(self, seconds: float, cpu: float, memory: list[int], peak: int) -> None:
        self.seconds = seconds
        self.cpu = cpu
        self.memory = memory
        """Bytes resident, looked at again and again."""
        self.peak = peak


def _run(session: Session, config: Path, *words: str) -> _Ran:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.monotonic()
    command = [sys.executable, "-m", "bridge", "backfill", *words, "-c", str(config)]
    program = Program(command, {}, session.bench.folder / f"backfill-{words[0]}.log", Path.cwd())
    memory, peak = [], 0
    while program.running:
        peak = max(peak, program.peak_rss())
        memory.append(_resident(program.pid))
        time.sleep(_LOOK)
    seconds, code = time.monotonic() - began, program.stop(0)
    if code:
        raise RunFailedError(f"track-bridge backfill {words[0]} ended with {code}: {program.tail()}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return _Ran(seconds, cpu, [each for each in memory if each], peak)


def _resident(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * resource.getpagesize()
    except (OSError, IndexError):
        return 0


def _quarters(memory: list[int]) -> str:
    quarter = max(1, len(memory) // 4)
    parts = [memory[at : at + quarter] for at in range(0, len(memory), quarter)][:4]
    return ", ".join(f"{max(part) / 1e6:.0f} MB" for part in parts if part)


def main() -> int:
    """This scenario alone. The exit code: 0 where its target is met."""
    with broker() as kafka, tempfile.TemporaryDirectory(prefix="bench-") as folder:
        sys.stderr.write(f"against {kafka.origin}\n")
        rows = list(write(Session(Bench(kafka, Path(folder), kafka.empty(3)), repeat=1)))
    show(rows)
    for row in rows:
        print("\n".join(row.details))
    return 0 if all(row.met for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
