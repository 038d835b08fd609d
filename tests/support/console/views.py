"""Fleets as they may be: well, in trouble, empty, unseen, and with names that mean harm."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from bridge.fleet.view import (
    FleetBudget,
    FleetConcern,
    FleetGroup,
    FleetPartition,
    FleetView,
    ReplayView,
    ReplicaView,
)
from bridge.formats.operator_hold import OperatorHold
from bridge.holds import Reason
from bridge.model import TopicPartition
from bridge.ops.group_view import MemberView, TopicProblem, TopicView
from bridge.ops.snapshot import Letters, RecordedLoss, RecordedLosses
from bridge.ops.status.forecast import Forecast, LostBy, Pace

NOON: Final = 1_767_355_200.0
"""2026-01-02T12:00:00Z."""
MINUTE: Final = 60.0
GROUP: Final = "userpilot-bridge"


def document(state: str = "delivering", sentence: str = "Delivering from 4 of 4 partitions.") -> Mapping[str, Any]:
    """What of a replica's `/status` the pages read."""
    routes = [
        {"route": "order.completed", "matched": 1200, "delivered": 1100, "filtered": 60, "dead_lettered": 40},
        {"route": "user.signed_up#2", "matched": 90, "delivered": 90, "filtered": 0, "dead_lettered": 0},
    ]
    return {
        "state": state,
        "sentence": sentence,
        "version": "0.9.0",
        "configuration": {"hash": "5f2b0c9a11de", "mapping": "012345678"},
        "routes": routes,
        "unmapped": {"records": 17, "types": [{"type": "cart.viewed", "records": 17}]},
    }


def partitions(topic: str = "shop.orders", count: int = 6) -> tuple[FleetPartition, ...]:
    """Some of them wait."""
    return tuple(
        FleetPartition(
            TopicPartition(topic, number),
            owner=f"bridge-{number % 3}",
            is_owned=True,
            replica=f"10.0.0.{number % 3 + 1}:9464",
            committed=1_000 * number,
            start=0,
            end=1_000 * number + 40 * number,
            lag=40 * number,
            why="retry_after" if number % 2 else "sending",
            since=NOON - 3 * MINUTE,
            until=NOON + 40.0 if number % 2 else None,
            detail="The Track API asked to wait." if number % 2 else "Records are being sent.",
            oldest_at=NOON - number * MINUTE,
            forecast=Forecast(40 * number, NOON + 90.0 * number, Pace.BUDGET, None, LostBy.NOTHING),
        )
        for number in range(count)
    )


def well() -> FleetView:
    """Nothing needs anyone."""
    rows = partitions()
    return FleetView(
        NOON,
        GROUP,
        group=FleetGroup(
            "stable", "consumer", tuple(MemberView(f"bridge-{n}", f"10.0.0.{n + 1}", 2) for n in range(3))
        ),
        replicas=tuple(ReplicaView(f"10.0.0.{n + 1}:9464", document=document()) for n in range(3)),
        topics=(TopicView("shop.orders", len(rows), sum(each.lag or 0 for each in rows), ()),),
        partitions=rows,
        budgets=(
            FleetBudget("track", 10.0, 540, tuple((f"10.0.0.{n + 1}:9464", 10 / 3) for n in range(3))),
            FleetBudget("identify", 10.0, 12, ()),
        ),
        letters=Letters({}, frozenset(), None, 7 * 86_400.0),
        losses=RecordedLosses(0, 0, None, (), 0),
        forecast=Forecast(600, NOON + 7 * MINUTE, Pace.BUDGET, None, LostBy.NOTHING),
    )


