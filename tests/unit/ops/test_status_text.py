from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

from bridge.holds import Reason
from bridge.model import Retried, Retry, TopicPartition
from bridge.ops import status
from bridge.ops.snapshot import Block, Group, Key, PartitionHold
from bridge.ops.status_text import lines

if TYPE_CHECKING:
    from bridge.ops.snapshot import Snapshot


def shown(snapshot: Snapshot) -> list[str]:
    return lines(json.loads(json.dumps(status.document(snapshot))))


def section(page: list[str], title: str) -> list[str]:
    rest = page[page.index(title) + 1 :]
    return [line.strip() for line in (rest[: rest.index("")] if "" in rest else rest)]


def test_the_page_begins_with_who_it_is_and_the_state_in_a_sentence(busy: Snapshot) -> None:
    page = shown(busy)

    assert page[0] == "track-bridge 1.2.3, group userpilot-bridge, up 2 h 13 min"
    assert page[1] == "DELIVERING: Delivering from 1 of 1 partitions."


def test_what_is_stuck_says_since_when_why_and_what_to_do(busy: Snapshot) -> None:
    held = PartitionHold(Reason.OUT_OF_RANGE, busy.at - 185, "Position 5 is below the log's start 9.")
    stuck = replace(busy, partitions=(busy.partitions[0], replace(busy.partitions[0], hold=held)))

    found = section(shown(stuck), "Stuck")

    assert found[0] == "out_of_range since 2026-01-02T11:56:55.000Z (3 min 5 s): shop.orders/3"
    assert found[1] == "Position 5 is below the log's start 9."
    assert found[2].startswith("To do: Stop the group, set its position")


def test_partitions_of_one_reason_are_told_together(busy: Snapshot) -> None:
    partitions = [
        replace(busy.partitions[0], partition=TopicPartition(topic, number))
        for topic, number in [("a", 0), ("a", 1), ("a", 2), ("a", 5), ("b", 7)]
    ]
    outage = replace(busy, partitions=partitions, blocks=(Block(Reason.OUTAGE, busy.at, "503."),))

    found = section(shown(outage), "Stuck")

    assert found[0].endswith(": a/0-2,5, b/7")
    assert len(found) == 3


def test_nothing_stuck_and_nothing_lost_is_said(quiet: Snapshot) -> None:
    page = shown(quiet)

    assert section(page, "Stuck") == ["nothing"]
    assert section(page, "Lost") == ["nothing"]
    assert section(page, "Partitions") == ["none assigned"]


def test_possible_loss_and_possible_duplicates_are_told_with_their_bounds(busy: Snapshot) -> None:
    found = section(shown(busy), "Lost")

    assert found[0].startswith("possibly lost: at most 120 records left the log before they were sent")
    assert found[1].startswith("possibly sent twice: 30 requests whose answer never came, and what 1 forced")


def test_records_the_accounting_cannot_explain_are_told_as_a_defect(busy: Snapshot) -> None:
    leaking = replace(busy, group=Group(), records=replace(busy.records, consumed=1_003))

    assert section(shown(leaking), "Lost")[0].startswith("unaccounted: 3 records")


def test_columns_are_aligned(busy: Snapshot) -> None:
    other = replace(
        busy.partitions[0], partition=TopicPartition("a.much.longer.topic", 12), position=1_234_567, end=None
    )
    page = shown(replace(busy, partitions=(busy.partitions[0], other)))

    start = page.index("Partitions") + 1
    head, *rows = page[start : start + 3]
    assert {len(row) for row in (head, *rows)} == {len(head)}
    assert "1,234,567    ?" in rows[1]


def test_routes_that_never_matched_are_marked(busy: Snapshot) -> None:
    found = section(shown(busy), "Routes")

    assert found[2].startswith("account.*")
    assert found[2].endswith("never matched")


def test_filtered_and_dead_lettered_records_show_their_reasons(busy: Snapshot) -> None:
    found = section(shown(busy), "Records")

    assert any(line.startswith("filtered") and line.endswith("unmapped 90, tombstone 10") for line in found)
    assert any(line.startswith("dead lettered") and line.endswith("unmappable 5") for line in found)


def test_the_rate_is_told_in_the_unit_it_is_configured_in(busy: Snapshot) -> None:
    assert section(shown(busy), "Rate") == ["limit 600/min, share of this replica 300/min, used in the last minute 290"]


def test_a_key_problem_is_told_and_no_problem_is_not(busy: Snapshot) -> None:
    assert "Key" not in shown(busy)
    assert section(shown(replace(busy, key=Key(problem="/run/key is empty."))), "Key") == ["/run/key is empty."]


def test_control_characters_from_outside_cannot_reach_the_terminal(busy: Snapshot) -> None:
    mapped = replace(busy.mapped, unmapped_types={"\x1b[2Jclear\nme": 1})

    page = shown(replace(busy, mapped=mapped, blocks=(Block(Reason.OUTAGE, busy.at, "503 \x1b[31mred."),)))

    assert all(line.isprintable() for line in page)
    assert section(page, "Unmapped types") == [r"\x1b[2Jclear\nme  1"]


def test_retries_say_their_last_answer_their_attempts_and_when_the_next_one_is(busy: Snapshot) -> None:
    answer = Retry("server_error", "the API answered 500 (x-request-id r-1)", 500, request_id="r-1")
    event = Retried(TopicPartition("shop.orders", 3), 100, 0, "order.completed", 14, 9, 12, 42.0, answer, 7)
    elsewhere = replace(event, offset=101, answer=None, next_in=None, behind=0)
    page = shown(replace(busy, retries=[event, elsewhere], failing_users=2, failing_records=9))

    assert section(page, "Retries") == [
        "9 records of 2 users wait for events that fail",
        "shop.orders/3 offset 100: 14 attempts, 9 of 12 that count, next in 42 s, 7 behind it",
        "last answer: the API answered 500 (x-request-id r-1)",
        "shop.orders/3 offset 101: 14 attempts, 9 of 12 that count, next now",
        "last answer: in another process",
    ]


def test_without_a_failure_there_is_nothing_of_retries(busy: Snapshot) -> None:
    assert "Retries" not in shown(busy)
