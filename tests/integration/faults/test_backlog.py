"""A backlog far larger than memory."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from bridge.sandbox.emulator import Fault, FaultKind
from tests.support.service import events
from tests.support.service.ground import CLASSIC, IS_FULL, Ground

RECORDS = 2_000_000 if IS_FULL else 60_000
EVERY = 50
"""One record in so many becomes an event; the others are left out by a rule, at the full speed of the intake."""
GROWTH = 16 << 20
CEILING = 160 << 20
"""Bytes resident: what is promised is 120 MB; a debug build or another libc may take a little more."""
FILLER = "x" * 60


def backlog() -> Iterator[tuple[str, bytes]]:
    for number in range(RECORDS):
        user = f"u-{number % 997}"  # a prime: all of them have events
        kind = "page.viewed" if number % EVERY else "order.completed"
        yield user, events.record(kind, user, number, filler=FILLER)


@pytest.mark.timeout(900)
async def test_a_backlog_of_two_million_records_passes_with_memory_flat(ground: Ground) -> None:
    ground.create_topic(4)
    await asyncio.to_thread(ground.kafka.produce, ground.topic, backlog())
    ground.api.set_faults(Fault(kind=FaultKind.ORDINARY, delay=0.03))  # so that the buffer is full all the time
    replica = await ground.started(kafka={"properties": CLASSIC})
    sizes: list[tuple[int, int]] = []

    def is_done(status: dict[str, dict[str, int]]) -> bool:
        consumed = status["accounting"]["consumed"]
        sizes.append((consumed, replica.resident()))
        return consumed == RECORDS and status["accounting"]["in_flight"] == 0

    await replica.until("all is done", is_done, within=600)
    await ground.is_committed()
    assert await replica.terminate() == 0
    assert ground.delivered == RECORDS // EVERY
    warm = max(size for consumed, size in sizes if consumed <= RECORDS // 3)
    most = max(size for _, size in sizes)
    assert most <= min(CEILING, warm + GROWTH), f"{warm / 1e6:.1f} MB at a third of it, {most / 1e6:.1f} MB at most"
    ground.outcome.events = RECORDS
    ground.outcome.faults["backlog"] += 1
