from __future__ import annotations

import inspect
import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest

from bridge.holds import Reason
from bridge.model import DeadLetter, FailedStep, LetterReason, Record, Retried, Retry, Route, TopicPartition
from bridge.ops.log.events import Events
from bridge.ops.log.logger import LIBRARY_EVENT

if TYPE_CHECKING:
    from collections.abc import Callable

    from bridge.ops.log.logger import EventLogger

OPERATIONS = Path(__file__).parents[3] / "docs" / "operations.md"
PARTITIONS = [TopicPartition("shop.orders", 3), TopicPartition("shop.orders", 4)]
LETTER = DeadLetter(
    record=Record("shop.orders", 3, 17, 1_767_355_200_000, b"u-1", b'{"secret": "payload"}', ()),
    reason=LetterReason.REJECTED,
    message="The API answered 400: user_id is missing.",
    route=Route("order.completed", "abc123abc123", "Order Completed"),
    status=400,
    attempts=1,
)

RETRIED = Retried(
    PARTITIONS[0],
    17,
    0,
    "order.completed",
    3,
    2,
    12,
    4.25,
    Retry("server_error", "the API answered 500", 500, request_id="r-1"),
)

SAID: dict[str, Callable[[Events], None]] = {
    "started": lambda e: e.started(
        version="1", group="g", topics=["t"], endpoint="https://h", dead_letter_topic="g.dlq"
    ),
    "listening": lambda e: e.listening(host="0.0.0.0", port=9464),  # noqa: S104 - only logged
    "kafka_lost": lambda e: e.kafka_lost(detail="kafka-1:9092: Connection refused", partitions=PARTITIONS),
    "login_failed": lambda e: e.login_failed(detail="kafka.aws_iam: no AWS credentials found"),
    "login_back": lambda e: e.login_back(seconds=31),
    "kafka_back": lambda e: e.kafka_back(seconds=31),
    "schema_registry_lost": lambda e: e.schema_registry_lost(detail="refused", partitions=PARTITIONS),
    "schema_registry_back": lambda e: e.schema_registry_back(seconds=31),
    "schema_awaited": lambda e: e.schema_awaited(schema="id:42", detail="not known", partition=PARTITIONS[0], offset=7),
    "schemas_not_kept": lambda e: e.schemas_not_kept(detail="the folder is read-only"),
    "telemetry_on": lambda e: e.telemetry_on(signals=["traces"], sampled=0.01, by_parent=True),
    "telemetry_problem": lambda e: e.telemetry_problem(detail="OTEL_TRACES_SAMPLER: xray is not known"),
    "telemetry_not_exported": lambda e: e.telemetry_not_exported(detail="Connection refused", withheld=3),
    "assigned": lambda e: e.assigned(PARTITIONS, total=4),
    "partition_started": lambda e: e.partition_started(
        PARTITIONS[0], offset=7, reason="new_topic", detail="it appeared", by_us=True
    ),
    "revoked": lambda e: e.revoked(PARTITIONS, seconds=1.23456, released=7, forced=False),
    "lost": lambda e: e.lost(PARTITIONS, released=7),
    "mappings_differ": lambda e: e.mappings_differ(mine=17, others={18: PARTITIONS}),
    "held": lambda e: e.held(Reason.UNAUTHORIZED, detail="401 five times in a row."),
    "released": lambda e: e.released(Reason.DEAD_LETTER_HOLD, seconds=3, topic="shop.orders"),
    "operator_held": lambda e: e.operator_held("shop.orders", [3, 4], reason="wrong name", by="alice", uid=1000),
    "operator_released": lambda e: e.operator_released(
        "shop.orders", [3], reasons=[Reason.HELD_BY_OPERATOR], by="alice", uid=None, reason="names are right"
    ),
    "position_set": lambda e: e.position_set(PARTITIONS[0], before=None, to=7, by="alice", uid=0),
    "control_socket": lambda e: e.control_socket(path="/run/b/c.sock"),
    "tap_opened": lambda e: e.tap_opened(route="order.completed", outcome=None, of_one_user=True),
    "tap_closed": lambda e: e.tap_closed(),
    "no_control_socket": lambda e: e.no_control_socket(detail="mode 0755"),
    "control_over_network": lambda e: e.control_over_network(path="/control"),
    "no_control_over_network": lambda e: e.no_control_over_network(detail="cannot be read"),
    "control_refused": lambda e: e.control_refused(detail="made before", peer="10.0.0.7"),
    "outage_began": lambda e: e.outage_began(detail="503"),
    "outage_ended": lambda e: e.outage_ended(seconds=3),
    "kind_outage_began": lambda e: e.kind_outage_began(kind="identify", detail="503"),
    "kind_outage_ended": lambda e: e.kind_outage_ended(kind="identify", seconds=3),
    "identify_refused": lambda e: e.identify_refused(LETTER.record, status=400, error_code=None, detail="no such user"),
    "user_forgotten": lambda e: e.user_forgotten(LETTER.record),
    "asked_to_wait": lambda e: e.asked_to_wait(seconds=30, detail="429"),
    "dead_letter": lambda e: e.dead_letter(LETTER),
    "dead_letter_refused": lambda e: e.dead_letter_refused(LETTER, detail="not enough in-sync replicas"),
    "redrive_started": lambda e: e.redrive_started(letters=5),
    "redrive_ended": lambda e: e.redrive_ended(replayed=4, failed_again=0, left=1, stopped="401"),
    "redrive_failed": lambda e: e.redrive_failed(detail="no answer"),
    "poison": lambda e: e.poison(LETTER),
    "retrying": lambda e: e.retrying(RETRIED),
    "commit_failed": lambda e: e.commit_failed(detail="coordinator gone"),
    "rate_view_refused": lambda e: e.rate_view_refused(detail="GROUP_AUTHORIZATION_FAILED"),
    "configuration": lambda e: e.configuration(key="mapping.message_type", message="is not set"),
    "configuration_reloaded": lambda e: e.configuration_reloaded(
        mapping=2,
        before=1,
        configuration="0123456789ab",
        routes_added=["a"],
        routes_removed=["b"],
        tried_again=["orders"],
        because="SIGHUP",
        seconds=0.2,
    ),
    "configuration_refused": lambda e: e.configuration_refused(
        file="bridge.yaml", problems=["mapping.user_id: is wrong"], mapping=1, watched=False
    ),
    "configuration_fixed": lambda e: e.configuration_fixed(seconds=3),
    "configuration_unchanged": lambda e: e.configuration_unchanged(mapping=1),
    "configuration_waits": lambda e: e.configuration_waits(mapping=2, before=1),
    "configuration_unsettled": lambda e: e.configuration_unsettled(file="bridge.yaml"),
    "key_reloaded": lambda e: e.key_reloaded(),
    "key_unreadable": lambda e: e.key_unreadable(detail="/run/key is empty"),
    "first_delivered": lambda e: e.first_delivered(delivered=1, seconds=0.5),
    "nothing_mapped": lambda e: e.nothing_mapped(records=1_000, types={"page.viewed": 1_000}),
    "metadata_key_vanished": lambda e: e.metadata_key_vanished(route="r", key="amount", reads="data.total", events=20),
    "metadata_key_returned": lambda e: e.metadata_key_returned(route="r", key="amount", events=20),
    "stopping": lambda e: e.stopping(cause="SIGTERM"),
    "stopped": lambda e: e.stopped(seconds=2, delivered=10, released=3, ambiguous_retries=1),
    "kafka_client_ended": lambda e: e.kafka_client_ended(detail="another process uses the same group.instance.id"),
    "crashed": lambda e: e.crashed(ValueError("boom"), at="shop.orders/3/17"),
}


