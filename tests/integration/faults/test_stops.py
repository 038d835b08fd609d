"""Processes that are asked to stop, stopped in their tracks, or come back under their own name."""

from __future__ import annotations

import time

from bridge.sandbox.emulator import Fault, FaultKind
from tests.support.service.ground import CLASSIC, SESSION, Ground, protocols
from tests.support.service.replica import Replica, assigned
from tests.support.waiting import until

IN_FLIGHT = 8


@protocols("consumer")
async def test_sigterm_waits_for_slow_answers_commits_them_and_leaves_the_group(
    ground: Ground, protocol: dict[str, str]
) -> None:
    ground.create_topic(2)
    await ground.produce(200, users=200)
    ground.api.set_faults(Fault(kind=FaultKind.ORDINARY, delay=2.0))
    # The default session: that the member is gone at once can only be its own doing.
    properties = {"group.protocol": protocol["group.protocol"]}
    replica = await ground.started(kafka={"properties": properties}, delivery={"max_in_flight": IN_FLIGHT})
    await until("answers are awaited", lambda: ground.api.ledger.requests >= IN_FLIGHT)
    began = time.monotonic()
    assert await replica.terminate() == 0
    assert time.monotonic() - began < 8
    assert ground.members() == 0
    ground.outcome.faults["SIGTERM"] += 1
    assert ground.delivered == IN_FLIGHT
    [stopped] = replica.events("stopped")
    assert stopped["delivered"] == IN_FLIGHT
    assert ground.api.ledger.requests == IN_FLIGHT

    ground.api.set_faults()
    await replica.start()
    await ground.everything()
    await ground.is_committed()
    assert await replica.terminate() == 0
    assert ground.outcome.duplicates == 0


async def test_sigterm_ends_at_the_drains_budget_where_no_answer_comes(ground: Ground) -> None:
    ground.create_topic(1)
    await ground.produce(50)
    ground.api.set_faults(Fault(kind=FaultKind.HANG))
    replica = await ground.started(kafka={"properties": CLASSIC, "drain_timeout": "2s"}, track={"timeout": "1900ms"})
    await until("requests hang", lambda: ground.api.ledger.requests >= 8)
    assert await replica.terminate() == 0
    assert ground.members() == 0
    ground.outcome.faults["SIGTERM, no answers"] += 1
    ground.api.set_faults()
    await replica.start()
    await ground.everything()
    await ground.is_committed()
    assert await replica.terminate() == 0
    assert ground.outcome.duplicates == 0


@protocols("consumer")
async def test_a_zombie_sends_no_more_than_was_in_flight_and_commits_nothing_over_the_new_owner(
    ground: Ground, times: int, protocol: dict[str, str]
) -> None:
    zombies = max(1, times // 4)
    ground.create_topic(2)
    ground.api.set_faults(Fault(kind=FaultKind.ORDINARY, delay=0.02))
    await ground.produce(2500 * zombies)
    interval = 0.5
    sections = {
        "kafka": {"properties": protocol, "commit_interval": f"{interval}s"},
        "delivery": {"max_in_flight": IN_FLIGHT},
    }
    sleeper = await ground.started("sleeper", **sections)
    bound = 0
    for number in range(zombies):
        heir = await ground.started(f"heir-{number}", **sections)
        await sleeper.until("they share", lambda status: assigned(status) == 1)
        await ground.more(100)
        sleeper.freeze()
        accepted = ground.api.ledger.accepted
        # Of both: what was in flight when it froze, and what was answered since the last commit.
        since = accepted[-1].at - 1.5 * interval
        bound += 2 * IN_FLIGHT + sum(event.at > since for event in accepted)
        await heir.until("the other one has all", lambda status: assigned(status) == 2)
        await ground.more(200, fault="SIGSTOP and SIGCONT")
        before = ground.committed()
        sleeper.thaw()
        await sleeper.until("it is a member again", lambda status: assigned(status) == 1)
        after = ground.committed()
        assert all(after[partition][0] >= offset for partition, (offset, _) in before.items()), (before, after)
        assert await heir.terminate() == 0
    await ground.everything(within=120)
    await ground.is_committed()
    assert await sleeper.terminate() == 0
    assert ground.outcome.order_violations == 0
    assert ground.outcome.duplicates <= bound


async def restarted_until_it_is_let_in(replica: Replica) -> None:
    """As a supervisor does it."""
    while True:
        before = len(replica.events("assigned"))
        await replica.start()
        await until(
            "it is let in or told why not",
            lambda seen=before: not replica.running or len(replica.events("assigned")) > seen,
        )
        if replica.running:
            return
        assert await replica.ended() == 3


@protocols("classic")
async def test_a_static_member_killed_and_back_within_its_session_moves_no_partition(
    ground: Ground, protocol: dict[str, str]
) -> None:
    ground.create_topic(4)
    ground.api.set_faults(Fault(kind=FaultKind.ORDINARY, delay=0.02))
    await ground.produce(1000)
    properties = {"group.protocol": protocol["group.protocol"]}
    if protocol is CLASSIC:
        properties["session.timeout.ms"] = "30000"  # longer than the test: nobody may wait for its end

    def static(name: str) -> dict[str, object]:
        return {"kafka": {"properties": {**properties, "group.instance.id": name}}, "delivery": {"max_in_flight": 8}}

    first = await ground.started("first", **static("first"))
    second = await ground.started("second", **static("second"))
    for each in (first, second):
        await each.until("they share", lambda status: assigned(status) == 2)
    revoked = len(first.events("revoked"))
    await ground.more(100)
    await second.kill()
    await restarted_until_it_is_let_in(second)
    await second.until("it has its partitions again", lambda status: assigned(status) == 2)
    await ground.more(50, fault="static member killed")
    await ground.everything(within=60 + 2 * SESSION)
    await ground.is_committed()
    if protocol is CLASSIC:
        assert len(first.events("revoked")) == revoked
        assert assigned(await first.status()) == 2
    assert second.events("crashed") == []
    assert all("group.instance.id" in ended["detail"] for ended in second.events("kafka_client_ended"))
    assert await second.terminate() == 0
    assert await first.terminate() == 0
    assert ground.outcome.order_violations == 0
