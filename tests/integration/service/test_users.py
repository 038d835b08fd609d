"""Users on a real Kafka: replicas that die, an API with faults, and every event after its user's accepted identify.

Takes two minutes because of the minutes that no budget may be exceeded in.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from bridge.sandbox.emulator import CountedAs, Fault, FaultKind, RateLimit
from tests.integration.service.conftest import Measured, Stage
from tests.support.kafka.client import Kafka
from tests.support.service import events, ledger
from tests.support.service.replica import assigned

IN_FLIGHT = 16
UNCOMMITTED = 0.2 + 0.1
"""Seconds: the commit interval, and a machine that is busy with other things."""
EVENTS_LIMIT, USERS_LIMIT = 12_000, 3_600
NEW, KNOWN = 5_000, 500
COUNT = 4 * NEW
PACE = {
    "max_in_flight": IN_FLIGHT,
    "rate_limit": f"{EVENTS_LIMIT}/min",
    "identify_rate_limit": f"{USERS_LIMIT}/min",
}
STEPS: dict[str, Any] = {
    "user.signed_up": [
        {"identify": {"properties": {"n": "data.n"}}},
        {"event_name": "Signed Up", "metadata": {"n": "data.n"}},
    ]
}
BY_ITSELF: dict[str, Any] = {"user.signed_up": {"event_name": "Signed Up", "metadata": {"n": "data.n"}}}
DROPS = (
    Fault(kind=FaultKind.DROP_AFTER_READING, accepts=True, path="/v1/track", probability=0.002),
    Fault(kind=FaultKind.DROP_AFTER_READING, accepts=True, path="/v1/identify", probability=0.01),
)
FAULTS = (
    *DROPS,
    Fault(kind=FaultKind.STATUS, status=503, path="/v1/track", probability=0.005),
    Fault(kind=FaultKind.STATUS, status=503, path="/v1/identify", probability=0.02),
    Fault(kind=FaultKind.ORDINARY, path="/v1/identify", delay=0.2, probability=0.05),
)


def records(*, apart: int) -> Iterator[tuple[str, bytes]]:
    """Of each new user a record of the first time, and so many users later an order; as many orders of known users.

    Directly behind the first (`apart` is 0), the order stands on another partition: two replicas meet the user at once.
    """
    number = 0
    for each in range(NEW + apart):
        others = [f"u-{each % KNOWN}", f"u-{(each + 250) % KNOWN}"] if each < NEW else []
        if each < NEW:
            yield f"n-{each}", events.record("user.signed_up", f"n-{each}", number)
            number += 1
        if each >= apart:
            user = f"n-{each - apart}"
            yield user if apart else f"elsewhere-{user}", events.order(user, number)
            number += 1
        for user in others:
            yield user, events.order(user, number)
            number += 1


@pytest.mark.timeout(900)
@pytest.mark.parametrize("by_itself", [False, True], ids=["steps", "unknown_users"])
async def test_every_event_comes_after_its_users_identify_and_no_minute_is_above_either_budget(
    kafka: Kafka,
    stage: Stage,
    measured: Measured,
    by_itself: bool,  # noqa: FBT001 - a column of the table
) -> None:
    track = {"unknown_users": "identify"} if by_itself else {}
    scene = await stage(kafka, delivery=PACE, track=track, mapping={"events": BY_ITSELF if by_itself else STEPS})
    api, known = scene.api, {f"u-{number}" for number in range(KNOWN)}
    api.unknown_users = 404
    api.ledger.known.update(known)
    api.limit_rate(RateLimit(EVENTS_LIMIT))
    api.limit_identify_rate(RateLimit(USERS_LIMIT))
    api.set_faults(*FAULTS, seed=17)
    await scene.produce(records(apart=0 if by_itself else 50))

    first, second = await asyncio.gather(scene.replica(), scene.replica())
    await second.until("it has its share", lambda status: assigned(status) == 6)
    await scene.until_accepted(3_000)
    await first.kill()
    deaths = [len(api.ledger.accepted)]
    await first.start()
    await first.until("it is back", lambda status: assigned(status) == 6)
    await scene.until_accepted(9_000, within=120)
    await second.kill()
    deaths.append(len(api.ledger.accepted))
    await second.start()
    await scene.until_delivered(COUNT, within=400)
    await scene.until_committed(COUNT)
    assert await first.terminate() == 0
    assert await second.terminate() == 0

    accepted = api.ledger.accepted
    exempt = set() if by_itself else known
    assert [each for each in api.ledger.before_identify(answered=True) if each.user_id not in exempt] == []
    identified = {user.user_id for user in api.ledger.identified}
    assert len(identified - known) == NEW
    assert by_itself or not identified & known
    assert ledger.overtaken(accepted) == []
    assert kafka.read(scene.letters) == []
    minutes = {budget: api.ledger.busiest(budget=budget) for budget in (CountedAs.TRACK, CountedAs.IDENTIFY)}
    assert minutes[CountedAs.TRACK] <= EVENTS_LIMIT
    assert minutes[CountedAs.IDENTIFY] <= USERS_LIMIT
    assert api.ledger.answers["429"] == 0
    repeated = ledger.repeated(accepted).total()
    lost = api.ledger.answers_by_path["/v1/track"][FaultKind.DROP_AFTER_READING]
    bound = lost + sum(IN_FLIGHT + ledger.in_the_last(UNCOMMITTED, accepted[:death]) for death in deaths)
    of_events, of_users = (minutes[budget] for budget in (CountedAs.TRACK, CountedAs.IDENTIFY))
    measured(
        f"20,000 records, 5,000 new users ({'unknown_users: identify' if by_itself else 'steps'}), two kills: "
        f"{repeated} duplicates, bound {bound}; "
        f"in the busiest minute {of_events} events of {EVENTS_LIMIT} and {of_users} identifies of {USERS_LIMIT}"
    )
    assert repeated <= bound
