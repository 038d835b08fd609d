from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.counts import RouteTally
from bridge.holds import GATES, SHOWN, Reason
from bridge.model import Filtered, FilterReason, Retried, Retry, TopicPartition
from bridge.ops.metrics import exposition_format
from bridge.ops.snapshot import (
    ClosedGate,
    KafkaLost,
    KeyView,
    OldestOpen,
    PartitionHold,
    PartitionView,
    RecordedLoss,
    RecordedLosses,
    TopicHold,
)
from bridge.ops.status import status_document
from bridge.ops.status.headline import ProcessState
from bridge.ops.status.status_text import lines
from bridge.text.moments import iso

if TYPE_CHECKING:
    from bridge.ops.snapshot import Snapshot

SCHEMA = json.loads((Path(__file__).parents[3] / "schemas" / "status.schema.json").read_text(encoding="utf-8"))


def checked(snapshot: Snapshot) -> dict[str, Any]:
    document = status_document.document(snapshot)
    through_json = json.loads(json.dumps(document))
    jsonschema.Draft202012Validator(SCHEMA).validate(through_json)
    assert through_json == document
    return document


def variants(busy: Snapshot) -> dict[str, Snapshot]:
    partition = busy.partitions[0]
    holds = {
        f"held: {why}": replace(busy, partitions=(replace(partition, hold=PartitionHold(why, busy.at, "So it is.")),))
        for why in (Reason.OUT_OF_RANGE, Reason.NO_START, Reason.DEAD_LETTERS_UNWRITABLE)
    }
    gates = {f"gate: {gate}": replace(busy, blocks=(ClosedGate(gate, busy.at, "", busy.at + 1),)) for gate in GATES}
    return {
        **holds,
        **gates,
        "topic held": replace(busy, held_topics=(TopicHold("shop.orders", busy.at, "100 in a row."),)),
        "no start": replace(busy, partitions=(replace(partition, position=None, end=None, oldest=None),)),
        "lost": replace(
            busy,
            control_problem="observability.control_socket: /run/x is no directory.",
            recorded_losses=RecordedLosses(
                4, 1, busy.at - 9, (RecordedLoss(TopicPartition("a", 1), 5, None, "recreated", busy.at),), 3
            ),
        ),
        "unlimited": replace(busy, rate=replace(busy.rate, limit=None, share=None, view_age=None)),
        "key problem": replace(busy, key=KeyView(problem="/run/key is empty.")),
        "starting": replace(busy, vitals=replace(busy.vitals, joined=False), partitions=()),
        "stopping": replace(busy, vitals=replace(busy.vitals, stopping=True)),
    }


def test_the_document_of_every_state_fits_its_schema(busy: Snapshot, quiet: Snapshot) -> None:
    for snapshot in (busy, quiet, *variants(busy).values()):
        checked(snapshot)


def test_the_schema_is_a_valid_schema_and_names_every_reason_and_state() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)

    assert SCHEMA["properties"]["partitions"]["items"]["properties"]["why"]["enum"] == list(SHOWN)
    assert set(SCHEMA["properties"]["state"]["enum"]) == {state.value for state in ProcessState}
    blocked = SCHEMA["properties"]["blocked"]["items"]["properties"]["reason"]["enum"]
    assert set(blocked) == {gate.value for gate in GATES}


def test_the_schema_refuses_what_it_does_not_name(busy: Snapshot) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**status_document.document(busy), "extra": 1}, SCHEMA)


def test_a_partition_shows_how_far_behind_since_when_and_why(busy: Snapshot) -> None:
    (partition,) = checked(replace(busy, blocks=(ClosedGate(Reason.OUTAGE, busy.at - 30, "503 for 10 users."),)))[
        "partitions"
    ]

    assert partition == {
        "topic": "shop.orders",
        "partition": 3,
        "position": 100,
        "end": 160,
        "lag": 60,
        "open_records": 40,
        "oldest_open": {
            "offset": 100,
            "timestamp": "2026-01-02T11:58:30.000Z",
            "age_s": 90.0,
            "since": "2026-01-02T11:59:00.000Z",
            "attempts": 1,
        },
        "why": "outage",
        "since": "2026-01-02T11:59:30.000Z",
        "until": None,
        "next_try": None,
        "detail": "503 for 10 users.",
        "action": "Check the service the detail names; sending resumes by itself once it answers.",
        "forecast": {
            "records": 60,
            "empty_at": None,
            "pace": "unknown",
            "loses_from": None,
            "lost_by": "unknown",
            "arriving_per_minute": None,
            "done_per_minute": None,
        },
    }


def test_a_record_without_a_timestamp_is_as_old_as_its_offset_is_open(busy: Snapshot) -> None:
    partition = replace(busy.partitions[0], oldest=OldestOpen(100, since=busy.at - 12))

    (shown,) = checked(replace(busy, partitions=(partition,)))["partitions"]

    assert shown["oldest_open"]["timestamp"] is None
    assert shown["oldest_open"]["age_s"] == 12.0


