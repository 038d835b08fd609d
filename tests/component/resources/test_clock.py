"""A wall clock that steps by an hour, as a virtual machine's does after a pause: nothing waits for it or hurries."""

from __future__ import annotations

import itertools
import time

import pytest

from bridge.sandbox.emulator import Emulator, Fault, FaultKind
from bridge.service.time import SystemClock
from tests.component.service.conftest import Start
from tests.support.service import events, ledger
from tests.support.service.embedded import Broker
from tests.support.service.settings import RESTARTABLE

pytestmark = pytest.mark.slow(reason="starts interpreters whose clock steps", seconds=4)

HOUR = 3600.0
REAL = time.time


class Wall:
    """The system's wall clock, put forward or back."""

    def __init__(self) -> None:
        self.off = 0.0

    def __call__(self) -> float:
        return REAL() + self.off


@pytest.fixture
def wall(monkeypatch: pytest.MonkeyPatch) -> Wall:
    clock = Wall()
    monkeypatch.setattr(time, "time", clock)
    monkeypatch.setattr(SystemClock, "wall", staticmethod(clock))
    return clock


async def test_steps_of_an_hour_lose_repeat_delay_and_reorder_nothing(
    broker: Broker, api: Emulator, start: Start, wall: Wall
) -> None:
    api.set_faults(
        Fault(kind=FaultKind.STATUS, status=503, skip=20, count=15),
        Fault(kind=FaultKind.STATUS, status=429, headers={"Retry-After": "1"}, skip=60, count=1),
        Fault(kind=FaultKind.HANG, skip=100, count=1),
    )
    broker.produce(events.orders(600))
    service = await start(delivery={"rate_limit": "12000/min"}, track={"timeout": "800ms"})

    for delivered, off in zip(range(40, 600, 40), itertools.cycle([HOUR, 0.0, -HOUR, 24 * HOUR]), strict=False):
        await service.until("it goes on", lambda: service.now().tally.delivered >= delivered)  # noqa: B023 - awaited here
        wall.off = off
        status = await service.status()
        assert (await service.get("/livez")).status_code == 200
        ages = [row["oldest_open"]["age_s"] for row in status["partitions"] if row["oldest_open"]]
        assert all(age >= 0 for age in ages)
    await service.until_done(600)
    now = service.now()
    await service.stop()

    assert (now.consumer.losses, now.forced_drains, now.tally.gap) == (0, 0, 0)
    assert len(ledger.places(api.ledger.accepted)) == len(api.ledger.accepted) == 600
    assert ledger.overtaken(api.ledger.accepted) == []
    assert broker.letters() == []
    assert broker.position() == 600
    times = [event.at for event in api.ledger.accepted]  # monotonic
    assert all(later - earlier >= 0.4 for earlier, later in zip(times, times[100:], strict=False)), "the rate was left"


async def test_a_step_between_two_lives_repeats_nothing(
    broker: Broker, api: Emulator, start: Start, wall: Wall
) -> None:
    api.set_faults(Fault(kind=FaultKind.ORDINARY, delay=0.01))
    broker.produce(events.orders(1200))
    for off in (HOUR, -HOUR, 0.0):
        wall.off = off
        already = len(api.ledger.accepted)
        service = await start(kafka=RESTARTABLE)
        await service.until("it is at work", lambda: len(api.ledger.accepted) >= already + 100)  # noqa: B023 - awaited here
        await service.stop()
    service = await start(kafka=RESTARTABLE)
    await service.until("everything is delivered", lambda: len(ledger.places(api.ledger.accepted)) == 1200)
    assert len(api.ledger.accepted) == 1200
