"""What waits for a schema is shown with the registry's own words, and said once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

import pytest

from bridge.holds import Reason
from bridge.model import TopicPartition
from bridge.ops.snapshot import PartitionHold
from bridge.service.event_log import ServiceEventLog
from bridge.service.time import ClockReading
from bridge.service.with_registry.pipeline_lookups import PipelineLookups
from bridge.service.with_registry.registry_watch import SHOWN_AFTER, RegistryWatch
from tests.unit.pipeline.world import World

ORDERS, MORE = TopicPartition("orders", 0), TopicPartition("orders", 1)


@dataclass(frozen=True)
class Met:
    kind: str
    what: str
    next_try: float | None = None


class Registry:
    """Has the troubles that a test says."""

    def __init__(self) -> None:
        self.troubles: dict[str, Met] = {}

    def trouble(self, reference: str, /) -> Met | None:
        return self.troubles.get(reference)


class Scene:
    def __init__(self) -> None:
        self.world = World()
        self.world.registry.up = False
        self.registry = Registry()
        self.said: list[tuple[str, dict[str, Any]]] = []
        self.log = ServiceEventLog(cast("Any", self), self.world.time, 100)
        self.watch = RegistryWatch(self.world.dispatcher, cast("Any", self.registry), self.log, cast("Any", self))

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *_, **fields: self.said.append((name, fields))

    def look(self) -> dict[TopicPartition, PartitionHold]:
        self.watch.look(ClockReading(self.world.time.monotonic(), self.world.time.wall()))
        return self.log.partition_holds

    def refuse(self, reference: str = "id:7") -> None:
        self.registry.troubles[reference] = Met("connection", "http://r:8081: Connection refused", self.world.now + 8)


@pytest.fixture
def scene() -> Scene:
    return Scene()


def test_a_look_up_that_is_soon_over_is_no_hold(scene: Scene) -> None:
    scene.world.feed(ORDERS, "id:7|ann")
    assert scene.look() == {}
    scene.world.run(SHOWN_AFTER)
    assert scene.look()[ORDERS].sentence.endswith("it is being looked up.")
    assert scene.said == []


def test_a_partition_that_waits_is_held_since_its_record_came_with_the_registrys_sentence(scene: Scene) -> None:
    scene.world.feed(ORDERS, "id:7|ann")
    began = scene.world.time.wall()
    scene.world.run(1.0)
    scene.refuse()
    hold = scene.look()[ORDERS]
    assert hold.why is Reason.SCHEMA_REGISTRY
    assert hold.since == pytest.approx(began)
    assert hold.next_try == pytest.approx(scene.world.time.wall() + 8)
    assert "id:7" in hold.sentence
    assert "Connection refused" in hold.sentence
    assert not hold.needs_someone


@pytest.mark.parametrize("kind", ["login", "wrong_address", "tls"])
def test_what_does_not_end_by_itself_needs_someone_and_says_what_to_do(scene: Scene, kind: str) -> None:
    scene.world.feed(ORDERS, "id:7|ann")
    scene.registry.troubles["id:7"] = Met(kind, "it answered 401")
    hold = scene.look()[ORDERS]
    assert hold.needs_someone
    assert "schema_registry" in hold.action


def test_a_registry_that_is_away_is_said_once_whatever_number_of_partitions_and_records(scene: Scene) -> None:
    for partition in (ORDERS, MORE):
        scene.world.feed(partition, "id:7|ann", "id:7|bob")
    scene.refuse()
    for _ in range(50):
        scene.look()
        scene.world.run(0.25)
    assert [name for name, _ in scene.said] == ["schema_registry_lost"]
    assert scene.said[0][1]["partitions"] == [ORDERS, MORE]
    scene.world.registry.schemas["id:7"] = scene.world.registry.up = True
    scene.registry.troubles.clear()
    scene.world.run(2.0)
    assert scene.look() == {}
    assert [name for name, _ in scene.said] == ["schema_registry_lost", "schema_registry_back"]


def test_a_schema_that_a_registry_does_not_know_is_said_once_with_its_record(scene: Scene) -> None:
    scene.world.feed(ORDERS, "ann", "id:7|ann")
    scene.registry.troubles["id:7"] = Met("unknown", "the registry does not know schema id 7")
    for _ in range(5):
        scene.look()
    assert "unknown_id_after" in scene.look()[ORDERS].action
    ((name, fields),) = scene.said
    assert (name, fields["schema"], fields["partition"], fields["offset"]) == ("schema_awaited", "id:7", ORDERS, 1)


def test_what_holds_a_partition_beside_that_stays_shown(scene: Scene) -> None:
    scene.world.feed(ORDERS, "id:7|ann")
    scene.log.hold_partition(ORDERS, Reason.TRANSACTION_HANGING, "open")
    scene.refuse()
    assert scene.look()[ORDERS].why is Reason.TRANSACTION_HANGING
    scene.log.release_partition(ORDERS, Reason.TRANSACTION_HANGING)
    assert scene.look()[ORDERS].why is Reason.SCHEMA_REGISTRY


def test_a_partition_that_leaves_is_held_no_more_and_nothing_is_said_of_it(scene: Scene) -> None:
    scene.world.feed(ORDERS, "id:7|ann")
    scene.refuse()
    scene.look()
    scene.said.clear()
    scene.world.lose(ORDERS)
    scene.log.release_partition(ORDERS)
    assert scene.look() == {}
    assert [name for name, _ in scene.said] == ["schema_registry_back"]


def test_the_pipelines_wishes_reach_the_registry_and_its_answers_come_back_once() -> None:
    wants: dict[str, Callable[[], None]] = {}
    taken_back: list[str] = []
    told: list[str] = []

    class Asked:
        def want(self, reference: str, on_known: Callable[[], None], /) -> Callable[[], None]:
            wants[reference] = on_known
            return lambda: taken_back.append(reference)

    class Receipts:
        def looked_up(self, reference: str, /) -> None:
            told.append(reference)

    lookups = PipelineLookups(cast("Any", Asked()), Receipts())
    lookups.want("id:1")
    lookups.want("id:2")
    wants["id:1"]()
    lookups.forget("id:1")
    lookups.forget("id:2")
    assert (told, taken_back) == (["id:1"], ["id:2"])
