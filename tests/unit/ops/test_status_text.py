from __future__ import annotations

import json
import math
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from bridge.counts import SourceCounts
from bridge.holds import Reason
from bridge.model import Filtered, FilterReason, Retried, Retry, TopicPartition
from bridge.ops.group_view import GroupView, TopicProblem, TopicView
from bridge.ops.snapshot import (
    ClosedGate,
    KafkaLost,
    KeyView,
    Letters,
    LoginView,
    MembershipView,
    MovingBacklog,
    OldestOpen,
    PartitionHold,
    RecordedLoss,
    RecordedLosses,
)
from bridge.ops.status import status_document
from bridge.ops.status.status_text import lines, watched

if TYPE_CHECKING:
    from bridge.ops.snapshot import Snapshot


def utc(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def shown(snapshot: Snapshot, width: int = 400) -> list[str]:
    """Wide enough for every paragraph to be one line; how they are broken is a matter of `test_status_layout`."""
    return lines(json.loads(json.dumps(status_document.document(snapshot))), width, utc)


def section(page: list[str], title: str) -> list[str]:
    rest = page[page.index(title) + 1 :]
    return [line.strip() for line in (rest[: rest.index("")] if "" in rest else rest)]


def test_the_page_begins_with_who_it_is_and_the_state_in_a_sentence(busy: Snapshot) -> None:
    page = shown(busy)

    assert page[0] == "track-bridge 1.2.3, group userpilot-bridge, up 2 h 13 min, at 12:00:00 UTC"
    assert page[1] == "DELIVERING: Delivering from 1 of 1 partitions."


def test_what_needs_someone_says_since_when_why_and_what_to_do(busy: Snapshot) -> None:
    held = PartitionHold(Reason.OUT_OF_RANGE, busy.at - 185, "Position 5 is below the log's start 9.")
    stuck = replace(busy, partitions=(busy.partitions[0], replace(busy.partitions[0], hold=held)))

    found = section(shown(stuck), "Needs someone")

    assert found[0] == "out_of_range since 11:56:55 (3 min 5 s): shop.orders/3"
    assert found[1] == "Position 5 is below the log's start 9."
    assert found[2].startswith("To do: Set the committed offset")


def test_partitions_of_one_reason_are_told_together(busy: Snapshot) -> None:
    partitions = [
        replace(busy.partitions[0], partition=TopicPartition(topic, number))
        for topic, number in [("a", 0), ("a", 1), ("a", 2), ("a", 5), ("b", 7)]
    ]
    outage = replace(busy, partitions=partitions, blocks=(ClosedGate(Reason.OUTAGE, busy.at, "503."),))

    found = section(shown(outage), "Ends by itself")

    assert found[0].endswith(": a/0-2,5, b/7")
    assert len(found) == 3


def test_one_reason_is_told_once_for_300_partitions_that_each_say_something_else(busy: Snapshot) -> None:
    partitions = [
        replace(
            busy.partitions[0],
            partition=TopicPartition("shop.orders", number),
            hold=PartitionHold(Reason.OUT_OF_RANGE, busy.at - number, f"Position {number} is below the log's start."),
        )
        for number in range(300)
    ]

    found = section(shown(replace(busy, partitions=partitions)), "Needs someone")

    assert found[0] == "out_of_range since 11:55:01 (4 min 59 s): shop.orders/0-299"
    assert found[4] == "and 297 more like that"
    assert len(found) == 6


def test_a_normal_backlog_needs_nobody_and_says_when_it_is_done(busy: Snapshot) -> None:
    limited = replace(
        busy,
        blocks=(ClosedGate(Reason.RATE_LIMITED, busy.at - 30, until=busy.at + 0.1),),
        backlog=MovingBacklog(6_000, since=busy.at - 300, before=6_500, at=busy.at),
    )
    page = shown(limited)

    assert section(page, "Needs someone") == ["nothing"]
    ends = section(page, "Ends by itself")
    assert ends[0] == "rate_limited since 11:59:30 (30 s): shop.orders/3"
    assert ends[-1] == (
        "At the pace of the last 5 min 0 s the backlog of 6,000 records is done about 13:00 (in 1 h 0 min)."
    )


def test_a_backlog_that_grows_never_catches_up_and_a_short_watch_says_nothing(busy: Snapshot) -> None:
    limited = replace(busy, blocks=(ClosedGate(Reason.RATE_LIMITED, busy.at - 30),))
    grows = replace(limited, backlog=MovingBacklog(6_500, since=busy.at - 300, before=6_000, at=busy.at))

    assert section(shown(grows), "Ends by itself")[-1] == (
        "The backlog of 6,500 records has not shrunk in the last 5 min 0 s (+100 a minute): at this pace it never"
        " catches up."
    )
    assert section(shown(limited), "Ends by itself")[-1].startswith("How long that takes is said as soon as")


def test_nothing_is_forecast_while_a_partition_is_held(busy: Snapshot) -> None:
    held = PartitionHold(Reason.NO_START, busy.at, "Held.")
    both = replace(
        busy,
        partitions=(busy.partitions[0], replace(busy.partitions[0], hold=held)),
        blocks=(ClosedGate(Reason.RATE_LIMITED, busy.at - 30),),
        backlog=MovingBacklog(6_000, since=busy.at - 300, before=6_500, at=busy.at),
    )

    assert section(shown(both), "Ends by itself")[-1] == (
        "The backlog of 6,000 records shrank by 100 a minute in the last 5 min 0 s."
    )


def test_a_pause_says_until_when_and_a_probe_when_it_is_tried_again(busy: Snapshot) -> None:
    paused = replace(busy, blocks=(ClosedGate(Reason.RETRY_AFTER, busy.at - 10, "429.", busy.at + 50),))
    outage = replace(busy, blocks=(ClosedGate(Reason.OUTAGE, busy.at - 10, "503.", busy.at + 5, busy.at + 5),))

    assert section(shown(paused), "Ends by itself")[0] == (
        "retry_after until 12:00:50 (in 50 s), since 11:59:50 (10 s): shop.orders/3"
    )
    assert section(shown(outage), "Ends by itself")[:3] == [
        "outage since 11:59:50 (10 s): shop.orders/3",
        "503.",
        "Tried again at 12:00:05 (in 5 s).",
    ]


def test_a_refused_key_says_beside_it_that_its_file_cannot_be_read(busy: Snapshot) -> None:
    refused = replace(
        busy,
        blocks=(ClosedGate(Reason.UNAUTHORIZED, busy.at - 10, "The API answered 401.", next_try=busy.at + 20),),
        key=KeyView(problem="the key file /run/key cannot be read: Permission denied", problem_since=busy.at - 5),
    )
    page = shown(refused)

    assert page[1].startswith("HELD: The API answered 401. the key file /run/key cannot be read: Permission denied.")
    assert section(page, "Needs someone")[:4] == [
        "unauthorized since 11:59:50 (10 s): shop.orders/3",
        "The API answered 401.",
        "the key file /run/key cannot be read: Permission denied.",
        "Tried again at 12:00:20 (in 20 s).",
    ]


def test_a_watch_counts_in_its_headline_what_it_tells_right_below(busy: Snapshot) -> None:
    def headline(snapshot: Snapshot) -> str:
        return watched(status_document.document(snapshot), 400, utc)[1].text

    hold = PartitionHold(Reason.OUT_OF_RANGE, busy.at - 185, "Position 5 is below the log's start 9.")
    held = replace(busy, partitions=(busy.partitions[0], replace(busy.partitions[0], hold=hold)))
    paused = (ClosedGate(Reason.RETRY_AFTER, busy.at - 10, "429.", busy.at + 50),)

    assert headline(busy) == "DELIVERING: Delivering from 1 of 1 partitions."
    assert headline(held) == "HELD: 1 thing needs someone, 1 of 2 partitions held."
    assert headline(replace(busy, blocks=paused)) == "WAITING: nothing needs someone, 1 thing ends by itself."
    assert headline(replace(busy, key=KeyView(problem="no key"))) == (
        "DELIVERING: Delivering from 1 of 1 partitions. 1 thing needs someone."
    )


def test_open_dead_letters_need_someone_with_their_number_the_oldest_and_the_reasons(busy: Snapshot) -> None:
    letters = Letters(
        open_by_reason={"unmappable": 4, "rejected": 300},
        open_at_least=frozenset({"rejected"}),
        oldest_open=busy.at - 90_000,
    )

    found = section(shown(replace(busy, letters=letters)), "Needs someone")

    assert found[:2] == [
        "open_dead_letters since 2026-01-01 11:00:00 (1 d 1 h)",
        "At least 304 dead letters are open: rejected at least 300, unmappable 4.",
    ]


def test_records_that_kafka_is_about_to_delete_need_someone_and_say_from_when_on(busy: Snapshot) -> None:
    kept = replace(busy, retention={"shop.orders": 120.0}, blocks=(ClosedGate(Reason.OUTAGE, busy.at, "503."),))
    page = shown(kept)

    found = section(page, "Needs someone")
    assert found[0] == "retention_near: shop.orders/3"
    assert found[1].startswith(
        "Kafka keeps records of shop.orders for 2 min 0 s, and the oldest that waits was written"
    )
    assert "from 2026-01-02T12:00:30Z on" in found[1]
    assert found[2].startswith("To do: Lengthen retention.ms of the topic first")
    assert found[1] in page[1]


@pytest.mark.parametrize("kept", [{}, {"shop.orders": math.inf}, {"shop.orders": 181.0}, {"other": 1.0}])
def test_records_with_most_of_their_retention_left_need_nobody(busy: Snapshot, kept: dict[str, float]) -> None:
    assert not any("retention_near" in line for line in shown(replace(busy, retention=kept)))


def test_partitions_that_another_member_does_not_move_are_told_with_the_member_and_how_it_ends(quiet: Snapshot) -> None:
    topic = TopicView("shop.orders", 4, stalled=(1, 2), owners_of_stalled=("b at 10.0.0.2",), stalled_for=12.0)
    page = shown(replace(quiet, group_view=GroupView(at=quiet.at - 2, topics=(topic,))))

    found = section(page, "Ends by itself")
    assert found[0] == "stalled since 11:59:46 (14 s): shop.orders/1-2"
    assert found[1].startswith("b at 10.0.0.2 has these partitions.")
    assert "session runs out" in found[2]
    assert "Another member of the group does not move shop.orders/1, shop.orders/2." in page[1]


def test_what_a_stricter_gate_covers_is_told_as_well(busy: Snapshot) -> None:
    both = replace(
        busy,
        blocks=(
            ClosedGate(Reason.UNAUTHORIZED, busy.at - 60, "401."),
            ClosedGate(Reason.KAFKA_UNREACHABLE, busy.at, "Gone."),
        ),
    )
    page = shown(both)

    assert section(page, "Needs someone")[0] == "unauthorized since 11:59:00 (1 min 0 s)"
    assert section(page, "Ends by itself")[0] == "kafka_unreachable since 12:00:00 (0 s): shop.orders/3"


def test_topics_that_are_missing_are_told_once_with_what_to_do(quiet: Snapshot) -> None:
    views = tuple(
        TopicView(name, problem=TopicProblem(Reason.TOPIC_MISSING, f"topic {name} does not exist", quiet.at - 60))
        for name in ("a", "b")
    )

    found = section(shown(replace(quiet, group_view=GroupView(topics=views))), "Needs someone")

    assert found[:3] == [
        "topic_missing since 11:59:00 (1 min 0 s): a, b",
        "topic a does not exist.",
        "topic b does not exist.",
    ]
    assert len(found) == 4


def test_nothing_needed_and_nothing_lost_is_said(quiet: Snapshot) -> None:
    page = shown(quiet)

    assert section(page, "Needs someone") == ["nothing"]
    assert "Ends by itself" not in page
    assert section(page, "Lost") == [
        "nothing since this process started at 09:46:40",
        "what was lost before has not been read yet",
    ]
    assert section(page, "Partitions") == ["none assigned"]


def test_possible_loss_and_possible_duplicates_are_told_with_their_bounds_and_since_when(busy: Snapshot) -> None:
    found = section(shown(busy), "Lost")

    assert found[0].startswith("possibly lost: at most 120 records left the log before they were sent")
    assert "since this process started at 09:46:40" in found[0]
    assert found[1].startswith("possibly sent twice: 30 requests that were repeated")


def test_losses_that_were_recorded_outlive_the_process_that_found_them(quiet: Snapshot) -> None:
    partition = TopicPartition("shop.orders", 3)
    losses = (
        RecordedLoss(partition, 5, 9, "out_of_range", quiet.at - 60),
        RecordedLoss(partition, 70, None, "recreated", quiet.at - 100_000),
    )
    found = RecordedLosses(4, 1, quiet.at - 100_000, losses, 9)
    known = "recorded for the group, restarts included:"

    assert section(shown(replace(quiet, recorded_losses=found)), "Lost") == [
        "nothing since this process started at 09:46:40",
        f"{known} possibly lost at most 4 records and an unknown number on 1 occasion, since 2026-01-01 08:13:20",
        "shop.orders/3 from offset 5 to 8: out_of_range, found last at 11:59:00",
        "shop.orders/3 from offset 70, nobody knows how many: recreated, found last at 2026-01-01 08:13:20",
        "and 7 more",
    ]


def test_a_group_that_lost_nothing_says_so_and_a_loss_that_is_not_recorded_says_why(quiet: Snapshot) -> None:
    nothing = RecordedLosses(0, 0, None, (), 0)
    refused = replace(nothing, problem="topic x.resolutions: Topic authorization failed")

    assert section(shown(replace(quiet, recorded_losses=nothing)), "Lost")[1:] == [
        "nothing is recorded of the group's earlier losses"
    ]
    assert section(shown(replace(quiet, recorded_losses=refused)), "Lost")[1:] == [
        "not recorded, so that a restart forgets it: topic x.resolutions: Topic authorization failed"
    ]


def test_a_replica_that_the_commands_do_not_reach_says_why(quiet: Snapshot) -> None:
    problem = "observability.control_socket: /run/x is no directory."

    assert section(shown(replace(quiet, control_problem=problem)), "Control socket") == [
        f"an operator's hold and release do not reach this replica: {problem}"
    ]
    assert "Control socket" not in shown(quiet)


def test_records_the_accounting_cannot_explain_are_told_as_a_defect(busy: Snapshot) -> None:
    leaking = replace(busy, group=MembershipView(), consumer=SourceCounts(), tally=replace(busy.tally, consumed=1_003))

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


def test_a_login_that_fails_is_told_while_records_flow(busy: Snapshot) -> None:
    assert not any("kafka_login" in line for line in shown(busy))
    failing = replace(busy, login=LoginView("kafka.aws_iam: no AWS credentials found", busy.at - 5))
    assert section(shown(failing), "Needs someone")[:2] == [
        "kafka_login since 11:59:55 (5 s)",
        "kafka.aws_iam: no AWS credentials found.",
    ]


def test_a_kafka_that_is_lost_for_want_of_a_login_has_what_to_do_about_that(busy: Snapshot) -> None:
    login = "kafka.aws_iam: no AWS credentials found"
    lost = replace(busy, vitals=replace(busy.vitals, kafka=f"No Kafka broker answers: {login}."))
    said = " ".join(shown(lost))
    assert "Check the brokers the detail names" in said
    failing = " ".join(shown(replace(lost, login=LoginView(login, busy.at - 5))))
    assert f"No Kafka broker answers: {login}. It is tried again every few seconds" in failing
    assert "records flow over connections" not in failing


def test_a_key_problem_is_told_and_no_problem_is_not(busy: Snapshot) -> None:
    assert not any("key_file" in line for line in shown(busy))
    problem = replace(busy, key=KeyView(problem="/run/key is empty", problem_since=busy.at - 5))
    assert section(shown(problem), "Needs someone")[:2] == [
        "key_file since 11:59:55 (5 s)",
        "/run/key is empty. The key that was read before is still used.",
    ]


def test_control_characters_from_outside_cannot_reach_the_terminal(busy: Snapshot) -> None:
    tally = replace(busy.tally, filtered_records={Filtered(FilterReason.UNMAPPED, None, "\x1b[2Jclear\nme"): 1})

    page = shown(replace(busy, tally=tally, blocks=(ClosedGate(Reason.OUTAGE, busy.at, "503 \x1b[31mred."),)))

    assert all(line.isprintable() for line in page)
    assert section(page, "Unmapped types") == ["type              records", r"\x1b[2Jclear\nme        1"]


def test_retries_say_their_last_answer_their_attempts_and_when_the_next_one_is(busy: Snapshot) -> None:
    answer = Retry("server_error", "the API answered 500 (x-request-id r-1)", 500, request_id="r-1")
    event = Retried(TopicPartition("shop.orders", 3), 100, 0, "order.completed", 14, 9, 12, 42.0, answer, 7)
    elsewhere = replace(event, offset=101, answer=None, next_in=None, behind=0)
    page = shown(replace(busy, retries=[event, elsewhere], failing_users=2, tally=replace(busy.tally, behind=9)))

    assert section(page, "Retries") == [
        "9 records of 2 users wait for events that fail",
        "shop.orders/3 offset 100: 14 attempts, 9 of 12 that count, next at 12:00:42 (in 42 s), 7 behind it",
        "last answer: the API answered 500 (x-request-id r-1)",
        "shop.orders/3 offset 101: 14 attempts, 9 of 12 that count, next now",
        "last answer: in another process",
    ]


def test_without_a_failure_there_is_nothing_of_retries(busy: Snapshot) -> None:
    assert "Retries" not in shown(busy)


def test_a_topic_that_was_created_again_while_it_was_read_needs_nobody_and_says_when_it_is_looked_at(
    busy: Snapshot,
) -> None:
    hold = PartitionHold(Reason.CREATED_AGAIN, busy.at - 5, "The topic was deleted and created again.", busy.at + 2)
    begins = replace(busy, partitions=(replace(busy.partitions[0], hold=hold),))
    page = shown(begins)

    assert page[1].startswith("WAITING: The topic was deleted and created again.")
    assert section(page, "Needs someone") == ["nothing"]
    found = section(page, "Ends by itself")
    assert found[:3] == [
        "out_of_range since 11:59:55 (5 s): shop.orders/3",
        "The topic was deleted and created again.",
        "Tried again at 12:00:02 (in 2 s).",
    ]
    assert found[3].startswith("To do: Nothing: it is read from its beginning by itself")


def test_a_partition_that_is_given_up_says_until_when_what_is_in_flight_may_finish(busy: Snapshot) -> None:
    leaving = replace(busy, partitions=(replace(busy.partitions[0], draining=True, drains_until=busy.at + 20),))

    assert section(shown(leaving), "Ends by itself")[0] == "draining until 12:00:20 (in 20 s): shop.orders/3"


def test_partitions_of_another_mapping_and_those_before_kafka_fell_silent_are_told_together(busy: Snapshot) -> None:
    many = tuple(TopicPartition("shop.orders", number) for number in range(300))
    lost = KafkaLost(busy.at - 30, "kafka-1:9092: Connection refused", many)
    page = shown(replace(busy, kafka_lost=lost, group_view=GroupView(mapping=7, other_mappings={8: many})))

    assert section(page, "Kafka") == ["partitions of this replica before no broker answered: shop.orders/0-299"]
    assert section(page, "Group") == ["another mapping (000000008, here 000000007): shop.orders/0-299"]


def test_a_record_whose_timestamp_lies_ahead_is_as_old_as_it_was_seen_to_wait(busy: Snapshot) -> None:
    oldest = OldestOpen(100, since=busy.at - 110, timestamp=1.7e12)
    waits = replace(busy, partitions=(replace(busy.partitions[0], oldest=oldest),), retention={"shop.orders": 120.0})

    found = section(shown(waits), "Needs someone")

    assert found[0] == "retention_near: shop.orders/3"
    assert "the oldest that waits was first seen 1 min 50 s ago: from 2026-01-02T12:00:10Z on" in found[1]
