"""What an operator holds is released by a command that works from where the fleet is looked at."""

from __future__ import annotations

from bridge.fleet.releasing import by_group
from bridge.fleet.view import FleetConcern, FleetPartition, FleetView
from bridge.model import TopicPartition

BESIDE = "Run `track-bridge release orders -c /etc/b2.yaml` beside the replica that has the partition."


def held(topic: str, number: int, until: float | None = None, why: str = "held_by_operator") -> FleetPartition:
    return FleetPartition(TopicPartition(topic, number), None, True, None, 1, 0, 9, 8, why, 5, until, action=BESIDE)


def concern(*partitions: TopicPartition, needs_someone: bool = True, reason: str = "held_by_operator") -> FleetConcern:
    return FleetConcern(reason, needs_someone, action=BESIDE, partitions=partitions)


def test_a_partition_is_released_by_its_name_and_a_pause_is_ended() -> None:
    view = by_group(FleetView(9, "g", partitions=(held("orders", 3), held("orders", 4, 60), held("a", 0, why="idle"))))
    assert [each.action for each in view.partitions] == [
        "Run `track-bridge release orders --partition 3 --group` when it may be sent again.",
        "Nothing: it ends by itself at the time shown. `track-bridge resume orders --partition 4 --group` ends it now.",
        BESIDE,
    ]


def test_of_a_hold_all_its_partitions_and_no_others_are_released() -> None:
    places = (TopicPartition("orders", 3), TopicPartition("orders", 1), TopicPartition("a", 0))
    paused = concern(*places[:1], needs_someone=False)
    view = by_group(FleetView(9, "g", concerns=(concern(*places), paused, concern(reason="outage"))))
    assert [each.action for each in view.concerns] == [
        (
            "Run `track-bridge release a --partition 0 --group` and `track-bridge release orders --partition 1 "
            "--partition 3 --group` when it may be sent again."
        ),
        "Nothing: it ends by itself at the time shown. `track-bridge resume orders --partition 3 --group` ends it now.",
        BESIDE,
    ]