def test_a_timestamp_in_microseconds_is_left_out_and_the_rest_is_told(busy: Snapshot) -> None:
    oldest = OldestOpen(100, since=busy.at - 12, timestamp=1.7e12)
    told = replace(busy, partitions=(replace(busy.partitions[0], oldest=oldest),))

    shown = checked(told)["partitions"][0]["oldest_open"]

    assert shown["timestamp"] is None
    assert shown["age_s"] == 12.0
    assert any("shop.orders/3" in line and "12 s" in line for line in lines(checked(told)))
    page = exposition_format.Exposition().render(told, exposition_format.TEXT).decode()
    assert 'track_bridge_partition_oldest_open_age_seconds{partition="3",topic="shop.orders"} 12.0' in page


@given(st.floats(0, 1e9), st.none() | st.floats(-1e13, 1e13))
def test_a_record_is_never_younger_than_it_has_been_seen_waiting(waited: float, ahead: float | None) -> None:
    now = 1_767_355_200.0
    oldest = OldestOpen(100, since=now - waited, timestamp=None if ahead is None else now + ahead)

    age = PartitionView(TopicPartition("t", 0), 100, 160, open_records=1, oldest=oldest).oldest_age(now)

    assert age >= waited - 1e-3
    assert age == pytest.approx(max(waited, -(ahead or 0.0)), abs=1e-2)


def test_a_hold_that_began_outside_the_calendar_has_no_beginning_that_is_told(busy: Snapshot) -> None:
    hold = PartitionHold(Reason.HELD_BY_OPERATOR, -1e15, "Held by x: y")
    told = replace(busy, partitions=(replace(busy.partitions[0], hold=hold),))

    assert checked(told)["partitions"][0]["since"] is None
    assert any("held_by_operator: shop.orders/3" in line for line in lines(checked(told)))


def test_a_pause_ends_by_itself_at_its_time_and_is_nothing_that_needs_someone(busy: Snapshot) -> None:
    said = "Paused by alice until then: index is rebuilt"
    hold = PartitionHold(Reason.PAUSED_BY_OPERATOR, busy.at - 60, said, until=busy.at + 840)
    told = checked(replace(busy, partitions=(replace(busy.partitions[0], hold=hold),)))

    (partition,) = told["partitions"]
    [concern] = [each for each in told["ends_by_itself"] if each["reason"] == "held_by_operator"]
    assert (partition["why"], partition["until"], partition["next_try"]) == (
        "held_by_operator",
        iso(busy.at + 840),
        None,
    )
    assert (concern["reason"], concern["until"], concern["details"]) == ("held_by_operator", iso(busy.at + 840), [said])
    assert "held_by_operator" not in {each["reason"] for each in told["needs_someone"]}
    assert told["state"] == "waiting"
    assert told["sentence"].startswith(said)


def test_a_timestamp_from_the_future_is_no_negative_age(busy: Snapshot) -> None:
    partition = replace(busy.partitions[0], oldest=OldestOpen(100, since=busy.at, timestamp=busy.at + 3_600))

    (shown,) = checked(replace(busy, partitions=(partition,)))["partitions"]

    assert shown["oldest_open"]["age_s"] == 0.0


@pytest.mark.parametrize(
    ("variant", "state"),
    [
        ("held: out_of_range", ProcessState.HELD),
        ("held: no_start", ProcessState.HELD),
        ("held: dead_letters_unwritable", ProcessState.HELD),
        ("topic held", ProcessState.HELD),
        ("gate: unauthorized", ProcessState.HELD),
        ("gate: dead_letters_unwritable", ProcessState.HELD),
        ("gate: outage", ProcessState.WAITING),
        ("gate: membership", ProcessState.WAITING),
        ("gate: retry_after", ProcessState.WAITING),
        ("gate: rate_limited", ProcessState.WAITING),
        ("starting", ProcessState.STARTING),
        ("stopping", ProcessState.DRAINING),
        ("unlimited", ProcessState.DELIVERING),
    ],
)
def test_the_state_is_the_worst_that_applies(variant: str, state: ProcessState, busy: Snapshot) -> None:
    document = checked(variants(busy)[variant])

    assert document["state"] == state.value
    assert document["sentence"].endswith((".", "held."))


def test_a_hold_that_no_record_waits_behind_is_still_a_hold(quiet: Snapshot) -> None:
    document = checked(replace(quiet, blocks=(ClosedGate(Reason.UNAUTHORIZED, quiet.at, "401 since noon."),)))

    assert document["state"] == "held"
    assert document["sentence"].startswith("401 since noon. Put a valid key")


def test_one_held_partition_among_many_says_how_many_are_held(busy: Snapshot) -> None:
    partition = busy.partitions[0]
    held = replace(
        partition, hold=PartitionHold(Reason.OUT_OF_RANGE, busy.at, "Position 5 is below the log's start 9.")
    )

    document = checked(replace(busy, partitions=(partition, held)))

    assert document["sentence"].startswith("Position 5 is below the log's start 9. Set the committed offset")
    assert document["sentence"].endswith("1 of 2 partitions held.")


