"""New users and known ones, identified by records and by the bridge itself, while processes die and the API fails."""

from __future__ import annotations

import random

import pytest

from bridge.sandbox.emulator import Fault, FaultKind
from bridge.sandbox.emulator.ledger import CountedAs
from tests.support.service import events
from tests.support.service.ground import IS_FULL, SESSION, Ground

RECORDS, PER_MINUTE, IDENTIFIES_PER_MINUTE = (20_000, 6_000, 3_600) if IS_FULL else (800, 600, 360)
USERS = RECORDS // 5
IN_FLIGHT, INTERVAL = 16, 1.0
IDENTIFY, TRACK = "/v1/identify", "/v1/track"
UNHEARD = 20
"""Events that are accepted without an answer."""
STEPS = {"user.ordered": [{"identify": True}, {"event_name": "Order Completed", "metadata": {"n": "data.n"}}]}
FAULTS = (
    Fault(kind=FaultKind.STATUS, status=503, path=IDENTIFY, probability=0.05),
    Fault(kind=FaultKind.STATUS, status=503, path=TRACK, probability=0.02),
    Fault(kind=FaultKind.STATUS, status=429, path=IDENTIFY, probability=0.02, count=5, headers={"Retry-After": "1"}),
    Fault(kind=FaultKind.DROP_AFTER_READING, accepts=True, path=IDENTIFY, probability=0.02),
    Fault(kind=FaultKind.DROP_AFTER_READING, path=IDENTIFY, probability=0.02),
    Fault(kind=FaultKind.DROP_AFTER_READING, accepts=True, path=TRACK, probability=0.02, count=UNHEARD),
    Fault(kind=FaultKind.ORDINARY, delay=0.01),
)


def value(user: str, number: int) -> bytes:
    """Every third record says who the user is before it says what happened."""
    return events.record("user.ordered" if number % 3 == 0 else "order.completed", user, number)


@pytest.mark.timeout(1200)  # 20,000 records within a budget take minutes
async def test_each_event_comes_after_its_users_identify_whatever_dies_and_fails(
    ground: Ground, times: int, chance: random.Random
) -> None:
    ground.create_topic(4)
    ground.api.unknown_users = 404
    ground.api.set_faults(*FAULTS, seed=chance.randrange(1000))
    await ground.produce(RECORDS, users=USERS, value=value)
    sections = {
        "kafka": {"properties": {"group.protocol": "consumer"}, "commit_interval": f"{INTERVAL}s"},
        "track": {"unknown_users": "identify"},
        "mapping": {"events": STEPS},
        "delivery": {
            "max_in_flight": IN_FLIGHT,
            "rate_limit": f"{PER_MINUTE}/min",
            "identify_rate_limit": f"{IDENTIFIES_PER_MINUTE}/min",
        },
    }
    replicas = [await ground.started(name, **sections) for name in ("one", "two")]
    bound, accepted = UNHEARD, ground.api.ledger.accepted
    kills = max(3, times // 2)
    for number in range(kills):
        await ground.more(max(1, chance.randrange(RECORDS // (2 * kills))), fault="kill -9", within=120)
        replica = replicas[number % 2]
        await replica.kill()
        since = accepted[-1].at - 1.5 * INTERVAL if accepted else 0.0
        bound += IN_FLIGHT + sum(event.at > since for event in accepted)
        await replica.start()
    await ground.everything(within=120 + 4 * SESSION + 60 * RECORDS / PER_MINUTE * 2)
    await ground.is_committed()
    for replica in replicas:
        assert await replica.terminate() == 0
    ledger = ground.api.ledger
    assert ledger.before_identify(answered=True) == []
    assert len(ledger.known) == USERS
    assert ground.outcome.order_violations == 0
    assert ground.outcome.duplicates <= bound
    assert ledger.busiest() <= PER_MINUTE
    assert ledger.busiest(budget=CountedAs.IDENTIFY) <= IDENTIFIES_PER_MINUTE
    assert ledger.max_in_flight_per_user == 1
    assert ground.dead_letters() == []
