"""Samples for whoever watches: what passes the filter, no more than the pace allows, and never in a record's way."""

from __future__ import annotations

import base64
import json
from decimal import Decimal
from itertools import cycle
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.config.sections import Config
from bridge.model import (
    TRACK,
    Delivered,
    Elements,
    Failed,
    Filtered,
    FilterReason,
    Forget,
    LetterReason,
    Outcomes,
    Record,
    Reject,
    Request,
    Route,
    TopicPartition,
    Verdict,
)
from bridge.ops.admin.streaming import StreamRefusal, StreamRequest
from bridge.ops.log.events import Events
from bridge.reprocess.reading.redaction import redaction
from bridge.service.tap import filter as tap_filter
from bridge.service.tap import samples
from bridge.service.tap.filter import TapFilter
from bridge.service.tap.pacing import A_SECOND, AT_ONCE, ONE_TAKES, SamplePace
from bridge.service.tap.samples import LARGEST_VALUE, Masks
from bridge.service.tap.session import TapSession, line
from bridge.service.tap.tap import MOST_AT_ONCE, Tap
from tests.unit.pipeline.fakes import ACCEPTED, FAILED, REJECTED
from tests.unit.pipeline.world import World

P0 = TopicPartition("orders", 0)
WORSE_THEN_WELL: list[Verdict] = [FAILED, ACCEPTED]
OF_EACH_KIND: list[Verdict] = [FAILED, REJECTED, ACCEPTED, ACCEPTED]
PLAIN = Masks(redaction([], everything=False), redaction([], everything=False))
ROUTE, OTHER = Route("order.completed", "0" * 12, "Ordered"), Route("gift", "1" * 12, "Gift")


class Screen:
    """Where samples go; it may read slowly."""

    def __init__(self) -> None:
        self.lines: list[dict[str, Any]] = []
        self.reads = True

    def write(self, data: bytes) -> bool:
        assert data.endswith(b"\n")
        assert data.count(b"\n") == 1
        if self.reads:
            self.lines.append(json.loads(data))
        return self.reads

    def told(self) -> list[tuple[str, str]]:
        return [(each["sample"], each["outcome"]) for each in self.lines]


def watch(world: World, wanted: TapFilter | None = None) -> Screen:
    screen = Screen()
    session = TapSession(
        screen, wanted or TapFilter(), lambda: PLAIN, monotonic=world.time.monotonic, wall=world.time.wall
    )
    world.dispatcher.listeners.add(session)
    return screen


def record(value: bytes | None = b"{}", key: bytes | None = b"k", headers: Any = ()) -> Record:
    return Record("orders", 0, 7, 1_700_000_000_000, key, value, headers)


def request(user: str = "ann", body: bytes = b'{"a":1}', route: Route = ROUTE) -> Request:
    return Request(TRACK, user, "Ordered", body, route)


# --- what is shown -------------------------------------------------------------------------------------


def test_a_record_is_shown_when_it_comes_in_and_each_request_with_what_became_of_it() -> None:
    world, answers = World(), cycle(WORSE_THEN_WELL)
    world.sink.api = lambda _work: (0.25, next(answers))
    screen = watch(world)
    world.feed(P0, "ann")
    world.run(30)

    assert screen.told() == [("record", "mapped"), ("request", "retried"), ("request", "accepted")]
    record, first, second = screen.lines
    assert (record["topic"], record["partition"], record["offset"]) == ("orders", 0, 0)
    assert (first["attempt"], first["status"], first["reason"], first["seconds"]) == (1, 503, "server_error", 0.25)
    assert (second["attempt"], second["status"], second["user"]) == (2, 202, "ann")


def test_a_dead_letter_is_shown_once_it_is_written() -> None:
    world = World()
    world.sink.api = lambda _work: (0.01, REJECTED)
    screen = watch(world)
    world.feed(P0, "ann")
    world.run(30)

    assert screen.told() == [("record", "mapped"), ("request", "rejected"), ("dead_letter", "dead_lettered")]
    assert screen.lines[2]["reason"] == "rejected"