def test_a_replica_without_partitions_is_idle_and_says_so(quiet: Snapshot) -> None:
    document = checked(quiet)

    assert document["state"] == "idle"
    assert "No partitions are assigned" in document["sentence"]


def test_routes_that_never_matched_are_listed(busy: Snapshot) -> None:
    routes = {route["route"]: route["matched"] for route in checked(busy)["routes"]}

    assert routes == {"order.completed[0]": 798, "account.*": 0}


def test_the_fifty_most_frequent_unmapped_types_are_listed_the_most_frequent_first(busy: Snapshot) -> None:
    types = {f"type-{number:03}": number for number in range(1, 81)} | {"x" * 5_000: 1_000}
    records = {Filtered(FilterReason.UNMAPPED, None, name): count for name, count in types.items()}

    shown = checked(replace(busy, tally=replace(busy.tally, filtered_records=records)))["unmapped"]["types"]

    assert len(shown) == status_document.UNMAPPED_SHOWN
    assert shown[0]["records"] == 1_000
    assert len(shown[0]["type"]) == status_document.TYPE_LENGTH
    assert [entry["type"] for entry in shown[1:3]] == ["type-080", "type-079"]


def test_the_accounting_adds_up_and_leaves_reasons_that_never_occurred_out(busy: Snapshot) -> None:
    accounting = checked(busy)["accounting"]

    parts = ("delivered", "filtered", "dead_lettered", "already_done", "released", "in_flight")
    assert sum(accounting[part] for part in parts) == accounting["consumed"] == 1_000
    assert accounting["gap"] == 0
    assert accounting["filtered_by_reason"] == {"unmapped": 90, "tombstone": 10}


def test_counts_of_a_route_are_those_of_its_events() -> None:
    assert RouteTally(delivered=1, filtered=2, dead_lettered=3).matched == 6


def test_what_an_api_says_is_ended_before_the_advice_begins(busy: Snapshot) -> None:
    held = replace(busy, blocks=(ClosedGate(Reason.UNAUTHORIZED, busy.at, "the API answered 401"),))
    document = checked(held)
    assert document["state"] == "held"
    assert document["sentence"].startswith("the API answered 401. Put a valid key")


def test_brokers_that_do_not_answer_are_the_sentence_whatever_else_waits(busy: Snapshot) -> None:
    lost = KafkaLost(busy.at - 30, "kafka-1:9092: Connection refused", (TopicPartition("shop.orders", 3),))
    sentence = "No Kafka broker answers: kafka-1:9092: Connection refused."
    away = replace(
        busy,
        kafka_lost=lost,
        vitals=replace(busy.vitals, kafka=sentence, joined=False),
        blocks=(
            ClosedGate(Reason.RATE_LIMITED, busy.at - 5),
            ClosedGate(Reason.KAFKA_UNREACHABLE, busy.at - 30, sentence),
        ),
    )

    document = checked(away)

    assert document["state"] == "waiting"
    assert document["sentence"].startswith(sentence)
    assert {row["why"] for row in document["partitions"]} == {"kafka_unreachable"}
    assert document["kafka"]["group_protocol"] == "classic"
    assert document["kafka"]["last_partitions"] == ["shop.orders/3"]
    gone = checked(replace(away, partitions=()))
    assert (gone["state"], gone["sentence"]) == (document["state"], document["sentence"])


def test_a_process_that_lost_its_group_is_rejoining_and_not_starting_anew(quiet: Snapshot) -> None:
    document = checked(replace(quiet, vitals=replace(quiet.vitals, joined=False, joined_before=True)))

    assert document["sentence"].startswith("Rejoining the consumer group")


def test_retries_are_listed_with_their_last_answer(busy: Snapshot) -> None:
    answer = Retry("timeout", "no answer within 10 s")
    event = Retried(TopicPartition("shop.orders", 3), 100, 1, None, 4, 0, 12, 3.0, answer, 2)

    found = checked(
        replace(
            busy, retries=[event, replace(event, answer=None)], failing_users=2, tally=replace(busy.tally, behind=5)
        )
    )

    assert (found["retries"]["users"], found["retries"]["records"]) == (2, 5)
    assert found["retries"]["events"][0] == {
        "topic": "shop.orders",
        "partition": 3,
        "offset": 100,
        "output": 1,
        "route": None,
        "attempts": 4,
        "counted": 0,
        "max_attempts": 12,
        "next_attempt": "2026-01-02T12:00:03.000Z",
        "behind": 2,
        "last_answer": {
            "reason": "timeout",
            "status": None,
            "detail": "no answer within 10 s",
            "request_id": None,
        },
    }
    assert found["retries"]["events"][1]["last_answer"] is None
