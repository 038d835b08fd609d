"""Processes that die, at moments nobody chose."""

from __future__ import annotations

import random

from bridge.sandbox.emulator import Fault, FaultKind
from tests.support.service.ground import CLASSIC, SESSION, Ground, protocols

IN_FLIGHT = 16
INTERVAL = 1.0


@protocols("classic", "consumer")
async def test_kill_9_at_any_moment_loses_nothing_and_keeps_every_users_order(
    ground: Ground, times: int, chance: random.Random, protocol: dict[str, str]
) -> None:
    kills = times if protocol is CLASSIC else max(2, times // 2)
    ground.create_topic(4)
    ground.api.set_faults(Fault(kind=FaultKind.ORDINARY, delay=0.01))
    await ground.produce(600 * kills, users=200)
    replica = await ground.started(
        kafka={"properties": protocol, "commit_interval": f"{INTERVAL}s"}, delivery={"max_in_flight": IN_FLIGHT}
    )
    bound = 0
    for _ in range(kills):
        await ground.more(chance.randrange(1, 500), fault="kill -9")
        await replica.kill()
        accepted = ground.api.ledger.accepted
        # What was in flight, and what completed within a commit interval; a busy machine may take half as long again.
        since = accepted[-1].at - 1.5 * INTERVAL if accepted else 0.0
        bound += IN_FLIGHT + sum(event.at > since for event in accepted)
        await replica.start()
    await ground.everything(within=60 + 2 * SESSION)
    await ground.is_committed()
    assert await replica.terminate() == 0
    assert ground.outcome.order_violations == 0
    assert ground.outcome.duplicates <= bound
    assert ground.api.ledger.max_in_flight_per_user == 1
