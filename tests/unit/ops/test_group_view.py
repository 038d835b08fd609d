"""What ought to be read, and what the pages say of what is not."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from bridge.config.topics.consumed_topics import ConsumedTopics
from bridge.config.topics.topic_patterns import Reading
from bridge.holds import Reason
from bridge.model import TopicPartition
from bridge.ops import health
from bridge.ops.group_view import (
    STALLED_AFTER,
    GroupView,
    LookAnswers,
    MemberView,
    PartitionStanding,
    TopicProblem,
    TopicView,
    nothing_to_read,
    topics,
)
from bridge.ops.snapshot import OldestOpen, PartitionHold
from bridge.ops.status import status_document, status_text

if TYPE_CHECKING:
    from bridge.ops.snapshot import PartitionView, Snapshot, Vitals

MISSING = TopicProblem(Reason.TOPIC_MISSING, "kafka.topics: topic shop.accounts does not exist on this cluster", 1.0)
FORBIDDEN = TopicProblem(Reason.NOT_AUTHORISED, "kafka.topics: this user may not read topic shop.accounts", 1.0)


def reading(entries: list[str]) -> ConsumedTopics:
    return ConsumedTopics(entries, Reading.SEARCHED)


def owned(
    committed: int, end: int, *, still_for: float = 0.0, owner: str | None = "b at 10.0.0.2"
) -> PartitionStanding:
    return PartitionStanding(committed, None, end, owner, owner is not None, still_for)


def test_every_configured_topic_is_shown_in_its_order_and_a_pattern_as_what_it_matches() -> None:
    facts = LookAnswers({"shop.orders": 1, "bill.b": 2, "bill.a": 1}, {}, {"shop.accounts": MISSING})
    views = topics(reading(["shop.accounts", "^bill", "shop.orders", "^nothing"]), facts)
    assert [(view.topic, view.partitions) for view in views] == [
        ("shop.accounts", 0),
        ("bill.a", 1),
        ("bill.b", 2),
        ("shop.orders", 1),
        ("^nothing", 0),
    ]
    assert views[0].problem is MISSING


def test_the_lag_of_a_topic_is_that_of_all_its_partitions_whoever_has_them() -> None:
    standings = {
        TopicPartition("t", 0): owned(10, 15),
        TopicPartition("t", 1): PartitionStanding(None, 3, 7, None, False),
        TopicPartition("t", 2): owned(5, 4),
    }
    [view] = topics(reading(["t"]), LookAnswers({"t": 3}, standings))
    assert (view.lag, view.unowned) == (5 + 4 + 0, (1,))


def test_a_number_that_is_not_known_is_not_a_zero() -> None:
    standings = {TopicPartition("t", 0): owned(10, 15), TopicPartition("t", 1): PartitionStanding(committed=3)}
    [view] = topics(reading(["t"]), LookAnswers({"t": 2}, standings))
    assert (view.lag, view.unowned) == (None, None)


@pytest.mark.parametrize(
    ("standing", "mine", "stalled"),
    [
        (owned(10, 15, still_for=STALLED_AFTER), set(), (0,)),
        (owned(10, 15, still_for=STALLED_AFTER - 1), set(), ()),
        (owned(15, 15, still_for=1000.0), set(), ()),
        (owned(10, 15, still_for=1000.0), {TopicPartition("t", 0)}, ()),
    ],
    ids=["a dead owner", "not for long", "nothing waits", "ours"],
)
def test_a_partition_of_another_member_that_commits_nothing_while_records_wait_is_stalled(
    standing: PartitionStanding, mine: set[TopicPartition], stalled: tuple[int, ...]
) -> None:
    [view] = topics(reading(["t"]), LookAnswers({"t": 1}, {TopicPartition("t", 0): standing}, mine=frozenset(mine)))
    assert view.stalled == stalled
    assert view.owners_of_stalled == (("b at 10.0.0.2",) if stalled else ())


# --- the pages ----------------------------------------------------------------------------------------------------


def seen(snapshot: Snapshot, *views: TopicView) -> Snapshot:
    problems = [view.problem for view in views if view.problem is not None]
    nothing = nothing_to_read(views) if views else None
    return replace(
        snapshot,
        group_view=GroupView(snapshot.at - 3, "stable", (MemberView("a", "10.0.0.1", 4),), topics=views),
        vitals=replace(snapshot.vitals, topic_problems=problems, nothing_to_read=nothing),
    )


@pytest.mark.parametrize("problem", [MISSING, FORBIDDEN])
def test_a_topic_that_yields_nothing_is_never_everything_that_arrived_is_done(
    problem: TopicProblem, quiet: Snapshot
) -> None:
    document = status_document.document(
        seen(quiet, TopicView("shop.orders", 3, 0, ()), TopicView("shop.accounts", problem=problem))
    )
    assert document["state"] == "held"
    assert document["sentence"].startswith(problem.detail)
    assert [row["problem"] for row in document["topics"]] == [None, problem.reason.value]
    assert document["ready"] == {
        "ready": True,
        "reasons": [{"reason": problem.reason.value, "message": f"{problem.detail}."}],
    }
    text = "\n".join(status_text.lines(document, width=400))
    assert problem.reason.value in text
    assert f"To do: {document['topics'][1]['action']}" in text


def test_a_process_that_can_read_nothing_at_all_is_not_ready(vitals: Vitals) -> None:
    found = health.ready(replace(vitals, topic_problems=[MISSING, FORBIDDEN], nothing_to_read=MISSING))
    assert [finding.reason for finding in found.findings] == ["topic_missing"]


def test_patterns_that_match_nothing_yet_are_said_and_hold_nobody(quiet: Snapshot) -> None:
    nothing = TopicProblem(Reason.TOPIC_MISSING, "kafka.topics: no topic matches ^bill now", 1.0)
    document = status_document.document(seen(quiet, TopicView("^bill", problem=nothing)))
    assert (document["state"], document["ready"]["ready"]) == ("idle", True)
    assert nothing.detail in document["sentence"]


def test_partitions_that_nobody_has_are_named_where_all_else_is_well(quiet: Snapshot) -> None:
    document = status_document.document(seen(quiet, TopicView("shop.orders", 9, 400, (4, 5, 8))))
    assert "No member of the group has shop.orders/4, shop.orders/5, shop.orders/8." in document["sentence"]
    assert "others have them all" not in document["sentence"]
    assert "nobody's: 4-5,8" in "\n".join(status_text.lines(document))


# --- held partitions ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("position", "start", "end", "lag"),
    [(None, 5, 25, 20), (3, 10, 25, 15), (90, 0, 5, 5), (12, 10, 25, 13)],
    ids=["never read", "below the log", "above the log", "inside"],
)
def test_a_held_partition_has_the_lag_of_all_that_its_log_can_still_give(
    partition: PartitionView, position: int | None, start: int, end: int, lag: int
) -> None:
    held = replace(partition, position=position, start=start, end=end, oldest=None, open_records=0)
    assert held.lag == lag


def test_a_held_partition_ages_with_its_oldest_record_or_since_it_was_first_seen_to_wait(
    busy: Snapshot, partition: PartitionView
) -> None:
    held = replace(
        partition, hold=PartitionHold(Reason.NO_START, busy.at - 60, "Held."), open_records=0, position=None, start=100
    )
    written = replace(held, oldest=OldestOpen(100, since=busy.at - 20, timestamp=busy.at - 86_400))
    unknown = replace(held, oldest=OldestOpen(100, since=busy.at - 20))
    assert written.oldest_age(busy.at) == 86_400
    assert unknown.oldest_age(busy.at) == 20