def in_trouble() -> FleetView:
    """A refused key, an outage that ends, a partition held, a replica gone, losses."""
    good = well()
    held = good.partitions[5]
    rows = (
        *good.partitions[:4],
        FleetPartition(TopicPartition("shop.orders", 4), is_owned=False, lag=160),
        _held(held),
    )
    return FleetView(
        NOON,
        GROUP,
        group=good.group,
        replicas=(
            *good.replicas[:1],
            ReplicaView("10.0.0.2:9464", document=document("held", "The Track API refuses the API key (401).")),
            ReplicaView("10.0.0.3:9464", "No bridge answers at http://10.0.0.3:9464/status (no answer in time)."),
        ),
        topics=(
            *good.topics,
            TopicView(
                "shop.users", problem=TopicProblem(Reason.TOPIC_MISSING, "The topic shop.users is not there", NOON)
            ),
        ),
        partitions=rows,
        budgets=good.budgets,
        replays=(ReplayView("track-bridge dlq replay on host-1", NOON - 90.0, 2.0, "120 of 400 dead letters"),),
        letters=Letters({"rejected": 17, "unmappable": 3}, frozenset({"rejected"}), NOON - 3_600.0, 7 * 86_400.0),
        losses=RecordedLosses(
            1_200,
            1,
            NOON - 86_400.0,
            (
                RecordedLoss(TopicPartition("shop.orders", 2), 100, 1_300, "retention", NOON - 86_400.0),
                RecordedLoss(TopicPartition("shop.orders", 3), 7, None, "recreated", NOON - 7_200.0),
            ),
            2,
        ),
        concerns=(
            FleetConcern(
                "unauthorized",
                needs_someone=True,
                since=NOON - 12 * MINUTE,
                next_try=NOON + 8.0,
                details=("The Track API refuses the API key or the address (401); all sending is held.",),
                action="Put a valid key into the file of track.api_key_file. It is read again every 10 s.",
                partitions=tuple(each.partition for each in rows),
                replicas=("10.0.0.2:9464",),
            ),
            FleetConcern(
                "topic_missing",
                needs_someone=True,
                since=NOON - 3_600.0,
                details=("The topic shop.users is not there.",),
                action="Create the topic, or correct kafka.topics and restart.",
                topics=("shop.users",),
                left_out=2,
            ),
            FleetConcern(
                "retry_after",
                needs_someone=False,
                since=NOON - 30.0,
                until=NOON + 40.0,
                details=("The Track API asked to wait (429).",),
                partitions=(TopicPartition("shop.orders", 1), TopicPartition("shop.orders", 3)),
            ),
        ),
        forecast=Forecast(12_600, None, Pace.GROWING, NOON + 6 * 3_600.0, LostBy.RETENTION),
    )


def _held(partition: FleetPartition) -> FleetPartition:
    return FleetPartition(
        partition.partition,
        owner=partition.owner,
        is_owned=True,
        replica=partition.replica,
        committed=partition.committed,
        lag=partition.lag,
        why="held_by_operator",
        since=NOON - 3_000.0,
        detail="Held by ada: the users of this topic are migrated.",
        action="Release it once that is done.",
        hold=OperatorHold("the users of this topic are migrated", "ada", int(NOON) - 3_000),
    )


def empty() -> FleetView:
    """Of a group that nobody was ever a member of."""
    return FleetView(NOON, GROUP, group=FleetGroup("empty", "unknown", ()))


def unseen() -> FleetView:
    """Kafka does not answer, and neither does any replica."""
    return FleetView(
        NOON,
        GROUP,
        kafka_problem="No broker at kafka-1:9092 answers: connection refused.",
        replicas=(ReplicaView("127.0.0.1:9464", "No bridge answers at http://127.0.0.1:9464/status."),),
    )


HARM: Final = "<script>alert(1)</script>\"'>\x1b[31m\u202e\n" + "x" * 5_000


def harmful() -> FleetView:
    """Every text that comes from outside is an attack."""
    where = TopicPartition(HARM, 0)
    return FleetView(
        NOON,
        HARM,
        kafka_problem=HARM,
        group=FleetGroup(HARM, HARM, (MemberView(HARM, HARM, 1),)),
        replicas=(ReplicaView(HARM, HARM), ReplicaView(HARM, document=document(HARM, HARM))),
        topics=(TopicView(HARM, 1, 1, problem=TopicProblem(Reason.TOPIC_MISSING, HARM, NOON)),),
        partitions=(
            FleetPartition(
                where,
                owner=HARM,
                is_owned=True,
                replica=HARM,
                why=HARM,
                detail=HARM,
                action=HARM,
                since=1e18,
                until=-1e18,
                oldest_at=1e300,
                hold=OperatorHold(HARM, HARM, 10**17),
                forecast=Forecast(10**18, 1e300, Pace.UNKNOWN, 1e300, LostBy.UNKNOWN),
            ),
        ),
        budgets=(FleetBudget(HARM, 1e-9, 10**9, ((HARM, None),)),),
        replays=(ReplayView(HARM, 0.0, None, HARM),),
        letters=Letters({HARM: 1}, frozenset({HARM}), 0.0, None),
        losses=RecordedLosses(1, 1, 0.0, (RecordedLoss(where, 0, None, HARM, 1e300),), 1, HARM),
        concerns=(
            FleetConcern(
                HARM,
                needs_someone=True,
                details=(HARM,),
                action=HARM,
                partitions=(where,) * 40,
                topics=(HARM,),
                replicas=(HARM,),
            ),
        ),
        forecast=Forecast(10**18, 1e300, Pace.GROWING, 1e300, LostBy.RETENTION),
    )


EVERY: Final = {
    "well": well,
    "in trouble": in_trouble,
    "empty": empty,
    "unseen": unseen,
    "harmful": harmful,
}