@pytest.mark.parametrize("outcome", tap_filter.OUTCOMES)
def test_only_the_outcome_that_is_asked_for_is_shown(outcome: str) -> None:
    world, answers = World(), cycle(OF_EACH_KIND)
    world.sink.api = lambda _work: (0.01, next(answers))
    all_of_them, some = watch(world), watch(world, TapFilter(outcome=outcome))
    world.feed(P0, "ann", "bob", "eve")
    world.run(60)

    assert some.told() == [each for each in all_of_them.told() if each[1] == outcome]
    assert len(world.dispatcher.listeners._all) == 2


def test_only_the_user_that_is_asked_for_is_shown() -> None:
    world = World()
    screen = watch(world, TapFilter(user="bob"))
    world.feed(P0, "ann", "bob", "ann", "bob")
    world.run(5)

    assert [each["offset"] for each in screen.lines if each["sample"] == "record"] == [1, 3]
    assert {each["user"] for each in screen.lines if each["sample"] == "request"} == {"bob"}


# --- no more than may be, and in nobody's way ------------------------------------------------------------


def test_of_a_flood_some_are_shown_and_all_others_counted_and_every_record_is_delivered() -> None:
    world = World()
    screen = watch(world)
    for _ in range(100):
        world.feed(P0, *[f"u-{number}" for number in range(30)])
        world.run(0.1)
    world.run(10)
    world.feed(P0, "last")
    world.run(1)

    assert world.dispatcher.tally.delivered == 3_001
    assert AT_ONCE <= len(screen.lines) <= AT_ONCE + 11 * A_SECOND
    shown = sum(each["sample"] == "record" for each in screen.lines)
    hidden = sum(each["left_out"] for each in screen.lines)
    followed = sum(each["sample"] == "request" for each in screen.lines)
    assert shown + followed + hidden >= 3_001
    assert world.all_finished()


def test_what_is_rare_is_found_in_a_flood() -> None:
    world = World()
    world.sink.api = lambda work: (0.01, REJECTED if work.request.user_id == "u-1777" else ACCEPTED)
    screen = watch(world, TapFilter(outcome="rejected"))
    world.feed(P0, *[f"u-{number}" for number in range(3_000)])
    world.run(60)

    assert [each["user"] for each in screen.lines] == ["u-1777"]


def test_who_does_not_read_misses_samples_and_learns_how_many() -> None:
    world = World()
    screen = watch(world)
    screen.reads = False
    world.feed(P0, "ann", "bob")
    world.run(5)
    screen.reads = True
    world.feed(P0, "eve")
    world.run(5)

    assert world.dispatcher.tally.delivered == 3
    assert [each["left_out"] for each in screen.lines] == [4, 0]


def test_a_sample_that_cannot_be_made_is_a_line_and_the_record_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RecursionError

    world = World()
    screen = watch(world)
    monkeypatch.setattr(samples, "of_record", broken)
    world.feed(P0, "ann")
    world.run(5)

    assert world.dispatcher.tally.delivered == 1
    assert screen.lines[0] == {"sample": "problem", "problem": "RecursionError", "left_out": 0}
    assert screen.lines[1]["outcome"] == "accepted"


@given(st.lists(st.tuples(st.floats(0, 5), st.floats(0, 0.5)), max_size=200))
def test_all_samples_together_take_a_fiftieth_of_the_time(looks: list[tuple[float, float]]) -> None:
    now, pace, shown, spent = 0.0, SamplePace(0.0), 0, 0.0
    for pause, takes in looks:
        now += pause
        if pace.has(now):
            shown += 1
            spent += takes
            pace.took(takes)
    largest = max((takes for _, takes in looks), default=0.0)

    assert shown <= AT_ONCE + now * A_SECOND + 1
    assert spent <= ONE_TAKES * (AT_ONCE + now * A_SECOND) + largest + 1e-6


def test_nothing_is_called_for_any_record_once_the_last_one_has_gone(logged: list[str]) -> None:
    world, screen = World(), Screen()
    tap = Tap(_config, _routes, world.dispatcher.listeners, _events(logged))
    local = StreamRequest({}, {"host": "localhost"}, "127.0.0.1", "127.0.0.1")
    ends = [tap.open(local, screen) for _ in range(MOST_AT_ONCE)]

    refused = tap.open(local, screen)
    assert isinstance(refused, StreamRefusal)
    assert refused.sentence == "4 watch already, which is as many as may: end one of them first."
    for end in ends:
        assert not isinstance(end, StreamRefusal)
        assert world.dispatcher.listeners.came_in is not None
        end()
    assert world.dispatcher.listeners.came_in is None
    assert logged == ["tap_opened"] * 4 + ["tap_closed"] * 4


