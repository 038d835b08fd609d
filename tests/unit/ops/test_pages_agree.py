"""Headline, lists, rows, readiness and metrics of one moment say the same, whatever happens at once."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bridge.holds import REASONS, Reason, shown
from bridge.model import TopicPartition
from bridge.ops import health
from bridge.ops.metrics.catalogue import CATALOGUE
from bridge.ops.snapshot import ClosedGate, KafkaLost, PartitionHold
from bridge.ops.status import status_document
from tests.everyday import examples

if TYPE_CHECKING:
    from bridge.ops.snapshot import Snapshot

HOLDS = (
    None,
    Reason.OUT_OF_RANGE,
    Reason.CREATED_AGAIN,
    Reason.NO_START,
    Reason.POSITION_UNKNOWN,
    Reason.TRANSACTION_HANGING,
    Reason.HELD_BY_OPERATOR,
    Reason.DEAD_LETTERS_UNWRITABLE,
)
GATES = (
    Reason.UNAUTHORIZED,
    Reason.DEAD_LETTERS_UNWRITABLE,
    Reason.OUTAGE,
    Reason.MEMBERSHIP,
    Reason.RETRY_AFTER,
    Reason.RATE_LIMITED,
    Reason.KAFKA_UNREACHABLE,
)


@st.composite
def moments(draw: st.DrawFn, busy: Snapshot) -> Snapshot:
    """What the service can bring about: a gate and what readiness goes by are two looks at one fact."""
    closed = draw(st.lists(st.sampled_from(GATES), unique=True, max_size=4))
    blocks = tuple(ClosedGate(gate, busy.at - 9, f"{gate.value} it is.", busy.at + 9) for gate in closed)
    partitions = tuple(
        replace(
            busy.partitions[0],
            partition=TopicPartition("shop.orders", number),
            hold=None if why is None else PartitionHold(why, busy.at - number, f"{number} is held."),
        )
        for number, why in enumerate(draw(st.lists(st.sampled_from(HOLDS), max_size=5)))
    )
    said = {gate: f"{gate.value} it is." for gate in closed}
    lost = Reason.KAFKA_UNREACHABLE in closed
    return replace(
        busy,
        blocks=blocks,
        partitions=partitions,
        kafka_lost=KafkaLost(busy.at - 9, "no broker") if lost else None,
        vitals=replace(
            busy.vitals,
            joined=draw(st.booleans()),
            join_problem=draw(st.none() | st.just("The group refuses it.")),
            kafka=said.get(Reason.KAFKA_UNREACHABLE),
            unauthorized=said.get(Reason.UNAUTHORIZED),
            dead_letters=said.get(Reason.DEAD_LETTERS_UNWRITABLE),
        ),
    )


def samples(snapshot: Snapshot, name: str) -> dict[tuple[str, ...], float]:
    (metric,) = [each for each in CATALOGUE if each.name == f"track_bridge_{name}"]
    assert metric.read is not None
    found: Any = metric.read(snapshot)
    return dict(found)


@settings(deadline=None, max_examples=examples(300), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_headline_lists_rows_readiness_and_metrics_of_one_moment_agree(busy: Snapshot, data: st.DataObject) -> None:
    snapshot = data.draw(moments(busy))
    document = status_document.document(snapshot)
    needed = [concern["reason"] for concern in document["needs_someone"]]
    ends = [concern["reason"] for concern in document["ends_by_itself"]]
    gates = {block.gate for block in snapshot.blocks}

    # The headline is of the first that needs someone; only where no broker answers that comes before.
    if Reason.KAFKA_UNREACHABLE in gates:
        assert document["state"] == "waiting"
        assert document["sentence"].startswith("kafka_unreachable it is.")
    elif needed:
        assert document["state"] == "held"
        assert document["sentence"].startswith(document["needs_someone"][0]["details"][0])
    else:
        assert document["state"] != "held"

    # Nobody is told to buy budget while it is not the budget that keeps records.
    if gates - {Reason.RATE_LIMITED} or needed:
        assert "limit raised" not in document["sentence"]
    if gates - {Reason.RATE_LIMITED}:
        assert not {"sending", "rate_limited"} & {row["why"] for row in document["partitions"]}
        assert not any("limit raised" in concern["action"] for concern in document["ends_by_itself"])

    # Every row's reason is told once, and every closed gate is told, whatever covers it.
    for row in document["partitions"]:
        assert row["why"] in {*needed, *ends, "sending", "idle"}
    for gate in gates - {Reason.RATE_LIMITED}:
        assert shown(gate).value in {*needed, *ends}
        assert not REASONS[gate].needs_operator or shown(gate).value in needed

    # Readiness and metrics name what the document names.
    unready = {finding.reason for finding in health.ready(snapshot.vitals).findings}
    assert unready <= {*needed, *ends}
    blocked = {reason for (reason,), value in samples(snapshot, "blocked").items() if value}
    assert blocked == {gate.value for gate in gates}
    held = {(number, why) for (_, number, why), value in samples(snapshot, "partition_held").items() if value}
    for row in document["partitions"]:
        if row["why"] in {why for _, why in held}:
            assert (str(row["partition"]), row["why"]) in held or shown(Reason(row["why"])) in map(shown, gates)
    for number, why in held:
        assert [row["why"] for row in document["partitions"] if str(row["partition"]) == number] == [why]
