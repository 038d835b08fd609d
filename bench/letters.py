"""How long ``track-bridge dlq stats`` takes: what an operator waits for first."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from bench.runs import RunFailedError
from bench.session import Session
from bench.table import Row
from bridge.model import LetterReason, Route
from tests.support.reprocess.letters import Written, letter, produce
from tests.support.service import settings

_PARTITIONS = 4
_ROUTE = Route("order.completed", "0123456789ab", "Order Completed")
_LIMIT = 5.0


def dead_letters(session: Session) -> Iterator[Row]:
    """Letters of all reasons, none of them settled; with the start of the process."""
    count, broker = session.size(100_000), session.bench.broker
    topic = broker.empty(_PARTITIONS)
    produce(broker.bootstrap, topic, _letters(count))
    base = settings.base(broker.bootstrap, "http://127.0.0.1:9", ["orders"])
    file = settings.write(session.bench.folder / "letters.yaml", base | {"dead_letter": {"topic": topic}})
    measured = [_stats(file, count) for _ in range(session.repeat)]
    seconds, cpu = (median(each) for each in zip(*measured, strict=True))
    yield Row(
        f"track-bridge dlq stats, {count:,} letters",
        f"{seconds:.1f} s, {cpu:.1f} s CPU",
        f"≤ {_LIMIT:.0f} s",
        seconds <= _LIMIT,
    )


def _stats(file: Path, count: int) -> tuple[float, float]:
    """Seconds, and those of the processor."""
    began, spent = time.monotonic(), _processor()
    ran = subprocess.run(
        [sys.executable, "-m", "bridge", "dlq", "stats", "--json", "-c", str(file)], capture_output=True, check=False
    )
    seconds, cpu = time.monotonic() - began, _processor() - spent
    if not ran.stdout or json.loads(ran.stdout)["open"] != count:
        raise RunFailedError(f"track-bridge dlq stats: {count} letters are open, it says {ran.stdout!r} {ran.stderr!r}")
    return seconds, cpu


def _processor() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _letters(count: int) -> Iterator[Written]:
    reasons = tuple(LetterReason)
    for number in range(count):
        reason = reasons[number % len(reasons)]
        route = None if reason is LetterReason.UNDECODABLE else _ROUTE
        yield letter(number, partition=number % _PARTITIONS, reason=reason, user=f"u-{number % 300}", route=route)
