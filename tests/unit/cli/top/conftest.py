"""A group at night: something needs someone, something ends by itself, one replica is silent."""

from __future__ import annotations

from typing import Any

import pytest

from bridge.fleet.view import FleetConcern, FleetPartition, FleetView, ReplicaView
from bridge.formats.operator_hold import OperatorHold
from bridge.model import TopicPartition

AT = 1_767_355_200.0
A, B, C = "http://10.0.0.3:9464", "http://10.0.0.4:9464", "http://10.0.0.5:9464"


def document(state: str, sentence: str, delivered: int) -> dict[str, Any]:
    counts = {"matched": delivered + 10, "filtered": 6, "dead_lettered": 4}
    quiet = {"matched": 7, "delivered": 7, "filtered": 0, "dead_lettered": 0}
    return {
        "state": state, "sentence": sentence, "version": "0.9.0", "group": "bridge-prod",
        "group_view": {"mapping": "000000007"},
        "routes": [{"route": "order.completed", "delivered": delivered, **counts}, {"route": "user.created", **quiet}],
    }  # fmt: skip


def fleet(delivered: int = 600, at: float = AT) -> FleetView:
    held = "Too many dead letters in a row: plan is missing."
    paused = "Paused by alice until then: index is rebuilt"
    partitions = [
        FleetPartition(TopicPartition("shop.orders", 0), "bridge-0", True, A, 100, 0, 160, 60, "sending", at - 5),
        FleetPartition(
            TopicPartition("shop.orders", 1), "bridge-1", True, B, 100, 0, 13_100, 13_000, "dead_letter_hold",
            at - 3_600, detail=held, action="Look at the reasons of the last dead letters.", oldest_at=at - 3_700,
        ),
        FleetPartition(
            TopicPartition("shop.orders", 2), "bridge-2", True, None, 100, 0, 700, 600, "held_by_operator", at - 60,
            at + 840, detail=paused, hold=OperatorHold("index is rebuilt", "alice", int(at - 60), int(at + 840)),
        ),
        *(
            FleetPartition(TopicPartition("shop.users", number), "bridge-0", True, A, 9, 0, 9, 0, "idle")
            for number in range(12)
        ),
    ]  # fmt: skip
    concerns = (
        FleetConcern(
            "dead_letter_hold", True, at - 3_600, details=(held,), replicas=(B,),
            action="Look at the reasons of the last dead letters.", partitions=(TopicPartition("shop.orders", 1),),
        ),
        FleetConcern(
            "held_by_operator", False, at - 60, at + 840, details=(paused,),
            partitions=(TopicPartition("shop.orders", 2),),
        ),
    )  # fmt: skip
    replicas = (
        ReplicaView(A, document=document("delivering", "Delivering from 1 of 13 partitions.", delivered)),
        ReplicaView(B, document=document("held", held, 0)),
        ReplicaView(C, "No bridge answers at http://10.0.0.5:9464/status (Connection refused)."),
    )
    return FleetView(at, "bridge-prod", replicas=replicas, partitions=tuple(partitions), concerns=concerns)


@pytest.fixture
def view() -> FleetView:
    return fleet()