@pytest.mark.parametrize(
    ("query", "why"),
    [
        ({"outcome": "gone"}, "gone is no outcome; there are: mapped, filtered,"),
        ({"users": "ann"}, "users is no filter; there are: route, user, outcome."),
        ({"route": "order.completd"}, "order.completd is no route; there are: order.completed, gift."),
    ],
)
def test_what_is_no_filter_is_refused_with_those_that_there_are(query: dict[str, str], why: str) -> None:
    found = Tap(_config, _routes, World().dispatcher.listeners, _events([])).open(
        StreamRequest(query, {"host": "localhost"}, "127.0.0.1", "127.0.0.1"), Screen()
    )

    assert isinstance(found, StreamRefusal)
    assert found.status == 400
    assert found.sentence.startswith(why)


# --- what is hidden --------------------------------------------------------------------------------------


def test_values_are_hidden_as_dead_letters_are_and_what_is_never_sent_as_well() -> None:
    masks = samples.masks_of(_config())
    value = json.dumps({"data": {"email": "ann@x.example", "card": "4111-2222", "n": "one", "city": "Ulm"}}).encode()
    outcomes: Outcomes = (request("ann@x.example", b'{"user":"ann@x.example","city":"Ulm"}'),)
    found = samples.of_record(record(value), outcomes, masks, 0.0)
    sent = samples.of_request(record(value), outcomes[0], Delivered(), masks, 0.0, attempt=1, seconds=0.1)  # type: ignore[arg-type]

    assert found["value"]["data"] == {"email": "***", "card": "***", "n": "one", "city": "***"}
    assert found["outcomes"][0]["user"] == sent["user"] == "***"
    assert sent["request"] == {"user": "***", "city": "Ulm"}
    assert "ann@" not in json.dumps([found, sent])


def test_records_whose_partition_leaves_are_followed_no_more_and_others_take_their_place() -> None:
    world, screen = World(), Screen()
    world.sink.api = lambda _work: None
    session = TapSession(screen, TapFilter(), lambda: PLAIN, monotonic=world.time.monotonic, wall=world.time.wall)
    world.dispatcher.listeners.add(session)
    world.feed(P0, "ann", "bob")
    assert session._followed == 2
    world.lose(P0)
    world.run(1.0)
    assert session._followed == 0


def test_another_mapping_hides_what_it_hides_from_the_next_record_on_also_of_who_watches_already() -> None:
    world, screen, config = World(), Screen(), _config()
    tap = Tap(lambda: config, _routes, world.dispatcher.listeners, _events([]))
    tap.open(StreamRequest({}, {"host": "localhost"}, "127.0.0.1", "127.0.0.1"), screen)
    [session] = tap._sessions
    value = b'{"data":{"card":"4111","iban":"DE02"}}'
    life = session.came_in(record(value), (request(),))
    never_send = {"never_send": ["data.card", "data.iban"]}
    config = config.model_copy(update={"mapping": config.mapping.model_copy(update=never_send)})
    session.came_in(record(value), (request(),))
    assert life is not None
    life.attempt_ended(request(body=b'{"iban":"DE02"}'), ACCEPTED)

    shown = [each["value"]["data"] for each in screen.lines if each["sample"] == "record"]
    assert shown == [{"card": "***", "iban": "DE02"}, {"card": "***", "iban": "***"}]
    assert screen.lines[-1]["request"] == {"iban": "DE02"}


def test_of_a_record_that_is_too_large_to_be_read_nothing_is_shown_of_what_came_of_it() -> None:
    masks = samples.masks_of(_config())
    large = record(b'"' + b"x" * LARGEST_VALUE + b'"')
    found = samples.of_record(large, (request(),), masks, 0.0)
    sent = samples.of_request(large, request(), REJECTED, masks, 0.0, attempt=1, seconds=0.1)

    assert found["value_bytes"] == LARGEST_VALUE + 2
    assert "value" not in found
    assert found["outcomes"][0]["user"] == sent["user"] == sent["request"] == "***"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, {"value": None}),
        (b"no json", {"value": "no json"}),
        (b"\xff\x00", {"value_base64": base64.b64encode(b"\xff\x00").decode()}),
        (b"12.50", {"value": 12.5}),
        (b'{"n": 12345678901234567890.125}', {"value": {"n": Decimal("12345678901234567890.125")}}),
    ],
)
def test_a_value_is_shown_as_what_it_is(value: bytes | None, shown: dict[str, Any]) -> None:
    found = samples.of_record(record(value), (Filtered(FilterReason.RULE),), PLAIN, 0.0)

    assert shown.items() <= found.items()
    assert json.loads(line(found), parse_float=Decimal)["sample"] == "record"