class Recorder:
    """A logger that keeps what was said."""

    def __init__(self) -> None:
        self.said: list[tuple[str, str, dict[str, Any]]] = []

    def __getattr__(self, level: str) -> Callable[..., None]:
        return lambda event, **fields: self.said.append((level, event, fields))


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def events(recorder: Recorder, clock: Clock) -> Events:
    return Events(cast("EventLogger", recorder), clock)


def documented() -> dict[str, tuple[str, set[str]]]:
    """Level and fields by event, as the operations page lists them."""
    rows = re.findall(r"^\| `(\w+)` \| (\w+) \| (.*?) \| .* \|$", OPERATIONS.read_text(encoding="utf-8"), re.MULTILINE)
    levels = {"debug", "info", "warning", "error", "critical", "any"}
    return {name: (level, set(re.findall(r"`(\w+)`", fields))) for name, level, fields in rows if level in levels}


@pytest.mark.parametrize("name", SAID)
def test_each_event_has_the_name_the_level_and_the_fields_the_operations_page_lists(
    name: str, events: Events, recorder: Recorder
) -> None:
    SAID[name](events)

    ((level, said, fields),) = recorder.said
    shown = {field.replace("exc_info", "exception") for field in fields}
    assert said == name
    assert documented()[name] == (level, shown)


