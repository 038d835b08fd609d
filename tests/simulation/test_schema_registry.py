"""A registry's bad day: nothing is lost, order is kept, and no dead letter comes of it."""

from __future__ import annotations

import pytest

from tests.simulation.history import Told
from tests.simulation.plan import Fault, Produced
from tests.simulation.test_histories import given_up, happens, undelivered

FIVE_MINUTES = 300.0


def load(seconds: float, *, schemas: int, every: float = 0.25) -> list[Produced]:
    """Records of two topics, those of the first with a schema each in turn."""
    count = int(seconds / every)
    framed = [
        Produced(2.0 + n * every, "orders", n % 7, f"u{n % 7}", schema=1 + n * schemas // count) for n in range(count)
    ]
    return [*framed, *(Produced(2.1 + n * every, "plain", n % 5, f"v{n % 5}") for n in range(count))]


TOPICS = (("orders", 2), ("plain", 2))


def delivered_at(told: Told, user: str) -> list[float]:
    """When events of users whose name begins so were accepted, in seconds from the beginning."""
    accepted = [flight for event in told.world.ledger.events for flight in event.accepted if event.user is not None]
    return sorted(
        (flight.answered_at or 0.0) - 1000.0 for flight in accepted if (flight.event.user or "").startswith(user)
    )


@pytest.mark.parametrize("processes", [1, 2])
def test_a_registry_away_for_five_minutes_under_load_costs_nothing_but_time(processes: int) -> None:
    told = happens(
        Fault(30.0, "registry_down", FIVE_MINUTES),
        records=load(400.0, schemas=8),
        topics=TOPICS,
        processes=processes,
    )
    assert undelivered(told) == []
    assert given_up(told) == []
    assert told.world.ledger.duplicates == 0
    assert len([at for at in delivered_at(told, "v") if 60.0 < at < 300.0]) > 900, "the others flow"
    assert not [at for at in delivered_at(told, "u") if 110.0 < at < 330.0], "what waits is not sent undecoded"


def test_a_schema_that_is_known_is_used_however_long_the_registry_is_away() -> None:
    told = happens(
        Fault(30.0, "registry_down", FIVE_MINUTES), records=load(200.0, schemas=1), topics=TOPICS, processes=1
    )
    assert undelivered(told) == []
    assert max(delivered_at(told, "u")) < 210.0


@pytest.mark.parametrize("how", ["kill", "stop", "shuffle", "kick", "cut", "freeze", "hold", "brokers_away"])
def test_whatever_happens_to_a_process_while_it_waits_for_a_schema_nothing_is_lost(how: str) -> None:
    told = happens(
        Fault(1.0, "registry_down", 60.0),
        Fault(8.0, how, 4.0),
        Fault(20.0, how, 1.0, 1),
        records=load(30.0, schemas=3),
        topics=TOPICS,
    )
    assert undelivered(told) == []
    assert given_up(told) == []


def test_a_topic_created_again_while_its_partitions_wait_is_read_from_its_beginning() -> None:
    again = [Produced(90.0 + n, "orders", n, f"w{n}") for n in range(4)]
    told = happens(
        Fault(1.0, "registry_down", 60.0),
        Fault(20.0, "recreate", 1.0),
        records=[*load(10.0, schemas=1), *again],
        topics=TOPICS,
    )
    assert len(delivered_at(told, "w")) == 4
