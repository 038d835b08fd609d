"""What logs and debuggers show of the pipeline's objects: where they are, and nothing of what a record holds."""

from __future__ import annotations

import pytest

from bridge.decode.protocol import NO_SCHEMAS
from bridge.model import TopicPartition
from bridge.pipeline.ports import NoLookups
from bridge.pipeline.settings import DeliverySettings
from tests.unit.pipeline.world import World

P0 = TopicPartition("orders", 0)


def test_an_event_and_a_partition_show_their_place_and_state_without_a_value() -> None:
    world = World(DeliverySettings.model_construct(rate_limit=None))
    world.sink.api = lambda _: None
    world.feed(P0, "secret-user")
    (work,) = world.works(P0)
    assert repr(work) == "Work(orders/0/0#0, IN_FLIGHT, attempts=1)"
    tracker = world.owned[P0]
    assert repr(tracker) == f"OffsetTracker({P0}, {tracker.life.value}, lowest_open=0, open=1)"


def test_a_bridge_without_a_registry_knows_no_schema_and_never_waits_for_one() -> None:
    assert (list(NO_SCHEMAS), len(NO_SCHEMAS)) == ([], 0)
    assert "no schema_registry is configured" in getattr(NO_SCHEMAS["id:7"], "why", "")
    with pytest.raises(LookupError, match="the schema id:7 is wanted, and there is no registry"):
        NoLookups().want("id:7")