def test_the_operations_page_lists_every_event_and_no_other() -> None:
    methods = {name for name, _ in inspect.getmembers(Events, inspect.isfunction) if not name.startswith("_")}

    assert methods - {"tick"} == SAID.keys()
    assert documented().keys() == SAID.keys() | {"withheld", LIBRARY_EVENT}


def test_a_forced_revocation_is_a_warning(events: Events, recorder: Recorder) -> None:
    events.revoked(PARTITIONS, seconds=20, released=7, forced=True)

    assert recorder.said[0][0] == "warning"


def test_what_needs_an_operator_says_in_a_sentence_what_to_do(events: Events, recorder: Recorder) -> None:
    for why in (
        Reason.UNAUTHORIZED,
        Reason.DEAD_LETTER_HOLD,
        Reason.OUT_OF_RANGE,
        Reason.NO_START,
        Reason.DEAD_LETTERS_UNWRITABLE,
    ):
        events.held(why, detail="So it is.")

    assert all(fields["message"].endswith(".") for _, _, fields in recorder.said)


def test_no_event_holds_the_payload_of_a_dead_letter(events: Events, recorder: Recorder) -> None:
    events.dead_letter(LETTER)
    events.poison(LETTER)

    assert "payload" not in repr(recorder.said)
    assert "u-1" not in repr(recorder.said)


def test_a_dead_letter_of_a_step_says_which_and_of_what_kind_and_others_say_nothing_of_it(
    events: Events, recorder: Recorder
) -> None:
    events.dead_letter(LETTER)
    events.dead_letter(replace(LETTER, kind="company", step=FailedStep(1, 3)))
    (_, _, plain), (_, _, of_step) = recorder.said
    assert {name: value for name, value in of_step.items() if name not in plain} == {"kind": "company", "step": "2/3"}


def test_what_is_traced_names_its_trace_and_nothing_else_says_anything_of_traces(
    events: Events, recorder: Recorder
) -> None:
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    letter = replace(LETTER, trace=trace)
    events.dead_letter(letter)
    events.dead_letter_refused(letter, detail="no")
    events.poison(letter)
    events.retrying(replace(RETRIED, trace=trace))
    assert [(fields["trace_id"], fields["span_id"]) for _, _, fields in recorder.said] == [
        ("0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331")
    ] * 4
    recorder.said.clear()
    events.dead_letter(LETTER)
    events.retrying(RETRIED)
    assert not any("trace_id" in fields for _, _, fields in recorder.said)


def test_dead_letters_are_told_ten_a_second_by_reason_and_then_as_a_count(
    events: Events, recorder: Recorder, clock: Clock
) -> None:
    for _ in range(100):
        events.dead_letter(LETTER)
    clock.now += 1.0
    events.tick()

    assert [said for _, said, _ in recorder.said] == ["dead_letter"] * 10 + ["withheld"]
    assert recorder.said[-1][2] == {"kind": "rejected", "count": 90}


def test_a_stop_tells_what_was_withheld_before_its_last_line(events: Events, recorder: Recorder) -> None:
    for _ in range(12):
        events.dead_letter(LETTER)
    events.stopped(seconds=1, delivered=0, released=0, ambiguous_retries=0)

    assert [said for _, said, _ in recorder.said][-2:] == ["withheld", "stopped"]