def test_a_line_keeps_every_digit_and_nothing_of_it_is_obeyed_by_a_terminal() -> None:
    found = line(
        samples.of_record(record(b'{"n": 0.10000000000000000001, "t": "\\u001b[2J\\u202e"}'), (request(),), PLAIN, 0.0)
    )

    assert b'"n":0.10000000000000000001' in found
    assert found.decode().rstrip("\n").isprintable()


def test_a_request_that_is_larger_than_a_screen_is_told_by_its_size() -> None:
    large = request(body=b'"' + b"x" * LARGEST_VALUE + b'"')
    found = samples.of_request(record(), large, Delivered(), PLAIN, 0.0, attempt=1, seconds=0.1)

    assert (found["request"], found["request_bytes"]) == (None, LARGEST_VALUE + 2)


def test_what_an_answer_said_is_its_code_and_its_request_id_and_no_sentence() -> None:
    verdict = Reject("user_id ann is invalid", 422, "bad_user", "r-1")
    found = samples.of_request(record(), request(), verdict, PLAIN, 0.0, attempt=1, seconds=0.1)

    assert (found["status"], found["code"], found["request_id"]) == (422, "bad_user", "r-1")
    assert "invalid" not in json.dumps(found)


# --- filters -----------------------------------------------------------------------------------------------


class Many(Elements):
    """A record that holds some."""

    def map(self, element: int, now: float) -> Outcomes:  # noqa: ARG002 - as its base has it
        return (request(f"u-{element}"),)


@pytest.mark.parametrize(
    ("outcomes", "said"),
    [
        ((request(), Filtered(FilterReason.WHEN, ROUTE)), "mapped"),
        ((Filtered(FilterReason.WHEN, ROUTE),), "filtered"),
        ((Forget("ann", Filtered(FilterReason.FORGET, ROUTE)),), "filtered"),
        ((request(), Failed(LetterReason.UNMAPPABLE, "no", ROUTE)), "failed"),
        ((Many(3, 100),), "mapped"),
    ],
)
def test_what_becomes_of_a_record_is_one_word(outcomes: Outcomes, said: str) -> None:
    assert tap_filter.of_record(outcomes) == said
    assert samples.of_record(record(), outcomes, PLAIN, 0.0)["outcome"] == said


def test_a_record_of_many_is_followed_whatever_is_asked_for_and_its_elements_are_told_apart() -> None:
    wanted = TapFilter(route="order.completed", user="u-2")
    screen = Screen()
    session = TapSession(screen, wanted, lambda: PLAIN, monotonic=lambda: 0.0, wall=lambda: 0.0)
    life = session.came_in(record(), (Many(3, 100),))
    assert life is not None
    for element in range(3):
        life.element_mapped(element, (request(f"u-{element}"),))

    assert [each.get("element") for each in screen.lines] == [None, 2]
    assert not wanted.follows((request("u-2", route=OTHER),))
    assert wanted.follows((request("u-2", route=OTHER), request("u-2")))


def _routes() -> list[str]:
    return [ROUTE.name, OTHER.name]


def _config() -> Config:
    return Config.model_validate(
        {
            "kafka": {"bootstrap_servers": "127.0.0.1:1", "group_id": "g", "topics": ["orders"]},
            "track": {"endpoint": "https://track.example", "api_key": "k"},
            "dead_letter": {"topic": "letters", "redact": ["data.email"]},
            "mapping": {
                "user_id": "data.user",
                "never_send": ["data.card"],
                "per_topic": {"orders": {"never_send": ["data.city"]}},
                "events": {"order.completed": {"event_name": "Ordered"}},
            },
        }
    )


@pytest.fixture
def logged() -> list[str]:
    return []


def _events(logged: list[str]) -> Events:
    class Logger:
        def info(self, event: str, **_: object) -> None:
            logged.append(event)

    return Events(Logger(), lambda: 0.0)  # type: ignore[arg-type]
